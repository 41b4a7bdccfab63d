"""Vectors of documents from those of their words, and documents that belong together.

    python examples/documents.py [DOCUMENTS.parquet] [COLUMN]

DOCUMENTS.parquet has a column of text (``text``, or COLUMN). Without it some are made, in which one word in ten is
about the topic. Three ways to pool the words of a document are compared: the mean; SIF, in which a frequent word
weighs less (Arora et al. 2017); and SIF without the direction that all documents have in common. Then a question
finds documents.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import polargram as pg

TOPICS = {
    "weather": "rain snow wind storm cloud sun frost fog thunder hail drizzle heat",
    "kitchen": "bread soup knife oven pan butter flour salt plate spoon recipe kettle",
    "railway": "train track station signal carriage platform engine driver ticket tunnel junction timetable",
    "garden": "rose tulip hedge lawn spade seed soil compost bulb greenhouse weed shears",
}
COMMON = "the a of in was and is from with by some that it on for at as his her they"
QUESTION = "a storm with thunder and some hail"


# %% 1. Documents


def generated(documents: int = 2000) -> pl.LazyFrame:
    """Short documents. Most of their words are common ones, and each author likes some of these more than others."""
    rng = random.Random(17)
    common = COMMON.split()
    authors = [[rng.paretovariate(1) for _ in common] for _ in range(20)]
    rows = []
    for number in range(documents):
        topic = list(TOPICS)[number % len(TOPICS)]
        words = rng.choices(TOPICS[topic].split(), k=3) + rng.choices(common, rng.choice(authors), k=26)
        words += [rng.choice(rng.choice([*TOPICS.values()]).split()) for _ in range(2)]
        rng.shuffle(words)
        rows.append({"document": number, "topic": topic, "text": " ".join(words)})
    return pl.LazyFrame(rows)


def read(arguments: list[str]) -> pl.LazyFrame:
    if not arguments:
        return generated()
    column = arguments[1] if len(arguments) > 1 else "text"
    return pl.scan_parquet(arguments[0]).select(text=column).with_row_index("document")


# %% 2. Words, and documents by pooling them


def poolings(documents: pl.LazyFrame, vectors: Path) -> dict[str, pl.Expr]:
    tokens = pl.col("tokens")
    common = pg.fit_common(documents, tokens, vectors, weights="sif")
    return {
        "mean": tokens.w2v.embed(vectors, pooling="mean"),
        "SIF": tokens.w2v.embed(vectors, pooling="mean", weights="sif"),
        "SIF less common": tokens.w2v.embed(vectors, pooling="mean", weights="sif", remove_common=common),
    }


# %% 3. What is near


def related(embedded: pl.DataFrame, on: str, topn: int = 5) -> pl.DataFrame:
    """The nearest other documents of each."""
    near = pg.nearest(embedded, embedded, on=on, topn=topn + 1, score="cosine")
    return near.filter(pl.col("document") != pl.col("document_right"))


def same_topic(embedded: pl.DataFrame, on: str) -> float:
    """The share of related documents that are of the same topic."""
    return float(related(embedded, on).select((pl.col("topic") == pl.col("topic_right")).mean()).item())


def mean_cosine(embedded: pl.DataFrame, on: str) -> float:
    """The mean cosine of any two documents: how much all are alike."""
    vectors = embedded[on].to_numpy()
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float(np.sum(directions.mean(axis=0) ** 2))


def answer(question: str, embedded: pl.DataFrame, pooling: pl.Expr, topn: int = 3) -> pl.DataFrame:
    """The documents that are nearest to a question, which is embedded as they were."""
    asked = pl.DataFrame({"question": [question]}).with_columns(tokens=tokens_of("question"))
    return pg.nearest(asked.select(vector=pooling), embedded, left_on="vector", right_on="SIF less common", topn=topn)


def tokens_of(column: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase().str.extract_all(r"\p{Alphabetic}+")


def main(arguments: list[str]) -> None:
    documents = read(arguments).with_columns(tokens=tokens_of("text"))
    with tempfile.TemporaryDirectory() as directory:
        vectors = Path(directory) / "vectors.arrow"
        documents.w2v.train(vector_size=32, sg=1, min_count=2, epochs=5, seed=1).wv.save(vectors)
        ways = poolings(documents, vectors)
        embedded = documents.with_columns(**ways).drop("tokens").collect(engine="streaming")
        found = answer(QUESTION, embedded, ways["SIF less common"])
    print(f"{embedded.height} documents, {embedded.schema['mean']}")
    print("  of the same topic  mean cosine")
    print("  (nearest 5)        (any two)")
    for way in ways:
        same = f"{same_topic(embedded, way):.1%}" if "topic" in embedded.columns else "not known"
        print(f"  {same:17}  {mean_cosine(embedded, way):11.2f}  {way}")
    print(f"\n{QUESTION!r} is near to")
    for cosine, text in found.select("score", "text").iter_rows():
        print(f"  {cosine:.2f}  {text[:90]}")


if __name__ == "__main__":
    main(sys.argv[1:])
