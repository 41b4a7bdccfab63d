"""What a notebook shows of models and vectors, and of a training that goes on."""

from __future__ import annotations

import sys
import warnings
from html.parser import HTMLParser
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tqdm.auto

import polargram as pg

ROWS = [["new", "york"], ["old", "news"]] * 500
HOSTILE = "<script>alert(1)</script>"


class Text(HTMLParser):
    """The text and the elements of HTML; whatever is open must be closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.names: set[str] = set()
        self.open: list[str] = []
        self.feed(content)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TABLES = {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def test_vectors_show_their_shape_and_first_keys() -> None:
    wv = pg.KeyedVectors(6)
    words = [HOSTILE, "b" * 1000, *map(str, range(10))]
    wv.add_vectors(words, np.arange(72).reshape(12, 6), extras={"count": np.arange(12) + 1000})
    shown = Text(wv._repr_html_())
    assert shown.names <= TABLES
    assert shown.texts[:5] == ["KeyedVectors", "keys", "12", "dimensions", "6"]
    assert {HOSTILE, "1,000", "0, 1, 2, 3, …", "b" * 79 + "…", "2"} <= set(shown.texts)
    assert "3" not in shown.texts
    assert repr(wv) == "KeyedVectors<vector_size=6, 12 keys>"


def test_empty_vectors_and_vectors_of_integers_show_themselves() -> None:
    assert Text(pg.KeyedVectors(2)._repr_html_()).texts[-1] == "2"
    items = pg.KeyedVectors(2)
    items[7] = [0.5, np.nan]
    assert {"7", "0.5, nan"} <= set(Text(items._repr_html_()).texts)


def test_a_model_shows_its_words_its_parameters_and_its_losses() -> None:
    model = pg.Word2Vec(vector_size=8, min_count=1, sg=1, hs=1, comment=HOSTILE)
    assert repr(model) == str(model) == "Word2Vec<vocab=0, vector_size=8, alpha=0.025>"
    assert "0" in Text(model._repr_html_()).texts
    model.build_vocab(ROWS)
    model.train(ROWS, total_examples=len(ROWS), epochs=2, compute_loss=True)
    shown = Text(model._repr_html_())
    assert shown.names <= TABLES
    assert {"skip-gram", "5 negative samples and hierarchical softmax", "1,000 sentences, 2,000 words"} <= set(
        shown.texts
    )
    assert ", ".join(f"{loss:.4f}" for loss in model.epoch_losses) in shown.texts


def test_phrases_show_what_they_have_counted() -> None:
    phrases = pg.Phrases(ROWS, min_count=1, threshold=0.001)
    assert repr(phrases) == str(phrases)
    assert repr(phrases.freeze()) == "FrozenPhrases<2 phrases, min_count=1, threshold=0.001>"
    shown = Text(phrases._repr_html_())
    assert shown.names <= TABLES
    assert shown.texts[:3] == ["Phrases", "words and pairs", "6"]
    assert Text(phrases.freeze()._repr_html_()).texts[:3] == ["FrozenPhrases", "phrases", "2"]
    own = pg.Phrases(ROWS, scoring=score, min_count=1, threshold=0)
    assert "score" in Text(own._repr_html_()).texts


def score(
    worda_count: float,
    wordb_count: float,
    bigram_count: float,
    len_vocab: float,
    min_count: float,
    corpus_word_count: float,
) -> float:
    return bigram_count


# Progress


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the kernel of a notebook."""
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)


class Corpus:
    """It takes its time, so that there is something to report."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def __iter__(self) -> Any:
        import time

        for number in range(40):
            time.sleep(0.05)
            if self.fails and number == 39:
                msg = "the corpus fails"
                raise OSError(msg)
            yield ["a", "b"] * 100


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bars that are made."""
    made: list[Any] = []

    class Bar(tqdm.std.tqdm):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.is_closed = False
            made.append(self)

        def close(self) -> None:
            self.is_closed = True
            super().close()

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    return made


def test_in_a_notebook_progress_is_a_bar_for_each_phase(
    notebook: None, bars: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model = pg.Word2Vec(vector_size=4, min_count=1, progress=True)
    model.build_vocab(Corpus())
    assert [bar.desc for bar in bars] == ["vocabulary"]
    model.train(Corpus(), total_examples=40, epochs=1, report_delay=0.2)
    assert all(bar.is_closed for bar in bars)
    assert {bar.desc for bar in bars} <= {"vocabulary", "encoding", "training"}
    assert len(bars) > 1
    assert all(bar.total is None or bar.n == bar.total for bar in bars)
    assert "polargram:" not in capsys.readouterr().err


def test_a_bar_of_a_job_that_fails_stays_where_it_was(notebook: None, bars: list[Any]) -> None:
    model = pg.Word2Vec(vector_size=4, min_count=1, progress=True)
    with pytest.raises(OSError, match="the corpus fails"):
        model.build_vocab(Corpus(fails=True))
    assert [bar.is_closed for bar in bars] == [True]
    assert bars[0].n < 40 * 200


def test_outside_a_notebook_and_without_tqdm_progress_is_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for is_notebook in (False, True):
        if is_notebook:
            request.getfixturevalue("notebook")
            monkeypatch.setitem(sys.modules, "tqdm.auto", None)
        pg.Word2Vec(vector_size=4, progress=True).build_vocab(Corpus())
        assert "polargram: vocabulary" in capsys.readouterr().err


def test_bars_warn_of_nothing(notebook: None, bars: list[Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pg.Word2Vec(vector_size=4, progress=True).build_vocab(Corpus())
    assert bars
