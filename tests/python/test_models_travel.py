"""Models are Python objects like others: copied, pickled, and sent to other processes."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest

import polargram as pg

SENTENCES = [["the", "cat", "sat"], ["the", "dog", "ran"], ["new", "york"]] * 50
Copy = Callable[[Any], Any]


def pickled(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


def through_joblib(model: Any) -> Any:
    joblib.dump(model, "model.joblib")
    return joblib.load("model.joblib")


COPIES = pytest.mark.parametrize("copied", [pickled, through_joblib, copy.deepcopy], ids=lambda copied: copied.__name__)


class Mine(pg.Word2Vec):
    """A user's class, whose constructor takes what it likes."""

    def __init__(self, language: str) -> None:
        super().__init__(SENTENCES, vector_size=4, min_count=1, workers=1)
        self.language = language


def trained(**parameters: Any) -> pg.Word2Vec:
    return pg.Word2Vec(SENTENCES, **{"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2, **parameters})


def assert_same(one: pg.Word2Vec, other: pg.Word2Vec) -> None:
    assert one.wv.index_to_key == other.wv.index_to_key
    for name in ("syn1neg", "syn1"):
        assert (getattr(one, name, None) is None) == (getattr(other, name, None) is None)
        if getattr(one, name, None) is not None:
            assert np.array_equal(getattr(one, name), getattr(other, name))
    assert np.array_equal(one.wv.vectors, other.wv.vectors)
    assert one.wv.expandos["count"].tolist() == other.wv.expandos["count"].tolist()
    assert one._parameters() == other._parameters()


@COPIES
@pytest.mark.parametrize(
    "parameters", [{"sg": 1}, {"hs": 1, "negative": 0}, {"hs": 1, "cbow_mean": 0, "compute_loss": True, "seed": 2**40}]
)
def test_a_copy_has_all_weights_and_trains_on_to_the_same_bits(
    parameters: dict[str, Any], copied: Copy, here: Path
) -> None:
    model = trained(**parameters)
    there = copied(model)
    assert_same(there, model)
    assert (there.train_count, there.corpus_count, there.epoch_losses) == (1, 150, model.epoch_losses)
    assert there.training_history().equals(model.training_history())
    before = model.wv.vectors.copy()
    for one in (model, there):
        one.train(SENTENCES, total_examples=150, epochs=1)
    assert not np.array_equal(model.wv.vectors, before)
    assert_same(there, model)
    there.wv.vectors[:] = 0
    assert model.wv.vectors.any()


@COPIES
def test_attributes_of_a_model_and_of_its_vectors_travel(copied: Copy, here: Path) -> None:
    model = trained(comment={"a": [1]})
    model.language = "en"
    model.wv.language = "ko"
    model.wv.set_vecattr("cat", "weight", 0.5)
    model.wv.vectors_lockf = np.linspace(0, 1, len(model.wv), dtype=np.float32)
    model.storage_options = {"aws_region": "eu-west-1"}
    there = copied(model)
    assert (there.language, there.wv.language, there.comment) == ("en", "ko", {"a": [1]})
    assert there.wv.get_vecattr("cat", "weight") == 0.5
    assert np.array_equal(there.wv.vectors_lockf, model.wv.vectors_lockf)
    assert there.storage_options == model.storage_options
    assert there.hashfxn is hash
    there.wv.set_vecattr("cat", "weight", 1.0)
    assert model.wv.get_vecattr("cat", "weight") == 0.5


@COPIES
def test_a_copy_learns_new_words(copied: Copy, here: Path) -> None:
    there = copied(trained())
    there.build_vocab([["a", "bird"]] * 9, update=True)
    assert "bird" in there.wv
    assert there.wv is there.wv
    assert there.train([["a", "bird"]] * 9, total_examples=9, epochs=1) != (0, 0)


@COPIES
def test_a_model_without_words_travels(copied: Copy, here: Path) -> None:
    there = copied(pg.Word2Vec(vector_size=12, min_count=1, window=3))
    assert (there.vector_size, there.window, len(there.wv), there.wv.vector_size) == (12, 3, 0, 12)
    there.build_vocab(SENTENCES)
    assert there.wv.vectors.shape == (7, 12)


@COPIES
def test_a_subclass_travels_as_itself_and_its_constructor_is_not_called(copied: Copy, here: Path) -> None:
    there = copied(Mine("en"))
    assert type(there) is Mine
    assert there.language == "en"
    assert there.wv["cat"].shape == (4,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_serves(protocol: int) -> None:
    model, phrases = trained(), pg.Phrases(SENTENCES, min_count=1, threshold=0.1)
    assert_same(pickle.loads(pickle.dumps(model, protocol)), model)
    assert pickle.loads(pickle.dumps(phrases, protocol)).vocab == dict(phrases.vocab)


def test_integers_stay_integers() -> None:
    model = pg.Word2Vec([[101, 7, 2**40]] * 9, vector_size=4)
    assert pickled(model).wv.index_to_key == model.wv.index_to_key == [7, 101, 2**40]


def test_what_cannot_be_pickled_is_named() -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(trained(hashfxn=lambda text: 1))


def test_a_callback_may_pickle_the_model_that_is_trained() -> None:
    class Keep:
        def __init__(self) -> None:
            self.kept: list[bytes] = []

        def on_epoch_end(self, model: pg.Word2Vec) -> None:
            self.kept.append(pickle.dumps(model))

    keep = Keep()
    model = trained(callbacks=[keep])
    first, last = map(pickle.loads, keep.kept)
    assert np.array_equal(last.wv.vectors, model.wv.vectors)
    assert not np.array_equal(first.wv.vectors, model.wv.vectors)


def test_a_pickle_that_names_files_elsewhere_writes_none(tmp_path: Path) -> None:
    make, (kind, size, files), _ = trained().__reduce_ex__(4)
    with pytest.raises(ValueError, match="not a name"):
        make(kind, size, {**files, f"../../{tmp_path.name}-outside": b""})


def test_a_damaged_pickle_is_an_error() -> None:
    make, (kind, size, files), _ = trained().__reduce_ex__(4)
    # Only a reader of the directory as a bundle of arrays needs this one.
    for name in files.keys() - {"bundle.json"}:
        with pytest.raises((ValueError, OSError)):
            make(kind, size, {**files, name: files[name][:-9]})
        with pytest.raises((ValueError, OSError)):
            make(kind, size, {other: content for other, content in files.items() if other != name})


# Phrases


def twice(
    worda_count: float,
    wordb_count: float,
    bigram_count: float,
    len_vocab: float,
    min_count: float,
    corpus_word_count: float,
) -> float:
    return 2 * bigram_count / worda_count


@COPIES
@pytest.mark.parametrize(
    "scoring",
    ["default", "npmi", twice, pl.col("count_ab") / pl.col("count_a")],
    ids=["default", "npmi", "own", "polars"],
)
def test_phrases_travel_with_their_counts_and_their_scoring(scoring: Any, copied: Copy, here: Path) -> None:
    phrases = pg.Phrases(SENTENCES, min_count=1, threshold=0.1, scoring=scoring, passes=2, connector_words={"of"})
    phrases.language = "en"
    there = copied(phrases)
    assert type(there) is pg.Phrases
    assert dict(there.vocab) == dict(phrases.vocab)
    assert there.export_phrases() == phrases.export_phrases() != {}
    assert (there.passes, there.connector_words, there.language) == (2, {"of"}, "en")
    assert (there.max_vocab_size, there.corpus_word_count) == (40_000_000, phrases.corpus_word_count)
    there.add_vocab([["a", "bird"]] * 9)
    assert "a_bird" in there.export_phrases()
    assert "a_bird" not in phrases.export_phrases()
    frozen = copied(phrases.freeze())
    assert type(frozen) is pg.FrozenPhrases
    assert frozen[["new", "york"]] == ["new_york"]
    assert frozen.phrasegrams == phrases.freeze().phrasegrams


@COPIES
def test_empty_phrases_and_a_corpus_of_phrases_travel(copied: Copy, here: Path) -> None:
    there = copied(pg.Phrases(min_count=1, threshold=0.1))
    there.add_vocab(SENTENCES)
    assert there[["new", "york"]] == ["new_york"]
    corpus = copied(there[SENTENCES])
    assert list(corpus)[2] == ["new_york"]
    assert "new_york" in pg.Word2Vec(corpus, vector_size=4, min_count=1).wv
    assert copied(there.vocab)["new_york"] == 50


def test_a_shallow_copy_of_phrases_shares_its_counts() -> None:
    phrases = pg.Phrases(SENTENCES, min_count=1, threshold=0.1)
    other = copy.copy(phrases)
    other.language = "en"
    assert not hasattr(phrases, "language")
    phrases.add_vocab([["a", "bird"]])
    assert other.vocab["a_bird"] == 1


# Other processes


def work(model: pg.Word2Vec, phrases: pg.Phrases) -> tuple[int, np.ndarray, list[str], pg.Word2Vec]:
    """What another process does with them."""
    model.train(SENTENCES, total_examples=150, epochs=1)
    return os.getpid(), model.wv["cat"].copy(), phrases[["new", "york"]], model


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_get_models_train_them_and_give_them_back(method: str) -> None:
    model, phrases = trained(), pg.Phrases(SENTENCES, min_count=1, threshold=0.1)
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        process, cat, joined, there = pool.submit(work, model, phrases).result()
    assert process != os.getpid()
    assert joined == ["new_york"]
    model.train(SENTENCES, total_examples=150, epochs=1)
    assert np.array_equal(cat, model.wv["cat"])
    assert_same(there, model)


def test_workers_of_joblib_get_models() -> None:
    model, phrases = trained(), pg.Phrases(SENTENCES, min_count=1, threshold=0.1)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(work)(model, phrases) for _ in range(2))
    assert os.getpid() not in {process for process, *_ in found}
    assert np.array_equal(found[0][1], found[1][1])


def test_equal_models_have_one_hash_in_joblib() -> None:
    model = trained()
    assert joblib.hash(model) == joblib.hash(pickled(model))
