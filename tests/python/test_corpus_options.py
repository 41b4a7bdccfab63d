"""Splitting, filtering, weighing, limiting, sampling and shuffling a corpus: exactly what Polars does to its rows."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from corpora import QUICK, array_of, counts_in, counts_of, facts_of
from runs import KilledError, KillIn, cut_and_resumed

import polargram as pg

Command = Callable[..., subprocess.CompletedProcess[str]]
Sentences = list[list[str]]
EXACT = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2, "batch_words": 1000}
#: EXACT as options of the command.
EXACT_OPTIONS = ["--vector-size", 8, "--min-count", 1, "--workers", 1, "--epochs", 2, "--batch-words", 1000, "--quiet"]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """20,000 rows of text, of lists and of numbers to choose them by."""
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
    """How often each token stands in a column of lists, by Polars."""
    times = pl.Series("times", [1] * len(tokens)) if times is None else times.alias("times")
    each = pl.DataFrame([tokens.alias("token"), times]).explode("token", empty_as_null=True).drop_nulls("token")
    totals = each.group_by("token").agg(pl.col("times").cast(pl.Int64).sum()).filter(pl.col("times") > 0)
    return dict(totals.iter_rows())


#: Runs one command after the other, which takes a fraction of the time of a process for each.
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

#: Runs ``polargram`` with these arguments, and gives its exit code and what it said.
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
        wv = pg.KeyedVectors.load(output / "vectors.arrow")
        return {word: wv.get_vecattr(word, "count") for word in wv.index_to_key}

    return trained


@pytest.fixture
def refusal(run: Run, tmp_path: Path) -> Callable[..., str]:
    """``refusal("corpus.parquet", …)`` is what ``polargram train`` says about what it cannot do, and nothing else."""

    def refusal(*arguments: object, code: int = 1) -> str:
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
        ("n >", "where"),
        ("SELECT 1", "where"),
        ("", "where"),
        ("n > 1; DROP TABLE x", "where"),
        ("1 = 1", "names no column"),
        ("n + 1", "expected true or false"),
        ("missing > 2", '1.parquet.*no column "missing"'),
        ("lang > 3", "1.parquet.*where"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(
    refusal: Callable[..., str], where: str, said: str, corpus: Path
) -> None:
    message = refusal(corpus, "--where", where)
    assert re.search(said, message), message
    assert "Traceback" not in message


@pytest.mark.parametrize("where", ["n = MAX(n)", "id > AVG(id)", "COUNT(*) > id", "id = (SELECT MAX(id) FROM self)"])
@pytest.mark.parametrize("source", [".", "ipc"])
def test_a_condition_on_more_than_its_row_is_refused(
    refusal: Callable[..., str], where: str, source: str, corpus: Path
) -> None:
    # A table is read by batches, so that it would be true of those.
    message = refusal(corpus / source, "--where", where)
    assert "where" in message or "_POLARS_TMP" in message


@pytest.mark.parametrize("source", [".", "ipc"])
@pytest.mark.parametrize("limit", [1, 4000, 8193, 12_345, 10**9])
def test_the_first_sentences_are_read(
    trained: Callable[..., dict[str, int]], limit: int, source: str, corpus: Path, frame: pl.DataFrame
) -> None:
    want = counts_in_column(frame["tokens"].drop_nulls()[:limit])
    if not want:
        pytest.skip("the first sentences have no words")
    assert trained(corpus / source, "--limit", limit) == want


def test_of_no_sentences_nothing_is_trained(refusal: Callable[..., str], corpus: Path) -> None:
    assert "0 distinct words" in refusal(corpus, "--limit", 0)


def test_a_share_of_the_sentences_is_drawn_by_the_seed(
    trained: Callable[..., dict[str, int]], corpus: Path, frame: pl.DataFrame, tmp_path: Path
) -> None:
    # A word for each sentence tells which were drawn.
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
        (["--split", "regex:("], 1, "split"),
        (["--split", "whitespace"], 1, 'column "tokens" is .*cannot be split; expected strings'),
        (["--column", "text"], 1, 'column "text" holds whole strings.*--split whitespace'),
        (["--limit=-1"], 2, "limit"),
        (["--limit", "many"], 2, "limit"),
        (["--sample-fraction", "0"], 1, "sample_fraction.*above 0"),
        (["--sample-fraction", "1.5"], 1, "sample_fraction.*at most 1"),
        (["--sample-fraction=-0.5"], 1, "sample_fraction.*above 0"),
        (["--sample-fraction", "nan"], 1, "sample_fraction"),
        (["--sample-fraction", "half"], 2, "sample-fraction"),
        (["--errors", "bogus"], 2, "strict.*replace.*ignore"),
        (["--count-column", "missing"], 1, 'no column "missing"'),
        (["--count-column", "lang"], 1, 'column "lang" is .*expected whole numbers'),
        (["--count-column", "odd name"], 1, 'column "odd name" is Float64; expected whole numbers'),
        (["--count-column", "tokens"], 1, 'column "tokens".*expected whole numbers'),
        (["--shuffle", "--no-spool"], 1, "shuffle.*spool"),
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
    message = refusal(tmp_path / name, *option)
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


def test_rows_that_are_left_out_may_be_whole_pages(
    trained: Callable[..., dict[str, int]], frame: pl.DataFrame, tmp_path: Path
) -> None:
    pages = {"data_page_size": 500, "write_batch_size": 50, "write_page_index": True}
    pq.write_table(frame.to_arrow(), tmp_path / "c.parquet", **pages)
    want = counts_in_column(frame[5000:5010]["tokens"])
    assert trained(tmp_path / "c.parquet", "--where", "id >= 5000 AND id < 5010") == want


# Counts.


@pytest.fixture(scope="module")
def weighed(sentences: list[list[str]]) -> pl.DataFrame:
    """Lists that count between 0 and 40 times, and one that outgrows a batch."""
    draw = random.Random(5)
    counts = [draw.choice([0, 1, 1, 2, 3, 40]) for _ in range(700)]
    counts[100] = 333
    rows: list[object] = [*sentences[:698], None, []]
    return pl.DataFrame({"n": pl.Series(counts, dtype=pl.UInt16), "tokens": rows})


@pytest.fixture(scope="module")
def repeated(weighed: pl.DataFrame) -> Sentences:
    """Each list as often as it counts."""
    return [row for n, row in weighed.iter_rows() if row is not None for _ in range(n)]


WEIGHED: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "Parquet": lambda f, d: f.write_parquet(d / "c.parquet") or d / "c.parquet",
    "row groups": lambda f, d: f.write_parquet(d / "c.parquet", row_group_size=33) or d / "c.parquet",
    "files": lambda f, d: (
        [f[i : i + 100].write_parquet(d / f"{i}.parquet") or d / f"{i}.parquet" for i in range(0, 700, 100)]
    ),
    "IPC": lambda f, d: f.write_ipc(d / "c.arrow") or d / "c.arrow",
    "DataFrame": lambda f, _: f,
    "LazyFrame": lambda f, _: f.lazy(),
    "Table": lambda f, _: f.to_arrow(),
    "list of RecordBatch": lambda f, _: f.to_arrow().to_batches(max_chunksize=99),
    "Dataset": lambda f, _: ds.dataset(f.to_arrow()),
    "Scanner": lambda f, _: ds.dataset(f.to_arrow()).scanner(),
    "duckdb": lambda f, _: duckdb.from_arrow(f.to_arrow()),
}
READINGS = [{}, {"spool": False}, {"memory_budget": 1000}]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("what", WEIGHED)
def test_a_list_that_counts_so_many_times_is_trained_as_if_it_stood_so_often(
    what: str, reading: dict[str, object], weighed: pl.DataFrame, repeated: Sentences, tmp_path: Path
) -> None:
    source = WEIGHED[what](weighed, tmp_path)
    model = pg.Word2Vec(source, count_column="n", **EXACT, **reading)
    listed = pg.Word2Vec(repeated, **EXACT)
    assert facts_of(model) == facts_of(listed)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)


@pytest.mark.parametrize(
    "mode",
    [
        {"sg": 1},
        {"sg": 1, "hs": 1, "negative": 0},
        {"sg": 0, "hs": 1},
        {"sg": 1, "shared_negatives": False},
        {"sample": 0},
        {"shuffle": True},
        {"sorted_vocab": False},
        {"batch_words": 50},
        {"max_final_vocab": 200},
    ],
    ids=str,
)
def test_counts_are_the_same_to_every_way_of_training(
    mode: dict[str, object], weighed: pl.DataFrame, repeated: Sentences
) -> None:
    parameters = {**EXACT, **mode}
    model, listed = pg.Word2Vec(weighed, count_column="n", **parameters), pg.Word2Vec(repeated, **parameters)
    assert facts_of(model) == facts_of(listed)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)


def test_every_step_and_every_worker_knows_the_counts(weighed: pl.DataFrame, repeated: Sentences) -> None:
    model = pg.Word2Vec(**{**EXACT, "workers": 2, "sample": 0}, count_column="n")
    words = sum(map(len, repeated))
    assert model.scan_vocab(weighed) == (words, len(repeated))
    model.build_vocab(weighed)
    assert (model.corpus_total_words, model.corpus_count) == (words, len(repeated))
    assert model.train(weighed, total_examples=model.corpus_count, epochs=3) == (3 * words, 3 * words)


def test_the_command_weighs_as_python_does(
    command: Command, weighed: pl.DataFrame, repeated: Sentences, tmp_path: Path
) -> None:
    weighed.write_parquet(tmp_path / "c.parquet")
    command("train", tmp_path / "c.parquet", "--count-column", "n", "--output", tmp_path / "out", *EXACT_OPTIONS)
    wv = pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")
    assert np.array_equal(wv.vectors, pg.Word2Vec(repeated, **EXACT).wv.vectors)


def test_a_list_that_counts_0_is_left_out_with_words_that_stand_nowhere_else() -> None:
    model = pg.Word2Vec(pl.DataFrame({"tokens": [["a"], ["b"], ["a", "c"]], "n": [2, 0, 1]}), count_column="n", **EXACT)
    assert facts_of(model) == (["a", "c"], [3, 1], 4, 3)
    with pytest.raises((ValueError, RuntimeError), match="0 distinct words"):
        pg.Word2Vec(pl.DataFrame({"tokens": [["a"]], "n": [0]}), count_column="n", **EXACT)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64])
def test_counts_may_be_of_every_whole_type(dtype: pl.DataType, tmp_path: Path) -> None:
    frame = pl.DataFrame({"tokens": [["a", "b"], ["b"]], "n": pl.Series([3, 10], dtype=dtype)})
    frame.write_parquet(tmp_path / "c.parquet")
    frame.write_ipc(tmp_path / "c.arrow")
    for source in (frame, tmp_path / "c.parquet", tmp_path / "c.arrow"):
        assert facts_of(pg.Word2Vec(source, count_column="n", **EXACT)) == (["b", "a"], [13, 3], 16, 13)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (pl.Series([1, None, 2] * 40), "has a null; a count is a whole number of at least 0"),
        (pl.Series([1, -1, 2] * 40), "has a negative number"),
        (pl.Series([1.0, 2.0, 3.0] * 40), "Float64.*expected whole numbers"),
        (pl.Series(["1", "2", "3"] * 40), "expected whole numbers"),
        (pl.Series([True, False, True] * 40), "expected whole numbers"),
        (pl.Series([1, 2**32, 1] * 40, dtype=pl.UInt64), "4294967296"),
    ],
    ids=["null", "negative", "floats", "strings", "booleans", "huge"],
)
def test_counts_that_are_none_are_named_with_file_row_group_and_column(
    counts: pl.Series, said: str, tmp_path: Path
) -> None:
    good = pl.DataFrame({"tokens": [["a"]] * 120, "n": pl.Series([1] * 120).cast(counts.dtype)})
    bad = good.with_columns(n=counts)
    pl.concat([good, bad]).write_parquet(tmp_path / "c.parquet", row_group_size=120)
    bad.write_ipc(tmp_path / "c.arrow")
    # The type is known of the file, before any of its row groups is read.
    place = "" if counts.dtype not in (pl.Int64, pl.UInt64) else ", row group 1"
    batch = place.replace("row group 1", "record batch 0")
    places = ((tmp_path / "c.parquet", f"c.parquet{place}"), (tmp_path / "c.arrow", f"c.arrow{batch}"), (bad, ""))
    for source, where in places:
        with pytest.raises(ValueError, match=f"{where}: .*{said}") as refused:
            pg.Word2Vec(source, count_column="n", **EXACT)
        assert 'column "n"' in str(refused.value)


def test_what_has_no_columns_has_no_counts(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a b\n")
    np.save(tmp_path / "c.npy", np.ones((2, 2), int))
    for corpus in ([["a"]], pa.array([["a"]]), pl.Series("tokens", [["a"]]), tmp_path / "c.txt", tmp_path / "c.npy"):
        with pytest.raises((TypeError, ValueError), match="count_column|no columns"):
            pg.Word2Vec(corpus, count_column="n", **EXACT)
    for corpus in (pl.DataFrame({"tokens": [["a"]]}), pa.table({"tokens": [["a"]]})):
        with pytest.raises((ValueError, pl.exceptions.ColumnNotFoundError), match='"?n"?'):
            pg.Word2Vec(corpus, count_column="n", **EXACT)


@pytest.mark.parametrize("reader", [pg.LineSentence, pg.PathLineSentences, pg.Text8Corpus, pg.BrownCorpus])
def test_a_reader_of_text_has_no_counts(reader: type, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a/nn b/nn\n")
    with pytest.raises((TypeError, ValueError), match="count_column"):
        pg.Word2Vec(reader(tmp_path / "c.txt"), count_column="n", **EXACT)
    with pytest.raises((TypeError, ValueError), match="count_column"):
        pg.Word2Vec(corpus_file=tmp_path / "c.txt", count_column="n", **EXACT)


def test_a_saved_model_knows_its_count_column(weighed: pl.DataFrame, tmp_path: Path) -> None:
    model = pg.Word2Vec(weighed, count_column="n", **EXACT)
    model.save(tmp_path / "model")
    assert pg.Word2Vec.load(tmp_path / "model").count_column == "n"


# Shuffling.


@pytest.mark.parametrize("reading", [{}, {"memory_budget": 1000}], ids=str)
def test_shuffled_batches_give_other_vectors_and_the_same_again_for_the_same_seed(
    reading: dict[str, object], rows: Sentences
) -> None:
    def vectors(**parameters: object) -> np.ndarray:
        return pg.Word2Vec(rows, **{**EXACT, **reading, **parameters}).wv.vectors

    shuffled = vectors(shuffle=True)
    assert np.array_equal(vectors(shuffle=True), shuffled)
    assert not np.array_equal(vectors(), shuffled)
    # One batch alone has no order.
    alone = {"batch_words": 10**6}
    assert np.array_equal(vectors(shuffle=True, **alone), vectors(**alone))


def test_every_epoch_has_an_order_of_its_own_that_follows_from_the_seed(rows: Sentences) -> None:
    # Without random draws but those of the order: no subsampling, whole windows, hierarchical softmax.
    still = {"sample": 0, "shrink_windows": False, "hs": 1, "negative": 0, "sg": 1}
    one = pg.Word2Vec(rows, **{**EXACT, **still, "epochs": 1, "alpha": 0.02, "min_alpha": 0.02}, shuffle=True)
    first = one.wv.vectors.copy()
    again = pg.Word2Vec(rows, **{**EXACT, **still, "epochs": 1, "alpha": 0.02, "min_alpha": 0.02}, shuffle=True, seed=2)
    assert not np.array_equal(again.wv.vectors, first)


def test_shuffling_loses_and_repeats_nothing(rows: Sentences) -> None:
    model = pg.Word2Vec(**{**EXACT, "sample": 0, "workers": 2}, shuffle=True)
    model.build_vocab(rows)
    words = sum(map(len, rows))
    assert model.train(rows, total_examples=len(rows), epochs=3) == (3 * words, 3 * words)


def test_shuffling_needs_the_spool(rows: Sentences) -> None:
    with pytest.raises(ValueError, match="shuffle.*spool"):
        pg.Word2Vec(rows, **EXACT, shuffle=True, spool=False)


@pytest.mark.parametrize("every", ["epoch", 1e-4])
@pytest.mark.parametrize("option", ["shuffle", "count_column", "both"])
def test_a_run_taken_up_again_ends_in_the_bits_of_one_that_was_not_cut(
    option: str, every: object, weighed: pl.DataFrame, tmp_path: Path
) -> None:
    options: dict[str, object] = {"epochs": 4, "shuffle": option != "count_column"}
    if option != "shuffle":
        options["count_column"] = "n"
    parameters = {**EXACT, **options}
    whole = pg.Word2Vec(weighed, **parameters)
    resumed = cut_and_resumed(weighed, tmp_path / "ck", **parameters, checkpoint_every=every)
    assert np.array_equal(resumed.wv.vectors, whole.wv.vectors)
    assert facts_of(resumed) == facts_of(whole)


def test_a_shuffled_run_is_not_taken_up_in_another_order(rows: Sentences, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        pg.Word2Vec(rows, **EXACT, shuffle=True, checkpoint=tmp_path / "ck", callbacks=[KillIn(1)])
    with pytest.raises(ValueError, match="shuffle|parameter|other"):
        pg.Word2Vec(rows, **EXACT, checkpoint=tmp_path / "ck")


def test_the_command_shuffles_as_python_does(command: Command, rows: Sentences, tmp_path: Path) -> None:
    pl.DataFrame({"tokens": rows}).write_parquet(tmp_path / "c.parquet")
    command("train", tmp_path / "c.parquet", "--shuffle", "--output", tmp_path / "out", *EXACT_OPTIONS)
    wv = pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")
    assert np.array_equal(wv.vectors, pg.Word2Vec(rows, **EXACT, shuffle=True).wv.vectors)


def test_counts_of_a_frame_are_those_of_its_tokens_repeated(weighed: pl.DataFrame, repeated: Sentences) -> None:
    model = pg.Word2Vec(weighed, count_column="n", **EXACT)
    assert counts_of(model) == counts_in(repeated)
