"""Vectors of one training turned into the space of another."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import Vectors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Alignment", "Alignments"]

logger = logging.getLogger("polargram")


class Alignment(NamedTuple):
    """How near shared keys came: the mean cosine of each key's two vectors, before and after.

    Examples
    --------
    >>> import polargram as pg
    >>> yesterday, today = pg.KeyedVectors(2), pg.KeyedVectors(2)
    >>> yesterday[["a", "b"]] = [[1, 0], [0, 1]]
    >>> today[["a", "b"]] = [[0, 1], [-1, 0]]
    >>> measured = today.align_to(yesterday).alignment
    >>> measured.keys, round(measured.cosine_before, 4), round(measured.cosine_after, 4)
    (2, 0.0, 1.0)
    """

    keys: int
    cosine_before: float
    cosine_after: float


class Alignments(Vectors):
    """How :class:`~polargram.KeyedVectors` are turned into another space."""

    #: What :meth:`align_to` measured; None for vectors that were not turned.
    alignment: Alignment | None = None

    def align_to(self, other: Vectors, keys: Iterable[str | int] | None = None) -> Self:
        """Turn the vectors into the space of other ones, so that what was made for those can use these.

        Two trainings of the same corpus give spaces that differ by a rotation. The one that brings the vectors of
        shared keys, scaled to length 1, nearest together (orthogonal Procrustes; Schönemann 1966, Hamilton et al. 2016)
        is applied to a copy of all vectors. Within it all lengths, cosines and neighbours stay.

        Parameters
        ----------
        other
            Vectors of the same dimensions, such as yesterday's.
        keys
            The keys to fit the rotation to; by default all that both have. Those that one of them lacks are left out.

        Returns
        -------
        A copy, whose ``alignment`` has the number of shared keys, and their mean cosine before and after.

        Raises
        ------
        ValueError
            For other dimensions, and without shared keys.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> today, tomorrow = pg.KeyedVectors(2), pg.KeyedVectors(2)
        >>> today[["a", "b"]] = [[1.0, 0.0], [0.0, 1.0]]
        >>> tomorrow[["a", "b", "new"]] = [[0.0, 1.0], [-1.0, 0.0], [-1.0, 1.0]]
        >>> aligned = tomorrow.align_to(today)
        >>> aligned["new"].round(3).tolist()
        [1.0, 1.0]
        >>> aligned.alignment.keys, round(aligned.alignment.cosine_after, 3)
        (2, 1.0)
        """
        if other.vector_size != self.vector_size:
            msg = f"other: has vectors of {other.vector_size} dimensions; these have {self.vector_size}"
            raise ValueError(msg)
        # Subclasses look up words without a row too: only rows count here.
        there, here = other.key_to_index, self.key_to_index
        wanted = here if keys is None else dict.fromkeys(keys)
        shared = [key for key in wanted if key in here and key in there]
        if not shared:
            msg = "keys: the two have none in common, so nothing says how one is turned towards the other"
            raise ValueError(msg)
        ours = _directions(self.vectors, [here[key] for key in shared])
        theirs = _directions(other.vectors, [there[key] for key in shared])
        rotation = _rotation(ours, theirs)
        aligned: Any = copy.deepcopy(self)
        turned = (self.vectors.astype(np.float64) @ rotation).astype(np.float32)
        aligned._put(list(here), turned, True)
        before, after = (float(np.mean(np.sum(one * theirs, axis=1))) for one in (ours, ours @ rotation))
        aligned.alignment = Alignment(len(shared), before, after)
        logger.info("aligned by %d keys: mean cosine %.3f before, %.3f after", len(shared), before, after)
        made: Self = aligned
        return made


def _directions(vectors: NDArray[np.float32], rows: list[int]) -> NDArray[np.float64]:
    """Give rows scaled to length 1; those of zeros stay, and those that are not finite become zeros."""
    chosen = vectors[rows].astype(np.float64)
    chosen[~np.isfinite(chosen).all(axis=1)] = 0
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = chosen / np.where(lengths > 0, lengths, 1)
    return scaled


def _rotation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the orthogonal R that makes the sum of squares of ``ours @ R - theirs`` least."""
    left, _, right = np.linalg.svd(ours.T @ theirs)
    rotation: NDArray[np.float64] = left @ right
    return rotation
