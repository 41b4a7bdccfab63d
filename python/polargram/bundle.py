"""Named arrays and values in a directory or one file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import OpenBundle, save_bundle
from polargram.keyed_vectors import KeyedVectors
from polargram.npy import _mapped, _mode, _order

__all__ = ["Bundle"]

_Path: TypeAlias = str | os.PathLike[str]
_Item: TypeAlias = tuple[str, str, Any]


class Bundle:
    """A directory of named arrays and values: ``bundle.json``, and a ``.npy`` file for each array.

    If its name ends in ``.zip`` or ``.npz`` it is one file, which :func:`numpy.load` opens too. A saved model is a
    bundle as well. Nothing in a bundle can run code.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> vectors = np.zeros((1000, 3), np.float32)
    >>> pg.Bundle.save("things", {"vectors": vectors, "parts": {"a": np.arange(3)}, "name": "a try"})
    >>> things = pg.Bundle.load("things", mmap="r", ignore=["name"])
    >>> type(things["vectors"]).__name__, things["parts"]["a"].tolist(), sorted(things)
    ('memmap', [0, 1, 2], ['parts', 'vectors'])
    """

    @staticmethod
    def save(path: _Path, values: Mapping[str, Any], *, storage_options: dict[str, Any] | None = None) -> None:
        """Save arrays and values, whole or not at all: an older bundle at this place is replaced at the end.

        Parameters
        ----------
        path
            A directory, or one file if it ends in ``.zip`` or ``.npz``; or the URL of a store (``s3://…``). Other
            files in the directory stay.
        values
            Arrays of numbers, booleans, fixed-width text, or dates and times; None, bool, int (up to 64 bits), float
            (NaN and infinity too), str, lists and dictionaries of these; and dictionaries whose values are arrays, one
            level deep. Tuples come back as lists, and NumPy's numbers as Python's.
        storage_options
            For a URL, those of :func:`polars.scan_parquet`. What they lack comes from the environment.

        Raises
        ------
        TypeError
            For any other value, before anything is written.
        ValueError
            If there is something other than a bundle at this place.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> pg.Bundle.save("things.npz", {"v": np.arange(3), "n": 20})
        >>> np.load("things.npz")["v"]
        array([0, 1, 2])
        """
        save_bundle(os.fspath(path), _items(values), storage_options)

    @staticmethod
    def load(
        path: _Path,
        mmap: Literal["r", "c"] | None = None,
        ignore: Iterable[str] = (),
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Load a bundle, or a model that was saved to a directory, as a dictionary.

        Of a model it gives ``"config"``, the content of ``config.json``; ``"vectors"``, a
        :class:`~polargram.KeyedVectors`; and the other weights by the names of their files.

        Parameters
        ----------
        path
            A directory or a zip file, or the URL of a store (``s3://…``).
        mmap
            ``"r"`` maps arrays read-only, ``"c"`` with changes that stay in memory; None reads them. Within a zip file
            arrays are mapped if they are not compressed and their values are aligned.
        ignore
            Names that are left out, as ``"vectors"`` or ``"parts.a"``. Their files are not touched, and may be missing.
        storage_options
            For a URL, those of :func:`polars.scan_parquet`. What they lack comes from the environment.

        Raises
        ------
        ValueError
            If it is not a bundle, or is damaged.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> pg.Bundle.save("things", {"v": np.arange(3), "n": 20})
        >>> pg.Bundle.load("things")
        {'v': array([0, 1, 2]), 'n': 20}
        """
        _mode(mmap, ("r", "c"))
        ignored = [ignore] if isinstance(ignore, str) else list(ignore)
        bundle = OpenBundle(os.fspath(path), ignored, storage_options)
        return {name: _content(bundle, kind, content, mmap) for name, kind, content in bundle.entries()}


def _items(values: Mapping[str, Any], group: str | None = None) -> list[_Item]:
    return [(_name(name), *_item(name, value, group)) for name, value in values.items()]


def _name(name: Any) -> str:
    if not isinstance(name, str):
        msg = f"values: have the name {name!r}; expected a string"
        raise TypeError(msg)
    return name


def _item(name: str, value: Any, group: str | None) -> tuple[str, Any]:
    """What a value is, and its content, as the native code takes it."""
    whole_name = name if group is None else f"{group}.{name}"
    if isinstance(value, np.ndarray):
        return "array", _bytes(whole_name, value)
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return "value", value.item()
    if isinstance(value, dict) and any(map(_has_arrays, value.values())):
        if group is not None:
            msg = f"{whole_name}: holds arrays two levels deep; a dictionary of arrays is kept one level deep"
            raise TypeError(msg)
        return "group", _items(value, name)
    return "value", value


def _has_arrays(value: Any) -> bool:
    """True for an array, and for a dictionary of arrays."""
    if isinstance(value, dict):
        return any(isinstance(inner, np.ndarray) for inner in value.values())
    return isinstance(value, np.ndarray)


def _bytes(name: str, array: NDArray[Any]) -> tuple[str, bool, tuple[int, ...], NDArray[np.uint8]]:
    """The type, order and shape of an array, and its values without a copy if they lie next to each other."""
    if isinstance(array, np.ma.MaskedArray) or array.dtype.kind not in "biufcSUMm" or array.dtype.itemsize == 0:
        kind = "a masked array" if isinstance(array, np.ma.MaskedArray) else f"an array of {array.dtype}"
        msg = f"{name}: is {kind}; a bundle holds arrays of numbers, booleans, fixed-width text, dates and times"
        raise TypeError(msg)
    if not array.flags.forc:
        array = np.ascontiguousarray(array)
    is_fortran = array.flags.fnc
    values = np.asarray(array).reshape(-1, order=_order(is_fortran)).view(np.uint8)
    return array.dtype.str, is_fortran, array.shape, values


def _content(bundle: OpenBundle, kind: str, content: Any, mmap: Literal["r", "c"] | None) -> Any:
    if kind == "group":
        return {name: _content(bundle, inner, value, mmap) for name, inner, value in content}
    if kind == "vectors":
        return KeyedVectors.load(content, mmap="r" if mmap == "r" else None)
    if kind != "array":
        return content
    descr, is_fortran, shape, place, index = content
    dtype, order = np.dtype(descr), _order(is_fortran)
    if mmap is None or place is None or place[1] % dtype.alignment:
        return bundle.read(index).view(dtype).reshape(shape, order=order)
    path, offset = place
    return _mapped(path, offset, dtype, tuple(shape), order, mmap)
