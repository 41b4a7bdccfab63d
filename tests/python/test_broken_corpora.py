"""A damaged, odd or enormous corpus is trained exactly or refused by name; no files are left."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import QUICK, SMALL, counts_of, outcomes_of_damage, small_model
from runs import Command, only_line

import polargram as pg

LISTS = pa.list_(pa.string())
ROWS = [["apple", "pear", "apple"], ["fig", "pear"]] * 300


def parquet(path: Path, rows: object = ROWS, tokens: pa.DataType = LISTS, **options: object) -> Path:
    column = rows if isinstance(rows, pa.Array) else pa.array(rows, tokens)
    source = pa.table({"n": pa.array(range(len(column)), pa.int64()), "tokens": column})
    pq.write_table(source, path, **{"row_group_size": 200, "compression": "none", **options})
    return path


def ipc(path: Path, rows: object = ROWS, compression: str | None = None) -> Path:
    source = pa.table({"tokens": rows if isinstance(rows, pa.Array) else pa.array(rows, LISTS)})
    with pa.ipc.new_file(path, source.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(source, max_chunksize=200)
    return path


def damaged(path: Path, column: str, row_group: int, **options: object) -> Path:
    """A Parquet file with noise in a column's pages, between a valid start and a valid footer."""
    metadata = pq.ParquetFile(parquet(path, **options)).metadata
    names = [metadata.schema.column(i).path.split(".")[0] for i in range(metadata.num_columns)]
    chunk = metadata.row_group(row_group).column(names.index(column))
    content = bytearray(path.read_bytes())
    start = chunk.data_page_offset
    content[start : start + 30] = b"\xff" * 30
    path.write_bytes(content)
    return path


def invalid(good: int = 500) -> pa.Array:
    """Lists of strings, one of which is not UTF-8."""
    words = pa.array([b"apple", b"pear"] * good + [b"f\xff\xfeg", b"plum"], pa.binary())
    return pa.ListArray.from_arrays(list(range(0, len(words) + 1, 2)), words.view(pa.string()))


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def refusal(command: Command, output: Path, *arguments: object) -> str:
    """The one line that ``polargram train`` prints; no files are left."""
    done = command("train", *arguments, "--output", output, *QUICK, code=3)
    assert not output.exists()
    return only_line(done)


def third_of_another_kind(directory: Path) -> Path:
    parquet(directory / "a.parquet")
    parquet(directory / "b.parquet", tokens=pa.large_list(pa.large_string()))
    pl.DataFrame({"words": ROWS}).write_parquet(directory / "c.parquet")
    return directory


def third_of_another_type(directory: Path) -> Path:
    parquet(directory / "a.parquet")
    parquet(directory / "b.parquet")
    pq.write_table(pa.table({"tokens": pa.array([[1.5]])}), directory / "c.parquet")
    return directory


def third_ipc_of_another_type(directory: Path) -> Path:
    ipc(directory / "a.arrow")
    ipc(directory / "b.arrow")
    return ipc(directory / "c.arrow", pa.array(["whole text"])).parent


def gz(path: Path, share: float) -> Path:
    path.write_bytes(gzip.compress(b"\n".join(b"word %d" % number for number in range(20_000))))
    return cut(path, share)


#: What makes a corpus, and what the one line of its error says.
BROKEN: dict[str, tuple[Callable[[Path], Path | list[Path]], list[str]]] = {
    "Parquet without its end": (
        lambda d: cut(parquet(d / "c.parquet"), 0.99),
        ["c.parquet", "not a readable Parquet file"],
    ),
    "half a Parquet file": (lambda d: cut(parquet(d / "c.parquet"), 0.5), ["c.parquet", "not a readable Parquet file"]),
    "Parquet of no bytes": (lambda d: cut(parquet(d / "c.parquet"), 0), ["c.parquet", "not a readable Parquet file"]),
    "damaged page": (
        lambda d: damaged(d / "c.parquet", "tokens", 1),
        ["c.parquet", "row group 1", '"tokens"', "cannot decode"],
    ),
    "damaged page, zstd": (
        lambda d: damaged(d / "c.parquet", "tokens", 2, compression="zstd"),
        ["c.parquet", "row group 2", '"tokens"', "cannot decode"],
    ),
    "damaged page without a dictionary": (
        lambda d: damaged(d / "c.parquet", "tokens", 1, use_dictionary=False),
        ["c.parquet", "row group 1", '"tokens"'],
    ),
    "damaged last file of several": (
        lambda d: [parquet(d / "a.parquet"), parquet(d / "b.parquet"), damaged(d / "c.parquet", "tokens", 0)],
        ["c.parquet", "row group 0", '"tokens"'],
    ),
    "no UTF-8 in a dictionary": (
        lambda d: parquet(d / "c.parquet", invalid(), row_group_size=500),
        ["c.parquet", "row group 1", '"tokens"', "UTF-8|utf-8|UTF8|utf8"],
    ),
    "no UTF-8 in plain pages": (
        lambda d: parquet(d / "c.parquet", invalid(), row_group_size=500, use_dictionary=False),
        ["c.parquet", "row group 1", '"tokens"', "UTF-8|utf-8|UTF8|utf8"],
    ),
    "no UTF-8 in delta pages": (
        lambda d: parquet(
            d / "c.parquet",
            invalid(),
            row_group_size=500,
            use_dictionary=False,
            column_encoding={"tokens.list.element": "DELTA_BYTE_ARRAY"},
        ),
        ["c.parquet", "row group 1", '"tokens"', "UTF-8|utf-8|UTF8|utf8"],
    ),
    "no UTF-8 in IPC": (lambda d: ipc(d / "c.arrow", invalid()), ["c.arrow", "UTF-8|utf-8|UTF8|utf8"]),
    "no UTF-8 in compressed IPC": (
        lambda d: ipc(d / "c.arrow", invalid(), "zstd"),
        ["c.arrow", "UTF-8|utf-8|UTF8|utf8"],
    ),
    "third file without the column": (third_of_another_kind, ["c.parquet", '"tokens"', '"words"', "--column"]),
    "third file of another type": (third_of_another_type, ["c.parquet", '"tokens"', "Float64", "list of strings"]),
    "third IPC file of another type": (third_ipc_of_another_type, ["c.arrow", '"tokens"', "whole strings"]),
    "gzip cut in half": (lambda d: gz(d / "c.txt.gz", 0.5), ["c.txt.gz", "gzip", "cut short"]),
    "gzip without its checksum": (lambda d: gz(d / "c.gz", 0.9999), ["c.gz", "gzip", "cut short"]),
    "gzip of no bytes": (lambda d: gz(d / "c.gz", 0), ["c.gz", "gzip", "cut short"]),
    "IPC cut in half": (lambda d: cut(ipc(d / "c.arrow"), 0.5), ["c.arrow", "not valid Arrow IPC"]),
    "IPC of no bytes": (lambda d: cut(ipc(d / "c.arrow"), 0), ["c.arrow", "ends too early|not valid Arrow"]),
    "no rows": (lambda d: parquet(d / "c.parquet", []), ["0 distinct words"]),
    "no rows in IPC": (lambda d: ipc(d / "c.arrow", []), ["0 distinct words"]),
    "no files": (lambda d: (d / "bare").mkdir() or d / "bare", ["bare", "there is no"]),
    "no file that matches": (lambda d: d / "*.arrow", ["*.arrow", "no file matches"]),
    "another file": (
        lambda d: [(d / "c.doc").write_text("some text"), d / "c.doc"][1:],
        ["c.doc", "neither Parquet nor Arrow IPC nor .npy", ".txt"],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_corpus_is_one_line_that_names_what_is_broken_and_leaves_nothing(
    command: Command, what: str, tmp_path: Path
) -> None:
    make, needles = BROKEN[what]
    (tmp_path / "corpus").mkdir()
    made = make(tmp_path / "corpus")
    corpus = made if isinstance(made, list) else [made]
    before = sorted(tmp_path.rglob("*"))
    message = refusal(command, tmp_path / "deep" / "out", *corpus)
    assert [needle for needle in needles if not any(part in message for part in needle.split("|"))] == []
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises((ValueError, OSError, RuntimeError)) as refused:
        small_model([str(path) for path in corpus])
    assert str(refused.value).replace("column=", "--column=")[:40] in message.replace("column=", "--column=")


@pytest.mark.parametrize("column", ["n", "tokens"])
@pytest.mark.parametrize("option", ["--where", "--count-column"])
def test_of_several_columns_the_damaged_one_is_named(
    command: Command, column: str, option: str, tmp_path: Path
) -> None:
    path = damaged(tmp_path / "c.parquet", column, 1, use_dictionary=False)
    value = "n >= 0" if option == "--where" else "n"
    message = refusal(command, tmp_path / "out", path, option, value)
    assert "c.parquet, row group 1" in message
    assert f'"{column}"' in message


def test_a_damaged_column_that_is_not_read_does_no_harm(command: Command, tmp_path: Path) -> None:
    path = damaged(tmp_path / "c.parquet", "n", 1, use_dictionary=False)
    assert counts_of(small_model(path)) == {"apple": 600, "pear": 600, "fig": 300}


def test_a_run_that_fails_midway_leaves_the_vectors_of_the_last(command: Command, tmp_path: Path) -> None:
    good, bad = parquet(tmp_path / "a.parquet"), damaged(tmp_path / "b.parquet", "tokens", 2)
    command("train", good, "--output", tmp_path / "out", *QUICK)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    done = command("train", good, bad, "--output", tmp_path / "out", *QUICK, code=3)
    assert "b.parquet, row group 2" in done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("spool", [True, False])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_of_several_faults_is_told_whoever_reads_them(spool: bool, workers: int, tmp_path: Path) -> None:
    files = [parquet(tmp_path / "0.parquet"), *(damaged(tmp_path / f"{n}.parquet", "tokens", 1) for n in (1, 2, 3))]
    with pytest.raises(ValueError, match=r"[123]\.parquet, row group 1"):
        pg.Word2Vec(files, **{**SMALL, "workers": workers}, spool=spool)


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": True},
        {"use_dictionary": False, "column_encoding": {"tokens.list.element": "DELTA_BYTE_ARRAY"}},
        {"compression": "zstd", "data_page_version": "2.0"},
    ],
    ids=["dictionary", "delta", "zstd"],
)
def test_no_changed_byte_of_parquet_crashes_or_loses_sentences(
    options: dict[str, object], python: Command, tmp_path: Path
) -> None:
    rows = [["apple", "pear", "apple"], ["x"], ["pear", "fig"]] * 12
    item = pa.field("element", pa.string(), nullable=False)
    schema = pa.schema([pa.field("tokens", pa.list_(item), nullable=False)])
    source = pa.table({"tokens": pa.array(rows, pa.list_(item))}, schema)
    pq.write_table(source, tmp_path / "c.parquet", **{"compression": "none", "store_schema": False, **options})
    size = (tmp_path / "c.parquet").stat().st_size
    changes = [(size, at, bits) for at in range(size) for bits in (0xFF, 1 << (at % 8))]
    outcomes = outcomes_of_damage(python, tmp_path / "c.parquet", changes)
    # The footer has the number of rows, but there is no checksum of the words.
    for change, (outcome, *said) in zip(changes, outcomes, strict=True):
        if outcome == "read":
            assert said[1] == len(rows), (change, said)
        else:
            assert "damaged.parquet" in said[0] or "0 distinct words" in said[0], (change, said)


def test_files_of_every_layout_and_format_are_one_corpus(tmp_path: Path) -> None:
    layouts = {
        "list": LISTS,
        "large list": pa.large_list(pa.large_string()),
        "dictionary": pa.list_(pa.dictionary(pa.int16(), pa.string())),
        "views": pa.list_(pa.string_view()),
    }
    files = [parquet(tmp_path / f"{name}.parquet", tokens=tokens) for name, tokens in layouts.items()]
    files.append(ipc(tmp_path / "plain.arrow"))
    files.append(ipc(tmp_path / "packed.arrow", compression="lz4"))
    pl.DataFrame({"tokens": ROWS}).write_parquet(tmp_path / "polars.parquet")
    (tmp_path / "lines.txt").write_text("".join(" ".join(row) + "\n" for row in ROWS))
    (tmp_path / "lines.gz").write_bytes(gzip.compress((tmp_path / "lines.txt").read_bytes()))
    files += [tmp_path / "polars.parquet", tmp_path / "lines.txt", tmp_path / "lines.gz"]
    n = len(files)
    assert counts_of(small_model(files)) == {"apple": 600 * n, "pear": 600 * n, "fig": 300 * n}


@pytest.mark.parametrize(
    "rows", [(ROWS, ROWS), (ROWS[:1], ROWS), (ROWS, []), ([], ROWS)], ids=["two", "short", "", "0"]
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_arrow_files_that_were_put_together_are_not_read_in_part(
    is_stream: bool, rows: tuple[list[object], list[object]], tmp_path: Path
) -> None:
    schema = pa.schema({"tokens": LISTS})
    with open(tmp_path / "c.arrow", "wb") as file:
        for part in rows:
            with (pa.ipc.new_stream if is_stream else pa.ipc.new_file)(file, schema) as writer:
                writer.write_table(pa.table([pa.array(part, LISTS)], schema))
    with pytest.raises(ValueError, match=r"c\.arrow.*(bytes follow its end|several files in one)"):
        small_model(tmp_path / "c.arrow")


@pytest.mark.parametrize("spool", [True, False])
def test_a_corpus_that_gives_other_words_when_it_is_read_again_is_refused(spool: bool) -> None:
    class Other:
        passes = 0

        def __iter__(self) -> Iterator[list[str]]:
            self.passes += 1
            return iter([["a", "b"] if self.passes == 1 else ["a", "c"]] * 10)

    with pytest.raises(ValueError, match="gave other words when it was read again"):
        small_model(Other(), spool=spool)


def test_a_bound_of_0_words_is_none(command: Command, tmp_path: Path) -> None:
    command("train", parquet(tmp_path / "c.parquet"), "--output", tmp_path / "out", "--max-vocab-size", 0, *QUICK)
    assert len(pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")) == 3


def test_files_without_rows_among_others_add_nothing(tmp_path: Path) -> None:
    files = [parquet(tmp_path / "a.parquet", []), ipc(tmp_path / "b.arrow", []), parquet(tmp_path / "c.parquet")]
    pl.DataFrame(schema={"tokens": pl.List(pl.String)}).write_ipc(tmp_path / "d.arrow")
    (tmp_path / "e.txt").touch()
    files += [tmp_path / "d.arrow", tmp_path / "e.txt"]
    assert counts_of(small_model(files)) == {"apple": 600, "pear": 600, "fig": 300}


def test_of_a_directory_of_several_formats_the_parquet_files_are_the_corpus(command: Command, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    ipc(corpus / "a.arrow", [["arrow"]])
    (corpus / "notes.txt").write_text("no corpus")
    (corpus / ".c.parquet").write_bytes(b"half written")
    assert counts_of(small_model(corpus)) == {"arrow": 1}
    parquet(corpus / "b.parquet", [["parquet"]])
    assert counts_of(small_model(corpus)) == {"parquet": 1}
    assert counts_of(small_model(str(corpus / "[ab].*"))) == {"arrow": 1, "parquet": 1}
    command("train", corpus, "--output", tmp_path / "out", *QUICK)
    assert pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow").index_to_key == ["parquet"]


def test_strings_in_memory_that_are_no_utf8_are_refused_by_column() -> None:
    for corpus in (pa.table({"tokens": invalid(5)}), invalid(5)):
        with pytest.raises(ValueError, match='"tokens".*(UTF-8|utf-8)'):
            small_model(corpus)


ODD = [
    "nul\0",
    "\0",
    "nul\0\0nul",
    "new\nline",
    "\r\n",
    " ",
    "",
    "\ufeff",
    "\u202e",
    "e\u0301",
    "é",
    "\U0010ffff",
    "\x7f",
]


@pytest.mark.parametrize("tokens", [LISTS, pa.list_(pa.dictionary(pa.int8(), pa.string()))], ids=str)
def test_odd_tokens_are_words_like_others(tokens: pa.DataType, tmp_path: Path) -> None:
    rows = [[word, "plain", word] for word in ODD]
    want = {"plain": len(ODD), **dict.fromkeys(ODD, 2)}
    files = [parquet(tmp_path / "c.parquet", rows, tokens), ipc(tmp_path / "c.arrow", pa.array(rows, tokens))]
    for corpus in [*files, rows, pa.array(rows, tokens)]:
        assert counts_of(small_model(corpus)) == want
    wv = pg.Word2Vec(files[0], **SMALL).wv
    wv.save(tmp_path / "vectors.arrow")
    loaded = pg.KeyedVectors.load(tmp_path / "vectors.arrow")
    assert loaded.index_to_key == wv.index_to_key
    assert {word: loaded.get_vecattr(word, "count") for word in ODD} == dict.fromkeys(ODD, 2)


def test_tokens_of_nul_bytes_are_told_apart_in_plain_text(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(b"a\0 a\0\0 a \0\n" * 3)
    assert counts_of(small_model(tmp_path / "c.txt")) == {"a\0": 3, "a\0\0": 3, "a": 3, "\0": 3}


def enormous(path: Path, length: int) -> Path:
    """A word of so many bytes among small ones."""
    word = "w" * length
    if path.suffix == ".txt":
        path.write_text(f"small {word} small\nsmall\n")
        return path
    lists = pa.array([["small", word, "small"], ["small"]], LISTS)
    if path.suffix == ".arrow":
        return ipc(path, lists)
    return parquet(path, lists, compression="snappy", write_statistics=False)


def test_a_word_of_200_megabytes_is_a_word_like_others(command: Command, tmp_path: Path) -> None:
    length = 200_000_000
    command("train", enormous(tmp_path / "c.parquet", length), "--output", tmp_path / "out", *QUICK)
    wv = pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")
    assert [len(word) for word in wv.index_to_key] == [5, length]
    assert [wv.get_vecattr(row, "count") for row in range(2)] == [3, 1]


@pytest.mark.parametrize("name", ["c.parquet", "c.arrow", "c.txt"])
def test_a_word_longer_than_what_is_read_at_a_time_is_read_whole(name: str, tmp_path: Path) -> None:
    word = "w" * 20_000_000
    assert counts_of(small_model(enormous(tmp_path / name, len(word)))) == {"small": 3, word: 1}


def test_a_sentence_of_a_million_tokens_is_read_whole(tmp_path: Path) -> None:
    row = ["a", "b", "b", "c"] * 250_000
    files = [parquet(tmp_path / "c.parquet", [row]), ipc(tmp_path / "c.arrow", [row])]
    for corpus in files:
        assert counts_of(small_model(corpus, sample=1e-5)) == {"a": 250_000, "b": 500_000, "c": 250_000}
