"""Make what the site shows of the product: its map and its report as pages, pictures of both, and the command's help.

    python docs/screenshots.py [DIRECTORY]

DIRECTORY is docs/made. `make docs` runs it. Chromium takes the pictures: the program named by $CHROME, or one on PATH.
Without one the site shows the SVG that the product draws.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sample_map import polargram, write_corpus_and_vectors

MADE = Path(__file__).parent / "made"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Width and height of the pictures, in pixels.
WIDE, PHONE = (1180, 860), (390, 860)
#: Chromium lays no window out narrower than this.
NARROWEST = 500
ABOUT = {"report": "The report of a training", "map": "A map of 300 words"}
#: Fewer words than in the report, so that the picture can be read.
TOP = 300


def browser() -> str | None:
    """The program that takes pictures, if there is one."""
    named = os.environ.get("CHROME")
    if named:
        return shutil.which(named) or sys.exit(f"CHROME={named}: there is no such program")
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def photograph(program: str, page: Path, picture: Path, size: tuple[int, int], *, dark: bool) -> None:
    """Take a picture of the top of a page."""
    width, height = size
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        shown = page.resolve().as_uri()
        if width < NARROWEST:
            # A frame is as narrow as it is told to be.
            frame = Path(profile) / "frame.html"
            style = f"position:absolute;left:0;top:0;border:0;width:{width}px;height:{height}px"
            frame.write_text(f'<iframe src="{shown}" style="{style}"></iframe>')
            shown = frame.as_uri()
        words = [
            program,
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--virtual-time-budget=4000",
            f"--user-data-dir={profile}/user",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
            shown,
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode or not picture.exists():
        sys.exit(f"{program} took no picture of {page}:\n{done.stderr}")


def make_pages(made: Path) -> None:
    """Train on the sample corpus, and write the report and the map."""
    with tempfile.TemporaryDirectory() as directory:
        questions = Path(directory) / "corpus" / "questions.txt"
        report = ["--report", made / "report.html", "--analogies", questions, "--metrics", made / "metrics.json"]
        _, vectors = write_corpus_and_vectors(Path(directory), *report)
        for ending in ("html", "svg"):
            output = made / f"map.{ending}"
            title = "Words of the sample corpus"
            polargram("plot", "--vectors", vectors, "--top", TOP, "--title", title, "--output", output)
    polargram("plot", "--metrics", made / "metrics.json", "--output", made / "report.svg")


def pictures(made: Path) -> str:
    """The part of a page that shows them, in the reader's light or dark scheme."""
    program = browser()
    if program is None:
        print("docs/screenshots.py: no Chromium on PATH or in $CHROME: the site shows the SVG that the product draws")
        return "\n\n".join(f"[![{about}](made/{name}.svg)](made/{name}.html)" for name, about in ABOUT.items()) + "\n"
    views = {"": ("wide", WIDE), ", on a phone": ("phone", PHONE)}
    shown = {
        (name, view): both_schemes(program, made, name, about + where, view, size)
        for name, about in ABOUT.items()
        for where, (view, size) in views.items()
    }
    parts = [
        f"## {about}\n\n{shown[name, 'wide']}\n\n[Open the page itself](made/{name}.html)."
        for name, about in ABOUT.items()
    ]
    parts.append("## On a phone\n\n" + "\n".join(shown[name, "phone"] for name in ABOUT))
    return "\n\n".join(parts) + "\n"


def both_schemes(program: str, made: Path, name: str, about: str, view: str, size: tuple[int, int]) -> str:
    """Take a picture of a page in the light and in the dark scheme; gives the Markdown of which a reader sees one."""
    shown = []
    for scheme in ("light", "dark"):
        picture = made / f"{name}-{view}-{scheme}.png"
        photograph(program, made / f"{name}.html", picture, size, dark=scheme == "dark")
        shown.append(f"![{about}](made/{picture.name}#only-{scheme}){{ .shot .{view} }}")
    return "\n".join(shown)


def command_help() -> str:
    """What the command says of itself and of each of its subcommands."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLARGRAM_")}

    def ask(*words: str) -> str:
        words = (sys.executable, "-m", "polargram", *words, "--help")
        return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout.rstrip()

    whole = ask()
    names = [name for name in re.findall(r"^  ([a-z]+) {2,}[A-Z]", whole, re.MULTILINE) if name != "help"]
    sections = [("polargram", whole), *((f"polargram {name}", ask(name)) for name in names)]
    return "\n\n".join(f"## {title}\n\n```text\n{text}\n```" for title, text in sections) + "\n"


def main(made: Path) -> None:
    made.mkdir(parents=True, exist_ok=True)
    (made / "help.md").write_text(command_help(), encoding="utf8")
    make_pages(made)
    (made / "pictures.md").write_text(pictures(made), encoding="utf8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else MADE)
