"""Corpora in Azure's store and vectors written to it, against Azurite; `make test-azure` starts one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import polars as pl
import pytest
from corpora import SMALL, expected, facts
from object_store import IMPATIENT, Sentences, parquet, refused, words
from runs import only_line

import polargram as pg

ENDPOINT, ACCOUNT, KEY = (os.environ.get(f"POLARGRAM_TEST_AZURE_{name}", "") for name in ("ENDPOINT", "ACCOUNT", "KEY"))
OPTIONS = {
    "azure_storage_account_name": ACCOUNT,
    "azure_storage_account_key": KEY,
    "azure_storage_endpoint": f"{ENDPOINT}/{ACCOUNT}",
}
#: One more than a page of a listing has.
OBJECTS = 5001

if not ENDPOINT:
    pytest.skip("`make test-azure` gives these tests a server", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("plain_environment")


def put(path: str, content: bytes | None = None) -> None:
    """Puts a blob, or without any content a container, signed by the key."""
    own = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    resource, query = f"/{ACCOUNT}/{ACCOUNT}/{path}", ""
    if content is None:
        resource, query = f"{resource}\nrestype:container", "?restype=container"
    else:
        own = {"x-ms-blob-type": "BlockBlob", **own}
    length, kind = str(len(content or b"") or ""), "application/octet-stream"
    signed = ["PUT", "", "", length, "", kind, *[""] * 6, *(f"{name}:{value}" for name, value in own.items()), resource]
    digest = hmac.digest(base64.b64decode(KEY), "\n".join(signed).encode(), hashlib.sha256)
    headers = {**own, "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}", "Content-Type": kind}
    request = urllib.request.Request(f"{ENDPOINT}/{ACCOUNT}/{path}{query}", content or b"", headers, method="PUT")
    urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def container() -> str:
    name = f"corpora-{uuid.uuid4()}"
    put(name)
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
    for name, value in OPTIONS.items():
        monkeypatch.setenv(name.upper(), value)
    assert facts(f"az://{container}/parts/00.parquet") == expected(parts[0])


def test_a_wrong_key_is_told_of_and_not_told(container: str, parts: list[Sentences]) -> None:
    wrong = base64.b64encode(b"a key of somebody else").decode()
    message = refused(
        PermissionError, f"az://{container}/parts/", {**OPTIONS, **IMPATIENT, "azure_storage_account_key": wrong}
    )
    assert "check the credentials in storage_options or the environment" in message
    assert wrong not in message


@pytest.mark.parametrize(
    ("url", "kind"),
    [("az://nowhere/x/", FileNotFoundError), ("az://{}/nothing/", ValueError), ("az://{}/no.parquet", ValueError)],
)
def test_what_is_not_there_is_named(url: str, kind: type[Exception], container: str) -> None:
    url = url.format(container)
    assert url in refused(kind, url, {**OPTIONS, **IMPATIENT})


def test_an_account_that_nobody_names_is_asked_for(container: str) -> None:
    assert "Account must be specified" in refused(ValueError, f"az://{container}/parts/", {})


def test_vectors_of_several_blocks_come_back_equal(
    command: Callable[..., subprocess.CompletedProcess[str]], container: str, tmp_path: Path
) -> None:
    (tmp_path / "c.parquet").write_bytes(parquet([[f"word-{number}" for number in range(2600)]] * 2))
    train = ["train", tmp_path / "c.parquet", "--vector-size", 1000, "--min-count", 1, "--epochs", 1, "--workers", 1]
    command(*train, "--output", tmp_path / "out")
    command(*train, "--output", f"az://{container}/out", *words(OPTIONS))
    local = (tmp_path / "out" / "vectors.arrow").read_bytes()
    there = pl.read_ipc(f"az://{container}/out/vectors.arrow", storage_options=OPTIONS)
    assert there.equals(pl.read_ipc(local))
    assert pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow").vectors.shape == (2600, 1000)


def test_an_output_that_cannot_be_written_is_found_before_training(
    command: Callable[..., subprocess.CompletedProcess[str]], container: str, parts: list[Sentences]
) -> None:
    source, output = f"az://{container}/parts/", "az://nowhere-at-all/out"
    done = command("train", source, "--output", output, "--epochs", SMALL["epochs"], "--quiet", *words(OPTIONS), code=1)
    assert output in only_line(done)
