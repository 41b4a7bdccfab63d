"""A nightly job over a store: vectors are trained on the last week of events, and the events of today are embedded.

    python examples/etl_s3.py SOURCE TARGET --day 2026-11-08 [--days 7] [--where SQL] [--generate]
    python examples/etl_s3.py s3://bucket/events s3://bucket/words --day 2026-11-08 --where "NOT is_bot"

SOURCE has Parquet in partitions: day=2026-11-08/part-0.parquet, with a column of lists of tokens; ``--generate`` writes
some. SOURCE and TARGET are URLs of any store, or directories. Keys come from the environment (AWS_ACCESS_KEY_ID, …, and
AWS_ENDPOINT_URL for a store that is not Amazon's) or from the machine's role. TARGET gets

    vectors/day=2026-11-08/vectors.arrow
    embeddings/day=2026-11-08/part-0.parquet

Each is there whole or not at all, so a job that has failed is run again. The log on stderr has a JSON object a line,
and metrics.json tells what the training did. The exit code is that of the step that failed: 2 wrong usage, 3 input,
4 output, 130 interrupted; and 1 if the results are not good enough to be used.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

import polars as pl

METRICS = Path("metrics.json")
#: Below this, something is wrong with the source.
LEAST_WORDS = 10
#: Above this, too many events have no word with a vector.
MOST_UNKNOWN = 0.1
#: Of these the generated events are made.
WORDS = ["bus", "train", "late", "early", "ticket", "station", "rain", "sun", "coffee", "tea", "bread", "book"]


def run(*words: str) -> None:
    """Run a step of the job; a job that fails ends with its exit code."""
    step = subprocess.run([sys.executable, "-m", "polargram", *words, "--log-format", "json"], check=False)
    if step.returncode:
        sys.exit(step.returncode)


def fail(reason: str) -> NoReturn:
    print(json.dumps({"level": "error", "message": reason}), file=sys.stderr)
    sys.exit(1)


def train(source: str, vectors: str, day: date, days: int, condition: str) -> None:
    """Train on the last days. Partitions of other days are not read, nor are row groups that cannot match."""
    rows = f"day > '{day - timedelta(days)}' AND day <= '{day}' AND ({condition})"
    options = ["--sg=1", "--vector-size=32", "--min-count=2", "--seed=1", f"--metrics={METRICS}"]
    run("train", source, "--where", rows, "--output", vectors, *options)
    metrics = json.loads(METRICS.read_text())
    words, sentences = metrics["vocab"]["words"], metrics["corpus"]["sentences"]
    print(f"trained on {sentences} events of {days} days: {words} words in {metrics['seconds']:.1f} s")
    if words < LEAST_WORDS:
        fail(f"only {words} words; expected {LEAST_WORDS} or more: look at {source}")


def embed(source: str, vectors: str, output: str, day: date) -> None:
    """Embed the day's events, streamed: the file need not fit in memory."""
    run("embed", f"{source}/day={day}", "--vectors", f"{vectors}/vectors.arrow", "--weights=sif", "--output", output)
    known = pl.col("embedding").is_not_null()
    rows, share = pl.scan_parquet(output).select(pl.len(), known.mean()).collect().row(0)
    print(f"embedded {rows} events of {day}, {share:.1%} of them with a vector, in {output}")
    if share < 1 - MOST_UNKNOWN:
        fail(f"{1 - share:.1%} of the events have no vector; expected {MOST_UNKNOWN:.0%} or less")


def generate(source: str, day: date, days: int, rows: int = 500) -> None:
    """Events of some days more than are wanted. One of twenty is a bot's, and has words of its own."""
    rng = random.Random(8)
    for ago in range(days + 2):
        is_bot = [rng.random() < 0.05 for _ in range(rows)]
        tokens = [[f"bot-{rng.random()}"] if bot else rng.choices(WORDS, k=rng.randint(2, 9)) for bot in is_bot]
        events = pl.DataFrame({"id": range(rows), "is_bot": is_bot, "tokens": tokens})
        partition = f"{source}/day={day - timedelta(ago)}"
        if "://" not in source:
            Path(partition).mkdir(parents=True, exist_ok=True)
        events.write_parquet(f"{partition}/part-0.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the day to embed")
    parser.add_argument("--days", type=int, default=7, help="how many days to train on, up to that day")
    parser.add_argument("--where", default="TRUE", metavar="SQL", help="which events to train on")
    parser.add_argument("--generate", action="store_true", help="first write some events to SOURCE")
    options = parser.parse_args()
    source, target = options.source.rstrip("/"), options.target.rstrip("/")
    if options.generate:
        generate(source, options.day, options.days)
    vectors = f"{target}/vectors/day={options.day}"
    train(source, vectors, options.day, options.days, options.where)
    output = f"{target}/embeddings/day={options.day}/part-0.parquet"
    if "://" not in output:
        Path(output).parent.mkdir(parents=True, exist_ok=True)
    embed(source, vectors, output, options.day)


if __name__ == "__main__":
    main()
