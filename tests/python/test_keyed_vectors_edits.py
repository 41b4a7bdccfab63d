"""``KeyedVectors`` are filled and changed as gensim's are, and what was computed from the vectors follows."""

from __future__ import annotations

import copy
import gzip
import inspect
import itertools
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from gensim.models import Word2Vec as GensimWord2Vec
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import SIZE, assert_same, both, drawn, word2vec_file

import polargram as pg
from polargram.errors import EmptyVocabularyError, TruncatedFileError

Copy = Callable[[pg.KeyedVectors], pg.KeyedVectors]
COPIES = pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda wv: pickle.loads(pickle.dumps(wv))], ids=["copy", "deepcopy", "pickle"]
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # gensim says that adding single vectors is slow, and what is deprecated.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Adding single vectors")
        yield


# Random vocabularies

TEXT = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=12, unique=True)
#: gensim takes an integer that is not a key for a row number, so small ones are left out.
INTEGERS = st.lists(st.integers(1000, 2**63 - 1) | st.integers(-(2**63), -1), max_size=12, unique=True)
KEYS = st.one_of(TEXT, INTEGERS)


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[list[Any], int, bool]]:
    """Batches of keys of one kind, each without repeats, which gensim cannot hold."""
    keys = draw(KEYS)
    some = st.lists(st.sampled_from(keys), unique=True, max_size=6) if keys else st.just([])
    return draw(st.lists(st.tuples(some, st.integers(0, 99), st.booleans()), max_size=6))


@settings(deadline=None)
@given(batches())
def test_any_sequence_of_batches_gives_gensims_table(steps: list[tuple[list[Any], int, bool]]) -> None:
    ours, theirs = pg.KeyedVectors(SIZE), GensimVectors(SIZE)
    for keys, seed, replace in steps:
        for table in (ours, theirs):
            table.add_vectors(keys, drawn(len(keys), seed), replace=replace)
        assert_same(ours, theirs)


@settings(deadline=None)
@given(batches(), st.booleans())
def test_vectors_added_or_set_one_by_one_give_gensims_table(
    steps: list[tuple[list[Any], int, bool]], is_set: bool
) -> None:
    ours, theirs = pg.KeyedVectors(SIZE), GensimVectors(SIZE)
    for keys, seed, _ in steps:
        for key, vector in zip(keys, drawn(len(keys), seed), strict=True):
            if is_set:
                ours[key] = theirs[key] = vector
            elif key not in ours:
                # gensim gives a wrong row for a key that it has.
                assert ours.add_vector(key, vector) == theirs.add_vector(key, vector)
            else:
                before = ours[key].copy()
                assert ours.add_vector(key, vector) == ours.get_index(key)
                assert np.array_equal(ours[key], before)
        if is_set and keys:
            matrix = drawn(len(keys), seed + 1)
            ours[keys], theirs[keys] = matrix, matrix
        assert_same(ours, theirs)


@settings(deadline=None)
@given(KEYS, st.data())
def test_sorting_is_gensims_with_ties(keys: list[Any], data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(keys), max_size=len(keys)))
    ours, theirs = both(keys, drawn(len(keys)), counts)
    for table in (ours, theirs):
        for key in keys:
            table.set_vecattr(key, "name", f"<{key}>")
        table.sort_by_descending_frequency()
    assert_same(ours, theirs)
    for key in keys:
        assert ours.get_vecattr(key, "count") == theirs.get_vecattr(key, "count")
        assert ours.get_vecattr(key, "name") == theirs.get_vecattr(key, "name") == f"<{key}>"


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.builds(np.float32, st.floats(-1, 1, width=32)),
    st.builds(np.int16, st.integers(-9, 9)),
)


@settings(deadline=None)
@given(KEYS.filter(bool), st.data())
def test_attributes_are_gensims_with_their_types_and_refusals(keys: list[Any], data: st.DataObject) -> None:
    ours, theirs = both(keys, drawn(len(keys)))
    names = st.sampled_from(["weight", "kind"])
    for key, name, value in data.draw(st.lists(st.tuples(st.sampled_from(keys), names, VALUES), max_size=8)):
        try:
            theirs.set_vecattr(key, name, value)
        except TypeError:
            with pytest.raises(TypeError, match=name):
                ours.set_vecattr(key, name, value)
            continue
        ours.set_vecattr(key, name, value)
    for name, values in theirs.expandos.items():
        assert ours.expandos[name].dtype == values.dtype
        assert ours.expandos[name].tolist() == values.tolist()
        assert [ours.get_vecattr(key, name) for key in keys] == [theirs.get_vecattr(key, name) for key in keys]
    assert set(ours.expandos) == {"count", *theirs.expandos}


@settings(deadline=None)
@given(KEYS.filter(bool), st.booleans(), st.booleans(), st.data())
def test_the_mean_of_keys_and_vectors_is_gensims(keys: list[Any], pre: bool, post: bool, data: st.DataObject) -> None:
    ours, theirs = both(keys, drawn(len(keys)))
    parts = st.one_of(
        st.sampled_from(keys),
        st.sampled_from(["\x00unknown", -7]),
        st.builds(lambda seed: drawn(1, seed)[0], st.integers(0, 9)),
    )
    query = data.draw(st.lists(parts, min_size=1, max_size=6))
    weights = data.draw(
        st.none() | st.lists(st.sampled_from([-1.5, 0.0, 0.25, 1.0]), min_size=len(query), max_size=len(query))
    )
    for given_weights in (weights, None if weights is None else np.array(weights)):
        got = ours.get_mean_vector(query, given_weights, pre_normalize=pre, post_normalize=post)
        want = theirs.get_mean_vector(query, given_weights, pre_normalize=pre, post_normalize=post)
        assert got.dtype == np.float32
        assert np.allclose(got, want, atol=1e-5)
    if any(isinstance(part, str | int) and part not in theirs for part in query):
        for table in (ours, theirs):
            with pytest.raises(KeyError):
                table.get_mean_vector(query, ignore_missing=False)


@settings(deadline=None)
@given(KEYS.filter(bool), st.booleans(), st.booleans(), st.data())
def test_the_table_of_some_keys_is_gensims(keys: list[Any], infer: bool, attributes: bool, data: st.DataObject) -> None:
    ours, theirs = both(keys, drawn(len(keys)), list(range(len(keys), 0, -1)))
    # gensim cannot copy an attribute of objects that some keys lack.
    for table, key in itertools.product((ours, theirs), keys):
        table.set_vecattr(key, "kind", f"<{key}>")
    unknown = st.sampled_from(["\x00unknown"] if isinstance(keys[0], str) else [-(2**62) - 11])
    asked = data.draw(st.lists(st.sampled_from(keys) | unknown, max_size=9))
    options = {"allow_inference": infer, "copy_vecattrs": attributes}
    got, want = ours.vectors_for_all(iter(asked), **options), theirs.vectors_for_all(iter(asked), **options)
    assert_same(got, want)
    for name in want.expandos:
        assert [got.get_vecattr(key, name) for key in got] == [want.get_vecattr(key, name) for key in got]
    assert ("kind" in got.expandos) == ("kind" in want.expandos)


@settings(deadline=None)
@given(KEYS)
def test_normed_vectors_are_gensims(keys: list[Any]) -> None:
    ours, theirs = both(keys, drawn(len(keys)))
    assert np.allclose(ours.get_normed_vectors(), theirs.get_normed_vectors(), atol=1e-6)
    for table in (ours, theirs):
        table.unit_normalize_all()
    assert np.allclose(ours.vectors, theirs.vectors, atol=1e-6)
    assert np.allclose(ours.norms, 1)


# The constructor


def test_the_constructor_is_gensims() -> None:
    ours, theirs = (inspect.signature(vectors).parameters for vectors in (pg.KeyedVectors, GensimVectors))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]
    wv = pg.KeyedVectors(7, count=100, mapfile_path="there")
    assert (len(wv), wv.vectors.shape, wv.vector_size, wv.mapfile_path) == (0, (0, 7), 7, "there")
    assert str(wv) == str(GensimVectors(7)) == repr(wv)
    assert wv.index_to_key == []
    assert wv.key_to_index == {}
    assert "a" not in wv
    assert 0 not in wv


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"vector_size": 0}, "vector_size: 0"),
        ({"vector_size": -3}, "vector_size: -3"),
        ({"vector_size": 2.5}, "vector_size: 2.5"),
        ({"vector_size": 10**18}, "vector_size"),
        ({"vector_size": 3, "count": -1}, "count: -1"),
        ({"vector_size": 3, "dtype": np.float64}, "dtype: float64 is not float32"),
    ],
)
def test_arguments_that_cannot_be_are_refused_by_name(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pg.KeyedVectors(**arguments)


def test_a_subclass_may_have_its_own_parameters() -> None:
    class Mine(pg.KeyedVectors):
        def __init__(self, language: str, *, dimensions: int) -> None:
            super().__init__(dimensions)
            self.language = language

    wv = Mine("en", dimensions=2)
    wv["a"] = [1, 2]
    for other in (copy.copy(wv), copy.deepcopy(wv)):
        assert (type(other), other.language, other["a"].tolist()) == (Mine, "en", [1, 2])


def test_preallocated_rows_that_were_filled_are_gensims() -> None:
    ours, theirs = pg.KeyedVectors(SIZE, 3), GensimVectors(SIZE, 3)
    for table in (ours, theirs):
        for key, vector in zip("abcd", drawn(4), strict=True):
            table.add_vector(key, vector)
    assert_same(ours, theirs)


# Kinds of keys


@pytest.mark.parametrize(
    ("first", "other"), [("a", 7), (7, "a"), ("a", np.int64(3)), (np.uint64(2**64 - 1), "a"), (2**64 - 1, -1)]
)
def test_keys_of_two_kinds_are_refused_and_nothing_changes(first: Any, other: Any) -> None:
    wv = pg.KeyedVectors(2)
    wv[first] = [1, 2]
    for change in (
        lambda: wv.add_vector(other, [3, 4]),
        lambda: wv.add_vectors(["new" if isinstance(first, str) else 99, other], np.ones((2, 2))),
        lambda: wv.__setitem__(other, [3, 4]),
    ):
        with pytest.raises(ValueError, match=r"cannot be added: the keys are"):
            change()
    assert (len(wv), wv.vectors.tolist(), list(wv)) == (1, [[1, 2]], [first])


@pytest.mark.parametrize("key", [None, 1.5, b"a", True, ("a",), ["a"]])
def test_what_is_no_key_is_refused(key: Any) -> None:
    wv = pg.KeyedVectors(2)
    with pytest.raises(TypeError, match="expected a key"):
        wv.add_vector(key, [1, 2])


def test_keys_that_no_table_can_hold_are_refused() -> None:
    for key in ("\ud800", 2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="cannot be added"):
            pg.KeyedVectors(2).add_vector(key, [1, 2])


@pytest.mark.parametrize("vectors", [[1, 2, 3], [[1, 2]], 5, [], np.ones((2, 3))])
def test_vectors_of_another_shape_are_refused_and_nothing_changes(vectors: Any) -> None:
    wv = pg.KeyedVectors(2)
    wv["a"] = [1, 2]
    with pytest.raises(ValueError, match="shape"):
        wv.add_vectors(["b", "c"], vectors)
    assert list(wv) == ["a"]


# Repeats and extras


def test_a_key_that_a_batch_repeats_is_added_once() -> None:
    vectors = np.array([[1, 1], [2, 2], [3, 3]])
    wv = pg.KeyedVectors(2)
    wv.add_vectors(["a", "a", "b"], vectors, extras={"rank": np.array([1, 2, 3])})
    assert (list(wv), wv["a"].tolist(), wv.expandos["rank"].tolist()) == (["a", "b"], [1, 1], [1, 3])
    wv.add_vectors(["a", "b", "a"], vectors, extras={"rank": np.array([4, 5, 6])}, replace=True)
    assert (list(wv), wv["a"].tolist(), wv.expandos["rank"].tolist()) == (["a", "b"], [3, 3], [6, 5])


def test_extras_are_attributes_of_new_keys_and_with_replace_of_all() -> None:
    wv = pg.KeyedVectors(2)
    wv.add_vectors(["a", "b"], np.ones((2, 2)), {"count": np.array([5, 6]), "kind": np.array(["noun", "x"])})
    wv.add_vectors(
        ["b", "c"], np.ones((2, 2)), {"count": np.array([7, 8]), "kind": np.array(["changed", "longer than before"])}
    )
    assert wv.expandos["count"].tolist() == [5, 6, 8]
    assert wv.expandos["kind"].tolist() == ["noun", "x", "longer than before"]
    wv.add_vectors("b", [3, 4], {"count": [9]}, replace=True)
    assert (wv.get_vecattr("b", "count"), wv["b"].tolist()) == (9, [3, 4])
    for extras, error in ({"count": [1]}, ValueError), ({"count": [1.5, 2]}, TypeError), ({"kind": [1, 2]}, TypeError):
        with pytest.raises(error, match=next(iter(extras))):
            wv.add_vectors(["d", "e"], np.ones((2, 2)), extras)
    assert len(wv) == 3


# Views, lists and dicts that were taken before


def test_the_list_and_the_dict_of_keys_follow() -> None:
    wv = pg.KeyedVectors(2)
    keys, rows = wv.index_to_key, wv.key_to_index
    wv["a"] = [1, 2]
    wv[["b", "a"]] = [[3, 4], [5, 6]]
    assert (keys, rows) == (["a", "b"], {"a": 0, "b": 1})
    wv.set_vecattr("b", "count", 3)
    wv.sort_by_descending_frequency()
    assert (keys, rows) == (["b", "a"], {"b": 0, "a": 1})
    assert keys is wv.index_to_key
    assert rows is wv.key_to_index


def test_arrays_taken_before_keep_their_rows() -> None:
    wv = pg.KeyedVectors(2)
    wv[["a", "b"]] = [[1, 2], [3, 4]]
    matrix, row = wv.vectors, wv["a"]
    for number in range(2000):
        wv[f"more {number}"] = [number, number]
    assert (matrix.tolist(), row.tolist()) == ([[1, 2], [3, 4]], [1, 2])
    assert wv.vectors.shape == (2002, 2)
    wv.vectors[1] = [7, 8]
    wv.fill_norms(force=True)
    assert (wv["b"].tolist(), wv.norms[1]) == ([7, 8], pytest.approx(np.hypot(7, 8)))


def test_the_row_of_a_table_may_be_added_to_it() -> None:
    wv = pg.KeyedVectors(3)
    wv["a"] = [1, 2, 3]
    wv["b"] = wv["a"]
    wv[["a", "b", "c"]] = np.concatenate([wv.vectors[::-1], wv.vectors[:1]])
    assert wv.vectors.tolist() == [[1, 2, 3]] * 3
    assert not wv["a"].flags.writeable


def test_vectors_may_be_set_as_a_whole() -> None:
    wv = pg.KeyedVectors(3)
    wv[["a", "b"]] = drawn(2, size=3)
    before = wv.vectors
    wv.vectors = wv.vectors[::-1]
    assert np.array_equal(wv.vectors, before[::-1])
    wv.vectors = np.array([[3, 4], [0, 2]], dtype=np.float64)
    assert (wv.vector_size, wv["a"].tolist(), wv.norms.tolist()) == (2, [3, 4], [5, 2])
    wv["c"] = [1, 1]
    for wrong in (np.ones((2, 2)), np.ones(3), [["x", "y"]] * 3, 5):
        with pytest.raises(ValueError):  # noqa: PT011
            wv.vectors = wrong
    assert wv.vectors.tolist() == [[3, 4], [0, 2], [1, 1]]
    for name in ("index_to_key", "key_to_index"):
        with pytest.raises(AttributeError, match="add_vectors"):
            setattr(wv, name, [])


# Attributes


def test_an_attribute_is_zero_for_keys_that_are_added_later() -> None:
    wv = pg.KeyedVectors(1)
    for number in range(300):
        wv.add_vector(number, [number])
        wv.set_vecattr(number, "square", number * number)
    wv.add_vector(999, [0])
    assert wv.expandos["square"].tolist() == [*(n * n for n in range(300)), 0]
    wv.expandos["square"][2] = -1
    assert wv.get_vecattr(2, "square") == -1
    wv.expandos["other"] = np.arange(301.0)
    assert wv.get_vecattr(999, "other") == 300
    with pytest.raises(ValueError, match="each of 301 keys"):
        wv.expandos["short"] = [1]
    del wv.expandos["other"]
    with pytest.raises(KeyError, match="square"):
        wv.get_vecattr(999, "other")


def test_counts_are_an_attribute() -> None:
    wv = pg.KeyedVectors(1)
    wv[["a", "b"]] = [[1], [2]]
    assert wv.expandos["count"].tolist() == [0, 0]
    wv.set_vecattr("b", "count", np.int64(4))
    assert (wv.get_vecattr("b", "count"), wv.expandos["count"].dtype) == (4, np.int64)
    wv.expandos["count"] = [2**63, 1]
    assert wv.get_vecattr("a", "count") == 2**63
    with pytest.raises(ValueError, match="read-only"):
        wv.expandos["count"][0] = 1
    for value, error in (-1, ValueError), (2**64, ValueError), (1.5, TypeError), ("1", TypeError):
        with pytest.raises(error, match="count"):
            wv.set_vecattr("a", "count", value)
    for name in ("code", "point"):
        with pytest.raises(ValueError, match="counts"):
            wv.set_vecattr("a", name, 1)
    for change in (lambda: wv.set_vecattr("z", "x", 1), lambda: wv.get_vecattr("z", "count")):
        with pytest.raises(KeyError, match="z"):
            change()
    assert "x" not in wv.expandos
    wv.set_vecattr("a", "count", 1)
    wv.set_vecattr("b", "count", 9)
    assert wv.get_vecattr("b", "code").tolist() == [1]


@COPIES
def test_changed_tables_and_their_attributes_travel(copied: Copy, tmp_path: Path) -> None:
    first = pg.KeyedVectors(SIZE)
    first.add_vectors(list("abc"), drawn(3))
    first.save(tmp_path / "v.arrow")
    for wv in (first, pg.KeyedVectors.load(tmp_path / "v.arrow")):
        wv["d"] = np.ones(SIZE)
        wv.set_vecattr("d", "kind", ["any", "object"])
        wv.set_vecattr("a", "count", 77)
        other = copied(wv)
        assert_same(other, wv)
        assert other.get_vecattr("d", "kind") == ["any", "object"]
        assert other.get_vecattr("a", "count") == 77
        # From now on each has keys of its own.
        wv["one"] = np.zeros(SIZE)
        other["other"] = np.full(SIZE, 2)
        other.set_vecattr("other", "kind", "x")
        wv.set_vecattr("one", "kind", "y")
        assert (list(wv), list(other)) == ([*"abcd", "one"], [*"abcd", "other"])
        assert (wv["one"].tolist(), other["other"].tolist()) == ([0] * SIZE, [2] * SIZE)
        assert (wv.get_vecattr("one", "kind"), other.get_vecattr("other", "kind")) == ("y", "x")


@COPIES
def test_a_subclass_with_slots_travels(copied: Copy) -> None:
    wv = WithSlots(2)
    wv["a"] = [1, 2]
    wv.set_vecattr("a", "kind", "letter")
    wv.slot = "kept"
    other = copied(wv)
    other.set_vecattr("a", "kind", "other")
    assert (other.slot, wv.get_vecattr("a", "kind")) == ("kept", "letter")


class WithSlots(pg.KeyedVectors):
    __slots__ = ("slot",)


@pytest.mark.parametrize("ending", [".arrow", ".txt", ".bin", ".npy"])
def test_an_empty_table_is_saved_or_refused_in_one_line(tmp_path: Path, ending: str) -> None:
    try:
        pg.KeyedVectors(3).save(tmp_path / f"v{ending}")
        assert len(pg.KeyedVectors.load(tmp_path / f"v{ending}")) == 0
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
    assert len(pickle.loads(pickle.dumps(pg.KeyedVectors(3)))) == 0


def test_a_copy_shares_vectors_and_norms_follow_in_both() -> None:
    wv = pg.KeyedVectors(2)
    wv[["a", "b"]] = [[1, 0], [1, 1]]
    other = copy.copy(wv)
    assert other.similarity("a", "b") == pytest.approx(wv.similarity("a", "b"))
    wv["b"] = [0, 3]
    assert other["b"].tolist() == [0, 3]
    assert wv.similarity("a", "b") == other.similarity("a", "b") == 0


# Speed


def test_adding_one_by_one_takes_time_in_proportion() -> None:
    def seconds(keys: int) -> float:
        wv, vector = pg.KeyedVectors(20), np.ones(20, dtype=np.float32)
        start = time.perf_counter()
        for key in range(keys):
            wv.add_vector(f"key {key}", vector)
            assert wv.get_index(f"key {key}") == key
        return time.perf_counter() - start

    seconds(1000)
    few = min(seconds(5_000) for _ in range(3))
    # Quadratic time would be a hundred times as long.
    assert min(seconds(50_000) for _ in range(3)) < 30 * few


# Names and errors


def test_deprecated_names_warn_and_work() -> None:
    wv = pg.KeyedVectors(2)
    wv["a"] = [3, 4]
    with pytest.warns(DeprecationWarning, match="get_vector"):
        assert wv.word_vec("a").tolist() == [3, 4]
    with pytest.warns(DeprecationWarning, match="fill_norms"):
        wv.init_sims()
    assert wv["a"].tolist() == [3, 4]
    with pytest.warns(DeprecationWarning, match="init_sims"):
        wv.init_sims(replace=True)
    assert np.allclose(wv["a"], [0.6, 0.8])


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("vocab", "key_to_index"),
        ("index2word", "index_to_key"),
        ("index2entity", "index_to_key"),
        ("vectors_norm", "get_normed_vectors"),
    ],
)
def test_names_that_gensim_4_has_no_more_say_what_to_use(name: str, advice: str) -> None:
    for table in (pg.KeyedVectors(2), GensimVectors(2)):
        with pytest.raises(AttributeError, match=advice):
            getattr(table, name)


def test_keys_appended_to_the_list_get_gensims_random_vectors() -> None:
    ours, theirs = both(["a"], drawn(1))
    for table in (ours, theirs):
        table.index_to_key.extend(["b", "c"])
        table.resize_vectors(seed=4)
    theirs.key_to_index.update(b=1, c=2)
    assert_same(ours, theirs)
    ours.resize_vectors(seed=5)
    assert_same(ours, theirs)


def test_a_mean_needs_keys_and_as_many_weights() -> None:
    ours, theirs = both(["a", "b"], drawn(2))
    for table in (ours, theirs):
        for keys, weights in ([], None), (["a"], [1, 2]), (["a", "b"], np.ones(3)):
            with pytest.raises(ValueError):  # noqa: PT011
                table.get_mean_vector(keys, weights)
    with pytest.raises(ValueError, match=r"shape \(3,\); expected \(5,\)"):
        ours.get_mean_vector(["a", np.ones(3)])
    assert np.allclose(ours.get_mean_vector("a", pre_normalize=False), ours["a"])
    assert np.allclose(ours.get_mean_vector(ours["a"]), ours["a"])
    assert np.allclose(ours.get_mean_vector(ours.vectors), ours.vectors.mean(axis=0), atol=1e-6)
    huge = pg.KeyedVectors(1)
    huge[["a", "b"]] = [[3e38], [3e38]]
    assert huge.get_mean_vector(["a", "b"], pre_normalize=False).tolist() == pytest.approx([3e38])


def test_vectors_without_direction_stay_as_they_are() -> None:
    wv = pg.KeyedVectors(2)
    rows = [[0, 0], [np.nan, 1], [np.inf, 1], [3e38, 0], [1e-42, 0]]
    wv[list("abcde")] = rows
    want = np.array([*rows[:3], [1, 0], [1, 0]], dtype=np.float32)
    assert np.allclose(wv.get_normed_vectors(), want, equal_nan=True)
    wv.unit_normalize_all()
    assert np.allclose(wv.vectors, want, equal_nan=True)


CUT = ["v.txt", "v.bin", "v.txt.gz", "v.npy", "v.arrow"]


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_ends_early_is_an_eof_error_and_a_value_error(tmp_path: Path, name: str) -> None:
    wv = pg.KeyedVectors(SIZE)
    wv.add_vectors([f"key {n}" for n in range(200)] if name == "v.npy" else [f"key{n}" for n in range(200)], drawn(200))
    wv.save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for length in (len(whole) - 40, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(EOFError) as caught:
            pg.KeyedVectors.load(tmp_path / name)
        assert isinstance(caught.value, ValueError)
        assert type(caught.value) is TruncatedFileError
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("binary", [True, False])
def test_a_short_word2vec_file_is_the_same_error_as_in_gensim(tmp_path: Path, binary: bool) -> None:
    path = Path(word2vec_file(tmp_path / "w", ["a", "b"], drawn(2), binary))
    path.write_bytes(path.read_bytes().replace(b"2 5\n", b"3 5\n", 1))
    for load in (pg.KeyedVectors, GensimVectors):
        with pytest.raises(EOFError):
            load.load_word2vec_format(str(path), binary=binary)
    with gzip.open(tmp_path / "w.gz", "wb") as out:
        out.write(path.read_bytes())
    with pytest.raises(EOFError):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "w.gz", binary=binary)


def test_an_empty_vocabulary_is_a_runtime_error_and_a_value_error() -> None:
    with pytest.raises(RuntimeError, match="the vocabulary is empty") as caught:
        pg.Word2Vec([["a", "b"]], min_count=2)
    assert isinstance(caught.value, ValueError)
    assert type(caught.value) is EmptyVocabularyError
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(RuntimeError):
        GensimWord2Vec([["a", "b"]], min_count=2)
