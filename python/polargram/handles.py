"""What stands for the vectors of an expression, and how an expression is made of a function of the native module."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl
from polars.plugins import register_plugin_function

import polargram._polargram as _native

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars._typing import IntoExpr

    from polargram.word2vec import Word2Vec

    #: A file or URL, or vectors in memory.
    VectorsLike: TypeAlias = str | os.PathLike[str] | _native.Vectors | Word2Vec

__all__ = ["handle_of", "plugin"]

_PLUGIN = Path(_native.__file__)


def handle_of(vectors: VectorsLike) -> dict[str, Any]:
    """Name the vectors of an expression, as a plan holds them: a path, or the number of vectors in memory."""
    if not isinstance(vectors, (str, bytes, os.PathLike)):
        vectors = getattr(vectors, "wv", vectors)
    if isinstance(vectors, _native.Vectors):
        number, process, path = _native.register(vectors)
        return {"id": number, "process": process, "path": path if path is None else os.fspath(path)}
    if not isinstance(vectors, (str, bytes, os.PathLike)):
        msg = f"vectors: expected a path or URL, KeyedVectors or a Word2Vec, not {vectors!r}"
        raise TypeError(msg)
    return {"path": os.fsdecode(vectors)}


def plugin(name: str, args: Iterable[IntoExpr], vectors: VectorsLike, options: dict[str, Any] | None = None) -> pl.Expr:
    """Make an elementwise expression of columns."""
    kwargs = {"vectors": handle_of(vectors)} | ({} if options is None else {"options": options})
    return register_plugin_function(
        plugin_path=_PLUGIN, function_name=name, args=list(args), kwargs=kwargs, is_elementwise=True
    )
