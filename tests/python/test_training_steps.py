"""Training step by step: vocabulary first, then ``train``, its arguments, its learning rate and its loss."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from corpora import Sentences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 2, "workers": 1}
MODES = [{"sg": sg, "hs": hs, "negative": negative} for sg in (0, 1) for hs, negative in ((0, 5), (1, 0), (1, 5))]


def prepared(corpus: object, **parameters: object) -> pg.Word2Vec:
    model = pg.Word2Vec(**{**SMALL, **parameters})
    model.build_vocab(corpus)
    return model


def train(model: pg.Word2Vec, corpus: object, **options: object) -> tuple[int, int]:
    return model.train(corpus, **{"total_examples": model.corpus_count, "epochs": model.epochs, **options})


def equal(one: pg.Word2Vec, other: pg.Word2Vec) -> bool:
    return np.array_equal(one.wv.vectors, other.wv.vectors)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_two_steps_give_the_bits_of_one_call(rows: Sentences, mode: dict[str, int]) -> None:
    model = prepared(rows, **mode)
    effective, raw = train(model, rows)
    assert equal(model, pg.Word2Vec(rows, **SMALL, **mode))
    assert raw == 2 * sum(map(len, rows))
    assert 0 < effective < raw


@pytest.mark.parametrize("options", [{"spool": False}, {"memory_budget": 1000}, {"memory_budget": 0}], ids=str)
@pytest.mark.parametrize("kind", ["directory", "list", "lazy", "text"])
def test_wherever_the_encoded_corpus_is_kept_the_bits_are_the_same(
    rows: Sentences, kind: str, options: dict[str, int], tmp_path: Path
) -> None:
    for part in range(3):
        pl.DataFrame({"tokens": rows[1200 * part : 1200 * part + 1200]}).write_parquet(tmp_path / f"{part}.parquet")
    (tmp_path / "lines.txt").write_text("\n".join(map(" ".join, rows)))
    scan = pl.scan_parquet(tmp_path / "*.parquet")
    corpus = {"directory": tmp_path, "list": rows, "lazy": scan, "text": None}[kind]
    file = tmp_path / "lines.txt" if kind == "text" else None
    assert equal(pg.Word2Vec(corpus, file, **SMALL, **options), pg.Word2Vec(rows, **SMALL))


def test_the_size_of_batches_changes_the_draws_and_not_what_is_learnt(rows: Sentences) -> None:
    models = [pg.Word2Vec(rows, **SMALL, compute_loss=True, batch_words=size) for size in (300, 10_000, 10**6)]
    losses = [model.get_latest_training_loss() for model in models]
    assert losses == pytest.approx([losses[0]] * 3, rel=0.05)
    assert not equal(models[0], models[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"total_examples": None}, "total_examples.*total_words"),
        ({"epochs": None}, "epochs"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": -1}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"total_examples": -1}, "total_examples"),
        ({"total_examples": None, "total_words": -1}, "total_words"),
        ({"start_alpha": -0.1}, "alpha"),
        ({"end_alpha": math.nan}, "min_alpha"),
    ],
    ids=str,
)
def test_missing_and_unsound_arguments_are_named(rows: Sentences, options: dict[str, object], said: str) -> None:
    model = prepared(rows[:500])
    before = model.wv.vectors.copy()
    with pytest.raises(ValueError, match=said):
        train(model, rows, **options)
    assert np.array_equal(model.wv.vectors, before)


def test_training_needs_a_vocabulary(rows: Sentences) -> None:
    with pytest.raises(RuntimeError, match="build vocabulary"):
        train(pg.Word2Vec(**SMALL), rows)


def test_without_a_vocabulary_there_are_no_vectors_of_the_size_set() -> None:
    model = pg.Word2Vec(vector_size=7)
    assert (model.wv.vectors.shape, model.wv.vector_size, model.wv.index_to_key) == ((0, 7), 7, [])
    for unsound in (0, -1, 2**64, "7"):
        with pytest.raises(ValueError, match="vector_size"):
            model.vector_size = unsound
    assert model.wv.vectors.shape == (0, 7)


def test_either_a_corpus_or_a_file_is_needed(rows: Sentences, tmp_path: Path) -> None:
    model = prepared(rows[:500])
    for both in ((None, None), (rows, tmp_path)):
        with pytest.raises(TypeError, match="corpus_file"):
            train(model, both[0], corpus_file=both[1])
        with pytest.raises(TypeError, match="corpus_file"):
            pg.Word2Vec().build_vocab(*both)
    with pytest.raises(TypeError, match="corpus_file"):
        pg.Word2Vec(rows, tmp_path / "lines.txt")


def test_the_rate_falls_from_start_to_end_and_its_least_is_kept(rows: Sentences) -> None:
    model = prepared(rows, batch_words=100)
    assert model.min_alpha_yet_reached == model.alpha == 0.025
    train(model, rows)
    assert model.min_alpha_yet_reached == pytest.approx(0.0001, abs=1e-4)
    model = prepared(rows, batch_words=100)
    train(model, rows, start_alpha=0.5, end_alpha=0.4)
    assert (model.alpha, model.min_alpha) == (0.5, 0.4)
    assert model.min_alpha_yet_reached == pytest.approx(0.025)


def test_a_rate_that_rises_again_is_warned_of(rows: Sentences, caplog: pytest.LogCaptureFixture) -> None:
    model = prepared(rows, batch_words=100)
    train(model, rows)
    assert not caplog.records
    train(model, rows)
    assert "higher" in caplog.text


@pytest.mark.parametrize("unit", ["total_words", "total_examples"])
def test_the_rate_falls_by_the_size_that_is_told(rows: Sentences, unit: str) -> None:
    real = {"total_words": sum(map(len, rows)), "total_examples": len(rows)}[unit]
    rates = []
    for share in (0.5, 1, 2, 4):
        model = prepared(rows, batch_words=100, alpha=0.1, min_alpha=0)
        train(model, rows, epochs=1, **{"total_examples": None, unit: int(share * real)})
        rates.append(model.min_alpha_yet_reached)
    assert rates == pytest.approx([0, 0, 0.05, 0.075], abs=1e-3)


# The loss.


def pairs(sentence: list[int], window: int) -> list[tuple[int, list[int]]]:
    return [
        (centre, sentence[max(0, at - window) : at] + sentence[at + 1 : at + 1 + window])
        for at, centre in enumerate(sentence)
    ]


def loss_of_paths(model: pg.Word2Vec, corpus: Sentences) -> float:
    """Hierarchical softmax: the sum of −ln p along each centre's path, in 64 bits."""
    wv, total = model.wv, 0.0
    vectors, nodes = wv.vectors.astype(np.float64), model.syn1.astype(np.float64)
    for sentence in corpus:
        for centre, context in pairs([wv.get_index(word) for word in sentence if word in wv], model.window):
            if not context:
                continue
            hidden = vectors[context]
            if not model.sg:
                hidden = (hidden.mean if model.cbow_mean else hidden.sum)(axis=0, keepdims=True)
            signs = 1 - 2.0 * wv.get_vecattr(centre, "code")
            total += np.log1p(np.exp(-signs * (hidden @ nodes[wv.get_vecattr(centre, "point")].T))).sum()
    return total


EXACT = {"shrink_windows": False, "sample": 0, "window": 3, "hs": 1, "negative": 0, "epochs": 1, "batch_words": 500}
FAMILIES = pytest.mark.parametrize(
    "family", [{"sg": 1}, {"sg": 0}, {"sg": 0, "cbow_mean": 0}], ids=["skip-gram", "mean", "sum"]
)


@FAMILIES
@pytest.mark.parametrize("workers", [1, 2])
def test_the_loss_is_that_of_the_definition(rows: Sentences, family: dict[str, int], workers: int) -> None:
    corpus = rows[:150]
    parameters = {**EXACT, "vector_size": 10, "min_count": 2, "workers": workers, **family}
    still = pg.Word2Vec(corpus, alpha=0, min_alpha=0, compute_loss=True, **parameters)
    # All output rows are zero: each step of a path is even odds.
    assert still.get_latest_training_loss() == pytest.approx(loss_of_paths(still, corpus), rel=1e-6)
    model = pg.Word2Vec(corpus, alpha=0.1, **{**parameters, "epochs": 3})
    assert model.get_latest_training_loss() == 0
    train(model, corpus, epochs=1, start_alpha=1e-30, end_alpha=1e-30, compute_loss=True)
    assert model.get_latest_training_loss() == pytest.approx(loss_of_paths(model, corpus), rel=1e-5)


@FAMILIES
@pytest.mark.parametrize("shared", [True, False])
def test_the_loss_of_noise_begins_at_ln_2_for_each_target(
    rows: Sentences, family: dict[str, int], shared: bool
) -> None:
    parameters = {**SMALL, **EXACT, "hs": 0, "negative": 5, "epochs": 1, **family}
    model = pg.Word2Vec(rows, alpha=0, min_alpha=0, compute_loss=True, shared_negatives=shared, **parameters)
    known = [[model.wv.get_index(word) for word in row if word in model.wv] for row in rows]
    contexts = [context for row in known for _, context in pairs(row, 3) if context]
    examples = sum(map(len, contexts)) if model.sg else len(contexts)
    # A noise word that is the centre is left out: seldom.
    assert model.get_latest_training_loss() == pytest.approx(6 * math.log(2) * examples, rel=0.02)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_loss_changes_nothing_but_is_added_up_and_falls(
    rows: Sentences, mode: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    losses: list[float] = []

    class Watch:
        def on_epoch_end(self, model: pg.Word2Vec) -> None:
            losses.append(model.get_latest_training_loss())

    caplog.set_level(logging.INFO, "polargram")
    model = pg.Word2Vec(rows, **{**SMALL, "epochs": 4}, **mode, compute_loss=True, callbacks=[Watch()])
    assert equal(model, pg.Word2Vec(rows, **{**SMALL, "epochs": 4}, **mode))
    by_epoch = np.diff([0.0, *losses])
    assert (by_epoch > 0).all()
    assert by_epoch[-1] < by_epoch[0]
    assert losses[-1] == model.get_latest_training_loss() == model.running_training_loss
    said = [record.message.split("mean loss ")[1] for record in caplog.records if "mean loss" in record.message]
    assert said == [f"{loss:.4f}" for loss in model.epoch_losses]
    # As many examples in every epoch, but for what the draws of windows and subsampling make of them.
    assert model.epoch_losses == pytest.approx(by_epoch * 4 * np.mean(model.epoch_losses) / by_epoch.sum(), rel=0.02)


def test_the_mean_loss_of_each_epoch_is_there_at_its_end_and_of_the_last_training_only(rows: Sentences) -> None:
    seen: list[list[float]] = []

    class Watch:
        def on_epoch_begin(self, model: pg.Word2Vec) -> None:
            seen.append(model.epoch_losses)

        on_epoch_end = on_epoch_begin

    model = pg.Word2Vec(rows, **SMALL, alpha=0, min_alpha=0, compute_loss=True, callbacks=[Watch()])
    # Untrained, each of a pair's six products is even odds; a noise word that is the centre is left out.
    assert model.epoch_losses == pytest.approx([6 * math.log(2)] * 2, rel=0.02)
    assert seen == [[], model.epoch_losses[:1], model.epoch_losses[:1], model.epoch_losses]
    model.epoch_losses.clear()
    assert len(model.epoch_losses) == 2
    train(model, rows, epochs=1, compute_loss=True)
    assert len(model.epoch_losses) == 1
    train(model, rows, epochs=1)
    assert model.epoch_losses == []
    assert pg.Word2Vec(**SMALL, compute_loss=True).epoch_losses == []


def test_epochs_without_an_example_have_no_loss() -> None:
    model = pg.Word2Vec([["a"]] * 9, **SMALL, compute_loss=True)
    assert model.epoch_losses == [0.0, 0.0]


# Anything at all.

WORDS = st.sampled_from(["a", "b", "c", "d", "é", "", "\0"])
CORPORA = st.lists(st.lists(WORDS | st.text(max_size=2), max_size=12), max_size=25)
PARAMETERS = st.fixed_dictionaries(
    {
        "vector_size": st.integers(1, 20),
        "window": st.integers(1, 20),
        "min_count": st.integers(0, 3),
        "sg": st.integers(0, 1),
        "hs": st.integers(0, 1),
        "negative": st.integers(0, 20),
        "cbow_mean": st.integers(0, 1),
        "sample": st.sampled_from([0, 1e-3, 0.5, 2]),
        "ns_exponent": st.sampled_from([0.75, 0, -1, 3]),
        "alpha": st.sampled_from([0, 0.025, 0.1]),
        "epochs": st.integers(1, 3),
        "workers": st.integers(1, 3),
        "seed": st.integers(0, 2**64 - 1),
        "batch_words": st.sampled_from([1, 7, 10_000]),
        "max_vocab_size": st.none() | st.integers(0, 6),
        "max_final_vocab": st.none() | st.integers(1, 6),
        "null_word": st.integers(0, 1),
        "sorted_vocab": st.integers(0, 1),
        "shrink_windows": st.booleans(),
        "shared_negatives": st.booleans(),
        "spool": st.booleans(),
        "memory_budget": st.sampled_from([0, 100, 2**28]),
        "compute_loss": st.booleans(),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(corpus=CORPORA, parameters=PARAMETERS)
def test_no_corpus_and_no_parameters_do_worse_than_a_value_error(
    corpus: Sentences, parameters: dict[str, object]
) -> None:
    try:
        model = pg.Word2Vec(corpus, **parameters)
    except ValueError:
        return
    assert np.isfinite(model.wv.vectors).all()
    assert math.isfinite(model.get_latest_training_loss())
    assert (model.corpus_count, model.corpus_total_words) == (len(corpus), sum(map(len, corpus)))


def test_a_model_is_trained_or_replaced_by_one_caller_at_a_time(rows: Sentences) -> None:
    model = prepared(rows, epochs=1)
    refused = []

    class Greedy:
        """A path that trains and changes the model itself when it is asked for its name."""

        def __fspath__(self) -> str:
            for change in (lambda: train(model, rows), lambda: model.build_vocab(rows), model.reset_weights):
                with pytest.raises(RuntimeError, match="being trained"):
                    change()
                refused.append(change)
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        train(model, Greedy())
    assert len(refused) == 3
    train(model, rows)
    assert equal(model, pg.Word2Vec(rows, **{**SMALL, "epochs": 1}))


def test_weights_may_be_read_while_they_are_trained(sample: Path, meanwhile: Callable[..., int]) -> None:
    model = prepared(sample, hs=1, epochs=8, workers=2)

    def read() -> None:
        assert np.isfinite(model.wv.vectors).all()
        assert np.isfinite(model.syn1neg).all()
        assert np.isfinite(model.syn1).all()
        assert len(model.wv.most_similar("the", topn=5)) == 5
        assert len(model.predict_output_word(["the", "of"])) == 10

    assert meanwhile(read, lambda: train(model, sample)) > 3
