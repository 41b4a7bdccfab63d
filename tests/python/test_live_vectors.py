"""``model.wv`` is one object, and what was taken from a model follows it, or the user is told."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from corpora import Sentences
from gensim.models import Word2Vec as GensimWord2Vec
from runs import Command

import polargram as pg

SMALL = {"vector_size": 7, "min_count": 1, "epochs": 1, "workers": 1}
OLD = [["a", "b", "c"], ["b", "c"]] * 9
MORE = [["b", "new", "newer"]] * 4
Change = Callable[[pg.Word2Vec], object]


def made(corpus: Sentences = OLD, **parameters: object) -> pg.Word2Vec:
    model = pg.Word2Vec(**{**SMALL, "hs": 1, **parameters})
    model.build_vocab(corpus)
    return model


def train(model: pg.Word2Vec, corpus: Sentences = OLD) -> None:
    model.train(corpus, total_examples=len(corpus), epochs=3, start_alpha=0.5)


#: Rows stay where they are.
IN_PLACE: dict[str, Change] = {
    "train": train,
    "add words": lambda model: model.build_vocab(MORE, update=True),
    "add the null word": lambda model: model.add_null_word(),
    "add frequencies": lambda model: model.build_vocab_from_freq({"new": 5}, update=True),
    "reset": lambda model: (setattr(model, "seed", 9), model.reset_weights()),
    "set vectors": lambda model: model.set_vectors(made(seed=5).wv),
    "normalise": lambda model: model.init_sims(replace=True),
}
#: Rows mean other words.
ELSEWHERE: dict[str, Change] = {
    "build anew": lambda model: model.build_vocab(MORE),
    "build anew of frequencies": lambda model: model.build_vocab_from_freq({"x": 2, "y": 1}),
    "reset from another": lambda model: model.reset_from(made(MORE)),
    "other dimensions": lambda model: (setattr(model, "vector_size", 9), model.reset_weights()),
}


def assert_same_table(one: pg.KeyedVectors, other: pg.KeyedVectors) -> None:
    assert len(one) == len(other)
    assert one.index_to_key == other.index_to_key == list(one)
    assert one.key_to_index == other.key_to_index
    assert np.array_equal(one.vectors, other.vectors)
    for key in other:
        assert key in one
        assert np.array_equal(one[key], other[key])
        assert one.get_vecattr(key, "count") == other.get_vecattr(key, "count")
        assert one.get_vecattr(key, "code").tolist() == other.get_vecattr(key, "code").tolist()
        assert one.most_similar(key) == other.most_similar(key)
        assert one.similarity(key, other.index_to_key[0]) == other.similarity(key, other.index_to_key[0])


def fresh(wv: pg.KeyedVectors) -> pg.KeyedVectors:
    """A copy that computes all it knows from the vectors of now."""
    return pickle.loads(pickle.dumps(wv))


@pytest.mark.parametrize("change", [*IN_PLACE, *ELSEWHERE])
def test_vectors_taken_before_a_change_are_the_vectors_after_it(change: str) -> None:
    model = made()
    wv, keys, rows = model.wv, model.wv.index_to_key, model.wv.key_to_index
    wv.language = "en"
    assert_same_table(wv, fresh(wv))  # Norms and the tree are computed.
    (IN_PLACE | ELSEWHERE)[change](model)
    assert wv is model.wv
    assert_same_table(wv, fresh(model.wv))
    assert keys is wv.index_to_key
    assert rows is wv.key_to_index
    assert wv.language == "en"
    train(model)
    assert_same_table(wv, fresh(model.wv))


def test_vectors_taken_before_there_is_a_vocabulary_come_alive() -> None:
    model = pg.Word2Vec(**SMALL)
    wv, nothing = model.wv, model.wv.vectors
    assert (len(wv), wv.vectors.shape) == (0, (0, 7))
    model.vector_size = 5
    assert (wv.vector_size, wv.vectors.shape) == (5, (0, 5))
    model.build_vocab(OLD)
    assert wv["a"].shape == (5,)
    assert nothing.shape == (0, 7)
    assert wv is model.wv


def test_a_subclass_that_keeps_its_vectors_loads_with_those_of_the_file(tmp_path: object) -> None:
    class Mine(pg.Word2Vec):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            self.vectors = self.wv

    made().save(f"{tmp_path}/model")
    loaded = Mine.load(f"{tmp_path}/model")
    assert loaded.vectors is loaded.wv
    assert "a" in loaded.vectors


def test_growing_is_gensims_for_the_vectors_and_more_for_arrays() -> None:
    for make in (pg.Word2Vec, GensimWord2Vec):
        model = make(**SMALL)
        model.build_vocab(OLD)
        wv = model.wv
        model.build_vocab(MORE, update=True)
        model.train(MORE, total_examples=4, epochs=1)
        assert wv is model.wv
        assert "new" in wv
        assert len(wv) == 5


@pytest.mark.parametrize("change", IN_PLACE)
@pytest.mark.filterwarnings("error")
def test_arrays_taken_before_a_change_show_the_rows_after_it(change: str) -> None:
    model = made()
    taken = {"vectors": model.wv.vectors, "syn1neg": model.syn1neg, "syn1": model.syn1}
    row, part = model.wv["b"], model.wv.vectors[1:]
    train(model)
    IN_PLACE[change](model)
    train(model)
    now = {"vectors": model.wv.vectors, "syn1neg": model.syn1neg, "syn1": model.syn1}
    for name, array in taken.items():
        assert np.array_equal(array, now[name][:3]), name
        assert np.shares_memory(array, now[name])
    at = model.wv.get_index("b")
    assert np.array_equal(row, model.wv["b"])
    assert np.array_equal(part, model.wv.vectors[1:3])
    taken["vectors"][at] = 5
    assert model.wv["b"].tolist() == [5] * 7
    assert row.tolist() == [5] * 7


@pytest.mark.filterwarnings("error")
def test_a_vocabulary_that_grows_again_and_again_stays_where_it_is() -> None:
    model = made()
    first = model.wv.vectors
    for step in range(30):
        model.build_vocab([[f"w{step}-{word}" for word in range(200)]], update=True)
    assert len(model.wv) == 6003
    assert np.shares_memory(first, model.wv.vectors)
    drawn = pg.Word2Vec(**SMALL, hs=1)
    drawn.build_vocab([model.wv.index_to_key])
    # A row's first values follow from its number.
    assert np.array_equal(drawn.wv.vectors, model.wv.vectors)
    assert not model.syn1.any()


@pytest.mark.parametrize("change", ELSEWHERE)
@pytest.mark.parametrize("taken", ["vectors", "a row", "a slice", "syn1neg", "syn1"])
def test_arrays_that_cannot_follow_are_told_of_at_the_users_line(change: str, taken: str) -> None:
    take = {
        "vectors": lambda model: model.wv.vectors,
        "a row": lambda model: model.wv["a"],
        "a slice": lambda model: model.wv.vectors[1:],
        "syn1neg": lambda model: model.syn1neg,
        "syn1": lambda model: model.syn1,
    }
    model = made()
    array = take[taken](model)
    name = taken if taken.startswith("syn1") else "wv.vectors"
    with pytest.warns(RuntimeWarning, match=f"^{name}: arrays taken before.*take them again") as told:
        ELSEWHERE[change](model)
    assert [warning.filename for warning in told] == [__file__]
    assert array.size


@pytest.mark.parametrize("change", ELSEWHERE)
@pytest.mark.filterwarnings("error")
def test_nobody_is_told_of_arrays_that_are_gone(change: str) -> None:
    model = made()
    assert model.wv.vectors.any()
    assert (model.wv["a"].any(), model.syn1neg.any(), model.syn1.any()) == (True, False, False)
    gc.collect()
    ELSEWHERE[change](model)
    # Those of the new rows are counted anew.
    array = model.wv.vectors
    train(model, MORE)
    assert np.array_equal(array, model.wv.vectors)


def test_a_warning_that_is_an_error_leaves_the_model_as_it_was() -> None:
    model = made()
    array, before = model.wv.vectors, fresh(model.wv)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match=r"wv\.vectors"):
            model.build_vocab(MORE)
    assert_same_table(model.wv, before)
    assert np.shares_memory(array, model.wv.vectors)
    assert model.corpus_count == len(OLD)


def test_rows_without_room_to_grow_move_and_that_is_told(python: Command) -> None:
    """A limit on address space leaves none for growing."""
    code = """
import resource, warnings
import numpy as np, polargram as pg
resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
model = pg.Word2Vec(vector_size=8, min_count=1, workers=1)
model.build_vocab([["a", "b"]])
wv, array, before = model.wv, model.wv.vectors, model.wv.vectors.copy()
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model.build_vocab([["c"]], update=True)
assert [str(warning.message).split(":")[0] for warning in told] == ["wv.vectors"], told
assert "c" in wv and len(wv) == 3
assert np.array_equal(wv.vectors[:2], before) and np.array_equal(array, before)
wv.vectors[0] = 7
assert array[0, 0] != 7
print("done")
"""
    done = python("-c", code)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize("change", ["add words", "reset", "build anew"])
def test_copies_taken_before_a_change_keep_their_words(change: str) -> None:
    model = made()
    shallow, deep, pickled = copy.copy(model.wv), copy.deepcopy(model.wv), pickle.dumps(model.wv)
    keys, vectors = list(model.wv), model.wv.vectors.copy()
    (IN_PLACE | ELSEWHERE)[change](model)
    train(model)
    for kept in (deep, pickle.loads(pickled)):
        assert kept.index_to_key == keys
        assert np.array_equal(kept.vectors, vectors)
    assert shallow.index_to_key == keys
    assert "new" not in shallow
    assert shallow.vectors.shape == vectors.shape
    # It shares the rows as long as they are the model's, and its norms with them.
    assert_same_table(shallow, fresh(shallow))


def test_a_shallow_copy_has_no_old_norms() -> None:
    model = made()
    shallow = copy.copy(model.wv)
    assert shallow.similarity("a", "b") == model.wv.similarity("a", "b")
    model.build_vocab(MORE, update=True)
    train(model)
    assert np.shares_memory(shallow.vectors, model.wv.vectors)
    assert shallow.similarity("a", "b") == model.wv.similarity("a", "b")
    assert shallow.similarity("a", "b") == fresh(model.wv).similarity("a", "b")


def test_factors_of_words_grow_with_them_and_go_with_them() -> None:
    model = made()
    model.wv.vectors_lockf = [0, 0.5, 1]
    model.build_vocab(MORE, update=True)
    assert model.wv.vectors_lockf.tolist() == [0, 0.5, 1, 1, 1]
    model.add_null_word()
    assert model.wv.vectors_lockf.tolist() == [0, 0.5, 1, 1, 1, 1]
    model.reset_weights()
    assert model.wv.vectors_lockf.tolist() == [0, 0.5, 1, 1, 1, 1]
    model.build_vocab(MORE)
    assert model.wv.vectors_lockf.tolist() == [1]
    model.wv.vectors_lockf = [0.25]
    model.reset_from(made())
    assert model.wv.vectors_lockf.tolist() == [0.25]


def test_searches_on_another_thread_see_the_table_before_or_after_a_change(
    meanwhile: Callable[[Callable[[], object], Callable[[], object]], int],
) -> None:
    model = made([[f"w{word}" for word in range(6000)]])
    wv = model.wv

    def search() -> None:
        near = wv.most_similar("w1", topn=3)
        assert all(key in wv for key, _ in near)
        assert all(np.isfinite(cosine) for _, cosine in near)
        assert len(wv.vectors) >= 6000
        assert wv.get_vecattr("w5", "code").size

    def work() -> None:
        for step in range(20):
            model.build_vocab([[f"more-{step}-{word}" for word in range(50)]], update=True)
            model.reset_weights()
            if step % 5 == 4:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.build_vocab([[f"w{word}" for word in range(6000 + step)]])

    assert meanwhile(search, work) > 3


def test_the_null_word_leaves_counts_that_wait() -> None:
    model = made()
    model.scan_vocab(MORE)
    waiting = model.raw_vocab
    model.add_null_word()
    assert model.raw_vocab == waiting == {"b": 4, "new": 4, "newer": 4}


# Copies of models.


def test_a_deep_copy_of_a_model_shares_nothing() -> None:
    model = pg.Word2Vec(OLD, **SMALL, hs=1, comment=["kept"])
    model.wv.language = "en"
    other = copy.deepcopy(model)
    assert_same_table(other.wv, model.wv)
    assert other.wv.language == "en"
    assert (other.comment, other.corpus_count, other.train_count) == (["kept"], len(OLD), 1)
    assert np.array_equal(other.syn1, model.syn1)
    before = model.wv.vectors.copy()
    train(other)
    other.build_vocab(MORE, update=True)
    assert np.array_equal(model.wv.vectors, before)
    assert len(model.wv) == 3
    train(model)
    assert np.array_equal(model.wv.vectors, other.wv.vectors[:3])
    assert len(copy.deepcopy(pg.Word2Vec(**SMALL)).wv) == 0


def test_a_callback_may_keep_a_deep_copy_of_the_model_of_each_epoch() -> None:
    kept = []

    class Keep:
        def on_epoch_end(self, model: pg.Word2Vec) -> None:
            kept.append((copy.deepcopy(model), model.wv.vectors.copy()))

    model = pg.Word2Vec(OLD, **{**SMALL, "epochs": 3, "alpha": 0.5, "sample": 0}, callbacks=[Keep()])
    assert len(kept) == 3
    for one, vectors in kept:
        assert np.array_equal(one.wv.vectors, vectors)
        train(one)
    assert not np.array_equal(kept[0][1], kept[1][1])
    assert np.array_equal(kept[2][1], model.wv.vectors)


def test_a_shallow_copy_of_a_model_shares_its_weights() -> None:
    model = made()
    other = copy.copy(model)
    other.window = 9
    assert model.window == 5
    assert other.wv is model.wv
    train(other)
    assert np.array_equal(model.wv.vectors, other.wv.vectors)
