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


IN_MEMORY: dict[str, Callable[[pa.Table], object]] = {
    "Table": lambda t: t,
    "Table in chunks": lambda t: pa.concat_tables([t[:10], t[10:10], t[10:900], t[900:]]),
    "RecordBatch": lambda t: t.combine_chunks().to_batches()[0],
    "list of RecordBatch": lambda t: t.to_batches(max_chunksize=700),
    "list of Table": lambda t: [t[:1000], t[1000:]],
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


def test_a_frame_of_pandas_is_a_corpus() -> None:
    assert facts(table().select(["n", "tokens"]).to_pandas()) == expected(ROWS)


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
        (pa.table({"tokens": pa.array([[b"a"]], pa.list_(pa.binary()))}), 'column "tokens" is a list of Binary'),
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
