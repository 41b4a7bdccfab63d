"""Expressions against gensim, NumPy and Polars' own joins. Run by ``make bench-expressions``.

Each pair of figures comes from one run, in which the programs alternate; a figure is the least of several times.

fse is not among them: fse 1.0.0 does not build (its setup.py fails with NumPy 2 and Python 3.11), and has no wheels.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = 2
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[name] = str(THREADS)

import gensim  # noqa: E402
import numpy as np  # noqa: E402
import polars as pl  # noqa: E402

import polargram as pg  # noqa: E402

#: Sentences and words that are looked up by us, and by programs that take long: their rates are per token.
SENTENCES, SLOW_SENTENCES, SIZE, MIN_COUNT = 100_000, 10_000, 100, 5
#: Rows that are added in the measure of the machine's memory: far more than its caches hold.
STREAM_ROWS = 2_000_000

Job = tuple[str, Callable[[], object], int, str]


def seconds(rounds: int, jobs: list[Job]) -> list[float]:
    """The least time of each job; they alternate."""
    least = [float("inf")] * len(jobs)
    for _ in range(rounds):
        for i, (_, run, _, _) in enumerate(jobs):
            start = time.perf_counter()
            run()
            least[i] = min(least[i], time.perf_counter() - start)
    return least


def report(title: str, rounds: int, jobs: list[Job]) -> float:
    """Print the rate of each job, and how many times as fast the first is. Gives the rate of the first per second."""
    took = seconds(rounds, jobs)
    rates = [tokens / t for (_, _, tokens, _), t in zip(jobs, took, strict=True)]
    print(f"\n| {title} | M tokens/s | polargram is | wanted |\n|---|---|---|---|")
    for (what, _, _, wanted), rate in zip(jobs, rates, strict=True):
        print(f"| {what} | {rate / 1e6:.2f} | {rates[0] / rate:.1f}× | {wanted} |", flush=True)
    return rates[0]


def generated(words: list[str]) -> pg.KeyedVectors:
    wv = pg.KeyedVectors(SIZE)
    wv.add_vectors(words, np.random.default_rng(15).standard_normal((len(words), SIZE), dtype=np.float32))
    return wv


def bandwidth(rounds: int) -> float:
    """Bytes a second that NumPy reads and writes when it copies more than the caches hold."""
    rows = np.ones((STREAM_ROWS, SIZE), dtype=np.float32)
    to = np.empty_like(rows)
    (took,) = seconds(rounds, [("", lambda: np.copyto(to, rows), 0, "")])
    return 2 * rows.nbytes / took


#: Embeds in a process of its own: MiB that it held at most beyond what it held before and its result.
MEMORY = """
import re, sys
import polars as pl
import polargram as pg
frame = pl.read_parquet(sys.argv[1]).rechunk()
def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
frame.head(100).select(pl.col("tokens").w2v.embed(sys.argv[2], pooling="mean"))
before = memory("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # The peak is what there is now.
out = frame.select(pl.col("tokens").w2v.embed(sys.argv[2], pooling="mean")).to_series()
print(memory("VmHWM") - before - out.estimated_size("mb"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus", type=Path, required=True, help="a directory of Parquet files with a column `tokens`"
    )
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    # About explode, whose new argument the oldest Polars does not have.
    warnings.simplefilter("ignore", DeprecationWarning)

    every = pl.scan_parquet(arguments.corpus / "*.parquet").select("tokens")
    counted = every.explode("tokens").group_by("tokens").len().filter(pl.col("len") >= MIN_COUNT)
    words = counted.sort("len", "tokens", descending=[True, False]).collect()["tokens"].to_list()
    frame = every.head(SENTENCES).collect().rechunk()
    tokens = int(frame["tokens"].list.len().sum())
    few = frame.head(SLOW_SENTENCES)
    few_tokens = int(few["tokens"].list.len().sum())
    few_lists = few["tokens"].to_list()
    wv = generated(words)
    print(
        f"{len(words):,} words of {SIZE} dimensions; {frame.height:,} sentences of {tokens:,} tokens; {THREADS} threads"
    )

    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "vectors.arrow")
        wv.save(path)
        theirs = gensim.models.KeyedVectors(SIZE)
        theirs.add_vectors(words, wv.vectors)
        by_word = dict(zip(words, wv.vectors, strict=True))
        table = pl.DataFrame({"tokens": words, "vector": wv.vectors}).with_columns(
            pl.col("vector").cast(pl.Array(pl.Float32, SIZE))
        )
        columns = pl.DataFrame({"tokens": words, **{f"x{i}": wv.vectors[:, i] for i in range(SIZE)}})

        def ours() -> pl.DataFrame:
            return frame.select(pl.col("tokens").w2v.embed(path, pooling="mean"))  # type: ignore[attr-defined]

        def streaming() -> pl.DataFrame:
            lazy = frame.lazy().select(pl.col("tokens").w2v.embed(path, pooling="mean"))  # type: ignore[attr-defined]
            return lazy.collect(engine="streaming")

        def gensims() -> list[Any]:
            return [theirs.get_mean_vector(sentence, pre_normalize=False) for sentence in few_lists]

        def loop() -> list[Any]:
            means: list[Any] = []
            for sentence in few_lists:
                found = [by_word[word] for word in sentence if word in by_word]
                means.append(np.mean(found, axis=0) if found else None)
            return means

        def joined() -> pl.DataFrame:
            long = few.with_row_index("row").explode("tokens").join(columns, on="tokens", how="inner")
            return long.group_by("row").agg(pl.exclude("row", "tokens").mean())

        check = np.stack([v for v in loop() if v is not None])
        got = few.select(pl.col("tokens").w2v.embed(path, pooling="mean")).to_series().drop_nulls()  # type: ignore[attr-defined]
        assert np.abs(got.to_numpy() - check).max() < 1e-4

        rate = report(
            "mean pooling",
            arguments.rounds,
            [
                ("polargram, in memory", ours, tokens, ""),
                ("polargram, streaming", streaming, tokens, ""),
                ("gensim, a loop of get_mean_vector", gensims, few_tokens, "≥ 100×"),
                ("a loop of dict and NumPy", loop, few_tokens, "≥ 24×"),
                ("Polars, explode, join, group_by", joined, few_tokens, "≥ 100×"),
            ],
        )
        row = 4 * SIZE
        print(
            f"\ngathered: {rate * row / 1e9:.1f} GB/s of rows, most from the caches; the machine's memory copies "
            f"{bandwidth(arguments.rounds) / 1e9:.1f} GB/s"
        )

        column = frame.select(pl.col("tokens").explode())[: 20 * SENTENCES]

        def looked_up() -> pl.DataFrame:
            return column.select(pl.col("tokens").w2v.embed(path))  # type: ignore[attr-defined]

        def numbered() -> pl.DataFrame:
            return column.select(pl.col("tokens").w2v.ids(path))  # type: ignore[attr-defined]

        some = column[: column.height // 4]
        report(
            "vectors of words",
            arguments.rounds,
            [
                ("polargram", looked_up, column.height, ""),
                ("Polars, a left join", lambda: some.join(table, on="tokens", how="left"), some.height, "≥ 20×"),
            ],
        )
        ids = table.select("tokens").with_row_index("id")
        report(
            "row numbers of words",
            arguments.rounds,
            [
                ("polargram", numbered, column.height, ""),
                ("Polars, a left join", lambda: some.join(ids, on="tokens", how="left"), some.height, ""),
            ],
        )

        frame.write_parquet(Path(directory) / "frame.parquet")
        command = [sys.executable, "-c", MEMORY, str(Path(directory) / "frame.parquet"), path]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"\nmemory beyond the result: {float(done.stdout):.0f} MiB, mapped pages of the file too; wanted: ≤ 64")


if __name__ == "__main__":
    main()
