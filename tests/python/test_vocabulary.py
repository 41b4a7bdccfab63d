"""The vocabulary is ``collections.Counter``, sorted and cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from corpora import Sentences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import polargram as pg

#: Few words, so that they repeat; and any text, so that nothing is taken for granted.
TOKENS = st.sampled_from(["a", "b", "ab", "", " ", "a b", "\n", "\0", "é", "e\u0301", "日本", "\U0001f600"]) | st.text(
    max_size=4
)
SENTENCES = st.lists(st.none() | st.lists(st.none() | TOKENS, max_size=8), max_size=30)


Rows = list[list[str | None] | None]


def as_lists(rows: Rows) -> Rows:
    return rows


def as_frame(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame({"tokens": pl.Series(rows, dtype=pl.List(pl.String))})


def as_categories(rows: Rows) -> pl.DataFrame:
    return as_frame(rows).cast(pl.List(pl.Categorical))


def as_table(rows: Rows) -> pa.Table:
    return as_frame(rows).to_arrow()


def as_lazy_frame(rows: Rows) -> pl.LazyFrame:
    return as_frame(rows).lazy()


CARRIERS = [as_lists, as_frame, as_categories, as_table, as_lazy_frame]


def train(corpus: object, min_count: int, **parameters: object) -> pg.Word2Vec:
    return pg.Word2Vec(corpus, min_count=min_count, **{"vector_size": 2, "epochs": 1, "workers": 1, **parameters})


def vocabulary_of(model: pg.Word2Vec) -> list[tuple[str, int]]:
    return [(word, model.wv.get_vecattr(word, "count")) for word in model.wv.index_to_key]


def expected(rows: Rows, min_count: int) -> list[tuple[str, int]]:
    counts = Counter(token for row in rows if row for token in row if token is not None)
    return sorted(((w, n) for w, n in counts.items() if n >= min_count), key=lambda item: (-item[1], item[0].encode()))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=SENTENCES, min_count=st.integers(0, 4), carrier=st.sampled_from(CARRIERS))
def test_words_counts_order_and_totals_are_those_of_a_counter(
    rows: Rows, min_count: int, carrier: Callable[[Rows], object]
) -> None:
    want = expected(rows, min_count)
    if not want:
        with pytest.raises(ValueError, match="min_count"):
            train(carrier(rows), min_count)
        return
    model = train(carrier(rows), min_count)
    assert vocabulary_of(model) == want
    assert model.wv.key_to_index == {word: row for row, (word, _) in enumerate(want)}
    assert model.corpus_count == sum(row is not None for row in rows)
    assert model.corpus_total_words == sum(token is not None for row in rows if row for token in row)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(SENTENCES, min_size=1, max_size=5), row_group_size=st.integers(1, 9))
def test_files_and_row_groups_are_added_up(
    parts: list[Rows], row_group_size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("parts")
    for number, rows in enumerate(parts):
        as_frame(rows).write_parquet(directory / f"{number}.parquet", row_group_size=row_group_size)
    want = expected([row for rows in parts for row in rows], 1)
    if not want:
        with pytest.raises(ValueError, match="vocabulary is empty"):
            train(directory, 1)
        return
    assert vocabulary_of(train(directory, 1, workers=2)) == want


@pytest.mark.parametrize(
    "word", ["", " ", "a b", "\n", "\r\n", "\0", "\t", "\u2028", "é", "e\u0301", "\U0010ffff", "null", "x" * 70_000]
)
@pytest.mark.parametrize("carrier", [*CARRIERS, "parquet"], ids=lambda carrier: getattr(carrier, "__name__", carrier))
def test_any_text_is_a_word(word: str, carrier: Callable[[Rows], object] | str, tmp_path: Path) -> None:
    rows = [[word, "w", word]] * 3
    as_frame(rows).write_parquet(tmp_path / "c.parquet")
    model = train(tmp_path / "c.parquet" if carrier == "parquet" else carrier(rows), 1)
    assert vocabulary_of(model) == [(word, 6), ("w", 3)]
    assert word in model.wv
    assert model.wv.get_index(word) == 0


def test_words_of_equal_counts_stand_in_the_order_of_their_utf8_bytes() -> None:
    words = ["z", "Z", "a", "é", "ab", "", "10", "9", "日", "\U0001f600", "\uffff"]
    assert train([words], 1).wv.index_to_key == sorted(words, key=str.encode)


def test_a_word_below_min_count_gets_no_row_but_is_counted_in_the_corpus() -> None:
    model = train([["a"] * 5 + ["b"] * 4 + ["c"] * 3], 4)
    assert vocabulary_of(model) == [("a", 5), ("b", 4)]
    assert model.corpus_total_words == 12


def test_an_empty_vocabulary_is_an_error_with_both_numbers_and_the_remedy() -> None:
    with pytest.raises(ValueError, match="2 distinct words \\(3 tokens\\).*min_count=9.*Lower min_count"):
        train([["a", "a", "b"]], 9)


def test_min_count_zero_keeps_what_occurs_and_nothing_else() -> None:
    assert vocabulary_of(train([["a"], [], None], 0)) == [("a", 1)]


def test_more_tokens_than_one_partial_aggregation_are_added_up(sentences: Sentences, sample: Path) -> None:
    want = [(word, 11 * count) for word, count in expected(sentences, 1)]
    assert vocabulary_of(train([str(sample)] * 11, 1, workers=2)) == want
    assert vocabulary_of(train(pl.concat([pl.scan_parquet(sample / "*.parquet")] * 11), 1)) == want


def test_gensim_counts_the_same(sentences: Sentences, model: pg.Word2Vec) -> None:
    from gensim.models import Word2Vec

    theirs = Word2Vec(vector_size=2)
    theirs.build_vocab(sentences)
    assert {word: theirs.wv.get_vecattr(word, "count") for word in theirs.wv.index_to_key} == dict(vocabulary_of(model))
    assert (theirs.corpus_count, theirs.corpus_total_words) == (model.corpus_count, model.corpus_total_words)


def test_empty_tokens_are_words_and_the_log_counts_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="polargram")
    model = pg.Word2Vec([["a", "", "b"], ["b", "a"]] * 9, vector_size=4, min_count=1, epochs=1)
    assert sorted(model.wv.index_to_key) == ["", "a", "b"]
    assert '9 tokens are empty: "" is a word like any other' in caplog.text
    caplog.clear()
    pg.Word2Vec([["a", "b"], ["b", "a"]] * 9, vector_size=4, min_count=1, epochs=1)
    assert "empty" not in caplog.text
