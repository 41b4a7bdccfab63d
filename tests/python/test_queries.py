"""Queries and evaluations answer as gensim's do over the same vectors, for every parameter."""

from __future__ import annotations

import gzip
import itertools
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

import polargram as pg
from polargram.correlation import pearson, spearman

WORDS = [*"abcdefghijkl", "Ä", "ß", "two words", "B", "long-word"]
NUMBERS = itertools.count()


def ours_of(words: list[Any], rows: np.ndarray, folder: Path) -> pg.KeyedVectors:
    """A table that the test makes, by way of a file."""
    path = folder / f"{next(NUMBERS)}.npy"
    np.save(path, rows.astype(np.float32))
    path.with_suffix(".vocab.txt").write_text("".join(f"{word} 1\n" for word in words), encoding="utf8")
    return pg.KeyedVectors.load(path, key_dtype=int if isinstance(words[0], int) else None)


def theirs_of(words: list[Any], rows: np.ndarray) -> GensimVectors:
    theirs = GensimVectors(rows.shape[1])
    theirs.add_vectors(words, rows.astype(np.float32))
    return theirs


Pair = tuple[pg.KeyedVectors, GensimVectors]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("queries")


@pytest.fixture(scope="module")
def pair(model: pg.Word2Vec, folder: Path) -> Pair:
    model.wv.save_word2vec_format(folder / "model.bin", binary=True)
    return model.wv, GensimVectors.load_word2vec_format(str(folder / "model.bin"), binary=True)


def gensims(function: Any, *arguments: Any, **options: Any) -> Any:
    """gensim's answer. It divides by 0 where vectors are of zeros."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def assert_same(ours: list[tuple[Any, float]], theirs: list[tuple[Any, float]], tolerance: float = 1e-5) -> None:
    """The same keys and scores; of keys whose scores are equal, whichever gensim's sort gives."""
    known = [(key, score) for key, score in theirs if not math.isnan(score)]
    if len(known) < len(theirs):
        # Ours have the cosine 0 with vectors of zeros, and are among the others.
        pytest.skip("gensim has no number for vectors of zeros")
    assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=tolerance)
    last = theirs[-1][1] if theirs else 0.0
    for (key, score), (other, _) in zip(ours, theirs, strict=True):
        equals = [found for found, theirs_score in theirs if abs(theirs_score - score) <= 2 * tolerance]
        assert key == other or key in equals or abs(score - last) <= 2 * tolerance


@st.composite
def tables(draw: st.DrawFn, zeros: bool = False) -> tuple[list[str], np.ndarray]:
    """Words and vectors of few dimensions; some rows are the same, which makes ties."""
    size = draw(st.integers(1, 5))
    words = draw(st.lists(st.sampled_from(WORDS), min_size=2, unique=True))
    values = st.lists(st.integers(-4, 4), min_size=size, max_size=size)
    if not zeros:
        values = values.filter(any)
    distinct = draw(st.lists(values, min_size=1, max_size=6))
    rows = [draw(st.sampled_from(distinct)) for _ in words]
    return words, np.array(rows, dtype=np.float32) * draw(st.sampled_from([1.0, 0.001, 300.0]))


def clip(draw: st.DrawFn, count: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, values in [
        ("clip_start", st.integers(0, count)),
        ("clip_end", st.one_of(st.none(), st.integers(-count, count + 3))),
        ("restrict_vocab", st.one_of(st.none(), st.integers(0, count + 3))),
        ("topn", st.one_of(st.none(), st.integers(-1, count + 3))),
    ]:
        if draw(st.booleans()):
            options[name] = draw(values)
    return options


@settings(max_examples=300, deadline=None)
@given(tables(), st.data())
def test_most_similar_is_gensims_for_every_parameter(
    folder: Path, table: tuple[list[str], np.ndarray], data: st.DataObject
) -> None:
    words, rows = table
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    vector = st.lists(st.integers(-3, 3), min_size=rows.shape[1], max_size=rows.shape[1]).map(np.float32)
    one = st.one_of(st.sampled_from(words), st.integers(0, len(words) - 1), vector)
    several = st.lists(st.one_of(one, st.tuples(one, st.floats(-2, 2))), max_size=4)
    positive, negative = data.draw(several), data.draw(several)
    options = data.draw(st.composite(clip)(len(words)))
    topn = options.get("topn", 10)
    if not (positive or negative) and (topn is None or topn > 0):
        for wv in (ours, theirs):
            with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
                wv.most_similar(positive, negative, **options)
        return
    want = gensims(theirs.most_similar, positive, negative, **options)
    got = ours.most_similar(positive, negative, **options)
    # What cancels out to nothing has no direction, but for what rounding leaves.
    mean = (
        gensims(theirs.get_mean_vector, *_terms(positive, negative), ignore_missing=False) if positive + negative else 0
    )
    assume(np.linalg.norm(mean) > 1e-3)
    if topn is None:
        assert got.dtype == want.dtype == np.float32
        np.testing.assert_allclose(got, want, atol=1e-5)
    else:
        assert_same(got, want)


def _terms(positive: list[Any], negative: list[Any]) -> tuple[list[Any], list[float]]:
    keys, weights = [], []
    for terms, sign in ((positive, 1.0), (negative, -1.0)):
        for term in terms:
            key, weight = term if isinstance(term, tuple) else (term, sign)
            keys.append(key)
            weights.append(weight)
    return keys, weights


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_products_of_cosines_are_gensims(
    folder: Path, table: tuple[list[str], np.ndarray], data: st.DataObject
) -> None:
    words, rows = table
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    # Of opposite vectors a product of cosines is next to nothing, by next to nothing: noise.
    assume((unit @ unit.T > -0.999).all())
    one = st.one_of(st.sampled_from(words), st.sampled_from(list(unit)))
    positive, negative = data.draw(st.lists(one, min_size=1, max_size=3)), data.draw(st.lists(one, max_size=2))
    want = gensims(theirs.most_similar_cosmul, positive, negative, topn=None)
    got = ours.most_similar_cosmul(positive, negative, topn=None)
    # The divisor may be next to nothing; what float32 says of it then is noise.
    assume(np.abs(want).max(initial=0) < 100)
    np.testing.assert_allclose(got, want, atol=1e-3, rtol=1e-4)
    topn = data.draw(st.integers(-1, len(words) + 2))
    want = gensims(theirs.most_similar_cosmul, positive, negative, topn=topn)
    assert_same(ours.most_similar_cosmul(positive, negative, topn=topn), want, tolerance=1e-3)


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_comparisons_of_keys_are_gensims(
    folder: Path, table: tuple[list[str], np.ndarray], data: st.DataObject
) -> None:
    words, rows = table
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    a, b = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(words))
    several = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=5))
    others = data.draw(st.lists(st.sampled_from([*words, "unknown"]), min_size=1, max_size=5))
    vector = np.float32(data.draw(st.lists(st.integers(-3, 3), min_size=rows.shape[1], max_size=rows.shape[1])))
    assert ours.similarity(a, b) == pytest.approx(theirs.similarity(a, b), abs=1e-5)
    assert ours.distance(a, b) == pytest.approx(theirs.distance(a, b), abs=1e-5)
    np.testing.assert_allclose(ours.distances(a), theirs.distances(a), atol=1e-5)
    np.testing.assert_allclose(ours.distances(a, several), theirs.distances(a, several), atol=1e-5)
    if vector.any():
        np.testing.assert_allclose(ours.distances(vector, several), theirs.distances(vector, several), atol=1e-5)
        want = theirs.cosine_similarities(vector, rows)
        np.testing.assert_allclose(ours.cosine_similarities(vector, rows), want, atol=1e-5)
    assert ours.n_similarity(several, others) == pytest.approx(theirs.n_similarity(several, others), abs=1e-5)
    # Which of equal ones is the nearest hangs on the rounding of a library for matrices; ours takes the first.
    similarities = [ours.similarity(a, word) for word in several]
    assert ours.most_similar_to_given(a, several) == several[int(np.argmax(similarities))]
    assert theirs.similarity(a, theirs.most_similar_to_given(a, several)) == pytest.approx(max(similarities), abs=1e-5)
    sure = {word for word in words if word != a and theirs.distance(a, word) < theirs.distance(a, b) - 1e-5}
    possible = {word for word in words if word != a and theirs.distance(a, word) < theirs.distance(a, b) + 1e-5}
    closer = ours.closer_than(a, b)
    assert sure <= set(closer) <= possible
    assert closer == sorted(closer, key=words.index)
    assert ours.rank(a, b) == len(closer) + 1
    for use_norm in (True, False):
        mean = sum(theirs.get_vector(word, norm=use_norm) for word in several)
        if np.linalg.norm(mean) < 1e-3 * np.abs(rows).max():
            continue
        got, want = ours.rank_by_centrality(several, use_norm), theirs.rank_by_centrality(several, use_norm)
        scale = 1 if use_norm else float(np.abs(rows).max())
        assert sorted(word for _, word in got) == sorted(word for _, word in want)
        assert [score for score, _ in got] == pytest.approx([score for score, _ in want], abs=1e-5 * scale)


@settings(max_examples=100, deadline=None)
@given(tables(), st.data())
def test_the_distance_of_documents_is_gensims(
    folder: Path, table: tuple[list[str], np.ndarray], data: st.DataObject
) -> None:
    words, rows = table
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    document = st.lists(st.sampled_from([*words, "unknown"]), max_size=8)
    one, other, norm = data.draw(document), data.draw(document), data.draw(st.booleans())
    want = theirs.wmdistance(one, other, norm=norm)
    assert ours.wmdistance(one, other, norm=norm) == pytest.approx(want, rel=1e-5, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(tables(zeros=True), st.data())
def test_vectors_of_zeros_have_the_cosine_zero_and_leave_others_alone(
    folder: Path, table: tuple[list[str], np.ndarray], data: st.DataObject
) -> None:
    words, rows = table
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    at = data.draw(st.integers(0, len(words) - 1))
    got = ours.most_similar(words[at], topn=None)
    zeros = ~rows.any(axis=1)
    assert (got[zeros] == 0).all()
    if not zeros[at]:
        np.testing.assert_allclose(got[~zeros], gensims(theirs.most_similar, words[at], topn=None)[~zeros], atol=1e-5)
    listed = ours.most_similar(words[at], topn=len(words))
    order = sorted((row for row in range(len(words)) if row != at), key=lambda row: (-got[row], row))
    assert [word for word, _ in listed] == [words[row] for row in order]
    assert ours.similarity(words[0], words[1]) == pytest.approx(theirs.similarity(words[0], words[1]), abs=1e-5)


def test_integer_keys_are_keys_and_no_rows(folder: Path) -> None:
    words, rows = [7, 101, 0, 5], np.float32([[1, 0], [1, 0.2], [0, 1], [-1, 0.5]])
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    assert_same(ours.most_similar(101), theirs.most_similar(101))
    assert_same(ours.most_similar([(7, 0.5), 0], [np.int64(5)]), theirs.most_similar([(7, 0.5), 0], [np.int64(5)]))
    assert ours.closer_than(7, 0) == theirs.closer_than(7, 0) == [101]
    assert ours.doesnt_match([7, 101, 5]) == theirs.doesnt_match([7, 101, 5])
    assert ours.most_similar_to_given(7, [0, 101]) == 101
    assert [key for key, _ in ours.most_similar_cosmul(7, topn=1)] == [101]
    with pytest.raises(KeyError):
        ours.most_similar(1)
    with pytest.raises(KeyError, match="int"):
        ours.most_similar("7")


def test_a_matrix_is_a_list_of_vectors_and_an_array_of_words_a_list_of_words(pair: Pair) -> None:
    ours, theirs = pair
    matrix = theirs.vectors[3:6]
    assert_same(ours.most_similar(matrix), theirs.most_similar(matrix))
    assert_same(ours.most_similar(matrix[0].astype(np.float64)), theirs.most_similar(matrix[0]))
    assert_same(ours.most_similar(matrix[:, ::-1][0]), theirs.most_similar(matrix[:, ::-1][0]))
    assert_same(ours.similar_by_vector(matrix[0], topn=3), theirs.similar_by_vector(matrix[0], topn=3))
    words = theirs.index_to_key[5:7]
    assert ours.most_similar(np.array(words)) == ours.most_similar(words)


def test_an_index_is_asked_with_the_direction_of_the_query(pair: Pair) -> None:
    asked = []

    class Index:
        def most_similar(self, vector: np.ndarray, topn: int) -> str:
            asked.append((vector, topn))
            return "what the index says"

    for wv in pair:
        assert wv.most_similar("king", "man", topn=3, indexer=Index()) == "what the index says"
        assert wv.most_similar("king", topn=0, indexer=Index()) == []
        assert wv.most_similar("king", topn=None, indexer=Index()).shape == (len(wv),)
    (ours, _), (theirs, _) = asked
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert ours.dtype == np.float32


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda wv: wv.most_similar(["king", "no-such-word"]), KeyError),
        (lambda wv: wv.most_similar([("no-such-word", 1.0)]), KeyError),
        (lambda wv: wv.most_similar(np.ones(3, dtype=np.float32)), ValueError),
        (lambda wv: wv.most_similar([np.ones(3)], topn=None), ValueError),
        (lambda wv: wv.most_similar(), ValueError),
        (lambda wv: wv.most_similar(1.5), TypeError),
        (lambda wv: wv.most_similar([1.5]), TypeError),
        (lambda wv: wv.most_similar([None]), TypeError),
        (lambda wv: wv.most_similar_cosmul(negative="king"), ValueError),
        (lambda wv: wv.most_similar_cosmul("no-such-word"), KeyError),
        (lambda wv: wv.most_similar_to_given("king", []), ValueError),
        (lambda wv: wv.most_similar_to_given("king", ["no-such-word"]), KeyError),
        (lambda wv: wv.closer_than("king", "no-such-word"), KeyError),
        (lambda wv: wv.rank("no-such-word", "king"), KeyError),
        (lambda wv: wv.doesnt_match([]), ValueError),
        (lambda wv: wv.doesnt_match(["no-such-word"]), ValueError),
        (lambda wv: wv.n_similarity([], ["king"]), ZeroDivisionError),
        (lambda wv: wv.distance("king", "no-such-word"), KeyError),
        (lambda wv: wv.distances("no-such-word"), KeyError),
        (lambda wv: wv.distances("king", ["no-such-word"]), KeyError),
        (lambda wv: wv.relative_cosine_similarity("king", "queen", topn=0), ValueError),
        (lambda wv: wv.evaluate_word_analogies("no-such-file.txt"), FileNotFoundError),
        (lambda wv: wv.evaluate_word_pairs("no-such-file.txt"), FileNotFoundError),
    ],
)
def test_errors_are_of_gensims_types(pair: Pair, ask: Any, error: type[Exception]) -> None:
    for wv in pair:
        with pytest.raises(error):
            ask(wv)


def test_a_vector_of_another_size_is_named_and_so_is_what_is_no_pair(pair: Pair) -> None:
    with pytest.raises(ValueError, match="has 3 values"):
        pair[0].most_similar_cosmul(np.ones(3))
    with pytest.raises(TypeError, match="expected a pair"):
        pair[0].most_similar([("king", "queen", "man")])
    with pytest.raises(TypeError):
        pair[0].most_similar_to_given(np.ones(3), ["king"])


def test_what_needs_pot_says_how_to_install_it(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ImportError, match=r"pip install \"polargram\[wmd\]\""):
        pair[0].wmdistance(["king"], ["queen"])


def test_the_restriction_of_products_holds(pair: Pair) -> None:
    ours, _ = pair
    found = ours.most_similar_cosmul("king", topn=20, restrict_vocab=10)
    assert {key for key, _ in found} <= set(ours.index_to_key[:10])
    assert ours.most_similar_cosmul("king", topn=None, restrict_vocab=10).shape == (10,)


# Evaluations


QUESTIONS = """: capital cities
King queen Man woman
a b c
no-such-word king man woman

: empty
: second:
man WOMAN king queen
king king queen queen
"""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"restrict_vocab": 30},
        {"restrict_vocab": None},
        {"restrict_vocab": -5},
        {"case_insensitive": False},
        {"dummy4unknown": True},
        {"dummy4unknown": True, "case_insensitive": False, "restrict_vocab": 100},
    ],
    ids=str,
)
def test_evaluations_are_gensims(pair: Pair, tmp_path: Path, real_data: Path, options: dict[str, Any]) -> None:
    ours, theirs = pair
    (tmp_path / "questions.txt").write_text(QUESTIONS)
    for file in (tmp_path / "questions.txt", real_data / "eval" / "questions-words.txt"):
        assert ours.evaluate_word_analogies(file, **options) == theirs.evaluate_word_analogies(str(file), **options)
    for name in ("wordsim353.tsv", "simlex999.txt"):
        file = str(real_data / "eval" / name)
        try:
            want = theirs.evaluate_word_pairs(file, **options)
        except ValueError:
            with pytest.raises(ValueError, match="too few"):
                ours.evaluate_word_pairs(file, **options)
            continue
        got = ours.evaluate_word_pairs(file, **options)
        assert [*got[0], *got[1], got[2]] == pytest.approx([*want[0], *want[1], want[2]], abs=1e-5, nan_ok=True)
        assert (got[0].statistic, got[0].pvalue) == got[0]


def test_words_in_other_letters_are_gensims(folder: Path, tmp_path: Path) -> None:
    words = ["man", "King", "woman", "KING", "queen", "Queen", "Woman", "Straße", "MAN", "STRASSE"]
    rows = np.random.default_rng(3).normal(size=(len(words), 4)).astype(np.float32)
    ours, theirs = ours_of(words, rows, folder), theirs_of(words, rows)
    questions = [f"{a} {b} {c} {d}" for a in words for b in words for c in words for d in words[:8]]
    (tmp_path / "q.txt").write_text(": all\n" + "\n".join(questions), encoding="utf8")
    for case_insensitive in (True, False):
        got, want = (
            wv.evaluate_word_analogies(str(tmp_path / "q.txt"), case_insensitive=case_insensitive)
            for wv in (ours, theirs)
        )
        assert got == want
        assert 0 < got[0] < 1


def test_files_may_be_compressed_and_have_another_encoding(pair: Pair, tmp_path: Path) -> None:
    ours, theirs = pair
    with gzip.open(tmp_path / "q.txt.gz", "wt") as file:
        file.write(QUESTIONS)
    path = str(tmp_path / "q.txt.gz")
    assert ours.evaluate_word_analogies(path) == theirs.evaluate_word_analogies(path)
    pairs = "# Wörter\nking;queen;5\nking;man;2.5\r\nking;woman\nman;woman;x\n\nwoman;queen;7\n"
    (tmp_path / "p.csv").write_bytes(pairs.encode("latin-1"))
    got, want = (
        wv.evaluate_word_pairs(str(tmp_path / "p.csv"), delimiter=";", encoding="latin-1") for wv in (ours, theirs)
    )
    assert [*got[0], *got[1], got[2]] == pytest.approx([*want[0], *want[1], want[2]], abs=1e-4)
    with pytest.raises(ValueError, match=r"p\.csv: .*encoding="):
        ours.evaluate_word_pairs(tmp_path / "p.csv", delimiter=";")


def test_products_answer_questions_too(pair: Pair, tmp_path: Path) -> None:
    ours, _ = pair
    (tmp_path / "q.txt").write_text(": one\nking queen man woman\n")
    score, sections = ours.evaluate_word_analogies(tmp_path / "q.txt", similarity_function="most_similar_cosmul")
    nearest = ours.most_similar_cosmul(["queen", "man"], ["king"], topn=1)[0][0]
    assert score == float(nearest == "woman")
    assert [section["section"] for section in sections] == ["one", "Total accuracy"]
    with pytest.raises(ValueError, match="similarity_function"):
        ours.evaluate_word_analogies(tmp_path / "q.txt", similarity_function="nearest")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"king queen man woman\n", r"q\.txt, line 1: stands before the first section"),
        (b": x\nking queen m\xff woman\n", r"q\.txt, line 2: is not valid UTF-8"),
        (b": x\n", r"q\.txt: there is no question"),
    ],
)
def test_a_faulty_file_of_questions_is_named(pair: Pair, tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "q.txt").write_bytes(text)
    with pytest.raises(ValueError, match=message):
        pair[0].evaluate_word_analogies(tmp_path / "q.txt")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.integers(-3, 3), st.floats(-1e3, 1e3))] * 2), min_size=3, max_size=60))
def test_correlations_are_scipys(pairs: list[tuple[float, float]]) -> None:
    x, y = (np.array(side, dtype=np.float64) for side in zip(*pairs, strict=True))
    # Of lists that are constant but for their rounding, scipy says that its number may mean nothing.
    assume(all(np.ptp(side) == 0 or np.ptp(side) > 1e-6 for side in (x, y)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = stats.pearsonr(x, y), stats.spearmanr(x, y)
    for got, want in zip((pearson(x, y), spearman(x, y)), wanted, strict=True):
        assert tuple(got) == pytest.approx(tuple(want), abs=1e-7, rel=1e-7, nan_ok=True)


@pytest.mark.parametrize("count", [10, 353, 999, 20_000])
@pytest.mark.parametrize("noise", [0.01, 1.0, 30.0])
def test_p_values_of_long_lists_are_scipys_to_seven_digits(count: int, noise: float) -> None:
    random = np.random.default_rng(count)
    x = random.normal(size=count)
    y = x + noise * random.normal(size=count)
    for got, want in ((pearson(x, y), stats.pearsonr(x, y)), (spearman(x, y), stats.spearmanr(x, y))):
        assert got.statistic == pytest.approx(want.statistic, rel=1e-12)
        assert got.pvalue == pytest.approx(want.pvalue, rel=1e-7, abs=1e-290)
