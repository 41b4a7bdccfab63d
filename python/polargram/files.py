"""Vectors in files: saving and loading, with gensim's names."""

from __future__ import annotations

import codecs
import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from polargram import _polargram as native
from polargram._polargram import Table, Vectors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["VectorFiles"]

_Path: TypeAlias = str | os.PathLike[str]

#: The ways to treat invalid UTF-8 that are native; Python's codecs know more.
_NATIVE_ERRORS = ("strict", "replace", "ignore")


class VectorFiles(Vectors):
    """What :class:`~polargram.KeyedVectors` has to do with files."""

    @classmethod
    def _of(cls, table: Table) -> Self:
        # As in unpickling, __init__ is not called: a subclass may give it any parameters.
        return cls.__new__(cls, table)

    def save(
        self,
        fname: _Path,
        *,
        dtype: DTypeLike = np.float32,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        """Save in the format that the ending names; a file with any other ending, or none, is written as Arrow.

        =============== ================================================================================================
        .arrow          Arrow IPC, memory-mapped when it is loaded: the columns word, count and vector
        .parquet        the same as Parquet
        .npy            NumPy's matrix, mapped; NAME.vocab.txt beside it has a line ``word count`` for each row
        .npz            NumPy's arrays ``vectors`` (mapped), ``words`` (or ``keys``, for integers) and ``counts``
        .safetensors    tensors ``vectors`` (mapped), ``counts``, ``words_utf8`` and ``words_offsets`` (or ``keys``)
        .txt, .vec      word2vec's text, which fastText also reads; .txt.gz and .vec.gz are compressed
        .bin            word2vec's binary format; .bin.gz is compressed
        .tsv            TensorBoard's projector, with NAME.metadata.tsv; only written
        =============== ================================================================================================

        ``fname`` may be the URL of a store (``s3://…``), whose ``storage_options`` are those of
        :func:`polars.scan_parquet`; what they lack comes from the environment. The file appears whole or not at all, so
        it cannot be a pipe. Attributes that you added are not in it: pickle keeps them.

        Arrow, Parquet, .npz and safetensors hold every key. A word with a line break cannot be in .txt, .npy or .tsv;
        one with a tab cannot be in .tsv; one with a space, or with a line break at its start, cannot be in .bin.

        With ``dtype=np.float16`` the values are rounded to half precision, in a file of half the size, in all but text
        and binary. Loaded, they are float32 in memory.

        In .npz, ``words`` is an array of text (``<U…``). Where such an array would take more than 256 MiB, or a word
        ends with a NUL, the words are one run of UTF-8, ``words_utf8``, in which word i goes from ``words_offsets[i]``
        to ``words_offsets[i + 1]``.

        Raises
        ------
        ValueError
            For keys, or values beyond ±65504 in half precision, that the format cannot hold.
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.save("vectors.arrow")
        >>> pg.KeyedVectors.load("vectors.arrow")
        KeyedVectors<vector_size=4, 2 keys>
        >>> wv.save("vectors.npz", dtype=np.float16)
        >>> arrays = np.load("vectors.npz")
        >>> arrays["words"].tolist(), arrays["vectors"].shape, arrays["vectors"].dtype
        (['a', 'b'], (2, 4), dtype('float16'))
        """
        native.save_vectors(self, fname, _is_half("dtype", dtype, ("float16", "float32")), storage_options)

    @classmethod
    def load(
        cls,
        fname: _Path,
        mmap: Literal["r"] | None = None,
        *,
        key_dtype: type[str] | type[int] | None = None,
        key_column: str | None = None,
        vector_column: str | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> Self:
        """Load a file of any format that :meth:`save` writes but .tsv: known by its content, or else by its ending.

        .arrow, .npy, .npz and .safetensors are memory-mapped, and with that read-only, if they hold float32 that is not
        compressed. With ``mmap="r"`` all are read-only. ``fname`` may be the URL of a store (``s3://…``), or a pipe:
        what it names is copied to a temporary file, which is removed at once where the system can.

        Arrow files and streams and Parquet files may be any program's: compressed, in several batches, with more
        columns. The keys are the column ``word``, ``key``, ``token`` or ``item`` of strings or integers, or else the
        only column of strings, or else the only one of integers; ``key_column`` names another. The vectors are the
        column ``vector``, or else the only one of lists of floats (of a fixed size or not, of 16, 32 or 64 bits, all of
        one length, without nulls); ``vector_column`` names another. A column ``count`` of integers is used if it is
        there.
        In .npz and .safetensors both name arrays.

        word2vec's text and binary files may be compressed with gzip, bzip2, xz or Zstandard. Text may lack the first
        line, as GloVe's files do. In text the last fields of a line are the vector, and the rest is the word, which may
        have spaces.

        Arrow, Parquet, .npz and safetensors know whether their keys are integers. Text formats (.npy's list of words,
        .txt, .bin) write integers as decimals, and are loaded with text as keys; ``key_dtype=int`` makes integers of
        them.

        Raises
        ------
        ValueError
            For a file that is damaged, or of no known format; with ``key_dtype=int`` for a key that is not an integer;
            for a table whose columns are not found, and for a key in more than one row.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv.save("vectors.txt")
        >>> pg.KeyedVectors.load("vectors.txt").index_to_key
        ['a', 'b']
        >>> pg.Word2Vec([[101, 7]] * 9, vector_size=4).wv.save("items.txt")
        >>> pg.KeyedVectors.load("items.txt").index_to_key
        ['7', '101']
        >>> pg.KeyedVectors.load("items.txt", key_dtype=int).index_to_key
        [7, 101]
        >>> pl.DataFrame({"title": ["x", "y"], "embedding": [[1.0, 2.0], [3.0, 4.0]]}).write_parquet("titles.parquet")
        >>> pg.KeyedVectors.load("titles.parquet")["y"]
        array([3., 4.], dtype=float32)
        """
        return cls._of(native.load_vectors(fname, mmap, key_dtype, key_column, vector_column, storage_options))

    def save_word2vec_format(
        self,
        fname: _Path,
        fvocab: _Path | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        """Save in the word2vec C format, text or binary, and lines of word and count to ``fvocab``.

        Both may be URLs, with the same ``storage_options``. Files whose names end in ``.gz`` are compressed.

        Parameters
        ----------
        fname
            The file.
        fvocab
            A file for lines of word and count, or word and ``sort_attr``.
        binary
            True for the binary format.
        total_vec
            How many words the first line announces, if others are to be appended.
        write_header
            False to leave the first line out, as GloVe does.
        prefix
            What stands before each word.
        append
            Add to the files instead of replacing them. They change whole or not at all.
        sort_attr
            The attribute whose largest value comes first; without it (see :meth:`get_vecattr`) the rows stay in their
            order.
        storage_options
            For files in stores, as in :func:`polars.scan_parquet`.

        Raises
        ------
        ValueError
            For a key that the format cannot hold: in text one with a line break; in binary one with a space, or with a
            line break at its start. With ``fvocab``, if the keys have no ``sort_attr``.
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.save_word2vec_format("vectors.txt", fvocab="counts.txt", prefix="w:")
        >>> print(pathlib.Path("counts.txt").read_text())
        w:a 9
        w:b 9
        <BLANKLINE>
        """
        order, attribute = (None, None) if sort_attr == "count" else self._sorted_by(sort_attr, fvocab is not None)
        how = (total_vec, write_header, prefix, append, order, attribute)
        native.save_word2vec_format(self, fname, fvocab, binary, *how, storage_options)

    def _sorted_by(self, attribute: str, is_needed: bool) -> tuple[list[int], list[str] | None]:
        """Give the rows by falling values of an attribute, and the values as text; rows stay if there is none."""
        rows = range(len(self))
        get: Any = self.get_vecattr
        try:
            values = [get(key, attribute) for key in self.index_to_key]
        except KeyError:
            if is_needed:
                reason = f"sort_attr: the keys have no attribute {attribute!r}, so there is nothing to write to fvocab"
                raise ValueError(reason) from None
            return list(rows), None
        return sorted(rows, key=lambda row: -values[row]), [str(value) for value in values]

    @classmethod
    def load_word2vec_format(
        cls,
        fname: _Path,
        fvocab: _Path | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: DTypeLike = np.float32,
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
            How words are encoded, in both files: the name of one of Python's codecs.
        unicode_errors
            What to do about words that are not of this encoding: ``"strict"`` raises ValueError, ``"replace"`` reads
            U+FFFD in the place of such bytes, ``"ignore"`` leaves them out; or another of Python's error handlers.
        limit
            Rows that are read; None and 0 read all, and then the file must hold as many words as its header says. With
            a limit it may hold more, or as few as the limit.
        datatype
            ``np.float16`` rounds the values to half precision. Vectors are float32 in memory, whatever it is; for half
            the file, :meth:`save` them with ``dtype=np.float16``.
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
        >>> _ = pathlib.Path("old.txt").write_bytes("1 2\\nкот 1 2\\n".encode("cp1251"))
        >>> pg.KeyedVectors.load_word2vec_format("old.txt", encoding="cp1251")["кот"]
        array([1., 2.], dtype=float32)
        """
        codec, is_half = _codec(encoding, unicode_errors), _is_half("datatype", datatype)
        is_native = codec == "utf-8" and unicode_errors in _NATIVE_ERRORS
        how: tuple[Any, ...] = ("utf8", unicode_errors) if is_native else ("latin1", "strict")
        how = (*how, limit, is_half, no_header, key_dtype if is_native else None, storage_options)
        table = native.load_word2vec_format(fname, fvocab, binary, *how)
        if not is_native:
            keys = enumerate(cls._of(table).index_to_key, 1)
            words = [_decoded(key, codec, unicode_errors, f"{fname}: word {number}") for number, key in keys]
            table = native.with_words(table, words, key_dtype)
        return cls._of(table)


def _codec(encoding: str, errors: str) -> str:
    """Give the name of a codec."""
    try:
        codecs.lookup_error(errors)
    except LookupError:
        raise ValueError(f"unicode_errors: {errors!r} is unknown; expected one of Python's error handlers") from None
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        raise ValueError(f"encoding: {encoding!r} is unknown; expected the name of one of Python's codecs") from None
    return codec.name


def _decoded(word: str, codec: str, errors: str, place: str) -> str:
    """Decode a word, of which each byte came as one character."""
    try:
        return word.encode("latin-1").decode(codec, errors)
    except UnicodeDecodeError as error:
        reason = f"{place}, {word!r}, is not {codec} ({error.reason})"
        raise ValueError(f'{reason}; pass unicode_errors="replace" or "ignore"') from None


def _is_half(name: str, dtype: DTypeLike, known: tuple[str, ...] = ("float16", "float32", "float64")) -> bool:
    """Tell half precision from others."""
    try:
        found = np.dtype(dtype).name
    except TypeError:
        found = repr(dtype)
    if found not in known:
        raise ValueError(f"{name}: {found} is not supported; expected {' or '.join(f'np.{one}' for one in known)}")
    return found == "float16"
