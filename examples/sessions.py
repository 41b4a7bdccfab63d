"""Items that belong together, learnt from sessions: what people looked at, bought or heard, one after the other.

    python examples/sessions.py [SESSIONS.parquet] [COLUMN]

SESSIONS.parquet has a column of lists of item numbers (``items``, or COLUMN). Without it, sessions of a shop are made.
The last item of each session is held out, and guessed from the one before it. Three settings differ from those for
text (Caselles-Dupré et al. 2018): the keys are integers, ``window`` is as wide as a session, because its order says
little, and ``ns_exponent`` is below 0: then noise items are mostly rare ones, and what is popular stays near.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

import polargram as pg

#: Guesses for each session.
TOPN = 10
#: The setting for text, and the one for items.
EXPONENTS = {"for text": 0.75, "for items": -0.5}


# %% 1. Sessions


def generated(sessions: int = 10_000, categories: int = 50, per_category: int = 100) -> pl.DataFrame:
    """Sessions of 3 to 11 items. Nine of ten items are of the session's category, and few items of each are popular."""
    rng = np.random.default_rng(2018)
    popularity = 1 / np.arange(1, per_category + 1) ** 1.3
    share = 1 / np.arange(1, categories + 1) ** 0.8
    popularity, share = popularity / popularity.sum(), share / share.sum()
    items = rng.permutation(1_000_000)[: categories * per_category].reshape(categories, per_category)
    rows = []
    for category, length in zip(rng.choice(categories, sessions, p=share), rng.integers(3, 12, sessions), strict=True):
        strays = rng.choice(categories, length, p=share)
        of_category = np.where(rng.random(length) < 0.1, strays, category)
        rows.append(items[of_category, rng.choice(per_category, length, p=popularity)].tolist())
    return pl.DataFrame({"items": rows}, schema={"items": pl.List(pl.Int64)})


def read(arguments: list[str]) -> pl.DataFrame:
    if not arguments:
        return generated()
    column = arguments[1] if len(arguments) > 1 else "items"
    sessions = pl.read_parquet(arguments[0], columns=[column]).rename({column: "items"})
    return sessions.filter(pl.col("items").list.len() >= 3)


# %% 2. All but the last item of each session to learn from; the last two to ask about


def split(sessions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    items = pl.col("items")
    training = sessions.select(items.list.head(items.list.len() - 1))
    return training, sessions.select(seen=items.list.get(-2), next=items.list.get(-1))


def train(training: pl.DataFrame, ns_exponent: float) -> pg.KeyedVectors:
    longest = training.select(pl.col("items").list.len().max()).item()
    model = pg.Word2Vec(
        training,
        column="items",
        vector_size=24,
        sg=1,
        window=longest,
        shrink_windows=False,
        ns_exponent=ns_exponent,
        min_count=1,
        epochs=10,
        seed=1,
    )
    return model.wv


# %% 3. How often the next item is among the ten guesses


def hit_rate(questions: pl.DataFrame, guesses: pl.Expr) -> float:
    """The share of sessions whose next item is in the list of guesses. No guess is no hit."""
    is_hit = guesses.list.contains(pl.col("next")).fill_null(False)
    return float(questions.select(is_hit.mean()).item())


def nearest_items(wv: pg.KeyedVectors) -> pl.Expr:
    return pl.col("seen").w2v.most_similar(wv, topn=TOPN).list.eval(pl.element().struct.field("word"))


def most_popular(wv: pg.KeyedVectors) -> pl.Expr:
    """The same items for everyone: the baseline. Rows of vectors are sorted by count."""
    return pl.lit(pl.Series([wv.index_to_key[:TOPN]]))


def main(arguments: list[str]) -> None:
    training, questions = split(read(arguments))
    trained = {name: train(training, exponent) for name, exponent in EXPONENTS.items()}
    wv = trained["for items"]
    print(f"{training.height} sessions of {len(wv)} items; hit rate at {TOPN}:")
    print(f"  {hit_rate(questions, most_popular(wv)):6.1%}  the most popular items for everyone")
    for name, exponent in EXPONENTS.items():
        rate = hit_rate(questions, nearest_items(trained[name]))
        print(f"  {rate:6.1%}  the nearest items, ns_exponent={exponent} ({name})")
    item = wv.index_to_key[0]
    print(f"\nitem {item} is near to")
    for near, cosine in wv.most_similar(item, topn=5):
        print(f"  {cosine:.2f}  {near}")


if __name__ == "__main__":
    main(sys.argv[1:])
