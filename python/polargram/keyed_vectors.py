"""``KeyedVectors``, with gensim's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import Table
from polargram.files import VectorFiles
from polargram.search import Search
from polargram.values import factors_of

__all__ = ["Key", "KeyedVectors"]

#: What vectors are looked up by: text or an integer. Where the keys are text, an integer is a row number.
Key: TypeAlias = str | int



class KeyedVectors(Search, VectorFiles):
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
