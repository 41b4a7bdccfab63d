"""Ctrl-C stops a job at once and leaves no files; Python's other threads run during a job."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from runs import FOREVER, Job

import polargram as pg

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")


@pytest.fixture
def large(sample: Path, tmp_path: Path) -> Path:
    """A directory of some 100 million tokens that takes no space: seconds of counting, and more of encoding."""
    directory = tmp_path / "large"
    directory.mkdir()
    for number in range(2000):
        (directory / f"{number}.parquet").symlink_to(sample / f"part-{number % 4}.parquet")
    return directory


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_during_training_is_code_130_and_leaves_nothing(
    number: signal.Signals, sample: Path, tmp_path: Path
) -> None:
    job = Job(
        "-m",
        "polargram",
        "train",
        sample,
        "-o",
        tmp_path / "new" / "out",
        "--epochs",
        FOREVER,
        temporary=tmp_path / "tmp",
    )
    job.wait_for("training")
    job.assert_interrupted(number)
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]


def test_ctrl_c_during_counting_is_code_130_and_leaves_nothing(large: Path, tmp_path: Path) -> None:
    job = Job("-m", "polargram", "train", large, "-o", tmp_path / "out", "--workers", 2, temporary=tmp_path / "tmp")
    job.wait_for("vocabulary")
    job.assert_interrupted()
    assert "training" not in job.said
    assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_the_vectors_of_an_earlier_run(sample: Path, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "vectors.arrow")
    before = (tmp_path / "vectors.arrow").read_bytes()
    job = Job("-m", "polargram", "train", sample, "-o", tmp_path, "--epochs", FOREVER, temporary=tmp_path / "tmp")
    job.wait_for("training")
    job.assert_interrupted()
    assert (tmp_path / "vectors.arrow").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tmp", "vectors.arrow"]


def test_an_impatient_second_ctrl_c_ends_it_too(sample: Path, tmp_path: Path) -> None:
    job = Job(
        "-m", "polargram", "train", sample, "-o", tmp_path / "out", "--epochs", FOREVER, temporary=tmp_path / "tmp"
    )
    job.wait_for("training")
    # Python removes its handlers at exit. A signal after that kills the process, which shells also report as 130.
    assert job.signal(signal.SIGINT, times=3) in (130, -signal.SIGINT)
    assert "panicked" not in job.said


#: Prints "ready" and trains; a KeyboardInterrupt is "stopped", and then Python must be as good as new.
PROGRAM = """
import sys, time
import polars as pl
import polargram as pg

class Endless:
    def __iter__(self):
        while True:
            yield ["a", "b"]

class Slow:
    def __iter__(self):
        for _ in range(10**6):
            time.sleep(0.005)
            yield ["a", "b"]

class Long:
    def __iter__(self):
        yield [f"word-{i * i % 3001}" for i in range(1_000_000)]

what, sample, large = sys.argv[1:]
def score():
    model = pg.Word2Vec([[f"word-{i}" for i in range(3000)]] * 5, vector_size=1000, hs=1, negative=0, sg=1, epochs=1)
    print("ready", flush=True)
    model.score([[f"word-{i}" for i in range(3000)]] * 300)

corpora = {
    "training": lambda: pg.Word2Vec(sample, epochs=10**6),
    "counting": lambda: pg.Word2Vec(large),
    "endless lists": lambda: pg.Word2Vec(Endless()),
    "slow lists": lambda: pg.Word2Vec(Slow()),
    "lazy frame": lambda: pg.Word2Vec(pl.concat([pl.scan_parquet(sample + "/*.parquet")] * 1000)),
    "long sentence": lambda: pg.Word2Vec(Long(), vector_size=1000, window=50, sg=1, sample=0, workers=2),
    "score": score,
}
if what != "score":
    print("ready", flush=True)
try:
    corpora[what]()
    print("finished")
except KeyboardInterrupt:
    print("stopped", flush=True)
print(len(pg.Word2Vec([["a", "b"]] * 9, vector_size=2, epochs=1).wv), "words")
"""


@pytest.mark.parametrize(
    "what", ["training", "counting", "endless lists", "slow lists", "lazy frame", "long sentence", "score"]
)
def test_ctrl_c_in_python_is_a_keyboard_interrupt_at_once(what: str, sample: Path, large: Path, tmp_path: Path) -> None:
    job = Job("-c", PROGRAM, what, sample, large, temporary=tmp_path / "tmp")
    job.wait_for("ready")
    time.sleep(1.5 if what == "long sentence" else 0.4)
    assert job.signal(signal.SIGINT) == 0
    lines = job.said.splitlines()
    if what == "lazy frame" and "__POLARS_ABORT_KEYBOARD_INTERRUPT" in job.said:
        # One of Polars' own threads sometimes prints that it was interrupted.
        lines = [line for line in lines if line in {"ready", "finished", "stopped", "2 words"}]
    assert lines == ["ready", "stopped", "2 words"]
    assert not list((tmp_path / "tmp").iterdir())


def test_what_a_signal_handler_raises_comes_through(sample: Path) -> None:
    class AlarmError(Exception):
        pass

    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(AlarmError):
            pg.Word2Vec(sample, epochs=FOREVER)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_that_does_not_raise_lets_training_go_on(sample: Path) -> None:
    rung = []

    class UntilRung:
        def on_epoch_end(self, _: pg.Word2Vec) -> None:
            if rung:
                raise pg.StopTraining

    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        model = pg.Word2Vec(sample, epochs=FOREVER, callbacks=[UntilRung()])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(model.wv) == 2762


def progress_during(work: object) -> int:
    """How often another Python thread ran during ``work``."""
    turns, is_done = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not is_done.wait(0.001):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    work()
    is_done.set()
    thread.join()
    return turns


def test_other_threads_go_on_while_a_model_is_trained(sample: Path) -> None:
    assert progress_during(lambda: pg.Word2Vec(sample, vector_size=100, epochs=10, workers=2)) > 20


def test_other_threads_go_on_while_a_python_corpus_is_read() -> None:
    class Numbers:
        def __iter__(self) -> Iterator[list[str]]:
            for number in range(600_000):
                yield [str(number % 97), "w"]

    assert progress_during(lambda: pg.Word2Vec(Numbers(), vector_size=4, epochs=1, workers=1)) > 5


def test_other_threads_go_on_while_vectors_are_saved_loaded_and_searched(tmp_path: Path) -> None:
    words = pl.DataFrame({"tokens": [[f"word-{i}" for i in range(60_000)]]})
    wv = pg.Word2Vec(words, vector_size=100, min_count=1, epochs=1).wv

    def work() -> None:
        wv.save(tmp_path / "v.txt")
        pg.KeyedVectors.load(tmp_path / "v.txt").most_similar("word-1")

    assert progress_during(work) > 20
