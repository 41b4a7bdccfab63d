"""Hyperparameters are checked before anything is read, and named when they are refused."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from runs import Command

import polargram as pg
from polargram._polargram import parameters

DEFAULTS = parameters()

CORPUS = [["a", "b", "c"], ["a", "b"]] * 20
SMALL = {"vector_size": 4, "min_count": 1, "epochs": 1, "workers": 1}


def vectors(**parameters: object) -> np.ndarray:
    return pg.Word2Vec(CORPUS, **{**SMALL, **parameters}).wv.vectors


COUNTS = ["vector_size", "window", "min_count", "seed", "workers", "negative", "epochs"]
RATES = ["alpha", "min_alpha", "sample", "ns_exponent"]
REFUSED: dict[str, list[object]] = {
    **{name: [-1, 2**64, 10**30, 1.5, float("nan"), "3", [3], object()] for name in COUNTS},
    **{name: [float("nan"), float("inf"), -float("inf"), 10**400, "0.1", [0.1], None] for name in RATES},
    "shrink_windows": ["yes", None],
}
for name in ("vector_size", "window", "negative", "epochs"):
    REFUSED[name] += [0, 2**40, None]
for name in ("alpha", "min_alpha", "sample"):
    REFUSED[name] += [-0.1]
REFUSED["workers"] += [2**40]


@pytest.mark.parametrize(("name", "value"), [(n, v) for n in REFUSED for v in REFUSED[n]], ids=lambda v: f"{v!r:.30}")
def test_a_value_out_of_range_or_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        vectors(**{name: value})


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusal_names_the_parameter(name: str) -> None:
    for value in REFUSED[name]:
        with pytest.raises((ValueError, TypeError), match=name):
            vectors(**{name: value})


@pytest.mark.parametrize("value", [3, None, b"tokens"])
def test_a_column_that_is_no_string_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        vectors(column=value)


def test_the_signature_has_the_parameters_of_the_table_and_their_defaults() -> None:
    signature = {name: p.default for name, p in inspect.signature(pg.Word2Vec).parameters.items()}
    assert {name: signature.get(name, "missing") for name in DEFAULTS} == {**DEFAULTS, "workers": None}


def test_the_command_offers_the_parameters_of_the_table(command: Command) -> None:
    text = " ".join(command("train", "--help").stdout.split("Hyperparameters:")[1].split())
    for name, default in DEFAULTS.items():
        assert f"--{name.replace('_', '-')} " in text, name
        if isinstance(default, float):
            assert f"[default: {default}]" in text


def test_a_saved_model_names_every_parameter_of_the_table(tmp_path: Path) -> None:
    pg.Word2Vec(CORPUS, **SMALL).save(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())["config"]
    assert list(config) == list(DEFAULTS)
    assert config == {**DEFAULTS, **SMALL}


def test_an_unknown_parameter_is_refused_as_python_does() -> None:
    with pytest.raises(TypeError, match="vector_sise"):
        vectors(vector_sise=4)


def test_a_bad_parameter_is_found_before_the_corpus_is_touched() -> None:
    class Untouchable:
        def __iter__(self) -> None:
            pytest.fail("the corpus was read")

    with pytest.raises(ValueError, match="window"):
        pg.Word2Vec(Untouchable(), window=0)
    with pytest.raises(ValueError, match="window"):
        pg.Word2Vec("missing.parquet", window=0)


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ({"vector_size": 6}, {"vector_size": np.int64(6)}),
        ({"window": 2}, {"window": np.uint8(2)}),
        ({"seed": 7}, {"seed": np.int32(7)}),
        ({"alpha": 0.5}, {"alpha": np.float32(0.5)}),
        ({"alpha": 1.0}, {"alpha": 1}),
        ({"sample": 0.25}, {"sample": np.float64(0.25)}),
        ({"sg": 1}, {"sg": True}),
        ({"sg": 1}, {"sg": np.int64(1)}),
        ({"cbow_mean": 0}, {"cbow_mean": False}),
        ({"shrink_windows": False}, {"shrink_windows": 0}),
        ({"shrink_windows": False}, {"shrink_windows": np.False_}),
        ({"hs": 0}, {"hs": False}),
    ],
    ids=lambda parameters: "-".join(f"{name}={value!r}" for name, value in parameters.items()),
)
def test_numbers_of_numpy_and_truth_values_are_as_good_as_python_numbers(
    plain: dict[str, object], other: dict[str, object]
) -> None:
    assert np.array_equal(vectors(**plain), vectors(**other))


@pytest.mark.parametrize("seed", [0, 1, 2**63, 2**64 - 1])
def test_every_64_bit_seed_is_taken(seed: int) -> None:
    assert np.isfinite(vectors(seed=seed)).all()


@pytest.mark.parametrize("value", [-1e300, -1, 0, 0.0, 1, 1e300])
def test_any_finite_noise_exponent_is_taken(value: float) -> None:
    assert np.isfinite(vectors(ns_exponent=value)).all()


@pytest.mark.parametrize("value", [0, 5e-324, 1e-9, 0.999, 1, 1e300])
def test_any_subsampling_threshold_is_taken(value: float) -> None:
    assert np.isfinite(vectors(sample=value)).all()
