"""Tables of keys and vectors, ours and gensim's, for the tests that compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from numpy.typing import NDArray

import polargram as pg

SIZE = 5
SMALL = {"vector_size": SIZE, "min_count": 1, "epochs": 1, "workers": 1, "seed": 3}
CORPUS = [["a", "b", "c"], ["b", "c"], ["c"]] * 9


def drawn(rows: int, seed: int = 0, size: int = SIZE) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)


def both(keys: list[Any], vectors: NDArray[np.float32], counts: list[int] | None = None) -> tuple[Any, Any]:
    """The same table, ours and gensim's."""
    tables = pg.KeyedVectors(vectors.shape[1]), GensimVectors(vectors.shape[1])
    for table in tables:
        table.add_vectors(keys, vectors)
        for key, count in zip(keys, counts or [], strict=False):
            table.set_vecattr(key, "count", count)
    return tables


def assert_same(ours: pg.KeyedVectors, theirs: Any) -> None:
    """The two agree in all that they know, and ours in what it has computed."""
    assert len(ours) == len(theirs)
    assert ours.index_to_key == theirs.index_to_key == list(ours)
    assert ours.key_to_index == theirs.key_to_index
    assert ours.vector_size == theirs.vector_size
    assert np.array_equal(ours.vectors, theirs.vectors)
    assert ours.vectors.dtype == theirs.vectors.dtype == np.float32
    theirs.fill_norms(force=True)
    assert np.allclose(ours.norms, theirs.norms, rtol=1e-6)
    for key in theirs.index_to_key:
        assert key in ours
        assert ours.has_index_for(key)
        assert ours.get_index(key) == theirs.get_index(key)
        assert np.array_equal(ours[key], theirs[key])
        if theirs.norms[theirs.get_index(key)] > 0:
            assert np.allclose(ours.get_vector(key, norm=True), theirs.get_vector(key, norm=True), atol=1e-6)
            first = theirs.index_to_key[0]
            if theirs.norms[0] > 0:
                assert ours.similarity(key, first) == pytest.approx(float(theirs.similarity(key, first)), abs=1e-5)


def word2vec_file(path: Path, keys: list[Any], vectors: NDArray[np.float32], binary: bool) -> str:
    wv = pg.KeyedVectors(vectors.shape[1])
    wv.add_vectors(keys, vectors)
    wv.save_word2vec_format(path, binary=binary)
    return str(path)
