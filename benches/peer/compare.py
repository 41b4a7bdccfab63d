"""polargram and gensim side by side: throughput, whole job, memory and quality, as a Markdown table.

    python benches/peer/compare.py --corpus DIRECTORY --eval DIRECTORY [--output FILE]

Every job runs in its own process (see ``jobs.py``). The two programs alternate, so that a slow period of the machine
affects both. gensim reads a text file, which is its fastest way; the time to write that file is not counted. polargram
reads the Parquet. gensim computes analogies, WordSim-353 and SimLex-999 of both from the binary files that they wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from gensim.models import KeyedVectors

PROGRAMS = ("gensim", "polargram")
#: Both programs use their defaults for all other parameters.
PARAMETERS: dict[str, Any] = {"window": 5, "sample": 1e-3, "min_count": 5}
#: What is compared, by name.
CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "sg": ("Skip-gram, negative sampling, d = 100", {"sg": 1, "negative": 5, "vector_size": 100}),
    "cbow": ("CBOW, negative sampling, d = 100", {"sg": 0, "negative": 5, "vector_size": 100}),
    "sg-hs": ("Skip-gram, hierarchical softmax, d = 100", {"sg": 1, "hs": 1, "negative": 0, "vector_size": 100}),
    "cbow-hs": ("CBOW, hierarchical softmax, d = 100", {"sg": 0, "hs": 1, "negative": 0, "vector_size": 100}),
    "sg-300": ("Skip-gram, negative sampling, d = 300", {"sg": 1, "negative": 5, "vector_size": 300}),
}
#: 3CosAdd searches this many of the most frequent words.
ANALOGY_WORDS = 30_000


def write_sentences(corpus: Path, target: Path) -> None:
    """One sentence on each line, for gensim's ``corpus_file``."""
    lines = pl.scan_parquet(corpus / "*.parquet").select(pl.col("tokens").list.join(" "))
    lines.sink_csv(target, include_header=False, quote_style="never")


def run(program: str, corpus: Path, output: Path, parameters: dict[str, Any]) -> dict[str, float]:
    """One job in its own process."""
    jobs = Path(__file__).with_name("jobs.py")
    command = [sys.executable, str(jobs), program, str(corpus), str(output), json.dumps(parameters)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return measured


def quality(vectors: Path, evaluations: Path) -> dict[str, float]:
    """Analogies in percent, WordSim-353 and SimLex-999 as Spearman's rho."""
    wv = KeyedVectors.load_word2vec_format(str(vectors), binary=True)
    analogies = wv.evaluate_word_analogies(str(evaluations / "questions-words.txt"), restrict_vocab=ANALOGY_WORDS)[0]
    files = {"ws353": "wordsim353.tsv", "simlex": "simlex999.txt"}
    pairs = {name: wv.evaluate_word_pairs(str(evaluations / file))[1][0] for name, file in files.items()}
    return {"analogies": 100 * analogies, **pairs}


def machine() -> str:
    """Processor, cores, memory and versions."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    flags = Path("/proc/cpuinfo").read_text()
    isa = next((name for name in ("avx512f", "avx2") if name in flags), "no AVX2")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    import gensim

    import polargram

    name = cpu[1] if cpu else platform.processor()
    versions = f"gensim {gensim.__version__}, polargram {polargram.__version__}, Python {platform.python_version()}"
    return (
        f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {isa}; {platform.system()} {platform.release()}; {versions}"
    )


def median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(r[key] for r in rounds)


def compare(args: argparse.Namespace, parameters: dict[str, Any], work: Path) -> str:
    """A table of one configuration."""
    sentences = work / "sentences.txt"
    if not sentences.exists():
        write_sentences(args.corpus, sentences)
    corpora = {"gensim": sentences, "polargram": args.corpus}
    rounds: dict[str, list[dict[str, float]]] = {program: [] for program in PROGRAMS}
    for number in range(args.rounds):
        for program in PROGRAMS:
            output = work / f"{program}.bin"
            measured = run(program, corpora[program], output, {**parameters, "seed": number + 1})
            rounds[program].append({**measured, **quality(output, args.eval)})
            print(program, number + 1, rounds[program][-1], file=sys.stderr, flush=True)
    theirs, ours = (rounds[program] for program in PROGRAMS)

    def speed(of: list[dict[str, float]]) -> float:
        return statistics.median(r["words"] / r["training"] for r in of) / 1e6

    def row(what: str, a: float, b: float, ratio: float, digits: int, unit: str = "") -> str:
        return f"| {what} | {a:.{digits}f}{unit} | {b:.{digits}f}{unit} | {ratio:.1f}× |"

    lines = [
        "| | gensim | polargram | |",
        "|---|---|---|---|",
        row("training, M words/s", speed(theirs), speed(ours), speed(ours) / speed(theirs), 2),
    ]
    for key, what in (("vocabulary", "vocabulary"), ("job", "whole job")):
        a, b = median(theirs, key), median(ours, key)
        lines.append(row(what, a, b, a / b, 1, " s"))
    a, b = median(theirs, "peak_mib"), median(ours, "peak_mib")
    lines.append(f"| peak memory | {a:.0f} MiB | {b:.0f} MiB | |")
    for key, what, digits in (
        ("analogies", "analogies, %", 1),
        ("ws353", "WordSim-353", 3),
        ("simlex", "SimLex-999", 3),
    ):
        a, b = median(theirs, key), median(ours, key)
        lines.append(f"| {what} | {a:.{digits}f} | {b:.{digits}f} | {b - a:+.{digits}f} |")
    return "\n".join(lines)


def scaling(args: argparse.Namespace, work: Path) -> str:
    """Throughput of polargram by the number of workers."""
    parameters = {**PARAMETERS, **CONFIGURATIONS["sg"][1], "epochs": 2}
    lines = ["| workers | M words/s | |", "|---|---|---|"]
    alone = 0.0
    workers = 1
    while workers <= (os.cpu_count() or 1):
        runs = [run("polargram", args.corpus, work / "x.bin", {**parameters, "workers": workers}) for _ in range(3)]
        speed = statistics.median(r["words"] / r["training"] for r in runs) / 1e6
        alone = alone or speed
        lines.append(f"| {workers} | {speed:.2f} | {speed / alone:.2f}× |")
        workers *= 2
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a directory of Parquet files with a column tokens")
    parser.add_argument(
        "--eval", type=Path, required=True, help="questions-words.txt, wordsim353.tsv and simlex999.txt"
    )
    parser.add_argument("--output", type=Path, help="write the tables here too")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--rounds", type=int, default=1, help="jobs of each program, alternating; the medians are printed"
    )
    parser.add_argument("--models", nargs="*", choices=CONFIGURATIONS, default=list(CONFIGURATIONS))
    parser.add_argument("--no-scaling", action="store_true", help="leave out the table by number of workers")
    args = parser.parse_args()
    text = [f"Measured on {machine()}.", ""]
    with tempfile.TemporaryDirectory() as work:
        for model in args.models:
            title, chosen = CONFIGURATIONS[model]
            both = {**PARAMETERS, **chosen, "epochs": args.epochs, "workers": args.workers}
            table = compare(args, both, Path(work))
            text += [f"### {title}, {args.epochs} epochs, {args.workers} workers", "", table, ""]
            print(text[-2], file=sys.stderr, flush=True)
        if not args.no_scaling:
            text += ["### Skip-gram by workers, polargram alone", "", scaling(args, Path(work)), ""]
    print("\n".join(text))
    if args.output:
        args.output.write_text("\n".join(text))


if __name__ == "__main__":
    main()
