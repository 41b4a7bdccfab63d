"""Vectors in files: saving and loading, with gensim's names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from polargram._polargram import Table, Vectors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["VectorFiles"]

_Path: TypeAlias = str | os.PathLike[str]


class VectorFiles(Vectors):
    """What :class:`~polargram.KeyedVectors` has to do with files."""

    @classmethod
    def _of(cls, table: Table) -> Self:
        # As in unpickling, __init__ is not called: a subclass may give it any parameters.
        return cls.__new__(cls, table)

    def save(self, fname: _Path, *, storage_options: dict[str, Any] | None = None) -> None:
        """Save in the format that the ending names: .arrow, .npy (and NAME.vocab.txt), .txt or .vec, .bin.

        .txt.gz, .vec.gz and .bin.gz are compressed. A file with any other ending, or none, is written as Arrow.
        ``fname`` may be the URL of a store (``s3://…``), whose ``storage_options`` are those of
        :func:`polars.scan_parquet`; what they lack comes from the environment. The file appears whole or not at all, so
        it cannot be a pipe. Attributes that you added are not in it: pickle keeps them.

        Arrow holds every key. A word with a line break cannot be in .txt or .npy; one with a space, or with a line
        break at its start, cannot be in .bin.

        Raises
        ------
        ValueError
            For keys that the format cannot hold.
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv.save("vectors.arrow")
        >>> pg.KeyedVectors.load("vectors.arrow")
        KeyedVectors<vector_size=4, 2 keys>
        """
        super().save(fname, storage_options=storage_options)

    @classmethod
    def load(
        cls,
        fname: _Path,
        mmap: Literal["r"] | None = None,
        *,
        key_dtype: type[str] | type[int] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> Self:
        """Load a file of any format that :meth:`save` writes: known by its content, or else by its ending.

        .arrow and .npy are memory-mapped, and with that read-only. With ``mmap="r"`` all are read-only. ``fname`` may
        be the URL of a store (``s3://…``), or a pipe: what it names is copied to a temporary file, which is removed at
        once where the system can.

        word2vec's text and binary files may be compressed with gzip, bzip2, xz or Zstandard. Text may lack the first
        line, as GloVe's files do. In text the last fields of a line are the vector, and the rest is the word, which may
        have spaces.

        Arrow files know whether their keys are integers. Text formats (.npy's list of words, .txt, .bin) write integers
        as decimals, and are loaded with text as keys; ``key_dtype=int`` makes integers of them.

        Raises
        ------
        ValueError
            For a file that is damaged, or of no known format; with ``key_dtype=int`` for a key that is not an integer.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv.save("vectors.txt")
        >>> pg.KeyedVectors.load("vectors.txt").index_to_key
        ['a', 'b']
        >>> pg.Word2Vec([[101, 7]] * 9, vector_size=4).wv.save("items.txt")
        >>> pg.KeyedVectors.load("items.txt").index_to_key
        ['7', '101']
        >>> pg.KeyedVectors.load("items.txt", key_dtype=int).index_to_key
        [7, 101]
        """
        return cls._of(Table.load(fname, mmap, key_dtype, storage_options))

    def save_word2vec_format(
        self,
        fname: _Path,
        fvocab: _Path | None = None,
        binary: bool = False,
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        """Save in the word2vec C format, text or binary, and lines of word and count to ``fvocab``.

        Both may be URLs, with the same ``storage_options``. Files whose names end in ``.gz`` are compressed.

        Raises
        ------
        ValueError
            For a key that the format cannot hold: in text one with a line break; in binary one with a space, or with a
            line break at its start.
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.save_word2vec_format("vectors.txt", fvocab="counts.txt")
        >>> print(pathlib.Path("counts.txt").read_text())
        a 9
        b 9
        <BLANKLINE>
        """
        super().save_word2vec_format(fname, fvocab, binary, storage_options=storage_options)

    @classmethod
    def load_word2vec_format(
        cls,
        fname: _Path,
        fvocab: _Path | None = None,
        binary: bool = False,
        encoding: Literal["utf8", "utf-8"] = "utf8",
        unicode_errors: Literal["strict", "replace", "ignore"] = "strict",
        limit: int | None = None,
        no_header: bool = False,
        *,
        key_dtype: type[str] | type[int] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> Self:
        """Load the word2vec C format, text or binary.

        In text the last fields of a line are the vector, and the rest is the word, which may have spaces. In binary a
        word is all that stands before a space.

        Parameters
        ----------
        fname
            The file, which may be a pipe, and compressed with gzip, bzip2, xz or Zstandard.
        fvocab
            A file of lines of word and count, with a space or tab between them. Without it counts fall from row to row.
        binary
            True for the binary format.
        encoding
            Only ``"utf8"``.
        unicode_errors
            What to do about words that are not UTF-8: ``"strict"`` raises ValueError, ``"replace"`` reads U+FFFD in the
            place of such bytes, ``"ignore"`` leaves them out.
        limit
            Rows that are read; None and 0 read all, and then the file must hold as many words as its header says. With
            a limit it may hold more, or as few as the limit.
        no_header
            True for a text file without its first line, as GloVe's are.
        key_dtype
            ``int`` to make integers of the keys. A key that is not an integer then raises ValueError naming its line.
        storage_options
            For files in stores, as in :func:`polars.scan_parquet`.

        Raises
        ------
        ValueError
            For a file that is damaged, cut, or of the other format; the message says what it holds.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> _ = pathlib.Path("glove.txt").write_text("the 0.1 0.2\\ncat 0.3 0.4\\n")
        >>> pg.KeyedVectors.load_word2vec_format("glove.txt", no_header=True)["cat"]
        array([0.3, 0.4], dtype=float32)
        """
        options = (encoding, unicode_errors, limit, no_header, key_dtype, storage_options)
        return cls._of(Table.load_word2vec_format(fname, fvocab, binary, *options))
