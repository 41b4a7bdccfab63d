"""Word vectors from Parquet and Arrow columns of tokens, looked up again inside Polars expressions."""

# First, so that the native module takes its memory from Polars' allocator.
import polars as _polars  # noqa: F401

from polargram import npy, phrases, registry
from polargram._polargram import __version__
from polargram.align import Alignment
from polargram.bundle import Bundle
from polargram.callbacks import StopTraining
from polargram.common import CommonComponents, fit_common
from polargram.expr import W2VNamespace, W2VSeries
from polargram.frames import W2VFrames, scan_vectors
from polargram.index import Index
from polargram.keyed_vectors import KeyedVectors
from polargram.lookups import embed, ids, known, oov_rate, words
from polargram.neighbours import analogy, doesnt_match, most_similar, nearest, similarity
from polargram.phrases import (
    ENGLISH_CONNECTOR_WORDS,
    FrozenPhrases,
    PhrasedCorpus,
    Phraser,
    Phrases,
    join_phrases,
)
from polargram.plotting import Picture
from polargram.readers import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from polargram.static_models import encode
from polargram.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP
from polargram.word2vec import Word2Vec

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "Alignment",
    "BrownCorpus",
    "Bundle",
    "CommonComponents",
    "FrozenPhrases",
    "Index",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "PhrasedCorpus",
    "Phraser",
    "Phrases",
    "Picture",
    "StopTraining",
    "Text8Corpus",
    "W2VFrames",
    "W2VNamespace",
    "W2VSeries",
    "Word2Vec",
    "__version__",
    "analogy",
    "doesnt_match",
    "embed",
    "encode",
    "fit_common",
    "ids",
    "join_phrases",
    "known",
    "most_similar",
    "nearest",
    "npy",
    "oov_rate",
    "phrases",
    "registry",
    "scan_vectors",
    "similarity",
    "words",
]
