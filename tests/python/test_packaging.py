"""What the source distribution and the crate hold, and what their metadata say."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tarfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["polargram", "_polargram_command"]
#: Beside src and the Python packages: what Cargo and pip read. Cargo.toml names the benchmark.
TOP = {
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "PKG-INFO",
    "README.md",
    "benches/kernel.rs",
    "pyproject.toml",
}

pytestmark = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").exists() or shutil.which("cargo") is None, reason="needs the checkout and Cargo"
)


def maturin(*arguments: object) -> None:
    """Run the maturin beside this Python."""
    program = Path(sys.executable).parent / "maturin"
    words = [str(program) if program.exists() else "maturin", *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files_below(directory: str) -> set[str]:
    """The files of a directory of the checkout that belong there."""
    paths = (path for path in (ROOT / directory).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in paths}
    return {name for name in names if not re.search(r"__pycache__/|\.(so|pyd|dylib)$", name)}


@pytest.fixture(scope="module")
def source_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the source distribution by their path in it."""
    directory = tmp_path_factory.mktemp("sdist")
    maturin("sdist", "--out", directory)
    (archive,) = directory.iterdir()
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: tar.extractfile(member).read() for member in members}


def test_the_source_distribution_has_what_a_build_needs_and_nothing_else(source_files: dict[str, bytes]) -> None:
    # The extension module and compiled Python lie in the same folders.
    expected = TOP | files_below("src").union(*(files_below(f"python/{name}") for name in PACKAGES))
    assert set(source_files) == expected


def test_the_source_distribution_is_small(source_files: dict[str, bytes]) -> None:
    largest = max(source_files, key=lambda name: len(source_files[name]))
    assert len(source_files[largest]) < 1_000_000, largest


def test_the_crate_has_its_sources_and_no_python() -> None:
    listed = subprocess.run(
        ["cargo", "package", "--list", "--allow-dirty"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert files_below("src") <= set(listed)
    roots = {name.split("/")[0] for name in listed}
    assert roots <= {name.split("/")[0] for name in TOP} | {
        ".cargo_vcs_info.json", "Cargo.toml.orig", "examples", "src", "tests",
    }  # fmt: skip


@pytest.fixture(scope="module")
def metadata(source_files: dict[str, bytes]) -> Message:
    return Parser().parsestr(source_files["PKG-INFO"].decode())


def test_the_metadata_say_what_pip_and_a_reader_need(metadata: Message) -> None:
    assert metadata["Name"] == "polargram"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert set(metadata.get_all("License-File")) == {"LICENSE-APACHE", "LICENSE-MIT"}
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    assert metadata.get_payload().startswith("# polargram")
    needed = {re.split(r"\W", text)[0] for text in metadata.get_all("Requires-Dist") if "extra ==" not in text}
    assert needed == {"numpy", "polars"}
    assert {"index", "test", "wmd"} <= set(metadata.get_all("Provides-Extra"))


def test_the_version_is_the_crate_s(metadata: Message) -> None:
    assert f'\nversion = "{metadata["Version"]}"\n' in (ROOT / "Cargo.toml").read_text()


def imported_at_once(tree: ast.Module) -> set[str]:
    """The packages that a module imports when it is imported itself."""
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            found.update(alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found.add(statement.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_at_once_is_installed_with_the_wheel(package: str) -> None:
    known = {"numpy", "polars", *PACKAGES, *sys.stdlib_module_names}
    for path in sorted((ROOT / "python" / package).rglob("*.py")):
        assert imported_at_once(ast.parse(path.read_text(encoding="utf8"))) <= known, path.name
