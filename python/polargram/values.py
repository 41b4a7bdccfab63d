"""The values that a model's attributes may have: checked, and made plain, when they are set."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Check",
    "count",
    "factors_of",
    "is_valid",
    "json_value",
    "minutes",
    "number",
    "optional_text",
    "path",
    "switch",
    "text",
]

#: Returns the value of an attribute of this name as it is kept, or raises TypeError or ValueError naming it.
Check: TypeAlias = Callable[[str, Any], Any]


def count(name: str, value: Any) -> int:
    """Make a whole number of at least 0 an ``int``."""
    try:
        whole = value.__index__()
    except (AttributeError, TypeError):
        whole = -1
    if not 0 <= whole < 2**64:
        msg = f"{name}: {value!r} is not a whole number of at least 0 that fits 64 bits"
        raise ValueError(msg)
    return int(whole)


def number(name: str, value: Any) -> float:
    """Make any number a ``float``. Not a number and infinity are numbers: a training may diverge."""
    try:
        if isinstance(value, str | bytes | bytearray):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        msg = f"{name}: {value!r} is not a number"
        raise ValueError(msg) from None


def switch(name: str, value: Any) -> bool:
    """Make True, False, 1 or 0 a ``bool``."""
    if not isinstance(value, bool | np.bool_) and count(name, value) > 1:
        msg = f"{name}: {value!r} is not 0 or 1"
        raise ValueError(msg)
    return bool(value)


def text(name: str, value: Any) -> str:
    """Make text a ``str`` that a file can hold."""
    if not isinstance(value, str):
        msg = f"{name}: {value!r} is not a string"
        raise TypeError(msg)
    if not is_valid(value):
        msg = f"{name}: {value!r} is not valid Unicode"
        raise ValueError(msg)
    return str.__str__(value)


def optional_text(name: str, value: Any) -> str | None:
    """Make text a ``str``; None stays."""
    return None if value is None else text(name, value)


def path(name: str, value: Any) -> str | os.PathLike[str] | None:
    """Let a path be, and None."""
    if value is not None and not isinstance(value, str | os.PathLike):
        msg = f"{name}: {value!r} is not a path"
        raise TypeError(msg)
    return value


def minutes(name: str, value: Any) -> str | float:
    """Let ``"epoch"`` be, and make a number of minutes a ``float``."""
    if isinstance(value, str) and value == "epoch":
        return "epoch"
    try:
        every = number(name, value)
    except ValueError:
        every = 0.0
    if not 0 < every < float("inf"):
        msg = f'{name}: {value!r} is neither "epoch" nor a number of minutes above 0'
        raise ValueError(msg)
    return every


def json_value(name: str, value: Any) -> Any:
    """Copy what JSON can hold exactly: None, truth values, numbers, text, and lists and dicts of these."""
    try:
        kept = _json_value(name, value)
        json.dumps(kept)
    except RecursionError:
        msg = f"{name}: is nested too deeply to be saved"
        raise ValueError(msg) from None
    return kept


def _json_value(name: str, value: Any) -> Any:
    if isinstance(value, np.generic) and not isinstance(value, bytes):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list):
        return [_json_value(name, item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {str.__str__(key): _json_value(name, item) for key, item in value.items()}
    msg = (
        f"{name}: {value!r:.100} is {type(value).__name__}, which a saved model cannot hold; give text, a number, "
        "True, False, None, or a list or dict of these"
    )
    raise TypeError(msg)


def is_valid(value: str) -> bool:
    """Tell whether text is valid Unicode, without half characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def factors_of(value: Any, name: str = "vectors_lockf") -> NDArray[np.float32]:
    """Return factors of rows as an array of finite floats of one dimension."""
    try:
        with np.errstate(over="ignore"):
            factors = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        msg = f"{name}: must be an array of floats: {error}"
        raise ValueError(msg) from error
    if factors.ndim != 1:
        msg = f"{name}: must be an array of one dimension, not of shape {factors.shape}"
        raise ValueError(msg)
    if not np.isfinite(factors).all():
        msg = f"{name}: {factors[~np.isfinite(factors)][0]} is not a finite number"
        raise ValueError(msg)
    return factors
