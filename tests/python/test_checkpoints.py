"""A killed run resumes where it was, and gives the same bits as a run that was not killed."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from corpora import Sentences
from runs import Command, KilledError, KillIn, cut_and_resumed, wait_until

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 4, "workers": 1, "batch_words": 1000}
MODES = [{"sg": 0}, {"sg": 1}, {"sg": 1, "hs": 1, "negative": 0}, {"sg": 0, "hs": 1, "cbow_mean": 0}]
A_MOMENT = 1e-4


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("options", [{}, {"checkpoint_every": A_MOMENT}, {"spool": False}], ids=str)
def test_a_run_taken_up_again_gives_the_bits_of_one_that_was_not_cut(
    rows: Sentences, mode: dict[str, int], options: dict[str, object], tmp_path: Path
) -> None:
    whole = pg.Word2Vec(rows, **SMALL, **mode, compute_loss=True)
    resumed = cut_and_resumed(rows, tmp_path / "ck", **SMALL, **mode, **options, compute_loss=True)
    assert np.array_equal(resumed.wv.vectors, whole.wv.vectors)
    # Sums of parts of an epoch are added up in another order.
    assert resumed.get_latest_training_loss() == pytest.approx(whole.get_latest_training_loss(), rel=1e-12)
    assert resumed.epoch_losses == pytest.approx(whole.epoch_losses, rel=1e-12)
    for name in ("corpus_count", "corpus_total_words", "min_alpha_yet_reached", "effective_min_count"):
        assert getattr(resumed, name) == getattr(whole, name)


@pytest.mark.parametrize("spool", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_pauses_within_epochs_lose_no_words(sample: Path, spool: bool, workers: int, tmp_path: Path) -> None:
    options = {"checkpoint": tmp_path / "ck", "checkpoint_every": 2 * A_MOMENT, "spool": spool, "workers": workers}
    model = pg.Word2Vec(vector_size=50, min_count=1, sample=0, batch_words=20_000, **options)
    model.build_vocab(sample)
    words = model.corpus_total_words
    assert model.train(sample, total_examples=model.corpus_count, epochs=5) == (5 * words, 5 * words)


@pytest.mark.parametrize("place", ["missing/ck", "thesis", "model", "file/ck"])
def test_a_place_where_no_checkpoint_can_be_written_is_refused_before_training(
    rows: Sentences, place: str, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text.txt").write_text("years")
    (tmp_path / "file").touch()
    finished = pg.Word2Vec(rows, **SMALL)
    finished.save(tmp_path / "model")
    never = KillIn(0)
    with pytest.raises((ValueError, OSError), match=place):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / place, callbacks=[never])
    assert (tmp_path / "thesis" / "text.txt").read_text() == "years"
    assert np.array_equal(pg.Word2Vec.load(tmp_path / "model").wv.vectors, finished.wv.vectors)


def test_callbacks_of_a_run_taken_up_again_are_told_of_the_epochs_left(rows: Sentences, tmp_path: Path) -> None:
    begun = []

    class Count:
        def on_epoch_begin(self, _: pg.Word2Vec) -> None:
            begun.append(True)

    with pytest.raises(KilledError):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck", callbacks=[KillIn(3)])
    pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck", callbacks=[Count()])
    assert len(begun) == 1


def test_a_finished_run_is_not_trained_again(rows: Sentences, tmp_path: Path) -> None:
    first, second = (pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck", compute_loss=True) for _ in range(2))
    assert np.array_equal(first.wv.vectors, second.wv.vectors)
    for name in ("min_alpha_yet_reached", "corpus_count", "running_training_loss", "epoch_losses"):
        assert getattr(first, name) == getattr(second, name), name


def test_a_checkpoint_is_a_model_that_loads(rows: Sentences, tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL, hs=1, max_final_vocab=500, checkpoint=tmp_path / "ck")
    loaded = pg.Word2Vec.load(tmp_path / "ck")
    assert np.array_equal(loaded.wv.vectors, model.wv.vectors)
    for name in ("corpus_count", "corpus_total_words", "effective_min_count"):
        assert getattr(loaded, name) == getattr(model, name)
    loaded.train(rows, total_examples=len(rows), epochs=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", 5),
        ("epoch", 2**64 - 1),
        ("epoch", 3),
        ("batch", 1),
        ("batch", 2**64 - 1),
        ("tokens", 1),
        ("losses", []),
    ]
    + [("losses", [0.0] * 9), ("examples", [1]), ("kept", 2**64 - 1), ("examples", [2**64 - 1] * 4), ("epoch", -1)],
    ids=str,
)
def test_a_place_in_the_run_that_was_tampered_with_is_refused(
    rows: Sentences, name: str, value: object, tmp_path: Path
) -> None:
    pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")
    description = json.loads((tmp_path / "ck" / "config.json").read_text())
    description["resume"]["position"][name] = value
    (tmp_path / "ck" / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="config.json"):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")


@pytest.mark.parametrize("name", ["tokens", "raw_tokens", "raw_sentences", "fingerprint"])
def test_a_corpus_that_was_tampered_with_is_refused(rows: Sentences, name: str, tmp_path: Path) -> None:
    pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")
    description = json.loads((tmp_path / "ck" / "config.json").read_text())
    description["resume"]["encoded"][name] = 2**64 - 1
    (tmp_path / "ck" / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="corpus"):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")


def test_the_least_count_in_force_is_known_again(rows: Sentences, tmp_path: Path) -> None:
    first, second = (pg.Word2Vec(rows, **SMALL, max_final_vocab=500, checkpoint=tmp_path / "ck") for _ in range(2))
    assert first.effective_min_count == second.effective_min_count > first.min_count


def test_a_training_in_two_steps_leaves_no_checkpoint(rows: Sentences, tmp_path: Path) -> None:
    model = pg.Word2Vec(**SMALL, checkpoint=tmp_path / "ck")
    model.build_vocab(rows)
    model.train(rows, total_examples=model.corpus_count, epochs=1)
    assert not (tmp_path / "ck").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("vector_size", 9), ("epochs", 5), ("sg", 1), ("hs", 1), ("negative", 6), ("sample", 0.5), ("seed", 2)]
    + [("alpha", 0.03), ("window", 4), ("batch_words", 999), ("min_count", 4), ("shared_negatives", False)],
)
def test_another_parameter_is_refused_by_name_and_the_checkpoint_stays(
    rows: Sentences, name: str, value: float, tmp_path: Path
) -> None:
    pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")
    before = (tmp_path / "ck" / "config.json").read_bytes()
    with pytest.raises(ValueError, match=f"ck.* {name}="):
        pg.Word2Vec(rows, **{**SMALL, name: value}, checkpoint=tmp_path / "ck")
    assert (tmp_path / "ck" / "config.json").read_bytes() == before


def test_a_parameter_of_many_digits_is_known_again(rows: Sentences, tmp_path: Path) -> None:
    parameters = {**SMALL, "sample": 0.9504636963259353, "alpha": 0.012345678, "epochs": 1}
    for _ in range(2):
        pg.Word2Vec(rows[:300], **parameters, checkpoint=tmp_path / "ck")


@pytest.mark.parametrize("change", ["fewer", "more", "other words", "other order"])
def test_another_corpus_is_refused(rows: Sentences, change: str, tmp_path: Path) -> None:
    pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck")
    other = {
        "fewer": rows[1:],
        "more": [*rows, ["the"]],
        "other words": [["the"] * len(row) for row in rows],
        "other order": rows[::-1],
    }[change]
    with pytest.raises(ValueError, match="corpus"):
        pg.Word2Vec(other, **SMALL, checkpoint=tmp_path / "ck")


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), "minute", [1]], ids=str)
def test_an_unsound_interval_is_refused_by_name(rows: Sentences, every: object, tmp_path: Path) -> None:
    with pytest.raises((ValueError, TypeError), match="checkpoint_every"):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path / "ck", checkpoint_every=every)


# The command, killed.


class Run:
    """``polargram train`` over the sample with one worker."""

    def __init__(self, sample: Path, output: Path, *options: object) -> None:
        fixed = ["--workers", 1, "--epochs", 8, "--vector-size", 50, "--batch-words", 5000, "--quiet"]
        self.command = [sys.executable, "-m", "polargram", "train", sample, "--output", output, *fixed, *options]
        self.output = output / "vectors.arrow"

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen([*map(str, self.command)], stderr=subprocess.PIPE, text=True)

    def finish(self) -> np.ndarray:
        process = self.start()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return pg.KeyedVectors.load(self.output).vectors


@pytest.mark.parametrize(
    ("every", "mode"),
    [("epoch", ["--sg", 0]), (10 * A_MOMENT, ["--sg", 1, "--hs", 1, "--negative", 0])],
    ids=["CBOW", "skip-gram"],
)
def test_a_command_killed_at_any_moments_goes_on_to_the_same_bits(
    sample: Path, every: object, mode: list[object], tmp_path: Path
) -> None:
    whole = Run(sample, tmp_path / "whole", *mode).finish()
    options = ["--checkpoint", tmp_path / "ck", "--checkpoint-every", every]
    run = Run(sample, tmp_path / "cut", *mode, *options)
    moments = random.Random(repr(mode))
    for _ in range(2):
        process = run.start()
        wait_until((tmp_path / "ck" / "config.json").exists, 30)
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.communicate()
    assert np.array_equal(run.finish(), whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ck", "cut", "whole"]
    # Once more: the checkpoint is of a finished run, and only the vectors are written.
    shutil.rmtree(tmp_path / "cut")
    assert np.array_equal(run.finish(), whole)


def test_ctrl_c_keeps_the_checkpoint_to_go_on_from(sample: Path, tmp_path: Path) -> None:
    whole = Run(sample, tmp_path / "whole", "--sg", 1).finish()
    run = Run(sample, tmp_path / "cut", "--sg", 1, "--checkpoint", tmp_path / "ck")
    process = run.start()
    wait_until((tmp_path / "ck" / "config.json").exists, 30)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130, said
    assert json.loads((tmp_path / "ck" / "config.json").read_text())["resume"]["position"]["epoch"] >= 1
    assert np.array_equal(run.finish(), whole)


def test_the_summary_counts_the_words_of_this_run_alone(command: Command, sample: Path, tmp_path: Path) -> None:
    train = [
        "train",
        sample,
        "-o",
        tmp_path / "out",
        "--epochs",
        2,
        "--vector-size",
        8,
        "--checkpoint",
        tmp_path / "ck",
    ]
    first, again = (command(*train).stderr for _ in range(2))
    words = re.search(r"training +([\d,]+) words in", first)[1]
    assert f"training    0 words after {words} of the checkpoint in 0.0 s: 0.00 M words/s" in again


def test_the_command_refuses_another_parameter_or_corpus(command: Command, sample: Path, tmp_path: Path) -> None:
    fixed = ["-o", tmp_path / "out", "--epochs", 1, "--vector-size", 8, "--checkpoint", tmp_path / "ck"]
    command("train", sample, *fixed)
    assert "window=5, not 3" in command("train", sample, *fixed, "--window", 3, code=3).stderr
    pl.DataFrame({"tokens": [["a"] * 9]}).write_parquet(tmp_path / "other.parquet")
    assert "corpus" in command("train", tmp_path / "other.parquet", *fixed, code=3).stderr
    assert "--checkpoint" in command("train", sample, *fixed[:-2], "--checkpoint-every", 5, code=2).stderr


def test_checkpoints_in_a_store_are_refused_by_name(here: Path) -> None:
    with pytest.raises(ValueError, match="s3://bucket/checkpoint: is in a store"):
        pg.Word2Vec([["a", "b"]] * 9, min_count=1, checkpoint="s3://bucket/checkpoint")
    assert not list(here.iterdir())


def test_a_checkpoint_named_by_a_file_url_is_found_again(rows: Sentences, tmp_path: Path) -> None:
    whole = pg.Word2Vec(rows, **SMALL)
    with pytest.raises(KilledError):
        pg.Word2Vec(rows, **SMALL, checkpoint=f"file://{tmp_path}/ck", callbacks=[KillIn(2)])
    epochs: list[int] = []
    resumed = pg.Word2Vec(rows, **SMALL, checkpoint=f"file://{tmp_path}/ck", callbacks=[Epochs(epochs)])
    assert np.array_equal(resumed.wv.vectors, whole.wv.vectors)
    assert 0 < len(epochs) < SMALL["epochs"]


class Epochs:
    """Notes that an epoch began."""

    def __init__(self, seen: list[int]) -> None:
        self.seen = seen

    def on_epoch_begin(self, model: pg.Word2Vec) -> None:
        self.seen.append(len(self.seen))
