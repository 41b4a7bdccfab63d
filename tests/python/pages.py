"""The pages of the documentation: their code, which runs, and their links."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import polargram as pg

ROOT = Path(pg.__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: What `make docs` makes before the site: pictures, the command's help and rustdoc.
MADE = (DOCS / "made", DOCS / "rust")
#: Blocks in these languages run. One that must not run is marked as text.
RUN = ("python", "sh")
#: All languages that a block may be in.
LANGUAGES = (*RUN, "text", "rust", "toml", "json")

FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s+(\S+)", re.MULTILINE)
ATTRIBUTE = re.compile(r"<(?:a|img|source|iframe)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
SNIPPET = re.compile(r"^ *--8<-- \"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Code of a page, and the number of its first line there."""

    language: str
    code: str
    line: int


def pages() -> list[Path]:
    """The README and the pages of the site, where the sources are."""
    written = sorted(path for path in DOCS.rglob("*.md") if not any(path.is_relative_to(made) for made in MADE))
    return [path for path in (ROOT / "README.md", *written) if path.exists()]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """All fenced code, also within lists."""
    text = page.read_text(encoding="utf8")
    for found in FENCE.finditer(text):
        language = (found[3].split() or [""])[0]
        yield Block(language, textwrap.dedent(found[4]), text.count("\n", 0, found.start(4)) + 1)


def run(page: Path, directory: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run the page's blocks, one after the other, and give the names that its Python has then.

    The working directory must be ``directory``. A failure says the page and the line.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            run_python(page, block, names)
        elif block.language == "sh":
            run_sh(page, block, directory, environment)
    return names


def run_python(page: Path, block: Block, names: dict[str, Any]) -> None:
    try:
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(page)]
        line = lines[-1] if lines else getattr(error, "lineno", block.line)
        pytest.fail(f"{name_of(page)}:{line}: {type(error).__name__}: {error}")


def run_sh(page: Path, block: Block, directory: Path, environment: dict[str, str]) -> None:
    # Lines of the script have the numbers of the page's.
    script = "trap 'echo \"failed at line $LINENO\" >&2' ERR" + "\n" * (block.line - 1) + block.code
    words = ["bash", "-e", "-c", script]
    done = subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        line = re.findall(r"failed at line (\d+)", done.stderr)
        where = f"{name_of(page)}:{line[0] if line else block.line}"
        pytest.fail(f"{where}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def command_on_path(directory: Path) -> str:
    """A PATH that starts with a ``polargram`` of the package under test."""
    directory.mkdir()
    program = directory / "polargram"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m polargram "$@"\n')
    program.chmod(0o755)
    return f"{directory}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def prose(page: Path) -> str:
    """The page without its code."""
    text = FENCE.sub("", page.read_text(encoding="utf8"))
    return re.sub(r"`[^`\n]*`", "", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))


def links(page: Path) -> list[str]:
    """What the page links to and shows."""
    text = prose(page)
    return [found for pattern in (LINK, DEFINITION, ATTRIBUTE) for found in pattern.findall(text)]


def snippets(page: Path) -> list[str]:
    """The files that the page includes."""
    return [found.split(":")[0] for found in SNIPPET.findall(page.read_text(encoding="utf8"))]


def anchors(page: Path) -> set[str]:
    """What ``#…`` may name in a page: its headings and those of what it includes, and identifiers that it gives."""
    included = [ROOT / name for name in snippets(page) if (ROOT / name).suffix == ".md" and (ROOT / name).exists()]
    text = "\n".join(FENCE.sub("", path.read_text(encoding="utf8")) for path in (page, *included))
    found = {*re.findall(r"\{ ?#([\w-]+)", text), *re.findall(r"\bid=\"([\w-]+)\"", text)}
    for heading in re.findall(r"^#+ +(.+?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
        found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)))
    return found


def unresolved(page: Path, link: str) -> str | None:
    """Why a link leads nowhere, or None. Addresses of others are taken as they are."""
    if re.match(r"[a-z]+:", link):
        return None
    name, _, anchor = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if any(target.is_relative_to(made) for made in MADE):
        return None
    if not target.exists():
        return f"there is no {name}"
    if not target.is_relative_to(ROOT):
        return f"{name} is outside the project"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{name or page.name} has no heading #{anchor}"
    return None
