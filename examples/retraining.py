"""Vectors that are trained again every day, and what was built on yesterday's, which goes on working.

    python examples/retraining.py [YESTERDAY.parquet TODAY.parquet] [COLUMN]

Both files have a column of lists of tokens (``tokens``, or COLUMN). Without them some are made: today has new words.
There are two ways to today's vectors. An update is cheap: ``build_vocab(update=True)`` adds the new words, and training
goes on over today's sentences alone. A model from scratch sees both days, but its space is turned differently. After
either, ``align_to`` turns the vectors into yesterday's space. A classifier of sentences, made for yesterday's vectors,
tells what that is worth.
"""

from __future__ import annotations

import copy
import sys

import numpy as np
import polars as pl
from numpy.typing import NDArray

import polargram as pg

TOPICS = {
    "weather": "rain snow wind storm cloud sun frost fog thunder hail",
    "kitchen": "bread soup knife oven pan butter flour salt plate spoon",
    "railway": "train track station signal carriage platform engine driver ticket tunnel",
}
#: Words that nobody used before today.
NEW = {"weather": "heatwave cloudburst", "kitchen": "airfryer sourdough", "railway": "maglev e-ticket"}


# %% 1. Two days


def generated(day: int, sentences: int = 3000) -> pl.DataFrame:
    """Sentences of a topic each, two thirds of their words common ones. From day 1 on, many use new words."""
    rng = np.random.default_rng(day)
    common = ["the", "a", "of", "in", "was", "and", "is", "from", "with", "by"]
    rows = []
    for topic in rng.choice(list(TOPICS), sentences):
        words = TOPICS[topic].split() + (8 * NEW[topic].split() if day else [])
        tokens = np.concatenate([rng.choice(words, 3), rng.choice(common, 6)])
        rows.append({"topic": topic, "tokens": rng.permutation(tokens).tolist()})
    return pl.DataFrame(rows)


def read(arguments: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not arguments:
        return generated(0), generated(1)
    column = arguments[2] if len(arguments) > 2 else "tokens"
    yesterday, today = (pl.read_parquet(path).select(tokens=column) for path in arguments[:2])
    return yesterday, today


# %% 2. Yesterday's model, and two of today


def trained(sentences: pl.DataFrame, seed: int) -> pg.Word2Vec:
    return pg.Word2Vec(sentences, vector_size=32, sg=1, epochs=5, seed=seed)


def updated(model: pg.Word2Vec, sentences: pl.DataFrame) -> pg.Word2Vec:
    """The same model, which has learnt today's words too."""
    model.build_vocab(sentences, update=True)
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    return model


# %% 3. What was built on yesterday's vectors: a classifier that knows the mean vector of each topic


def embedded(sentences: pl.DataFrame, wv: pg.KeyedVectors) -> pl.DataFrame:
    vector = pl.col("tokens").w2v.embed(wv, pooling="mean", weights="sif", normalize=True)
    return sentences.select("topic", vector=vector).drop_nulls()


def fit(sentences: pl.DataFrame, wv: pg.KeyedVectors) -> dict[str, NDArray[np.float32]]:
    parts = embedded(sentences, wv).partition_by("topic", as_dict=True)
    return {str(topic): part["vector"].to_numpy().mean(axis=0) for (topic,), part in parts.items()}


def accuracy(classifier: dict[str, NDArray[np.float32]], sentences: pl.DataFrame, wv: pg.KeyedVectors) -> float:
    rows = embedded(sentences, wv)
    scores = rows["vector"].to_numpy() @ np.stack([*classifier.values()]).T
    return float(np.mean(np.array([*classifier])[scores.argmax(axis=1)] == rows["topic"].to_numpy()))


def main(arguments: list[str]) -> None:
    yesterday, today = read(arguments)
    model = trained(yesterday, seed=1)
    old = copy.deepcopy(model.wv)
    both = pl.concat([yesterday, today])
    spaces = {"updated": updated(model, today).wv, "from scratch": trained(both, seed=2).wv}
    has_topics = "topic" in yesterday.columns
    classifier = fit(yesterday, old) if has_topics else {}

    def report(name: str, wv: pg.KeyedVectors, cosine: float) -> None:
        right = f"{accuracy(classifier, today, wv):8.1%}" if has_topics else "not known"
        print(f"  {name:22}  {len(wv):5}  {cosine:11.2f}  {right}")

    print("today's vectors         words  mean cosine  sentences that yesterday's classifier gets right")
    report("yesterday's", old, 1.0)
    for name, wv in spaces.items():
        aligned = wv.align_to(old)
        report(name, wv, aligned.alignment.cosine_before)
        report(f"{name}, aligned", aligned, aligned.alignment.cosine_after)


if __name__ == "__main__":
    main(sys.argv[1:])
