"""Options from the environment and from a file, exit codes, help and completions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import polars as pl
import pytest
from runs import Command, only_line

import polargram as pg

FAST = ["--epochs", 1, "--vector-size", 8]


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, **{f"POLARGRAM_{name}": value for name, value in variables.items()}}


def size(path: Path) -> int:
    return pg.KeyedVectors.load(path / "vectors.arrow").vector_size


def test_what_print_config_prints_trains_the_same_vectors(command: Command, sample: Path, tmp_path: Path) -> None:
    options = ["--output", tmp_path / "a", "--vector-size", 9, "--alpha", 0.03, "--sg", 1, "--workers", 1, "--shuffle"]
    printed = command("train", sample, *options, "--epochs", 1, "--lowercase", "--print-config")
    assert not (tmp_path / "a").exists()
    assert printed.stderr == ""
    assert {"vector_size = 9", "alpha = 0.03", "shuffle = true", "lowercase = true"} <= set(printed.stdout.splitlines())
    (tmp_path / "train.toml").write_text(printed.stdout)
    command("train", "--config", tmp_path / "train.toml", "--quiet")
    command("train", sample, *options, "--epochs", 1, "--lowercase", "--output", tmp_path / "b", "--quiet", code=2)
    options[1] = tmp_path / "b"
    command("train", sample, *options, "--epochs", 1, "--lowercase", "--quiet")
    a, b = (pg.KeyedVectors.load(tmp_path / name / "vectors.arrow") for name in "ab")
    assert a.vectors.tobytes() == b.vectors.tobytes()
    again = command("train", "--config", tmp_path / "train.toml", "--print-config").stdout
    assert again == printed.stdout


def test_the_command_line_counts_more_than_the_environment_and_that_more_than_the_file(
    command: Command, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "train.toml").write_text(f'corpus = "{sample}"\nvector-size = 5\nepochs = 1\nquiet = true\n')
    config = ["--config", tmp_path / "train.toml"]
    command("train", *config, "--output", tmp_path / "file")
    command("train", *config, "--output", tmp_path / "variable", env=environment(VECTOR_SIZE="6"))
    command("train", *config, "--output", tmp_path / "line", "--vector-size", 7, env=environment(VECTOR_SIZE="6"))
    assert [size(tmp_path / name) for name in ("file", "variable", "line")] == [5, 6, 7]


def test_the_environment_can_name_everything(command: Command, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text(f'corpus = ["{sample}"]\nepochs = 1\n')
    variables = {"CONFIG": str(tmp_path / "train.toml"), "OUTPUT": str(tmp_path / "out"), "VECTOR_SIZE": "4"}
    done = command("train", env=environment(**variables, QUIET="1", SHUFFLE="true", LIMIT="", FORMATS="txt,arrow"))
    assert done.stderr == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["vectors.arrow", "vectors.txt"]
    assert size(tmp_path / "out") == 4


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("vector_size = ", 3, "line 1 is not valid TOML"),
        ("corpus = 'c'\nvectors_size = 5", 3, 'there is no option "vectors_size"; there are '),
        ("vector_size = [1, 2]", 3, "takes one value, not 2"),
        ("column = 2026-11-01", 3, "is a datetime"),
        (None, 3, "No such file"),
    ],
)
def test_a_file_of_options_with_a_fault_is_one_line_that_names_it(
    command: Command, text: str | None, code: int, reason: str, here: Path
) -> None:
    if text is not None:
        (here / "train.toml").write_text(text)
    message = only_line(command("train", "c.parquet", "--output", "out", "--config", "train.toml", code=code))
    assert "train.toml: " in message
    assert reason in message


def test_a_value_of_the_environment_that_is_none_is_wrong_usage(command: Command, sample: Path, tmp_path: Path) -> None:
    done = command("train", sample, "--output", tmp_path / "o", env=environment(WINDOW="wide"), code=2)
    assert "expected a whole number between 1 and 10000" in done.stderr
    assert not (tmp_path / "o").exists()


def test_exit_codes_tell_usage_input_output_and_interruption_apart(
    command: Command, sample: Path, vectors_file: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    out = ["--output", tmp_path / "out", *FAST, "--quiet"]
    for code, arguments in [
        (2, ["train", sample, *out, "--window", 0]),
        (2, ["evaluate", "--vectors", vectors_file]),
        (2, ["convert", vectors_file, "-"]),
        (2, ["plot", "--output", tmp_path / "map.svg"]),
        (2, ["train", sample, *out, "--resume"]),
        (3, ["train", tmp_path / "none.parquet", *out]),
        (3, ["train", sample, *out, "--checkpoint", tmp_path / "none", "--resume"]),
        (3, ["train", sample, *out, "--column", "none"]),
        (3, ["similar", "--vectors", tmp_path / "none.arrow", "king"]),
        (3, ["similar", "--vectors", vectors_file, "nowhere-word"]),
        (3, ["info", tmp_path / "file"]),
        (3, ["plot", "--metrics", tmp_path / "file", "--output", tmp_path / "map.svg"]),
        (4, ["train", sample, "--output", tmp_path / "file", *FAST, "--quiet"]),
        (4, ["train", sample, *out, "--metrics", tmp_path / "none" / "metrics.json"]),
        (4, ["convert", vectors_file, tmp_path / "none" / "v.txt"]),
        (4, ["convert", vectors_file, tmp_path / "v.txt.xz"]),
        (4, ["vocab", sample, "--output", tmp_path / "v.csv", "--quiet"]),
        (4, ["plot", "--vectors", vectors_file, "--output", tmp_path / "map.jpeg"]),
    ]:
        done = command(*arguments, code=code)
        if code != 2 or "Usage" not in done.stderr:
            assert only_line(done)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_the_help_lists_the_commands_in_groups_with_the_exit_codes(command: Command) -> None:
    text = command("--help").stdout
    heads = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Corpora:", "Training:", "Vectors:", "Shell:", "Options:", "Environment:", "Exit codes:"]
    assert "130  interrupted" in text
    assert "POLARGRAM_VECTOR_SIZE" in text
    assert "\x1b" not in text


def commands(command: Command) -> list[str]:
    listing = command("--help").stdout.split("Options:")[0]
    return [line.split()[0] for line in listing.splitlines() if line.startswith("  ") and line.split()[0] != "help"]


def test_the_help_of_each_command_shows_two_examples(command: Command) -> None:
    names = commands(command)
    assert {"sample", "vocab", "train", "similar", "analogy", "evaluate", "info", "convert", "plot"} <= set(names)
    for name in names:
        examples = command(name, "--help").stdout.split("Examples:\n")[1]
        assert examples.count(f"polargram {name} ") == 2, name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "elvish"])
def test_completions_name_the_commands(command: Command, shell: str, tmp_path: Path) -> None:
    script = command("completions", shell).stdout
    assert all(name in script for name in commands(command))
    if shell == "bash":
        (tmp_path / "completions").write_text(script)
        subprocess.run(["bash", "-n", tmp_path / "completions"], check=True)


def test_standard_input_is_a_corpus_of_any_format(command: Command, tmp_path: Path) -> None:
    words = pl.DataFrame({"tokens": [["a", "b"], ["b", "c"], ["b"]]})
    words.write_parquet(tmp_path / "c.parquet")
    words.write_ipc(tmp_path / "c.arrow")
    (tmp_path / "c.txt").write_text("a b\nb c\nb\n")
    for name in ("c.parquet", "c.arrow", "c.txt"):
        piped = subprocess.Popen(["cat", tmp_path / name], stdout=subprocess.PIPE)
        assert command("vocab", "-", "--quiet", stdin=piped.stdout).stdout == "b\t3\na\t1\nc\t1\n"
        piped.wait()
        with (tmp_path / name).open("rb") as file:
            assert command("vocab", "-", "--quiet", stdin=file).stdout.startswith("b\t3\n")
