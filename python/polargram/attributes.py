"""Attributes of keys: arrays with a value for each row, which grow with the table."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from polargram.keyed_vectors import KeyedVectors

__all__ = ["COMPUTED", "COUNT", "Attributes", "Stored", "counts_of"]

#: The attribute that every table has.
COUNT = "count"
#: Attributes that follow from the counts.
COMPUTED = ("code", "point")


class Stored:
    """The arrays themselves. They have room for more rows, so that adding keys one by one copies them rarely."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str, rows: int) -> NDArray[Any]:
        """Return the array of so many rows, zeros where none were set."""
        array = self.arrays[name]
        if len(array) < rows:
            larger = np.zeros(max(rows, 2 * len(array)), dtype=array.dtype)
            larger[: len(array)] = array
            self.arrays[name] = array = larger
        return array[:rows]

    def copied(self, rows: int) -> Stored:
        """Return a copy without room."""
        other = Stored()
        other.arrays = {name: self.array(name, rows).copy() for name in self.arrays}
        return other

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Put the rows into another order."""
        self.arrays = {name: self.array(name, len(order))[order] for name in self.arrays}


class Attributes(MutableMapping[str, NDArray[Any]]):
    """What ``wv.expandos`` gives: the arrays by name, as long as the table, and ``"count"``, a copy, among them."""

    def __init__(self, vectors: KeyedVectors) -> None:
        self._vectors = vectors

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name == COUNT:
            counts = self._vectors._counts()
            if not len(counts) or counts.max() < 2**63:
                counts = counts.view(np.int64)
            counts.setflags(write=False)
            return counts
        return self._stored.array(name, len(self._vectors))

    def __setitem__(self, name: str, values: Any) -> None:
        # NumPy makes floats of large counts in a list.
        array = np.asarray(values, dtype=object if name == COUNT and isinstance(values, list) else None)
        rows = len(self._vectors)
        if array.ndim == 0 or len(array) != rows:
            msg = f"attribute {name!r}: has the shape {array.shape}; expected a value for each of {rows} keys"
            raise ValueError(msg)
        if name == COUNT:
            self._vectors._set_counts(list(range(rows)), counts_of(array))
            return
        refuse_computed(name)
        self._stored.arrays[name] = array

    def __delitem__(self, name: str) -> None:
        if name == COUNT:
            msg = 'attribute "count": each key has a count, which may be 0'
            raise ValueError(msg)
        del self._stored.arrays[name]

    def __iter__(self) -> Iterator[str]:
        yield COUNT
        yield from self._stored.arrays

    def __len__(self) -> int:
        return 1 + len(self._stored.arrays)

    def __repr__(self) -> str:
        return repr(dict(self))

    @property
    def _stored(self) -> Stored:
        return self._vectors._stored

    def allocate(self, name: str, kind: Any) -> None:
        """Make an array of zeros of this type, or check that the one that is there takes such values.

        Raises
        ------
        TypeError
            If there is one of another type.
        """
        refuse_computed(name)
        kind = _storage_of(kind)
        if name == COUNT:
            if not np.issubdtype(kind, np.integer):
                msg = f"attribute 'count': values of the type {kind} are not counts; expected integers"
                raise TypeError(msg)
        elif name not in self._stored.arrays:
            self._stored.arrays[name] = np.zeros(len(self._vectors), dtype=kind)
        elif not np.issubdtype(kind, self._stored.arrays[name].dtype):
            found = self._stored.arrays[name].dtype
            msg = f"attribute {name!r}: can't hold values of the type {kind}, since its own type is {found}"
            raise TypeError(msg)

    def set(self, name: str, rows: Any, values: Any) -> None:
        """Set the values of some rows, or the value of one; of values for the same row, the last."""
        if name == COUNT:
            self._vectors._set_counts(np.atleast_1d(rows).tolist(), counts_of(np.atleast_1d(values)))
        else:
            self[name][rows] = values


def _storage_of(kind: Any) -> np.dtype[Any]:
    """Return the type of an array for values of a type: text of any length fits, integers have 64 bits everywhere."""
    if kind is int:
        return np.dtype(np.int64)
    try:
        storage = np.dtype(kind)
    except TypeError:
        return np.dtype(object)
    return np.dtype(object) if storage.kind in "US" else storage


def refuse_computed(name: str) -> None:
    """Raise ValueError for an attribute that cannot be set."""
    if name in COMPUTED:
        msg = f"attribute {name!r}: follows from the counts; set 'count' instead"
        raise ValueError(msg)


def counts_of(values: NDArray[Any]) -> list[int]:
    """Return counts as numbers of Python, or raise ValueError."""
    counts: list[int] = []
    for value in values.tolist():
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
            msg = f"attribute 'count': {value!r} is not a whole number of at least 0 that fits 64 bits"
            raise ValueError(msg)
        counts.append(value)
    return counts
