"""Arrow from any program: the same tokens, counts and sentences, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import daft
import datafusion
import datasets
import duckdb
import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from corpora import Rows, expected, facts, outcomes_of_damage
from runs import Command

import polargram as pg

#: Some have no words, some are null, one spans many batches of several programs.
ROWS: Rows = [["a", "b", "a"], None, [], ["b", None], ["c", "c", "a"], ["a", "zoë", "日本", ""]] * 500
LISTS = pa.list_(pa.string())


def table(rows: Rows = ROWS, tokens: pa.DataType = LISTS) -> pa.Table:
    """Rows between other columns."""
    return pa.table({"n": range(len(rows)), "tokens": pa.array(rows, tokens), "other": [{"tokens": "x"}] * len(rows)})


#: Every type of lists and of tokens that pyarrow writes.
TYPES = {
    "list": LISTS,
    "large list": pa.large_list(pa.large_string()),
    "list of large": pa.list_(pa.large_string()),
    "list of views": pa.list_(pa.string_view()),
    "large list of views": pa.large_list(pa.string_view()),
    "list of dictionary": pa.list_(pa.dictionary(pa.int8(), pa.string())),
    "large list of dictionary": pa.large_list(pa.dictionary(pa.uint32(), pa.large_string())),
    "list view": pa.list_view(pa.string()),
    "large list view": pa.large_list_view(pa.large_string()),
    "list view of dictionary": pa.list_view(pa.dictionary(pa.int32(), pa.string())),
}


def of_type(rows: Rows, tokens: pa.DataType) -> pa.Array:
    """List views of dictionaries are made of their parts: pyarrow converts no list to them."""
    if tokens != TYPES["list view of dictionary"]:
        return pa.array(rows, tokens)
    plain = pa.array(rows, LISTS)
    lengths = [len(row or []) for row in rows]
    return pa.ListViewArray.from_arrays(
        np.cumsum([0, *lengths[:-1]]).astype(np.int32),
        pa.array(lengths, pa.int32()),
        plain.flatten().dictionary_encode(),
        mask=plain.is_null(),
    )


def write_ipc(
    path: Path, source: pa.Table, compression: str | None = None, rows_per_batch: int = 700, is_stream: bool = False
) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=not is_stream)
    new = pa.ipc.new_stream if is_stream else pa.ipc.new_file
    with new(path, source.schema, options=options) as file:
        file.write_table(source, max_chunksize=rows_per_batch)
    return path


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("tokens", TYPES)
def test_every_list_type_is_read_of_files_and_streams(
    tokens: str, kind: str, compression: str | None, tmp_path: Path
) -> None:
    lists = of_type(ROWS, TYPES[tokens])
    source = pa.table({"n": range(len(ROWS)), "tokens": lists})
    ending = "arrows" if kind == "stream" else "arrow"
    path = write_ipc(tmp_path / f"c.{ending}", source, compression, is_stream=kind == "stream")
    assert facts(path) == expected(ROWS)
    assert facts(source) == expected(ROWS)
    assert facts(lists) == expected(ROWS)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("token", [pl.String, pl.Categorical, pl.Enum(["a", "b", "c", "zoë", "日本", ""])], ids=str)
def test_what_polars_writes_is_read(token: pl.DataType, compression: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(len(ROWS)), "tokens": pl.Series(ROWS, dtype=pl.List(token))})
    frame.write_ipc(tmp_path / "c.arrow", compression=compression, record_batch_size=700)
    frame.write_ipc(tmp_path / "old.ipc", compression=compression, compat_level=pl.CompatLevel.oldest())
    frame.write_ipc_stream(tmp_path / "c.arrows", compression=compression)
    for name in ("c.arrow", "old.ipc", "c.arrows"):
        assert facts(tmp_path / name) == expected(ROWS), name
    assert facts(frame) == facts(frame.lazy()) == facts(frame["tokens"]) == expected(ROWS)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_feather_is_read(compression: str, tmp_path: Path) -> None:
    feather.write_feather(table(), tmp_path / "c.feather", compression=compression, chunksize=1000)
    assert facts(tmp_path / "c.feather") == expected(ROWS)


@pytest.mark.parametrize("name", ["c.feather", "c.IPC", "c.arrows", "c.arrow", "c.data", "no ending"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_file_and_a_stream_are_told_apart_by_their_bytes(name: str, is_stream: bool, tmp_path: Path) -> None:
    assert facts(write_ipc(tmp_path / name, table(), is_stream=is_stream)) == expected(ROWS)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("rows_per_batch", [1, 7, 10**6])
def test_batches_of_any_size_some_of_them_empty_or_cut_from_others_are_read(
    rows_per_batch: int, is_stream: bool, tmp_path: Path
) -> None:
    source = table(ROWS[:200])
    new = pa.ipc.new_stream if is_stream else pa.ipc.new_file
    nothing = pa.RecordBatch.from_pylist([], schema=source.schema)
    with new(tmp_path / "c.arrow", source.schema) as file:
        for start in range(0, 200, rows_per_batch):
            file.write_batch(nothing)
            for batch in source[start : start + rows_per_batch].to_batches():
                file.write_batch(batch)
        file.write_batch(nothing)
    assert facts(tmp_path / "c.arrow") == expected(ROWS[:200])


def test_a_batch_larger_than_what_is_passed_on_at_a_time_is_read_whole(tmp_path: Path) -> None:
    rows: Rows = [[f"w{number % 100}", "w"] for number in range(30_000)]
    assert facts(write_ipc(tmp_path / "c.arrow", table(rows), rows_per_batch=10**6)) == expected(rows)


@pytest.mark.parametrize("deltas", [False, True])
def test_dictionaries_that_change_or_grow_within_a_stream_are_followed(deltas: bool, tmp_path: Path) -> None:
    parts = [[["a", "b"]], [["c", "a"], None], [["d", "c", "b", "a"]], [["e"]]]
    kind = pa.list_(pa.dictionary(pa.int16(), pa.string()))
    words: list[str] = []
    with pa.ipc.new_stream(
        tmp_path / "c.arrows",
        pa.schema({"tokens": kind}),
        options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas),
    ) as stream:
        for part in parts:
            tokens = [word for row in part if row for word in row]
            words += [word for word in tokens if word not in words]
            # Without deltas the order differs each time, so that an old dictionary would give other words.
            values = words if deltas else words[::-1]
            indices = pa.array([values.index(word) for word in tokens], pa.int16())
            lengths = np.cumsum([0] + [len(row or []) for row in part])
            offsets = pa.array(
                [None if row is None else end for row, end in zip(part, lengths[:-1], strict=True)] + [lengths[-1]],
                pa.int32(),
            )
            lists = pa.ListArray.from_arrays(offsets, pa.DictionaryArray.from_arrays(indices, pa.array(values)))
            stream.write_batch(pa.record_batch([lists], schema=pa.schema({"tokens": kind})))
    assert pa.ipc.open_stream(tmp_path / "c.arrows").read_all()["tokens"].to_pylist() == sum(parts, [])
    assert facts(tmp_path / "c.arrows") == expected(sum(parts, []))


@pytest.mark.parametrize("ids", [pa.uint8(), pa.int16(), pa.uint32(), pa.int64(), pa.uint64()], ids=str)
def test_integers_are_keys(ids: pa.DataType, tmp_path: Path) -> None:
    rows = [[1, 2, 200], None, [], [2, None]]
    source = pa.table({"tokens": pa.array(rows, pa.list_(ids))})
    assert facts(source) == facts(write_ipc(tmp_path / "c.arrow", source)) == expected(rows)
    square = pa.table({"tokens": pa.array([[1, 2], [2, 3], None], pa.list_(ids, 2))})
    path = write_ipc(tmp_path / "square.arrow", square)
    assert facts(square) == facts(path) == expected([[1, 2], [2, 3], None])


def dictionary_of(values: pa.Array, keys: list[int | None]) -> pa.Array:
    """Lists of three and of no tokens, of a dictionary."""
    return pa.ListArray.from_arrays(
        pa.array([0, len(keys), len(keys)], pa.int32()),
        pa.DictionaryArray.from_arrays(pa.array(keys, pa.int8()), values),
    )


#: Columns that a writer made which saw no token, and the number of lists that are not null.
NO_TOKENS = {
    "null": (pa.nulls(3), 0),
    "null without rows": (pa.nulls(0), 0),
    "dictionary of null": (pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.nulls(1)), 0),
    "list of null": (pa.array([[], [None], None], pa.list_(pa.null())), 2),
    "large list of null": (pa.array([[], [None], None], pa.large_list(pa.null())), 2),
    "list view of null": (pa.array([[], [None], None], pa.list_view(pa.null())), 2),
    "list of dictionary of null": (dictionary_of(pa.nulls(1), [0, None, 0]), 2),
    "list of another type": (pa.array([[], None], pa.list_(pa.int32())), 1),
    # Its rows take up no bytes, so a header may announce any number of them. They do not count.
    "fixed list of null": (pa.array([[None, None], None], pa.list_(pa.null(), 2)), 0),
}
BINARY = {
    "list": pa.array([[b"a", "zoë".encode(), None], [], None], pa.list_(pa.binary())),
    "large list of large": pa.array([[b"a", "zoë".encode(), None], [], None], pa.large_list(pa.large_binary())),
    "list of views": pa.array([[b"a", "zoë".encode(), None], [], None], pa.list_(pa.binary_view())),
    "list view": pa.array([[b"a", "zoë".encode(), None], [], None], pa.list_view(pa.binary())),
    "list of a fixed size": pa.array([[b"zo\xc3\xab", b"abcd"], [], None], pa.list_(pa.binary(4))),
    "fixed list": pa.array([[b"a", "zoë".encode()], None], pa.list_(pa.binary(), 2)),
    "list of dictionary": dictionary_of(pa.array([b"a", "zoë".encode()]), [0, 1, None]),
}


def written(path: Path, source: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(source, path)
        return path
    return write_ipc(path, source, is_stream=path.suffix == ".arrows")


@pytest.mark.parametrize("name", ["c.parquet", "c.arrow", "c.arrows"])
@pytest.mark.parametrize("what", NO_TOKENS)
def test_a_column_without_values_is_no_tokens_alone_and_among_others(what: str, name: str, tmp_path: Path) -> None:
    column, lists = NO_TOKENS[what]
    source = pa.table({"n": range(len(column)), "tokens": column})
    good = table(ROWS[:6])
    words, counts, total, sentences = expected(ROWS[:6])
    want = (words, counts, total, sentences + lists)
    assert facts([source, good]) == facts([good, source]) == want
    if "dictionary of null" in what and name == "c.parquet":
        pytest.skip("pyarrow writes no such column to Parquet")
    path = written(tmp_path / name, source)
    assert facts([path, written(tmp_path / "good.parquet", good)]) == want
    for alone in (path, source, column):
        with pytest.raises(ValueError, match="0 distinct words"):
            facts(alone)


@pytest.mark.parametrize("name", ["c.parquet", "c.arrow", "c.arrows"])
@pytest.mark.parametrize("what", BINARY)
def test_bytes_are_the_strings_that_their_writer_did_not_announce(what: str, name: str, tmp_path: Path) -> None:
    rows = [row and [word and word.decode() for word in row] for row in BINARY[what].to_pylist()]
    source = pa.table({"tokens": BINARY[what]})
    path = written(tmp_path / name, source)
    assert facts(path) == facts(source) == facts(BINARY[what]) == expected(rows)


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"store_schema": False}, {"row_group_size": 1}])
def test_bytes_of_every_encoding_of_parquet_are_strings(options: dict[str, object], tmp_path: Path) -> None:
    rows = [[b"a", b"b", b"a"], [], None, ["zoë".encode()]]
    pq.write_table(pa.table({"tokens": pa.array(rows, pa.list_(pa.binary()))}), tmp_path / "c.parquet", **options)
    assert facts(tmp_path / "c.parquet") == expected([["a", "b", "a"], [], None, ["zoë"]])


@pytest.mark.parametrize("name", ["c.parquet", "c.arrow", "c.arrows"])
def test_bytes_that_are_not_utf8_are_shown_with_their_file_and_column(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, pa.table({"tokens": pa.array([[b"a"], [b"caf\xe9"]], pa.list_(pa.binary()))}))
    with pytest.raises(ValueError, match=rf'{name}.*column "tokens" is binary.*b"caf\\xe9".*not UTF-8; decode'):
        facts(path)


def test_files_of_strings_bytes_nulls_and_dictionaries_are_one_corpus(tmp_path: Path) -> None:
    columns = [pa.array([["a", "b"]]), BINARY["list"], pa.array([[], []]), pa.nulls(2), of_type([["b"]], LISTS)]
    columns += [pa.array([["b"]], TYPES["large list of dictionary"]), BINARY["list of dictionary"]]
    for number, column in enumerate(columns):
        pq.write_table(pa.table({"tokens": column}), tmp_path / f"{number}.parquet")
    words, counts, total, _ = expected([["a", "b"], ["a", "zoë"], ["b"], ["b"], ["a", "zoë"]])
    assert facts(tmp_path)[:3] == (words, counts, total)
    pq.write_table(pa.table({"tokens": [[1, 2]]}), tmp_path / "9.parquet")
    with pytest.raises(ValueError, match="all tokens of a corpus must be of one type"):
        facts(tmp_path)


def test_what_programs_make_of_no_values_is_no_tokens() -> None:
    nested = [pl.DataFrame({"s": [{"items": None}]}), pl.DataFrame({"s": [{"items": []}]})]
    array = pl.DataFrame({"tokens": pl.Series([[None, None]], dtype=pl.Array(pl.Null, 2))})
    for frames in ([pl.DataFrame({"tokens": [None, None]})], [pl.DataFrame({"tokens": [[], [None]]})], [array]):
        assert facts([*frames, pl.DataFrame({"tokens": [["a"]]})])[:3] == (["a"], [1], 1)
        assert facts(pl.concat([frames[0].lazy().cast(pl.List(pl.String)), pl.LazyFrame({"tokens": [["a"]]})]))[2] == 1
        for corpus in (frames[0], frames[0].lazy(), frames[0]["tokens"]):
            with pytest.raises(ValueError, match="0 distinct words"):
                facts(corpus)
    assert facts([*nested, pl.DataFrame({"s": [{"items": ["a"]}]})], column="s.items")[:3] == (["a"], [1], 1)
    with duckdb.connect() as connection:
        for query in ("SELECT NULL AS tokens FROM range(3)", "SELECT [] AS tokens", "SELECT [NULL] AS tokens"):
            with pytest.raises(ValueError, match="0 distinct words"):
                facts(connection.sql(query))
    for rows in ([None, None], [[], []]):
        for corpus in (datasets.Dataset.from_dict({"tokens": rows}), ds.dataset(pa.table({"tokens": rows}))):
            with pytest.raises(ValueError, match="0 distinct words"):
                facts(corpus)


def test_counts_of_a_table_without_rows_may_be_of_no_type() -> None:
    empty = [pa.table({"tokens": pa.nulls(0), "n": pa.nulls(0)}), pl.DataFrame({"tokens": [], "n": []})]
    for other in empty:
        assert facts([other, pa.table({"tokens": [["a"]], "n": [3]})], count_column="n")[1] == [3]
    with pytest.raises(ValueError, match='column "n" has a null'):
        facts(pl.DataFrame({"tokens": [["a"]], "n": [None]}), count_column="n")


IN_MEMORY: dict[str, Callable[[pa.Table], object]] = {
    "Table": lambda t: t,
    "Table in chunks": lambda t: pa.concat_tables([t[:10], t[10:10], t[10:900], t[900:]]),
    "RecordBatch": lambda t: t.combine_chunks().to_batches()[0],
    "list of RecordBatch": lambda t: t.to_batches(max_chunksize=700),
    "list of Table": lambda t: [t[:1000], t[1000:]],
    "tuple of Table, one of them missing": lambda t: (None, t[:1000], None, t[1000:]),
    "ChunkedArray": lambda t: pa.chunked_array(
        [t["tokens"].slice(0, 5).combine_chunks(), *t["tokens"].slice(5).chunks]
    ),
    "Array": lambda t: t["tokens"].combine_chunks(),
    "Array from the middle": lambda t: pa.concat_arrays([pa.array([["no"]], LISTS), t["tokens"].combine_chunks()])[1:],
    "list of Array": lambda t: [t["tokens"].combine_chunks()[:7], t["tokens"].combine_chunks()[7:]],
    "StructArray": lambda t: t.to_struct_array().combine_chunks(),
    "Dataset in memory": lambda t: ds.dataset(t),
    "Dataset in memory, batches": lambda t: ds.dataset(t.to_batches(max_chunksize=700)),
    "Scanner": lambda t: ds.dataset(t).scanner(batch_size=100),
    "Scanner of one column": lambda t: ds.dataset(t).scanner(columns=["tokens"]),
    "DataFrame": lambda t: pl.from_arrow(t),
    "DataFrame in chunks": lambda t: pl.concat([pl.from_arrow(t[:9]), pl.from_arrow(t[9:])], rechunk=False),
    "LazyFrame": lambda t: pl.from_arrow(t).lazy(),
    "Series": lambda t: pl.from_arrow(t)["tokens"],
    "list of DataFrame": lambda t: [pl.from_arrow(t[:9]), pl.from_arrow(t[9:])],
    "list of the lists of a Series": lambda t: list(pl.from_arrow(t)["tokens"]),
    "list of the lists of an Array": lambda t: list(t["tokens"]),
    "list of Arrays of strings": lambda t: [row.values for row in t["tokens"]],
}


@pytest.mark.parametrize("what", IN_MEMORY)
def test_what_is_in_memory_is_a_corpus(what: str) -> None:
    assert facts(IN_MEMORY[what](table())) == expected(ROWS)


@pytest.mark.parametrize("what", IN_MEMORY)
def test_what_is_in_memory_trains_to_the_bits_of_its_lists(what: str) -> None:
    exact = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2, "batch_words": 500}
    listed = pg.Word2Vec(ROWS, **exact).wv.vectors
    assert np.array_equal(pg.Word2Vec(IN_MEMORY[what](table()), **exact).wv.vectors, listed)


def test_a_query_of_duckdb_is_a_corpus_with_whatever_types_it_has(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "c.parquet")
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT * FROM '{tmp_path / 'c.parquet'}' WHERE n >= 0")
        assert facts(relation) == expected(ROWS)
        assert facts(relation.filter("n < 600")) == expected(ROWS[:600])
        assert facts(connection.sql(f"SELECT tokens AS words FROM '{tmp_path / 'c.parquet'}'"), column="words") == (
            expected(ROWS)
        )


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A directory of Parquet files in several row groups."""
    for number in range(3):
        pq.write_table(
            table().slice(number * 1000, 1000), tmp_path / f"{number}.parquet", row_group_size=300, use_dictionary=True
        )
    return tmp_path


def test_a_dataset_of_files_and_what_it_leaves_of_them_is_a_corpus(parts: Path) -> None:
    dataset = ds.dataset(parts)
    late, is_late = ROWS[1234:], ds.field("n") >= 1234
    assert facts(dataset) == expected(ROWS)
    assert facts(dataset.filter(is_late)) == expected(late)
    assert facts(dataset.scanner(filter=is_late)) == expected(late)
    assert facts(dataset.scanner(filter=is_late, columns=["tokens"], batch_size=10)) == expected(late)
    assert facts(dataset.scanner(columns={"words": ds.field("tokens")}), column="words") == expected(ROWS)
    joined = ds.dataset([ds.dataset(parts / "0.parquet"), ds.dataset(table()[1000:])])
    assert facts(joined) == expected(ROWS)


def test_a_dataset_of_partitions_is_a_corpus(tmp_path: Path) -> None:
    source = table().select(["n", "tokens"]).append_column("language", pa.array(["en", "fr"] * (len(ROWS) // 2)))
    ds.write_dataset(source, tmp_path / "hive", format="ipc", partitioning=["language"], partitioning_flavor="hive")
    dataset = ds.dataset(tmp_path / "hive", format="ipc", partitioning="hive")
    assert facts(dataset) == expected(ROWS)
    assert facts(dataset.filter(ds.field("language") == "fr")) == expected(ROWS[1::2])
    assert facts(str(tmp_path / "hive" / "**" / "*.arrow")) == expected(ROWS)


def test_a_scanned_query_of_polars_is_a_corpus(parts: Path) -> None:
    scan = pl.scan_parquet(parts / "*.parquet")
    assert facts(scan) == expected(ROWS)
    assert facts(scan.filter(pl.col("n") >= 1234)) == expected(ROWS[1234:])
    assert facts(scan.select(words="tokens"), column="words") == expected(ROWS)


MESSY = {"n": [1, 2], "tokens": [["a", "b"], ["b"]], "mixed": [1, "two"], "object": [object(), {3}]}


def test_of_a_frame_of_pandas_only_the_columns_that_are_asked_for_are_converted() -> None:
    assert facts(table().select(["n", "tokens"]).to_pandas()) == expected(ROWS)
    frame, want = pd.DataFrame(MESSY), expected(MESSY["tokens"])
    for corpus in (frame, [frame[:1], None, frame[1:]], frame.set_index("mixed"), frame.set_index(["mixed", "n"])):
        assert facts(corpus) == want
    twice = expected([["a", "b"], ["b"], ["b"]])
    assert facts(frame, count_column="n") == facts(frame.set_index("n"), count_column="n") == twice
    assert facts(narwhals.from_native(frame)) == want
    with pytest.raises(ValueError, match=r'no column "words"; it has \["n", "tokens", "mixed", "object"\]'):
        facts(frame, column="words")
    with pytest.raises(ValueError, match="mixed"):
        facts(frame, count_column="mixed")


@pytest.mark.parametrize(
    ("labels", "column"),
    [
        ([0, 1, 2, 3], "1"),
        (pd.MultiIndex.from_tuples([("x", "n"), ("x", "tokens"), ("y", "n"), ("y", "o")]), "('x', 'tokens')"),
        (["n", "tokens", "n", "n"], "tokens"),
        ([None, "tokens", 7, ("n",)], "tokens"),
    ],
    ids=["integers", "levels", "duplicates", "mixed"],
)
def test_columns_of_pandas_may_have_any_labels(labels: object, column: str) -> None:
    frame = pd.DataFrame(MESSY).set_axis(labels, axis=1)
    assert facts(frame, column=column) == expected(MESSY["tokens"])


def test_a_column_of_pandas_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="Duplicate column names found"):
        facts(pd.DataFrame(MESSY).set_axis(["n", "tokens", "tokens", "o"], axis=1))


@pytest.mark.parametrize(
    "tokens",
    [
        pd.Series([["a", None], ["b", np.nan], np.nan, None, pd.NA]),
        pd.Series([("a",), np.array(["b"])]),
        pd.Series([["a"], ["b"]], dtype=pd.ArrowDtype(LISTS)),
    ],
    ids=["missing", "tuples and arrays", "Arrow"],
)
def test_a_column_of_pandas_is_a_corpus_as_frame_as_series_and_as_list(tokens: pd.Series) -> None:
    for corpus in (pd.DataFrame({"tokens": tokens, "mixed": [1, "two", *[None] * 3][: len(tokens)]}), tokens):
        assert facts(corpus) == expected([["a"], ["b"]])
    assert facts(list(tokens)) == facts(tokens.tolist()) == expected([["a"], ["b"]])


def test_objects_of_python_beside_the_tokens_of_a_polars_frame_do_no_harm() -> None:
    frame = pl.DataFrame({"tokens": MESSY["tokens"], "o": pl.Series(MESSY["object"], dtype=pl.Object)})
    assert facts(frame) == facts(narwhals.from_native(frame)) == expected(MESSY["tokens"])
    with pytest.raises(ValueError, match=r'no column "words"; it has \["tokens", "o"\]'):
        facts(frame, column="words")


def test_a_frame_of_narwhals_is_a_corpus() -> None:
    assert facts(narwhals.from_native(pl.from_arrow(table()))) == expected(ROWS)
    assert facts(narwhals.from_native(table())) == expected(ROWS)


def test_a_query_of_datafusion_is_a_corpus(parts: Path) -> None:
    frame = datafusion.SessionContext().read_parquet(str(parts))
    assert facts(frame) == expected(ROWS)
    assert facts(frame.filter(datafusion.col("n") >= datafusion.lit(1234))) == expected(ROWS[1234:])


def test_a_frame_of_daft_is_a_corpus(parts: Path) -> None:
    assert facts(daft.read_parquet(str(parts))) == expected(ROWS)


def test_a_dataset_of_hugging_face_is_a_corpus(parts: Path) -> None:
    dataset = datasets.Dataset(table())
    assert facts(dataset) == expected(ROWS)
    assert facts(dataset.select(range(1234, len(ROWS)))) == expected(ROWS[1234:])
    assert facts(dataset.rename_column("tokens", "words"), column="words") == expected(ROWS)
    files = sorted(str(path) for path in parts.glob("*.parquet"))
    streamed = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
    assert facts(streamed) == expected(ROWS)


ONCE: dict[str, Callable[[], object]] = {
    "reader of a table": lambda: table().to_reader(),
    "reader of duckdb": lambda: duckdb.sql("SELECT ['a'] AS tokens").to_arrow_reader(),
    "reader of a file": lambda: pa.RecordBatchReader.from_batches(table().schema, iter(table().to_batches())),
    "reader of a dataset": lambda: ds.dataset(table()).scanner().to_reader(),
    "batches of a frame": lambda: iter(pl.from_arrow(table()).iter_slices(100)),
    "batches of a table": lambda: iter(table().to_batches()),
}


@pytest.mark.parametrize("what", ONCE)
def test_what_can_be_read_only_once_is_refused_with_the_reason_and_not_touched(what: str) -> None:
    corpus = ONCE[what]()
    with pytest.raises(TypeError, match="only once.*Pass a list"):
        facts(corpus)
    assert next(iter(corpus)) is not None


def test_a_scanner_of_what_can_be_read_only_once_fails_and_trains_on_nothing() -> None:
    scanner = ds.Scanner.from_batches(iter(table().to_batches()), schema=table().schema)
    with pytest.raises((TypeError, ValueError, OSError), match="again|once|already"):
        facts(scanner)


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        (pa.table({"words": [["a"]]}), 'no column "tokens".*"words".*column='),
        ([pa.table({"tokens": [["a"]]}), pa.table({"words": [["a"]]})], 'no column "tokens".*"words"'),
        (pa.table({"tokens": ["a b"]}), 'column "tokens" holds whole strings.*Split'),
        (pa.table({"tokens": [[1.5]]}), 'column "tokens" is a list of Float64; expected a list of strings or integers'),
        (pa.table({"tokens": [[["a"]]]}), 'column "tokens" is a list of'),
        (pa.table({"tokens": pa.array([[b"a", b"\xff"]], pa.list_(pa.binary()))}), r'"tokens" is binary.*b"\\xff"'),
        (pa.array(["a", "b"]), 'column "tokens" holds whole strings'),
        (pa.table({"tokens": pa.array([], LISTS)}), "0 distinct words"),
        (ds.dataset(pa.table({"words": [["a"]]})), "tokens"),
    ],
    ids=[
        "no column",
        "no column in the second",
        "strings",
        "floats",
        "lists of lists",
        "bytes",
        "array of strings",
        "no rows",
        "dataset",
    ],
)
def test_what_is_no_corpus_is_refused_by_column_and_type(corpus: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        facts(corpus)


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_file_whose_column_is_none_is_refused_by_name(is_stream: bool, tmp_path: Path) -> None:
    good = write_ipc(tmp_path / "1.arrow", table())
    path = write_ipc(tmp_path / "2.arrow", pa.table({"words": [["a"]]}), is_stream=is_stream)
    with pytest.raises(ValueError, match='2.arrow.*no column "tokens".*"words"'):
        facts([good, path])
    path = write_ipc(tmp_path / "3.arrow", pa.table({"tokens": [[1.5]]}), is_stream=is_stream)
    with pytest.raises(ValueError, match='3.arrow.*column "tokens" is a list of Float64'):
        facts([good, path])


SHORT: Rows = [["apple", "pear", "apple"], None, [], ["pear", None, "fig"]] * 12
DAMAGED_KINDS = {
    "file": (LISTS, None, False),
    "stream": (LISTS, None, True),
    "file, lz4": (LISTS, "lz4", False),
    "stream, zstd": (LISTS, "zstd", True),
    "file of a dictionary": (TYPES["list of dictionary"], None, False),
    "stream of a dictionary, zstd": (TYPES["list of dictionary"], "zstd", True),
    "stream of views": (TYPES["list of views"], None, True),
    "file of list views": (TYPES["list view"], None, False),
}


def short_file(kind: str, directory: Path) -> Path:
    tokens, compression, is_stream = DAMAGED_KINDS[kind]
    source = pa.table({"tokens": pa.array(SHORT, tokens)})
    return write_ipc(directory / "c.arrow", source, compression, rows_per_batch=20, is_stream=is_stream)


@pytest.mark.parametrize("kind", DAMAGED_KINDS)
def test_a_file_that_was_cut_is_never_read_as_a_shorter_one(kind: str, python: Command, tmp_path: Path) -> None:
    path = short_file(kind, tmp_path)
    size = path.stat().st_size
    words, counts, _, sentences = expected(SHORT)
    whole = ["read", [list(pair) for pair in sorted(zip(words, counts, strict=True))], sentences]
    changes = [(length, -1, 0) for length in [*range(0, size, size // 40), *range(size - 10, size + 1)]]
    *seen, last = outcomes_of_damage(python, path, changes)
    assert last == whole
    for (length, *_), outcome in zip(changes[:-1], seen, strict=True):
        assert outcome[0] == "refused", (length, outcome)
        assert "damaged.arrow" in str(outcome[1])


@pytest.mark.parametrize("kind", DAMAGED_KINDS)
def test_no_flipped_bit_does_more_than_an_error(kind: str, python: Command, tmp_path: Path) -> None:
    path = short_file(kind, tmp_path)
    size = path.stat().st_size
    changes = [(size, at, 0xFF if at % 3 == 0 else 1 << (at % 8)) for at in range(0, size, size // 120)]
    for (_, at, _), outcome in zip(changes, outcomes_of_damage(python, path, changes), strict=True):
        if outcome[0] == "refused":
            assert "damaged.arrow" in str(outcome[1]), (at, outcome)
