"""Vectors as frames of Polars, and frames as vectors and as corpora."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from polargram._polargram import Vectors, load_vectors, vectors_frame

if TYPE_CHECKING:
    from typing_extensions import Self

    from polargram.word2vec import Word2Vec

__all__ = ["Frames", "W2VFrames", "scan_vectors"]

#: Rows that a scan filters at once.
_BATCH = 50_000


class Frames(Vectors):
    """What :class:`~polargram.KeyedVectors` has to do with frames."""

    def to_polars(self) -> pl.DataFrame:
        """Give the columns ``word``, ``count`` and ``vector``, which is ``Array(Float32, d)``.

        The vectors are not copied, unless a model holds them with padding (where d is no multiple of 16). So a frame of
        vectors in memory shows what later training or edits make of them, as :attr:`vectors` does; one of a
        :func:`copy.deepcopy` of them stays as it is.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> dict(wv.to_polars().schema)
        {'word': String, 'count': UInt64, 'vector': Array(Float32, shape=(4,))}
        """
        return pl.DataFrame(vectors_frame(self))

    @classmethod
    def from_frame(
        cls, df: pl.DataFrame | pl.LazyFrame, word: str = "word", vector: str = "vector", count: str | None = None
    ) -> Self:
        """Make a table of two columns of a frame.

        Parameters
        ----------
        df
            A DataFrame, or a LazyFrame, of which only these columns are collected.
        word
            The column of keys: text or integers, each once.
        vector
            The column of vectors: lists or arrays of numbers, all of one length.
        count
            A column of counts. By default they fall from row to row, to 1.

        Raises
        ------
        ValueError
            For a column that is not there or of another type, nulls, a key that repeats, and lists of
            different lengths.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> frame = pl.DataFrame({"title": ["x", "y"], "embedding": [[1.0, 2.0], [3.0, 4.0]]})
        >>> pg.KeyedVectors.from_frame(frame, word="title", vector="embedding")["y"]
        array([3., 4.], dtype=float32)
        """
        names = [word, vector] if count is None else [word, vector, count]
        schema = df.collect_schema()
        for name in names:
            if name not in schema:
                msg = f"{name!r}: the frame has no such column; it has {', '.join(map(repr, schema))}"
                raise ValueError(msg)
        frame = df.lazy().select(pl.col(name).alias(f"{i}") for i, name in enumerate(names)).collect()
        keys, matrix = _keys(frame["0"], word), _matrix(frame["1"], vector)
        counts = np.arange(len(keys), 0, -1) if count is None else _counts(frame["2"], count)
        wv: Any = cls.__new__(cls)
        wv._begin(matrix.shape[1])
        wv.add_vectors(keys, matrix, {"count": counts})
        made: Self = wv
        return made


def _without_nulls(column: pl.Series, name: str) -> pl.Series:
    if column.null_count():
        msg = f"{name!r}: row {column.is_null().arg_max()} is null; drop such rows first"
        raise ValueError(msg)
    return column


def _keys(column: pl.Series, name: str) -> list[Any]:
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String and not column.dtype.is_integer():
        msg = f"{name!r}: is {column.dtype}; expected strings or integers"
        raise ValueError(msg)
    column = _without_nulls(column, name)
    if not column.is_unique().all():
        repeated = column.filter(column.is_duplicated())[0]
        msg = f"{name!r}: {repeated!r} is in more than one row; a key has one vector"
        raise ValueError(msg)
    return column.to_list()


def _matrix(column: pl.Series, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    dtype = column.dtype
    if not isinstance(dtype, pl.List | pl.Array) or not dtype.inner.is_numeric():
        msg = f"{name!r}: is {dtype}; expected lists or arrays of numbers"
        raise ValueError(msg)
    column = _without_nulls(column, name)
    if isinstance(dtype, pl.List):
        lengths = column.list.len()
        if lengths.n_unique() > 1:
            other = lengths.ne(lengths[0]).arg_max()
            msg = f"{name!r}: row {other} has another length than row 0; all vectors have one"
            raise ValueError(msg)
        column = column.list.to_array(int(lengths[0] or 0) if len(lengths) else 0)
    width = column.dtype.size if isinstance(column.dtype, pl.Array) else 0
    if not width:
        msg = f"{name!r}: has vectors of no length"
        raise ValueError(msg)
    values = _without_nulls(
        column.reshape((-1,)) if len(column) else pl.Series([], dtype=pl.Float32), f"values of {name}"
    )
    return values.cast(pl.Float32).to_numpy().reshape(-1, width)


def _counts(column: pl.Series, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    if not column.dtype.is_integer():
        msg = f"{name!r}: is {column.dtype}; expected integers"
        raise ValueError(msg)
    return _without_nulls(column, name).to_numpy()


def _open(path: str, storage_options: dict[str, Any] | None) -> pl.DataFrame:
    table = load_vectors(path, "r", None, None, None, storage_options)
    return pl.DataFrame(vectors_frame(Vectors(table)))


@dataclass(frozen=True)
class _Scan:
    """Reads a file of vectors for a query, which may have travelled to another process."""

    path: str
    storage_options: dict[str, Any] | None

    def __call__(
        self, with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        frame = _open(self.path, self.storage_options)
        left = frame.height if n_rows is None else n_rows
        for batch in frame.iter_slices(batch_size or _BATCH) if frame.height else (frame,):
            if predicate is not None:
                batch = batch.filter(predicate)
            if with_columns is not None:
                # In their own order: the streaming engine of older Polars takes them by place.
                batch = batch.select(name for name in batch.columns if name in with_columns)
            yield batch.head(left)
            left -= batch.height
            if left <= 0:
                return


def scan_vectors(path: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> pl.LazyFrame:
    """Scan a file of vectors as the columns ``word``, ``count`` and ``vector``.

    Columns, conditions and the number of rows of a query are pushed into the scan. A file that
    :meth:`KeyedVectors.load` maps (Arrow, .npz, safetensors) is not copied: only what a query asks for is touched.
    Files of other formats are loaded whole.

    Parameters
    ----------
    path
        A file of any format that :meth:`KeyedVectors.load` reads, or a URL of one.
    storage_options
        For files in stores, as in :func:`polars.scan_parquet`.

    Raises
    ------
    ValueError
        For a file that is damaged, or of no known format.
    OSError
        For a file that cannot be read.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> pg.Word2Vec([["a", "b", "a"]] * 9, vector_size=4).wv.save("vectors.arrow")
    >>> pg.scan_vectors("vectors.arrow").filter(pl.col("count") > 9).select("word", "count").collect().rows()
    [('a', 18)]
    """
    name = os.fspath(path)
    # Read here, so that a missing file is reported where it is named.
    return register_io_source(_Scan(name, storage_options), schema=_open(name, storage_options).schema)


@pl.api.register_lazyframe_namespace("w2v")
@pl.api.register_dataframe_namespace("w2v")
class W2VFrames:
    """What this package does with frames: every LazyFrame and DataFrame has it as ``.w2v``.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> model = pl.DataFrame({"tokens": [["the", "cat"]] * 50}).w2v.train(vector_size=4, workers=1)
    >>> model.wv.index_to_key
    ['cat', 'the']
    """

    def __init__(self, frame: pl.LazyFrame | pl.DataFrame) -> None:
        self._frame = frame

    def train(self, column: str = "tokens", **parameters: Any) -> Word2Vec:
        """Train a model on a column of lists of tokens; a LazyFrame is streamed, once for each pass.

        Parameters
        ----------
        column
            The column of token lists.
        **parameters
            Those of :class:`polargram.Word2Vec`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> articles = pl.LazyFrame({"text": ["the cat sat", "the cat ran"] * 50})
        >>> model = articles.select(tokens=pl.col("text").str.split(" ")).w2v.train(vector_size=4, workers=1)
        >>> len(model.wv)
        4
        """
        from polargram.word2vec import Word2Vec

        return Word2Vec(self._frame.lazy(), column=column, **parameters)
