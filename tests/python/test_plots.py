"""Python draws maps of words and the curve of a training."""

from __future__ import annotations

import builtins
import html
import json
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from object_store import Bucket

import polargram as pg

SVG = "{http://www.w3.org/2000/svg}"


def words_of(picture: pg.Picture) -> list[str]:
    """The words of a map, in order."""
    groups = ElementTree.fromstring(picture.svg).findall(f".//{SVG}g[@class='word']")
    return [group.findtext(f"{SVG}circle/{SVG}title") or "" for group in groups]


def points_of(picture: pg.Picture) -> np.ndarray:
    """Where the words stand in the page, as shares of its width and height."""
    data = json.loads(re.search(r'id="words">(.*?)</script>', picture.html).group(1))
    return np.array([word[2:4] for word in data])


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As if a library were not installed."""
    plain: Callable[..., ModuleType] = builtins.__import__

    def imported(module: str, *arguments: Any, **others: Any) -> ModuleType:
        if module.partition(".")[0] == name:
            raise ImportError(module)
        return plain(module, *arguments, **others)

    monkeypatch.setattr(builtins, "__import__", imported)


@pytest.fixture(scope="module")
def groups() -> pg.KeyedVectors:
    """Three groups of twenty words in three far directions."""
    rng = np.random.default_rng(1)
    wv = pg.KeyedVectors(16)
    for number, name in enumerate("abc"):
        vectors = 0.1 * rng.standard_normal((20, 16))
        vectors[:, number] += 1
        wv.add_vectors([f"{name}{word}" for word in range(20)], (1 + number) * vectors)
    return wv


def separation(points: np.ndarray) -> float:
    """The least distance between the middles of the three groups, over the greatest from a word to its middle."""
    parts = points.reshape(3, 20, 2)
    middles = parts.mean(axis=1)
    within = np.linalg.norm(parts - middles[:, None], axis=2).max()
    between = [np.linalg.norm(middles[i] - middles[j]) for i in range(3) for j in range(i)]
    return float(min(between) / within)


def test_the_most_frequent_words_are_shown(model: pg.Word2Vec) -> None:
    assert words_of(model.wv.plot()) == model.wv.index_to_key[:200]
    picture = model.wv.plot(topn=30, title="A & <b>")
    assert words_of(picture) == model.wv.index_to_key[:30]
    assert "A &amp; &lt;b&gt;" in picture.svg
    assert repr(picture) == "Picture<'A & <b>'>"


def test_chosen_words_are_shown_with_their_neighbours_each_once(model: pg.Word2Vec) -> None:
    near = [word for word, _ in model.wv.most_similar("monday", topn=3)]
    shown = words_of(model.wv.plot(["monday", "king", "monday", near[0]], neighbours=3))
    assert shown[:3] == ["monday", "king", near[0]]
    assert set(near) <= set(shown)
    assert len(set(shown)) == len(shown)
    assert words_of(model.wv.plot("monday")) == ["monday"]


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_words_that_are_alike_stand_together(groups: pg.KeyedVectors, method: str) -> None:
    picture = groups.plot(method=method)
    points = points_of(picture)
    assert separation(points) > 1
    assert np.array_equal(points, points_of(groups.plot(method=method)))
    assert points.min(axis=0).tolist() == [0, 0]
    assert points.max(axis=0).tolist() == [1, 1]
    assert {"pca": "principal", "tsne": "t-SNE, perplexity 19.6667", "umap": "UMAP, 15 neighbours"}[
        method
    ] in picture.svg


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_the_seed_and_the_options_change_the_map(groups: pg.KeyedVectors, method: str) -> None:
    option = {"tsne": {"perplexity": 5, "init": "random"}, "umap": {"n_neighbors": 4}}[method]
    one = points_of(groups.plot(method=method, options=option))
    assert not np.array_equal(one, points_of(groups.plot(method=method)))
    assert not np.array_equal(one, points_of(groups.plot(method=method, options=option, seed=2)))
    with pytest.raises(TypeError, match="no_such"):
        groups.plot(method=method, options={"no_such": 1})


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("words", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("vector_size", [1, 2, 7])
def test_few_words_of_few_dimensions_have_a_map(method: str, words: int, vector_size: int) -> None:
    wv = pg.KeyedVectors(vector_size)
    wv.add_vectors(range(words), np.random.default_rng(1).standard_normal((words, vector_size)))
    assert len(words_of(wv.plot(method=method))) == words


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_vectors_without_a_direction_have_a_place(groups: pg.KeyedVectors, method: str) -> None:
    wv = pg.KeyedVectors(16)
    wv.add_vectors(groups.index_to_key, groups.vectors)
    wv[["zero", "nan", "inf"]] = np.outer([0, np.nan, np.inf], np.ones(16))
    points = points_of(wv.plot(method=method))
    assert points.shape == (63, 2)
    assert np.isfinite(points).all()


def test_words_that_are_markup_are_text() -> None:
    wv = pg.KeyedVectors(2)
    words = ["</script><script>alert(1)</script>", "<svg onload=x>", "\"'&", "a\x00b", "日本語"]
    wv.add_vectors(words, np.random.default_rng(1).standard_normal((5, 2)))
    picture = wv.plot(title="<script>")
    assert words_of(picture) == [word.replace("\x00", "\ufffd") for word in words]
    assert picture.html.count("<script") == picture.html.count("</script>") == 2
    frame = picture._repr_html_()
    assert frame.count("<") == 2
    assert "<script" not in frame


def test_a_notebook_shows_the_page_in_a_frame_that_can_reach_nothing(groups: pg.KeyedVectors) -> None:
    picture = groups.plot()
    assert picture._repr_svg_() == picture.svg
    frame = picture._repr_html_()
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame).group(1)) == picture.html
    assert 'sandbox="allow-scripts"' in frame


def test_a_picture_travels_to_other_processes(groups: pg.KeyedVectors) -> None:
    picture = groups.plot(title="T")
    there = pickle.loads(pickle.dumps(picture))
    assert (there.title, there.svg, there.html) == ("T", picture.svg, picture.html)
    assert there._repr_html_() == picture._repr_html_()


def test_a_picture_is_saved_as_its_ending_says(groups: pg.KeyedVectors, here: Path) -> None:
    picture = groups.plot(output="map.svg")
    assert Path("map.svg").read_text(encoding="utf8") == picture.svg
    picture.save(here / "map.HTML")
    assert Path("map.HTML").read_text(encoding="utf8") == picture.html
    picture.save("map.png")
    for content, scale in ((Path("map.png").read_bytes(), 2), (picture.png(scale=0.5), 0.5)):
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", content[16:24]) == (960 * scale, 680 * scale)
    assert sorted(path.name for path in here.iterdir()) == ["map.HTML", "map.png", "map.svg"]


def test_a_png_is_light_and_has_the_words(groups: pg.KeyedVectors) -> None:
    # As compressed as one of the same shape without words cannot be.
    few, many = (len(groups.plot(topn=topn).png()) for topn in (1, 60))
    assert many > 2 * few


def test_a_picture_is_saved_to_a_store(groups: pg.KeyedVectors, bucket: Bucket, folder: str) -> None:
    url = bucket.url(f"{folder}map.svg")
    picture = groups.plot(output=url, storage_options=bucket.options)
    content = bucket.client.get_object(Bucket=bucket.name, Key=f"{folder}map.svg")["Body"].read()
    assert content.decode() == picture.svg


@pytest.mark.parametrize("output", ["map.jpeg", "map", "s3://bucket/map.pdf"])
def test_an_ending_that_is_no_picture_is_told_before_the_work(groups: pg.KeyedVectors, output: str, here: Path) -> None:
    with pytest.raises(ValueError, match=r"neither \.svg, nor \.html, nor \.png") as raised:
        groups.plot(["no such word"], output=output)
    assert output in str(raised.value)
    assert list(here.iterdir()) == []


def test_what_cannot_be_drawn_is_told(groups: pg.KeyedVectors, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no such word"):
        groups.plot(["no such word"])
    for plot in (lambda: groups.plot([]), lambda: groups.plot(topn=0), lambda: pg.KeyedVectors(4).plot()):
        with pytest.raises(ValueError, match="there are none to show"):
            plot()
    with pytest.raises(ValueError, match="'mds' is not 'pca', 'tsne' or 'umap'"):
        groups.plot(method="mds")
    with pytest.raises(ValueError, match="'perplexity': method='pca' has none"):
        groups.plot(options={"perplexity": 3})
    for name in ("topn", "neighbours"):
        with pytest.raises(ValueError, match=name):
            groups.plot(**{name: -1})
    for scale in (0, 21, float("nan")):
        with pytest.raises(ValueError, match="from 0.1 to 20"):
            groups.plot().png(scale=scale)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        groups.plot(output=tmp_path / "no such folder" / "map.svg")


@pytest.mark.parametrize(
    ("library", "extra", "draw"),
    [
        ("sklearn", "plot", lambda wv: wv.plot(method="tsne")),
        ("umap", "umap", lambda wv: wv.plot(method="umap")),
        ("resvg_py", "png", lambda wv: wv.plot().png()),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    groups: pg.KeyedVectors, library: str, extra: str, draw: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, library)
    with pytest.raises(ImportError, match=rf"pip install polargram\[{extra}\]"):
        draw(groups)
    assert groups.plot().svg


def test_the_extras_that_messages_name_are_there() -> None:
    project = Path(pg.__file__).parents[2] / "pyproject.toml"
    if not project.exists():
        pytest.skip("pyproject.toml is not where the sources are")
    assert {"plot", "umap", "png"} <= set(re.findall(r"^(\w+) = \[", project.read_text(), re.MULTILINE))


# The curve of a training


def test_a_training_has_a_curve_of_its_rate_and_its_loss(rows: list[list[str]], here: Path) -> None:
    model = pg.Word2Vec(rows, vector_size=8, epochs=4, sample=0, workers=1, compute_loss=True)
    history = model.training_history()
    assert history.columns == ["seconds", "words", "learning_rate", "loss"]
    for column in ("seconds", "words"):
        assert history[column].is_sorted()
    assert history["learning_rate"].is_sorted(descending=True)
    assert history["words"][-1] == 4 * sum(model.wv.expandos["count"])
    # Each epoch ends at a moment, so the losses of the epochs are means of those of the moments.
    assert history["loss"].min() - 1e-9 <= model.epoch_losses[-1] <= history["loss"].max()
    picture = model.plot_training(output="training.svg", title="How it went")
    assert Path("training.svg").read_text() == picture.svg
    for text in ("Loss of an example", "Learning rate", "How it went"):
        assert text in picture.html
    assert picture.png()[:4] == b"\x89PNG"


def test_without_a_loss_there_is_only_the_rate_and_without_a_training_nothing() -> None:
    model = pg.Word2Vec(vector_size=4, min_count=1)
    with pytest.raises(RuntimeError, match="no training to show"):
        model.plot_training()
    assert model.training_history().is_empty()
    model.build_vocab([["a", "b"]] * 9)
    model.train([["a", "b"]] * 9, total_examples=9, epochs=3)
    assert model.training_history()["loss"].null_count() == len(model.training_history()) >= 3
    assert "Loss" not in model.plot_training().svg


def test_the_command_names_what_draws_other_maps(
    command: Callable[..., Any], vectors_file: str, tmp_path: Path
) -> None:
    path = tmp_path / "map.svg"
    command("plot", "--vectors", vectors_file, "--method", "pca", "--output", path)
    wv = pg.KeyedVectors.load(vectors_file)
    assert words_of(wv.plot()) == re.findall("<title>(.*?)</title></circle>", path.read_text())
    for method in ("tsne", "umap"):
        said = command("plot", "--vectors", vectors_file, "--method", method, "--output", path, code=2).stderr
        assert f'plot(method="{method}"' in said
    assert "pca" in command("plot", "--vectors", vectors_file, "--method", "mds", "--output", path, code=2).stderr
