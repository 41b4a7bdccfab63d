"""Runs that end early: killed, interrupted by a signal, or with a message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, Signals

import pytest

import polargram as pg

#: Runs Python, or ``polargram``, with these arguments.
Command = Callable[..., subprocess.CompletedProcess[str]]

#: A second is the promise; the rest is for a busy machine.
SOON = 3.0
#: More epochs than any test waits for.
FOREVER = 10**6


class KilledError(Exception):
    pass


class KillIn:
    """Ends the training with an error when an epoch begins, as if the process were killed then."""

    def __init__(self, epoch: int) -> None:
        self.left = epoch

    def on_epoch_begin(self, _: pg.Word2Vec) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError


class KillAtEnd:
    """The same before the checkpoint of an epoch's end, so that the last one is from within the epoch."""

    def __init__(self, epoch: int) -> None:
        self.left = epoch

    def on_epoch_end(self, _: pg.Word2Vec) -> None:
        self.left -= 1
        if self.left < 0:
            raise KilledError


def cut_and_resumed(
    corpus: object, directory: Path, *, within_epoch: bool = False, **parameters: object
) -> pg.Word2Vec:
    kill = KillAtEnd(2) if within_epoch else KillIn(2)
    with pytest.raises(KilledError):
        pg.Word2Vec(corpus, **parameters, checkpoint=directory, callbacks=[kill])
    position = json.loads((directory / "config.json").read_text())["resume"]["position"]
    assert (position["batch"] > 0) == within_epoch
    return pg.Word2Vec(corpus, **parameters, checkpoint=directory)


class Job:
    """A process that gets a signal after it has printed something, and must then end soon."""

    def __init__(self, *arguments: object, temporary: Path) -> None:
        self.temporary = temporary
        temporary.mkdir(exist_ok=True)
        environment = {**os.environ, "TMPDIR": str(temporary)}
        words = [sys.executable, *map(str, arguments)]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.said = ""

    def wait_for(self, text: str) -> None:
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return
        pytest.fail(f"it ended too early: {self.said}")

    def signal(self, number: Signals, times: int = 1) -> int:
        for _ in range(times):
            self.process.send_signal(number)
            time.sleep(0.02)
        try:
            rest, _ = self.process.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            pytest.fail(f"it did not stop within {SOON} s")
        self.said += rest
        return self.process.returncode

    def assert_interrupted(self, number: Signals = SIGINT) -> None:
        """A signal ends the command as a shell expects it, with one line, and nothing is left behind."""
        assert self.signal(number) == 130
        assert self.said.splitlines()[-1] == "polargram: interrupted; no output was written"
        assert not list(self.temporary.iterdir())


def wait_until(is_true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The message of a quiet command."""
    assert done.stdout == ""
    (message,) = done.stderr.splitlines()
    assert message.startswith("polargram: ")
    assert "panicked" not in message
    assert "Traceback" not in message
    return message
