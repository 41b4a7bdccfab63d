"""A command that fails says why in one line, with an exit code that tells what is at fault, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import Command

import polargram as pg


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The message, before which only the note of what is read and lines with the phase may be printed."""
    *progress, message = (line for line in done.stderr.splitlines() if ": reads " not in line)
    assert all(
        line.startswith(("polargram: vocabulary", "polargram: encoding", "polargram: training")) for line in progress
    )
    assert message.startswith("polargram: ")
    assert "panicked" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return message


def parquet(path: Path, tokens: object, column: str = "tokens") -> Path:
    pq.write_table(pa.table({column: tokens}), path)
    return path


def damaged(path: Path) -> Path:
    """A page of noise in an otherwise valid file."""
    pq.write_table(pa.table({"tokens": [["a", "b"]] * 500}), path, compression="none")
    content = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    return path


BAD_CORPORA = {
    "missing file": (lambda d: d / "gone.parquet", ["gone.parquet", "No such file"]),
    "nothing matches": (lambda d: d / "*.parquet", ["*.parquet", "no file matches"]),
    "empty directory": (lambda d: (d / "bare").mkdir() or d / "bare", ["bare", "no *.parquet or *.arrow file"]),
    "no parquet": (
        lambda d: (d / "c.parquet").write_text("text") and d / "c.parquet",
        ["c.parquet", "not a readable Parquet file"],
    ),
    "damaged page": (lambda d: damaged(d / "c.parquet"), ["c.parquet", "row group 0", '"tokens"']),
    "missing column": (
        lambda d: parquet(d / "c.parquet", [["a"]], "words"),
        ["c.parquet", '"tokens"', '"words"', "--column"],
    ),
    "strings": (lambda d: parquet(d / "c.parquet", ["a b"]), ["c.parquet", '"tokens"', "list of strings", "Split"]),
    "floats": (
        lambda d: parquet(d / "c.parquet", [[1.5]]),
        ["c.parquet", '"tokens"', "Float64", "list of strings"],
    ),
    "structs": (lambda d: parquet(d / "c.parquet", [{"a": 1}]), ["c.parquet", '"tokens"', "Struct", "list of strings"]),
    "rare words": (lambda d: parquet(d / "c.parquet", [["a"]] * 3), ["min_count=5", "3 tokens", "Lower min_count"]),
    "only nulls": (
        lambda d: parquet(d / "c.parquet", pa.array([None, [None]], pa.list_(pa.string()))),
        ["0 tokens", "larger corpus"],
    ),
    "no rows": (lambda d: parquet(d / "c.parquet", pa.array([], pa.list_(pa.string()))), ["0 distinct words"]),
}


@pytest.mark.parametrize("what", BAD_CORPORA)
def test_a_bad_corpus_is_one_line_that_names_file_column_and_remedy(
    command: Command, what: str, tmp_path: Path
) -> None:
    make, needles = BAD_CORPORA[what]
    corpus = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    message = only_line(command("train", corpus, "--output", tmp_path / "deep" / "er" / "out", code=3))
    assert [needle for needle in needles if needle not in message] == []
    assert sorted(tmp_path.rglob("*")) == before


def test_one_bad_file_among_good_ones_is_named_before_anything_is_counted(
    command: Command, sample: Path, tmp_path: Path
) -> None:
    bad = parquet(tmp_path / "bad.parquet", ["a b"])
    message = only_line(command("train", sample, bad, "--output", tmp_path / "out", code=3))
    assert "bad.parquet" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("vector-size", 0),
        ("window", 0),
        ("negative", 0),
        ("epochs", 0),
        ("workers", 5000),
        ("alpha", -1),
        ("alpha", "nan"),
        ("min-alpha", -0.5),
        ("sample", -1),
        ("ns-exponent", "-inf"),
    ],
)
def test_a_parameter_out_of_range_is_named_with_what_is_allowed(
    command: Command, option: str, value: object, sample: Path, tmp_path: Path
) -> None:
    message = only_line(command("train", sample, "--output", tmp_path / "out", f"--{option}={value}", code=2))
    assert option.replace("-", "_") in message
    assert "must be" in message
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_found_before_training(command: Command, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "file", tmp_path / "file" / "out"):
        done = command("train", sample, "--output", output, "--epochs", 10**6, code=4)
        assert str(output) in only_line(done)
        assert "training" not in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="this system has no /proc")
def test_an_output_that_cannot_be_made_is_found_before_training(command: Command, sample: Path) -> None:
    done = command("train", sample, "--output", "/proc/out", "--epochs", 10**6, code=4)
    assert "/proc/out" in only_line(done)


#: Formats, a word that the first of them cannot hold, and what is said about it.
UNFIT = [
    ("bin", "new york", 'the word "new york" has a space, which bin files cannot hold'),
    ("bin,arrow", "\nx", "starts with a line break"),
    ("txt,arrow", "a\nb", "has a line break, which txt files cannot hold"),
    ("npy,arrow", "a\nb", "has a line break, which npy files cannot hold"),
    ("arrow,bin", " ", 'the word " " has a space'),
]


@pytest.mark.parametrize(("formats", "word", "said"), UNFIT, ids=repr)
@pytest.mark.parametrize("how", ["plain", "dry run", "checkpoint", "quiet"])
def test_a_word_that_a_format_cannot_hold_is_named_before_training_and_nothing_is_written(
    command: Command, how: str, formats: str, word: str, said: str, tmp_path: Path
) -> None:
    corpus = parquet(tmp_path / "c.parquet", [[word, "other"]] * 5)
    before = sorted(tmp_path.rglob("*"))
    options = {"dry run": ["--dry-run"], "checkpoint": ["--checkpoint", tmp_path / "ck"], "quiet": ["--quiet"]}
    words = ["train", corpus, "--output", tmp_path / "out", "--epochs", 10**6, *options.get(how, [])]
    done = command(*words, "--formats", formats, code=2)
    message = only_line(done)
    assert said in message
    assert "save as .arrow" in message
    assert "training" not in done.stderr
    assert [path for path in sorted(tmp_path.rglob("*")) if path.name != "ck"] == before


def test_a_resumed_run_says_before_training_what_a_format_cannot_hold(command: Command, tmp_path: Path) -> None:
    corpus = parquet(tmp_path / "c.parquet", [["new york", "other"]] * 50)
    words = ["train", corpus, "--vector-size", 4, "--epochs", 2, "--checkpoint", tmp_path / "ck"]
    command(*words, "--output", tmp_path / "arrow", "--formats", "arrow")
    done = command(*words, "--output", tmp_path / "bin", "--formats", "bin", code=2)
    assert '"new york" has a space' in only_line(done)
    assert "training" not in done.stderr
    assert not (tmp_path / "bin").exists()


def test_long_words_and_odd_ones_are_written_in_every_format_that_is_not_refused(
    command: Command, tmp_path: Path
) -> None:
    words = ["", "\0", "x" * 100_000, "\u2028", "\tx", "x\r"]
    corpus = parquet(tmp_path / "c.parquet", [words] * 5)
    command(
        "train", corpus, "-o", tmp_path / "out", "--vector-size", 4, "--epochs", 1, "--formats", "arrow,npy,txt,bin"
    )
    for name in ("vectors.arrow", "vectors.npy", "vectors.txt", "vectors.bin"):
        assert sorted(pg.KeyedVectors.load(tmp_path / "out" / name).index_to_key) == sorted(words), name


def test_a_failed_run_leaves_the_vectors_of_the_last(command: Command, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command("train", sample, "--output", out, "--epochs", 1, "--formats", "arrow,bin")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    pl.DataFrame({"tokens": [["new york", "other"]] * 5}).write_parquet(tmp_path / "c.parquet")
    command("train", tmp_path / "c.parquet", "--output", out, "--formats", "arrow,bin", code=2)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("formats", ["arrow,bin,txt", "bin,arrow,txt"])
def test_a_format_that_cannot_be_written_after_training_leaves_the_others_and_is_named(
    command: Command, formats: str, tmp_path: Path, listing: Callable[[Path], list[str]]
) -> None:
    corpus = parquet(tmp_path / "c.parquet", [["a", "b"]] * 50)
    (tmp_path / "out" / "vectors.bin").mkdir(parents=True)
    done = command("train", corpus, "-o", tmp_path / "out", "--vector-size", 4, "--formats", formats, code=4)
    message = done.stderr.splitlines()[-1]
    assert f"cannot write {tmp_path / 'out' / 'vectors.bin'}: is a directory" in message
    assert f"written: {tmp_path / 'out' / 'vectors.arrow'}, {tmp_path / 'out' / 'vectors.txt'}" in message
    assert f"wrote       {tmp_path / 'out' / 'vectors.arrow'}" in done.stderr
    assert listing(tmp_path / "out") == ["vectors.arrow", "vectors.bin", "vectors.txt"]
    assert len(pg.KeyedVectors.load(tmp_path / "out" / "vectors.txt")) == 2


def test_both_files_of_a_matrix_are_written_or_none(
    command: Command, tmp_path: Path, listing: Callable[[Path], list[str]]
) -> None:
    corpus = parquet(tmp_path / "c.parquet", [["a", "b"]] * 50)
    (tmp_path / "out" / "vectors.vocab.txt").mkdir(parents=True)
    done = command("train", corpus, "-o", tmp_path / "out", "--vector-size", 4, "--formats", "npy,arrow", code=4)
    assert "vectors.vocab.txt: is a directory" in done.stderr.splitlines()[-1]
    assert listing(tmp_path / "out") == ["vectors.arrow", "vectors.vocab.txt"]


FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from polargram.__main__ import main
main()
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(python: Command, sample: Path, tmp_path: Path) -> None:
    done = python(
        "-c", FULL_DISK, "train", sample, "--output", tmp_path / "out", "--epochs", 1, "--formats", "npy,arrow"
    )
    assert done.returncode == 4
    message = only_line(done)
    assert message.index("vectors.npy") < message.index("vectors.arrow")
    assert "written" not in message
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_for_one_format_takes_the_others(
    python: Command, tmp_path: Path, listing: Callable[[Path], list[str]]
) -> None:
    # A value takes 4 bytes in binary, and some 12 as text.
    corpus = parquet(tmp_path / "c.parquet", [[f"w{i}" for i in range(40)]] * 5)
    options = ["--vector-size", 64, "--epochs", 1, "--formats", "txt,bin,npy"]
    done = python("-c", FULL_DISK, "train", corpus, "--output", tmp_path / "out", *options)
    assert done.returncode == 4
    message = done.stderr.splitlines()[-1]
    assert f"cannot write {tmp_path / 'out' / 'vectors.txt'}: File too large" in message
    assert f"written: {tmp_path / 'out' / 'vectors.bin'}" in message
    assert listing(tmp_path / "out") == ["vectors.bin", "vectors.npy", "vectors.vocab.txt"]


@pytest.mark.parametrize(
    ("arguments", "needles"),
    [
        (["--vectors", "VECTORS", "no-such-word"], ["no-such-word", "not in the vocabulary"]),
        (["--vectors", "VECTORS", "king", "--negative", "nor-this"], ["nor-this"]),
        (["--vectors", "gone.arrow", "king"], ["gone.arrow", "No such file"]),
        (["--vectors", "text.arrow", "king"], ["text.arrow", "Arrow"]),
        (["--vectors", "text.bin", "king"], ["text.bin", "header"]),
        (["--vectors", "text.doc", "king"], ["text.doc", ".arrow, .npy, .txt, .bin"]),
        (["--vectors", ".", "king"], ["."]),
    ],
    ids=lambda value: value[1] if len(value) > 2 else None,
)
def test_similar_names_the_word_or_file_at_fault(
    command: Command, arguments: list[str], needles: list[str], vectors_file: str, here: Path
) -> None:
    for ending in ("arrow", "bin", "doc"):
        (here / f"text.{ending}").write_text("to be or not to be")
    message = only_line(
        command("similar", *[vectors_file if word == "VECTORS" else word for word in arguments], code=3)
    )
    assert [needle for needle in needles if needle not in message] == []


def test_sample_names_a_directory_that_cannot_be_made(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file" / "corpus") in only_line(
        command("sample", "--output", tmp_path / "file" / "corpus", code=4)
    )
