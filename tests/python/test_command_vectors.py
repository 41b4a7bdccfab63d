"""The commands that look at vectors: analogy, evaluate, info, convert, vocab."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from runs import Command, only_line

import polargram as pg


def test_an_analogy_is_answered_as_in_python(command: Command, model: pg.Word2Vec, vectors_file: str) -> None:
    for method, find in [("sum", model.wv.most_similar), ("cosmul", model.wv.most_similar_cosmul)]:
        want = find(positive=["king", "woman"], negative=["man"], topn=7)
        done = command("analogy", "--vectors", vectors_file, "man", "king", "woman", "--topn", 7, "--method", method)
        found = [line.split("\t") for line in done.stdout.splitlines()]
        assert [word for word, _ in found] == [word for word, _ in want]
        assert [float(score) for _, score in found] == pytest.approx([score for _, score in want], abs=1e-4)


def test_a_directory_with_vectors_and_standard_input_stand_for_them(
    command: Command, model: pg.Word2Vec, vectors_file: str, tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    want = command("similar", "--vectors", vectors_file, "king").stdout
    assert command("similar", "--vectors", tmp_path / "model", "king").stdout == want
    piped = subprocess.Popen(["cat", vectors_file], stdout=subprocess.PIPE)
    assert command("similar", "--vectors", "-", "king", stdin=piped.stdout).stdout == want
    piped.wait()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    lines = [
        "# two words and a number",
        "king\tqueen\t8.5",
        "monday\ttuesday\t9",
        "king\tmonday\t1",
        "king\tnothing\t0",
    ]
    path.write_text("\n".join([*lines, "MAN\tWoman\t8", "not a pair"]) + "\n")
    return path


def test_scores_are_those_of_python(
    command: Command, model: pg.Word2Vec, vectors_file: str, sample: Path, pairs: Path
) -> None:
    options = ["--analogies", sample / "questions.txt", "--pairs", pairs]
    found = json.loads(command("evaluate", "--vectors", vectors_file, *options, "--json").stdout)
    accuracy, sections = model.wv.evaluate_word_analogies(sample / "questions.txt")
    (analogies,), (judged,) = found["analogies"], found["pairs"]
    assert analogies["accuracy"] == accuracy
    assert [section["correct"] for section in analogies["sections"]] == [
        len(section["correct"]) for section in sections[:-1]
    ]
    pearson, spearman, unknown = model.wv.evaluate_word_pairs(pairs)
    assert judged["pearson"] == pytest.approx(pearson._asdict())
    assert judged["spearman"] == pytest.approx(spearman._asdict())
    assert 100 * judged["unknown"] / judged["pairs"] == unknown
    table = command("evaluate", "--vectors", vectors_file, *options).stdout
    assert f"{100 * accuracy:.1f} %" in table
    assert "Spearman: pairs.tsv" in table


def test_options_of_an_evaluation_are_those_of_python(
    command: Command, model: pg.Word2Vec, vectors_file: str, sample: Path, pairs: Path, tmp_path: Path
) -> None:
    (tmp_path / "questions.txt.gz").write_bytes(gzip.compress((sample / "questions.txt").read_bytes()))
    options = ["--restrict-vocab", 700, "--case-sensitive", "--unknown-is-wrong", "--json"]
    files = ["--analogies", tmp_path / "questions.txt.gz", "--pairs", pairs]
    found = json.loads(command("evaluate", "--vectors", vectors_file, *files, *options).stdout)
    rules = {"restrict_vocab": 700, "case_insensitive": False, "dummy4unknown": True}
    assert found["analogies"][0]["accuracy"] == model.wv.evaluate_word_analogies(sample / "questions.txt", **rules)[0]
    want = model.wv.evaluate_word_pairs(pairs, **rules)[1]
    assert found["pairs"][0]["spearman"]["statistic"] == pytest.approx(want.statistic)


def test_info_tells_shape_counts_parameters_and_what_is_wrong(
    command: Command, model: pg.Word2Vec, vectors_file: str, tmp_path: Path
) -> None:
    found = json.loads(command("info", vectors_file, "--json").stdout)
    assert (found["words"], found["vector_size"], found["format"]) == (len(model.wv), 20, "arrow")
    assert found["parameters"]["sg"] is True
    assert found["bytes"] == Path(vectors_file).stat().st_size
    assert found["checks"]["not_finite"] == found["checks"]["zeros"] == 0
    text = command("info", vectors_file).stdout
    assert "sg=true vector_size=20" in text
    wv = pg.KeyedVectors(2)
    wv.add_vectors(["a", "b", "c"], np.array([[np.nan, 1], [0, 0], [3, 4]], dtype=np.float32))
    wv.save(tmp_path / "bad.txt")
    checks = json.loads(command("info", tmp_path / "bad.txt", "--json").stdout)["checks"]
    assert (checks["not_finite"], checks["zeros"], checks["lengths"]["longest"]) == (1, 1, 5.0)


def test_info_knows_models_checkpoints_and_bundles(
    command: Command, model: pg.Word2Vec, sample: Path, tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    pg.Bundle.save(tmp_path / "bundle", {"matrix": np.zeros((2, 3)), "name": "x"})
    fast = ["--epochs", 1, "--vector-size", 8, "--quiet"]
    command("train", sample, "--output", tmp_path, "--checkpoint", tmp_path / "checkpoint", *fast)
    names = [tmp_path / name for name in ("model", "checkpoint", "bundle")]
    saved, checkpoint, bundle = map(json.loads, command("info", *names, "--json").stdout.splitlines())
    assert (saved["kind"], saved["family"], saved["words"]) == ("model", "word2vec", len(model.wv))
    assert (checkpoint["kind"], checkpoint["position"]) == ("checkpoint", {"epoch": 1, "batch": 0})
    assert bundle["entries"] == {"matrix": "array <f8 [2, 3]", "name": "value"}
    assert "checkpoint" in command("info", *names).stdout


@pytest.mark.parametrize("ending", ["arrow", "npy", "txt", "bin", "parquet", "npz", "safetensors", "txt.gz"])
def test_every_format_becomes_every_other(
    command: Command, model: pg.Word2Vec, vectors_file: str, ending: str, tmp_path: Path
) -> None:
    command("convert", vectors_file, tmp_path / f"v.{ending}")
    command("convert", tmp_path / f"v.{ending}", tmp_path / "back.arrow")
    back = pg.KeyedVectors.load(tmp_path / "back.arrow")
    assert back.index_to_key == model.wv.index_to_key
    assert np.array_equal(back.vectors, model.wv.vectors)


def test_a_conversion_takes_names_limits_half_precision_and_streams(
    command: Command, model: pg.Word2Vec, vectors_file: str, tmp_path: Path
) -> None:
    command("convert", vectors_file, tmp_path / "v.data", "--format", "txt", "--limit", 3)
    assert (tmp_path / "v.data").read_text().startswith("3 20\n")
    command("convert", vectors_file, tmp_path / "half.npz", "--half")
    command("convert", vectors_file, tmp_path / "whole.npz")
    assert (tmp_path / "half.npz").stat().st_size < 0.8 * (tmp_path / "whole.npz").stat().st_size
    printed = command("convert", vectors_file, "-", "--format", "txt", "--limit", 3).stdout
    assert printed == (tmp_path / "v.data").read_text()
    piped = subprocess.Popen(["cat", tmp_path / "v.data"], stdout=subprocess.PIPE)
    command("convert", "-", tmp_path / "back.arrow", stdin=piped.stdout)
    piped.wait()
    assert pg.KeyedVectors.load(tmp_path / "back.arrow").index_to_key == model.wv.index_to_key[:3]
    message = only_line(command("convert", vectors_file, "-", "--format", "npy", code=2))
    assert "two files" in message


def test_a_column_of_others_is_taken_by_name(command: Command, tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [7, 9], "a": [[1.0, 2.0], [3.0, 4.0]], "b": [[0.0, 1.0], [1.0, 0.0]]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert "vector_column" in only_line(command("convert", tmp_path / "t.parquet", tmp_path / "v.txt", code=3))
    command("convert", tmp_path / "t.parquet", tmp_path / "v.txt", "--vector-column", "b")
    assert (tmp_path / "v.txt").read_text() == "2 2\n7 0 1\n9 1 0\n"


@pytest.mark.parametrize("name", ["v.parquet", "v.arrow", "v.tsv", "v.txt.gz"])
def test_counts_are_those_of_a_model(
    command: Command, model: pg.Word2Vec, sample: Path, name: str, tmp_path: Path
) -> None:
    done = command("vocab", sample, "--output", tmp_path / name, "--min-count", 5)
    assert "2,762 of 2,919 distinct words" in done.stderr
    assert done.stdout == ""
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    if name == "v.parquet":
        found = pl.read_parquet(tmp_path / name)
    elif name == "v.arrow":
        found = pl.read_ipc(tmp_path / name)
    else:
        found = pl.read_csv(tmp_path / name, separator="\t", has_header=False, new_columns=["word", "count"])
    assert found.columns == ["word", "count"]
    assert found["word"].to_list() == model.wv.index_to_key
    assert found["count"].to_list() == counts


def test_integers_are_counted_as_such(command: Command, tmp_path: Path) -> None:
    pl.DataFrame({"tokens": [[7, 9], [9]]}).write_parquet(tmp_path / "c.parquet")
    command("vocab", tmp_path / "c.parquet", "--output", tmp_path / "v.parquet", "--quiet")
    found = pl.read_parquet(tmp_path / "v.parquet")
    assert found.rows() == [(9, 2), (7, 1)]
    assert found.schema == {"word": pl.Int64, "count": pl.UInt64}
