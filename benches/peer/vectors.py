"""Vectors against NumPy, faiss and gensim: search, loading, opening. Run by ``make bench-vectors``.

Each pair of figures comes from one run, in which the programs alternate; a figure is the median of several.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

THREADS = 2
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = str(THREADS)

import faiss  # noqa: E402
import gensim  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

import polargram as pg  # noqa: E402

Matrix = NDArray[np.float32]

#: The vocabulary of the sample of Wikipedia that the other benchmarks train on.
KEYS, SIZE, QUERIES, TOPN = 82_746, 100, 1000, 10
#: Dimensions of the space that the vectors are near to, as those of words are.
RANK = 30


def generated(keys: int, size: int) -> Matrix:
    """Vectors of different lengths, near to a space of fewer dimensions, the same each time."""
    random = np.random.default_rng(14)
    within = random.standard_normal((RANK, size), dtype=np.float32) / np.sqrt(np.float32(RANK))
    vectors = random.standard_normal((keys, RANK), dtype=np.float32) @ within
    vectors += np.float32(0.3) * random.standard_normal((keys, size), dtype=np.float32)
    scaled: Matrix = vectors * random.uniform(0.5, 2, (keys, 1)).astype(np.float32)
    return scaled


def words(keys: int) -> list[str]:
    return [f"word{i}" for i in range(keys)]


def times(rounds: int, *functions: Callable[[], object]) -> list[float]:
    """The median time of each, in ms; they alternate."""
    took: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for times_of, function in zip(took, functions, strict=True):
            start = time.perf_counter()
            function()
            times_of.append(1000 * (time.perf_counter() - start))
    return [statistics.median(times_of) for times_of in took]


def line(what: str, ours: float, other: float, wanted: str = "") -> None:
    print(f"| {what} | {other:.1f} | {ours:.1f} | {other / ours:.2f}× | {wanted} |", flush=True)


def search(vectors: Matrix, wv: pg.KeyedVectors, theirs: gensim.models.KeyedVectors, rounds: int) -> None:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    # Spread over all rows.
    rows = np.arange(0, len(unit), len(unit) // QUERIES)[:QUERIES]
    queries, keys = unit[rows].copy(), [wv.index_to_key[row] for row in rows]
    flat = faiss.IndexFlatIP(SIZE)
    flat.add(unit)
    faiss.omp_set_num_threads(THREADS)
    products = np.empty((QUERIES, len(unit)), dtype=np.float32)

    def product() -> Matrix:
        return np.matmul(queries, unit.T, out=products)

    def partitioned() -> None:
        np.argpartition(product(), -TOPN, axis=1)[:, -TOPN:]

    found, _ = wv.search(queries, TOPN, as_arrays=True)
    _, wanted = flat.search(queries, TOPN)
    shared = [len(np.intersect1d(a, b)) / TOPN for a, b in zip(found, wanted, strict=True)]
    print(f"\nrows that faiss gives too: {np.mean(shared):.4f}")
    print("\n| ms | other | polargram | | wanted |\n|---|---|---|---|---|")
    arrays, lists, bare, partition, of_faiss = times(
        rounds,
        lambda: wv.search(queries, TOPN, as_arrays=True),
        lambda: wv.search(keys, TOPN),
        product,
        partitioned,
        lambda: flat.search(queries, TOPN),
    )
    line("batch search, NumPy product + argpartition", arrays, partition, "≥ 15×")
    line("batch search, NumPy's bare product", arrays, bare, "≥ 0.6×")
    line("batch search, faiss IndexFlatIP", arrays, of_faiss, "≥ 0.8×")
    line("batch search by keys to lists, NumPy's bare product", lists, bare)
    for what, wanted in (("", ""), (" after fill_norms()", "≥ 2×")):
        if what:
            wv.fill_norms()
        ours, other = times(20 * rounds, lambda: wv.most_similar(keys[3]), lambda: theirs.most_similar(keys[3]))
        line(f"one most_similar{what}, gensim{what}", ours, other, wanted)


def loading(wv: pg.KeyedVectors, directory: Path, rounds: int) -> None:
    for ending, binary, wanted in (("txt", False, "≥ 20×"), ("bin", True, "≥ 5×")):
        path = str(directory / f"v.{ending}")
        wv.save(path)

        def ours(path: str = path, binary: bool = binary) -> object:
            return pg.KeyedVectors.load_word2vec_format(path, binary=binary)

        def theirs(path: str = path, binary: bool = binary) -> object:
            return gensim.models.KeyedVectors.load_word2vec_format(path, binary=binary)

        took, other = times(rounds, ours, theirs)
        line(f"loading word2vec {'binary' if binary else 'text'}, gensim", took, other, wanted)


#: Opens a file and looks a key up, in a process of its own: ms, and the growth of the memory in MiB: its own, and with
#: the parts of the file that all processes share.
OPENING = """
import sys, time
import polargram as pg
def resident():
    pages, shared = map(int, open("/proc/self/statm").read().split()[1:3])
    return (pages - shared) * 4096 / 2**20, pages * 4096 / 2**20
before, start = resident(), time.perf_counter()
wv = pg.KeyedVectors.load(sys.argv[1])
vector = wv[sys.argv[2]]
print(1000 * (time.perf_counter() - start), *(after - before for after, before in zip(resident(), before)))
"""


def opening(directory: Path, rounds: int) -> None:
    print("\n| opening and the first lookup | file, MiB | ms | own memory, MiB | with shared, MiB |")
    print("|---|---|---|---|---|")
    for keys, size in ((1_000_000, 300), (1_000_000, 30), (KEYS, SIZE)):
        path = directory / f"{keys}x{size}.arrow"
        made = pg.KeyedVectors.load_word2vec_format(_binary(directory, keys, size), binary=True)
        made.save(path)
        del made
        command = [sys.executable, "-c", OPENING, str(path), f"word{keys // 2}"]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)]
        figures = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
        milliseconds, own, memory = map(statistics.median, figures)
        megabytes = path.stat().st_size / 2**20
        print(f"| {keys:,} × {size} | {megabytes:.0f} | {milliseconds:.1f} | {own:.1f} | {memory:.0f} |", flush=True)
        path.unlink()


def _binary(directory: Path, keys: int, size: int) -> str:
    """A file of word2vec's binary format."""
    path = directory / "made.bin"
    row = np.random.default_rng(1).standard_normal(size, dtype=np.float32).tobytes()
    with path.open("wb") as file:
        file.write(b"%d %d\n" % (keys, size))
        file.writelines(b"word%d %b\n" % (i, row) for i in range(keys))
    return str(path)


def half_precision(wv: pg.KeyedVectors, directory: Path, rounds: int) -> None:
    whole, half = directory / "f32.arrow", directory / "f16.arrow"
    wv.save(whole)
    wv.save(half, dtype=np.float16)
    keys = wv.index_to_key[:QUERIES]
    a, b = pg.KeyedVectors.load(whole), pg.KeyedVectors.load(half)
    ours, other = times(
        rounds, lambda: b.search(keys, TOPN, as_arrays=True), lambda: a.search(keys, TOPN, as_arrays=True)
    )
    share = half.stat().st_size / whole.stat().st_size
    print(f"\nfloat16: {share:.2f} of the file; batch search {other / ours:.2f}× (≥ 0.9×)")


def approximate(wv: pg.KeyedVectors, directory: Path, rounds: int) -> None:
    keys = wv.index_to_key[:: len(wv) // QUERIES][:QUERIES]
    print("\n| approximate index | build, s | 1,000 queries, ms | recall@10 | file, MiB | opening, ms |")
    print("|---|---|---|---|---|---|")
    path = directory / "v.usearch"
    for connectivity, expansion in ((16, 64), (32, 256)):
        start = time.perf_counter()
        index = wv.build_index(connectivity=connectivity, expansion_search=expansion)
        build = time.perf_counter() - start
        index.save(path)
        (took,) = times(rounds, functools.partial(index.search, keys, TOPN, as_arrays=True))
        (opening,) = times(rounds, functools.partial(pg.Index.load, path, wv))
        recall, size = index.recall(keys, TOPN), path.stat().st_size / 2**20
        what = f"connectivity {connectivity}, expansion_search {expansion}"
        print(f"| {what} | {build:.1f} | {took:.1f} | {recall:.3f} | {size:.0f} | {opening:.1f} |", flush=True)


PARTS = ("search", "loading", "half", "index", "opening")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    options = parser.parse_args(arguments)
    vectors = generated(KEYS, SIZE)
    theirs = gensim.models.KeyedVectors(SIZE)
    theirs.add_vectors(words(KEYS), vectors)
    theirs.fill_norms()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        theirs.save_word2vec_format(str(directory / "made.bin"), binary=True)
        wv = pg.KeyedVectors.load_word2vec_format(str(directory / "made.bin"), binary=True)
        print(f"{KEYS:,} keys, {SIZE} dimensions, {THREADS} threads")
        if "search" in options.only:
            search(vectors, wv, theirs, options.rounds)
        if "loading" in options.only:
            loading(wv, directory, options.rounds)
        if "half" in options.only:
            half_precision(wv, directory, options.rounds)
        if "index" in options.only:
            approximate(wv, directory, options.rounds)
        if "opening" in options.only:
            opening(directory, options.rounds)


if __name__ == "__main__":
    main()
