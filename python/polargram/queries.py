"""What is near to keys and vectors, with gensim's names."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polargram import _polargram
from polargram._polargram import Vectors

if TYPE_CHECKING:
    from polargram.keyed_vectors import Key

__all__ = ["Indexer", "Queries"]

logger = logging.getLogger("polargram")

AnyKey = TypeVar("AnyKey", bound="Key")

#: One vector.
Vector: TypeAlias = NDArray[Any]
#: Keys and their scores, the best first.
Scored: TypeAlias = list[tuple[Any, float]]


class Indexer(Protocol):
    """An approximate index, as :meth:`Queries.most_similar` takes it: gensim's for Annoy is one."""

    def most_similar(self, vector: NDArray[np.float32], topn: int) -> Any:
        """Give the ``topn`` keys that are nearest to a vector of length 1, with their scores."""


class Queries(Vectors):
    """The part of ``KeyedVectors`` that answers queries."""

    @overload
    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: None = None,
    ) -> Scored: ...
    @overload
    def most_similar(
        self,
        positive: Any,
        negative: Any,
        topn: None,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> NDArray[np.float32]: ...
    @overload
    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        *,
        topn: None,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> NDArray[np.float32]: ...
    @overload
    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> Any: ...
    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> Any:
        """Give the ``topn`` nearest keys and their cosines, the nearest first; those of equal cosine by their rows.

        They are the nearest to the weighted sum of what is asked with (3CosAdd; Mikolov et al. 2013). Keys count with
        their unit vectors, vectors as they are. The keys asked with are left out.

        Vectors of zeros have the cosine 0 with all others (gensim: not a number).

        Parameters
        ----------
        positive
            A key, a vector (a NumPy array), or a list of these and of pairs of one and its weight; a matrix is a list
            of vectors.
        negative
            The same, but with weights of -1. A pair has the weight that it says.
        topn
            How many keys to give. None gives an array of all cosines, also of the keys asked with, in the order of the
            rows.
        clip_start, clip_end
            Search only among these rows.
        restrict_vocab
            Search only among so many first rows; it comes before ``clip_start`` and ``clip_end``. None and 0: all.
        indexer
            An approximate index, which is asked instead: an object with a method ``most_similar(vector, topn)``. What
            it gives is given as it is.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If there is no key or vector, or a vector of another size.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> [key for key, _ in wv.most_similar("the", topn=2)]  # doctest: +SKIP
        ['sat', 'cat']
        >>> len(wv.most_similar(positive=["the", ("cat", 0.5)], negative=["sat"]))
        0
        >>> [key for key, _ in wv.most_similar(positive=wv["cat"], topn=1)]
        ['cat']
        >>> wv.most_similar("the", topn=None).shape
        (3,)
        """
        if topn is not None and topn < 1:
            return []
        if indexer is not None and topn is not None:
            return indexer.most_similar(_polargram.query_direction(self, positive, negative), topn)
        rows = _rows(len(self), clip_start, clip_end, restrict_vocab)
        return _polargram.most_similar(self, positive, negative, topn, rows)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Give the ``topn`` keys nearest to a key: another name of :meth:`similar_by_key`.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.similar_by_word("cat") == wv.most_similar("cat")
        True
        """
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_key(self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Give the ``topn`` keys nearest to a key, as :meth:`most_similar` does.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.similar_by_key("cat", topn=1) == wv.most_similar("cat", topn=1)
        True
        """
        return self.most_similar(positive=[key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_vector(self, vector: Vector, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Give the ``topn`` keys nearest to a vector, as :meth:`most_similar` does.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> [key for key, _ in wv.similar_by_vector(wv["cat"], topn=1)]
        ['cat']
        """
        return self.most_similar(positive=[vector], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_cosmul(
        self, positive: Any = None, negative: Any = None, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Give the ``topn`` keys with the greatest products of cosines (3CosMul; Levy and Goldberg 2014).

        A score is the product of a key's cosines with ``positive``, divided by that with ``negative``, where each
        cosine is first moved from -1…1 to 0…1. The keys asked with are left out. Unlike gensim's, it heeds
        ``restrict_vocab``, and takes row numbers.

        Parameters
        ----------
        positive, negative
            A key, a vector (a NumPy array), or a list of these. A vector counts with its length, too.
        topn
            How many keys to give. None gives an array of the scores of all keys.
        restrict_vocab
            Search only among so many first rows. None and 0: all.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If ``positive`` has no key or vector, or for a vector of another size.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "down"]] * 50, vector_size=4).wv
        >>> [key for key, _ in wv.most_similar_cosmul(positive=["the", "cat"], negative=["sat"])]
        ['down']
        """
        if topn is not None and topn < 1:
            return []
        rows = _rows(len(self), 0, None, restrict_vocab)
        return _polargram.most_similar_cosmul(self, positive, negative, topn, rows)

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[AnyKey]) -> AnyKey:
        """Give that one of some keys that is nearest to ``key1``; of equally near ones the first.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If there are no keys.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.most_similar_to_given("cat", ["sat", "cat"])
        'cat'
        """
        if not len(keys_list):
            msg = "keys_list: is empty; name at least one key"
            raise ValueError(msg)
        return keys_list[int(np.argmax(_polargram.cosines_with(self, self._key(key1), keys_list)))]

    def closer_than(self, key1: Key, key2: Key) -> list[Any]:
        """Give all keys that are closer to ``key1`` than ``key2`` is, in the order of their rows.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=2, workers=1).wv
        >>> wv.vectors[:] = [[1, 0], [1, 1], [0, 1]]
        >>> wv.closer_than(0, 2) == [wv.index_to_key[1]]
        True
        """
        return _polargram.closer_than(self, key1, key2)

    def rank(self, key1: Key, key2: Key) -> int:
        """Give the place of ``key2`` among all keys by their distance from ``key1``: 1 for the nearest.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.rank("cat", wv.most_similar("cat")[0][0])
        1
        """
        return _polargram.rank(self, key1, key2)

    def rank_by_centrality(self, words: Sequence[AnyKey], use_norm: bool = True) -> list[tuple[float, AnyKey]]:
        """Give keys by their similarity to the mean of all of them, the most similar first, as (similarity, key).

        Unknown keys are left out, with a warning in the log.

        Parameters
        ----------
        words
            The keys.
        use_norm
            False takes the vectors as they are. Then the similarity is the product of a vector with the direction of
            the mean.

        Raises
        ------
        ValueError
            If none of the keys is there.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> [key for _, key in wv.rank_by_centrality(["cat"])]
        ['cat']
        """
        known = [word for word in words if word in self]
        if len(known) < len(words):
            unknown = ", ".join(sorted({repr(word) for word in words if word not in self}))
            logger.warning("words that are not in the vocabulary are left out: %s", unknown)
        if not known:
            msg = "words: none of them is in the vocabulary; name at least one that is"
            raise ValueError(msg)
        similarities = _polargram.centralities(self, known, use_norm)
        return sorted(zip(similarities, known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[AnyKey]) -> AnyKey:
        """Give the key that is farthest from the mean of all of them.

        Raises
        ------
        ValueError
            If none of the keys is there.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=2, workers=1).wv
        >>> wv.vectors[:] = [[1, 0], [1, 0.1], [0, 1]]
        >>> wv.doesnt_match(wv.index_to_key) == wv.index_to_key[2]
        True
        """
        return self.rank_by_centrality(words)[-1][1]

    def similarity(self, w1: Key, w2: Key) -> float:
        """Give the cosine of the vectors of two keys, from -1 to 1.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> round(wv.similarity("a", "a"), 4)
        1.0
        """
        return _polargram.similarity(self, w1, w2)

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> float:
        """Give the cosine of the means of two sets of keys, which may have vectors among them.

        The vectors count as they are, not scaled to length 1. Unknown keys are left out; a set of nothing else has the
        similarity 0 to all.

        Raises
        ------
        ZeroDivisionError
            If one of the sets is empty.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> round(wv.n_similarity(["the", "cat"], ["cat", "the"]), 4)
        1.0
        """
        if not (len(ws1) and len(ws2)):
            msg = "one of the two lists is empty; name at least one key in each"
            raise ZeroDivisionError(msg)
        return _polargram.mean_similarity(self, ws1, ws2)

    def distance(self, w1: Key, w2: Key) -> float:
        """Give 1 less the cosine of two keys' vectors.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.distance("a", "b") == 1 - wv.similarity("a", "b")
        True
        """
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Key | Vector, other_words: Iterable[Key] | None = ()) -> NDArray[np.float32]:
        """Give 1 less the cosine of a key's vector, or a vector, with those of other keys.

        Parameters
        ----------
        word_or_vector
            A key, or a vector.
        other_words
            The other keys. None, or none of them: all keys, ``word_or_vector`` too, in the order of the rows.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            For a vector of another size.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.distances("cat").shape, wv.distances("cat", ["sat"]).shape
        ((3,), (1,))
        """
        if other_words is not None and not isinstance(other_words, str):
            other_words = list(other_words) or None
        distances: NDArray[np.float32] = 1 - _polargram.cosines_with(self, word_or_vector, other_words)
        return distances

    @staticmethod
    def cosine_similarities(vector_1: ArrayLike, vectors_all: ArrayLike) -> NDArray[Any]:
        """Give the cosine of a vector with each row of a matrix; 0 where one of the two is of zeros.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.KeyedVectors.cosine_similarities([1.0, 0.0], [[2.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
        array([1., 0., 0.])
        """
        vector, matrix = np.asarray(vector_1), np.asarray(vectors_all)
        kind = np.result_type(vector, matrix, np.float32)
        # In double precision, in which the squares of float32 neither overflow nor vanish.
        products = np.einsum("ij,j->i", matrix, vector, dtype=np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
        lengths *= np.sqrt(np.einsum("j,j->", vector, vector, dtype=np.float64))
        cosines: NDArray[np.float64] = np.zeros_like(products)
        np.divide(products, lengths, out=cosines, where=lengths != 0)
        return cosines.astype(kind, copy=False)

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """Give the cosine of two keys, divided by the sum of the cosines of the ``topn`` nearest to ``wa``.

        Above 0.1, with ``topn=10``, the words are nearer than usual, as synonyms are (Leeuwenberg et al. 2016).

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If there are no other keys.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> nearest = wv.most_similar("cat", topn=1)[0][0]
        >>> round(wv.relative_cosine_similarity("cat", nearest, topn=1), 4)
        1.0
        """
        nearest = self.similar_by_word(wa, topn)
        if not len(nearest):
            msg = f"topn: there are no {topn} nearest keys to {wa!r} to compare with"
            raise ValueError(msg)
        total: float = sum(cosine for _, cosine in nearest)
        return self.similarity(wa, wb) / total

    def wmdistance(self, document1: Iterable[Key], document2: Iterable[Key], norm: bool = True) -> float:
        """Give the Word Mover's Distance of two documents (Kusner et al. 2015): the least way to move one to the other.

        It needs the library POT (``pip install "polargram[wmd]"``).

        Parameters
        ----------
        document1, document2
            The documents' words. Unknown words are left out; if no other is left, the distance is infinite. As in
            gensim it is also infinite if all words of both have the same vector, unless they are one word.
        norm
            True scales the vectors to length 1; False takes them as they are.

        Raises
        ------
        ImportError
            If POT is not installed.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.wmdistance(["the", "cat"], ["the", "cat"])
        0.0
        >>> wv.wmdistance(["the", "cat"], ["unknown"])
        inf
        """
        try:
            from ot import emd2
        except ImportError as error:
            msg = 'wmdistance needs the library POT: pip install "polargram[wmd]"'
            raise ImportError(msg) from error
        documents = [list(document1), list(document2)]
        counts = [Counter(word for word in document if word in self) for document in documents]
        left_out = [len(document) - words.total() for document, words in zip(documents, counts, strict=True)]
        if any(left_out):
            logger.info("%d and %d words that are not in the vocabulary are left out of the documents", *left_out)
        if not all(counts):
            logger.warning("one of the documents has no word of the vocabulary: the distance is infinite")
            return float("inf")
        if len(counts[0].keys() | counts[1].keys()) == 1:
            return 0.0
        distances = _polargram.euclidean_distances(self, list(counts[0]), list(counts[1]), norm)
        if abs(distances.sum()) < 1e-8:
            logger.info("all words of the documents have the same vector: the distance is infinite")
            return float("inf")
        shares = [np.array(list(words.values())) / words.total() for words in counts]
        return float(emd2(*shares, distances))

    @staticmethod
    def _key(key: Any) -> Any:
        """Refuse a vector where a key is meant."""
        if isinstance(key, np.ndarray):
            msg = f"expected a key, not {type(key)}"
            raise TypeError(msg)
        return key


def _rows(count: int, clip_start: int | None, clip_end: int | None, restrict_vocab: int | None) -> tuple[int, int]:
    """Give the first row of a search and the one after the last; like in slices, negative ones count from the end."""
    if restrict_vocab:
        clip_start, clip_end = 0, restrict_vocab
    # As in gensim, an end of 0 is none.
    start, end, _ = slice(clip_start, clip_end or None).indices(count)
    return start, end
