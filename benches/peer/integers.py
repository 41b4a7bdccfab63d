"""Compare sessions of integers with the same sessions as strings: the time to count and to encode them.

    python integers.py [--rows ROWS] [--items ITEMS] [--rounds ROUNDS]

The sessions are generated: from 2 to 14 items each, a few items frequent and most rare. They are written twice to
Parquet, as lists of Int64 and as lists of strings of the same decimals. Every job runs in its own process, alternating.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Rows of a row group, the unit that threads share.
GROUP_ROWS = 250_000
#: A job that counts and encodes, and trains as little as it can.
TRAIN = ["--epochs", "1", "--vector-size", "1", "--negative", "1", "--sample", "1e-9", "--min-count", "5"]


def write(rows: int, items: int, directory: Path) -> dict[str, Path]:
    """Write the sessions with both kinds of tokens, and return the files."""
    rng = np.random.default_rng(1)
    # Item numbers are not those of a row, as in a catalogue that has grown for years.
    numbers = rng.choice(10 * items, items, replace=False).astype(np.int64)
    files = {"integers": directory / "integers.parquet", "strings": directory / "strings.parquet"}
    types = {"integers": pa.int64(), "strings": pa.string()}
    schemas = {kind: pa.schema({"items": pa.list_(type_)}) for kind, type_ in types.items()}
    writers = {kind: pq.ParquetWriter(files[kind], schemas[kind]) for kind in files}
    for first in range(0, rows, GROUP_ROWS):
        lengths = rng.integers(2, 15, min(GROUP_ROWS, rows - first))
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        # Zipf's law: the rank of a token is uniform in its logarithm.
        ranks = np.exp(rng.random(int(lengths.sum())) * np.log(items)).astype(np.int64) - 1
        tokens = pa.array(numbers[ranks])
        for kind, writer in writers.items():
            lists = pa.ListArray.from_arrays(offsets, pc.cast(tokens, types[kind]))
            writer.write_table(pa.table({"items": lists}, schema=schemas[kind]), row_group_size=GROUP_ROWS)
    for writer in writers.values():
        writer.close()
    return files


def prepare(corpus: Path) -> tuple[float, float]:
    """Count and encode a corpus; return the seconds of each."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "polargram", "train", str(corpus), "--column", "items", "--output", output]
        said = subprocess.run([*command, *TRAIN], capture_output=True, text=True, check=True).stderr
    seconds = [re.search(rf"([\d.]+) s for {phase}", said) for phase in ("the vocabulary", "encoding")]
    counting, encoding = (float(found[1]) for found in seconds if found)
    return counting, encoding


def main() -> None:
    """Print the median times of both kinds, and how many times faster integers are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        files = write(arguments.rows, arguments.items, Path(directory))
        runs: dict[str, list[tuple[float, float]]] = {kind: [] for kind in files}
        for _ in range(arguments.rounds):
            for kind, file in files.items():
                runs[kind].append(prepare(file))
    medians = {kind: [statistics.median(phase) for phase in zip(*times, strict=True)] for kind, times in runs.items()}
    print(f"{arguments.rows:,} rows, medians of {arguments.rounds} runs")
    for kind, (counting, encoding) in medians.items():
        print(
            f"{kind:>9}: {counting:6.2f} s counting, {encoding:6.2f} s encoding, {counting + encoding:6.2f} s together"
        )
    strings, integers = medians["strings"], medians["integers"]
    ratios = [text / number if number else float("nan") for text, number in zip(strings, integers, strict=True)]
    together = sum(strings) / sum(integers) if sum(integers) else float("nan")
    print(f"   faster: {ratios[0]:6.2f} x counting, {ratios[1]:6.2f} x encoding, {together:6.2f} x together")


if __name__ == "__main__":
    main()
