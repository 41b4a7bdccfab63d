"""The training of a model."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import polars as pl

from polargram._polargram import CorpusSource, Model
from polargram.base import BaseModel, Corpus
from polargram.callbacks import Hooks, Report
from polargram.plotting import Picture, training_picture
from polargram.renames import takes_old_names
from polargram.values import count, number

__all__ = ["TrainingSteps"]

logger = logging.getLogger("polargram")


class TrainingSteps(BaseModel):
    """The training itself, and what it tells its callbacks."""

    @takes_old_names(sentences="corpus_iterable")
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
            Sentences, or words, in an epoch: the learning rate falls in proportion to them. One of them must be given:
            ``total_examples=model.corpus_count`` for the corpus that the vocabulary is from.
        epochs
            Passes over the corpus; it must be given: ``epochs=model.epochs``.
        start_alpha, end_alpha
            Learning rate at the start and the end; None for the model's.
        word_count, queue_factor
            They have no effect: there is no queue, and in gensim ``word_count`` has no effect either.
        report_delay
            Seconds between two reports of progress.
        compute_loss
            True adds up the loss.
        callbacks
            As in the constructor.

        Returns
        -------
        The number of words trained, without those out of vocabulary and those that subsampling dropped, and the number
        of all words read.

        Raises
        ------
        RuntimeError
            If there is no vocabulary.
        ValueError
            For missing or contradictory arguments, and then nothing has changed.

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
        if epochs is None:
            msg = "epochs: must be given and at least 1, usually epochs=model.epochs"
            raise ValueError(msg)
        settings = {
            "alpha": start_alpha or self.alpha,
            "min_alpha": end_alpha or self.min_alpha,
            "epochs": epochs,
            "compute_loss": compute_loss,
        }
        settings = {name: self._checked(name, value) for name, value in settings.items()}
        Model.check(self._parameters(**settings))
        if len(self.wv) == 0:
            msg = "you must first build vocabulary before training the model"
            raise RuntimeError(msg)
        options: dict[str, Any] = {
            "total_examples": count("total_examples", total_examples or 0),
            "total_words": count("total_words", total_words or 0),
            "report_delay": number("report_delay", report_delay),
        }
        self._factors_of_words()
        source = self._source(corpus_iterable, corpus_file)
        for name, value in settings.items():
            setattr(self, name, value)
        return self._train(source, callbacks=callbacks, **options)

    def training_history(self) -> pl.DataFrame:
        """Return how the last training went: a table of ``seconds``, ``words``, ``learning_rate`` and ``loss``.

        Its rows are some moments, the end of each epoch among them: seconds since the training began, words trained so
        far, the learning rate, and the mean loss of an example since the moment before, which is null without
        ``compute_loss``. A training that resumed has the moments since then. :meth:`save` does not keep it.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8, sample=0, epochs=2, workers=1, compute_loss=True)
        >>> model.training_history()["words"][-1]
        36
        """
        schema = {"seconds": pl.Float64, "words": pl.UInt64, "learning_rate": pl.Float64, "loss": pl.Float64}
        return pl.DataFrame(self._moments, schema=schema, orient="row")

    def plot_training(
        self,
        *,
        title: str = "Training",
        output: str | os.PathLike[str] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> Picture:
        """Draw the learning rate of the last training over its words, and the loss if ``compute_loss`` was set.

        Parameters
        ----------
        title
            What stands above it.
        output
            Saves it, too: see :meth:`Picture.save`.
        storage_options
            For an ``output`` in a store.

        Raises
        ------
        RuntimeError
            If the model was not trained since it was made or loaded.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 99, vector_size=8, sample=0, compute_loss=True)
        >>> model.plot_training(output="training.svg")
        Picture<'Training'>
        """
        if not self._moments:
            msg = "there is no training to show: the model was not trained since it was made or loaded"
            raise RuntimeError(msg)
        picture = training_picture(title, self._moments)
        if output is not None:
            picture.save(output, storage_options=storage_options)
        return picture

    def _train(
        self,
        source: CorpusSource,
        *,
        callbacks: Sequence[Any],
        resumed: tuple[list[tuple[float, int]], float | None] | None = None,
        is_vocabulary_corpus: bool = False,
        total_examples: int = 0,
        total_words: int = 0,
        report_delay: float = 1.0,
    ) -> tuple[int, int]:
        if self.alpha > self.min_alpha_yet_reached:
            logger.warning("alpha=%g is higher than in training before: %g", self.alpha, self.min_alpha_yet_reached)
        if self.hs and self.negative:
            logger.warning("hs=1 and negative=%d: both objectives are trained, which is rarely intended", self.negative)
        self._forget_losses()
        if resumed is not None:
            losses, running_loss = resumed
            self._add_losses(losses)
            self.running_training_loss = self.running_training_loss if running_loss is None else running_loss
        hooks = Hooks(self, callbacks)
        options = {
            **self._reading(),
            "total_examples": total_examples,
            "total_words": total_words,
            "is_vocabulary_corpus": is_vocabulary_corpus,
            "vectors_lockf": self._factors_of_words(),
            # Only a run of the constructor has checkpoints: the same call can resume it.
            **self._checkpoint_options(is_vocabulary_corpus),
        }
        if hooks.tell("on_train_begin"):
            hooks.tell("on_train_end")
            return 0, 0
        options["running_training_loss"] = self.running_training_loss
        with Report(self.progress) as report:
            trained, raw, rate, losses, seconds, self._moments = self._model.train(
                source, self._parameters(), options, hooks, (report, report_delay)
            )
        self.min_alpha_yet_reached = min(self.min_alpha_yet_reached, rate)
        self._add_losses(losses)
        self.train_count += 1
        logger.info("trained on %d of %d words in %.1f s", trained, raw, seconds)
        hooks.tell("on_train_end")
        return trained, raw
