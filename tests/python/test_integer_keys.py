"""Items, nodes and codes: corpora of integers, whose keys stay integers from counting to lookup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from runs import Command, cut_and_resumed

import polargram as pg

SESSIONS = [[101, 7, -3], [7, 101, 2**40], [-3, 7]] * 20
SMALL = {"vector_size": 8, "epochs": 1, "workers": 1, "min_count": 1, "seed": 3}
KEYS = [7, -3, 101, 2**40]


@pytest.fixture(scope="module")
def wv() -> pg.KeyedVectors:
    return pg.Word2Vec(SESSIONS, **SMALL).wv


def column(sessions: list[list[int]], dtype: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame({"tokens": pl.Series(sessions, dtype=pl.List(dtype))})


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32], ids=str)
def test_integers_of_every_width_are_int64_keys_and_train_to_the_same_bits(dtype: pl.DataType, tmp_path: Path) -> None:
    sessions = [[1, 2, 3], [2, 3], [3]] * 9
    model = pg.Word2Vec(column(sessions, dtype), **SMALL)
    assert model.wv.index_to_key == [3, 2, 1]
    assert np.array_equal(model.wv.vectors, pg.Word2Vec(sessions, **SMALL).wv.vectors)
    model.wv.save(tmp_path / "v.arrow")
    assert pl.read_ipc(tmp_path / "v.arrow").schema["word"] == pl.Int64


@pytest.mark.parametrize("as_array", [False, True], ids=["column", "NumPy"])
def test_unsigned_integers_of_64_bits_stay_unsigned(as_array: bool, tmp_path: Path) -> None:
    sessions = [[2**64 - 1, 5], [5]] * 9
    corpus = [np.array(s, np.uint64) for s in sessions] if as_array else column(sessions, pl.UInt64)
    model = pg.Word2Vec(corpus, **SMALL)
    assert model.wv.index_to_key == [5, 2**64 - 1]
    assert 2**64 - 1 in model.wv
    assert -1 not in model.wv
    model.wv.save(tmp_path / "v.arrow")
    assert pl.read_ipc(tmp_path / "v.arrow").schema["word"] == pl.UInt64
    assert pg.KeyedVectors.load(tmp_path / "v.arrow").index_to_key == model.wv.index_to_key


@pytest.mark.parametrize(
    "corpus",
    [
        [np.array(s) for s in SESSIONS],
        [tuple(np.int64(i) for i in s) for s in SESSIONS],
        [np.array([*s, 0])[:-1][::-1][::-1] for s in SESSIONS],
        [None, [], [None], *SESSIONS],
    ],
    ids=["arrays", "scalars", "strided arrays", "nulls first"],
)
def test_lists_and_arrays_of_ints_are_counted_alike(corpus: object) -> None:
    model = pg.Word2Vec(corpus, **SMALL)
    assert model.wv.index_to_key == KEYS
    assert all(type(key) is int for key in model.wv.index_to_key)
    assert model.wv.key_to_index == {key: row for row, key in enumerate(KEYS)}
    assert [model.wv.get_vecattr(key, "count") for key in KEYS] == [60, 40, 40, 20]


def test_an_integer_is_the_key_and_text_is_none(wv: pg.KeyedVectors) -> None:
    row = KEYS.index(101)
    assert np.array_equal(wv[101], wv.vectors[row])
    assert np.array_equal(wv[np.int16(101)], wv.vectors[row])
    assert wv.get_index(101) == row
    assert wv[[7, -3]].shape == (2, 8)
    assert wv.most_similar(101, topn=3) == wv.most_similar(positive=[101], topn=3)
    assert {key for key, _ in wv.most_similar(101)} == {7, -3, 2**40}
    assert wv.similarity(7, 7) == pytest.approx(1)
    assert 101 in wv
    assert "101" not in wv
    assert 0 not in wv
    assert 2**70 not in wv
    with pytest.raises(KeyError, match=r"'101' not present: it is text, but the keys are integers \(Int64\)"):
        wv["101"]
    with pytest.raises(KeyError, match="Key '0' not present"):
        wv[0]
    with pytest.raises(TypeError, match="expected an integer key"):
        wv.get_vector(1.5)  # type: ignore[arg-type]


def test_an_integer_is_a_row_where_keys_are_text() -> None:
    wv = pg.Word2Vec([["a", "b", "a"]] * 9, **SMALL).wv
    assert np.array_equal(wv[0], wv["a"])
    assert 1 in wv
    assert 2 not in wv
    assert -1 not in wv


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ([[1, 2], ["a"]], "sentence 1: holds strings, but integers came before"),
        ([["a"], [1]], "sentence 1: holds integers, but strings came before"),
        ([["a", 1]], "sentence 0: holds integers, but strings came before"),
        ([["a"]] * 5000 + [np.array([1])], "sentence 5000: holds integers, but strings came before"),
        ([[2**63]], "sentence 0: holds 9223372036854775808, which does not fit"),
        ([[1], np.array([2**63], np.uint64)], "sentence 1: holds integers that do not fit int64"),
        ([np.array([1], np.uint64), [-1]], "sentence 1: holds -1, which does not fit"),
        ([[1.5]], "sentence 0: holds <class 'float'>; expected strings or integers"),
        ([np.ones((2, 2), int)], "sentence 0: is an array of 2 dimensions"),
    ],
    ids=repr,
)
def test_what_does_not_fit_together_is_named_with_its_sentence(corpus: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        pg.Word2Vec(corpus, **SMALL)


def test_files_of_text_and_integers_are_refused_naming_both(tmp_path: Path) -> None:
    column([[1, 2]], pl.Int64).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"tokens": [["x"]]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"(?s)[ab]\.parquet.*\"tokens\" holds .*in .*[ab]\.parquet.*one type"):
        pg.Word2Vec([str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")], **SMALL)


def test_a_model_of_integers_is_trained_on_integers_only() -> None:
    model = pg.Word2Vec(SESSIONS, **SMALL)
    with pytest.raises(ValueError, match=r"holds text, but the keys of the vocabulary are integers \(Int64\)"):
        model.train([["7", "101"]], total_examples=1, epochs=1)
    with pytest.raises(ValueError, match=r"holds text, but the keys of the model are integers \(Int64\)"):
        model.build_vocab([["7"]], update=True)


@pytest.mark.parametrize("rule", ["function", "expression"])
def test_a_rule_gets_the_integer(rule: str) -> None:
    rules: dict[str, object] = {
        "function": lambda word, _count, _least: pg.RULE_KEEP if word < 0 else pg.RULE_DEFAULT,
        "expression": pl.when(pl.col("word") < 0).then(2).otherwise(0),
    }
    model = pg.Word2Vec(SESSIONS, **{**SMALL, "min_count": 50}, trim_rule=rules[rule])
    assert model.wv.index_to_key == [7, -3]


@pytest.mark.parametrize("negative", [0, 5])
def test_every_option_of_the_vocabulary_works_on_integers(negative: int) -> None:
    mode = {"negative": negative, "hs": int(negative == 0)}
    frame = column([[101, 7], [7]], pl.Int64).with_columns(n=pl.Series([3, 40]))
    model = pg.Word2Vec(frame, **SMALL, **mode, count_column="n")
    assert [(key, model.wv.get_vecattr(key, "count")) for key in model.wv.index_to_key] == [(7, 43), (101, 3)]
    assert pg.Word2Vec(SESSIONS, **SMALL, **mode, max_final_vocab=1).wv.index_to_key == [7]
    assert pg.Word2Vec(SESSIONS, **SMALL, **mode, max_vocab_size=1).wv.index_to_key == [7]
    model.make_cum_table(domain=1000)
    shares = np.cumsum(np.array([43, 3]) ** 0.75)
    assert model.cum_table.tolist() == pytest.approx(1000 * shares / shares[-1], abs=1)
    model.create_binary_tree()
    assert model.wv.get_vecattr(101, "code").tolist() == [0]
    unsorted = pg.Word2Vec(SESSIONS, **SMALL, **mode, sorted_vocab=0)
    assert unsorted.wv.index_to_key == [101, 7, -3, 2**40]
    given = pg.Word2Vec(**SMALL, **mode)
    given.build_vocab_from_freq({9: 2, 10: 2, -1: 5}, corpus_count=3)
    assert given.wv.index_to_key == [-1, 9, 10]
    with pytest.raises(ValueError, match='word_freq: has the key "a"'):
        given.build_vocab_from_freq({9: 2, "a": 2})  # type: ignore[dict-item]


def test_a_saved_model_of_integers_goes_on(tmp_path: Path) -> None:
    model = pg.Word2Vec(SESSIONS, **SMALL)
    model.save(tmp_path / "model")
    again = pg.Word2Vec.load(tmp_path / "model")
    assert again.wv.index_to_key == KEYS
    again.build_vocab([[5, 7]] * 3, update=True)
    assert again.wv.index_to_key == [*KEYS, 5]
    assert again.wv.get_vecattr(7, "count") == 63
    again.train([[5, 7]] * 3, total_examples=3, epochs=1)


def test_a_run_over_integers_resumes_with_the_same_bits(tmp_path: Path) -> None:
    options = {**SMALL, "epochs": 4, "batch_words": 1000}
    sessions = (np.random.default_rng(1).integers(-50, 50, (3000, 8))).tolist()
    resumed = cut_and_resumed(sessions, tmp_path / "ck", **options)
    assert np.array_equal(resumed.wv.vectors, pg.Word2Vec(sessions, **options).wv.vectors)


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.npy"])
def test_text_formats_write_decimals_and_load_strings_unless_asked(
    name: str, wv: pg.KeyedVectors, tmp_path: Path
) -> None:
    wv.save(tmp_path / name)
    assert pg.KeyedVectors.load(tmp_path / name).index_to_key == [str(key) for key in KEYS]
    back = pg.KeyedVectors.load(tmp_path / name, key_dtype=int)
    assert back.index_to_key == KEYS
    assert np.array_equal(back.vectors, wv.vectors)
    with pytest.raises(ValueError, match="key_dtype"):
        pg.KeyedVectors.load(tmp_path / name, key_dtype=float)  # type: ignore[arg-type]


def test_a_key_that_is_not_a_number_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("3 1\n1 0.5\n2 0.5\nx 0.5\n")
    with pytest.raises(ValueError, match=r'v\.txt: line 4: the key "x" is not an integer'):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", key_dtype=int)
    (tmp_path / "v.txt").write_text("3 1\n1 0.5\n2 0.5\n01 0.7\n")
    # As with words, the first row of a key counts.
    assert pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", key_dtype=int).index_to_key == [1, 2]


LOOKUPS: dict[str, Callable[[pl.Expr, Path], pl.Expr]] = {
    "scalar": lambda e, path: e.w2v.embed(path),  # type: ignore[attr-defined]
    "list": lambda e, path: pl.concat_list(e).w2v.embed(path, pooling="mean"),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("kind", LOOKUPS)
@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int64, pl.UInt16, pl.UInt64], ids=str)
def test_integer_columns_look_up_keys_or_rows(
    dtype: pl.DataType, kind: str, wv: pg.KeyedVectors, tmp_path: Path
) -> None:
    wv.save(tmp_path / "v.arrow")
    frame = pl.DataFrame({"i": pl.Series([101, None, 7, 0], dtype=dtype)})
    out = frame.select(LOOKUPS[kind](pl.col("i"), tmp_path / "v.arrow")).to_series()
    assert out.is_null().to_list() == [False, True, False, True]
    assert np.allclose(out[0].to_numpy(), wv[101])
    assert np.allclose(out[2].to_numpy(), wv[7])
    words = pg.Word2Vec([["a", "b", "a"]] * 9, **SMALL).wv
    words.save(tmp_path / "words.arrow")
    rows = pl.DataFrame({"i": pl.Series([1, None, 0, 2], dtype=dtype)})
    out = rows.select(LOOKUPS[kind](pl.col("i"), tmp_path / "words.arrow")).to_series()
    assert out.is_null().to_list() == [False, True, False, True]
    assert np.allclose(out[0].to_numpy(), words["b"])
    assert np.allclose(out[2].to_numpy(), words["a"])


@pytest.mark.parametrize("kind", LOOKUPS)
def test_a_column_of_strings_is_refused_where_keys_are_integers(kind: str, wv: pg.KeyedVectors, tmp_path: Path) -> None:
    wv.save(tmp_path / "v.arrow")
    with pytest.raises(pl.exceptions.PolarsError, match=r"str.*keys of .*v\.arrow are integers \(Int64\); cast"):
        pl.DataFrame({"i": ["101"]}).select(LOOKUPS[kind](pl.col("i"), tmp_path / "v.arrow"))


def test_the_command_takes_integers_where_keys_are(command: Command, tmp_path: Path) -> None:
    column(SESSIONS, pl.Int64).write_parquet(tmp_path / "s.parquet")
    options = ["--output", tmp_path / "o", "--min-count", 1, "--vector-size", 4, "--formats", "arrow,txt", "--quiet"]
    command("train", tmp_path / "s.parquet", *options)
    for words in (["101"], ["-3", "--negative", "7"]):
        done = command("similar", *words, "--vectors", tmp_path / "o" / "vectors.arrow")
        found = {line.split("\t")[0] for line in done.stdout.splitlines()}
        assert found == {str(key) for key in KEYS} - set(words)
    done = command("similar", "x", "--vectors", tmp_path / "o" / "vectors.arrow", code=3)
    assert 'the key "x", where keys are integers (Int64), is not' in done.stderr


def test_vectors_of_another_kind_of_keys_are_not_adopted() -> None:
    items, words = pg.Word2Vec([[0, 1, 5]] * 9, **SMALL), pg.Word2Vec([["a", "b"]] * 9, **SMALL)
    for model, other in ((items, words), (words, items)):
        before = model.wv.vectors.copy()
        with pytest.raises(ValueError, match="keys"):
            model.set_vectors(other.wv, lockf=0.0)
        assert np.array_equal(model.wv.vectors, before)
        assert np.all(model.wv.vectors_lockf == 1)


def test_truth_values_are_not_integers() -> None:
    with pytest.raises((TypeError, ValueError), match="bool"):
        pg.Word2Vec([[True, False]] * 9, **SMALL)


def test_integers_are_not_lowercased_to_text(command: Command, tmp_path: Path) -> None:
    column(SESSIONS, pl.Int64).write_parquet(tmp_path / "s.parquet")
    options = ["--lowercase", "--min-count", 1, "--vector-size", 4, "--output", tmp_path / "o", "--quiet"]
    command("train", tmp_path / "s.parquet", "--column", "tokens", *options)
    assert pg.KeyedVectors.load(tmp_path / "o" / "vectors.arrow").index_to_key == KEYS


@pytest.fixture(scope="module")
def words() -> pg.KeyedVectors:
    return pg.Word2Vec([["a", "b", "a"]] * 9, **SMALL).wv


INTEGERS_WANTED = r"expected an integer key \(int\)"
WORDS_WANTED = r"expected a word \(str\) or a row number \(int\)"
ROWS = "keys are text, and integers are row numbers from 0, below 2"

#: Keys that vectors of text, and vectors of integers, do not have, and what is said about each.
WRONG: dict[str, list[tuple[object, type[Exception], str]]] = {
    "text": [
        ("c", KeyError, "Key 'c' not present"),
        (2, KeyError, f"Key '2' not present: {ROWS}"),
        (-1, KeyError, f"Key '-1' not present: {ROWS}"),
        (np.int64(7), KeyError, f"Key '7' not present: {ROWS}"),
        (np.uint64(2**64 - 1), KeyError, f"Key '18446744073709551615' not present: {ROWS}"),
        (2**70, KeyError, f"Key '1180591620717411303424' not present: {ROWS}"),
        ("\ud800", KeyError, "not present: it is not valid Unicode"),
        (1.0, TypeError, f"{WORDS_WANTED}.*not <class 'float'>"),
        (np.float32(1), TypeError, f"{WORDS_WANTED}.*not <class 'numpy.float32'>"),
        (True, TypeError, f"{WORDS_WANTED}.*not <class 'bool'>"),
        (None, TypeError, f"{WORDS_WANTED}.*not <class 'NoneType'>"),
        (b"a", TypeError, f"{WORDS_WANTED}.*not <class 'bytes'>; decode it first"),
    ],
    "integers": [
        (0, KeyError, r"Key '0' not present: keys are integers \(Int64\), and no row numbers"),
        (2**64 - 1, KeyError, "Key '18446744073709551615' not present: keys are integers"),
        (2**70, KeyError, "Key '1180591620717411303424' not present: keys are integers"),
        ("101", KeyError, r"Key '101' not present: it is text, but the keys are integers \(Int64\); pass int\(key\)"),
        (101.0, TypeError, f"{INTEGERS_WANTED}.*not <class 'float'>"),
        (True, TypeError, f"{INTEGERS_WANTED}.*not <class 'bool'>"),
        (np.True_, TypeError, f"{INTEGERS_WANTED}.*not <class 'numpy.bool'>"),
        (None, TypeError, f"{INTEGERS_WANTED}.*not <class 'NoneType'>"),
        (b"101", TypeError, f"{INTEGERS_WANTED}.*not <class 'bytes'>; decode it first"),
    ],
}

USES: dict[str, Callable[[pg.KeyedVectors, object, object], object]] = {
    "[key]": lambda wv, key, _: wv[key],
    "[[good, key]]": lambda wv, key, good: wv[[good, key]],
    "get_vector": lambda wv, key, _: wv.get_vector(key, norm=True),
    "get_index": lambda wv, key, _: wv.get_index(key),
    "get_vecattr": lambda wv, key, _: wv.get_vecattr(key, "count"),
    "similarity": lambda wv, key, good: wv.similarity(good, key),
    "similarity, first": lambda wv, key, good: wv.similarity(key, good),
    "most_similar": lambda wv, key, good: wv.most_similar([good, key]),
    "most_similar, negative": lambda wv, key, good: wv.most_similar(good, negative=[key]),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", WRONG)
def test_a_key_that_is_not_there_or_of_another_kind_is_named_with_what_keys_are(
    kind: str, use: str, wv: pg.KeyedVectors, words: pg.KeyedVectors
) -> None:
    vectors, good = (words, "a") if kind == "text" else (wv, 101)
    for key, error, said in WRONG[kind]:
        assert key not in vectors
        assert vectors.get_index(key, -1) == -1
        with pytest.raises(error, match=said) as refused:
            USES[use](vectors, key, good)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", [1.0, None, b"a", True], ids=repr)
def test_what_is_neither_a_key_nor_a_list_is_no_query(key: object, words: pg.KeyedVectors) -> None:
    with pytest.raises(TypeError, match=WORDS_WANTED):
        words[key]
    if key is not None:
        with pytest.raises(TypeError, match=WORDS_WANTED):
            words.most_similar(key)


def test_sentences_of_another_kind_are_refused_and_unknown_words_are_skipped() -> None:
    options = {**SMALL, "hs": 1}
    items, words = pg.Word2Vec(SESSIONS, **options), pg.Word2Vec([["a", "b", "a"]] * 9, **options)
    assert items.score([[101, 7], [101, None, 5, 7], [5]]).tolist() == pytest.approx(
        [items.score([[101, 7]])[0]] * 2 + [0]
    )
    assert words.score([["a", None, "c"]]) == words.score([["a"]])
    assert items.predict_output_word([None, 5]) is None
    assert items.predict_output_word([101, 5, None], topn=4) == items.predict_output_word([101], topn=4)
    assert words.predict_output_word(["a", 1, 99, "c"]) == words.predict_output_word([0, "b"])
    for ask in (lambda context: items.score([context]), items.predict_output_word):
        with pytest.raises(KeyError, match=r"'101' not present: it is text, but the keys are integers \(Int64\)"):
            ask(["101"])
        with pytest.raises(TypeError, match=r"expected an integer key.*float"):
            ask([101.0])
    with pytest.raises(KeyError, match=r"'1' not present: it is an integer, but the keys are text; pass str\(key\)"):
        words.score([["a", 1]])
    for ask in (lambda context: words.score([context]), words.predict_output_word):
        with pytest.raises(TypeError, match=r"expected a word.*bytes"):
            ask([b"a"])


def test_neither_model_is_trained_or_updated_with_the_others_kind() -> None:
    items, words = pg.Word2Vec(SESSIONS, **SMALL), pg.Word2Vec([["a", "b"]] * 9, **SMALL)
    for model, corpus, found, ours in (
        (items, [["7"]], "text", r"integers \(Int64\)"),
        (words, [[7]], r"integers \(Int64\)", "text"),
    ):
        before = model.wv.vectors.copy()
        with pytest.raises(ValueError, match=f"holds {found}, but the keys of the vocabulary are {ours}"):
            model.train(corpus, total_examples=1, epochs=1)
        with pytest.raises(ValueError, match=f"holds {found}, but the keys of the model are {ours}"):
            model.build_vocab(corpus, update=True)
        assert np.array_equal(model.wv.vectors, before)


NO_TOKENS = r"is {}; expected strings or integers, or lists of them; cast it first"

#: Columns that cannot be looked up, by the kind of the vectors' keys, and what is said.
REFUSED: list[tuple[str, pl.Series, str]] = [
    ("text", pl.Series([1.0]), NO_TOKENS.format("f64")),
    ("integers", pl.Series([1.0]), NO_TOKENS.format("f64")),
    ("text", pl.Series([True]), NO_TOKENS.format("bool")),
    ("integers", pl.Series([True]), NO_TOKENS.format("bool")),
    ("text", pl.Series([b"a"]), NO_TOKENS.format("binary")),
    ("integers", pl.Series(["101"]), r"is str\]?, but the keys of .*v\.arrow are integers \(Int64\); cast the column"),
    ("integers", pl.Series(["1"], dtype=pl.Categorical), r"is cat.*, but the keys of .*v\.arrow are integers"),
    ("integers", pl.Series(["1"], dtype=pl.Enum(["1"])), r"is enum.*, but the keys of .*v\.arrow are integers"),
]


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(("kind", "column", "said"), REFUSED, ids=lambda value: str(getattr(value, "dtype", ""))[:20])
def test_a_column_that_cannot_be_looked_up_is_refused_when_the_query_is_planned(
    kind: str, column: pl.Series, said: str, as_list: bool, wv: pg.KeyedVectors, words: pg.KeyedVectors, tmp_path: Path
) -> None:
    (words if kind == "text" else wv).save(tmp_path / "v.arrow")
    frame = column.rename("i").to_frame().lazy()
    if as_list:
        frame = frame.select(pl.col("i").implode())
        said = said.replace("is ", r"is list\[", 1).replace("; expected", r"\]; expected")
    query = frame.select(pl.col("i").w2v.embed(tmp_path / "v.arrow", pooling="mean" if as_list else None))
    for ask in (query.collect_schema, query.collect):
        with pytest.raises(pl.exceptions.PolarsError, match=said):
            ask()


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Int128], ids=str)
def test_integers_that_are_no_rows_and_no_keys_are_null(
    dtype: pl.DataType, wv: pg.KeyedVectors, words: pg.KeyedVectors, tmp_path: Path
) -> None:
    numbers = [2, 2**40 + 1, None, *([] if dtype == pl.UInt64 else [-1]), *([] if dtype == pl.Int64 else [2**64 - 1])]
    column = pl.Series("i", numbers, dtype=dtype)
    for vectors in (wv, words):
        vectors.save(tmp_path / "v.arrow")
        assert column.to_frame().select(pl.col("i").w2v.embed(tmp_path / "v.arrow").is_null())["i"].all()
