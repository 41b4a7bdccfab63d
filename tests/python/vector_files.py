"""What the tests of vectors in files share."""

from __future__ import annotations

import numpy as np
from gensim.models import KeyedVectors as GensimVectors

import polargram as pg

#: The endings of all formats that are read and written.
ENDINGS = [
    ".arrow",
    ".npy",
    ".txt",
    ".bin",
    ".vec",
    ".txt.gz",
    ".vec.gz",
    ".bin.gz",
    ".parquet",
    ".npz",
    ".safetensors",
]
#: Those whose files have counts, which are also those that have half precision.
WITH_COUNTS = [".arrow", ".npy", ".parquet", ".npz", ".safetensors"]


def counts(wv: pg.KeyedVectors) -> list[int]:
    return [wv.get_vecattr(key, "count") for key in wv.index_to_key]


def assert_same(one: pg.KeyedVectors, other: pg.KeyedVectors | GensimVectors) -> None:
    assert list(one.index_to_key) == list(other.index_to_key)
    assert np.array_equal(one.vectors, other.vectors, equal_nan=True)
