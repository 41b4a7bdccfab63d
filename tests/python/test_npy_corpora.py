"""NumPy's files as corpora: pickled token lists, from which nothing is run, and integers."""

from __future__ import annotations

import codecs
import functools
import io
import os
import pickle
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corpora import Rows, Sentences, array_of, expected, facts, outcomes_of_damage
from runs import Command

import polargram as pg

ROWS: Rows = [["a", "b", "a"], None, [], ["b", None], ["c", "c", "a"], ["a", "zoë", "日本", ""]]


def save(path: Path, array: np.ndarray, protocol: int | None = None, dump: Callable[..., bytes] = pickle.dumps) -> Path:
    """As ``np.save`` writes it, with any protocol of pickle."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(dump(array, protocol))
    return path


SHARED = ["a", "b"]
#: Builds strings that are equal but not the same object, so that pickle writes them in full again.
ANEW = [list("".join(["ab", "cd"])) for _ in range(3)]
#: What Python objects stand for the lists, and the lists.
ARRAYS: dict[str, tuple[list[object], Rows]] = {
    "lists": (ROWS, ROWS),
    "tuples": ([row if row is None else tuple(row) for row in ROWS], ROWS),
    "lists and tuples": ([*ROWS, ("x", "y"), (), ("z",), (None, "z")], [*ROWS, ["x", "y"], [], ["z"], [None, "z"]]),
    "tuples of every length": ([("t",) * n for n in range(6)], [["t"] * n for n in range(6)]),
    "one list again and again": ([SHARED, ["c"], SHARED, SHARED], [SHARED, ["c"], SHARED, SHARED]),
    "one tuple again and again": ([("a", "b")] * 3, [["a", "b"]] * 3),
    "one list all over": ([SHARED] * 2500, [SHARED] * 2500),
    "equal words that are not the same": (ANEW, [["a", "b", "c", "d"]] * 3),
    "one sentence": ([["a", "b"]], [["a", "b"]]),
    "long words": ([["x" * 300, "y" * 70_000, "é" * 5000]], [["x" * 300, "y" * 70_000, "é" * 5000]]),
    "a long sentence": ([["w", "v"] * 5000, ["u"]], [["w", "v"] * 5000, ["u"]]),
    "odd words": ([["nul\0", "new\nline", "😀", " ", "\ufeff"]], [["nul\0", "new\nline", "😀", " ", "\ufeff"]]),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_what_numpy_saves_is_read(what: str, tmp_path: Path) -> None:
    items, rows = ARRAYS[what]
    np.save(tmp_path / "c.npy", array_of(items), allow_pickle=True)
    assert facts(tmp_path / "c.npy") == expected(rows)


@pytest.mark.parametrize("what", ARRAYS)
@pytest.mark.parametrize("dump", [pickle.dumps, pickle._dumps], ids=["C", "Python"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_is_read_by_whichever_pickler(
    protocol: int, dump: Callable[..., bytes], what: str, tmp_path: Path
) -> None:
    items, rows = ARRAYS[what]
    path = save(tmp_path / "c.npy", array_of(items), protocol, dump)
    assert facts(path) == expected(rows)


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_bits_are_those_of_the_lists(protocol: int, rows: Sentences, tmp_path: Path) -> None:
    exact = {"vector_size": 8, "workers": 1, "epochs": 2}
    path = save(tmp_path / "c.npy", array_of(rows), protocol)
    listed = pg.Word2Vec(rows, **exact).wv.vectors
    assert np.array_equal(pg.Word2Vec(path, **exact).wv.vectors, listed)
    assert np.array_equal(pg.Word2Vec(path, **exact, spool=False).wv.vectors, listed)


@pytest.mark.parametrize("protocol", [0, 1])
def test_protocols_of_the_last_century_are_refused(protocol: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"c\.npy.*pickle"):
        facts(save(tmp_path / "c.npy", array_of(ROWS), protocol))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("count", [999, 1000, 1001, 5000])
def test_arrays_of_more_sentences_than_pickle_writes_at_a_time_are_read(
    count: int, protocol: int, tmp_path: Path
) -> None:
    for make in (list, tuple):
        rows: Rows = [[f"w{number % 50}", "x", f"w{number % 7}"] for number in range(count)]
        path = save(tmp_path / "c.npy", array_of([make(row) for row in rows]), protocol)
        assert facts(path) == expected(rows)


def test_a_matrix_of_words_is_a_sentence_a_row(tmp_path: Path) -> None:
    matrix = np.array([["a", "b", None], ["c", "a", "é"]] * 700, dtype=object)
    for protocol in (2, 4):
        assert facts(save(tmp_path / "c.npy", matrix, protocol)) == expected([["a", "b", None], ["c", "a", "é"]] * 700)


@pytest.mark.parametrize("header", ["1.0", "2.0", "3.0"])
def test_every_version_of_the_header_is_read(header: str, tmp_path: Path) -> None:
    version = tuple(int(number) for number in header.split("."))
    for array, rows in ((array_of(ROWS), ROWS), (np.array([[1, 2], [2, 3]]), [[1, 2], [2, 3]])):
        with (tmp_path / "c.npy").open("wb") as file:
            np.lib.format.write_array(file, array, version=version, allow_pickle=True)
        assert facts(tmp_path / "c.npy") == expected(rows)


def test_it_is_known_by_its_first_bytes_whatever_its_name(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", array_of(ROWS), allow_pickle=True)
    (tmp_path / "c.npy").rename(tmp_path / "corpus")
    assert facts(tmp_path / "corpus") == expected(ROWS)


class Calls:
    """Pickles as a call of something."""

    def __init__(self, function: Callable[..., object], *arguments: object, state: object = None) -> None:
        self.made = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[object, ...]:
        return self.made


class Own:
    """A class of the user's."""

    def __init__(self, word: str) -> None:
        self.word = word


class SubclassOfStr(str):
    """A word with a class of its own."""


def evil(path: Path) -> dict[str, object]:
    """Objects whose unpickling would make ``path`` or do something else than give lists of strings."""
    write = f"open({str(path)!r}, 'w').close()"
    nested = np.empty(1, dtype=object)
    nested[0] = ["a"]
    return {
        "os.system": Calls(os.system, f"touch {path}"),
        "os.system in a list": ["a", Calls(os.system, f"touch {path}")],
        "eval": Calls(eval, write),
        "exec in a tuple": ("a", Calls(exec, write)),
        "subprocess": Calls(subprocess.check_call, ["touch", str(path)]),
        "open": [Calls(open, str(path), "w")],
        "getattr": Calls(getattr, "a", "upper"),
        "partial": functools.partial(print, "called"),
        "bytearray": bytearray(b"a"),
        "own class": Own("a"),
        "own class in a list": [Own("a")],
        "own subclass of str": [SubclassOfStr("a")],
        "with a state": Calls(Own, "a", state={"word": "b"}),
        "np.str_": [np.str_("a")],
        "np.int64": [np.int64(3)],
        "nested array": nested,
        "nested array of text": np.array(["a", "b"]),
        "array of bytes": np.frombuffer(b"abc", np.uint8),
        "dict": {"a": 1},
        "OrderedDict": OrderedDict(a=1),
        "set": {"a"},
        "frozenset": frozenset("a"),
        "complex": 1j,
        "function": print,
        "class": Own,
        "codec": Calls(codecs.encode, "b", "rot13"),
        "dtype": np.dtype("f8"),
    }


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("what", evil(Path("x")))
def test_a_pickle_that_calls_anything_is_refused_and_calls_nothing(what: str, protocol: int, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    array = array_of([["fine", "words"], evil(owned)[what], ["more"]])
    with pytest.raises(ValueError, match=r"c\.npy.*refused"):
        facts(save(tmp_path / "c.npy", array, protocol))
    assert not owned.exists()


def test_what_is_called_is_named_with_what_to_do(tmp_path: Path) -> None:
    for item, said in (
        (Calls(os.system, "true"), r"calls (posix|nt)\.system.*nothing is ever run"),
        ([np.str_("a")], r"scalar.*\.tolist\(\)"),
        (np.array(["a"], dtype=object), r"an item is an array.*tolist\(\)"),
    ):
        with pytest.raises(ValueError, match=said):
            facts(save(tmp_path / "c.npy", array_of([["a"], item])))


def test_a_pickle_without_an_array_is_refused(tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    for alone in (Calls(os.system, f"touch {owned}"), [["a", "b"]], "text", None, {"a": ["b"]}):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        (tmp_path / "c.npy").write_bytes(header.getvalue() + pickle.dumps(alone))
        with pytest.raises(ValueError, match=r"c\.npy"):
            facts(tmp_path / "c.npy")
    assert not owned.exists()


def test_an_array_that_is_no_ndarray_is_refused(tmp_path: Path) -> None:
    array = array_of([["a"]]).view(np.recarray)
    with pytest.raises(ValueError, match=r"c\.npy.*refused"):
        facts(save(tmp_path / "c.npy", array))


def itself() -> list[object]:
    items: list[object] = ["a"]
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("a b", "holds strings; expected lists of strings. Split them first"),
        (3, "item 1 is a number; expected a list of strings"),
        (2.5, "item 1 is a number"),
        (True, "item 1 is a number"),
        (b"bytes", "bytes|calls"),
        (["a", 3], "item 1 is a list that holds a number; expected a list of strings"),
        (("a", 3), "item 1 is a list that holds a number"),
        (["a", ["b"]], "item 1 is a list that holds a list"),
        (("a", ("b",)), "item 1 is a list that holds a list|refused"),
        ([[["deep"]]], "refused|list that holds a list"),
        (itself(), "refused|list that holds a list"),
        (["\ud800"], "not UTF-8"),
    ],
    ids=[
        "string",
        "number",
        "float",
        "bool",
        "bytes",
        "number in a list",
        "number in a tuple",
        "list in a list",
        "tuple in a tuple",
        "lists in lists in lists",
        "list in itself",
        "half a surrogate",
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_no_list_of_strings_is_named_by_its_place(
    item: object, said: str, protocol: int, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=rf"c\.npy.*({said})"):
        facts(save(tmp_path / "c.npy", array_of([["a"], item]), protocol))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array(["a", "b"]), r"holds <U1; expected integer ids, or lists of strings"),
        (np.array([["a", "b"]]), r"holds <U1.*dtype=object"),
        (np.array([b"a"]), r"holds \|S1"),
        (np.ones((2, 2)), "holds <f8; expected integer ids"),
        (np.ones((2, 2), bool), r"holds \|b1"),
        (np.ones((2, 2), complex), "holds <c16"),
        (np.array(["2020-01-01"], "M8[D]"), "holds <M8"),
        (np.zeros(2, [("a", "i4")]), "plain array"),
        (np.ones((2, 2, 2), int), "has 3 axes; expected 1 or 2"),
        (np.array(7), "has 0 axes"),
        (np.asfortranarray(np.ones((3, 2), int)), r"Fortran order; save np\.ascontiguousarray"),
        (np.asfortranarray(np.array([["a", "b"], ["c", "d"]], object)), r"Fortran order; save np\.ascontiguousarray"),
        (np.empty((1, 1, 1), object), "has 3 axes"),
    ],
    ids=str,
)
def test_an_array_of_another_kind_is_refused_with_what_it_is(array: np.ndarray, said: str, tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=rf"c\.npy.*{said}"):
        facts(tmp_path / "c.npy")


@pytest.mark.parametrize(
    "array", [np.empty(0, object), array_of([None, [None], []]), np.empty((0, 3), np.int64)], ids=str
)
def test_an_array_without_words_trains_nothing(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match="0 (distinct words|tokens)"):
        facts(tmp_path / "c.npy")


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_ids_of_every_width_and_byte_order_are_integer_keys(dtype: str, order: str, tmp_path: Path) -> None:
    top = np.iinfo(dtype).max
    ids = np.array([[0, 1, 2], [1, top, 1], [0, 0, top]] * 40, dtype=order + dtype)
    np.save(tmp_path / "c.npy", ids)
    assert facts(tmp_path / "c.npy") == expected(ids.tolist())
    np.save(tmp_path / "c.npy", ids[0])
    assert facts(tmp_path / "c.npy") == expected(ids[:1].tolist())


def test_ids_train_to_the_bits_of_the_same_lists(tmp_path: Path) -> None:
    # More rows than one batch has.
    ids = np.random.default_rng(1).zipf(1.5, (9000, 5)).astype(np.uint16) % 500
    np.save(tmp_path / "c.npy", ids)
    exact = {"vector_size": 8, "workers": 1, "epochs": 2}
    wv = pg.Word2Vec(ids.tolist(), **exact).wv
    assert np.array_equal(pg.Word2Vec(tmp_path / "c.npy", **exact).wv.vectors, wv.vectors)


@pytest.mark.parametrize("dtype", ["i1", "<i2", ">i4", "<i8", ">i8"])
def test_an_id_may_be_negative(dtype: str, tmp_path: Path) -> None:
    ids = np.ones((5000, 2), dtype)
    ids[4567, 1] = -7
    np.save(tmp_path / "c.npy", ids)
    assert facts(tmp_path / "c.npy") == expected(ids.tolist())


@pytest.mark.parametrize("array", [np.ones((5, 3), np.int32), np.arange(40, dtype=np.uint64)], ids=["matrix", "row"])
def test_ids_that_were_cut_or_lengthened_are_refused(array: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "c.npy"
    np.save(path, array)
    whole = path.read_bytes()
    for content in [whole[:length] for length in range(0, len(whole), 4)] + [whole[:-1], whole + b"\0"]:
        path.write_bytes(content)
        with pytest.raises((ValueError, OSError), match=r"c\.npy"):
            facts(path)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damage_is_an_error_and_never_a_crash(damage: str, protocol: int, python: Command, tmp_path: Path) -> None:
    items = [*ROWS, ("x", "y"), SHARED, SHARED, ("t",) * 5, ["x" * 300]]
    path = save(tmp_path / "c.npy", array_of(items), protocol)
    whole = path.read_bytes()
    size = len(whole)
    if damage == "cut":
        changes = [(length, -1, 0) for length in [*range(0, size, 5), *range(size - 9, size)]]
    else:
        bytes_ = (0x00, 0xFF, ord("c"), 0x93, ord("R"))
        changes = [(size, at, whole[at] ^ bytes_[at % 5]) for at in range(0, size, 3)]
    seen = set()
    for outcome, *said in outcomes_of_damage(python, path, changes):
        seen.add(outcome)
        assert outcome == "read" or "damaged.npy" in said[0] or "0 distinct" in said[0], said
    assert seen == ({"refused"} if damage == "cut" else {"refused", "read"})


def test_a_file_that_goes_on_after_its_array_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "c.npy", array_of(ROWS))
    with path.open("ab") as file:
        np.save(file, array_of(ROWS), allow_pickle=True)
    with pytest.raises(ValueError, match=r"c\.npy.*goes on after its array"):
        facts(path)


#: Counts a corpus, and prints the peak memory.
PEAK = """
import sys
import polargram as pg

def peak():
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

model = pg.Word2Vec(min_count=1, workers=1)
model.build_vocab(sys.argv[1])
print(peak(), model.corpus_total_words)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("kind", ["lists", "ids"])
def test_memory_does_not_grow_with_the_file(kind: str, python: Command, tmp_path: Path) -> None:
    def peak(sentences: int) -> tuple[int, int]:
        path = tmp_path / "c.npy"
        if kind == "ids":
            np.save(path, np.arange(sentences * 200, dtype=np.uint32).reshape(sentences, -1) % 1000)
        else:
            # Each word is a string of its own, which pickle writes in full again.
            line = " ".join(f"{'word' * 9}{number}" for number in range(20))
            np.save(path, array_of([line.split() for _ in range(sentences)]), allow_pickle=True)
        done = python("-c", PEAK, path, check=True)
        memory, words = map(int, done.stdout.split())
        assert words == sentences * (200 if kind == "ids" else 20)
        return memory, path.stat().st_size

    (small, short), (large, long) = peak(4_000), peak(64_000)
    assert long - short > 40_000_000
    assert large - small < 20_000_000
