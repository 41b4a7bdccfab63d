"""Vectors and models saved to object stores and loaded from them by Python: the same as on disk, or none at all."""

from __future__ import annotations

import pickle
import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from object_store import (
    PATIENT,
    SLOW_AND_IMPATIENT,
    Asked,
    Bucket,
    Fault,
    FileServer,
    Proxy,
    Where,
    answers,
    cuts_short,
    drops_midway,
    first,
    is_reading,
    named,
    resets_midway,
    running,
    stalls,
    through,
)
from runs import Job

import polargram as pg

FILES = {"bundle.json", "config.json", "nodes.npy", "output.npy", "vectors.arrow"}


@pytest.fixture(autouse=True)
def temporary(plain_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of temporary copies, in which nothing is left."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield directory
    assert not list(directory.iterdir())


@pytest.fixture(scope="module")
def both() -> pg.Word2Vec:
    """A small model with the weights of both objectives."""
    return pg.Word2Vec([["a", "b", "c", "d"]] * 50, vector_size=20, min_count=1, epochs=1, workers=1, hs=1)


@pytest.fixture(scope="module")
def large() -> pg.KeyedVectors:
    """Vectors of two parts of an upload, and three blocks of a download."""
    sentences = [[f"word-{number}" for number in range(2600)]] * 2
    return pg.Word2Vec(sentences, vector_size=1000, min_count=1, epochs=1, window=1, negative=1).wv


def assert_same(one: pg.KeyedVectors, other: pg.KeyedVectors) -> None:
    assert one.index_to_key == other.index_to_key
    assert np.array_equal(one.vectors, other.vectors)


def names(bucket: Bucket, folder: str) -> set[str]:
    return {name.removeprefix(folder) for name in bucket.names(folder)}


@pytest.mark.parametrize("name", ["v.arrow", "v.npy", "v.txt", "v.bin", "v.kv", "deep/er/vectors", "a b+é%41.arrow"])
def test_vectors_come_back_from_a_bucket(
    name: str, both: pg.Word2Vec, bucket: Bucket, folder: str, tmp_path: Path
) -> None:
    both.wv.save(bucket.url(folder + name), storage_options=bucket.options)
    back = pg.KeyedVectors.load(bucket.url(folder + name), storage_options=bucket.options)
    assert_same(back, both.wv)
    local = tmp_path / Path(name).name
    both.wv.save(local)
    assert bucket.get(folder + name) == local.read_bytes()
    assert not bucket.unfinished_uploads(folder)


def test_vectors_from_a_bucket_are_mapped_and_travel_by_value(both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    both.wv.save(bucket.url(f"{folder}v.arrow"), storage_options=bucket.options)
    back = pg.KeyedVectors.load(bucket.url(f"{folder}v.arrow"), storage_options=bucket.options)
    assert not back.vectors.flags.writeable
    bucket.delete(f"{folder}v.arrow")
    assert_same(pickle.loads(pickle.dumps(back)), both.wv)


def test_vectors_come_back_from_a_web_server(both: pg.Word2Vec, file_server: FileServer, tmp_path: Path) -> None:
    both.wv.save(tmp_path / "v.npy")
    file_server.files["/v.npy"] = (tmp_path / "v.npy").read_bytes()
    file_server.files["/v.vocab.txt"] = (tmp_path / "v.vocab.txt").read_bytes()
    assert_same(pg.KeyedVectors.load(f"{file_server.endpoint}/v.npy"), both.wv)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_the_word2vec_format_and_its_counts_come_back_from_a_bucket(
    binary: bool, both: pg.Word2Vec, bucket: Bucket, folder: str
) -> None:
    where, counts = bucket.url(f"{folder}vectors"), bucket.url(f"{folder}counts")
    options = {"binary": binary, "storage_options": bucket.options}
    both.wv.save_word2vec_format(where, fvocab=counts, **options)
    back = pg.KeyedVectors.load_word2vec_format(where, fvocab=counts, **options)
    assert_same(back, both.wv)
    assert back.get_vecattr("a", "count") == 50


def test_a_model_comes_back_from_a_bucket_and_trains_on(both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    both.save(bucket.url(f"{folder}model"), storage_options=bucket.options)
    assert names(bucket, f"{folder}model/") == FILES
    back = pg.Word2Vec.load(bucket.url(f"{folder}model/"), storage_options=bucket.options)
    assert_same(back.wv, both.wv)
    assert np.array_equal(back.syn1neg, both.syn1neg)
    assert np.array_equal(back.syn1, both.syn1)
    assert (back.hs, back.vector_size, back.workers) == (1, 20, 1)
    back.train([["a", "b"]] * 9, total_examples=9, epochs=1)


def test_a_model_replaces_an_older_one_and_other_objects_stay(both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    url = bucket.url(folder)
    both.save(url, storage_options=bucket.options)
    bucket.put(f"{folder}notes.txt", b"mine")
    other = pg.Word2Vec([["x", "y"]] * 9, vector_size=5, min_count=1, epochs=1, workers=1)
    other.save(url, storage_options=bucket.options)
    assert names(bucket, folder) == FILES - {"nodes.npy"} | {"notes.txt"}
    assert_same(pg.Word2Vec.load(url, storage_options=bucket.options).wv, other.wv)


def test_what_was_there_before_the_first_model_stays(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}nodes.npy", b"mine")
    model = pg.Word2Vec([["x", "y"]] * 9, vector_size=5, min_count=1, epochs=1, workers=1)
    model.save(bucket.url(folder), storage_options=bucket.options)
    assert names(bucket, folder) == FILES


def test_nothing_else_is_replaced_by_a_model(both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}config.json", b'{"architectures": ["BertModel"]}')
    with pytest.raises(ValueError, match=f"{bucket.url(folder)}: is not a model's directory"):
        both.save(bucket.url(folder), storage_options=bucket.options)
    assert names(bucket, folder) == {"config.json"}


def test_objects_and_buckets_that_there_are_not_are_named(both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    for url in (bucket.url(f"{folder}none.arrow"), "s3://no-such-bucket-here/none.arrow"):
        with pytest.raises(FileNotFoundError, match=url):
            pg.KeyedVectors.load(url, storage_options=bucket.options)
    with pytest.raises(FileNotFoundError, match=bucket.url(f"{folder}none/config.json")):
        pg.Word2Vec.load(bucket.url(f"{folder}none"), storage_options=bucket.options)
    for save in (both.save, both.wv.save, both.wv.save_word2vec_format):
        with pytest.raises(FileNotFoundError, match="s3://no-such-bucket-here/v"):
            save("s3://no-such-bucket-here/v", storage_options=bucket.options)


@pytest.mark.parametrize("name", ["v.arrow", "v.npy", "v.txt", "v.bin", "v"])
def test_damaged_vectors_are_named_by_their_url(name: str, both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    both.wv.save(bucket.url(folder + name), storage_options=bucket.options)
    bucket.put(folder + name, bucket.get(folder + name)[:60])
    with pytest.raises((ValueError, EOFError), match=bucket.url(folder + name)):
        pg.KeyedVectors.load(bucket.url(folder + name), storage_options=bucket.options)


@pytest.mark.parametrize("name", sorted(FILES - {"bundle.json"}))
def test_damaged_models_are_named_by_their_url(name: str, both: pg.Word2Vec, bucket: Bucket, folder: str) -> None:
    both.save(bucket.url(folder), storage_options=bucket.options)
    bucket.put(folder + name, bucket.get(folder + name)[:60])
    with pytest.raises((ValueError, EOFError), match=bucket.url(folder + name)):
        pg.Word2Vec.load(bucket.url(folder), storage_options=bucket.options)


def test_words_that_a_format_cannot_hold_leave_the_old_object(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}v.bin", b"old")
    wv = pg.Word2Vec([["new york", "paris"]] * 3, vector_size=2, min_count=1, epochs=1).wv
    with pytest.raises(ValueError, match=f"{bucket.url(folder)}v.bin.*new york"):
        wv.save(bucket.url(f"{folder}v.bin"), storage_options=bucket.options)
    assert bucket.get(f"{folder}v.bin") == b"old"


# Faults


@pytest.mark.parametrize("fault", [drops_midway, resets_midway, cuts_short, answers(503, "SlowDown")], ids=named)
def test_a_fault_while_reading_that_passes_changes_nothing(
    fault: Fault, large: pg.KeyedVectors, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    large.save(bucket.url(f"{folder}v.arrow"), storage_options=bucket.options)
    rule = proxy.spoil(fault, is_reading, every=2)
    options = through(proxy, bucket, **{**PATIENT, "timeout": "10s"})
    assert_same(pg.KeyedVectors.load(bucket.url(f"{folder}v.arrow"), storage_options=options), large)
    assert rule.hits >= 3


def nth_reading(key: str, number: int) -> Where:
    times = count(1)
    return lambda asked: asked.is_reading and key in asked.path and next(times) == number


@pytest.mark.parametrize("reading", [1, 3])
def test_vectors_that_are_replaced_while_they_are_read_are_refused(
    reading: int, large: pg.KeyedVectors, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    large.save(bucket.url(f"{folder}v.arrow"), storage_options=bucket.options)
    content = bucket.get(f"{folder}v.arrow")
    other = content[:-1000] + bytes(1000)
    proxy.spoil(first(lambda: bucket.put(f"{folder}v.arrow", other)), nth_reading("/v.arrow", reading))
    with pytest.raises(OSError, match=f"{bucket.url(folder)}v.arrow.*changed"):
        pg.KeyedVectors.load(bucket.url(f"{folder}v.arrow"), storage_options=through(proxy, bucket))


@pytest.mark.parametrize("name", ["vectors.arrow", "config.json"])
def test_a_model_that_is_replaced_while_it_is_read_is_refused(
    name: str, both: pg.Word2Vec, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    both.save(bucket.url(folder), storage_options=bucket.options)
    replace = first(lambda: bucket.put(folder + name, b"{}" + bucket.get(folder + name)))
    # The description is replaced after it was read.
    proxy.spoil(replace, nth_reading("/output.npy" if name == "config.json" else f"/{name}", 1))
    with pytest.raises(OSError, match=f"{bucket.url(folder)}{name}.*changed"):
        pg.Word2Vec.load(bucket.url(folder), storage_options=through(proxy, bucket))


def is_last_part(asked: Asked) -> bool:
    return asked.is_upload and asked.query["partNumber"] == ["2"]


def test_an_upload_that_fails_at_a_later_part_leaves_the_old_vectors(
    large: pg.KeyedVectors, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    bucket.put(f"{folder}v.arrow", b"old")
    proxy.spoil(answers(500, "InternalError"), is_last_part)
    options = through(proxy, bucket, **SLOW_AND_IMPATIENT)
    with pytest.raises(OSError, match=bucket.url(f"{folder}v.arrow")):
        large.save(bucket.url(f"{folder}v.arrow"), storage_options=options)
    assert bucket.get(f"{folder}v.arrow") == b"old"
    assert not bucket.unfinished_uploads(folder)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_model_of_which_a_file_cannot_be_sent_leaves_the_older_one(
    name: str, both: pg.Word2Vec, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    both.save(bucket.url(folder), storage_options=bucket.options)
    before = {key: bucket.get(key) for key in bucket.names(folder)}
    proxy.spoil(answers(500, "InternalError"), lambda asked: asked.is_upload and f"/{name}?" in asked.path)
    other = pg.Word2Vec([["x", "y"]] * 9, vector_size=5, min_count=1, epochs=1, workers=1, hs=1)
    options = through(proxy, bucket, **SLOW_AND_IMPATIENT)
    with pytest.raises(OSError, match=bucket.url(folder + name)):
        other.save(bucket.url(folder), storage_options=options)
    assert {key: bucket.get(key) for key in bucket.names(folder)} == before
    assert not bucket.unfinished_uploads(folder)


def test_who_may_not_list_a_bucket_can_save_and_load_a_model(
    both: pg.Word2Vec, bucket: Bucket, folder: str, proxy: Proxy
) -> None:
    """Such a user is refused access to an object that there is not."""

    def is_missing(asked: Asked) -> bool:
        return asked.method in {"HEAD", "GET"} and asked.path.rpartition("/")[2] not in names(bucket, folder)

    proxy.spoil(answers(403, "AccessDenied"), is_missing)
    other = pg.Word2Vec([["x", "y"]] * 9, vector_size=5, min_count=1, epochs=1, workers=1)
    other.save(bucket.url(folder), storage_options=through(proxy, bucket))
    assert_same(pg.Word2Vec.load(bucket.url(folder), storage_options=through(proxy, bucket)).wv, other.wv)


def test_a_store_behind_a_web_server_is_no_place_to_write_to(both: pg.Word2Vec, file_server: FileServer) -> None:
    with pytest.raises(OSError, match=f"{file_server.endpoint}/v.arrow.*does not offer this"):
        both.wv.save(f"{file_server.endpoint}/v.arrow")


def test_no_secret_is_said(both: pg.Word2Vec, bucket: Bucket) -> None:
    with running(Proxy(bucket.endpoint)) as proxy:
        proxy.spoil(answers(400, "InvalidRequest", f"{bucket.secret} is wrong"))
        for use in (both.save, both.wv.save, pg.Word2Vec.load, pg.KeyedVectors.load):
            with pytest.raises(OSError, match=bucket.url("v")) as refused:
                use(bucket.url("v"), storage_options=through(proxy, bucket, max_retries="0"))
            assert bucket.secret not in str(refused.value)


# Ctrl-C

PROGRAM = """
import sys
import polargram as pg

def load(url): pg.KeyedVectors.load(url)
def save(url): wv.save(url)
def load_model(url): pg.Word2Vec.load(url.rpartition("/")[0])
def save_model(url): model.save(url.rpartition("/")[0])

model = pg.Word2Vec([["a", "b"]] * 9, vector_size=4, min_count=1, epochs=1, workers=1)
wv = model.wv
try:
    globals()[sys.argv[1]](sys.argv[2])
except KeyboardInterrupt:
    print("stopped")
print(len(wv), "words")
"""


@pytest.mark.parametrize("what", ["load", "save", "load_model", "save_model"])
@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_while_a_store_stalls_is_a_keyboard_interrupt_soon_and_leaves_nothing(
    what: str, both: pg.Word2Vec, bucket: Bucket, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    if what.startswith("load"):
        both.save(bucket.url(folder), storage_options=bucket.options)
    before = names(bucket, folder)
    stall: Callable[[Asked], bool] = is_reading if what.startswith("load") else lambda asked: asked.is_upload
    proxy.spoil(stalls, stall)
    job = Job("-c", PROGRAM, what, bucket.url(f"{folder}vectors.arrow"), temporary=tmp_path / "own")
    assert proxy.stalled.wait(10)
    assert job.signal(signal.SIGINT) == 0
    assert job.said.splitlines() == ["stopped", "2 words"]
    assert names(bucket, folder) == before
    assert not bucket.unfinished_uploads(folder)
    assert not list((tmp_path / "own").iterdir())
