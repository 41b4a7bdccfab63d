"""gensim's own files: read without gensim, and nothing in them is run."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import gensim
import numpy as np
import pytest
from gensim.models import Doc2Vec, FastText, Word2Vec
from gensim.models import KeyedVectors as GensimVectors
from gensim.models.doc2vec import TaggedDocument

import polargram as pg

DATA = Path(gensim.__file__).parent / "test" / "test_data"
#: Files that gensim 4 reads itself.
READ_BY_GENSIM = [
    "model-from-gensim-3.8.0.w2v",
    "old_keyedvectors_320.dat",
    "compatible-hash-true.model",
    "word2vec_3.3",
    "word2vec_old",
    "word2vec_old_sep",
    *(f"old_w2v_models/w2v_{version}.mdl" for version in ("0.13.4", "1.0.0", "2.3.0", "3.0.0", "3.3.0", "3.4.0")),
]
#: Older ones that gensim 4 no longer reads, though they hold all that is needed.
OLDER = [
    *(f"old_w2v_models/w2v_{version}.mdl" for version in ("0.12.0", "0.12.4", "0.13.0", "0.13.3")),
    *("word2vec_pre_kv_py2", "word2vec_pre_kv_py3", "word2vec_pre_kv_py3_4"),
    *("word2vec_pre_kv_sep_py2", "word2vec_pre_kv_sep_py3", "word2vec_pre_kv_sep_py3_4"),
    "w2v-lee-v0.12.0",
]
SENTENCES = [["the", "cat", "sat"], ["the", "dog", "sat"], ["a", "café", "日本"]] * 30


def gensim_load(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = GensimVectors.load(str(path))
    return getattr(loaded, "wv", loaded)


def assert_same(ours: pg.KeyedVectors, theirs: Any) -> None:
    assert list(ours.index_to_key) == theirs.index_to_key
    assert np.array_equal(ours.vectors, theirs.vectors)
    if "count" in theirs.expandos:
        counts = [theirs.get_vecattr(key, "count") for key in theirs.index_to_key]
        assert [ours.get_vecattr(key, "count") for key in ours.index_to_key] == counts


@pytest.fixture(scope="module")
def trained() -> Word2Vec:
    return Word2Vec(SENTENCES, vector_size=16, min_count=1, epochs=2, workers=1, sg=1, window=4, seed=7, alpha=0.03)


@pytest.mark.parametrize("name", READ_BY_GENSIM)
def test_what_gensims_own_tests_carry_is_read_as_gensim_reads_it(name: str) -> None:
    assert_same(pg.KeyedVectors.load(DATA / name), gensim_load(DATA / name))


class Anything:
    """Stands for the classes that gensim 4 has no more."""

    def __init__(self, *_: Any) -> None: ...


class Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return Anything if module.startswith("gensim") else super().find_class(module, name)


@pytest.mark.parametrize("name", OLDER)
def test_models_too_old_for_gensim_4_are_read_as_python_unpickles_them(name: str) -> None:
    with (DATA / name).open("rb") as file:
        theirs = Unpickler(file, encoding="latin1").load()
    beside = DATA / f"{name}.syn0.npy"
    wv = pg.KeyedVectors.load(DATA / name)
    assert list(wv.index_to_key) == theirs.index2word
    assert np.array_equal(wv.vectors, np.load(beside) if beside.exists() else theirs.syn0)
    assert [wv.get_vecattr(key, "count") for key in wv.index_to_key] == [
        theirs.vocab[key].count for key in theirs.index2word
    ]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_vectors_are_read_in_every_protocol(trained: Word2Vec, tmp_path: Path, protocol: int) -> None:
    trained.wv.save(str(tmp_path / "g.kv"), pickle_protocol=protocol)
    assert_same(pg.KeyedVectors.load(tmp_path / "g.kv"), trained.wv)


@pytest.mark.parametrize("name", ["g.kv", "g.wv", "g"])
def test_large_arrays_beside_the_file_are_mapped(trained: Word2Vec, tmp_path: Path, name: str) -> None:
    trained.wv.save(str(tmp_path / name), sep_limit=1)
    assert (tmp_path / f"{name}.vectors.npy").exists()
    wv = pg.KeyedVectors.load(tmp_path / name)
    assert_same(wv, trained.wv)
    (tmp_path / f"{name}.vectors.npy").unlink()
    with pytest.raises(OSError, match=rf"{name}.vectors.npy.*put it beside"):
        pg.KeyedVectors.load(tmp_path / name)


@pytest.mark.parametrize("ending", ["gz", "bz2"])
@pytest.mark.parametrize("separate", [False, True])
def test_compressed_files_and_their_archives_are_read(
    trained: Word2Vec, tmp_path: Path, ending: str, separate: bool
) -> None:
    path = tmp_path / f"g.kv.{ending}"
    trained.wv.save(str(path), sep_limit=1 if separate else 10**9)
    assert (tmp_path / f"g.kv.{ending}.vectors.npz").exists() == separate
    assert_same(pg.KeyedVectors.load(path), trained.wv)


def test_what_was_compressed_afterwards_is_read_too(trained: Word2Vec, tmp_path: Path) -> None:
    trained.wv.save(str(tmp_path / "g.kv"))
    content = (tmp_path / "g.kv").read_bytes()
    for name, compress in {"a.kv": gzip.compress, "b.model": bz2.compress}.items():
        (tmp_path / name).write_bytes(compress(content))
        assert_same(pg.KeyedVectors.load(tmp_path / name), trained.wv)


def test_vectors_of_double_precision_and_integer_keys_are_read(tmp_path: Path) -> None:
    theirs = GensimVectors(3, dtype=np.float64)
    theirs.add_vectors([7, -3, 2**40], np.random.default_rng(1).normal(size=(3, 3)))
    theirs.save(str(tmp_path / "i.kv"))
    wv = pg.KeyedVectors.load(tmp_path / "i.kv")
    assert list(wv.index_to_key) == [7, -3, 2**40]
    assert np.array_equal(wv.vectors, theirs.vectors.astype(np.float32))


def test_words_that_are_strings_of_numpy_are_read(tmp_path: Path) -> None:
    theirs = GensimVectors(1)
    theirs.add_vectors(list(np.array(["a", "café"])), np.float32([[1], [2]]))
    theirs.save(str(tmp_path / "n.kv"))
    assert pg.KeyedVectors.load(tmp_path / "n.kv").index_to_key == ["a", "café"]


def test_a_model_of_any_kind_gives_its_word_vectors(tmp_path: Path) -> None:
    fasttext = FastText(SENTENCES, vector_size=8, min_count=1, epochs=1, workers=1, bucket=500)
    documents = [TaggedDocument(words, [number]) for number, words in enumerate(SENTENCES)]
    doc2vec = Doc2Vec(documents, vector_size=8, min_count=1, epochs=1, workers=1)
    for name, theirs in {"f.model": fasttext, "d.model": doc2vec}.items():
        theirs.save(str(tmp_path / name), sep_limit=1)
        wv = pg.KeyedVectors.load(tmp_path / name)
        assert list(wv.index_to_key) == theirs.wv.index_to_key
        assert np.allclose(wv.vectors, theirs.wv.vectors, atol=1e-6)
        with pytest.raises(ValueError, match=rf"{name}: is a pickle of gensim.*KeyedVectors.load"):
            pg.Word2Vec.load(tmp_path / name)


@pytest.mark.parametrize("how", [{}, {"sep_limit": 1}, {"pickle_protocol": 2}])
def test_a_model_trains_on_with_all_its_parameters(trained: Word2Vec, tmp_path: Path, how: dict[str, int]) -> None:
    trained.save(str(tmp_path / "g.model"), **how)
    ours = pg.Word2Vec.load(tmp_path / "g.model")
    assert_same(ours.wv, trained.wv)
    assert np.array_equal(ours.syn1neg, trained.syn1neg)
    names = ["vector_size", "window", "sg", "hs", "negative", "epochs", "seed", "workers", "min_count", "cbow_mean"]
    names += ["corpus_count", "corpus_total_words", "train_count", "effective_min_count", "ns_exponent", "sample"]
    names += ["batch_words", "shrink_windows", "null_word", "sorted_vocab", "compute_loss", "max_vocab_size"]
    for name in names:
        assert getattr(ours, name) == getattr(trained, name), name
    assert ours.alpha == np.float32(trained.alpha)
    assert ours.min_alpha == np.float32(trained.min_alpha)
    before = ours.wv.vectors.copy()
    ours.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
    assert not np.array_equal(ours.wv.vectors, before)
    assert np.isfinite(ours.wv.vectors).all()
    ours.build_vocab([["new", "words"]] * 9, update=True)
    ours.save(tmp_path / "ours")
    assert "new" in pg.Word2Vec.load(tmp_path / "ours").wv


def test_a_model_of_hierarchical_softmax_trains_on_from_its_nodes(tmp_path: Path) -> None:
    # Counts whose sums never tie, so that there is one Huffman tree.
    counts = {"w1": 97, "w2": 41, "w3": 13, "w4": 5}
    sentences = [[word] * 3 + ["w0"] for word, count in counts.items() for _ in range(count)]
    theirs = Word2Vec(sentences, vector_size=8, sg=1, hs=1, negative=0, min_count=1, epochs=9, workers=1)
    theirs.save(str(tmp_path / "h.model"))
    ours = pg.Word2Vec.load(tmp_path / "h.model")

    def log_probability(word: str, context: str) -> float:
        bits, nodes = (theirs.wv.get_vecattr(word, name) for name in ("code", "point"))
        products = theirs.syn1[nodes] @ theirs.wv[context]
        return float(-np.log1p(np.exp(-(1.0 - 2.0 * bits) * products)).sum())

    want = log_probability("w1", "w4") + log_probability("w4", "w1")
    assert np.isclose(ours.score([["w1", "w4"]])[0], want, rtol=1e-4)
    ours.train(sentences, total_examples=len(sentences), epochs=1)


@pytest.mark.parametrize(
    "name", ["word2vec_3.3", "word2vec_old_sep", "model-from-gensim-3.8.0.w2v", "word2vec_pre_kv_sep_py2"]
)
def test_models_of_older_versions_train_on(name: str) -> None:
    ours = pg.Word2Vec.load(DATA / name)
    words = list(ours.wv.index_to_key)[:20]
    before = ours.wv.vectors.copy()
    ours.train([words] * 200, total_examples=200, epochs=1)
    assert not np.array_equal(ours.wv.vectors, before)


def test_varembeds_pickle_gives_its_word_vectors() -> None:
    with (DATA / "varembed_vectors.pkl").open("rb") as file:
        theirs = pickle.load(file, encoding="latin1")
    wv = pg.KeyedVectors.load(DATA / "varembed_vectors.pkl")
    assert set(wv.index_to_key) == set(theirs["word_to_ix"])
    for word, row in theirs["word_to_ix"].items():
        assert np.allclose(wv[word], theirs["word_embeddings"][row], atol=1e-6)


class Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("where", ["whole", "words", "matrix", "beside", "extra"])
def test_nothing_in_a_file_is_run(trained: Word2Vec, tmp_path: Path, protocol: int, where: str) -> None:
    call = Runs(tmp_path / "ran")
    theirs = GensimVectors(2)
    theirs.add_vectors(["a", "b"], np.float32([[1, 2], [3, 4]]))
    attribute = {"words": "index_to_key", "matrix": "vectors", "beside": "__numpys", "extra": "extra"}.get(where)
    if attribute is not None:
        theirs.__dict__[attribute] = call
    (tmp_path / "x.kv").write_bytes(pickle.dumps(call if where == "whole" else theirs, protocol))
    if where in ("beside", "extra"):
        # Nobody needs what it would give.
        assert_values = pg.KeyedVectors.load(tmp_path / "x.kv").vectors
        assert np.array_equal(assert_values, [[1, 2], [3, 4]])
    else:
        with pytest.raises(ValueError, match=r"x.kv: .*system"):
            pg.KeyedVectors.load(tmp_path / "x.kv")
        with pytest.raises(ValueError, match=r"x.kv: "):
            pg.Word2Vec.load(tmp_path / "x.kv")
    assert not (tmp_path / "ran").exists()


def test_files_beside_are_named_by_the_reader_not_by_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "secret.npy", np.float32([[1, 2]]))
    (tmp_path / "inner").mkdir()
    theirs = GensimVectors(2)
    theirs.add_vectors(["a"], np.float32([[1, 2]]))
    del theirs.__dict__["vectors"]
    theirs.__dict__["__numpys"] = ["../secret", "/etc/passwd", "vectors/../../secret"]
    (tmp_path / "inner" / "x.kv").write_bytes(pickle.dumps(theirs))
    with pytest.raises(ValueError, match="holds no word vectors"):
        pg.KeyedVectors.load(tmp_path / "inner" / "x.kv")


def test_no_cut_or_flipped_file_does_more_than_raise(trained: Word2Vec, tmp_path: Path) -> None:
    trained.save(str(tmp_path / "g.model"))
    whole = (tmp_path / "g.model").read_bytes()
    path, generator = tmp_path / "x.model", np.random.default_rng(5)
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        for load in (pg.KeyedVectors.load, pg.Word2Vec.load):
            with pytest.raises(ValueError, match=r"x\.model"):
                load(path)
    for _ in range(500):
        flipped = bytearray(whole)
        flipped[generator.integers(len(whole))] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(flipped))
        for load in (pg.KeyedVectors.load, pg.Word2Vec.load):
            # A flipped bit may leave a sound file.
            with contextlib.suppress(ValueError, OSError):
                load(path)
