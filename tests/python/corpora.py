"""What a corpus contains, what a small model learns of it, and what happens with a damaged file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from runs import Command

import polargram as pg

Sentences = list[list[str]]
Rows = list[list[str | None] | None] | list[list[int | None] | None] | list[list[int]]
#: Words from the most frequent to the rarest, how often each occurs in the corpus, and how many words and sentences
#: there are.
Facts = tuple[list[str], list[int], int, int]

READERS = [pg.LineSentence, pg.PathLineSentences, pg.Text8Corpus, pg.BrownCorpus]

#: Trains on every word, quickly.
SMALL = {"vector_size": 4, "min_count": 1, "epochs": 1, "workers": 2}
#: The same as options of the command.
QUICK = ["--vector-size", 4, "--min-count", 1, "--epochs", 1, "--negative", 1, "--workers", 2, "--quiet"]


def small_model(corpus: object, **parameters: object) -> pg.Word2Vec:
    return pg.Word2Vec(corpus, **{**SMALL, **parameters})


def counts_of(model: Any) -> dict[str, int]:
    """How often each word occurs in what a model (also of gensim) or vectors were trained on."""
    wv = getattr(model, "wv", model)
    return {word: wv.get_vecattr(word, "count") for word in wv.index_to_key}


def facts_of(model: pg.Word2Vec) -> Facts:
    """Everything that a model knows of its corpus."""
    counts = counts_of(model)
    return model.wv.index_to_key, list(counts.values()), model.corpus_total_words, model.corpus_count


def facts(corpus: object, **parameters: object) -> Facts:
    """All counts of a corpus after training on it."""
    return facts_of(small_model(corpus, **parameters))


def counts_in(rows: Rows) -> Counter[str]:
    """How often each word occurs in the rows."""
    return Counter(token for row in rows if row for token in row if token is not None)


def expected(rows: Rows) -> Facts:
    """The same, counted from the rows."""
    counts = counts_in(rows)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return ranked, [counts[word] for word in ranked], counts.total(), sum(row is not None for row in rows)


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def array_of(items: list[object]) -> np.ndarray:
    """An array of these objects, not a matrix, even if all lists have one length."""
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array


#: Reads damaged copies of a file in its own process and prints the result of each, so that an abort is noticed.
#: Its memory is bounded, because a hostile length must be an error, not an allocation.
DAMAGED = """
import json, resource, sys
from pathlib import Path
import polargram as pg

resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
path, changes = Path(sys.argv[1]), json.load(sys.stdin)
whole = path.read_bytes()
damaged = path.with_name("damaged" + path.suffix)
for length, at, bits in changes:
    content = bytearray(whole[:length])
    if at >= 0:
        content[at] ^= bits
    damaged.write_bytes(content)
    model = pg.Word2Vec(min_count=1, workers=1)
    try:
        model.build_vocab(damaged)
        counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
        outcome = ["read", sorted(counts.items()), model.corpus_count]
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        outcome = ["refused", str(error)]
    print(json.dumps(outcome), flush=True)
"""


def outcomes_of_damage(python: Command, path: Path, changes: list[tuple[int, int, int]]) -> Iterator[list[object]]:
    """What happens with ``damaged.*``: the file's first ``length`` bytes, with ``bits`` flipped in the byte ``at``.

    Each is ``["read", counts, sentences]`` or ``["refused", message]``. -1 flips nothing.
    """
    done = python("-c", DAMAGED, path, input=json.dumps(changes))
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (changes[len(lines)], done.returncode, done.stderr[-2000:])
    assert "panicked" not in done.stderr, done.stderr[:2000]
    assert len(lines) == len(changes)
    return map(json.loads, lines)
