"""Vectors as frames, frames as vectors."""

import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import polargram as pg

POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])


def vectors(keys=100, size=16):
    wv = pg.KeyedVectors(size)
    values = np.random.default_rng(0).normal(size=(keys, size)).astype(np.float32)
    wv.add_vectors([f"w{i}" for i in range(keys)], values, {"count": np.arange(keys, 0, -1)})
    return wv


@pytest.fixture(scope="module", params=["arrow", "npz", "safetensors", "txt"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / f"v.{request.param}"
    vectors().save(path)
    return path


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_scan_equals_the_whole_frame(path, engine):
    whole = pg.KeyedVectors.load(path).to_polars()
    scan = pg.scan_vectors(path)
    assert scan.collect_schema() == whole.schema
    wanted = pl.col("word").is_in(["w3", "w70", "nope"])
    for query in (
        lambda frame: frame,
        lambda frame: frame.select("vector", "word"),
        lambda frame: frame.filter(wanted),
        lambda frame: frame.filter(wanted).select("vector"),
        lambda frame: frame.head(7),
        lambda frame: frame.slice(5, 9).select("count"),
        lambda frame: frame.filter(pl.col("count") > 50).head(3).select("word"),
        lambda frame: frame.filter(pl.col("count") > 5000),
        lambda frame: frame.head(0),
        lambda frame: frame.tail(4),
    ):
        want = query(whole.lazy()).collect()
        got = query(scan).collect(engine=engine)
        if POLARS < (1, 32):
            # It gives the columns of any such scan in the order of the scan.
            got = got.select(want.columns)
        assert got.equals(want)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 110), st.integers(0, 110), st.integers(0, 120))
def test_any_slice_and_condition_are_those_of_the_frame(tmp_path_factory, offset, length, least):
    path = tmp_path_factory.getbasetemp() / "any.arrow"
    if not path.exists():
        vectors().save(path)
    whole = vectors().to_polars()
    scan = pg.scan_vectors(path)
    got = scan.filter(pl.col("count") >= least).slice(offset, length).collect()
    assert got.equals(whole.filter(pl.col("count") >= least).slice(offset, length))


def test_the_condition_and_the_columns_are_pushed_into_the_scan(tmp_path):
    vectors().save(tmp_path / "v.arrow")
    plan = pg.scan_vectors(tmp_path / "v.arrow").filter(pl.col("count") > 3).select("word").head(2).explain()
    assert "PYTHON SCAN" in plan
    assert "FILTER" not in plan.split("PYTHON SCAN")[0]
    assert "PROJECT" in plan
    assert "/3 COLUMNS" in plan


def test_a_missing_or_damaged_file_is_reported_by_name(tmp_path):
    with pytest.raises(OSError, match="missing.arrow"):
        pg.scan_vectors(tmp_path / "missing.arrow")
    (tmp_path / "bad.arrow").write_bytes(b"ARROW1\0\0nonsense")
    with pytest.raises(ValueError, match="bad.arrow"):
        pg.scan_vectors(tmp_path / "bad.arrow")


def test_a_plan_that_scans_travels(tmp_path):
    vectors().save(tmp_path / "v.arrow")
    plan = pg.scan_vectors(tmp_path / "v.arrow").head(2)
    assert pickle.loads(pickle.dumps(plan)).collect().height == 2


def test_a_frame_shares_the_memory_of_mapped_and_of_own_vectors(tmp_path):
    vectors().save(tmp_path / "v.arrow")
    for wv in (vectors(), pg.KeyedVectors.load(tmp_path / "v.arrow")):
        values = wv.to_polars()["vector"].reshape((-1,)).to_numpy(allow_copy=False)
        assert np.shares_memory(values, wv.vectors)


def test_a_frame_outlives_its_vectors():
    frame = vectors().to_polars()
    assert np.array_equal(frame["vector"].to_numpy(), vectors().vectors)


def test_an_empty_table_is_an_empty_frame():
    frame = pg.KeyedVectors(3).to_polars()
    assert frame.height == 0
    assert frame.schema["vector"] == pl.Array(pl.Float32, 3)


@pytest.mark.parametrize("dtype", [pl.Array(pl.Float32, 16), pl.List(pl.Float64), pl.List(pl.Float32)])
def test_frames_become_vectors_again(dtype):
    wv = vectors()
    frame = wv.to_polars().with_columns(pl.col("vector").cast(dtype))
    for made in (frame, frame.lazy(), frame.slice(0, 100).rename({"word": "key"})):
        word = "key" if "key" in made.collect_schema() else "word"
        back = pg.KeyedVectors.from_frame(made, word=word, count="count")
        assert np.array_equal(back.vectors, wv.vectors)
        assert back.index_to_key == wv.index_to_key
        assert back.get_vecattr("w1", "count") == 99


def test_integer_keys_stay_integers():
    frame = pl.DataFrame({"item": [7, 9], "v": [[1], [2]]})
    wv = pg.KeyedVectors.from_frame(frame, word="item", vector="v")
    assert wv.index_to_key == [7, 9]
    assert wv.to_polars().schema["word"] == pl.Int64


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"vector": [[1.0]]}, "no such column"),
        ({"word": ["a", "a"], "vector": [[1.0], [2.0]]}, "'a' is in more than one row"),
        ({"word": ["a", None], "vector": [[1.0], [2.0]]}, "row 1 is null"),
        ({"word": ["a", "b"], "vector": [[1.0], None]}, "row 1 is null"),
        ({"word": ["a", "b"], "vector": [[1.0], [None]]}, "is null"),
        ({"word": ["a", "b"], "vector": [[1.0], [2.0, 3.0]]}, "row 1 has another length"),
        ({"word": ["a"], "vector": [["x"]]}, "expected lists or arrays of numbers"),
        ({"word": [1.5], "vector": [[1.0]]}, "expected strings or integers"),
        ({"word": ["a"], "vector": [[]]}, "numbers|no length"),
    ],
)
def test_frames_that_are_no_vectors_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        pg.KeyedVectors.from_frame(pl.DataFrame(frame))


def test_models_train_on_lazy_frames():
    lazy = pl.LazyFrame({"text": ["the cat sat", "the dog ran"] * 30}).select(tokens=pl.col("text").str.split(" "))
    one = lazy.w2v.train(vector_size=4, workers=1, seed=3)
    other = pg.Word2Vec(vector_size=4, workers=1, seed=3)
    other.build_vocab(lazy)
    other.train(lazy, total_examples=other.corpus_count, epochs=other.epochs)
    assert np.array_equal(one.wv.vectors, other.wv.vectors)
    assert lazy.collect().w2v.train(vector_size=4, workers=1, seed=3).wv["cat"].shape == (4,)
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="words"):
        lazy.w2v.train(column="words", vector_size=4)
