"""Vectors on disk: every format returns what was saved; other programs read our files, and we read theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from corpora import Sentences
from gensim.models import KeyedVectors as GensimVectors

import polargram as pg

ENDINGS = [".arrow", ".npy", ".txt", ".bin"]
BINARY = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])


def counts(wv: pg.KeyedVectors) -> list[int]:
    return [wv.get_vecattr(row, "count") for row in range(len(wv))]


def assert_same(one: pg.KeyedVectors, other: pg.KeyedVectors | GensimVectors) -> None:
    assert list(one.index_to_key) == list(other.index_to_key)
    assert np.array_equal(one.vectors, other.vectors, equal_nan=True)


def table(path: Path, words: list[str], values: object) -> pg.KeyedVectors:
    """A table with these keys and vectors, from an Arrow file that pyarrow writes."""
    matrix = np.asarray(values, np.float32)
    list_type = pa.list_(pa.float32(), matrix.shape[1])
    vectors = pa.FixedSizeListArray.from_arrays(matrix.ravel(), type=list_type)
    columns = {
        "word": pa.array(words, pa.string()),
        "count": pa.array(range(len(words), 0, -1), pa.uint64()),
        "vector": vectors,
    }
    batch = pa.record_batch(columns)
    with pa.ipc.new_file(path, batch.schema) as file:
        file.write_batch(batch)
    return pg.KeyedVectors.load(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dimensions", [1, 15, 16, 17, 100])
def test_every_format_gives_back_words_and_bits(
    ending: str, dimensions: int, sentences: Sentences, tmp_path: Path
) -> None:
    wv = pg.Word2Vec(sentences[:300], vector_size=dimensions, min_count=1, epochs=1).wv
    wv.save(tmp_path / f"v{ending}")
    back = pg.KeyedVectors.load(str(tmp_path / f"v{ending}"), mmap="r")
    assert_same(back, wv)
    back.save(tmp_path / f"again{ending}")
    assert (tmp_path / f"again{ending}").read_bytes() == (tmp_path / f"v{ending}").read_bytes()


@pytest.mark.parametrize("ending", [".arrow", ".npy"])
def test_counts_come_back_where_the_format_holds_them(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    assert counts(pg.KeyedVectors.load(tmp_path / f"v{ending}")) == counts(model.wv)


@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_without_counts_they_fall_from_row_to_row_as_in_gensim(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / f"v{ending}"), binary=ending == ".bin")
    ours = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert counts(ours) == [theirs.get_vecattr(word, "count") for word in theirs.index_to_key]


@pytest.mark.parametrize("ending", ENDINGS)
def test_extreme_floats_and_words_of_every_script_survive(ending: str, tmp_path: Path) -> None:
    tiny, huge = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
    values = [[0.0, -0.0], [tiny, -tiny], [huge, -huge], [np.inf, -np.inf], [np.nan, 1 / 3], [1e-10, 16777217]]
    words = ["é", "e\u0301", "日本", "\U0001f600", "a\u00a0b", '"quoted"']
    wv = table(tmp_path / "source.arrow", words, values)
    wv.save(tmp_path / f"v{ending}")
    back = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert_same(back, wv)
    assert np.array_equal(np.signbit(back.vectors), np.signbit(wv.vectors))


@pytest.mark.parametrize("ending", [".arrow", ".npy"])
@pytest.mark.parametrize("word", ["", " ", "a b", " 7", "7 ", "\t", "\0", "\u2028", "\x85", "x" * 100_000], ids=repr)
def test_words_that_the_text_formats_cannot_hold_survive_in_the_others(ending: str, word: str, tmp_path: Path) -> None:
    wv = table(tmp_path / "source.arrow", [word[:100_000], "other"], [[1], [2]])
    wv.save(tmp_path / f"v{ending}")
    assert_same(pg.KeyedVectors.load(tmp_path / f"v{ending}"), wv)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_without_words_survives(ending: str, tmp_path: Path) -> None:
    (tmp_path / "source.txt").write_text("0 3\n")
    pg.KeyedVectors.load(tmp_path / "source.txt").save(tmp_path / f"v{ending}")
    back = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert (len(back), back.vector_size, back.vectors.shape, back.index_to_key) == (0, 3, (0, 3), [])


@BINARY
def test_gensim_reads_ours_and_we_read_gensims(binary: bool, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save_word2vec_format(tmp_path / "ours", binary=binary)
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "ours"), binary=binary)
    assert_same(model.wv, theirs)
    theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / "theirs", binary=binary), theirs)


@BINARY
def test_counts_travel_in_fvocab_both_ways(binary: bool, model: pg.Word2Vec, tmp_path: Path) -> None:
    ours, theirs, fvocab = tmp_path / "ours", tmp_path / "theirs", tmp_path / "vocab.txt"
    model.wv.save_word2vec_format(ours, fvocab, binary)
    gensims = GensimVectors.load_word2vec_format(str(ours), fvocab=str(fvocab), binary=binary)
    assert [gensims.get_vecattr(word, "count") for word in gensims.index_to_key] == counts(model.wv)
    gensims.save_word2vec_format(str(theirs), fvocab=str(fvocab), binary=binary)
    assert counts(pg.KeyedVectors.load_word2vec_format(theirs, fvocab, binary)) == counts(model.wv)


def test_a_word_without_a_line_in_fvocab_is_named(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("2 1\nking 1\nqueen 2\n")
    (tmp_path / "vocab.txt").write_text("king 7\n")
    with pytest.raises(ValueError, match="vocab.txt.*queen"):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", fvocab=tmp_path / "vocab.txt")


@BINARY
@pytest.mark.parametrize("limit", [1, 7, 10**9, None])
def test_a_limit_reads_the_first_words_only(
    binary: bool, limit: int | None, model: pg.Word2Vec, tmp_path: Path
) -> None:
    model.wv.save_word2vec_format(tmp_path / "v", binary=binary)
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v"), binary=binary, limit=limit)
    assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / "v", binary=binary, limit=limit), theirs)


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize(
    "content", ["the 1 2 3\ncat 4 5 6\n", "the 1 2 3\ncat 4 5 6", "the 1.5e-3 -2 +3\r\ncat 4 5 6\r\n"], ids=repr
)
def test_files_without_a_header_are_read_as_by_gensim(content: str, limit: int | None, tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_bytes(content.encode())
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "glove.txt"), no_header=True, limit=limit)
    assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / "glove.txt", no_header=True, limit=limit), theirs)


def test_a_binary_file_cannot_be_without_a_header(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.bin")
    with pytest.raises((ValueError, NotImplementedError), match="no_header"):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "v.bin", binary=True, no_header=True)


@BINARY
@pytest.mark.parametrize("errors", ["strict", "replace", "ignore"])
def test_words_that_are_not_utf8_are_treated_as_gensim_does(binary: bool, errors: str, tmp_path: Path) -> None:
    row = np.array([1, 2], np.float32).tobytes() if binary else b"1 2\n"
    content = b"2 2\n" + b"caf\xc3 " + row + b"\xff\xfex " + row
    (tmp_path / "v").write_bytes(content)
    options = {"binary": binary, "unicode_errors": errors}
    if errors == "strict":
        with pytest.raises(ValueError, match="word 1 is not UTF-8.*unicode_errors"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "v", **options)
        return
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v"), **options)
    assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / "v", **options), theirs)


@BINARY
def test_of_a_word_that_stands_twice_the_first_row_is_kept_as_in_gensim(binary: bool, tmp_path: Path) -> None:
    rows = [("a", [1, 2]), ("b", [3, 4]), ("a", [5, 6]), ("c", [7, 8])]
    body = b"".join(
        word.encode() + b" " + (np.float32(row).tobytes() if binary else b"%d %d\n" % tuple(row)) for word, row in rows
    )
    (tmp_path / "v").write_bytes(b"4 2\n" + body)
    ours = pg.KeyedVectors.load_word2vec_format(tmp_path / "v", binary=binary)
    assert ours.index_to_key == ["a", "b", "c"]
    assert ours.key_to_index == {"a": 0, "b": 1, "c": 2}
    assert ours.vectors.tolist() == [[1, 2], [3, 4], [7, 8]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": "latin1"}, "encoding"),
        ({"unicode_errors": "maybe"}, "unicode_errors"),
        ({"limit": -1}, "limit|negative"),
    ],
    ids=str,
)
def test_options_that_cannot_be_honoured_are_refused(options: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("1 1\na 1\n")
    with pytest.raises((ValueError, OverflowError), match=said):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", **options)


def test_the_arrow_file_is_one_mapped_batch_that_any_reader_opens(vectors_file: str, model: pg.Word2Vec) -> None:
    with pa.memory_map(vectors_file) as source:
        reader = pa.ipc.open_file(source)
        batch = reader.get_batch(0)
        assert reader.num_record_batches == 1
        matrix = batch["vector"].flatten().to_numpy(zero_copy_only=True).reshape(len(batch), -1)
        assert matrix.ctypes.data % 64 == 0
        assert np.array_equal(matrix, model.wv.vectors)
    described = [json.loads(value) for value in reader.schema.metadata.values() if value.startswith(b"{")]
    assert described[0].items() >= {"vector_size": 20, "sg": True, "epochs": 5, "window": 5, "seed": 1}.items()
    frame = pl.read_ipc(vectors_file)
    assert frame.schema == {"word": pl.String, "count": pl.UInt64, "vector": pl.Array(pl.Float32, 20)}
    assert frame["word"].to_list() == model.wv.index_to_key


def pyarrow_in_pieces(frame: pl.DataFrame, path: Path) -> None:
    pieces = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_file(path, pieces.schema) as file:
        file.write_table(pieces, max_chunksize=100)


@pytest.mark.parametrize(
    "write",
    [pyarrow_in_pieces, lambda f, p: f.write_ipc(p), lambda f, p: f.write_ipc(p, compat_level=pl.CompatLevel.oldest())],
    ids=["pyarrow in pieces", "polars", "polars compatible"],
)
def test_an_arrow_file_that_another_program_wrote_is_read(
    write: Callable[..., None], vectors_file: str, tmp_path: Path
) -> None:
    write(pl.read_ipc(vectors_file), tmp_path / "v.arrow")
    assert_same(pg.KeyedVectors.load(tmp_path / "v.arrow"), pg.KeyedVectors.load(vectors_file))


def test_the_npy_file_is_a_plain_matrix_with_its_words_beside_it(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.npy")
    assert np.array_equal(np.load(tmp_path / "v.npy", mmap_mode="r", allow_pickle=False), model.wv.vectors)
    lines = (tmp_path / "v.vocab.txt").read_text(encoding="utf8").splitlines()
    assert lines == [f"{word} {count}" for word, count in zip(model.wv.index_to_key, counts(model.wv), strict=True)]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_matrix_that_numpy_saved_is_read(version: tuple[int, int], tmp_path: Path) -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    with open(tmp_path / "v.npy", "wb") as file:
        np.lib.format.write_array(file, matrix, version)
    (tmp_path / "v.vocab.txt").write_text("a 9\nb 8\nnew york 7\nd 6\n")
    wv = pg.KeyedVectors.load(tmp_path / "v.npy")
    assert np.array_equal(wv.vectors, matrix)
    assert wv.key_to_index == {"a": 0, "b": 1, "new york": 2, "d": 3}
    assert counts(wv) == [9, 8, 7, 6]


@pytest.mark.parametrize("name", ["v", "v.kv", "v.wv", "v.model", "arrow", ".arrow.old", "v.ARROW", ".npy", "ünïcode"])
def test_a_name_with_any_other_ending_or_none_is_that_of_an_arrow_file(
    name: str, model: pg.Word2Vec, tmp_path: Path
) -> None:
    model.wv.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert pl.read_ipc(tmp_path / name)["word"].to_list() == model.wv.index_to_key
    assert_same(pg.KeyedVectors.load(tmp_path / name, mmap="r"), model.wv)


@pytest.mark.parametrize("ending", [".TXT", ".Bin", ".NPY"])
def test_endings_may_be_in_capitals(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    model.wv.save(tmp_path / f"w{ending.lower()}")
    assert (tmp_path / f"v{ending}").read_bytes() == (tmp_path / f"w{ending.lower()}").read_bytes()
    assert_same(pg.KeyedVectors.load(tmp_path / f"v{ending}"), model.wv)


@pytest.mark.parametrize("ending", [".arrow", ".npy"])
def test_a_renamed_file_is_known_by_what_it_starts_with(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    for name in ("v.txt", "v.bin", "v.kv", "v"):
        (tmp_path / name).write_bytes((tmp_path / f"v{ending}").read_bytes())
        assert_same(pg.KeyedVectors.load(tmp_path / name), model.wv)


@pytest.mark.parametrize("content", [b"hello world\n", b"ARROW", b"\0" * 100, b""], ids=repr)
def test_a_file_of_no_known_format_is_refused_with_the_endings_that_there_are(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.vec").write_bytes(content)
    with pytest.raises(ValueError, match="v.vec.*\\.arrow, \\.npy, \\.txt, \\.bin" if content else "v.vec: is empty"):
        pg.KeyedVectors.load(tmp_path / "v.vec")
