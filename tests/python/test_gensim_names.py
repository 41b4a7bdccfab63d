"""The guide for those who come from gensim names every public name of gensim, and what it says of each is true."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import gensim.models
import gensim.models.callbacks
import gensim.models.keyedvectors
import gensim.models.phrases
import gensim.models.word2vec
import pytest

import polargram as pg

PAGE = Path(pg.__file__).parents[2] / "docs" / "guides" / "coming-from-gensim.md"
SENTENCES = [["a", "b", "c", "a"] * 5] * 20
#: What a row says of a name.
VERDICTS = ("same", "differs", "not there")
READERS = {
    "LineSentence": ("text/a.txt",),
    "PathLineSentences": ("text",),
    "Text8Corpus": ("text/a.txt",),
    "BrownCorpus": ("text",),
}


@cache
def tables() -> dict[str, list[list[str]]]:
    """The rows of the tables of each section, without those of their heads."""
    if not PAGE.exists():
        pytest.skip("the guides are not where the sources are")
    sections = re.split(r"^### (.*)$", PAGE.read_text(encoding="utf8"), flags=re.MULTILINE)[1:]
    return {
        title: [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if line.startswith("| `")
        ]
        for title, text in zip(sections[::2], sections[1::2], strict=True)
    }


def verdicts(section: str, prefix: str = "") -> dict[str, str]:
    """What the tables of a section say of each name; names of readers have a prefix."""
    found: dict[str, str] = {}
    for names, verdict, *_ in tables()[section]:
        assert verdict in VERDICTS, (section, names)
        for name in re.findall(r"`([^`]+)`", names):
            if not prefix and "." in name:
                continue
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                assert name not in found, f"{section}: {name} is there twice"
                found[name] = verdict
    return found


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def names_of_module(module: Any) -> set[str]:
    """The public names that a module, or a compiled one that belongs to it, defines."""
    home = module.__name__
    own = {name for name, value in vars(module).items() if str(getattr(value, "__module__", home)).startswith(home)}
    return public(name for name in own if not inspect.ismodule(getattr(module, name)))


def models() -> dict[str, tuple[list[Any], Any]]:
    """For each section objects of gensim, and the one of ours that stands for them."""
    options = {"min_count": 1, "vector_size": 4, "hs": 1, "workers": 1}
    theirs, ours = gensim.models.Word2Vec(SENTENCES, **options), pg.Word2Vec(SENTENCES, **options)
    phrases, our_phrases = (package.Phrases(SENTENCES, min_count=1, threshold=0.1) for package in (gensim.models, pg))
    return {
        "Word2Vec": ([theirs], ours),
        "KeyedVectors": ([theirs.wv, gensim.models.KeyedVectors(4)], pg.KeyedVectors(4)),
        "Phrases": ([phrases], our_phrases),
        "FrozenPhrases": ([phrases.freeze()], our_phrases.freeze()),
    }


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[list[Any], Any]]:
    return models()


def parameters(function: Callable[..., Any]) -> list[tuple[str, str]]:
    """Names and defaults, without those that catch the rest."""
    rest = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(function).parameters.values()
    return [(parameter.name, repr(parameter.default)) for parameter in found if parameter.kind not in rest]


SECTIONS = ["Word2Vec", "KeyedVectors", "Phrases", "FrozenPhrases"]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_name_of_an_object_is_in_its_table_and_nothing_else(
    section: str, pairs: dict[str, tuple[list[Any], Any]]
) -> None:
    theirs, _ = pairs[section]
    assert set(verdicts(section)) == public(name for one in theirs for name in dir(one))


@pytest.mark.parametrize("section", SECTIONS)
def test_names_are_there_exactly_where_the_table_says_so(section: str, pairs: dict[str, tuple[list[Any], Any]]) -> None:
    _, ours = pairs[section]
    for name, verdict in verdicts(section).items():
        assert hasattr(ours, name) == (verdict != "not there"), f"{section}.{name}"


@pytest.mark.parametrize("section", SECTIONS)
def test_methods_that_are_called_the_same_take_gensims_arguments_in_its_order_with_its_defaults(
    section: str, pairs: dict[str, tuple[list[Any], Any]]
) -> None:
    theirs, ours = pairs[section]
    compared = 0
    for name, verdict in verdicts(section).items():
        method = next((getattr(one, name) for one in theirs if hasattr(one, name)), None)
        if verdict != "same" or not inspect.isroutine(method):
            continue
        # What needs not be given may have a default of ours where gensim has none.
        wanted, found = parameters(method), parameters(getattr(ours, name))
        empty = repr(inspect.Parameter.empty)
        for (their_name, default), (our_name, our_default) in zip(wanted, found, strict=False):
            assert our_name == their_name, f"{section}.{name}"
            assert default in (our_default, empty), f"{section}.{name}({our_name})"
        assert len(found) >= len(wanted), f"{section}.{name}"
        compared += 1
    assert compared > 2


@pytest.mark.parametrize("module", ["callbacks", "word2vec", "keyedvectors", "phrases"])
def test_every_name_of_a_module_is_in_its_table_and_there_if_it_says_so(module: str) -> None:
    theirs = importlib.import_module(f"gensim.models.{module}")
    found = verdicts(f"gensim.models.{module}")
    assert set(found) == names_of_module(theirs)
    places = [pg, pg.readers, pg.phrases, pg.callbacks]
    for name, verdict in found.items():
        assert any(hasattr(place, name) for place in places) == (verdict != "not there"), name


def test_the_parameters_of_the_model_are_in_gensims_order_with_the_defaults_that_the_table_says() -> None:
    table = [
        (name.strip("`"), theirs.strip("`"), ours.strip("`"))
        for name, theirs, ours, *_ in tables()["Parameters of Word2Vec"]
    ]
    shown = {repr(hash): "hash"}
    theirs = [(name, shown.get(default, default)) for name, default in parameters(gensim.models.Word2Vec)]
    ours = [(name, shown.get(default, default)) for name, default in parameters(pg.Word2Vec)]
    assert [(name, default) for name, default, _ in table] == theirs
    assert [(name, default) for name, _, default in table] == ours[: len(theirs)]
    added = {name for name, _ in ours[len(theirs) :]}
    assert added == set(
        re.findall(r"`([a-z_]+)`", PAGE.read_text(encoding="utf8").split("Added: ")[1].split("by name")[0])
    )


@pytest.mark.parametrize("reader", READERS)
def test_every_attribute_of_a_reader_is_in_the_table(reader: str, here: Path) -> None:
    (here / "text").mkdir()
    (here / "text" / "a.txt").write_text("the/at cat/nn\n")
    theirs = getattr(gensim.models.word2vec, reader)(*READERS[reader])
    ours = getattr(pg, reader)(*READERS[reader])
    found = verdicts("gensim.models.word2vec", f"{reader}.")
    assert set(found) == public(dir(theirs))
    for name, verdict in found.items():
        assert hasattr(ours, name) == (verdict != "not there"), name
    assert parameters(type(ours))[: len(parameters(type(theirs)))] == parameters(type(theirs))


def test_callbacks_of_gensims_are_told_what_gensim_tells_them() -> None:
    events = set(verdicts("Callbacks"))
    assert events == public(dir(gensim.models.callbacks.CallbackAny2Vec))

    class Recorder(gensim.models.callbacks.CallbackAny2Vec):
        def __init__(self) -> None:
            self.told: list[str] = []

    for event in events:
        setattr(Recorder, event, lambda self, model, event=event: self.told.append(event))
    told = []
    for model in (gensim.models.Word2Vec, pg.Word2Vec):
        recorder = Recorder()
        model(SENTENCES, min_count=1, vector_size=4, epochs=2, workers=1, callbacks=[recorder])
        told.append(recorder.told)
    assert set(told[0]) == events
    assert told[1] == told[0]
