"""``KeyedVectors``, with gensim's names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import Table
from polargram.search import Search
from polargram.values import factors_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Key", "KeyedVectors"]

#: What vectors are looked up by: text or an integer. Where the keys are text, an integer is a row number.
Key: TypeAlias = str | int

_Path: TypeAlias = str | os.PathLike[str]


class KeyedVectors(Search):
    """A table of keys and vectors: a trained model's (``model.wv``), or a file's (:meth:`load`).

    ``wv[key]`` is a key's vector, ``wv[[key, …]]`` the matrix of several; ``key in wv``, ``len(wv)`` and ``iter(wv)``
    are about the keys, in the order of the rows. A key that is not there raises KeyError.

    Keys are ``str``, or ``int`` if the corpus was one of integers. Where they are ``str``, an ``int`` is a row number,
    as in gensim. Text is never an integer: ``"101" in wv`` is False where ``101 in wv`` is True.

    A model's changes with the model: it has the new words and vectors when words are added, or the model starts again.
    Copies of it, pickled ones too, keep the words that it had.

    It may be subclassed: :meth:`load` and :meth:`load_word2vec_format` give the subclass, and call no ``__init__``. It
    may be given attributes. :func:`copy.copy` shares the vectors; :func:`copy.deepcopy` copies them into memory that
    may be written to. Pickled, the vectors of a mapped file travel by its absolute path, so that the file must be there
    and unchanged when they are loaded; other vectors travel as bytes. Attributes travel with all of these, but not with
    :meth:`save`.

    Examples
    --------
    >>> import pickle, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> wv["cat"].shape, wv[["cat", "sat"]].shape
    ((4,), (2, 4))
    >>> "cat" in wv, "dog" in wv, len(wv), list(wv)
    (True, False, 3, ['cat', 'sat', 'the'])
    >>> wv.language = "en"
    >>> pickle.loads(pickle.dumps(wv)).language
    'en'
    """

    # __getitem__, __contains__, __len__ and the properties are the native base's own: they run no Python code.

    @classmethod
    def _of(cls, table: Table) -> Self:
        # As in unpickling, __init__ is not called: a subclass may give it any parameters.
        return cls.__new__(cls, table)

    def __getnewargs__(self) -> tuple[Table]:
        # With it Python copies and pickles by itself: the table knows how it is copied and pickled.
        return (self.table,)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # Older protocols do not ask for the arguments of __new__.
        return super().__reduce_ex__(max(2, protocol.__index__()))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index_to_key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    @property
    def vectors_lockf(self) -> NDArray[np.float32]:
        """The share of its changes that a key's vector takes in training: 0 freezes it.

        One factor for all keys, or one for each row; finite numbers.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=4)
        >>> model.wv.vectors_lockf
        array([1.], dtype=float32)
        >>> model.wv.vectors_lockf = np.array([0, 1], dtype=np.float32)  # "a" stays as it is
        """
        factors: NDArray[np.float32] = self.__dict__.setdefault("vectors_lockf", np.ones(1, dtype=np.float32))
        return factors

    @vectors_lockf.setter
    def vectors_lockf(self, factors: Any) -> None:
        checked = factors_of(factors)
        if len(checked) not in (1, len(self)):
            msg = f"vectors_lockf: has {len(checked)} factors for {len(self)} words; it must have one, or one for each"
            raise ValueError(msg)
        self.__dict__["vectors_lockf"] = checked

    def get_vector(self, key: Key, norm: bool = False) -> NDArray[np.float32]:
        """Give the vector of a key: a read-only view, or with ``norm`` a copy of length 1.

        Vectors of zeros, and those with NaN or infinity, have no direction: ``norm`` leaves them as they are.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> round(float(np.linalg.norm(wv.get_vector("a", norm=True))), 4)
        1.0
        """
        return super().get_vector(key, norm)

    def get_index(self, key: Key, default: int | None = None) -> int:
        """Give the row of a key; ``default`` if the key is not there and a default is given, else KeyError.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.get_index("b"), wv.get_index("unknown", default=-1)
        (1, -1)
        """
        return super().get_index(key, default)

    @overload
    def get_vecattr(self, key: Key, attr: Literal["count"]) -> int: ...
    @overload
    def get_vecattr(self, key: Key, attr: Literal["code"]) -> NDArray[np.uint8]: ...
    @overload
    def get_vecattr(self, key: Key, attr: Literal["point"]) -> NDArray[np.uint32]: ...
    def get_vecattr(self, key: Key, attr: Any) -> Any:
        """Give an attribute of a key.

        ``"count"`` is how often it occurred in the corpus. ``"code"`` and ``"point"`` are the bits and the inner nodes
        of its path in the Huffman tree, from the root, which is node 0.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b", "a"]] * 9, vector_size=4).wv
        >>> wv.get_vecattr("a", "count"), wv.get_vecattr("a", "code").tolist()
        (18, [1])
        """
        return super().get_vecattr(key, attr)

    def fill_norms(self, force: bool = False) -> None:
        """With ``force`` forget the cached norms: call it after the vectors were changed from outside.

        Norms are computed when they are first needed, so that without ``force`` there is nothing to do.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.vectors[0] = wv.vectors[1]
        >>> wv.fill_norms(force=True)
        >>> round(wv.similarity("a", "b"), 4)
        1.0
        """
        super().fill_norms(force)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Give the cosine of the vectors of two keys, from -1 to 1.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> round(wv.similarity("a", "a"), 4)
        1.0
        """
        return super().similarity(w1, w2)

    def most_similar(
        self,
        positive: Key | Iterable[Key] | None = None,
        negative: Key | Iterable[Key] | None = None,
        topn: int = 10,
    ) -> list[tuple[Any, float]]:
        """Give the ``topn`` nearest keys and their cosines, the nearest first.

        They are the nearest to the mean of the unit vectors of ``positive`` and the negated ones of ``negative``
        (3CosAdd; Mikolov et al. 2013). The keys asked with are left out.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If no key is given.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> [key for key, _ in wv.most_similar("the", topn=2)]  # doctest: +SKIP
        ['sat', 'cat']
        >>> len(wv.most_similar(positive=["the", "cat"], negative=["sat"]))
        0
        """
        return super().most_similar(positive, negative, topn)

    # Files

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
