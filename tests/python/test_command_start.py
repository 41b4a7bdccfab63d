"""pip's command: it starts without Polars and NumPy, and lives with the package in one process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import pytest
from runs import FOREVER, Command, Job

from _polargram_command import main

START = "from _polargram_command import main; main()"
#: Runs the command in this process, and goes on.
RUN = """
import contextlib, sys
from _polargram_command import main
def run(*words):
    sys.argv = ["polargram", *words]
    with contextlib.redirect_stdout(None), contextlib.suppress(SystemExit):
        main()
"""


@pytest.fixture
def script(python: Command) -> Callable[..., str]:
    """Run lines of Python after those of ``RUN``, and return what they print."""

    def run(lines: str, *arguments: object) -> str:
        done = python("-c", RUN + lines, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_command_imports_neither_polars_nor_numpy(script: Callable[..., str], sample: Path, tmp_path: Path) -> None:
    lines = """
sample, output = sys.argv[1:]
run("--help")
run("train", sample, "--output", output, "--epochs", "1", "--vector-size", "8")
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots & {"polars", "numpy", "polargram"}), [name for name in sys.modules if name.startswith("polargram.")])
"""
    printed = script(lines, sample, tmp_path).splitlines()[-1]
    assert printed == "['polargram'] ['polargram._polargram']"
    assert (tmp_path / "vectors.arrow").exists()


def test_the_package_takes_over_the_library_that_the_command_loaded(
    script: Callable[..., str], vectors_file: str
) -> None:
    lines = """
vectors = sys.argv[1]
run("--version")
native = sys.modules["polargram._polargram"]
import polars as pl
import polargram as pg
from polargram import _polargram, keyed_vectors
assert _polargram is native and keyed_vectors.Table is native.Table
words = pg.KeyedVectors.load(vectors).index_to_key[:1000]
for engine in ["in-memory", "streaming"]:
    frame = pl.LazyFrame({"word": words * 20}).with_columns(v=pl.col("word").w2v.embed(vectors)).collect(engine=engine)
    assert frame["v"].null_count() == 0
try:
    pg.Word2Vec([["once"]], min_count=2)
except RuntimeError as error:
    assert type(error).__name__ == "EmptyVocabularyError"
if sys.platform == "linux":
    libraries = {line.split()[-1] for line in open("/proc/self/maps") if "_polargram.abi3" in line}
    assert len(libraries) == 1, libraries
print("one")
"""
    assert script(lines, vectors_file).splitlines()[-1] == "one"


def test_the_command_uses_a_package_that_is_already_there(script: Callable[..., str]) -> None:
    lines = """
import polargram
native = sys.modules["polargram._polargram"]
run("--version")
assert sys.modules["polargram._polargram"] is native
print("the same")
"""
    assert script(lines).splitlines()[-1] == "the same"


@pytest.mark.parametrize(
    ("words", "code"), [(["--help"], 0), (["nonsense"], 2), (["info", "no-such-file.arrow"], 3)]
)  # fmt: skip
def test_both_ways_to_run_it_print_the_same(python: Command, words: list[str], code: int, tmp_path: Path) -> None:
    ways = [python(*way, *words, cwd=tmp_path) for way in (["-c", START], ["-m", "polargram"])]
    assert [way.returncode for way in ways] == [code, code]
    assert ways[0].stdout == ways[1].stdout
    assert ways[0].stderr == ways[1].stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly(number: Signals, sample: Path, tmp_path: Path) -> None:
    job = Job(
        "-c", START, "train", sample, "--output", tmp_path / "out", "--epochs", FOREVER, temporary=tmp_path / "tmp"
    )
    job.wait_for("training")
    job.assert_interrupted(number)
    assert not (tmp_path / "out").exists()


def test_pip_is_told_of_this_command() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf8")
    assert f'\npolargram = "{main.__module__}:{main.__name__}"\n' in pyproject
