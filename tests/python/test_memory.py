"""Memory is predicted before it is taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from runs import Command

import polargram as pg

#: Leaves out what takes time but no memory.
QUICK = ["--epochs", 1, "--window", 1, "--negative", 1, "--sample", 1e-9, "--workers", 2]

#: Prints the estimates when the words are counted and when the model is made, and then the peak.
ESTIMATES = """
import sys
import polargram as pg

corpus = sys.argv[1]
model = pg.Word2Vec(vector_size=300, workers=2, window=1, sample=1e-9)
model.scan_vocab(corpus)
print(model.prepare_vocab(dry_run=True)["memory"]["peak"])
model.prepare_vocab()
print(model.estimate_memory()["peak"])
model.train(corpus, total_examples=1, epochs=1)
print(next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def mib(text: str, name: str) -> int:
    return int(re.search(rf"{name} +(\d+) MiB", text)[1])


@pytest.mark.parametrize(
    "options", [["--vector-size", 100], ["--vector-size", 300], ["--vector-size", 300, "--no-spool"]], ids=str
)
def test_a_dry_run_predicts_the_peak_of_the_run(
    command: Command, real_data: Path, options: list[object], tmp_path: Path
) -> None:
    corpus = ["train", real_data / "enwiki-tokens", "--output", tmp_path / "out", *QUICK, *options]
    predicted = mib(command(*corpus, "--dry-run", "--quiet").stdout, "peak memory")
    assert not (tmp_path / "out").exists()
    peak = mib(command(*corpus).stderr, "peak memory")
    assert predicted == pytest.approx(peak, rel=0.15)


def test_an_estimate_in_python_predicts_the_peak_of_the_process(python: Command, real_data: Path) -> None:
    counted, made, peak = map(int, python("-c", ESTIMATES, real_data / "enwiki-tokens", check=True).stdout.split())
    assert counted == pytest.approx(peak, rel=0.15)
    assert made == pytest.approx(peak, rel=0.15)


def test_a_corpus_of_eight_times_the_budget_trains_within_the_budget(command: Command, tmp_path: Path) -> None:
    command("sample", "--output", tmp_path / "corpus", "--tokens", 4_000_000, "--seed", 1)
    files = sorted((tmp_path / "corpus").glob("*.parquet"))
    train = ["train", "--output", tmp_path / "out", *QUICK, "--vector-size", 50, "--memory-budget", "32M"]
    # The same words, so the same vocabulary and weights: 4 MB of encoded corpus, and 272. Two runs of the same corpus
    # differ by up to 10 MiB: the budget is well beyond that.
    small = mib(command(*train, files[0]).stderr, "peak memory")
    large = mib(command(*train, *(17 * files)).stderr, "peak memory")
    assert large - small < 1.15 * 32


def test_a_dry_run_counts_and_trains_nothing(command: Command, sample: Path, tmp_path: Path) -> None:
    done = command("train", sample, "--output", tmp_path / "out", "--dry-run", "--quiet", "--sample", 0)
    assert re.search(r"words +2762 of 2919\n", done.stdout)
    assert re.search(r"tokens +(\d+) in vocabulary, about \1 after subsampling", done.stdout)
    assert not (tmp_path / "out").exists()


def test_an_estimate_adds_up_and_knows_more_than_32_bits() -> None:
    model = pg.Word2Vec(vector_size=100, hs=1, workers=1)
    estimate = model.estimate_memory(vocab_size=3_000_000_000)
    # Rows begin at multiples of 64 bytes.
    assert estimate["vectors"] == estimate["syn1"] == estimate["syn1neg"] == 3_000_000_000 * 448
    parts = sum(estimate[name] for name in ("vocab", "vectors", "syn1", "syn1neg"))
    assert parts == estimate["total"] < estimate["training"] < estimate["peak"]
    more = model.estimate_memory(vocab_size=3_000_000_000, report={"mine": 1 << 40})
    assert more["mine"] == 1 << 40
    assert more["total"] == estimate["total"] + (1 << 40)


@pytest.mark.parametrize("words", [-1, 2**60, 2**64])
def test_an_estimate_of_what_cannot_be_is_refused(words: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        pg.Word2Vec().estimate_memory(vocab_size=words)


def test_the_estimate_is_of_the_words_there_are(model: pg.Word2Vec) -> None:
    # The process reports the same peak.
    estimates = [model.estimate_memory(), model.estimate_memory(vocab_size=2762)]
    assert [estimate.pop("peak") > 0 for estimate in estimates] == [True, True]
    assert estimates[0] == estimates[1]
    assert "syn1" not in model.estimate_memory()
    assert pg.Word2Vec().estimate_memory()["total"] == 0
