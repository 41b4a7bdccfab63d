"""Training: what a run depends on, what it learns, and what it refuses."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from corpora import Sentences

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 1, "workers": 1}


def vectors(corpus: object, **parameters: object) -> np.ndarray:
    return pg.Word2Vec(corpus, **{**SMALL, **parameters}).wv.vectors


def neighbours(wv: object, word: str) -> set[str]:
    return {near for near, _ in wv.most_similar(word, topn=10)}


@pytest.mark.parametrize("sg", [0, 1])
def test_one_worker_gives_the_same_bits_on_every_run(rows: Sentences, sg: int) -> None:
    first = vectors(rows, sg=sg)
    assert np.array_equal(first, vectors(rows, sg=sg))
    assert not np.array_equal(first, vectors(rows, sg=sg, seed=2))


def as_parquet(rows: Sentences, directory: Path, row_group_size: int | None = None) -> Path:
    path = directory / "corpus.parquet"
    pl.DataFrame({"tokens": rows}).write_parquet(path, row_group_size=row_group_size)
    return path


@pytest.mark.parametrize(
    "carry",
    [
        lambda rows, _: pl.DataFrame({"tokens": rows}),
        lambda rows, _: pl.LazyFrame({"tokens": rows}),
        lambda rows, _: pl.DataFrame({"tokens": rows}).cast(pl.List(pl.Categorical)),
        lambda rows, _: pl.DataFrame({"tokens": rows}).to_arrow(),
        lambda rows, _: pl.concat(
            [pl.DataFrame({"tokens": rows[i : i + 700]}) for i in range(0, len(rows), 700)], rechunk=False
        ),
        lambda rows, directory: as_parquet(rows, directory),
        lambda rows, directory: pl.scan_parquet(as_parquet(rows, directory)),
        lambda rows, directory: as_parquet(rows, directory, row_group_size=700),
    ],
    ids=["frame", "lazy", "categorical", "table", "chunks", "parquet", "scan", "row groups"],
)
def test_one_worker_gives_the_same_bits_whatever_carries_the_sentences(
    rows: Sentences, carry: Callable[[Sentences, Path], object], tmp_path: Path
) -> None:
    assert np.array_equal(vectors(carry(rows, tmp_path)), vectors(rows))


def test_nulls_empty_and_unknown_tokens_change_nothing(rows: Sentences) -> None:
    sparse = [[None, *row[:3], f"rare-{i}", *row[3:]] if i % 3 else row for i, row in enumerate(rows)]
    assert np.array_equal(vectors([None, [], *sparse, ["rarest"]]), vectors(rows))


@pytest.mark.parametrize(
    "parameters", [{"sg": 1, "epochs": 8}, {"sg": 0, "epochs": 15, "alpha": 0.05}], ids=["skip-gram", "CBOW"]
)
def test_both_families_learn_the_analogies_of_the_sample(
    parameters: dict[str, float], command: Callable[..., object], tmp_path: Path
) -> None:
    command("sample", "--output", tmp_path, "--tokens", 1_000_000)
    wv = pg.Word2Vec(tmp_path, vector_size=64, workers=2, **parameters).wv
    lines = (tmp_path / "questions.txt").read_text().splitlines()
    questions = [line.split() for line in lines if not line.startswith(":")][::4]
    right = sum(wv.most_similar(positive=[b, c], negative=[a], topn=1)[0][0] == d for a, b, c, d in questions)
    assert right >= 0.9 * len(questions)


@pytest.mark.parametrize("sg", [0, 1])
def test_neighbours_and_cosines_are_close_to_gensims(sentences: Sentences, sg: int) -> None:
    from gensim.models import Word2Vec

    parameters = {"vector_size": 32, "sg": sg, "epochs": 10, "workers": 2}
    ours, theirs = pg.Word2Vec(sentences, **parameters).wv, Word2Vec(sentences, **parameters).wv
    words = ours.index_to_key[100:300]
    # Two runs of gensim with different seeds share 6.5 of ten neighbours, and their cosines correlate at 0.95.
    assert np.mean([len(neighbours(ours, word) & neighbours(theirs, word)) for word in words]) > 6
    cosines = [[wv.similarity(*pair) for pair in zip(words, words[1:], strict=False)] for wv in (ours, theirs)]
    assert np.corrcoef(cosines)[0, 1] > 0.92


@pytest.mark.parametrize(
    "changed",
    [
        {"window": 2},
        {"window": 10_000},
        {"shrink_windows": False},
        {"sample": 0},
        {"sample": 1e-5},
        {"sample": 20},
        {"negative": 1},
        {"negative": 40},
        {"ns_exponent": 0},
        {"ns_exponent": -0.5},
        {"ns_exponent": 1},
        {"alpha": 0.05},
        {"min_alpha": 0.02},
        {"epochs": 2},
        {"cbow_mean": 0},
        {"sg": 1},
        {"vector_size": 7},
        {"min_count": 1},
        {"hs": 1},
        {"hs": 1, "negative": 0},
        {"batch_words": 1_000},
    ],
    ids=str,
)
def test_every_parameter_has_an_effect_and_gives_finite_vectors(rows: Sentences, changed: dict[str, float]) -> None:
    changed_vectors = vectors(rows, **changed)
    assert np.isfinite(changed_vectors).all()
    assert not np.array_equal(changed_vectors, vectors(rows))


def test_shared_negatives_have_an_effect_in_skip_gram_only(rows: Sentences) -> None:
    apart = [vectors(rows, sg=sg, shared_negatives=False) for sg in (0, 1)]
    assert np.isfinite(apart).all()
    assert [np.array_equal(a, vectors(rows, sg=sg)) for sg, a in enumerate(apart)] == [True, False]


@pytest.mark.parametrize(
    "changed", [{"vector_size": 1}, {"vector_size": 1000}, {"workers": 64}, {"workers": None}], ids=str
)
def test_extreme_sizes_train(rows: Sentences, changed: dict[str, int]) -> None:
    trained = vectors(rows, **changed)
    assert trained.shape[1] == changed.get("vector_size", 8)
    assert np.isfinite(trained).all()


def test_without_a_learning_rate_the_vectors_stay_as_they_were_drawn(rows: Sentences) -> None:
    drawn = vectors(rows, alpha=0, min_alpha=0, vector_size=50)
    assert np.abs(drawn).max() <= 1 / 50
    assert drawn.std() == pytest.approx(1 / 50 / math.sqrt(3), rel=0.02)
    assert len(np.unique(drawn, axis=0)) == len(drawn)
    assert not np.array_equal(drawn, vectors(rows, alpha=0, min_alpha=0, vector_size=50, seed=2))


def test_a_word_without_context_keeps_the_vector_it_was_drawn(rows: Sentences) -> None:
    lonely = [*rows, *[["@hermit"]] * 9]
    before, after = (pg.Word2Vec(lonely, **SMALL, alpha=alpha, min_alpha=0).wv for alpha in (0, 0.025))
    assert np.array_equal(before["@hermit"], after["@hermit"])
    assert not np.array_equal(before["the"], after["the"])


@pytest.mark.parametrize(("tokens", "epochs"), [(300, 30), (5_000, 10), (30_000, 3), (200_000, 1)])
def test_the_learning_rate_moves_from_alpha_to_min_alpha_over_the_run(
    sentences: Sentences, tokens: int, epochs: int
) -> None:
    corpus = sentences[: tokens // 15]
    parameters = {**SMALL, "epochs": epochs, "sample": 0, "sg": 1, "min_count": 2}
    drawn = vectors(corpus, **parameters, alpha=0, min_alpha=0)
    rising, steady = (vectors(corpus, **parameters, alpha=a, min_alpha=b) for a, b in ((0, 0.1), (0.05, 0.05)))
    # None at first and twice as many at the end is about as many in all.
    assert np.linalg.norm(rising - drawn) > 0.5 * np.linalg.norm(steady - drawn)


def test_a_long_sentence_is_trained_to_its_end(rows: Sentences) -> None:
    flat = [token for row in rows for token in row]
    parameters = {**SMALL, "min_count": 1}
    whole = pg.Word2Vec([flat + ["first", "last"]], **parameters).wv
    drawn = pg.Word2Vec([flat + ["first", "last"]], **parameters, alpha=0, min_alpha=0).wv
    assert not np.array_equal(whole["last"], drawn["last"])


def test_models_trained_in_threads_at_once_are_those_trained_alone(rows: Sentences) -> None:
    alone = [vectors(rows, seed=seed) for seed in range(4)]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: vectors(rows, seed=seed)}))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(np.array_equal(alone[seed], together[seed]) for seed in range(4))


def test_a_run_tells_its_corpus_and_its_time(rows: Sentences) -> None:
    model = pg.Word2Vec(rows, **SMALL)
    assert (model.corpus_count, model.corpus_total_words) == (len(rows), sum(map(len, rows)))
    assert 0 < model.total_train_time < 60
