"""Word vectors from Parquet and Arrow columns of tokens, looked up again inside Polars expressions."""

from polargram import npy, phrases
from polargram._polargram import __version__
from polargram.bundle import Bundle
from polargram.callbacks import StopTraining
from polargram.expr import W2VNamespace, embed
from polargram.index import Index
from polargram.keyed_vectors import KeyedVectors
from polargram.phrases import (
    ENGLISH_CONNECTOR_WORDS,
    FrozenPhrases,
    PhrasedCorpus,
    Phraser,
    Phrases,
    join_phrases,
)
from polargram.readers import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from polargram.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP
from polargram.word2vec import Word2Vec

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "BrownCorpus",
    "Bundle",
    "FrozenPhrases",
    "Index",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "PhrasedCorpus",
    "Phraser",
    "Phrases",
    "StopTraining",
    "Text8Corpus",
    "W2VNamespace",
    "Word2Vec",
    "__version__",
    "embed",
    "join_phrases",
    "npy",
    "phrases",
]
