"""An approximate index over vectors, by the library usearch."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polargram import _polargram
from polargram.search import queries_of, topn_of

if TYPE_CHECKING:
    from polargram._polargram import Vectors
    from polargram.search import Arrays

__all__ = ["Index"]

_Path: TypeAlias = str | os.PathLike[str]

# A file is usearch's own, and after it what tells of which vectors it is: JSON, the JSON's length, and this.
_MARK = b"polargram index\n"
_END = struct.Struct(f"<I{len(_MARK)}s")
# The most bytes of that JSON, which has four numbers.
_MOST_JSON = 4096


def _usearch() -> Any:
    try:
        from usearch import index  # noqa: PLC0415
    except ImportError as error:
        msg = "an approximate index needs the library usearch: pip install polargram[index]"
        raise ImportError(msg) from error
    return index


class Index:
    """An approximate index: it finds most of the nearest keys while it looks at few of the vectors.

    It is a graph (HNSW; Malkov and Yashunin 2018) by the library usearch, which must be installed: ``pip install
    polargram[index]``. :meth:`recall` says how many of the nearest it finds. What it finds has the exact cosines.

    It belongs to the vectors that it was built over, and is refused for others. It holds a copy of them. Saved
    beside them, it is memory-mapped, so that many processes share it.

    Examples
    --------
    >>> import polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> index = pg.Index.build(wv)
    >>> index
    Index<3 keys, vector_size=4>
    >>> index.search(["cat"], topn=1) == wv.search(["cat"], topn=1)
    True
    >>> wv.save("vectors.arrow")
    >>> index.save("vectors.usearch")
    >>> pg.Index.load("vectors.usearch", pg.KeyedVectors.load("vectors.arrow")).recall(["the", "sat"], topn=2)
    1.0
    """

    def __init__(self, graph: Any, wv: Vectors) -> None:
        self._graph = graph
        self._wv = wv

    @classmethod
    def build(
        cls,
        wv: Vectors,
        *,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 64,
        dtype: Literal["f32", "f16", "i8"] = "f32",
    ) -> Index:
        """Build an index over vectors, on all cores.

        Parameters
        ----------
        wv
            The vectors. If they change later, the index must be built again.
        connectivity
            Edges of a key in the graph. More find more, and take more memory.
        expansion_add, expansion_search
            Keys that are looked at to add a key and to search. More find more, and take longer.
        dtype
            How the index holds its copies: ``"f16"`` takes half the memory, ``"i8"`` a quarter.

        Raises
        ------
        ImportError
            If usearch is not installed.
        ValueError
            If there are no vectors.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> len(pg.Index.build(wv, connectivity=32))
        3
        """
        if len(wv) == 0:
            msg = "there are no vectors to build an index over"
            raise ValueError(msg)
        graph = _usearch().Index(
            ndim=wv.vector_size,
            metric="cos",
            dtype=dtype,
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
        )
        graph.add(np.arange(len(wv), dtype=np.uint64), wv.vectors)
        return cls(graph, wv)

    def __len__(self) -> int:
        return len(self._graph)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{len(self)} keys, vector_size={self._wv.vector_size}>"

    def save(self, fname: _Path) -> None:
        """Save the index in a file of its own, beside the vectors. The file appears whole or not at all.

        Raises
        ------
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv.build_index().save("vectors.usearch")
        """
        fname = os.path.realpath(fname)
        described = json.dumps({"format": 1, **_description(self._wv)}).encode()
        temporary = f"{fname}.{os.getpid()}.{time.monotonic_ns()}.tmp"
        try:
            # So that the file has the permissions of a new one.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            self._graph.save(temporary)
            with open(temporary, "ab") as file:
                file.write(described + _END.pack(len(described), _MARK))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, fname)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, RuntimeError):
                msg = f"cannot write {fname}: {error}"
                raise OSError(msg) from error
            raise

    @classmethod
    def load(cls, fname: _Path, wv: Vectors, mmap: Literal["r"] | None = "r") -> Index:
        """Load an index that was saved, memory-mapped unless ``mmap`` is None.

        Raises
        ------
        ImportError
            If usearch is not installed.
        ValueError
            For a file that is damaged, or an index of other vectors than these.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.build_index().save("vectors.usearch")
        >>> pg.Index.load("vectors.usearch", wv)
        Index<2 keys, vector_size=4>
        """
        if mmap not in ("r", None):
            msg = f'mmap: {mmap!r} is unknown; expected "r" or None'
            raise ValueError(msg)
        usearch = _usearch()
        fname = os.fspath(fname)
        found = _read_description(fname)
        for what, expected in _description(wv).items():
            if found.get(what) != expected:
                msg = f"{fname} is the index of other vectors: it says {what} {found.get(what)}, not {expected}"
                raise ValueError(msg)
        try:
            graph = usearch.Index.restore(fname, view=mmap == "r")
        except (RuntimeError, ValueError) as error:
            msg = f"{fname} is damaged: {error}"
            raise ValueError(msg) from error
        if graph is None or len(graph) != len(wv) or graph.ndim != wv.vector_size:
            msg = f"{fname} is damaged: it does not hold what it says at its end"
            raise ValueError(msg)
        return cls(graph, wv)

    def search(
        self, queries: Any, topn: int = 10, *, as_arrays: bool = False
    ) -> list[list[tuple[Any, float]]] | Arrays:
        """Give for each of many queries ``topn`` near keys and their cosines, as :meth:`KeyedVectors.search` does.

        Some of the nearest may be missing.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> [len(found) for found in wv.build_index().search(["the", "cat"], topn=2)]
        [2, 2]
        """
        matrix, left_out = _polargram.query_matrix(self._wv, queries_of(queries))
        rows, cosines = self._nearest(matrix, np.array(left_out, dtype=np.int64), topn_of(topn))
        if as_arrays:
            return rows, cosines
        keys = self._wv.index_to_key
        pairs = zip(rows.tolist(), cosines.tolist(), strict=True)
        return [[(keys[row], cosine) for row, cosine in zip(*found, strict=True) if row >= 0] for found in pairs]

    def most_similar(self, vector: NDArray[np.float32], topn: int = 10) -> list[tuple[Any, float]]:
        """Give ``topn`` keys near to a vector: what ``KeyedVectors.most_similar`` asks its ``indexer`` for.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> [key for key, _ in wv.build_index().most_similar(wv["cat"], topn=1)]
        ['cat']
        """
        found = self.search(np.asarray(vector, dtype=np.float32).reshape(1, -1), topn)
        assert isinstance(found, list)
        return found[0]

    def recall(self, queries: Any, topn: int = 10) -> float:
        """Give the share of the ``topn`` nearest keys that the index finds, over all queries.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> wv.build_index().recall(["the", "cat"], topn=2)
        1.0
        """
        queries = queries_of(queries if isinstance(queries, np.ndarray) else list(queries))
        exact, _ = _polargram.search_arrays(self._wv, queries, topn_of(topn), 0, len(self._wv))
        found, _ = self.search(queries, topn, as_arrays=True)
        wanted = exact >= 0
        if not wanted.any():
            msg = "recall needs at least one query, and one key to find for it"
            raise ValueError(msg)
        hits = sum(len(np.intersect1d(a[a >= 0], b)) for a, b in zip(exact, found, strict=True))
        return float(hits / wanted.sum())

    def _nearest(self, matrix: NDArray[np.float32], left_out: NDArray[np.int64], topn: int) -> Arrays:
        """Rows and exact cosines, the nearest first."""
        width = min(topn, len(self._wv))
        if width == 0 or len(matrix) == 0:
            empty = (len(matrix), width)
            return np.empty(empty, dtype=np.int64), np.empty(empty, dtype=np.float32)
        # One more, for the key itself.
        wanted = min(topn + 1, len(self._wv))
        matches = self._graph.search(matrix, wanted)
        # Of one query there may come fewer; of several, what is missing is undefined.
        keys = np.atleast_2d(np.asarray(matches.keys)).astype(np.int64)
        counts = np.atleast_1d(np.asarray(getattr(matches, "counts", keys.shape[1])))
        found = np.full((len(matrix), wanted), -1, dtype=np.int64)
        found[:, : keys.shape[1]] = np.where(np.arange(keys.shape[1]) < counts[:, None], keys, -1)
        found[found == left_out[:, None]] = -1
        cosines = _polargram.cosines_of(self._wv, matrix, found)
        # By cosine, then by row; NaN last, and what is missing behind it.
        order = np.lexsort((found, -cosines, found < 0), axis=1)[:, :width]
        return np.take_along_axis(found, order, 1), np.take_along_axis(cosines, order, 1)


def _description(wv: Vectors) -> dict[str, int]:
    """Say what distinguishes vectors from others."""
    return {"keys": len(wv), "vector_size": wv.vector_size, "fingerprint": _polargram.fingerprint(wv)}


def _read_description(fname: str) -> dict[str, Any]:
    damaged = ValueError(f"{fname} is not an index that polargram has written, or it was cut")
    with open(fname, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < _END.size:
            raise damaged
        file.seek(-_END.size, os.SEEK_END)
        length, mark = _END.unpack(file.read(_END.size))
        if mark != _MARK or length > min(_MOST_JSON, size - _END.size):
            raise damaged
        file.seek(-_END.size - length, os.SEEK_END)
        try:
            found = json.loads(file.read(length))
        except ValueError:
            raise damaged from None
    if not isinstance(found, dict) or found.get("format") != 1:
        raise damaged
    return found
