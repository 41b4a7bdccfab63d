"""What gensim defines: the same numbers from the same vocabulary and the same weights."""

from __future__ import annotations

from collections import Counter

import gensim
import numpy as np
import pytest
from corpora import Sentences, counts_of
from gensim.models.word2vec import Word2Vec as Gensim

import polargram as pg

SMALL = {"vector_size": 12, "workers": 1, "epochs": 1}
REPORTED = ("drop_unique", "retain_total", "num_retained_words", "downsample_unique")


def twin(model: pg.Word2Vec) -> Gensim:
    """gensim's model of the same rows, weights and Huffman codes."""
    names = ("vector_size", "window", "sg", "hs", "negative", "cbow_mean", "sample")
    theirs = Gensim(**{name: getattr(model, name) for name in names}, min_count=1, sorted_vocab=0)
    theirs.build_vocab_from_freq(counts_of(model))
    assert theirs.wv.index_to_key == model.wv.index_to_key
    theirs.wv.vectors[:] = model.wv.vectors
    if model.negative:
        theirs.syn1neg[:] = model.syn1neg
    if model.hs:
        theirs.syn1[:] = model.syn1
        for row in range(len(model.wv)):
            theirs.wv.expandos["code"][row] = model.wv.get_vecattr(row, "code")
            theirs.wv.expandos["point"][row] = model.wv.get_vecattr(row, "point")
    return theirs


MODES = pytest.mark.parametrize(
    "mode", [{"sg": 1}, {"sg": 0, "cbow_mean": 1}, {"sg": 0, "cbow_mean": 0}], ids=["skip-gram", "mean", "sum"]
)


def log_probability(model: pg.Word2Vec, sentence: list[str]) -> float:
    """The sum over centres, or pairs, of ln p along the centre's path, from the definition."""
    wv, window, total = model.wv, model.window, 0.0
    known = [wv.get_index(word) for word in sentence if word in wv]
    vectors, nodes = wv.vectors.astype(np.float64), model.syn1.astype(np.float64)
    for at, centre in enumerate(known):
        context = known[max(0, at - window) : at] + known[at + 1 : at + 1 + window]
        hidden = vectors[context]
        if not model.sg:
            hidden = (hidden.mean if model.cbow_mean else hidden.sum)(axis=0, keepdims=True) if context else hidden
        signs = 1 - 2.0 * wv.get_vecattr(centre, "code")
        total -= np.log1p(np.exp(-signs * (hidden @ nodes[wv.get_vecattr(centre, "point")].T))).sum()
    return total


@MODES
def test_scores_are_those_of_the_definition_and_of_gensim(rows: Sentences, mode: dict[str, int]) -> None:
    model = pg.Word2Vec(rows, **SMALL, hs=1, negative=0, window=3, **mode)
    sentences = [*rows[:40], ["unknown-1", "the", "of"], ["unknown-1"], [], ["the", "of"] * 50]
    scores = model.score(sentences)
    assert scores == pytest.approx([log_probability(model, sentence) for sentence in sentences], rel=1e-5)
    # gensim looks up logarithms in a table of a thousand, up to 0.02 away.
    assert scores == pytest.approx(twin(model).score(sentences), rel=0.04)
    assert scores.min() < -100


def test_no_more_sentences_are_scored_than_wanted(rows: Sentences) -> None:
    model = pg.Word2Vec(rows, **SMALL, hs=1, negative=0)
    assert np.array_equal(model.score(iter(rows), total_sentences=7), model.score(rows[:7]))


def test_a_model_without_the_tree_has_no_score_and_one_without_noise_predicts_nothing(rows: Sentences) -> None:
    with pytest.raises(RuntimeError, match="hs=1"):
        pg.Word2Vec(rows, **SMALL).score(rows)
    with pytest.raises(RuntimeError, match="negative"):
        pg.Word2Vec(rows, **SMALL, hs=1, negative=0).predict_output_word(["the"])


@MODES
@pytest.mark.parametrize(
    "context", [["the"], ["of", "the", "unknown-1", "and"], [0, 5, "in"], ["the", "the", "of"]], ids=str
)
def test_predicted_words_and_probabilities_are_gensims(
    rows: Sentences, context: list[str | int], mode: dict[str, int]
) -> None:
    model = pg.Word2Vec(rows, **{**SMALL, "epochs": 3}, alpha=0.1, **mode)
    ours, theirs = model.predict_output_word(context, topn=20), twin(model).predict_output_word(context, topn=20)
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    assert [p for _, p in ours] == pytest.approx([p for _, p in theirs], rel=1e-4)


def test_predictions_are_all_probabilities_and_none_for_unknown_words(rows: Sentences) -> None:
    model = pg.Word2Vec(rows, **SMALL)
    assert sum(p for _, p in model.predict_output_word(["the"], topn=10**6)) == pytest.approx(1)
    assert model.predict_output_word(["unknown-1", 10**6]) is None
    assert model.predict_output_word([]) is None


@pytest.mark.parametrize(
    "parameters",
    [{}, {"min_count": 1}, {"min_count": 0}, {"sample": 0}, {"sample": 1e-5}, {"max_final_vocab": 300}]
    + [{"max_final_vocab": 10**6}, {"max_final_vocab": 300, "min_count": 50}],
    ids=str,
)
@pytest.mark.parametrize("source", ["scan", "frequencies"])
def test_the_report_and_the_vocabulary_are_gensims(rows: Sentences, parameters: dict[str, float], source: str) -> None:
    reports, models = [], [pg.Word2Vec(vector_size=2, **parameters), Gensim(vector_size=2, **parameters)]
    for model in models:
        if source == "scan":
            assert model.scan_vocab(rows)[0] == sum(map(len, rows))
            reports.append(model.prepare_vocab(dry_run=True, keep_raw_vocab=True))
            assert len(model.wv) == 0
            reports[-1] = reports[-1] | {"again": model.prepare_vocab()["retain_total"]}
        else:
            model.build_vocab_from_freq(Counter(word for row in rows for word in row), corpus_count=7)
            assert model.corpus_count == 7
    assert counts_of(models[0]) == counts_of(models[1])
    assert models[0].effective_min_count == models[1].effective_min_count
    if reports:
        assert [reports[0][name] for name in (*REPORTED, "again")] == [
            reports[1][name] for name in (*REPORTED, "again")
        ]
        assert reports[0]["downsample_total"] == pytest.approx(reports[1]["downsample_total"], abs=2)


def test_scanning_gives_words_sentences_and_counts(rows: Sentences) -> None:
    model = pg.Word2Vec(vector_size=2)
    assert model.scan_vocab([*rows, []]) == (sum(map(len, rows)), len(rows) + 1)
    assert model.raw_vocab == Counter(word for row in rows for word in row)
    model.prepare_vocab()
    assert model.raw_vocab == {}


def test_a_grown_vocabulary_has_gensims_rows_counts_and_report(rows: Sentences) -> None:
    more = [[f"new-{i % 30}" for i in range(j, j + 9)] + row[:5] for j, row in enumerate(rows[:40])]
    models = [pg.Word2Vec(vector_size=2, hs=1, min_count=3), Gensim(vector_size=2, hs=1, min_count=3, sample=1e-3)]
    reports = []
    for model in models:
        model.build_vocab(rows)
        model.scan_vocab(more)
        reports.append(model.prepare_vocab(update=True))
    assert counts_of(models[0]) == counts_of(models[1])
    # gensim counts as "retained" new words and old words that occur again.
    names = ("drop_unique", "retain_total", "num_retained_words")
    assert [reports[0][name] for name in names] == [reports[1][name] for name in names]
    lengths = [[len(model.wv.get_vecattr(word, "code")) for word in models[0].wv.index_to_key] for model in models]
    counts = np.array(list(counts_of(models[0]).values()))
    # Huffman trees may differ in their ties, but not in the mean length of a code.
    assert (counts * lengths[0]).sum() == (counts * lengths[1]).sum()


@pytest.mark.parametrize("exponent", [0.75, 0, -0.5])
def test_the_cumulative_table_is_gensims(rows: Sentences, exponent: float) -> None:
    model = pg.Word2Vec(rows, **SMALL, ns_exponent=exponent)
    theirs = Gensim(vector_size=2, min_count=1, sorted_vocab=0, ns_exponent=exponent)
    theirs.build_vocab_from_freq(counts_of(model))
    model.make_cum_table()
    # gensim rounds every step, so the last digit may differ.
    assert np.abs(model.cum_table.astype(np.int64) - theirs.cum_table.astype(np.int64)).max() <= 1


def test_the_sizes_of_the_matrices_are_gensims_for_rows_without_padding() -> None:
    parameters = {"vector_size": 128, "hs": 1}
    ours, theirs = (kind(**parameters).estimate_memory(vocab_size=5000) for kind in (pg.Word2Vec, Gensim))
    assert [ours[name] for name in ("vectors", "syn1", "syn1neg")] == [
        theirs[name] for name in ("vectors", "syn1", "syn1neg")
    ]


def test_the_positional_parameters_are_gensims(rows: Sentences) -> None:
    positional = (rows, None, 6, 0.05, 3, 10, None, 1e-4, 9, 1)
    ours, theirs = pg.Word2Vec(*positional), Gensim(*positional)
    for name in ("vector_size", "alpha", "window", "min_count", "sample", "seed", "workers"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert gensim.__version__ >= "4.4"
    assert len(ours.wv) == len(theirs.wv)
