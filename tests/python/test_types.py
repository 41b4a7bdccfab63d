"""Type checkers see what the package has: its stubs agree with it, and users' programs pass."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from runs import Command

import polargram as pg

PACKAGE = Path(pg.__file__).parent
PROGRAM = """
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

import polargram as pg


class EpochLogger:
    def on_epoch_end(self, model: pg.Word2Vec) -> None:
        if model.epoch_losses[-1] < 0.1:
            raise pg.StopTraining


def main(directory: Path) -> None:
    model = pg.Word2Vec("corpus/*.parquet", vector_size=100, sg=1, compute_loss=True, callbacks=[EpochLogger()])
    words, raw = model.train([["a", "b"]], total_examples=1, epochs=model.epochs)
    print(words / raw, model.get_latest_training_loss() + 1.0, pg.__version__.upper())
    wv: pg.KeyedVectors = model.wv
    vector: npt.NDArray[np.float32] = wv["king"]
    several: npt.NDArray[np.float32] = wv[["king", "queen"]]
    for word, cosine in wv.most_similar(positive=["king", "woman"], negative=["man"], topn=5):
        print(word, round(cosine, 2), vector @ several.T)
    wv.add_vector("new", [0.5] * 100)
    wv["other"] = np.zeros(100)
    count: int = wv.get_vecattr("king", "count")
    wv.save(directory / "vectors.arrow")
    again: pg.KeyedVectors = pg.KeyedVectors.load(directory / "vectors.arrow", mmap="r")
    same: pg.KeyedVectors = pickle.loads(pickle.dumps(again))
    picture: pg.Picture = same.plot(["king", "queen"], neighbours=5, method="tsne", output=directory / "map.html")
    png: bytes = picture.png(scale=1)
    history: pl.DataFrame = model.training_history()
    model.plot_training().save("training.svg")
    loaded: pg.Word2Vec = pg.Word2Vec.load(directory / "model", storage_options={"aws_region": "eu-west-1"})
    frame = pl.LazyFrame({"tokens": [["king", "queen"]]})
    embedded: pl.DataFrame = frame.with_columns(
        embedding=pg.embed("tokens", wv, pooling="mean"), near=pg.most_similar("tokens", model, topn=3)
    ).collect()
    phrases = pg.Phrases([["new", "york"]], min_count=1, threshold=0.1, connector_words=pg.ENGLISH_CONNECTOR_WORDS)
    frozen: pg.FrozenPhrases = phrases.freeze()
    scores: dict[str, float] = frozen.phrasegrams
    print(count, png, history, loaded, embedded, scores, list(pg.LineSentence("corpus.txt"))[0][0].upper())


main(Path("."))
"""
#: Mistakes, and what a type checker says of each.
MISTAKES = {
    'pg.Word2Vec(vector_size="100")': "arg-type",
    "pg.Word2Vec(window_size=3)": "call-arg",
    "pg.KeyedVectors(4).plot(method='mds')": "arg-type",
    "pg.KeyedVectors(4).no_such_method()": "attr-defined",
    "pg.KeyedVectors.load(3)": "arg-type",
    "len(pg.KeyedVectors(4)['a']) + ''": "operator",
    "pg.no_such_function": "attr-defined",
    "pg.embed('tokens', 'vectors.arrow', pooling='median')": "arg-type",
}

#: What stubtest complains of, and is meant: the list of all names that PyO3 makes, aliases of literals, and
#: aliases that only type checkers see.
ALLOWED = [
    r"polargram\._polargram\.__all__",
    r"polargram\.npy\._Mode",
    r"polargram\.readers\.Utf8Errors",
    r"polargram\.expr\.Pooling",
    r"polargram\.handles\.VectorsLike",
]


@pytest.fixture(scope="module")
def check(python: Command, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """``check(program)`` type-checks a program as a user would; ``code`` is the expected exit code."""
    cache = tmp_path_factory.mktemp("mypy")

    def run(program: str, code: int = 0) -> list[str]:
        path = cache / "program.py"
        path.write_text(program, encoding="utf8")
        environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}
        done = python(
            "-m", "mypy", "--strict", "--cache-dir", cache / "cache", "--config-file", os.devnull,
            "--follow-imports", "silent", path, env=environment, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, (done.stdout, done.stderr)
        return [line for line in done.stdout.splitlines() if str(path) in line]

    return run


def test_a_usual_program_is_correct_to_a_strict_type_checker(check: Command) -> None:
    assert check(PROGRAM) == []


def test_mistakes_are_found(check: Command) -> None:
    lines = check("import polargram as pg\n" + "\n".join(MISTAKES) + "\n", code=1)
    for number, (mistake, code) in enumerate(MISTAKES.items(), start=2):
        assert any(f":{number}:" in line and f"[{code}]" in line for line in lines), (mistake, lines)


def test_the_stubs_agree_with_the_native_module(python: Command, tmp_path: Path) -> None:
    project = PACKAGE.parents[1] / "pyproject.toml"
    if not project.exists():
        pytest.skip("pyproject.toml is not where the sources are")
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("\n".join(ALLOWED), encoding="utf8")
    done = python(
        "-m", "mypy.stubtest", "polargram", "--concise", "--ignore-disjoint-bases", "--mypy-config-file", project,
        "--allowlist", allowed, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(PACKAGE.parent)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
