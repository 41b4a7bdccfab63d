"""What all sentences have in common, learnt once and taken out of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from polargram.lookups import embed

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from polars._typing import IntoExpr

    from polargram.handles import VectorsLike

__all__ = ["CommonComponents", "fit_common"]

#: Rows whose products are added in one step.
_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class CommonComponents:
    """The directions that sentence vectors have in common: what :func:`polargram.fit_common` gives.

    Attributes
    ----------
    directions
        A matrix of orthogonal rows of length 1, the strongest first.
    shares
        How much of each :func:`polargram.embed` takes out, from 0 to 1.

    Examples
    --------
    >>> import numpy as np, polargram as pg
    >>> common = pg.CommonComponents(np.eye(1, 4, dtype=np.float32), np.ones(1, dtype=np.float32))
    >>> common.directions.shape
    (1, 4)
    """

    directions: NDArray[np.float32]
    shares: NDArray[np.float32]

    def options(self) -> dict[str, Any]:
        """Give plain numbers, as a plan holds them.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> pg.CommonComponents(np.eye(1, 2), np.ones(1)).options()
        {'directions': [[1.0, 0.0]], 'shares': [1.0]}
        """
        return {
            "directions": np.asarray(self.directions, dtype=float).tolist(),
            "shares": np.asarray(self.shares, dtype=float).tolist(),
        }


def fit_common(
    frame: pl.DataFrame | pl.LazyFrame | pl.Series,
    tokens: IntoExpr = None,
    vectors: VectorsLike | None = None,
    *,
    pooling: Literal["mean", "sum"] = "mean",
    weights: IntoExpr | None = "sif",
    components: int | None = None,
) -> CommonComponents:
    """Learn what the vectors of all sentences have in common: their first singular vectors, without centring.

    With it, ``embed`` gives the two-pass sentence embeddings of the literature: SIF (Arora et al. 2017) takes the first
    component out, uSIF (Ethayarajh 2018) a share of the first five, each by its part of their variance.

    Parameters
    ----------
    frame
        The sentences: a frame, or a series of lists of tokens. Their vectors are in memory at once.
    tokens
        The column or expression of lists of tokens; of a series it is not given.
    vectors
        A path or URL, :class:`KeyedVectors` or a :class:`Word2Vec`.
    pooling, weights
        As for :func:`polargram.embed`, and the same as there.
    components
        How many; 5 with ``weights="usif"``, and else 1.

    Raises
    ------
    ValueError
        If no sentence has a vector, or there are not as many components.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> model = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1)
    >>> frame = pl.DataFrame({"tokens": [["the", "cat"], ["cat", "sat"], ["sat"]]})
    >>> common = pg.fit_common(frame, "tokens", model, weights="sif")
    >>> out = frame.select(pg.embed("tokens", model, pooling="mean", weights="sif", remove_common=common))
    >>> out.schema["tokens"]
    Array(Float32, shape=(4,))
    """
    if vectors is None:
        msg = "vectors: expected a path or URL, KeyedVectors or a Word2Vec"
        raise TypeError(msg)
    if isinstance(frame, pl.Series):
        tokens = pl.col(frame.name) if tokens is None else tokens
        frame = frame.to_frame()
    sentences = frame.lazy().select(embed(tokens, vectors, pooling=pooling, weights=weights).alias("vector"))
    found = sentences.drop_nulls().collect(engine="streaming").to_series()
    size = found.dtype.shape[0] if isinstance(found.dtype, pl.Array) else 0
    is_usif = isinstance(weights, str) and weights == "usif"
    count = min(5 if is_usif else 1, size) if components is None else components
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 0 < count <= size:
        msg = f"components: expected a whole number from 1 to {size}, the dimensions of the vectors, not {count!r}"
        raise ValueError(msg)
    strengths, directions = _singular_vectors(found, size)
    if not np.isfinite(strengths).all() or strengths[0] <= 0:
        msg = "no sentence has a vector that is finite and not of zeros: there is nothing to learn from"
        raise ValueError(msg)
    strengths, directions = strengths[:count], directions[:count]
    shares = strengths / strengths.sum() if is_usif else np.ones(count)
    return CommonComponents(directions.astype(np.float32), shares.astype(np.float32))


def _singular_vectors(vectors: pl.Series, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the squared singular values and the right singular vectors, the greatest first.

    They are the eigenvalues and eigenvectors of XᵀX, a matrix as small as d × d: exact, and the same each time.
    """
    products = np.zeros((size, size))
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS].to_numpy().reshape(-1, size).astype(np.float64)
        products += rows.T @ rows
    if not np.isfinite(products).all():
        return np.full(size, np.nan), products
    values, columns = np.linalg.eigh(products)
    return values[::-1], columns.T[::-1]
