"""Draw docs/images/map.svg, the picture of the README: words of the sample corpus, by the commands of the README.

    python docs/sample_map.py [FILE.svg]

One worker trains, so that the same processor draws the same map again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

GROUPS = [
    "piano cello guitar flute violin",
    "monday tuesday friday sunday",
    "january april july september",
    "three seven ten",
    "rain snow cloud thunder",
    "king queen prince throne crown",
    "doctor dentist tailor waiter",
    "orchid daisy violet poppy",
    "london paris madrid tokyo",
    "walked wrote sang",
]
TITLE = "Words of the sample corpus"
DRAWN = Path(__file__).parent / "images" / "map.svg"


def polargram(*arguments: object) -> None:
    """Run the command, and stop if it fails."""
    subprocess.run([sys.executable, "-m", "polargram", *map(str, arguments)], check=True)


def write_corpus_and_vectors(directory: Path, *options: object) -> tuple[Path, Path]:
    """Write the sample corpus and train on it; gives the corpus and the vectors."""
    corpus, output = directory / "corpus", directory / "out"
    polargram("sample", "--output", corpus)
    polargram("train", corpus, "--output", output, "--sg", 1, *options)
    return corpus, output / "vectors.arrow"


def main(drawn: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        _, vectors = write_corpus_and_vectors(Path(directory), "--workers", 1, "--quiet")
        words = [word for group in GROUPS for word in group.split()]
        size = ["--width", 760, "--height", 480]
        polargram("plot", "--vectors", vectors, "--words", *words, *size, "--title", TITLE, "--output", drawn)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DRAWN)
