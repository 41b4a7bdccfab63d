"""The weights of a model: looking at them, setting them, and starting again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from polargram.base import BaseModel
from polargram.keyed_vectors import KeyedVectors
from polargram.values import factors_of

__all__ = ["WeightSteps"]


class WeightSteps(BaseModel):
    """What is done with a model's weights outside of training."""

    @property
    def syn1neg(self) -> NDArray[np.float32]:
        """The rows trained against noise, V × d: a view."""
        return _there(self._model.syn1neg(), "syn1neg", "negative=0")

    @property
    def syn1(self) -> NDArray[np.float32]:
        """The rows of the Huffman tree's inner nodes, V × d: a view. The root is row 0 (in gensim it is the last)."""
        return _there(self._model.syn1(), "syn1", "hs=0")

    @property
    def layer1_size(self) -> int:
        """Dimensions of the hidden layer: those of the vectors."""
        return self.vector_size

    def prepare_weights(self, update: bool = False) -> None:
        """Make all weights as before any training.

        With ``update`` there is nothing to do: :meth:`prepare_vocab` has given new words their vectors.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.prepare_weights()
        >>> float(abs(model.syn1neg).max())
        0.0
        """
        if not update:
            self.reset_weights()

    def update_weights(self) -> None:
        """Give new words their first vectors. :meth:`prepare_vocab` has done so already: this only checks.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.Word2Vec([["a", "b"]] * 9, vector_size=8).update_weights()
        """
        if len(self.wv) == 0:
            msg = "you must first build vocabulary: a model without words cannot be updated"
            raise RuntimeError(msg)

    def reset_weights(self) -> None:
        """Make all weights as before any training; the vocabulary stays.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.reset_weights()
        >>> model.running_training_loss
        0.0
        """
        self._model.reset_weights(self._parameters())
        self._forget_losses()

    def reset_from(self, other_model: BaseModel) -> None:
        """Take the vocabulary of another model, and make new weights as before any training.

        Examples
        --------
        >>> import polargram as pg
        >>> first = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> second = pg.Word2Vec(vector_size=16, sg=1)
        >>> second.reset_from(first)
        >>> second.wv.vectors.shape
        (2, 16)
        """
        self._model.reset_from(other_model._model, self._parameters())
        self._forget_factors()
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.effective_min_count = other_model.effective_min_count
        self.cum_table = other_model.cum_table

    def set_vectors(self, vectors: KeyedVectors, lockf: float = 1.0) -> int:
        """Start from vectors trained elsewhere: words that are in ``vectors`` too take those vectors.

        Parameters
        ----------
        vectors
            Loaded from any format; of the same dimensions.
        lockf
            The share of their changes that these words take in training: 0 freezes them (see ``wv.vectors_lockf``).

        Returns
        -------
        The number of these words.

        Examples
        --------
        >>> import polargram as pg
        >>> trained = pg.Word2Vec([["a", "b"]] * 9, vector_size=8).wv
        >>> model = pg.Word2Vec(vector_size=8)
        >>> model.build_vocab([["b", "c"]] * 9)
        >>> model.set_vectors(trained, lockf=0.0)
        1
        >>> model.wv.vectors_lockf
        array([0., 1.], dtype=float32)
        """
        factor = factors_of([lockf], "lockf")[0]
        factors = np.broadcast_to(self._factors_of_words(), len(self.wv)).copy()
        adopted = self._model.adopt(vectors)
        factors[[row for row, word in enumerate(self.wv.index_to_key) if word in vectors]] = factor
        self.wv.vectors_lockf = factors
        return adopted

    def init_sims(self, replace: bool = False) -> None:
        """Compute what searches use anew (:meth:`~polargram.KeyedVectors.fill_norms`).

        With ``replace`` make every vector of length 1 before, for good.

        Vectors of zeros, and those with NaN or infinity, have no direction and stay as they are.

        Examples
        --------
        >>> import numpy as np, polargram as pg
        >>> model = pg.Word2Vec([["a", "b"]] * 9, vector_size=8)
        >>> model.init_sims(replace=True)
        >>> np.linalg.norm(model.wv.vectors, axis=1).round(4)
        array([1., 1.], dtype=float32)
        """
        if replace:
            self.wv.unit_normalize_all()
        self.wv.fill_norms(force=True)

    def seeded_vector(self, seed_string: str, vector_size: int) -> NDArray[np.float32]:
        """Draw a vector from a string's hash, uniform in ±½ / ``vector_size``.

        Examples
        --------
        >>> import polargram as pg
        >>> model = pg.Word2Vec(hashfxn=len)
        >>> bool((model.seeded_vector("abc", 4) == model.seeded_vector("xyz", 4)).all())
        True
        """
        generator = np.random.default_rng(self.hashfxn(seed_string) & 0xFFFFFFFF)
        return (generator.random(vector_size, dtype=np.float32) - np.float32(0.5)) / np.float32(vector_size)


def _there(rows: NDArray[np.float32] | None, name: str, reason: str) -> NDArray[np.float32]:
    if rows is None:
        msg = f"there is no {name}: the model was made with {reason}"
        raise AttributeError(msg)
    return rows
