"""Which words get a vector: rules, bounds, order, the null word, and a vocabulary that grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from corpora import Sentences, counts_of

import polargram as pg

SMALL = {"vector_size": 4, "epochs": 1, "workers": 1}
CORPUS = [["b"] * 6 + ["a"] * 9, ["d", "c"] * 3, ["e"]]


def words(**parameters: object) -> list[str]:
    return pg.Word2Vec(CORPUS, **{**SMALL, "min_count": 5, **parameters}).wv.index_to_key


def keep_e_and_drop_a(word: str, count: int, min_count: int) -> int:
    assert count == sum(row.count(word) for row in CORPUS)
    assert min_count == 5
    return {"e": pg.RULE_KEEP, "a": pg.RULE_DISCARD}.get(word, pg.RULE_DEFAULT)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (keep_e_and_drop_a, ["b", "e"]),
        (lambda *_: True, ["b"][:0]),
        (pl.col("word") == "e", ["e"]),
        (pl.when(pl.col("word") == "e").then(True), ["a", "b", "e"]),
        (pl.when(pl.col("word") == "a").then(False), ["b"]),
        (pl.when(pl.col("word") == "a").then(pg.RULE_DISCARD).when(pl.col("word") == "e").then(2), ["b", "e"]),
        (pl.when(pl.col("count") == 3).then(2).otherwise(0), ["a", "b", "c", "d"]),
        (pl.col("count") > 3, ["a", "b"]),
        (pl.col("word").is_in(["c", "e"]), ["c", "e"]),
    ],
)
def test_a_rule_is_a_function_or_an_expression(rule: object, kept: list[str]) -> None:
    if not kept:
        with pytest.raises(ValueError, match="vocabulary is empty"):
            words(trim_rule=rule)
        return
    assert words(trim_rule=rule) == kept


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda *_: 3, "gave 3"),
        (lambda *_: -1, "trim_rule"),
        (lambda *_: None, "trim_rule"),
        (lambda *_: "keep", "trim_rule"),
        (5, "trim_rule"),
        (pl.lit(3) + 0 * pl.col("count"), "gave 3"),
        (pl.lit(-1) + 0 * pl.col("count").cast(pl.Int64), "trim_rule"),
        (pl.col("word"), "trim_rule"),
        (pl.col("count").head(2), "2 values for 5 words"),
    ],
)
def test_a_rule_that_gives_something_else_is_refused_by_name(rule: object, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        words(trim_rule=rule)


def test_what_a_rule_raises_comes_through() -> None:
    def rule(*_: object) -> int:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        words(trim_rule=rule)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 99])
def test_no_more_words_are_left_than_max_final_vocab_and_those_of_one_count_go_together(most: int) -> None:
    want = {1: ["a"], 2: ["a", "b"], 3: ["a", "b"], 4: ["a", "b", "c", "d"]}
    assert words(max_final_vocab=most, min_count=1) == want.get(most, ["a", "b", "c", "d", "e"])


def test_memory_for_counting_is_bounded_and_frequent_words_are_counted_exactly(sentences: Sentences) -> None:
    exact = Counter(word for row in sentences for word in row)
    model = pg.Word2Vec(**SMALL, max_vocab_size=500)
    assert model.scan_vocab(sentences * 3) == (3 * exact.total(), 3 * len(sentences))
    assert len(model.raw_vocab) <= 500
    assert all(count <= 3 * exact[word] for word, count in model.raw_vocab.items())
    assert all(model.raw_vocab[word] == 3 * count for word, count in exact.most_common(300))
    assert len(pg.Word2Vec(sentences, **SMALL, max_vocab_size=0).wv) == 2762


@pytest.mark.parametrize("carry", [list, lambda rows: pl.DataFrame({"tokens": rows})], ids=["list", "frame"])
def test_unsorted_rows_stand_in_the_order_of_first_occurrence(
    sentences: Sentences, carry: Callable[[Sentences], object]
) -> None:
    counts = Counter(word for row in sentences for word in row)
    model = pg.Word2Vec(carry(sentences), **SMALL, sorted_vocab=0)
    assert list(counts_of(model).items()) == [(word, count) for word, count in counts.items() if count >= 5]


def test_the_null_word_is_the_last_row_and_stays_untrained() -> None:
    model = pg.Word2Vec(CORPUS, **SMALL, min_count=1, null_word=1)
    assert list(counts_of(model).items())[-1] == ("\0", 1)
    assert len(model.syn1neg) == len(model.wv) == 6
    other = pg.Word2Vec(CORPUS, **SMALL, min_count=1)
    other.add_null_word()
    assert counts_of(other) == counts_of(model)
    assert (other.corpus_count, other.corpus_total_words) == (3, 22)


def test_a_vocabulary_is_prepared_with_other_thresholds_than_the_models() -> None:
    model = pg.Word2Vec(**SMALL)
    model.build_vocab(CORPUS, keep_raw_vocab=True)
    assert model.raw_vocab == {"a": 9, "b": 6, "c": 3, "d": 3, "e": 1}
    report = model.prepare_vocab(min_count=3, sample=0.5, keep_raw_vocab=True)
    assert (report["num_retained_words"], report["downsample_unique"]) == (4, 0)
    assert (model.min_count, model.sample) == (3, 0.5)
    assert report["memory"]["total"] == model.estimate_memory()["total"]
    assert model.prepare_vocab(min_count=1, dry_run=True)["num_retained_words"] == 5
    assert len(model.wv) == 4


@pytest.mark.parametrize(
    "frequencies",
    [{"a": -1}, {"a": 1.5}, {"a": None}, {1.5: 5}, {1: 5, "a": 5}, {"a": 2**64}, {"a": 2**63, "b": 2**63}, [("a", 1)]],
    ids=str,
)
def test_what_is_no_count_is_refused(frequencies: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        pg.Word2Vec(**SMALL).build_vocab_from_freq(frequencies)


@pytest.fixture
def grown(rows: Sentences) -> tuple[pg.Word2Vec, dict[str, np.ndarray], Sentences]:
    """A model of 1000 sentences that has just learnt the words of the others, and what it was before."""
    model = pg.Word2Vec(rows[:1000], **SMALL, hs=1, seed=3)
    before = {name: part.copy() for name, part in parts_of(model).items()}
    later = [*rows[1000:], ["new", "newer"] * 5]
    model.build_vocab(later, update=True)
    return model, before, later


def parts_of(model: pg.Word2Vec) -> dict[str, np.ndarray]:
    return {"vectors": model.wv.vectors, "syn1": model.syn1, "syn1neg": model.syn1neg}


def test_a_vocabulary_grows_and_old_rows_keep_their_bits(
    grown: tuple[pg.Word2Vec, dict[str, np.ndarray], Sentences], rows: Sentences
) -> None:
    model, before, later = grown
    first, second = (Counter(word for row in part for word in row) for part in (rows[:1000], later))
    old = sorted((w for w in first if first[w] >= 5), key=lambda w: (-first[w], w.encode()))
    new = sorted((w for w in second if second[w] >= 5 and w not in old), key=lambda w: (-second[w], w.encode()))
    assert model.wv.index_to_key == old + new
    assert list(counts_of(model).values()) == [first[w] + second[w] for w in old] + [second[w] for w in new]
    for name, part in parts_of(model).items():
        assert np.array_equal(part[: len(old)], before[name])
        assert part.shape == (len(old) + len(new), 4)
        assert (name == "vectors") == bool(part[len(old) :].any())
    assert (model.corpus_count, model.corpus_total_words) == (len(later), sum(map(len, later)))


def test_a_grown_model_trains_old_and_new_rows_by_a_tree_of_all_of_them(
    grown: tuple[pg.Word2Vec, dict[str, np.ndarray], Sentences],
) -> None:
    model, before, later = grown
    fresh = model.wv["new"].copy()
    model.train(later, total_examples=model.corpus_count, epochs=1)
    assert not np.array_equal(model.wv["new"], fresh)
    assert not np.array_equal(model.wv["the"], before["vectors"][0])
    codes = {tuple(model.wv.get_vecattr(word, "code").tolist()) for word in model.wv.index_to_key}
    assert len(codes) == len(model.wv)
    # Kraft: a full binary tree.
    assert sum(2.0 ** -len(code) for code in codes) == 1


def test_a_model_without_a_vocabulary_cannot_grow(rows: Sentences) -> None:
    with pytest.raises(RuntimeError, match="build vocabulary"):
        pg.Word2Vec().build_vocab(rows, update=True)
    with pytest.raises(RuntimeError, match="scan_vocab"):
        pg.Word2Vec().prepare_vocab()
    with pytest.raises(RuntimeError, match="build vocabulary"):
        pg.Word2Vec().update_weights()


def test_weights_made_anew_are_as_before_training(rows: Sentences) -> None:
    model, untrained = pg.Word2Vec(rows, **SMALL, hs=1), pg.Word2Vec(**SMALL, hs=1)
    untrained.build_vocab(rows)
    model.prepare_weights(update=True)
    assert not np.array_equal(model.wv.vectors, untrained.wv.vectors)
    model.reset_weights()
    taken = pg.Word2Vec(**SMALL, hs=1)
    taken.reset_from(model)
    for other in (model, taken):
        assert all(np.array_equal(part, parts_of(untrained)[name]) for name, part in parts_of(other).items())
        assert counts_of(other) == counts_of(untrained)


def test_a_seeded_vector_follows_from_its_string() -> None:
    model = pg.Word2Vec(hashfxn=lambda text: sum(map(ord, text)))
    assert np.array_equal(model.seeded_vector("ab", 50), model.seeded_vector("ba", 50))
    assert not np.array_equal(model.seeded_vector("ab", 50), model.seeded_vector("b", 50))
    assert np.abs(model.seeded_vector("ab", 50)).max() <= 0.5 / 50


@pytest.mark.parametrize("numbers", [[7, -3, 5], [7, 2**63 + 1, 5]], ids=["signed", "unsigned"])
@pytest.mark.parametrize("as_expression", [True, False])
def test_rules_see_integers_where_keys_are_integers(numbers: list[int], as_expression: bool) -> None:
    rule = pl.col("word") != 5 if as_expression else lambda word, count, min_count: 1 if word == 5 else 2
    data_type = pl.List(pl.Int64 if min(numbers) < 0 else pl.UInt64)
    frame = pl.DataFrame({"tokens": pl.Series([numbers] * 3, dtype=data_type)})
    model = pg.Word2Vec(frame, vector_size=4, min_count=1, epochs=1, trim_rule=rule)
    assert sorted(model.wv.index_to_key) == sorted(numbers[:2])
