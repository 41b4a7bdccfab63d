"""Related articles from raw text: tokenise, train and embed in one lazy pipeline, then find what is near.

    python examples/articles.py [ARTICLES.parquet | --generated] [COLUMN]

ARTICLES.parquet has a column of text (``text``, or COLUMN). Without it the articles of ../shared/data are read, and
without those, or with ``--generated``, some are made.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import polars as pl

import polargram as pg

SHARED = Path(__file__).absolute().parents[2] / "shared" / "data" / "enwiki-articles.parquet"
TOPICS = {
    "music": "piano violin concert orchestra melody composer opera song rhythm choir",
    "space": "planet orbit star telescope galaxy comet moon rocket gravity astronomer",
    "sea": "ship harbour sailor tide island whale coral anchor storm lighthouse",
}


# %% 1. Raw articles


def generated() -> pl.LazyFrame:
    """Articles of three topics, each of which speaks in its own words."""
    rng = random.Random(15)
    common = ["the", "a", "of", "in", "was", "and", "is", "from", "with", "by"]
    titles, texts = [], []
    for number in range(600):
        topic = list(TOPICS)[number % len(TOPICS)]
        words = rng.choices(TOPICS[topic].split(), k=40) + rng.choices(common, k=40)
        rng.shuffle(words)
        titles.append(f"{topic} {number}")
        texts.append(" ".join(words).capitalize() + ".")
    return pl.LazyFrame({"title": titles, "text": texts})


def read(arguments: list[str]) -> pl.LazyFrame:
    if arguments == ["--generated"]:
        return generated()
    if arguments:
        column = arguments[1] if len(arguments) > 1 else "text"
        return pl.scan_parquet(arguments[0]).rename({column: "text"} if column != "text" else {})
    return pl.scan_parquet(SHARED) if SHARED.exists() else generated()


# %% 2. One lazy pipeline: tokenise, train, learn what all articles have in common, embed


def embed(articles: pl.LazyFrame, vectors: Path) -> pl.DataFrame:
    """Give each article the mean vector of its words, weighted by SIF, less what all articles have in common."""
    tokenised = articles.with_columns(tokens=pl.col("text").str.to_lowercase().str.extract_all(r"\p{Alphabetic}+"))
    tokenised.w2v.train(vector_size=64, sg=1, epochs=3, min_count=3, window=5, seed=1).wv.save(vectors)
    common = pg.fit_common(tokenised, "tokens", vectors, weights="sif")
    vector = pl.col("tokens").w2v.embed(vectors, pooling="mean", weights="sif", remove_common=common)
    embedded = tokenised.with_columns(embedding=vector).filter(pl.col("embedding").is_not_null())
    return embedded.drop("tokens").collect(engine="streaming")


# %% 3. Related articles: those whose vectors are nearest


def related(articles: pl.DataFrame, row: int, topn: int = 3) -> pl.DataFrame:
    numbered = articles.with_row_index("row")
    near = pg.nearest(numbered.filter(pl.col("row") == row), numbered, on="embedding", topn=topn + 1, score="cosine")
    return near.filter(pl.col("row_right") != row).head(topn)


def name_of(articles: pl.DataFrame, row: int) -> str:
    column = "title" if "title" in articles.columns else "text"
    return str(articles[column][row])[:60].replace("\n", " ")


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        articles = embed(read(arguments), Path(directory) / "vectors.arrow")
    print(f"{articles.height} articles, {articles.schema['embedding']}")
    for row in range(0, articles.height, max(1, articles.height // 4)):
        print(f"\n{name_of(articles, row)}")
        near = related(articles, row)
        for other, cosine in near.select("row_right", "cosine").iter_rows():
            print(f"  {cosine:.2f}  {name_of(articles, other)}")


if __name__ == "__main__":
    main(sys.argv[1:])
