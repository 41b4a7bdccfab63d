"""Vectors turned into another space, beside SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

import polargram as pg


def table(words, values):
    wv = pg.KeyedVectors(values.shape[1])
    wv.add_vectors(words, values.astype(np.float32))
    return wv


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_rotation_is_undone(size, keys, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(keys, size))
    turn = np.linalg.qr(random.normal(size=(size, size)))[0]
    words = [f"w{i}" for i in range(keys)]
    aligned = table(words, values @ turn).align_to(table(words, values))
    np.testing.assert_allclose(aligned.vectors, values, atol=1e-4)
    assert aligned.alignment.cosine_after == pytest.approx(1, abs=1e-5)


def test_the_rotation_is_that_of_scipy_over_the_shared_words():
    random = np.random.default_rng(1)
    mine, theirs = random.normal(size=(50, 6)), random.normal(size=(50, 6))
    names = [f"w{i}" for i in range(60)]
    ours, other = table(names[:50], mine), table(names[10:], theirs)
    aligned = ours.align_to(other)
    unit = lambda values: values / np.linalg.norm(values, axis=1, keepdims=True)  # noqa: E731
    rotation, _ = orthogonal_procrustes(unit(mine[10:]), unit(theirs[:40]))
    np.testing.assert_allclose(aligned.vectors, mine @ rotation, atol=1e-5)
    assert aligned.alignment.keys == 40
    assert aligned.alignment.cosine_after > aligned.alignment.cosine_before
    assert ours.alignment is None
    np.testing.assert_allclose(ours.vectors, mine, atol=1e-6)
    assert ours.align_to(other, keys=["w10", "w11", "w3", "nope"]).alignment.keys == 2


def test_norms_and_neighbours_stay(tmp_path):
    random = np.random.default_rng(2)
    words = [f"w{i}" for i in range(40)]
    table(words, random.normal(size=(40, 5))).save(tmp_path / "v.arrow")
    mapped = pg.KeyedVectors.load(tmp_path / "v.arrow")
    aligned = mapped.align_to(table(words, random.normal(size=(40, 5))))
    np.testing.assert_allclose(aligned.norms, mapped.norms, rtol=1e-5)
    assert [w for w, _ in aligned.most_similar("w3")] == [w for w, _ in mapped.most_similar("w3")]


def test_other_dimensions_and_no_shared_words_are_refused():
    ours = table(["a"], np.ones((1, 2)))
    with pytest.raises(ValueError, match="3 dimensions; these have 2"):
        ours.align_to(table(["a"], np.ones((1, 3))))
    with pytest.raises(ValueError, match="none in common"):
        ours.align_to(table(["b"], np.ones((1, 2))))
    with pytest.raises(ValueError, match="none in common"):
        ours.align_to(ours, keys=["b"])


def test_vectors_without_direction_do_no_harm():
    ours = table(["a", "b", "c"], np.array([[0.0, 0.0], [1.0, 2.0], [np.nan, 1.0]]))
    aligned = ours.align_to(table(["a", "b", "c"], np.array([[1.0, 0.0], [-2.0, 1.0], [1.0, 1.0]])))
    np.testing.assert_allclose(aligned["b"], [-2.0, 1.0], atol=1e-5)


def test_a_model_is_aligned_as_a_copy():
    models = [pg.Word2Vec([["a", "b", "c"]] * 99, vector_size=4, workers=1, seed=seed) for seed in (1, 2)]
    before = models[1].wv.vectors.copy()
    aligned = models[1].wv.align_to(models[0].wv)
    assert np.array_equal(models[1].wv.vectors, before)
    assert aligned.alignment.keys == 3
