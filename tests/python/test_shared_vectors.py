"""One mapping for each file and process: replaced files are noticed; threads and processes may share it."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import polars as pl
import pytest

import polargram as pg


def look_up(path: object, word: str = "a") -> float | None:
    """The first value of a word's vector, by the expression."""
    # Polars 1 takes the first value of a null vector for 0.
    vector = pl.DataFrame({"w": [word]}).select(pl.col("w").w2v.embed(path)).item()
    return None if vector is None else vector[0]


def one_word(path: Path, value: int, word: str = "a") -> Path:
    """A vectors file of one word and value; values of one digit give files of one length."""
    source = path.with_name("source.txt")
    source.write_text(f"1 1\n{word} {value}\n")
    pg.KeyedVectors.load(source).save(path)
    return path


def test_a_file_replaced_again_and_again_is_noticed_every_time(tmp_path: Path) -> None:
    tables = [pg.KeyedVectors.load(one_word(tmp_path / f"{value}.arrow", value)) for value in (0, 1)]
    for turn in range(60):
        tables[turn % 2].save(tmp_path / "v.arrow")
        assert look_up(tmp_path / "v.arrow") == turn % 2


def test_a_file_replaced_by_one_of_the_same_length_and_time_is_noticed(tmp_path: Path) -> None:
    old, new = one_word(tmp_path / "v.arrow", 1), one_word(tmp_path / "new.arrow", 2)
    assert look_up(old) == 1
    os.utime(new, ns=(0, old.stat().st_mtime_ns))
    new.replace(old)
    assert look_up(old) == 2


def test_a_file_that_is_gone_is_an_error_and_one_that_comes_back_is_read(tmp_path: Path) -> None:
    path = one_word(tmp_path / "v.arrow", 1)
    assert look_up(path) == 1
    path.unlink()
    with pytest.raises(pl.exceptions.PolarsError, match="v.arrow"):
        look_up(path)
    assert look_up(one_word(path, 2)) == 2


def test_a_file_that_was_damaged_at_first_is_read_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "v.arrow").write_text("no vectors at all, but long enough for a trailer")
    with pytest.raises(pl.exceptions.PolarsError, match="v.arrow"):
        look_up(tmp_path / "v.arrow")
    assert look_up(one_word(tmp_path / "v.arrow", 3)) == 3


def test_the_words_of_a_replaced_npy_file_are_noticed_too(tmp_path: Path) -> None:
    path = one_word(tmp_path / "v.npy", 1)
    assert look_up(path) == 1
    one_word(path, 1, word="b")
    assert (look_up(path, "a"), look_up(path, "b")) == (None, 1)


def test_a_symbolic_link_is_followed_to_where_it_points_now(tmp_path: Path) -> None:
    one, two, link = one_word(tmp_path / "1.arrow", 1), one_word(tmp_path / "2.arrow", 2), tmp_path / "latest.arrow"
    link.symlink_to(one)
    assert look_up(link) == 1
    link.unlink()
    link.symlink_to(two)
    assert look_up(link) == 2
    assert look_up(one) == 1


def test_a_relative_path_follows_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (1, 2):
        (tmp_path / str(value)).mkdir()
        one_word(tmp_path / str(value) / "v.arrow", value)
    for value in (1, 2, 1):
        monkeypatch.chdir(tmp_path / str(value))
        assert look_up("v.arrow") == value


def test_two_files_are_used_in_one_query(tmp_path: Path) -> None:
    one, two = one_word(tmp_path / "1.arrow", 1), one_word(tmp_path / "2.arrow", 2)
    frame = pl.DataFrame({"w": ["a"]}).select(x=pl.col("w").w2v.embed(one), y=pl.col("w").w2v.embed(two))
    assert frame.row(0) == ([1.0], [2.0])


def test_many_threads_look_up_at_once_while_the_file_is_replaced(tmp_path: Path) -> None:
    path = one_word(tmp_path / "v.arrow", 0)
    seen: list[list[float | None]] = []

    def watch() -> None:
        seen.append([look_up(path) for _ in range(50)])

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for value in range(1, 9):
        one_word(path, value)
    for thread in threads:
        thread.join(60)
    assert len(seen) == 4
    # A thread may see an old file, but never an older one after a newer one.
    assert all(values == sorted(values) for values in seen)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_of_their_own_look_up_the_same(method: str, tmp_path: Path) -> None:
    path = one_word(tmp_path / "v.arrow", 7)
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        assert list(pool.map(look_up, [path] * 4)) == [7] * 4


#: Does one thing, forks, and does another in the child, which must end by itself within five seconds.
FORK = """
import os, sys, time
import polars as pl
import polargram as pg

path, before, after = sys.argv[1:]
wv = pg.KeyedVectors.load(path)
rows = [[f"word-{i}", "a", "b"] for i in range(20_000)]

def embed():
    assert pl.DataFrame({"w": ["a"]}).select(pl.col("w").w2v.embed(path))["w"].null_count() == 0

def search():
    assert wv["a"].shape == (2,)
    wv.most_similar("a")

def train():
    pg.Word2Vec(rows, vector_size=2, min_count=1, epochs=1, workers=2)

do = {"embed": embed, "search": search, "train": train}
do[before]()
child = os.fork()
if child == 0:
    try:
        do[after]()
    except RuntimeError as refused:
        print("refused:", refused, flush=True)
    print("done", flush=True)
    os._exit(0)
end = time.monotonic() + 5
while os.waitpid(child, os.WNOHANG) == (0, 0):
    if time.monotonic() > end:
        os.kill(child, 9)
        os.waitpid(child, 0)
        sys.exit("the child hangs")
    time.sleep(0.02)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("before", ["embed", "search", "train"])
@pytest.mark.parametrize("after", ["embed", "search", "train"])
def test_a_forked_child_does_its_work_or_says_why_not_and_never_hangs(
    before: str, after: str, python: Callable[..., object], tmp_path: Path
) -> None:
    words = [[f"word-{i}", "a"] for i in range(20_000)]
    pg.Word2Vec(words, vector_size=2, min_count=1, epochs=1).wv.save(tmp_path / "v.arrow")
    done = python("-W", "ignore", "-c", FORK, tmp_path / "v.arrow", before, after)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


#: Looks a word up in each of the files, and does something with each file afterwards.
DAILY = """
import os, pathlib, pickle, shutil, sys
import numpy as np
import polars as pl
import polargram as pg

home, ending, what = pathlib.Path(sys.argv[1]), *sys.argv[2:]
wv = pg.Word2Vec([[f"w{i}" for i in range(500)]], vector_size=32, min_count=1, epochs=1, workers=1).wv
fixed = home / f"fixed{ending}"
wv.save(fixed)

def embed(path):
    assert pl.DataFrame({"w": ["w1"]}).select(pl.col("w").w2v.embed(path))["w"].null_count() == 0

def unpickle(path):
    return pickle.loads(pickle.dumps(pg.KeyedVectors.load(path)))

def mapped():
    with open("/proc/self/maps") as maps:
        return len({line.split()[4] for line in maps if ending in line})

held = []
for day in range(6):
    if what == "a directory is removed":
        (home / "daily").mkdir()
        path = home / "daily" / f"v{ending}"
    elif what == "replaced":
        path = home / f"v{ending}"
    else:
        path = home / f"{day}{ending}"
    wv.save(path)
    embed(path)
    if what == "removed":
        path.unlink()
    elif what == "a directory is removed":
        shutil.rmtree(path.parent)
    elif what == "unpickled and removed":
        embed(path)
        assert unpickle(path)["w1"].shape == (32,)
        path.unlink()
    elif what == "held and removed":
        held.append(unpickle(path))
        path.unlink()
embed(fixed)
print(mapped())
assert all(np.array_equal(vectors["w1"], wv["w1"]) for vectors in held)
held.clear()
embed(fixed)
print(mapped())
"""


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="this system does not say which files are mapped")
@pytest.mark.parametrize("ending", [".arrow", ".npy"])
@pytest.mark.parametrize(
    ("what", "while_held", "at_last"),
    [
        ("removed", 1, 1),
        ("a directory is removed", 1, 1),
        ("replaced", 2, 2),
        ("unpickled and removed", 1, 1),
        ("held and removed", 7, 1),
    ],
)
def test_files_that_are_gone_are_let_go_when_nobody_holds_them(
    what: str, while_held: int, at_last: int, ending: str, python: Callable[..., object], tmp_path: Path
) -> None:
    done = python("-c", DAILY, tmp_path, ending, what)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(while_held), str(at_last)]


def test_a_file_that_is_gone_is_let_go_even_if_it_is_asked_for_again(
    python: Callable[..., object], tmp_path: Path
) -> None:
    code = """
import pathlib, sys
import polars as pl, polargram as pg

path = pathlib.Path(sys.argv[1])
query = pl.LazyFrame({"w": ["a"]}).select(pl.col("w").w2v.embed(path))
query.collect()
path.unlink()
try:
    query.collect()
except pl.exceptions.PolarsError as error:
    print("v.arrow" in str(error))
if pathlib.Path("/proc/self/maps").exists():
    assert "v.arrow" not in pathlib.Path("/proc/self/maps").read_text()
"""
    done = python("-c", code, one_word(tmp_path / "v.arrow", 1))
    assert done.stdout == "True\n", done.stderr
