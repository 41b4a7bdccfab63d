"""Whose credentials an object store gets, from options, environment or profile; and no message has secrets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpora import QUICK, SMALL
from object_store import (
    IMPATIENT,
    Bucket,
    Objects,
    Proxy,
    answers,
    assert_trained_on,
    checking_signatures,
    refused,
    set_environment,
    stalls,
    through,
    within,
    words,
)
from runs import Command, only_line

import polargram as pg

pytestmark = pytest.mark.usefixtures("plain_environment")


@pytest.fixture
def lenient(bucket: Bucket) -> None:
    """The server takes any credentials."""
    if bucket.is_foreign:
        pytest.skip("the server that the environment names checks signatures")


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


@pytest.fixture
def environment_keys(plain_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment."""
    set_environment(monkeypatch, {"aws_access_key_id": "ENVKEY", "aws_secret_access_key": "env-secret"})


#: Other keys, for the options.
GIVEN = {"aws_access_key_id": "GIVENKEY", "aws_secret_access_key": "given-secret"}


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


# Secrets


def test_a_wrong_secret_is_refused_at_once_and_told_nowhere(
    command: Command, bucket: Bucket, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "wrong-wrong-wrong-wrong-wrong-wrong-wron"
    with checking_signatures(bucket) as right:
        assert_trained_on(pg.Word2Vec(objects.url, storage_options=right, **SMALL), objects.rows)
        wrong = {**right, "aws_secret_access_key": secret}
        message = refused(PermissionError, objects.url, wrong)
        with within(8):
            given = command("train", objects.url, "-o", tmp_path / "out", "--quiet", *words(wrong), code=3)
            set_environment(monkeypatch, wrong)
            found = command("train", objects.url, "-o", tmp_path / "out", "--quiet", code=3)
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


@pytest.mark.parametrize("shown", [12, 15])
def test_a_secret_is_struck_out_before_an_answer_is_shortened(
    shown: int, bucket: Bucket, objects: Objects, proxy: Proxy
) -> None:
    told = ["x marks the start"]
    proxy.spoil(lambda exchange: answers(403, "SignatureDoesNotMatch", told[0])(exchange))
    plain = refused(PermissionError, objects.url, through(proxy, bucket))
    # The message has 500 characters of the answer, in brackets.
    padding = "x" * (500 - shown - len(plain[plain.index("(") + 1 : plain.index(told[0])]))
    told[0] = f"{padding}{bucket.secret} does not fit the signature."
    message = refused(PermissionError, objects.url, through(proxy, bucket))
    assert f"{padding}***" in message
    assert "the signature" not in message
    assert bucket.secret[:shown] not in message


def test_a_saved_model_holds_no_secret(bucket: Bucket, objects: Objects, tmp_path: Path) -> None:
    model = pg.Word2Vec(objects.url, storage_options=bucket.options, **SMALL)
    model.save(str(tmp_path / "model"))
    assert bucket.secret not in repr(model)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or bucket.secret.encode() not in path.read_bytes()


# Keys, profiles and the environment


def test_the_environment_alone_is_enough(
    command: Command, bucket: Bucket, objects: Objects, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, bucket.options)
    assert_trained_on(pg.Word2Vec(objects.url, **SMALL), objects.rows)
    command("train", objects.url, "--output", bucket.url(folder), *QUICK)
    assert bucket.names(folder) == [f"{folder}vectors.arrow"]


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


@pytest.mark.usefixtures("lenient", "profiles", "environment_keys")
def test_options_win_over_the_environment_and_that_over_a_profile(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert signed_by(proxy, objects.url) == ("ENVKEY", "eu-north-1", None)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert signed_by(proxy, objects.url, **GIVEN) == ("GIVENKEY", "ap-south-1", None)
    assert signed_by(proxy, objects.url, **GIVEN, aws_region="sa-east-1") == ("GIVENKEY", "sa-east-1", None)


@pytest.mark.usefixtures("lenient", "environment_keys")
def test_a_token_of_the_environment_does_not_go_with_keys_from_the_options(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert signed_by(proxy, objects.url) == ("ENVKEY", "us-east-1", "env-token")
    assert signed_by(proxy, objects.url, **GIVEN) == ("GIVENKEY", "us-east-1", None)


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
    # Only Amazon's own machines have a server there.
    proxy.spoil(stalls)
    place = {"aws_endpoint_url": proxy.endpoint, "aws_region": "us-east-1", "aws_metadata_endpoint": proxy.endpoint}
    message = refused(OSError, objects.url, {**place, **IMPATIENT})
    assert "credentials" in message
    assert "storage_options" in message


# Options that mean nothing


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
    done = command("train", bucket.url("x/"), "-o", tmp_path / "out", "--quiet", *words(options), code=2)
    for said in (message, only_line(done)):
        assert [needle for needle in needles if needle not in said] == []
        assert bucket.secret not in said


class Text(str):
    """A string whose ``str()`` is another one, as that of an Enum of strings."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Text.SECRET"


def test_an_option_that_is_none_is_not_given(objects: Objects, bucket: Bucket, folder: str) -> None:
    nothing = dict.fromkeys(["aws_session_token", "aws_skip_signature", "max_retries", "no_such_option"])
    options = {**bucket.options, "aws_allow_http": True, "max_retries": np.int64(2), "retry_base_multiplier": 1.5}
    options["aws_secret_access_key"] = Text(bucket.secret)
    model = pg.Word2Vec(objects.url, storage_options={**options, **nothing, "max_retries": None}, **SMALL)
    assert_trained_on(model, objects.rows)
    url = bucket.url(f"{folder}v.arrow")
    model.wv.save(url, storage_options={**options, **nothing})
    assert len(pg.KeyedVectors.load(url, storage_options={**options, **nothing})) == len(model.wv)


@pytest.mark.parametrize("value", [b"hunter2-hunter2", ["hunter2-hunter2"], {"hunter2-hunter2": 1}])
def test_an_option_of_another_type_is_named_without_its_value(value: object, objects: Objects) -> None:
    for job in (pg.Word2Vec, pg.KeyedVectors.load, pg.Word2Vec.load):
        with pytest.raises(
            TypeError, match=f"storage_options: aws_secret_access_key is of type {type(value).__name__}"
        ) as e:
            job(objects.url, storage_options={"aws_secret_access_key": value})
        assert "hunter2" not in str(e.value)
