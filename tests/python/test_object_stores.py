"""Corpora in object stores and on web servers: the same as on disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import QUICK, SMALL, Sentences, array_of, counts_of, zstd
from object_store import (
    IMPATIENT,
    Bucket,
    Exchange,
    FileServer,
    Objects,
    Proxy,
    assert_trained_on,
    is_listing,
    parquet,
    refused,
    some_rows,
    text,
    through,
    within,
    words,
)
from runs import FOREVER, Command, only_line

import polargram as pg

pytestmark = pytest.mark.usefixtures("plain_environment")


#: One worker: the same corpus gives the same vectors, bit by bit.
EXACT = {**SMALL, "vector_size": 8, "workers": 1, "seed": 1, "epochs": 2}


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


@pytest.mark.parametrize(
    "source", ["", "out.parquet", "out.parquet/", "**/*.parquet", "*/*.parquet", "out*/part-?.parquet"]
)
def test_objects_that_mark_folders_and_keys_with_empty_names_do_not_end_a_job(
    source: str, bucket: Bucket, folder: str
) -> None:
    rows = some_rows(3, 20)
    bucket.put(f"{folder}out.parquet/part-0.parquet", parquet(rows))
    for key in ("out.parquet/", "out.parquet_$folder$", "/log.txt", "a//b/log.txt", "out.parquet//log.txt"):
        bucket.put(folder + key, b"")
    assert_trained_on(pg.Word2Vec(bucket.url(folder + source), storage_options=bucket.options, **SMALL), rows)


def test_an_empty_object_beside_its_folder_is_no_file(bucket: Bucket, folder: str) -> None:
    rows = some_rows(3, 20)
    bucket.put(f"{folder}out.parquet", b"")
    with pytest.raises(ValueError, match=r"out\.parquet"):
        pg.Word2Vec(bucket.url(f"{folder}out.parquet"), storage_options=bucket.options, **SMALL)
    bucket.put(f"{folder}out.parquet/part-0.parquet", parquet(rows))
    for source in ("", "out.parquet", "**/*.parquet"):
        assert_trained_on(pg.Word2Vec(bucket.url(folder + source), storage_options=bucket.options, **SMALL), rows)


def test_an_object_that_cannot_be_addressed_is_named_where_it_is_wanted(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}a.parquet", parquet(some_rows(3, 20)))
    bucket.put(f"{folder}/b.parquet", parquet(some_rows(4, 20)))
    said = '"/b.parquet" has a folder name that is empty'
    assert said in refused(ValueError, bucket.url(folder), bucket.options)
    model = pg.Word2Vec(bucket.url(f"{folder}*.parquet"), storage_options=bucket.options, **SMALL)
    assert_trained_on(model, some_rows(3, 20))


@pytest.mark.parametrize("key", ["/d/y.parquet", "d//y.parquet", "d//", "//", "d//*.parquet"])
def test_a_url_with_an_empty_folder_name_is_not_taken_for_another(key: str, bucket: Bucket) -> None:
    bucket.put("d/y.parquet", parquet(some_rows(3, 20)))
    url = bucket.url(key)
    assert f"{url}: has an empty folder name (//)" in refused(ValueError, url, bucket.options)
    model = pg.Word2Vec([["a", "b"]] * 9, **SMALL)
    for save in (model.save, model.wv.save):
        with pytest.raises(ValueError, match="has an empty folder name"):
            save(url.replace("*", "x"), storage_options=bucket.options)
    with pytest.raises(ValueError, match="has an empty folder name"):
        pg.KeyedVectors.load(url.replace("*", "x"), storage_options=bucket.options)


def test_google_is_read_by_the_interface_that_it_shares_with_s3(bucket: Bucket, folder: str) -> None:
    if bucket.is_foreign:
        pytest.skip("the server that the environment names wants a signature of Amazon's")
    rows = some_rows(3, 120)
    for number in range(3):
        content = parquet(rows[40 * number : 40 * (number + 1)])
        # These requests are not signed.
        bucket.client.put_object(
            Bucket=bucket.name, Key=f"{folder}part-{number}.parquet", Body=content, ACL="public-read"
        )
    options = {"google_base_url": bucket.endpoint, "google_skip_signature": "true"}
    for key in (folder, folder.rstrip("/"), f"{folder}part-*.parquet"):
        assert_trained_on(pg.Word2Vec(f"gs://{bucket.name}/{key}", storage_options=options, **SMALL), rows)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def arrow(rows: Sentences, write: Callable[[pa.NativeFile, pa.Schema], pa.RecordBatchWriter]) -> bytes:
    table, sink = pa.table({"tokens": rows}), pa.BufferOutputStream()
    with write(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return sink.getvalue().to_pybytes()


FORMATS: dict[str, Callable[[Sentences], bytes]] = {
    "c.txt": text,
    "c.txt.gz": lambda rows: gzip.compress(text(rows)),
    "c.txt.bz2": lambda rows: bz2.compress(text(rows)),
    "c.txt.xz": lambda rows: lzma.compress(text(rows)),
    "c.txt.zst": lambda rows: zstd(text(rows)),
    "c.arrow": lambda rows: arrow(rows, pa.ipc.new_file),
    "c.arrows": lambda rows: arrow(rows, pa.ipc.new_stream),
    "c.npy": lambda rows: saved(array_of(rows)),
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


@pytest.mark.usefixtures("in_environment")
def test_every_reader_of_text_reads_a_url(
    bucket: Bucket, objects: Objects, folder: str, file_server: FileServer
) -> None:
    lines = text(objects.rows).splitlines(keepends=True)
    parts = {f"{folder}a.txt": b"".join(lines[:120]), f"{folder}b.gz": gzip.compress(b"".join(lines[120:]))}
    for key, content in parts.items():
        bucket.put(key, content)
    file_server.files["/c.txt"] = text(objects.rows)
    web = f"{file_server.endpoint}/c.txt"
    tagged = [[f"{word}/nn" for word in row] for row in objects.rows]
    bucket.put(f"{folder}brown/ca01", text(tagged))
    flat = [word for row in objects.rows for word in row]
    running_text = [flat[start : start + 1000] for start in range(0, len(flat), 1000)]
    for reader, sentences in [
        (pg.LineSentence(web), objects.rows),
        (pg.LineSentence(bucket.url(f"{folder}a.txt")), objects.rows[:120]),
        (pg.PathLineSentences(bucket.url(folder)), [*objects.rows, *tagged]),
        (pg.Text8Corpus(web, max_sentence_length=1000), running_text),
        (pg.BrownCorpus(bucket.url(f"{folder}brown/")), tagged),
    ]:
        assert list(reader) == sentences
        assert_trained_on(pg.Word2Vec(reader, **SMALL), sentences)


def test_ids_of_numpy_are_to_be_copied_here(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}ids.npy", saved(np.ones((2, 2), int)))
    message = refused(ValueError, bucket.url(f"{folder}ids.npy"), bucket.options)
    assert bucket.url(f"{folder}ids.npy") in message
    assert "copy it to this machine" in message


#: Options of the command that filter, split and count rows.
CHOOSING = [
    ["--where", "n > 1 AND lang = 'en'"],
    ["--count-column", "n"],
    ["--column", "text", "--split", "whitespace"],
    ["--limit", 1234],
    ["--sample-fraction", 0.3, "--seed", 5],
    ["--where", "id % 7 = 3", "--column", "text", "--split", "regex: ", "--count-column", "n", "--limit", 200],
]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("options", CHOOSING, ids=lambda options: " ".join(map(str, options)))
def test_rows_of_objects_are_chosen_split_and_weighed_as_those_of_files(
    command: Command, options: list[object], version: str, bucket: Bucket, folder: str, tmp_path: Path
) -> None:
    rows = some_rows(8, 2000)
    draw = random.Random(8)
    columns = {
        "id": range(2000),
        "n": pa.array([draw.choice([0, 1, 2, 5]) for _ in rows], pa.uint8()),
        "lang": [draw.choice(["en", "fr", None]) for _ in rows],
        "text": [" ".join(row[:7]) for row in rows],
        "tokens": rows,
    }
    (tmp_path / "in").mkdir()
    for number in range(2):
        path = tmp_path / "in" / f"{number}.parquet"
        pages = {"data_page_size": 500, "write_batch_size": 50, "data_page_version": version}
        pq.write_table(pa.table(columns)[1000 * number :][:1000], path, row_group_size=400, **pages)
        bucket.put(folder + path.name, path.read_bytes())
    command("train", tmp_path / "in", "-o", tmp_path / "here", *QUICK, *options)
    command("train", bucket.url(folder), "-o", tmp_path / "there", *QUICK, *options, *words(bucket.options))
    here, there = (counts_of(pg.KeyedVectors.load(tmp_path / at / "vectors.arrow")) for at in ("here", "there"))
    assert here == there
    assert sum(here.values()) not in (0, sum(map(len, rows)))


def wide(rows: Sentences) -> bytes:
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


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("BUCKET/none/", ValueError),
        ("BUCKET/none/*.parquet", ValueError),
        ("BUCKET/none.parquet", ValueError),
        ("no-such-bucket/x/", FileNotFoundError),
    ],
)
def test_a_place_without_objects_is_named(
    command: Command, place: str, kind: type[Exception], bucket: Bucket, tmp_path: Path
) -> None:
    url = "s3://" + place.replace("BUCKET", bucket.name)
    message = refused(kind, url, bucket.options)
    assert url in message
    # Requests that would fail again are not retried.
    assert "retry" not in message
    with within(8):
        done = command("train", url, "-o", tmp_path / "out", "--quiet", *words(bucket.options), code=3)
    assert url in only_line(done)
    assert not (tmp_path / "out").exists()


def lists_without_quotes(exchange: Exchange) -> None:
    """Lists ETags as Azure does."""
    status, headers, body = exchange.ask()
    exchange.reply(status, headers, re.sub(rb"<ETag>(?:&quot;|\")(\w+)(?:&quot;|\")</ETag>", rb"<ETag>\1</ETag>", body))


def test_the_etag_of_a_listing_may_stand_without_its_quotes(objects: Objects, bucket: Bucket, proxy: Proxy) -> None:
    listing = proxy.spoil(lists_without_quotes, is_listing)
    assert_trained_on(pg.Word2Vec(objects.url, storage_options=through(proxy, bucket), **SMALL), objects.rows)
    assert listing.hits


def test_an_object_that_is_no_parquet_is_named(bucket: Bucket, folder: str) -> None:
    bucket.put(f"{folder}0.parquet", parquet([["a"]]))
    for content in (b"", b"PAR1", b"no parquet at all", parquet(some_rows(1, 50))[:-20]):
        bucket.put(f"{folder}1.parquet", content)
        assert bucket.url(f"{folder}1.parquet") in refused(ValueError, bucket.url(folder), bucket.options)


@pytest.mark.parametrize("url", ["ftp://x/y.parquet", "s3:///x.parquet", "s4://bucket/x/", "http:///x.parquet"])
def test_a_url_that_means_nothing_is_named(command: Command, url: str, tmp_path: Path) -> None:
    assert url in refused(ValueError, url, {})
    assert url in only_line(command("train", url, "-o", tmp_path / "out", "--quiet", code=2))
    (tmp_path / "c.parquet").write_bytes(parquet([["a", "b"]] * 5))
    written = command("train", tmp_path, "-o", url, "--epochs", FOREVER, "--quiet", code=2)
    assert url in only_line(written)
