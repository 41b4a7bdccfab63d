"""``.npy`` files that are streamed, read by blocks, mapped and made of bare buffers; NumPy is the reference."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import polargram as pg

Listing = Callable[[Path], list[str]]

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    *(make(endianness=order) for make in (hnp.integer_dtypes, hnp.unsigned_integer_dtypes) for order in "<>"),
    *(make(endianness=order) for make in (hnp.floating_dtypes, hnp.complex_number_dtypes) for order in "<>"),
    *(hnp.byte_string_dtypes(min_len=1), hnp.unicode_string_dtypes(min_len=1), hnp.datetime64_dtypes()),
)
#: Any array with rows, in either order.
ARRAYS = st.tuples(
    hnp.arrays(DTYPES, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9)), st.sampled_from("CF")
).map(lambda both: np.array(both[0], order=both[1]))

thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> bool:
    """True for the same bits in the same shape and type."""
    return (
        ours.dtype == theirs.dtype
        and ours.shape == theirs.shape
        and np.ascontiguousarray(ours).tobytes() == np.ascontiguousarray(theirs).tobytes()
    )


@thorough
@given(array=ARRAYS, rows=st.integers(1, 12))
def test_blocks_are_the_rows_that_numpy_saved(array: np.ndarray[Any, Any], rows: int, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    blocks = list(pg.npy.blocks(tmp_path / "a.npy", rows=rows))
    assert [len(block) for block in blocks] == [min(rows, len(array) - at) for at in range(0, len(array), rows)]
    for number, block in enumerate(blocks):
        assert same(block, array[number * rows : (number + 1) * rows])
        block.flags.writeable = True


@thorough
@given(array=ARRAYS, cuts=st.lists(st.integers(1, 4)), is_known=st.booleans())
def test_numpy_loads_the_rows_that_were_appended(
    array: np.ndarray[Any, Any], cuts: list[int], is_known: bool, tmp_path: Path
) -> None:
    shape = (len(array) if is_known else None, *array.shape[1:])
    if 0 in shape[1:]:
        with pytest.raises(ValueError, match="no values"):
            pg.npy.Writer(tmp_path / "w.npy", shape=shape, dtype=array.dtype)
        return
    with pg.npy.Writer(tmp_path / "w.npy", shape=shape, dtype=array.dtype) as writer:
        start = 0
        for cut in [*cuts, len(array)]:
            writer.append(array[start : start + cut])
            start += cut
            assert len(writer) == min(start, len(array))
    assert same(np.load(tmp_path / "w.npy", allow_pickle=False), array)


@thorough
@given(array=ARRAYS, mode=st.sampled_from(["r", "c", "r+", None]))
def test_a_mapped_array_is_what_numpy_loads(array: np.ndarray[Any, Any], mode: str | None, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    mapped = pg.npy.open(tmp_path / "a.npy", mmap=mode)
    assert same(np.asarray(mapped), array)
    assert isinstance(mapped, np.memmap) == (mode is not None)
    assert mapped.flags.writeable == (mode != "r")


@thorough
@given(array=ARRAYS)
def test_a_bare_buffer_becomes_the_array_that_it_holds(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "x.mm").write_bytes(array.tobytes())
    pg.npy.from_raw(tmp_path / "x.mm", tmp_path / "x.npy", dtype=array.dtype, shape=array.shape)
    assert same(np.load(tmp_path / "x.npy", allow_pickle=False), array)


def test_changes_of_a_mapped_array_go_where_the_mode_says(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(9))
    pg.npy.open(tmp_path / "a.npy", mmap="c")[0] = 1
    assert np.load(tmp_path / "a.npy")[0] == 0
    pg.npy.open(tmp_path / "a.npy", mmap="r+")[0] = 1
    assert np.load(tmp_path / "a.npy")[0] == 1


OBJECTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text("ab", max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


def object_array(objects: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
    array = np.empty(len(objects), dtype=object)
    array[:] = objects
    return array if shape is None else array.reshape(shape)


@thorough
@given(objects=st.lists(OBJECTS, max_size=6), is_fortran=st.booleans())
def test_objects_come_one_by_one_as_they_were_saved(objects: list[Any], is_fortran: bool, tmp_path: Path) -> None:
    array = np.empty((len(objects), 2), dtype=object)
    for row, value in enumerate(objects):
        array[row, 0] = array[row, 1] = value
    np.save(tmp_path / "o.npy", np.asfortranarray(array) if is_fortran else array, allow_pickle=True)
    got = list(pg.npy.blocks(tmp_path / "o.npy"))
    assert repr(got) == repr([value for value in objects for _ in range(2)])


def test_arrays_and_numbers_of_numpy_are_objects_too(tmp_path: Path) -> None:
    inner = [np.arange(6, dtype=">i2").reshape(2, 3), np.asfortranarray(np.eye(3)), np.array(["ab", "c"]), np.array([])]
    np.save(tmp_path / "o.npy", object_array([*inner, np.float32(0.5), [np.ones(2)]]), allow_pickle=True)
    got = list(pg.npy.blocks(tmp_path / "o.npy"))
    for ours, theirs in zip(got[:4], inner, strict=True):
        assert same(ours, theirs)
    assert isinstance(got[4], np.float32)
    assert got[4] == 0.5
    assert same(got[5][0], np.ones(2))


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch hacked",)


@pytest.mark.parametrize(
    ("odd", "name"), [(Evil(), "posix.system"), ({1, 2}, "a set"), (Path("x"), "PosixPath"), (os.system, "system")]
)
def test_an_object_of_another_class_is_named_and_nothing_is_run(odd: Any, name: str, here: Path) -> None:
    np.save("o.npy", object_array([1, odd, 2]), allow_pickle=True)
    objects = iter(pg.npy.blocks("o.npy"))
    assert next(objects) == 1
    with pytest.raises(ValueError, match=name) as refused:
        next(objects)
    assert "o.npy" in str(refused.value)
    assert list(objects) == []
    assert not Path("hacked").exists()
    with pytest.raises(ValueError, match=r"holds \|O"):
        pg.npy.open("o.npy")


def test_cut_and_nested_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", object_array([["a"], ["b", 1.5]]), allow_pickle=True)
    whole = (tmp_path / "o.npy").read_bytes()
    for cut in range(len(whole)):
        (tmp_path / "o.npy").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"o\.npy"):
            list(pg.npy.blocks(tmp_path / "o.npy"))
    nested: list[Any] = []
    for _ in range(200):
        nested = [nested]
    doubled: list[Any] = [1]
    for _ in range(40):
        doubled = [doubled, doubled]
    circle: list[Any] = []
    circle.append(circle)
    for odd in (nested, doubled, circle):
        np.save(tmp_path / "o.npy", object_array([odd, 1]), allow_pickle=True)
        with pytest.raises(ValueError, match=r"o\.npy"):
            list(pg.npy.blocks(tmp_path / "o.npy"))


def test_arrays_without_axes_open_and_have_no_blocks(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.float32(3))
    assert pg.npy.open(tmp_path / "a.npy") == 3
    with pytest.raises(ValueError, match=r"a\.npy: holds a single value"):
        pg.npy.blocks(tmp_path / "a.npy")


def test_what_is_appended_must_have_the_shape_and_a_type_that_fits(tmp_path: Path, listing: Listing) -> None:
    with pg.npy.Writer(tmp_path / "w.npy", (None, 3), "<i4") as writer:
        writer.append([[1, 2, 3]])
        for wrong in ([[1, 2]], [1, 2, 3], np.zeros((1, 3, 1), np.int32)):
            with pytest.raises(ValueError, match="rows: have the shape"):
                writer.append(wrong)
        for other in (np.zeros((1, 3)), np.zeros((1, 3), np.complex64)):
            with pytest.raises(TypeError, match="without loss"):
                writer.append(other)
        writer.append(np.ones((4, 6), np.int16)[::2, ::2])
    assert np.load(tmp_path / "w.npy").tolist() == [[1, 2, 3], [1, 1, 1], [1, 1, 1]]
    (tmp_path / "w.npy").unlink()
    writer = pg.npy.Writer(tmp_path / "w.npy", (2, 3), np.float32)
    writer.append(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="would make 3 rows"):
        writer.append(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="1 were appended"):
        writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append(np.zeros((1, 3)))
    assert listing(tmp_path) == []


@pytest.mark.parametrize("dtype", [object, "V8", [("a", "<f4")], "S0"])
def test_types_that_are_no_numbers_are_refused(dtype: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dtype"):
        pg.npy.Writer(tmp_path / "w.npy", (None,), dtype)
    with pytest.raises(ValueError, match="dtype"):
        pg.npy.from_raw(__file__, tmp_path / "w.npy", dtype, (None,))


@pytest.mark.parametrize("shape", [(), (None, None), (-1, 2), (1.5,), ("3",), (2**63,), (2**40, 2**40), (1,) * 33])
def test_shapes_that_cannot_be_are_refused(shape: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shape"):
        pg.npy.Writer(tmp_path / "w.npy", shape, np.float32)


def test_a_block_that_raises_leaves_the_old_file(tmp_path: Path, listing: Listing) -> None:
    (tmp_path / "w.npy").write_bytes(b"old")

    def fail() -> None:
        with pg.npy.Writer(tmp_path / "w.npy", (None, 2), np.float32) as writer:
            writer.append(np.zeros((100_000, 2)))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    writer = pg.npy.Writer(tmp_path / "w.npy", (None, 2), np.float32)
    writer.append(np.zeros((100_000, 2)))
    del writer
    assert listing(tmp_path) == ["w.npy"]
    assert (tmp_path / "w.npy").read_bytes() == b"old"


def test_urls_of_stores_are_refused_and_file_urls_are_paths(tmp_path: Path) -> None:
    for call in (
        lambda: pg.npy.Writer("s3://bucket/w.npy", (None,), "<f4"),
        lambda: pg.npy.blocks("s3://bucket/w.npy"),
        lambda: pg.npy.open("s3://bucket/w.npy"),
        lambda: pg.npy.from_raw("s3://bucket/x", tmp_path / "w.npy", "<f4", (None,)),
        lambda: pg.npy.from_raw(__file__, "s3://bucket/w.npy", "|u1", (None,)),
    ):
        with pytest.raises(ValueError, match="copy it to this machine"):
            call()
    np.save(tmp_path / "a.npy", np.arange(3))
    assert pg.npy.open(f"file://{tmp_path}/a.npy").tolist() == [0, 1, 2]


def test_arguments_that_cannot_be_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    for rows in (0, -1, 1.5, None):
        with pytest.raises(ValueError, match="rows"):
            pg.npy.blocks(tmp_path / "a.npy", rows=rows)  # type: ignore[arg-type]
    for mode in ("w", "w+", "rb", 1):
        with pytest.raises(ValueError, match="mmap"):
            pg.npy.open(tmp_path / "a.npy", mmap=mode)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"none\.npy"):
        pg.npy.open(tmp_path / "none.npy")
    with pytest.raises(OSError, match="directory"):
        pg.npy.Writer(tmp_path, (None,), "<f4")


def header(text: str, version: int = 1, length: int | None = None) -> bytes:
    """The start of a file."""
    encoded = text.encode() + b"\n"
    number = len(encoded) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", number) + encoded


PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
HOSTILE = {
    "empty": b"",
    "magic alone": b"\x93NUMPY",
    "another file": b"PK\x03\x04" + b"\0" * 99,
    "unknown version": header(PLAIN, 4) + b"\0" * 8,
    "cut": header(PLAIN) + b"\0" * 7,
    "followed": header(PLAIN) + b"\0" * 9,
    "header longer than the file": header(PLAIN, 1, 60_000),
    "huge header": header(PLAIN, 2, 2**32 - 1),
    "not a dictionary": header("[1, 2]"),
    "a call": header("__import__('os').system('touch hacked')"),
    "a call within": header(PLAIN.replace("(2,)", "(__import__('os').system('touch hacked'),)")),
    "keys twice": header(PLAIN[:-1] + "'shape': (3,), }") + b"\0" * 12,
    "other keys": header(PLAIN[:-1] + "'x': 1, }") + b"\0" * 8,
    "missing key": header("{'descr': '<f4', 'shape': (2,), }") + b"\0" * 8,
    "negative": header(PLAIN.replace("(2,)", "(-2,)")) + b"\0" * 8,
    "negative twice": header(PLAIN.replace("(2,)", "(-2, -1)")) + b"\0" * 8,
    "overflow to nothing": header(PLAIN.replace("(2,)", "(4294967296, 4294967296)")),
    "overflow beside nothing": header(PLAIN.replace("(2,)", "(0, 4294967296, 4294967296)")),
    "too many digits": header(PLAIN.replace("(2,)", f"({'9' * 40},)")),
    "a huge shape": header(PLAIN.replace("(2,)", "(1000000000000000000,)")),
    "many axes": header(PLAIN.replace("(2,)", "(" + "1, " * 65 + ")")) + b"\0" * 4,
    "an unknown type": header(PLAIN.replace("<f4", "<q4")) + b"\0" * 8,
    "a wide type": header(PLAIN.replace("<f4", "<U4294967295")) + b"\0" * 8,
    "a structure": header(PLAIN.replace("'<f4'", "[('a', '<f4')]")) + b"\0" * 8,
    "invalid UTF-8": header(PLAIN, 3).replace(b"f4", b"\xff4") + b"\0" * 8,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_named_and_nothing_is_run(what: str, here: Path) -> None:
    Path("h.npy").write_bytes(HOSTILE[what])
    tracemalloc.start()
    for read in (lambda: pg.npy.open("h.npy"), lambda: list(pg.npy.blocks("h.npy"))):
        with pytest.raises(ValueError, match=r"h\.npy: ") as refused:
            read()
        assert "\n" not in str(refused.value)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
    assert not Path("hacked").exists()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_header_is_read(version: int, tmp_path: Path) -> None:
    values = np.arange(2, dtype="<f4")
    (tmp_path / "v.npy").write_bytes(header(PLAIN + "é" * 0 + " " * 99, version) + values.tobytes())
    assert same(np.asarray(pg.npy.open(tmp_path / "v.npy")), values)


#: The peak memory of reading or making a large file, in a process of its own.
MEMORY = """
import resource, sys
import numpy as np
import polargram as pg
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) << 10
before = peak()
{work}
print(peak() - before)
"""
WORK = {
    "write": "with pg.npy.Writer('o.npy', (None, 256), '<f4') as w:\n"
    "    for _ in range(400): w.append(np.ones((640, 256), '<f4'))",
    "blocks": "sum(float(block[0, 0]) for block in pg.npy.blocks('c.npy', rows=4096))",
    "Fortran blocks": "sum(float(block[0, 0]) for block in pg.npy.blocks('f.npy', rows=4096))",
    "from_raw": "pg.npy.from_raw('c.npy', 'o.npy', '|u1', (None,))",
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("work", WORK)
def test_memory_does_not_grow_with_the_file(work: str, python: Callable[..., Any], here: Path) -> None:
    array = np.ones((256_000, 256), np.float32)
    if "blocks" in work or work == "from_raw":
        name = "f.npy" if "Fortran" in work else "c.npy"
        np.save(name, np.asfortranarray(array) if "Fortran" in work else array)
    done = python("-c", MEMORY.replace("{work}", WORK[work]), cwd=here)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40 << 20


FULL_DISK = """
import resource, sys
import numpy as np
import polargram as pg
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    {call}
except OSError as error:
    print(error)
"""
FULL = {
    "append": "w = pg.npy.Writer('w.npy', (None,), '<f8'); w.append(np.zeros(10**6))",
    "close": "w = pg.npy.Writer('w.npy', (None,), '<f8'); w.append(np.zeros(10**4)); w.close()",
    "from_raw": "pg.npy.from_raw(sys.executable, 'w.npy', '|u1', (None,))",
}


@pytest.mark.parametrize("call", FULL)
def test_a_full_disk_leaves_the_old_file(call: str, python: Callable[..., Any], here: Path, listing: Listing) -> None:
    Path("w.npy").write_bytes(b"old")
    done = python("-c", FULL_DISK.replace("{call}", FULL[call]), cwd=here)
    assert done.stdout == "cannot write w.npy: File too large (os error 27)\n", done.stderr
    assert listing(here) == ["w.npy"]
    assert Path("w.npy").read_bytes() == b"old"


WRITES = """
import itertools
import numpy as np
import polargram as pg
for number in itertools.count(1):
    with pg.npy.Writer("w.npy", (None, 100), "<i8") as writer:
        for _ in range(20 + number % 7):
            writer.append(np.full((500, 100), number))
    print(number, flush=True)
"""


def test_a_process_that_is_killed_leaves_the_old_file_or_the_new_one(here: Path) -> None:
    pauses = np.random.default_rng(3).uniform(0, 0.05, 12)
    for pause in pauses:
        writing = subprocess.Popen([sys.executable, "-c", WRITES], cwd=here, stdout=subprocess.PIPE)
        assert writing.stdout is not None
        writing.stdout.readline()
        time.sleep(pause)
        os.kill(writing.pid, signal.SIGKILL)
        writing.wait()
        array = np.load("w.npy")
        assert (array == array[0, 0]).all()
        assert array.shape == (500 * (20 + array[0, 0] % 7), 100)
        for left in here.glob(".polargram-*"):
            # Killed before its last rename: it is an array only if it is a whole one.
            try:
                rest = np.load(left, allow_pickle=False)
            except (EOFError, ValueError):
                pass
            else:
                assert rest.shape == (500 * (20 + rest[0, 0] % 7), 100)
                assert (rest == rest[0, 0]).all()
            left.unlink()
