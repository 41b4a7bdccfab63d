"""Callbacks, progress and the log: who is told what, when, and on which thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from corpora import Sentences
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.models.callbacks import CallbackAny2Vec

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 3, "workers": 2}
HOOKS = ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"]


def on(**hooks: Callable[[pg.Word2Vec], object]) -> object:
    """An object with just these methods."""
    return type("Callback", (), {name: staticmethod(hook) for name, hook in hooks.items()})()


def stop(_: pg.Word2Vec) -> None:
    raise pg.StopTraining


def cosines_are_current(wv: pg.KeyedVectors) -> bool:
    units = wv.vectors / np.linalg.norm(wv.vectors, axis=1, keepdims=True)
    near = wv.most_similar("the", topn=5)
    want = np.sort(np.delete(units @ units[wv.get_index("the")], wv.get_index("the")))[::-1][:5]
    return np.allclose([cosine for _, cosine in near], want, atol=1e-5)


@pytest.mark.parametrize("base", [object, CallbackAny2Vec], ids=["plain", "gensim"])
def test_the_four_hooks_are_called_in_order_with_the_model_on_the_thread_that_called(
    rows: Sentences, base: type
) -> None:
    told = []

    class Tell(base):
        def __getattribute__(self, name: str) -> object:
            if name not in HOOKS:
                return super().__getattribute__(name)
            return lambda model: told.append((name, model, threading.get_ident()))

    model = pg.Word2Vec(rows, **SMALL, callbacks=[Tell(), Tell()])
    hooks = ["on_train_begin", *["on_epoch_begin", "on_epoch_end"] * 3, "on_train_end"]
    assert told == [(hook, model, threading.get_ident()) for hook in hooks for _ in range(2)]


def test_callbacks_of_train_may_have_only_some_hooks(rows: Sentences) -> None:
    told = []
    model = pg.Word2Vec(**SMALL)
    model.build_vocab(rows)
    some = [on(on_epoch_end=lambda _: told.append("end")), on(on_train_begin=lambda _: told.append("begin")), on()]
    model.train(rows, total_examples=len(rows), epochs=2, callbacks=some)
    assert told == ["begin", "end", "end"]


def test_a_hook_sees_the_vectors_of_the_moment(rows: Sentences, tmp_path: Path) -> None:
    seen, losses = [], []

    def look(model: pg.Word2Vec) -> None:
        assert cosines_are_current(model.wv)
        model.save(tmp_path / "model")
        saved = pg.Word2Vec.load(tmp_path / "model")
        assert np.array_equal(saved.wv.vectors, model.wv.vectors)
        assert np.array_equal(saved.syn1neg, model.syn1neg)
        assert saved.running_training_loss == model.get_latest_training_loss()
        seen.append(model.wv.vectors.copy())
        losses.append(model.get_latest_training_loss())

    callback = on(**dict.fromkeys(HOOKS, look))
    model = pg.Word2Vec(rows, **SMALL, compute_loss=True, callbacks=[callback])
    assert cosines_are_current(model.wv)
    changed = [not np.array_equal(before, after) for before, after in zip(seen, seen[1:], strict=False)]
    # Begin of training, then begin and end of each epoch, and the end.
    assert changed == [False, *[True, False] * 3]
    assert losses == sorted(losses)
    assert losses[0] == 0 < losses[-1]


def test_norms_follow_the_vectors(rows: Sentences) -> None:
    model = pg.Word2Vec(**SMALL)
    model.build_vocab(rows)
    wv = model.wv
    assert cosines_are_current(wv)
    model.train(rows, total_examples=len(rows), epochs=1)
    assert wv is model.wv
    assert cosines_are_current(wv)
    wv.vectors[:] = np.random.default_rng(1).normal(size=wv.vectors.shape)
    wv.fill_norms(force=True)
    assert cosines_are_current(wv)
    model.init_sims(replace=True)
    assert np.linalg.norm(wv.vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("hook", "epochs"), [("on_train_begin", 0), ("on_epoch_begin", 0), ("on_epoch_end", 1)])
def test_a_callback_may_stop_the_training_and_keeps_what_was_learnt(rows: Sentences, hook: str, epochs: int) -> None:
    ended = []
    parameters = {**SMALL, "workers": 1, "alpha": 0.05, "min_alpha": 0.05}
    watch = on(on_train_end=lambda _: ended.append("training"), on_epoch_end=lambda _: ended.append("epoch"))
    model = pg.Word2Vec(**parameters)
    model.build_vocab(rows)
    drawn = model.wv.vectors.copy()
    _, raw = model.train(rows, total_examples=len(rows), epochs=3, callbacks=[on(**{hook: stop}), watch])
    assert raw == epochs * sum(map(len, rows))
    assert ended == ["epoch"] * epochs + ["training"]
    if epochs:
        assert np.array_equal(model.wv.vectors, pg.Word2Vec(rows, **{**parameters, "epochs": epochs}).wv.vectors)
    else:
        assert np.array_equal(model.wv.vectors, drawn)


@pytest.mark.parametrize("hook", HOOKS)
def test_what_else_a_callback_raises_comes_through_and_the_model_stays_usable(rows: Sentences, hook: str) -> None:
    mine = LookupError("mine")

    def fail(_: pg.Word2Vec) -> None:
        raise mine

    model = pg.Word2Vec(**SMALL)
    model.build_vocab(rows)
    with pytest.raises(LookupError) as raised:
        model.train(rows, total_examples=len(rows), epochs=3, callbacks=[on(**{hook: fail})])
    assert raised.value is mine
    assert np.isfinite(model.wv.vectors).all()
    effective, raw = model.train(rows, total_examples=len(rows), epochs=1)
    assert 0 < effective < raw


@pytest.mark.parametrize(("copies", "epochs"), [(10, 2), (1, 20)], ids=["long epochs", "short epochs"])
def test_progress_is_told_to_a_function_on_the_thread_that_called(sample: Path, copies: int, epochs: int) -> None:
    told = []

    def tell(*what: object) -> None:
        told.append((*what, threading.get_ident()))

    corpus = [sample] * copies
    model = pg.Word2Vec(vector_size=100, workers=1, sg=1, progress=tell)
    model.build_vocab(corpus)
    model.train(corpus, total_examples=model.corpus_count, epochs=epochs, report_delay=0.1)
    training = [what for what in told if what[0] == "training"]
    assert len(training) > 2
    _, done, total, rates, threads = zip(*training, strict=True)
    assert list(done) == sorted(done)
    assert all(0 < now <= all_ for now, all_ in zip(done, total, strict=True))
    assert list(rates) == sorted(rates, reverse=True)
    assert set(threads) == {threading.get_ident()}


@pytest.mark.parametrize("spool", [True, False])
def test_encoding_is_told_of_with_and_without_a_spool(rows: Sentences, spool: bool) -> None:
    class Slow:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            batch = pa.record_batch({"tokens": pa.array(rows)})

            def batches() -> Iterator[pa.RecordBatch]:
                for _ in range(4):
                    time.sleep(0.2)  # Longer than the interval of the checks.
                    yield batch

            return pa.RecordBatchReader.from_batches(batch.schema, batches()).__arrow_c_stream__(requested_schema)

    told = []
    model = pg.Word2Vec(vector_size=2, negative=1, workers=1, spool=spool, progress=lambda *what: told.append(what))
    model.build_vocab(Slow())
    model.train(Slow(), total_examples=model.corpus_count, epochs=1, report_delay=0)
    encoding = [done for phase, done, total, _ in told if phase == "encoding" and total == model.corpus_total_words]
    assert encoding
    assert encoding == sorted(encoding)
    assert encoding[-1] > 0


def test_what_the_progress_function_raises_ends_the_training(sample: Path) -> None:
    def fail(*_: object) -> None:
        raise LookupError("mine")

    model = pg.Word2Vec(vector_size=100, workers=1, sg=1)
    model.build_vocab(sample)
    model.progress = fail
    with pytest.raises(LookupError, match="mine"):
        model.train([sample] * 10, total_examples=1, epochs=3, report_delay=0.1)


def test_progress_goes_to_stderr_and_to_the_log(
    sample: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "polargram")
    corpus = [sample] * 10
    model = pg.Word2Vec(vector_size=100, workers=1, sg=1, progress=True)
    model.build_vocab(corpus)
    model.train(corpus, total_examples=model.corpus_count, epochs=1, report_delay=0.1)
    printed = capsys.readouterr()
    assert "polargram: training" in printed.err
    assert printed.out == ""
    assert {record.name for record in caplog.records} == {"polargram"}
    assert all(text in caplog.text for text in ("counted 2000030 words in 133490 sentences", "training", "trained on"))


def test_without_progress_nothing_is_printed(rows: Sentences, capfd: pytest.CaptureFixture[str]) -> None:
    pg.Word2Vec(rows, **SMALL)
    assert capfd.readouterr() == ("", "")


# What a callback sets.


def per_epoch(
    corpus: Sentences, reset: bool, make: Callable[..., object] = pg.Word2Vec, **options: object
) -> list[float]:
    """The loss that a callback sees at the end of each epoch, and resets or not."""
    seen = []

    class Watch(CallbackAny2Vec):
        def on_epoch_end(self, model: pg.Word2Vec) -> None:
            seen.append(float(model.get_latest_training_loss()))
            if reset:
                model.running_training_loss = 0.0

    make(corpus, compute_loss=True, callbacks=[Watch()], **{**SMALL, "workers": 1, "epochs": 4, **options})
    return seen


def test_a_loss_that_is_reset_counts_from_there_as_in_gensim(rows: Sentences) -> None:
    summed, single = per_epoch(rows, reset=False), per_epoch(rows, reset=True)
    assert single == pytest.approx(np.diff([0.0, *summed]).tolist(), rel=1e-12)
    theirs = per_epoch(rows, reset=True, make=GensimWord2Vec)
    assert single == pytest.approx(theirs, rel=0.15)


@pytest.mark.parametrize("make", [pg.Word2Vec, GensimWord2Vec], ids=["polargram", "gensim"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_loss_that_is_set_in_any_hook_is_what_is_added_to(
    rows: Sentences, make: Callable[..., pg.Word2Vec], hook: str
) -> None:
    def set_loss(model: pg.Word2Vec) -> None:
        model.running_training_loss = 1e6

    callback = type("Callback", (CallbackAny2Vec,), {hook: lambda _, model: set_loss(model)})()
    model = make(rows[:500], compute_loss=True, callbacks=[callback], **{**SMALL, "workers": 1})
    added = model.get_latest_training_loss() - 1e6
    # What comes after the last call: three epochs, one, or none.
    assert (added > 0) == hook.endswith("begin")
    model.running_training_loss = 1e9
    model.train(rows[:500], total_examples=500, epochs=1, compute_loss=True)
    assert 0 < model.get_latest_training_loss() < 1e6


def test_losses_that_were_reset_before_an_interruption_stay_reset(rows: Sentences, tmp_path: Path) -> None:
    uninterrupted = per_epoch(rows, reset=True)
    seen = []

    class Watch:
        def on_epoch_end(self, model: pg.Word2Vec) -> None:
            seen.append(model.get_latest_training_loss())
            model.running_training_loss = 0.0

        def on_epoch_begin(self, _: pg.Word2Vec) -> None:
            if len(seen) == 2 and fail:
                raise LookupError

    options = {**SMALL, "workers": 1, "epochs": 4, "compute_loss": True, "checkpoint": tmp_path / "checkpoint"}
    fail = True
    with pytest.raises(LookupError):
        pg.Word2Vec(rows, callbacks=[Watch()], **options)
    fail = False
    model = pg.Word2Vec(rows, callbacks=[Watch()], **options)
    assert seen == uninterrupted
    assert len(model.epoch_losses) == 4
    assert model.running_training_loss == 0


def test_a_resumed_training_adds_to_the_losses_that_it_had(rows: Sentences, tmp_path: Path) -> None:
    options = {**SMALL, "workers": 1, "compute_loss": True}
    whole = pg.Word2Vec(rows, **options)
    with pytest.raises(LookupError):
        pg.Word2Vec(rows, callbacks=[on(on_epoch_begin=fail_in_epoch(2))], checkpoint=tmp_path / "c", **options)
    begun = []
    resumed = pg.Word2Vec(
        rows,
        callbacks=[on(on_train_begin=lambda model: begun.append((model.running_training_loss, model.epoch_losses)))],
        checkpoint=tmp_path / "c",
        **options,
    )
    assert resumed.running_training_loss == whole.running_training_loss
    assert resumed.epoch_losses == whole.epoch_losses
    [(loss, epochs)] = begun
    assert 0 < loss < whole.running_training_loss
    assert epochs == whole.epoch_losses[:2]


def fail_in_epoch(epoch: int) -> Callable[[pg.Word2Vec], None]:
    calls = []

    def hook(_: pg.Word2Vec) -> None:
        if len(calls) == epoch:
            raise LookupError
        calls.append(None)

    return hook


def test_the_account_of_a_training_is_kept_while_it_runs_and_takes_what_a_callback_sets(rows: Sentences) -> None:
    seen = []

    def look(model: pg.Word2Vec) -> None:
        seen.append((model.total_train_time, model.min_alpha_yet_reached))
        model.total_train_time = 100.0
        model.train_count = 7

    model = pg.Word2Vec(rows, **{**SMALL, "batch_words": 1000}, callbacks=[on(on_epoch_end=look)])
    times, rates = zip(*seen, strict=True)
    assert 0 < times[0] < 100 < times[1] < 200
    assert model.total_train_time == 100
    assert 0.025 > rates[0] > rates[1] > rates[2] >= model.min_alpha_yet_reached > 0
    assert model.train_count == 8
