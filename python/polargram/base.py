"""What all models share: parameters, sources, vectors, saving and loading, and the account of a training."""

from __future__ import annotations

import copy
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, SupportsIndex, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from polargram._polargram import CorpusSource, Model, checked_parameter, parameters
from polargram.keyed_vectors import KeyedVectors
from polargram.notebook import page_of
from polargram.travel import packed, unpacked
from polargram.values import (
    Check,
    count,
    factors_of,
    is_valid,
    json_value,
    minutes,
    number,
    optional_text,
    path,
    switch,
    text,
)

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
    may be changed until they are used. What they are set to is checked, and made a plain number of Python; the learning
    rates are rounded to single precision, in which they are used.

    It may be copied, by :func:`copy.deepcopy` with weights of its own, and pickled, as for other processes: it travels
    with all that is needed to train on, and with its attributes, ``hashfxn``, ``progress`` and ``storage_options``
    among them. To keep a model, :meth:`save` is better: what it writes can run no code, and has no secrets.
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
    #: What a saved model holds beside the weights and the hyperparameters, and what each may be set to.
    _saved: ClassVar[dict[str, Check]] = {
        "comment": json_value,
        "min_alpha_yet_reached": number,
        "running_training_loss": number,
        "train_count": count,
        "total_train_time": number,
        "total_vocabulary_time": number,
        "corpus_count": count,
        "corpus_total_words": count,
        "spool": switch,
        "memory_budget": count,
        "column": text,
        "count_column": optional_text,
    }
    #: What other attributes may be set to.
    _checks: ClassVar[dict[str, Check]] = {
        **_saved,
        "effective_min_count": count,
        "checkpoint": path,
        "checkpoint_every": minutes,
    }

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
    comment: Any
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
        self._moments: list[tuple[float, int, float, float | None]] = []
        self.train_count = 0
        self.total_train_time = 0.0
        self.total_vocabulary_time = 0.0
        self.cum_table: NDArray[np.uint32] | None = None
        #: The epochs whose losses are in ``running_training_loss``, or were before a user changed it.
        self._epochs_added = 0
        Model.check(self._parameters())
        self.min_alpha_yet_reached = self.alpha
        self._model = Model(self.vector_size, warn_of_views)
        self._wv = KeyedVectors._of(self._model.table)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, self._checked(name, value))
        if name == "vector_size" and "_model" in self.__dict__:
            self._model.set_vector_size(self.vector_size)

    @classmethod
    def _checked(cls, name: str, value: Any) -> Any:
        """Return the value of an attribute as a model keeps it, or raise ValueError or TypeError naming it."""
        if name in cls._hyperparameters:
            return None if name == "workers" and value is None else checked_parameter(name, value)
        check = cls._checks.get(name)
        return value if check is None else check(name, value)

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        attributes = {name: value for name, value in self.__dict__.items() if name != "_wv"}
        other.__dict__.update(copy.deepcopy(attributes, memo))
        other._wv = KeyedVectors._of(other._model.table)
        other._wv.__dict__.update(copy.deepcopy(self._wv.__dict__, memo))
        return other

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # Pickled, it travels as the files that save() writes, and its attributes. Counts that are not trimmed yet stay.
        files = packed(self._save_weights) if len(self.wv) else {}
        attributes = {name: value for name, value in self.__dict__.items() if name not in ("_model", "_wv")}
        state = {"attributes": attributes, "vectors": self.wv._state()}
        return _unpickled, (type(self), self.vector_size, files), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state["attributes"])
        self.wv.__dict__.update(state["vectors"])

    def _save_weights(self, path: os.PathLike[str]) -> None:
        self._model.save(self._parameters(), path, "{}")

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            ("words", f"{len(self.wv):,}"),
            ("dimensions", self.vector_size),
            ("architecture", "skip-gram" if self.sg else "CBOW"),
            ("objective", " and ".join(self._objectives()) or "none"),
            ("window", self.window),
            ("min_count", self.min_count),
            ("corpus", f"{self.corpus_count:,} sentences, {self.corpus_total_words:,} words"),
            ("epochs", self.epochs),
            (
                "trained",
                f"{self.train_count} time{'' if self.train_count == 1 else 's'}, {self.total_train_time:.1f} s",
            ),
        ]
        if self._epoch_losses:
            facts.append(("mean loss by epoch", ", ".join(f"{loss:.4f}" for loss in self._epoch_losses)))
        return page_of(type(self).__name__, facts)

    def _objectives(self) -> list[str]:
        noise = [f"{self.negative} negative samples"] if self.negative else []
        return noise + (["hierarchical softmax"] if self.hs else [])

    # The vectors

    @property
    def wv(self) -> KeyedVectors:
        """The word vectors. They share the model's memory: training changes them.

        It is one object as long as the model lives, and has whatever words the model has. Arrays taken from it follow
        training, :meth:`reset_weights` and :meth:`set_vectors`, and where words are added they show those that they
        had. Where that is not possible, as for another vocabulary, a RuntimeWarning says that they are left behind.
        """
        return self._wv

    def _factors_of_words(self) -> NDArray[np.float32]:
        """Return ``vectors_lockf``: one for all words, or one for each."""
        factors = factors_of(self.wv.vectors_lockf)
        if len(factors) not in (1, len(self.wv)):
            words = len(self.wv)
            msg = f"vectors_lockf: has {len(factors)} factors for {words} words; it must have one, or one for each"
            raise ValueError(msg)
        return factors

    def _extend_factors(self) -> None:
        """Let words that were added train as usual, where each word has a factor of its own."""
        factors = factors_of(self.wv.vectors_lockf)
        if len(factors) > 1:
            self.wv.vectors_lockf = np.append(factors, np.ones(len(self.wv) - len(factors), dtype=np.float32))

    def _forget_factors(self) -> None:
        """Forget factors and attributes of words that are not there any more."""
        self.wv.__dict__.pop("_attributes", None)
        if len(self.wv.vectors_lockf) > 1:
            self.wv.vectors_lockf = np.ones(1, dtype=np.float32)

    # The account of a training

    def get_latest_training_loss(self) -> float:
        """Return the sum of the losses since the last training began, of all epochs so far; 0 without ``compute_loss``.

        A callback that sets ``running_training_loss`` to 0 makes it count from there.

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

    def _forget_losses(self) -> None:
        self.running_training_loss, self._epochs_added, self._epoch_losses = 0.0, 0, []

    def _add_losses(self, losses: list[tuple[float, int]]) -> None:
        """Take, for each completed epoch, the sum of the losses and the number of examples."""
        for loss, _ in losses[self._epochs_added :]:
            self.running_training_loss += loss
        self._epochs_added = len(losses)
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
        # It may have been changed since it was set.
        comment = json_value("comment", self.comment)
        is_text = isinstance(comment, str) and is_valid(comment)
        attributes["comment"] = comment if is_text else None
        attributes["comment_json"] = None if is_text else json.dumps(comment)
        attributes["epoch_losses"] = [repr(loss) for loss in self._epoch_losses]
        attributes["vectors_lockf"] = self._factors_of_words().tolist()
        attributes["workers"] = self.workers
        self._model.save(self._parameters(), os.fspath(fname), json.dumps(attributes), storage_options)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> Self:
        """Load a model that :meth:`save` wrote, to use it or to train on. Nothing in it can run code.

        The file of a Word2Vec model that gensim saved (any version from 0.12 on) is loaded too, with the arrays in
        files beside it; nothing in its pickle is run. Hyperparameters that are ours too are taken over, and so are
        counts and all weights. ``hashfxn``, callbacks and random states are not.

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
        model = cls()
        saved = [json.loads(part) for part in model._model.load(os.fspath(fname), storage_options)]
        try:
            model._restore(*saved)
        except (AttributeError, TypeError, ValueError) as error:
            description = os.path.join(fname, "config.json") if os.path.isdir(fname) else os.fspath(fname)
            msg = f"{description}: was changed: {error}"
            raise ValueError(msg) from error
        return model

    def _restore(self, parameters: dict[str, Any], kept: dict[str, Any] | None) -> None:
        kept = dict(kept or {})
        self.corpus_count, self.corpus_total_words = self._model.corpus
        self.effective_min_count = self._model.effective_min_count
        if kept.get("comment_json") is not None:
            kept["comment"] = json.loads(kept["comment_json"])
        for name, value in {**parameters, **kept}.items():
            if name in self._hyperparameters or name in self._saved:
                # gensim's flags are numbers.
                default = getattr(self, name)
                is_flag = isinstance(default, int) and isinstance(value, bool)
                is_float = isinstance(default, float) and isinstance(value, str)
                setattr(self, name, type(default)(value) if is_flag or is_float else value)
        self._epoch_losses = [float(loss) for loss in kept.get("epoch_losses", [])]
        self.wv.vectors_lockf = np.array(kept.get("vectors_lockf", [1.0]), dtype=np.float32)

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


def _unpickled(cls: type[BaseModel], vector_size: int, files: dict[str, bytes]) -> BaseModel:
    """Make a model of what it was pickled to, but for its attributes."""
    model = cls.__new__(cls)
    native = Model(vector_size, warn_of_views)
    if files:
        with unpacked(files) as path:
            native.load(path)
    model.__dict__.update(_model=native, _wv=KeyedVectors._of(native.table))
    return model


def warn_of_views(names: list[str]) -> None:
    """Warn, at the user's line, of arrays that the model leaves behind."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "polargram":
        frame, level = frame.f_back, level + 1
    msg = f"{' and '.join(names)}: arrays taken before are no longer part of the model; take them again"
    warnings.warn(msg, RuntimeWarning, stacklevel=level)
