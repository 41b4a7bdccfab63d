"""What a training tells of itself: JSON lines, metrics, reports; and pictures."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from runs import Command, only_line

import polargram as pg

SVG = "{http://www.w3.org/2000/svg}"
FAST = ["--epochs", 3, "--vector-size", 12, "--workers", 2]


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.fixture(scope="module")
def trained(command: Command, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("reports")
    (here / "pairs.tsv").write_text("king\tqueen\t8\nking\tmonday\t1\nmonday\ttuesday\t9\n")
    about = ["--metrics", here / "metrics.json", "--report", here / "report.html"]
    measured = ["--analogies", sample / "questions.txt", "--pairs", here / "pairs.tsv"]
    done = command("train", sample, "--output", here / "out", *FAST, "--log-format", "json", *about, *measured)
    (here / "log").write_text(done.stderr)
    return here


def test_each_line_of_the_log_is_an_object(trained: Path) -> None:
    lines = [json.loads(line) for line in (trained / "log").read_text().splitlines()]
    assert all("phase" in line or "message" in line for line in lines)
    done = next(line for line in lines if line.get("phase") == "done")
    assert done["vocab"]["words"] == 2762
    assert {"vocabulary", "training"} & {line.get("phase") for line in lines}


def test_faults_and_notes_are_objects_too(command: Command, sample: Path, tmp_path: Path) -> None:
    log = ["--log-format", "json"]
    (failed,) = objects(command(*log, "train", tmp_path / "none.parquet", "--output", tmp_path, code=3))
    assert failed["level"] == "error"
    assert "none.parquet" in failed["message"]
    notes = objects(command(*log, "train", sample, "--output", tmp_path, *FAST))
    assert any("reads 4 files" in str(line.get("message")) for line in notes)


@pytest.mark.parametrize(("style", "wanted"), [("none", 0), ("json", 1), ("auto", 1)])
def test_progress_is_shown_as_asked(command: Command, sample: Path, tmp_path: Path, style: str, wanted: int) -> None:
    done = command("train", sample, "--output", tmp_path, *FAST, "--progress", style)
    lines = [
        line for line in done.stderr.splitlines() if re.match(r'polargram: [a-z]+|\{"', line) and "reads" not in line
    ]
    assert len(lines) >= wanted
    if style == "none":
        assert lines == []
    if style == "json":
        training = [line for line in map(json.loads, lines) if line["phase"] == "training"]
        assert all(line["total"] >= line["words"] and 0 <= line["rate"] <= 0.025 for line in training)


def test_metrics_tell_what_was_read_trained_and_written(trained: Path, sample: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    files = sorted(sample.glob("*.parquet"))
    assert metrics["inputs"] == [{"name": str(path), "bytes": path.stat().st_size} for path in files]
    assert metrics["corpus"] == {"sentences": 13_349, "words": 200_003}
    assert (metrics["vocab"]["words"], metrics["vocab"]["distinct"]) == (2762, 2919)
    assert metrics["parameters"]["vector_size"] == 12
    assert metrics["version"] == pg.__version__
    written = trained / "out" / "vectors.arrow"
    digest = hashlib.sha256(written.read_bytes()).hexdigest()
    assert metrics["outputs"] == [{"name": str(written), "bytes": written.stat().st_size, "sha256": digest}]
    timings = metrics["timings"]
    assert sum(timings.values()) <= metrics["seconds"]
    assert all(seconds >= 0 for seconds in timings.values())
    assert metrics["peak_memory"] > 1 << 20
    assert len(metrics["training"]["losses"]) == 3
    assert metrics["training"]["words_per_second"] > 0
    assert metrics["evaluation"]["pairs"][0]["pairs"] == 3


def test_the_history_goes_from_the_first_rate_to_the_last(trained: Path) -> None:
    history = json.loads((trained / "metrics.json").read_text())["history"]
    assert len(history) >= 3
    words, rates = [moment["words"] for moment in history], [moment["rate"] for moment in history]
    assert words == sorted(words)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(1e-4, abs=1e-3)
    losses = [moment["loss"] for moment in history if moment["loss"] is not None]
    assert losses[-1] < losses[0]


def test_the_loss_within_epochs_adds_up_to_that_of_the_epochs(command: Command, sample: Path, tmp_path: Path) -> None:
    options = ["--sg", 1, "--compute-loss", "--workers", 1, "--epochs", 1, "--vector-size", 8, "--quiet"]
    printed = command("train", sample, "--output", tmp_path, *options, "--metrics", "-").stdout
    metrics = json.loads(printed)
    (epoch,) = metrics["training"]["losses"]
    losses = [moment["loss"] for moment in metrics["history"] if moment["loss"] is not None]
    assert min(losses) <= epoch <= max(losses)


def test_a_report_shows_everything_on_one_page(trained: Path) -> None:
    page = (trained / "report.html").read_text()
    for text in ("Loss of an example", "Learning rate", "Occurrences of the words", "Neighbours", "Spearman", "<svg"):
        assert text in page
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)
    assert page.count('class="changed"') == 4, "vector_size, epochs, workers, compute_loss"


def test_metrics_without_a_report_add_up_no_loss(command: Command, sample: Path, tmp_path: Path) -> None:
    command("train", sample, "--output", tmp_path, *FAST, "--metrics", tmp_path / "m.json", "--quiet")
    metrics = json.loads((tmp_path / "m.json").read_text())
    assert metrics["parameters"]["compute_loss"] is False
    assert metrics["training"]["losses"] == [None, None, None]


def texts(path: Path) -> tuple[list[str], list[str]]:
    """The labels of a map, and the words of its points."""
    root = ElementTree.parse(path).getroot()
    groups = root.findall(f".//{SVG}g[@class='word']")
    labels = [label.text or "" for group in groups for label in group.findall(f"{SVG}text")]
    return labels, [group.findtext(f"{SVG}circle/{SVG}title") or "" for group in groups]


def test_a_map_shows_the_most_frequent_words(
    command: Command, model: pg.Word2Vec, vectors_file: str, tmp_path: Path
) -> None:
    command("plot", "--vectors", vectors_file, "--top", 150, "--output", tmp_path / "map.svg")
    labels, words = texts(tmp_path / "map.svg")
    assert words == model.wv.index_to_key[:150]
    assert 50 <= len(labels) <= 150
    assert set(labels) <= set(words)
    printed = command("plot", "--vectors", vectors_file, "--top", 150, "--output", "-").stdout
    assert printed == (tmp_path / "map.svg").read_text()


def test_a_map_shows_chosen_words_and_their_neighbours(
    command: Command, model: pg.Word2Vec, vectors_file: str, tmp_path: Path
) -> None:
    near = [word for word, _ in model.wv.most_similar("monday", topn=3)]
    options = ["--words", "monday", "king", "--neighbours", 3, "--title", "A & <b>"]
    command("plot", "--vectors", vectors_file, *options, "--output", tmp_path / "map.svg")
    words = texts(tmp_path / "map.svg")[1]
    assert words[:2] == ["monday", "king"]
    assert set(near) <= set(words)
    page = command("plot", "--vectors", vectors_file, *options, "--output", tmp_path / "map.html")
    assert page.stdout == ""
    text = (tmp_path / "map.html").read_text()
    assert "A &amp; &lt;b&gt;" in text
    assert not re.search(r"https?:|src=|href=|@import|url\(", text)
    data = json.loads(re.search(r'id="words">(.*?)</script>', text).group(1))
    assert [word[0] for word in data] == words
    assert all(0 <= word[2] <= 1 and 0 <= word[3] <= 1 for word in data)


def test_hostile_words_are_text(command: Command, tmp_path: Path) -> None:
    words = ["</script><script>alert(1)</script>", "<svg onload=x>", "\"'&", "a\x00b", "\u202eright", "日本語"]
    frame = pl.DataFrame({"word": words, "vector": [[float(i), 1.0, i * i / 9] for i in range(6)]})
    frame.write_parquet(tmp_path / "v.parquet")
    command("plot", "--vectors", tmp_path / "v.parquet", "--output", tmp_path / "map.svg")
    assert texts(tmp_path / "map.svg")[1] == [word.replace("\x00", "\ufffd") for word in words]
    command("plot", "--vectors", tmp_path / "v.parquet", "--output", tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text()
    assert text.count("<script") == text.count("</script>") == 2


def test_the_curve_of_a_training_is_drawn_from_its_metrics(command: Command, trained: Path, tmp_path: Path) -> None:
    command("plot", "--metrics", trained / "metrics.json", "--output", tmp_path / "curve.svg")
    root = ElementTree.parse(tmp_path / "curve.svg").getroot()
    assert len(root.findall(f".//{SVG}path[@class='line s0']")) == 2
    command("plot", "--metrics", trained / "metrics.json", "--output", tmp_path / "curve.html")
    assert (tmp_path / "curve.html").read_text().count("<figure>") == 2
    (tmp_path / "other.json").write_text('{"a": 1}')
    message = only_line(command("plot", "--metrics", tmp_path / "other.json", "--output", tmp_path / "c.svg", code=3))
    assert "train --metrics" in message
