"""Every Arrow layout of a list column gives the same vocabulary, in memory and through Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import counts_of, small_model

#: The lists [a b a], null (with x y behind it), [], [b null], [c c a].
TOKENS = ["a", "b", "a", "x", "y", "b", None, "c", "c", "a"]
OFFSETS = [0, 3, 5, 5, 7, 10]
IS_NULL = [False, True, False, False, False]
#: Words and counts, then the lists that are not null and the tokens that are not.
SEEN = ({"a": 3, "b": 2, "c": 2}, 4, 7)

STRINGS = {"string": pa.string(), "large_string": pa.large_string(), "string_view": pa.string_view()}
KEYS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
DICTIONARIES = {f"dictionary_{key}": pa.dictionary(key, pa.string()) for key in KEYS}
DICTIONARIES["dictionary_of_large_string"] = pa.dictionary(pa.int32(), pa.large_string())
DICTIONARIES["dictionary_of_string_view"] = pa.dictionary(pa.int32(), pa.string_view())
WORDS = {**STRINGS, **DICTIONARIES}
IDS = [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
LISTS = ["list", "large_list", "list_view", "large_list_view"]


def seen_in(corpus: object, column: str = "tokens") -> tuple[dict[str, int], int, int]:
    model = small_model(corpus, column=column, workers=1)
    return counts_of(model), model.corpus_count, model.corpus_total_words


def words_array(words: list[str | None], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return pa.array(words, pa.string()).cast(kind)
    encoded = pa.array(words, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        encoded.indices.cast(kind.index_type), encoded.dictionary.cast(kind.value_type)
    )


def lists_array(layout: str, values: pa.Array) -> pa.Array:
    mask, index = pa.array(IS_NULL), pa.int64() if layout.startswith("large") else pa.int32()
    if layout.endswith("view"):
        build = pa.LargeListViewArray if layout.startswith("large") else pa.ListViewArray
        starts, sizes = pa.array(OFFSETS[:-1], index), pa.array(np.diff(OFFSETS), index)
        return build.from_arrays(starts, sizes, values, mask=mask)
    build = pa.LargeListArray if layout.startswith("large") else pa.ListArray
    return build.from_arrays(pa.array(OFFSETS, index), values, mask=mask)


@pytest.mark.parametrize("layout", LISTS)
@pytest.mark.parametrize("kind", WORDS)
def test_every_layout_of_lists_of_strings_is_counted_alike(layout: str, kind: str) -> None:
    table = pa.table({"tokens": lists_array(layout, words_array(TOKENS, WORDS[kind]))})
    assert seen_in(table) == SEEN


@pytest.mark.parametrize("layout", LISTS)
@pytest.mark.parametrize("kind", [kind for kind in WORDS if kind != "dictionary_of_string_view"])
def test_every_layout_is_counted_alike_from_parquet(layout: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"tokens": lists_array(layout, words_array(TOKENS, WORDS[kind]))}), path)
    assert seen_in(path) == SEEN


@pytest.mark.parametrize("is_dictionary", [False, True], ids=["plain", "dictionary"])
@pytest.mark.parametrize("is_file", [False, True], ids=["memory", "parquet"])
@pytest.mark.parametrize("kind", IDS, ids=str)
def test_integers_are_keys(kind: pa.DataType, is_file: bool, is_dictionary: bool, tmp_path: Path) -> None:
    greatest = int(np.iinfo(str(kind)).max)
    ids = {"a": 1, "b": 20, "c": greatest, "x": 4, "y": 5, None: None}
    values = pa.array([ids[word] for word in TOKENS], kind)
    corpus = pa.table({"tokens": lists_array("list", values.dictionary_encode() if is_dictionary else values)})
    if is_file:
        pq.write_table(corpus, tmp_path / "c.parquet")
        corpus = tmp_path / "c.parquet"
    assert seen_in(corpus) == ({1: 3, 20: 2, greatest: 2}, 4, 7)


@pytest.mark.parametrize("is_file", [False, True], ids=["memory", "parquet"])
@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary_int8", "dictionary_int32"])
def test_fixed_size_lists_are_counted_without_what_stands_behind_nulls(
    kind: str, is_file: bool, tmp_path: Path
) -> None:
    values = words_array(["a", "b", "x", "y", None, "a"], WORDS[kind])
    corpus = pa.table({"tokens": pa.FixedSizeListArray.from_arrays(values, 2, mask=pa.array([False, True, False]))})
    if is_file:
        pq.write_table(corpus, tmp_path / "c.parquet")
        corpus = tmp_path / "c.parquet"
    assert seen_in(corpus) == ({"a": 2, "b": 1}, 2, 3)


@pytest.mark.parametrize("layout", [*LISTS, "fixed_size_list"])
@pytest.mark.parametrize("kind", ["string", "string_view", "dictionary_int8"])
def test_a_sliced_array_holds_only_its_slice(layout: str, kind: str) -> None:
    if layout == "fixed_size_list":
        lists = pa.FixedSizeListArray.from_arrays(words_array(["x", "a", "b", "b", "y", "y"], WORDS[kind]), 2)
        table = pa.table({"tokens": lists.slice(1, 1)})
        assert seen_in(table) == ({"b": 2}, 1, 2)
    else:
        table = pa.table({"tokens": lists_array(layout, words_array(TOKENS, WORDS[kind])).slice(1, 3)})
        assert seen_in(table) == ({"b": 1}, 2, 1)


@pytest.mark.parametrize("kind", ["string", "string_view", "dictionary_uint32"])
def test_lists_over_sliced_values_start_where_the_slice_does(kind: str) -> None:
    values = words_array(["x", "x", "a", "b", "a", "y"], WORDS[kind]).slice(2, 3)
    table = pa.table({"tokens": pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), values)})
    assert seen_in(table) == ({"a": 2, "b": 1}, 2, 3)


def test_list_views_may_overlap_skip_and_run_backwards() -> None:
    starts, sizes = pa.array([2, 0, 1], pa.int32()), pa.array([2, 1, 2], pa.int32())
    lists = pa.ListViewArray.from_arrays(starts, sizes, pa.array(["a", "b", "c", "d", "e"]))
    assert seen_in(pa.table({"tokens": lists})) == ({"c": 2, "a": 1, "b": 1, "d": 1}, 3, 5)


def test_a_dictionary_may_repeat_words_hold_nulls_and_words_that_no_token_uses() -> None:
    dictionary = pa.array(["a", "unused", None, "a", "b"])
    values = pa.DictionaryArray.from_arrays(pa.array([0, 3, 2, 4, None], pa.int8()), dictionary)
    table = pa.table({"tokens": pa.ListArray.from_arrays(pa.array([0, 3, 5], pa.int32()), values)})
    assert seen_in(table) == ({"a": 2, "b": 1}, 2, 3)


def test_a_dictionary_may_differ_from_batch_to_batch() -> None:
    batches = [pa.array([words], pa.list_(pa.dictionary(pa.int8(), pa.string()))) for words in (["a", "b"], ["b", "c"])]
    assert seen_in(pa.table({"tokens": pa.chunked_array(batches)})) == ({"b": 2, "a": 1, "c": 1}, 2, 4)


def test_a_table_of_many_chunks_and_empty_ones_is_read_whole() -> None:
    chunks = [
        pa.array([["a"], ["b"]]),
        pa.array([], pa.list_(pa.string())),
        pa.array([None, ["a"]], pa.list_(pa.string())),
    ]
    assert seen_in(pa.table({"tokens": pa.chunked_array(chunks)})) == ({"a": 2, "b": 1}, 3, 3)


@pytest.mark.parametrize(
    "token", [pl.String, pl.Categorical, pl.Enum(["a", "b", "c", "z"]), pl.UInt8, pl.Int64], ids=str
)
@pytest.mark.parametrize("is_array", [False, True], ids=["List", "Array"])
def test_polars_columns_of_every_token_type_are_counted_alike(token: pl.DataType, is_array: bool) -> None:
    words = {"a": 0, "b": 1, "c": 2} if token in (pl.UInt8, pl.Int64) else {"a": "a", "b": "b", "c": "c"}
    rows = [[words["a"], words["b"]], None, [words["a"], None], [words["c"], words["a"]]]
    dtype = pl.Array(token, 2) if is_array else pl.List(token)
    frame = pl.DataFrame({"tokens": pl.Series(rows, dtype=dtype)})
    want = ({words["a"]: 3, words["b"]: 1, words["c"]: 1}, 3, 5)
    assert seen_in(frame) == want
    assert seen_in(frame.lazy()) == want


def test_columns_of_other_types_beside_the_tokens_do_not_matter() -> None:
    frame = pl.DataFrame(
        {
            "nothing": [None, None],
            "when": pl.Series([1, 2]).cast(pl.Duration),
            "tokens": [["a"], ["b"]],
            "deep": [[[1]], []],
        }
    )
    assert seen_in(frame) == ({"a": 1, "b": 1}, 2, 2)
    assert seen_in(frame.lazy()) == ({"a": 1, "b": 1}, 2, 2)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array(["a b", "c"]), "holds whole strings.*Split"),
        (pa.array([1, 2]), "Int64.*expected a list of strings"),
        (pa.array([[1.5], [2.0]]), "list of Float64"),
        (pa.array([[["a"]], [["b"]]]), "list of List"),
        (pa.array([[{"w": "a"}], []]), "list of Struct"),
    ],
    ids=["strings", "integers", "floats", "nested", "structs"],
)
def test_a_column_of_another_type_is_refused_with_its_type_and_the_remedy(column: pa.Array, said: str) -> None:
    with pytest.raises(ValueError, match=f'column "tokens".*{said}'):
        seen_in(pa.table({"tokens": column}))


@pytest.mark.parametrize("as_what", ["table", "frame", "lazy", "parquet"])
def test_a_missing_column_is_named_with_those_that_there_are(as_what: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"words": [["a"]], "id": [1]})
    frame.write_parquet(tmp_path / "c.parquet")
    corpus = {"table": frame.to_arrow(), "frame": frame, "lazy": frame.lazy(), "parquet": tmp_path / "c.parquet"}[
        as_what
    ]
    with pytest.raises((ValueError, pl.exceptions.ColumnNotFoundError), match='"tokens".*"words"'):
        seen_in(corpus)
    assert seen_in(corpus, column="words") == ({"a": 1}, 1, 1)
