"""How models travel to other processes: as the files that they are saved in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["packed", "unpacked"]

_NAME = "model"


def packed(save: Callable[[Path], object]) -> dict[str, bytes]:
    """Return what ``save`` writes: the content of a file, or of the files in a directory, by their names in it."""
    with tempfile.TemporaryDirectory(prefix="polargram-") as directory:
        path = Path(directory, _NAME)
        save(path)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return {"" if file == path else file.name: file.read_bytes() for file in files}


@contextmanager
def unpacked(files: dict[str, bytes]) -> Iterator[Path]:
    """Write these files to a directory that is there for a while, and give the path that was saved to."""
    with tempfile.TemporaryDirectory(prefix="polargram-") as directory:
        path = Path(directory, _NAME)
        if "" not in files:
            path.mkdir()
        for name, content in files.items():
            if Path(name).name != name:
                msg = f"the pickled model: has a file {name!r}, which is not a name"
                raise ValueError(msg)
            (path / name).write_bytes(content)
        yield path
