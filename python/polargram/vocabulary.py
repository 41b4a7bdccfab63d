"""The vocabulary of a model: counting a corpus, and deciding which words get a vector."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from polargram._polargram import CorpusSource, Model
from polargram.base import BaseModel, Corpus
from polargram.callbacks import Report
from polargram.renames import takes_old_names
from polargram.trimming import TrimRule, rules_of
from polargram.values import count

__all__ = ["VocabularySteps"]

logger = logging.getLogger("polargram")


class VocabularySteps(BaseModel):
    """The steps from a corpus to a model that is not trained yet."""

    @takes_old_names(sentences="corpus_iterable")
    def build_vocab(
        self,
        corpus_iterable: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        *,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> None:
        """Count a corpus, decide which words get a vector, and make their first vectors.

        With ``update`` a model grows: its words keep their vectors, and their counts add up; new words that occur
        ``min_count`` times in this corpus follow. ``min_count``, ``sample`` and ``dry_run`` are for
        :meth:`prepare_vocab`; ``progress_per`` has no effect: see ``progress`` of the constructor.

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
            min_count=min_count,
            sample=sample,
            dry_run=dry_run,
        )

    def _build_vocab(
        self,
        source: CorpusSource,
        update: bool = False,
        *,
        min_count: int | None = None,
        sample: float | None = None,
        **kwargs: Any,
    ) -> None:
        # Refused before the corpus is counted.
        self._settings(min_count, sample)
        words, sentences = self._scan_vocab(source)
        self.prepare_vocab(update=update, min_count=min_count, sample=sample, **kwargs)
        self.corpus_total_words, self.corpus_count = words, sentences

    def _settings(self, min_count: int | None, sample: float | None) -> dict[str, Any]:
        """Return the parameters with these: as in gensim, 0 and None stand for the model's own."""
        settings = {"min_count": min_count or self.min_count, "sample": sample or self.sample}
        settings = {name: self._checked(name, value) for name, value in settings.items()}
        parameters = self._parameters(**settings)
        Model.check(parameters)
        return parameters

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Any, int],
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
        sentences = count("corpus_count", corpus_count or 0)
        Model.check(self._parameters())
        words = self._model.set_counts(word_freq, sentences, bool(self.sorted_vocab))
        self.prepare_vocab(update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule)
        self.corpus_total_words, self.corpus_count = words, sentences

    @takes_old_names(sentences="corpus_iterable")
    def scan_vocab(
        self,
        corpus_iterable: Corpus | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress_per: int = 10_000,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,
    ) -> tuple[int, int]:
        """Count a corpus for :meth:`prepare_vocab`, and return the numbers of its words and its sentences.

        ``progress_per``, ``workers`` and ``trim_rule`` have no effect: give the rule to :meth:`prepare_vocab`.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec().scan_vocab([["a", "b"], ["a"]])
        (3, 2)
        """
        return self._scan_vocab(self._source(corpus_iterable, corpus_file))

    def _scan_vocab(self, source: CorpusSource) -> tuple[int, int]:
        start = time.perf_counter()
        with Report(self.progress) as report:
            words, sentences = self._model.scan_vocab(source, self._parameters(), self.memory_budget, (report, 1.0))
        self.total_vocabulary_time = time.perf_counter() - start
        logger.info("counted %d words in %d sentences", words, sentences)
        return words, sentences

    @property
    def raw_vocab(self) -> dict[Any, int]:
        """Every word counted by :meth:`scan_vocab` and its count, until :meth:`prepare_vocab` has used them."""
        with suppress(RuntimeError):
            words, counts = self._model.counted()
            return dict(zip(words, counts.tolist(), strict=True))
        return {}

    @takes_old_names()
    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Decide which of the counted words get a vector, and make their first vectors.

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
        parameters = self._settings(min_count, sample)
        self._factors_of_words()
        rules = None
        if trim_rule is not None:
            rules = rules_of(trim_rule, *self._model.counted(), self._model.least_count(parameters))
        report: dict[str, Any] = self._model.prepare_vocab(parameters, rules, update, dry_run)
        report["memory"] = self._estimate_memory(report["num_retained_words"], report["retain_total"])
        if not dry_run:
            self.min_count, self.sample = parameters["min_count"], parameters["sample"]
            self.effective_min_count = report["effective_min_count"]
            self.cum_table = None
            (self._extend_factors if update else self._forget_factors)()
            if not keep_raw_vocab:
                self._model.forget_counts()
        logger.info("%(num_retained_words)d words get a vector, %(drop_unique)d do not", report)
        if not dry_run and "" in self.wv:
            empty = self.wv.get_vecattr("", "count")
            message = (
                '%d tokens are empty: "" is a word like any other; str.split(" ") makes such, str.split() does not'
            )
            logger.info(message, empty)
        return report

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
        counts = np.array([wv.get_vecattr(key, "count") for key in wv], dtype=np.float64)
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
        self.wv.get_vecattr(self.wv.index_to_key[0], "code")

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
        self._factors_of_words()
        self._model.add_null_word(self._parameters(min_count=self.effective_min_count))
        self._extend_factors()
