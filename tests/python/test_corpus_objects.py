"""Frames, streams and iterables as a corpus: read again for every pass, or refused with the reason."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import gensim
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from corpora import Sentences, counts_of, small_model
from polars.io.plugins import register_io_source

import polargram as pg

ROWS = [["a", "b", "a"], None, [], ["b", None], ["c", "c", "a"]]
COUNTS = {"a": 3, "b": 2, "c": 2}


def train(corpus: object, **parameters: object) -> pg.Word2Vec:
    return small_model(corpus, **{"workers": 1, **parameters})


class Again:
    """A corpus that can be iterated again, and counts how often it was."""

    def __init__(self, rows: Iterable[object]) -> None:
        self.rows, self.passes = rows, 0

    def __iter__(self) -> Iterator[object]:
        self.passes += 1
        yield from self.rows


class ByIndex:
    """The old protocol of sequences."""

    def __getitem__(self, index: int) -> list[str | None] | None:
        return ROWS[index]


class Stream:
    """Nothing but the Arrow PyCapsule interface."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


FRAME = pl.DataFrame({"n": range(5), "tokens": ROWS})


@pytest.mark.parametrize(
    "corpus",
    [
        ROWS,
        tuple(ROWS),
        [tuple(row) if row else row for row in ROWS],
        dict(enumerate(ROWS)).values(),
        np.array([*ROWS, None], dtype=object)[:-1],
        Again(ROWS),
        ByIndex(),
        FRAME,
        FRAME.lazy(),
        FRAME.lazy().filter(pl.col("n") >= 0).select("tokens"),
        pl.concat([FRAME[:2], FRAME[2:]], rechunk=False),
        FRAME.to_arrow(),
        FRAME.to_arrow().to_batches()[0],
        Stream(FRAME.to_arrow()),
    ],
    ids=lambda corpus: type(corpus).__name__,
)
def test_whatever_can_be_read_again_is_a_corpus(corpus: object) -> None:
    model = train(corpus)
    assert counts_of(model) == COUNTS
    assert (model.corpus_count, model.corpus_total_words) == (4, 7)


@pytest.mark.parametrize(
    "column", [pl.Series("tokens", ROWS), pa.chunked_array([ROWS])], ids=["Series", "ChunkedArray"]
)
def test_a_column_without_its_table_is_a_corpus(column: object) -> None:
    assert counts_of(train(column)) == COUNTS


def test_a_query_of_duckdb_is_run_again_for_every_pass() -> None:
    with duckdb.connect() as connection:
        query = connection.sql("SELECT [w, 'x'] AS tokens FROM (VALUES ('a'), ('b'), ('a')) AS t(w)")
        assert counts_of(train(query)) == {"x": 3, "a": 2, "b": 1}


ROWS_OF_ANY_LENGTH = [["a", "b", "a"], [], ["b"], ["zoë", "日本", ""]]
#: How a program may hold each sentence, or all of them, as an array.
ARRAYS: dict[str, Callable[[list[str]], object]] = {
    "list": list,
    "tuple": tuple,
    "Series": pl.Series,
    "Series of String": lambda row: pl.Series(row, dtype=pl.String),
    "Categorical": lambda row: pl.Series(row, dtype=pl.Categorical),
    "Series of objects": lambda row: pl.Series(row, dtype=pl.Object),
    "Arrow": pa.array,
    "Arrow views": lambda row: pa.array(row, pa.string_view()),
    "Arrow dictionary": lambda row: pa.array(row, pa.string()).dictionary_encode(),
    "Arrow bytes": lambda row: pa.array([word.encode() for word in row], pa.binary()),
    "Arrow chunks": lambda row: pa.chunked_array([row[:1], row[1:]], pa.string()),
    "Arrow scalars": lambda row: list(pa.array(row, pa.string())),
    "NumPy": np.array,
    "NumPy objects": lambda row: np.array(row, dtype=object),
    "NumPy strings": lambda row: np.array(row, dtype=np.dtypes.StringDType()),
    "pandas": lambda row: pd.Series(row, index=range(7, 7 + len(row)), dtype=object),
    "pandas strings": lambda row: pd.Series(row, dtype="string[pyarrow]"),
    "pandas Categorical": lambda row: pd.Series(row, dtype="category"),
    "pandas Index": lambda row: pd.Index(row, dtype=object),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_a_list_of_arrays_of_words_is_a_list_of_sentences(kind: str) -> None:
    corpus = [ARRAYS[kind](row) for row in ROWS_OF_ANY_LENGTH]
    want = train(ROWS_OF_ANY_LENGTH)
    for sentences in (corpus, tuple(corpus), [None, *corpus], [ROWS_OF_ANY_LENGTH[0], *corpus[1:]]):
        model = train(sentences)
        assert (counts_of(model), model.corpus_count) == (counts_of(want), 4)
        assert np.array_equal(model.wv.vectors, want.wv.vectors)


@pytest.mark.parametrize("kind", ["Series", "Series of String", "NumPy", "NumPy objects", "pandas"])
def test_gensim_counts_the_same_of_lists_of_arrays(kind: str) -> None:
    corpus = [ARRAYS[kind](row) for row in ROWS_OF_ANY_LENGTH]
    theirs = gensim.models.Word2Vec(min_count=1, vector_size=4)
    # Training would wait for ever: its threads end at the truth value of an array.
    theirs.build_vocab(corpus)
    ours = train(corpus)
    assert (counts_of(ours), ours.corpus_count) == (counts_of(theirs), theirs.corpus_count)


@pytest.mark.parametrize(
    "array",
    [
        pl.Series,
        pa.array,
        np.array,
        pd.Series,
        lambda row: pd.Series(row, dtype="Int64"),
        lambda row: list(pa.array(row)),
    ],
    ids=["Polars", "Arrow", "NumPy", "pandas", "pandas with nulls", "Arrow scalars"],
)
def test_a_list_of_arrays_of_integers_is_a_list_of_sentences(array: Callable[[list[int]], object]) -> None:
    assert counts_of(train([array([7, -3, 7]), array([-3])])) == {-3: 2, 7: 2}


def test_integers_of_arrays_keep_their_sign_and_their_nulls_are_skipped() -> None:
    arrays = [
        pa.array([2**63, None], pa.uint64()),
        pl.Series([7, None], dtype=pl.UInt8),
        pa.array([7]).dictionary_encode(),
    ]
    model = train([*arrays, pd.Series([7, None], dtype="Int64"), pl.Series([None, None]), pa.nulls(2)])
    assert counts_of(model) == {7: 3, 2**63: 1}
    assert model.corpus_count == 6


def test_what_is_missing_among_sentences_and_words_is_skipped() -> None:
    rows = [["a"], None, float("nan"), pd.NA, ["b", None, np.nan, pd.NA], pa.scalar(None), [pa.scalar(None)]]
    model = train(rows)
    assert (counts_of(model), model.corpus_count) == ({"a": 1, "b": 1}, 3)


def test_strings_of_numpy_and_other_subclasses_of_str_are_words() -> None:
    class Word(str):
        pass

    assert counts_of(train([np.array(["a", "b"]), [Word("a"), np.str_("c")]])) == {"a": 2, "b": 1, "c": 1}


def test_a_sentence_may_be_any_iterable_that_starts_again() -> None:
    assert counts_of(train([{"a": 1, "b": 2}, ("a",), Again(["c"]), {"a"}])) == {"a": 3, "b": 1, "c": 1}


def test_an_iterable_is_read_once_to_count_and_once_to_encode_whatever_the_epochs() -> None:
    corpus = Again(ROWS)
    train(corpus, epochs=7)
    assert corpus.passes == 2


def test_a_lazy_frame_is_run_by_batches_and_needs_no_other_column() -> None:
    tall = pl.LazyFrame({"n": range(300_000)})
    words = tall.with_columns(
        tokens=pl.concat_list((pl.col("n") % 7).cast(pl.String), pl.lit("w")), other=pl.col("n") / 0
    )
    assert counts_of(train(words))["w"] == 300_000


def test_a_scanned_file_is_streamed_with_its_filter(sample: Path, sentences: Sentences) -> None:
    long = pl.scan_parquet(sample / "*.parquet").filter(pl.col("tokens").list.len() >= 20)
    assert train(long).corpus_count == sum(len(sentence) >= 20 for sentence in sentences)


@pytest.mark.parametrize(
    "lazy",
    [
        pl.LazyFrame({"s": ["a b", "c a"]}).select(tokens=pl.col("s").map_elements(str.split, pl.List(pl.String))),
        pl.LazyFrame({"s": ["a b", "c a"]}).map_batches(
            lambda frame: frame.select(tokens=pl.col("s").str.split(" ")), schema={"tokens": pl.List(pl.String)}
        ),
        register_io_source(
            lambda *_: iter([pl.DataFrame({"tokens": [["a", "b"], ["c", "a"]]})]), schema={"tokens": pl.List(pl.String)}
        ),
    ],
    ids=["map_elements", "map_batches", "source"],
)
def test_a_lazy_frame_may_call_python(lazy: pl.LazyFrame) -> None:
    assert counts_of(train(lazy)) == {"a": 2, "b": 1, "c": 1}


@pytest.mark.parametrize(
    "once",
    [
        lambda: (row for row in ROWS),
        lambda: iter(ROWS),
        lambda: map(list, [["a"]]),
        lambda: filter(None, ROWS),
        lambda: zip(["a"], ["b"], strict=True),
        lambda: FRAME.to_arrow().to_reader(),
        lambda: open(__file__),  # noqa: SIM115
    ],
    ids=["generator", "iterator", "map", "filter", "zip", "RecordBatchReader", "file"],
)
def test_what_can_be_read_only_once_is_refused_with_the_reason_and_not_touched(once: object) -> None:
    corpus = once()
    with pytest.raises(TypeError, match="only once.*Pass a list") as refused:
        train(corpus)
    assert type(corpus).__name__ in str(refused.value)
    assert next(iter(corpus)) is not None


def test_an_iterable_that_is_empty_the_second_time_is_refused_not_trained_on_nothing() -> None:
    class Spent:
        def __init__(self) -> None:
            self.rows = iter(ROWS)

        def __iter__(self) -> Iterator[object]:
            return self.rows

    with pytest.raises((TypeError, ValueError), match="again|once|second|twice"):
        train(Spent())
    with pytest.raises((TypeError, ValueError), match="again|once|second|twice"):
        train([iter(["a", "b"]), iter(["a", "c"])])


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        (3, "<class 'int'> is not a corpus; expected"),
        ([["a", "sentence"], "a string"], "sentence 1: is a string; expected a list of strings"),
        (("a.parquet", "b.parquet"), "sentence 0: is a string"),
        ({"a": 1}, "sentence 0: is a string"),
        ([["a"], ["b", 3]], "sentence 1: holds integers, but strings came before"),
        ([["a"], [b"b"]], "sentence 1: holds bytes; decode them first"),
        ([["a"], np.array([b"b"])], "sentence 1: holds bytes; decode them first"),
        ([["a"], b"b"], "sentence 1: is bytes; expected a list of strings"),
        ([b"to be"], "sentence 0: is bytes; expected a list of strings"),
        ([["a"], pl.Series([b"\xff"])], "sentence 1: holds bytes that are not UTF-8"),
        ([["a"], pa.array([1.5])], "sentence 1: is an array of Float64; expected strings or integers"),
        ([["a"], pl.Series([1])], "sentence 1: holds integers, but strings came before"),
        ([pl.Series(["a"]), pl.Series([["a"]])], "sentence 1: is an array of .*List.*; expected strings"),
        ([pa.array(["a"]), pa.table({"tokens": [["a"]]})], "sentence 1: is an array of Struct.*; expected strings"),
        ([pa.array([1]), pa.array([2**63], pa.uint64())], "sentence 1: holds integers that do not fit int64"),
        ([pa.array([1], pa.uint64()), pl.Series([-1])], "sentence 1: holds integers that do not fit uint64"),
        ([["a"], np.array(["a", "b"]).reshape(2, 1)], "sentence 1: holds <class 'numpy.ndarray'>"),
        ([["a"], 7], "sentence 1: is not a list of strings or integers"),
        ([["a"]] * 5000 + [[["b"]]], "sentence 5000: holds <class 'list'>"),
        ([["a"], Path("b.parquet")], "sentence 1: is not a list of strings or integers"),
        (b"corpus.parquet", "sentence 0"),
    ],
    ids=repr,
)
def test_a_wrong_type_is_named_with_its_place(corpus: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        train(corpus)


def test_a_string_that_is_no_unicode_text_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        train([["a", "\ud800"]])


@pytest.mark.parametrize("frame", [pl.DataFrame, pl.LazyFrame])
@pytest.mark.parametrize("tokens", [["a b", "c"], [1, 2], [[1.5], [2.0]]], ids=str)
def test_a_frame_whose_column_is_no_list_of_tokens_is_refused_by_name(frame: type, tokens: list[object]) -> None:
    with pytest.raises(ValueError, match='column "tokens".*expected a list of strings'):
        train(frame({"tokens": tokens}))


class OwnError(Exception):
    """An error of the user's."""


@pytest.mark.parametrize(
    "raised", [OwnError("mine"), ValueError("theirs"), StopAsyncIteration(), KeyboardInterrupt(), SystemExit(7)]
)
@pytest.mark.parametrize("failing_pass", [1, 2])
@pytest.mark.parametrize("after", [0, 1, 5000])
def test_an_exception_of_the_corpus_comes_through_as_it_is(
    raised: BaseException, failing_pass: int, after: int
) -> None:
    class Failing(Again):
        def __iter__(self) -> Iterator[object]:
            self.passes += 1
            yield from [["a", "b"]] * after
            if self.passes == failing_pass:
                raise raised
            yield ["c"]

    with pytest.raises(type(raised)) as seen:
        train(Failing([]))
    assert seen.value is raised
    assert any(frame.name == "__iter__" for frame in traceback.extract_tb(seen.tb))


@pytest.mark.parametrize("where", ["__iter__", "__next__", "__getitem__", "__arrow_c_stream__", "sentence", "select"])
def test_an_exception_of_any_method_of_the_corpus_comes_through(where: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OwnError(where)

    iterator = type("Iterator", (), {"__next__": fail, "__iter__": lambda self: self})
    corpora = {
        "__iter__": lambda: type("Corpus", (), {"__iter__": fail})(),
        "__next__": lambda: type("Corpus", (), {"__iter__": lambda self: iterator()})(),
        "__getitem__": lambda: type("Corpus", (), {"__getitem__": fail})(),
        "__arrow_c_stream__": lambda: type("Corpus", (), {"__arrow_c_stream__": fail})(),
        "sentence": lambda: [["a"], type("Sentence", (), {"__iter__": lambda self: iterator()})()],
        "select": lambda: type(
            "Lazy", (), {"collect_batches": fail, "select": fail, "collect_schema": FRAME.lazy().collect_schema}
        )(),
    }
    with pytest.raises(OwnError, match=where):
        train(corpora[where]())


def test_a_query_that_fails_is_the_error_that_polars_raises() -> None:
    failing = (
        FRAME.lazy()
        .with_columns(pl.col("tokens").list.join("").str.to_integer(strict=True).alias("n"))
        .filter(pl.col("n") > 0)
    )
    with pytest.raises(pl.exceptions.PolarsError, match="parsing failed"):
        train(failing)


def test_a_stream_that_breaks_midway_says_what_its_source_said() -> None:
    schema = pa.schema({"tokens": pa.list_(pa.string())})

    class Breaking:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            def batches() -> Iterator[pa.RecordBatch]:
                yield pa.record_batch({"tokens": [["a"]]}, schema)
                raise OwnError("the disk is gone")

            return pa.RecordBatchReader.from_batches(schema, batches()).__arrow_c_stream__()

    with pytest.raises((OwnError, ValueError, OSError), match="the disk is gone"):
        train(Breaking())


def test_a_corpus_that_trains_another_model_meanwhile_does_not_deadlock() -> None:
    class Nested(Again):
        def __iter__(self) -> Iterator[object]:
            train(ROWS)
            yield from ROWS

    assert counts_of(train(Nested([]))) == COUNTS
