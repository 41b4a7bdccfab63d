"""Phrases: learning and transforming a corpus, beside gensim. Run by ``make bench-phrases``.

    python benches/peer/phrases.py --corpus DIRECTORY

Every job runs in its own process, on two threads. gensim reads a text file, one sentence on each line, and polargram
the Parquet; the time to write the text is not counted. gensim, which takes a minute, runs once for each job; polargram
runs ``--rounds`` times before and after it, and its figure is the median.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

THREADS = 2
Measured = dict[str, float]

# %% Jobs, each in a process of its own


def peak_mib() -> float:
    # Not ru_maxrss, which a process inherits from its parent.
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def learn_of_gensim(corpus: Path, saved: Path) -> Measured:
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    start = time.perf_counter()
    model = Phrases(LineSentence(str(corpus)))
    took, peak = time.perf_counter() - start, peak_mib()
    model.save(str(saved))
    return {"seconds": took, "peak_mib": peak, "result": len(model.vocab)}


def learn(corpus: Path, saved: Path) -> Measured:
    import polargram as pg

    start = time.perf_counter()
    model = pg.Phrases(corpus)
    took, peak = time.perf_counter() - start, peak_mib()
    model.save(saved)
    return {"seconds": took, "peak_mib": peak, "result": len(model.vocab)}


def transform_of_gensim(corpus: Path, saved: Path) -> Measured:
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    frozen = Phrases.load(str(saved)).freeze()
    start = time.perf_counter()
    tokens = sum(len(sentence) for sentence in frozen[LineSentence(str(corpus))])
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib(), "result": tokens}


def transform(corpus: Path, saved: Path) -> Measured:
    import polars as pl

    import polargram as pg

    frozen = pg.Phrases.load(saved).freeze()
    start = time.perf_counter()
    joined = pl.scan_parquet(corpus / "*.parquet").select(pg.join_phrases("tokens", frozen).list.len().sum())
    tokens = joined.collect(engine="streaming").item()
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib(), "result": tokens}


def in_memory_of_gensim(corpus: Path, saved: Path) -> Measured:
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    frozen = Phrases.load(str(saved)).freeze()
    sentences = list(LineSentence(str(corpus), limit=SENTENCES_IN_MEMORY))
    start = time.perf_counter()
    tokens = sum(len(frozen[sentence]) for sentence in sentences)
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib(), "result": tokens}


def in_memory(corpus: Path, saved: Path) -> Measured:
    import polars as pl

    import polargram as pg

    frozen = pg.Phrases.load(saved).freeze()
    frame = pl.scan_parquet(corpus / "*.parquet").head(SENTENCES_IN_MEMORY).collect()
    start = time.perf_counter()
    tokens = int(frame.select(pg.join_phrases("tokens", frozen))["tokens"].list.len().sum())
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib(), "result": tokens}


#: Of the third job, whose sentences are in memory before the clock starts.
SENTENCES_IN_MEMORY = 200_000
#: What is compared: gensim's job, ours, and what the issue wants.
JOBS: dict[str, tuple[Callable[[Path, Path], Measured], Callable[[Path, Path], Measured], str]] = {
    "learning": (learn_of_gensim, learn, "≥ 20×"),
    "transforming": (transform_of_gensim, transform, "≥ 20×"),
    "transforming what is in memory": (in_memory_of_gensim, in_memory, ""),
}

# %% The comparison


def run(job: str, program: str, corpus: Path, saved: Path) -> Measured:
    """One job in its own process."""
    threads = {name: str(THREADS) for name in ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")}
    command = [sys.executable, __file__, "--job", job, program, str(corpus), str(saved)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads})
    measured: Measured = json.loads(done.stdout.splitlines()[-1])
    print(job, program, measured, file=sys.stderr, flush=True)
    return measured


def write_sentences(corpus: Path, target: Path) -> None:
    """One sentence on each line, for gensim."""
    import polars as pl

    lines = pl.scan_parquet(corpus / "*.parquet").select(pl.col("tokens").list.join(" "))
    lines.sink_csv(target, include_header=False, quote_style="never")


def compare(corpus: Path, work: Path, rounds: int, jobs: Sequence[str]) -> None:
    text = work / "sentences.txt"
    write_sentences(corpus, text)
    print("| | gensim | polargram | | wanted |\n|---|---|---|---|---|")
    for job in jobs:
        ours = [run(job, "polargram", corpus, work / "phrases.arrow") for _ in range(rounds)]
        theirs = run(job, "gensim", text, work / "phrases.pkl")
        ours.extend(run(job, "polargram", corpus, work / "phrases.arrow") for _ in range(rounds))
        if any(measured["result"] != theirs["result"] for measured in ours):
            sys.exit(f"{job}: the results differ: {theirs} {ours}")
        seconds, peak = (statistics.median(measured[key] for measured in ours) for key in ("seconds", "peak_mib"))
        ratio = theirs["seconds"] / seconds
        print(f"| {job}, s | {theirs['seconds']:.1f} | {seconds:.2f} | {ratio:.1f}× | {JOBS[job][2]} |")
        wanted = "≤ 0.33×" if job == "learning" else ""
        share = peak / theirs["peak_mib"]
        print(f"| its peak memory, MiB | {theirs['peak_mib']:.0f} | {peak:.0f} | {share:.2f}× | {wanted} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a directory of Parquet files with a column of tokens")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=JOBS, default=[*JOBS])
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        job, program, corpus, saved = options.job
        function: Any = JOBS[job][program == "polargram"]
        print(json.dumps(function(Path(corpus), Path(saved))))
        return
    if options.corpus is None:
        parser.error("--corpus: say where the corpus is")
    with tempfile.TemporaryDirectory() as work:
        compare(options.corpus, Path(work), options.rounds, options.only)


if __name__ == "__main__":
    main()
