"""``embed`` in every context of Polars equals a lookup in numpy; misuse is an exception of Polars."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import polargram as pg

POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])
VECTOR = pl.Array(pl.Float32, 20)
ENGINES = pytest.mark.parametrize("engine", ["in-memory", "streaming"])
WORDS = ["king", None, "no-such-word", "queen", "king", ""]
LISTS = [["king", "queen"], None, [], ["no-such-word"], [None], ["queen", None, "no-such-word", "king", "king"]]
KNOWN = pl.Enum(["queen", "king", "no-such-word", ""])


@pytest.fixture(scope="module")
def vector(model: pg.Word2Vec) -> Callable[[str | None], list[float] | None]:
    """The vector of a word, or None: what ``embed`` must give."""
    return lambda word: model.wv[word].tolist() if word is not None and word in model.wv else None


@pytest.fixture(scope="module")
def pooled(model: pg.Word2Vec) -> Callable[[list[str | None] | None], np.ndarray | None]:
    """The mean vector of a list's known words, or None."""

    def mean(words: list[str | None] | None) -> np.ndarray | None:
        known = [word for word in words or [] if word is not None and word in model.wv]
        return model.wv[known].mean(0) if known else None

    return mean


def assert_close(got: list[list[float] | None], want: list[np.ndarray | None]) -> None:
    assert [row is None for row in got] == [row is None for row in want]
    for row, expected in zip(got, want, strict=True):
        assert row is None or row == pytest.approx(expected, abs=1e-6)


@ENGINES
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, KNOWN], ids=str)
def test_a_column_of_words_becomes_their_vectors(
    engine: str, dtype: pl.DataType, vectors_file: str, vector: Callable[..., object]
) -> None:
    frame = pl.LazyFrame({"w": pl.Series(WORDS, dtype=dtype)}).select(pl.col("w").w2v.embed(vectors_file))
    assert frame.collect_schema() == {"w": VECTOR}
    out = frame.collect(engine=engine)
    assert out.schema == {"w": VECTOR}
    assert out["w"].to_list() == [vector(word) for word in WORDS]


@ENGINES
@pytest.mark.parametrize("token", [pl.String, pl.Categorical, KNOWN], ids=str)
def test_a_column_of_lists_becomes_their_means(
    engine: str, token: pl.DataType, vectors_file: str, pooled: Callable[..., object]
) -> None:
    frame = pl.LazyFrame({"t": pl.Series(LISTS, dtype=pl.List(token))}).select(
        pl.col("t").w2v.embed(vectors_file, pooling="mean")
    )
    assert frame.collect_schema() == {"t": VECTOR}
    assert_close(frame.collect(engine=engine)["t"].to_list(), [pooled(words) for words in LISTS])


@ENGINES
@pytest.mark.parametrize("token", [pl.String, pl.Categorical, KNOWN], ids=str)
def test_a_column_of_arrays_becomes_their_means(
    engine: str, token: pl.DataType, vectors_file: str, pooled: Callable[..., object]
) -> None:
    rows = [["king", "queen"], None, ["no-such-word", "king"], [None, None], ["", "no-such-word"]]
    if token == pl.Categorical and POLARS < (1, 40):
        pytest.skip("this Polars has no arrays of categories")
    frame = pl.LazyFrame({"t": pl.Series(rows, dtype=pl.Array(token, 2))}).select(
        pl.col("t").w2v.embed(vectors_file, pooling="mean")
    )
    assert_close(frame.collect(engine=engine)["t"].to_list(), [pooled(words) for words in rows])


@ENGINES
@pytest.mark.parametrize(
    ("series", "pooling"),
    [
        (pl.Series([], dtype=pl.String), None),
        (pl.Series([], dtype=pl.Categorical), None),
        (pl.Series([], dtype=pl.List(pl.String)), "mean"),
        (pl.Series([], dtype=pl.Array(pl.String, 3)), "mean"),
        (pl.Series([None] * 3, dtype=pl.String), None),
        (pl.Series([None] * 3, dtype=pl.Categorical), None),
        (pl.Series([None] * 3, dtype=KNOWN), None),
        (pl.Series([None] * 3, dtype=pl.List(pl.String)), "mean"),
        (pl.Series([None] * 3, dtype=pl.Array(pl.String, 3)), "mean"),
        (pl.Series([[], None, [None]], dtype=pl.List(pl.Null)), "mean"),
        (pl.Series([None] * 3, dtype=pl.Null), None),
        (pl.Series([None] * 3, dtype=pl.Null), "mean"),
    ],
    ids=lambda value: f"{len(value)} {value.dtype}" if isinstance(value, pl.Series) else value,
)
def test_empty_and_all_null_columns_stay_so(
    engine: str, series: pl.Series, pooling: str | None, vectors_file: str
) -> None:
    frame = pl.LazyFrame({"x": series}).select(pl.col("x").w2v.embed(vectors_file, pooling=pooling))
    out = frame.collect(engine=engine)
    assert frame.collect_schema() == out.schema == {"x": VECTOR}
    assert out["x"].to_list() == [None] * len(series)


@ENGINES
def test_a_whole_corpus_equals_numpy(
    engine: str, sample: Path, vectors_file: str, pooled: Callable[..., object]
) -> None:
    lazy = pl.scan_parquet(sample / "*.parquet").with_columns(
        e=pl.col("tokens").w2v.embed(vectors_file, pooling="mean")
    )
    out = lazy.collect(engine=engine)
    want = [pooled(words) for words in out["tokens"].to_list()]
    assert all(mean is not None for mean in want)
    assert np.abs(out["e"].to_numpy() - np.stack(want)).max() < 1e-5


@pytest.mark.parametrize("pooling", [None, "mean"])
def test_slices_and_chunks_do_not_matter(pooling: str | None, vectors_file: str) -> None:
    whole = pl.DataFrame({"x": WORDS if pooling is None else LISTS})
    embedded = pl.col("x").w2v.embed(vectors_file, pooling=pooling)
    want = whole.select(embedded)
    for at in range(6):
        assert whole[at:].select(embedded).equals(want[at:])
        assert whole[:at].select(embedded).equals(want[:at])
        in_chunks = pl.concat([whole[:at], whole[at:], whole[2:4]], rechunk=False)
        assert in_chunks.select(embedded).equals(pl.concat([want, want[2:4]]))
    assert whole.reverse().select(embedded).equals(want.reverse())
    assert whole.gather_every(2).select(embedded).equals(want.gather_every(2))


FRAME = pl.DataFrame(
    {"g": [1, 1, 2, 2], "w": ["king", "no-such-word", "queen", "king"], "t": [["king"], ["queen", "king"], [], None]}
)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (lambda e, _: FRAME.select(e)["w"], ["king", None, "queen", "king"]),
        (lambda e, _: FRAME.filter(e.is_not_null()).select(e)["w"], ["king", "queen", "king"]),
        (lambda e, _: FRAME.lazy().filter(pl.col("g") == 2).select(e).collect()["w"], ["queen", "king"]),
        (lambda e, _: FRAME.with_columns(e.first().over("g"))["w"], ["king", "king", "queen", "queen"]),
        (lambda e, _: FRAME.with_columns(e.over("g"))["w"], ["king", None, "queen", "king"]),
        (lambda e, _: FRAME.group_by("g", maintain_order=True).agg(e)["w"].explode(), ["king", None, "queen", "king"]),
        (lambda e, _: FRAME.group_by("g", maintain_order=True).agg(e.last())["w"], [None, "king"]),
        (lambda e, _: FRAME.select(pl.when(pl.col("g") == 2).then(e)).to_series(), [None, None, "queen", "king"]),
        (lambda e, _: FRAME.select(e.reverse().head(2))["w"], ["king", "queen"]),
        (lambda e, _: FRAME.select(pl.struct(e).alias("s"))["s"].struct.field("w"), ["king", None, "queen", "king"]),
        (lambda e, _: FRAME.select(e.implode())["w"].explode(), ["king", None, "queen", "king"]),
        (lambda _, f: FRAME.select(pl.col(pl.String).w2v.embed(f))["w"], ["king", None, "queen", "king"]),
        (lambda _, f: FRAME.select(pl.col("t").list.first().w2v.embed(f))["t"], ["king", "queen", None, None]),
        (
            lambda _, f: FRAME.select(pl.col("t").list.eval(pl.element().w2v.embed(f)).list.first())["t"],
            ["king", "queen", None, None],
        ),
        (lambda _, f: FRAME.select(pg.embed("w", f))["w"], ["king", None, "queen", "king"]),
        (lambda _, f: FRAME.select(pg.embed(pl.lit("king"), f)).to_series(), ["king"]),
        (lambda _, f: FRAME.with_columns(e=pg.embed(pl.lit("king"), f))["e"], ["king"] * 4),
        (lambda _, f: FRAME.with_columns(e=pg.embed(pl.lit(["king"]), f, pooling="mean"))["e"], ["king"] * 4),
        (lambda _, f: FRAME.with_columns(e=pg.embed(pl.col("w").first(), f))["e"], ["king"] * 4),
    ],
)
def test_it_may_stand_wherever_an_expression_stands(
    query: Callable[..., pl.Series], words: list[str | None], vectors_file: str, vector: Callable[..., object]
) -> None:
    out = query(pl.col("w").w2v.embed(vectors_file), vectors_file)
    assert out.to_list() == [vector(word) for word in words]


def test_groups_of_words_can_be_pooled(vectors_file: str, pooled: Callable[..., object]) -> None:
    groups = FRAME.group_by("g", maintain_order=True).agg("w")
    out = groups.select(pl.col("w").w2v.embed(vectors_file, pooling="mean"))
    assert_close(out["w"].to_list(), [pooled(words) for words in groups["w"].to_list()])


@pytest.mark.parametrize("ending", [".arrow", ".npy", ".txt", ".bin", ".vec.gz", ".bin.gz"])
@pytest.mark.parametrize("as_path", [str, Path])
def test_vectors_of_every_format_are_looked_up(ending: str, as_path: type, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    out = FRAME.select(pl.col("w").w2v.embed(as_path(tmp_path / f"v{ending}")))
    assert out["w"].to_list()[0] == model.wv["king"].tolist()


def test_the_namespace_is_found_in_the_editor_and_only_on_expressions() -> None:
    assert isinstance(pl.col("w").w2v, pg.W2VNamespace)
    with pytest.raises(AttributeError):
        _ = FRAME.w2v


def test_a_plan_can_be_pickled_and_run_later(vectors_file: str, vector: Callable[..., object]) -> None:
    plan = pickle.dumps(FRAME.lazy().select(pl.col("w").w2v.embed(vectors_file)))
    assert pickle.loads(plan).collect()["w"].to_list()[0] == vector("king")


@pytest.mark.parametrize(
    ("column", "pooling", "said"),
    [
        (pl.Series([True]), None, 'column "x" is bool; expected strings'),
        (pl.Series([1.5]), None, 'column "x" is f64'),
        (pl.Series([b"king"]), None, 'column "x" is binary'),
        (pl.Series([{"w": "king"}]), None, 'column "x" is struct'),
        (pl.Series([[1.5]]), "mean", 'column "x" is list.f64'),
        (pl.Series([[["king"]]]), "mean", 'column "x" is list.list.str'),
        (pl.Series([[True]], dtype=pl.Array(pl.Boolean, 1)), "mean", 'column "x" is array.bool'),
        (pl.Series(["king"]), "mean", "one word a row"),
        (pl.Series([["king"]]), "median", 'pooling: "median" is unknown'),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else None,
)
@ENGINES
def test_a_column_that_has_no_words_is_an_error_of_polars_that_names_it(
    engine: str, column: pl.Series, pooling: str | None, said: str, vectors_file: str
) -> None:
    lazy = pl.LazyFrame({"x": column}).select(pl.col("x").w2v.embed(vectors_file, pooling=pooling))
    with pytest.raises(pl.exceptions.PolarsError, match=said):
        lazy.collect(engine=engine)


@pytest.mark.parametrize("name", ["missing.arrow", "directory.arrow", "garbage.arrow", "v.unknown", "missing/v.arrow"])
@pytest.mark.parametrize(
    "resolve", [lambda lazy: lazy.collect_schema(), lambda lazy: lazy.collect()], ids=["schema", "collect"]
)
def test_a_file_that_cannot_be_used_is_an_error_of_polars_that_names_it(
    resolve: Callable[..., object], name: str, here: Path
) -> None:
    (here / "directory.arrow").mkdir()
    (here / "garbage.arrow").write_text("no vectors at all, but long enough for a trailer")
    (here / "v.unknown").write_text("to be\nor not to be\n")
    with pytest.raises(pl.exceptions.PolarsError, match=name):
        resolve(FRAME.lazy().select(pl.col("w").w2v.embed(name)))


@pytest.mark.parametrize("path", [None, 3, ["v.arrow"]], ids=repr)
def test_a_path_that_is_no_path_is_a_type_error_at_once(path: object) -> None:
    with pytest.raises(TypeError):
        pl.col("w").w2v.embed(path)


def test_a_missing_column_is_the_error_that_polars_raises(vectors_file: str) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        FRAME.select(pl.col("absent").w2v.embed(vectors_file))


@pytest.mark.parametrize("pooling", [1, True, ["mean"]], ids=repr)
def test_a_pooling_that_is_not_text_is_refused_at_once(pooling: object, vectors_file: str) -> None:
    with pytest.raises(TypeError, match=r'pooling: expected "mean" or None, not '):
        pg.embed("l", vectors_file, pooling=pooling)  # type: ignore[arg-type]


def test_vectors_in_the_place_of_their_file_are_refused_with_what_to_do(model: pg.Word2Vec) -> None:
    with pytest.raises(TypeError, match=r"path: expected a file of vectors.*save them first"):
        pl.col("w").w2v.embed(model.wv)  # type: ignore[arg-type]


ROWS = st.none() | st.lists(st.none() | st.sampled_from(["queen", "king", "no-such-word"]), max_size=3)


@pytest.mark.parametrize("token", [pl.String, pl.Categorical, KNOWN], ids=str)
@settings(deadline=None)
@given(chunks=st.lists(st.lists(ROWS, max_size=3), min_size=1, max_size=4))
@example(chunks=[[[]], [[]]])
def test_chunks_without_values_keep_their_rows_and_their_order(
    token: pl.DataType, chunks: list[list[list[str | None] | None]], vectors_file: str, pooled: Callable[..., object]
) -> None:
    if token == pl.Categorical and POLARS < (1, 32):
        pytest.skip("this Polars itself loses lists of categories, or ends the process")
    frames = [pl.DataFrame({"t": rows}, schema={"t": pl.List(pl.String)}).cast(pl.List(token)) for rows in chunks]
    frame = pl.concat(frames, rechunk=False)
    out = frame.select(pl.col("t").w2v.embed(vectors_file, pooling="mean"))
    assert_close(out["t"].to_list(), [pooled(row) for rows in chunks for row in rows])


@pytest.mark.parametrize("start", range(7))
def test_slices_of_arrays_with_nulls_are_read_from_their_own_start(start: int, vectors_file: str) -> None:
    rows = [["king", "queen"], None, ["no-such-word", "king"], None, None, ["queen", "queen"], ["king", "king"]]
    arrays = pl.DataFrame({"t": pl.Series(rows, dtype=pl.Array(pl.String, 2))})
    lists = arrays.select(pl.col("t").arr.to_list())
    embedded = pl.col("t").w2v.embed(vectors_file, pooling="mean")
    for end in range(start, 8):
        assert arrays[start:end].select(embedded).equals(lists[start:end].select(embedded))
