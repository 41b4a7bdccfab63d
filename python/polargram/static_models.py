"""Static embedding models: raw text to vectors, as model2vec does it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import polargram._polargram as _native
from polargram._polargram import Vectors
from polargram.handles import plugin

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import IntoExpr

    from polargram.handles import VectorsLike

__all__ = ["StaticModels", "encode"]


def encode(expr: IntoExpr, model: VectorsLike, *, tokenizer: str | os.PathLike[str] | None = None) -> pl.Expr:
    """Encode raw text as vectors with a static embedding model.

    The expression is elementwise and uses all cores, in the in-memory and the streaming engine. A model is opened once
    per process, its matrix memory-mapped, and opened again if its files are replaced.

    Parameters
    ----------
    expr
        A column of strings.
    model
        The directory of a model of model2vec (``tokenizer.json``, ``model.safetensors``, ``config.json``), whose
        vectors are those of ``model2vec.StaticModel.encode``; or, with ``tokenizer``, vectors of words: a file or URL
        of any format that :meth:`KeyedVectors.load` reads, :class:`KeyedVectors`, or a :class:`Word2Vec`.
    tokenizer
        For vectors of words: ``"whitespace"``, ``"regex:PATTERN"``, whose matches are the tokens, or the path of a
        ``tokenizer.json``. The vector of a text is the mean over its tokens that have one.

    Returns
    -------
    An expression of ``Array(Float32, d)``: null for null, and zeros for a text without known tokens.

    Raises
    ------
    polars.exceptions.ComputeError
        When the plan is resolved, for files that are missing or damaged or do not fit together.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv.to_model2vec("model")
    >>> articles = pl.DataFrame({"text": ["the cat", "dogs", None]})
    >>> articles.select(pg.encode("text", "model"))["text"].is_null().to_list()
    [False, False, True]
    """
    return plugin("encode", [expr], model, {"tokenizer": None if tokenizer is None else os.fspath(tokenizer)})


class StaticModels(Vectors):
    """How :class:`~polargram.KeyedVectors` leave as a static embedding model."""

    def to_model2vec(
        self,
        directory: str | os.PathLike[str],
        tokenizer: str | os.PathLike[str] = "whitespace",
        *,
        normalize: bool = False,
    ) -> None:
        """Write a directory that ``model2vec.StaticModel.from_pretrained`` and :func:`polargram.encode` load.

        Parameters
        ----------
        directory
            It is made, or its files are replaced if it is a model's, when all of the new ones are written. It may be
            the URL of a prefix in a store, whose settings come from the environment.
        tokenizer
            ``"whitespace"``, ``"regex:PATTERN"``, whose matches are the tokens, or the path of a ``tokenizer.json``.
            With the first two, tokens without a vector are left out. Those of a file get
            zeros.
        normalize
            True for a model whose vectors are scaled to length 1.

        Raises
        ------
        ValueError
            For keys that are integers, a pattern that is not a regular expression, a file that is no tokenizer, and one
            none of whose tokens has a vector.
        OSError
            For files that cannot be read or written.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.to_model2vec("model", tokenizer="whitespace")
        >>> sorted(path.name for path in pathlib.Path("model").iterdir())
        ['config.json', 'model.safetensors', 'modules.json', 'tokenizer.json']
        """
        words = self.index_to_key
        if not words or not isinstance(words[0], str):
            msg = "to_model2vec: needs words as keys; integers, or no keys, cannot be tokens of a text"
            raise ValueError(msg)
        name = os.fspath(tokenizer)
        vectors = self.vectors
        if name == "whitespace" or name.startswith("regex:"):
            text = _word_tokenizer(words, name)
            rows = np.vstack([np.zeros((1, self.vector_size), np.float32), vectors])
        else:
            tokens = _native.check_tokenizer(name)
            text = Path(name).read_text(encoding="utf-8")
            rows = _rows_of_tokens(self.key_to_index, vectors, tokens, name)
        config = {"model_type": "model2vec", "normalize": normalize, "max_length": None, "embedding_dtype": "float32"}
        modules = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]
        if normalize:
            kind = "sentence_transformers.models.Normalize"
            modules.append({"idx": 1, "name": "1", "path": "1_Normalize", "type": kind})
        texts = [
            ("tokenizer.json", text),
            ("config.json", json.dumps(config, indent=4)),
            ("modules.json", json.dumps(modules, indent=4)),
        ]
        _native.save_static_model(os.fspath(directory), rows, texts)


def _word_tokenizer(words: list[str], name: str) -> str:
    """Give a tokenizer.json whose token 0 is the unknown one, and token i + 1 the word of row i."""
    unknown = "[UNK]"
    known = set(words)
    while unknown in known:
        unknown = f"[{unknown}]"
    if name == "whitespace":
        split: dict[str, Any] = {"type": "WhitespaceSplit"}
    else:
        pattern = name.removeprefix("regex:")
        # The native code reads the same patterns: it says what is wrong with one.
        _native.check_tokenizer(name)
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True}
    vocabulary = {unknown: 0, **{word: row for row, word in enumerate(words, 1)}}
    parts: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": split,
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": unknown},
    }
    return json.dumps(parts, ensure_ascii=False)


def _rows_of_tokens(
    index: dict[Any, int], vectors: NDArray[np.float32], tokens: list[tuple[str, int]], name: str
) -> NDArray[np.float32]:
    """Give the vector of each token of a tokenizer, by its id."""
    known = [(number, index[token]) for token, number in tokens if token in index]
    if not known:
        msg = f"tokenizer: none of the {len(tokens)} tokens of {name} has a vector; train on its tokens"
        raise ValueError(msg)
    last = max(number for _, number in tokens)
    # Tokenizers number their tokens with hardly a gap: another id is not to be believed.
    if last >= 2 * len(tokens) + 1000:
        msg = f"tokenizer: {name} has {len(tokens)} tokens, but one of them has the id {last}"
        raise ValueError(msg)
    rows = np.zeros((last + 1, vectors.shape[1]), np.float32)
    ids, places = zip(*known, strict=True)
    rows[list(ids)] = vectors[list(places)]
    return rows
