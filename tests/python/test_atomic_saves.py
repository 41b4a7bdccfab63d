"""A save that fails leaves what was there before, and nothing else."""

from __future__ import annotations

import os
import random
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from object_store import Bucket

import polargram as pg

ENDINGS = [".arrow", ".npy", ".txt", ".bin", ".txt.gz", ".bin.gz", ".parquet", ".npz", ".safetensors"]
Listing = Callable[[Path], list[str]]

#: A save in a process that may write only files of up to 10,000 bytes, as if the disk were full.
SAVE_ON_A_FULL_DISK = """
import resource, sys
import polargram as pg
wv = pg.KeyedVectors.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    wv.save(sys.argv[2])
except OSError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def two_words(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pg.KeyedVectors]:
    """A small table with these words."""

    def make(*words: str) -> pg.KeyedVectors:
        return pg.Word2Vec([list(words)] * 3, vector_size=2, min_count=1, epochs=1, workers=1).wv

    return make


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("old", [None, b"old"], ids=["new", "over old"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    ending: str, old: bytes | None, vectors_file: str, python: Callable[..., object], tmp_path: Path, listing: Listing
) -> None:
    path = tmp_path / f"v{ending}"
    if old is not None:
        path.write_bytes(old)
    before = listing(tmp_path)
    done = python("-c", SAVE_ON_A_FULL_DISK, vectors_file, path)
    assert done.stdout.startswith("OSError"), done.stderr
    assert f"v{ending}" in done.stdout
    assert listing(tmp_path) == before
    assert old is None or path.read_bytes() == old


#: Saves two tables over each other until it is killed.
SAVE_FOR_EVER = """
import sys
import polargram as pg
tables = [pg.KeyedVectors.load(path) for path in sys.argv[2:]]
print("ready", flush=True)
while True:
    for table in tables:
        table.save(sys.argv[1])
"""


@pytest.mark.parametrize("ending", [".arrow", ".parquet", ".npy", ".npz", ".safetensors", ".bin", ".txt.gz"])
def test_a_save_that_is_killed_leaves_the_old_file_or_the_new_one(ending: str, tmp_path: Path) -> None:
    places: list[Path] = [tmp_path / "one.arrow", tmp_path / "two.arrow"]
    want: list[tuple[list[str], np.ndarray]] = []
    for place, rows in zip(places, (2000, 3000), strict=True):
        # The second file of .npy is replaced after the first, so it is the same for both.
        words = [f"w{number}" for number in range(2000 if ending == ".npy" else rows)]
        wv = pg.Word2Vec([words] * 2, vector_size=20, min_count=1, epochs=1, workers=1, seed=rows).wv
        wv.save(place)
        want.append((wv.index_to_key, wv.vectors))
    path, moments = tmp_path / f"v{ending}", random.Random(ending)
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, path, *places], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + moments.random() * 0.15)
        process.kill()
        process.wait()
        if path.exists():
            back = pg.KeyedVectors.load(path)
            if ending == ".npy":
                assert sum(np.array_equal(back.vectors, vectors) for _, vectors in want) == 1
            else:
                assert sum(back.index_to_key == keys and np.array_equal(back.vectors, rows) for keys, rows in want) == 1


@pytest.mark.parametrize(
    ("ending", "word"),
    [
        *((ending, "a\nb") for ending in (".txt", ".npy", ".vec.gz")),
        *((ending, word) for ending in (".bin", ".bin.gz") for word in ("new york", "\nb", " ")),
    ],
    ids=repr,
)
def test_a_word_that_the_format_cannot_hold_is_named_and_leaves_the_old_file(
    ending: str, word: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path, listing: Listing
) -> None:
    path = tmp_path / f"v{ending}"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=f"v(\\.vocab\\.txt|{ending}).*save as .arrow") as refused:
        two_words(word, "other").save(path)
    assert repr(word)[1:-1] in str(refused.value)
    assert listing(tmp_path) == [path.name]
    assert path.read_bytes() == b"old"


def test_a_failing_fvocab_leaves_the_old_vectors(
    two_words: Callable[..., pg.KeyedVectors], tmp_path: Path, listing: Listing
) -> None:
    (tmp_path / "v.bin").write_bytes(b"old")
    with pytest.raises(OSError, match="missing"):
        two_words("a", "b").save_word2vec_format(tmp_path / "v.bin", fvocab=tmp_path / "missing" / "vocab", binary=True)
    assert listing(tmp_path) == ["v.bin"]
    assert (tmp_path / "v.bin").read_bytes() == b"old"


def test_two_files_that_belong_together_appear_together_or_not_at_all(
    two_words: Callable[..., pg.KeyedVectors], tmp_path: Path, listing: Listing
) -> None:
    (tmp_path / "v.npy").write_bytes(b"old")
    (tmp_path / "v.vocab.txt").mkdir()
    with pytest.raises(OSError, match="v.vocab.txt"):
        two_words("a", "b").save(tmp_path / "v.npy")
    assert listing(tmp_path) == ["v.npy", "v.vocab.txt"]
    assert (tmp_path / "v.npy").read_bytes() == b"old"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_directory_is_not_made_and_named(
    ending: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=f"missing.v{ending}"):
        two_words("a", "b").save(tmp_path / "missing" / f"v{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_in_place_of_the_directory_is_an_error_that_names_it(
    ending: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(NotADirectoryError, match=f"file.v{ending}"):
        two_words("a", "b").save(tmp_path / "file" / f"v{ending}")
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_directory_in_place_of_the_file_stays(
    ending: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path, listing: Listing
) -> None:
    (tmp_path / f"v{ending}").mkdir()
    with pytest.raises(OSError, match=f"v{ending}"):
        two_words("a", "b").save(tmp_path / f"v{ending}")
    assert listing(tmp_path) == [f"v{ending}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_to_is_a_permission_error(
    two_words: Callable[..., pg.KeyedVectors], tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="v.arrow"):
        two_words("a", "b").save(tmp_path / "v.arrow")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_saved_file_has_the_permissions_of_any_new_file(
    ending: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path
) -> None:
    two_words("a", "b").save(tmp_path / f"v{ending}")
    (tmp_path / "any").touch()
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {stat.S_IMODE((tmp_path / "any").stat().st_mode)}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_save_over_a_mapped_file_does_not_disturb_its_readers(
    ending: str, two_words: Callable[..., pg.KeyedVectors], tmp_path: Path, listing: Listing
) -> None:
    path = tmp_path / f"v{ending}"
    two_words("a", "b").save(path)
    reader = pg.KeyedVectors.load(path, mmap="r")
    want = reader.vectors.copy()
    two_words("longer", "words", "and more of them").save(tmp_path / "v.arrow")
    reader.save(path)
    pg.Word2Vec([["c", "d", "e"]] * 9, vector_size=9, min_count=1, epochs=1).wv.save(path)
    assert (reader.vectors == want).all()
    assert reader.index_to_key == ["a", "b"]
    assert pg.KeyedVectors.load(path).index_to_key == ["c", "d", "e"]
    assert not [name for name in listing(tmp_path) if name.startswith(".")]


def test_a_name_as_long_as_the_system_allows_can_be_saved(
    two_words: Callable[..., pg.KeyedVectors], tmp_path: Path
) -> None:
    path = tmp_path / ("v" * 249 + ".arrow")
    two_words("a", "b").save(path)
    assert pg.KeyedVectors.load(path).index_to_key == ["a", "b"]


#: The same for whatever is called: an expression over ``pg``, ``model`` and ``place``, on a full disk.
ON_A_FULL_DISK = """
import resource, sys
import polargram as pg
place = sys.argv[1]
corpus = [[f"w{number}" for number in range(2000)]] * 9
options = {"vector_size": 40, "epochs": 2, "workers": 1}
model = pg.Word2Vec(corpus, **options)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    {call}
except OSError as error:
    print(error)
"""

SAVES = {
    "model": ("model.save(place)", "place/vectors.arrow"),
    "checkpoint": ("pg.Word2Vec(corpus, **options, checkpoint=place)", "place/vectors.arrow"),
    "vectors": ("model.wv.save(place + '.arrow')", "place.arrow"),
    "numpy": ("model.wv.save(place + '.npy')", "place.npy"),
    "word2vec": ("model.wv.save_word2vec_format(place, fvocab=place + '.vocab')", "place"),
}


@pytest.mark.parametrize("save", SAVES)
def test_the_error_of_a_full_disk_names_the_users_file_and_no_temporary_one(
    save: str, python: Callable[..., object], tmp_path: Path, listing: Listing
) -> None:
    call, name = SAVES[save]
    done = python("-c", ON_A_FULL_DISK.replace("{call}", call), tmp_path / "place")
    assert done.stdout == f"cannot write {tmp_path / name}: File too large (os error 27)\n", done.stderr
    assert listing(tmp_path) == []


def messages(place: str, storage_options: dict[str, object] | None = None) -> list[str]:
    """What each kind of save to below ``place`` says when it fails."""
    model = pg.Word2Vec([["a", "b"]] * 9, vector_size=2)
    options = {"storage_options": storage_options} if storage_options else {}
    saves = [
        lambda: model.save(f"{place}/m", **options),
        lambda: model.wv.save(f"{place}/v.arrow", **options),
        lambda: model.wv.save(f"{place}/v.npy", **options),
        lambda: model.wv.save_word2vec_format(f"{place}/v.txt", fvocab=f"{place}/counts", **options),
        lambda: model.wv.save_word2vec_format(f"{place}/v.bin", binary=True, **options),
    ]
    if not options:
        saves.append(lambda: pg.Word2Vec([["a", "b"]] * 9, vector_size=2, checkpoint=f"{place}/c"))
    said = []
    for save in saves:
        with pytest.raises(OSError, match="cannot") as failed:
            save()
        said.append(str(failed.value))
    return said


@pytest.mark.parametrize("place", ["/proc", "missing"])
def test_a_place_that_cannot_be_written_to_is_named_and_nothing_else(place: str, here: Path) -> None:
    names = ["m", "v.arrow", "v.npy", "v.txt", "v.bin", "c"]
    for name, message in zip(names, messages(place), strict=True):
        assert message.endswith(f" {place}/{name}: No such file or directory (os error 2)"), message


def test_without_a_place_for_temporary_files_the_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere/at-all")
    wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=2).wv
    options = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "aws_region": "us-east-1"}
    for job in (wv.save, pg.KeyedVectors.load):
        with pytest.raises(FileNotFoundError, match="temporary") as failed:
            job("s3://bucket/v.arrow", storage_options={**options, "endpoint_url": "http://127.0.0.1:9"})
        assert str(failed.value).endswith(" s3://bucket/v.arrow: No such file or directory (os error 2)")


def test_a_bucket_that_is_not_there_is_named_and_no_file_of_this_machine(bucket: Bucket) -> None:
    for message in messages("s3://no-such-bucket-here/x", bucket.options):
        assert "s3://no-such-bucket-here/x/" in message
        assert not re.search(r"polargram-|partial|\.tmp|/tmp", message), message
