"""Vectors written to object stores: the same as on disk, or none at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from object_store import (
    PATIENT,
    SLOW,
    SLOW_AND_IMPATIENT,
    Asked,
    Bucket,
    Fault,
    FileServer,
    Objects,
    Proxy,
    Where,
    answers,
    drops,
    drops_midway,
    named,
    stalls,
    through,
    trained,
    vectors_of_two_parts,
    within,
    words,
)
from runs import FOREVER, Command, Job, only_line

import polargram as pg

pytestmark = pytest.mark.usefixtures("plain_environment")


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


def test_phrases_are_saved_and_a_corpus_is_rewritten_in_a_bucket_as_on_disk(
    command: Command, bucket: Bucket, objects: Objects, folder: str, tmp_path: Path
) -> None:
    options = ["--min-count", 1, "--threshold", 0.5, "--topn", 3, *words(bucket.options)]
    printed = []
    for saved, joined in (
        (tmp_path / "p.arrow", tmp_path / "joined.parquet"),
        (bucket.url(f"{folder}p.arrow"), bucket.url(f"{folder}joined.parquet")),
    ):
        done = command("phrases", objects.url, *options, "--output", saved, "--rewrite", joined)
        assert f"wrote       {joined}" in done.stderr
        printed.append(done.stdout)
    assert printed[0] == printed[1] != ""
    assert {Path(key).name: bucket.get(key) for key in bucket.names(folder)} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir()
    }
    assert bucket.unfinished_uploads(folder) == []
    # The phrases and the corpus are found there again, by the command and by Python.
    again = ("--model", bucket.url(f"{folder}p.arrow"), "--rewrite", bucket.url(f"{folder}again.parquet"), "--quiet")
    command("phrases", objects.url, *again, *words(bucket.options))
    assert bucket.get(f"{folder}again.parquet") == bucket.get(f"{folder}joined.parquet")
    loaded = pg.Phrases.load(bucket.url(f"{folder}p.arrow"), storage_options=bucket.options)
    assert loaded.export_phrases() == pg.Phrases.load(tmp_path / "p.arrow").export_phrases()
    assert list(loaded[objects.url]) == [loaded[row] for row in objects.rows]
    loaded.freeze().save(bucket.url(f"{folder}f.arrow"), storage_options=bucket.options)
    frozen = pg.Phrases.load(bucket.url(f"{folder}f.arrow"), storage_options=bucket.options)
    assert frozen.export_phrases() == loaded.export_phrases()


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
    options = words(through(proxy, bucket, **SLOW_AND_IMPATIENT))
    done = command(*vectors_of_two_parts(many_words, "-o", bucket.url(folder)), "--quiet", *options, code=4)
    assert bucket.url(f"{folder}vectors.arrow") in only_line(done)
    assert bucket.names(folder) == []
    assert bucket.unfinished_uploads(folder) == []


@pytest.mark.parametrize("fault", [drops, drops_midway, answers(500, "InternalError")], ids=named)
def test_a_fault_while_writing_that_passes_changes_nothing(
    command: Command, fault: Fault, bucket: Bucket, objects: Objects, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    # The server has completed the upload, though half of its answer was lost. Completing it again fails.
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
            done = command("train", objects.url, "-o", output, "--epochs", FOREVER, "--quiet", *options, code=4)
        assert output in only_line(done)


def test_a_web_server_is_no_place_to_write_to(command: Command, many_words: Path, file_server: FileServer) -> None:
    done = command("train", many_words, "-o", f"{file_server.endpoint}/out", "--epochs", FOREVER, "--quiet", code=4)
    assert f"{file_server.endpoint}/out" in only_line(done)
    assert "does not offer this" in done.stderr


def test_an_output_may_be_a_file_url(command: Command, objects: Objects, bucket: Bucket, here: Path) -> None:
    options = words(bucket.options)
    command("train", objects.url, "-o", f"file://{here}/out", "--quiet", *trained(), *options)
    assert [str(path.relative_to(here)) for path in here.rglob("*.arrow")] == ["out/vectors.arrow"]


def is_completion(asked: Asked) -> bool:
    return asked.method == "POST" and "uploadId" in asked.query


def is_last_file(asked: Asked) -> bool:
    """True for the file that is sent last, of those of Arrow and NumPy."""
    return "/vectors.vocab.txt?" in asked.path


def test_a_failed_run_leaves_the_vectors_of_the_last_in_the_bucket(
    command: Command, bucket: Bucket, many_words: Path, folder: str, proxy: Proxy
) -> None:
    bucket.put(f"{folder}vectors.arrow", b"of the last run")
    fault = proxy.spoil(answers(500, "InternalError"), is_part_two)
    options = ["--quiet", *words(through(proxy, bucket, **SLOW_AND_IMPATIENT))]
    command(*vectors_of_two_parts(many_words, "-o", bucket.url(folder)), *options, code=4)
    assert fault.hits
    assert bucket.names(folder) == [f"{folder}vectors.arrow"]
    assert bucket.get(f"{folder}vectors.arrow") == b"of the last run"
    assert bucket.unfinished_uploads(folder) == []


FAULTS: dict[str, Where] = {
    "last part": lambda asked: asked.is_upload and is_last_file(asked),
    "first completion": lambda asked: is_completion(asked) and "/vectors.npy?" in asked.path,
}


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("formats", ["arrow,npy", "npy,arrow"])
def test_a_format_that_a_store_refuses_is_named_and_the_others_are_written(
    what: str, formats: str, command: Command, bucket: Bucket, objects: Objects, folder: str, proxy: Proxy
) -> None:
    bucket.put(f"{folder}vectors.arrow", b"of the last run")
    fault = proxy.spoil(answers(500, "InternalError"), FAULTS[what])
    options = ["--formats", formats, "--quiet", *words(through(proxy, bucket, **SLOW_AND_IMPATIENT))]
    done = command("train", objects.url, "-o", bucket.url(folder), *trained(), *options, code=4)
    assert fault.hits
    message = only_line(done)
    refused = "vectors.vocab.txt" if what == "last part" else "vectors.npy"
    assert f"cannot write {bucket.url(folder)}{refused}" in message
    assert message.endswith(f"; written: {bucket.url(folder)}vectors.arrow")
    assert bucket.names(folder) == [f"{folder}vectors.arrow"]
    assert bucket.get(f"{folder}vectors.arrow").startswith(b"ARROW1")
    assert bucket.unfinished_uploads(folder) == []


# Ctrl-C


STALLED: dict[str, Where] = {
    "asking for leave": lambda asked: asked.method == "POST" and "uploads" in asked.query,
    "a part": lambda asked: asked.is_upload,
    "the end": is_completion,
}


@pytest.mark.parametrize("what", STALLED)
@pytest.mark.parametrize("formats", ["arrow", "arrow,npy"])
@pytest.mark.usefixtures("in_environment")
def test_ctrl_c_while_an_upload_stalls_is_code_130_and_leaves_nothing(
    formats: str, what: str, bucket: Bucket, objects: Objects, folder: str, proxy: Proxy, tmp_path: Path
) -> None:
    # The second completion is not interrupted, because the first file has appeared.
    is_late = formats != "arrow" and what != "the end"
    proxy.spoil(stalls, lambda asked: STALLED[what](asked) and (not is_late or is_last_file(asked)))
    words = ["train", objects.url, "-o", bucket.url(folder), "--formats", formats]
    job = Job("-m", "polargram", *words, temporary=tmp_path / "tmp")
    assert proxy.stalled.wait(10)
    job.assert_interrupted()
    assert bucket.names(folder) == []
    assert bucket.unfinished_uploads(folder) == []
