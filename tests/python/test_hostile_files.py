"""A damaged, cut or hostile file is an error that names it, never a crash and never a huge allocation."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import polargram as pg

ENDINGS = [".arrow", ".npy", ".txt", ".bin", ".vec.gz", ".bin.gz", ".parquet", ".npz", ".safetensors"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of one small table in every format."""
    directory = tmp_path_factory.mktemp("small")
    wv = pg.Word2Vec([["aa", "bb", "c", "zoë"]] * 3, vector_size=3, min_count=1, epochs=1, workers=1).wv
    for ending in ENDINGS:
        wv.save(directory / f"v{ending}")
    return directory


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_damage_to_a_file_does_more_than_a_value_error(
    ending: str, small: Path, python: Callable[..., object], tmp_path: Path
) -> None:
    # Tens of thousands of files.
    done = python(Path(__file__).with_name("hostile.py"), small / f"v{ending}", tmp_path, timeout=300)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout or done.stderr[-2000:]


GARBAGE = {
    "empty": b"",
    "one byte": b"A",
    "text": b"to be or not to be\n" * 9,
    "zeros": b"\0" * 500,
    "ones": b"\xff" * 500,
    "arrow magic alone": b"ARROW1\0\0ARROW1",
    "arrow footer longer than the file": b"ARROW1\0\0" + b"\0" * 99 + struct.pack("<i", 2**31 - 1) + b"ARROW1",
    "arrow footer of negative length": b"ARROW1\0\0" + b"\0" * 99 + struct.pack("<i", -8) + b"ARROW1",
    "arrow footer of noise": b"ARROW1\0\0" + b"\x5a" * 99 + struct.pack("<i", 64) + b"ARROW1",
    "npy magic alone": b"\x93NUMPY",
    "npy header longer than the file": b"\x93NUMPY\x01\x00\xff\xff{",
    "npy of python objects": b"\x93NUMPY\x01\x00\x46\x00"
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }".ljust(69)
    + b"\n",
    "npy of a huge shape": b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }".ljust(117)
    + b"\n",
    "header of huge numbers": b"1000000000000000000 300\na " + b"\0" * 1200,
    "header of overflowing numbers": b"9223372036854775807 9223372036854775807\n",
    "header of many words": b"1000000000 1\na 1\n",
    "header of many dimensions": b"1 1000000000\na 1\n",
    "header of negative numbers": b"-5 10\n",
    "header without dimensions": b"3 0\na\nb\nc\n",
    "header of one number": b"3\n",
    "header of words": b"hello world\n",
    "header without end": b"3 4" * 100,
    "fewer words than announced": b"3 1\na 1\nb 2\n",
    "fewer values than announced": b"2 2\na 1 2\nb 3\n",
    "no number": b"2 2\na 1 2\nb 3 four\n",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_refused_by_name(ending: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / f"garbage{ending}"
    path.write_bytes(GARBAGE[what])
    (tmp_path / "garbage.vocab.txt").write_text("a 1\n")
    with pytest.raises((ValueError, OSError), match=f"garbage{ending}"):
        pg.KeyedVectors.load(path)


@pytest.mark.parametrize("ending", [".arrow", ".npy", ".bin", ".vec.gz", ".bin.gz", ".parquet", ".npz", ".safetensors"])
def test_a_cut_file_is_refused_wherever_it_is_cut(ending: str, small: Path, tmp_path: Path) -> None:
    whole = (small / f"v{ending}").read_bytes()
    (tmp_path / "v.vocab.txt").write_bytes((small / "v.vocab.txt").read_bytes())
    # gensim's binary files end without the last line break, so ours may be cut there.
    for length in range(len(whole) - 1):
        path = tmp_path / f"v{ending}"
        path.write_bytes(whole[:length])
        with pytest.raises((ValueError, OSError), match=f"v{ending}"):
            pg.KeyedVectors.load(path)
        path.unlink()


@pytest.mark.parametrize(
    "vocabulary",
    [
        "",
        "a 1\n",
        "a 1\nb 2\nc 3\nd 4\ne 5\n",
        "a 1\nb\nc 3\nd 4\n",
        "a 1\nb -2\nc 3\nd 4\n",
        "a 1\nb 99999999999999999999\nc 3\nd 4\n",
    ],
    ids=["empty", "short", "long", "no count", "negative count", "huge count"],
)
def test_a_vocabulary_that_does_not_fit_its_matrix_is_refused(vocabulary: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((4, 3), np.float32))
    (tmp_path / "v.vocab.txt").write_text(vocabulary)
    with pytest.raises(ValueError, match="v.(npy|vocab.txt)"):
        pg.KeyedVectors.load(tmp_path / "v.npy")


def test_a_matrix_without_its_words_is_refused_by_the_name_of_what_is_missing(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((4, 3), np.float32))
    with pytest.raises(FileNotFoundError, match="v.vocab.txt"):
        pg.KeyedVectors.load(tmp_path / "v.npy")


@pytest.mark.parametrize(
    "array",
    [
        np.ones((1, 3), np.int32),
        np.ones((1, 3), np.complex64),
        np.ones(3, np.float32),
        np.ones((1, 1, 3), np.float32),
    ],
    ids=["integers", "complex", "one axis", "three axes"],
)
def test_an_array_of_another_kind_is_refused_with_what_it_is(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", array)
    (tmp_path / "v.vocab.txt").write_text("a 1\n")
    with pytest.raises(ValueError, match="v.npy: holds .*expected a matrix of float16, float32 or float64"):
        pg.KeyedVectors.load(tmp_path / "v.npy")


WORDS, COUNTS = pa.array(["a", "b"]), pa.array([2, 1], pa.uint64())
VECTORS = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"count": COUNTS, "vector": VECTORS}, 'no column of strings or integers for the keys; it has "count"'),
        ({"word": WORDS, "count": COUNTS}, "no column of lists of floats"),
        ({"word": pa.array([1.5, 2.5]), "count": COUNTS, "vector": VECTORS}, 'for the keys; it has "word": Float64'),
        ({"word": pa.array(["a", None]), "count": COUNTS, "vector": VECTORS}, '"word": row 1 is null'),
        ({"word": pa.array(["a", "a"]), "vector": VECTORS}, 'a key in more than one row: "a" is also in row 1'),
        ({"word": WORDS, "count": pa.array(["x", "y"]), "vector": VECTORS}, 'column "count" is Utf8'),
        ({"word": WORDS, "count": pa.array([1, -2]), "vector": VECTORS}, '"count": row 1 is null or negative'),
        ({"word": WORDS, "vector": pa.array([[1.0], [2.0, 3.0]])}, 'column "vector": row 1 has 2 values; expected 1'),
        ({"word": WORDS, "vector": pa.array([[1.0], []])}, 'column "vector": row 1 has no values'),
        ({"word": WORDS, "vector": pa.array([[1.0], [1e300]])}, "row 1 has a value that is beyond float32"),
        ({"word": WORDS, "vector": pa.array([[1], [2]])}, 'column "vector" is List.Int64.*; expected lists of floats'),
        ({"word": WORDS, "vector": pa.array([[1.0, 2.0], None], VECTORS.type)}, '"vector": row 1 is null'),
        ({"word": WORDS, "vector": pa.array([[1.0, 2.0], None])}, '"vector": row 1 is null'),
        ({"word": WORDS, "vector": pa.array([[1.0, 2.0], [None, 3.0]], VECTORS.type)}, "vector in row 1 has a null"),
        (
            {"word": WORDS, "vector": pa.array([[], []], pa.list_(pa.float32(), 0))},
            "row 0 has no values|misaligned row",
        ),
        ({"tokens": pa.array([["a"], ["b"]])}, 'no column of lists of floats .* it has "tokens"'),
        ({"a": WORDS, "b": WORDS, "vector": VECTORS}, r'several columns could be the keys: \["a", "b"\].*key_column='),
        ({"word": WORDS, "a": VECTORS, "b": VECTORS}, r'could be the vectors: \["a", "b"\].*vector_column='),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
@pytest.mark.parametrize("ending", [".arrow", ".parquet"])
def test_a_table_of_other_columns_is_refused_with_what_is_at_fault(
    ending: str, columns: dict[str, pa.Array], said: str, tmp_path: Path
) -> None:
    table = pa.table(columns)
    if ending == ".arrow":
        with pa.ipc.new_file(tmp_path / "v.arrow", table.schema) as file:
            file.write_table(table)
    else:
        pq.write_table(table, tmp_path / "v.parquet")
    with pytest.raises(ValueError, match=f"v{ending}: .*{said}"):
        pg.KeyedVectors.load(tmp_path / f"v{ending}")


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_compressed_arrow_file_is_read_or_refused_with_the_remedy(codec: str, small: Path, tmp_path: Path) -> None:
    table = pa.ipc.open_file(small / "v.arrow").read_all()
    with pa.ipc.new_file(tmp_path / "v.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as file:
        file.write_table(table)
    try:
        wv = pg.KeyedVectors.load(tmp_path / "v.arrow")
    except ValueError:
        with pytest.raises(ValueError, match="v.arrow.*compressed"):
            pg.KeyedVectors.load(tmp_path / "v.arrow")
    else:
        assert np.array_equal(wv.vectors, pg.KeyedVectors.load(small / "v.arrow").vectors)
