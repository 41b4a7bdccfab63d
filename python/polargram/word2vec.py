"""``Word2Vec``, with gensim's names and defaults."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polargram.base import DEFAULT_MEMORY_BUDGET, Corpus
from polargram.callbacks import StopTraining
from polargram.renames import takes_old_names
from polargram.training import TrainingSteps
from polargram.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP, TrimRule
from polargram.vocabulary import VocabularySteps
from polargram.weights import WeightSteps

__all__ = [
    "DEFAULT_MEMORY_BUDGET",
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "Corpus",
    "StopTraining",
    "TrimRule",
    "Word2Vec",
]

logger = logging.getLogger("polargram")


class Word2Vec(VocabularySteps, WeightSteps, TrainingSteps):
    """A word2vec model (Mikolov et al. 2013).

    With a corpus it is trained when it is made; without one call :meth:`build_vocab` and :meth:`train`. Names, meanings
    and defaults are gensim 4's, except where a parameter says otherwise. gensim 3's ``size`` and ``iter`` work too,
    with a DeprecationWarning.

    Parameters
    ----------
    sentences
        The corpus: a file, glob or URL (``s3://``, ``gs://``, ``az://``, ``https://``), or a list of them, of Parquet,
        Arrow IPC, ``.npy`` (token lists or ids) or plain text; a directory or prefix, with everything below it: the
        Parquet files, or if there are none the Arrow files; a Polars DataFrame, Series or LazyFrame (streamed by
        batches); a pyarrow Dataset or Scanner; a Hugging Face dataset; anything with ``__arrow_c_stream__`` or
        ``__arrow_c_array__``, or a list of such; a :class:`LineSentence` or another reader of text; or an iterable of
        lists of strings that can be iterated again. Nulls are skipped, and no sentence is cut. Tokens may be integers
        of any width instead, in columns, lists and NumPy arrays: then the keys of the vectors are integers. All tokens
        of a corpus are of one kind.
    corpus_file
        Instead of ``sentences``: a UTF-8 text file of a sentence a line, its words separated by white space; it may be
        compressed (``.gz``, ``.bz2``, ``.zst``, ``.xz``) and may be a URL.
    vector_size
        Dimensions of the vectors.
    alpha, min_alpha
        Learning rate at the start and the end; it falls linearly with the words trained.
    window
        Greatest distance between a centre word and a context word.
    min_count
        Words with fewer occurrences get no vector.
    max_vocab_size
        Bounds the memory for counting: when more distinct words are held, the rarest are dropped. None and 0: no bound.
    sample
        Threshold of subsampling of frequent words; 0 keeps all.
    seed
        Seed of all random draws. With ``workers=1`` a run gives the same bits every time.
    workers
        Worker threads; ``None`` takes all cores (gensim: 3).
    sg
        1 for skip-gram, 0 for CBOW.
    hs
        1 for hierarchical softmax; with ``negative`` both are trained.
    negative
        Noise words for each centre word; 0 for no negative sampling.
    ns_exponent
        Noise words are drawn in proportion to count to this power, which may be 0 or negative.
    cbow_mean
        CBOW: 1 for the mean of the context, 0 for its sum.
    hashfxn
        Used by :meth:`seeded_vector` alone. Vectors start from ``seed`` and their row.
    epochs
        Passes over the corpus.
    null_word
        1 adds a last word ``"\0"`` of count 1.
    trim_rule
        Which words get a vector, whatever ``min_count`` says: a function of word, count and ``min_count`` that returns
        ``RULE_KEEP``, ``RULE_DISCARD`` or ``RULE_DEFAULT``, or a Polars expression over the columns ``word`` and
        ``count``, of these numbers, or true to keep, false to discard, null for the default.
    sorted_vocab
        1 for rows by descending count, then by word; 0 by first occurrence in the corpus.
    batch_words
        Words in the batches that workers take.
    compute_loss
        True adds up the loss, in 64 bits (gensim's stops at 2^27): see :meth:`get_latest_training_loss`.
    callbacks
        Objects with any of the methods ``on_train_begin``, ``on_epoch_begin``, ``on_epoch_end`` and ``on_train_end``,
        each called with the model: gensim's ``CallbackAny2Vec``. One that raises :class:`StopTraining` ends the
        training.
    comment
        Kept with the model: text, a number, True, False, None, or a list or dict of these.
    max_final_vocab
        ``min_count`` is raised until no more words than this are left.
    shrink_windows
        True draws the width of each centre's window from 1 to ``window``.
    column
        The list column of the corpus.
    count_column
        A column of whole numbers: each list is trained as if it stood so many times in the corpus.
    storage_options
        For a corpus that is a URL (``s3://…``): keys and endpoints, as in :func:`polars.scan_parquet`. Where one is
        missing, the environment and the AWS profile are asked.
    shuffle
        True trains the batches in another order in every epoch, drawn by ``seed``. Needs ``spool``.
    shared_negatives
        True shares the noise words of skip-gram between all context words of two neighbouring centres, which is 6
        times as fast. False draws noise words for each pair of words, as in gensim. In CBOW each centre draws its own.
    spool
        True encodes the corpus once and keeps it, in memory or in a temporary file. False reads it in every epoch.
    memory_budget
        Bytes of encoded corpus that stay in memory. Word counts that take more bytes go to temporary files.
    progress
        True shows progress on stderr; a function is called with the phase, the words done, those to do (0 if not known)
        and the learning rate. It is always logged, at level INFO, by the logger ``polargram``.
    checkpoint
        A directory to which this call saves the state after every epoch. The same call resumes from it: with
        one worker to the same bits as without interruption. :meth:`train` does not use it.
    checkpoint_every
        ``"epoch"``, or also after so many minutes within an epoch.

    Raises
    ------
    ValueError
        For a parameter out of range, a damaged corpus, or one in which no word occurs ``min_count`` times.
    TypeError
        For a corpus that can be read only once, such as a generator, or an unknown parameter.
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

    Step by step, with hierarchical softmax:

    >>> model = pg.Word2Vec(vector_size=8, hs=1, negative=0, workers=1)
    >>> model.build_vocab(sentences)
    >>> effective, raw = model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    >>> raw
    1500
    """

    @takes_old_names(size="vector_size", iter="epochs")
    def __init__(
        self,
        sentences: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int | None = None,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[str], int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
        comment: Any = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        column: str = "tokens",
        count_column: str | None = None,
        storage_options: dict[str, Any] | None = None,
        shared_negatives: bool = True,
        shuffle: bool = False,
        spool: bool = True,
        memory_budget: int = DEFAULT_MEMORY_BUDGET,
        progress: bool | Callable[[str, int, int, float], object] = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: str | float = "epoch",
    ) -> None:
        self._set_up(locals())
        if sentences is None and corpus_file is None:
            return
        source = self._source(sentences, corpus_file)
        resumed = None
        if checkpoint is not None:
            resumed = self._model.resume(self._parameters(), self._checkpoint_options())
        if resumed is None:
            self._build_vocab(source, trim_rule=trim_rule)
        self.corpus_count, self.corpus_total_words = self._model.corpus
        self.effective_min_count = self._model.effective_min_count
        self._train(source, callbacks=callbacks, resumed=resumed, is_vocabulary_corpus=True)

    def score(
        self,
        sentences: Iterable[Iterable[Any]],
        total_sentences: int = 1_000_000,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> NDArray[np.float64]:
        """Return the log-probability of each sentence (Taddy 2015), by hierarchical softmax.

        At most ``total_sentences`` are scored; the other parameters are gensim's and have no effect. Unlike
        gensim, it does not cut sentences, and products beyond ±6 count.

        Raises
        ------
        RuntimeError
            For a model without hierarchical softmax.
        KeyError
            For text where the model's keys are integers, and the reverse.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=8, hs=1, negative=0)
        >>> scores = model.score([["a", "b"], ["unknown"]])
        >>> bool(scores[0] < 0), float(scores[1])
        (True, 0.0)
        """
        if not self.hs:
            msg = "score needs a model of hierarchical softmax: hs=1 (and negative=0)"
            raise RuntimeError(msg)
        first = [list(sentence) for _, sentence in zip(range(total_sentences), sentences, strict=False)]
        return np.array(self._model.score(self._parameters(), first), dtype=np.float64)

    def predict_output_word(
        self, context_words_list: Iterable[str | int], topn: int = 10
    ) -> list[tuple[Any, float]] | None:
        """Return the most probable words between these, and their probabilities; None if none of these is known.

        Words may be given by their rows, too. The prediction is CBOW's, also for skip-gram models.

        Raises
        ------
        RuntimeError
            For a model without negative sampling.
        KeyError
            For text where the model's keys are integers.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=8)
        >>> [word for word, _ in model.predict_output_word(["a", "c"], topn=3)]  # doctest: +SKIP
        ['b', 'a', 'c']
        >>> model.predict_output_word(["unknown"]) is None
        True
        """
        if not self.negative:
            msg = "predict_output_word needs a model of negative sampling: negative > 0"
            raise RuntimeError(msg)
        wv = self.wv
        context = wv._known_rows(list(context_words_list))
        if not context:
            logger.warning("none of the context words is in the vocabulary")
            return None
        ranked = self._model.predict_output_word(self._parameters(), context, topn)
        return [(wv.index_to_key[row], probability) for row, probability in ranked]
