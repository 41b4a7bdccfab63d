"""Corpora in object stores and on web servers, and vectors written there: the same as on disk, whatever fails."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from object_store import (
    Asked,
    Bucket,
    Fault,
    FileServer,
    Proxy,
    answers,
    checking_signatures,
    cuts_short,
    drops,
    drops_midway,
    empty_bucket,
    first,
    parquet,
    resets,
    resets_midway,
    running,
    stalls,
    stalls_midway,
)
from test_interrupts import Job

import polargram as pg

pytestmark = pytest.mark.usefixtures("plain_environment")

Command = Callable[..., subprocess.CompletedProcess[str]]
Rows = list[list[str]]

SMALL = {"vector_size": 4, "min_count": 1, "epochs": 1, "workers": 2}
#: One worker: the same corpus gives the same vectors, bit by bit.
EXACT = {**SMALL, "vector_size": 8, "workers": 1, "seed": 1, "epochs": 2}
#: Tries soon again, as often as any test needs.
PATIENT = {"max_retries": "5", "retry_init_backoff_ms": "10", "retry_max_backoff_ms": "50", "timeout": "700ms"}
#: The same, but leaves time for some MiB.
SLOW = {**PATIENT, "timeout": "10s"}
#: Gives up soon.
IMPATIENT = {**PATIENT, "max_retries": "1", "retry_timeout_ms": "1000", "timeout": "500ms"}
FOREVER = 10**6


def words_of(rows: Rows) -> dict[str, int]:
    """How often each word stands in the rows, says Polars."""
    counts = pl.Series(rows, dtype=pl.List(pl.String)).explode().drop_nulls().value_counts(name="count")
    return dict(counts.iter_rows())


def counts_of(model: pg.Word2Vec) -> dict[str, int]:
    return {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}


def assert_trained_on(model: pg.Word2Vec, rows: Rows) -> None:
    assert counts_of(model) == words_of(rows)
    assert model.corpus_total_words == sum(map(len, rows))
    assert model.corpus_count == len(rows)


def some_rows(seed: int, number: int, tokens: int = 10) -> Rows:
    draw = random.Random(seed)
    return [[f"w{int(draw.paretovariate(0.7)) % 500}" for _ in range(tokens)] for _ in range(number)]


@dataclass
class Objects:
    """Rows in Parquet objects under a prefix."""

    url: str
    keys: list[str]
    rows: Rows


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """One for all tests."""
    with empty_bucket(tmp_path_factory.mktemp("moto") / "log") as bucket:
        yield bucket


@pytest.fixture
def lenient(bucket: Bucket) -> None:
    """The server takes any credentials."""
    if bucket.is_foreign:
        pytest.skip("the server that the environment names checks signatures")


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    """A proxy before the bucket's server that has no rules yet."""
    with running(Proxy(bucket.endpoint)) as proxy:
        yield proxy


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A plain HTTP server without files."""
    with running(FileServer()) as server:
        yield server


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's keys, profiles and proxies."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
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


@pytest.fixture
def folder(bucket: Bucket, numbers: Iterator[int] = count()) -> str:  # noqa: B008 - one for all tests
    """A prefix that nothing is under."""
    return f"test-{next(numbers)}/"


def through(proxy: Proxy, bucket: Bucket, **options: str) -> dict[str, str]:
    return {**bucket.options, "aws_endpoint_url": proxy.endpoint, **options}


def words(options: dict[str, str]) -> list[str]:
    """The options as the command takes them."""
    return [f"--storage-option={name}={value}" for name, value in options.items()]


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The message of a quiet command."""
    assert done.stdout == ""
    (message,) = done.stderr.splitlines()
    assert message.startswith("polargram: ")
    assert "panicked" not in message
    return message


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def refused(kind: type[Exception], corpus: object, options: dict[str, str], **parameters: object) -> str:
    """What a model says that cannot be trained, in one line and soon."""
    with within(8), pytest.raises(kind) as caught:
        pg.Word2Vec(corpus, storage_options=options, **{**SMALL, **parameters})
    message = str(caught.value)
    assert "\n" not in message
    assert "<?xml" not in message
    return message


# What a URL stands for


def test_a_prefix_of_1100_objects_is_read_whole_and_nothing_else(bucket: Bucket, folder: str) -> None:
    rows = some_rows(2, 3300, tokens=5)
    for number in range(1100):
        place = "deeper/" if number % 10 == 0 else ""
        bucket.put(f"{folder}{place}{number}.parquet", parquet(rows[3 * number : 3 * number + 3]))
    bucket.put(f"{folder}_SUCCESS", b"")
    bucket.put(f"{folder}deeper/", b"")
    bucket.put(f"{folder}README.md", b"no corpus")
    bucket.put(f"{folder}crc/.0.parquet.crc", b"noise")
    for key in (f"{folder}.hidden.parquet", f"{folder}x/_temporary/y.parquet", f"{folder[:-1]}2/other.parquet"):
        bucket.put(key, parquet([["not", "this"]]))
    model = pg.Word2Vec(bucket.url(folder), storage_options=bucket.options, **SMALL)
    assert_trained_on(model, rows)


def test_an_object_a_prefix_without_its_slash_a_glob_and_a_list_are_read(
    bucket: Bucket, objects: Objects, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "local.parquet").write_bytes(parquet([["local", "words"]]))
    for corpus, rows in [
        (bucket.url(objects.keys[1]), objects.rows[40:80]),
        (objects.url.rstrip("/"), objects.rows),
        (objects.url + "part-[2-3].parquet", objects.rows[80:160]),
        (bucket.url("**/part-4.parquet"), objects.rows[160:]),
        ([bucket.url(objects.keys[0]), tmp_path / "local.parquet"], [*objects.rows[:40], ["local", "words"]]),
    ]:
        corpus = [str(path) for path in corpus] if isinstance(corpus, list) else corpus
        assert_trained_on(pg.Word2Vec(corpus, storage_options=bucket.options, **SMALL), rows)


def test_keys_with_characters_that_urls_escape_are_read(bucket: Bucket, folder: str) -> None:
    names = ["lang=en/a b.parquet", "lang=en/c+d.parquet", "ü/ä%20.parquet", "q?.parquet", "(x), [y] & 'z'.parquet"]
    for number, name in enumerate(names):
        bucket.put(folder + name, parquet([[f"word-{number}"]]))
    model = pg.Word2Vec(bucket.url(folder), storage_options=bucket.options, **SMALL)
    assert counts_of(model) == {f"word-{number}": 1 for number in range(len(names))}
    single = pg.Word2Vec(bucket.url(folder + names[0]), storage_options=bucket.options, **SMALL)
    assert counts_of(single) == {"word-0": 1}


def test_a_prefix_of_parquet_and_arrow_is_read_as_a_directory_of_them(
    bucket: Bucket, folder: str, tmp_path: Path
) -> None:
    contents = {"c.parquet": parquet([["parquet"]]), "d.arrow": arrow([["arrow"]], pa.ipc.new_file)}
    for name, content in contents.items():
        bucket.put(folder + name, content)
        (tmp_path / name).write_bytes(content)
    local = pg.Word2Vec(str(tmp_path), **SMALL)
    remote = pg.Word2Vec(bucket.url(folder), storage_options=bucket.options, **SMALL)
    assert counts_of(remote) == counts_of(local) == {"parquet": 1}


def test_a_bucket_gives_the_same_vectors_as_a_directory(bucket: Bucket, objects: Objects, tmp_path: Path) -> None:
    for key in objects.keys:
        (tmp_path / Path(key).name).write_bytes(bucket.get(key))
    local = pg.Word2Vec(str(tmp_path), **EXACT)
    for spool in (True, False):
        remote = pg.Word2Vec(objects.url, storage_options=bucket.options, spool=spool, **EXACT)
        assert remote.wv.index_to_key == local.wv.index_to_key
        assert np.array_equal(remote.wv.vectors, local.wv.vectors)


def lists(rows: Rows) -> np.ndarray:
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def arrow(rows: Rows, write: Callable[[pa.NativeFile, pa.Schema], pa.RecordBatchWriter]) -> bytes:
    table, sink = pa.table({"tokens": rows}), pa.BufferOutputStream()
    with write(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return sink.getvalue().to_pybytes()


def text(rows: Rows) -> bytes:
    return "".join(" ".join(row) + "\n" for row in rows).encode()


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "c.txt": text,
    "c.txt.gz": lambda rows: gzip.compress(text(rows)),
    "c.txt.bz2": lambda rows: bz2.compress(text(rows)),
    "c.arrow": lambda rows: arrow(rows, pa.ipc.new_file),
    "c.arrows": lambda rows: arrow(rows, pa.ipc.new_stream),
    "c.npy": lambda rows: saved(lists(rows)),
    "c.parquet": parquet,
    "without-ending": parquet,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reads_the_same_from_a_bucket_a_web_server_and_disk(
    name: str, bucket: Bucket, objects: Objects, folder: str, file_server: FileServer, tmp_path: Path
) -> None:
    content = FORMATS[name](objects.rows)
    bucket.put(folder + name, content)
    file_server.files[f"/data/{name}"] = content
    (tmp_path / name).write_bytes(content)
    places = [
        bucket.url(folder + name),
        f"{file_server.endpoint}/data/{name}",
        f"file://{tmp_path / name}",
        str(tmp_path / name),
    ]
    for place in places:
        options = bucket.options if place.startswith("s3") else None
        assert_trained_on(pg.Word2Vec(place, storage_options=options, **SMALL), objects.rows)


def test_a_corpus_file_may_be_a_url(bucket: Bucket, objects: Objects, folder: str) -> None:
    bucket.put(f"{folder}c.gz", gzip.compress(text(objects.rows)))
    model = pg.Word2Vec(corpus_file=bucket.url(f"{folder}c.gz"), storage_options=bucket.options, **SMALL)
    assert_trained_on(model, objects.rows)


def wide(rows: Rows) -> bytes:
    """Row groups and columns, of which not all are read."""
    table = pa.table({"id": range(len(rows)), "tokens": rows, "note": ["unread" * 50] * len(rows)})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=17, use_dictionary=False)
    return sink.getvalue()


def test_of_a_wide_object_only_the_footer_and_the_column_are_fetched(bucket: Bucket, folder: str, proxy: Proxy) -> None:
    draw = random.Random(3)
    rows = some_rows(3, 400)
    notes = [draw.randbytes(2000).hex() for _ in rows]
    sink = io.BytesIO()
    table = pa.table({"tokens": rows, "note": notes})
    pq.write_table(table, sink, row_group_size=100, compression="none", use_dictionary=["tokens"])
    bucket.put(f"{folder}wide.parquet", sink.getvalue())
    model = pg.Word2Vec(bucket.url(f"{folder}wide.parquet"), storage_options=through(proxy, bucket), **SMALL)
    assert_trained_on(model, rows)
    ranges = [asked.headers["Range"].removeprefix("bytes=").split("-") for asked in proxy.asked if asked.is_reading]
    fetched = sum(int(end) + 1 - int(start) for start, end in ranges)
    assert fetched < len(sink.getvalue()) / 4


def test_row_groups_of_an_object_are_all_read(bucket: Bucket, folder: str) -> None:
    rows = some_rows(4, 300)
    bucket.put(f"{folder}groups.parquet", wide(rows))
    assert_trained_on(pg.Word2Vec(bucket.url(folder), storage_options=bucket.options, **SMALL), rows)


# Web servers and file URLs


def test_an_escaped_web_address_is_read_as_it_stands(file_server: FileServer) -> None:
    file_server.files["/a%20b.parquet"] = parquet([["a", "b"]])
    assert counts_of(pg.Word2Vec(f"{file_server.endpoint}/a%20b.parquet", **SMALL)) == {"a": 1, "b": 1}


def test_an_escaped_file_url_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a b ü.parquet"
    path.write_bytes(parquet([["a", "b"]]))
    assert counts_of(pg.Word2Vec(path.as_uri(), **SMALL)) == {"a": 1, "b": 1}


def test_a_web_server_without_ranges_gives_text_and_is_named_for_the_rest(file_server: FileServer) -> None:
    file_server.knows_ranges = False
    file_server.files["/c.txt"] = b"a b\n"
    assert counts_of(pg.Word2Vec(f"{file_server.endpoint}/c.txt", **SMALL)) == {"a": 1, "b": 1}
    file_server.files["/c.parquet"] = parquet(some_rows(5, 10))
    message = refused(OSError, f"{file_server.endpoint}/c.parquet", {})
    assert f"{file_server.endpoint}/c.parquet" in message
    assert "range" in message.lower()


def test_a_file_that_a_web_server_lacks_is_named(file_server: FileServer) -> None:
    message = refused(OSError, f"{file_server.endpoint}/gone.parquet", {})
    assert f"{file_server.endpoint}/gone.parquet" in message
    assert "no such object" in message
    assert "<html" not in message


def test_a_server_that_is_not_there_is_named_soon(bucket: Bucket) -> None:
    nowhere = {**bucket.options, **IMPATIENT, "aws_endpoint_url": "http://127.0.0.1:9"}
    assert bucket.url("x/") in refused(OSError, bucket.url("x/"), nowhere)


# What cannot be read


@pytest.mark.parametrize("place", ["BUCKET/none/", "BUCKET/none/*.parquet", "BUCKET/none.parquet", "no-such-bucket/x/"])
def test_a_place_without_objects_is_named(command: Command, place: str, bucket: Bucket, tmp_path: Path) -> None:
    url = "s3://" + place.replace("BUCKET", bucket.name)
    message = refused(Exception, url, bucket.options)
    assert url in message
    # Nothing is tried again that would be no better.
    assert "retry" not in message
    with within(8):
        done = command("train", url, "-o", tmp_path / "out", "--quiet", *words(bucket.options), code=1)
    assert url in only_line(done)
    assert not (tmp_path / "out").exists()


def test_a_wrong_secret_is_refused_at_once_and_told_nowhere(
    command: Command, bucket: Bucket, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "wrong-wrong-wrong-wrong-wrong-wrong-wron"
    with checking_signatures(bucket) as right:
        assert_trained_on(pg.Word2Vec(objects.url, storage_options=right, **SMALL), objects.rows)
        wrong = {**right, "aws_secret_access_key": secret}
        message = refused(PermissionError, objects.url, wrong)
        with within(8):
            given = command("train", objects.url, "-o", tmp_path / "out", "--quiet", *words(wrong), code=1)
            for name, value in wrong.items():
                monkeypatch.setenv(name.upper(), value)
            found = command("train", objects.url, "-o", tmp_path / "out", "--quiet", code=1)
    assert objects.url in message
    assert "credentials" in message
    for said in (message, repr(message), only_line(given), only_line(found)):
        assert secret not in said


def test_a_secret_that_the_server_repeats_is_struck_out(bucket: Bucket, objects: Objects, proxy: Proxy) -> None:
    said = f"The secret {bucket.secret} does not fit the signature."
    proxy.spoil(answers(403, "SignatureDoesNotMatch", said))
    message = refused(PermissionError, objects.url, through(proxy, bucket))
    assert bucket.secret not in message
    assert "does not fit the signature" in message


def test_a_saved_model_holds_no_secret(bucket: Bucket, objects: Objects, tmp_path: Path) -> None:
    model = pg.Word2Vec(objects.url, storage_options=bucket.options, **SMALL)
    model.save(str(tmp_path / "model"))
    assert bucket.secret not in repr(model)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or bucket.secret.encode() not in path.read_bytes()


def readings_of(key: str, number: int) -> Callable[[Asked], bool]:
    """The so manieth time that an object is read, counted from 1."""
    times = count(1)
    return lambda asked: asked.is_reading and key in asked.path and next(times) == number


@pytest.mark.parametrize("reading", [1, 2, 3], ids=["footer", "counting", "encoding"])
def test_an_object_that_vanishes_is_named(bucket: Bucket, folder: str, proxy: Proxy, reading: int) -> None:
    for number in range(3):
        bucket.put(f"{folder}{number}.parquet", parquet(some_rows(number, 20)))
    vanish = proxy.spoil(first(lambda: bucket.delete(f"{folder}1.parquet")), readings_of("/1.parquet", reading))
    message = refused(FileNotFoundError, bucket.url(folder), through(proxy, bucket))
    assert bucket.url(f"{folder}1.parquet") in message
    assert vanish.hits == 1


@pytest.mark.parametrize("reading", [1, 2, 3], ids=["footer", "counting", "encoding"])
def test_an_object_that_is_replaced_is_named_and_said_to_have_changed(
    bucket: Bucket, folder: str, proxy: Proxy, reading: int
) -> None:
    if reading == 1 and not bucket.says_versions:
        pytest.skip("the server's listings do not say which version they name")
    for number in range(3):
        bucket.put(f"{folder}{number}.parquet", parquet(some_rows(number, 20)))
    replacement = parquet(some_rows(7, 20))
    replace = proxy.spoil(
        first(lambda: bucket.put(f"{folder}1.parquet", replacement)), readings_of("/1.parquet", reading)
    )
    message = refused(OSError, bucket.url(folder), through(proxy, bucket))
    assert bucket.url(f"{folder}1.parquet") in message
    assert "changed" in message
    assert replace.hits == 1


def test_an_object_that_is_no_parquet_is_named(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}0.parquet", parquet([["a"]]))
    for content in (b"", b"PAR1", b"no parquet at all", parquet(some_rows(1, 50))[:-20]):
        bucket.put(f"{folder}1.parquet", content)
        assert bucket.url(f"{folder}1.parquet") in refused(Exception, bucket.url(folder), bucket.options)


# Faults

FAULTS: list[Fault] = [
    drops,
    resets,
    drops_midway,
    resets_midway,
    cuts_short,
    stalls,
    stalls_midway,
    answers(500, "InternalError"),
    answers(503, "SlowDown"),
    answers(429, "TooManyRequests"),
]
FAULTS_OF_LISTINGS = [fault for fault in FAULTS if fault is not cuts_short]


def named(fault: Fault) -> str:
    return fault.__name__


def is_listing(asked: Asked) -> bool:
    return asked.is_listing


def is_reading(asked: Asked) -> bool:
    return asked.is_reading


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_fault_while_reading_that_passes_costs_no_token(
    fault: Fault, bucket: Bucket, objects: Objects, proxy: Proxy
) -> None:
    rule = proxy.spoil(fault, is_reading, every=2)
    model = pg.Word2Vec(objects.url, storage_options=through(proxy, bucket, **PATIENT), **SMALL)
    assert_trained_on(model, objects.rows)
    assert rule.hits >= len(objects.keys)


@pytest.mark.parametrize("fault", FAULTS_OF_LISTINGS, ids=named)
def test_a_fault_while_listing_that_passes_costs_no_object(
    fault: Fault, bucket: Bucket, objects: Objects, proxy: Proxy
) -> None:
    rule = proxy.spoil(fault, is_listing, every=2)
    model = pg.Word2Vec(objects.url, storage_options=through(proxy, bucket, **PATIENT), **SMALL)
    assert_trained_on(model, objects.rows)
    assert rule.hits >= 1


@pytest.fixture(scope="session")
def large(bucket: Bucket) -> Objects:
    """Objects of more bytes than are asked for at a time."""
    draw = random.Random(6)
    vocabulary = [draw.randbytes(10).hex() for _ in range(2000)]
    rows = [draw.choices(vocabulary, k=100) for _ in range(2500)]
    table = pa.table({"tokens": rows})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2000, use_dictionary=False, compression="none")
    bucket.put("large/c.parquet", sink.getvalue())
    bucket.put("large/c.txt", text(rows))
    assert len(sink.getvalue()) > 5 << 20
    return Objects(bucket.url("large/"), ["large/c.parquet", "large/c.txt"], rows)


@pytest.mark.parametrize("fault", [drops_midway, cuts_short, answers(503, "SlowDown")], ids=named)
@pytest.mark.parametrize("number", [0, 1], ids=["parquet", "text"])
def test_a_fault_in_a_large_object_costs_no_token(
    number: int, fault: Fault, bucket: Bucket, large: Objects, proxy: Proxy
) -> None:
    rule = proxy.spoil(fault, is_reading, every=2)
    url = bucket.url(large.keys[number])
    model = pg.Word2Vec(url, storage_options=through(proxy, bucket, **SLOW), **SMALL)
    assert_trained_on(model, large.rows)
    assert rule.hits >= 2


@pytest.mark.parametrize("fault", FAULTS, ids=named)
@pytest.mark.parametrize("where", [is_listing, is_reading], ids=["listing", "reading"])
def test_a_fault_that_stays_is_an_error_soon(
    where: Callable[[Asked], bool], fault: Fault, bucket: Bucket, objects: Objects, proxy: Proxy
) -> None:
    proxy.spoil(fault, where)
    message = refused(OSError, objects.url, through(proxy, bucket, **IMPATIENT))
    assert objects.url in message


def test_a_fault_that_comes_after_counting_is_an_error_too(bucket: Bucket, objects: Objects, proxy: Proxy) -> None:
    readings = count()
    proxy.spoil(drops, lambda asked: asked.is_reading and next(readings) >= 2 * len(objects.keys))
    message = refused(OSError, objects.url, through(proxy, bucket, **IMPATIENT))
    assert objects.url in message


# Ctrl-C


@pytest.fixture
def in_environment(plain_environment: None, proxy: Proxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket's keys in the environment, and the proxy as its endpoint."""
    for name, value in through(proxy, bucket).items():
        monkeypatch.setenv(name.upper(), value)


def is_second_reading() -> Callable[[Asked], bool]:
    readings = count()
    return lambda asked: asked.is_reading and next(readings) >= 5


STALLED: dict[str, Callable[[], Callable[[Asked], bool]]] = {
    "listing": lambda: is_listing,
    "footer": lambda: is_reading,
    "counting": is_second_reading,
}


@pytest.mark.parametrize("what", STALLED)
@pytest.mark.parametrize("fault", [stalls, stalls_midway], ids=named)
@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_while_a_server_stalls_is_code_130_soon(
    fault: Fault, what: str, objects: Objects, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.spoil(fault, STALLED[what]())
    job = Job("-m", "polargram", "train", objects.url, "-o", tmp_path / "out", temporary=tmp_path / "tmp")
    assert proxy.stalled.wait(10)
    assert job.signal(signal.SIGINT) == 130
    assert job.said.splitlines()[-1] == "polargram: interrupted; nothing was written"
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("what", ["asking for leave", "a part", "the end"])
@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_while_an_upload_stalls_is_code_130_and_leaves_nothing(
    what: str, bucket: Bucket, objects: Objects, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    where = {
        "asking for leave": lambda asked: asked.method == "POST" and "uploads" in asked.query,
        "a part": lambda asked: asked.is_upload,
        "the end": lambda asked: asked.method == "POST" and "uploadId" in asked.query,
    }
    proxy.spoil(stalls, where[what])
    job = Job("-m", "polargram", "train", objects.url, "-o", bucket.url(folder), temporary=tmp_path / "tmp")
    assert proxy.stalled.wait(10)
    assert job.signal(signal.SIGINT) == 130
    assert job.said.splitlines()[-1] == "polargram: interrupted; nothing was written"
    assert bucket.names(folder) == []
    assert not list((tmp_path / "tmp").iterdir())
    assert bucket.unfinished_uploads(folder) == []


PROGRAM = """
import sys
import polargram as pg

try:
    pg.Word2Vec(sys.argv[1])
    print("finished")
except KeyboardInterrupt:
    print("stopped", flush=True)
print(len(pg.Word2Vec([["a", "b"]] * 9, vector_size=2, epochs=1).wv), "words")
"""


@pytest.mark.parametrize("what", STALLED)
@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_in_python_while_a_server_stalls_is_a_keyboard_interrupt_soon(
    what: str, objects: Objects, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.spoil(stalls, STALLED[what]())
    job = Job("-c", PROGRAM, objects.url, temporary=tmp_path / "tmp")
    assert proxy.stalled.wait(10)
    assert job.signal(signal.SIGINT) == 0
    assert job.said.splitlines() == ["stopped", "2 words"]


# Output


def trained(*options: object, vector_size: int = 8) -> list[object]:
    return ["--seed", 1, "--workers", 1, "--epochs", 1, "--vector-size", vector_size, *options]


def test_an_output_in_a_bucket_is_the_same_as_on_disk(
    command: Command, bucket: Bucket, objects: Objects, folder: str, tmp_path: Path
) -> None:
    options = [*trained("--formats", "arrow,npy,txt"), *words(bucket.options)]
    for output in (tmp_path / "out", bucket.url(f"{folder}out")):
        done = command("train", objects.url, "--output", output, *options)
        assert f"{output}/vectors.arrow" in done.stderr
    local = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert len(local) == 4
    assert {Path(key).name: bucket.get(key) for key in bucket.names(folder)} == local
    assert bucket.unfinished_uploads(folder) == []


@pytest.fixture(scope="session")
def many_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of so many words that 1000 dimensions of them are two parts of an upload."""
    path = tmp_path_factory.mktemp("many") / "c.parquet"
    path.write_bytes(parquet([[f"word-{number}" for number in range(2600)]] * 2))
    return path


def vectors_of_two_parts(*arguments: object) -> list[object]:
    return ["train", *arguments, *trained("--min-count", 1, "--negative", 1, "--window", 1, vector_size=1000)]


def is_part_two(asked: Asked) -> bool:
    return asked.is_upload and asked.query["partNumber"] == ["2"]


def test_a_large_output_goes_in_parts_and_comes_back_equal(
    command: Command, bucket: Bucket, many_words: Path, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    options = words(through(proxy, bucket, **SLOW))
    fault = proxy.spoil(answers(503, "SlowDown"), lambda asked: asked.is_upload, every=2)
    command(*vectors_of_two_parts(many_words, "-o", tmp_path / "out"))
    command(*vectors_of_two_parts(many_words, "-o", bucket.url(folder)), *options)
    assert sum(map(is_part_two, proxy.asked)) == 2
    assert fault.hits == 2
    content = bucket.get(f"{folder}vectors.arrow")
    assert content == (tmp_path / "out" / "vectors.arrow").read_bytes()
    (tmp_path / "back.arrow").write_bytes(content)
    assert pg.KeyedVectors.load(tmp_path / "back.arrow").vectors.shape == (2600, 1000)


@pytest.mark.parametrize("fault", [answers(500, "InternalError"), drops, stalls], ids=named)
def test_an_upload_that_fails_at_a_later_part_leaves_nothing(
    command: Command, fault: Fault, bucket: Bucket, many_words: Path, folder: str, proxy: Proxy
) -> None:
    proxy.spoil(fault, is_part_two)
    options = words(through(proxy, bucket, **{**IMPATIENT, "timeout": "3s"}))
    done = command(*vectors_of_two_parts(many_words, "-o", bucket.url(folder)), "--quiet", *options, code=1)
    assert bucket.url(f"{folder}vectors.arrow") in only_line(done)
    assert bucket.names(folder) == []
    assert bucket.unfinished_uploads(folder) == []


@pytest.mark.parametrize("fault", [drops, drops_midway, answers(500, "InternalError")], ids=named)
def test_a_fault_while_writing_that_passes_changes_nothing(
    command: Command, fault: Fault, bucket: Bucket, objects: Objects, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    # An upload whose end was answered by half is over: to end it again fails.
    spared = "uploadId" if fault is drops_midway else None
    proxy.spoil(fault, lambda asked: asked.is_upload or asked.method == "POST" and spared not in asked.query, every=2)
    command("train", objects.url, "-o", tmp_path / "out", *trained(), *words(bucket.options))
    options = words(through(proxy, bucket, **PATIENT))
    command("train", objects.url, "-o", bucket.url(folder), *trained(), *options)
    assert bucket.get(f"{folder}vectors.arrow") == (tmp_path / "out" / "vectors.arrow").read_bytes()


def test_an_output_that_cannot_be_written_is_found_before_training(
    command: Command, bucket: Bucket, objects: Objects, proxy: Proxy
) -> None:
    proxy.spoil(answers(403, "AccessDenied"), lambda asked: asked.method in {"PUT", "POST"})
    options = words(through(proxy, bucket))
    for output in ("s3://no-such-bucket-here/out", bucket.url("out")):
        with within(8):
            done = command("train", objects.url, "-o", output, "--epochs", FOREVER, "--quiet", *options, code=1)
        assert output in only_line(done)


def test_a_web_server_is_no_place_to_write_to(command: Command, many_words: Path, file_server: FileServer) -> None:
    done = command("train", many_words, "-o", f"{file_server.endpoint}/out", "--epochs", FOREVER, "--quiet", code=1)
    assert f"{file_server.endpoint}/out" in only_line(done)
    assert "does not offer this" in done.stderr


def test_an_output_may_be_a_file_url(command: Command, objects: Objects, bucket: Bucket, here: Path) -> None:
    options = words(bucket.options)
    command("train", objects.url, "-o", f"file://{here}/out", "--quiet", *trained(), *options)
    assert [str(path.relative_to(here)) for path in here.rglob("*.arrow")] == ["out/vectors.arrow"]


def test_a_failed_run_leaves_the_vectors_of_the_last_in_the_bucket(
    command: Command, bucket: Bucket, many_words: Path, folder: str, proxy: Proxy
) -> None:
    bucket.put(f"{folder}vectors.arrow", b"of the last run")
    proxy.spoil(answers(500, "InternalError"), is_part_two)
    options = words(through(proxy, bucket, **{**IMPATIENT, "timeout": "3s"}))
    command(*vectors_of_two_parts(many_words, "-o", bucket.url(folder)), "--quiet", *options, code=1)
    assert bucket.get(f"{folder}vectors.arrow") == b"of the last run"


# Credentials


@pytest.fixture
def profiles(plain_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default profile and another, in the two files of the AWS tools."""
    credentials, config = tmp_path / "credentials", tmp_path / "config"
    credentials.write_text(
        "[default]\naws_access_key_id = DEFAULTKEY\naws_secret_access_key = default-secret\n\n"
        "[other]\naws_access_key_id = OTHERKEY\naws_secret_access_key = other-secret\naws_session_token = other-token\n"
    )
    config.write_text("[default]\nregion = eu-west-1\n\n[profile other]\nregion = eu-north-1\noutput = json\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


def signed_by(proxy: Proxy, url: str, **options: str) -> tuple[str | None, str | None, str | None]:
    """Key, region and token of the requests; all alike."""
    proxy.asked.clear()
    pg.Word2Vec(url, storage_options={"aws_endpoint_url": proxy.endpoint, **options}, **SMALL)
    signers = set()
    for asked in proxy.asked:
        scope = asked.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        region = scope[2] if len(scope) > 2 else None
        signers.add((asked.access_key, region, asked.headers.get("X-Amz-Security-Token")))
    (signer,) = signers
    return signer


@pytest.mark.usefixtures("lenient", "profiles")
def test_a_profile_gives_what_nothing_else_does(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signed_by(proxy, objects.url) == ("DEFAULTKEY", "eu-west-1", None)
    other = ("OTHERKEY", "eu-north-1", "other-token")
    assert signed_by(proxy, objects.url, aws_profile="other") == other
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert signed_by(proxy, objects.url) == other
    assert signed_by(proxy, objects.url, aws_profile="default") == ("DEFAULTKEY", "eu-west-1", None)
    assert signed_by(proxy, objects.url, aws_region="us-west-2") == ("OTHERKEY", "us-west-2", "other-token")


@pytest.mark.usefixtures("lenient", "profiles")
def test_options_win_over_the_environment_and_that_over_a_profile(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "other")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    assert signed_by(proxy, objects.url) == ("ENVKEY", "eu-north-1", None)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    given = {"aws_access_key_id": "GIVENKEY", "aws_secret_access_key": "given-secret"}
    assert signed_by(proxy, objects.url, **given) == ("GIVENKEY", "ap-south-1", None)
    assert signed_by(proxy, objects.url, **given, aws_region="sa-east-1") == ("GIVENKEY", "sa-east-1", None)


@pytest.mark.usefixtures("lenient")
def test_a_token_of_the_environment_does_not_go_with_keys_from_the_options(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert signed_by(proxy, objects.url) == ("ENVKEY", "us-east-1", "env-token")
    given = {"aws_access_key_id": "GIVENKEY", "aws_secret_access_key": "given-secret"}
    assert signed_by(proxy, objects.url, **given) == ("GIVENKEY", "us-east-1", None)


@pytest.mark.usefixtures("lenient", "profiles")
def test_an_unknown_profile_is_named(objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"aws_endpoint_url": proxy.endpoint}
    assert '"nobody"' in refused(ValueError, objects.url, {**place, "aws_profile": "nobody"})
    monkeypatch.setenv("AWS_PROFILE", "no-one")
    assert '"no-one"' in refused(ValueError, objects.url, place)
    assert proxy.asked == []


@pytest.mark.usefixtures("lenient", "profiles")
@pytest.mark.parametrize("value", ["true", "True", "1", True], ids=repr)
def test_an_anonymous_request_bears_no_signature(
    value: object, objects: Objects, proxy: Proxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.client.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    for key in objects.keys:
        bucket.client.put_object_acl(Bucket=bucket.name, Key=key, ACL="public-read")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    place = {"aws_endpoint_url": proxy.endpoint, "aws_region": "us-east-1", "aws_skip_signature": value}
    assert_trained_on(pg.Word2Vec(objects.url, storage_options=place, **SMALL), objects.rows)
    assert [asked for asked in proxy.asked if "Authorization" in asked.headers] == []


@pytest.mark.usefixtures("lenient")
def test_without_any_credentials_they_are_asked_for_soon(objects: Objects, proxy: Proxy) -> None:
    # Amazon's own machines answer there; elsewhere nobody does.
    proxy.spoil(stalls)
    place = {"aws_endpoint_url": proxy.endpoint, "aws_region": "us-east-1", "aws_metadata_endpoint": proxy.endpoint}
    message = refused(OSError, objects.url, {**place, **IMPATIENT})
    assert "credentials" in message
    assert "storage_options" in message


# Options and URLs that mean nothing


@pytest.mark.parametrize(
    ("option", "value", "needles"),
    [
        ("aws_acess_key_id", "typo", ["storage_options", "aws_acess_key_id"]),
        ("max_retries", "many", ["storage_options", "max_retries", "many"]),
        ("retry_timeout_ms", "-1", ["storage_options", "retry_timeout_ms", "-1"]),
        ("timeout", "soon", ["storage_options", "soon"]),
        ("aws_skip_signature", "perhaps", ["storage_options", "perhaps"]),
        ("aws_endpoint_url", "no url", ["storage_options"]),
    ],
)
def test_an_option_that_means_nothing_is_named(
    command: Command, option: str, value: str, needles: list[str], bucket: Bucket, tmp_path: Path
) -> None:
    options = {**bucket.options, option: value}
    message = refused(ValueError, bucket.url("x/"), options)
    done = command("train", bucket.url("x/"), "-o", tmp_path / "out", "--quiet", *words(options), code=1)
    for said in (message, only_line(done)):
        assert [needle for needle in needles if needle not in said] == []
        assert bucket.secret not in said


@pytest.mark.parametrize("url", ["ftp://x/y.parquet", "s3:///x.parquet", "s4://bucket/x/", "http:///x.parquet"])
def test_a_url_that_means_nothing_is_named(command: Command, url: str, tmp_path: Path) -> None:
    assert url in refused(ValueError, url, {})
    assert url in only_line(command("train", url, "-o", tmp_path / "out", "--quiet", code=1))
    (tmp_path / "c.parquet").write_bytes(parquet([["a", "b"]] * 5))
    written = command("train", tmp_path, "-o", url, "--epochs", FOREVER, "--quiet", code=1)
    assert url in only_line(written)


def test_the_environment_alone_is_enough(
    command: Command, bucket: Bucket, objects: Objects, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.options.items():
        monkeypatch.setenv(name.upper(), value)
    assert_trained_on(pg.Word2Vec(objects.url, **SMALL), objects.rows)
    command("train", objects.url, "--output", bucket.url(folder), "--quiet", *trained())
    assert bucket.names(folder) == [f"{folder}vectors.arrow"]
