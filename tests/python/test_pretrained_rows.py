"""Pretrained vectors, and rows that are frozen or change less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpora import Sentences

import polargram as pg

SMALL = {"vector_size": 11, "epochs": 2, "workers": 1}
FAMILIES = pytest.mark.parametrize(
    "family",
    [{"sg": 1}, {"sg": 0}, {"sg": 1, "hs": 1, "negative": 0}, {"sg": 0, "hs": 1}, {"sg": 1, "shared_negatives": False}],
    ids=str,
)


def prepared(rows: Sentences, **parameters: object) -> pg.Word2Vec:
    model = pg.Word2Vec(**{**SMALL, **parameters})
    model.build_vocab(rows)
    return model


def change(model: pg.Word2Vec, rows: Sentences, factors: object) -> np.ndarray:
    """By how much training changes each vector."""
    before = model.wv.vectors.copy()
    model.wv.vectors_lockf = factors
    model.train(rows, total_examples=len(rows), epochs=2)
    return model.wv.vectors - before


@FAMILIES
@pytest.mark.parametrize("workers", [1, 2])
def test_frozen_rows_keep_their_bits_and_the_others_learn(
    rows: Sentences, family: dict[str, int], workers: int
) -> None:
    model = prepared(rows, workers=workers, **family)
    factors = np.arange(len(model.wv), dtype=np.float32) % 2
    moved = change(model, rows, factors).any(axis=1)
    assert not moved[::2].any()
    assert moved[1::2].mean() > 0.95


@FAMILIES
def test_a_factor_of_one_half_halves_the_change(rows: Sentences, family: dict[str, int]) -> None:
    rates = {"alpha": 1e-4, "min_alpha": 1e-4}
    whole, half = (change(prepared(rows, **rates, **family), rows, [factor]) for factor in (1.0, 0.5))
    assert np.linalg.norm(half) == pytest.approx(0.5 * np.linalg.norm(whole), rel=0.05)


def test_one_factor_stands_for_all_rows_and_ones_change_nothing(rows: Sentences) -> None:
    plain = change(prepared(rows), rows, [1.0])
    assert np.array_equal(change(prepared(rows), rows, np.ones(len(prepared(rows).wv))), plain)
    assert not change(prepared(rows), rows, np.zeros(1, np.float32)).any()
    assert prepared(rows).wv.vectors_lockf.tolist() == [1]


@pytest.mark.parametrize("factors", [[1.0, 0.5], [], ["a"], 0.5, None, np.ones((2, 2)), np.ones(10**4)], ids=str)
def test_factors_of_another_number_or_kind_are_refused(rows: Sentences, factors: object) -> None:
    model = prepared(rows)
    with pytest.raises(ValueError, match="vectors_lockf"):
        change(model, rows, factors)


def test_rows_stay_frozen_when_the_vocabulary_grows(rows: Sentences) -> None:
    model = prepared(rows)
    model.wv.vectors_lockf = np.zeros(len(model.wv), np.float32)
    before = model.wv.vectors.copy()
    model.build_vocab([["new", "newer", "the"]] * 9, update=True)
    model.train(rows, total_examples=len(rows), epochs=1)
    assert np.array_equal(model.wv.vectors[: len(before)], before)


@pytest.mark.parametrize("ending", ["arrow", "npy", "txt", "bin"])
def test_vectors_of_every_format_are_started_from_and_may_be_frozen(
    rows: Sentences, model: pg.Word2Vec, ending: str, tmp_path: Path
) -> None:
    model.wv.save(tmp_path / f"vectors.{ending}")
    trained = pg.KeyedVectors.load(tmp_path / f"vectors.{ending}")
    ours = prepared([*rows, ["@hermit", "@friend"] * 5], vector_size=20)
    drawn = ours.wv["@hermit"].copy()
    common = [word for word in ours.wv.index_to_key if word in trained]
    assert ours.set_vectors(trained, lockf=0.0) == len(common) == len(ours.wv) - 2
    assert np.array_equal(ours.wv[common], trained[common])
    assert np.array_equal(ours.wv["@hermit"], drawn)
    ours.train([*rows, ["@hermit", "@friend"] * 5], total_examples=len(rows) + 1, epochs=2)
    assert np.array_equal(ours.wv[common], trained[common])
    assert not np.array_equal(ours.wv["@hermit"], drawn)


def test_vectors_that_start_from_others_train_unless_frozen(rows: Sentences, model: pg.Word2Vec) -> None:
    ours = prepared(rows, vector_size=20)
    ours.set_vectors(model.wv)
    assert change(ours, rows, ours.wv.vectors_lockf).any(axis=1).mean() > 0.95
    assert np.isfinite(ours.wv.vectors).all()


def test_vectors_of_other_dimensions_are_refused(rows: Sentences, model: pg.Word2Vec) -> None:
    with pytest.raises(ValueError, match="11.*20"):
        prepared(rows).set_vectors(model.wv)


@pytest.mark.parametrize("mode", [{"sg": 0}, {"sg": 1}, {"sg": 0, "hs": 1, "negative": 0}], ids=str)
def test_great_vectors_are_trained_to_finite_ones(mode: dict[str, int], tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(30)]
    rows = np.random.default_rng(2).uniform(-1e25, 1e25, (30, 8)).astype(np.float32)
    (tmp_path / "v.txt").write_text(
        "30 8\n" + "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, rows, strict=True))
    )
    model = pg.Word2Vec(vector_size=8, min_count=1, workers=1, sample=0, **mode)
    corpus = [words[i:] + words[:i] for i in range(30)] * 5
    model.build_vocab(corpus)
    model.set_vectors(pg.KeyedVectors.load(tmp_path / "v.txt"))
    model.train(corpus, total_examples=len(corpus), epochs=5)
    assert np.isfinite(model.wv.vectors).all()


@pytest.mark.parametrize("value", ["nan", "inf", "-3e38"])
def test_vectors_that_training_would_spread_are_refused_with_their_word(value: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(f"3 2\na 1 2\nb 1 {value}\nother {value} 1\n")
    vectors = pg.KeyedVectors.load(tmp_path / "v.txt")
    model = pg.Word2Vec([["a", "b"]] * 9, vector_size=2, min_count=1)
    before = model.wv.vectors.copy()
    with pytest.raises(ValueError, match=r'vectors: hold \S+ for "b", which training would spread.*within ±1e30'):
        model.set_vectors(vectors, lockf=0.0)
    assert np.array_equal(model.wv.vectors, before)
    assert pg.Word2Vec([["a", "c"]] * 9, vector_size=2, min_count=1).set_vectors(vectors) == 1
