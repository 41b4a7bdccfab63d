"""Phrases: gensim is the reference for what is counted, scored and joined."""

from __future__ import annotations

import io
import json
import pickle
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
from gensim.test.utils import common_texts
from gensim.test.utils import datapath as gensim_datapath
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import Command

import polargram as pg
from polargram import phrases as ours_module

CONNECTORS = pg.ENGLISH_CONNECTOR_WORDS
#: Low thresholds, so that small corpora have phrases.
SETTINGS: list[dict[str, Any]] = [
    {"min_count": 1, "threshold": 0.5},
    {"min_count": 2, "threshold": 1, "connector_words": frozenset("ab")},
    {"min_count": 1, "threshold": 0.1, "scoring": "npmi", "connector_words": frozenset(["a", ""])},
    {"min_count": 1, "threshold": 0.5, "delimiter": "__"},
    {"min_count": 1, "threshold": 0.5, "delimiter": "-_-", "connector_words": frozenset(["a", "_"])},
]
#: Words that meet each other often, some of which have a delimiter inside or beside.
WORDS = st.sampled_from(["a", "b", "c", "d", "a_b", "c_d", "_", "", "b_", "__", "-", "a_b_c", "日本"])
SENTENCES = st.lists(st.lists(WORDS, max_size=8), max_size=30)


def both(sentences: Sentences, **kwargs: Any) -> tuple[pg.Phrases, gensim_phrases.Phrases]:
    return pg.Phrases(sentences, **kwargs), gensim_phrases.Phrases(sentences, **kwargs)


def assert_same(ours: pg.Phrases, theirs: gensim_phrases.Phrases, sentences: Sentences) -> None:
    assert dict(ours.vocab.items()) == theirs.vocab
    assert (len(ours.vocab), ours.corpus_word_count) == (len(theirs.vocab), theirs.corpus_word_count)
    assert ours.min_reduce == theirs.min_reduce
    assert ours.export_phrases() == theirs.export_phrases()
    for sentence in sentences:
        assert list(ours.analyze_sentence(sentence)) == list(theirs.analyze_sentence(sentence))
    assert list(ours[sentences or [["x"]]]) == list(theirs[sentences or [["x"]]])
    assert ours.find_phrases(sentences) == theirs.find_phrases(sentences)
    frozen, frozen_of_gensim = ours.freeze(), theirs.freeze()
    assert frozen.phrasegrams == frozen_of_gensim.phrasegrams
    for sentence in sentences:
        assert list(frozen.analyze_sentence(sentence)) == list(frozen_of_gensim.analyze_sentence(sentence))


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


def share(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: float, corpus_word_count: int
) -> float:
    assert (type(min_count), type(worda_count)) == (int, int)
    return (bigram_count - min_count) * len_vocab / min(worda_count, wordb_count) / corpus_word_count


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


# Files


@pytest.mark.parametrize("kwargs", SETTINGS)
def test_a_saved_model_is_the_same_and_learns_on(kwargs: dict[str, Any], tmp_path: Path) -> None:
    rng = random.Random(2)
    words = ["a", "b", "c", "d", "a_b", "c_d", "_", "", "b_", "__"]
    sentences = [[rng.choice(words) for _ in range(6)] for _ in range(60)]
    model = pg.Phrases(sentences, passes=2, **kwargs)
    model.save(tmp_path / "p.arrow")
    loaded = pg.Phrases.load(tmp_path / "p.arrow")
    assert isinstance(loaded, pg.Phrases)
    assert (loaded.passes, loaded.scoring, loaded.min_count) == (2, model.scoring, model.min_count)
    assert (loaded.threshold, loaded.delimiter, loaded.connector_words) == (
        model.threshold,
        model.delimiter,
        frozenset(kwargs.get("connector_words", [])),
    )
    for one in (model, loaded):
        one.add_vocab(sentences[:30])
    assert dict(loaded.vocab.items()) == dict(model.vocab.items())
    assert loaded.export_phrases() == model.export_phrases()
    assert loaded.corpus_word_count == model.corpus_word_count
    assert list(loaded[sentences]) == list(model[sentences])
    frozen = model.freeze()
    frozen.save(tmp_path / "f.arrow")
    back = pg.FrozenPhrases.load(tmp_path / "f.arrow")
    assert isinstance(back, pg.FrozenPhrases)
    assert list(back[sentences]) == list(frozen[sentences])
    assert back.export_phrases() == frozen.export_phrases()


def test_any_program_reads_a_saved_model_as_a_table(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9 + [["new", "news"]], min_count=1, threshold=0.5)
    phrases.save(tmp_path / "p.arrow")
    table = pa.ipc.open_file(tmp_path / "p.arrow").read_all()
    assert table.schema.names == ["phrase", "score", "count"]
    rows = table.to_pylist()
    assert [row["phrase"] for row in rows[:2]] == list(phrases.export_phrases())
    assert {row["phrase"]: row["score"] for row in rows if row["score"] is not None} == phrases.export_phrases()
    assert {row["phrase"]: row["count"] for row in rows} == dict(phrases.vocab.items())
    assert phrases.to_frame()["count"].to_list() == [9, 9]


def test_the_same_counts_are_saved_as_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    for name in "ab":
        pg.Phrases(str(sample), connector_words=CONNECTORS).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_scoring_function_is_given_again(tmp_path: Path) -> None:
    sentences = [["new", "york"], ["old", "news"]] * 9 + [["new", "news"]]
    model = pg.Phrases(sentences, min_count=1, threshold=0.1, scoring=share)
    assert model.export_phrases()
    model.save(tmp_path / "p.arrow")
    without = pg.Phrases.load(tmp_path / "p.arrow")
    assert without.scoring is None
    assert without.score_candidate("new", "york") == model.score_candidate("new", "york") != (None, None)
    assert without.export_phrases() == model.export_phrases()
    assert list(without[sentences]) == list(model[sentences])
    without.add_vocab(sentences)
    with pytest.raises(ValueError, match=r"scoring: the model was saved with a function of its own"):
        without.export_phrases()
    again = pg.Phrases.load(tmp_path / "p.arrow", scoring=share)
    again.add_vocab(sentences)
    model.add_vocab(sentences)
    assert again.export_phrases() == model.export_phrases()


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("kwargs", SETTINGS)
def test_gensims_models_are_loaded(kwargs: dict[str, Any], protocol: int, tmp_path: Path) -> None:
    sentences = [["new", "york", "a", "b"], ["old", "news", "b", "c_d", ""]] * 9 + [["new", "b", "news"]]
    theirs = gensim_phrases.Phrases(sentences, **kwargs)
    theirs.save(str(tmp_path / "p.pkl"), pickle_protocol=protocol)
    ours = pg.Phrases.load(tmp_path / "p.pkl")
    assert_same(ours, theirs, sentences)
    assert ours.max_vocab_size == theirs.max_vocab_size
    theirs.freeze().save(str(tmp_path / "f.pkl.gz"), pickle_protocol=protocol)
    frozen = pg.Phrases.load(tmp_path / "f.pkl.gz")
    assert isinstance(frozen, pg.FrozenPhrases)
    assert frozen.phrasegrams == theirs.freeze().phrasegrams
    assert list(frozen[sentences]) == list(theirs.freeze()[sentences])
    assert frozen.to_frame()["count"].null_count() == len(frozen.phrasegrams)


class _OldPickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes stand-ins as the classes of gensim 3."""

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if isinstance(obj, type) and obj.__name__ in ("Phrases", "Phraser"):
            self.write(pickle.GLOBAL + f"gensim.models.phrases\n{obj.__name__}\n".encode())
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch = {**pickle._Pickler.dispatch, type: save_global}  # type: ignore[attr-defined]  # noqa: RUF012


def old_file(path: Path, name: str, state: dict[str, Any]) -> None:
    saved = type(name, (), {})()
    saved.__dict__.update(state)
    out = io.BytesIO()
    _OldPickler(out, protocol=2).dump(saved)
    path.write_bytes(out.getvalue())


def test_models_of_gensim_3_are_loaded(tmp_path: Path) -> None:
    common = {"min_count": 1, "threshold": 0.5, "delimiter": b"_", "common_terms": frozenset(["of"])}
    old_file(
        tmp_path / "p",
        "Phrases",
        {**common, "vocab": {b"new": 3, b"york": 3, b"new_york": 3, "caf\u00e9".encode(): 1}, "max_vocab_size": 4e7},
    )
    phrases = pg.Phrases.load(tmp_path / "p")
    assert dict(phrases.vocab.items()) == {"new": 3, "york": 3, "new_york": 3, "caf\u00e9": 1}
    assert phrases[["new", "york"]] == ["new_york"]
    assert phrases.connector_words == {"of"}
    for value in [(3, 1.5), 1.5]:
        old_file(tmp_path / "f", "Phraser", {**common, "phrasegrams": {(b"new", b"york"): value}, "scoring": "default"})
        frozen = pg.Phrases.load(tmp_path / "f")
        assert frozen.phrasegrams == {"new_york": 1.5}
        assert frozen[["in", "new", "york"]] == ["in", "new_york"]


@pytest.mark.parametrize("path", sorted(Path(gensim_datapath("")).glob("phras*")), ids=lambda path: str(path.name))
def test_the_models_in_gensims_own_tests_are_loaded(path: Path) -> None:
    theirs = gensim_phrases.Phrases.load(str(path))
    ours = pg.Phrases.load(path)
    sentences = [*common_texts, ["graph", "minors", "survey", "human", "interface", "system"]]
    assert ours[sentences[-1]] != sentences[-1]
    for name in ("min_count", "threshold", "delimiter", "connector_words"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert [list(ours.analyze_sentence(s)) for s in sentences] == [list(theirs.analyze_sentence(s)) for s in sentences]
    assert ours.find_phrases(sentences) == theirs.find_phrases(sentences)
    if isinstance(theirs, gensim_phrases.FrozenPhrases):
        assert isinstance(ours, pg.FrozenPhrases)
        assert ours.phrasegrams == theirs.phrasegrams
    else:
        assert isinstance(ours, pg.Phrases)
        assert dict(ours.vocab.items()) == theirs.vocab
        assert ours.export_phrases() == theirs.export_phrases()
        ours.add_vocab(sentences)
        theirs.add_vocab(sentences)
        assert ours.export_phrases() == theirs.export_phrases()


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "touched",)

    (tmp_path / "evil").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="polargram does not execute"):
        pg.Phrases.load(tmp_path / "evil")
    theirs = gensim_phrases.Phrases([["new", "york"]], min_count=1, threshold=0.1)
    theirs.vocab = {"new": Evil()}
    theirs.save(str(tmp_path / "p"))
    with pytest.raises(ValueError, match="p: has a count that is not a whole number"):
        pg.Phrases.load(tmp_path / "p")
    assert not (tmp_path / "touched").exists()


def test_a_scoring_function_in_gensims_file_is_a_name_that_is_left_alone(tmp_path: Path) -> None:
    theirs = gensim_phrases.Phrases([["new", "york"]] * 3, min_count=1, threshold=0.1, scoring=share)
    theirs.save(str(tmp_path / "p"))
    ours = pg.Phrases.load(tmp_path / "p")
    with pytest.raises(ValueError, match="function of its own"):
        ours.export_phrases()
    ours.save(tmp_path / "q")
    again = pg.Phrases.load(tmp_path / "q", scoring=share)
    assert again.export_phrases() == theirs.export_phrases()


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
    phrases.save(tmp_path / "p.arrow")
    whole = (tmp_path / "p.arrow").read_bytes()
    gensim_phrases.Phrases([["new", "york"]]).save(str(tmp_path / "g"))
    pickled = (tmp_path / "g").read_bytes()
    path = tmp_path / "damaged"
    for content in [whole, pickled]:
        for length in [0, 1, 5, 9, *range(16, len(content) - 1, max(1, len(content) // 60))]:
            path.write_bytes(content[:length])
            with pytest.raises((ValueError, OSError)) as error:
                pg.Phrases.load(path)
            assert "damaged" in str(error.value)
            assert "\n" not in str(error.value)
    path.write_text("new york")
    with pytest.raises(ValueError, match="is neither a model of phrases that polargram saved nor one that gensim did"):
        pg.Phrases.load(path)
    pl.DataFrame({"phrase": ["a_b"], "score": [1.0], "count": [1]}).write_ipc(path)
    with pytest.raises(ValueError, match="has no metadata of polargram"):
        pg.Phrases.load(path)
    pl.DataFrame({"phrase": ["a_b"], "score": [1.0]}).write_ipc(path)
    with pytest.raises(ValueError, match='has no column "count"'):
        pg.Phrases.load(path)
    with pytest.raises(FileNotFoundError):
        pg.Phrases.load(tmp_path / "missing")


def test_sql_in_a_file_is_arithmetic_alone(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"]] * 9, scoring="count_ab * 1.0")
    phrases.save(tmp_path / "p.arrow")
    assert pg.Phrases.load(tmp_path / "p.arrow").scoring == "count_ab * 1.0"
    table = pa.ipc.open_file(tmp_path / "p.arrow").read_all()
    described = json.loads(table.schema.metadata[b"polargram"])
    for sql in ["LENGTH(REPEAT('x', 1000000000000))", "MAX(count_ab)", "+".join(["count_ab"] * 10_000)]:
        described["phrases"][0]["scoring"] = sql
        changed = table.replace_schema_metadata({"polargram": json.dumps(described)})
        with pa.OSFile(str(tmp_path / "q.arrow"), "wb") as file, pa.ipc.new_file(file, changed.schema) as writer:
            writer.write_table(changed)
        with pytest.raises(ValueError, match=r"q.arrow: was changed: scoring: unknown scoring method") as error:
            pg.Phrases.load(tmp_path / "q.arrow")
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 1000


def test_flipped_bits_are_read_or_refused(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1, passes=2)
    phrases.save(tmp_path / "p.arrow")
    whole, path = (tmp_path / "p.arrow").read_bytes(), tmp_path / "damaged"
    rng = random.Random(3)
    for _ in range(400):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        message = ""
        try:
            pg.Phrases.load(path)[["new", "york"]]
        except (ValueError, OSError) as error:
            message = str(error)
        assert "\n" not in message


def test_phrases_cannot_be_pickled_and_say_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"keep it with save\(\) and load\(\)"):
        pickle.dumps(pg.Phrases())


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
    ("options", "message"),
    [
        (["--min-count", 0], "min_count should be at least 1"),
        (["--threshold", 0], "threshold should be positive"),
        (["--scoring", "count_c"], "scoring: unknown scoring method"),
        (["--delimiter", ""], "delimiter: is empty"),
        (["--passes", 0], "passes: is 0"),
        (["--output", "x", "--rewrite", "x"], "rewrite: x is also the output"),
        (["--model", "missing.arrow"], "cannot read missing.arrow"),
    ],
)
def test_the_command_says_what_is_wrong(
    command: Command, sample: Path, options: list[object], message: str, here: Path
) -> None:
    done = command("phrases", sample, *options, "--quiet", code=1)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(here.iterdir()) == []


# The example

CITIES = {
    "los_angeles",
    "san_francisco",
    "chicago",
    "boston",
    "toronto",
    "london",
    "paris",
    "philadelphia",
    "new_jersey",
}


def neighbours(python: Command, *arguments: object) -> list[str]:
    """What the example prints as near to New York."""
    done = python(Path(__file__).parents[2] / "examples" / "phrases.py", *arguments, timeout=300)
    assert done.returncode == 0, done.stderr
    return [line.split()[1] for line in done.stdout.split("new york is near to\n")[1].splitlines()]


def test_the_example_finds_cities_near_a_city_of_two_words(python: Command) -> None:
    near = neighbours(python, "--generated")
    assert len(CITIES & set(near[:5])) >= 4, near


def test_in_real_sentences_new_york_is_near_to_other_cities(python: Command, real_data: Path) -> None:
    near = neighbours(python, real_data / "enwiki-tokens" / "part-0.parquet")
    assert CITIES & set(near), near
