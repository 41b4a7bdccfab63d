"""Correlations of two lists of numbers, with their two-sided p-values: those of SciPy, which is not needed for them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Correlation", "pearson", "spearman"]

#: Two continued fractions that differ by less are equal.
_PRECISION = 1e-16
#: Stands for 0 in a divisor.
_TINY = 1e-300


class Correlation(NamedTuple):
    """A correlation, and how probable one of this size is by chance."""

    #: From -1 to 1; not a number if all numbers of a list are equal.
    statistic: float
    #: Of the hypothesis that the two lists have nothing to do with each other.
    pvalue: float


def pearson(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Give Pearson's correlation: how near two lists are to a line.

    Raises
    ------
    ValueError
        For fewer than two numbers.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(x) < 2:
        msg = f"a correlation needs at least two pairs of numbers, not {len(x)}"
        raise ValueError(msg)
    statistic = _correlation(x, y)
    if len(x) == 2:
        # Two points are always on a line.
        return Correlation(statistic if math.isnan(statistic) else float(round(statistic)), 1.0)
    return Correlation(statistic, _pvalue(statistic, len(x)))


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Give Spearman's correlation: that of the ranks. Equal numbers share the mean of their ranks."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if np.isnan(x).any() or np.isnan(y).any():
        return Correlation(math.nan, math.nan)
    x, y = _ranks(x), _ranks(y)
    # Sums of halves are exact, so that the same order has the correlation 1.
    squares = float(np.dot(x, x)) * float(np.dot(y, y))
    statistic = float(np.dot(x, y)) / math.sqrt(squares) if squares else math.nan
    return Correlation(statistic, _pvalue(statistic, len(x)))


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    if (x == x[0]).all() or (y == y[0]).all():
        # Their mean may differ from them by its rounding.
        return math.nan
    with np.errstate(invalid="ignore"):
        x, y = x - x.mean(), y - y.mean()
        lengths = float(np.linalg.norm(x)), float(np.linalg.norm(y))
    if not all(0 < length < math.inf for length in lengths):
        return math.nan
    return float(np.clip(np.dot(x / lengths[0], y / lengths[1]), -1, 1))


def _ranks(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the ranks of numbers, less their mean. Equal numbers share the mean of their ranks."""
    _, group, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last: NDArray[np.float64] = np.cumsum(counts, dtype=np.float64)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[group] - (len(numbers) + 1) / 2
    return ranks


def _pvalue(correlation: float, count: int) -> float:
    """Give the share of samples of unrelated numbers with a correlation at least so far from 0."""
    if math.isnan(correlation) or count < 3:
        return math.nan
    return _incomplete_beta(count / 2 - 1, 0.5, (1 - correlation) * (1 + correlation))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Give the regularised incomplete beta function, by its continued fraction (Press et al. 2007, 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        # There the fraction of the complement converges faster.
        return 1 - _incomplete_beta(b, a, 1 - x)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction by Lentz's method."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _not_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
