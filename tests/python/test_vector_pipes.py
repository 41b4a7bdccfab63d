"""Vectors that come through pipes: read once where that is enough, and refused by name where a file must be."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from runs import Command, Job
from vector_files import ENDINGS, assert_same, counts

import polargram as pg

needs_pipes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in directories")


@contextmanager
def pipe(path: Path, content: bytes) -> Iterator[Path]:
    """A named pipe through which something comes once."""
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(content), daemon=True)
    writer.start()
    yield path
    writer.join(10)
    assert not writer.is_alive()


@needs_pipes
@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != ".npy"])
def test_vectors_come_through_a_pipe(ending: str, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / f"v{ending}")
    with pipe(tmp_path / "pipe", (tmp_path / f"v{ending}").read_bytes()) as path:
        wv = pg.KeyedVectors.load(path)
    assert_same(wv, model.wv)
    # The pipe is empty now: what travels is not its path.
    assert_same(pickle.loads(pickle.dumps(wv)), model.wv)


@needs_pipes
def test_counts_come_through_a_pipe_too(model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save_word2vec_format(tmp_path / "v.txt", tmp_path / "counts")
    content = (tmp_path / "v.txt").read_bytes(), (tmp_path / "counts").read_bytes()
    with pipe(tmp_path / "pipe", content[0]) as vectors, pipe(tmp_path / "more", content[1]) as fvocab:
        wv = pg.KeyedVectors.load_word2vec_format(vectors, fvocab)
    assert counts(wv) == counts(model.wv)
    model.wv.save(tmp_path / "v.npy")
    content = (tmp_path / "v.npy").read_bytes(), (tmp_path / "v.vocab.txt").read_bytes()
    (tmp_path / "v.vocab.txt").unlink()
    with pipe(tmp_path / "v.vocab.txt", content[1]):
        assert_same(pg.KeyedVectors.load(tmp_path / "v.npy"), model.wv)
    with (
        pipe(tmp_path / "p.npy", content[0]) as matrix,
        pytest.raises(ValueError, match="p.npy: is a pipe.*NAME.vocab"),
    ):
        pg.KeyedVectors.load(matrix)


@needs_pipes
def test_a_pipe_in_which_nothing_comes_is_empty_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    with pipe(tmp_path / "empty.txt", b"") as path, pytest.raises(ValueError, match=f"{tmp_path}/empty.txt: is empty"):
        pg.KeyedVectors.load(path)
    with (
        pipe(tmp_path / "v.bin", b"3 1\na 1\n") as path,
        pytest.raises(ValueError, match=f"{tmp_path}/v.bin: holds 1 of"),
    ):
        pg.KeyedVectors.load(path)


@needs_pipes
def test_a_pipe_is_refused_where_a_file_must_be(model: pg.Word2Vec, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "v.arrow")
    with pytest.raises(pl.exceptions.PolarsError, match="v.arrow: is a pipe or a device"):
        pl.DataFrame({"w": ["a"]}).select(pl.col("w").w2v.embed(tmp_path / "v.arrow"))
    for save in (model.wv.save, model.wv.save_word2vec_format):
        for target in (tmp_path / "v.arrow", "/dev/stdout", "/dev/null"):
            with pytest.raises(ValueError, match=f"{target}: is a pipe or a device"):
                save(target)
    assert (tmp_path / "v.arrow").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["v.arrow"]


@needs_pipes
def test_the_command_reads_what_a_shell_pipes(command: Command, model: pg.Word2Vec, tmp_path: Path) -> None:
    model.wv.save(tmp_path / "v.txt.gz")
    word = model.wv.index_to_key[0]
    expected = command("similar", "--vectors", tmp_path / "v.txt.gz", word).stdout
    with open(tmp_path / "v.txt.gz", "rb") as file:
        assert command("similar", "--vectors", "/dev/stdin", word, stdin=file).stdout == expected
    read, write = os.pipe()
    writer = threading.Thread(target=lambda: os.fdopen(write, "wb").write((tmp_path / "v.txt.gz").read_bytes()))
    writer.start()
    assert command("similar", "--vectors", f"/dev/fd/{read}", word, pass_fds=[read]).stdout == expected
    writer.join()
    os.close(read)


WAIT_FOR_A_PIPE = """
import sys
import polargram as pg
print("ready", flush=True)
try:
    pg.KeyedVectors.load(sys.argv[1])
except KeyboardInterrupt:
    print("stopped")
"""


@needs_pipes
@pytest.mark.parametrize("has_writer", [False, True])
def test_ctrl_c_ends_the_wait_for_a_pipe(has_writer: bool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    job = Job("-c", WAIT_FOR_A_PIPE, tmp_path / "pipe.txt", temporary=tmp_path / "tmp")
    job.wait_for("ready")
    # It opens as soon as there is a reader.
    writer = open(tmp_path / "pipe.txt", "wb") if has_writer else None  # noqa: SIM115
    if writer:
        writer.write(b"2 1\na 1\n")
        writer.flush()
    threading.Event().wait(0.4)
    assert job.signal(signal.SIGINT) == 0
    assert job.said.splitlines() == ["ready", "stopped"]
    assert not list((tmp_path / "tmp").iterdir())
    if writer:
        writer.close()
