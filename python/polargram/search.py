"""Nearest keys of many queries at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from polargram import _polargram
from polargram._polargram import Vectors

if TYPE_CHECKING:
    from polargram.index import Index

__all__ = ["Search"]

#: Rows and cosines, a line for each query.
Arrays: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]


def topn_of(topn: Any) -> int:
    """Give a number of results as ``int``."""
    if isinstance(topn, bool) or not isinstance(topn, (int, np.integer)):
        msg = f"topn: expected a number of results, not {topn!r}"
        raise TypeError(msg)
    return max(0, int(topn))


def queries_of(queries: Any) -> Any:
    """Give queries as the native search takes them: a matrix of float32, or a list of keys and vectors."""
    if isinstance(queries, (str, int)):
        msg = f"queries: expected a list of keys or vectors, or a matrix, not {queries!r}; pass [{queries!r}]"
        raise TypeError(msg)
    if isinstance(queries, np.ndarray) and queries.dtype.kind == "f":
        if queries.ndim != 2:
            msg = f"queries: expected a matrix, not an array of {queries.ndim} dimensions; pass [vector] for one"
            raise ValueError(msg)
        return np.asarray(queries, dtype=np.float32)
    return queries


class Search(Vectors):
    """The part of ``KeyedVectors`` that searches for many queries at once."""

    @overload
    def search(
        self,
        queries: Any,
        topn: int = 10,
        *,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        as_arrays: Literal[False] = False,
    ) -> list[list[tuple[Any, float]]]: ...
    @overload
    def search(
        self,
        queries: Any,
        topn: int = 10,
        *,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        as_arrays: Literal[True],
    ) -> Arrays: ...
    def search(
        self,
        queries: Any,
        topn: int = 10,
        *,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        as_arrays: bool = False,
    ) -> list[list[tuple[Any, float]]] | Arrays:
        """Give for each of many queries the ``topn`` nearest keys and their cosines, the nearest first.

        The search is exact, and takes all cores: thousands of queries take about as long as the product of the two
        matrices, which is never in memory. Each query gets what :meth:`most_similar` gives for it alone.

        Parameters
        ----------
        queries
            A list of keys or vectors, or an array of shape (queries, vector_size). A key is left out of its own result.
        topn
            How many keys to give for each query.
        clip_start, clip_end
            Search only among these rows.
        restrict_vocab
            Search only among the first rows, as many as this says; it comes before the other two.
        as_arrays
            True for two arrays of shape (queries, topn) instead of lists of tuples: rows (int64) and cosines (float32).
            Where a query has fewer neighbours than others, its last rows are -1, and the cosines NaN.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            For a vector of another length.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> near_the, near_cat = wv.search(["the", "cat"], topn=2)
        >>> sorted(key for key, _ in near_cat)
        ['sat', 'the']
        >>> rows, cosines = wv.search(np.ones((5, 4), dtype=np.float32), topn=2, as_arrays=True)
        >>> rows.shape, cosines.dtype
        ((5, 2), dtype('float32'))
        """
        if restrict_vocab is not None:
            clip_start, clip_end = 0, restrict_vocab
        # As slices do, negative numbers count from the end.
        start, end, _ = slice(clip_start, clip_end).indices(len(self))
        arguments = (self, queries_of(queries), topn_of(topn), start, max(start, end))
        return _polargram.search_arrays(*arguments) if as_arrays else _polargram.search(*arguments)

    #: Another name of :meth:`search`.
    most_similar_batch = search

    def build_index(
        self,
        *,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 64,
        dtype: Literal["f32", "f16", "i8"] = "f32",
    ) -> Index:
        """Build an approximate index over the vectors: see :class:`polargram.Index`.

        It needs the library usearch: ``pip install polargram[index]``.

        Raises
        ------
        ImportError
            If usearch is not installed.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> index = wv.build_index()
        >>> index.search(["the"], topn=2) == wv.search(["the"], topn=2)
        True
        """
        from polargram.index import Index  # noqa: PLC0415

        return Index.build(
            self,
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
            dtype=dtype,
        )
