"""Exceptions with two bases: what gensim raises, and ValueError."""

from __future__ import annotations

__all__ = ["EmptyVocabularyError", "TruncatedFileError"]


class TruncatedFileError(EOFError, ValueError):
    """A file of vectors, or a saved model, ends before what it announces.

    Examples
    --------
    >>> import pathlib, polargram as pg
    >>> _ = pathlib.Path("short.txt").write_text("2 2\\na 1 2\\n")
    >>> try:
    ...     pg.KeyedVectors.load_word2vec_format("short.txt")
    ... except EOFError as error:
    ...     print("holds 1 of the 2 words" in str(error))
    True
    """


class EmptyVocabularyError(RuntimeError, ValueError):
    """No word of a corpus occurs often enough to get a vector.

    Examples
    --------
    >>> import polargram as pg
    >>> try:
    ...     pg.Word2Vec([["a", "b"]], min_count=2)
    ... except RuntimeError as error:
    ...     print(str(error)[:23])
    the vocabulary is empty
    """
