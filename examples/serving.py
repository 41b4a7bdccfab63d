"""Many processes look words up in one mapped file, and its pages are in memory once.

    python examples/serving.py [VECTORS] [PROCESSES]

VECTORS is a file that is mapped: .arrow, .npz or .safetensors. Without it a table of 200,000 random vectors is made.
Each process loads the file, looks words up, and touches all vectors. Linux tells what memory that takes: Rss is what
a process sees, Pss its share of it, where a page that n processes see counts 1/n. So the sum of Pss is what is taken.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import numpy as np

import polargram as pg

MIB = 1 << 20
MEMORY = Path("/proc/self/smaps_rollup")
LOOKUPS = 20_000


class Report(NamedTuple):
    """What a process says: memory that it got by the vectors, and lookups in a second."""

    rss: int
    pss: int
    load_seconds: float
    lookups_per_second: float


def generated(path: Path, rows: int = 200_000, size: int = 64) -> Path:
    wv = pg.KeyedVectors(size)
    wv.add_vectors([f"word-{row}" for row in range(rows)], np.random.default_rng(1).random((rows, size), np.float32))
    wv.save(path)
    return path


def memory() -> dict[str, int]:
    """Rss and Pss of this process, in bytes; 0 where the system does not tell."""
    lines = MEMORY.read_text().splitlines()[1:] if MEMORY.exists() else []
    said = {name: 1024 * int(number.split()[0]) for name, number in (line.split(":") for line in lines)}
    return {name: said.get(name, 0) for name in ("Rss", "Pss")}


def some_words(path: Path) -> list[str]:
    words = pg.scan_vectors(path).select("word").head(100_000).collect()["word"]
    return words.sample(LOOKUPS, with_replacement=True, seed=1).to_list()


def serve(path: Path, words: list[str], together: Barrier, reports: multiprocessing.SimpleQueue[Report]) -> None:
    """One of the processes."""
    together.wait()  # All have started: from here on only the vectors take memory.
    before = memory()
    together.wait()
    start = time.perf_counter()
    wv = pg.KeyedVectors.load(path)
    load_seconds = time.perf_counter() - start
    start = time.perf_counter()
    for word in words:
        wv[word]
    rate = len(words) / (time.perf_counter() - start)
    wv.vectors.sum()
    together.wait()  # All have touched all vectors.
    after = memory()
    together.wait()
    reports.put(Report(after["Rss"] - before["Rss"], after["Pss"] - before["Pss"], load_seconds, rate))


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(arguments[0]) if arguments else generated(Path(directory) / "vectors.arrow")
        processes = int(arguments[1]) if len(arguments) > 1 else 4
        context = multiprocessing.get_context("spawn")
        together, reports = context.Barrier(processes), context.SimpleQueue()
        workers = [
            context.Process(target=serve, args=(path, some_words(path), together, reports)) for _ in range(processes)
        ]
        for worker in workers:
            worker.start()
        said = [reports.get() for _ in workers]
        for worker in workers:
            worker.join()
        size = path.stat().st_size
    print(f"{processes} processes, one file of {size / MIB:.0f} MiB")
    print("process  loaded in  lookups/s  Rss by it  Pss by it")
    for number, report in enumerate(said, 1):
        print(
            f"{number:7}  {1000 * report.load_seconds:6.1f} ms  {report.lookups_per_second:9,.0f}"
            f"  {report.rss / MIB:5.0f} MiB  {report.pss / MIB:5.0f} MiB"
        )
    seen, taken = sum(report.rss for report in said), sum(report.pss for report in said)
    if MEMORY.exists():
        print(f"together they see {seen / MIB:.0f} MiB and take {taken / MIB:.0f} MiB")
    else:
        print("how much memory they share, only Linux tells")


if __name__ == "__main__":
    main(sys.argv[1:])
