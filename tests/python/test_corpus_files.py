"""Parquet written by any program, and the paths, directories and globs that name it."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import counts_in, counts_of, small_model
from runs import Command

import polargram as pg

ROWS = [["a", "b", "a"], None, [], ["b", None], ["c", "c", "a"], ["a", "zoë", "日本"]] * 50


def write(path: Path, *words: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"tokens": [list(words)] * 5}).write_parquet(path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": True},
        {"use_dictionary": False},
        {"use_dictionary": True, "dictionary_pagesize_limit": 1},
        {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"},
        {"use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY"},
        {"row_group_size": 7},
        {"row_group_size": 7, "use_dictionary": False},
        {"data_page_version": "2.0"},
        {"data_page_size": 16, "write_batch_size": 4},
        {"store_schema": False},
        {"version": "1.0", "write_statistics": False},
        *({"compression": codec} for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli")),
    ],
    ids=str,
)
def test_every_way_in_which_pyarrow_writes_a_column_is_read(options: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"tokens": pa.array(ROWS)}), path, **options)
    assert counts_of(small_model(path)) == counts_in(ROWS)


def test_pages_that_fall_back_from_dictionary_to_plain_within_a_row_group_are_read(tmp_path: Path) -> None:
    rows = [[f"word-{i}", f"word-{i % 7}"] for i in range(3000)]
    path = tmp_path / "c.parquet"
    table = pa.table({"tokens": rows})
    pq.write_table(table, path, dictionary_pagesize_limit=2000, data_page_size=1000, write_batch_size=64)
    encodings = pq.ParquetFile(path).metadata.row_group(0).column(0).encodings
    assert {"RLE_DICTIONARY", "PLAIN"} <= set(encodings)
    assert counts_of(small_model(path)) == counts_in(rows)


@pytest.mark.parametrize("token", [pl.String, pl.Categorical, pl.Enum(["a", "b", "c", "zoë", "日本"])], ids=str)
@pytest.mark.parametrize("row_group_size", [None, 11])
def test_what_polars_writes_is_read(token: pl.DataType, row_group_size: int | None, tmp_path: Path) -> None:
    frame = pl.DataFrame({"tokens": pl.Series(ROWS, dtype=pl.List(token))})
    frame.write_parquet(tmp_path / "c.parquet", row_group_size=row_group_size)
    assert counts_of(small_model(tmp_path / "c.parquet")) == counts_in(ROWS)


@pytest.mark.parametrize("options", ["", ", ROW_GROUP_SIZE 2048, COMPRESSION zstd", ", PARQUET_VERSION v2"])
def test_what_duckdb_writes_is_read(options: str, tmp_path: Path) -> None:
    source = pa.table({"tokens": pa.array(ROWS * 20, pa.list_(pa.string()))})
    with duckdb.connect() as connection:
        connection.register("source", source)
        connection.sql(
            f"COPY (SELECT 1 AS id, tokens FROM source) TO '{tmp_path / 'c.parquet'}' (FORMAT parquet{options})"
        )
    assert counts_of(small_model(tmp_path / "c.parquet")) == counts_in(ROWS * 20)


def test_the_column_is_found_among_nested_ones_of_the_same_field_names(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    nested = [{"tokens": ["x", "y"], "n": 1}] * 2
    pq.write_table(
        pa.table({"s": nested, "m": pa.array([{"k": "v"}] * 2), "tokens": [["a"], ["b"]], "z": [["q"], []]}), path
    )
    assert counts_of(small_model(path)) == {"a": 1, "b": 1}


def test_a_file_without_rows_or_row_groups_adds_nothing(tmp_path: Path) -> None:
    pl.DataFrame(schema={"tokens": pl.List(pl.String)}).write_parquet(tmp_path / "empty.parquet")
    assert counts_of(small_model([write(tmp_path / "full.parquet", "a"), tmp_path / "empty.parquet"])) == {"a": 5}


def test_files_may_hold_the_column_in_different_layouts(tmp_path: Path) -> None:
    write(tmp_path / "1.parquet", "a")
    pq.write_table(pa.table({"tokens": pa.array([["a"]], pa.large_list(pa.large_string()))}), tmp_path / "2.parquet")
    pl.DataFrame({"x": [1], "tokens": pl.Series([["a"]], dtype=pl.List(pl.Categorical))}).write_parquet(
        tmp_path / "3.parquet"
    )
    assert counts_of(small_model(tmp_path)) == {"a": 7}


def test_a_directory_is_its_parquet_files_sorted_by_name(tmp_path: Path) -> None:
    files = [
        write(tmp_path / name, *words)
        for name, words in (("b10.parquet", "ab"), ("b2.parquet", "bc"), ("a.parquet", "ca"))
    ]
    (tmp_path / "notes.txt").write_text("no corpus")
    (tmp_path / "part.parquet.crc").write_text("no corpus")

    def vectors(corpus: object) -> np.ndarray:
        return pg.Word2Vec(corpus, vector_size=4, min_count=1, epochs=1, workers=1, sample=0).wv.vectors

    assert np.array_equal(vectors(str(tmp_path)), vectors(sorted(files)))
    assert np.array_equal(vectors(str(tmp_path) + "/"), vectors(sorted(files)))
    assert not np.array_equal(vectors(str(tmp_path)), vectors(sorted(files, reverse=True)))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (".", "abc"),
        ("*.parquet", "a"),
        ("*/*.parquet", "b"),
        ("**/*.parquet", "abc"),
        ("sub/**/*.parquet", "bc"),
        ("s?b/*.parquet", "b"),
        ("[a-z]ub/[!x].parquet", "b"),
    ],
)
def test_directories_and_two_stars_descend_into_subdirectories(pattern: str, words: str, here: Path) -> None:
    write(here / "a.parquet", "a")
    write(here / "sub" / "b.parquet", "b")
    write(here / "sub" / "sub" / "c.parquet", "c")
    (here / "sub" / "b.txt").write_text("no corpus")
    assert set(counts_of(small_model(pattern))) == set(words)


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "[ab]",
        "a*b?",
        "ünï-日本",
        "{x,y}",
        "it's",
        'say "hi"',
        "-dash",
        "%20",
        "#1",
        "new\nline",
        "back\\slash",
    ],
)
def test_a_name_is_taken_as_it_stands_before_it_is_a_pattern(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name / f"{name}.parquet", "a")
    write(tmp_path / "a" / "a.parquet", "wrong")
    for source in (path, str(path), path.parent, [str(path)]):
        assert counts_of(small_model(source)) == {"a": 5}


def test_a_file_whose_name_is_not_utf8_is_read_or_refused_but_never_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", "a")
    try:
        os.rename(write(tmp_path / "b.parquet", "b"), os.fsencode(tmp_path) + b"/\xff.parquet")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    try:
        counts = counts_of(small_model(tmp_path))
    except (ValueError, OSError):
        return
    assert counts == {"a": 5, "b": 5}


def test_paths_and_strings_may_be_mixed_in_a_list_and_repeated(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.parquet", "a"), write(tmp_path / "d" / "b.parquet", "b")
    assert counts_of(small_model([a, str(b.parent), str(a), f"{tmp_path}/d/*"])) == {"a": 10, "b": 10}


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("missing.parquet", FileNotFoundError, "missing.parquet"),
        ("missing/*.parquet", ValueError, "no file matches missing/"),
        ("empty", ValueError, "empty.*no \\*.parquet or"),
        ("text.parquet", ValueError, "text.parquet.*not a readable Parquet"),
        ("zero.parquet", ValueError, "zero.parquet.*not a readable Parquet"),
        ("cut.parquet", ValueError, "cut.parquet.*not a readable Parquet"),
        ("a[", ValueError, "a\\[.*glob"),
    ],
)
def test_a_path_that_gives_no_corpus_is_named(source: str, kind: type[Exception], said: str, here: Path) -> None:
    (here / "empty").mkdir()
    (here / "text.parquet").write_text("to be or not to be")
    (here / "zero.parquet").write_bytes(b"")
    (here / "cut.parquet").write_bytes(write(here / "whole" / "a.parquet", "a").read_bytes()[:-20])
    with pytest.raises(kind, match=said):
        small_model(source)
    with pytest.raises(kind, match=said):
        small_model(["whole/a.parquet", source])


@pytest.mark.parametrize("options", [None, {"aws_region": "eu-central-1"}], ids=str)
@pytest.mark.parametrize("as_list", [False, True])
def test_a_file_may_be_given_by_its_url(options: dict[str, str] | None, as_list: bool, tmp_path: Path) -> None:
    urls = [write(tmp_path / f"{word}.parquet", word).as_uri() for word in "ab"]
    assert all(url.startswith("file:///") for url in urls)
    model = pg.Word2Vec(vector_size=4, min_count=1, storage_options=options)
    model.build_vocab(urls if as_list else urls[0])
    assert model.wv.index_to_key == (["a", "b"] if as_list else ["a"])
    assert model.train(urls, total_examples=10, epochs=1)[1] == 10


def test_a_damaged_page_is_an_error_that_names_file_row_group_and_column(tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"tokens": ROWS}), path, row_group_size=100, compression="none")
    content = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    with pytest.raises(ValueError, match='damaged.parquet, row group 1.*"tokens"'):
        small_model(path)


#: Trains on a corpus of very many parts, with few files open at a time, in its own process in case it crashes.
MANY_PARTS = """
import resource, sys
import polargram as pg
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
model = pg.Word2Vec(sys.argv[1], vector_size=2, negative=1, epochs=1)
print(model.corpus_count, model.corpus_total_words)
"""


@pytest.mark.parametrize("parts", ["files", "row groups"])
def test_a_corpus_may_have_thousands_of_parts(parts: str, sample: Path, python: Command, tmp_path: Path) -> None:
    if parts == "files":
        frame = pl.read_parquet(sample / "part-0.parquet").head(300)
        frame.write_parquet(tmp_path / "0.parquet")
        for number in range(1, 1500):
            (tmp_path / f"{number}.parquet").symlink_to(tmp_path / "0.parquet")
        rows = 1500 * frame["tokens"].list.len()
    else:
        frame = pl.read_parquet(sample / "*.parquet")
        frame.write_parquet(tmp_path / "c.parquet", row_group_size=10)
        rows = frame["tokens"].list.len()
    done = python("-c", MANY_PARTS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) == rows.sum()


def test_real_text_is_counted_exactly(real_data: Path) -> None:
    path = real_data / "enwiki-tokens" / "part-0.parquet"
    tokens = pl.read_parquet(path)["tokens"].explode().drop_nulls()
    want = tokens.value_counts().filter(pl.col("count") >= 5).sort(["count", "tokens"], descending=[True, False])
    wv = pg.Word2Vec(path, vector_size=1, negative=1, window=1, epochs=1, sample=1e-9).wv
    assert wv.index_to_key == want["tokens"].to_list()
    assert [wv.get_vecattr(row, "count") for row in range(len(wv))] == want["count"].to_list()
