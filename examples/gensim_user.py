"""Coming from gensim: the same program, of which only the import is another.

    python examples/gensim_user.py [TEXT] [QUESTIONS]

TEXT has a sentence a line, its words separated by spaces; QUESTIONS has analogies as in questions-words.txt. Without
them the sample corpus is written. The program runs with polargram, and if gensim is installed with gensim too.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

Program = Callable[[str, str], dict[str, object]]


# %% The program. Its first line was: from gensim.models.word2vec import KeyedVectors, LineSentence, Word2Vec


def program(text: str, questions: str) -> dict[str, object]:
    from polargram import KeyedVectors, LineSentence, Word2Vec

    model = Word2Vec(LineSentence(text), vector_size=50, sg=1, window=5, min_count=5, epochs=5, seed=1, workers=2)
    model.wv.save(f"{text}.kv")
    wv = KeyedVectors.load(f"{text}.kv", mmap="r")
    accuracy, _ = wv.evaluate_word_analogies(questions)
    results = {
        "words": len(wv.index_to_key),
        "analogies right": f"{accuracy:.1%}",
        "king and queen": f"{wv.similarity('king', 'queen'):.2f}",
        "odd one out": wv.doesnt_match(["monday", "friday", "piano"]),
    }
    for word in ["king", "monday", "piano"]:
        results[f"near {word}"] = ", ".join(near for near, _ in wv.most_similar(word, topn=4))
    return results


# %% The same with gensim's import, a corpus, and the results side by side


def with_gensim() -> Program:
    source = inspect.getsource(program).replace("from polargram import", "from gensim.models.word2vec import")
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    before: Program = namespace["program"]
    return before


def sample(directory: Path) -> tuple[str, str]:
    """The sample corpus as text, and its questions."""
    words = ["-m", "polargram", "sample", "--output", str(directory), "--tokens", "300000"]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    text = directory / "corpus.txt"
    sentences = pl.scan_parquet(directory / "*.parquet").select(pl.col("tokens").list.join(" "))
    sentences.sink_csv(text, include_header=False, quote_style="never")
    return str(text), str(directory / "questions.txt")


def main(arguments: list[str]) -> None:
    programs: dict[str, Program] = {"polargram": program}
    if find_spec("gensim"):
        programs["gensim"] = with_gensim()
    with tempfile.TemporaryDirectory() as directory:
        text, questions = arguments if len(arguments) == 2 else sample(Path(directory))
        results = {}
        for library, run in programs.items():
            start = time.perf_counter()
            results[library] = run(text, questions)
            results[library]["seconds"] = f"{time.perf_counter() - start:.1f}"
    print(f"{'':16}", *(f"{library:40}" for library in results))
    for row in results["polargram"]:
        print(f"{row:16}", *(f"{result[row]!s:40}" for result in results.values()))
    if "gensim" not in results:
        print("gensim is not installed, so there is nothing to compare with: pip install gensim")


if __name__ == "__main__":
    main(sys.argv[1:])
