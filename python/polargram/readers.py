"""Corpora in plain text, with gensim's names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import UnsupportedOperation
from itertools import count, islice
from typing import IO, Literal, TypeAlias

from polargram._polargram import TextSource

__all__ = ["MAX_WORDS_IN_BATCH", "BrownCorpus", "LineSentence", "PathLineSentences", "Text8Corpus", "Utf8Errors"]

#: Words after which gensim's readers cut a sentence.
MAX_WORDS_IN_BATCH = 10_000

#: What to do about bytes that are not UTF-8: fail naming the line, read U+FFFD in their place, or leave them out.
Utf8Errors: TypeAlias = Literal["strict", "replace", "ignore"]

_Path: TypeAlias = str | os.PathLike[str]


class _Reader:
    """Sentences of files. A model reads the files natively, without Python, unless the user has opened them."""

    _text_source: TextSource | None

    def __iter__(self) -> Iterator[list[str]]:
        assert self._text_source is not None
        return iter(self._text_source)


class _LineReader(_Reader):
    """A sentence a line."""

    def __init__(
        self, paths: list[str], max_sentence_length: int | None, limit: int | None, errors: Utf8Errors
    ) -> None:
        self.max_sentence_length = max_sentence_length
        self.limit = limit
        self.errors = errors
        # It checks the other parameters, so it is made even if there are no files.
        text_source = TextSource(paths, "lines", max_sentence_length, limit, errors)
        self._text_source = text_source if paths else None


class LineSentence(_LineReader):
    """A sentence a line, its words separated by white space; lines without words are skipped.

    Unlike in gensim, a byte order mark at the start of the text is no part of the first word.

    Parameters
    ----------
    source
        A file, which may be compressed (``.gz``, ``.bz2``, ``.zst``, ``.xz``) or a URL; or an open binary or text file,
        which is read from its start again each time, by one iterator at a time.
    max_sentence_length
        Words after which a longer line is cut, and a new sentence starts. None cuts nothing.
    limit
        Lines that are read. None reads all.
    errors
        What to do about bytes that are not UTF-8: ``"strict"`` raises ValueError naming file and line, ``"replace"``
        reads U+FFFD in their place, ``"ignore"`` leaves them out. An open text file was given its own ``errors``.

    Examples
    --------
    >>> import pathlib, polargram as pg
    >>> _ = pathlib.Path("corpus.txt").write_text("the cat sat\\nthe dog ran\\n")
    >>> list(pg.LineSentence("corpus.txt", limit=1))
    [['the', 'cat', 'sat']]
    """

    def __init__(
        self,
        source: _Path | IO[bytes] | IO[str],
        max_sentence_length: int | None = MAX_WORDS_IN_BATCH,
        limit: int | None = None,
        errors: Utf8Errors = "strict",
    ) -> None:
        self.source = source
        paths = [os.fspath(source)] if isinstance(source, str | os.PathLike) else []
        super().__init__(paths, max_sentence_length, limit, errors)

    def __iter__(self) -> Iterator[list[str]]:
        if self._text_source is not None:
            return super().__iter__()
        return self._lines_of_file()

    def _lines_of_file(self) -> Iterator[list[str]]:
        assert not isinstance(self.source, str | os.PathLike)
        name = getattr(self.source, "name", "the file")
        try:
            self.source.seek(0)
        except OSError as error:
            msg = (
                f"{name}: {str(error).rstrip('.')}; a corpus is read more than once, to count words and then to train, "
                "so it cannot be a pipe. Write it to a file first."
            )
            raise UnsupportedOperation(msg) from error
        lines: Iterator[bytes | str] = islice(self.source, self.limit)
        for number in count(1):
            try:
                line = next(lines, None)
            except UnicodeDecodeError as error:
                # A text file decodes ahead, so the exact line is not known.
                msg = f"{name}, in or after line {number}: {error}. Open it with the right encoding or errors."
                raise ValueError(msg) from error
            if line is None:
                return
            try:
                words = (line if isinstance(line, str) else line.decode("utf-8", self.errors)).split()
            except UnicodeDecodeError as error:
                msg = f"{name}, line {number}: {error}"
                raise ValueError(msg) from error
            step = self.max_sentence_length or max(len(words), 1)
            yield from (words[start : start + step] for start in range(0, len(words), step))


class PathLineSentences(_LineReader):
    """:class:`LineSentence` of every file in a directory, in the order of their names, or of one file.

    ``limit`` is for each file, as in gensim. Hidden files and subdirectories are left out. A URL
    may be a prefix: everything below it is read, except names that start with ``.`` or ``_``.

    Examples
    --------
    >>> import gzip, pathlib, polargram as pg
    >>> pathlib.Path("texts").mkdir()
    >>> _ = pathlib.Path("texts/a.txt").write_text("the cat sat\\n")
    >>> _ = pathlib.Path("texts/b.txt.gz").write_bytes(gzip.compress(b"the dog ran\\n"))
    >>> list(pg.PathLineSentences("texts"))
    [['the', 'cat', 'sat'], ['the', 'dog', 'ran']]
    """

    def __init__(
        self,
        source: _Path,
        max_sentence_length: int | None = MAX_WORDS_IN_BATCH,
        limit: int | None = None,
        errors: Utf8Errors = "strict",
    ) -> None:
        self.source = source
        super().__init__([os.fspath(source)], max_sentence_length, limit, errors)


class Text8Corpus(_Reader):
    """Running text, as `text8 <https://mattmahoney.net/dc/text8.zip>`_: sentences of ``max_sentence_length`` words.

    Examples
    --------
    >>> import pathlib, polargram as pg
    >>> _ = pathlib.Path("text8").write_text("the cat sat on the mat")
    >>> list(pg.Text8Corpus("text8", max_sentence_length=4))
    [['the', 'cat', 'sat', 'on'], ['the', 'mat']]
    """

    def __init__(
        self, fname: _Path, max_sentence_length: int = MAX_WORDS_IN_BATCH, errors: Utf8Errors = "strict"
    ) -> None:
        self.fname = fname
        self.max_sentence_length = max_sentence_length
        self.errors = errors
        self._text_source = TextSource([os.fspath(fname)], "text8", max_sentence_length, None, errors)


class BrownCorpus(_Reader):
    """A directory of files in the format of NLTK's Brown corpus: ``word/tag``, a sentence a line.

    Each word is in lower case, with the first two letters of its tag. Words whose tag does not start with letters are
    left out.

    Examples
    --------
    >>> import pathlib, polargram as pg
    >>> pathlib.Path("brown").mkdir()
    >>> _ = pathlib.Path("brown/ca01").write_text("The/at jury/nn said/vbd ./.\\n")
    >>> list(pg.BrownCorpus("brown"))
    [['the/at', 'jury/nn', 'said/vb']]
    """

    def __init__(self, dirname: _Path, errors: Utf8Errors = "strict") -> None:
        self.dirname = dirname
        self.errors = errors
        self._text_source = TextSource([os.fspath(dirname)], "brown", None, None, errors)
