"""Which files a directory or a glob stands for, and what is an error rather than ignored."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from corpora import facts
from object_store import parquet
from runs import Command, only_line

import polargram as pg

CONTENT = parquet([["a", "b"]])


@pytest.fixture
def tree(here: Path) -> Path:
    """a.parquet and b.txt, and the same in sub/ and sub/deep/."""
    for directory in (here, here / "sub", here / "sub" / "deep"):
        directory.mkdir(exist_ok=True)
        (directory / "a.parquet").write_bytes(CONTENT)
        (directory / "b.txt").write_text("a b\n")
    return here


def sentences(corpus: object) -> int:
    return facts(corpus)[3]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("*.parquet", 1),
        ("./*.parquet", 1),
        (".//*.parquet", 1),
        ("*/*.parquet", 1),
        ("**/*.parquet", 3),
        ("sub/**/*.parquet", 2),
        ("s?b/[a-c].parquet", 1),
        ("sub//deep/*.parquet", 1),
        ("*/a.*", 1),
        ("*", 2),
    ],
)
def test_a_glob_stands_for_the_files_that_it_matches(pattern: str, files: int, tree: Path) -> None:
    assert sentences(pattern) == files
    assert sentences(str(tree / pattern)) == files


def test_links_are_followed_once_whatever_they_lead_to(tree: Path) -> None:
    for name in ("l1", "l2"):
        (tree / name).symlink_to(".")
    (tree / "other").symlink_to(tree / "sub" / "deep")
    (tree / "c.parquet").symlink_to("a.parquet")
    assert sentences("*.parquet") == 2
    assert sentences("other/*.parquet") == 1
    # The three, c.parquet, and other/a.parquet.
    assert sentences("**/*.parquet") == 5


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "name"])
@pytest.mark.parametrize("source", [".", "*.parquet", "**/*.parquet"])
def test_what_bears_the_name_of_a_corpus_and_is_none_is_refused_by_name(
    kind: str, source: str, tree: Path, command: Command
) -> None:
    match kind:
        case "link":
            (tree / "c.parquet").symlink_to("nowhere")
        case "pipe":
            os.mkfifo(tree / "c.parquet")
        case "directory":
            (tree / "c.parquet").mkdir()
        case "name":
            Path(os.fsdecode(b"c\xff.parquet")).write_bytes(CONTENT)
    if (kind, source) == ("directory", "."):
        # It stands for what is below it, which is nothing.
        assert sentences(source) == 3
        return
    message = only_line(command("train", source, "--output", "out", "--quiet", code=3))
    assert "c.parquet" in message or "c\N{REPLACEMENT CHARACTER}.parquet" in message
    assert not Path("out").exists()


def test_a_directory_with_the_name_of_a_corpus_is_read_by_a_glob_that_reaches_into_it(tree: Path) -> None:
    (tree / "out.parquet").mkdir()
    (tree / "out.parquet" / "part-0.parquet").write_bytes(CONTENT)
    assert sentences("**/*.parquet") == 4
    assert sentences("out*/*.parquet") == 1


def test_what_bears_another_name_is_no_concern_of_a_directory(tree: Path) -> None:
    (tree / "_SUCCESS").symlink_to("nowhere")
    os.mkfifo(tree / "log")
    assert sentences(tree) == 3


def test_ctrl_c_ends_the_search_of_a_large_tree(here: Path) -> None:
    for number in range(14):
        directory = here / f"d{number}"
        directory.mkdir()
        for link in range(14):
            (directory / f"l{link}").symlink_to(f"../d{link}")
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    with pytest.raises(KeyboardInterrupt):
        pg.Word2Vec("**/*.parquet")
