"""Bundles: named arrays and values in a directory or one file."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from object_store import Bucket

import polargram as pg

Listing = Callable[[Path], list[str]]
PLACES = ["b", "b.zip", "b.npz"]

ARRAYS = st.builds(
    lambda array, order: np.array(array, order=order),
    hnp.arrays(
        st.sampled_from(["<f4", ">f8", "<f2", "|b1", "|u1", ">i2", "<i8", "<c8", "|S3", "<U2", "<M8[D]"]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    ),
    st.sampled_from("CF"),
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["__float__", "__dict__"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=9,
)
BUNDLES = st.dictionaries(TEXT, ARRAYS | VALUES | st.dictionaries(TEXT, ARRAYS, min_size=1, max_size=3), max_size=5)


def assert_same(ours: Any, theirs: Any) -> None:
    """The same types, values and bits, in the same order."""
    if isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        assert np.ascontiguousarray(ours).tobytes() == np.ascontiguousarray(theirs).tobytes()
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name in theirs:
            assert_same(ours[name], theirs[name])
    else:
        assert type(ours) is type(theirs)
        assert repr(ours) == repr(theirs)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=BUNDLES, place=st.sampled_from(PLACES), mmap=st.sampled_from(["r", "c", None]))
def test_everything_comes_back(values: dict[str, Any], place: str, mmap: Any, tmp_path: Path) -> None:
    pg.Bundle.save(tmp_path / place, values)
    assert_same(pg.Bundle.load(tmp_path / place, mmap=mmap), values)


@pytest.mark.parametrize("place", PLACES)
def test_arrays_are_mapped_if_asked_and_copied_otherwise(place: str, tmp_path: Path) -> None:
    values = {"big": np.arange(30_000.0).reshape(100, 300), "parts": {"a": np.ones(3, np.float32)}}
    pg.Bundle.save(tmp_path / place, values)
    for mmap, kind, is_writable in (("r", np.memmap, False), ("c", np.memmap, True), (None, np.ndarray, True)):
        got = pg.Bundle.load(tmp_path / place, mmap=mmap)
        for array in (got["big"], got["parts"]["a"]):
            assert type(array) is kind
            assert array.flags.writeable == is_writable
            assert array.flags.aligned
    with pytest.raises(ValueError, match="mmap"):
        pg.Bundle.load(tmp_path / place, mmap="r+")


@pytest.mark.parametrize("place", PLACES)
def test_ignored_arrays_are_not_touched(place: str, tmp_path: Path) -> None:
    values = {"a": np.ones(3), "parts": {"b": np.ones(3), "c": np.ones(2)}, "n": 1}
    pg.Bundle.save(tmp_path / place, values)
    if place == "b":
        (tmp_path / "b" / "a.npy").unlink()
        (tmp_path / "b" / "parts.b.npy").write_bytes(b"garbage")
        with pytest.raises(ValueError, match=r"parts\.b\.npy"):
            pg.Bundle.load(tmp_path / "b", ignore=["a"])
        with pytest.raises(FileNotFoundError, match=r"a\.npy"):
            pg.Bundle.load(tmp_path / "b")
    got = pg.Bundle.load(tmp_path / place, mmap="r", ignore=["a", "parts.b", "none"])
    assert_same(got, {"parts": {"c": np.ones(2)}, "n": 1})


@pytest.mark.parametrize("place", ["b.zip", "b.npz"])
def test_numpy_sees_the_arrays_of_one_file_and_zip_finds_no_fault(place: str, tmp_path: Path) -> None:
    values = {"v": np.arange(6).reshape(2, 3), "parts": {"a": np.asfortranarray(np.eye(3))}, "n": 1}
    pg.Bundle.save(tmp_path / place, values)
    with np.load(tmp_path / place, allow_pickle=False) as arrays:
        assert np.array_equal(arrays["v"], values["v"])
        assert np.array_equal(arrays["parts.a"], np.eye(3))
    with zipfile.ZipFile(tmp_path / place) as opened:
        assert opened.testzip() is None
        assert json.loads(opened.read("bundle.json"))["format"] == "polargram bundle 1"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("folder", ["", "b/"])
def test_a_directory_that_another_program_zipped_opens(compression: int, folder: str, tmp_path: Path) -> None:
    values = {"v": np.arange(600).reshape(200, 3), "parts": {"a": np.eye(3)}, "n": math.inf}
    pg.Bundle.save(tmp_path / "b", values)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", compression) as opened:
        for path in sorted((tmp_path / "b").iterdir()):
            opened.write(path, folder + path.name)
    for mmap in ("r", None):
        assert_same(pg.Bundle.load(tmp_path / "z.zip", mmap=mmap), {**values, "v": np.arange(600).reshape(200, 3)})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_that_numpy_zipped_open(save: Callable[..., None], tmp_path: Path) -> None:
    save(tmp_path / "z.npz", a=np.arange(3), b=np.eye(2))
    assert_same(pg.Bundle.load(tmp_path / "z.npz", mmap="r"), {"a": np.arange(3), "b": np.eye(2)})


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
REFUSED = {
    "object": object(),
    "set": {1, 2},
    "bytes": b"x",
    "complex": 1j,
    "a type": int,
    "objects": np.array([None, "a"]),
    "structures": np.zeros(2, dtype=[("a", "<f4")]),
    "masked": np.ma.masked_array([1, 2], [True, False]),
    "a list of arrays": [np.ones(2)],
    "two levels": {"a": {"b": np.ones(2)}},
    "keys that are no text": {1: 2},
    "a set within": {"a": [1, {2}]},
    "a set beside arrays": {"a": np.ones(2), "b": {2}},
    "a large integer": 2**64,
    "half a character": "\ud800",
    "a circle": CIRCLE,
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_bundle_cannot_hold_is_refused_before_anything_is_written(
    what: str, place: str, tmp_path: Path, listing: Listing
) -> None:
    with pytest.raises((TypeError, ValueError), match="odd"):
        pg.Bundle.save(tmp_path / place, {"v": np.ones(3), "odd": REFUSED[what]})
    assert listing(tmp_path) == []


def test_names_that_are_no_file_names_are_kept(tmp_path: Path) -> None:
    names = ["../up", "/root", "", ".", "a.b", "A", "a", "é" * 200, "nul\0", "bundle.json", "x" * 300, "x" * 299 + "y"]
    values = {name: np.full(2, number) for number, name in enumerate(names)}
    for place in PLACES:
        pg.Bundle.save(tmp_path / place, values)
        assert_same(pg.Bundle.load(tmp_path / place), values)
    files = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert len({name.lower() for name in files}) == len(names) + 1
    with pytest.raises(TypeError, match="expected a string"):
        pg.Bundle.save(tmp_path / "c", {1: 2})


def test_numpys_numbers_and_tuples_become_pythons(tmp_path: Path) -> None:
    pg.Bundle.save(tmp_path / "b", {"a": np.float64(0.1), "b": np.int32(3), "c": (1, 2), "d": np.bool_(True)})
    assert_same(pg.Bundle.load(tmp_path / "b"), {"a": 0.1, "b": 3, "c": [1, 2], "d": True})


def test_a_newer_bundle_replaces_an_older_one_and_leaves_what_is_not_its_own(tmp_path: Path, listing: Listing) -> None:
    pg.Bundle.save(tmp_path / "b", {"old": np.ones(3), "v": np.ones(3)})
    (tmp_path / "b" / "notes.npy").write_bytes(b"mine")
    mapped = pg.Bundle.load(tmp_path / "b", mmap="r")["v"]
    pg.Bundle.save(tmp_path / "b", {"v": np.zeros(3)})
    assert listing(tmp_path / "b") == ["bundle.json", "notes.npy", "v.npy"]
    assert listing(tmp_path) == ["b"]
    assert mapped.tolist() == [1, 1, 1]


def test_what_is_no_bundle_is_not_replaced(tmp_path: Path, listing: Listing) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("years")
    model = pg.Word2Vec([["a", "b"]] * 9, vector_size=2)
    model.save(tmp_path / "model")
    before = listing(tmp_path / "model")
    for place in ("thesis", "model"):
        with pytest.raises(ValueError, match=f"{place}: is not a bundle's directory"):
            pg.Bundle.save(tmp_path / place, {"v": np.ones(3)})
    pg.Bundle.save(tmp_path / "b", {"v": np.ones(3)})
    with pytest.raises(ValueError, match="not a model"):
        model.save(tmp_path / "b")
    assert listing(tmp_path / "thesis") == ["text"]
    assert listing(tmp_path / "model") == before
    with pytest.raises(FileNotFoundError, match=r"none.bundle\.json|none"):
        pg.Bundle.load(tmp_path / "none")


@pytest.mark.parametrize("mmap", ["r", None])
def test_a_saved_model_is_a_bundle(mmap: Any, tmp_path: Path) -> None:
    model = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=4, hs=1, workers=1)
    model.save(tmp_path / "model")
    got = pg.Bundle.load(tmp_path / "model", mmap=mmap)
    assert list(got) == ["config", "vectors", "output", "nodes"]
    assert got["config"]["config"]["vector_size"] == 4
    assert isinstance(got["vectors"], pg.KeyedVectors)
    assert np.array_equal(got["vectors"].vectors, model.wv.vectors)
    assert np.array_equal(got["output"], model.syn1neg)
    assert np.array_equal(got["nodes"], model.syn1)
    assert isinstance(got["nodes"], np.memmap) == (mmap == "r")
    shutil.make_archive(str(tmp_path / "model"), "zip", tmp_path, "model")
    zipped = pg.Bundle.load(tmp_path / "model.zip", mmap=mmap)
    assert np.array_equal(zipped["vectors"].vectors, model.wv.vectors)
    assert np.array_equal(zipped["nodes"], model.syn1)


def test_a_model_without_a_bundles_description_loads_as_before(tmp_path: Path) -> None:
    model = pg.Word2Vec([["a", "b", "c"]] * 9, vector_size=4)
    model.save(tmp_path / "model")
    (tmp_path / "model" / "bundle.json").unlink()
    assert np.array_equal(pg.Word2Vec.load(tmp_path / "model").wv.vectors, model.wv.vectors)
    model.save(tmp_path / "model")
    assert (tmp_path / "model" / "bundle.json").exists()


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members:
            opened.writestr(name, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([("../evil.npy", b"x")], "leads out"),
        ([("/evil.npy", b"x")], "leads out"),
        ([("a/../../evil.npy", b"x")], "leads out"),
        ([("a.npy", b"x"), ("a.npy", b"y")], "twice"),
        ([("other", b"x")], "not a bundle"),
        ([("a.npy", b"x")], r"a\.npy: ends within its header"),
        ([("bundle.json", b"{")], r"bundle\.json: is not a description"),
        ([("bundle.json", b'{"format": "polargram bundle 9", "entries": []}')], "this program reads"),
    ],
    ids=str,
)
def test_hostile_zip_files_are_refused_by_name(members: list[tuple[str, bytes]], fault: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", *members)
    with pytest.raises(ValueError, match=fault) as refused:
        pg.Bundle.load(path)
    assert "z.zip" in str(refused.value)
    assert sorted(os.listdir(tmp_path)) == ["z.zip"]


def test_a_zip_bomb_is_refused_and_a_lie_about_a_size_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.npy", b"\0" * (200 << 20))
    with pytest.raises(ValueError, match="zip bombs"):
        pg.Bundle.load(tmp_path / "bomb.zip")
    np.savez_compressed(tmp_path / "z.npz", a=np.arange(5000))
    content = bytearray((tmp_path / "z.npz").read_bytes())
    at = content.rfind(b"PK\x01\x02")
    for lie in (0, 100, 10**6, 2**32 - 2):
        content[at + 24 : at + 28] = lie.to_bytes(4, "little")
        (tmp_path / "lie.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"lie\.npz"):
            pg.Bundle.load(tmp_path / "lie.npz")


@pytest.mark.parametrize("content", [b"", b"garbage" * 50, b"PK\x03\x04" + b"\0" * 60, b"PK\x05\x06" + b"\xff" * 18])
def test_garbage_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "g.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"g\.zip"):
        pg.Bundle.load(tmp_path / "g.zip")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "bundle.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"bundle\.json"):
        pg.Bundle.load(tmp_path / "b")


@pytest.mark.parametrize("file", ["../secret.npy", "/etc/hosts", "sub/x.npy", "", "."])
def test_a_description_that_leads_elsewhere_is_refused(file: str, tmp_path: Path) -> None:
    pg.Bundle.save(tmp_path / "b", {"v": np.ones(2)})
    path = tmp_path / "b" / "bundle.json"
    path.write_text(path.read_text().replace("v.npy", file))
    with pytest.raises(ValueError, match=r"bundle\.json.*not one in its directory"):
        pg.Bundle.load(tmp_path / "b")


FULL_DISK = """
import resource, sys
import numpy as np
import polargram as pg
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    pg.Bundle.save(sys.argv[1], {"small": np.ones(3), "big": np.ones(10**5)})
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(("place", "named"), [("b", "b/big.npy"), ("b.zip", "b.zip")])
def test_a_full_disk_leaves_the_old_bundle(
    place: str, named: str, python: Callable[..., Any], here: Path, listing: Listing
) -> None:
    pg.Bundle.save(place, {"n": 1})
    before = listing(here)
    done = python("-c", FULL_DISK, place, cwd=here)
    assert done.stdout == f"cannot write {named}: File too large (os error 27)\n", done.stderr
    assert pg.Bundle.load(place) == {"n": 1}
    assert listing(here) == before


WRITES = """
import itertools, sys
import numpy as np
import polargram as pg
for number in itertools.count(1):
    arrays = {f"a{at}": np.full(20_000, number) for at in range(5 + number % 3)}
    pg.Bundle.save(sys.argv[1], {"n": number, "arrays": arrays})
    print(number, flush=True)
"""


@pytest.mark.parametrize("place", ["b", "b.npz"])
def test_a_process_that_is_killed_leaves_the_old_bundle_or_the_new_one(place: str, here: Path) -> None:
    for pause in np.random.default_rng(5).uniform(0, 0.05, 10):
        writing = subprocess.Popen([sys.executable, "-c", WRITES, place], cwd=here, stdout=subprocess.PIPE)
        assert writing.stdout is not None
        writing.stdout.readline()
        time.sleep(pause)
        os.kill(writing.pid, signal.SIGKILL)
        writing.wait()
        got = pg.Bundle.load(place)
        assert len(got["arrays"]) == 5 + got["n"] % 3
        assert all((array == got["n"]).all() for array in got["arrays"].values())
    if place == "b":
        pg.Bundle.save(place, {"n": 0})
        assert sorted(os.listdir(here)) == ["b"]
        assert sorted(os.listdir("b")) == ["bundle.json"]


@pytest.mark.parametrize("place", ["b", "b.zip"])
def test_bundles_go_to_stores_and_back(place: str, bucket: Bucket, folder: str) -> None:
    values = {"v": np.arange(300.0).reshape(3, 100), "parts": {"a": np.ones(3)}, "n": 1}
    url = bucket.url(f"{folder}{place}")
    options = {"storage_options": bucket.options}
    pg.Bundle.save(url, {"old": np.ones(2), **values}, **options)
    pg.Bundle.save(url, values, **options)
    got = pg.Bundle.load(url, mmap="r", **options)
    assert_same(got, values)
    assert isinstance(got["v"], np.memmap)
    assert list(pg.Bundle.load(url, ignore=["v", "parts"], **options)) == ["n"]
    with pytest.raises(OSError, match="none"):
        pg.Bundle.load(bucket.url(f"{folder}none"), **options)
