"""Word vectors from Parquet and Arrow columns of tokens, looked up again inside Polars expressions."""

from polargram import npy
from polargram._polargram import __version__
from polargram.align import Alignment
from polargram.bundle import Bundle
from polargram.callbacks import StopTraining
from polargram.expr import W2VNamespace, embed
from polargram.frames import W2VFrames, scan_vectors
from polargram.index import Index
from polargram.keyed_vectors import KeyedVectors
from polargram.readers import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from polargram.static_models import encode
from polargram.trimming import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP
from polargram.word2vec import Word2Vec

__all__ = [
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "Alignment",
    "BrownCorpus",
    "Bundle",
    "Index",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "StopTraining",
    "Text8Corpus",
    "W2VFrames",
    "W2VNamespace",
    "Word2Vec",
    "__version__",
    "embed",
    "encode",
    "npy",
    "scan_vectors",
]
