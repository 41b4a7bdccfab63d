"""What a training tells its user: through callbacks, to a function, on stderr and in the log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from polargram.notebook import in_notebook, progress_bar

if TYPE_CHECKING:
    from typing_extensions import Self

    from polargram.base import BaseModel

logger = logging.getLogger("polargram")


class StopTraining(Exception):  # noqa: N818 - as StopIteration
    """Raise it in a callback to end the training early. What was trained so far stays.

    Examples
    --------
    >>> import polargram as pg
    >>> class Once:
    ...     def on_epoch_end(self, model):
    ...         raise pg.StopTraining
    >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=4, epochs=5, compute_loss=True, callbacks=[Once()])
    >>> len(model.epoch_losses)
    1
    """


class Hooks:
    """Calls a user's callbacks."""

    def __init__(self, model: BaseModel, callbacks: Sequence[Any]) -> None:
        self._model = model
        self._callbacks = callbacks
        self._since = time.perf_counter()

    def tell(self, event: str) -> bool:
        """Call a method of each callback; True if one of them wants to stop."""
        stop = False
        for callback in self._callbacks:
            try:
                getattr(callback, event, lambda _: None)(self._model)
            except StopTraining:
                stop = True
        return stop

    # These return whether to stop, and the running loss, which a callback may have set.

    def epoch_begins(self, epoch: int) -> tuple[bool, float]:
        logger.debug("epoch %d begins", epoch + 1)
        self._since = time.perf_counter()
        return self.tell("on_epoch_begin"), self._model.running_training_loss

    def epoch_ends(self, epoch: int, losses: list[tuple[float, int]], rate: float) -> tuple[bool, float]:
        model = self._model
        model._add_losses(losses)
        model.total_train_time += time.perf_counter() - self._since
        if rate > 0:
            model.min_alpha_yet_reached = min(model.min_alpha_yet_reached, rate)
        mean = f", mean loss {model.epoch_losses[-1]:.4f}" if model.compute_loss else ""
        logger.info("epoch %d is over%s", epoch + 1, mean)
        return self.tell("on_epoch_end"), model.running_training_loss


class Report:
    """Reports on a long job: always to the log, and on request to stderr or to a function.

    In a notebook it is a bar instead, if tqdm is installed. The bar ends with the ``with`` statement.
    """

    def __init__(self, progress: bool | Callable[[str, int, int, float], object]) -> None:
        self._progress = progress
        self._has_bars = progress is True and in_notebook()
        self._phase = ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end_bar(is_done=kind is None)

    def _end_bar(self, is_done: bool) -> None:
        if self._bar is None:
            return
        if is_done and self._bar.total:
            self._bar.update(self._bar.total - self._bar.n)
        self._bar.close()
        self._bar = None

    def _show_bar(self, phase: str, done: int, total: int) -> bool:
        """Move the bar of this phase; False without tqdm."""
        if phase != self._phase:
            self._end_bar(is_done=True)
            self._phase, self._bar = phase, progress_bar(phase, total)
        if self._bar is None:
            return False
        self._bar.update(done - self._bar.n)
        return True

    def __call__(self, phase: str, done: int, total: int, rate: float) -> None:
        share = f" {100 * done / total:.0f} %" if total else ""
        line = f"{phase}{share}, {done:,} words" + (f", learning rate {rate:.5f}" if phase == "training" else "")
        logger.info(line)
        if callable(self._progress):
            self._progress(phase, done, total, rate)
        elif self._progress and not (self._has_bars and self._show_bar(phase, done, total)):
            print(f"polargram: {line}", file=sys.stderr, flush=True)
