"""Polars expressions: ``pl.col("tokens").w2v.embed("vectors.arrow", pooling="mean")``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.plugins import register_plugin_function

import polargram._polargram as _native
from polargram import phrases

if TYPE_CHECKING:
    from polars._typing import IntoExpr

_PLUGIN = Path(_native.__file__)


def embed(expr: IntoExpr, path: str | os.PathLike[str], *, pooling: str | None = None) -> pl.Expr:
    """Look words or integers up in a file of vectors.

    The file is memory-mapped once per process. The expression is elementwise: it runs eagerly, lazily and in the
    streaming engine. A file that was removed or replaced is let go at the next lookup. Of files that are still there,
    the eight used last and those used within a minute stay mapped.

    Parameters
    ----------
    expr
        A column of strings (String, Categorical or Enum) or integers, or with ``pooling`` a column of lists of them.
        Integers are keys where the vectors' keys are integers, and row numbers where they are text. Strings are refused
        where keys are integers: cast them first.
    path
        A file that :meth:`KeyedVectors.save` or ``polargram train`` wrote.
    pooling
        How the vectors of a list become one: ``"mean"``, over the words that have a vector.

    Returns
    -------
    An expression of ``Array(Float32, d)``; null where no word is known.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> model = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1)
    >>> model.wv.save("vectors.arrow")
    >>> frame = pl.DataFrame({"tokens": [["the", "cat"], ["unknown"]]})
    >>> out = frame.select(pg.embed("tokens", "vectors.arrow", pooling="mean"))
    >>> out.schema["tokens"]
    Array(Float32, shape=(4,))
    >>> out["tokens"].null_count()
    1
    """
    if isinstance(path, _native.Vectors):
        msg = "path: expected a file of vectors, not vectors; save them first, and pass the file: wv.save(path)"
        raise TypeError(msg)
    if pooling is not None and not isinstance(pooling, str):
        msg = f'pooling: expected "mean" or None, not {pooling!r}'
        raise TypeError(msg)
    return register_plugin_function(
        plugin_path=_PLUGIN,
        function_name="embed",
        args=[expr],
        kwargs={"path": os.fspath(path), "pooling": pooling},
        is_elementwise=True,
    )


@pl.api.register_expr_namespace("w2v")
class W2VNamespace:
    """The expressions of this package: every Polars expression has them as ``.w2v``."""

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def embed(self, path: str | os.PathLike[str], *, pooling: str | None = None) -> pl.Expr:
        """Look words up in a file of vectors: see :func:`polargram.embed`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv.save("vectors.arrow")
        >>> frame = pl.DataFrame({"word": ["cat", "dog"]})
        >>> frame.select(pl.col("word").w2v.embed("vectors.arrow").is_null())["word"].to_list()
        [False, True]
        """
        return embed(self._expr, path, pooling=pooling)

    def phrases(self, model: str | os.PathLike[str] | phrases.Phrases | phrases.FrozenPhrases) -> pl.Expr:
        """Join the phrases in lists of strings: see :func:`polargram.join_phrases`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).save("phrases.arrow")
        >>> frame = pl.DataFrame({"tokens": [["in", "new", "york"]]})
        >>> frame.select(pl.col("tokens").w2v.phrases("phrases.arrow"))["tokens"].to_list()
        [['in', 'new_york']]
        """
        return phrases.join_phrases(self._expr, model)
