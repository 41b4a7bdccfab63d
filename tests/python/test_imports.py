"""The drawing of the crate's imports shows what is there and refuses circles."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "imports.py"
DRAWN = "<!-- imports: drawn by `make imports` -->\n```text\n{}```\n<!-- end of imports -->\n"


def imports(root: Path, files: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script over a crate of these files, each with its text."""
    script = root / "tests" / "imports.py"
    for name, text in files.items():
        (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "src" / name).write_text(text)
    script.parent.mkdir(exist_ok=True)
    shutil.copy(SCRIPT, script)
    if not (root / "CONTRIBUTING.md").exists():
        (root / "CONTRIBUTING.md").write_text(DRAWN.format(""))
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)


def test_a_dot_stands_where_a_folder_imports_another(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod error;\nmod vocab;\nmod train;\npub use error::Error;",
        "error.rs": "pub enum Error {}",
        "vocab/mod.rs": "mod keys;\npub use keys::Keys;",
        "vocab/keys.rs": "pub struct Keys;",
        "train.rs": "fn start(keys: crate::vocab::Keys) -> Result<(), crate::Error> { Ok(()) }",
    }
    run = imports(tmp_path, files, "--write")
    assert run.returncode == 0, run.stdout + run.stderr
    drawing = "error\n· vocab\n● ● train\n"
    assert (tmp_path / "CONTRIBUTING.md").read_text() == DRAWN.format(drawing)
    assert imports(tmp_path, {}, "--check").returncode == 0
    stale = imports(tmp_path, {"vocab/keys.rs": "pub struct Keys(crate::Error);"}, "--check")
    assert stale.returncode == 1
    assert "make imports" in stale.stdout


@pytest.mark.parametrize(
    "line",
    [
        "use crate::train;",
        "use crate::{error::Error, train::{self, Weights as W}};",
        "fn f() { crate::train::start(); }",
        "#[serde(with = \"crate::train\")]\nstruct S;",
        "mod inner { use super::super::train::Weights; }",
        "use super::*;\nfn f() { train::start(); }",
    ],
)  # fmt: skip
def test_a_folder_that_imports_one_above_it_is_named_with_the_line(tmp_path: Path, line: str) -> None:
    files = {
        "lib.rs": "mod error; mod train; mod vocab;",
        "error.rs": "pub enum Error {}",
        "train.rs": "pub struct Weights; pub fn start() {}",
        "vocab.rs": line,
    }
    run = imports(tmp_path, files)
    assert run.returncode == 1
    assert f"src/vocab.rs:{line.count(chr(10)) + 1 if 'fn f' in line else 1}: " in run.stdout
    assert "train stands above vocab" in run.stdout


def test_files_that_import_each_other_are_a_circle(tmp_path: Path) -> None:
    files = {
        "lib.rs": "mod vocab;",
        "vocab/mod.rs": "mod count;\nmod spill;\npub use spill::Spill;",
        "vocab/count.rs": "use super::Spill;\npub struct Count(Spill);",
        "vocab/spill.rs": "pub struct Spill;\nfn f() { super::count::add() }",
    }
    run = imports(tmp_path, files)
    assert run.returncode == 1
    assert "a circle of 2 files: src/vocab/count.rs, src/vocab/spill.rs" in run.stdout
    assert "src/vocab/mod.rs" not in run.stdout


@pytest.mark.parametrize(
    "text",
    [
        "#[cfg(test)]\nmod tests { use crate::train::Weights; }",
        "#[cfg(test)]\nmod tests;",
        "#[cfg(test)]\n#[allow(unused)]\nuse crate::train::Weights;\n",
        "// use crate::train::Weights;\n/* crate::train */",
        'const TEXT: &str = "say \\"crate::train\\" // ";\nconst QUOTE: char = \'"\';',
        'const RAW: &str = r#"use "crate::train::Weights";"#;',
        "use ::train::Weights;",
        "pub(in crate::train) fn f() {}",
    ],
)
def test_tests_comments_literals_and_other_crates_are_no_imports(tmp_path: Path, text: str) -> None:
    files = {"lib.rs": "mod train; mod vocab;", "train.rs": "pub struct Weights;", "vocab.rs": text}
    run = imports(tmp_path, files)
    assert run.stdout == "vocab\n· train\n\n"
    assert run.returncode == 0


def test_a_new_folder_must_get_its_place(tmp_path: Path) -> None:
    run = imports(tmp_path, {"lib.rs": "mod surprise;", "surprise.rs": ""})
    assert run.returncode == 1
    assert "src/surprise is not in the order of folders" in run.stdout
