"""Phrases: gensim is the reference for what is counted, scored and joined."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from corpora import Sentences
from gensim.models import phrases as gensim_phrases
from hypothesis import given, settings
from hypothesis import strategies as st
from phrase_models import CONNECTORS, SETTINGS, assert_same, share
from runs import Command

import polargram as pg
from polargram import phrases as ours_module

#: Words that meet each other often, some of which have a delimiter inside or beside.
WORDS = st.sampled_from(["a", "b", "c", "d", "a_b", "c_d", "_", "", "b_", "__", "-", "a_b_c", "日本"])
SENTENCES = st.lists(st.lists(WORDS, max_size=8), max_size=30)


def both(sentences: Sentences, **kwargs: Any) -> tuple[pg.Phrases, gensim_phrases.Phrases]:
    return pg.Phrases(sentences, **kwargs), gensim_phrases.Phrases(sentences, **kwargs)


@pytest.mark.parametrize("kwargs", SETTINGS)
@settings(deadline=None, max_examples=60)
@given(sentences=SENTENCES, more=SENTENCES)
def test_counts_scores_and_sentences_are_gensims(kwargs: dict[str, Any], sentences: Sentences, more: Sentences) -> None:
    ours, theirs = both(sentences, **kwargs)
    assert_same(ours, theirs, sentences + more)
    ours.add_vocab(more)
    theirs.add_vocab(more)
    assert_same(ours, theirs, more)


@settings(deadline=None, max_examples=60)
@given(sentences=SENTENCES, more=SENTENCES, most=st.integers(1, 20))
def test_a_bound_drops_what_gensim_drops(sentences: Sentences, more: Sentences, most: int) -> None:
    kwargs: dict[str, Any] = {"min_count": 1, "threshold": 0.1, "max_vocab_size": most, "connector_words": {"b"}}
    ours, theirs = both(sentences, **kwargs)
    assert_same(ours, theirs, sentences)
    ours.add_vocab(more)
    theirs.add_vocab(more)
    assert_same(ours, theirs, more)


@settings(deadline=None, max_examples=40)
@given(sentences=SENTENCES)
def test_a_second_pass_is_gensims(sentences: Sentences) -> None:
    kwargs: dict[str, Any] = {"min_count": 1, "threshold": 0.3, "connector_words": frozenset("a")}
    first, first_of_gensim = both(sentences, **kwargs)
    second = pg.Phrases(first[sentences], **kwargs)
    second_of_gensim = gensim_phrases.Phrases(first_of_gensim[sentences or [["x"]]] if sentences else [], **kwargs)
    assert_same(second, second_of_gensim, sentences)
    twice = pg.Phrases(sentences, passes=2, **kwargs)
    assert dict(twice.vocab.items()) == second_of_gensim.vocab
    assert [twice[s] for s in sentences] == [second_of_gensim[first_of_gensim[s]] for s in sentences]
    assert twice.export_phrases() == {**first_of_gensim.export_phrases(), **second_of_gensim.export_phrases()}


def test_real_sentences_have_gensims_phrases(real_data: Path) -> None:
    path = real_data / "enwiki-tokens" / "part-0.parquet"
    sentences = pl.read_parquet(path)["tokens"].head(30_000).to_list()
    for scoring, threshold in [("default", 10.0), ("npmi", 0.4)]:
        ours, theirs = both(sentences, threshold=threshold, scoring=scoring, connector_words=CONNECTORS)
        assert dict(ours.vocab.items()) == theirs.vocab
        assert ours.export_phrases() == theirs.export_phrases()
        assert list(ours[sentences]) == list(theirs[sentences])
        frozen, frozen_of_gensim = ours.freeze(), theirs.freeze()
        second, second_of_gensim = both(list(frozen[sentences]), threshold=threshold, scoring=scoring)
        assert second.export_phrases() == second_of_gensim.export_phrases()
        some = [frozen_of_gensim[sentence] for sentence in sentences[:5000]]
        assert list(second[some]) == list(second_of_gensim[some])


def corpora(rows: Sentences, directory: Path) -> list[Any]:
    """The same sentences in every form in which a corpus comes."""
    frame = pl.DataFrame({"tokens": rows})
    frame.write_parquet(directory / "a.parquet", row_group_size=50)
    frame.select(pl.col("tokens").list.eval(pl.element().cast(pl.Categorical))).write_ipc(directory / "b.arrow")
    (directory / "c.txt").write_text("".join(" ".join(row) + "\n" for row in rows))
    return [
        rows,
        str(directory / "a.parquet"),
        [directory / "a.parquet"],
        str(directory / "b.arrow"),
        directory / "c.txt",
        pg.LineSentence(directory / "c.txt"),
        frame,
        frame.lazy(),
        frame["tokens"],
        frame.to_arrow(),
        pa.chunked_array([pa.array(rows[:7]), pa.array(rows[7:])]),
        frame.to_pandas()["tokens"],
        iter(rows),
    ]


def test_every_corpus_gives_the_same_phrases(rows: Sentences, tmp_path: Path) -> None:
    rows = [row for row in rows[:400] if row]
    theirs = gensim_phrases.Phrases(rows, min_count=2, threshold=1)
    joined = [theirs[row] for row in rows]
    assert joined != rows
    for corpus in corpora(rows, tmp_path):
        ours = pg.Phrases(corpus, min_count=2, threshold=1)
        assert dict(ours.vocab.items()) == theirs.vocab, type(corpus)
    for corpus in corpora(rows, tmp_path):
        assert list(ours[corpus]) == joined, type(corpus)
    for corpus in corpora(rows, tmp_path):
        assert ours.find_phrases(corpus) == theirs.find_phrases(rows), type(corpus)


def test_one_sentence_of_any_kind_gives_a_list() -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
    for sentence in [["new", "york"], ("new", "york"), np.array(["new", "york"]), pl.Series(["new", "york"])]:
        assert phrases[sentence] == ["new_york"]
    assert phrases[iter(["new", "york"])] == ["new_york"]
    assert phrases[[]] == phrases[()] == []
    generated = phrases[(words for words in [["new", "york"], ["york"]])]
    assert next(generated) == ["new_york"]
    assert list(generated) == [["york"]]


def test_a_corpus_of_phrases_can_be_read_again_and_has_a_length() -> None:
    sentences = [["new", "york"], ["old", "news"]] * 9
    phrases = pg.Phrases(sentences, min_count=1, threshold=0.1)
    corpus = phrases[sentences]
    assert isinstance(corpus, pg.PhrasedCorpus)
    assert len(corpus) == 18
    assert list(corpus) == list(corpus) == [["new_york"], ["old_news"]] * 9
    # What the model learns later counts.
    phrases.threshold = 100
    assert list(corpus) == sentences


def test_models_train_over_phrases_of_phrases_without_python(sample: Path) -> None:
    first = pg.Phrases(str(sample), min_count=5, threshold=3)
    second = pg.Phrases(first[str(sample)], min_count=5, threshold=3)
    model = pg.Word2Vec(second[first[str(sample)]], vector_size=8, epochs=1, min_count=1)
    sentences = pl.read_parquet(sample / "*.parquet")["tokens"].to_list()
    counts: dict[str, int] = {}
    for sentence in sentences:
        for token in second[first[sentence]]:
            counts[token] = counts.get(token, 0) + 1
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == counts
    assert any("_" in word for word in counts)


def test_passes_find_longer_phrases() -> None:
    rng = random.Random(1)
    long = ["to", "be", "or", "not", "to", "be", "that", "is"]
    noise = [[rng.choice("abcdefghij") + str(rng.randrange(40)) for _ in range(9)] for _ in range(400)]
    sentences = [row[:4] + long + row[4:] for row in noise]
    words = {
        passes: max(
            token.count("_") + 1
            for token in pg.Phrases(sentences, passes=passes, min_count=5, threshold=1)[sentences[0]]
        )
        for passes in (1, 2, 3)
    }
    assert words == {1: 2, 2: 4, 3: 8}


def test_a_list_counts_as_often_as_its_column_says() -> None:
    frame = pl.DataFrame({"tokens": [["new", "york"], ["old", "news"], ["x", "y"]], "n": [3, 1, 0]})
    vocab = pg.Phrases(frame, count_column="n").vocab
    assert dict(vocab.items()) == {"new": 3, "york": 3, "new_york": 3, "old": 1, "news": 1, "old_news": 1}


def test_nulls_are_no_words() -> None:
    frame = pl.DataFrame({"tokens": [["new", None, "york"], None, [None], []]}, schema={"tokens": pl.List(pl.String)})
    phrases = pg.Phrases(frame, min_count=1, threshold=0.1)
    assert dict(phrases.vocab.items()) == {"new": 1, "york": 1, "new_york": 1}
    phrases.add_vocab([["old", "news"]] * 3 + [["new", "york"]] * 2)
    joined = frame.select(pl.col("tokens").w2v.phrases(phrases))
    assert joined["tokens"].to_list() == [["new_york"], None, [], []]


def test_a_function_an_expression_and_sql_score_alike(rows: Sentences) -> None:
    rows = rows[:500]
    expression = (
        (pl.col("count_ab") - pl.col("min_count"))
        * pl.col("len_vocab")
        / pl.min_horizontal("count_a", "count_b")
        / pl.col("corpus_word_count")
    )
    sql = "(count_ab - min_count) * len_vocab / LEAST(count_a, count_b) / corpus_word_count"
    kwargs: dict[str, Any] = {"min_count": 2, "threshold": 0.05}
    theirs = gensim_phrases.Phrases(rows, scoring=share, **kwargs)
    assert len(theirs.export_phrases()) > 20
    for scoring in (share, expression, sql):
        ours = pg.Phrases(rows, scoring=scoring, **kwargs)
        assert ours.export_phrases() == pytest.approx(theirs.export_phrases(), rel=1e-12)
        assert ours.scoring is scoring
        assert list(ours[rows]) == list(theirs[rows])
    # Words with a delimiter inside are scored when they come.
    joined = [theirs[row] for row in rows]
    assert list(pg.Phrases(joined, scoring=share, **kwargs)[joined]) == list(
        gensim_phrases.Phrases(joined, scoring=share, **kwargs)[joined]
    )


def no_number(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):  # type: ignore[no-untyped-def]
    return float("nan")


def test_a_score_that_is_not_a_number_is_above_any_threshold_as_in_gensim() -> None:
    ours, theirs = both([["new", "york"]], scoring=no_number)
    assert ours[["new", "york"]] == theirs[["new", "york"]] == ["new_york"]
    assert ours.freeze()[["new", "york"]] == theirs.freeze()[["new", "york"]] == ["new", "york"]


def test_a_scoring_function_that_fails_raises_its_own_error() -> None:
    def scorer(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):  # type: ignore[no-untyped-def]
        raise KeyError("mine")

    phrases = pg.Phrases([["new", "york"]], scoring=scorer)
    with pytest.raises(KeyError, match="mine"):
        phrases.export_phrases()
    with pytest.raises(KeyError, match="mine"):
        phrases.score_candidate("new", "york", [])
    with pytest.raises(ValueError, match="scoring: the expression fails over the columns count_a"):
        pg.Phrases([["new", "york"]], scoring=pl.col("count_c")).export_phrases()
    with pytest.raises(ValueError, match="gives 1 values for 2 pairs"):
        pg.Phrases([["a", "b", "c"]], scoring=pl.col("count_ab").max()).export_phrases()


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"min_count": 0}, ValueError, "min_count should be at least 1"),
        ({"min_count": "many"}, ValueError, "min_count: 'many' is not a number"),
        ({"threshold": 0}, ValueError, "threshold should be positive for default scoring"),
        ({"threshold": 2, "scoring": "npmi"}, ValueError, "threshold should be between -1 and 1 for npmi scoring"),
        ({"scoring": "unknown"}, ValueError, "unknown scoring method"),
        ({"scoring": lambda a: a}, ValueError, "missing expected parameters"),
        ({"scoring": 3}, TypeError, "neither a name, nor a function"),
        ({"delimiter": ""}, ValueError, "delimiter: is empty"),
        ({"delimiter": b"_"}, TypeError, "delimiter: b'_' is not a string"),
        ({"max_vocab_size": -1}, ValueError, "max_vocab_size: -1"),
        ({"passes": 0}, ValueError, "passes: is 0"),
        ({"passes": 99}, ValueError, "passes: is"),
        ({"connector_words": "the a"}, TypeError, "connector_words: 'the a' is a string"),
        ({"connector_words": [1]}, TypeError, "connector_words: holds 1"),
    ],
)
def test_parameters_out_of_range_are_named(kwargs: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pg.Phrases(**kwargs)


def test_what_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r'column "tokens" holds integers \(Int64\); phrases are made of text'):
        pg.Phrases([[1, 2], [3]])
    phrases = pg.Phrases([["new", "york"]])
    with pytest.raises(TypeError, match="sentence: holds 3; expected strings"):
        list(phrases.analyze_sentence(["new", 3]))  # type: ignore[list-item]
    frame = pl.DataFrame({"n": [[1]], "text": ["new york"]})
    for column, message in [("n", "phrases are made of text"), ("text", "expected lists of strings")]:
        with pytest.raises(pl.exceptions.ComputeError, match=message):
            frame.select(pl.col(column).w2v.phrases(phrases))


def test_a_corpus_that_fails_leaves_the_counts_as_they_were() -> None:
    phrases = pg.Phrases([["new", "york"]])
    with pytest.raises(TypeError):
        phrases.add_vocab([["old", "news"], [3]])
    assert dict(phrases.vocab.items()) == {"new": 1, "york": 1, "new_york": 1}
    assert phrases.corpus_word_count == 2


def test_attributes_may_be_changed_and_count_at_once() -> None:
    sentences = [["bank", "of", "america"], ["new", "york"]] * 9
    ours, theirs = both(sentences, min_count=1, threshold=1)
    for name, value in [
        ("threshold", 2.5),
        ("min_count", 2),
        ("connector_words", frozenset(["of"])),
        ("threshold", 0.1),
        ("min_count", 1.5),
    ]:
        setattr(ours, name, value)
        setattr(theirs, name, value)
        assert getattr(ours, name) == value
        assert ours.export_phrases() == theirs.export_phrases()
        assert list(ours[sentences]) == list(theirs[sentences])
    ours.scoring, theirs.scoring = "npmi", gensim_phrases.npmi_scorer  # type: ignore[assignment]
    assert ours.scoring is ours_module.npmi_scorer
    assert ours.export_phrases() == theirs.export_phrases()
    assert str(ours) == str(theirs)
    frozen, frozen_of_gensim = ours.freeze(), theirs.freeze()
    frozen.threshold = frozen_of_gensim.threshold = 0.99
    assert list(frozen[sentences]) == list(frozen_of_gensim[sentences])
    assert str(frozen) == str(frozen_of_gensim)


@pytest.mark.parametrize("name", ["original_scorer", "npmi_scorer"])
def test_the_scorers_are_gensims(name: str) -> None:
    for counts in [(10, 20, 7, 100, 5, 1000), (0, 20, 7, 100, 5, 1000), (10, 20, 3, 100, 5, 1000)]:
        try:
            expected = getattr(gensim_phrases, name)(*counts)
        except ZeroDivisionError:
            expected = float("-inf")
        assert getattr(ours_module, name)(*counts) == expected


# Expressions


def test_an_expression_joins_lists_of_every_type_in_both_engines(rows: Sentences) -> None:
    rows = rows[:300]
    phrases = pg.Phrases(rows, min_count=2, threshold=1)
    expected = [phrases[row] for row in rows]
    frame = pl.DataFrame({"tokens": rows}).with_columns(
        categories=pl.col("tokens").list.eval(pl.element().cast(pl.Categorical))
    )
    for column in ("tokens", "categories"):
        lazy = frame.lazy().select(pl.col(column).w2v.phrases(phrases))
        assert lazy.collect_schema()[column] == pl.List(pl.String)
        for engine in ("in-memory", "streaming"):
            out = lazy.collect(engine=engine)  # type: ignore[call-overload]
            assert out[column].to_list() == expected
    assert frame.slice(100, 50).select(pl.col("tokens").w2v.phrases(phrases))["tokens"].to_list() == expected[100:150]
    fixed = pl.DataFrame({"t": pl.Series([["new", "york"], None], dtype=pl.Array(pl.String, 2))})
    one = pg.Phrases([["new", "york"]], min_count=1, threshold=0.1)
    one.threshold = 1e-9
    one.add_vocab([["new", "york"]] * 3)
    assert fixed.select(pl.col("t").w2v.phrases(one))["t"].to_list() == [["new_york"], None]
    for dtype in (pl.Null, pl.List(pl.Null), pl.List(pl.String)):
        empty = pl.DataFrame({"t": pl.Series([None, None], dtype=dtype)})
        assert empty.select(pl.col("t").w2v.phrases(one))["t"].to_list() == [None, None]
        assert empty.clear().select(pl.col("t").w2v.phrases(one)).schema == {"t": pl.List(pl.String)}


def test_an_expression_takes_a_file_a_model_and_several_passes(rows: Sentences, tmp_path: Path) -> None:
    rows = rows[:300]
    model = pg.Phrases(rows, min_count=2, threshold=1, passes=2)
    model.save(tmp_path / "p.arrow")
    model.freeze().save(tmp_path / "f.arrow")
    frame = pl.DataFrame({"tokens": rows})
    expected = [model[row] for row in rows]
    for source in (model, str(tmp_path / "p.arrow"), tmp_path / "p.arrow"):
        assert frame.select(pl.col("tokens").w2v.phrases(source))["tokens"].to_list() == expected
    frozen = [model.freeze()[row] for row in rows]
    for source in (model.freeze(), tmp_path / "f.arrow"):
        assert frame.select(pg.join_phrases("tokens", source))["tokens"].to_list() == frozen
    # A file that was replaced is read again.
    pg.Phrases([["x", "y"]], min_count=1, threshold=0.1).save(tmp_path / "f.arrow")
    assert frame.select(pl.col("tokens").w2v.phrases(tmp_path / "f.arrow"))["tokens"].to_list() == rows


def test_a_plan_says_what_is_wrong_with_its_model(tmp_path: Path) -> None:
    frame = pl.DataFrame({"tokens": [["a"]]}).lazy()
    with pytest.raises(pl.exceptions.ComputeError, match="cannot read .*missing"):
        frame.select(pl.col("tokens").w2v.phrases(tmp_path / "missing")).collect_schema()
    with pytest.raises(pl.exceptions.ComputeError, match="is in a store; load the phrases, and give the model"):
        frame.select(pl.col("tokens").w2v.phrases("s3://bucket/phrases.arrow")).collect_schema()
    with pytest.raises(TypeError, match="model: expected a path, Phrases or FrozenPhrases, not int"):
        pl.col("tokens").w2v.phrases(3)  # type: ignore[arg-type]
    plan = frame.select(pl.col("tokens").w2v.phrases(pg.Phrases([["a"]]))).serialize()
    (tmp_path / "plan").write_bytes(plan)
    code = (
        "import io, sys, polars as pl, polargram\n"
        "pl.LazyFrame.deserialize(io.BytesIO(open(sys.argv[1], 'rb').read())).collect()"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "plan"], capture_output=True, text=True, check=False)
    assert "the memory of another process; save it to a file" in done.stderr


# The command


def test_the_command_prints_saves_and_rewrites(command: Command, sample: Path, tmp_path: Path) -> None:
    saved, joined = tmp_path / "phrases.arrow", tmp_path / "joined.parquet"
    options = ["--min-count", 3, "--threshold", 2, "--connector-words", "english"]
    done = command("phrases", sample, *options, "--output", saved, "--rewrite", joined, "--topn", 5)
    expected = pg.Phrases(str(sample), min_count=3, threshold=2, connector_words=CONNECTORS)
    rows = [f"{phrase}\t{score:.4f}\t{count}" for phrase, score, count in expected.to_frame().head(5).rows()]
    assert done.stdout.splitlines() == rows
    assert "joined.parquet" in done.stderr
    assert pg.Phrases.load(saved).export_phrases() == expected.export_phrases()
    written = pl.read_parquet(joined)
    assert written.schema == {"tokens": pl.List(pl.String)}
    assert written["tokens"].to_list() == list(expected[str(sample)])
    # The saved phrases are used again, on another corpus.
    pl.DataFrame({"words": [["new", "york"]], "n": [2]}).write_parquet(tmp_path / "other.parquet")
    pg.Phrases([["new", "york"]] * 3, min_count=1, threshold=0.1).freeze().save(tmp_path / "p.arrow")
    command(
        *("phrases", tmp_path / "other.parquet", "--column", "words", "--count-column", "n", "--quiet"),
        *("--model", tmp_path / "p.arrow", "--rewrite", tmp_path / "again.parquet"),
    )
    assert pl.read_parquet(tmp_path / "again.parquet").rows() == [(["new_york"], 2)]


def test_the_command_takes_gensims_options(command: Command, sample: Path, tmp_path: Path) -> None:
    done = command(
        *("phrases", sample, "--scoring", "npmi", "--threshold", 0.4, "--delimiter", "-", "--passes", 2, "--frozen"),
        *("--output", tmp_path / "f.arrow", "--topn", 3, "--quiet"),
    )
    expected = pg.Phrases(str(sample), scoring="npmi", threshold=0.4, delimiter="-", passes=2).freeze()
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == list(expected.export_phrases())[:3]
    loaded = pg.Phrases.load(tmp_path / "f.arrow")
    assert isinstance(loaded, pg.FrozenPhrases)
    assert loaded.export_phrases() == expected.export_phrases()
    sql = "count_ab / LEAST(count_a, count_b)"
    done = command("phrases", sample, "--scoring", sql, "--threshold", 0.5, "--quiet", "--topn", 1000)
    by_sql = pg.Phrases(str(sample), scoring=sql, threshold=0.5).export_phrases()
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == list(by_sql)[:1000]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--min-count", 0], 2, "min_count should be at least 1"),
        (["--threshold", 0], 2, "threshold should be positive"),
        (["--scoring", "count_c"], 2, "scoring: unknown scoring method"),
        (["--delimiter", ""], 2, "delimiter: is empty"),
        (["--passes", 0], 2, "passes: is 0"),
        (["--output", "x", "--rewrite", "x"], 2, "rewrite: x is also the output"),
        (["--model", "missing.arrow"], 3, "cannot read missing.arrow"),
    ],
)
def test_the_command_says_what_is_wrong(
    command: Command, sample: Path, options: list[object], code: int, message: str, here: Path
) -> None:
    done = command("phrases", sample, *options, "--quiet", code=code)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(here.iterdir()) == []
