"""Loads thousands of damaged copies of a vectors file. It runs in its own process, so that an abort is noticed.

    python hostile.py VECTORS DIRECTORY

A damaged file may load or be refused with ValueError or OSError that names it. If it loads, it must
also be safe to use. Anything else is printed, and the exit code is 1.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import polargram as pg

#: Lengths, offsets and counts that must not be trusted.
EXTREMES = [0, 1, -1, 7, 2**31 - 1, -(2**31), 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, -(2**63), 2**64 - 1]


def use(path: Path) -> None:
    """Everything that reads the file's content; a damaged file fails in ``load`` or not at all."""
    try:
        wv = pg.KeyedVectors.load(path)
    except (ValueError, OSError) as refused:
        if path.stem not in str(refused):
            raise AssertionError(f"the file is not named: {refused}") from refused
        return
    if len(wv.index_to_key) != len(wv) or wv.vectors.shape != (len(wv), wv.vector_size):
        raise AssertionError("the words do not fit the vectors")
    wv.vectors.copy()
    for row, word in enumerate(wv.index_to_key):
        wv.get_index(word), wv.get_vecattr(row, "count"), wv.get_vector(row, norm=True), word.encode()
    if len(wv):
        wv.most_similar(0), wv.similarity(0, len(wv) - 1)


def systematic(whole: bytes) -> Iterator[bytes]:
    """Every byte changed in several ways, every word of 4 and 8 bytes made extreme, and the file cut everywhere."""
    for at, byte in enumerate(whole):
        for other in {0, 0x7F, 0xFF, byte ^ 1, byte ^ 0x80, (byte + 1) % 256} - {byte}:
            yield whole[:at] + bytes([other]) + whole[at + 1 :]
        yield whole[:at]
    for width in (4, 8):
        for at in range(0, len(whole) - width + 1, 4):
            for number in EXTREMES:
                if -(1 << (8 * width - 1)) <= number < 1 << (8 * width):
                    field = struct.pack("<Q", number % (1 << 64))[:width]
                    yield whole[:at] + field + whole[at + width :]


def main(source: Path, directory: Path) -> int:
    # An allocation of a hostile size must fail here, not take the machine's memory.
    resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    whole, damaged = source.read_bytes(), directory / f"damaged{source.suffix}"
    if source.suffix == ".npy":
        shutil.copy(source.with_suffix(".vocab.txt"), directory / "damaged.vocab.txt")
    failures: dict[str, int] = {}

    def check(content: bytes) -> bool:
        # Renamed into place: a mapped file must not change under its reader.
        (directory / "new").write_bytes(content)
        os.replace(directory / "new", damaged)
        try:
            use(damaged)
        except BaseException as failure:  # noqa: BLE001 - a panic is a BaseException
            reason = re.sub(r"[0-9]+", "N", f"{type(failure).__name__}: {failure}")
            failures[reason] = failures.get(reason, 0) + 1
            return False
        return True

    check(whole)
    for content in systematic(whole):
        check(content)

    positions = st.integers(0, len(whole))
    pieces = st.binary(max_size=12) | st.tuples(positions, positions).map(lambda cut: whole[min(cut) : max(cut)])

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=HealthCheck,
    )
    @given(st.lists(st.tuples(positions, st.integers(0, 16), pieces), min_size=1, max_size=4))
    def spliced(splices: list[tuple[int, int, bytes]]) -> None:
        content = whole
        for at, length, piece in splices:
            content = content[:at] + piece + content[at + length :]
        check(content)

    spliced()
    for reason, times in failures.items():
        print(f"{times} times {reason}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
