"""Expressions in SQL, groups and windows; vectors in memory; plans that travel; misuse that never ends the process."""

from __future__ import annotations

import gc
import json
import pickle
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from object_store import Bucket, set_environment

import polargram as pg

ENGINES = pytest.mark.parametrize("engine", ["in-memory", "streaming"])
FRAME = pl.DataFrame(
    {"g": [1, 1, 2, 2], "w": ["king", "no-such-word", "queen", "king"], "t": [["king"], ["queen", "king"], [], None]}
)
PLAIN = (
    lambda v: pl.col("t").w2v.embed(v, pooling="mean"),
    lambda v: pl.col("t").w2v.embed(v),
    lambda v: pl.col("w").w2v.embed(v, oov="zero"),
    lambda v: pl.col("t").w2v.ids(v),
    lambda v: pl.col("w").w2v.ids(v).w2v.words(v),
    lambda v: pl.col("w").w2v.known(v),
    lambda v: pl.col("t").w2v.oov_rate(v),
    lambda v: pl.col("t").w2v.similarity(pl.col("w"), v),
    lambda v: pl.col("w").w2v.most_similar(v, topn=2),
    lambda v: pl.col("w").w2v.analogy(pl.lit("king"), pl.lit("queen"), v, topn=2),
    lambda v: pl.col("t").w2v.doesnt_match(v),
)
EXPRESSIONS = pytest.mark.parametrize("make", PLAIN, ids=range(len(PLAIN)))
Make = Callable[[Any], pl.Expr]


def collect(lazy: pl.LazyFrame, engine: str) -> pl.DataFrame:
    return lazy.collect(engine=engine)  # type: ignore[call-overload, no-any-return]


@ENGINES
@EXPRESSIONS
def test_every_expression_stands_in_windows_groups_filters_and_sql(make: Make, engine: str, vectors_file: str) -> None:
    expr = make(vectors_file).alias("x")
    want = FRAME.select(expr)
    lazy = FRAME.lazy()
    assert collect(lazy.select(expr.over("g")), engine).equals(want)
    assert collect(lazy.with_columns(expr).select("x"), engine).equals(want)
    assert collect(lazy.filter(pl.col("g") == 2).select(expr), engine).equals(want[2:])
    assert collect(lazy.with_columns(expr).filter(pl.col("x").is_not_null()).select("x"), engine).equals(
        want.drop_nulls()
    )
    grouped = collect(lazy.group_by("g", maintain_order=True).agg(expr), engine)
    assert grouped["x"].list.len().to_list() == [2, 2]
    for group, start in ((0, 0), (1, 2)):
        assert grouped["x"][group].equals(want["x"][start : start + 2])
    with pl.SQLContext(t=lazy.with_columns(expr), eager=True) as sql:
        assert sql.execute("SELECT x FROM t WHERE g = 2").equals(want[2:])
        assert sql.execute("SELECT g, FIRST(x) AS x FROM t GROUP BY g ORDER BY g")["x"].equals(
            want["x"].gather([0, 2]), check_names=False
        )


@EXPRESSIONS
def test_every_expression_keeps_the_type_of_no_rows_and_of_nulls(make: Make, vectors_file: str) -> None:
    expr = make(vectors_file).alias("x")
    schema = FRAME.select(expr).schema
    assert FRAME.clear().select(expr).schema == schema
    assert FRAME.lazy().select(expr).collect_schema() == schema
    nulls = FRAME.with_columns(w=pl.lit(None, dtype=pl.String), t=pl.lit(None, dtype=pl.List(pl.String)))
    out = nulls.select(expr)
    assert out.schema == schema
    assert out["x"].null_count() == 4


@EXPRESSIONS
def test_every_expression_takes_columns_without_a_type(make: Make, vectors_file: str) -> None:
    bare = pl.DataFrame({"w": [None, None], "t": [None, None]})
    lazy = bare.lazy().select(make(vectors_file).alias("x"))
    out = lazy.collect()
    assert out.schema == lazy.collect_schema()
    assert out["x"].to_list() == [None, None]


@EXPRESSIONS
def test_vectors_in_memory_and_a_model_are_looked_up_as_their_file_is(
    make: Make, model: pg.Word2Vec, vectors_file: str
) -> None:
    want = FRAME.select(make(vectors_file))
    for vectors in (model, model.wv, Path(vectors_file), f"file://{vectors_file}", pg.KeyedVectors.load(vectors_file)):
        assert FRAME.select(make(vectors)).equals(want)


@EXPRESSIONS
def test_every_plan_with_a_path_runs_in_another_process(
    make: Make, vectors_file: str, python: Any, tmp_path: Path
) -> None:
    lazy = FRAME.lazy().select(make(vectors_file).alias("x"))
    (tmp_path / "plan").write_bytes(pickle.dumps(lazy))
    code = "import pickle, sys, polargram; pickle.load(open(sys.argv[1], 'rb')).collect().write_parquet(sys.argv[2])"
    done = python("-c", code, tmp_path / "plan", tmp_path / "out.parquet")
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / "out.parquet").equals(lazy.collect())


def small() -> pg.KeyedVectors:
    wv = pg.KeyedVectors(2)
    wv.add_vectors(["a", "b"], np.float32([[1, 2], [3, 4]]))
    return wv


def test_vectors_without_a_name_live_as_long_as_a_query_is_written() -> None:
    lazy = pl.LazyFrame({"w": ["b"]}).select(pl.col("w").w2v.embed(small()))
    gc.collect()
    assert lazy.collect().item().to_list() == [3, 4]


def test_changes_of_vectors_in_memory_are_seen_when_a_plan_runs() -> None:
    wv = small()
    lazy = pl.LazyFrame({"w": ["b", "c"]}).select(pl.col("w").w2v.embed(wv).arr.to_list())
    wv["b"] = np.float32([5, 6])
    wv.add_vector("c", np.float32([7, 8]))
    assert lazy.collect()["w"].to_list() == [[5, 6], [7, 8]]


def test_vectors_that_are_gone_are_an_error_that_says_so() -> None:
    wv = small()
    lazy = pl.LazyFrame({"w": ["b"]}).select(pl.col("w").w2v.embed(wv))
    del wv
    gc.collect()
    pg.registry.clear()
    with pytest.raises(pl.exceptions.PolarsError, match="are gone; keep a reference to them"):
        lazy.collect()


def test_a_plan_with_vectors_in_memory_says_in_another_process_what_to_do(python: Any, tmp_path: Path) -> None:
    wv = small()
    (tmp_path / "plan").write_bytes(pickle.dumps(pl.LazyFrame({"w": ["b"]}).select(pl.col("w").w2v.embed(wv))))
    code = "import pickle, sys, polargram; pickle.load(open(sys.argv[1], 'rb')).collect()"
    done = python("-c", code, tmp_path / "plan")
    assert done.returncode == 1
    assert "memory of another process; save them to a file, wv.save(path)" in done.stderr


def test_a_plan_with_vectors_of_a_mapped_file_takes_the_path_along(
    vectors_file: str, python: Any, tmp_path: Path
) -> None:
    mapped = pg.KeyedVectors.load(vectors_file)
    lazy = pl.LazyFrame({"w": ["king"]}).select(pl.col("w").w2v.embed(mapped).is_null())
    (tmp_path / "plan").write_bytes(pickle.dumps(lazy))
    code = "import pickle, sys, polargram; print(pickle.load(open(sys.argv[1], 'rb')).collect().item())"
    assert python("-c", code, tmp_path / "plan").stdout.strip() == "False"


def test_the_registry_lists_files_and_vectors_and_lets_them_go(tmp_path: Path) -> None:
    wv = small()
    wv.save(tmp_path / "v.arrow")
    frame = pl.DataFrame({"w": ["a"]})
    frame.select(x=pl.col("w").w2v.embed(tmp_path / "v.arrow"), y=pl.col("w").w2v.embed(wv))
    entries = pg.registry.list()
    (of_file,) = [entry for entry in entries if entry.path == (tmp_path / "v.arrow").resolve()]
    assert of_file[1:] == (2, 2, True)
    assert any(entry == (None, 2, 2, False) for entry in entries)
    assert pg.registry.clear() >= 1
    assert not any(entry.path for entry in pg.registry.list())
    assert any(entry == (None, 2, 2, False) for entry in pg.registry.list())
    assert frame.select(pl.col("w").w2v.embed(wv)).item().to_list() == [1, 2]


def test_many_threads_may_look_up_at_once(vectors_file: str, model: pg.Word2Vec) -> None:
    frame = pl.DataFrame({"t": [["king", "queen"]] * 3000})
    want = model.wv[["king", "queen"]].mean(0)
    faults: list[object] = []

    def look_up(vectors: Any) -> None:
        for _ in range(5):
            out = frame.select(pl.col("t").w2v.embed(vectors, pooling="mean", weights=None)).to_series()
            if not np.allclose(out.to_numpy(), want, atol=1e-5):
                faults.append(out)

    threads = [threading.Thread(target=look_up, args=(v,)) for v in (vectors_file, model, model.wv, vectors_file)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_file_in_a_store_is_opened_once_and_a_new_one_is_noticed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, bucket.options)
    url = f"s3://{bucket.name}/registry/v.arrow"
    small().save(url)
    query = pl.LazyFrame({"w": ["a", "c"]}).select(pl.col("w").w2v.embed(url).arr.to_list())
    assert query.collect()["w"].to_list() == [[1, 2], None]
    assert url in [entry.path for entry in pg.registry.list()]
    wv = small()
    wv.add_vector("c", np.float32([7, 8]))
    wv.save(url)
    pg.registry.clear()
    assert query.collect()["w"].to_list() == [[1, 2], [7, 8]]
    with pytest.raises(pl.exceptions.PolarsError, match="absent.arrow"):
        pl.LazyFrame({"w": ["a"]}).select(
            pl.col("w").w2v.embed(f"s3://{bucket.name}/registry/absent.arrow")
        ).collect_schema()


MISUSE = {
    "pl.col('w').w2v.embed(V, oov='never')": 'oov: "never" is unknown',
    "pl.col('w').w2v.embed(V, oov=[1.0])": "a vector of 1 values; those of",
    "pl.col('l').w2v.embed(V, pooling='max', weights='sif')": "weights: they need pooling",
    "pl.col('l').w2v.embed(V, weights='idf')": "weights: they need pooling",
    "pl.col('l').w2v.embed(V, pooling='mean', weights=pl.col('n'))": 'column "n" is bool; expected lists of numbers',
    "pl.col('l').w2v.embed(V, pooling='mean', weights=pl.col('l'))": "expected lists of numbers",
    "pl.col('l').w2v.embed(V, pooling='mean', weights=pl.col('short'))": "a list of 2 tokens has 1 weights",
    "pl.col('l').w2v.embed(V, pooling='mean', remove_common=C)": "remove_common: these components",
    "pl.col('w').w2v.embed(V, oov='error')": 'the key "zzz" is not in',
    "pl.col('l').w2v.embed(V, pooling='mean', oov='error')": 'the key "zzz" is not in',
    "pl.col('w').w2v.words(V)": "expected row numbers",
    "pl.col('w').w2v.oov_rate(V)": "expected lists of tokens",
    "pl.col('w').w2v.doesnt_match(V)": "expected lists of words",
    "pl.col('n').w2v.known(V)": 'column "n" is bool',
    "pl.col('n').w2v.ids(V)": 'column "n" is bool',
    "pl.col('n').w2v.most_similar(V)": 'column "n" is bool',
    "pl.col('w').w2v.similarity(pl.col('n'), V)": 'column "n" is bool',
    "pl.col('w').w2v.similarity(pl.lit(pl.Series([[1.0]])), V)": "a vector of 1 values",
    "pl.col('a').w2v.most_similar(V)": "vectors of 1 dimensions",
    "pl.col('w').w2v.analogy(pl.col('l'), pl.col('w'), V)": "expected words, one a row",
    "pl.col('w').w2v.similarity(pl.lit(pl.Series(['he'] * 3)), V)": "",
    "pl.col('w').w2v.most_similar(V, topn=-1)": "topn: expected a whole number",
    "pl.col('w').w2v.embed(3)": "vectors: expected a path",
    "pl.col('w').w2v.embed(V, dtype=pl.Int8)": "dtype: expected pl.Float32",
    "pl.col('w').w2v.embed(polargram.KeyedVectors(0))": "vector_size: 0 is not a number",
}


def test_misuse_raises_and_never_ends_the_process(vectors_file: str, python: Any) -> None:
    code = """
import json, sys, numpy as np, polars as pl, polargram
V, C = sys.argv[1], polargram.CommonComponents(np.ones((1, 3)), np.ones(1))
df = pl.DataFrame({'n': [True, False], 'w': ['king', 'zzz'], 'l': [['king'], ['queen', 'zzz']], 'short': [[1.0]] * 2})
df = df.with_columns(a=pl.Series([[1.0], [2.0]], dtype=pl.Array(pl.Float32, 1)))
said = {}
for text in json.loads(sys.argv[2]):
    for run in (df.select, lambda expr: df.lazy().select(expr).collect(engine='streaming')):
        try:
            run(eval(text))
            said.setdefault(text, []).append('nothing')
        except Exception as error:
            said.setdefault(text, []).append(f'{type(error).__name__}: {error}')
print(json.dumps(said))
"""
    done: subprocess.CompletedProcess[str] = python("-c", code, vectors_file, json.dumps(list(MISUSE)))
    assert done.returncode == 0, done.stderr
    assert "panicked" not in done.stderr
    said = json.loads(done.stdout)
    for text, expected in MISUSE.items():
        for message in said[text]:
            assert message != "nothing", text
            assert "panic" not in message.lower(), text
            assert expected in message, (text, message)
