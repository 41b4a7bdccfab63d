"""Models of phrases, and their comparison with gensim's, for the tests."""

from __future__ import annotations

from typing import Any

from corpora import Sentences
from gensim.models import phrases as gensim_phrases

import polargram as pg

CONNECTORS = pg.ENGLISH_CONNECTOR_WORDS
#: Low thresholds, so that small corpora have phrases.
SETTINGS: list[dict[str, Any]] = [
    {"min_count": 1, "threshold": 0.5},
    {"min_count": 2, "threshold": 1, "connector_words": frozenset("ab")},
    {"min_count": 1, "threshold": 0.1, "scoring": "npmi", "connector_words": frozenset(["a", ""])},
    {"min_count": 1, "threshold": 0.5, "delimiter": "__"},
    {"min_count": 1, "threshold": 0.5, "delimiter": "-_-", "connector_words": frozenset(["a", "_"])},
]


def assert_same(ours: pg.Phrases, theirs: gensim_phrases.Phrases, sentences: Sentences) -> None:
    assert dict(ours.vocab.items()) == theirs.vocab
    assert (len(ours.vocab), ours.corpus_word_count) == (len(theirs.vocab), theirs.corpus_word_count)
    assert ours.min_reduce == theirs.min_reduce
    assert ours.export_phrases() == theirs.export_phrases()
    for sentence in sentences:
        assert list(ours.analyze_sentence(sentence)) == list(theirs.analyze_sentence(sentence))
    assert list(ours[sentences or [["x"]]]) == list(theirs[sentences or [["x"]]])
    assert ours.find_phrases(sentences) == theirs.find_phrases(sentences)
    frozen, frozen_of_gensim = ours.freeze(), theirs.freeze()
    assert frozen.phrasegrams == frozen_of_gensim.phrasegrams
    for sentence in sentences:
        assert list(frozen.analyze_sentence(sentence)) == list(frozen_of_gensim.analyze_sentence(sentence))


def share(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: float, corpus_word_count: int
) -> float:
    assert (type(min_count), type(worda_count)) == (int, int)
    return (bigram_count - min_count) * len_vocab / min(worda_count, wordb_count) / corpus_word_count
