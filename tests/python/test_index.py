"""The approximate index: built, saved, mapped, and refused for other vectors."""

import sys

import numpy as np
import pytest
from test_search import made

import polargram as pg

pytest.importorskip("usearch")


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(4).standard_normal((2000, 16), dtype=np.float32)


@pytest.fixture(scope="module")
def wv(vectors, tmp_path_factory):
    return made(vectors, tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def index(wv):
    return wv.build_index(expansion_search=200)


def test_it_finds_nearly_all_with_their_exact_cosines(wv, index):
    keys = wv.index_to_key[:300]
    assert index.recall(keys, topn=10) > 0.95
    exact = {(i, key): cosine for i, found in enumerate(wv.search(keys, topn=50)) for key, cosine in found}
    for i, found in enumerate(index.search(keys, topn=10)):
        assert len(found) == 10
        assert keys[i] not in dict(found)
        assert found == sorted(found, key=lambda pair: -pair[1])
        assert all(exact.get((i, key), cosine) == cosine for key, cosine in found)


def test_recall_is_measured_against_the_exact_search(wv, index):
    poor = wv.build_index(connectivity=2, expansion_add=4, expansion_search=1)
    keys = wv.index_to_key[:300]
    exact, _ = wv.search(keys, topn=10, as_arrays=True)
    found, _ = poor.search(keys, topn=10, as_arrays=True)
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])
    assert poor.recall(keys, topn=10) == pytest.approx(share)
    assert share < index.recall(keys, topn=10)


def test_it_is_gensims_indexer(wv, index):
    assert index.most_similar(wv["w5"], topn=3) == wv.search(wv["w5"][None], topn=3)[0]


@pytest.mark.parametrize("mmap", ["r", None])
def test_it_comes_back_from_its_file_beside_mapped_vectors(wv, index, tmp_path, mmap):
    wv.save(tmp_path / "vectors.arrow")
    index.save(tmp_path / "vectors.usearch")
    mapped = pg.KeyedVectors.load(tmp_path / "vectors.arrow")
    back = pg.Index.load(tmp_path / "vectors.usearch", mapped, mmap=mmap)
    keys = wv.index_to_key[:50]
    assert back.search(keys, topn=5) == index.search(keys, topn=5)
    assert (len(back), repr(back)) == (2000, "Index<2000 keys, vector_size=16>")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["vectors.arrow", "vectors.usearch"]


def test_an_index_of_other_vectors_is_refused(vectors, index, tmp_path):
    index.save(tmp_path / "v.usearch")
    changed = vectors.copy()
    changed[7] += 1
    for other, what in ((changed, "fingerprint"), (vectors[:1999], "keys"), (np.tile(vectors, 2), "vector_size")):
        with pytest.raises(ValueError, match=f"v.usearch is the index of other vectors: it says {what}"):
            pg.Index.load(tmp_path / "v.usearch", made(other, tmp_path))


def test_a_damaged_file_is_refused_by_name(wv, index, tmp_path):
    path = tmp_path / "v.usearch"
    index.save(path)
    whole = path.read_bytes()
    for content in (b"", b"garbage" * 50, whole[:-1], whole[: len(whole) // 2], whole[1000:], whole[-200:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"v\.usearch"):
            pg.Index.load(path, wv)
    with pytest.raises(FileNotFoundError):
        pg.Index.load(tmp_path / "none.usearch", wv)
    with pytest.raises(ValueError, match="mmap"):
        pg.Index.load(path, wv, mmap="c")


def test_a_file_that_cannot_be_written_leaves_nothing(index, tmp_path):
    with pytest.raises(OSError, match="folder"):
        index.save(tmp_path / "no-such-folder" / "v.usearch")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        index.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_queries_may_be_of_every_kind_and_number(wv, index):
    assert index.search([]) == []
    assert index.search(["w1"], topn=0) == [[]]
    everything = index.search([wv["w1"]], topn=5000)[0]
    assert len(everything) <= 2000
    assert everything[0][0] == "w1"
    with pytest.raises(KeyError):
        index.search(["no-such-word"])
    with pytest.raises(ValueError, match="16"):
        index.search(np.ones((1, 3)))


def test_a_table_of_one_and_of_none(tmp_path):
    one = made(np.ones((1, 4)), tmp_path)
    assert one.build_index().search(["w0", np.ones(4)], topn=3) == [[], [("w0", 1.0)]]
    with pytest.raises(ValueError, match="no vectors"):
        pg.Index.build(made(np.empty((0, 4)), tmp_path))


def test_without_the_library_the_error_says_what_to_install(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch", None)
    with pytest.raises(ImportError, match=r"pip install polargram\[index\]"):
        wv.build_index()
