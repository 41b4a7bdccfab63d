"""Searches for many queries at once: the same as one by one, whatever the queries are."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import polargram as pg


def made(vectors, directory, keys=None):
    """A table of these vectors."""
    vectors = np.asarray(vectors, dtype=np.float32)
    path = directory / "made.bin"
    with path.open("wb") as file:
        file.write(b"%d %d\n" % vectors.shape)
        for i, row in enumerate(vectors):
            file.write((keys[i] if keys else f"w{i}").encode() + b" " + row.tobytes() + b"\n")
    return pg.KeyedVectors.load_word2vec_format(path, binary=True)


@pytest.fixture(scope="module")
def wv(tmp_path_factory):
    # More than one task has, with rows of equal direction.
    random = np.random.default_rng(2)
    vectors = random.standard_normal((30_000, 20), dtype=np.float32)
    vectors[20_000:20_050] = 2 * vectors[:50]
    return made(vectors, tmp_path_factory.mktemp("search"))


def test_each_of_many_queries_gets_what_it_gets_alone(wv):
    for count in (1, 3, 7, 200):
        keys = wv.index_to_key[:count]
        assert wv.search(keys, topn=7) == [wv.most_similar(key, topn=7) for key in keys]


def test_the_answers_are_those_of_numpy(wv):
    unit = wv.vectors / np.linalg.norm(wv.vectors, axis=1, keepdims=True)
    queries = np.random.default_rng(3).standard_normal((50, 20))
    rows, cosines = wv.search(queries, topn=5, as_arrays=True)
    exact = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ unit.T
    assert (rows.dtype, cosines.dtype, rows.shape) == (np.int64, np.float32, (50, 5))
    np.testing.assert_allclose(np.take_along_axis(exact, rows, 1), cosines, atol=1e-6)
    np.testing.assert_allclose(-np.sort(-exact, axis=1)[:, :5], cosines, atol=1e-6)


def test_queries_may_be_keys_rows_and_vectors_in_one_list(wv):
    by_key, by_row, by_vector = wv.search(["w3", 3, wv["w3"]], topn=4)
    assert by_key == by_row == wv.most_similar("w3", topn=4)
    assert by_vector[0][0] == "w3"
    assert by_vector[1:] == by_key[:3]


def test_equally_near_keys_come_in_row_order(wv):
    found = wv.search(wv.vectors[:20], topn=2)
    assert [[key for key, _ in each] for each in found] == [[f"w{i}", f"w{20_000 + i}"] for i in range(20)]


def test_a_search_may_be_restricted_to_some_rows(wv):
    queries = wv.index_to_key[:9]
    for restriction, first, last in (
        ({"restrict_vocab": 100}, 0, 100),
        ({"clip_start": 50, "clip_end": 70}, 50, 70),
        ({"clip_start": -5}, 29_995, 30_000),
        ({"clip_start": 70, "clip_end": 50}, 0, 0),
    ):
        rows, _ = wv.search(queries, topn=200, as_arrays=True, **restriction)
        wanted = [set(range(first, last)) - {i} for i in range(9)]
        assert [set(row[row >= 0]) for row in rows] == wanted
        lists = wv.search(queries, topn=200, **restriction)
        assert [[wv.get_index(key) for key, _ in found] for found in lists] == [list(row[row >= 0]) for row in rows]


def test_where_a_query_has_fewer_neighbours_the_arrays_are_filled_up(tmp_path):
    small = made(np.eye(3), tmp_path)
    rows, cosines = small.search(["w0", np.float32([1, 0, 0])], topn=9, as_arrays=True)
    assert rows.tolist() == [[1, 2, -1], [0, 1, 2]]
    assert np.isnan(cosines[0, 2])
    assert not np.isnan(cosines).any(axis=1)[1]
    assert small.search(["w0"], topn=0) == [[]] == small.search(["w0"], topn=-1)
    assert small.search([], topn=3) == []
    assert small.search(np.empty((0, 3)), as_arrays=True)[0].shape == (0, 3)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_few_distinct_values_and_odd_ones_change_nothing(data, tmp_path_factory):
    values = st.sampled_from([0.0, 1.0, -1.0, 2.0, 1e-42, 3e38, np.nan, np.inf])
    rows = data.draw(st.lists(st.lists(values, min_size=3, max_size=3), min_size=1, max_size=40))
    table = made(rows, tmp_path_factory.mktemp("odd"))
    queries = data.draw(st.lists(st.lists(values, min_size=3, max_size=3), min_size=6, max_size=20))
    queries = np.array(queries, dtype=np.float32)
    many = table.search(queries, topn=5, as_arrays=True)
    alone = [table.search(query[None], topn=5, as_arrays=True) for query in queries]
    np.testing.assert_array_equal(many[0], np.concatenate([rows for rows, _ in alone]))
    np.testing.assert_array_equal(many[1], np.concatenate([cosines for _, cosines in alone]))


def test_what_is_no_query_is_refused(wv):
    with pytest.raises(KeyError, match="no-such-word"):
        wv.search(["w1", "no-such-word"])
    with pytest.raises(TypeError, match="pass \\['w1'\\]"):
        wv.search("w1")
    with pytest.raises(ValueError, match="7 values; the vectors have 20"):
        wv.search(np.ones((2, 7), dtype=np.float32))
    with pytest.raises(ValueError, match="7 values; the vectors have 20"):
        wv.search([np.ones(7)])
    with pytest.raises(ValueError, match="matrix"):
        wv.search(np.ones(20))
    with pytest.raises(TypeError, match="topn"):
        wv.search(["w1"], topn=2.5)


def test_both_names_are_one_method():
    assert pg.KeyedVectors.most_similar_batch is pg.KeyedVectors.search


def test_integer_keys_are_found_by_number():
    items = pg.Word2Vec([[101, 7], [7, 5]] * 9, vector_size=4, workers=1).wv
    assert items.search([101, 7], topn=2) == [items.most_similar(101, topn=2), items.most_similar(7, topn=2)]


def test_ctrl_c_stops_a_search(tmp_path):
    random = np.random.default_rng(2)
    table = made(random.standard_normal((50_000, 100), dtype=np.float32), tmp_path)
    queries = random.standard_normal((60_000, 100), dtype=np.float32)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    # A shell starts what runs in the background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            table.search(queries, as_arrays=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 5


def test_other_python_threads_run_during_a_search(wv):
    queries = np.random.default_rng(5).standard_normal((5000, 20), dtype=np.float32)
    done, ticks = threading.Event(), 0
    thread = threading.Thread(target=lambda: (wv.search(queries, as_arrays=True), done.set()))
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 3


def test_fill_norms_changes_no_answer_and_heeds_changes(tmp_path):
    random = np.random.default_rng(5)
    wv = made(random.standard_normal((9000, 20), dtype=np.float32) + 0.5, tmp_path)
    asked = [{}, {"topn": 300}, {"topn": 50, "clip_start": 33, "clip_end": 7001}, {"negative": ["w5"]}, {"topn": None}]
    answers = [wv.most_similar("w3", **options) for options in asked]
    wv.fill_norms()
    for options, answer in zip(asked, answers, strict=True):
        np.testing.assert_array_equal(wv.most_similar("w3", **options), answer)
    wv["w8999"] = 3 * wv["w3"]
    assert wv.most_similar("w3", topn=1) == [("w8999", pytest.approx(1.0))]
    wv.fill_norms()
    assert wv.most_similar("w3", topn=1)[0][0] == "w8999"
    wv.vectors[8998] = wv["w3"]
    wv.fill_norms(force=True)
    assert {word for word, _ in wv.most_similar("w3", topn=2)} == {"w8998", "w8999"}


def test_the_normalised_matrix_is_not_copied(tmp_path):
    # A process of its own, whose memory nothing else changes.
    import subprocess
    import sys

    path = tmp_path / "v.arrow"
    made(np.random.default_rng(2).standard_normal((60_000, 300), dtype=np.float32), tmp_path).save(path)
    code = """
import sys, polargram as pg
def anonymous():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 1024
wv = pg.KeyedVectors.load(sys.argv[1])
wv.search(wv.index_to_key[:20], topn=5)
before = anonymous()
wv.search(wv.index_to_key[:500], topn=5)
wv.most_similar("w1")
print(anonymous() - before)
wv.fill_norms()
wv.most_similar("w1")
print(anonymous() - before)
"""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("needs Linux's /proc")
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    # The matrix has 69 MiB; codes, if this processor has use for them, a quarter.
    before, after = map(float, run.stdout.split())
    assert before < 20
    assert after < 20 + 69 / 3
