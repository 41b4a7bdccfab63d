"""Lengths of vectors: what searches compute and keep, and vectors scaled to length 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from polargram._polargram import Vectors
from polargram.renames import warn_deprecated

__all__ = ["Norms"]


class Norms(Vectors):
    """What :class:`~polargram.KeyedVectors` has to do with the lengths of its vectors."""

    def fill_norms(self, force: bool = False) -> None:
        """Compute what searches use, so that :meth:`most_similar` is fast: norms, and the vectors in codes of 8 bits.

        Norms are computed by the first search in any case. The codes are kept only after this call: they take a quarter
        of the memory of the vectors, and a search for one key then reads them, and in whole only the vectors that may
        be near enough. The answers are the same. (Processors without AVX-512 VNNI do without codes.) Both are forgotten
        when the vectors change. With ``force`` they are computed anew: after the vectors were changed from outside.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> wv.vectors[0] = wv.vectors[1]
        >>> wv.fill_norms(force=True)
        >>> round(wv.similarity("a", "b"), 4)
        1.0
        """
        super().fill_norms(force)

    def get_normed_vectors(self) -> NDArray[np.float32]:
        """Give a matrix of all vectors scaled to length 1: a copy.

        Vectors of zeros, and those with NaN or infinity, have no direction and are as they are.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv[["a", "b"]] = [[3.0, 4.0], [0.0, 0.0]]
        >>> wv.get_normed_vectors()
        array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
        """
        return super().get_normed_vectors()

    def unit_normalize_all(self) -> None:
        """Scale every vector to length 1, for good. Those without a direction stay as they are.

        A model is not sensibly trained on after this.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv["a"] = [3.0, 4.0]
        >>> wv.unit_normalize_all()
        >>> wv["a"]
        array([0.6, 0.8], dtype=float32)
        """
        super().unit_normalize_all()

    def init_sims(self, replace: bool = False) -> None:
        """Do nothing, or with ``replace`` what :meth:`unit_normalize_all` does; with a DeprecationWarning.

        Examples
        --------
        >>> import warnings, polargram as pg
        >>> wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     wv.init_sims(replace=True)
        """
        warn_deprecated("init_sims", "fill_norms")
        if replace:
            self.unit_normalize_all()
