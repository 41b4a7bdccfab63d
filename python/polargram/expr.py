"""The namespace ``w2v`` of Polars: ``pl.col("tokens").w2v.embed("vectors.arrow", pooling="mean")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from polargram import lookups, neighbours, phrases, static_models

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike
    from polars._typing import IntoExpr, PolarsDataType

    from polargram.common import CommonComponents
    from polargram.handles import VectorsLike

    Pooling: TypeAlias = Literal["mean", "sum", "max", "min", "first", "last"]

__all__ = ["W2VNamespace", "W2VSeries"]


@pl.api.register_expr_namespace("w2v")
class W2VNamespace:
    """The expressions of this package: every Polars expression has them as ``.w2v``.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> frame = pl.DataFrame({"tokens": [["cat", "sat"]]})
    >>> frame.select(pl.col("tokens").w2v.embed(wv, pooling="mean")).schema["tokens"]
    Array(Float32, shape=(4,))
    """

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def embed(
        self,
        vectors: VectorsLike,
        *,
        pooling: Pooling | None = None,
        weights: IntoExpr | None = None,
        normalize: bool = False,
        oov: Literal["null", "zero", "error"] | ArrayLike = "null",
        dtype: PolarsDataType = pl.Float32,
        remove_common: CommonComponents | None = None,
    ) -> pl.Expr:
        """Look tokens up: a vector for each, or with ``pooling`` one for each list: see :func:`polargram.embed`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv.save("vectors.arrow")
        >>> frame = pl.DataFrame({"word": ["cat", "dog"]})
        >>> frame.select(pl.col("word").w2v.embed("vectors.arrow").is_null())["word"].to_list()
        [False, True]
        """
        return lookups.embed(
            self._expr,
            vectors,
            pooling=pooling,
            weights=weights,
            normalize=normalize,
            oov=oov,
            dtype=dtype,
            remove_common=remove_common,
        )

    def ids(self, vectors: VectorsLike) -> pl.Expr:
        """Give the row number of each token: see :func:`polargram.ids`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.DataFrame({"word": ["the", "dog"]}).select(pl.col("word").w2v.ids(wv))["word"].to_list()
        [0, None]
        """
        return lookups.ids(self._expr, vectors)

    def words(self, vectors: VectorsLike) -> pl.Expr:
        """Give the key of each row number: see :func:`polargram.words`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.DataFrame({"id": [0, 99]}).select(pl.col("id").w2v.words(wv))["id"].to_list()
        ['the', None]
        """
        return lookups.words(self._expr, vectors)

    def known(self, vectors: VectorsLike) -> pl.Expr:
        """Tell of each token whether it has a vector: see :func:`polargram.known`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> pl.DataFrame({"word": ["cat", "dog", None]}).filter(pl.col("word").w2v.known(wv))["word"].to_list()
        ['cat']
        """
        return lookups.known(self._expr, vectors)

    def oov_rate(self, vectors: VectorsLike) -> pl.Expr:
        """Give the share of each list's tokens that have no vector: see :func:`polargram.oov_rate`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> pl.DataFrame({"tokens": [["the", "dog"]]}).select(pl.col("tokens").w2v.oov_rate(wv)).item()
        0.5
        """
        return lookups.oov_rate(self._expr, vectors)

    def similarity(self, other: IntoExpr, vectors: VectorsLike, *, pooling: Pooling = "mean") -> pl.Expr:
        """Give the cosine with another column, row by row: see :func:`polargram.similarity`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> frame = pl.DataFrame({"a": ["cat"], "b": [["cat", "dog"]]})
        >>> round(frame.select(pl.col("a").w2v.similarity("b", wv)).item(), 4)
        1.0
        """
        return neighbours.similarity(self._expr, other, vectors, pooling=pooling)

    def most_similar(self, vectors: VectorsLike, topn: int = 10) -> pl.Expr:
        """Give the keys nearest to each row: see :func:`polargram.most_similar`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> out = pl.DataFrame({"word": ["cat"]}).select(pl.col("word").w2v.most_similar(wv, topn=2))
        >>> sorted(found["word"] for found in out["word"][0])
        ['sat', 'the']
        """
        return neighbours.most_similar(self._expr, vectors, topn)

    def analogy(self, b: IntoExpr, c: IntoExpr, vectors: VectorsLike, topn: int = 10) -> pl.Expr:
        """Give what is to ``c`` as ``b`` is to this: see :func:`polargram.analogy`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["man", "woman", "king", "queen"]] * 50, vector_size=4, workers=1).wv
        >>> frame = pl.DataFrame({"a": ["man"], "b": ["woman"], "c": ["king"]})
        >>> frame.select(pl.col("a").w2v.analogy("b", "c", wv, topn=1))["a"][0][0]["word"]
        'queen'
        """
        return neighbours.analogy(self._expr, b, c, vectors, topn)

    def doesnt_match(self, vectors: VectorsLike) -> pl.Expr:
        """Give the word of each list that is farthest from the mean of all: see :func:`polargram.doesnt_match`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv.add_vectors(["cat", "dog", "car"], [[1, 0], [1, 0.1], [0, 1]])
        >>> pl.DataFrame({"l": [["cat", "dog", "car"]]}).select(pl.col("l").w2v.doesnt_match(wv)).item()
        'car'
        """
        return neighbours.doesnt_match(self._expr, vectors)

    def encode(self, model: VectorsLike, *, tokenizer: str | os.PathLike[str] | None = None) -> pl.Expr:
        """Encode raw text as vectors with a static embedding model: see :func:`polargram.encode`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv.save("vectors.arrow")
        >>> frame = pl.DataFrame({"text": ["The cat sat."]})
        >>> frame.select(pl.col("text").w2v.encode("vectors.arrow", tokenizer=r"regex:[a-z]+")).schema["text"]
        Array(Float32, shape=(4,))
        """
        return static_models.encode(self._expr, model, tokenizer=tokenizer)

    def phrases(self, model: str | os.PathLike[str] | phrases.Phrases | phrases.FrozenPhrases) -> pl.Expr:
        """Join the phrases in lists of strings: see :func:`polargram.join_phrases`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1).save("phrases.arrow")
        >>> frame = pl.DataFrame({"tokens": [["in", "new", "york"]]})
        >>> frame.select(pl.col("tokens").w2v.phrases("phrases.arrow"))["tokens"].to_list()
        [['in', 'new_york']]
        """
        return phrases.join_phrases(self._expr, model)


@pl.api.register_series_namespace("w2v")
class W2VSeries:
    """The same for series: every Polars series has them as ``.w2v``, and they give a series.

    Examples
    --------
    >>> import polars as pl, polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> pl.Series("word", ["cat", "dog"]).w2v.known(wv).to_list()
    [True, False]
    """

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def embed(
        self,
        vectors: VectorsLike,
        *,
        pooling: Pooling | None = None,
        weights: Literal["sif", "usif", "idf"] | pl.Series | None = None,
        normalize: bool = False,
        oov: Literal["null", "zero", "error"] | ArrayLike = "null",
        dtype: PolarsDataType = pl.Float32,
        remove_common: CommonComponents | None = None,
    ) -> pl.Series:
        """Look tokens up: see :func:`polargram.embed`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series("word", ["cat", "dog"]).w2v.embed(wv).is_null().to_list()
        [False, True]
        """
        return self._run(
            lookups.embed(
                pl.lit(self._series),
                vectors,
                pooling=pooling,
                weights=weights,
                normalize=normalize,
                oov=oov,
                dtype=dtype,
                remove_common=remove_common,
            )
        )

    def ids(self, vectors: VectorsLike) -> pl.Series:
        """Give the row number of each token: see :func:`polargram.ids`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series(["the", "dog"]).w2v.ids(wv).to_list()
        [0, None]
        """
        return self._run(lookups.ids(pl.lit(self._series), vectors))

    def words(self, vectors: VectorsLike) -> pl.Series:
        """Give the key of each row number: see :func:`polargram.words`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series([0, 99]).w2v.words(wv).to_list()
        ['the', None]
        """
        return self._run(lookups.words(pl.lit(self._series), vectors))

    def known(self, vectors: VectorsLike) -> pl.Series:
        """Tell of each token whether it has a vector: see :func:`polargram.known`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series(["cat", "dog"]).w2v.known(wv).to_list()
        [True, False]
        """
        return self._run(lookups.known(pl.lit(self._series), vectors))

    def oov_rate(self, vectors: VectorsLike) -> pl.Series:
        """Give the share of each list's tokens that have no vector: see :func:`polargram.oov_rate`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series([["the", "dog"]]).w2v.oov_rate(wv).to_list()
        [0.5]
        """
        return self._run(lookups.oov_rate(pl.lit(self._series), vectors))

    def similarity(self, other: IntoExpr, vectors: VectorsLike, *, pooling: Pooling = "mean") -> pl.Series:
        """Give the cosine with another series, or a literal, row by row: see :func:`polargram.similarity`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series(["cat", "dog"]).w2v.similarity(pl.lit("cat"), wv).round(4).to_list()
        [1.0, None]
        """
        return self._run(neighbours.similarity(pl.lit(self._series), other, vectors, pooling=pooling))

    def most_similar(self, vectors: VectorsLike, topn: int = 10) -> pl.Series:
        """Give the keys nearest to each row: see :func:`polargram.most_similar`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat", "the"]] * 50, vector_size=4, workers=1).wv
        >>> found = pl.Series(["cat"]).w2v.most_similar(wv, topn=2)
        >>> sorted(near["word"] for near in found[0])
        ['sat', 'the']
        """
        return self._run(neighbours.most_similar(pl.lit(self._series), vectors, topn))

    def analogy(self, b: IntoExpr, c: IntoExpr, vectors: VectorsLike, topn: int = 10) -> pl.Series:
        """Give what is to ``c`` as ``b`` is to this: see :func:`polargram.analogy`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["man", "woman", "king", "queen"]] * 50, vector_size=4, workers=1).wv
        >>> found = pl.Series(["man"]).w2v.analogy(pl.lit("woman"), pl.lit("king"), wv, topn=1)
        >>> found[0][0]["word"]
        'queen'
        """
        return self._run(neighbours.analogy(pl.lit(self._series), b, c, vectors, topn))

    def doesnt_match(self, vectors: VectorsLike) -> pl.Series:
        """Give the word of each list that is farthest from the mean of all: see :func:`polargram.doesnt_match`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.KeyedVectors(2)
        >>> wv.add_vectors(["cat", "dog", "car"], [[1, 0], [1, 0.1], [0, 1]])
        >>> pl.Series([["cat", "dog", "car"]]).w2v.doesnt_match(wv).to_list()
        ['car']
        """
        return self._run(neighbours.doesnt_match(pl.lit(self._series), vectors))

    def encode(self, model: VectorsLike, *, tokenizer: str | os.PathLike[str] | None = None) -> pl.Series:
        """Encode raw text as vectors with a static embedding model: see :func:`polargram.encode`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> pl.Series(["The cat sat."]).w2v.encode(wv, tokenizer=r"regex:[a-z]+").dtype
        Array(Float32, shape=(4,))
        """
        return self._run(static_models.encode(pl.lit(self._series), model, tokenizer=tokenizer))

    def phrases(self, model: str | os.PathLike[str] | phrases.Phrases | phrases.FrozenPhrases) -> pl.Series:
        """Join the phrases in lists of strings: see :func:`polargram.join_phrases`.

        Examples
        --------
        >>> import polars as pl, polargram as pg
        >>> model = pg.Phrases([["new", "york"]] * 9, min_count=1, threshold=0.1)
        >>> pl.Series([["in", "new", "york"]]).w2v.phrases(model).to_list()
        [['in', 'new_york']]
        """
        return self._run(phrases.join_phrases(pl.lit(self._series), model))

    def _run(self, expr: pl.Expr) -> pl.Series:
        return pl.select(expr).to_series().alias(self._series.name)
