"""fastText's models: what its own program and gensim give for words, known and unknown."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import gensim
import numpy as np
import polars as pl
import pytest
from gensim.models.fasttext import load_facebook_vectors

import polargram as pg

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "fasttext"
GENSIMS = Path(gensim.__file__).parent / "test" / "test_data"
DENSE = ["sg.bin", "cbow_short_ngrams.bin", "hs.bin", "no_ngrams.bin", "supervised.bin"]
UNKNOWN = ["notaword", "é", "", " ", "a b", "한국어", "🚑🚒", "<", "x" * 300]

of_shared = pytest.mark.skipif(not SHARED.exists(), reason=f"there are no models in {SHARED}")


@pytest.fixture
def lee() -> Path:
    return GENSIMS / "lee_fasttext_new.bin"


@of_shared
@pytest.mark.parametrize("name", DENSE)
def test_words_have_the_vectors_that_fasttext_gave(name: str) -> None:
    expected: dict[str, list[float]] = json.loads((SHARED / "expected.json").read_text())[name]
    wv = pg.KeyedVectors.load(SHARED / name)
    for word, vector in expected.items():
        np.testing.assert_allclose(wv[word], vector, atol=1e-5, err_msg=word)
    assert not any(key.startswith("__label__") for key in wv.index_to_key)


@of_shared
@pytest.mark.parametrize(
    ("name", "reason"),
    [("quantised.ftz", "quantised"), ("quantised_pruned.ftz", "quantised"), ("floret.bin", "floret")],
)
def test_what_is_not_read_yet_is_refused_by_name(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: is a.*{reason}") as caught:
        pg.KeyedVectors.load(SHARED / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["lee_fasttext.bin", "lee_fasttext_new.bin", "crime-and-punishment.bin", "non_ascii_fasttext.bin"]
)
def test_words_have_the_vectors_that_gensim_gives(name: str) -> None:
    ours, theirs = pg.KeyedVectors.load(GENSIMS / name), load_facebook_vectors(str(GENSIMS / name))
    assert list(ours.index_to_key) == theirs.index_to_key
    # fastText makes no n-grams of it, gensim does.
    known = [word for word in theirs.index_to_key if word != "</s>"]
    np.testing.assert_allclose(ours[known], theirs[known], atol=1e-5)
    for word in UNKNOWN:
        assert (word in ours) == (word in theirs)
        np.testing.assert_allclose(ours[word], theirs[word], atol=1e-5, err_msg=word)
        assert ours.has_index_for(word) == theirs.has_index_for(word)
    assert [ours.get_vecattr(word, "count") for word in known] == [theirs.get_vecattr(word, "count") for word in known]


def test_words_that_are_not_utf8_have_the_names_that_gensim_gives_them() -> None:
    name = GENSIMS / "cp852_fasttext.bin"
    assert list(pg.KeyedVectors.load(name).index_to_key) == load_facebook_vectors(str(name)).index_to_key


def test_unknown_words_are_queries(lee: Path) -> None:
    ours, theirs = pg.KeyedVectors.load(lee), load_facebook_vectors(str(lee))
    assert ours.similarity("nights", "night") == pytest.approx(float(theirs.similarity("nights", "night")), abs=1e-5)
    unit = ours.get_vector("nightly", norm=True)
    np.testing.assert_allclose(unit, theirs.get_vector("nightly", norm=True), atol=1e-5)
    found = dict(ours.most_similar("nightlyish", topn=5))
    want = {word: score for word, score in theirs.most_similar("nightlyish", topn=6) if word != "</s>"}
    assert all(score == pytest.approx(want[word], abs=1e-4) for word, score in found.items() if word in want)
    both = ours[["night", "nightlyish"]]
    np.testing.assert_allclose(both, [ours["night"], ours["nightlyish"]])
    assert ours.search(["nightlyish"], topn=1)[0][0][0] == next(iter(found))
    assert "nightlyish" not in ours.key_to_index
    words = ["night", "nightlyish", "day"]
    assert ours.doesnt_match(words) == theirs.doesnt_match(words)
    for method in ("n_similarity", "wmdistance"):
        want = float(getattr(theirs, method)(words, ["fire", "firelyish"]))
        assert getattr(ours, method)(words, ["fire", "firelyish"]) == pytest.approx(want, abs=1e-4)
    with pytest.raises(KeyError):
        ours.get_index("nightlyish")
    assert ours.vectors_for_all(["night", "nightlyish"]).index_to_key == ["night", "nightlyish"]


@of_shared
def test_without_buckets_unknown_words_are_missing() -> None:
    wv = pg.KeyedVectors.load(SHARED / "no_ngrams.bin")
    assert "notaword" not in wv
    with pytest.raises(KeyError):
        wv["notaword"]


def copies(wv: pg.KeyedVectors) -> list[Any]:
    return [
        copy.copy(wv),
        copy.deepcopy(wv),
        pickle.loads(pickle.dumps(wv)),
        pickle.loads(pickle.dumps(copy.deepcopy(wv))),
    ]


def test_copies_have_the_n_grams_and_saved_files_the_words(lee: Path, tmp_path: Path) -> None:
    wv = pg.KeyedVectors.load(lee)
    assert not wv.vectors.flags.writeable
    for other in copies(wv):
        np.testing.assert_array_equal(other["nightlyish"], wv["nightlyish"])
    wv.save(tmp_path / "v.arrow")
    saved = pg.KeyedVectors.load(tmp_path / "v.arrow")
    np.testing.assert_array_equal(saved["night"], wv["night"])
    assert "nightlyish" not in saved
    wv["night"] = np.zeros(wv.vector_size)
    assert not wv["night"].any()
    assert pg.KeyedVectors.load(lee)["night"].any()


def test_a_compressed_model_gives_the_same_vectors(lee: Path, tmp_path: Path) -> None:
    (tmp_path / "m.bin.gz").write_bytes(gzip.compress(lee.read_bytes(), 1))
    wv, whole = pg.KeyedVectors.load(tmp_path / "m.bin.gz"), pg.KeyedVectors.load(lee)
    np.testing.assert_array_equal(wv[["night", "nightlyish"]], whole[["night", "nightlyish"]])


def test_the_expression_gives_unknown_tokens_the_vectors_of_their_n_grams(lee: Path) -> None:
    wv = pg.KeyedVectors.load(lee)
    frame = pl.DataFrame({"word": ["night", "nightlyish", None], "words": [["night", "nightlyish"], [], None]})
    out = frame.select(
        pl.col("word").w2v.embed(str(lee)),
        pl.col("words").w2v.embed(str(lee), pooling="mean"),  # type: ignore[attr-defined]
    )
    assert out["word"].is_null().to_list() == [False, False, True]
    np.testing.assert_allclose(out["word"].to_list()[1], wv["nightlyish"])
    assert out["words"].is_null().to_list() == [False, True, True]
    np.testing.assert_allclose(out["words"].to_list()[0], wv[["night", "nightlyish"]].mean(axis=0), atol=1e-6)


def test_a_model_that_ends_early_says_so(lee: Path, tmp_path: Path) -> None:
    whole = lee.read_bytes()
    for end in [10, 50, 80, 95, 300, 5000, 20_000, len(whole) - 1]:
        (tmp_path / "cut.bin").write_bytes(whole[:end])
        with pytest.raises(EOFError, match=r"cut\.bin") as caught:
            pg.KeyedVectors.load(tmp_path / "cut.bin")
        assert "\n" not in str(caught.value)
    (tmp_path / "huge.bin").write_bytes(whole[:4] + struct.pack("<i", 12) + b"\xff" * 200)
    with pytest.raises(ValueError, match=r"huge\.bin"):
        pg.KeyedVectors.load(tmp_path / "huge.bin")
