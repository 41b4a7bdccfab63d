"""Vectors on disk: every format returns what was saved; other programs read our files, and we read theirs."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from corpora import Sentences
from gensim.models import KeyedVectors as GensimVectors
from vector_files import ENDINGS, WITH_COUNTS, assert_same, counts

import polargram as pg

BINARY = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])


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


@pytest.mark.parametrize("ending", WITH_COUNTS)
def test_counts_come_back_where_the_format_holds_them(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    assert counts(pg.KeyedVectors.load(tmp_path / f"v{ending}")) == counts(model.wv)


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending not in WITH_COUNTS])
def test_without_counts_they_fall_from_row_to_row_as_in_gensim(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / f"v{ending}"), binary=".bin" in ending)
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


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "a b",
        " 7",
        "7 ",
        "1 2",
        "\t",
        "\n",
        "a\nb",
        "a\rb",
        "b\r",
        "\ufeffx",
        "\0",
        "\u2028",
        "\x85",
        "x" * 100_000,
    ],
    ids=lambda word: repr(word[:9]),
)
def test_a_word_that_the_format_can_hold_survives_and_another_is_named(ending: str, word: str, tmp_path: Path) -> None:
    holds = {
        ".arrow": True,
        ".npy": "\n" not in word,
        ".txt": "\n" not in word,
        ".vec": "\n" not in word,
        ".bin": " " not in word and not word.startswith("\n"),
        ".parquet": True,
        ".npz": True,
        ".safetensors": True,
    }
    wv = table(tmp_path / "source.arrow", [word, "other"], [[1], [2]])
    if holds[ending.removesuffix(".gz")]:
        wv.save(tmp_path / f"v{ending}")
        assert_same(pg.KeyedVectors.load(tmp_path / f"v{ending}"), wv)
    else:
        with pytest.raises(ValueError, match=f"v{ending}: the word .* cannot hold; save as .arrow"):
            wv.save(tmp_path / f"v{ending}")


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
        ({"encoding": "klingon"}, "encoding"),
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


@pytest.mark.parametrize("ending", [".arrow", ".npy", ".parquet", ".npz", ".safetensors"])
def test_a_renamed_file_is_known_by_what_it_starts_with(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    for name in ("v.txt", "v.bin", "v.kv", "v"):
        (tmp_path / name).write_bytes((tmp_path / f"v{ending}").read_bytes())
        assert_same(pg.KeyedVectors.load(tmp_path / name), model.wv)


@pytest.mark.parametrize("content", [b"hello world\n", b"ARROW", b"\0" * 100, b""], ids=repr)
def test_a_file_of_no_known_format_is_refused_with_the_endings_that_there_are(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.doc").write_bytes(content)
    with pytest.raises(ValueError, match="v.doc.*\\.arrow, \\.npy, \\.txt, \\.bin" if content else "v.doc: is empty"):
        pg.KeyedVectors.load(tmp_path / "v.doc")


def gensims(words: list[str], dimensions: int = 3) -> GensimVectors:
    theirs = GensimVectors(dimensions)
    values = np.random.default_rng(1).normal(size=(len(words), dimensions)).astype(np.float32)
    theirs.add_vectors(words, values)
    for rank, word in enumerate(words):
        theirs.set_vecattr(word, "count", len(words) - rank)
    return theirs


#: Words that gensim writes and reads again, in binary.
BINARY_WORDS = [
    "the",
    "",
    "\tx",
    "x\t",
    "\r",
    "a\nb",
    "b\n",
    "\u00a0",
    "x\u00a0y",
    "\x0b",
    "\u2028",
    "é",
    "\0",
    "\ufeff",
    "7",
    "-1",
]
#: The same, in text.
TEXT_WORDS = [word for word in BINARY_WORDS if "\n" not in word]


@pytest.mark.parametrize("compressed", [False, True])
@BINARY
def test_odd_words_that_gensim_writes_are_read_as_gensim_reads_them(
    binary: bool, compressed: bool, tmp_path: Path
) -> None:
    path = str(tmp_path / ("odd.gz" if compressed else "odd"))
    gensims(BINARY_WORDS if binary else TEXT_WORDS).save_word2vec_format(path, binary=binary)
    theirs = GensimVectors.load_word2vec_format(path, binary=binary)
    ours = pg.KeyedVectors.load_word2vec_format(path, binary=binary)
    assert_same(ours, theirs)
    assert ours.index_to_key == (BINARY_WORDS if binary else TEXT_WORDS)
    assert counts(ours) == [theirs.get_vecattr(word, "count") for word in theirs.index_to_key]
    assert_same(pg.KeyedVectors.load(path), theirs)


@pytest.mark.parametrize("compressed", [False, True])
@BINARY
def test_odd_words_that_we_write_are_read_by_gensim(binary: bool, compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("odd.gz" if compressed else "odd")
    words = BINARY_WORDS if binary else TEXT_WORDS
    wv = table(tmp_path / "source.arrow", words, [[i, -i] for i in range(len(words))])
    wv.save_word2vec_format(path, binary=binary)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == compressed
    assert_same(wv, GensimVectors.load_word2vec_format(str(path), binary=binary))


@BINARY
def test_line_breaks_before_a_word_and_repeated_words_are_treated_as_by_gensim(binary: bool, tmp_path: Path) -> None:
    one, two = (np.float32([1, 2]).tobytes(), np.float32([3, 4]).tobytes()) if binary else (b"1 2\n", b"3 4\n")
    start = b"\n\n" if binary else b""
    (tmp_path / "v").write_bytes(b"4 2\n" + start + b"a " + one + b"b " + two + start + b"a " + two + b"c " + one)
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v"), binary=binary)
    ours = pg.KeyedVectors.load_word2vec_format(tmp_path / "v", binary=binary)
    # gensim keeps room for the fourth.
    assert ours.index_to_key == theirs.index_to_key[:3] == ["a", "b", "c"]
    assert np.array_equal(ours.vectors, theirs.vectors[:3])
    assert counts(ours) == [theirs.get_vecattr(word, "count") for word in "abc"] == [4, 3, 2]


@pytest.mark.parametrize("renamed", [".txt", ".bin", ".vec", ".arrow", ".npy", ".model", ""])
@pytest.mark.parametrize("source", [".txt", ".bin", ".txt.gz", ".bin.gz"])
def test_a_renamed_file_is_loaded_as_what_it_is(source: str, renamed: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{source}")
    (tmp_path / f"v{source}").rename(tmp_path / f"renamed{renamed}")
    assert_same(pg.KeyedVectors.load(tmp_path / f"renamed{renamed}"), model.wv)


def test_the_other_format_is_named(model: pg.Word2Vec, tmp_path: Path) -> None:
    for ending in (".txt", ".bin", ".arrow", ".npy"):
        model.wv.save(tmp_path / f"v{ending}")
    load = pg.KeyedVectors.load_word2vec_format
    for ending, binary, said in [
        (".txt", True, "is word2vec text: load it with binary=False"),
        (".bin", False, "is word2vec binary: load it with binary=True"),
        (".arrow", True, "is a file of the format arrow; load it with KeyedVectors.load"),
        (".npy", False, "is a file of the format npy; load it with KeyedVectors.load"),
    ]:
        for limit in (None, 3):
            with pytest.raises(ValueError, match=f"v{ending}: {said}"):
                load(tmp_path / f"v{ending}", binary=binary, limit=limit)
    (tmp_path / "glove.txt").write_text("the 0.1 0.2\nof 0.3 0.4\n")
    with pytest.raises(ValueError, match="glove.txt: is text without a header.*binary=False.*no_header=True"):
        load(tmp_path / "glove.txt", binary=True)
    with pytest.raises(ValueError, match="glove.txt: has no header line.*no_header=True"):
        load(tmp_path / "glove.txt")
    (tmp_path / "v.txt").write_text("2 2\na 1 2\nb 3 4\n")
    with pytest.raises(ValueError, match="v.txt: word 1 .*looks like a header.*without no_header"):
        load(tmp_path / "v.txt", no_header=True)


@pytest.mark.parametrize("name", ["glove.txt", "glove.vec", "glove.6B.50d", "glove.bin", "glove.txt.gz"])
def test_glove_is_recognised_by_its_lines(name: str, tmp_path: Path) -> None:
    content = b", 0.1 0.2 0.3\n. . . 0.4 0.5 0.6\nat the bank 0.7 0.8 0.9\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    wv = pg.KeyedVectors.load(tmp_path / name)
    assert wv.index_to_key == [",", ". . .", "at the bank"]
    assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / name, no_header=True), wv)
    assert wv["at the bank"].tolist() == np.float32([0.7, 0.8, 0.9]).tolist()


def test_a_list_of_words_and_counts_is_not_taken_for_vectors(tmp_path: Path) -> None:
    (tmp_path / "counts.txt").write_text("the 300\nof 20\n")
    with pytest.raises(ValueError, match="counts.txt.*header"):
        pg.KeyedVectors.load(tmp_path / "counts.txt")


@BINARY
def test_a_header_that_counts_too_few_words_needs_a_limit(binary: bool, model: pg.Word2Vec, tmp_path: Path) -> None:
    path = tmp_path / "v"
    model.wv.save_word2vec_format(path, binary=binary)
    path.write_bytes(b"3" + path.read_bytes()[path.read_bytes().index(b" ") :])
    with pytest.raises(ValueError, match="v: has a header that announces 3 words, but more follow.*limit=3"):
        pg.KeyedVectors.load_word2vec_format(path, binary=binary)
    with pytest.raises(ValueError, match="more follow"):
        pg.KeyedVectors.load(path)
    ours = pg.KeyedVectors.load_word2vec_format(path, binary=binary, limit=3)
    assert_same(ours, GensimVectors.load_word2vec_format(str(path), binary=binary))


@pytest.mark.parametrize("compressed", [False, True])
@BINARY
def test_a_cut_file_says_what_it_holds(binary: bool, compressed: bool, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save_word2vec_format(tmp_path / "whole", binary=binary)
    content = (tmp_path / "whole").read_bytes()
    whole = pg.KeyedVectors.load_word2vec_format(tmp_path / "whole", binary=binary, limit=5)
    end = content.index(b"\n") + 1
    for word in whole.index_to_key:
        end = content.index(b"\n" + word.encode() + b" ", end - 1) + len(word) + 2
        end = end + 80 if binary else content.index(b"\n", end)
    for cut in (end, end + 3, end + 20):
        content_cut = content[:cut]
        (tmp_path / "cut").write_bytes(gzip.compress(content_cut) if compressed else content_cut)
        with pytest.raises(ValueError, match=rf"cut: holds 5 of the {len(model.wv)} words .*cut.*limit=5"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "cut", binary=binary)
        assert_same(pg.KeyedVectors.load_word2vec_format(tmp_path / "cut", binary=binary, limit=5), whole)


@pytest.mark.parametrize(
    "compress", [gzip.compress, bz2.compress, lzma.compress], ids=lambda compress: compress.__module__
)
@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_compressed_files_are_known_by_what_they_start_with(
    ending: str, compress: Callable[[bytes], bytes], model: pg.Word2Vec, tmp_path: Path
) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    for name in (f"w{ending}", "w", "w.vec.gz", "w.xz"):
        (tmp_path / name).write_bytes(compress((tmp_path / f"v{ending}").read_bytes()))
        assert_same(pg.KeyedVectors.load(tmp_path / name), model.wv)


def test_a_limit_reads_no_more_of_a_compressed_file_than_it_needs(model: pg.Word2Vec, tmp_path: Path) -> None:
    for binary, content in [(False, b"1000000 20\n"), (True, b"1000000 20\n")]:
        rows = (b"w%d " % i + (b"\0" * 80 if binary else b"0.5 " * 20 + b"\n") for i in range(60_000))
        compressed = gzip.compress(content + b"".join(rows), 1)
        # Damaged behind its first half.
        half = len(compressed) // 2
        (tmp_path / "v.gz").write_bytes(compressed[:half] + b"\xff" * half)
        wv = pg.KeyedVectors.load_word2vec_format(tmp_path / "v.gz", binary=binary, limit=100)
        assert wv.index_to_key == [f"w{i}" for i in range(100)]
        with pytest.raises(ValueError, match="v.gz: gzip data"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "v.gz", binary=binary)


@pytest.mark.parametrize("ending", WITH_COUNTS)
def test_what_must_be_mapped_is_refused_if_it_is_compressed(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    content = (tmp_path / f"v{ending}").read_bytes()
    for name in (f"v{ending}", f"w{ending}.gz"):
        (tmp_path / name).write_bytes(gzip.compress(content))
        with pytest.raises(ValueError, match=f"{name}: is compressed, and its format is memory-mapped"):
            pg.KeyedVectors.load(tmp_path / name)


@pytest.mark.parametrize("name", ["v.arrow.gz", "v.npy.gz", "v.gz", "v.txt.bz2", "v.bin.xz", "v.vec.zst"])
def test_the_name_of_a_compressed_file_that_we_do_not_write_is_refused(
    name: str, model: pg.Word2Vec, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*gz"):
        model.wv.save(tmp_path / name)
    if not name.endswith(".gz"):
        for paths in ((name, None), ("v.txt", name)):
            with pytest.raises(ValueError, match=f"{name}: .*gz"):
                model.wv.save_word2vec_format(*(path and tmp_path / path for path in paths))
    assert list(tmp_path.iterdir()) == []


def test_gensim_reads_our_compressed_files_and_we_read_gensims(model: pg.Word2Vec, tmp_path: Path) -> None:
    for name, binary in [("v.txt.gz", False), ("v.vec.gz", False), ("v.bin.gz", True)]:
        model.wv.save(tmp_path / name)
        assert_same(model.wv, GensimVectors.load_word2vec_format(str(tmp_path / name), binary=binary))
    model.wv.save_word2vec_format(tmp_path / "v.gz", tmp_path / "counts.gz", binary=True)
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v.gz"), fvocab=str(tmp_path / "counts.gz"), binary=True)
    assert [theirs.get_vecattr(word, "count") for word in theirs.index_to_key] == counts(model.wv)
    theirs.save_word2vec_format(str(tmp_path / "t.gz"), fvocab=str(tmp_path / "t.counts.gz"))
    back = pg.KeyedVectors.load_word2vec_format(tmp_path / "t.gz", tmp_path / "t.counts.gz")
    assert_same(back, model.wv)
    assert counts(back) == counts(model.wv)


@pytest.mark.parametrize("errors", ["strict", "replace", "ignore"])
def test_fvocab_is_read_as_by_gensim(errors: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"4 1\ncaf\xc3 1\nking 2\ntab 3\nking's 4\n")
    fvocab = tmp_path / "vocab.txt"
    # A word that stands twice has its last count.
    fvocab.write_bytes(b"king 7\ncaf\xc3\t5\r\ntab \t6\nking 8\nking's\t 9 \n")
    options = {"fvocab": str(fvocab), "unicode_errors": errors}
    if errors == "strict":
        with pytest.raises(ValueError, match="v.txt.*not UTF-8"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", **options)
        (tmp_path / "v.txt").write_text("1 1\nking 2\n")
        with pytest.raises(ValueError, match="vocab.txt: line 2 is not UTF-8"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", **options)
        return
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v.txt"), **options)
    ours = pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", **options)
    assert_same(ours, theirs)
    assert counts(ours) == [theirs.get_vecattr(word, "count") for word in theirs.index_to_key] == [5, 8, 6, 9]


def test_fvocab_may_have_words_with_spaces_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("\ufeff3 1\r\nthe 1\r\nnew york 2\r\n. . 3\r\n", encoding="utf8")
    (tmp_path / "vocab.txt").write_text("\ufeffthe 9\nnew york\t8\n. . 7\n", encoding="utf8")
    wv = pg.KeyedVectors.load_word2vec_format(tmp_path / "v.txt", fvocab=tmp_path / "vocab.txt")
    assert (wv.index_to_key, counts(wv)) == (["the", "new york", ". ."], [9, 8, 7])


def test_the_words_beside_a_matrix_may_have_a_byte_order_mark_and_be_compressed(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 3), np.float32))
    (tmp_path / "v.vocab.txt").write_bytes(gzip.compress("\ufeffthe 9\nnew york\t8\n".encode()))
    wv = pg.KeyedVectors.load(tmp_path / "v.npy")
    assert (wv.index_to_key, counts(wv)) == (["the", "new york"], [9, 8])
