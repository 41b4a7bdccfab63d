"""What all models share: parameters, sources, vectors, saving and loading, and the account of a training."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from polargram._polargram import CorpusSource, Model, parameters
from polargram.keyed_vectors import KeyedVectors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_MEMORY_BUDGET", "BaseModel", "Corpus"]

logger = logging.getLogger("polargram")

#: What a model trains on. Objects with ``__arrow_c_stream__`` have no common type.
Corpus: TypeAlias = (
    str | os.PathLike[str] | list[str] | list[os.PathLike[str]] | Iterable[Iterable[str | int]] | pl.LazyFrame | Any
)

#: Bytes of encoded corpus that stay in memory unless told otherwise.
DEFAULT_MEMORY_BUDGET = 256 << 20


class BaseModel:
    """A model of embeddings: what Word2Vec shares with the models to come.

    A model has its hyperparameters and options as attributes, under the names of the constructor's parameters. They
    may be changed until they are used.
    """

    #: The names of the hyperparameters, as the native table has them.
    _hyperparameters: ClassVar[tuple[str, ...]] = tuple(parameters())
    #: The names of the constructor's other parameters that a model keeps.
    _options: ClassVar[tuple[str, ...]] = (
        "hashfxn",
        "comment",
        "column",
        "count_column",
        "storage_options",
        "spool",
        "memory_budget",
        "progress",
        "checkpoint",
        "checkpoint_every",
    )
    #: What a saved model holds beside the weights and the hyperparameters.
    _saved: ClassVar[tuple[str, ...]] = (
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

    vector_size: int
    alpha: float
    window: int
    min_count: int
    max_vocab_size: int | None
    sample: float
    seed: int
    workers: int | None
    min_alpha: float
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    hashfxn: Callable[[str], int]
    epochs: int
    null_word: int
    sorted_vocab: int
    batch_words: int
    compute_loss: bool
    comment: str | None
    max_final_vocab: int | None
    shrink_windows: bool
    column: str
    count_column: str | None
    storage_options: dict[str, Any] | None
    shared_negatives: bool
    shuffle: bool
    spool: bool
    memory_budget: int
    progress: bool | Callable[[str, int, int, float], object]
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: str | float

    def _set_up(self, arguments: dict[str, Any]) -> None:
        """Take the arguments of the constructor, by name, and check them."""
        for name in (*self._hyperparameters, *self._options):
            setattr(self, name, arguments[name])
        self.corpus_count = 0
        self.corpus_total_words = 0
        self.effective_min_count = self.min_count
        self.running_training_loss = 0.0
        self._epoch_losses: list[float] = []
        self.train_count = 0
        self.total_train_time = 0.0
        self.total_vocabulary_time = 0.0
        self.cum_table: NDArray[np.uint32] | None = None
        self._model = Model()
        self._wv: KeyedVectors | None = None
        Model.check(self._parameters())
        self.min_alpha_yet_reached = float(self.alpha)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    # The vectors

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
        factors = lock_factors(before)
        if len(factors) > 1:
            self.wv.vectors_lockf = np.append(factors, np.ones(len(self.wv) - len(before), dtype=np.float32))

    # The account of a training

    def get_latest_training_loss(self) -> float:
        """Return the sum of the losses since the last training began, of all epochs so far; 0 without ``compute_loss``.

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

        An example is a pair of a centre and a context word, or in CBOW a centre. A training that resumed
        from a checkpoint has all its epochs.

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
        """Take, for each epoch, the sum of the losses and the number of examples."""
        self.running_training_loss = sum((loss for loss, _ in losses), 0.0)
        self._epoch_losses = [loss / max(examples, 1) for loss, examples in losses] if self.compute_loss else []

    # Memory

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Estimate the bytes of a model of ``vocab_size`` words; by default, of as many as it has.

        Returns
        -------
        Bytes: ``vocab`` and ``vectors``; ``syn1`` and ``syn1neg``, if the model has them; ``total``, the model and what
        ``report`` adds; ``training``, the model while it is trained; and ``peak``, the peak memory of this process. The
        corpus is taken to be the one that was counted.

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
        values = {name: getattr(self, name) for name in self._saved}
        attributes = {name: repr(value) if isinstance(value, float) else value for name, value in values.items()}
        attributes["epoch_losses"] = [repr(loss) for loss in self._epoch_losses]
        attributes["vectors_lockf"] = lock_factors(self.wv).tolist()
        attributes["workers"] = self.workers
        self._model.save(self._parameters(), os.fspath(fname), json.dumps(attributes), storage_options)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> Self:
        """Load a model that :meth:`save` wrote, to use it or to train on. Nothing in it can run code.

        ``fname`` may be the URL of a store (``s3://…``): the files are copied to temporary ones, which are removed when
        the model is loaded.

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
            if name in cls._hyperparameters or name in cls._saved:
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

    # Between Python and Rust

    def _parameters(self, **others: Any) -> dict[str, Any]:
        parameters = {name: getattr(self, name) for name in self._hyperparameters}
        parameters["workers"] = 0 if self.workers is None else self.workers
        return {**parameters, **others}

    def _reading(self) -> dict[str, int]:
        return {"spool": self.spool, "memory_budget": self.memory_budget}

    def _checkpoint_options(self, is_wanted: bool = True) -> dict[str, Any]:
        every = None if self.checkpoint_every == "epoch" else self.checkpoint_every
        return {"checkpoint": self.checkpoint if is_wanted else None, "checkpoint_every": every}

    def _source(self, corpus: Corpus | None, corpus_file: str | os.PathLike[str] | None) -> CorpusSource:
        if (corpus is None) == (corpus_file is None):
            msg = "corpus_file: give either a corpus or a corpus_file, not both or none of them"
            raise TypeError(msg)
        is_text = corpus is None
        source = corpus_file if is_text else corpus
        return CorpusSource(source, self.column, is_text, self.count_column, self.storage_options)


def lock_factors(vectors: KeyedVectors) -> NDArray[np.float32]:
    try:
        factors = np.asarray(vectors.vectors_lockf, dtype=np.float32)
    except (TypeError, ValueError) as error:
        msg = f"vectors_lockf: must be an array of floats: {error}"
        raise ValueError(msg) from error
    if factors.ndim != 1:
        msg = f"vectors_lockf: must be an array of one dimension, not of shape {factors.shape}"
        raise ValueError(msg)
    return factors
