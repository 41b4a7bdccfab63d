"""Compare local Parquet with an object store: speed of preparation, and memory for training.

    python corpora.py --corpus DIRECTORY --server URL

DIRECTORY holds Parquet files with a column ``tokens``; URL is an S3 server that accepts the credentials of
the environment. The files are uploaded to a bucket of their own. Every job runs in its own process, alternating.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BUCKET = "polargram-bench"
#: The corpus is read this many times in a row, so that the fixed cost of a job counts little.
COPIES = 4
ROUNDS = 5


@dataclass
class Job:
    """What a training job reported, in seconds, tokens and MiB."""

    tokens: int
    preparation: float
    training: float
    peak: int


def run(sources: list[str], *options: str) -> Job:
    """Train on the sources and read the summary."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "polargram", "train", *sources, "--output", output, "--epochs", "1", *options]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr

    def number(pattern: str) -> str:
        found = re.search(pattern, said)
        assert found, said
        return found[1].replace(",", "")

    return Job(
        tokens=int(number(r"sentences, ([\d,]+) words")),
        preparation=float(number(r"([\d.]+) s for the vocabulary")) + float(number(r"([\d.]+) s for encoding")),
        training=float(number(r"words.* in ([\d.]+) s")),
        peak=int(number(r"peak memory (\d+) MiB")),
    )


def upload(files: list[Path], server: str) -> list[str]:
    """Put the files into a bucket, and return their URLs."""
    import boto3

    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    for file in files:
        # In one piece: for objects uploaded in parts, s3s-fs computes the ETag at every request, unlike real stores.
        client.put_object(Bucket=BUCKET, Key=f"corpus/{file.name}", Body=file.read_bytes())
    return [f"s3://{BUCKET}/corpus/{file.name}" for file in files]


def compare(local: list[str], remote: list[str]) -> None:
    """Prepare and train from both, alternating."""
    jobs: dict[str, list[Job]] = {"local": [], "store": []}
    for _ in range(ROUNDS):
        for name, sources in (("local", local * COPIES), ("store", remote * COPIES)):
            jobs[name].append(run(sources))
    rate = {name: statistics.median(job.tokens / job.preparation / 1e6 for job in done) for name, done in jobs.items()}
    training = {name: statistics.median(job.training for job in done) for name, done in jobs.items()}
    print("| | local Parquet | object store | |")
    print("|---|---|---|---|")
    print(
        f"| vocabulary and encoding, M tokens/s | {rate['local']:.1f} | {rate['store']:.1f} "
        f"| {rate['store'] / rate['local']:.0%} |"
    )
    print(
        f"| training from the spool, s | {training['local']:.1f} | {training['store']:.1f} "
        f"| {training['local'] / training['store']:.0%} |"
    )


def bound(local: list[str]) -> None:
    """Train a corpus whose encoded form is eight times the memory budget."""
    budget, copies = 64, 8 * 64 * (1 << 20) // 4 // run(local).tokens + 1
    # So that the vocabulary is the same, however often the corpus is repeated.
    options = ("--memory-budget", f"{budget}M", "--min-count", "1")
    large, small = (run(sources, *options) for sources in (local * copies, local))
    print(
        f"\n{large.tokens * 4 >> 20} MiB of encoded corpus with a budget of {budget} MiB: peak memory {large.peak} MiB;"
    )
    print(f"{small.tokens * 4 >> 20} MiB of the same words: {small.peak} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--server", required=True)
    arguments = parser.parse_args()
    os.environ.update(AWS_ENDPOINT_URL=arguments.server, AWS_ALLOW_HTTP="true")
    paths = sorted(arguments.corpus.glob("*.parquet"))
    compare([str(path) for path in paths], upload(paths, arguments.server))
    bound([str(path) for path in paths])
