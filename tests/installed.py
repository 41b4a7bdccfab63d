"""Checks a polargram that pip installed, with the Python that has it: ``make test-wheel``.

It needs nothing but what the wheel depends on, and writes to the working directory, which must not be the checkout.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import polars as pl

import polargram as pg

WEEKDAYS = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}


def polargram(*arguments: object) -> str:
    """Run the command that pip wrote beside this Python."""
    command = Path(sys.executable).parent / "polargram"
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def check_where() -> None:
    installed = Path(pg.__file__).resolve()
    assert installed.is_relative_to(Path(sys.prefix).resolve()), f"{installed} is not of this environment"
    assert shutil.which("cargo") is None, "a Rust toolchain is at hand, so this shows nothing"


def check_metadata() -> None:
    polargram_ = distribution("polargram")
    metadata = polargram_.metadata
    assert metadata["Version"] == pg.__version__
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert {"index", "wmd"} <= set(metadata.get_all("Provides-Extra"))
    needed = {re.split(r"\W", text)[0] for text in polargram_.requires if "extra ==" not in text}
    assert needed == {"numpy", "polars"}, needed
    files = [str(path) for path in polargram_.files]
    for name in ["LICENSE-MIT", "LICENSE-APACHE"]:
        assert any(path.endswith(f".dist-info/licenses/{name}") for path in files), f"{name} is missing"
    foreign = [path for path in files if path.startswith(("tests", "src", "benches", "examples"))]
    assert not foreign, foreign
    assert any(path.endswith("polargram/py.typed") for path in files)


def check_command() -> None:
    assert polargram("--version").split() == ["polargram", pg.__version__]
    assert (
        polargram("--help")
        == subprocess.run(
            [sys.executable, "-m", "polargram", "--help"], capture_output=True, text=True, check=True
        ).stdout
    )
    polargram("sample", "--output", "corpus", "--tokens", 300_000)
    polargram("train", "corpus", "--output", "out", "--sg", 1, "--vector-size", 48)
    lines = polargram("similar", "--vectors", "out/vectors.arrow", "monday", "--topn", 6).splitlines()
    near = {line.split("\t")[0] for line in lines}
    assert len(near & WEEKDAYS) >= 4, near


def check_training() -> None:
    model = pg.Word2Vec("corpus/*.parquet", vector_size=48, sg=1, workers=2)
    near = {word for word, _ in model.wv.most_similar("monday", topn=6)}
    assert len(near & WEEKDAYS) >= 4, near
    model.save("model")
    assert pg.Word2Vec.load("model").wv["monday"].tobytes() == model.wv["monday"].tobytes()


def check_expressions() -> None:
    wv = pg.KeyedVectors.load("out/vectors.arrow")
    frame = pl.LazyFrame({"word": ["monday", None, "no such word"], "tokens": [["monday", "friday"], [], None]})
    expressions = {
        "vector": pl.col("word").w2v.embed("out/vectors.arrow"),
        "mean": pl.col("tokens").w2v.embed("out/vectors.arrow", pooling="mean"),
    }
    for engine in ["in-memory", "streaming"]:
        found = frame.with_columns(**expressions).collect(engine=engine)
        assert found.schema["vector"] == pl.Array(pl.Float32, 48)
        assert found["vector"].to_list() == [wv["monday"].tolist(), None, None]
        assert found["mean"].is_null().to_list() == [False, True, True]


def main() -> None:
    """Run all checks, and say which."""
    for check in [check_where, check_metadata, check_command, check_training, check_expressions]:
        check()
        print(f"{check.__name__.removeprefix('check_')}: ok", flush=True)


if __name__ == "__main__":
    main()
