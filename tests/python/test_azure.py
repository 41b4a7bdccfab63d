"""Corpora in Azure's store and vectors written to it, against Azurite; `make test-azure` starts one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import urllib.request
import uuid
from email.utils import formatdate
from pathlib import Path

import pytest
from corpora import Sentences, expected, facts
from object_store import parquet, refused, set_environment, vectors_of_two_parts, words
from runs import FOREVER, Command, only_line

ENDPOINT, ACCOUNT, KEY = (os.environ.get(f"POLARGRAM_TEST_AZURE_{name}", "") for name in ("ENDPOINT", "ACCOUNT", "KEY"))
OPTIONS = {
    "azure_storage_account_name": ACCOUNT,
    "azure_storage_account_key": KEY,
    "azure_storage_endpoint": f"{ENDPOINT}/{ACCOUNT}",
}
#: One more than fits on a page of a listing.
OBJECTS = 5001

if not ENDPOINT:
    pytest.skip("`make test-azure` gives these tests a server", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("plain_environment")


def ask(method: str, path: str, content: bytes = b"", query: str = "", **own: str) -> bytes:
    """The server's answer to a request signed with the key; ``own`` are Azure's headers, without their prefix."""
    named = {"date": formatdate(usegmt=True), "version": "2021-08-06", **own}
    headers = {f"x-ms-{name.replace('_', '-')}": value for name, value in sorted(named.items())}
    resource = "\n".join([f"/{ACCOUNT}/{ACCOUNT}/{path}", *([query.replace("=", ":")] if query else [])])
    kind, length = "application/octet-stream", str(len(content) or "")
    own_lines = [f"{name}:{value}" for name, value in headers.items()]
    signed = "\n".join([method, "", "", length, "", kind, *[""] * 6, *own_lines, resource])
    digest = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers |= {"Authorization": f"SharedKey {ACCOUNT}:{digest}", "Content-Type": kind}
    address = f"{ENDPOINT}/{ACCOUNT}/{path}" + (f"?{query}" if query else "")
    body = None if method == "GET" else content
    with urllib.request.urlopen(urllib.request.Request(address, body, headers, method=method)) as answer:
        return answer.read()


def put(path: str, content: bytes) -> None:
    ask("PUT", path, content, blob_type="BlockBlob")


@pytest.fixture(scope="module")
def container() -> str:
    name = f"corpora-{uuid.uuid4()}"
    ask("PUT", name, query="restype=container")
    return name


@pytest.fixture(scope="module")
def parts(container: str, rows: Sentences) -> list[Sentences]:
    """What is in the objects under parts/."""
    parts = [rows[first::40] for first in range(40)]
    for number, part in enumerate(parts):
        put(f"{container}/parts/{number:02}.parquet", parquet(part))
    return parts


@pytest.mark.parametrize(
    "url", ["az://{}/parts/", "abfs://{}/parts/*.parquet", f"abfss://{{}}@{ACCOUNT}.dfs.core.windows.net/parts"]
)
def test_a_prefix_or_glob_is_a_corpus(url: str, container: str, parts: list[Sentences]) -> None:
    assert facts(url.format(container), storage_options=OPTIONS) == expected(sum(parts, []))


def test_a_prefix_may_be_longer_than_a_page(container: str) -> None:
    content = parquet([["a", "b"]])
    for number in range(OBJECTS):
        put(f"{container}/many/{number}.parquet", content)
    assert facts(f"az://{container}/many/", storage_options=OPTIONS)[2:] == (2 * OBJECTS, OBJECTS)


def test_the_environment_names_the_account(
    container: str, parts: list[Sentences], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, OPTIONS)
    assert facts(f"az://{container}/parts/00.parquet") == expected(parts[0])


def test_a_wrong_key_is_told_of_and_not_told(container: str, parts: list[Sentences]) -> None:
    wrong = base64.b64encode(b"a key of somebody else").decode()
    message = refused(PermissionError, f"az://{container}/parts/", {**OPTIONS, "azure_storage_account_key": wrong})
    assert "check the credentials in storage_options or the environment" in message
    assert wrong not in message


@pytest.mark.parametrize(
    ("url", "kind"),
    [("az://nowhere/x/", FileNotFoundError), ("az://{}/nothing/", ValueError), ("az://{}/no.parquet", ValueError)],
)
def test_what_is_not_there_is_named(url: str, kind: type[Exception], container: str) -> None:
    url = url.format(container)
    assert url in refused(kind, url, OPTIONS)


def test_an_account_that_nobody_names_is_asked_for(container: str) -> None:
    assert "Account must be specified" in refused(ValueError, f"az://{container}/parts/", {})


def test_vectors_of_several_blocks_come_back_equal(
    command: Command, container: str, many_words: Path, tmp_path: Path
) -> None:
    command(*vectors_of_two_parts(many_words, "-o", tmp_path / "out"))
    command(*vectors_of_two_parts(many_words, "-o", f"az://{container}/out"), *words(OPTIONS))
    there = ask("GET", f"{container}/out/vectors.arrow")
    assert there == (tmp_path / "out" / "vectors.arrow").read_bytes()


def test_an_output_that_cannot_be_written_is_found_before_training(
    command: Command, container: str, parts: list[Sentences]
) -> None:
    source, output = f"az://{container}/parts/", "az://nowhere-at-all/out"
    done = command("train", source, "--output", output, "--epochs", FOREVER, "--quiet", *words(OPTIONS), code=4)
    assert output in only_line(done)
