"""Attributes of keys, as gensim's users reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import Vectors
from polargram.attributes import COMPUTED, COUNT, Attributes, Stored

if TYPE_CHECKING:
    from polargram.keyed_vectors import Key

__all__ = ["KeyAttributes"]


class KeyAttributes(Vectors):
    """What :class:`~polargram.KeyedVectors` knows of its keys beside their vectors."""

    @property
    def _stored(self) -> Stored:
        stored: Stored = self.__dict__.setdefault("_attributes", Stored())
        return stored

    @property
    def expandos(self) -> Attributes:
        """The attributes of all keys: for each name an array with a value for each row, which may be written to.

        ``"count"`` is a copy: set counts with :meth:`set_vecattr`, or all of them with ``expandos["count"] = counts``.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.set_vecattr("b", "weight", 0.5)
        >>> wv.expandos["weight"].tolist(), wv.expandos["count"].tolist()
        ([0.0, 0.5], [9, 9])
        """
        owner: Any = self
        return Attributes(owner)

    def allocate_vecattrs(self, attrs: Iterable[str] | None = None, types: Iterable[Any] | None = None) -> None:
        """Make attributes of these names and types, 0 for each key, unless they are there.

        Attributes grow with the table by themselves, so that without ``attrs`` there is nothing to do.

        Raises
        ------
        TypeError
            If an attribute is there, and of another type.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.allocate_vecattrs(["weight"], [float])
        >>> wv.expandos["weight"]
        array([0., 0.])
        """
        for name, kind in zip(attrs or (), types or (), strict=True):
            self.expandos.allocate(name, kind)

    def set_vecattr(self, key: Key, attr: str, val: Any) -> None:
        """Set an attribute of a key.

        The first value decides on the type that all values of this attribute have: numbers, or any objects. Other keys
        have 0. ``"count"`` sets how often the key occurred: a model whose vectors these are trains and saves with it.

        Raises
        ------
        KeyError
            For a key that is not there.
        TypeError
            For a value of another type.
        ValueError
            For ``"code"`` and ``"point"``, which follow from the counts.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.set_vecattr("b", "kind", "noun")
        >>> wv.set_vecattr("b", "count", 12)
        >>> wv.get_vecattr("b", "kind"), wv.get_vecattr("b", "count")
        ('noun', 12)
        """
        row = self.get_index(key)
        self.expandos.allocate(attr, type(val))
        self.expandos.set(attr, row, val)

    @overload
    def get_vecattr(self, key: Key, attr: Literal["count"]) -> int: ...
    @overload
    def get_vecattr(self, key: Key, attr: Literal["code"]) -> NDArray[np.uint8]: ...
    @overload
    def get_vecattr(self, key: Key, attr: Literal["point"]) -> NDArray[np.uint32]: ...
    @overload
    def get_vecattr(self, key: Key, attr: str) -> Any: ...
    def get_vecattr(self, key: Key, attr: str) -> Any:
        """Give an attribute of a key.

        ``"count"`` is how often it occurred in the corpus. ``"code"`` and ``"point"`` are the bits and the inner nodes
        of its path in the Huffman tree, from the root, which is node 0. Others are those that :meth:`set_vecattr` set.

        Raises
        ------
        KeyError
            For a key or an attribute that is not there.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b", "a"]] * 9, vector_size=4).wv
        >>> wv.get_vecattr("a", "count"), wv.get_vecattr("a", "code").tolist()
        (18, [1])
        """
        if attr == COUNT or attr in COMPUTED:
            return super().get_vecattr(key, attr)
        row = self.get_index(key)
        if attr not in self._stored.arrays:
            names = ", ".join(repr(name) for name in (*self.expandos, *COMPUTED))
            msg = f"no attribute {attr!r}; there are {names}"
            raise KeyError(msg)
        return self.expandos[attr][row]
