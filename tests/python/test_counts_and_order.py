"""Lists that count more than once and batches in another order: what is trained, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from corpora import READERS, Sentences, counts_in, counts_of, facts_of
from runs import Command, KilledError, KillIn, cut_and_resumed

import polargram as pg

EXACT = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2, "batch_words": 1000}
#: EXACT as options of the command.
EXACT_OPTIONS = ["--vector-size", 8, "--min-count", 1, "--workers", 1, "--epochs", 2, "--batch-words", 1000, "--quiet"]


# Counts.


@pytest.fixture(scope="module")
def weighed(sentences: Sentences) -> pl.DataFrame:
    """Lists that count between 0 and 40 times, and one that outgrows a batch."""
    draw = random.Random(5)
    counts = [draw.choice([0, 1, 1, 2, 3, 40]) for _ in range(700)]
    counts[100] = 333
    rows: list[object] = [*sentences[:698], None, []]
    return pl.DataFrame({"n": pl.Series(counts, dtype=pl.UInt16), "tokens": rows})


@pytest.fixture(scope="module")
def repeated(weighed: pl.DataFrame) -> Sentences:
    """Each list as often as it counts."""
    return [row for n, row in weighed.iter_rows() if row is not None for _ in range(n)]


WEIGHED: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "Parquet": lambda f, d: f.write_parquet(d / "c.parquet") or d / "c.parquet",
    "row groups": lambda f, d: f.write_parquet(d / "c.parquet", row_group_size=33) or d / "c.parquet",
    "files": lambda f, d: (
        [f[i : i + 100].write_parquet(d / f"{i}.parquet") or d / f"{i}.parquet" for i in range(0, 700, 100)]
    ),
    "IPC": lambda f, d: f.write_ipc(d / "c.arrow") or d / "c.arrow",
    "DataFrame": lambda f, _: f,
    "LazyFrame": lambda f, _: f.lazy(),
    "Table": lambda f, _: f.to_arrow(),
    "list of RecordBatch": lambda f, _: f.to_arrow().to_batches(max_chunksize=99),
    "Dataset": lambda f, _: ds.dataset(f.to_arrow()),
    "Scanner": lambda f, _: ds.dataset(f.to_arrow()).scanner(),
    "duckdb": lambda f, _: duckdb.from_arrow(f.to_arrow()),
}
READINGS = [{}, {"spool": False}, {"memory_budget": 1000}]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("what", WEIGHED)
def test_a_list_that_counts_so_many_times_is_trained_as_if_it_stood_so_often(
    what: str, reading: dict[str, object], weighed: pl.DataFrame, repeated: Sentences, tmp_path: Path
) -> None:
    source = WEIGHED[what](weighed, tmp_path)
    model = pg.Word2Vec(source, count_column="n", **EXACT, **reading)
    listed = pg.Word2Vec(repeated, **EXACT)
    assert facts_of(model) == facts_of(listed)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)


@pytest.mark.parametrize(
    "mode",
    [
        {"sg": 1},
        {"sg": 1, "hs": 1, "negative": 0},
        {"sg": 0, "hs": 1},
        {"sg": 1, "shared_negatives": False},
        {"sample": 0},
        {"shuffle": True},
        {"sorted_vocab": False},
        {"batch_words": 50},
        {"max_final_vocab": 200},
        {"max_vocab_size": 200},
    ],
    ids=str,
)
def test_counts_are_the_same_to_every_way_of_training(
    mode: dict[str, object], weighed: pl.DataFrame, repeated: Sentences
) -> None:
    parameters = {**EXACT, **mode}
    model, listed = pg.Word2Vec(weighed, count_column="n", **parameters), pg.Word2Vec(repeated, **parameters)
    assert facts_of(model) == facts_of(listed)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)


def test_counts_of_a_frame_are_those_of_its_tokens_repeated(weighed: pl.DataFrame, repeated: Sentences) -> None:
    model = pg.Word2Vec(weighed, count_column="n", **EXACT)
    assert counts_of(model) == counts_in(repeated)


def test_every_step_and_every_worker_knows_the_counts(weighed: pl.DataFrame, repeated: Sentences) -> None:
    model = pg.Word2Vec(**{**EXACT, "workers": 2, "sample": 0}, count_column="n")
    words = sum(map(len, repeated))
    assert model.scan_vocab(weighed) == (words, len(repeated))
    model.build_vocab(weighed)
    assert (model.corpus_total_words, model.corpus_count) == (words, len(repeated))
    assert model.train(weighed, total_examples=model.corpus_count, epochs=3) == (3 * words, 3 * words)


def test_the_command_weighs_as_python_does(
    command: Command, weighed: pl.DataFrame, repeated: Sentences, tmp_path: Path
) -> None:
    weighed.write_parquet(tmp_path / "c.parquet")
    command("train", tmp_path / "c.parquet", "--count-column", "n", "--output", tmp_path / "out", *EXACT_OPTIONS)
    wv = pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")
    assert np.array_equal(wv.vectors, pg.Word2Vec(repeated, **EXACT).wv.vectors)


def test_a_list_that_counts_0_is_left_out_with_words_that_stand_nowhere_else() -> None:
    model = pg.Word2Vec(pl.DataFrame({"tokens": [["a"], ["b"], ["a", "c"]], "n": [2, 0, 1]}), count_column="n", **EXACT)
    assert facts_of(model) == (["a", "c"], [3, 1], 4, 3)
    with pytest.raises(ValueError, match="0 distinct words"):
        pg.Word2Vec(pl.DataFrame({"tokens": [["a"]], "n": [0]}), count_column="n", **EXACT)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64])
def test_counts_may_be_of_every_whole_type(dtype: pl.DataType, tmp_path: Path) -> None:
    frame = pl.DataFrame({"tokens": [["a", "b"], ["b"]], "n": pl.Series([3, 10], dtype=dtype)})
    frame.write_parquet(tmp_path / "c.parquet")
    frame.write_ipc(tmp_path / "c.arrow")
    for source in (frame, tmp_path / "c.parquet", tmp_path / "c.arrow"):
        assert facts_of(pg.Word2Vec(source, count_column="n", **EXACT)) == (["b", "a"], [13, 3], 16, 13)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (pl.Series([1, None, 2] * 40), "has a null; a count is a whole number of at least 0"),
        (pl.Series([1, -1, 2] * 40), "has a negative number"),
        (pl.Series([1.0, 2.0, 3.0] * 40), "Float64.*expected whole numbers"),
        (pl.Series(["1", "2", "3"] * 40), "expected whole numbers"),
        (pl.Series([True, False, True] * 40), "expected whole numbers"),
        (pl.Series([1, 2**32, 1] * 40, dtype=pl.UInt64), "4294967296"),
    ],
    ids=["null", "negative", "floats", "strings", "booleans", "huge"],
)
def test_counts_that_are_none_are_named_with_file_row_group_and_column(
    counts: pl.Series, said: str, tmp_path: Path
) -> None:
    good = pl.DataFrame({"tokens": [["a"]] * 120, "n": pl.Series([1] * 120).cast(counts.dtype)})
    bad = good.with_columns(n=counts)
    pl.concat([good, bad]).write_parquet(tmp_path / "c.parquet", row_group_size=120)
    bad.write_ipc(tmp_path / "c.arrow")
    # The type is in the file's schema, before any row group is read.
    place = "" if counts.dtype not in (pl.Int64, pl.UInt64) else ", row group 1"
    batch = place.replace("row group 1", "record batch 0")
    places = ((tmp_path / "c.parquet", f"c.parquet{place}"), (tmp_path / "c.arrow", f"c.arrow{batch}"), (bad, ""))
    for source, where in places:
        with pytest.raises(ValueError, match=f"{where}: .*{said}") as refused:
            pg.Word2Vec(source, count_column="n", **EXACT)
        assert 'column "n"' in str(refused.value)


def test_what_has_no_columns_has_no_counts(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a b\n")
    np.save(tmp_path / "c.npy", np.ones((2, 2), int))
    for corpus in ([["a"]], pa.array([["a"]]), pl.Series("tokens", [["a"]]), tmp_path / "c.txt", tmp_path / "c.npy"):
        with pytest.raises((TypeError, ValueError), match="count_column|no columns"):
            pg.Word2Vec(corpus, count_column="n", **EXACT)
    for corpus in (pl.DataFrame({"tokens": [["a"]]}), pa.table({"tokens": [["a"]]})):
        with pytest.raises((ValueError, pl.exceptions.ColumnNotFoundError), match='column "n"'):
            pg.Word2Vec(corpus, count_column="n", **EXACT)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_reader_of_text_has_no_counts(reader: type, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a/nn b/nn\n")
    with pytest.raises(ValueError, match="count_column: .*c.txt is plain text, which has no columns"):
        pg.Word2Vec(reader(tmp_path / "c.txt"), count_column="n", **EXACT)
    with pytest.raises(ValueError, match="count_column: .*c.txt is plain text, which has no columns"):
        pg.Word2Vec(corpus_file=tmp_path / "c.txt", count_column="n", **EXACT)


def test_a_saved_model_knows_its_count_column(weighed: pl.DataFrame, tmp_path: Path) -> None:
    model = pg.Word2Vec(weighed, count_column="n", **EXACT)
    model.save(tmp_path / "model")
    assert pg.Word2Vec.load(tmp_path / "model").count_column == "n"


# Shuffling.


@pytest.mark.parametrize("reading", [{}, {"memory_budget": 1000}], ids=str)
def test_shuffled_batches_give_other_vectors_and_the_same_again_for_the_same_seed(
    reading: dict[str, object], rows: Sentences
) -> None:
    def vectors(**parameters: object) -> np.ndarray:
        return pg.Word2Vec(rows, **{**EXACT, **reading, **parameters}).wv.vectors

    shuffled = vectors(shuffle=True)
    assert np.array_equal(vectors(shuffle=True), shuffled)
    assert not np.array_equal(vectors(), shuffled)
    # A single batch has no order.
    alone = {"batch_words": 10**6}
    assert np.array_equal(vectors(shuffle=True, **alone), vectors(**alone))


def test_every_epoch_has_an_order_of_its_own_that_follows_from_the_seed(rows: Sentences) -> None:
    # Only the order is random: no subsampling, whole windows, hierarchical softmax.
    still = {"sample": 0, "shrink_windows": False, "hs": 1, "negative": 0, "sg": 1, "alpha": 0.02, "min_alpha": 0.02}

    def vectors(*epochs: int, seed: int = 1, shuffle: bool = True) -> np.ndarray:
        """Vectors of several trainings, each from the same first vectors."""
        model = pg.Word2Vec(**{**EXACT, **still}, shuffle=shuffle)
        model.build_vocab(rows)
        model.seed = seed
        for number in epochs:
            model.train(rows, total_examples=len(rows), epochs=number)
        return model.wv.vectors.copy()

    # Each training begins with the first order; without shuffling nothing differs.
    assert not np.array_equal(vectors(2), vectors(1, 1))
    assert np.array_equal(vectors(2, shuffle=False), vectors(1, 1, shuffle=False))
    assert not np.array_equal(vectors(1), vectors(1, seed=2))
    assert np.array_equal(vectors(1, shuffle=False), vectors(1, seed=2, shuffle=False))


def test_shuffling_loses_and_repeats_nothing(rows: Sentences) -> None:
    model = pg.Word2Vec(**{**EXACT, "sample": 0, "workers": 2}, shuffle=True)
    model.build_vocab(rows)
    words = sum(map(len, rows))
    assert model.train(rows, total_examples=len(rows), epochs=3) == (3 * words, 3 * words)


def test_shuffling_needs_the_spool(rows: Sentences) -> None:
    with pytest.raises(ValueError, match="shuffle.*spool"):
        pg.Word2Vec(rows, **EXACT, shuffle=True, spool=False)


@pytest.mark.parametrize("every", ["epoch", 1e-6])
@pytest.mark.parametrize("option", ["shuffle", "count_column", "both"])
def test_a_run_taken_up_again_ends_in_the_bits_of_one_that_was_not_cut(
    option: str, every: object, weighed: pl.DataFrame, tmp_path: Path
) -> None:
    options: dict[str, object] = {"epochs": 4, "shuffle": option != "count_column"}
    if option != "shuffle":
        options["count_column"] = "n"
    parameters = {**EXACT, **options}
    whole = pg.Word2Vec(weighed, **parameters)
    within_epoch = every != "epoch"
    resumed = cut_and_resumed(weighed, tmp_path / "ck", within_epoch=within_epoch, **parameters, checkpoint_every=every)
    assert np.array_equal(resumed.wv.vectors, whole.wv.vectors)
    assert facts_of(resumed) == facts_of(whole)


def test_a_shuffled_run_is_not_taken_up_in_another_order(rows: Sentences, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        pg.Word2Vec(rows, **EXACT, shuffle=True, checkpoint=tmp_path / "ck", callbacks=[KillIn(1)])
    with pytest.raises(ValueError, match="shuffle"):
        pg.Word2Vec(rows, **EXACT, checkpoint=tmp_path / "ck")


def test_the_command_shuffles_as_python_does(command: Command, rows: Sentences, tmp_path: Path) -> None:
    pl.DataFrame({"tokens": rows}).write_parquet(tmp_path / "c.parquet")
    command("train", tmp_path / "c.parquet", "--shuffle", "--output", tmp_path / "out", *EXACT_OPTIONS)
    wv = pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")
    assert np.array_equal(wv.vectors, pg.Word2Vec(rows, **EXACT, shuffle=True).wv.vectors)
