"""Expressions that look tokens up: ``embed``, ``ids``, ``words``, ``known`` and ``oov_rate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from polargram.handles import plugin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from polars._typing import IntoExpr, PolarsDataType

    from polargram.common import CommonComponents
    from polargram.handles import VectorsLike

__all__ = ["embed", "ids", "known", "oov_rate", "words"]

#: Weights that follow from the counts of the vectors' file.
WEIGHTS = ("sif", "usif", "idf")


def embed(
    expr: IntoExpr,
    vectors: VectorsLike,
    *,
    pooling: Literal["mean", "sum", "max", "min", "first", "last"] | None = None,
    weights: IntoExpr | None = None,
    normalize: bool = False,
    oov: Literal["null", "zero", "error"] | ArrayLike = "null",
    dtype: PolarsDataType = pl.Float32,
    remove_common: CommonComponents | None = None,
) -> pl.Expr:
    """Look words or integers up: a vector for each, or with ``pooling`` one for each list of them.

    The expression is elementwise: it runs eagerly, lazily and in the streaming engine, and its type is known when the
    plan is resolved. A file of vectors is opened once per process, and memory-mapped. A file that was removed or
    replaced is let go at the next lookup. Of files that are still there, the eight used last and those used within a
    minute stay mapped: :mod:`polargram.registry` lists them.

    Nulls have no vector: a null word gives null, a null list gives null, and a null in a list is left out of what is
    pooled.

    Parameters
    ----------
    expr
        A column of strings (String, Categorical or Enum) or integers, or of lists or arrays of them. Integers are keys
        where the vectors' keys are integers, and row numbers where they are text. Strings are refused where keys are
        integers: cast them first.
    vectors
        A file of any format that :meth:`KeyedVectors.load` reads; the URL of one in a store, whose settings come from
        the environment; :class:`KeyedVectors`; or a :class:`Word2Vec`. A plan that holds a path or URL may be pickled
        and run elsewhere; one that holds vectors in memory runs in this process alone, and looks words up in what they
        have when it runs. Vectors that nobody else holds are kept for a minute after their last use.
    pooling
        How the vectors of a list become one: ``"mean"``, ``"sum"``, ``"max"`` and ``"min"`` (of each dimension),
        ``"first"`` or ``"last"``, over the words that have a vector. Without, a list of words becomes a list of
        vectors.
    weights
        For a mean or a sum: a column of lists of numbers, one for each token, where a null leaves its token out; or
        weights that follow from the counts in the file, with the frequency p of a word: ``"sif"``, a/(a+p) with
        a = 0.001 (Arora et al. 2017), ``"usif"``, a/(a/2+p) (Ethayarajh 2018), or ``"idf"``, -ln p. A mean is divided
        by the sum of a column's weights, and with weights by frequency by the number of words, as in the papers.
    normalize
        True to scale each result to length 1; zeros stay.
    oov
        What stands for a word without a vector: ``"null"``, nothing; ``"zero"`` or a vector, which then counts in what
        is pooled; ``"error"``, an error that names it.
    dtype
        ``pl.Float32``, or ``pl.Float16`` for lists of half precision.
    remove_common
        What :func:`polargram.fit_common` has learnt; it is taken out of each result, before it is normalised.

    Returns
    -------
    An expression of ``Array(Float32, d)``, or ``List(Float16)``; of lists without pooling, a list of these. Null where
    no word is known.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> model = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1)
    >>> model.wv.save("vectors.arrow")
    >>> frame = pl.DataFrame({"tokens": [["the", "cat"], ["unknown"]]})
    >>> out = frame.select(pg.embed("tokens", "vectors.arrow", pooling="mean"))
    >>> out.schema["tokens"]
    Array(Float32, shape=(4,))
    >>> out["tokens"].null_count()
    1
    >>> weighted = frame.select(pg.embed("tokens", model, pooling="mean", weights="sif", normalize=True, oov="zero"))
    >>> weighted["tokens"].null_count()
    0
    """
    if pooling is not None and not isinstance(pooling, str):
        msg = f'pooling: expected a name, as "mean", or None, not {pooling!r}'
        raise TypeError(msg)
    options: dict[str, Any] = {"pooling": pooling, "normalize": bool(normalize), "oov": _oov(oov)}
    options["half"] = _is_half(dtype)
    args = [expr]
    if isinstance(weights, str) and weights in WEIGHTS:
        options["weights"] = weights
    elif weights is not None:
        args.append(weights)
    if remove_common is not None:
        options["remove_common"] = remove_common.options()
    return plugin("embed", args, vectors, options)


def _oov(oov: str | ArrayLike) -> str | list[float]:
    if isinstance(oov, str):
        return oov
    try:
        vector = np.asarray(oov, dtype=np.float32)
    except (TypeError, ValueError):
        vector = np.empty((0, 0), dtype=np.float32)
    if vector.ndim != 1:
        msg = f'oov: expected "null", "zero", "error" or a vector, not {oov!r}'
        raise TypeError(msg)
    return [float(value) for value in vector]


def _is_half(dtype: PolarsDataType) -> bool:
    # Not every Polars of this range has Float16.
    if dtype in (pl.Float32, getattr(pl, "Float16", pl.Float32)):
        return dtype != pl.Float32
    msg = f"dtype: expected pl.Float32 or pl.Float16, not {dtype!r}"
    raise TypeError(msg)


def ids(expr: IntoExpr, vectors: VectorsLike) -> pl.Expr:
    """Give the row number of each token, as ``UInt32``; null for tokens that have no row.

    Parameters
    ----------
    expr
        Tokens, or lists of them: see :func:`polargram.embed`.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
    >>> pl.DataFrame({"word": ["the", "dog"]}).select(pg.ids("word", wv))["word"].to_list()
    [0, None]
    """
    return plugin("ids", [expr], vectors)


def words(expr: IntoExpr, vectors: VectorsLike) -> pl.Expr:
    """Give the key of each row number; null where there is no such row. It is the reverse of :func:`polargram.ids`.

    Parameters
    ----------
    expr
        Integers, or lists of them.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
    >>> pl.DataFrame({"id": [[0, 99]]}).select(pg.words("id", wv))["id"].to_list()
    [['the', None]]
    """
    return plugin("words", [expr], vectors)


def known(expr: IntoExpr, vectors: VectorsLike) -> pl.Expr:
    """Tell of each token whether it has a vector; null for nulls.

    With fastText's n-grams every word has one.

    Parameters
    ----------
    expr
        Tokens, or lists of them: see :func:`polargram.embed`.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> pl.DataFrame({"word": ["cat", "dog", None]}).filter(pg.known("word", wv))["word"].to_list()
    ['cat']
    """
    return plugin("known", [expr], vectors)


def oov_rate(expr: IntoExpr, vectors: VectorsLike) -> pl.Expr:
    """Give the share of each list's tokens that have no vector, from 0 to 1; null for lists of no tokens.

    Parameters
    ----------
    expr
        Lists of tokens: see :func:`polargram.embed`.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> pl.DataFrame({"tokens": [["the", "dog"], []]}).select(pg.oov_rate("tokens", wv))["tokens"].to_list()
    [0.5, None]
    """
    return plugin("oov_rate", [expr], vectors)
