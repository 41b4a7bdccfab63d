"""Word vectors from Parquet and Arrow columns of tokens, looked up again inside Polars expressions."""

from polargram._polargram import KeyedVectors, __version__
from polargram.expr import W2VNamespace, embed
from polargram.word2vec import Word2Vec

__all__ = ["KeyedVectors", "W2VNamespace", "Word2Vec", "__version__", "embed"]
