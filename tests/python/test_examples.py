"""Each program in examples/ runs in an empty directory, and what it prints and writes is as it should be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from object_store import Bucket, set_environment
from runs import Command

import polargram as pg

EXAMPLES = Path(__file__).parents[2] / "examples"
TESTED = {
    "articles",
    "demo",
    "documents",
    "etl_s3",
    "gensim_user",
    "phrases",
    "retraining",
    "serving",
    "sessions",
    "walks",
}

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def example(python: Command) -> Command:
    """``example("walks", …)`` runs a program; ``code`` is the expected exit code."""

    def run(name: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = python(EXAMPLES / f"{name}.py", *arguments, timeout=300)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    return run


def share(line: str) -> float:
    """The first percentage in a line."""
    return float(re.search(r"([\d.]+)%", line)[1]) / 100


def lines_of(text: str, *needles: str) -> list[str]:
    """The line with each of the needles, at its end."""
    lines = text.splitlines()
    return [next(line for line in lines if line.endswith(needle)) for needle in needles]


def test_every_example_is_tested_and_says_how_it_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == TESTED
    for name in TESTED:
        assert f"    python examples/{name}.py" in (EXAMPLES / f"{name}.py").read_text().split('"""')[1], name


def test_related_articles_are_of_one_topic(example: Command) -> None:
    said = example("articles", "--generated").stdout
    assert said.startswith("600 articles, Array(Float32, shape=(64,))\n")
    blocks = [block.splitlines() for block in said.strip().split("\n\n")[1:]]
    assert len(blocks) >= 4
    for title, *near in blocks:
        assert len(near) == 3
        assert {line.split()[1] for line in near} == {title.split()[0]}


def test_articles_of_a_file_are_read_by_the_name_of_their_column(example: Command) -> None:
    texts = ["the cat sat on the mat", "the dog sat on the log", "rain fell and wind blew"] * 30
    pl.DataFrame({"body": texts}).write_parquet("articles.parquet")
    said = example("articles", "articles.parquet", "body").stdout
    assert said.startswith("90 articles")
    assert "\nthe cat sat on the mat\n  1.00  the cat sat on the mat\n" in said


def test_the_demo_goes_the_whole_way_and_fails_where_too_little_is_learnt(example: Command) -> None:
    done = example("demo", "demo", 300_000, code=1)
    assert re.search(r"only [\d.]+% of the analogies are right, not 90%", done.stderr)
    for said in ("$ polargram sample", "$ polargram train", "$ polargram similar", "man is to king as woman is to"):
        assert said in done.stdout
    assert "array[f32, 100]" in done.stdout
    formats = {"vectors.arrow", "vectors.npy", "vectors.vocab.txt", "vectors.txt", "vectors.bin"}
    assert formats <= {path.name for path in Path("demo/vectors").iterdir()}


def test_documents_pooled_by_sif_are_nearest_to_those_of_their_topic(example: Command) -> None:
    said = example("documents").stdout
    ways = lines_of(said, "  mean", "  SIF", "  SIF less common")
    mean, sif, less_common = map(share, ways)
    assert mean < 0.8 < sif
    assert less_common > 0.9
    *_, cosine_of_sif, cosine_without_common = (float(way.split()[1]) for way in ways)
    assert abs(cosine_without_common) < 0.1 < cosine_of_sif
    found = said.split("is near to\n")[1].splitlines()
    weather = {"rain", "snow", "wind", "storm", "cloud", "sun", "frost", "fog", "thunder", "hail", "drizzle", "heat"}
    assert len(found) == 3
    assert all(weather & set(line.split()) for line in found)


def test_a_nightly_job_leaves_vectors_and_embeddings_in_the_store(
    example: Command, bucket: Bucket, folder: str, plain_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, bucket.options)
    job = ["etl_s3", bucket.url(f"{folder}events"), bucket.url(f"{folder}out/"), "--day", "2026-11-08"]
    done = example(*job, "--where", "NOT is_bot", "--generate")
    assert all(json.loads(line) for line in done.stderr.splitlines())
    assert len(bucket.names(f"{folder}events/")) == 9
    written = ["embeddings/day=2026-11-08/part-0.parquet", "vectors/day=2026-11-08/vectors.arrow"]
    assert bucket.names(f"{folder}out/") == [f"{folder}out/{name}" for name in written]
    Path("e.parquet").write_bytes(bucket.get(f"{folder}out/{written[0]}"))
    Path("v.arrow").write_bytes(bucket.get(f"{folder}out/{written[1]}"))
    embedded = pl.read_parquet("e.parquet")
    assert embedded.columns == ["id", "is_bot", "tokens", "embedding"]
    assert embedded.filter(pl.col("embedding").is_null() != pl.col("is_bot")).is_empty()
    events = embedded.select(pl.col("tokens").w2v.embed("v.arrow", pooling="mean", weights="sif"))["tokens"]
    assert events.equals(embedded["embedding"], check_names=False)
    metrics = json.loads(Path("metrics.json").read_text())
    assert metrics["vocab"]["words"] == len(pg.KeyedVectors.load("v.arrow")) == 12
    # A filter by partition: of nine days the last seven, and of these no bots.
    assert 7 * 450 < metrics["corpus"]["sentences"] < 7 * 500


def test_a_nightly_job_ends_with_the_code_of_what_went_wrong(example: Command) -> None:
    job = ["etl_s3", "events", "out", "--day", "2026-11-08"]
    assert "cannot read events" in example(*job, code=3).stderr
    example(*job, "--generate", "--where", "NOT is_bot")
    assert "no_column" in example(*job, "--where", "no_column", code=3).stderr
    example(*job, "--where", "is_bot AND", code=2)
    example(*job, "--days", "seven", code=2)
    # Bots alone have no word twice.
    assert "vocabulary is empty" in example(*job, "--where", "is_bot", code=3).stderr
    Path("file").touch()
    example(job[0], "events", "file/out", *job[3:], code=4)


def test_a_nightly_job_fails_when_its_results_are_not_good_enough(example: Command) -> None:
    day = Path("events/day=2026-11-08")
    day.mkdir(parents=True)
    pl.DataFrame({"tokens": [["a", "b"]] * 9}).write_parquet(day / "part-0.parquet")
    job = ["etl_s3", "events", "out", "--day", "2026-11-08"]
    assert "only 2 words" in example(*job, code=1).stderr
    rows = [[f"w{number % 20}", "x"] for number in range(60)] + [[f"once-{number}"] for number in range(30)]
    pl.DataFrame({"tokens": rows}).write_parquet(day / "part-0.parquet")
    assert "33.3% of the events have no vector" in example(*job, code=1).stderr


def test_the_program_of_a_gensim_user_gives_the_same_with_both(example: Command) -> None:
    said = example("gensim_user").stdout
    header, *lines = said.splitlines()
    assert header.split() == ["polargram", "gensim"]
    table = {line[:16].strip(): [line[17:57].strip(), line[58:].strip()] for line in lines}
    assert len(set(table["words"])) == 1
    assert table["odd one out"] == ["piano", "piano"]
    for ours, theirs in (table["near monday"], table["near piano"]):
        assert set(ours.split(", ")) & set(theirs.split(", "))
    assert all(share(accuracy) > 0.04 for accuracy in table["analogies right"])


def test_without_gensim_the_program_runs_alone(python: Command) -> None:
    hidden = (
        "import importlib.util as u, runpy, sys\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'gensim' else find(name, *a)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    Path("t.txt").write_text("king queen monday friday piano x y z\n" * 200)
    Path("q.txt").write_text(": section\nking queen monday friday\n")
    done = python("-c", hidden, EXAMPLES / "gensim_user.py", "t.txt", "q.txt", timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "polargram"
    assert "gensim is not installed" in done.stdout


CITIES = {
    "los_angeles",
    "san_francisco",
    "chicago",
    "boston",
    "toronto",
    "london",
    "paris",
    "philadelphia",
    "new_jersey",
}


def neighbours_of_new_york(example: Command, *arguments: object) -> list[str]:
    """What the example prints as near to New York."""
    said = example("phrases", *arguments).stdout
    return [line.split()[1] for line in said.split("new york is near to\n")[1].splitlines()]


def test_phrases_find_cities_near_a_city_of_two_words(example: Command) -> None:
    near = neighbours_of_new_york(example, "--generated")
    assert len(CITIES & set(near[:5])) >= 4, near


def test_in_real_sentences_new_york_is_near_to_other_cities(example: Command, real_data: Path) -> None:
    near = neighbours_of_new_york(example, real_data / "enwiki-tokens" / "part-0.parquet")
    assert CITIES & set(near), near


def test_a_classifier_survives_a_retraining_by_alignment(example: Command) -> None:
    said = example("retraining").stdout
    ways = ["yesterday's", "updated", "updated, aligned", "from scratch", "from scratch, aligned"]
    rows = {way: re.split(r"  +", line.strip()) for way, line in zip(ways, said.splitlines()[1:], strict=True)}
    assert [row[0] for row in rows.values()] == ways
    assert [int(row[1]) for row in rows.values()] == [40, 46, 46, 46, 46]
    cosine = {way: float(row[2]) for way, row in rows.items()}
    right = {way: share(row[3]) for way, row in rows.items()}
    assert cosine["from scratch"] < 0.5 < cosine["from scratch, aligned"]
    assert cosine["updated, aligned"] >= cosine["updated"] > 0.5
    assert right["from scratch"] < right["yesterday's"] < 0.9
    assert min(right["updated"], right["updated, aligned"], right["from scratch, aligned"]) > 0.95


def test_files_of_two_days_are_compared_without_topics(example: Command) -> None:
    for name, words in (("a.parquet", ["a", "b", "c"]), ("b.parquet", ["a", "b", "d"])):
        pl.DataFrame({"words": [words] * 50}).write_parquet(name)
    said = example("retraining", "a.parquet", "b.parquet", "words").stdout
    assert [line.split()[-4] for line in lines_of(said, "not known")] == ["3"]
    assert said.count("not known") == 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is shared")
def test_processes_that_serve_share_the_memory_of_one_file(example: Command) -> None:
    said = example("serving").stdout
    size = int(re.search(r"4 processes, one file of (\d+) MiB", said)[1])
    seen, taken = map(int, re.search(r"together they see (\d+) MiB and take (\d+) MiB", said).groups())
    assert 50 < size < 60
    # Each sees all vectors, and all together take them once, with some MiB of their own for each process.
    assert seen > 3.4 * size
    assert taken < 2 * size
    reports = [line.split() for line in said.splitlines()[2:6]]
    assert all(int(report[3].replace(",", "")) > 100 for report in reports)


def test_processes_serve_a_file_of_ones_own(example: Command, vectors_file: str) -> None:
    assert example("serving", vectors_file, 2).stdout.startswith("2 processes, one file of 0 MiB\n")


def test_a_negative_exponent_beats_popularity_and_the_default_on_sessions(example: Command) -> None:
    said = example("sessions").stdout
    popular, text, items = map(share, lines_of(said, "items for everyone", "(for text)", "(for items)"))
    assert text < 0.8 * items
    assert popular < 0.8 * items
    assert items > 0.25
    near = said.split("is near to\n")[1].splitlines()
    assert len(near) == 5
    assert all(line.split()[1].isdigit() for line in near)


def test_sessions_of_a_file_are_read_by_the_name_of_their_column(example: Command) -> None:
    pl.DataFrame({"basket": [[1, 2, 3], [4, 5, 6], [1]] * 50}).write_parquet("s.parquet")
    said = example("sessions", "s.parquet", "basket").stdout
    # After 2 comes 3, after 5 comes 6; but neither 3 nor 6 is among the items to learn from.
    assert said.startswith("100 sessions of 4 items; hit rate at 10:\n")
    assert [share(line) for line in said.splitlines()[1:4]] == [0, 0, 0]


def test_nodes_that_walks_bring_together_are_of_one_community(example: Command) -> None:
    said = example("walks").stdout
    assert re.match(r"\d+ edges, 400 nodes; 8000 walks, 1000 in memory at a time\n", said)
    node = int(re.search(r"node (\d+) is near to", said)[1])
    near = [int(line.split()[1]) for line in said.split("is near to\n")[1].split("\n\n")[0].splitlines()]
    assert sum(other % 4 == node % 4 for other in near) >= 3
    assert share(said.splitlines()[-1]) > 0.8


def test_edges_of_a_file_are_walked_both_ways(example: Command) -> None:
    edges = [("a", "b"), ("a", "c"), ("x", "y"), ("z", "x")]
    pl.DataFrame(edges, schema=["from", "to"], orient="row").write_parquet("edges.parquet")
    said = example("walks", "edges.parquet", "from", "to").stdout
    assert said.startswith("4 edges, 6 nodes; 120 walks")
