"""``KeyedVectors`` answers as gensim's does over the same vectors, and its arrays are views that keep their memory."""

from __future__ import annotations

import gc
import itertools
import weakref
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from corpora import Sentences
from gensim.models import KeyedVectors as GensimVectors

import polargram as pg

EVERY_KIND = ["trained", ".arrow", ".npy", ".txt", ".bin", ".vec.gz", ".bin.gz"]
MAPPED = [".arrow", ".npy"]


@pytest.fixture(scope="module")
def ours(model: pg.Word2Vec) -> pg.KeyedVectors:
    return model.wv


@pytest.fixture(scope="module")
def theirs(ours: pg.KeyedVectors, tmp_path_factory: pytest.TempPathFactory) -> GensimVectors:
    path = tmp_path_factory.mktemp("gensim") / "v.bin"
    ours.save_word2vec_format(path, binary=True)
    return GensimVectors.load_word2vec_format(str(path), binary=True)


@pytest.fixture
def vectors(request: pytest.FixtureRequest, ours: pg.KeyedVectors, tmp_path: Path) -> pg.KeyedVectors:
    """The same table as it was trained, or saved and loaded again."""
    if request.param == "trained":
        return ours
    ours.save(tmp_path / f"v{request.param}")
    return pg.KeyedVectors.load(tmp_path / f"v{request.param}")


def assert_same_ranking(ours: list[tuple[str, float]], theirs: list[tuple[str, float]]) -> None:
    assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=1e-5)
    # Words whose cosines are one float apart may change places.
    for (word, score), (other, other_score) in zip(ours, theirs, strict=True):
        assert word == other or score == pytest.approx(other_score, abs=1e-5)


@pytest.mark.parametrize("vectors", EVERY_KIND, indirect=True)
def test_similarity_is_gensims(vectors: pg.KeyedVectors, theirs: GensimVectors) -> None:
    words = [*theirs.index_to_key[:40], *theirs.index_to_key[-10:]]
    for a, b in itertools.product(words, words):
        assert vectors.similarity(a, b) == pytest.approx(theirs.similarity(a, b), abs=1e-5)
    assert vectors.similarity(3, 7) == pytest.approx(theirs.similarity(3, 7), abs=1e-5)


@pytest.mark.parametrize(
    "query",
    [
        {"positive": "king"},
        {"positive": ["king"]},
        {"positive": ("king", "woman"), "negative": ("man",)},
        {"positive": ["paris", "germany"], "negative": "france"},
        {"negative": ["king"]},
        {"negative": "king", "topn": 3},
        {"positive": ["king", "king", "queen"]},
        {"positive": ["king"], "negative": ["king", "man"]},
        {"positive": 5},
        {"positive": [5, "king", 9], "negative": [2]},
        {"positive": np.int64(5)},
        {"positive": "king", "topn": 1},
        {"positive": "king", "topn": 0},
        {"positive": "king", "topn": -3},
        {"positive": "king", "topn": 10**6},
    ],
    ids=str,
)
@pytest.mark.parametrize("vectors", ["trained", ".arrow"], indirect=True)
def test_most_similar_is_gensims(vectors: pg.KeyedVectors, theirs: GensimVectors, query: dict[str, object]) -> None:
    assert_same_ranking(vectors.most_similar(**query), theirs.most_similar(**query))


@pytest.mark.parametrize("vectors", EVERY_KIND, indirect=True)
def test_words_rows_and_vectors_belong_together(vectors: pg.KeyedVectors, theirs: GensimVectors) -> None:
    assert vectors.index_to_key == theirs.index_to_key
    assert vectors.key_to_index == theirs.key_to_index
    assert (len(vectors), vectors.vector_size) == (len(theirs), theirs.vector_size)
    assert vectors.vectors.shape == (len(vectors), vectors.vector_size)
    assert vectors.vectors.dtype == np.float32
    for row, word in enumerate(vectors.index_to_key[::97]):
        row *= 97
        assert vectors.get_index(word) == vectors.get_index(row) == row
        same = [vectors[word], vectors[row], vectors[np.int32(row)], vectors.get_vector(word), vectors.vectors[row]]
        assert all(np.array_equal(vector, theirs[word]) for vector in same)


@pytest.mark.parametrize(
    "keys", [["king", "queen"], [0, 5], ["king", 3, "king"], ("king",), [np.int64(4)], iter(["king"])], ids=str
)
def test_a_list_of_keys_gives_a_matrix_that_is_a_copy(
    ours: pg.KeyedVectors, theirs: GensimVectors, keys: object
) -> None:
    keys = list(keys)
    matrix = ours[keys]
    assert np.array_equal(matrix, theirs[keys])
    matrix[:] = 0
    assert np.array_equal(ours[keys], theirs[keys])


def test_an_array_of_keys_and_an_empty_list_are_lists_of_keys(ours: pg.KeyedVectors) -> None:
    assert np.array_equal(ours[np.array(["king", "queen"])], ours[["king", "queen"]])
    assert np.array_equal(ours[np.array([1, 0])], ours[[1, 0]])
    assert ours[[]].shape == (0, ours.vector_size)


@pytest.mark.parametrize(
    "key", ["king", 0, 2, np.int64(3), -1, 10**6, 10**30, "no-such-word", "", None, 1.5, ("king",)], ids=repr
)
def test_contains_is_gensims(ours: pg.KeyedVectors, theirs: GensimVectors, key: object) -> None:
    assert (key in ours) == (key in theirs)


@pytest.mark.parametrize("key", ["no-such-word", "", "KING", -1, 10**6, 10**30])
@pytest.mark.parametrize(
    "ask",
    [
        lambda wv, key: wv[key],
        lambda wv, key: wv[["king", key]],
        lambda wv, key: wv.get_vector(key),
        lambda wv, key: wv.get_vector(key, norm=True),
        lambda wv, key: wv.get_index(key),
        lambda wv, key: wv.get_vecattr(key, "count"),
        lambda wv, key: wv.similarity("king", key),
        lambda wv, key: wv.similarity(key, "king"),
        lambda wv, key: wv.most_similar(key),
        lambda wv, key: wv.most_similar(positive=["king", key]),
        lambda wv, key: wv.most_similar("king", negative=[key]),
    ],
    ids=["[]", "[[]]", "vector", "norm", "index", "vecattr", "second", "first", "key", "positive", "negative"],
)
def test_a_key_that_is_not_there_is_a_key_error_that_names_it(
    ours: pg.KeyedVectors, ask: object, key: str | int
) -> None:
    with pytest.raises(KeyError) as missing:
        ask(ours, key)
    assert str(key) in str(missing.value)


@pytest.mark.parametrize("key", [1.5, None, object()], ids=repr)
def test_a_key_of_another_type_is_a_type_error(ours: pg.KeyedVectors, key: object) -> None:
    for ask in (ours.get_vector, ours.get_index, ours.__getitem__, lambda key: ours.similarity("king", key)):
        with pytest.raises(TypeError):
            ask(key)


def test_the_row_behind_the_last_is_not_there(ours: pg.KeyedVectors) -> None:
    assert np.array_equal(ours[len(ours) - 1], ours.vectors[-1])
    assert len(ours) not in ours
    with pytest.raises(KeyError):
        ours[len(ours)]


def test_get_index_gives_the_default_only_for_what_is_not_there(ours: pg.KeyedVectors) -> None:
    assert ours.get_index("no-such-word", default=-1) == -1
    assert ours.get_index("king", default=-1) == ours.key_to_index["king"]
    with pytest.raises(KeyError):
        ours.get_index("no-such-word", default=None)


def test_an_unknown_attribute_is_a_key_error(ours: pg.KeyedVectors) -> None:
    with pytest.raises(KeyError, match="sample_int"):
        ours.get_vecattr("king", "sample_int")


@pytest.mark.parametrize("query", [{}, {"positive": []}, {"positive": [], "negative": []}], ids=str)
def test_a_query_without_words_is_a_value_error(ours: pg.KeyedVectors, query: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at least one key"):
        ours.most_similar(**query)


def test_normed_vectors_are_gensims_and_copies(ours: pg.KeyedVectors, theirs: GensimVectors) -> None:
    for word in ours.index_to_key[:50]:
        assert ours.get_vector(word, norm=True) == pytest.approx(theirs.get_vector(word, norm=True), abs=1e-6)
    normed = ours.get_vector("king", norm=True)
    normed[:] = 9
    assert not np.array_equal(ours.get_vector("king", norm=True), normed)


@pytest.mark.parametrize("vectors", EVERY_KIND, indirect=True)
def test_vectors_are_views_of_one_memory(vectors: pg.KeyedVectors) -> None:
    assert np.shares_memory(vectors.vectors, vectors.vectors)
    assert np.shares_memory(vectors["king"], vectors.vectors)
    assert not vectors["king"].flags.owndata


def test_what_is_written_to_trained_vectors_is_seen_everywhere(sentences: Sentences) -> None:
    wv = pg.Word2Vec(sentences[:500], vector_size=5, epochs=1).wv
    wv.vectors[0] = [1, 2, 3, 4, 5]
    assert wv[0].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("vectors", MAPPED, indirect=True)
def test_mapped_vectors_cannot_be_written_to(vectors: pg.KeyedVectors) -> None:
    for view in (vectors.vectors, vectors["king"], vectors.vectors[3:5]):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


@pytest.mark.parametrize("vectors", EVERY_KIND, indirect=True)
def test_a_view_keeps_the_memory_when_all_else_is_gone(
    vectors: pg.KeyedVectors, ours: pg.KeyedVectors, tmp_path: Path
) -> None:
    copy, row = vectors.vectors, vectors["king"]
    del vectors
    gc.collect()
    for file in tmp_path.iterdir():
        file.unlink()
    assert np.array_equal(copy, ours.vectors)
    assert np.array_equal(row, ours["king"])


def test_vectors_outlive_their_model_and_no_longer(sentences: Sentences) -> None:
    model = pg.Word2Vec(sentences[:500], vector_size=5, epochs=1)
    model_is_alive = weakref.ref(model)
    matrix, want = model.wv.vectors, model.wv.vectors.copy()
    del model
    gc.collect()
    assert model_is_alive() is None
    assert np.array_equal(matrix, want)


def cosines(rows: np.ndarray) -> np.ndarray:
    """The cosine of each pair of rows, in double precision; 0 for a row of zeros."""
    exact = rows.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    units = exact / np.where(lengths > 0, lengths, 1)
    return units @ units.T


@pytest.fixture(scope="module")
def magnitudes(tmp_path_factory: pytest.TempPathFactory) -> tuple[pg.KeyedVectors, np.ndarray]:
    """Rows from the least float32 to the greatest, and one of zeros."""
    powers = [*range(-45, 39), 0, 0]
    rows = np.random.default_rng(5).uniform(-1, 1, (len(powers), 24)).clip(-0.9, 0.9)
    rows = (rows * [[3.0 * 10.0**power] for power in powers]).astype(np.float32)
    rows[-1] = 0
    directory = tmp_path_factory.mktemp("magnitudes")
    np.save(directory / "v.npy", rows)
    (directory / "v.vocab.txt").write_text("".join(f"w{row} {len(powers) - row}\n" for row in range(len(powers))))
    return pg.KeyedVectors.load(directory / "v.npy"), rows


def test_cosines_are_right_from_the_least_float_to_the_greatest(
    magnitudes: tuple[pg.KeyedVectors, np.ndarray],
) -> None:
    wv, rows = magnitudes
    exact = cosines(rows)
    for row, word in enumerate(wv.index_to_key):
        found = wv.most_similar(word, topn=len(wv))
        assert len(found) == len(wv) - 1
        assert [cosine for _, cosine in found] == pytest.approx(
            [exact[row, wv.get_index(other)] for other, _ in found], abs=1e-5
        )
        assert [wv.similarity(word, other) for other in wv] == pytest.approx(exact[row], abs=1e-5)


def test_vectors_of_length_1_are_right_from_the_least_float_to_the_greatest(
    magnitudes: tuple[pg.KeyedVectors, np.ndarray],
) -> None:
    wv, rows = magnitudes
    exact = rows.astype(np.float64)
    units = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-300)
    for row, word in enumerate(wv.index_to_key):
        assert wv.get_vector(word, norm=True) == pytest.approx(units[row], abs=1e-6)
    model = pg.Word2Vec([wv.index_to_key] * 2, vector_size=24, min_count=1, workers=1, epochs=1)
    model.wv.vectors[:] = wv[model.wv.index_to_key]
    model.init_sims(replace=True)
    assert model.wv[wv.index_to_key] == pytest.approx(units, abs=1e-6)


def test_a_vector_without_a_direction_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("4 2\nzeros 0 0\nnan nan 1\ninf inf 1\nord 3 4\n")
    wv = pg.KeyedVectors.load(tmp_path / "v.txt")
    model = pg.Word2Vec([wv.index_to_key] * 2, vector_size=2, min_count=1, workers=1, epochs=1)
    model.wv.vectors[:] = wv[model.wv.index_to_key]
    model.init_sims(replace=True)
    wants = {"zeros": [0, 0], "nan": [np.nan, 1], "inf": [np.inf, 1], "ord": [0.6, 0.8]}
    for word, want in wants.items():
        assert np.array_equal(wv.get_vector(word, norm=True), np.array(want, np.float32), equal_nan=True), word
        assert np.array_equal(model.wv[word], np.array(want, np.float32), equal_nan=True), word
    assert wv.similarity("zeros", "ord") == 0
    assert np.isnan([wv.similarity("ord", word) for word in ("nan", "inf")]).all()


def test_means_of_great_values_are_finite(magnitudes: tuple[pg.KeyedVectors, np.ndarray], tmp_path: Path) -> None:
    wv, rows = magnitudes
    wv.save(tmp_path / "v.arrow")
    great = [f"w{row}" for row in range(80, 84)] * 5
    frame = pl.DataFrame({"w": [great, ["w83", "w83"], ["w0", "w1"]]})
    means = frame.select(pl.col("w").w2v.embed(tmp_path / "v.arrow", pooling="mean"))["w"].to_numpy()
    exact = rows.astype(np.float64)
    wants = [exact[80:84].mean(0), exact[83], exact[:2].mean(0)]
    assert np.isfinite(means).all()
    assert means == pytest.approx(np.array(wants), rel=1e-5, abs=1e-45)
