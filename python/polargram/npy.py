"""NumPy's ``.npy`` files without holding a whole array in memory.

Examples
--------
>>> import numpy as np, polargram as pg
>>> with pg.npy.Writer("v.npy", shape=(None, 3), dtype=np.float32) as writer:
...     for start in range(0, 9, 3):
...         writer.append(np.arange(start, start + 3, dtype=np.float32)[None])
>>> [block.shape for block in pg.npy.blocks("v.npy", rows=2)]
[(2, 3), (1, 3)]
>>> pg.npy.open("v.npy")[2]
memmap([6., 7., 8.], dtype=float32)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from polargram._polargram import NpyBlocks, NpyObjects, NpyWriter, npy_from_raw, npy_has_objects, npy_header

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Writer", "blocks", "from_raw", "open"]

_Path: TypeAlias = str | os.PathLike[str]
#: How a file is mapped: read-only, or with changes that stay in memory, or with changes that go to the file.
_Mode: TypeAlias = Literal["r", "c", "r+"]


class Writer:
    """Stream rows into a ``.npy`` file, whose number of rows need not be known.

    The file appears when the writer is closed, in place of an older one. Until then the rows go to a hidden file beside
    it, which has no header that any program would read: if the process is killed or the disk is full, the older file
    stays as it was. If the ``with`` block raises, or the writer is dropped without :meth:`close`, nothing appears.

    Parameters
    ----------
    path
        A file on this machine.
    shape
        The lengths of the axes. The first may be None: it will be the number of rows that were appended. A number is
        checked at the end.
    dtype
        Numbers, booleans, fixed-width text, or dates and times, of any width and byte order.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> with pg.npy.Writer("v.npy", shape=(None, 2), dtype=np.float32) as writer:
    ...     writer.append([[1, 2]])
    ...     writer.append(np.zeros((3, 2), np.float32))
    >>> np.load("v.npy").shape
    (4, 2)
    """

    def __init__(self, path: _Path, shape: Sequence[int | None], dtype: DTypeLike) -> None:
        self.path = os.fspath(path)
        self.shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._writer = NpyWriter(self.path, self.dtype.str, _lengths(self.shape))

    def append(self, rows: ArrayLike) -> None:
        """Append rows: an array, or lists, with the axes of the shape.

        The values may be of another type if none of them loses its kind: float64 becomes float32, but floats do not
        become integers.

        Examples
        --------
        >>> import polargram as pg
        >>> with pg.npy.Writer("v.npy", shape=(None,), dtype="<i4") as writer:
        ...     writer.append([1, 2, 3])
        """
        if not isinstance(rows, np.ndarray):
            rows = np.asarray(rows, dtype=self.dtype)
        if rows.ndim != len(self.shape) or rows.shape[1:] != self.shape[1:]:
            msg = f"rows: have the shape {rows.shape}; expected (n, …) as in {self.shape}"
            raise ValueError(msg)
        try:
            rows = rows.astype(self.dtype, order="C", casting="same_kind", copy=False)
        except TypeError as error:
            msg = f"rows: are of {rows.dtype}, which cannot be {self.dtype} without loss; convert them first"
            raise TypeError(msg) from error
        self._writer.append(np.ascontiguousarray(rows).reshape(-1).view(np.uint8))

    def __len__(self) -> int:
        """The number of rows so far."""
        return self._writer.rows() or 0

    def close(self) -> None:
        """Write the header and make the file appear. Raises ValueError if there are fewer rows than the shape has.

        Examples
        --------
        >>> import polargram as pg
        >>> writer = pg.npy.Writer("v.npy", shape=(None,), dtype="<i4")
        >>> writer.append([1, 2, 3])
        >>> writer.close()
        """
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.discard()


def blocks(path: _Path, rows: int = 65536) -> Iterator[Any]:
    """Iterate over an array by blocks of rows, or over an array of Python objects one object at a time.

    The file is checked at once, and read block by block. Each block is a copy of its own, so memory holds one block,
    also of a matrix in Fortran order.

    Of an array of objects, which NumPy pickles, only the structure is in memory; the objects are made when they are
    asked for, in C order of the elements. Nothing in the file is run: objects may be None, bool, int, float, str,
    bytes, lists, tuples and dictionaries of these, and arrays of numbers.

    Parameters
    ----------
    path
        A ``.npy`` file on this machine, of numbers, booleans, text, dates and times, or Python objects.
    rows
        Rows of a block; the last one may have fewer.

    Raises
    ------
    ValueError
        If it is not such a file, or is longer or shorter than its header says; or at an object of another class,
        which is named.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> np.save("v.npy", np.arange(5))
    >>> [block.tolist() for block in pg.npy.blocks("v.npy", rows=2)]
    [[0, 1], [2, 3], [4]]
    """
    rows = _positive("rows", rows)
    if npy_has_objects(os.fspath(path)):
        return NpyObjects(os.fspath(path), _element)
    return _arrays(NpyBlocks(os.fspath(path), rows), rows)


def open(path: _Path, mmap: _Mode | None = "r") -> NDArray[Any]:  # noqa: A001 - as in polargram.npy.open
    """Map an array, after its header was checked.

    Parameters
    ----------
    path
        A ``.npy`` file on this machine, of numbers, booleans, text, or dates and times.
    mmap
        ``"r"`` maps it read-only, ``"c"`` with changes that stay in memory, ``"r+"`` with changes that go to the
        file, as :class:`numpy.memmap` does; None reads it into memory.

    Raises
    ------
    ValueError
        If it is not such a file, or is longer or shorter than its header says.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> np.save("v.npy", np.arange(5))
    >>> pg.npy.open("v.npy")[3:]
    memmap([3, 4])
    """
    place, descr, is_fortran, shape, offset = npy_header(os.fspath(path))
    return _mapped(place, offset, np.dtype(descr), tuple(shape), _order(is_fortran), _mode(mmap, ("r", "c", "r+")))


def from_raw(raw: _Path, out: _Path, dtype: DTypeLike, shape: Sequence[int | None]) -> None:
    """Make a ``.npy`` of a file that holds the values alone, as :class:`numpy.memmap` writes it.

    The system copies the values where it can, so memory does not grow with them. ``out`` appears whole or not at all;
    it may be the same file.

    Parameters
    ----------
    raw
        The values in C order, on this machine.
    out
        The file to write.
    dtype
        The type of the values.
    shape
        The lengths of the axes. One of them may be None: it follows from the size of the file.

    Raises
    ------
    ValueError
        If the file has another size than the shape.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> buffer = np.memmap("x.mm", mode="w+", dtype=np.uint8, shape=(1000, 10))
    >>> pg.npy.from_raw("x.mm", "x.npy", dtype=np.uint8, shape=(1000, 10))
    >>> np.load("x.npy").shape
    (1000, 10)
    """
    npy_from_raw(os.fspath(raw), os.fspath(out), np.dtype(dtype).str, _lengths(tuple(shape)))


def _lengths(shape: tuple[Any, ...]) -> list[int | None]:
    """The lengths as Python's own integers."""
    for length in shape:
        if length is not None and not (isinstance(length, (int, np.integer)) and 0 <= int(length) < 2**63):
            msg = f"shape: has {length!r}; expected lengths, or None for the one that is not known"
            raise ValueError(msg)
    return [None if length is None else int(length) for length in shape]


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, (int, np.integer)) or not 1 <= int(value) < 2**63:
        msg = f"{name}: is {value!r}; expected a number from 1"
        raise ValueError(msg)
    return int(value)


def _mode(mmap: Any, modes: tuple[str, ...]) -> Any:
    if mmap is not None and mmap not in modes:
        msg = f"mmap: is {mmap!r}; expected {', '.join(map(repr, modes))} or None"
        raise ValueError(msg)
    return mmap


def _order(is_fortran: bool) -> Literal["C", "F"]:
    return "F" if is_fortran else "C"


def _arrays(found: NpyBlocks, rows: int) -> Iterator[NDArray[Any]]:
    """The blocks, made arrays of their bytes."""
    descr, is_fortran, (length, *rest) = found.description()
    for number, values in enumerate(found):
        shape = (min(rows, length - number * rows), *rest)
        yield values.view(descr).reshape(shape, order=_order(is_fortran))


def _element(descr: str, is_fortran: bool, shape: tuple[int, ...], values: NDArray[np.uint8]) -> Any:
    """An array among objects, or one of NumPy's numbers."""
    return values.view(descr).reshape(shape, order=_order(is_fortran))[()]


def _mapped(
    path: str,
    offset: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    order: Literal["C", "F"],
    mode: Literal["r", "c", "r+"] | None,
) -> NDArray[Any]:
    """An array in a file that was checked, mapped or read."""
    if mode is None:
        count = int(np.prod(shape, dtype=object))
        return np.fromfile(path, dtype, count=count, offset=offset).reshape(shape, order=order)
    return np.memmap(path, dtype=dtype, mode=mode, offset=offset, shape=shape, order=order)
