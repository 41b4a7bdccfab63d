"""Corpora with phrases in place of their words, and what is taken for a corpus by models of phrases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

import polargram._polargram as _native
from polargram.base import Corpus

if TYPE_CHECKING:
    from polargram.phrases import _Model

__all__ = ["Once", "PhrasedCorpus", "is_iterable_of_python"]


class Once:
    """An iterator that is iterated once."""

    def __init__(self, items: Any) -> None:
        self._items: Iterator[Any] = items

    def __iter__(self) -> Iterator[Any]:
        return self._items


class PhrasedCorpus:
    """A corpus with phrases in place of their words, made while it is read: what ``phrases[corpus]`` gives.

    Models read it natively, in parallel where the corpus can be. It follows the model: what that learns later counts.

    Examples
    --------
    >>> import polargram as pg
    >>> sentences = [["new", "york"], ["old", "news"]] * 9
    >>> phrases = pg.Phrases(sentences, min_count=1, threshold=0.1)
    >>> corpus = phrases[sentences]
    >>> pg.Word2Vec(corpus, vector_size=4).wv.index_to_key
    ['new_york', 'old_news']
    """

    def __init__(self, phrases: _Model, corpus: Corpus) -> None:
        self.corpus = corpus
        self._phrases = phrases
        self._column = phrases.column
        self._storage_options = phrases.storage_options
        self._phrased_source = phrases._model.phrased(corpus)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._phrases, self.corpus)

    def __iter__(self) -> Iterator[list[str]]:
        return _native.phrased_sentences(self, self._column, self._storage_options)

    def __len__(self) -> int:
        corpus: Any = self.corpus
        return len(corpus)


def is_iterable_of_python(corpus: object) -> bool:
    """True of what is read item by item; false of paths, frames, and whatever a model reads by itself."""
    if isinstance(corpus, str | os.PathLike | PhrasedCorpus) or hasattr(corpus, "_text_source"):
        return False
    if any(hasattr(corpus, name) for name in ("collect_batches", "get_fragments", "dataset_schema", "with_format")):
        return False
    if isinstance(corpus, pl.Series):
        return corpus.dtype == pl.String
    is_table = hasattr(corpus, "columns") or hasattr(corpus, "schema")
    return hasattr(corpus, "__iter__") and not (is_table and hasattr(corpus, "__arrow_c_stream__"))
