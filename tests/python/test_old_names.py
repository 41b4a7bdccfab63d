"""What gensim 3's documentation shows works, and a misspelt parameter is told from a missing one."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import pytest
from runs import Command

import polargram as pg

CORPUS = [["a", "b"]] * 5
SMALL = {"min_count": 1, "vector_size": 4, "epochs": 1}


def test_size_and_iter_stand_for_vector_size_and_epochs() -> None:
    with pytest.warns(DeprecationWarning, match="since gensim 4") as warned:
        model = pg.Word2Vec(CORPUS, size=6, iter=2, min_count=1)
    assert [str(warning.message) for warning in warned] == [
        "size is called vector_size since gensim 4",
        "iter is called epochs since gensim 4",
    ]
    assert (model.vector_size, model.epochs, model.wv.vectors.shape) == (6, 2, (2, 6))


def test_the_new_names_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pg.Word2Vec(CORPUS, **SMALL)


def test_the_warning_shows_the_line_of_the_user(python: Command, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import polargram as pg\n\nmodel = pg.Word2Vec(size=6)\n")
    done = python(program)
    assert done.returncode == 0, done.stderr
    assert f"{program}:3: DeprecationWarning: size is called vector_size" in done.stderr
    assert "model = pg.Word2Vec(size=6)" in done.stderr


@pytest.mark.parametrize(("old", "new"), [("size", "vector_size"), ("iter", "epochs")])
def test_both_names_of_one_parameter_are_refused(old: str, new: str) -> None:
    with pytest.raises(TypeError, match=f"both '{old}' and '{new}'"):
        pg.Word2Vec(CORPUS, min_count=1, **{old: 4, new: 4})


def test_an_old_name_beside_the_same_parameter_by_position_is_refused() -> None:
    refused = pytest.raises(TypeError, match="multiple values for argument 'vector_size'")
    with pytest.warns(DeprecationWarning, match="vector_size"), refused:
        pg.Word2Vec(CORPUS, None, 4, size=4)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("vector_sise", "vector_size"), ("min_counts", "min_count"), ("worker", "workers"), ("cbow_means", "cbow_mean")],
)
def test_a_misspelt_parameter_is_refused_with_a_suggestion(wrong: str, right: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{wrong}'. Did you mean '{right}'?"):
        pg.Word2Vec(CORPUS, **{wrong: 1})


def test_a_parameter_that_is_like_no_other_is_refused_without_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'quux'$"):
        pg.Word2Vec(CORPUS, quux=1)


def test_the_steps_of_a_training_take_sentences_and_refuse_the_unknown() -> None:
    model = pg.Word2Vec(**SMALL)
    with pytest.warns(DeprecationWarning, match="corpus_iterable"):
        model.build_vocab(sentences=CORPUS)
    with pytest.warns(DeprecationWarning, match="corpus_iterable"):
        model.train(sentences=CORPUS, total_examples=5, epochs=1)
    with pytest.warns(DeprecationWarning, match="corpus_iterable"):
        assert model.scan_vocab(sentences=CORPUS) == (10, 5)
    with pytest.raises(TypeError, match="Did you mean 'total_examples'?"):
        model.train(CORPUS, total_example=5, epochs=1)
    with pytest.raises(TypeError, match="Did you mean 'min_count'?"):
        model.build_vocab(CORPUS, min_counts=1)


def test_subclasses_take_the_old_names_too() -> None:
    class Mine(pg.Word2Vec):
        def __init__(self, **parameters: object) -> None:
            super().__init__(CORPUS, **SMALL | parameters)

    with pytest.raises(TypeError, match="both 'size'"):
        Mine(size=3)
    assert Mine(window=2).window == 2


def test_the_signature_has_the_new_names_alone() -> None:
    names = inspect.signature(pg.Word2Vec).parameters
    assert {"vector_size", "epochs"} <= set(names)
    assert not {"size", "iter", "args", "kwargs"} & set(names)
