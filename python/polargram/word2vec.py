"""``Word2Vec``, with gensim's names and defaults."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeAlias

import polars as pl

from polargram._polargram import KeyedVectors, Model

#: Whatever :class:`Word2Vec` trains on. Objects with ``__arrow_c_stream__`` have no common type.
Corpus: TypeAlias = (
    str | os.PathLike[str] | list[str] | list[os.PathLike[str]] | Iterable[Iterable[str]] | pl.LazyFrame | Any
)


class Word2Vec:
    """A word2vec model (Mikolov et al. 2013), trained when it is made.

    Parameters
    ----------
    sentences
        The corpus: a Parquet file, directory or glob, or a list of them; a Polars DataFrame or LazyFrame (streamed by
        batches); anything with ``__arrow_c_stream__``; or an iterable of lists of strings that can be iterated again.
        Nulls and empty lists are skipped.
    column
        The list column of the corpus.
    vector_size
        Dimensions of the vectors.
    alpha, min_alpha
        Learning rate at the start and the end; it falls linearly with the words trained.
    window
        Greatest distance between a centre word and a context word.
    min_count
        Words with fewer occurrences get no vector.
    sample
        Threshold of subsampling of frequent words; 0 keeps all.
    seed
        Seed of all random draws. With ``workers=1`` a run gives the same bits every time.
    workers
        Worker threads; ``None`` takes all cores.
    sg
        1 for skip-gram, 0 for CBOW.
    hs
        Hierarchical softmax; not there yet, so 0.
    negative
        Noise words for each centre word.
    ns_exponent
        Noise words are drawn in proportion to count to this power.
    cbow_mean
        CBOW: 1 for the mean of the context, 0 for its sum.
    epochs
        Passes over the corpus.
    shrink_windows
        Whether each centre draws its window's width from 1 to ``window``.

    Raises
    ------
    ValueError
        For a parameter out of range, an unsound corpus, or one in which no word occurs ``min_count`` times.
    TypeError
        For a corpus that can be read only once, such as a generator.
    OSError
        For a file that cannot be read.

    Examples
    --------
    >>> import polargram as pg
    >>> sentences = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 50
    >>> model = pg.Word2Vec(sentences, vector_size=8, epochs=2, workers=1)
    >>> model.wv.index_to_key
    ['sat', 'the', 'cat', 'dog']
    >>> model.wv["cat"].shape
    (8,)
    >>> model.corpus_count, model.corpus_total_words
    (100, 300)
    """

    def __init__(
        self,
        sentences: Corpus,
        *,
        column: str = "tokens",
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int | None = None,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        epochs: int = 5,
        shrink_windows: bool = True,
    ) -> None:
        if hs:
            msg = "hs: hierarchical softmax is not there yet; leave hs=0 and use negative sampling"
            raise ValueError(msg)
        parameters = {
            "vector_size": vector_size,
            "alpha": alpha,
            "window": window,
            "min_count": min_count,
            "sample": sample,
            "seed": seed,
            "workers": 0 if workers is None else workers,
            "min_alpha": min_alpha,
            "sg": sg,
            "negative": negative,
            "ns_exponent": ns_exponent,
            "cbow_mean": cbow_mean,
            "epochs": epochs,
            "shrink_windows": shrink_windows,
        }
        self._model = Model.fit(sentences, column, parameters)
        self._wv = self._model.vectors()

    @property
    def wv(self) -> KeyedVectors:
        """The word vectors."""
        return self._wv

    @property
    def corpus_count(self) -> int:
        """Sentences of the corpus: lists that are not null."""
        return self._model.corpus_count

    @property
    def corpus_total_words(self) -> int:
        """Tokens of the corpus, those out of vocabulary among them."""
        return self._model.corpus_total_words

    @property
    def total_vocabulary_time(self) -> float:
        """Seconds that counting the vocabulary took."""
        return self._model.total_vocabulary_time

    @property
    def total_train_time(self) -> float:
        """Seconds that training took."""
        return self._model.total_train_time
