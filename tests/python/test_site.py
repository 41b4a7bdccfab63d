"""The code of every page of the documentation runs as it stands, and every link leads somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from object_store import Bucket, empty_bucket, set_environment
from pages import (
    DOCS,
    LANGUAGES,
    MADE,
    ROOT,
    RUN,
    anchors,
    blocks,
    command_on_path,
    links,
    name_of,
    pages,
    run,
    snippets,
    unresolved,
)

import polargram as pg

PAGES = pages()
every_page = pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
with_code = pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=name_of(page)) for page in PAGES if any(block.language in RUN for block in blocks(page))],
)
#: These start in an empty directory, as a new user does.
FROM_NOTHING = ("README.md", "docs/start.md")
#: Tokens of a sample corpus that a page writes without saying how large.
TOKENS = 200_000

pytestmark = pytest.mark.skipif(not PAGES, reason="the pages are not where the sources are")


@pytest.fixture(scope="module")
def vectors(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of 100 dimensions, as the pages train them."""
    path = tmp_path_factory.mktemp("pages") / "vectors.arrow"
    pg.Word2Vec(str(sample), vector_size=100, sg=1, epochs=3).wv.save(path)
    return path


@pytest.fixture
def page_bucket(page: Path, tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket | None]:
    """The bucket ``s3://bucket/`` with the corpus at ``wiki/``, for a page that uses it."""
    if not any("s3://" in block.code for block in blocks(page) if block.language in RUN):
        yield None
        return
    with empty_bucket(tmp_path / "log") as bucket:
        bucket.client.create_bucket(Bucket="bucket")
        for part in sample.glob("*.parquet"):
            bucket.client.upload_file(str(part), "bucket", f"wiki/{part.name}")
        set_environment(monkeypatch, bucket.options)
        yield bucket


@pytest.fixture
def directory(
    page: Path, tmp_path: Path, sample: Path, vectors: Path, monkeypatch: pytest.MonkeyPatch, page_bucket: Bucket | None
) -> Path:
    """The page's working directory, with a corpus and vectors unless the page makes them."""
    directory = tmp_path / "here"
    directory.mkdir()
    if name_of(page) not in FROM_NOTHING:
        shutil.copytree(sample, directory / "corpus")
        shutil.copy(vectors, directory)
    monkeypatch.setenv("PATH", command_on_path(tmp_path / "bin"))
    monkeypatch.setenv("POLARGRAM_TOKENS", str(TOKENS))
    monkeypatch.chdir(directory)
    return directory


@with_code
def test_the_code_of_a_page_runs_as_it_stands(page: Path, directory: Path) -> None:
    run(page, directory, dict(os.environ))
    if page.name == "README.md":
        embedded = pl.read_parquet(directory / "embedded.parquet")
        assert embedded.schema["embedding"] == pl.Array(pl.Float32, 100)
        assert embedded["embedding"].null_count() == 0


@every_page
def test_code_is_marked_as_what_it_is(page: Path) -> None:
    unmarked = [block.line for block in blocks(page) if block.language not in LANGUAGES]
    assert not unmarked, f"{name_of(page)}: lines {unmarked} start blocks of no language that is known here"


@every_page
def test_what_a_page_links_to_is_there(page: Path) -> None:
    faults = [f"{link}: {reason}" for link in links(page) if (reason := unresolved(page, link))]
    faults += [f"{name}: not there" for name in snippets(page) if not is_there(ROOT / name)]
    assert not faults, f"{name_of(page)}: {faults}"


def is_there(path: Path) -> bool:
    return path.exists() or any(path.is_relative_to(made) for made in MADE)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ROOT", tmp_path)
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text("# A page\n[x](other.md#what-it-is) [y](none.md) `[z](code.md)` ![p](p.svg)\n\n[r]: other.md#no\n")
    other.write_text("## What *it* is?\n```text\n# no heading\n```\n")
    assert anchors(other) == {"what-it-is"}
    assert [link for link in links(page) if unresolved(page, link)] == ["none.md", "p.svg", "other.md#no"]


@pytest.mark.parametrize(
    ("block", "line"),
    [("```python\nx = 1\nraise ValueError(x)\n```", 4), ("- in a list\n\n  ```sh\n  true\n  false\n  ```", 6)],
)
def test_a_failure_names_the_page_and_the_line(
    block: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n{block}\n")
    with pytest.raises(pytest.fail.Exception, match=rf"^page\.md:{line}: "):
        run(page, tmp_path, dict(os.environ))


def test_every_page_is_in_the_navigation_of_the_site_once() -> None:
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf8")
    named = re.findall(r"^ +- (?:[^\n:]+: )?([\w/.-]+\.md)$", configuration, re.MULTILINE)
    written = [str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)]
    assert sorted(named) == sorted(written)


def test_the_pictures_in_the_pages_are_small() -> None:
    pictures = [path for path in (DOCS / "images").iterdir() if path.is_file()]
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 60_000, picture.name


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs is not installed: see make docs")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    if not all(made.is_dir() for made in MADE):
        pytest.skip("what make docs makes before the site is not there")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()
