"""``KeyedVectors``, with gensim's names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from polargram._polargram import Table
from polargram.align import Alignments
from polargram.attributes import COUNT, Stored
from polargram.evaluation import Evaluation
from polargram.files import VectorFiles
from polargram.frames import Frames
from polargram.norms import Norms
from polargram.notebook import page_of
from polargram.plotting import Pictures
from polargram.queries import Queries
from polargram.renames import GoneNames, warn_deprecated
from polargram.search import Search
from polargram.static_models import StaticModels
from polargram.values import count as whole_number
from polargram.values import factors_of
from polargram.vecattrs import KeyAttributes

__all__ = ["Key", "KeyedVectors"]

#: What vectors are looked up by: text or an integer. Where the keys are text, an integer is a row number.
Key: TypeAlias = str | int


logger = logging.getLogger("polargram")


class KeyedVectors(
    Queries,
    Evaluation,
    Search,
    Norms,
    KeyAttributes,
    VectorFiles,
    Frames,
    StaticModels,
    Alignments,
    Pictures,
    GoneNames,
):
    """A table of keys and vectors: a trained model's (``model.wv``), a file's (:meth:`load`), or one that you fill.

    ``wv[key]`` is a key's vector, ``wv[[key, …]]`` the matrix of several; ``key in wv``, ``len(wv)`` and ``iter(wv)``
    are about the keys, in the order of the rows. A key that is not there raises KeyError.

    Keys are ``str``, or ``int`` if the corpus was one of integers. Where they are ``str``, an ``int`` is a row number,
    as in gensim. Text is never an integer: ``"101" in wv`` is False where ``101 in wv`` is True.

    It may be changed: ``wv[key] = vector`` and :meth:`add_vectors` replace and add vectors, one by one or many at once,
    and :meth:`set_vecattr` gives keys attributes of their own. Norms follow every change. The vectors of a file that is
    mapped are copied to memory when the first of them is changed; the file stays as it is. An array of
    :attr:`vectors` that was taken before keys were added shows the rows of then: take it again.

    A model's changes with the model: it has the new words and vectors when words are added, or the model starts again.
    Changing its vectors changes the model, which cannot be given new words in this way. Copies of it, pickled ones too,
    keep the words that it had.

    It may be subclassed: :meth:`load` and :meth:`load_word2vec_format` give the subclass, and call no ``__init__``. It
    may be given attributes. :func:`copy.copy` shares the vectors, but has keys of its own; :func:`copy.deepcopy` copies
    the vectors too. Pickled, the unchanged vectors of a mapped file travel by its absolute path, so that the file must
    be there and unchanged when they are loaded; other vectors travel as bytes. Attributes, those of keys too, travel
    with all of these, but not with :meth:`save`.

    Parameters
    ----------
    vector_size
        Dimensions of the vectors.
    count
        How many keys are expected. It has no effect: a table grows as fast without. Unlike in gensim, where ``len(wv)``
        is ``count`` from the start, it is the number of keys that were added.
    dtype
        Only ``np.float32``.
    mapfile_path
        Kept as an attribute; it has no effect, as in gensim.

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
    >>> items = pg.KeyedVectors(2)
    >>> items[101] = [0.0, 1.0]
    >>> items[[102, 103]] = [[1.0, 0.0], [0.5, 0.5]]
    >>> len(items), items[103].tolist()
    (3, [0.5, 0.5])
    """

    # __getitem__, __contains__, __len__ and the properties are the native base's own: they run no Python code.

    def __init__(
        self,
        vector_size: int,
        count: int = 0,
        dtype: DTypeLike = np.float32,
        mapfile_path: str | None = None,
    ) -> None:
        if np.dtype(dtype) != np.float32:
            msg = f"dtype: {np.dtype(dtype)} is not float32, in which vectors are held; convert copies of them"
            raise ValueError(msg)
        whole_number("count", count)
        dimensions = whole_number("vector_size", vector_size)
        if not 0 < dimensions < 2**31:
            msg = f"vector_size: {vector_size} is not a number from 1 to 2^31 - 1"
            raise ValueError(msg)
        self._begin(dimensions)
        self.mapfile_path = mapfile_path

    def __getnewargs__(self) -> tuple[Table]:
        # With it Python copies and pickles by itself: the table knows how it is copied and pickled.
        return (self.table,)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # Older protocols do not ask for the arguments of __new__.
        reduced = super().__reduce_ex__(max(2, protocol.__index__()))
        if isinstance(reduced, str) or len(reduced) < 3:
            return reduced
        # With slots there are two states.
        state, slots = reduced[2] if isinstance(reduced[2], tuple) else (reduced[2], None)
        if not isinstance(state, dict) or not isinstance(state.get("_attributes"), Stored):
            return reduced
        state = self._state(state)
        return (*reduced[:2], state if slots is None else (state, slots), *reduced[3:])

    def _state(self, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the attributes of a copy: those of keys are its own, since its keys may become others."""
        state = dict(self.__dict__ if state is None else state)
        stored = state.get("_attributes")
        return {**state, "_attributes": stored.copied(len(self))} if isinstance(stored, Stored) else state

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index_to_key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def _repr_html_(self) -> str:
        # A frame does not make all keys Python's strings.
        first = self.to_polars().head(_FIRST_KEYS).iter_rows()
        rows = [(key, f"{count:,}", _first_values(vector)) for key, count, vector in first]
        facts = [("keys", f"{len(self):,}"), ("dimensions", self.vector_size)]
        return page_of(type(self).__name__, facts, ("key", "count", "vector") if rows else (), rows)

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

    def has_index_for(self, key: Key) -> bool:
        """Tell whether a key has a row.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.has_index_for("a"), wv.has_index_for("unknown")
        (True, False)
        """
        return self.get_index(key, -1) >= 0

    def word_vec(self, *args: Any, **kwargs: Any) -> NDArray[np.float32]:
        """Give the vector of a key: the old name of :meth:`get_vector`, with a DeprecationWarning.

        Examples
        --------
        >>> import warnings, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     wv.word_vec("a").shape
        (4,)
        """
        warn_deprecated("word_vec", "get_vector")
        return self.get_vector(*args, **kwargs)

    def get_mean_vector(
        self,
        keys: Key | Sequence[Key | NDArray[Any]] | NDArray[Any],
        weights: Sequence[float] | NDArray[Any] | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> NDArray[np.float32]:
        """Give the weighted mean of the vectors of keys: their sum over the sum of the absolute weights.

        Parameters
        ----------
        keys
            Keys, or vectors, or both.
        weights
            A number for each; by default all are 1.
        pre_normalize
            Takes vectors of keys scaled to length 1. Vectors among ``keys`` are taken as they are.
        post_normalize
            Scales the mean to length 1.
        ignore_missing
            False raises KeyError for a key that is not there. True leaves it out, and its weight; if none is left, the
            mean is of zeros.

        Raises
        ------
        ValueError
            For no keys, or another number of weights.
        KeyError
            For a key that is not there, unless ``ignore_missing``.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv[["a", "b"]] = [[2.0, 0.0], [0.0, 1.0]]
        >>> wv.get_mean_vector(["a", "b", "unknown"]).tolist()
        [0.5, 0.5]
        >>> wv.get_mean_vector(["a", "b"], weights=[3, -1], pre_normalize=False).tolist()
        [1.5, -0.25]
        """
        several: list[Any] = [keys] if _is_key(keys) or _is_vector(keys) else list(keys)  # type: ignore[arg-type]
        if not several:
            msg = "keys: there are none, so there is no mean"
            raise ValueError(msg)
        factors = np.ones(len(several)) if weights is None else np.asarray(weights, dtype=np.float64)
        if factors.shape != (len(several),):
            msg = f"weights: of shape {factors.shape} for {len(several)} keys; expected one for each"
            raise ValueError(msg)
        # In double precision, in which no sum of vectors overflows.
        mean, total = np.zeros(self.vector_size), 0.0
        for key, factor in zip(several, factors.tolist(), strict=True):
            if isinstance(key, np.ndarray) and key.ndim:
                mean += factor * _vector_of(key, self.vector_size)
            elif key in self:
                mean += factor * self.get_vector(key, norm=pre_normalize).astype(np.float64)
            elif ignore_missing:
                continue
            else:
                msg = f"Key '{key}' not present in vocabulary"
                raise KeyError(msg)
            total += abs(factor)
        if total > 0:
            mean /= total
        length = float(np.linalg.norm(mean)) if post_normalize else 0.0
        return (mean / length if length > 0 else mean).astype(np.float32)

    # Adding and replacing

    def add_vector(self, key: Key, vector: ArrayLike) -> int:
        """Add a key and its vector, and return its row. A key that is there keeps its vector.

        Raises
        ------
        ValueError
            For a vector of other dimensions, or a key of another kind than those that are there.
        RuntimeError
            For a new key where the vectors are a model's.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv.add_vector("a", [1.0, 2.0]), wv.add_vector("b", [3.0, 4.0])
        (0, 1)
        """
        return int(self._add([key], np.asarray(vector, dtype=np.float32)[None], replace=False)[0])

    def add_vectors(
        self,
        keys: Key | Sequence[Key] | NDArray[Any],
        weights: ArrayLike,
        extras: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> None:
        """Add keys and their vectors. A key that is there keeps its vector, unless ``replace``.

        Parameters
        ----------
        keys
            One key or several. The first key of an empty table decides whether its keys are text or integers.
        weights
            A vector for each.
        extras
            Attributes by name, with a value for each key: see :meth:`set_vecattr`. Keys that keep their vector keep
            these too. ``"count"`` is one; without it new keys have a count of 0.
        replace
            True for keys that are there to take the new vectors and attributes.

        Raises
        ------
        ValueError
            For vectors of another shape, or a key of another kind than those that are there.
        TypeError
            For an attribute of another type than the one that is there.
        RuntimeError
            For new keys where the vectors are a model's.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv.add_vectors(["a", "b"], np.eye(2), extras={"count": np.array([9, 4])})
        >>> wv.add_vectors(["b", "c"], np.ones((2, 2)))
        >>> wv["b"].tolist(), wv["c"].tolist(), wv.get_vecattr("b", "count")
        ([0.0, 1.0], [1.0, 1.0], 4)
        """
        extras = extras or {}
        if _is_key(keys):
            keys, weights = [keys], np.asarray(weights, dtype=np.float32).reshape(1, -1)  # type: ignore[list-item]
            extras = {name: np.asarray(values).reshape(1) for name, values in extras.items()}
        several = list(keys)  # type: ignore[arg-type]
        arrays = {name: np.asarray(values) for name, values in extras.items()}
        for name, values in arrays.items():
            if values.shape != (len(several),):
                msg = f"attribute {name!r}: has the shape {values.shape}; expected ({len(several)},), one for each key"
                raise ValueError(msg)
            self.expandos.allocate(name, values.dtype)
        before = len(self)
        rows = self._add(several, np.asarray(weights, dtype=np.float32), replace)
        # A key that repeats is new once.
        taken = np.arange(len(rows)) if replace else np.unique(rows, return_index=True)[1]
        if not replace:
            taken = taken[rows[taken] >= before]
        for name, values in arrays.items():
            self.expandos.set(name, rows[taken], values[taken])

    def __setitem__(self, keys: Key | list[Key] | NDArray[Any], weights: ArrayLike) -> None:
        """Set the vector of a key, or those of a list of keys. Keys that are not there are added."""
        self.add_vectors(keys, weights, replace=True)

    def _add(self, keys: Sequence[Key], vectors: NDArray[np.float32], replace: bool) -> NDArray[np.int64]:
        """Add or replace, and return the row of each key."""
        if not keys:
            return np.zeros(0, dtype=np.int64)
        if vectors.ndim != 2:
            msg = f"vectors: of shape {vectors.shape}; expected ({len(keys)}, {self.vector_size})"
            raise ValueError(msg)
        rows = self._put(keys, vectors, replace)
        self._extend_factors()
        return rows

    def _extend_factors(self) -> None:
        """Let keys that were added train as usual, where each has a factor of its own."""
        factors = self.__dict__.get("vectors_lockf")
        if factors is not None and 1 < len(factors) < len(self):
            self.vectors_lockf = np.append(factors, np.ones(len(self) - len(factors), dtype=np.float32))

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> KeyedVectors:
        """Make a table of those of the keys that are there, each once, in their order.

        Parameters
        ----------
        keys
            Any keys.
        allow_inference
            False takes only keys proper: where they are text, an integer is a row number too.
        copy_vecattrs
            True copies the attributes. Otherwise the counts fall from row to row, to 1.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=4).wv
        >>> wv.vectors_for_all(["c", "unknown", "a", "c"]).index_to_key
        ['c', 'a']
        """
        known: Any = self if allow_inference else self.key_to_index
        there = [key for key in dict.fromkeys(keys) if key in known]
        other = KeyedVectors(self.vector_size)
        if not there:
            return other
        rows = np.array([self.get_index(key, -1) for key in there])
        # Words without a row have no attributes.
        there_rows = np.maximum(rows, 0)
        attributes = {}
        for name, values in self.expandos.items() if copy_vecattrs and len(self) else ():
            attributes[name] = np.where(rows < 0, np.zeros(1, values.dtype), values[there_rows])
        other.add_vectors(there, self[there], {COUNT: np.arange(len(there), 0, -1), **attributes})
        return other

    def intersect_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        """Take the vectors of a word2vec file for those of the keys that it has; no keys are added.

        Parameters
        ----------
        fname, binary, encoding, unicode_errors, storage_options
            As for :meth:`load_word2vec_format`. Where keys are integers, the file's decimals stand for them.
        lockf
            The share of their changes that these keys take when a model is trained on: 0 freezes them. See
            :attr:`vectors_lockf`.

        Raises
        ------
        ValueError
            For a file of vectors of other dimensions, or one that is damaged.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> _ = pathlib.Path("pretrained.txt").write_text("2 2\\nb 1 2\\nz 3 4\\n")
        >>> model = pg.Word2Vec(vector_size=2)
        >>> model.build_vocab([["a", "b"]] * 9)
        >>> model.wv.intersect_word2vec_format("pretrained.txt")
        >>> model.wv["b"].tolist(), model.wv.vectors_lockf.tolist()
        ([1.0, 2.0], [1.0, 0.0])
        """
        factor = factors_of([lockf], "lockf")[0]
        file = KeyedVectors.load_word2vec_format(
            fname,
            binary=binary,
            encoding=encoding,
            unicode_errors=unicode_errors,
            storage_options=storage_options,
        )
        if file.vector_size != self.vector_size:
            msg = f"incompatible vector size {file.vector_size} in file {fname}: the vectors have {self.vector_size}"
            raise ValueError(msg)
        rows = self._intersect(file)
        factors = self.vectors_lockf
        if len(rows) and (len(factors) > 1 or factors[0] != factor):
            factors = np.broadcast_to(factors, len(self)).copy()
            factors[rows] = factor
            self.vectors_lockf = factors
        logger.info("took %d vectors from %s", len(rows), fname)

    # All rows

    def sort_by_descending_frequency(self) -> None:
        """Sort the rows by falling counts; of equal counts the last comes first, as in gensim.

        Raises
        ------
        RuntimeError
            If the vectors are a model's, and not sorted already: its other weights are in the order of the words.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.KeyedVectors(1)
        >>> wv.add_vectors(["a", "b", "c"], [[1], [2], [3]], extras={"count": np.array([5, 7, 5])})
        >>> wv.sort_by_descending_frequency()
        >>> wv.index_to_key, wv.vectors.ravel().tolist()
        (['b', 'c', 'a'], [2.0, 3.0, 1.0])
        """
        order = self._sort()
        if order is None:
            return
        self._stored.reorder(order)
        factors = self.vectors_lockf
        if len(factors) > 1:
            self.vectors_lockf = factors[order]

    def resize_vectors(self, seed: int = 0) -> None:
        """Give vectors to keys that were appended to :attr:`index_to_key`: random ones, of values within ±1 / d.

        Otherwise there is nothing to do, since each key has a vector.

        Raises
        ------
        RuntimeError
            If the vectors are a model's, and keys were appended.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.KeyedVectors(4)
        >>> wv.index_to_key.extend(["a", "b"])
        >>> wv.resize_vectors(seed=1)
        >>> wv["b"].shape
        (4,)
        """
        before = len(self)
        keys = self.index_to_key
        appended = keys[before:]
        if not appended:
            return
        # As gensim draws them.
        values = np.random.default_rng(seed=seed).random((len(keys), self.vector_size), dtype=np.float32)
        del keys[before:]
        self.add_vectors(appended, ((values * 2 - 1) / self.vector_size)[before:])


#: What a notebook shows of the keys, and of the values of each.
_FIRST_KEYS = 5
_FIRST_VALUES = 4


def _first_values(vector: Sequence[float]) -> str:
    return ", ".join([f"{value:.4g}" for value in vector[:_FIRST_VALUES]] + ["…"] * (len(vector) > _FIRST_VALUES))


def _is_key(value: object) -> bool:
    return isinstance(value, str | int | np.integer)


def _is_vector(value: Any) -> bool:
    """Tell a vector from an array of keys, and from a matrix."""
    return isinstance(value, np.ndarray) and value.ndim == 1 and np.issubdtype(value.dtype, np.floating)


def _vector_of(values: NDArray[Any], vector_size: int) -> NDArray[np.float64]:
    if values.shape != (vector_size,):
        msg = f"keys: has a vector of shape {values.shape}; expected ({vector_size},)"
        raise ValueError(msg)
    return values.astype(np.float64)
