"""A generated corpus, a model trained on it, its vectors on disk, and a bucket that all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from corpora import Sentences
from object_store import (
    Bucket,
    FileServer,
    Objects,
    Proxy,
    empty_bucket,
    parquet,
    running,
    set_environment,
    some_rows,
    through,
)
from runs import Command

import polargram as pg

# daft, which is only imported here, would otherwise send statistics to its makers.
os.environ["DO_NOT_TRACK"] = "1"

#: A process is killed after this many seconds: no test may hang.
PATIENCE = 60
#: What pip's ``polargram`` runs.
PIP_COMMAND = ["-c", "from _polargram_command import main; main()"]


def run_python(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments, and return its output and exit code."""
    words = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        words, **{"capture_output": True, "text": True, "timeout": PATIENCE, "check": False, **options}
    )


@pytest.fixture(scope="session")
def python() -> Command:
    return run_python


@pytest.fixture(scope="session")
def command() -> Command:
    """``command("train", …)`` runs ``polargram train …``; ``code`` is the expected exit code."""

    def run(*arguments: object, code: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
        done = run_python(*PIP_COMMAND, *arguments, **options)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200,000 tokens of the sample corpus: four Parquet files and questions.txt."""
    directory = tmp_path_factory.mktemp("sample")
    run_python(*PIP_COMMAND, "sample", "--output", directory, "--tokens", 200_000, "--seed", 1, check=True)
    return directory


@pytest.fixture(scope="session")
def sentences(sample: Path) -> Sentences:
    """The sample corpus as lists of strings."""
    return pl.read_parquet(sample / "*.parquet")["tokens"].to_list()


@pytest.fixture(scope="session")
def rows(sentences: Sentences) -> Sentences:
    """Some 50,000 tokens: several batches, so that their order and draws matter."""
    return sentences[:3340]


@pytest.fixture(scope="session")
def model(sample: Path) -> pg.Word2Vec:
    """A model of 20 dimensions: its rows do not fill whole SIMD registers."""
    return pg.Word2Vec(str(sample), vector_size=20, sg=1, epochs=5, workers=2)


@pytest.fixture(scope="session")
def vectors_file(model: pg.Word2Vec, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model's vectors as ``.arrow``."""
    path = tmp_path_factory.mktemp("vectors") / "vectors.arrow"
    model.wv.save(path)
    return str(path)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Tokens of Wikipedia, if the folder beside the checkout exists."""
    path = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"{path} is not here")
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def listing() -> Callable[[Path], list[str]]:
    """The names of all files in a directory, also hidden ones."""
    return lambda directory: sorted(os.listdir(directory))


@pytest.fixture
def meanwhile() -> Callable[[Callable[[], object], Callable[[], object]], int]:
    """``meanwhile(read, work)`` calls ``read`` on another thread while ``work`` runs, and counts how often."""

    def run(read: Callable[[], object], work: Callable[[], object]) -> int:
        times, is_done, raised = 0, threading.Event(), []

        def again_and_again() -> None:
            nonlocal times
            try:
                while not is_done.is_set():
                    read()
                    times += 1
            except BaseException as error:  # noqa: BLE001 - for the test's own thread
                raised.append(error)

        thread = threading.Thread(target=again_and_again)
        thread.start()
        try:
            work()
        finally:
            is_done.set()
            thread.join()
        assert not raised, raised
        return times

    return run


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """One for all tests."""
    with empty_bucket(tmp_path_factory.mktemp("moto") / "log") as bucket:
        yield bucket


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    """A proxy in front of the bucket's server, without rules yet."""
    with running(Proxy(bucket.endpoint)) as proxy:
        yield proxy


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A plain HTTP server without files."""
    with running(FileServer()) as server:
        yield server


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, profiles or proxies from the environment."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))


@pytest.fixture(scope="session")
def objects(bucket: Bucket) -> Objects:
    """Five small objects."""
    rows = some_rows(1, 200)
    keys = [f"corpus/part-{number}.parquet" for number in range(5)]
    for number, key in enumerate(keys):
        bucket.put(key, parquet(rows[40 * number : 40 * (number + 1)]))
    return Objects(bucket.url("corpus/"), keys, rows)


@pytest.fixture(scope="session")
def many_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus whose words have vectors of two upload parts, at 1000 dimensions."""
    path = tmp_path_factory.mktemp("many") / "c.parquet"
    path.write_bytes(parquet([[f"word-{number}" for number in range(2600)]] * 2))
    return path


@pytest.fixture
def folder(bucket: Bucket, numbers: Iterator[int] = count()) -> str:  # noqa: B008 - one for all tests
    """A prefix without objects."""
    return f"test-{next(numbers)}/"


@pytest.fixture
def in_environment(plain_environment: None, proxy: Proxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket's keys in the environment, and the proxy as its endpoint."""
    set_environment(monkeypatch, through(proxy, bucket))
