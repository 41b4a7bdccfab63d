"""Object stores and web servers that fail, change, stall or are interrupted."""

from __future__ import annotations

import io
import random
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import SMALL
from object_store import (
    IMPATIENT,
    PATIENT,
    SLOW,
    Asked,
    Bucket,
    Fault,
    FileServer,
    Objects,
    Proxy,
    answers,
    assert_trained_on,
    cuts_short,
    drops,
    drops_midway,
    first,
    is_listing,
    is_reading,
    named,
    parquet,
    refused,
    resets,
    resets_midway,
    running,
    some_rows,
    stalls,
    stalls_midway,
    text,
    through,
)
from runs import Command, Job

import polargram as pg

pytestmark = pytest.mark.usefixtures("plain_environment")

# What changes while it is read


def readings_of(key: str, number: int) -> Callable[[Asked], bool]:
    """True of the reading of an object with this number, counted from 1."""
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


@pytest.mark.parametrize("reading", [1, 2, 3], ids=["footer", "counting", "encoding"])
def test_a_file_of_a_web_server_that_changes_is_named_by_its_time_where_it_has_no_etag(
    file_server: FileServer, reading: int
) -> None:
    before, after = (parquet([row] * 20, compression="uncompressed") for row in (["aa", "bb"], ["cc", "dd"]))
    assert len(before) == len(after)
    file_server.files["/c.parquet"] = before

    def change() -> None:
        file_server.files["/c.parquet"] = after
        file_server.modified = "Thu, 01 Jan 2026 00:00:01 GMT"

    with running(Proxy(file_server.endpoint)) as proxy:
        changed = proxy.spoil(first(change), readings_of("/c.parquet", reading))
        message = refused(OSError, f"{proxy.endpoint}/c.parquet", {})
        assert changed.hits == 1
        assert f"{proxy.endpoint}/c.parquet" in message
    assert "changed" in message


# What fails

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
    """Objects of more bytes than one request asks for."""
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
    job.assert_interrupted()
    assert not (tmp_path / "out").exists()


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


ITERATION = """
import sys
import polargram as pg

try:
    print(list(pg.LineSentence(sys.argv[1])))
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_while_sentences_are_waited_for_is_a_keyboard_interrupt_soon(
    bucket: Bucket, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    bucket.put(f"{folder}c.txt", b"a b\nc\n")
    proxy.spoil(stalls, is_reading)
    job = Job("-c", ITERATION, bucket.url(f"{folder}c.txt"), temporary=tmp_path / "tmp")
    assert proxy.stalled.wait(10)
    assert job.signal(signal.SIGINT) == 0
    assert job.said.splitlines() == ["stopped"]


LATE = """
import signal
import sys
import polargram as pg

class Late(Exception):
    pass

def late(*_):
    try:
        next(sentences)
    except ValueError as error:
        print(error)
    raise Late

signal.signal(signal.SIGALRM, late)
sentences = iter(pg.LineSentence(sys.argv[1]))
for _ in range(2):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        next(sentences)
    except Late:
        print("late", flush=True)
"""


@pytest.mark.usefixtures("in_environment")
def test_a_timeout_while_sentences_are_waited_for_is_the_users_own_and_they_can_be_waited_for_again(
    python: Command, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    bucket.put(f"{folder}c.txt", b"a b\nc\n")
    proxy.spoil(stalls, is_reading)
    done = python("-c", LATE, bucket.url(f"{folder}c.txt"))
    assert done.stdout.splitlines() == ["the next sentence is being read already", "late"] * 2, done.stderr
