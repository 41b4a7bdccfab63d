"""The vectors that expressions have open in this process.

A file, or the directory of a static model, is opened once, when a plan that names it is resolved. Vectors in memory
(:class:`~polargram.KeyedVectors`, the ``wv`` of a model) are found by a number that the plan holds.

Examples
--------
>>> import polars as pl, polargram as pg
>>> pg.Word2Vec([["the", "cat"]] * 50, vector_size=4, workers=1).wv.save("vectors.arrow")
>>> _ = pg.registry.clear()
>>> _ = pl.DataFrame({"word": ["cat"]}).select(pg.embed("word", "vectors.arrow"))
>>> [(entry.path.name, entry.keys, entry.vector_size) for entry in pg.registry.list() if entry.path]
[('vectors.arrow', 2, 4)]
>>> pg.registry.clear() > 0
True
>>> [entry for entry in pg.registry.list() if entry.path]
[]
"""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import NamedTuple

from polargram import _polargram

__all__ = ["Entry", "clear", "list"]


class Entry(NamedTuple):
    """Vectors that expressions have open.

    Attributes
    ----------
    path
        The absolute path, the URL as text, or None for vectors in memory.
    keys, vector_size
        How many keys there are, and dimensions.
    is_mapped
        True if the vectors are in a mapped file, and take no memory of their own.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat"]] * 50, vector_size=4, workers=1).wv
    >>> _ = pl.DataFrame({"word": ["cat"]}).select(pg.embed("word", wv))
    >>> entry = pg.registry.list()[-1]
    >>> entry.keys, entry.vector_size
    (2, 4)
    """

    path: Path | str | None
    keys: int
    vector_size: int
    is_mapped: bool


def list() -> builtins.list[Entry]:
    """Give the files that are open, the one used last at the end, then the models, and then the vectors in memory.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat"]] * 50, vector_size=4, workers=1).wv
    >>> _ = pl.DataFrame({"word": ["cat"]}).select(pg.embed("word", wv))
    >>> pg.registry.list()[-1]
    Entry(path=None, keys=2, vector_size=4, is_mapped=False)
    """
    entries = _polargram.registry_list()
    return [Entry(_named(path), keys, vector_size, is_mapped) for path, keys, vector_size, is_mapped in entries]


def _named(path: str | None) -> Path | str | None:
    # A URL is not a path, which would lose a slash.
    return path if path is None or "://" in path else Path(path)


def clear() -> int:
    """Let go of all files and models, and of vectors in memory that nobody else holds, and say how many there were.

    Plans that name a file open it again. Vectors in memory that a user still holds stay registered.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> pg.Word2Vec([["the", "cat"]] * 50, vector_size=4, workers=1).wv.save("vectors.arrow")
    >>> _ = pl.DataFrame({"word": ["cat"]}).select(pg.embed("word", "vectors.arrow"))
    >>> pg.registry.clear() > 0
    True
    """
    return _polargram.registry_clear()
