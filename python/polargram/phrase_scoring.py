"""How pairs of words are scored: gensim's two functions, functions of the user's, and Polars expressions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import log
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["Scoring", "native_scoring", "npmi_scorer", "original_scorer", "plain"]

#: How pairs of words are scored: a name, SQL, a function of gensim's six parameters, or a Polars expression.
Scoring: TypeAlias = str | Callable[..., float] | pl.Expr

_SCORER_PARAMETERS = ("worda_count", "wordb_count", "bigram_count", "len_vocab", "min_count", "corpus_word_count")


def original_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: float,
    corpus_word_count: int,
) -> float:
    """Score two words as Mikolov et al. (2013) do: ``scoring="default"``.

    Examples
    --------
    >>> import polargram as pg
    >>> pg.phrases.original_scorer(10, 10, 8, len_vocab=1000, min_count=5, corpus_word_count=0)
    30.0
    """
    both = worda_count * wordb_count
    return (bigram_count - min_count) / float(both) * len_vocab if both else float("-inf")


def npmi_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: float,
    corpus_word_count: int,
) -> float:
    """Score two words by normalised pointwise mutual information, from -1 to 1 (Bouma 2009): ``scoring="npmi"``.

    Examples
    --------
    >>> import polargram as pg
    >>> round(pg.phrases.npmi_scorer(10, 10, 10, len_vocab=0, min_count=5, corpus_word_count=1000), 9)
    1.0
    """
    if bigram_count < min_count:
        return float("-inf")
    words = float(corpus_word_count)
    share_a, share_b, share = worda_count / words, wordb_count / words, bigram_count / words
    try:
        return log(share / (share_a * share_b)) / -log(share)
    except (ValueError, ZeroDivisionError):
        return float("-inf")


def native_scoring(scoring: Scoring | None) -> dict[str, Any]:
    """A name or SQL as ``scoring``, or else a function of the counts of many pairs as ``scorer``."""
    if scoring is None or isinstance(scoring, str):
        return {"scoring": scoring, "scorer": None}
    if scoring is original_scorer or scoring is npmi_scorer:
        return {"scoring": "default" if scoring is original_scorer else "npmi", "scorer": None}
    if isinstance(scoring, pl.Expr):
        return {"scoring": None, "scorer": _scorer_of_expression(scoring)}
    if not callable(scoring):
        msg = f"scoring: {scoring!r} is neither a name, nor a function, nor a Polars expression"
        raise TypeError(msg)
    parameters = inspect.signature(scoring).parameters
    missing = [name for name in _SCORER_PARAMETERS if name not in parameters]
    if missing:
        msg = f"scoring: the scoring function is missing expected parameters {missing}"
        raise ValueError(msg)
    return {"scoring": None, "scorer": _scorer_of_function(scoring)}


_Counts: TypeAlias = NDArray[np.uint64]
_Scorer: TypeAlias = Callable[[_Counts, _Counts, _Counts, int, float, int], NDArray[np.float64]]


def _scorer_of_function(function: Callable[..., float]) -> _Scorer:
    def scores(a: _Counts, b: _Counts, ab: _Counts, len_vocab: int, min_count: float, words: int) -> Any:
        constant = {"len_vocab": len_vocab, "min_count": plain(min_count), "corpus_word_count": words}
        counts = zip(a.tolist(), b.tolist(), ab.tolist(), strict=True)
        given = (function(worda_count=a, wordb_count=b, bigram_count=ab, **constant) for a, b, ab in counts)
        return np.fromiter(given, dtype=np.float64, count=len(a))

    return scores


def _scorer_of_expression(expression: pl.Expr) -> _Scorer:
    def scores(a: _Counts, b: _Counts, ab: _Counts, len_vocab: int, min_count: float, words: int) -> Any:
        # Floats, so that differences may be negative.
        columns: dict[str, Any] = {"count_a": a, "count_b": b, "count_ab": ab}
        frame = pl.DataFrame({name: counts.astype(np.float64) for name, counts in columns.items()}).with_columns(
            len_vocab=pl.lit(float(len_vocab)), min_count=pl.lit(min_count), corpus_word_count=pl.lit(float(words))
        )
        try:
            score = frame.select(score=expression.cast(pl.Float64))["score"]
        except pl.exceptions.PolarsError as error:
            msg = f"scoring: the expression fails over the columns {', '.join(frame.columns)}: {error}"
            raise ValueError(msg) from error
        if len(score) != len(frame):
            msg = f"scoring: the expression gives {len(score)} values for {len(frame)} pairs"
            raise ValueError(msg)
        return score.fill_null(float("-inf")).to_numpy().copy()

    return scores


def plain(value: float) -> float:
    """A whole number as an ``int``, as users write it."""
    return int(value) if value.is_integer() else value
