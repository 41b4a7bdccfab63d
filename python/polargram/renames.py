"""Names of gensim 3, which much of what is written about word2vec still uses."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from typing import NoReturn, ParamSpec, TypeVar

__all__ = ["GoneNames", "takes_old_names", "warn_deprecated"]

P = ParamSpec("P")
R = TypeVar("R")


def takes_old_names(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take arguments by their old names too, with a DeprecationWarning at the caller's line.

    An argument by a name that is neither new nor old is a TypeError that suggests the nearest one.

    Examples
    --------
    >>> import polargram as pg
    >>> pg.Word2Vec(window_size=3)
    Traceback (most recent call last):
        ...
    TypeError: __init__() got an unexpected keyword argument 'window_size'. Did you mean 'window'?
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = [
            name
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) and name != "self"
        ]

        @functools.wraps(function)
        def renamed(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in [name for name in kwargs if name not in names]:
                new_name = new_names.get(name)
                if new_name is None:
                    raise TypeError(_unexpected(function, name, names))
                if new_name in kwargs:
                    msg = f"{function.__name__}() got both {name!r} and {new_name!r}: they are one parameter"
                    raise TypeError(msg)
                warnings.warn(f"{name} is called {new_name} since gensim 4", DeprecationWarning, stacklevel=2)
                kwargs[new_name] = kwargs.pop(name)
            return function(*args, **kwargs)

        return renamed

    return decorate


def _unexpected(function: Callable[..., object], name: str, names: list[str]) -> str:
    nearest = get_close_matches(name, names, n=1)
    suggestion = f". Did you mean {nearest[0]!r}?" if nearest else ""
    return f"{function.__name__}() got an unexpected keyword argument {name!r}{suggestion}"


def warn_deprecated(name: str, other: str) -> None:
    """Warn at the line of the caller's caller."""
    warnings.warn(f"{name} is deprecated: use {other}", DeprecationWarning, stacklevel=3)


class GoneNames:
    """Attributes of vectors that gensim 4 no longer has: each says what to use."""

    @property
    def vectors_norm(self) -> NoReturn:
        """Gone since gensim 4: :meth:`get_normed_vectors`."""
        msg = "vectors_norm is gone since gensim 4: call get_normed_vectors()"
        raise AttributeError(msg)

    @property
    def index2word(self) -> NoReturn:
        """Gone since gensim 4: :attr:`index_to_key`."""
        msg = "index2word is gone since gensim 4: use index_to_key"
        raise AttributeError(msg)

    @property
    def index2entity(self) -> NoReturn:
        """Gone since gensim 4: :attr:`index_to_key`."""
        msg = "index2entity is gone since gensim 4: use index_to_key"
        raise AttributeError(msg)

    @property
    def vocab(self) -> NoReturn:
        """Gone since gensim 4: :attr:`key_to_index`, :attr:`index_to_key`, :meth:`get_vecattr`, :meth:`set_vecattr`."""
        msg = "vocab is gone since gensim 4: use key_to_index, index_to_key, get_vecattr(key, attr) and set_vecattr"
        raise AttributeError(msg)
