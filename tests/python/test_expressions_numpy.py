"""Every expression against a few lines of NumPy: dtypes, nulls, chunks, slices, literals, and both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import polargram as pg

KEYS = ["a", "b", "c", "d", "e f", "ё", ""]
COUNTS = [60, 20, 9, 5, 3, 2, 1]
SIZE = 19
TOKENS = st.one_of(st.none(), st.sampled_from([*KEYS, "unknown", "no"]))
LISTS = st.lists(st.one_of(st.none(), st.lists(TOKENS, max_size=5)), min_size=1, max_size=7)
Lists = list[list[str | None] | None]
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
POOLINGS: dict[str, Callable[[Any], Any]] = {
    "mean": lambda m: m.mean(0),
    "sum": lambda m: m.sum(0),
    "max": lambda m: m.max(0),
    "min": lambda m: m.min(0),
    "first": lambda m: m[0],
    "last": lambda m: m[-1],
}
ENGINES = pytest.mark.parametrize("engine", ["in-memory", "streaming"])


def table() -> pg.KeyedVectors:
    wv = pg.KeyedVectors(SIZE)
    wv.add_vectors(KEYS, np.random.default_rng(15).normal(size=(len(KEYS), SIZE)).astype(np.float32))
    for key, count in zip(KEYS, COUNTS, strict=True):
        wv.set_vecattr(key, "count", count)
    return wv


WV = table()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("vectors") / "v.arrow"
    WV.save(path)
    return str(path)


def known(tokens: list[str | None] | None) -> list[str]:
    return [token for token in tokens or [] if token is not None and token in WV]


def look_up(token: str, stand_in: Any) -> Any:
    return WV[token] if token in WV else stand_in  # noqa: SIM401


def assert_rows(got: pl.Series, want: list[Any], tolerance: float = 1e-5) -> None:
    rows = got.to_list()
    assert [row is None for row in rows] == [row is None for row in want]
    for row, expected in zip(rows, want, strict=True):
        assert row is None or np.allclose(row, expected, atol=tolerance), (row, expected)


def run(frame: pl.DataFrame, expr: pl.Expr, cut: int = 0, engine: str = "in-memory") -> pl.Series:
    """Run an expression, as whole and in chunks of a larger frame, and check that both are equal."""
    lazy = frame.lazy().select(x=expr)
    whole = lazy.collect(engine=engine)  # type: ignore[call-overload]
    assert lazy.collect_schema() == whole.schema
    cut = min(cut, frame.height)
    chunked = pl.concat([frame[:cut], frame[cut:], frame], rechunk=False).slice(0, frame.height)
    assert chunked.select(x=expr).equals(whole)
    assert pl.concat([frame, frame, frame]).slice(frame.height, frame.height).select(x=expr).equals(whole)
    return whole["x"]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("token", [pl.String, pl.Categorical, pl.Enum([*KEYS, "unknown", "no"])], ids=str)
@SETTINGS
@given(rows=LISTS, cut=st.integers(0, 7), normalize=st.booleans(), engine=st.sampled_from(["in-memory", "streaming"]))
def test_pooled_lists_are_those_of_numpy(
    path: str, pooling: Any, token: Any, rows: Lists, cut: int, normalize: bool, engine: str
) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String)).cast(pl.List(token))})
    want = []
    for tokens in rows:
        vector = POOLINGS[pooling](WV[known(tokens)]) if known(tokens) else None
        want.append(vector / np.linalg.norm(vector) if normalize and vector is not None else vector)
    got = run(frame, pl.col("t").w2v.embed(path, pooling=pooling, normalize=normalize), cut, engine)
    assert got.dtype == pl.Array(pl.Float32, SIZE)
    assert_rows(got, want)


@pytest.mark.parametrize("pooling", ["mean", "sum"])
@SETTINGS
@given(rows=LISTS, data=st.data(), cut=st.integers(0, 7), dtype=st.sampled_from([pl.Float32, pl.Float64, pl.Int16]))
def test_a_column_of_weights_is_that_of_numpy(
    path: str, pooling: Any, rows: Lists, data: st.DataObject, cut: int, dtype: Any
) -> None:
    weight = st.one_of(st.none(), st.integers(0, 9))
    shares = [None if tokens is None else [data.draw(weight) for _ in tokens] for tokens in rows]
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String)), "w": pl.Series(shares, dtype=pl.List(dtype))})
    want: list[Any] = []
    for tokens, own in zip(rows, shares, strict=True):
        pairs = [(t, w) for t, w in zip(tokens or [], own or [], strict=True) if w is not None and t in WV]
        total = sum(w for _, w in pairs)
        added = sum((w * WV[t] for t, w in pairs), np.zeros(SIZE, dtype=np.float32))
        if pooling == "sum":
            want.append(added if pairs else None)
        else:
            want.append(added / total if total else None)
    got = run(frame, pl.col("t").w2v.embed(path, pooling=pooling, weights=pl.col("w")), cut)
    assert_rows(got, want, 1e-4)


def frequencies() -> dict[str, float]:
    return {key: count / sum(COUNTS) for key, count in zip(KEYS, COUNTS, strict=True)}


def usif(p: float) -> float:
    words = len(KEYS)
    threshold = 1 - (1 - 1 / words) ** 11
    alpha = max(1, sum(f > threshold for f in frequencies().values())) / words
    a = (1 - alpha) / (alpha * words / 2)
    return a / (a / 2 + p)


SCHEMES: dict[str, Callable[[float], float]] = {
    "sif": lambda p: 1e-3 / (1e-3 + p),
    "usif": usif,
    "idf": lambda p: -np.log(p),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@SETTINGS
@given(rows=LISTS)
def test_weights_by_frequency_are_those_of_the_papers(path: str, scheme: str, rows: Lists) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String))})
    weight = {key: SCHEMES[scheme](p) for key, p in frequencies().items()}
    want = [np.mean([weight[t] * WV[t] for t in known(tokens)], 0) if known(tokens) else None for tokens in rows]
    assert_rows(run(frame, pl.col("t").w2v.embed(path, pooling="mean", weights=scheme)), want, 1e-4)


@SETTINGS
@given(rows=LISTS, cut=st.integers(0, 7), oov=st.sampled_from(["null", "zero", "vector"]))
def test_lists_without_pooling_become_lists_of_vectors(path: str, rows: Lists, cut: int, oov: str) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String))})
    stand_in = {"null": None, "zero": np.zeros(SIZE), "vector": np.arange(SIZE)}[oov]
    given_oov: Any = stand_in if oov == "vector" else oov
    got = run(frame, pl.col("t").w2v.embed(path, oov=given_oov), cut)
    assert got.dtype == pl.List(pl.Array(pl.Float32, SIZE))
    for tokens, vectors in zip(rows, got.to_list(), strict=True):
        assert (tokens is None) == (vectors is None)
        want = [None if t is None else look_up(t, stand_in) for t in tokens or []]
        assert_rows(pl.Series(vectors or [], dtype=pl.List(pl.Float32)), want)


@SETTINGS
@given(rows=LISTS)
def test_what_stands_for_unknown_words_counts_in_what_is_pooled(path: str, rows: Lists) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String))})
    for oov, stand_in in (("zero", np.zeros(SIZE)), (np.ones(SIZE), np.ones(SIZE))):
        want = []
        for tokens in rows:
            vectors = [look_up(t, stand_in) for t in tokens or [] if t is not None]
            want.append(np.mean(vectors, 0) if vectors else None)
        assert_rows(frame.select(pl.col("t").w2v.embed(path, pooling="mean", oov=oov)).to_series(), want)


@SETTINGS
@given(rows=LISTS, cut=st.integers(0, 7), engine=st.sampled_from(["in-memory", "streaming"]))
def test_ids_words_known_and_rates_are_those_of_a_dict(path: str, rows: Lists, cut: int, engine: str) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String))})
    ids = run(frame, pl.col("t").w2v.ids(path), cut, engine)
    assert ids.dtype == pl.List(pl.UInt32)
    number = {key: row for row, key in enumerate(WV.index_to_key)}
    assert ids.to_list() == [None if row is None else [number.get(t) for t in row] for row in rows]  # type: ignore[arg-type]
    back = run(pl.DataFrame({"i": ids}), pl.col("i").w2v.words(path), cut, engine)
    assert back.to_list() == [None if row is None else [t if t in number else None for t in row] for row in rows]
    told = run(frame, pl.col("t").w2v.known(path), cut, engine)
    assert told.to_list() == [
        None if row is None else [None if t is None else t in number for t in row] for row in rows
    ]
    rates = run(frame, pl.col("t").w2v.oov_rate(path), cut, engine)
    for row, rate in zip(rows, rates.to_list(), strict=True):
        there = [t for t in row or [] if t is not None]
        assert rate == (np.mean([t not in number for t in there]) if there else None)


@SETTINGS
@given(words=st.lists(TOKENS, min_size=1, max_size=9), cut=st.integers(0, 9))
def test_columns_of_words_are_those_of_a_dict(path: str, words: list[str | None], cut: int) -> None:
    frame = pl.DataFrame({"w": pl.Series(words, dtype=pl.String)})
    number = {key: row for row, key in enumerate(WV.index_to_key)}
    ids = run(frame, pl.col("w").w2v.ids(path), cut)
    assert ids.to_list() == [number.get(word) for word in words]  # type: ignore[arg-type]
    assert run(frame, pl.col("w").w2v.known(path), cut).to_list() == [w if w is None else w in number for w in words]
    assert_rows(run(frame, pl.col("w").w2v.embed(path), cut), [WV[w] if w in number else None for w in words], 0)
    rows = run(pl.DataFrame({"i": ids}), pl.col("i").w2v.embed(path), cut)
    assert_rows(rows, [WV[w] if w in number else None for w in words], 0)


def cosine(x: Any, y: Any) -> float:
    return float(np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y))


@SETTINGS
@given(rows=LISTS, words=st.lists(TOKENS, min_size=7, max_size=7), cut=st.integers(0, 7))
def test_similarities_are_cosines_of_words_lists_and_vectors(
    path: str, rows: Lists, words: list[str | None], cut: int
) -> None:
    words = words[: len(rows)]
    lists = pl.Series([WV[w].tolist() if w in WV else None for w in words], dtype=pl.List(pl.Float32))
    vectors = lists.cast(pl.Array(pl.Float32, SIZE))
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String)), "w": pl.Series(words, dtype=pl.String)})
    frame = frame.with_columns(v=vectors)
    mean = [WV[known(row)].mean(0) if known(row) else None for row in rows]
    want = [cosine(m, WV[w]) if m is not None and w in WV else None for m, w in zip(mean, words, strict=True)]
    for a, b in (("t", "w"), ("w", "t"), ("t", "v"), ("v", "t")):
        assert_rows(run(frame, pl.col(a).w2v.similarity(pl.col(b), path), cut), want)
    with_literal = [cosine(m, WV["b"]) if m is not None else None for m in mean]
    assert_rows(run(frame, pl.col("t").w2v.similarity(pl.lit("b"), path), cut), with_literal)
    assert_rows(run(frame, pg.similarity(pl.lit("b"), pl.col("t"), path), cut), with_literal)


@SETTINGS
@given(rows=LISTS, topn=st.integers(0, 9), engine=st.sampled_from(["in-memory", "streaming"]))
def test_neighbours_are_those_that_keyed_vectors_give(path: str, rows: Lists, topn: int, engine: str) -> None:
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=pl.List(pl.String))})
    got = run(frame, pl.col("t").w2v.most_similar(path, topn=topn), 2, engine)
    assert got.dtype == pl.List(pl.Struct({"word": pl.String, "score": pl.Float32}))
    odd = run(frame, pl.col("t").w2v.doesnt_match(path), 2, engine)
    for tokens, found, word in zip(rows, got.to_list(), odd.to_list(), strict=True):
        if not known(tokens):
            assert found is None
            assert word is None
            continue
        want = WV.most_similar(known(tokens), topn=topn) if topn else []
        assert [(pair["word"], pytest.approx(pair["score"], abs=1e-6)) for pair in found] == want
        assert word == WV.doesnt_match(known(tokens))


@ENGINES
def test_neighbours_of_words_and_vectors_are_the_same_as_of_each_alone(path: str, engine: str) -> None:
    words = [*KEYS, None, "unknown"] * 40
    frame = pl.DataFrame({"w": pl.Series(words, dtype=pl.String)})
    frame = frame.with_columns(v=pl.col("w").w2v.embed(path))
    out = frame.lazy().select(
        w=pl.col("w").w2v.most_similar(path, topn=3),
        v=pl.col("v").w2v.most_similar(path, topn=3),
        l=pl.col("v").arr.to_list().w2v.most_similar(path, topn=3),
    )
    got = out.collect(engine=engine)  # type: ignore[call-overload]
    for word, of_word, of_vector, of_list in zip(words, got["w"], got["v"], got["l"], strict=True):
        if word not in KEYS:
            assert of_word is of_vector is of_list is None
            continue
        assert [pair["word"] for pair in of_word] == [key for key, _ in WV.most_similar(word, topn=3)]
        assert [pair["word"] for pair in of_vector] == [key for key, _ in WV.similar_by_vector(WV[word], topn=3)]
        assert of_list.equals(of_vector)


def test_analogies_are_those_that_keyed_vectors_give(path: str) -> None:
    frame = pl.DataFrame({"a": ["a", "b", None, "unknown"], "b": ["b", "c", "a", "a"], "c": ["d", "a", "b", "c"]})
    got = frame.select(pl.col("a").w2v.analogy("b", "c", path, topn=2)).to_series().to_list()
    for (a, b, c), found in zip(frame.rows(), got, strict=True):
        if a not in KEYS:
            assert found is None
        else:
            want = WV.most_similar(positive=[b, c], negative=[a], topn=2)
            assert [(pair["word"], pytest.approx(pair["score"], abs=1e-6)) for pair in found] == want
    with_literals = frame.select(pg.analogy(pl.lit("a"), pl.col("b"), pl.lit("d"), path, topn=2))
    assert with_literals.height == 4


@pytest.mark.parametrize("weights", [None, "sif", "usif"])
def test_common_components_are_the_singular_vectors_and_are_taken_out(path: str, weights: Any) -> None:
    random = np.random.default_rng(1)
    rows = [[KEYS[i] for i in random.integers(0, len(KEYS), 4)] for _ in range(200)]
    frame = pl.DataFrame({"t": rows})
    before = frame.select(pl.col("t").w2v.embed(path, pooling="mean", weights=weights)).to_series().to_numpy()
    common = pg.fit_common(frame, "t", path, weights=weights)
    _, strengths, directions = np.linalg.svd(before.astype(np.float64), full_matrices=False)
    count = 5 if weights == "usif" else 1
    shares = strengths[:count] ** 2 / (strengths[:count] ** 2).sum()
    assert np.allclose(common.shares, shares, atol=1e-4)
    assert np.allclose(np.abs((common.directions * directions[:count]).sum(1)), 1, atol=1e-4)
    want = before - sum(
        share * np.outer(before @ direction, direction)
        for share, direction in zip(shares, directions[:count], strict=True)
    )
    expr = pl.col("t").w2v.embed(path, pooling="mean", weights=weights, remove_common=common)
    assert_rows(run(frame, expr, 3), list(want), 1e-4)
    again = pg.fit_common(frame["t"], vectors=WV, weights=weights, components=2)
    assert again.directions.shape == (2, SIZE)


def test_half_precision_is_a_list(path: str) -> None:
    if not hasattr(pl, "Float16"):
        pytest.skip("this Polars has no Float16")
    frame = pl.DataFrame({"t": [["a", "b"], ["unknown"], None] * 7000, "w": ["a", None, "unknown"] * 7000})
    got = frame.lazy().select(
        t=pl.col("t").w2v.embed(path, pooling="mean", dtype=pl.Float16),
        w=pl.col("w").w2v.embed(path, dtype=pl.Float16),
        l=pl.col("t").w2v.embed(path, dtype=pl.Float16),
    )
    half = pl.List(pl.Float16)
    assert got.collect_schema() == got.collect().schema == {"t": half, "w": half, "l": pl.List(half)}
    out = got.collect()
    assert_rows(out["t"][:3], [WV[["a", "b"]].mean(0), None, None], 2e-3)
    assert_rows(out["t"][-3:], [WV[["a", "b"]].mean(0), None, None], 2e-3)
    assert_rows(out["w"][:3], [WV["a"], None, None], 2e-3)
    assert_rows(out["l"].to_list()[0] and pl.Series(out["l"].to_list()[0]), [WV["a"], WV["b"]], 2e-3)


@pytest.mark.parametrize("lazy", [False, True])
def test_nearest_joins_each_row_with_the_best_of_the_others(lazy: bool) -> None:
    random = np.random.default_rng(3)
    queries = random.normal(size=(40, 8)).astype(np.float32)
    rows = random.normal(size=(300, 8)).astype(np.float32)
    left = pl.DataFrame({"q": range(40), "v": queries}).with_columns(
        v=pl.when(pl.col("q") != 3).then(pl.col("v").cast(pl.Array(pl.Float32, 8)))
    )
    right = pl.DataFrame({"q": range(300), "u": rows.tolist()})
    frames: Any = (left.lazy(), right.lazy()) if lazy else (left, right)
    joined = pg.nearest(*frames, left_on="v", right_on="u", topn=5)
    if lazy:
        schema = joined.collect_schema()
        joined = joined.collect()
        assert schema == joined.schema
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = queries / np.linalg.norm(queries, axis=1, keepdims=True) @ unit.T
    want = np.argsort(-cosines, axis=1, kind="stable")[:, :5]
    kept = [i for i in range(40) if i != 3]
    assert joined.columns == ["q", "v", "q_right", "score"]
    assert joined["q_right"].to_numpy().reshape(39, 5).tolist() == want[kept].tolist()
    assert np.allclose(joined["score"].to_numpy().reshape(39, 5), np.take_along_axis(cosines, want, 1)[kept], atol=1e-5)
    assert joined["q"].to_list() == [i for i in kept for _ in range(5)]


def test_nearest_of_frames_of_vectors_alone_gives_the_scores() -> None:
    vectors = pl.DataFrame({"v": [[1.0, 0.0], [0.0, 1.0]]})
    joined = pg.nearest(vectors, vectors, on="v", topn=1)
    assert joined.columns == ["v", "score"]
    assert joined["score"].to_list() == [1.0, 1.0]


def test_nearest_of_no_rows_is_empty_and_other_columns_are_refused_by_name() -> None:
    frame = pl.DataFrame({"v": [[1.0, 0.0]], "w": ["x"]})
    assert pg.nearest(frame.clear(), frame, on="v").shape == (0, 4)
    assert pg.nearest(frame, frame.clear(), on="v").height == 0
    for on, match in (("w", "'w' is String; expected vectors"), ("z", "'z' is not a column")):
        with pytest.raises(pl.exceptions.PolarsError, match=match):
            pg.nearest(frame, frame, on=on)
    with pytest.raises(pl.exceptions.DuplicateError, match="suffix"):
        pg.nearest(frame, frame, on="v", suffix="")
    with pytest.raises(pl.exceptions.ShapeError, match="one length"):
        pg.nearest(frame, pl.DataFrame({"v": [[1.0, 0.0], [1.0]]}), on="v")
    with pytest.raises(ValueError, match="2 dimensions, those of the other 1"):
        pg.nearest(frame, pl.DataFrame({"v": [[1.0]]}), on="v")
    with pytest.raises(TypeError, match="name the columns"):
        pg.nearest(frame, frame)


def test_series_have_the_namespace_too(path: Path) -> None:
    series = pl.Series("w", ["a", "unknown"])
    assert_rows(series.w2v.embed(path), [WV["a"], None])  # type: ignore[attr-defined]
    assert series.w2v.ids(path).to_list() == [WV.get_index("a"), None]  # type: ignore[attr-defined]
    assert series.w2v.known(path).name == "w"  # type: ignore[attr-defined]
    assert pl.Series([1, 99]).w2v.words(path).to_list() == [KEYS[1], None]  # type: ignore[attr-defined]
    lists = pl.Series([["a", "b", "unknown"]])
    assert lists.w2v.oov_rate(path).round(3).to_list() == [0.333]  # type: ignore[attr-defined]
    assert lists.w2v.doesnt_match(path).to_list() == [WV.doesnt_match(["a", "b"])]  # type: ignore[attr-defined]
    assert series.w2v.similarity(pl.lit("a"), path).is_null().to_list() == [False, True]  # type: ignore[attr-defined]
    assert series.w2v.most_similar(path, topn=2)[0].len() == 2  # type: ignore[attr-defined]
    found = series.w2v.analogy(pl.Series(["b", "b"]), pl.lit("c"), path, topn=1)  # type: ignore[attr-defined]
    assert found.list.len().to_list() == [1, None]
