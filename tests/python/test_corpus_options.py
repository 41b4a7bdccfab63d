"""Splitting, filtering, limiting and sampling a corpus: exactly what Polars does to its rows."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import QUICK, array_of, counts_of

import polargram as pg


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """20,000 rows of text, of lists, and of numbers to filter by."""
    draw = random.Random(7)
    words = [*(f"Word{number}" for number in range(60)), "ÄPFEL", "straße", "日本", "it's", "x,y", "-"]
    rows = [draw.choices(words, weights=range(len(words), 0, -1), k=draw.randrange(0, 12)) for _ in range(20_000)]
    gaps = [draw.choice([" ", "  ", "\t", " , ", "\n", "\u00a0"]) for _ in rows]
    text = [None if draw.random() < 0.05 else gap + gap.join(row) + gap for row, gap in zip(rows, gaps, strict=True)]
    return pl.DataFrame(
        {
            "id": range(20_000),
            "text": text,
            "tokens": [None if draw.random() < 0.05 else row for row in rows],
            "lang": [draw.choice(["en", "fr", None]) for _ in rows],
            "n": pl.Series([draw.choice([0, 1, 1, 1, 2, 5]) for _ in rows], dtype=pl.UInt8),
            "odd name": [draw.random() for _ in rows],
        }
    )


@pytest.fixture(scope="module")
def corpus(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as two Parquet files of several row groups, and as one of Arrow IPC."""
    directory = tmp_path_factory.mktemp("options")
    frame[:9000].write_parquet(directory / "1.parquet", row_group_size=4000)
    frame[9000:].write_parquet(directory / "2.parquet")
    (directory / "ipc").mkdir()
    frame.write_ipc(directory / "ipc" / "c.arrow")
    return directory


def counts_in_column(tokens: pl.Series, times: pl.Series | None = None) -> dict[str, int]:
    """How often each token occurs in a column of lists, counted by Polars."""
    times = pl.Series("times", [1] * len(tokens)) if times is None else times.alias("times")
    each = pl.DataFrame([tokens.alias("token"), times]).explode("token", empty_as_null=True).drop_nulls("token")
    totals = each.group_by("token").agg(pl.col("times").cast(pl.Int64).sum()).filter(pl.col("times") > 0)
    return dict(totals.iter_rows())


#: Runs several commands in one process, which takes a fraction of the time.
COMMANDS = """
import json, os, sys, tempfile
from polargram._polargram import main

for line in sys.stdin:
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        code = main(["polargram", *json.loads(line)])
        os.dup2(stderr, 2)
        said.seek(0)
        print(json.dumps([code, said.read().decode()]), flush=True)
"""

#: Runs ``polargram`` with these arguments, and returns its exit code and output.
Run = Callable[[list[str]], tuple[int, str]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with subprocess.Popen(
        [sys.executable, "-c", COMMANDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(arguments: list[str]) -> tuple[int, str]:
            process.stdin.write(json.dumps(arguments) + "\n")
            process.stdin.flush()
            code, said = json.loads(process.stdout.readline())
            return code, said

        yield run
        process.stdin.close()


@pytest.fixture
def trained(run: Run, tmp_path: Path) -> Callable[..., dict[str, int]]:
    """``trained("corpus.parquet", …)`` are the counts of what ``polargram train corpus.parquet …`` makes."""

    def trained(*arguments: object) -> dict[str, int]:
        output = tmp_path / "out"
        code, said = run([str(word) for word in ("train", *arguments, "--output", output, *QUICK)])
        assert (code, said) == (0, "")
        return counts_of(pg.KeyedVectors.load(output / "vectors.arrow"))

    return trained


@pytest.fixture
def refusal(run: Run, tmp_path: Path) -> Callable[..., str]:
    """``refusal("corpus.parquet", …)`` is what ``polargram train`` says about what it cannot do, and nothing else."""

    def refusal(*arguments: object, code: int = 3) -> str:
        seen, said = run([str(word) for word in ("train", *arguments, "--output", tmp_path / "out", *QUICK)])
        assert seen == code, said
        assert not (tmp_path / "out").exists()
        assert "panicked" not in said
        return said

    return refusal


SPLITS = [
    ("whitespace", lambda text: text.str.extract_all(r"\S+")),
    (r"regex:[\s,]+", lambda text: text.str.replace_all(r"[\s,]+", "\u0001").str.split("\u0001")),
    ("regex:W", lambda text: text.str.split("W")),
]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split[0])
def test_strings_are_split_as_polars_splits_them(
    trained: Callable[..., dict[str, int]],
    split: tuple[str, Callable[[pl.Expr], pl.Expr]],
    lowercase: bool,
    corpus: Path,
    frame: pl.DataFrame,
) -> None:
    how, by_polars = split
    text = pl.col("text").str.to_lowercase() if lowercase else pl.col("text")
    lists = frame.select(by_polars(text).list.eval(pl.element().filter(pl.element() != ""))).to_series()
    want = counts_in_column(lists)
    assert len(want) > 20
    options = ["--column", "text", "--split", how, *(["--lowercase"] if lowercase else [])]
    assert trained(corpus, *options) == want
    if how == "whitespace":
        assert trained(corpus / "ipc", *options) == want


def test_bytes_are_split_as_strings_and_nulls_are_no_tokens(
    trained: Callable[..., dict[str, int]], tmp_path: Path
) -> None:
    directory = tmp_path / "parts"
    directory.mkdir()
    columns = [
        pa.array(["a B", "b"]),
        pa.nulls(2),
        pa.nulls(0),
        pa.array([None, None], pa.string()),
        pa.array([b"a", None, "É é".encode()], pa.binary()),
        pa.array([b"a b"], pa.binary(3)),
        pa.array(["b", "a b"]).dictionary_encode(),
        pa.array([b"b"]).dictionary_encode(),
    ]
    for number, text in enumerate(columns):
        n = pa.nulls(len(text)) if text.type == pa.null() else pa.array([2] * len(text))
        pq.write_table(pa.table({"text": text, "n": n}), directory / f"{number}.parquet")
    for split in ("whitespace", "regex: "):
        options = [directory, "--column", "text", "--split", split]
        assert trained(*options) == {"a": 4, "b": 5, "B": 1, "É": 1, "é": 1}
        lower = {"a": 4, "b": 6, "é": 2}
        assert trained(*options, "--lowercase") == trained(*options, "--lowercase", "--where", "n > 1") == lower
        assert trained(*options, "--lowercase", "--count-column", "n") == {word: 2 * n for word, n in lower.items()}


def test_bytes_to_be_split_that_are_not_utf8_are_shown(refusal: Callable[..., str], tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([b"a", b"caf\xe9"])}), tmp_path / "bad.parquet")
    said = refusal(tmp_path / "bad.parquet", "--column", "text", "--split", "whitespace")
    assert re.search(r'bad.parquet, row group 0: column "text" is binary.*b"caf\\xe9".*decode it', said)
    assert "--split whitespace" in refusal(tmp_path / "bad.parquet", "--column", "text")


def test_lists_of_bytes_are_lowercased(trained: Callable[..., dict[str, int]], tmp_path: Path) -> None:
    for number, item in enumerate([pa.binary(), pa.large_binary(), pa.binary(2), pa.null()]):
        rows = [[], [None]] if item == pa.null() else [["É".encode()], None]
        pq.write_table(pa.table({"tokens": pa.array(rows, pa.list_(item))}), tmp_path / f"{number}.parquet")
    assert trained(tmp_path, "--lowercase") == {"é": 3}
    assert trained(tmp_path) == {"É": 3}


def test_lists_are_lowercased_whatever_their_type(
    trained: Callable[..., dict[str, int]], corpus: Path, frame: pl.DataFrame, tmp_path: Path
) -> None:
    want = counts_in_column(frame["tokens"].list.eval(pl.element().str.to_lowercase()))
    assert "äpfel" in want
    assert trained(corpus, "--lowercase") == want
    rows = frame["tokens"][:3000]
    some = counts_in_column(rows.list.eval(pl.element().str.to_lowercase()))
    names = []
    for token in (pl.Categorical, pl.String):
        lists = pl.DataFrame({"tokens": rows.cast(pl.List(token))})
        lists.write_parquet(tmp_path / f"{token}.parquet")
        lists.write_ipc(tmp_path / f"{token}.arrow")
        names += [f"{token}.parquet", f"{token}.arrow"]
    views = pa.table({"tokens": pa.array(rows.to_list(), pa.list_view(pa.string()))})
    with pa.ipc.new_file(tmp_path / "views.arrow", views.schema) as file:
        file.write_table(views)
    text = "\n".join(" ".join(row) for row in rows.to_list() if row)
    (tmp_path / "text.txt").write_text(text)
    np.save(tmp_path / "lists.npy", array_of(rows.to_list()), allow_pickle=True)
    files = [tmp_path / name for name in [*names, "views.arrow", "text.txt", "lists.npy"]]
    counts = trained(*files, "--lowercase")
    assert counts == {word: count * len(files) for word, count in some.items()}


WHERE = [
    "lang = 'en'",
    "lang IS NULL",
    "lang <> 'en'",
    "n > 1 AND lang IN ('en', 'fr')",
    "NOT (n = 1 OR lang = 'fr')",
    '"odd name" < 0.25',
    "id BETWEEN 3999 AND 4001 OR id >= 19998",
    "id % 7 = 3",
    "UPPER(lang) LIKE 'E%'",
    "text LIKE '%Word1%'",
]


@pytest.mark.parametrize("where", WHERE)
def test_the_rows_for_which_the_condition_is_true_are_read(
    trained: Callable[..., dict[str, int]], where: str, corpus: Path, frame: pl.DataFrame
) -> None:
    want = counts_in_column(frame.filter(pl.sql_expr(where))["tokens"])
    assert want
    assert trained(corpus, "--where", where) == want


@pytest.mark.parametrize("source", [".", "ipc"])
def test_a_condition_may_be_on_columns_that_are_read(
    trained: Callable[..., dict[str, int]], source: str, corpus: Path, frame: pl.DataFrame
) -> None:
    where = "n > 1 AND text LIKE '%Word1%' AND lang = 'en'"
    kept = frame.filter(pl.sql_expr(where))
    want = counts_in_column(kept["text"].str.extract_all(r"\S+"), kept["n"])
    options = ["--column", "text", "--split", "whitespace", "--where", where, "--count-column", "n"]
    assert trained(corpus / source, *options) == want


def test_rows_are_chosen_first_and_then_weighed_split_lowercased_and_limited(
    trained: Callable[..., dict[str, int]], corpus: Path, frame: pl.DataFrame
) -> None:
    kept = frame.filter(pl.sql_expr("lang = 'fr'")).filter(pl.col("text").is_not_null())[:2500]
    want = counts_in_column(kept["text"].str.to_lowercase().str.extract_all(r"\S+"), kept["n"])
    options = ["--where", "lang = 'fr'", "--column", "text", "--split", "whitespace", "--lowercase"]
    options += ["--count-column", "n", "--limit", "2500"]
    assert trained(corpus, *options) == want


def test_a_condition_that_no_row_fulfils_is_a_clear_error(refusal: Callable[..., str], corpus: Path) -> None:
    for source in (corpus, corpus / "ipc"):
        assert "0 distinct words" in refusal(source, "--where", "n > 100")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("n >", "where: \"n >\": unable to parse 'n >'"),
        ("SELECT 1", "where: .*found 'SELECT'"),
        ("", "where: \"\": unable to parse ''"),
        ("n > 1; DROP TABLE x", "where: .*unexpected token ';'"),
        ("1 = 1", "names no column"),
        ("n + 1", "1.parquet.*where: gives UInt8; expected true or false"),
        ("missing > 2", '1.parquet.*no column "missing"'),
        ("lang > 3", "1.parquet.*where: cannot compare string with numeric"),
        ("CAST(n AS DECIMAL(99,0)) = 1", "1.parquet.*where: cannot be computed"),
        ("DATE '2020-01-01' + INTERVAL '1 foo' > n", "where: .*Polars cannot read it"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(
    refusal: Callable[..., str], where: str, said: str, corpus: Path
) -> None:
    # What no file is needed to know is wrong usage.
    message = refusal(corpus, "--where", where, code=3 if said.startswith("1.parquet") else 2)
    assert re.search(said, message), message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    "where",
    [
        "n = MAX(n)",
        "id > AVG(id)",
        "COUNT(*) > id",
        "CORR(id, n) > 0",
        "QUANTILE_CONT(id, 0.5) > n",
        "id = (SELECT MAX(id) FROM self)",
    ],
)
@pytest.mark.parametrize("source", [".", "ipc"])
def test_a_condition_on_more_than_its_row_is_refused(
    refusal: Callable[..., str], where: str, source: str, corpus: Path
) -> None:
    # A table is read by batches, so that it would be true of those.
    message = refusal(corpus / source, "--where", where, code=2)
    assert re.search("where: .*(looks at more than its own row|subquery)", message), message


@pytest.mark.parametrize("source", [".", "ipc"])
@pytest.mark.parametrize("limit", [1, 4000, 8193, 12_345, 10**9])
def test_the_first_sentences_are_read(
    trained: Callable[..., dict[str, int]], limit: int, source: str, corpus: Path, frame: pl.DataFrame
) -> None:
    want = counts_in_column(frame["tokens"].drop_nulls()[:limit])
    assert want
    assert trained(corpus / source, "--limit", limit) == want


def test_of_no_sentences_nothing_is_trained(refusal: Callable[..., str], corpus: Path) -> None:
    assert "0 distinct words" in refusal(corpus, "--limit", 0)


def test_a_share_of_the_sentences_is_drawn_by_the_seed(
    trained: Callable[..., dict[str, int]], corpus: Path, frame: pl.DataFrame, tmp_path: Path
) -> None:
    # Each sentence has a word of its own, which shows whether it was drawn.
    ids = frame.select(tokens=pl.concat_list(pl.col("id").cast(pl.String)))
    for name, part in (("1", ids[:9000]), ("2", ids[9000:])):
        part.write_parquet(tmp_path / f"{name}.parquet", row_group_size=4000)

    def drawn(fraction: float, seed: int, *more: object) -> set[str]:
        sampling = ["--sample-fraction", fraction, "--seed", seed]
        counts = trained(tmp_path / "*.parquet", *sampling, *more)
        assert set(counts.values()) == {1}
        return set(counts)

    tenth = drawn(0.1, 1)
    # Six standard deviations of a binomial draw.
    assert abs(len(tenth) - 2000) < 6 * (20_000 * 0.1 * 0.9) ** 0.5
    assert drawn(0.1, 1) == tenth
    other = drawn(0.1, 2)
    assert abs(len(other & tenth) - 200) < 6 * 200**0.5
    for part in (range(4000), range(4000, 8000), range(8000, 9000), range(9000, 20_000)):
        assert len(tenth & set(map(str, part))) == pytest.approx(len(part) / 10, rel=0.35)
    first = sorted(tenth, key=int)[:50]
    assert drawn(0.1, 1, "--limit", 50) == set(first)
    assert drawn(1.0, 1) == set(map(str, range(20_000)))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--split", "commas"], 2, "whitespace.*regex:PATTERN"),
        (["--split", "regex"], 2, "regex:PATTERN"),
        (["--split", "regex:("], 2, "split"),
        (["--split", "whitespace"], 3, 'column "tokens" is .*cannot be split; expected strings'),
        (["--column", "text"], 3, 'column "text" holds whole strings.*--split whitespace'),
        (["--limit=-1"], 2, "limit"),
        (["--limit", "many"], 2, "limit"),
        (["--sample-fraction", "0"], 2, "sample_fraction.*above 0"),
        (["--sample-fraction", "1.5"], 2, "sample_fraction.*at most 1"),
        (["--sample-fraction=-0.5"], 2, "sample_fraction.*above 0"),
        (["--sample-fraction", "nan"], 2, "sample_fraction"),
        (["--sample-fraction", "half"], 2, "sample-fraction"),
        (["--errors", "bogus"], 2, "strict.*replace.*ignore"),
        (["--count-column", "missing"], 3, 'no column "missing"'),
        (["--count-column", "lang"], 3, 'column "lang" is .*expected whole numbers'),
        (["--count-column", "odd name"], 3, 'column "odd name" is Float64; expected whole numbers'),
        (["--count-column", "tokens"], 3, 'column "tokens".*expected whole numbers'),
        (["--shuffle", "--no-spool"], 2, "shuffle.*spool"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_option_that_cannot_be_is_refused(
    refusal: Callable[..., str], arguments: list[str], code: int, said: str, corpus: Path
) -> None:
    message = refusal(corpus, *arguments, code=code)
    assert re.search(said, message, re.DOTALL), message


@pytest.mark.parametrize("option", [["--where", "n > 1"], ["--count-column", "n"], ["--split", "whitespace"]], ids=str)
@pytest.mark.parametrize("name", ["c.txt", "c.npy"])
def test_what_has_no_columns_knows_no_options_of_columns(
    refusal: Callable[..., str], name: str, option: list[str], tmp_path: Path
) -> None:
    (tmp_path / "c.txt").write_text("some words\n")
    np.save(tmp_path / "c.npy", np.ones((2, 2), int))
    message = refusal(tmp_path / name, *option, code=2)
    assert name in message
    assert "which has no columns" in message


@pytest.mark.parametrize(
    ("errors", "words"), [("replace", {"good", "tw\ufffdo"}), ("ignore", {"good", "two"}), ("strict", None)]
)
def test_plain_text_is_read_as_asked_where_it_is_no_utf8(
    trained: Callable[..., dict[str, int]],
    refusal: Callable[..., str],
    errors: str,
    words: set[str] | None,
    tmp_path: Path,
) -> None:
    (tmp_path / "c.txt").write_bytes(b"good\ntw\xffo\n")
    if words is None:
        message = refusal(tmp_path / "c.txt", "--errors", errors)
        assert "c.txt, line 2" in message
    else:
        assert set(trained(tmp_path / "c.txt", "--errors", errors)) == words


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_rows_that_are_left_out_may_be_whole_pages(
    trained: Callable[..., dict[str, int]],
    refusal: Callable[..., str],
    version: str,
    frame: pl.DataFrame,
    tmp_path: Path,
) -> None:
    path, columns = tmp_path / "c.parquet", ["id", "tokens"]
    pages = {"data_page_size": 500, "write_batch_size": 50, "write_page_index": True, "data_page_version": version}
    pq.write_table(frame.select(columns).to_arrow(), path, **pages, use_dictionary=False, compression="none")
    tokens = pq.read_metadata(path).row_group(0).column(1)
    first, end = tokens.data_page_offset, tokens.data_page_offset + tokens.total_compressed_size
    damaged = bytearray(path.read_bytes())
    # In the middle of the first page and at the end of the last: their headers are good.
    for place in (first + 300, end - 100):
        damaged[place : place + 100] = b"\xff" * 100
    path.write_bytes(damaged)
    assert "c.parquet" in refusal(path)
    want = counts_in_column(frame[5000:5010]["tokens"])
    assert trained(path, "--where", "id >= 5000 AND id < 5010") == want
