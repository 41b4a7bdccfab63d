"""Files of vectors that other programs write and read: Parquet, .npz, safetensors, the projector, half precision."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from object_store import Bucket
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from vector_files import WITH_COUNTS, assert_same, counts

import polargram as pg

WORDS = ["the", "café", "日本", "new york", ""]


@pytest.fixture
def wv() -> pg.KeyedVectors:
    corpus = [[word for word in WORDS for _ in range(3)]] * 9
    return pg.Word2Vec(corpus, vector_size=5, min_count=1, epochs=1, workers=1).wv


@pytest.fixture
def items() -> pg.KeyedVectors:
    return pg.Word2Vec([[101, -7, 3]] * 9, vector_size=5, min_count=1, epochs=1, workers=1).wv


# What other programs see of our files


def test_polars_and_pyarrow_read_our_parquet(wv: pg.KeyedVectors, items: pg.KeyedVectors, tmp_path: Path) -> None:
    for vectors, key_type in ((wv, pl.String), (items, pl.Int64)):
        vectors.save(tmp_path / "v.parquet")
        frame = pl.read_parquet(tmp_path / "v.parquet")
        assert frame.schema == {"word": key_type, "count": pl.UInt64, "vector": pl.Array(pl.Float32, 5)}
        assert frame["word"].to_list() == vectors.index_to_key
        assert np.array_equal(frame["vector"].to_numpy(), vectors.vectors)
        assert frame["count"].to_list() == counts(vectors)
        assert pq.read_table(tmp_path / "v.parquet")["vector"].to_pylist() == vectors.vectors.tolist()


def test_numpy_reads_our_npz_without_pickles(wv: pg.KeyedVectors, items: pg.KeyedVectors, tmp_path: Path) -> None:
    wv.save(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["counts", "vectors", "words"]
        assert arrays["words"].tolist() == wv.index_to_key
        assert np.array_equal(arrays["vectors"], wv.vectors)
        assert arrays["counts"].tolist() == counts(wv)
    items.save(tmp_path / "i.npz")
    with np.load(tmp_path / "i.npz", allow_pickle=False) as arrays:
        assert arrays["keys"].tolist() == items.index_to_key
    assert zipfile.ZipFile(tmp_path / "v.npz").testzip() is None


def test_words_that_numpys_text_cannot_hold_are_utf8_with_offsets(tmp_path: Path) -> None:
    words = ["a\0", "日本", ""]
    pg.Word2Vec([words] * 9, vector_size=2, min_count=1, epochs=1).wv.save(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        run, starts = arrays["words_utf8"].tobytes(), arrays["words_offsets"]
        read = [run[start:end].decode() for start, end in zip(starts, starts[1:], strict=False)]
    assert read == pg.KeyedVectors.load(tmp_path / "v.npz").index_to_key
    assert sorted(read) == sorted(words)


def test_safetensors_own_library_reads_our_file(wv: pg.KeyedVectors, items: pg.KeyedVectors, tmp_path: Path) -> None:
    wv.save(tmp_path / "v.safetensors")
    tensors = load_file(tmp_path / "v.safetensors")
    assert np.array_equal(tensors["vectors"], wv.vectors)
    assert tensors["counts"].tolist() == counts(wv)
    run, starts = tensors["words_utf8"].tobytes(), tensors["words_offsets"]
    assert [run[start:end].decode() for start, end in zip(starts, starts[1:], strict=False)] == wv.index_to_key
    with safe_open(tmp_path / "v.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["polargram"])["vector_size"] == 5
    items.save(tmp_path / "i.safetensors")
    assert load_file(tmp_path / "i.safetensors")["keys"].tolist() == items.index_to_key


def test_the_projectors_files_have_a_line_for_each_vector_and_names_of_columns(
    wv: pg.KeyedVectors, tmp_path: Path
) -> None:
    wv.save(tmp_path / "v.tsv")
    rows = list(csv.reader((tmp_path / "v.tsv").open(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert np.array_equal(np.array(rows, np.float32), wv.vectors)
    described = (tmp_path / "v.metadata.tsv").read_text(encoding="utf8").splitlines()
    assert described[0] == "word\tcount"
    assert described[1:] == [f"{word}\t{count}" for word, count in zip(wv.index_to_key, counts(wv), strict=True)]
    with pytest.raises(ValueError, match=r"v.tsv: has vectors without their words.*only written"):
        pg.KeyedVectors.load(tmp_path / "v.tsv")
    with pytest.raises(ValueError, match=r'w.tsv: the word "a\\tb" has a tab.*save as .arrow'):
        pg.Word2Vec([["a\tb", "c"]] * 9, vector_size=2, min_count=1).wv.save(tmp_path / "w.tsv")


@pytest.mark.parametrize("ending", [".arrow", ".npy", ".npz", ".safetensors"])
def test_float32_is_mapped_and_read_only(ending: str, wv: pg.KeyedVectors, tmp_path: Path) -> None:
    wv.save(tmp_path / f"v{ending}")
    back = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert not back.vectors.flags.writeable
    assert back.vectors.ctypes.data % 64 == 0
    wv.save(tmp_path / "v.parquet")
    assert pg.KeyedVectors.load(tmp_path / "v.parquet").vectors.flags.writeable


@pytest.mark.parametrize("ending", [".arrow", ".parquet", ".npz", ".safetensors"])
def test_integer_keys_and_the_configuration_come_back(ending: str, items: pg.KeyedVectors, tmp_path: Path) -> None:
    items.save(tmp_path / f"v{ending}")
    back = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert_same(back, items)
    assert (back.index_to_key, counts(back)) == (items.index_to_key, counts(items))
    assert -7 in back


# Half precision


@pytest.mark.parametrize("ending", WITH_COUNTS)
def test_half_precision_is_half_the_file_and_rounds_as_numpy_does(ending: str, tmp_path: Path) -> None:
    corpus = [[f"w{number}" for number in range(300)]] * 3
    wv = pg.Word2Vec(corpus, vector_size=100, min_count=1, epochs=1, workers=1).wv
    wv.save(tmp_path / f"whole{ending}")
    wv.save(tmp_path / f"half{ending}", dtype=np.float16)
    sizes = [(tmp_path / f"{name}{ending}").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    back = pg.KeyedVectors.load(tmp_path / f"half{ending}")
    assert back.vectors.dtype == np.float32
    assert np.array_equal(back.vectors, wv.vectors.astype(np.float16).astype(np.float32))
    assert (back.index_to_key, counts(back)) == (wv.index_to_key, counts(wv))
    back.save(tmp_path / f"again{ending}", dtype="float16")
    assert (tmp_path / f"again{ending}").read_bytes() == (tmp_path / f"half{ending}").read_bytes()


def test_other_programs_see_half_precision(wv: pg.KeyedVectors, tmp_path: Path) -> None:
    half = wv.vectors.astype(np.float16)
    for ending in WITH_COUNTS:
        wv.save(tmp_path / f"v{ending}", dtype=np.float16)
    assert np.array_equal(np.load(tmp_path / "v.npy"), half)
    assert np.array_equal(np.load(tmp_path / "v.npz")["vectors"], half)
    assert np.array_equal(load_file(tmp_path / "v.safetensors")["vectors"], half)
    with pa.ipc.open_file(tmp_path / "v.arrow") as file:
        assert file.schema.field("vector").type.value_type == pa.float16()
    table = pq.read_table(tmp_path / "v.parquet")
    assert np.array_equal(np.array(table["vector"].to_pylist(), np.float16), half)


@pytest.mark.parametrize("ending", [".txt", ".bin", ".vec.gz", ".tsv"])
def test_formats_without_half_precision_say_which_have_it(ending: str, tmp_path: Path) -> None:
    wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=2).wv
    with pytest.raises(ValueError, match=rf"v{ending}: files .* have no half precision; save as .arrow"):
        wv.save(tmp_path / f"v{ending}", dtype=np.float16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WITH_COUNTS)
def test_values_beyond_half_precision_are_refused_with_the_word(ending: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("3 2\na 65504 nan\nb inf -inf\nc 1 -65520\n")
    wv = pg.KeyedVectors.load(tmp_path / "v.txt")
    with pytest.raises(ValueError, match=rf'v{ending}: the vector of "c" has the value -65520.*without dtype=float16'):
        wv.save(tmp_path / f"v{ending}", dtype=np.float16)
    (tmp_path / "v.txt").write_text("2 2\na 65504 nan\nb inf -inf\n")
    pg.KeyedVectors.load(tmp_path / "v.txt").save(tmp_path / f"v{ending}", dtype=np.float16)
    back = pg.KeyedVectors.load(tmp_path / f"v{ending}")
    assert np.array_equal(back.vectors, [[65504, np.nan], [np.inf, -np.inf]], equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float64, np.int8, "nothing", None])
def test_other_types_are_refused(dtype: object, wv: pg.KeyedVectors, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dtype: .* is not supported; expected np.float16 or np.float32"):
        wv.save(tmp_path / "v.arrow", dtype=dtype)


# Tables of other programs


def arrow(table: pa.Table, path: Path, **options: object) -> None:
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
        file.write_table(table, max_chunksize=2)


def stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as file:
        file.write_table(table, max_chunksize=2)


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "arrow in batches": arrow,
    "arrow of lz4": lambda table, path: arrow(table, path, compression="lz4"),
    "arrow of zstd": lambda table, path: arrow(table, path, compression="zstd"),
    "stream": stream,
    "parquet": lambda table, path: pq.write_table(table, path, row_group_size=2),
    "parquet of Polars": lambda table, path: pl.from_arrow(table).write_parquet(path),
    "arrow of Polars": lambda table, path: pl.from_arrow(table).write_ipc(path),
}
MATRIX = np.arange(10, dtype=np.float64).reshape(5, 2) / 8
KEYS = {
    "string": pa.array(WORDS),
    "large": pa.array(WORDS, pa.large_string()),
    "view": pa.array(WORDS, pa.string_view()),
    "dictionary": pa.array(WORDS).dictionary_encode(),
    "integers": pa.array([5, -4, 3, 2, 1], pa.int16()),
}
LISTS = {
    "fixed": lambda item: pa.list_(item, 2),
    "lists": pa.list_,
    "large": pa.large_list,
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("lists", LISTS)
@pytest.mark.parametrize("item", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_tables_of_other_programs_are_read(
    writer: str, keys: str, lists: str, item: pa.DataType, tmp_path: Path
) -> None:
    if "Polars" in writer and item == pa.float16():
        pytest.skip("only the newest Polars has Float16")
    values = MATRIX.astype(item.to_pandas_dtype()).tolist()
    vectors = pa.array(
        [[np.float16(x) for x in row] for row in values] if item == pa.float16() else values, LISTS[lists](item)
    )
    other = pa.array([None, "x", None, "y", "z"])
    table = pa.table(
        {"when": pa.array([1, 2, 3, 4, 5], pa.timestamp("ms")), "token": KEYS[keys], "e": vectors, "o": other}
    )
    WRITERS[writer](table, tmp_path / "v")
    wv = pg.KeyedVectors.load(tmp_path / "v")
    assert wv.index_to_key == KEYS[keys].to_pylist()
    assert np.array_equal(wv.vectors, MATRIX.astype(np.float32))
    assert counts(wv) == [5, 4, 3, 2, 1]


def test_list_views_of_arrow_are_read(tmp_path: Path) -> None:
    vectors = pa.array(MATRIX.tolist(), pa.list_view(pa.float32()))
    arrow(pa.table({"word": WORDS, "vector": vectors}), tmp_path / "v.arrow")
    assert np.array_equal(pg.KeyedVectors.load(tmp_path / "v.arrow").vectors, MATRIX.astype(np.float32))


@pytest.mark.parametrize("ending", [".arrow", ".parquet"])
def test_options_name_the_columns_of_keys_and_vectors(ending: str, tmp_path: Path) -> None:
    columns = {"word": WORDS, "other": list("abcde"), "n": [9, 8, 7, 6, 5]}
    columns |= {"vector": MATRIX.tolist(), "second": (-MATRIX).tolist(), "count": [5, 5, 4, 4, 3]}
    frame = pl.DataFrame(columns)
    (frame.write_ipc if ending == ".arrow" else frame.write_parquet)(tmp_path / f"v{ending}")
    load = pg.KeyedVectors.load
    wv = load(tmp_path / f"v{ending}")
    assert (wv.index_to_key, counts(wv), wv.vectors.tolist()) == (WORDS, [5, 5, 4, 4, 3], MATRIX.tolist())
    wv = load(tmp_path / f"v{ending}", key_column="n", vector_column="second")
    assert (wv.index_to_key, wv.vectors.tolist()) == ([9, 8, 7, 6, 5], (-MATRIX).tolist())
    with pytest.raises(ValueError, match='key_column: there is no column "nope"; it has "word"'):
        load(tmp_path / f"v{ending}", key_column="nope")
    with pytest.raises(ValueError, match='column "n" is Int64; expected lists of floats'):
        load(tmp_path / f"v{ending}", vector_column="n")
    (tmp_path / "v.txt").write_text("1 2\na 1 2\n")
    with pytest.raises(ValueError, match="v.txt: vector_column: files of the format txt have no columns"):
        load(tmp_path / "v.txt", vector_column="vector")


def test_vectors_with_named_columns_travel_by_their_bytes(tmp_path: Path) -> None:
    import pickle

    arrow(pa.table({"a": WORDS, "b": list("abcde"), "vector": pa.array(MATRIX.tolist())}), tmp_path / "v.arrow")
    wv = pg.KeyedVectors.load(tmp_path / "v.arrow", key_column="b")
    assert pickle.loads(pickle.dumps(wv)).index_to_key == list("abcde")


# .npz of other programs


def saved(path: Path, compressed: bool, **arrays: object) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "arrays",
    [
        {"vectors": MATRIX, "words": np.array(WORDS)},
        {"vectors": MATRIX.astype(np.float16), "words": np.array([word.encode() for word in WORDS])},
        {"embeddings": MATRIX.astype(">f4"), "index": np.array(WORDS)},
        {"embeddings": np.asfortranarray(MATRIX), "vocab": np.array(WORDS, ">U9"), "counts": np.arange(5, dtype=">i2")},
        {"vectors": MATRIX.astype(np.float32), "words": np.array(WORDS), "other": np.ones((3, 3)), "n": np.arange(3)},
    ],
    ids=["float64", "bytes", "big endian", "fortran", "others"],
)
def test_npz_files_of_other_programs_are_read(arrays: dict[str, np.ndarray], compressed: bool, tmp_path: Path) -> None:
    wv = pg.KeyedVectors.load(saved(tmp_path / "v.npz", compressed, **arrays))
    assert wv.index_to_key == WORDS
    assert np.array_equal(wv.vectors, MATRIX.astype(np.float32))
    assert counts(wv) == ([0, 1, 2, 3, 4] if "counts" in arrays else [5, 4, 3, 2, 1])


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"vectors": MATRIX}, 'no array "words" or "keys".*it has "vectors" .<f8 of shape .5, 2'),
        ({"words": np.array(WORDS)}, 'no array "vectors"'),
        ({"a": MATRIX, "b": MATRIX, "words": np.array(WORDS)}, "not just one matrix.*vector_column="),
        ({"vectors": MATRIX, "words": np.array(WORDS[:4])}, r'array "words" has the shape \[4\] for 5 vectors'),
        ({"vectors": MATRIX, "words": np.array(["a"] * 5)}, 'a key in more than one row: "a" is also in row 1'),
        ({"vectors": MATRIX, "words": np.array(WORDS, object)}, "holds Python objects.*dtype=str"),
        ({"vectors": MATRIX * 1e300, "words": np.array(WORDS)}, "row 0 has a value that is beyond float32"),
        (
            {"vectors": MATRIX, "words": np.array([b"\xff", b"a", b"b", b"c", b"d"])},
            "word in row 0 that is not Unicode",
        ),
        ({"vectors": MATRIX, "words": np.array(WORDS), "counts": np.array([1, 2, 3, 4, -5])}, "count in row 4 is -5"),
        ({"vectors": np.ones((5, 0)), "words": np.array(WORDS)}, "does not fit its shape"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
@pytest.mark.parametrize("compressed", [False, True])
def test_npz_files_without_what_is_needed_say_so(
    arrays: dict[str, np.ndarray], said: str, compressed: bool, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"v.npz: .*{said}"):
        pg.KeyedVectors.load(saved(tmp_path / "v.npz", compressed, **arrays))


def npy(array: np.ndarray, shape: str | None = None) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    content = out.getvalue()
    if shape is None:
        return content
    was = str(array.shape).encode()
    header = content[: content.index(b"\n")].replace(was, shape.encode())
    return header.rstrip().ljust(content.index(b"\n")) + content[content.index(b"\n") :]


def zipped(path: Path, files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


GOOD = [("vectors.npy", npy(MATRIX)), ("words.npy", npy(np.array(WORDS)))]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([*GOOD, ("../../etc/passwd", b"root")], "leads out of the archive"),
        ([*GOOD, ("/etc/passwd.npy", b"root")], "leads out of the archive"),
        ([*GOOD, GOOD[1]], "several files of one name"),
        ([GOOD[1], ("vectors.npy", npy(MATRIX, "(10**9, 2)"))], "plain array"),
        ([GOOD[1], ("vectors.npy", npy(MATRIX, "(4000000000000000000, 2)"))], "does not fit its shape"),
        ([GOOD[1], ("vectors.npy", npy(MATRIX, "(9, 2)"))], r"for 9 vectors"),
        ([GOOD[1], ("vectors.npy", npy(MATRIX)[:-1])], "does not fit its shape"),
        ([GOOD[0], ("words.npy", npy(np.array(WORDS))[:-1])], "ends in row 4 of 5"),
        ([GOOD[0], ("words.npy", b"garbage")], 'array "words"'),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_hostile_zips_are_refused(files: list[tuple[str, bytes]], said: str, method: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"v.npz: .*{said}"):
        pg.KeyedVectors.load(zipped(tmp_path / "v.npz", files, method))


def test_compressions_that_numpy_does_not_write_and_passwords_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='v.npz: its file "vectors.npy" .*expected stored or deflated'):
        pg.KeyedVectors.load(zipped(tmp_path / "v.npz", GOOD, zipfile.ZIP_BZIP2))
    content = bytearray(zipped(tmp_path / "v.npz", GOOD).read_bytes())
    # The flag that says that a file is encrypted, in the entry of the central directory.
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(ValueError, match='v.npz: has the encrypted file "vectors.npy"'):
        pg.KeyedVectors.load(tmp_path / "v.npz")


def test_a_zip_bomb_is_refused_quickly(python: Callable[..., object], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("words.npy", npy(np.array(["a", "b"])))
        with archive.open("vectors.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": (2, 50_000_000)}
            )
            for _ in range(400):
                file.write(bytes(1_000_000))
    assert (tmp_path / "v.npz").stat().st_size < 1_000_000
    with pytest.raises(ValueError, match="v.npz: .*zip bomb"):
        pg.KeyedVectors.load(tmp_path / "v.npz")


# safetensors of other programs


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_safetensors_with_words_in_the_metadata_are_read(dtype: type, tmp_path: Path) -> None:
    tensors = {"embedding.weight": MATRIX.astype(dtype), "bias": np.ones(2, np.float32)}
    save_file(tensors, tmp_path / "v.safetensors", {"words": json.dumps(WORDS)})
    wv = pg.KeyedVectors.load(tmp_path / "v.safetensors")
    assert wv.index_to_key == WORDS
    assert np.array_equal(wv.vectors, MATRIX.astype(np.float32))


def test_safetensors_without_words_say_where_they_are_looked_for(tmp_path: Path) -> None:
    save_file({"vectors": MATRIX.astype(np.float32)}, tmp_path / "v.safetensors")
    with pytest.raises(ValueError, match=r"v.safetensors: has vectors, but no words; put them into the metadata"):
        pg.KeyedVectors.load(tmp_path / "v.safetensors")
    save_file({"a": MATRIX, "b": MATRIX}, tmp_path / "v.safetensors", {"words": json.dumps(WORDS)})
    with pytest.raises(ValueError, match=r"not just one matrix of floats; name one with vector_column="):
        pg.KeyedVectors.load(tmp_path / "v.safetensors")
    assert np.array_equal(pg.KeyedVectors.load(tmp_path / "v.safetensors", vector_column="b").vectors, MATRIX)
    save_file({"a": MATRIX}, tmp_path / "v.safetensors", {"words": "not JSON"})
    with pytest.raises(ValueError, match=r'its metadata "words" is no JSON list of text'):
        pg.KeyedVectors.load(tmp_path / "v.safetensors")
    save_file({"a": MATRIX}, tmp_path / "v.safetensors", {"words": json.dumps(WORDS[:3])})
    with pytest.raises(ValueError, match=r"has 3 keys for 5 vectors"):
        pg.KeyedVectors.load(tmp_path / "v.safetensors")


# word2vec's format with gensim's parameters


def both(path: Path, words: list[str], values: np.ndarray) -> tuple[pg.KeyedVectors, GensimVectors]:
    """The same vectors, ours and gensim's, with the counts 1, 2, …: the last is the most frequent."""
    theirs = GensimVectors(values.shape[1])
    theirs.add_vectors(words, values)
    for number, word in enumerate(words):
        theirs.set_vecattr(word, "count", number // 2 + 1)
    frequency = [number // 2 + 1 for number in range(len(words))]
    pl.DataFrame({"word": words, "count": frequency, "vector": values.tolist()}).write_parquet(path)
    return pg.KeyedVectors.load(path), theirs


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prefix": "*dt_"},
        {"write_header": False},
        {"total_vec": 99},
        {"sort_attr": "no such attribute"},
        {"prefix": "x", "write_header": False, "total_vec": 7},
    ],
    ids=str,
)
def test_what_is_written_is_what_gensim_writes(options: dict[str, object], binary: bool, tmp_path: Path) -> None:
    ours, theirs = both(tmp_path / "v.parquet", list("abcdef"), np.float32(np.arange(12).reshape(6, 2)) / 8)
    fvocab = {} if "sort_attr" in options else {"fvocab": str(tmp_path / "ours.vocab")}
    ours.save_word2vec_format(str(tmp_path / "ours"), binary=binary, **options, **fvocab)
    if fvocab:
        fvocab = {"fvocab": str(tmp_path / "theirs.vocab")}
        theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary, **options, **fvocab)
        assert (tmp_path / "ours.vocab").read_bytes() == (tmp_path / "theirs.vocab").read_bytes()
    else:
        theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary, **options)
    written = (tmp_path / "ours").read_bytes()
    if binary:
        # As the original program does, we end a row with a line break.
        rows = written.split(b"\n") if options.get("write_header") is False else written.split(b"\n")[1:]
        assert b"".join(rows) == (tmp_path / "theirs").read_bytes().split(b"\n")[-1]
    else:
        text = (tmp_path / "theirs").read_text().splitlines()
        assert [line.split()[0] for line in written.decode().splitlines()] == [line.split()[0] for line in text]
        assert len(text) == written.count(b"\n")


def test_rows_are_appended_as_gensim_does_and_whole_or_not_at_all(tmp_path: Path) -> None:
    first, _ = both(tmp_path / "1.parquet", ["a", "b"], np.float32([[1, 2], [3, 4]]))
    second, _ = both(tmp_path / "2.parquet", ["c", "d\n"], np.float32([[5, 6], [7, 8]]))
    third, _ = both(tmp_path / "3.parquet", ["c"], np.float32([[5, 6]]))
    path, fvocab = tmp_path / "v.txt", tmp_path / "vocab"
    first.save_word2vec_format(path, fvocab, total_vec=3)
    with pytest.raises(ValueError, match="v.txt: .*line break"):
        second.save_word2vec_format(path, fvocab, append=True, write_header=False)
    assert path.read_text() == "3 2\na 1 2\nb 3 4\n"
    third.save_word2vec_format(path, fvocab, append=True, write_header=False)
    assert pg.KeyedVectors.load_word2vec_format(path, fvocab).index_to_key == ["a", "b", "c"]
    assert fvocab.read_text() == "a 1\nb 1\nc 1\n"
    for name in ("new.bin", "new.bin.gz"):
        third.save_word2vec_format(tmp_path / name, binary=True, append=True, total_vec=3)
        first.save_word2vec_format(tmp_path / name, binary=True, append=True, write_header=False)
        assert pg.KeyedVectors.load(tmp_path / name).index_to_key == ["c", "a", "b"]


def test_fvocab_needs_the_attribute_as_in_gensim(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path / "v.parquet", ["a", "b"], np.float32([[1, 2], [3, 4]]))
    for wv in (ours, theirs):
        with pytest.raises(ValueError, match="attribute"):
            wv.save_word2vec_format(str(tmp_path / "v"), fvocab=str(tmp_path / "vocab"), sort_attr="nothing")


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("encoding", ["latin1", "cp1251", "koi8-r", "shift_jis", "utf-8-sig", "ascii", "UTF8"])
@pytest.mark.parametrize("errors", ["strict", "replace", "ignore", "backslashreplace"])
def test_encodings_are_those_of_gensim(binary: bool, encoding: str, errors: str, tmp_path: Path) -> None:
    row = np.array([1, 2], np.float32).tobytes() if binary else b"1 2\n"
    words = ["кот", "café", "日本", "plain"]
    content = b"4 2\n" + b"".join(word.encode(encoding, "replace") + b" " + row for word in words)
    (tmp_path / "v").write_bytes(content if encoding != "ascii" else content.replace(b"plain", b"pl\xe9in"))
    options = {"binary": binary, "encoding": encoding, "unicode_errors": errors}
    try:
        theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v"), **options)
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="v: word [1-4], .*, is not ascii"):
            pg.KeyedVectors.load_word2vec_format(tmp_path / "v", **options)
        return
    ours = pg.KeyedVectors.load_word2vec_format(tmp_path / "v", **options)
    assert ours.index_to_key == theirs.index_to_key[: len(ours)]
    assert np.array_equal(ours.vectors, theirs.vectors[: len(ours)])


@pytest.mark.parametrize("datatype", [np.float16, np.float32, np.float64, "float16"])
@pytest.mark.parametrize("binary", [False, True])
def test_datatypes_are_those_of_gensim_held_as_float32(datatype: type, binary: bool, tmp_path: Path) -> None:
    _, theirs = both(tmp_path / "v.parquet", list("abc"), np.float32([[1 / 3, 1e-9], [65504, 7], [-0.1, 3e-6]]))
    theirs.save_word2vec_format(str(tmp_path / "v"), binary=binary)
    ours = pg.KeyedVectors.load_word2vec_format(tmp_path / "v", binary=binary, datatype=datatype)
    want = GensimVectors.load_word2vec_format(str(tmp_path / "v"), binary=binary, datatype=np.dtype(datatype).type)
    assert np.array_equal(ours.vectors, want.vectors.astype(np.float32))
    assert ours.vectors.dtype == np.float32


def test_datatypes_that_are_no_floats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("1 1\na 1\n")
    with pytest.raises(ValueError, match="datatype: int64 is not supported; expected np.float16 or"):
        pg.KeyedVectors.load_word2vec_format(tmp_path / "v", datatype=np.int64)


# Everything, with any words and floats

FLOATS = st.floats(width=32, allow_nan=False)
TABLES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=6, unique=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=TABLES, data=st.data(), width=st.integers(1, 4))
def test_any_words_and_floats_come_back(words: list[str], data: st.DataObject, width: int, tmp_path: Path) -> None:
    rows = data.draw(
        st.lists(st.lists(FLOATS, min_size=width, max_size=width), min_size=len(words), max_size=len(words))
    )
    pl.DataFrame({"word": words, "vector": rows}).write_parquet(tmp_path / "source.parquet")
    wv = pg.KeyedVectors.load(tmp_path / "source.parquet")
    assert wv.index_to_key == words
    for ending in (".arrow", ".parquet", ".npz", ".safetensors"):
        wv.save(tmp_path / f"v{ending}")
        assert_same(pg.KeyedVectors.load(tmp_path / f"v{ending}"), wv)


@pytest.mark.parametrize("ending", [".npz", ".parquet", ".safetensors"])
def test_expressions_and_the_command_look_words_up_in_every_format(
    ending: str, wv: pg.KeyedVectors, python: Callable[..., object], tmp_path: Path
) -> None:
    wv.save(tmp_path / f"v{ending}")
    frame = pl.DataFrame({"tokens": [["the", "café"], ["nothing"], ["日本"]]})
    embedded = frame.select(pg.embed("tokens", str(tmp_path / f"v{ending}"), pooling="mean"))["tokens"]
    mean = (wv["the"] + wv["café"]) / 2
    assert np.allclose(embedded[0].to_list(), mean, atol=1e-6)
    assert embedded[2].to_list() == wv["日本"].tolist()
    done = python("-m", "polargram", "similar", "--vectors", tmp_path / f"v{ending}", "café", "--topn", 2)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        word for word, _ in wv.most_similar("café", topn=2)
    ], done.stderr


@pytest.mark.parametrize("ending", [".parquet", ".npz", ".safetensors", ".tsv"])
def test_every_format_goes_to_a_store_and_comes_back(
    ending: str, wv: pg.KeyedVectors, bucket: Bucket, tmp_path: Path
) -> None:
    place, options = bucket.url(f"vector-formats/v{ending}"), {"storage_options": bucket.options}
    if ending == ".tsv":
        wv.save(place, **options)
        return
    wv.save(place, dtype=np.float16, **options)
    assert np.array_equal(pg.KeyedVectors.load(place, **options).vectors, wv.vectors.astype(np.float16))
    wv.save_word2vec_format(bucket.url("vector-formats/v.txt"), **options)
    wv.save_word2vec_format(bucket.url("vector-formats/v.txt"), append=True, write_header=False, prefix="x", **options)
    assert (
        pg.KeyedVectors.load_word2vec_format(bucket.url("vector-formats/v.txt"), limit=9, **options).index_to_key
        == wv.index_to_key
    )
