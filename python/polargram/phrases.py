"""Phrases: words that stand side by side more often than by chance, joined to one token. With gensim's names."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

import polars as pl
from polars.plugins import register_plugin_function

import polargram._polargram as _native
from polargram._polargram import CorpusSource, PhraseModel
from polargram.base import Corpus
from polargram.callbacks import Report
from polargram.notebook import page_of
from polargram.phrase_scoring import Scoring, native_scoring, npmi_scorer, original_scorer, plain
from polargram.phrased_corpus import Once, PhrasedCorpus, is_iterable_of_python
from polargram.travel import packed, unpacked
from polargram.values import count, number, optional_text, text

if TYPE_CHECKING:
    from polars._typing import IntoExpr

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "FrozenPhrases",
    "PhrasedCorpus",
    "Phraser",
    "Phrases",
    "Scoring",
    "join_phrases",
    "npmi_scorer",
    "original_scorer",
]

#: Articles, prepositions and conjunctions, which may stand within an English phrase: ``bank_of_america``.
ENGLISH_CONNECTOR_WORDS: frozenset[str] = frozenset(_native.english_connector_words())

_PLUGIN = Path(_native.__file__)


class _Vocab(Mapping[str, int]):
    """The counts of a model, looked up where they are."""

    def __init__(self, model: PhraseModel) -> None:
        self._model = model

    def __getitem__(self, key: str) -> int:
        found = self._model.count(key) if isinstance(key, str) else 0
        if not found:
            raise KeyError(key)
        return found

    def __len__(self) -> int:
        return len(self._model)

    def __iter__(self) -> Iterator[str]:
        return (word for word, _ in self._model.texts())

    def __repr__(self) -> str:
        return f"<{len(self)} words and pairs of words>"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self._model.texts()),)


class _Model:
    """What models of phrases have in common."""

    _model: PhraseModel
    _scoring: Scoring | None
    column: str
    storage_options: dict[str, Any] | None

    def _options(self, **changed: Any) -> dict[str, Any]:
        options = {**self._model.options(), **changed}
        scoring = changed.get("scoring", self._scoring)
        return {**options, **native_scoring(scoring)}

    def _option(self, name: str) -> Any:
        return self._model.options()[name]

    @property
    def min_count(self) -> float:
        """Pairs that occur less often are no phrases. It may be changed."""
        return plain(self._option("min_count"))

    @min_count.setter
    def min_count(self, value: float) -> None:
        self._model.set_options(self._options(min_count=number("min_count", value)))

    @property
    def threshold(self) -> float:
        """Pairs with a score above this are phrases. It may be changed."""
        return float(self._option("threshold"))

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._model.set_options(self._options(threshold=number("threshold", value)))

    @property
    def connector_words(self) -> frozenset[str]:
        """Words that may stand within a phrase. They may be changed."""
        return frozenset(self._option("connector_words"))

    @connector_words.setter
    def connector_words(self, value: Iterable[str]) -> None:
        self._model.set_options(self._options(connector_words=_words("connector_words", value)))

    @property
    def scoring(self) -> Scoring | None:
        """How pairs are scored; None for a function that a saved model did not keep. It may be changed."""
        known = {"default": original_scorer, "npmi": npmi_scorer}
        return known.get(self._scoring, self._scoring) if isinstance(self._scoring, str) else self._scoring

    @scoring.setter
    def scoring(self, value: Scoring) -> None:
        self._model.set_options(self._options(scoring=value))
        self._scoring = value

    @property
    def delimiter(self) -> str:
        """What stands between the words of a phrase."""
        return str(self._option("delimiter"))

    @property
    def passes(self) -> int:
        """How often phrases are joined: two passes find phrases of up to four words, three of up to eight."""
        return self._model.passes

    def __copy__(self) -> Any:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # Pickled, it travels as the file that save() writes, and its attributes: with its scoring function.
        state = {name: value for name, value in self.__dict__.items() if name != "_model"}
        return _unpickled, (type(self), packed(self._model.save)), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._scoring is not None and not isinstance(self._scoring, str):
            self._model.set_options(self._options())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        unit = "phrases" if isinstance(self, FrozenPhrases) else "words and pairs"
        scoring = self._scoring if isinstance(self._scoring, str | None) else getattr(self._scoring, "__name__", "own")
        facts = [(unit, f"{len(self._model):,}"), ("min_count", self.min_count), ("threshold", self.threshold)]
        return page_of(type(self).__name__, [*facts, ("scoring", scoring), ("passes", self.passes)])

    def score_candidate(
        self, word_a: str, word_b: str, in_between: Iterable[str] = ()
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the phrase that two words are, with those between them, and its score; ``(None, None)`` if none.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> phrases.score_candidate("new", "york", [])[0]
        'new_york'
        >>> phrases.score_candidate("york", "new", [])
        (None, None)
        """
        return self._model.score_candidate(word_a, word_b, list(in_between)) or (None, None)

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Give the tokens of a sentence, phrases joined, each with its score; tokens that are no phrase with None.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> [token for token, score in phrases.analyze_sentence(["new", "york", "news"]) if score is None]
        ['news']
        """
        yield from self._model.analyze(_words("sentence", sentence))

    def __getitem__(self, sentence: Any) -> Any:
        """Return a sentence, or a corpus, with phrases in place of their words.

        A sentence is an iterable of strings, and gives a list. Anything else that can be read again is a corpus, of
        whatever kind :class:`Word2Vec` takes, also a path: it gives a :class:`PhrasedCorpus`. An iterator of sentences
        gives an iterator.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> phrases[["the", "new", "york", "news"]]
        ['the', 'new_york', 'news']
        >>> list(phrases[[["new", "york"], ["york"]]])
        [['new_york'], ['york']]
        """
        if isinstance(sentence, list | tuple) and (not sentence or isinstance(sentence[0], str)):
            return self._model.apply(list(sentence))
        if not is_iterable_of_python(sentence):
            return self._phrased(sentence)
        items = iter(sentence)
        try:
            first = next(items)
        except StopIteration:
            return []
        if isinstance(first, str):
            return self._model.apply([first, *items])
        if items is sentence:
            return (self._model.apply(_words("sentence", words)) for words in itertools.chain([first], items))
        return self._phrased(sentence)

    def _phrased(self, corpus: Corpus) -> PhrasedCorpus:
        return PhrasedCorpus(self, corpus)

    def find_phrases(self, sentences: Corpus) -> dict[str, float]:
        """Return the phrases that stand in a corpus, and their scores.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> list(phrases.find_phrases([["new", "york"], ["old", "york"]]))
        ['new_york']
        """
        corpus = Once(sentences) if hasattr(sentences, "__next__") else sentences
        return self._model.find(CorpusSource(corpus, self.column, False, None, self.storage_options))

    def export_phrases(self) -> dict[str, float]:
        """Return all phrases with their scores, the highest score first; of several passes, those of all.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> list(phrases.export_phrases())
        ['new_york', 'old_news']
        """
        return {phrase: score for phrase, score, _ in self._model.export()}

    def to_frame(self) -> pl.DataFrame:
        """Return all phrases as a table of ``phrase``, ``score`` and ``count``, the highest score first.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
        >>> phrases.to_frame().select("phrase", "count").rows()
        [('new_york', 9), ('old_news', 9)]
        """
        schema = {"phrase": pl.String, "score": pl.Float64, "count": pl.UInt64}
        return pl.DataFrame(self._model.export(), schema=schema, orient="row")

    def save(self, fname: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> None:
        """Save the model as an Arrow file, to a path or the URL of a store (``s3://…``).

        Any program reads it as a table of ``phrase``, ``score`` and ``count``. :class:`Phrases` saves all that it has
        counted: rows without a score are words, and pairs that are no phrases. A scoring function or Polars expression
        is not kept: give it to :meth:`load` again.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).save("phrases.arrow")
        >>> pl.read_ipc("phrases.arrow", memory_map=False).select("phrase", "count").rows()
        [('new_york', 9), ('new', 9), ('york', 9)]
        """
        self._model.save(fname, storage_options)

    @classmethod
    def load(
        cls,
        fname: str | os.PathLike[str],
        *,
        scoring: Scoring | None = None,
        column: str = "tokens",
        storage_options: dict[str, Any] | None = None,
    ) -> Any:
        """Load a model that :meth:`save` wrote: :class:`Phrases`, or :class:`FrozenPhrases` if that was saved.

        The files of gensim's ``Phrases``, ``FrozenPhrases`` and ``Phraser`` are loaded too; nothing in their pickles is
        run. ``scoring`` is the scoring function or expression of a model that had one; without it the phrases that were
        saved, with their scores, are all there is.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).save("phrases.arrow")
        >>> pg.Phrases.load("phrases.arrow")[["new", "york"]]
        ['new_york']
        """
        model = PhraseModel.load(fname, storage_options)
        loaded: _Model = (FrozenPhrases if model.is_frozen else Phrases).__new__(
            FrozenPhrases if model.is_frozen else Phrases
        )
        loaded._model, loaded.column, loaded.storage_options = model, column, storage_options
        loaded._scoring = model.options()["scoring"]
        if isinstance(loaded, Phrases):
            loaded.count_column, loaded.progress, loaded.progress_per = None, False, 10_000
        if scoring is not None:
            loaded.scoring = scoring
        return loaded


def _unpickled(cls: type[_Model], files: dict[str, bytes]) -> _Model:
    """Make a model of what it was pickled to, but for its attributes."""
    model = cls.__new__(cls)
    with unpacked(files) as path:
        model._model = PhraseModel.load(path)
    return model


class Phrases(_Model):
    """Learns phrases from a corpus (Mikolov et al. 2013).

    Words are counted, and pairs of words that stand side by side; pairs are scored. Names, meanings and numbers are
    those of gensim's ``Phrases``.

    Parameters
    ----------
    sentences
        The corpus: whatever :class:`Word2Vec` takes, and also an iterator, which can be read only once. Its tokens are
        text.
    min_count
        Pairs that occur less often are no phrases.
    threshold
        Pairs with a score above this are phrases: the higher, the fewer.
    max_vocab_size
        Distinct words and pairs that are held. When a sentence leaves more, the rarest are dropped, as in gensim; then
        the corpus is counted by one thread.
    delimiter
        What stands between the words of a phrase.
    progress_per
        Has no effect: see ``progress``.
    scoring
        ``"default"``: ``(count_ab - min_count) / (count_a * count_b) * len_vocab``. ``"npmi"``: normalised pointwise
        mutual information, from -1 to 1. A function of ``worda_count``, ``wordb_count``, ``bigram_count``,
        ``len_vocab``, ``min_count`` and ``corpus_word_count``. A Polars expression, or SQL, over the columns
        ``count_a``, ``count_b``, ``count_ab``, ``len_vocab``, ``min_count`` and ``corpus_word_count``: it is computed
        row by row, of many pairs at a time, and null is no phrase.
    connector_words
        Words that may stand within a phrase, but neither begin nor end one, as :data:`ENGLISH_CONNECTOR_WORDS`.
    passes
        How often the corpus is read. Each pass learns from what those before it have joined: two find phrases of up to
        four words, three of up to eight.
    column, count_column, storage_options
        As in :class:`Word2Vec`.
    progress
        As in :class:`Word2Vec`.

    Raises
    ------
    ValueError
        For a parameter out of range, or tokens that are not text.

    Examples
    --------
    >>> import polargram as pg
    >>> sentences = [["the", "bank", "of", "america"], ["new", "york"], ["a", "bank"]] * 5
    >>> phrases = pg.Phrases(sentences, min_count=1, threshold=0.1, connector_words=pg.ENGLISH_CONNECTOR_WORDS)
    >>> phrases[["the", "new", "york", "bank", "of", "america"]]
    ['the', 'new_york', 'bank_of_america']

    By a Polars expression:

    >>> import polars as pl
    >>> share = pl.col("count_ab") / pl.min_horizontal("count_a", "count_b")
    >>> sorted(pg.Phrases(sentences, min_count=1, threshold=0.9, scoring=share).export_phrases())
    ['a_bank', 'bank_of', 'new_york', 'of_america', 'the_bank']
    """

    def __init__(
        self,
        sentences: Corpus | None = None,
        min_count: float = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        scoring: Scoring = "default",
        connector_words: Iterable[str] = frozenset(),
        *,
        passes: int = 1,
        column: str = "tokens",
        count_column: str | None = None,
        storage_options: dict[str, Any] | None = None,
        progress: bool | Callable[[str, int, int, float], object] = False,
    ) -> None:
        self.column = text("column", column)
        self.count_column = optional_text("count_column", count_column)
        self.storage_options = storage_options
        self.progress = progress
        self.progress_per = count("progress_per", progress_per)
        options = {
            "min_count": number("min_count", min_count),
            "threshold": number("threshold", threshold),
            "max_vocab_size": count("max_vocab_size", _whole(max_vocab_size)),
            "delimiter": text("delimiter", delimiter),
            "connector_words": _words("connector_words", connector_words),
            **native_scoring(scoring),
        }
        self._scoring = scoring
        self._model = PhraseModel(options, count("passes", passes))
        if sentences is not None:
            self.add_vocab(sentences)

    @property
    def max_vocab_size(self) -> int:
        """Distinct words and pairs that are held. It may be changed."""
        return int(self._option("max_vocab_size"))

    @max_vocab_size.setter
    def max_vocab_size(self, value: int) -> None:
        self._model.set_options(self._options(max_vocab_size=count("max_vocab_size", _whole(value))))

    @property
    def vocab(self) -> Mapping[str, int]:
        """How often each word, and each joined pair of words, occurs; of several passes, those of the last.

        Examples
        --------
        >>> import polargram as pg
        >>> vocab = pg.Phrases([["new", "york"]] * 9).vocab
        >>> len(vocab), vocab["new_york"], "york_new" in vocab
        (3, 9, False)
        """
        return _Vocab(self._model)

    @property
    def corpus_word_count(self) -> int:
        """Words of the corpora that were counted."""
        return self._model.totals[0]

    @property
    def min_reduce(self) -> int:
        """Counts below this are dropped the next time that there are more than ``max_vocab_size``."""
        return self._model.totals[1]

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self._model)} vocab, min_count={self.min_count}, "
            f"threshold={self.threshold}, max_vocab_size={self.max_vocab_size}>"
        )

    def add_vocab(self, sentences: Corpus) -> None:
        """Count a corpus, and add what it has to the counts.

        If that fails or is interrupted, the counts stay what they were.

        Examples
        --------
        >>> import polargram as pg
        >>> phrases = pg.Phrases([["new", "york"]])
        >>> phrases.add_vocab([["new", "york"], ["new", "jersey"]])
        >>> phrases.vocab["new_york"], phrases.corpus_word_count
        (2, 6)
        """
        is_read_once = hasattr(sentences, "__next__")
        corpus = Once(sentences) if is_read_once else sentences
        source = CorpusSource(corpus, self.column, False, self.count_column, self.storage_options)
        self._model.add(source, is_read_once, (Report(self.progress), 1.0))

    def freeze(self) -> FrozenPhrases:
        """Return the phrases alone: smaller, and unable to learn more.

        Examples
        --------
        >>> import polargram as pg
        >>> frozen = pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).freeze()
        >>> frozen[["new", "york"]]
        ['new_york']
        """
        return FrozenPhrases(self)


class FrozenPhrases(_Model):
    """Phrases that a :class:`Phrases` has found, without the counts that it needs to learn more.

    Parameters
    ----------
    phrases_model
        The model that has found them.

    Examples
    --------
    >>> import polargram as pg
    >>> frozen = pg.FrozenPhrases(pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1))
    >>> list(frozen.phrasegrams)
    ['new_york']
    """

    def __init__(self, phrases_model: Phrases) -> None:
        if not isinstance(phrases_model, _Model):
            msg = f"phrases_model: expected Phrases, not {type(phrases_model).__name__}"
            raise TypeError(msg)
        self._model = phrases_model._model.freeze()
        self._scoring = phrases_model._scoring
        self.column, self.storage_options = phrases_model.column, phrases_model.storage_options

    @property
    def phrasegrams(self) -> dict[str, float]:
        """The phrases and their scores.

        Examples
        --------
        >>> import polargram as pg
        >>> sorted(pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).freeze().phrasegrams)
        ['new_york']
        """
        return self.export_phrases()

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self._model)} phrases, min_count={self.min_count}, threshold={self.threshold}>"
        )


#: gensim 3's name.
Phraser = FrozenPhrases


def join_phrases(expr: IntoExpr, model: str | os.PathLike[str] | Phrases | FrozenPhrases) -> pl.Expr:
    """Join the phrases in a column of lists of strings: ``pl.col("tokens").w2v.phrases(model)``.

    The expression is elementwise: it runs eagerly, lazily and in the streaming engine. Null lists stay, null tokens are
    left out. A file is loaded once per process. A model in memory is used as it is now, in this process.

    Parameters
    ----------
    expr
        A column of lists of strings (or categories).
    model
        A file that :meth:`Phrases.save`, :meth:`FrozenPhrases.save`, ``polargram phrases`` or gensim wrote; or a model.

    Returns
    -------
    An expression of ``List(String)``.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
    >>> frame = pl.DataFrame({"tokens": [["the", "new", "york", "news"], None]})
    >>> frame.select(pg.join_phrases("tokens", phrases))["tokens"].to_list()
    [['the', 'new_york', 'news'], None]
    """
    options: dict[str, Any] = {"path": None, "id": None}
    if isinstance(model, _Model):
        options["id"] = model._model.register()
    elif isinstance(model, str | os.PathLike):
        options["path"] = os.fspath(model)
    else:
        msg = f"model: expected a path, Phrases or FrozenPhrases, not {type(model).__name__}"
        raise TypeError(msg)
    return register_plugin_function(
        plugin_path=_PLUGIN, function_name="phrases", args=[expr], kwargs=options, is_elementwise=True
    )


def _whole(value: Any) -> Any:
    # gensim's users write 4e7.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _words(name: str, words: Iterable[str]) -> list[str]:
    if isinstance(words, str):
        msg = f"{name}: {words!r} is a string; expected its words, as in words.split()"
        raise TypeError(msg)
    listed = list(words)
    for word in listed:
        if not isinstance(word, str):
            msg = f"{name}: holds {word!r}; expected strings"
            raise TypeError(msg)
    return listed
