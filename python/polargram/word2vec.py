"""``Word2Vec``, with gensim's names and defaults."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from polargram._polargram import CorpusSource, Model, parameters
from polargram.callbacks import Hooks, Report, StopTraining
from polargram.keyed_vectors import KeyedVectors
from polargram.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP, TrimRule, rules_of

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

#: Whatever :class:`Word2Vec` trains on. Objects with ``__arrow_c_stream__`` have no common type.
Corpus: TypeAlias = (
    str | os.PathLike[str] | list[str] | list[os.PathLike[str]] | Iterable[Iterable[str]] | pl.LazyFrame | Any
)

DEFAULT_MEMORY_BUDGET = 256 << 20

#: What a checkpoint and a saved model hold beside the weights.
_SAVED = (
    "comment",
    "min_alpha_yet_reached",
    "running_training_loss",
    "train_count",
    "total_train_time",
    "total_vocabulary_time",
    "corpus_count",
    "corpus_total_words",
    "spool",
    "memory_budget",
    "column",
    "count_column",
)
_PARAMETERS = tuple(parameters())


class Word2Vec:
    """A word2vec model (Mikolov et al. 2013).

    With a corpus it is trained when it is made; without one call :meth:`build_vocab` and :meth:`train`. Names, meanings
    and defaults are gensim 4's but where the parameter says otherwise.

    Parameters
    ----------
    sentences
        The corpus: a file, glob or URL (``s3://``, ``gs://``, ``az://``, ``https://``), or a list of them, of Parquet,
        Arrow IPC, ``.npy`` (token lists or ids) or plain text; a directory or prefix, of which the Parquet files are
        read, or if there are none those of Arrow; a Polars DataFrame, Series or LazyFrame (streamed by batches); a
        pyarrow Dataset or Scanner; a Hugging Face dataset; anything with ``__arrow_c_stream__`` or
        ``__arrow_c_array__``, or a list of such; a :class:`LineSentence` or another reader of text; or an iterable of
        lists of strings that can be iterated again. Nulls are skipped, and no sentence is cut.
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
        1 adds a last word ``"\\0"`` of count 1.
    trim_rule
        Which words get a vector, whatever ``min_count`` says: a function of word, count and ``min_count`` that returns
        ``RULE_KEEP``, ``RULE_DISCARD`` or ``RULE_DEFAULT``, or a Polars expression over the columns ``word`` and
        ``count``, of these numbers, or true to keep, false to discard, null for the default.
    sorted_vocab
        1 for rows by descending count, then by word; 0 by first occurrence in the corpus.
    batch_words
        Words in the batches that workers take.
    compute_loss
        Whether the loss is added up, in 64 bits (gensim's sticks at 2^27): :meth:`get_latest_training_loss`.
    callbacks
        Objects with any of the methods ``on_train_begin``, ``on_epoch_begin``, ``on_epoch_end`` and ``on_train_end``,
        each called with the model: gensim's ``CallbackAny2Vec``. One that raises :class:`StopTraining` ends the
        training.
    comment
        Kept with the model.
    max_final_vocab
        ``min_count`` is raised until no more words than this are left.
    shrink_windows
        Whether each centre draws its window's width from 1 to ``window``.
    column
        The list column of the corpus.
    count_column
        A column of whole numbers: each list is trained as if it stood so many times in the corpus.
    storage_options
        For a corpus that is a URL (``s3://…``): keys and endpoints, as in :func:`polars.scan_parquet`. Where one is
        missing, the environment and the AWS profile are asked.
    shuffle
        Whether every epoch takes the batches in another order, drawn by ``seed``. Needs ``spool``.
    shared_negatives
        Whether in skip-gram noise words serve all context words of two neighbouring centres, which is 6 times as
        fast. If false, each pair of words draws its own, as in gensim. In CBOW each centre draws its own.
    spool
        Whether the corpus is encoded once and kept, in memory or in a temporary file. If not, every epoch reads it.
    memory_budget
        Bytes of encoded corpus that stay in memory; counts of words beyond so many bytes go to temporary files.
    progress
        True shows progress on stderr; a function is called with the phase, the words done, those to do (0 if not known)
        and the learning rate. It is always logged, at level INFO, by the logger ``polargram``.
    checkpoint
        A directory to which this call saves the state after every epoch. The same call takes the training up from
        there: with one worker to the same bits as without interruption. :meth:`train` does not use it.
    checkpoint_every
        ``"epoch"``, or also after so many minutes within an epoch.

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

    Step by step, with hierarchical softmax:

    >>> model = pg.Word2Vec(vector_size=8, hs=1, negative=0, workers=1)
    >>> model.build_vocab(sentences)
    >>> effective, raw = model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    >>> raw
    1500
    """

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
        comment: str | None = None,
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
        self.vector_size = vector_size
        self.alpha = alpha
        self.window = window
        self.min_count = min_count
        self.max_vocab_size = max_vocab_size
        self.sample = sample
        self.seed = seed
        self.workers = workers
        self.min_alpha = min_alpha
        self.sg = sg
        self.hs = hs
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.cbow_mean = cbow_mean
        self.hashfxn = hashfxn
        self.epochs = epochs
        self.null_word = null_word
        self.sorted_vocab = sorted_vocab
        self.batch_words = batch_words
        self.compute_loss = compute_loss
        self.comment = comment
        self.max_final_vocab = max_final_vocab
        self.shrink_windows = shrink_windows
        self.column = column
        self.count_column = count_column
        self.storage_options = storage_options
        self.shared_negatives = shared_negatives
        self.shuffle = shuffle
        self.spool = spool
        self.memory_budget = memory_budget
        self.progress = progress
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

        self.corpus_count = 0
        self.corpus_total_words = 0
        self.effective_min_count = min_count
        self.running_training_loss = 0.0
        self._epoch_losses: list[float] = []
        self.train_count = 0
        self.total_train_time = 0.0
        self.total_vocabulary_time = 0.0
        self.cum_table: NDArray[np.uint32] | None = None
        self._model = Model()
        self._wv: KeyedVectors | None = None
        Model.check(self._parameters())
        self.min_alpha_yet_reached = float(alpha)
        if sentences is None and corpus_file is None:
            return
        source = self._source(sentences, corpus_file)
        if not (checkpoint is not None and self._model.resume(self._parameters(), self._checkpoint_options())):
            self._build_vocab(source, trim_rule=trim_rule)
        self.corpus_count, self.corpus_total_words = self._model.corpus
        self.effective_min_count = self._model.effective_min_count
        self._train(source, compute_loss=compute_loss, callbacks=callbacks, is_counted=True)

    # The vocabulary

    def build_vocab(
        self,
        corpus_iterable: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        **kwargs: Any,
    ) -> None:
        """Count a corpus, decide which words get a vector, and make their first vectors.

        With ``update`` a model grows: words it has keep their vectors and add up their counts; the new ones that occur
        ``min_count`` times in this corpus follow. ``kwargs`` are for :meth:`prepare_vocab`; ``progress_per`` has no
        effect: see ``progress`` of the constructor.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec(vector_size=8, min_count=2)
        >>> model.build_vocab([["old", "words"]] * 3)
        >>> model.build_vocab([["new", "words"]] * 2, update=True)
        >>> model.wv.index_to_key, model.wv.get_vecattr("words", "count")
        (['old', 'words', 'new'], 5)
        """
        self._build_vocab(
            self._source(corpus_iterable, corpus_file),
            update,
            keep_raw_vocab=keep_raw_vocab,
            trim_rule=trim_rule,
            **kwargs,
        )

    def _build_vocab(self, source: CorpusSource, update: bool = False, **kwargs: Any) -> None:
        self.corpus_total_words, self.corpus_count = self._scan_vocab(source)
        self.prepare_vocab(update=update, **kwargs)

    def build_vocab_from_freq(
        self,
        word_freq: dict[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Build the vocabulary from words and their counts, without a corpus.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec(vector_size=8, min_count=2)
        >>> model.build_vocab_from_freq({"a": 10, "b": 5, "c": 1}, corpus_count=3)
        >>> model.wv.index_to_key
        ['a', 'b']
        """
        self.corpus_count = corpus_count or 0
        self._model.set_counts(word_freq, self.corpus_count, bool(self.sorted_vocab))
        self.corpus_total_words = sum(word_freq.values())
        self.prepare_vocab(update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule)

    def scan_vocab(
        self,
        corpus_iterable: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress_per: int = 10_000,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,
    ) -> tuple[int, int]:
        """Count a corpus for :meth:`prepare_vocab`; gives its words and its sentences.

        ``progress_per`` and ``workers`` have no effect; ``trim_rule`` has, in :meth:`prepare_vocab`.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec().scan_vocab([["a", "b"], ["a"]])
        (3, 2)
        """
        return self._scan_vocab(self._source(corpus_iterable, corpus_file))

    def _scan_vocab(self, source: CorpusSource) -> tuple[int, int]:
        start = time.perf_counter()
        words, sentences = self._model.scan_vocab(
            source, self._parameters(), self.memory_budget, (Report(self.progress), 1.0)
        )
        self.total_vocabulary_time = time.perf_counter() - start
        logger.info("counted %d words in %d sentences", words, sentences)
        return words, sentences

    @property
    def raw_vocab(self) -> dict[str, int]:
        """Every word counted by :meth:`scan_vocab` and its count, until :meth:`prepare_vocab` has used them."""
        with suppress(RuntimeError):
            words, counts = self._model.counted()
            return dict(zip(words, counts.tolist(), strict=True))
        return {}

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Decide which of the words counted get a vector, and make their first vectors.

        Returns
        -------
        ``drop_unique``, ``retain_total``, ``num_retained_words``, ``downsample_unique``, ``downsample_total`` and
        ``memory``, in words and bytes. With ``dry_run`` nothing else happens.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec()
        >>> _ = model.scan_vocab([["a", "b"]] * 5 + [["c"]])
        >>> report = model.prepare_vocab(dry_run=True, keep_raw_vocab=True)
        >>> report["num_retained_words"], report["drop_unique"], report["retain_total"]
        (2, 1, 10)
        """
        # As in gensim, 0 stands for the model's own.
        parameters = self._parameters(min_count=min_count or self.min_count, sample=sample or self.sample)
        rules = None
        if trim_rule is not None:
            rules = rules_of(trim_rule, *self._model.counted(), self._model.least_count(parameters))
        with self._vectors_growing() if update and not dry_run else nullcontext():
            report: dict[str, Any] = self._model.prepare_vocab(parameters, rules, update, dry_run)
        report["memory"] = self._estimate_memory(report["num_retained_words"], report["retain_total"])
        if not dry_run:
            self.min_count, self.sample = parameters["min_count"], parameters["sample"]
            self.effective_min_count = report["effective_min_count"]
            self.cum_table = None
            if not keep_raw_vocab:
                self._model.forget_counts()
        logger.info("%(num_retained_words)d words get a vector, %(drop_unique)d do not", report)
        return report

    # The weights

    @property
    def wv(self) -> KeyedVectors:
        """The word vectors. They share the model's memory: training changes them."""
        table = self._model.vectors(self.vector_size)
        if self._wv is None or self._wv.table is not table:
            self._wv = KeyedVectors._of(table)
        return self._wv

    @contextmanager
    def _vectors_growing(self) -> Iterator[None]:
        """Keep what a user has set on the vectors, while the model is replaced by one with the same first rows."""
        before = self.wv
        yield
        self.wv.__dict__.update(before.__dict__)
        factors = _lock_factors(before)
        if len(factors) > 1:
            self.wv.vectors_lockf = np.append(factors, np.ones(len(self.wv) - len(before), dtype=np.float32))

    @property
    def syn1neg(self) -> NDArray[np.float32]:
        """The rows trained against noise, V × d: a view."""
        return _there(self._model.syn1neg(), "syn1neg", "negative=0")

    @property
    def syn1(self) -> NDArray[np.float32]:
        """The rows of the Huffman tree's inner nodes, V × d: a view. The root is row 0 (in gensim it is the last)."""
        return _there(self._model.syn1(), "syn1", "hs=0")

    @property
    def layer1_size(self) -> int:
        """Dimensions of the hidden layer: those of the vectors."""
        return self.vector_size

    def prepare_weights(self, update: bool = False) -> None:
        """Make all weights as before any training.

        With ``update`` nothing is left to do: :meth:`prepare_vocab` has given new words theirs.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.prepare_weights()
        >>> float(abs(model.syn1neg).max())
        0.0
        """
        if not update:
            self.reset_weights()

    def update_weights(self) -> None:
        """Give new words their first vectors. :meth:`prepare_vocab` has done so already: this only checks.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=8).update_weights()
        """
        if len(self.wv) == 0:
            msg = "you must first build vocabulary: a model without words cannot be updated"
            raise RuntimeError(msg)

    def reset_weights(self) -> None:
        """Make all weights as before any training; the vocabulary stays.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.reset_weights()
        >>> model.running_training_loss
        0.0
        """
        with self._vectors_growing():
            self._model.reset_weights(self._parameters())
        self._set_losses([])

    def reset_from(self, other_model: Word2Vec) -> None:
        """Take the vocabulary of another model, with weights of this one's own, as before any training.

        Examples
        --------
        >>> import polargram as pg
        >>> first = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> second = pg.Word2Vec(vector_size=16, sg=1)
        >>> second.reset_from(first)
        >>> second.wv.vectors.shape
        (2, 16)
        """
        self._model.reset_from(other_model._model, self._parameters())
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.effective_min_count = other_model.effective_min_count
        self.cum_table = other_model.cum_table

    def set_vectors(self, vectors: KeyedVectors, lockf: float = 1.0) -> int:
        """Start from vectors trained elsewhere: words that ``vectors`` has too take theirs.

        Parameters
        ----------
        vectors
            Loaded from any format; of the same dimensions.
        lockf
            The share of their changes that these words take in training: 0 freezes them (see ``wv.vectors_lockf``).

        Returns
        -------
        The number of these words.

        Examples
        --------
        >>> import polargram as pg
        >>> trained = pg.Word2Vec([["a", "b"]] * 9, vector_size=8).wv
        >>> model = pg.Word2Vec(vector_size=8)
        >>> model.build_vocab([["b", "c"]] * 9)
        >>> model.set_vectors(trained, lockf=0.0)
        1
        >>> model.wv.vectors_lockf
        array([0., 1.], dtype=float32)
        """
        with self._vectors_growing():
            adopted = self._model.adopt(vectors)
        factors = np.broadcast_to(_lock_factors(self.wv), len(self.wv)).copy()
        factors[[row for row, word in enumerate(self.wv.index_to_key) if word in vectors]] = lockf
        self.wv.vectors_lockf = factors
        return adopted

    def init_sims(self, replace: bool = False) -> None:
        """Forget cached norms; with ``replace`` make every vector of length 1 for good.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.init_sims(replace=True)
        >>> np.linalg.norm(model.wv.vectors, axis=1).round(4)
        array([1., 1.], dtype=float32)
        """
        if replace:
            vectors = self.wv.vectors
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        self.wv.fill_norms(force=True)

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Compute ``cum_table``, the cumulative distribution of noise words scaled to ``domain``.

        Training draws from a table of its own, of the same distribution.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.make_cum_table(domain=100)
        >>> model.cum_table
        array([ 50, 100], dtype=uint32)
        """
        wv = self.wv
        counts = np.array([wv.get_vecattr(row, "count") for row in range(len(wv))], dtype=np.float64)
        shares = np.cumsum(np.maximum(counts, 1.0) ** self.ns_exponent)
        self.cum_table = np.round(shares / shares[-1] * domain).astype(np.uint32)

    def create_binary_tree(self) -> None:
        """Build the Huffman tree of the words' counts.

        Training does so by itself. ``wv.get_vecattr(word, "code")`` and ``"point"`` give a word's bits and inner nodes,
        from the root, which is node 0.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "a", "b", "c"]] * 9, vector_size=8, hs=1)
        >>> model.create_binary_tree()
        >>> [model.wv.get_vecattr(word, "code").tolist() for word in "abc"]
        [[0], [1, 1], [1, 0]]
        """
        self.wv.get_vecattr(0, "code")

    def add_null_word(self) -> None:
        r"""Add a last word ``"\0"`` of count 1, for padding.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.add_null_word()
        >>> model.wv.index_to_key
        ['a', 'b', '\x00']
        """
        self._model.set_counts({"\0": 1}, 0, True)
        parameters = self._parameters(min_count=self.effective_min_count, max_final_vocab=None)
        with self._vectors_growing():
            self._model.prepare_vocab(parameters, np.full(1, RULE_KEEP, dtype=np.uint8), True, False)
        self._model.forget_counts()

    def seeded_vector(self, seed_string: str, vector_size: int) -> NDArray[np.float32]:
        """Draw a vector that follows from a string, uniform in ±½ / ``vector_size``.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec(hashfxn=len)
        >>> bool((model.seeded_vector("abc", 4) == model.seeded_vector("xyz", 4)).all())
        True
        """
        generator = np.random.default_rng(self.hashfxn(seed_string) & 0xFFFFFFFF)
        return (generator.random(vector_size, dtype=np.float32) - np.float32(0.5)) / np.float32(vector_size)

    # Training

    def train(
        self,
        corpus_iterable: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
    ) -> tuple[int, int]:
        """Train on a corpus.

        Parameters
        ----------
        corpus_iterable, corpus_file
            As in the constructor.
        total_examples, total_words
            Sentences, or words, in an epoch, by which the learning rate falls. One of them must be given:
            ``total_examples=model.corpus_count`` for the corpus that the vocabulary is from.
        epochs
            Passes over the corpus; it must be given: ``epochs=model.epochs``.
        start_alpha, end_alpha
            Learning rate at the start and the end; None for the model's.
        word_count, queue_factor
            Without effect, as there is no queue (in gensim, ``word_count`` has none either).
        report_delay
            Seconds between two reports of progress.
        compute_loss
            Whether the loss is added up.
        callbacks
            As in the constructor.

        Returns
        -------
        The words trained, after those out of vocabulary and those that subsampling dropped, and all words read.

        Raises
        ------
        RuntimeError
            Without a vocabulary.
        ValueError
            For missing or contradictory arguments.

        Examples
        --------
        >>> import polargram as pg
        >>> sentences = [["the", "cat", "sat"]] * 50
        >>> model = pg.Word2Vec(vector_size=8, sample=0)
        >>> model.build_vocab(sentences)
        >>> model.train(sentences, total_examples=model.corpus_count, epochs=2)
        (300, 300)
        """
        if total_examples is None and total_words is None:
            msg = (
                "total_examples: give the sentences, or total_words the words, of an epoch: the learning rate falls by "
                "them. If the vocabulary is from this corpus, total_examples=model.corpus_count."
            )
            raise ValueError(msg)
        if epochs is None or epochs <= 0:
            msg = "epochs: must be given and at least 1, usually epochs=model.epochs"
            raise ValueError(msg)
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self.epochs = epochs
        if len(self.wv) == 0:
            msg = "you must first build vocabulary before training the model"
            raise RuntimeError(msg)
        source = self._source(corpus_iterable, corpus_file)
        return self._train(
            source,
            compute_loss=compute_loss,
            callbacks=callbacks,
            total_examples=total_examples or 0,
            total_words=total_words or 0,
            report_delay=report_delay,
        )

    def _train(
        self,
        source: CorpusSource,
        *,
        compute_loss: bool,
        callbacks: Sequence[Any],
        is_counted: bool = False,
        total_examples: int = 0,
        total_words: int = 0,
        report_delay: float = 1.0,
    ) -> tuple[int, int]:
        if self.alpha > self.min_alpha_yet_reached:
            logger.warning("alpha=%g is higher than in training before: %g", self.alpha, self.min_alpha_yet_reached)
        if self.hs and self.negative:
            logger.warning("hs=1 and negative=%d: both objectives are trained, which is seldom meant", self.negative)
        self.compute_loss = compute_loss
        self._set_losses([])
        hooks = Hooks(self, callbacks)
        options = {
            **self._reading(),
            "total_examples": total_examples,
            "total_words": total_words,
            "is_counted": is_counted,
            "vectors_lockf": _lock_factors(self.wv),
            # A run of the constructor, which can be begun again by the same call.
            **self._checkpoint_options(is_counted),
        }
        if hooks.tell("on_train_begin"):
            hooks.tell("on_train_end")
            return 0, 0
        report = Report(self.progress), float(report_delay)
        trained, raw, rate, losses, seconds = self._model.train(source, self._parameters(), options, hooks, report)
        self.min_alpha_yet_reached = min(self.min_alpha_yet_reached, rate)
        self._set_losses(losses)
        self.total_train_time += seconds
        self.train_count += 1
        logger.info("trained on %d of %d words in %.1f s", trained, raw, seconds)
        hooks.tell("on_train_end")
        return trained, raw

    def get_latest_training_loss(self) -> float:
        """Give the loss added up since the last training began, in all epochs so far; 0 without ``compute_loss``.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8, sample=0, compute_loss=True)
        >>> model.get_latest_training_loss() > 0
        True
        """
        return self.running_training_loss

    @property
    def epoch_losses(self) -> list[float]:
        """The mean loss of an example in each epoch of the last training; none without ``compute_loss``.

        An example is a pair of a centre and a context word, or in CBOW a centre. Of a training taken up from a
        checkpoint all epochs are there.

        Examples
        --------
        >>> import polargram as pg
        >>> sentences = [["the", "cat", "sat"], ["the", "dog", "ran"]] * 500
        >>> model = pg.Word2Vec(sentences, vector_size=8, epochs=3, sample=0, workers=1, compute_loss=True)
        >>> first, _, last = model.epoch_losses
        >>> last < first
        True
        """
        return list(self._epoch_losses)

    def _set_losses(self, losses: list[tuple[float, int]]) -> None:
        """Takes, for each epoch, the sum of the losses and the number of examples."""
        self.running_training_loss = sum((loss for loss, _ in losses), 0.0)
        self._epoch_losses = [loss / max(examples, 1) for loss, examples in losses] if self.compute_loss else []

    # Using a model

    def score(
        self,
        sentences: Iterable[Iterable[str]],
        total_sentences: int = 1_000_000,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> NDArray[np.float64]:
        """Give the log-probability of each sentence (Taddy 2015), by hierarchical softmax.

        At most ``total_sentences`` are scored; the other parameters are gensim's and without effect. Other than in
        gensim, sentences are not cut and products beyond ±6 count.

        Raises
        ------
        RuntimeError
            For a model without hierarchical softmax.

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
    ) -> list[tuple[str, float]] | None:
        """Give the words most probable between these, and their probabilities; None if none of these is known.

        Words may be given by their rows too. This is CBOW's prediction, in skip-gram models as well.

        Raises
        ------
        RuntimeError
            For a model without negative sampling.

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
        context = [wv.get_index(word) for word in context_words_list if word in wv]
        if not context:
            logger.warning("none of the context words is in the vocabulary")
            return None
        ranked = self._model.predict_output_word(self._parameters(), context, topn)
        return [(wv.index_to_key[row], probability) for row, probability in ranked]

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Estimate the bytes that a model of ``vocab_size`` words takes, those that it has by default.

        Returns
        -------
        Bytes: ``vocab``, ``vectors``, ``syn1`` and ``syn1neg``, where there are such; ``total``, the model's, to which
        those of ``report`` are added; ``training``, with what training takes besides; and ``peak``, the most that this
        process will have had. The corpus is taken to be the one counted.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec(vector_size=100).estimate_memory(vocab_size=1000)["vectors"]
        448000
        """
        estimate = self._estimate_memory(len(self.wv) if vocab_size is None else vocab_size)
        for name, value in (report or {}).items():
            estimate[name] = value
            for total in ("total", "training", "peak"):
                estimate[total] += value
        return estimate

    def _estimate_memory(self, words: int, tokens: int | None = None) -> dict[str, int]:
        estimate: dict[str, int] = self._model.estimate_memory(self._parameters(), words, tokens, self._reading())
        return estimate

    def _reading(self) -> dict[str, int]:
        return {"spool": self.spool, "memory_budget": self.memory_budget}

    # Keeping a model

    def save(self, fname: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> None:
        """Save everything that is needed to train on, to a directory, or under the URL of a store (``s3://…``).

        It holds ``config.json``, ``vectors.arrow`` and the other weights as ``.npy``; no pickle. It appears whole or
        not at all: an older model at this place is replaced when the new one is complete. ``callbacks``,
        ``trim_rule``, ``hashfxn`` and ``storage_options`` are not kept. For a URL, ``storage_options`` are those of
        :func:`polars.scan_parquet`; what they lack comes from the environment.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8, comment="a try")
        >>> model.save("model")
        >>> pg.Word2Vec.load("model").comment
        'a try'
        """
        # Floats as text, which keeps every bit of them, and infinity too.
        values = {name: getattr(self, name) for name in _SAVED}
        attributes = {name: repr(value) if isinstance(value, float) else value for name, value in values.items()}
        attributes["epoch_losses"] = [repr(loss) for loss in self._epoch_losses]
        attributes["vectors_lockf"] = _lock_factors(self.wv).tolist()
        attributes["workers"] = self.workers
        self._model.save(self._parameters(), os.fspath(fname), json.dumps(attributes), storage_options)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> Word2Vec:
        """Load a model that :meth:`save` wrote, to use it or to train on. Nothing in it can run code.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.save("model")
        >>> bool(np.array_equal(pg.Word2Vec.load("model").wv.vectors, model.wv.vectors))
        True
        """
        native, parameters, attributes = Model.load(os.fspath(fname), storage_options)
        kept = json.loads(attributes) or {}
        model = cls()
        model.corpus_count, model.corpus_total_words = native.corpus
        for name, value in {**json.loads(parameters), **kept}.items():
            if name in _PARAMETERS or name in _SAVED:
                # gensim's flags are numbers.
                default = getattr(model, name)
                is_flag = isinstance(default, int) and isinstance(value, bool)
                is_float = isinstance(default, float) and isinstance(value, str)
                setattr(model, name, type(default)(value) if is_flag or is_float else value)
        model._model = native
        model.effective_min_count = native.effective_min_count
        model._epoch_losses = [float(loss) for loss in kept.get("epoch_losses", [])]
        model.wv.vectors_lockf = np.array(kept.get("vectors_lockf", [1.0]), dtype=np.float32)
        return model

    def __str__(self) -> str:
        return f"Word2Vec<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    # Between Python and Rust

    def _parameters(self, **others: Any) -> dict[str, Any]:
        parameters = {name: getattr(self, name) for name in _PARAMETERS}
        parameters["workers"] = 0 if self.workers is None else self.workers
        return {**parameters, **others}

    def _checkpoint_options(self, is_wanted: bool = True) -> dict[str, Any]:
        every = None if self.checkpoint_every == "epoch" else self.checkpoint_every
        return {"checkpoint": self.checkpoint if is_wanted else None, "checkpoint_every": every}

    def _source(self, corpus: Corpus | None, corpus_file: str | os.PathLike[str] | None) -> CorpusSource:
        if (corpus is None) == (corpus_file is None):
            msg = "corpus_file: give either a corpus or a corpus_file, not both or none of them"
            raise TypeError(msg)
        is_text = corpus is None
        options = {name: str(value) for name, value in (self.storage_options or {}).items()}
        return CorpusSource(corpus_file if is_text else corpus, self.column, is_text, self.count_column, options)


def _lock_factors(vectors: KeyedVectors) -> NDArray[np.float32]:
    try:
        factors = np.asarray(vectors.vectors_lockf, dtype=np.float32)
    except (TypeError, ValueError) as error:
        msg = f"vectors_lockf: must be an array of floats: {error}"
        raise ValueError(msg) from error
    if factors.ndim != 1:
        msg = f"vectors_lockf: must be an array of one dimension, not of shape {factors.shape}"
        raise ValueError(msg)
    return factors


def _there(rows: NDArray[np.float32] | None, name: str, reason: str) -> NDArray[np.float32]:
    if rows is None:
        msg = f"there is no {name}: the model was made with {reason}"
        raise AttributeError(msg)
    return rows
