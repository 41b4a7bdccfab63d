"""Pictures: maps of words, and the curve of a training."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polargram import _polargram as native
from polargram._polargram import Vectors, WordMap
from polargram.values import count

if TYPE_CHECKING:
    from polargram.keyed_vectors import Key

__all__ = ["Picture", "Pictures", "training_picture"]

_Path: TypeAlias = str | os.PathLike[str]
_Points: TypeAlias = NDArray[np.float64]


class Picture:
    """A picture as SVG, as a page for a browser, and as PNG. In a notebook it shows itself.

    :meth:`KeyedVectors.plot <polargram.KeyedVectors.plot>` and :meth:`Word2Vec.plot_training
    <polargram.Word2Vec.plot_training>` make it. SVG and page need nothing else: no library, no font, no network. They
    follow the reader's choice of light or dark.

    Examples
    --------
    >>> import polargram as pg
    >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
    >>> picture = wv.plot(title="Three words")
    >>> picture
    Picture<'Three words'>
    >>> picture.svg[:4], picture.html[:15]
    ('<svg', '<!doctype html>')
    """

    def __init__(self, title: str, svg: Callable[[], str], page: Callable[[], str], height: int = 640) -> None:
        self.title = title
        self._svg, self._page, self._height = svg, page, height

    def __reduce__(self) -> tuple[Any, ...]:
        return _drawn, (self.title, self.svg, self.html, self._height)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{self.title!r}>"

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return self._svg()

    @property
    def html(self) -> str:
        """The picture as a page. A map of words has a search there, and tells more of a word that is pointed at."""
        return self._page()

    def png(self, scale: float = 2.0) -> bytes:
        """Return the picture as PNG, which needs ``pip install polargram[png]``.

        Parameters
        ----------
        scale
            Pixels for each unit of the SVG, from 0.1 to 20.

        Raises
        ------
        ImportError
            If the library resvg_py is not installed.
        ValueError
            For a scale out of range.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> wv.plot().png(scale=1)[:4]
        b'\\x89PNG'
        """
        if not 0.1 <= scale <= 20:
            msg = f"scale: {scale} is not a number from 0.1 to 20"
            raise ValueError(msg)
        try:
            import resvg_py  # noqa: PLC0415
        except ImportError as error:
            msg = "PNG needs the library resvg_py: pip install polargram[png]; .svg and .html need no library"
            raise ImportError(msg) from error
        return bytes(resvg_py.svg_to_bytes(svg_string=self.svg, zoom=scale))

    def save(self, fname: _Path, *, storage_options: dict[str, Any] | None = None) -> None:
        """Save it as what the ending says: ``.svg``, ``.html`` or ``.png``.

        ``fname`` may be the URL of a store (``s3://…``), whose ``storage_options`` are those of
        :func:`polars.scan_parquet`. The file appears whole or not at all.

        Raises
        ------
        ValueError
            For another ending.
        ImportError
            For ``.png``, if the library resvg_py is not installed.
        OSError
            For a file that cannot be written.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> wv.plot().save("map.html")
        >>> "<title>" in pathlib.Path("map.html").read_text(encoding="utf8")
        True
        """
        ending = _ending(fname)
        content = self.png() if ending == ".png" else (self.svg if ending == ".svg" else self.html).encode()
        native.write_file(fname, content, storage_options)

    def _repr_html_(self) -> str:
        # A frame of its own: neither styles nor names meet those of the notebook, and its program can reach nothing.
        title, page = html.escape(self.title), html.escape(self.html)
        style = f"width:100%;height:{self._height}px;border:0"
        return f'<iframe title="{title}" sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'

    def _repr_svg_(self) -> str:
        return self.svg


def _ending(fname: _Path) -> str:
    ending = PurePath(os.fspath(fname)).suffix.lower()
    ending = ".html" if ending == ".htm" else ending
    if ending not in (".svg", ".html", ".png"):
        msg = f"{os.fspath(fname)}: its ending is neither .svg, nor .html, nor .png"
        raise ValueError(msg)
    return ending


def training_picture(title: str, moments: list[tuple[float, int, float, float | None]]) -> Picture:
    """Return the charts of a training."""
    svg, page = native.training_charts(title, moments)
    return _drawn(title, svg, page, height=350)


def _drawn(title: str, svg: str, page: str, height: int) -> Picture:
    return Picture(title, lambda: svg, lambda: page, height)


class Pictures(Vectors):
    """The part of ``KeyedVectors`` that draws."""

    def plot(
        self,
        words: Key | Iterable[Key] | None = None,
        topn: int = 200,
        *,
        neighbours: int = 0,
        method: Literal["pca", "tsne", "umap"] = "pca",
        options: Mapping[str, Any] | None = None,
        seed: int = 1,
        title: str | None = None,
        output: _Path | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> Picture:
        """Draw a map of words: those with similar vectors stand near each other.

        Where there is no room for a label, only the point is drawn. In the page (``output="map.html"``, and in a
        notebook) words can be searched and the map enlarged, and a point that is pointed at shows the word and those
        near to it in all dimensions.

        Parameters
        ----------
        words
            The keys to show. None takes the ``topn`` first ones, which in trained vectors are the most frequent.
        topn
            How many; with ``words`` it has no effect.
        neighbours
            So many of the nearest keys of each of ``words`` are shown, too.
        method
            How a plane is found for vectors of length 1: ``"pca"``, the two directions in which they differ most;
            ``"tsne"`` (van der Maaten and Hinton 2008), by scikit-learn: ``pip install polargram[plot]``; ``"umap"``
            (McInnes et al. 2018), by umap-learn: ``pip install polargram[umap]``. The last two keep near words
            together, but distances between groups say little.
        options
            Arguments of scikit-learn's ``TSNE`` or umap-learn's ``UMAP``, such as ``{"perplexity": 10}``.
        seed
            Seed of ``"tsne"`` and ``"umap"``: the same vectors give the same map.
        title
            What stands above it.
        output
            Saves it, too: see :meth:`Picture.save`.
        storage_options
            For an ``output`` in a store.

        Raises
        ------
        KeyError
            For a key that is not there.
        ValueError
            If there are no words to show, for an unknown method, and for options of ``"pca"``, which has none.
        ImportError
            For a method or an output whose library is not installed.

        Examples
        --------
        >>> import polargram as pg
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4, workers=1).wv
        >>> wv.plot(output="map.svg")
        Picture<'3 words'>
        >>> wv.plot(["cat"], neighbours=1, title="A cat, and what is near").svg.count("<circle")
        2
        """
        if output is not None:
            _ending(output)
        rows = self._shown_rows(words, count("topn", topn), count("neighbours", neighbours))
        if title is None:
            title = f"{len(rows):,} word{'' if len(rows) == 1 else 's'}"
        if method == "pca":
            if options:
                msg = f"options: {', '.join(map(repr, options))}: method='pca' has none"
                raise ValueError(msg)
            drawn = WordMap(self, rows, title)
        elif method in _PLANES:
            points, note = _PLANES[method](self._directions(rows), seed, dict(options or {}))
            drawn = WordMap(self, rows, title, points, note)
        else:
            msg = f"method: {method!r} is not 'pca', 'tsne' or 'umap'"
            raise ValueError(msg)
        picture = Picture(title, drawn.svg, drawn.page)
        if output is not None:
            picture.save(output, storage_options=storage_options)
        return picture

    def _shown_rows(self, words: Key | Iterable[Key] | None, topn: int, neighbours: int) -> list[int]:
        """Return the row of each word that is shown, each once."""
        if words is None:
            rows = list(range(min(topn, len(self))))
        else:
            keys = [words] if isinstance(words, str | int | np.integer) else list(words)
            rows = [self.get_index(key) for key in keys]
            if neighbours and rows:
                several = [self.index_to_key[row] for row in rows]
                near, _ = native.search_arrays(self, several, neighbours, 0, len(self))
                rows += [int(row) for row in near.ravel() if row >= 0]
        if not rows:
            msg = "words: there are none to show"
            raise ValueError(msg)
        return list(dict.fromkeys(rows))

    def _directions(self, rows: list[int]) -> NDArray[np.float32]:
        """Return vectors scaled to length 1; those without a direction as zeros."""
        vectors = self.vectors[rows].astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        is_direction = np.isfinite(lengths) & (lengths > 0)
        directions = np.zeros_like(vectors)
        directions[is_direction] = vectors[is_direction] / lengths[is_direction, None]
        return directions.astype(np.float32)


def _by_tsne(directions: NDArray[np.float32], seed: int, options: dict[str, Any]) -> tuple[_Points, str]:
    try:
        from sklearn.manifold import TSNE  # noqa: PLC0415
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - scikit-learn needs it, too
    except ImportError as error:
        msg = "method='tsne' needs the library scikit-learn: pip install polargram[plot]; 'pca' needs no library"
        raise ImportError(msg) from error
    words, dimensions = directions.shape
    if words < 4:
        return _in_a_row(words), _note(words, "t-SNE")
    # Each point has so many neighbours, of which there must be several times more.
    perplexity = options.setdefault("perplexity", min(30.0, (words - 1) / 3))
    options.setdefault("init", "pca" if dimensions > 1 else "random")
    options.setdefault("random_state", seed)
    # The order of sums depends on the threads. For so few points they would wait for each other most of the time.
    with threadpool_limits(1):
        points = TSNE(n_components=2, **options).fit_transform(directions)
    return np.asarray(points, dtype=np.float64), _note(words, f"t-SNE, perplexity {perplexity:g}")


def _by_umap(directions: NDArray[np.float32], seed: int, options: dict[str, Any]) -> tuple[_Points, str]:
    try:
        from umap import UMAP  # noqa: PLC0415
    except ImportError as error:
        msg = "method='umap' needs the library umap-learn: pip install polargram[umap]; 'pca' needs no library"
        raise ImportError(msg) from error
    words, dimensions = directions.shape
    if words < 4:
        return _in_a_row(words), _note(words, "UMAP")
    neighbours = options.setdefault("n_neighbors", min(15, words - 1))
    # The spectral start needs more points than it has dimensions, by some.
    options.setdefault("init", "spectral" if words > 10 and dimensions > 1 else "random")
    options.setdefault("random_state", seed)
    # With a seed it has one worker; told so, it does not warn.
    options.setdefault("n_jobs", 1)
    points = UMAP(n_components=2, **options).fit_transform(directions)
    return np.asarray(points, dtype=np.float64), _note(words, f"UMAP, {neighbours} neighbours")


_PLANES = {"tsne": _by_tsne, "umap": _by_umap}


def _in_a_row(words: int) -> _Points:
    """Return points for so few words that neither method has anything to find."""
    return np.column_stack([np.arange(words, dtype=np.float64), np.zeros(words)])


def _note(words: int, method: str) -> str:
    several = f"{words:,} word{'' if words == 1 else 's'}"
    return f"{several} by {method}: near words are alike, distances between groups say little"
