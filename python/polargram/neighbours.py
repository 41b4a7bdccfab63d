"""Expressions that find what is near, and ``nearest``, which joins frames by their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import polars as pl

import polargram._polargram as _native
from polargram.handles import plugin

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from polars._typing import IntoExpr

    from polargram.handles import VectorsLike

__all__ = ["analogy", "doesnt_match", "most_similar", "nearest", "similarity"]

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def similarity(
    a: IntoExpr,
    b: IntoExpr,
    vectors: VectorsLike,
    *,
    pooling: Literal["mean", "sum", "max", "min", "first", "last"] = "mean",
) -> pl.Expr:
    """Give the cosine of two columns, row by row, from -1 to 1.

    Parameters
    ----------
    a, b
        Each a column of tokens, of lists of tokens, or of vectors (``Array`` or ``List`` of floats).
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.
    pooling
        How a list of tokens becomes one vector: see :func:`polargram.embed`.

    Returns
    -------
    An expression of ``Float32``; null where one of the two has no vector.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> frame = pl.DataFrame({"word": ["cat", "dog"]})
    >>> frame.select(pg.similarity("word", pl.lit("cat"), wv).round(4))["word"].to_list()
    [1.0, None]
    """
    return plugin("similarity", [a, b], vectors, {"pooling": pooling})


def most_similar(expr: IntoExpr, vectors: VectorsLike, topn: int = 10) -> pl.Expr:
    """Give the keys nearest to each row, and their cosines, the nearest first.

    All rows of a chunk are searched for at once, on all cores. Each gets what :meth:`KeyedVectors.most_similar` gives.

    Parameters
    ----------
    expr
        Tokens; lists of tokens, which are asked for together; or vectors (``Array`` or ``List`` of floats). The tokens
        that are asked with are left out of what is found.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.
    topn
        How many to give for each row.

    Returns
    -------
    An expression of ``List(Struct{word, score})``; null where no token is known.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> out = pl.DataFrame({"word": ["cat"]}).select(pg.most_similar("word", wv, topn=2))
    >>> sorted(found["word"] for found in out["word"][0])
    ['sat', 'the']
    """
    return plugin("most_similar", [expr], vectors, {"topn": _topn(topn)})


def analogy(a: IntoExpr, b: IntoExpr, c: IntoExpr, vectors: VectorsLike, topn: int = 10) -> pl.Expr:
    """Give what is to ``c`` as ``b`` is to ``a``: what is near to b - a + c (3CosAdd; Mikolov et al. 2013).

    Parameters
    ----------
    a, b, c
        Columns of tokens.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.
    topn
        How many to give for each row.

    Returns
    -------
    An expression of ``List(Struct{word, score})``; null where one of the three is unknown.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["man", "woman", "king", "queen"]] * 50, vector_size=4, workers=1).wv
    >>> out = pl.select(pg.analogy(pl.lit("man"), pl.lit("woman"), pl.lit("king"), wv, topn=1).alias("found"))
    >>> out["found"][0][0]["word"]
    'queen'
    """
    return plugin("analogy", [a, b, c], vectors, {"topn": _topn(topn)})


def doesnt_match(expr: IntoExpr, vectors: VectorsLike) -> pl.Expr:
    """Give the word of each list that is farthest from the mean of all. Words without a row are left out.

    Parameters
    ----------
    expr
        Lists of tokens.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.

    Returns
    -------
    An expression of keys; null where no word is known.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.KeyedVectors(2)
    >>> wv.add_vectors(["cat", "dog", "car"], [[1, 0], [1, 0.1], [0, 1]])
    >>> pl.DataFrame({"words": [["cat", "dog", "car"]]}).select(pg.doesnt_match("words", wv)).item()
    'car'
    """
    return plugin("doesnt_match", [expr], vectors)


def _topn(topn: int) -> int:
    if isinstance(topn, bool) or not isinstance(topn, (int, np.integer)) or topn < 0:
        msg = f"topn: expected a whole number of at least 0, not {topn!r}"
        raise ValueError(msg)
    return int(topn)


def nearest(
    left: Frame,
    right: pl.DataFrame | pl.LazyFrame,
    *,
    on: str | None = None,
    left_on: str | None = None,
    right_on: str | None = None,
    topn: int = 10,
    score: str = "score",
    suffix: str = "_right",
) -> Frame:
    """Join each row of a frame with the rows of another whose vectors are nearest by cosine.

    The search is exact, and takes all cores and about the time of the product of the two matrices, which is never in
    memory.

    Parameters
    ----------
    left, right
        Frames with a column of vectors each (``Array`` or ``List`` of floats), of the same dimensions. Rows whose
        vector is null are left out.
    on, left_on, right_on
        The names of the columns of vectors: ``on`` if they are the same.
    topn
        How many rows of ``right`` to give for each of ``left``.
    score
        The name of the column of cosines.
    suffix
        What is added to names of ``right`` that ``left`` has too.

    Returns
    -------
    A frame of the same kind as ``left``: for each of its rows, in order, up to ``topn`` rows, the nearest first. It has
    the columns of ``left``, those of ``right`` without its vectors, and the scores.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> places = pl.DataFrame({"place": ["north", "east"], "v": [[0.0, 1.0], [1.0, 0.0]]})
    >>> winds = pl.DataFrame({"wind": ["bora", "mistral"], "v": [[0.9, 0.1], [-0.1, 0.9]]})
    >>> pg.nearest(places, winds, on="v", topn=1).select("place", "wind").rows()
    [('north', 'mistral'), ('east', 'bora')]
    """
    names = (left_on or on, right_on or on)
    if names[0] is None or names[1] is None:
        msg = "name the columns of vectors: on=…, or left_on=… and right_on=…"
        raise TypeError(msg)
    join = _Nearest(names[0], names[1], _topn(topn), score, suffix)
    if isinstance(left, pl.DataFrame):
        return join(left, right)
    schema = join.schema(left.collect_schema(), right.collect_schema())
    return left.map_batches(
        lambda frame: join(frame, right),
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
        schema=schema,
    )


class _Nearest:
    def __init__(self, left_on: str, right_on: str, topn: int, score: str, suffix: str) -> None:
        self.left_on, self.right_on, self.topn, self.score, self.suffix = left_on, right_on, topn, score, suffix

    def renamed(self, left: Any, right: Any) -> dict[str, str]:
        """Name the columns of the right frame in the result."""
        new = {name: f"{name}{self.suffix}" if name in left else name for name in right if name != self.right_on}
        names = [*left, *new.values(), self.score]
        if repeated := {name for name in names if names.count(name) > 1}:
            msg = f"{sorted(repeated)}: these names would stand twice in the result; choose another suffix or score"
            raise pl.exceptions.DuplicateError(msg)
        return new

    def schema(self, left: pl.Schema, right: pl.Schema) -> pl.Schema:
        for schema, name in ((left, self.left_on), (right, self.right_on)):
            _check_vectors(name, schema)
        new = self.renamed(left, right)
        columns = {**left, **{new[name]: dtype for name, dtype in right.items() if name in new}}
        return pl.Schema({**columns, self.score: pl.Float32()})

    def __call__(self, left: pl.DataFrame, right: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        right = right.lazy().collect()
        self.schema(left.schema, right.schema)
        left = left.filter(pl.col(self.left_on).is_not_null())
        right = right.filter(pl.col(self.right_on).is_not_null())
        new = self.renamed(left.columns, right.columns)
        rows = np.empty((left.height, 0), dtype=np.int64)
        scores = np.empty((left.height, 0), dtype=np.float32)
        if left.height and right.height:
            queries, table = _matrix(left[self.left_on]), _matrix(right[self.right_on])
            rows, scores = _native.nearest_rows(queries, table, self.topn)
        of_left = np.repeat(np.arange(left.height), rows.shape[1])
        joined = left[of_left]
        # A frame of no columns has no rows to take.
        if new:
            joined = joined.hstack(right.select(new.keys()).rename(new)[rows.ravel()])
        return joined.with_columns(pl.Series(self.score, scores.ravel(), dtype=pl.Float32))


def _check_vectors(name: str, schema: pl.Schema) -> None:
    if name not in schema:
        msg = f"{name!r} is not a column; there are {list(schema)}"
        raise pl.exceptions.ColumnNotFoundError(msg)
    dtype = schema[name]
    if not isinstance(dtype, (pl.Array, pl.List)) or not (dtype.inner.is_float() or dtype.inner == pl.Null):
        msg = f"column {name!r} is {dtype}; expected vectors: Array or List of floats"
        raise pl.exceptions.InvalidOperationError(msg)


def _matrix(vectors: pl.Series) -> NDArray[np.float32]:
    lists = vectors.arr.to_list() if isinstance(vectors.dtype, pl.Array) else vectors
    size = int(lists.list.len()[0])
    if (lists.list.drop_nulls().list.len() != size).any() or (lists.list.len() != size).any() or not size:
        msg = f"column {vectors.name!r}: expected vectors of one length, {size} as the first, without nulls in them"
        raise pl.exceptions.ShapeError(msg)
    matrix: NDArray[np.float32] = lists.cast(pl.Array(pl.Float32, size)).to_numpy().reshape(len(vectors), size)
    return np.ascontiguousarray(matrix, dtype=np.float32)
