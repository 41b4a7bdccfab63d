"""Datasets as others write them: directories with partitions, columns in structs, row groups with statistics."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from corpora import QUICK, counts_of, small_model
from object_store import Bucket, parquet
from runs import Command, only_line

import polargram as pg

#: The counts of what ``polargram train`` makes of a corpus, with these options.
Trained = Callable[..., dict[str, int]]


@pytest.fixture
def trained(command: Command, tmp_path: Path) -> Trained:
    def trained(corpus: object, *options: object) -> dict[str, int]:
        output = tmp_path / "out"
        run = command("train", corpus, "--output", output, *QUICK, *options)
        assert run.stderr == ""
        return counts_of(pg.KeyedVectors.load(output / "vectors.arrow"))

    return trained


#: Paths below a dataset, and the word of each file.
FILES = {
    "lang=en/day=2026-11-01/part-0.parquet": "a",
    "lang=en/day=2026-11-02/part-0.parquet": "b",
    "lang=ko/day=2026-11-02/part-0.parquet": "c",
    "lang=ko/day=__HIVE_DEFAULT_PARTITION__/part-0.parquet": "d",
    "lang=__HIVE_DEFAULT_PARTITION__/day=2026-11-03/deeper/x.parquet": "e",
    "lang=a%2Fb%20c/day=2026-11-03/part-0.parquet": "f",
}
#: Names that stand for no part of a dataset.
HIDDEN = [
    "_SUCCESS",
    "_spark/x.parquet",
    ".hidden/x.parquet",
    "lang=en/_x.parquet",
    "lang=en/day=2026-11-01/.part-0.parquet.crc",
    "lang=en/day=2026-11-01/_temporary/0/x.parquet",
    "lang=en/.x.parquet",
]
#: Conditions, and the words of the files that hold what they ask for.
CONDITIONS = [
    ("lang = 'en'", "ab"),
    ("lang = 'en' AND day >= '2026-11-02'", "b"),
    ("day > '2026-11-01' AND day < '2026-11-03'", "bc"),
    ("day = DATE '2026-11-02'", "bc"),
    ("day IN ('2026-11-01', '2026-11-03')", "aef"),
    ("day IS NULL", "d"),
    ("lang IS NULL OR day IS NULL", "de"),
    ("lang = 'a/b c'", "f"),
    ("UPPER(lang) LIKE 'K%'", "cd"),
    ("lang <> 'en'", "cdf"),
    ("lang = 'ko' AND n > 1", "cd"),
]


def rows(word: str) -> pl.DataFrame:
    return pl.DataFrame({"tokens": [[word]] * 5, "n": [1, 2, 3, 4, 5]})


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for name, word in FILES.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        rows(word).write_parquet(path)
    for name in HIDDEN:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not parquet")
    return tmp_path / "data"


def test_a_directory_is_read_with_everything_below_it_but_hidden_names(dataset: Path) -> None:
    (dataset / "lang=en" / "note.txt").write_text("no corpus")
    assert counts_of(small_model(dataset)) == dict.fromkeys("abcdef", 5)
    # What is hidden above is asked for by name.
    (dataset / "_spark" / "x.parquet").write_bytes(parquet([["z"]] * 5))
    assert counts_of(small_model(dataset / "_spark")) == {"z": 5}
    (dataset / "_spark" / "x.parquet").write_bytes(b"not parquet")


@pytest.mark.parametrize(("where", "words"), CONDITIONS)
def test_files_of_partitions_that_cannot_match_are_not_opened(
    where: str, words: str, trained: Trained, dataset: Path
) -> None:
    for name, word in FILES.items():
        if word not in words:
            (dataset / name).write_bytes(b"broken")
    times = 4 if "n >" in where else 5
    assert trained(dataset, "--where", where) == dict.fromkeys(words, times)


@pytest.mark.parametrize("where", [CONDITIONS[1][0], CONDITIONS[7][0], CONDITIONS[10][0]])
def test_prefixes_are_read_as_directories_are(
    where: str, trained: Trained, dataset: Path, bucket: Bucket, folder: str
) -> None:
    words = dict(CONDITIONS)[where]
    for name, word in FILES.items():
        # A footer that is fetched would be refused.
        bucket.put(folder + name, (dataset / name).read_bytes() if word in words else b"broken")
    for name in HIDDEN:
        bucket.put(folder + name, b"not parquet")
    options = [word for name, value in bucket.options.items() for word in ("--storage-option", f"{name}={value}")]
    local = trained(dataset, "--where", where)
    assert set(local) == set(words)
    assert trained(bucket.url(folder), "--where", where, *options) == local


#: Files, the first four of which are one dataset by the rule for directories and prefixes.
MIXED = {
    "x.parquet": "a",
    "lang=en/0": None,
    "lang=en/1.parquet": "b",
    "out.parquet/part-0.parquet": "c",
    "_hidden.parquet": "z",
    "_tmp/y.parquet": "z",
    ".git/y.parquet": "z",
    "other.arrow": "z",
    "note.txt": "z",
}


def test_a_directory_and_a_prefix_are_the_same_corpus_and_the_log_says_what_is_left_out(
    tmp_path: Path, bucket: Bucket, folder: str, caplog: pytest.LogCaptureFixture, command: Command
) -> None:
    for name, word in MIXED.items():
        content = parquet([[word]] * 5) if word else b"no ending"
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)
        bucket.put(folder + name, content)
    bucket.put(f"{folder}out.parquet/", b"")
    notes = []
    for source in (tmp_path / "data", f"file://{tmp_path}/data/", bucket.url(folder), bucket.url(folder)[:-1]):
        caplog.clear()
        with caplog.at_level("INFO", logger="polargram"):
            model = small_model(str(source), storage_options=bucket.options)
        assert counts_of(model) == {"a": 5, "b": 5, "c": 5}
        notes += [message.partition(": ")[2] for message in caplog.messages if ": reads " in message]
    said = "reads 3 files; leaves out 3 hidden (. or _): .git, _hidden.parquet, _tmp; "
    said += "3 of another format: lang=en/0, note.txt, other.arrow"
    assert notes == [said, said, *[f"{said}; 1 that only mark folders: out.parquet/"] * 2]
    done = command("train", tmp_path / "data", "--output", tmp_path / "out", "--min-count", 1, "--vector-size", 4)
    assert f"data: {said}\n" in done.stderr
    done = command("train", tmp_path / "data", "--output", tmp_path / "out", "--min-count", 1, "--quiet")
    assert done.stderr == ""


def test_the_log_says_how_many_files_are_of_other_partitions(trained: Trained, dataset: Path, command: Command) -> None:
    where = ["--where", "lang = 'en'", "--output", dataset.parent / "o", "--min-count", 1, "--vector-size", 4]
    assert "where: left out 4 of 6 files, whose partitions cannot match" in command("train", dataset, *where).stderr


def test_partition_values_are_typed_over_the_dataset_as_polars_types_them(trained: Trained, tmp_path: Path) -> None:
    values = {
        "n": ["01", "2", "-3"],
        "x": ["1", "2.5", "1e3"],
        "flag": ["true", "false", "true"],
        "day": ["2026-11-01", "2026-11-30", "2025-01-31"],
        "code": ["1", "two", "3"],
    }
    for number in range(3):
        directory = tmp_path / "data" / "/".join(f"{name}={value[number]}" for name, value in values.items())
        directory.mkdir(parents=True)
        rows("abc"[number]).write_parquet(directory / "part.parquet")
    frame = pl.scan_parquet(tmp_path / "data", hive_partitioning=True)
    types = [pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.String]
    assert [frame.collect_schema()[name] for name in values] == types
    for where in ("n > 1", "n = 1", "x < 100", "flag", "NOT flag", "code = '1' OR code = 'two'", "n + x > 4"):
        kept = frame.filter(pl.sql_expr(where)).collect()["tokens"].explode()
        assert len(kept) > 0
        assert trained(tmp_path / "data", "--where", where) == dict(kept.value_counts().iter_rows()), where
    kept = frame.filter(pl.col("day") > datetime.date(2026, 11, 1)).collect()["tokens"].explode()
    assert trained(tmp_path / "data", "--where", "day > '2026-11-01'") == dict(kept.value_counts().iter_rows())


def test_a_partition_comes_before_a_column_of_the_file(trained: Trained, tmp_path: Path) -> None:
    directory = tmp_path / "data" / "n=3"
    directory.mkdir(parents=True)
    rows("a").write_parquet(directory / "part.parquet")
    assert trained(tmp_path / "data", "--where", "n = 3") == {"a": 5}
    assert trained(tmp_path / "data", "--count-column", "n") == {"a": 15}
    # The file itself is in no partition.
    assert trained(directory / "part.parquet", "--where", "n = 3") == {"a": 1}
    # A glob's partitions start at its first wildcard.
    assert trained(f"{tmp_path}/data/*/part.parquet", "--where", "n = 3") == {"a": 5}
    assert trained(f"{directory}/*.parquet", "--where", "n = 3") == {"a": 1}


def test_text_has_the_columns_of_its_partition(trained: Trained, command: Command, tmp_path: Path) -> None:
    for lang in ("en", "ko"):
        directory = tmp_path / "data" / f"lang={lang}"
        directory.mkdir(parents=True)
        (directory / "part.txt").write_text(f"{lang} {lang}\n")
    assert trained(f"{tmp_path}/data/**/*.txt", "--where", "lang = 'ko'") == {"ko": 2}
    run = command(
        "train", f"{tmp_path}/data/**/*.txt", "--output", tmp_path / "o", "--quiet", "--where", "lang > day", code=2
    )
    assert "which has no columns" in only_line(run)


def test_a_condition_that_no_partition_fulfils_is_a_clear_error(command: Command, dataset: Path) -> None:
    run = command("train", dataset, "--output", dataset / "o", "--quiet", "--where", "lang = 'fr'", code=3)
    assert "0 distinct words" in only_line(run)
    run = command("train", dataset, "--output", dataset / "o", "--quiet", "--where", "lnag = 'fr'", code=3)
    message = only_line(run)
    assert 'no column "lnag"' in message
    assert '"lang"' in message
    run = command("train", dataset, "--output", dataset / "o", "--quiet", "--where", "day > 'tomorrow'", code=3)
    assert "where: " in only_line(run)


def test_links_in_a_directory_are_followed_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "data" / "x", tmp_path / "outside"
    for directory, word in ((inside, "a"), (outside, "b")):
        directory.mkdir(parents=True)
        rows(word).write_parquet(directory / "part.parquet")
    (inside / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "same").symlink_to(inside)
    (tmp_path / "data" / "lang=en").symlink_to(outside)
    (tmp_path / "data" / "lang=ko").symlink_to(outside)
    (outside / "back").symlink_to(tmp_path / "data")
    # A snapshot: the link leads to what is hidden where it stands.
    snapshot = tmp_path / "data" / ".snapshots" / "3"
    snapshot.mkdir(parents=True)
    rows("c").write_parquet(snapshot / "part.parquet")
    (tmp_path / "data" / "current").symlink_to(snapshot)
    assert counts_of(small_model(tmp_path / "data")) == {"a": 5, "b": 5, "c": 5}


def test_row_groups_that_statistics_rule_out_are_not_read(
    trained: Trained, command: Command, bucket: Bucket, folder: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.parquet"
    frame = pl.DataFrame(
        {
            "tokens": [[f"w{number // 100}"] for number in range(1000)],
            "id": range(1000),
            "name": [f"{number:04}" + "x" * 100 for number in range(1000)],
            "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=number // 100) for number in range(1000)],
            "kind": pl.Series(["ab"[number // 500] for number in range(1000)], dtype=pl.Categorical),
        }
    )
    frame.write_parquet(path, row_group_size=100, compression="uncompressed")
    damaged = bytearray(path.read_bytes())
    metadata = pq.read_metadata(path)
    for group in (*range(3), *range(4, 10)):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            damaged[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(damaged)
    assert "c.parquet" in only_line(command("train", path, "--output", tmp_path / "o", "--quiet", code=3))
    bucket.put(folder + "c.parquet", bytes(damaged))
    options = [word for name, value in bucket.options.items() for word in ("--storage-option", f"{name}={value}")]
    for where, count in (
        ("id >= 310 AND id < 320", 10),
        ("id IN (5000, 333)", 1),
        ("name > '0389' AND name < '0390'", 1),
        ("day = '2026-01-04'", 100),
        ("kind = 'a' AND id BETWEEN 300 AND 399", 100),
        ("NOT (id < 300 OR id > 399)", 100),
    ):
        assert trained(path, "--where", where) == {"w3": count}, where
        assert trained(bucket.url(folder + "c.parquet"), "--where", where, *options) == {"w3": count}, where


@pytest.mark.parametrize("statistics", [True, False, ["id"]])
def test_conditions_keep_what_polars_keeps_whatever_is_known(
    statistics: bool | list[str], trained: Trained, tmp_path: Path
) -> None:
    numbers = [None if number % 7 == 0 else number / 10 for number in range(200)]
    frame = pl.DataFrame(
        {
            "tokens": [[f"w{number}"] for number in range(200)],
            "id": pl.Series(range(200), dtype=pl.UInt8),
            "x": pl.Series(
                [float("nan") if number == 150 else x for number, x in enumerate(numbers)], dtype=pl.Float32
            ),
            "text": [None if number < 50 else "é" * 70 + str(number % 10) for number in range(200)],
            "kind": pl.Series([("b", "a", "c")[number % 3] for number in range(200)], dtype=pl.Categorical),
            "at": [datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=number) for number in range(200)],
        }
    )
    pq.write_table(frame.to_arrow(), tmp_path / "c.parquet", row_group_size=20, write_statistics=statistics)
    for where in (
        "id > 180",
        "id <> 5",
        "x > 19.0",
        "x = 0.1 OR x >= 18.9",
        "x < 0.5",
        "text IS NULL AND id > 40",
        "text IS NOT NULL AND id < 60",
        "text > 'é'",
        "kind > 'b'",
        "kind = 'c' AND id < 9",
        "at > TIMESTAMP '2026-01-08 12:00:00'",
        "at BETWEEN DATE '2026-01-02' AND DATE '2026-01-03'",
        "x IS NULL",
    ):
        kept = frame.filter(pl.sql_expr(where))["tokens"].explode()
        assert 0 < len(kept) < 200
        assert trained(tmp_path / "c.parquet", "--where", where) == dict.fromkeys(kept, 1), where
    assert len(trained(tmp_path / "c.parquet", "--where", "at >= '2026-01-09 00:00'")) == 8


STRUCTS = pl.DataFrame(
    {
        "session": [
            {"items": ["x", "y"], "n": 2, "deep": {"words": ["z"]}},
            None,
            {"items": None, "n": 1, "deep": None},
        ]
        * 4,
        "a.b": [["p", "q"], None, ["p"]] * 4,
        "n": [1, 1, 0] * 4,
    }
)
COLUMNS = [("session.items", {"x": 4, "y": 4}), ("session.deep.words", {"z": 4}), ("a.b", {"p": 8, "q": 4})]


@pytest.mark.parametrize(("column", "counts"), COLUMNS)
@pytest.mark.parametrize(
    "kind", ["parquet", "pyarrow", "arrow", "stream", "DataFrame", "LazyFrame", "Table", "dataset"]
)
def test_a_dot_reaches_into_structs(kind: str, column: str, counts: dict[str, int], tmp_path: Path) -> None:
    corpora: dict[str, Callable[[Path], object]] = {
        "parquet": lambda path: STRUCTS.write_parquet(path, row_group_size=5) or path,
        "pyarrow": lambda path: pq.write_table(STRUCTS.to_arrow(), path) or path,
        "arrow": lambda path: STRUCTS.write_ipc(path) or path,
        "stream": lambda path: STRUCTS.write_ipc_stream(path) or path,
        "DataFrame": lambda _: STRUCTS,
        "LazyFrame": lambda _: STRUCTS.lazy(),
        "Table": lambda _: STRUCTS.to_arrow(),
        "dataset": lambda _: pa.dataset.dataset(STRUCTS.to_arrow()),
    }
    ending = "parquet" if kind in ("parquet", "pyarrow") else "arrow"
    corpus = corpora[kind](tmp_path / f"c.{ending}")
    assert counts_of(small_model(corpus, column=column)) == counts
    # A null list counts like any other, and gives nothing.
    if column != "session.deep.words":
        counted = small_model(corpus, column=column, count_column="n")
        assert counts_of(counted) == {"session.items": {"x": 4, "y": 4}, "a.b": {"p": 4, "q": 4}}[column]
    with pytest.raises(Exception, match=r"(?i)session\.missing"):
        small_model(corpus, column="session.missing")


def test_columns_in_structs_are_read_from_stores_and_with_conditions(
    trained: Trained, bucket: Bucket, folder: str, tmp_path: Path
) -> None:
    STRUCTS.write_parquet(tmp_path / "c.parquet")
    bucket.put(folder + "c.parquet", (tmp_path / "c.parquet").read_bytes())
    options = [word for name, value in bucket.options.items() for word in ("--storage-option", f"{name}={value}")]
    for corpus, more in ((tmp_path / "c.parquet", []), (bucket.url(folder), options)):
        assert trained(corpus, "--column", "session.items", "--where", "n = 1", *more) == {"x": 4, "y": 4}
        assert trained(corpus, "--column", "session.items", "--lowercase", *more) == {"x": 4, "y": 4}


def test_a_list_of_sentences_as_strings_says_that_sentences_are_lists(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="'hello world'|\"hello world\".*list of words"):
        pg.Word2Vec(["hello world", "good morning"], min_count=1)
    with pytest.raises(ValueError, match="how are you.*list of words"):
        pg.Word2Vec(["how are you?", "good morning"], min_count=1)
    path = tmp_path / "hello world"
    path.write_bytes(parquet([["a"]] * 5))
    assert counts_of(small_model([str(path)])) == {"a": 5}
