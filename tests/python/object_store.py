"""An S3 server with a bucket, a proxy in front of it that fails on demand, and a plain HTTP server that knows ranges;
and the data and questions of their tests.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import polars as pl
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from corpora import Sentences, expected, facts_of, small_model
from runs import wait_until

import polargram as pg

REGION = "us-east-1"
Server = TypeVar("Server", bound=ThreadingHTTPServer)
#: With these variables the tests use a running server, which checks signatures.
SERVER = [os.environ.get(f"POLARGRAM_TEST_S3_{name}", "") for name in ("ENDPOINT", "KEY", "SECRET")]

# Options that go with those of a bucket.
#: Retries quickly, as often as any test needs.
PATIENT = {"max_retries": "5", "retry_init_backoff_ms": "10", "retry_max_backoff_ms": "50", "timeout": "700ms"}
#: The same, but leaves time for some MiB.
SLOW = {**PATIENT, "timeout": "10s"}
#: Gives up soon.
IMPATIENT = {**PATIENT, "max_retries": "1", "retry_timeout_ms": "1000", "timeout": "500ms"}
#: The same, but leaves time for some MiB.
SLOW_AND_IMPATIENT = {**IMPATIENT, "timeout": "3s"}


def parquet(rows: Sentences, **options: Any) -> bytes:
    """The rows as a Parquet file."""
    file = io.BytesIO()
    pl.DataFrame({"tokens": rows}, schema={"tokens": pl.List(pl.String)}).write_parquet(file, **options)
    return file.getvalue()


def text(rows: Sentences) -> bytes:
    """The rows as lines."""
    return "".join(" ".join(row) + "\n" for row in rows).encode()


@dataclass
class Bucket:
    """A bucket, who may use it, and what is in it."""

    endpoint: str
    key: str
    secret: str
    name: str
    #: Whether a running server is used, with no way to make it lenient.
    is_foreign: bool

    def __post_init__(self) -> None:
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
        keys = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret}
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name=REGION, config=config, **keys)
        self.connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc)

    @cached_property
    def says_versions(self) -> bool:
        """Whether its listings have ETags."""
        self.put("version", b"")
        listed = self.client.list_objects_v2(Bucket=self.name, Prefix="version")["Contents"]
        self.delete("version")
        return "ETag" in listed[0]

    @property
    def options(self) -> dict[str, str]:
        """The ``storage_options`` for it."""
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": self.key,
            "aws_secret_access_key": self.secret,
            "aws_region": REGION,
            "aws_allow_http": "true",
        }

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: bytes) -> None:
        """Writes an object, three times as fast as boto3 does."""
        path = f"/{self.name}/{quote(key)}"
        request = AWSRequest("PUT", self.endpoint + path, data=content)
        S3SigV4Auth(Credentials(self.key, self.secret), "s3", REGION).add_auth(request)
        self.connection.request("PUT", path, content, dict(request.headers))
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def names(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def unfinished_uploads(self, prefix: str) -> list[str]:
        try:
            uploads = self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "NotImplemented":
                pytest.skip("all but what is left of uploads: the server cannot list them")
            raise
        return [upload["Key"] for upload in uploads if upload["Key"].startswith(prefix)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def empty_bucket(log: Path) -> Iterator[Bucket]:
    """An empty bucket at a server of its own, or at the one that the environment names."""
    # Without a hyphen, which requests to Google escape: moto takes the name as it stands.
    name = f"polargram{uuid.uuid4().hex[:12]}"
    if all(SERVER):
        bucket = Bucket(*SERVER, name=name, is_foreign=True)
        bucket.client.create_bucket(Bucket=name)
        yield bucket
        for key in bucket.names():
            bucket.delete(key)
        bucket.client.delete_bucket(Bucket=name)
        return
    port = free_port()
    with log.open("w") as output:
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_listening(port), 30)
        bucket = Bucket(endpoint, "open", "sesame-open-sesame", name, is_foreign=False)
        bucket.client.create_bucket(Bucket=name)
        yield bucket
    finally:
        server.terminate()
        server.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def checking_signatures(bucket: Bucket) -> Iterator[dict[str, str]]:
    """Within it the server checks signatures; these are the options of a user that it knows."""
    if bucket.is_foreign:
        yield bucket.options
        return
    keys = {"aws_access_key_id": bucket.key, "aws_secret_access_key": bucket.secret}
    iam = boto3.client("iam", endpoint_url=bucket.endpoint, region_name=REGION, **keys)
    user = f"reader-{uuid.uuid4().hex[:8]}"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=user)["AccessKey"]

    def check_after(requests: str) -> None:
        # Moto starts to check signatures after this many requests.
        address, plain = f"{bucket.endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(address, requests.encode(), plain), timeout=10).close()

    check_after("0")
    try:
        user_keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        yield {**bucket.options, **user_keys}
    finally:
        check_after("inf")


@dataclass
class Asked:
    """A request to the proxy."""

    method: str
    path: str
    headers: Message
    body: bytes = field(repr=False)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    @property
    def is_listing(self) -> bool:
        return self.method == "GET" and "list-type" in self.query

    @property
    def is_reading(self) -> bool:
        return self.method == "GET" and "list-type" not in self.query

    @property
    def is_upload(self) -> bool:
        return self.method == "PUT" and "partNumber" in self.query

    @property
    def access_key(self) -> str | None:
        """Whose signature it has."""
        found = re.search("Credential=([^/]*)/", self.headers.get("Authorization", ""))
        return found and found[1]


def is_listing(asked: Asked) -> bool:
    return asked.is_listing


def is_reading(asked: Asked) -> bool:
    return asked.is_reading


#: What the proxy does instead of passing a request on.
Fault = Callable[["Exchange"], None]
Where = Callable[[Asked], bool]


@dataclass
class Rule:
    """Spoils the first of each ``every`` equal requests; with 2, a second try succeeds."""

    fault: Fault
    where: Where
    every: int
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    hits: int = 0

    def is_for(self, asked: Asked) -> bool:
        if not self.where(asked):
            return False
        # A download that goes on after a fault starts at another byte, but ends at the same.
        key = (asked.method, asked.path, asked.headers.get("Range", "").rpartition("-")[2])
        self.counts[key] += 1
        is_hit = self.counts[key] % self.every == 1 % self.every
        self.hits += is_hit
        return is_hit


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, except those that a rule spoils."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.behind = urlsplit(server).netloc
        self.rules: list[Rule] = []
        self.asked: list[Asked] = []
        self.stalled = threading.Event()
        self.is_closing = threading.Event()
        self.lock = threading.Lock()

    def spoil(self, fault: Fault, where: Where = lambda _: True, every: int = 1) -> Rule:
        self.rules.append(Rule(fault, where, every))
        return self.rules[-1]

    def answer_to(self, asked: Asked) -> Fault:
        with self.lock:
            self.asked.append(asked)
            return next((rule.fault for rule in self.rules if rule.is_for(asked)), Exchange.pass_on)

    def server_close(self) -> None:
        self.is_closing.set()
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is what some tests are about."""


class Exchange(BaseHTTPRequestHandler):
    """A request and its answer."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked = Asked(self.command, self.path, self.headers, body)
        self.server.answer_to(self.asked)(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the names are http.server's

    def ask(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the server behind says. The signature holds, as the Host header stays."""
        connection = http.client.HTTPConnection(self.server.behind)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection":
                connection.putheader(name, value)
        connection.endheaders(self.asked.body)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        own = {"connection", "transfer-encoding", "date", "server"}
        if self.command != "HEAD":
            own.add("content-length")
        return answer.status, [header for header in answer.getheaders() if header[0].lower() not in own], body

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command == "HEAD":
            self.end_headers()
            return
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self) -> None:
        self.reply(*self.ask())

    def reply_half(self) -> None:
        """Says how long the body is, and gives half of it."""
        status, headers, body = self.ask()
        self.reply(status, headers, body[: len(body) // 2], len(body))
        self.close_connection = True

    def reset_connection(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True


def drops(exchange: Exchange) -> None:
    """Closes the connection without an answer."""
    exchange.close_connection = True


def resets(exchange: Exchange) -> None:
    """Resets the connection."""
    exchange.reset_connection()


def drops_midway(exchange: Exchange) -> None:
    """Closes the connection in the middle of the body."""
    exchange.reply_half()


def resets_midway(exchange: Exchange) -> None:
    """Resets the connection in the middle of the body."""
    exchange.reply_half()
    time.sleep(0.05)
    exchange.reset_connection()


def cuts_short(exchange: Exchange) -> None:
    """Sends half of the body as if it were complete."""
    status, headers, body = exchange.ask()
    exchange.reply(status, headers, body[: len(body) // 2])


def stalls(exchange: Exchange) -> None:
    """Sends nothing until the test is over."""
    exchange.server.stalled.set()
    exchange.server.is_closing.wait()
    exchange.close_connection = True


def stalls_midway(exchange: Exchange) -> None:
    """Sends half of the body, and then nothing until the test is over."""
    exchange.reply_half()
    stalls(exchange)


def answers(status: int, code: str, message: str = "The server says no.") -> Fault:
    """Answers with an error as S3 words it."""

    def fault(exchange: Exchange) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
        exchange.reply(status, [("Content-Type", "application/xml")], body.encode())

    fault.__name__ = f"answers {status}"
    return fault


def first(action: Callable[[], object]) -> Fault:
    """Does something, and then passes the request on."""

    def fault(exchange: Exchange) -> None:
        action()
        exchange.pass_on()

    return fault


class FileServer(ThreadingHTTPServer):
    """A plain HTTP server of some files, which knows ranges if it should."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FileRequest)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.knows_ranges = True
        #: The time of the last change of all files.
        self.modified = "Thu, 01 Jan 2026 00:00:00 GMT"


class FileRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked and self.server.knows_ranges:
            start, end = int(asked[1]), int(asked[2]) + 1
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            content = content[start:end]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", self.server.modified)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = answer  # noqa: N815 - the names are http.server's


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server that answers on a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Objects:
    """Rows in Parquet objects under a prefix."""

    url: str
    keys: list[str]
    rows: Sentences


def some_rows(seed: int, number: int, tokens: int = 10) -> Sentences:
    draw = random.Random(seed)
    return [[f"w{int(draw.paretovariate(0.7)) % 500}" for _ in range(tokens)] for _ in range(number)]


def assert_trained_on(model: pg.Word2Vec, rows: Sentences) -> None:
    assert facts_of(model) == expected(rows)


def through(proxy: Proxy, bucket: Bucket, **options: str) -> dict[str, str]:
    return {**bucket.options, "aws_endpoint_url": proxy.endpoint, **options}


def set_environment(monkeypatch: pytest.MonkeyPatch, options: dict[str, str]) -> None:
    """Sets the options only by environment variables."""
    for name, value in options.items():
        monkeypatch.setenv(name.upper(), value)


def trained(*options: object, vector_size: int = 8) -> list[object]:
    """Options of the command for the same vectors in every run."""
    return ["--seed", 1, "--workers", 1, "--epochs", 1, "--vector-size", vector_size, *options]


def vectors_of_two_parts(*arguments: object) -> list[object]:
    """Words of the command that trains on ``many_words``."""
    return ["train", *arguments, *trained("--min-count", 1, "--negative", 1, "--window", 1, vector_size=1000)]


def words(options: dict[str, str]) -> list[str]:
    """The options as the command takes them."""
    return [f"--storage-option={name}={value}" for name, value in options.items()]


def named(fault: Fault) -> str:
    return fault.__name__


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def refused(kind: type[Exception], corpus: object, options: dict[str, str]) -> str:
    """What a model says that cannot be trained, in one line and soon."""
    with within(8), pytest.raises(kind) as caught:
        small_model(corpus, storage_options=options)
    message = str(caught.value)
    assert "\n" not in message
    assert "<?xml" not in message
    return message
