"""Hyperparameters are checked before anything is read, and named when they are refused."""

from __future__ import annotations

import enum
import inspect
import json
import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
        # Switches may be set to false: --null-word[=<true|false>].
        assert re.search(rf"--{name.replace('_', '-')}[ \[]", text), name
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


# What a model's attributes are set to.


@pytest.mark.parametrize(("name", "value"), [(n, v) for n in REFUSED for v in REFUSED[n]], ids=lambda v: f"{v!r:.30}")
def test_what_the_constructor_refuses_cannot_be_set_either(name: str, value: object) -> None:
    model = pg.Word2Vec(**SMALL)
    before = getattr(model, name)
    if (name, value) == ("negative", 0):
        pytest.skip("hs may be set next")
    with pytest.raises((ValueError, TypeError), match=name):
        setattr(model, name, value)
    assert getattr(model, name) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("corpus_count", -1),
        ("corpus_count", 1.5),
        ("corpus_count", "3"),
        ("corpus_total_words", None),
        ("train_count", np.float64(1)),
        ("running_training_loss", "0"),
        ("running_training_loss", None),
        ("total_train_time", [1.0]),
        ("min_alpha_yet_reached", b"1"),
        ("effective_min_count", object()),
        ("spool", 2),
        ("memory_budget", -1),
        ("column", b"tokens"),
        ("column", "\ud800"),
        ("count_column", 3),
        ("checkpoint", 3),
        ("checkpoint_every", "hour"),
        ("checkpoint_every", 0),
        ("checkpoint_every", math.nan),
        ("comment", b"x"),
        ("comment", (1, 2)),
        ("comment", {1: "a"}),
        ("comment", ["deep", {"er": {1, 2}}]),
        ("comment", np.zeros(2)),
        ("comment", 1j),
    ],
    ids=lambda v: f"{v!r:.30}",
)
def test_an_attribute_that_is_no_parameter_is_checked_too(name: str, value: object) -> None:
    model = pg.Word2Vec(**SMALL)
    before = getattr(model, name)
    with pytest.raises((ValueError, TypeError), match=f"^{name}: "):
        setattr(model, name, value)
    assert getattr(model, name) == before


def test_a_comment_that_holds_itself_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="comment: is nested too deeply"):
        pg.Word2Vec(**SMALL, comment=circle)


class Flag(enum.IntEnum):
    ON = 1


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("workers", np.int64(2), 2),
        ("workers", None, None),
        ("vector_size", np.int32(4), 4),
        ("vector_size", np.array(4), 4),
        ("window", True, 1),
        ("alpha", np.float32(0.02), 0.02),
        ("alpha", 1, 1.0),
        ("min_alpha", Fraction(1, 4), 0.25),
        ("sample", np.float64(1e-5), 1e-5),
        ("ns_exponent", np.float16(0.5), 0.5),
        ("sg", np.True_, 1),
        ("sg", True, 1),
        ("hs", Flag.ON, 1),
        ("sorted_vocab", np.int8(0), 0),
        ("shrink_windows", np.False_, False),
        ("shrink_windows", 0, 0),
        ("compute_loss", np.bool_(True), True),
        ("max_vocab_size", np.uint64(7), 7),
        ("max_vocab_size", 0, None),
        ("corpus_count", np.int64(9), 9),
        ("corpus_total_words", np.uint8(9), 9),
        ("running_training_loss", np.float64(0), 0.0),
        ("running_training_loss", 0, 0.0),
        ("total_train_time", np.float32(0.5), 0.5),
        ("spool", np.True_, True),
        ("spool", 0, False),
        ("memory_budget", np.int64(1 << 40), 1 << 40),
        ("column", np.str_("words"), "words"),
        ("column", Name("words"), "words"),
        ("comment", np.str_("x"), "x"),
        ("comment", np.float64(1.5), 1.5),
        ("comment", [np.int64(1), {"a": np.True_}], [1, {"a": True}]),
        ("comment", Flag.ON, 1),
    ],
    ids=lambda v: f"{v!r:.30}",
)
def test_what_is_set_becomes_a_plain_value(name: str, value: object, plain: object, tmp_path: Path) -> None:
    model = pg.Word2Vec(**SMALL)
    model.build_vocab(CORPUS)
    setattr(model, name, value)
    assert (getattr(model, name), type(getattr(model, name))) == (plain, type(plain))
    model.save(tmp_path / "model")
    assert getattr(pg.Word2Vec.load(tmp_path / "model"), name) == plain


def test_rates_are_rounded_to_what_they_are_used_as() -> None:
    assert pg.Word2Vec(alpha=0.1 + 0.2).alpha == 0.3
    assert pg.Word2Vec(min_alpha=1e-50).min_alpha == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from([np.int64(3), np.uint64(2**64 - 1), np.int8(-1), np.float32(0.1), np.float16(1), np.True_]),
    st.just(None),
)
ATTRIBUTES = [*DEFAULTS, "corpus_count", "corpus_total_words", "running_training_loss", "train_count", "spool"]
ATTRIBUTES += ["total_train_time", "total_vocabulary_time", "min_alpha_yet_reached", "memory_budget", "comment"]
ATTRIBUTES += ["column", "count_column"]
VALUES = NUMBERS | JSON | st.binary(max_size=3) | st.tuples(NUMBERS)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(st.tuples(st.sampled_from(ATTRIBUTES), VALUES), max_size=12), comment=JSON)
def test_whatever_can_be_set_is_saved_and_comes_back(
    values: list[tuple[str, object]], comment: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = pg.Word2Vec(**SMALL, comment=comment)
    model.build_vocab(CORPUS)
    for name, value in values:
        try:
            setattr(model, name, value)
        except (TypeError, ValueError) as error:
            assert str(error).startswith(f"{name}: ")  # noqa: PT017 - also nothing may be raised
    path = tmp_path_factory.mktemp("any") / "model"
    model.save(path)
    loaded = pg.Word2Vec.load(path)
    for name in ATTRIBUTES:
        kept, back = getattr(model, name), getattr(loaded, name)
        assert kept == back or (kept != kept and back != back), name
        assert isinstance(back, type(kept)) or isinstance(kept, int | None), name


@pytest.mark.parametrize("changes", [{"hs": 1}, {"negative": 0}, {"vector_size": 9}, {"hs": 1, "negative": 0}], ids=str)
def test_a_model_is_saved_with_its_weights_also_when_others_were_asked_for_and_not_made(
    changes: dict[str, int], tmp_path: Path
) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    for name, value in changes.items():
        setattr(model, name, value)
    model.save(tmp_path / "model")
    loaded = pg.Word2Vec.load(tmp_path / "model")
    assert {name: getattr(loaded, name) for name in changes} == changes
    assert np.array_equal(loaded.wv.vectors, model.wv.vectors)
    assert np.array_equal(loaded.syn1neg, model.syn1neg)
    for one in (model, loaded):
        if changes != {"negative": 0}:
            one.reset_weights()
            assert one.wv.vectors.shape == (3, one.vector_size)


# What a refused call leaves behind: nothing.


def state(model: pg.Word2Vec) -> dict[str, object]:
    shown = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    return {**shown, "words": list(model.wv), "raw": model.raw_vocab, "first": model.wv.vectors.tolist()}


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.train(CORPUS, total_examples=40, epochs=1.5),
        lambda m: m.train(CORPUS, total_examples=40, epochs=0),
        lambda m: m.train(CORPUS, total_examples=40, epochs=2, start_alpha=0.5, end_alpha=math.nan),
        lambda m: m.train(CORPUS, total_examples=40, epochs=2, start_alpha=math.nan, end_alpha=0.001),
        lambda m: m.train(CORPUS, total_examples=40, epochs=2, start_alpha=math.inf),
        lambda m: m.train(CORPUS, total_examples=1.5, epochs=2, start_alpha=0.5),
        lambda m: m.train(CORPUS, total_words="3", epochs=2, start_alpha=0.5),
        lambda m: m.train(CORPUS, total_examples=40, epochs=2, start_alpha=0.5, compute_loss="no"),
        lambda m: m.train(CORPUS, total_examples=40, epochs=2, start_alpha=0.5, report_delay="soon"),
        lambda m: m.train(None, total_examples=40, epochs=2, start_alpha=0.5),
        lambda m: m.build_vocab(CORPUS, min_count=-1),
        lambda m: m.build_vocab(CORPUS, min_count=1.5),
        lambda m: m.build_vocab(CORPUS, sample=math.nan),
        lambda m: m.build_vocab(CORPUS, update=True, sample=-math.inf),
        lambda m: m.build_vocab(CORPUS, min_count=100),
        lambda m: m.build_vocab(CORPUS, trim_rule=3),
        lambda m: m.prepare_vocab(sample=math.nan),
        lambda m: m.prepare_vocab(min_count=-1),
        lambda m: m.build_vocab_from_freq({"a": 3}, corpus_count=1.5),
        lambda m: m.build_vocab_from_freq({"a": -3}),
        lambda m: m.build_vocab_from_freq({"a": 2.5}),
        lambda m: m.build_vocab_from_freq({1.5: 2}),
        lambda m: m.set_vectors(m.wv, lockf=math.nan),
        lambda m: m.set_vectors(m.wv, lockf=1e300),
        lambda m: m.set_vectors(m.wv, lockf="x"),
        lambda m: m.set_vectors(with_a_number_missing(), lockf=0.5),
        lambda m: m.reset_from(pg.Word2Vec()),
        lambda m: setattr(m.wv, "vectors_lockf", [0, math.nan, 1]),
        lambda m: setattr(m.wv, "vectors_lockf", [math.inf]),
        lambda m: setattr(m.wv, "vectors_lockf", [1, 2]),
    ],
    ids=lambda call: inspect.getsource(call).strip()[10:60] if callable(call) else "",
)
def test_a_refused_call_leaves_nothing_behind(call: Callable[[pg.Word2Vec], object]) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL, compute_loss=True)
    model.wv.vectors_lockf = [0.25, 0.5, 0.75]
    before, losses = state(model), model.epoch_losses
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        call(model)
    after = state(model)
    # What was counted waits for another try.
    assert {**after, "raw": None, "total_vocabulary_time": None} == {
        **before,
        "raw": None,
        "total_vocabulary_time": None,
    }
    assert model.epoch_losses == losses
    assert model.wv.vectors_lockf.tolist() == [0.25, 0.5, 0.75]


def with_a_number_missing() -> pg.KeyedVectors:
    wv = pg.Word2Vec(CORPUS, **SMALL).wv
    wv.vectors[wv.get_index("b"), 2] = math.nan
    return wv


def test_a_vector_with_a_number_that_is_not_finite_is_named_and_not_adopted() -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    with pytest.raises(ValueError, match='vectors: hold NaN for "b", which training would spread'):
        model.set_vectors(with_a_number_missing())
    other = pg.Word2Vec([["a", "c"]] * 9, **SMALL)
    assert other.set_vectors(with_a_number_missing()) == 2


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_factors_that_became_unsound_after_they_were_set_are_refused_before_training(factor: float) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    model.wv.vectors_lockf[0] = factor
    before = model.wv.vectors.copy()
    calls = [
        lambda: model.train(CORPUS, total_examples=40, epochs=1),
        lambda: model.build_vocab(CORPUS, update=True),
        model.add_null_word,
    ]
    for call in calls:
        with pytest.raises(ValueError, match="vectors_lockf: -?(nan|inf) is not a finite number"):
            call()
    assert np.array_equal(model.wv.vectors, before)


def test_counts_of_numpy_are_added_up_as_numbers(tmp_path: Path) -> None:
    model = pg.Word2Vec(**SMALL)
    counts = {"a": np.uint8(200), "b": np.uint8(100), "c": np.int64(2**40)}
    model.build_vocab_from_freq(counts, corpus_count=np.int32(7))
    assert (model.corpus_total_words, type(model.corpus_total_words)) == (300 + 2**40, int)
    assert (model.corpus_count, type(model.corpus_count)) == (7, int)
    model.save(tmp_path / "model")
    loaded = pg.Word2Vec.load(tmp_path / "model")
    assert (loaded.corpus_count, loaded.corpus_total_words) == (7, 300 + 2**40)


def test_a_comment_that_became_unsound_after_it_was_set_is_named_when_it_is_saved(tmp_path: Path) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL, comment={"notes": []})
    model.comment["notes"].append(b"x")
    with pytest.raises(TypeError, match="comment: b'x' is bytes"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), [("corpus_count", "many"), ("train_count", -1), ("column", 3)])
def test_a_saved_attribute_that_was_tampered_with_is_refused(name: str, value: object, tmp_path: Path) -> None:
    pg.Word2Vec(CORPUS, **SMALL).save(tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    description = json.loads(file.read_text())
    description["attributes"][name] = value
    file.write_text(json.dumps(description))
    with pytest.raises(ValueError, match=f"config.json: was changed: {name}: "):
        pg.Word2Vec.load(tmp_path / "model")
