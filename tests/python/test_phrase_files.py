"""Phrases in files: ours, which any program reads, and gensim's, of which nothing is executed."""

from __future__ import annotations

import io
import json
import pickle
import random
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from gensim.models import phrases as gensim_phrases
from gensim.test.utils import common_texts
from gensim.test.utils import datapath as gensim_datapath
from phrase_models import CONNECTORS, SETTINGS, assert_same, share

import polargram as pg


@pytest.mark.parametrize("kwargs", SETTINGS)
def test_a_saved_model_is_the_same_and_learns_on(kwargs: dict[str, Any], tmp_path: Path) -> None:
    rng = random.Random(2)
    words = ["a", "b", "c", "d", "a_b", "c_d", "_", "", "b_", "__"]
    sentences = [[rng.choice(words) for _ in range(6)] for _ in range(60)]
    model = pg.Phrases(sentences, passes=2, **kwargs)
    model.save(tmp_path / "p.arrow")
    loaded = pg.Phrases.load(tmp_path / "p.arrow")
    assert isinstance(loaded, pg.Phrases)
    assert (loaded.passes, loaded.scoring, loaded.min_count) == (2, model.scoring, model.min_count)
    assert (loaded.threshold, loaded.delimiter, loaded.connector_words) == (
        model.threshold,
        model.delimiter,
        frozenset(kwargs.get("connector_words", [])),
    )
    for one in (model, loaded):
        one.add_vocab(sentences[:30])
    assert dict(loaded.vocab.items()) == dict(model.vocab.items())
    assert loaded.export_phrases() == model.export_phrases()
    assert loaded.corpus_word_count == model.corpus_word_count
    assert list(loaded[sentences]) == list(model[sentences])
    frozen = model.freeze()
    frozen.save(tmp_path / "f.arrow")
    back = pg.FrozenPhrases.load(tmp_path / "f.arrow")
    assert isinstance(back, pg.FrozenPhrases)
    assert list(back[sentences]) == list(frozen[sentences])
    assert back.export_phrases() == frozen.export_phrases()


def test_any_program_reads_a_saved_model_as_a_table(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9 + [["new", "news"]], min_count=1, threshold=0.5)
    phrases.save(tmp_path / "p.arrow")
    table = pa.ipc.open_file(tmp_path / "p.arrow").read_all()
    assert table.schema.names == ["phrase", "score", "count"]
    rows = table.to_pylist()
    assert [row["phrase"] for row in rows[:2]] == list(phrases.export_phrases())
    assert {row["phrase"]: row["score"] for row in rows if row["score"] is not None} == phrases.export_phrases()
    assert {row["phrase"]: row["count"] for row in rows} == dict(phrases.vocab.items())
    assert phrases.to_frame()["count"].to_list() == [9, 9]


def test_the_same_counts_are_saved_as_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    for name in "ab":
        pg.Phrases(str(sample), connector_words=CONNECTORS).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_scoring_function_is_given_again(tmp_path: Path) -> None:
    sentences = [["new", "york"], ["old", "news"]] * 9 + [["new", "news"]]
    model = pg.Phrases(sentences, min_count=1, threshold=0.1, scoring=share)
    assert model.export_phrases()
    model.save(tmp_path / "p.arrow")
    without = pg.Phrases.load(tmp_path / "p.arrow")
    assert without.scoring is None
    assert without.score_candidate("new", "york") == model.score_candidate("new", "york") != (None, None)
    assert without.export_phrases() == model.export_phrases()
    assert list(without[sentences]) == list(model[sentences])
    without.add_vocab(sentences)
    with pytest.raises(ValueError, match=r"scoring: the model was saved with a function of its own"):
        without.export_phrases()
    again = pg.Phrases.load(tmp_path / "p.arrow", scoring=share)
    again.add_vocab(sentences)
    model.add_vocab(sentences)
    assert again.export_phrases() == model.export_phrases()


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("kwargs", SETTINGS)
def test_gensims_models_are_loaded(kwargs: dict[str, Any], protocol: int, tmp_path: Path) -> None:
    sentences = [["new", "york", "a", "b"], ["old", "news", "b", "c_d", ""]] * 9 + [["new", "b", "news"]]
    theirs = gensim_phrases.Phrases(sentences, **kwargs)
    theirs.save(str(tmp_path / "p.pkl"), pickle_protocol=protocol)
    ours = pg.Phrases.load(tmp_path / "p.pkl")
    assert_same(ours, theirs, sentences)
    assert ours.max_vocab_size == theirs.max_vocab_size
    theirs.freeze().save(str(tmp_path / "f.pkl.gz"), pickle_protocol=protocol)
    frozen = pg.Phrases.load(tmp_path / "f.pkl.gz")
    assert isinstance(frozen, pg.FrozenPhrases)
    assert frozen.phrasegrams == theirs.freeze().phrasegrams
    assert list(frozen[sentences]) == list(theirs.freeze()[sentences])
    assert frozen.to_frame()["count"].null_count() == len(frozen.phrasegrams)


class _OldPickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes stand-ins as the classes of gensim 3."""

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if isinstance(obj, type) and obj.__name__ in ("Phrases", "Phraser"):
            self.write(pickle.GLOBAL + f"gensim.models.phrases\n{obj.__name__}\n".encode())
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch = {**pickle._Pickler.dispatch, type: save_global}  # type: ignore[attr-defined]  # noqa: RUF012


def old_file(path: Path, name: str, state: dict[str, Any]) -> None:
    saved = type(name, (), {})()
    saved.__dict__.update(state)
    out = io.BytesIO()
    _OldPickler(out, protocol=2).dump(saved)
    path.write_bytes(out.getvalue())


def test_models_of_gensim_3_are_loaded(tmp_path: Path) -> None:
    common = {"min_count": 1, "threshold": 0.5, "delimiter": b"_", "common_terms": frozenset(["of"])}
    old_file(
        tmp_path / "p",
        "Phrases",
        {**common, "vocab": {b"new": 3, b"york": 3, b"new_york": 3, "caf\u00e9".encode(): 1}, "max_vocab_size": 4e7},
    )
    phrases = pg.Phrases.load(tmp_path / "p")
    assert dict(phrases.vocab.items()) == {"new": 3, "york": 3, "new_york": 3, "caf\u00e9": 1}
    assert phrases[["new", "york"]] == ["new_york"]
    assert phrases.connector_words == {"of"}
    for value in [(3, 1.5), 1.5]:
        old_file(tmp_path / "f", "Phraser", {**common, "phrasegrams": {(b"new", b"york"): value}, "scoring": "default"})
        frozen = pg.Phrases.load(tmp_path / "f")
        assert frozen.phrasegrams == {"new_york": 1.5}
        assert frozen[["in", "new", "york"]] == ["in", "new_york"]


@pytest.mark.parametrize("path", sorted(Path(gensim_datapath("")).glob("phras*")), ids=lambda path: str(path.name))
def test_the_models_in_gensims_own_tests_are_loaded(path: Path) -> None:
    theirs = gensim_phrases.Phrases.load(str(path))
    ours = pg.Phrases.load(path)
    sentences = [*common_texts, ["graph", "minors", "survey", "human", "interface", "system"]]
    assert ours[sentences[-1]] != sentences[-1]
    for name in ("min_count", "threshold", "delimiter", "connector_words"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert [list(ours.analyze_sentence(s)) for s in sentences] == [list(theirs.analyze_sentence(s)) for s in sentences]
    assert ours.find_phrases(sentences) == theirs.find_phrases(sentences)
    if isinstance(theirs, gensim_phrases.FrozenPhrases):
        assert isinstance(ours, pg.FrozenPhrases)
        assert ours.phrasegrams == theirs.phrasegrams
    else:
        assert isinstance(ours, pg.Phrases)
        assert dict(ours.vocab.items()) == theirs.vocab
        assert ours.export_phrases() == theirs.export_phrases()
        ours.add_vocab(sentences)
        theirs.add_vocab(sentences)
        assert ours.export_phrases() == theirs.export_phrases()


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "touched",)

    (tmp_path / "evil").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="polargram does not execute"):
        pg.Phrases.load(tmp_path / "evil")
    theirs = gensim_phrases.Phrases([["new", "york"]], min_count=1, threshold=0.1)
    theirs.vocab = {"new": Evil()}
    theirs.save(str(tmp_path / "p"))
    with pytest.raises(ValueError, match="p: has a count that is not a whole number"):
        pg.Phrases.load(tmp_path / "p")
    assert not (tmp_path / "touched").exists()


def test_a_scoring_function_in_gensims_file_is_a_name_that_is_left_alone(tmp_path: Path) -> None:
    theirs = gensim_phrases.Phrases([["new", "york"]] * 3, min_count=1, threshold=0.1, scoring=share)
    theirs.save(str(tmp_path / "p"))
    ours = pg.Phrases.load(tmp_path / "p")
    with pytest.raises(ValueError, match="function of its own"):
        ours.export_phrases()
    ours.save(tmp_path / "q")
    again = pg.Phrases.load(tmp_path / "q", scoring=share)
    assert again.export_phrases() == theirs.export_phrases()


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1)
    phrases.save(tmp_path / "p.arrow")
    whole = (tmp_path / "p.arrow").read_bytes()
    gensim_phrases.Phrases([["new", "york"]]).save(str(tmp_path / "g"))
    pickled = (tmp_path / "g").read_bytes()
    path = tmp_path / "damaged"
    for content in [whole, pickled]:
        for length in [0, 1, 5, 9, *range(16, len(content) - 1, max(1, len(content) // 60))]:
            path.write_bytes(content[:length])
            with pytest.raises((ValueError, OSError)) as error:
                pg.Phrases.load(path)
            assert "damaged" in str(error.value)
            assert "\n" not in str(error.value)
    path.write_text("new york")
    with pytest.raises(ValueError, match="is neither a model of phrases that polargram saved nor one that gensim did"):
        pg.Phrases.load(path)
    pl.DataFrame({"phrase": ["a_b"], "score": [1.0], "count": [1]}).write_ipc(path)
    with pytest.raises(ValueError, match="has no metadata of polargram"):
        pg.Phrases.load(path)
    pl.DataFrame({"phrase": ["a_b"], "score": [1.0]}).write_ipc(path)
    with pytest.raises(ValueError, match='has no column "count"'):
        pg.Phrases.load(path)
    with pytest.raises(FileNotFoundError):
        pg.Phrases.load(tmp_path / "missing")


def test_sql_in_a_file_is_arithmetic_alone(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"]] * 9, scoring="count_ab * 1.0")
    phrases.save(tmp_path / "p.arrow")
    assert pg.Phrases.load(tmp_path / "p.arrow").scoring == "count_ab * 1.0"
    table = pa.ipc.open_file(tmp_path / "p.arrow").read_all()
    described = json.loads(table.schema.metadata[b"polargram"])
    for sql in ["LENGTH(REPEAT('x', 1000000000000))", "MAX(count_ab)", "+".join(["count_ab"] * 10_000)]:
        described["phrases"][0]["scoring"] = sql
        changed = table.replace_schema_metadata({"polargram": json.dumps(described)})
        with pa.OSFile(str(tmp_path / "q.arrow"), "wb") as file, pa.ipc.new_file(file, changed.schema) as writer:
            writer.write_table(changed)
        with pytest.raises(ValueError, match=r"q.arrow: was changed: scoring: unknown scoring method") as error:
            pg.Phrases.load(tmp_path / "q.arrow")
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 1000


def test_flipped_bits_are_read_or_refused(tmp_path: Path) -> None:
    phrases = pg.Phrases([["new", "york"], ["old", "news"]] * 9, min_count=1, threshold=0.1, passes=2)
    phrases.save(tmp_path / "p.arrow")
    whole, path = (tmp_path / "p.arrow").read_bytes(), tmp_path / "damaged"
    rng = random.Random(3)
    for _ in range(400):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        message = ""
        try:
            pg.Phrases.load(path)[["new", "york"]]
        except (ValueError, OSError) as error:
            message = str(error)
        assert "\n" not in message
