"""Vectors of phrases: learn which words belong together, train over them as one token each, and ask for a phrase.

    python examples/phrases.py [CORPUS | --generated]

CORPUS is a Parquet file, or a directory of them, with a column ``tokens``. Without it the sentences of Wikipedia in
../shared/data are read, and without those, or with ``--generated``, some are made.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl

import polargram as pg

SHARED = Path(__file__).absolute().parents[2] / "shared" / "data" / "enwiki-tokens"
#: The phrase whose neighbours are wanted, as the corpus writes it.
ASKED = ["new", "york"]
CITIES = ["new york", "los angeles", "san francisco", "chicago", "boston", "toronto", "london", "paris"]


# %% 1. Sentences


def generated() -> pl.DataFrame:
    """Sentences about cities and about food. The words of a city's name also stand alone, in other company."""
    rng = random.Random(16)
    subjects = {
        "city": (CITIES, ["train", "bus", "plane", "road", "coach", "tram"], ["late", "crowded", "slow", "empty"]),
        "food": (
            ["new potatoes", "green tea", "bread", "soup", "rice", "york ham", "san marzano", "cheese"],
            ["plate", "bowl", "cup", "pan", "smell", "taste"],
            ["hot", "sweet", "salty", "fresh"],
        ),
    }
    sentences = []
    for _ in range(6000):
        names, things, qualities = rng.choice([*subjects.values()])
        link, verb, quality = (
            rng.choice(["of", "for", "from", "with"]),
            rng.choice(["was", "is"]),
            rng.choice(qualities),
        )
        sentence = (
            f"the {rng.choice(things)} {link} {rng.choice(names)} {verb} {quality} {rng.choice(['today', 'again'])}"
        )
        sentences.append(sentence.split())
    return pl.DataFrame({"tokens": sentences})


def corpus_of(arguments: list[str]) -> str | pl.DataFrame:
    match arguments:
        case ["--generated"]:
            return generated()
        case [corpus]:
            return corpus
        case _:
            return str(SHARED) if SHARED.exists() else generated()


# %% 2. Phrases, and vectors over them. The corpus with its phrases joined is never stored: each epoch joins them anew


def train(corpus: str | pl.DataFrame) -> tuple[pg.Phrases, pg.KeyedVectors]:
    phrases = pg.Phrases(corpus, scoring="npmi", threshold=0.5, connector_words=pg.ENGLISH_CONNECTOR_WORDS)
    model = pg.Word2Vec(phrases[corpus], vector_size=64, sg=1, epochs=3, window=5, seed=1)
    return phrases, model.wv


# %% 3. A question of two words is joined as the corpus was, and has one vector


def main(arguments: list[str]) -> None:
    phrases, wv = train(corpus_of(arguments))
    table = phrases.to_frame()
    print(f"{table.height} phrases, of which these are the most frequent:")
    for phrase, score, count in table.top_k(8, by="count").iter_rows():
        print(f"  {score:.2f}  {count:6}  {phrase}")
    print(f"\n{' '.join(ASKED)} is near to")
    [asked] = phrases[ASKED]
    for near, cosine in wv.most_similar(asked, topn=8):
        print(f"  {cosine:.2f}  {near}")


if __name__ == "__main__":
    main(sys.argv[1:])
