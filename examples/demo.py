"""The whole way on the sample corpus: Parquet, training, every format, neighbours, analogies, and a lookup in Polars.

    python examples/demo.py DIRECTORY [TOKENS]

``make demo`` runs it. All its files are in DIRECTORY. TOKENS is the size of the corpus; of fewer than the 2,500,000 by
default too little is learnt to pass.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl

import polargram as pg

NEIGHBOURS = ["piano", "monday", "king", "snow", "doctor"]
ANALOGIES = ["france paris japan", "italy lira poland", "man king woman", "walk walked write", "goose geese wolf"]
#: The share of analogies that must be right, or the demo fails.
LEAST_RIGHT = 0.9


def command(*arguments: object) -> None:
    """Run the polargram command, and exit if it fails."""
    words = [str(argument) for argument in arguments]
    print("\n$ polargram", *words, flush=True)
    code = subprocess.run([sys.executable, "-m", "polargram", *words], check=False).returncode
    if code:
        sys.exit(code)


def answer(wv: pg.KeyedVectors, a: str, b: str, c: str) -> str:
    """The word that is to ``c`` as ``b`` is to ``a``."""
    return wv.most_similar(positive=[b, c], negative=[a], topn=1)[0][0]


def right_answers(wv: pg.KeyedVectors, questions: Path) -> pl.DataFrame:
    """Right answers and questions of each section."""
    section, rows = "", []
    for line in questions.read_text().splitlines():
        if line.startswith(":"):
            section = line[2:]
        else:
            a, b, c, d = line.split()
            rows.append({"section": section, "right": answer(wv, a, b, c) == d})
    by_section = pl.DataFrame(rows).group_by("section", maintain_order=True)
    return by_section.agg(pl.col("right").sum(), pl.len().alias("questions"))


def main(directory: Path, tokens: str = "2500000") -> None:
    corpus, vectors = directory / "corpus", directory / "vectors"
    command("sample", "--output", corpus, "--tokens", tokens)
    command("train", corpus, "--column", "tokens", "--output", vectors, "--formats", "arrow,npy,txt,bin", "--sg", 1)
    command("similar", "--vectors", vectors / "vectors.arrow", "piano", "--topn", 5)

    wv = pg.KeyedVectors.load(vectors / "vectors.arrow")
    print("\nNeighbours")
    for word in NEIGHBOURS:
        print(f"  {word:8}", *(f"{near} {cosine:.2f}" for near, cosine in wv.most_similar(word, topn=5)), sep="  ")

    print("\nAnalogies")
    for analogy in ANALOGIES:
        a, b, c = analogy.split()
        print(f"  {a} is to {b} as {c} is to {answer(wv, a, b, c)}")
    score = right_answers(wv, corpus / "questions.txt")
    for section, right, questions in score.iter_rows():
        print(f"  {section:22} {right:4} of {questions:4} right")
    share = score["right"].sum() / score["questions"].sum()
    print(f"  {'all':22} {share:.1%} right")

    print("\nA lookup in Polars: the mean vector of each sentence, streamed")
    sentences = pl.scan_parquet(corpus / "*.parquet").head(5)
    embedded = sentences.with_columns(embedding=pl.col("tokens").w2v.embed(vectors / "vectors.arrow", pooling="mean"))
    print(embedded.collect(engine="streaming"))
    if share < LEAST_RIGHT:
        sys.exit(
            f"only {share:.1%} of the analogies are right, not {LEAST_RIGHT:.0%}: something is wrong with this build"
        )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:])
