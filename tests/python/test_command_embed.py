"""``polargram embed``: tables of Parquet and Arrow get a column of vectors, the same as the expression gives."""

from __future__ import annotations

import datetime
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from object_store import SLOW_AND_IMPATIENT, Bucket, Proxy, answers, drops_midway, is_reading, through, words
from runs import Command, Job, only_line

import polargram as pg

SIZE = 6


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "v.arrow"
    sentences = [["the", "cat", "sat"], ["the", "dog", "ran"], ["The", "the"]] * 20
    pg.Word2Vec(sentences, vector_size=SIZE, min_count=1, workers=1).wv.save(path)
    return path


@pytest.fixture(scope="module")
def item_vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "items.arrow"
    pg.Word2Vec([[7, 9, 11], [9, 2**40]] * 20, vector_size=SIZE, min_count=1, workers=1).wv.save(path)
    return path


#: Everything that may stand beside the tokens.
TABLE = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "tokens": [["the", "cat"], ["dog", "unknown"], [], None, [None, "ran"], ["unknown"]],
        "text": ["The cat", "dog \t ran", "", None, "x-sat", "the"],
        "word": ["cat", "unknown", None, "dog", "the", "sat"],
        "weight": [[1.0, 2.0], [0.5, 1.0], [], None, [1.0, None], [2.0]],
        "nested": [{"tokens": ["cat"]}, None, {"tokens": None}, {"tokens": []}, {"tokens": ["dog"]}, {"tokens": ["x"]}],
        "items": [[7, 9], [11], [], None, [None, 7], [5]],
        "when": [datetime.datetime(2026, 11, n + 1, tzinfo=datetime.timezone.utc) for n in range(6)],
        "price": [Decimal("1.50"), None, Decimal("-3.25"), Decimal(0), Decimal(7), Decimal(8)],
        "bytes": [b"", b"\xff", None, b"a", b"b", b"c"],
    },
    schema_overrides={"items": pl.List(pl.Int64), "price": pl.Decimal(12, 2)},
).with_columns(
    kind=pl.col("word").cast(pl.Categorical),
    categories=pl.col("tokens").cast(pl.List(pl.Categorical)),
    level=pl.Series(["low", "high", "low", None, "high", "low"], dtype=pl.Enum(["low", "high"])),
)


@pytest.fixture
def table(here: Path) -> Path:
    TABLE.write_parquet(here / "t.parquet")
    return here / "t.parquet"


def embedded(command: Command, source: Path, vectors: Path, *options: object) -> pl.Series:
    """The column that the command adds."""
    output = source.parent / "out.parquet"
    command("embed", source, "--vectors", vectors, "--output", output, *options)
    return pl.read_parquet(output)["embedding"]


def assert_same(found: pl.Series, expected: pl.Series) -> None:
    assert found.dtype == expected.dtype
    assert found.is_null().to_list() == expected.is_null().to_list()
    assert found.equals(expected, check_names=False)


# The same as the expression, whatever the options

POOLINGS = ["mean", "sum", "max", "min", "first", "last"]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("oov", ["null", "zero"])
def test_lists_are_pooled_as_by_the_expression(
    command: Command, table: Path, vectors: Path, pooling: str, normalise: bool, oov: str
) -> None:
    flags = ["--normalise"] if normalise else []
    found = embedded(command, table, vectors, "--pooling", pooling, "--oov", oov, *flags)
    want = pl.col("tokens").w2v.embed(vectors, pooling=pooling, normalize=normalise, oov=oov)
    assert_same(found, TABLE.select(want)["tokens"])
    assert found.dtype == pl.Array(pl.Float32, SIZE)


@pytest.mark.parametrize("pooling", ["mean", "sum"])
@pytest.mark.parametrize("weights", ["sif", "usif", "idf", "weight"])
def test_words_are_weighed_as_by_the_expression(
    command: Command, table: Path, vectors: Path, pooling: str, weights: str
) -> None:
    found = embedded(command, table, vectors, "--pooling", pooling, "--weights", weights)
    want = pl.col("tokens").w2v.embed(vectors, pooling=pooling, weights=weights)
    assert_same(found, TABLE.select(want)["tokens"])


@pytest.mark.parametrize("column", ["tokens", "word", "kind", "level"])
def test_without_pooling_each_word_has_its_vector(command: Command, table: Path, vectors: Path, column: str) -> None:
    found = embedded(command, table, vectors, "--column", column, "--pooling", "none")
    assert_same(found, TABLE.select(pl.col(column).w2v.embed(vectors))[column])


def test_half_precision_is_that_of_the_expression(command: Command, table: Path, vectors: Path) -> None:
    if not hasattr(pl, "Float16"):
        pytest.skip("this Polars has no Float16")
    output = table.parent / "out.arrow"
    command("embed", table, "--vectors", vectors, "--output", output, "--half")
    want = TABLE.select(pl.col("tokens").w2v.embed(vectors, pooling="mean", dtype=pl.Float16))["tokens"]
    assert_same(pl.read_ipc(output, memory_map=False)["embedding"], want)


def test_strings_are_split_and_lowercased_first(command: Command, table: Path, vectors: Path) -> None:
    text = pl.col("text")
    pieces = {
        "whitespace": text.str.extract_all(r"\S+"),
        r"regex:[\s-]+": text.str.replace_all(r"[\s-]+", " ").str.split(" "),
    }
    for split, tokens in pieces.items():
        for flags, cased in (([], tokens), (["--lowercase"], tokens.list.eval(pl.element().str.to_lowercase()))):
            found = embedded(command, table, vectors, "--column", "text", "--split", split, *flags)
            want = cased.list.eval(pl.element().filter(pl.element() != "")).w2v.embed(vectors, pooling="mean")
            assert_same(found, TABLE.select(text=want)["text"])


def test_tokens_may_be_integers_categories_and_in_a_struct(
    command: Command, table: Path, vectors: Path, item_vectors: Path
) -> None:
    for column, tokens, file in [
        ("items", pl.col("items"), item_vectors),
        ("items", pl.col("items"), vectors),
        ("categories", pl.col("categories"), vectors),
        ("nested.tokens", pl.col("nested").struct.field("tokens"), vectors),
    ]:
        found = embedded(command, table, file, "--column", column)
        assert_same(found, TABLE.select(e=tokens.w2v.embed(file, pooling="mean"))["e"])


def test_a_column_whose_name_is_a_pattern_of_polars_is_that_column(command: Command, here: Path, vectors: Path) -> None:
    for name in ("^.*$", "*", "a.b"):
        frame = pl.DataFrame({"id": [1], name: [["cat"]]})
        frame.write_parquet("p.parquet")
        found = embedded(command, here / "p.parquet", vectors, "--column", name)
        assert found[0].to_list() == pytest.approx(pg.KeyedVectors.load(vectors)["cat"].tolist())


# Tables of all kinds, and all of their columns


def write_stream(frame: pl.DataFrame, path: Path) -> None:
    frame.write_ipc_stream(path)


TABLES: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "t.parquet": lambda frame, path: frame.write_parquet(path, row_group_size=2),
    "uncompressed.parquet": lambda frame, path: frame.write_parquet(path, compression="uncompressed"),
    "t.arrow": lambda frame, path: frame.write_ipc(path),
    "lz4.feather": lambda frame, path: frame.write_ipc(path, compression="lz4"),
    "zstd.arrow": lambda frame, path: frame.write_ipc(path, compression="zstd"),
    "t.arrows": write_stream,
    "pyarrow.parquet": lambda frame, path: pq.write_table(frame.to_arrow(), path),
    "without-ending": lambda frame, path: frame.write_parquet(path),
}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("name", TABLES)
def test_all_columns_stay_in_every_format(command: Command, here: Path, vectors: Path, name: str, ending: str) -> None:
    TABLES[name](TABLE, here / name)
    command("embed", name, "--vectors", vectors, "-o", f"out.{ending}", "--as", "vector of tokens")
    read = pl.read_parquet if ending == "parquet" else pl.read_ipc
    found = read(f"out.{ending}")
    assert found.columns == [*TABLE.columns, "vector of tokens"]
    # Arrow has no categories, which each batch may have others of.
    plain = {"kind": pl.String, "level": pl.String, "categories": pl.List(pl.String)}
    assert found.drop("vector of tokens").cast(plain).equals(TABLE.cast(plain))
    different = {n: (found.schema[n], t) for n, t in TABLE.schema.items() if found.schema[n] != t and n not in plain}
    assert not different
    want = TABLE.select(pl.col("tokens").w2v.embed(vectors, pooling="mean"))["tokens"]
    assert_same(found["vector of tokens"], want)


def test_dictionaries_that_change_from_batch_to_batch_are_written(command: Command, here: Path, vectors: Path) -> None:
    batches = [
        pa.record_batch({"tokens": pa.array([[word]] * 3), "tag": pa.array([tag] * 3).dictionary_encode()})
        for word, tag in (("cat", "x"), ("dog", "y"), ("ran", "z"))
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    Path("t.arrows").write_bytes(sink.getvalue().to_pybytes())
    for output, read in (("o.parquet", pl.read_parquet), ("o.arrow", pl.read_ipc)):
        command("embed", "t.arrows", "--vectors", vectors, "-o", output)
        assert read(output)["tag"].cast(pl.String).to_list() == list("xxxyyyzzz")
        assert read(output)["embedding"].null_count() == 0


def test_tables_of_no_rows_get_an_empty_column(command: Command, here: Path, vectors: Path) -> None:
    TABLE.clear().write_parquet("t.parquet")
    TABLE.clear().write_ipc("t.arrow")
    for name in ("t.parquet", "t.arrow"):
        done = command("embed", name, "--vectors", vectors, "-o", "out.parquet")
        assert "0 rows of 1 file in" in done.stderr
        found = pl.read_parquet("out.parquet")
        assert found.height == 0
        assert found.schema["embedding"] == pl.Array(pl.Float32, SIZE)


def test_many_rows_keep_their_order(command: Command, here: Path, vectors: Path) -> None:
    choices = np.array(["the", "cat", "dog", "unknown"])
    drawn = choices[np.random.default_rng(1).integers(0, 4, (50_000, 3))]
    frame = pl.DataFrame({"id": range(50_000), "tokens": drawn.tolist()})
    frame.write_parquet("t.parquet", row_group_size=7000)
    found = embedded(command, here / "t.parquet", vectors, "--quiet")
    assert_same(found, frame.select(pl.col("tokens").w2v.embed(vectors, pooling="mean"))["tokens"])
    assert pl.read_parquet("out.parquet")["id"].to_list() == list(range(50_000))


def test_vectors_are_stored_plain_and_what_parquet_tells_of_a_file_stays(
    command: Command, here: Path, vectors: Path
) -> None:
    kept = pa.table({"tokens": [["cat"]]}).replace_schema_metadata({"made by": "a test"})
    pq.write_table(kept, "t.parquet")
    command("embed", "t.parquet", "--vectors", vectors, "-o", "out.parquet")
    assert pq.read_schema("out.parquet").metadata[b"made by"] == b"a test"
    column = pq.read_metadata("out.parquet").row_group(0).column(1)
    assert column.compression == "UNCOMPRESSED"
    assert "RLE_DICTIONARY" not in column.encodings


# Several files, directories and streams


def test_files_globs_and_a_directory_are_one_table(command: Command, here: Path, vectors: Path) -> None:
    Path("in/deeper").mkdir(parents=True)
    parts = {"in/a.parquet": TABLE[:2], "in/b.parquet": TABLE[2:3], "in/deeper/c.parquet": TABLE[3:]}
    for name, part in parts.items():
        part.write_parquet(name)
    Path("in/notes.txt").write_text("no table")
    Path("in/_SUCCESS").touch()
    want = TABLE.select("id", e=pl.col("tokens").w2v.embed(vectors, pooling="mean"))
    for sources in (["in"], ["in/**/*.parquet"], [*parts], ["in/a.parquet", "in/b.parquet", "in/deeper"]):
        command("embed", *sources, "--vectors", vectors, "-o", "out.parquet")
        found = pl.read_parquet("out.parquet")
        assert found["id"].to_list() == want["id"].to_list()
        assert_same(found["embedding"], want["e"])


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_partitions_become_columns(command: Command, here: Path, vectors: Path, ending: str) -> None:
    frame = pl.DataFrame(
        {
            "day": [datetime.date(2026, 11, 1)] * 2 + [datetime.date(2026, 11, 2)],
            "n": [1, 2, 2],
            "lang": ["en", "__HIVE_DEFAULT_PARTITION__", "d e"],
            "tokens": [["cat"], ["dog"], ["the", "ran"]],
        }
    )
    for day, n, lang, tokens in frame.iter_rows():
        directory = Path(f"in/day={day}/n={n}/lang={lang}")
        directory.mkdir(parents=True)
        # The file's own column stays as it is.
        pl.DataFrame({"tokens": [tokens], "n": [10 * n]}).write_parquet(directory / "part-0.parquet")
    command("embed", "in", "--vectors", vectors, "-o", f"out.{ending}")
    found = (pl.read_parquet if ending == "parquet" else pl.read_ipc)(f"out.{ending}")
    assert found.columns == ["tokens", "n", "day", "lang", "embedding"]
    assert found["day"].to_list() == frame["day"].to_list()
    assert found["n"].to_list() == [10, 20, 20]
    assert found["lang"].to_list() == ["en", None, "d e"]
    want = frame.select(pl.col("tokens").w2v.embed(vectors, pooling="mean"))["tokens"]
    assert_same(found["embedding"], want)
    # Of one partition alone nothing is known but its rows.
    command("embed", "in/day=2026-11-02/n=2/lang=d e", "--vectors", vectors, "-o", f"one.{ending}")
    one = (pl.read_parquet if ending == "parquet" else pl.read_ipc)(f"one.{ending}")
    assert one.columns == ["tokens", "n", "embedding"]


def test_tables_pass_through_standard_streams(command: Command, here: Path, vectors: Path) -> None:
    for name, write in (("t.parquet", TABLE.write_parquet), ("t.arrow", TABLE.write_ipc)):
        write(name)
        want = TABLE.select(pl.col("tokens").w2v.embed(vectors, pooling="mean"))["tokens"]
        for options, read in (([], pl.read_ipc), (["--format", "parquet"], pl.read_parquet)):
            piped = subprocess.Popen(["cat", name], stdout=subprocess.PIPE)
            out = command("embed", "-", "--vectors", vectors, "-o", "-", *options, stdin=piped.stdout, text=False)
            piped.wait()
            assert_same(read(io.BytesIO(out.stdout))["embedding"], want)
            assert b"6 rows of 1 file" in out.stderr


def test_vectors_come_from_a_stream_too(command: Command, table: Path, vectors: Path) -> None:
    command("embed", table, "--vectors", vectors, "-o", "want.parquet")
    piped = subprocess.Popen(["cat", vectors], stdout=subprocess.PIPE)
    command("embed", table, "--vectors", "-", "-o", "found.parquet", stdin=piped.stdout)
    piped.wait()
    assert Path("found.parquet").read_bytes() == Path("want.parquet").read_bytes()


def test_standard_input_is_read_by_one(command: Command, table: Path, vectors: Path) -> None:
    for words_of in (["-", "-", "--vectors", vectors], ["-", "--vectors", "-"]):
        with table.open() as file:
            message = only_line(command("embed", *words_of, "-o", "out.parquet", code=2, stdin=file))
        assert "standard input can be read only once" in message
    assert not Path("out.parquet").exists()


def test_a_reader_of_the_output_may_have_seen_enough(table: Path, vectors: Path) -> None:
    words_of = [sys.executable, "-m", "polargram", "embed", table, "--vectors", vectors, "-o", "-", "-q"]
    job = subprocess.Popen(words_of, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdout.close()
    assert (job.stderr.read(), job.wait()) == (b"", 0)
    job.stderr.close()


def test_vectors_of_every_format_and_a_directory_of_them_serve(
    command: Command, table: Path, vectors: Path, tmp_path: Path
) -> None:
    wv = pg.KeyedVectors.load(vectors)
    want = embedded(command, table, vectors)
    Path("model").mkdir()
    for name in ("v.npy", "v.txt", "v.bin", "v.npz", "v.parquet", "v.safetensors", "model/vectors.arrow"):
        wv.save(name)
        found = embedded(command, table, Path("model" if "/" in name else name))
        assert np.allclose(found.drop_nulls().to_numpy(), want.drop_nulls().to_numpy(), atol=1e-6), name


def test_messages_are_for_people_or_machines(command: Command, table: Path, vectors: Path) -> None:
    done = command("embed", table, "--vectors", vectors, "-o", "out.parquet")
    assert done.stdout == ""
    assert "embedded    6 rows of 1 file in" in done.stderr
    quiet = command("embed", table, "--vectors", vectors, "-o", "out.parquet", "--quiet")
    assert quiet.stderr == quiet.stdout == ""
    done = command("embed", table, "--vectors", vectors, "-o", "out.parquet", "--log-format", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all("phase" in line or "message" in line for line in lines)
    assert any("6 rows of 1 file" in line.get("message", "") for line in lines)
    failed = command("embed", "none", "--vectors", vectors, "-o", "out.parquet", "--log-format", "json", code=3)
    assert json.loads(failed.stderr.splitlines()[-1])["level"] == "error"


# What is refused, and with which code


WRONG = {
    "no such column": (["--column", "words"], 3, ['there is no column "words"', '"tokens"', "--column"]),
    "no such field": (["--column", "nested.x"], 3, ['"nested.x"']),
    "dates": (["--column", "when"], 3, ['column "when" is datetime', "expected strings or integers"]),
    "decimals": (["--column", "price"], 3, ['column "price" is decimal']),
    "one word a row": (["--column", "word"], 3, ['column "word" has one word a row', "pooling none"]),
    "split of numbers": (["--column", "id", "--split", "whitespace"], 3, ['column "id" is Int64', "strings"]),
    "text of integer keys": (["--column", "tokens", "--items"], 3, ['column "tokens"', "integers"]),
    "no such weights": (["--weights", "heavy"], 3, ['there is no column "heavy"']),
    "weights of another type": (["--weights", "id"], 3, ['column "id" is i64', "lists of numbers"]),
    "weights of a maximum": (["--weights", "sif", "--pooling", "max"], 2, ["weights", "mean or sum"]),
    "weights without pooling": (["--weights", "weight", "--pooling", "none"], 2, ["weights", "mean or sum"]),
    "unknown words": (["--oov", "error"], 3, ['the key "unknown" is not in the vectors']),
    "name that is there": (["--as", "id"], 2, ['a column "id" already', "another name"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_one_line_that_names_it(
    command: Command, table: Path, vectors: Path, item_vectors: Path, what: str
) -> None:
    options, code, needles = WRONG[what]
    file = item_vectors if "--items" in options else vectors
    options = [option for option in options if option != "--items"]
    message = only_line(command("embed", table, "--vectors", file, "-o", "out.parquet", "-q", *options, code=code))
    assert [needle for needle in needles if needle not in message] == []
    if code == 3:
        assert "t.parquet" in message
    assert os.listdir() == ["t.parquet"]


def test_weights_of_other_lengths_than_their_tokens_are_refused(command: Command, here: Path, vectors: Path) -> None:
    pl.DataFrame({"tokens": [["cat", "dog"]], "w": [[1.0]]}).write_parquet("t.parquet")
    options = ["--vectors", vectors, "-o", "out.parquet", "--weights", "w", "-q"]
    message = only_line(command("embed", "t.parquet", *options, code=3))
    assert "t.parquet" in message
    assert "weight" in message


@pytest.mark.parametrize(
    "options", [["--pooling", "median"], ["--oov", "skip"], ["--format", "csv"], ["--split", "commas"], ["--no-such"]]
)
def test_an_option_that_is_none_is_wrong_usage(
    command: Command, table: Path, vectors: Path, options: list[object]
) -> None:
    done = command("embed", table, "--vectors", vectors, "-o", "out.parquet", *options, code=2)
    assert str(options[-1]) in done.stderr
    assert not Path("out.parquet").exists()


def test_inputs_vectors_and_outputs_are_required(command: Command, table: Path, vectors: Path) -> None:
    whole = [table, "--vectors", vectors, "-o", "out.parquet"]
    for less in (whole[1:], [whole[0], *whole[3:]], whole[:3]):
        assert "required" in command("embed", *less, code=2).stderr


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def with_noise(path: Path) -> None:
    start = pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 30] = b"\xff" * 30
    path.write_bytes(content)


DAMAGED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "missing": ("bad.parquet", Path.unlink),
    "truncated": ("bad.parquet", truncated),
    "noise in a page": ("bad.parquet", with_noise),
    "text": ("bad.parquet", lambda path: path.write_text("text")),
    "empty": ("bad.parquet", lambda path: path.write_bytes(b"")),
    "truncated Arrow": ("bad.arrow", truncated),
    "other columns": ("bad.parquet", lambda path: TABLE.drop("price").write_parquet(path)),
    "another type": ("bad.parquet", lambda path: TABLE.with_columns(pl.col("id").cast(pl.Int8)).write_parquet(path)),
}


@pytest.mark.parametrize("what", DAMAGED)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_bad_file_is_named_and_an_older_output_stays(
    command: Command, table: Path, vectors: Path, what: str, is_first: bool
) -> None:
    name, damage = DAMAGED[what]
    bad = Path(name)
    (TABLE.write_parquet if name.endswith("parquet") else TABLE.write_ipc)(bad)
    damage(bad)
    Path("out.parquet").write_text("older")
    before = sorted(os.listdir())
    sources = [bad, table] if is_first else [table, bad]
    message = only_line(command("embed", *sources, "--vectors", vectors, "-o", "out.parquet", "-q", code=3))
    assert name in message or what in ("other columns", "another type")
    assert Path("out.parquet").read_text() == "older"
    assert sorted(os.listdir()) == before


def test_nothing_that_matches_is_an_error_of_the_input(command: Command, here: Path, vectors: Path) -> None:
    Path("empty").mkdir()
    for source in ("*.parquet", "empty"):
        message = only_line(command("embed", source, "--vectors", vectors, "-o", "o.parquet", "-q", code=3))
        assert source in message


def test_vectors_that_are_missing_or_damaged_are_named(command: Command, table: Path, vectors: Path) -> None:
    Path("cut.arrow").write_bytes(vectors.read_bytes()[:300])
    Path("bare").mkdir()
    for name in ("none.arrow", "cut.arrow", "bare"):
        message = only_line(command("embed", table, "--vectors", name, "-o", "out.parquet", "-q", code=3))
        assert name in message
    assert not Path("out.parquet").exists()


def test_an_output_that_cannot_be_written_is_its_own_code(command: Command, table: Path, vectors: Path) -> None:
    Path("directory.parquet").mkdir()
    for output, options in [
        ("out.csv", []),
        ("out", []),
        ("none/out.parquet", []),
        ("directory.parquet", []),
        ("t.parquet/out.parquet", []),
        ("/dev/null", ["--format", "parquet"]),
        ("https://example.invalid/out.parquet", []),
    ]:
        message = only_line(command("embed", table, "--vectors", vectors, "-o", output, "-q", *options, code=4))
        assert output in message
    assert sorted(os.listdir()) == ["directory.parquet", "t.parquet"]


def test_a_format_may_be_given_to_any_name(command: Command, table: Path, vectors: Path) -> None:
    command("embed", table, "--vectors", vectors, "-o", "out", "--format", "arrow")
    assert pl.read_ipc("out", memory_map=False).height == 6
    command("embed", table, "--vectors", vectors, "-o", "out.arrow", "--format", "parquet")
    assert pl.read_parquet("out.arrow").height == 6


def test_a_table_may_be_replaced_by_itself(command: Command, table: Path, vectors: Path) -> None:
    for again in (1, 2):
        command("embed", table, "--vectors", vectors, "-o", table, "--as", f"e{again}")
    found = pl.read_parquet(table)
    assert found.columns == [*TABLE.columns, "e1", "e2"]
    assert_same(found["e1"], found["e2"])


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of files")
def test_a_full_disk_leaves_the_older_output(command: Command, table: Path, vectors: Path) -> None:
    import resource

    rng = np.random.default_rng(1)
    noise = [rng.bytes(1000) for _ in range(2000)]
    pl.DataFrame({"tokens": [["cat"]] * 2000, "noise": noise}).write_parquet("noise.parquet")
    Path("out.parquet").write_text("older")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    options = ["--vectors", vectors, "-o", "out.parquet", "-q"]
    message = only_line(command("embed", "noise.parquet", *options, code=4, preexec_fn=limit))
    assert "out.parquet" in message
    assert Path("out.parquet").read_text() == "older"
    assert sorted(os.listdir()) == ["noise.parquet", "out.parquet", "t.parquet"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_nothing(here: Path, vectors: Path, number: signal.Signals) -> None:
    rows = pl.DataFrame({"tokens": [["the", "cat", "dog"]]})
    pl.concat([rows] * 1000).select(pl.all().repeat_by(1000).explode()).write_parquet("t.parquet")
    words_of = ["-m", "polargram", "embed", *["t.parquet"] * 200, "--vectors", vectors, "-o", "out.parquet"]
    job = Job(*words_of, "--progress", "json", temporary=here / "temporary")
    job.wait_for('"embedding"')
    job.assert_interrupted(number)
    assert sorted(os.listdir()) == ["t.parquet", "temporary"]


# Object stores


@pytest.fixture
def uploaded(plain_environment: None, bucket: Bucket, folder: str, here: Path) -> str:
    """The prefix of three partitions of the table."""
    for number in range(3):
        file = io.BytesIO()
        TABLE[2 * number : 2 * number + 2].write_parquet(file)
        bucket.put(f"{folder}in/day=2026-11-0{number + 1}/part-0.parquet", file.getvalue())
    bucket.put(f"{folder}in/_SUCCESS", b"")
    return folder


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_prefix_is_embedded_into_an_object_as_a_directory_is_into_a_file(
    command: Command, bucket: Bucket, uploaded: str, vectors: Path, ending: str
) -> None:
    for key in bucket.names(f"{uploaded}in/day"):
        path = Path(key.removeprefix(uploaded))
        path.parent.mkdir(parents=True)
        path.write_bytes(bucket.get(key))
    bucket.put(f"{uploaded}v.arrow", vectors.read_bytes())
    command("embed", "in", "--vectors", vectors, "-o", f"out.{ending}", "--weights", "sif")
    store = ["--vectors", bucket.url(f"{uploaded}v.arrow"), *words(bucket.options)]
    output = bucket.url(f"{uploaded}out.{ending}")
    done = command("embed", bucket.url(f"{uploaded}in/"), "-o", output, "--weights", "sif", *store)
    assert "6 rows of 3 files" in done.stderr
    assert bucket.get(f"{uploaded}out.{ending}") == Path(f"out.{ending}").read_bytes()
    assert bucket.unfinished_uploads(uploaded) == []
    found = (pl.read_parquet if ending == "parquet" else pl.read_ipc)(f"out.{ending}")
    assert [day.day for day in found["day"]] == [1, 1, 2, 2, 3, 3]
    assert found["id"].to_list() == TABLE["id"].to_list()


def test_keys_of_a_store_come_from_the_environment(
    command: Command, bucket: Bucket, uploaded: str, vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.options.items():
        monkeypatch.setenv(name.upper(), value)
    glob = bucket.url(f"{uploaded}in/*/part-0.parquet")
    command("embed", glob, "--vectors", vectors, "-o", "out.parquet")
    assert pl.read_parquet("out.parquet").height == 6
    command("embed", "out.parquet", "--vectors", vectors, "-o", "-", "--as", "again", "--format", "parquet", text=False)


def test_what_is_wrong_in_a_store_is_named_by_its_url(
    command: Command, bucket: Bucket, uploaded: str, vectors: Path
) -> None:
    bucket.put(f"{uploaded}text.parquet", b"text")
    options = ["-o", "out.parquet", "-q", *words(bucket.options)]
    missing, text = bucket.url(f"{uploaded}none.parquet"), bucket.url(f"{uploaded}text.parquet")
    good = bucket.url(f"{uploaded}in/day=2026-11-01/part-0.parquet")
    for sources, file, more, needle in [
        ([missing], vectors, [], missing),
        ([text], vectors, [], text),
        ([good, text], vectors, [], text),
        ([good], vectors, ["--column", "words"], good),
        ([good], vectors, ["--column", "when"], good),
        ([good], missing, [], missing),
    ]:
        message = only_line(command("embed", *sources, "--vectors", file, *options, *more, code=3))
        assert needle in message
        assert "polargram-copy" not in message
    assert not Path("out.parquet").exists()


def test_a_store_that_fails_leaves_the_older_object(
    command: Command, bucket: Bucket, uploaded: str, vectors: Path, proxy: Proxy
) -> None:
    bucket.put(f"{uploaded}out.parquet", b"older")
    source, output = bucket.url(f"{uploaded}in/"), bucket.url(f"{uploaded}out.parquet")
    options = ["-o", output, "--vectors", vectors, "-q", *words(through(proxy, bucket, **SLOW_AND_IMPATIENT))]
    proxy.spoil(answers(500, "InternalError"), lambda asked: asked.method in ("PUT", "POST"))
    message = only_line(command("embed", source, *options, code=4))
    assert output in message
    proxy.rules.clear()
    proxy.spoil(drops_midway, is_reading)
    message = only_line(command("embed", source, *options, code=3))
    assert "part-0.parquet" in message
    assert bucket.get(f"{uploaded}out.parquet") == b"older"
    assert bucket.unfinished_uploads(uploaded) == []
    proxy.rules.clear()
    proxy.spoil(drops_midway, is_reading, every=2)
    command("embed", source, *options)
    assert bucket.get(f"{uploaded}out.parquet")[:4] == b"PAR1"
