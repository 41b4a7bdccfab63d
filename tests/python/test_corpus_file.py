"""``corpus_file``: plain text, one sentence on each line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpora import Sentences, counts_of

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 2, "workers": 1}


@pytest.fixture
def lines(rows: Sentences, tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(" ".join(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("as_given", [str, Path])
def test_a_file_is_the_list_of_its_lines_split(rows: Sentences, lines: Path, as_given: type) -> None:
    model, listed = pg.Word2Vec(corpus_file=as_given(lines), **SMALL), pg.Word2Vec(rows, **SMALL)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)
    assert (model.corpus_count, model.corpus_total_words) == (listed.corpus_count, listed.corpus_total_words)


def test_every_step_takes_a_file(rows: Sentences, lines: Path) -> None:
    model = pg.Word2Vec(**SMALL)
    assert model.scan_vocab(corpus_file=lines) == (sum(map(len, rows)), len(rows))
    model.build_vocab(corpus_file=lines)
    model.train(corpus_file=lines, total_examples=model.corpus_count, epochs=2)
    assert np.array_equal(model.wv.vectors, pg.Word2Vec(rows, **SMALL).wv.vectors)


def test_white_space_of_every_kind_separates_words_and_lines_end_as_they_do(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes("a  b\tc\r\n\r\n  é\u00a0d\u2003e  \n\na\x0bb".encode() * 1)
    model = pg.Word2Vec(corpus_file=tmp_path / "c.txt", min_count=1, **SMALL)
    assert counts_of(model) == {"a": 2, "b": 2, "c": 1, "d": 1, "e": 1, "é": 1}
    assert model.corpus_count == 3


def test_a_long_line_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("word " * 25_000 + "last " * 5)
    model = pg.Word2Vec(corpus_file=tmp_path / "c.txt", **SMALL)
    assert (model.corpus_count, model.corpus_total_words) == (1, 25_005)
    assert "last" in model.wv


def test_what_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(b"good line\n" * 5000 + b"bad \xff\n" + b"good\n")
    with pytest.raises(ValueError, match=r"c.txt, line 5001"):
        pg.Word2Vec(corpus_file=tmp_path / "c.txt")


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_what_is_no_file_is_an_os_error_with_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=str(tmp_path)):
        pg.Word2Vec(corpus_file=tmp_path / name)


@pytest.mark.parametrize("name", [3, ["a.txt"], b"a.txt"], ids=str)
def test_what_is_no_path_is_a_type_error(name: object) -> None:
    with pytest.raises((TypeError, OSError)):
        pg.Word2Vec(corpus_file=name)


def test_an_empty_file_has_no_words(tmp_path: Path) -> None:
    (tmp_path / "c.txt").touch()
    with pytest.raises(ValueError, match="vocabulary is empty"):
        pg.Word2Vec(corpus_file=tmp_path / "c.txt")
