"""The command, at a terminal and in a batch job."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from gensim.models import KeyedVectors as GensimVectors
from runs import Command

import polargram as pg

FAST = ["--epochs", 1, "--vector-size", 8]
FORMATS = {
    "arrow": ["vectors.arrow"],
    "npy": ["vectors.npy", "vectors.vocab.txt"],
    "txt": ["vectors.txt"],
    "bin": ["vectors.bin"],
    "parquet": ["vectors.parquet"],
    "npz": ["vectors.npz"],
    "safetensors": ["vectors.safetensors"],
    "tsv": ["vectors.metadata.tsv", "vectors.tsv"],
}


def test_from_nothing_to_neighbours(command: Command, tmp_path: Path) -> None:
    printed = command("sample", "--output", tmp_path / "corpus", "--tokens", 300_000).stdout.split()
    assert printed == [str(path) for path in sorted((tmp_path / "corpus").iterdir())]
    command("train", tmp_path / "corpus", "--output", tmp_path / "out", "--sg", 1, "--vector-size", 48)
    near = command(
        "similar", "--vectors", tmp_path / "out" / "vectors.arrow", "monday", "--topn", 6
    ).stdout.splitlines()
    words = [line.split("\t")[0] for line in near]
    assert len(words) == 6
    assert len({"tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} & set(words)) >= 4
    assert all(re.fullmatch(r"[^\t]+\t-?[01]\.\d{4}", line) for line in near)


def test_the_command_and_the_class_give_the_same_bits(command: Command, sample: Path, tmp_path: Path) -> None:
    options = [
        "--window",
        3,
        "--negative",
        7,
        "--sample",
        0,
        "--alpha",
        0.05,
        "--min-alpha",
        0.01,
        "--seed",
        9,
        "--cbow-mean",
        0,
    ]
    shaped = [
        "--min-count",
        2,
        "--ns-exponent",
        -0.5,
        "--shrink-windows",
        "false",
        "--epochs",
        2,
        "--vector-size",
        12,
        "--workers",
        1,
    ]
    command("train", sample, "--output", tmp_path, *options, *shaped)
    parameters = {"window": 3, "negative": 7, "sample": 0, "alpha": 0.05, "min_alpha": 0.01, "seed": 9, "cbow_mean": 0}
    shape = {"min_count": 2, "ns_exponent": -0.5, "shrink_windows": False, "epochs": 2, "vector_size": 12, "workers": 1}
    wv = pg.Word2Vec(sample, **parameters, **shape).wv
    assert np.array_equal(pg.KeyedVectors.load(tmp_path / "vectors.arrow").vectors, wv.vectors)


@pytest.mark.parametrize(
    "formats", [[], *([name] for name in FORMATS), list(FORMATS), ["txt", "arrow"], ["bin", "bin"]], ids=str
)
def test_just_the_named_formats_are_written_and_hold_the_same(
    command: Command, formats: list[str], sample: Path, tmp_path: Path, listing: Callable[[Path], list[str]]
) -> None:
    chosen = ["--formats", ",".join(formats)] if formats else []
    command("train", sample, "--output", tmp_path / "out", *FAST, *chosen)
    wanted = sorted({file for name in formats or ["arrow"] for file in FORMATS[name]})
    assert listing(tmp_path / "out") == wanted
    if wanted == FORMATS["tsv"]:
        return
    read = [file for file in wanted if "vocab" not in file and not file.endswith(".tsv")]
    tables = [pg.KeyedVectors.load(tmp_path / "out" / file) for file in read]
    assert all(np.array_equal(table.vectors, tables[0].vectors) for table in tables)
    if "bin" in formats:
        theirs = GensimVectors.load_word2vec_format(str(tmp_path / "out" / "vectors.bin"), binary=True)
        assert np.array_equal(theirs.vectors, tables[0].vectors)


def test_several_sources_and_another_column_are_taken(command: Command, sample: Path, tmp_path: Path) -> None:
    pl.DataFrame({"words": [["a", "b"]] * 5}).write_parquet(tmp_path / "x [1].parquet")
    pl.DataFrame({"words": [["b", "c"]] * 5}).write_parquet(tmp_path / "y.parquet")
    command("train", tmp_path / "x [1].parquet", f"{tmp_path}/y*", "--column", "words", "--output", tmp_path, *FAST)
    wv = pg.KeyedVectors.load(tmp_path / "vectors.arrow")
    assert (wv.index_to_key, wv.get_vecattr("b", "count")) == (["b", "a", "c"], 10)


def test_a_run_tells_what_it_read_trained_and_wrote_on_stderr_only(
    command: Command, sample: Path, tmp_path: Path
) -> None:
    done = command("train", sample, "--output", tmp_path / "out", *FAST)
    assert done.stdout == ""
    assert "13,349 sentences, 200,003 words" in done.stderr
    assert "2,762 of 2,919 distinct words (min_count 5)" in done.stderr
    assert f"wrote       {tmp_path / 'out' / 'vectors.arrow'}" in done.stderr


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_quiet_prints_nothing_but_errors(command: Command, flag: str, sample: Path, tmp_path: Path) -> None:
    done = command("train", sample, "--output", tmp_path / "out", *FAST, flag)
    assert (done.stdout, done.stderr) == ("", "")
    failed = command("train", tmp_path / "missing.parquet", "--output", tmp_path / "out", flag, code=3)
    assert len(failed.stderr.splitlines()) == 1


def test_a_second_run_replaces_the_first_and_touches_nothing_else(
    command: Command, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for size in (8, 9):
        command("train", sample, "-o", tmp_path, "--epochs", 1, "--vector-size", size)
    assert pg.KeyedVectors.load(tmp_path / "vectors.arrow").vector_size == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "vectors.arrow"]


def test_similar_takes_negative_words_and_every_format(command: Command, model: pg.Word2Vec, tmp_path: Path) -> None:
    want = [word for word, _ in model.wv.most_similar(positive=["king", "woman"], negative=["man"], topn=5)]
    for ending in (".arrow", ".bin"):
        model.wv.save(tmp_path / f"v{ending}")
        done = command(
            "similar", "--vectors", tmp_path / f"v{ending}", "king", "woman", "--negative", "man", "--topn", 5
        )
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == want


def test_sample_depends_on_its_seed_alone(command: Command, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        command("sample", "--output", tmp_path / name, "--tokens", 5_000, "--seed", seed)
    a, b, c = (pl.read_parquet(tmp_path / name / "*.parquet") for name in "abc")
    assert a.equals(b)
    assert not a.equals(c)
    assert 5_000 <= a["tokens"].list.len().sum() < 5_025


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["similar", "-h"], ["help", "sample"]])
def test_help_goes_to_stdout(command: Command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert "Usage: polargram" in done.stdout
    assert done.stderr == ""


def test_help_names_every_hyperparameter_of_the_class(command: Command) -> None:
    text = command("train", "--help").stdout
    of_python = {"self", "sentences", "corpus_file", "hashfxn", "trim_rule", "callbacks", "comment", "storage_options"}
    for name in inspect.signature(pg.Word2Vec.__init__).parameters.keys() - of_python - {"progress", "spool"}:
        assert f"--{name.replace('_', '-')}" in text
    assert "--no-spool" in text
    assert 'a last row for the word "\\0", to pad' in text


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["train", "--version"]])
def test_version_is_the_packages(command: Command, arguments: list[str]) -> None:
    assert command(*arguments).stdout.split()[-1] == pg.__version__


@pytest.mark.skipif(
    not shutil.which("polargram", path=str(Path(sys.executable).parent)), reason="no script was installed"
)
def test_the_installed_script_is_the_same_command() -> None:
    script = Path(sys.executable).parent / "polargram"
    assert (
        subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        == pg.__version__
    )
    assert subprocess.run([script, "train"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train"],
        ["train", "--output", "out"],
        ["train", "c.parquet", "--output", "out", "--sg", "2"],
        ["train", "c.parquet", "--output", "out", "--window", "wide"],
        ["train", "c.parquet", "--output", "out", "--seed", str(2**64)],
        ["train", "c.parquet", "--output", "out", "--formats", "xlsx"],
        ["train", "c.parquet", "--output", "out", "--nonsense"],
        ["similar", "king"],
        ["similar", "--vectors", "v.arrow", "king", "--topn", "few"],
        ["sample"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_and_writes_nothing(command: Command, arguments: list[str], here: Path) -> None:
    done = command(*arguments, code=2)
    assert "Usage" in done.stderr or "--help" in done.stderr
    assert done.stdout == ""
    assert not list(here.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [["similar", "king"], ["sample", "--tokens", "100"]], ids=lambda arguments: arguments[0]
)
def test_output_that_cannot_be_printed_is_one_clear_line(
    command: Command, arguments: list[str], vectors_file: str, tmp_path: Path
) -> None:
    where = ["--vectors", vectors_file] if arguments[0] == "similar" else ["--output", tmp_path]
    with open("/dev/full", "w") as full:
        done = command(*arguments, *where, code=4, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.stderr.splitlines()[-1].startswith("polargram: cannot write to standard output")
    assert "panicked" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["similar", "king"], ["sample", "--tokens", "100"], ["train"]],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_reader_that_has_seen_enough_is_no_failure(
    command: Command, arguments: list[str], closed: str, sample: Path, vectors_file: str, tmp_path: Path
) -> None:
    where = {"similar": ["--vectors", vectors_file], "train": [sample, *FAST, "--output", tmp_path / "out"]}
    where["sample"] = ["--output", tmp_path / "out"]
    read, write = os.pipe()
    os.close(read)
    other = {"stdout": "stderr", "stderr": "stdout"}[closed]
    streams = {closed: write, other: subprocess.PIPE, "capture_output": False}
    done = command(*arguments, *where.get(arguments[0], []), **streams)
    os.close(write)
    assert "panicked" not in (getattr(done, other) or "")
    if arguments[0] == "train":
        assert len(pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")) == 2762


def test_empty_tokens_are_words_and_the_summary_counts_them(command: Command, tmp_path: Path) -> None:
    lists = pl.Series("tokens", ["a  b", "b a ", "a b"] * 20).str.split(" ")
    pl.DataFrame({"tokens": lists}).write_parquet(tmp_path / "c.parquet")
    options = ["--vector-size", 4, "--epochs", 1, "--formats", "arrow,txt,bin,npy", "--output", tmp_path / "out"]
    said = command("train", tmp_path / "c.parquet", *options).stderr
    assert re.search(r'^empty +40 tokens are "", a word like any other', said, re.MULTILINE)
    assert "tokens are" in command("train", tmp_path / "c.parquet", *options, "--dry-run").stderr
    assert command("train", tmp_path / "c.parquet", *options, "--quiet").stderr == ""
    for name in ("arrow", "txt", "bin", "npy"):
        assert pg.KeyedVectors.load(tmp_path / "out" / f"vectors.{name}").index_to_key == ["a", "b", ""]
    pl.DataFrame({"tokens": [["a", "b"]] * 20}).write_parquet(tmp_path / "c.parquet")
    assert "a word like any other" not in command("train", tmp_path / "c.parquet", *options).stderr


def test_what_is_advised_for_whole_strings_makes_no_empty_tokens(command: Command, tmp_path: Path) -> None:
    text = pl.DataFrame({"tokens": [" a  b\t", "b\n a "] * 20})
    text.write_parquet(tmp_path / "c.parquet")
    said = command("train", tmp_path / "c.parquet", "--output", tmp_path / "out", code=3).stderr
    advised = re.search(r"pl\.col\(…\)(\S+), or pass --split whitespace", said).group(1)
    assert advised == r'.str.extract_all(r"\S+")'
    text.select(pl.col("tokens").str.extract_all(r"\S+")).write_parquet(tmp_path / "split.parquet")
    for corpus, split in (("c", ["--split", "whitespace"]), ("split", [])):
        options = ["--vector-size", 4, "--epochs", 1, "--output", tmp_path / corpus]
        command("train", tmp_path / f"{corpus}.parquet", *options, *split)
        assert pg.KeyedVectors.load(tmp_path / corpus / "vectors.arrow").index_to_key == ["a", "b"]
