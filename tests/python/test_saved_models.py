"""Models on disk: everything is restored, training continues to the same bits, and other files are not touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corpora import Sentences

import polargram as pg

SMALL = {"vector_size": 9, "epochs": 2, "workers": 1}
MODES = [{"sg": sg, "hs": hs, "negative": negative} for sg in (0, 1) for hs, negative in ((0, 5), (1, 0), (1, 5))]


def trained_on(model: pg.Word2Vec, corpus: Sentences) -> pg.Word2Vec:
    model.train(corpus, total_examples=len(corpus), epochs=2, compute_loss=True)
    return model


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_loaded_model_trains_on_to_the_same_bits(rows: Sentences, mode: dict[str, int], tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL, **mode)
    model.save(tmp_path / "model")
    loaded = pg.Word2Vec.load(tmp_path / "model")
    for one in (model, loaded):
        one.build_vocab([["new", "newer", "the"]] * 9, update=True)
        trained_on(one, rows)
    assert np.array_equal(loaded.wv.vectors, model.wv.vectors)
    for name in ("syn1",) * mode["hs"] + ("syn1neg",) * bool(mode["negative"]):
        assert np.array_equal(getattr(loaded, name), getattr(model, name))
    assert loaded.get_latest_training_loss() == model.get_latest_training_loss() > 0


def test_every_attribute_comes_back(rows: Sentences, tmp_path: Path) -> None:
    shape = {"vector_size": 7, "window": 3, "min_count": 3, "max_vocab_size": 10**6, "max_final_vocab": 300}
    rates = {"alpha": 0.03, "min_alpha": 0.002, "sample": 1.2345678901234567e-4, "ns_exponent": 0.7071067811865476}
    flags = {
        "sg": 1,
        "hs": 1,
        "negative": 3,
        "cbow_mean": 0,
        "sorted_vocab": 0,
        "null_word": 1,
        "shrink_windows": False,
    }
    other = {"epochs": 3, "workers": 2, "seed": 2**64 - 1, "batch_words": 1234, "compute_loss": True, "comment": "é\n"}
    ours = {"shared_negatives": False, "spool": False, "memory_budget": 10**7, "column": "words"}
    parameters = shape | rates | flags | other | ours
    model = pg.Word2Vec(rows, **parameters)
    model.wv.vectors_lockf = np.linspace(0, 1, len(model.wv), dtype=np.float32)
    model.save(tmp_path / "model")
    loaded = pg.Word2Vec.load(tmp_path / "model")
    assert {name: getattr(loaded, name) for name in parameters} == parameters
    kept = ["corpus_count", "corpus_total_words", "effective_min_count", "min_alpha_yet_reached", "train_count"]
    for name in [*kept, "running_training_loss", "total_train_time", "raw_vocab"]:
        assert getattr(loaded, name) == pytest.approx(getattr(model, name), rel=1e-15), name
    assert np.array_equal(loaded.wv.vectors_lockf, model.wv.vectors_lockf)
    assert loaded.wv.index_to_key == model.wv.index_to_key
    assert loaded.wv.get_vecattr("the", "count") == model.wv.get_vecattr("the", "count")
    assert np.array_equal(loaded.predict_output_word(["the"])[0], model.predict_output_word(["the"])[0])


def test_64_bit_numbers_come_back_to_the_last_bit(tmp_path: Path) -> None:
    for number in np.random.default_rng(1).random(50).tolist():
        model = pg.Word2Vec(vector_size=1, min_count=1, sample=number, ns_exponent=number)
        model.build_vocab_from_freq({"a": 1})
        model.running_training_loss = number * 1e6
        model._epoch_losses = [number]
        model.save(tmp_path / "model")
        loaded = pg.Word2Vec.load(tmp_path / "model")
        assert (loaded.sample, loaded.ns_exponent, loaded.running_training_loss) == (number, number, number * 1e6)
        assert loaded.epoch_losses == [number]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_model_that_diverged_can_be_saved(rows: Sentences, loss: float, tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL)
    model.running_training_loss = loss
    model._epoch_losses = [loss]
    model.save(tmp_path / "model")
    assert np.array_equal(pg.Word2Vec.load(tmp_path / "model").wv.vectors, model.wv.vectors)


def test_the_sizes_of_the_corpus_survive_a_null_word_added_later(rows: Sentences, tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL)
    model.add_null_word()
    model.save(tmp_path / "model")
    loaded = pg.Word2Vec.load(tmp_path / "model")
    assert loaded.effective_min_count == model.effective_min_count == 5
    assert (loaded.corpus_count, loaded.corpus_total_words) == (len(rows), sum(map(len, rows)))


def test_a_model_is_a_directory_without_pickles_whose_vectors_load_alone(rows: Sentences, tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL, hs=1)
    model.save(str(tmp_path / "model"))
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["bundle.json", "config.json", "nodes.npy", "output.npy", "vectors.arrow"]
    assert json.loads((tmp_path / "model" / "config.json").read_text())["config"]["vector_size"] == 9
    assert np.array_equal(pg.KeyedVectors.load(tmp_path / "model" / "vectors.arrow").vectors, model.wv.vectors)
    assert np.array_equal(np.load(tmp_path / "model" / "nodes.npy", allow_pickle=False), model.syn1)


def test_a_newer_model_replaces_an_older_one_and_leaves_what_is_not_its_own(
    rows: Sentences, tmp_path: Path, listing: Callable[[Path], list[str]]
) -> None:
    pg.Word2Vec(rows, **SMALL, hs=1).save(tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("mine")
    older = pg.Word2Vec.load(tmp_path / "model")
    before = older.wv.vectors.copy()
    newer = pg.Word2Vec(rows, **SMALL, seed=5)
    newer.save(tmp_path / "model")
    assert np.array_equal(pg.Word2Vec.load(tmp_path / "model").wv.vectors, newer.wv.vectors)
    assert np.array_equal(older.wv.vectors, before)
    assert listing(tmp_path / "model") == ["bundle.json", "config.json", "notes.txt", "output.npy", "vectors.arrow"]
    assert listing(tmp_path) == ["model"]


@pytest.mark.parametrize("foreign", ["directory", "file"])
def test_what_is_no_model_is_not_replaced(rows: Sentences, foreign: str, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis" / "text.txt" if foreign == "directory" else tmp_path / "thesis"
    thesis.parent.mkdir(exist_ok=True)
    thesis.write_text("years")
    with pytest.raises((ValueError, OSError), match="thesis"):
        pg.Word2Vec(rows, **SMALL).save(tmp_path / "thesis")
    assert thesis.read_text() == "years"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_hugging_face_model_is_not_replaced(rows: Sentences, tmp_path: Path) -> None:
    files = {"config.json": '{"model_type": "bert", "vocab_size": 30522}', "model.safetensors": "weights"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    model = pg.Word2Vec(rows, **SMALL)
    with pytest.raises(ValueError, match="not a model"):
        model.save(tmp_path)
    with pytest.raises(ValueError, match="config.json"):
        pg.Word2Vec(rows, **SMALL, checkpoint=tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_a_model_is_saved_to_an_empty_directory_and_not_below_a_missing_one(rows: Sentences, tmp_path: Path) -> None:
    model = pg.Word2Vec(rows, **SMALL)
    (tmp_path / "empty").mkdir()
    model.save(tmp_path / "empty")
    assert np.array_equal(pg.Word2Vec.load(tmp_path / "empty").wv.vectors, model.wv.vectors)
    with pytest.raises(FileNotFoundError, match="missing"):
        model.save(tmp_path / "missing" / "model")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES = {
    "missing": Path.unlink,
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "directory": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("name", ["config.json", "vectors.arrow", "output.npy", "nodes.npy"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_with_the_files_name(
    rows: Sentences, name: str, damage: str, tmp_path: Path
) -> None:
    pg.Word2Vec(rows[:300], **SMALL, hs=1).save(tmp_path / "model")
    DAMAGES[damage](tmp_path / "model" / name)
    with pytest.raises((ValueError, OSError), match=name):
        pg.Word2Vec.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("key", "value"),
    [("vector_size", 10), ("vector_size", 2**50), ("vector_size", -1), ("vector_size", None), ("workers", 10**9)]
    + [("sample", "x"), ("window", 0), ("epochs", 1e300)],
    ids=str,
)
def test_a_description_that_was_tampered_with_is_refused(
    rows: Sentences, key: str, value: object, tmp_path: Path
) -> None:
    pg.Word2Vec(rows[:300], **SMALL).save(tmp_path / "model")
    description = json.loads((tmp_path / "model" / "config.json").read_text())
    description["config"][key] = value
    (tmp_path / "model" / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="config.json"):
        pg.Word2Vec.load(tmp_path / "model")


def test_matrices_of_another_models_are_refused(rows: Sentences, tmp_path: Path) -> None:
    pg.Word2Vec(rows, **SMALL).save(tmp_path / "one")
    pg.Word2Vec(rows[:500], **SMALL).save(tmp_path / "two")
    shutil.copy(tmp_path / "one" / "output.npy", tmp_path / "two" / "output.npy")
    with pytest.raises(ValueError, match="output.npy"):
        pg.Word2Vec.load(tmp_path / "two")


def test_an_unprepared_model_is_not_saved_and_a_missing_one_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="build vocabulary"):
        pg.Word2Vec().save(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match="model"):
        pg.Word2Vec.load(tmp_path / "model")
