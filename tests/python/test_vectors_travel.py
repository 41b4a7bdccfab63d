"""``KeyedVectors`` are Python objects like others: subclassed, pickled, copied, iterated, and given attributes."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import polargram as pg

Copy = Callable[[Any], Any]


def pickled(wv: Any) -> Any:
    return pickle.loads(pickle.dumps(wv))


COPIES = pytest.mark.parametrize("copied", [pickled, copy.copy, copy.deepcopy], ids=lambda copied: copied.__name__)


class Mine(pg.KeyedVectors):
    """A user's class, whose constructor takes what it likes."""

    language = "none"

    def __init__(self, language: str, table: object) -> None:
        raise AssertionError(language, table)

    def shout(self, key: str) -> str:
        return f"{key}: {self[key][0]}".upper()


class WithState(pg.KeyedVectors):
    """A user's class that says itself what travels."""

    def __getstate__(self) -> dict[str, object]:
        return {"kept": self.kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, restored=True)


def assert_equal(one: pg.KeyedVectors, other: pg.KeyedVectors) -> None:
    assert one.index_to_key == other.index_to_key
    assert np.array_equal(one.vectors, other.vectors)
    assert [one.get_vecattr(key, "count") for key in one] == [other.get_vecattr(key, "count") for key in other]
    assert one.most_similar("king") == other.most_similar("king")


@pytest.fixture
def mapped(vectors_file: str) -> pg.KeyedVectors:
    return pg.KeyedVectors.load(vectors_file)


@COPIES
@pytest.mark.parametrize("source", ["trained", ".arrow", ".npy", ".txt", ".bin", ".vec.gz", ".bin.gz"])
def test_copies_have_the_same_keys_counts_and_bits(
    model: pg.Word2Vec, source: str, copied: Copy, tmp_path: Path
) -> None:
    wv = model.wv
    if source != "trained":
        wv.save(tmp_path / f"v{source}")
        wv = pg.KeyedVectors.load(tmp_path / f"v{source}")
    assert_equal(copied(wv), wv)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_serves(model: pg.Word2Vec, mapped: pg.KeyedVectors, protocol: int) -> None:
    for wv in (model.wv, mapped):
        assert_equal(pickle.loads(pickle.dumps(wv, protocol)), wv)


@pytest.mark.parametrize("ending", [".arrow", ".npy"])
def test_a_mapped_file_travels_by_its_path_and_is_mapped_again(
    model: pg.Word2Vec, ending: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.wv.save(f"v{ending}")
    content = pickle.dumps(pg.KeyedVectors.load(f"v{ending}"))
    assert len(content) < 1000
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    there = pickle.loads(content)
    assert_equal(there, model.wv)
    with pytest.raises(ValueError, match="read-only"):
        there.vectors[:] = 0
    assert len(pickle.dumps(there)) < 1000


def test_vectors_in_memory_travel_as_bytes_and_can_be_written_to(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.txt")
    loaded = pg.KeyedVectors.load(tmp_path / "v.txt")
    content = pickle.dumps(loaded)
    assert len(content) > loaded.vectors.nbytes
    (tmp_path / "v.txt").unlink()
    there = pickle.loads(content)
    there.vectors[0] = 7
    assert there[0].tolist() == [7] * 20
    assert np.array_equal(loaded.vectors, model.wv.vectors)


def test_vectors_loaded_to_be_read_only_stay_so(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.txt")
    with pytest.raises(ValueError, match="read-only"):
        pickled(pg.KeyedVectors.load(tmp_path / "v.txt", mmap="r")).vectors[:] = 0


def test_a_pickled_path_that_is_gone_is_named(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.arrow")
    content = pickle.dumps(pg.KeyedVectors.load(tmp_path / "v.arrow"))
    (tmp_path / "v.arrow").unlink()
    with pytest.raises(FileNotFoundError, match=r"v\.arrow"):
        pickle.loads(content)


def test_a_pickled_file_whose_content_has_changed_is_refused(model: pg.Word2Vec, tmp_path: Path) -> None:
    path = tmp_path / "v.arrow"
    model.wv.save(path)
    content = pickle.dumps(pg.KeyedVectors.load(path))
    other = copy.deepcopy(model.wv)
    other.vectors[len(other) // 2, 3] += 1
    other.save(path)
    with pytest.raises(ValueError, match=r"v\.arrow.*changed since the vectors were pickled"):
        pickle.loads(content)
    path.write_bytes(b"not vectors")
    with pytest.raises(ValueError, match=r"v\.arrow"):
        pickle.loads(content)


def test_a_file_written_again_with_the_same_content_serves(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.arrow")
    content = pickle.dumps(pg.KeyedVectors.load(tmp_path / "v.arrow"))
    model.wv.save(tmp_path / "v.arrow")
    assert_equal(pickle.loads(content), model.wv)


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_is_mapped_travels_as_bytes_once_its_file_was_replaced_or_removed(
    model: pg.Word2Vec, is_gone: bool, tmp_path: Path
) -> None:
    path = tmp_path / "v.arrow"
    model.wv.save(path)
    old = pg.KeyedVectors.load(path)
    path.unlink()
    if not is_gone:
        pg.Word2Vec([["king", "b"]] * 9, vector_size=20).wv.save(path)
    assert_equal(pickled(old), model.wv)


def test_a_shallow_copy_shares_the_vectors_and_a_deep_one_does_not(model: pg.Word2Vec) -> None:
    assert np.shares_memory(copy.copy(model.wv).vectors, model.wv.vectors)
    deep = copy.deepcopy(model.wv)
    assert not np.shares_memory(deep.vectors, model.wv.vectors)
    deep.vectors[0] = 0
    assert model.wv.vectors[0].any()


def test_a_deep_copy_of_a_mapped_file_can_be_written_to(mapped: pg.KeyedVectors) -> None:
    deep = copy.deepcopy(mapped)
    deep.vectors[:] = 1
    assert deep["king"].tolist() == [1] * 20
    assert deep.similarity("king", "queen") == pytest.approx(1)
    assert len(pickle.dumps(deep)) > deep.vectors.nbytes


@COPIES
def test_attributes_travel(mapped: pg.KeyedVectors, copied: Copy) -> None:
    mapped.language = "en"
    mapped.vectors_lockf = np.linspace(0, 1, len(mapped), dtype=np.float32)
    there = copied(mapped)
    assert there.language == "en"
    assert np.array_equal(there.vectors_lockf, mapped.vectors_lockf)
    there.language = "ko"
    assert mapped.language == "en"


def test_a_deep_copy_copies_attributes_too(mapped: pg.KeyedVectors) -> None:
    mapped.notes = ["one"]
    deep, shallow = copy.deepcopy(mapped), copy.copy(mapped)
    mapped.notes.append("two")
    assert (deep.notes, shallow.notes) == (["one"], ["one", "two"])


@COPIES
def test_a_subclass_loads_and_travels_as_itself(vectors_file: str, copied: Copy) -> None:
    mine = Mine.load(vectors_file)
    mine.language = "en"
    there = copied(mine)
    assert type(there) is type(mine) is Mine
    assert there.language == "en"
    assert there.shout("king") == mine.shout("king")
    assert repr(there).startswith("Mine<vector_size=20")


def test_a_subclass_loads_the_word2vec_format_as_itself(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save_word2vec_format(tmp_path / "v.bin", binary=True)
    assert type(Mine.load_word2vec_format(tmp_path / "v.bin", binary=True)) is Mine


@COPIES
def test_a_subclass_may_say_what_travels(vectors_file: str, copied: Copy) -> None:
    wv = WithState.load(vectors_file)
    wv.kept, wv.dropped = "kept", "dropped"
    assert vars(copied(wv)) == {"kept": "kept", "restored": True}


def test_vectors_cannot_be_made_of_nothing() -> None:
    with pytest.raises(TypeError, match="vector_size"):
        pg.KeyedVectors()


def test_iterating_gives_the_keys_in_order(mapped: pg.KeyedVectors) -> None:
    assert list(mapped) == mapped.index_to_key
    assert [key for key in mapped if mapped.get_vecattr(key, "count") > 10**9] == []
    assert dict(zip(mapped, range(len(mapped)), strict=True)) == mapped.key_to_index


def test_the_vectors_of_a_model_are_one_object_that_keeps_attributes() -> None:
    model = pg.Word2Vec(vector_size=4, min_count=1, epochs=1)
    model.build_vocab([["a", "b"]] * 9)
    model.wv.language = "en"
    assert model.wv is model.wv
    model.build_vocab([["c"]] * 9, update=True)
    assert model.wv.language == "en"
    assert model.wv.index_to_key == ["a", "b", "c"]
    model.reset_weights()
    assert model.wv.language == "en"


def test_an_attribute_that_holds_a_view_makes_no_circle(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.arrow")
    wv = pg.KeyedVectors.load(tmp_path / "v.arrow")
    wv.matrix, wv.row = wv.vectors, wv["king"]
    is_alive = weakref.ref(wv)
    gc.disable()
    try:
        del wv
        assert is_alive() is None
    finally:
        gc.enable()


def nearest(wv: pg.KeyedVectors) -> tuple[int, str, list[tuple[str, float]], str]:
    """What another process finds."""
    return os.getpid(), type(wv).__name__, wv.most_similar("king"), wv.language


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_get_vectors_and_give_them_back(model: pg.Word2Vec, vectors_file: str, method: str) -> None:
    mine = Mine.load(vectors_file)
    mine.language = "en"
    trained = copy.copy(model.wv)
    trained.language = "ko"
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        for wv, name in ((mine, "Mine"), (trained, "KeyedVectors")):
            process, *found = pool.submit(nearest, wv).result()
            assert process != os.getpid()
            assert found == [name, wv.most_similar("king"), wv.language]
            assert_equal(pool.submit(copy.copy, wv).result(), wv)
