"""Related articles from raw text: tokenise, train and embed in one lazy pipeline, then find what is near.

    python examples/articles.py [ARTICLES.parquet] [COLUMN]

ARTICLES.parquet has a column of text (``text``, or COLUMN). Without it the articles of ../shared/data are read, and
without those some are generated.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import polargram  # noqa: F401

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
    if arguments:
        column = arguments[1] if len(arguments) > 1 else "text"
        return pl.scan_parquet(arguments[0]).rename({column: "text"} if column != "text" else {})
    return pl.scan_parquet(SHARED) if SHARED.exists() else generated()


# %% 2. One lazy pipeline: each step is an expression, and nothing is collected before the last line


def embed(articles: pl.LazyFrame, vectors: Path) -> pl.DataFrame:
    """Train on the articles, save the vectors, and give each article the mean vector of its words."""
    tokenised = articles.with_columns(tokens=pl.col("text").str.to_lowercase().str.extract_all(r"\p{Alphabetic}+"))
    tokenised.w2v.train(vector_size=64, sg=1, epochs=3, min_count=3, window=5, seed=1).wv.save(vectors)
    embedded = tokenised.with_columns(embedding=pl.col("tokens").w2v.embed(vectors, pooling="mean"))
    return embedded.filter(pl.col("embedding").is_not_null()).drop("tokens").collect(engine="streaming")


# %% 3. Related articles: the cosines of all with one, less what all articles have in common


def related(articles: pl.DataFrame, row: int, topn: int = 3) -> pl.DataFrame:
    matrix = articles["embedding"].to_numpy().astype(np.float64)
    matrix = matrix - matrix.mean(axis=0)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    scored = articles.with_columns(cosine=pl.Series(matrix @ matrix[row])).with_row_index("row")
    return scored.filter(pl.col("row") != row).top_k(topn, by="cosine")


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
        for other, cosine in near.select("row", "cosine").iter_rows():
            print(f"  {cosine:.2f}  {name_of(articles, other)}")


if __name__ == "__main__":
    main(sys.argv[1:])
