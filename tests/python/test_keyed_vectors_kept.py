"""Changed vectors in files and in models: what is saved, mapped, intersected and trained on."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import Word2Vec as GensimWord2Vec
from tables import CORPUS, SIZE, SMALL, assert_same, drawn, word2vec_file

import polargram as pg


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # gensim says that adding single vectors is slow, and what is deprecated.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Adding single vectors")
        yield


# Files


@pytest.mark.parametrize("name", ["v.arrow", "v.npy", "v.txt", "v.bin", "v.txt.gz"])
@pytest.mark.parametrize("mmap", [None, "r"])
def test_a_loaded_table_can_be_changed_and_the_file_stays(tmp_path: Path, name: str, mmap: Any) -> None:
    first = pg.KeyedVectors(SIZE)
    first.add_vectors(list("abc"), drawn(3))
    first.save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    for change in (
        lambda wv: wv.__setitem__("a", np.ones(SIZE)),
        lambda wv: wv.__setitem__("new", np.ones(SIZE)),
        lambda wv: wv.unit_normalize_all(),
        lambda wv: wv.set_vecattr("c", "count", 99),
        lambda wv: wv.sort_by_descending_frequency(),
    ):
        wv = pg.KeyedVectors.load(tmp_path / name, mmap=mmap)
        view, before = wv.vectors, wv.vectors.copy()
        change(wv)
        assert_same(pickle.loads(pickle.dumps(wv)), wv)
        if name in ("v.arrow", "v.npy"):
            assert np.array_equal(view, before)
        wv.save(tmp_path / "again.arrow")
        assert_same(pg.KeyedVectors.load(tmp_path / "again.arrow"), wv)
    assert (tmp_path / name).read_bytes() == content
    assert_same(pg.KeyedVectors.load(tmp_path / name), first)


@pytest.mark.parametrize("keys", [list("abc"), [5, -7, 9]], ids=["text", "integers"])
@pytest.mark.parametrize("ending", [".arrow", ".npy", ".txt", ".bin"])
def test_a_table_made_by_hand_is_saved_and_loaded(tmp_path: Path, keys: list[Any], ending: str) -> None:
    wv = pg.KeyedVectors(SIZE)
    wv.add_vectors(keys, drawn(3), extras={"count": [3, 2, 1]})
    wv.save(tmp_path / f"v{ending}")
    assert_same(pg.KeyedVectors.load(tmp_path / f"v{ending}", key_dtype=type(keys[0])), wv)


@pytest.mark.filterwarnings("ignore:The binary mode of fromstring")
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("lockf", [0.0, 1.0, 0.5])
def test_an_intersection_is_gensims(tmp_path: Path, binary: bool, lockf: float) -> None:
    path = word2vec_file(tmp_path / "w", ["b", "x", "c"], drawn(3, 9), binary)
    models = [word2vec(**SMALL) for word2vec in (pg.Word2Vec, GensimWord2Vec)]
    for model in models:
        model.build_vocab(CORPUS)
        # gensim has room for one factor only, unless it is given more.
        model.wv.vectors_lockf = np.ones(3, dtype=np.float32)
    if not binary or lockf == 0.0:
        theirs = models[1].wv
        try:
            theirs.intersect_word2vec_format(path, lockf=lockf, binary=binary)
        except ValueError:
            # NumPy 2.3 has no binary mode of fromstring.
            theirs = None
    else:
        theirs = None
    models[0].wv.intersect_word2vec_format(path, lockf=lockf, binary=binary)
    ours = models[0].wv
    assert np.array_equal(ours["b"], drawn(3, 9)[0])
    assert np.array_equal(ours["c"], drawn(3, 9)[2])
    assert ours.vectors_lockf.tolist() == [lockf, lockf, 1]
    assert "x" not in ours
    if theirs is not None:
        assert ours.vectors_lockf.tolist() == theirs.vectors_lockf.tolist()
        assert np.array_equal(ours["b"], theirs["b"])
    # The model has them too.
    before = ours["b"].copy()
    models[0].train(CORPUS, total_examples=len(CORPUS), epochs=1)
    assert np.array_equal(ours["b"], before) == (lockf == 0)


def test_an_intersection_needs_the_same_dimensions_and_reads_integers(tmp_path: Path) -> None:
    path = word2vec_file(tmp_path / "w.txt", ["7", "x", "-3"], drawn(3), binary=False)
    with pytest.raises(ValueError, match=r"incompatible vector size 5 in file .*w.txt"):
        pg.KeyedVectors(4).intersect_word2vec_format(path)
    items = pg.KeyedVectors(SIZE)
    items.add_vectors([-3, 8, 7], np.zeros((3, SIZE)))
    items.intersect_word2vec_format(path, lockf=1.0)
    assert np.array_equal(items.vectors, [drawn(3)[2], np.zeros(SIZE), drawn(3)[0]])
    assert items.vectors_lockf.tolist() == [1]


@pytest.mark.parametrize("binary", [False, True])
def test_of_a_word_that_a_file_repeats_the_intersection_takes_what_loading_takes(tmp_path: Path, binary: bool) -> None:
    row = {False: "{} {}\n", True: "{} "}[binary]
    parts = [
        row.format(word, value).encode() + (np.float32(value).tobytes() if binary else b"")
        for word, value in (("a", 1), ("b", 2), ("a", 3))
    ]
    path = tmp_path / "w"
    path.write_bytes(b"3 1\n" + b"".join(parts))
    wv = pg.KeyedVectors(1)
    wv["a"] = [0]
    wv.intersect_word2vec_format(path, binary=binary)
    assert wv["a"].tolist() == pg.KeyedVectors.load_word2vec_format(path, binary=binary)["a"].tolist()


# Models


def test_the_vectors_of_a_model_are_changed_in_the_model(tmp_path: Path) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    taken = model.wv.vectors
    model.wv["a"] = np.arange(SIZE)
    model.wv[["b", "c"]] = np.ones((2, SIZE))
    model.wv.add_vectors(["a", "b"], np.zeros((2, SIZE)))
    assert taken[model.wv.get_index("a")].tolist() == list(range(SIZE))
    model.wv.vectors = model.wv.vectors * 2
    assert taken[model.wv.get_index("b")].tolist() == [2] * SIZE
    assert model.wv.norms[model.wv.get_index("b")] == pytest.approx(2 * SIZE**0.5)
    model.save(tmp_path / "model")
    assert pg.Word2Vec.load(tmp_path / "model").wv["a"].tolist() == [2 * n for n in range(SIZE)]
    model.train(CORPUS, total_examples=len(CORPUS), epochs=1)
    assert taken[model.wv.get_index("b")].tolist() != [2] * SIZE
    model.wv.unit_normalize_all()
    assert np.allclose(np.linalg.norm(taken, axis=1), 1)


def test_a_model_takes_no_new_keys_and_says_what_to_do() -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    before = model.wv.vectors.copy()
    for change in (
        lambda: model.wv.add_vector("new", np.ones(SIZE)),
        lambda: model.wv.add_vectors(["a", "new"], np.ones((2, SIZE)), replace=True),
        lambda: model.wv.__setitem__("new", np.ones(SIZE)),
    ):
        with pytest.raises(RuntimeError, match=r'"new" is new.*build_vocab.*deepcopy'):
            change()
    for wrong in (np.ones((3, 9)), np.ones((2, SIZE))):
        with pytest.raises(ValueError, match="of a model"):
            model.wv.vectors = wrong
    with pytest.raises(TypeError, match="of a model"):
        model.wv.__init__(3)
    assert np.array_equal(model.wv.vectors, before)
    for copied in (copy.deepcopy(model.wv), copy.copy(model.wv), pickle.loads(pickle.dumps(model.wv))):
        copied["new"] = np.ones(SIZE)
        assert "new" in copied
        assert "new" not in model.wv
    model.build_vocab([["new", "newer"]], update=True)
    model.wv["new"] = np.ones(SIZE)
    model.train(CORPUS, total_examples=len(CORPUS), epochs=1)
    assert len(model.wv) == 5


def test_the_counts_of_a_model_are_those_that_were_set(tmp_path: Path) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL, hs=1)
    model.wv.set_vecattr("a", "count", 1000)
    model.wv.expandos["count"] = [5, 1, 1000]
    counts = {"c": 5, "b": 1, "a": 1000}
    model.save(tmp_path / "model")
    for kept in (model, copy.deepcopy(model), pg.Word2Vec.load(tmp_path / "model")):
        assert {key: kept.wv.get_vecattr(key, "count") for key in kept.wv} == counts
    model.build_vocab([["a", "d"]], update=True)
    assert {key: model.wv.get_vecattr(key, "count") for key in model.wv} == {**counts, "a": 1001, "d": 1}
    model.train(CORPUS, total_examples=len(CORPUS), epochs=1)
    with pytest.raises(RuntimeError, match="sort a copy"):
        model.wv.sort_by_descending_frequency()
    sorted_copy = copy.deepcopy(model.wv)
    sorted_copy.sort_by_descending_frequency()
    assert list(sorted_copy)[0] == "a"
    unchanged = pg.Word2Vec(CORPUS, **SMALL)
    unchanged.wv.sort_by_descending_frequency()
    assert list(unchanged.wv) == ["c", "b", "a"]


def test_counts_that_no_model_can_have_are_refused_until_they_are_set_again(tmp_path: Path) -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    model.wv.expandos["count"] = [2**64 - 1, 1, 1]
    for use in (lambda: model.save(tmp_path / "model"), lambda: copy.deepcopy(model)):
        with pytest.raises(ValueError, match="64 bits"):
            use()
    model.wv.set_vecattr("c", "count", 5)
    model.save(tmp_path / "model")
    assert pg.Word2Vec.load(tmp_path / "model").wv.get_vecattr("c", "count") == 5


def test_attributes_of_words_stay_as_a_model_grows_and_go_with_its_words() -> None:
    model = pg.Word2Vec(CORPUS, **SMALL)
    model.wv.set_vecattr("b", "kind", "letter")
    model.build_vocab([["new"] * 5], update=True)
    assert (model.wv.get_vecattr("b", "kind"), model.wv.get_vecattr("new", "kind")) == ("letter", 0)
    other = copy.deepcopy(model)
    other.wv.set_vecattr("b", "kind", "changed")
    assert model.wv.get_vecattr("b", "kind") == "letter"
    model.build_vocab([["x", "b"]])
    with pytest.raises(KeyError, match="kind"):
        model.wv.get_vecattr("b", "kind")
