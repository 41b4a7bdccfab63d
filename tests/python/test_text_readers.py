"""Readers of plain text give the sentences that gensim's readers of the same names give."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from corpora import READERS, Sentences, facts_of, zstd
from gensim.models import word2vec as gensim
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import Command, wait_until

import polargram as pg

SMALL = {"vector_size": 8, "epochs": 2, "workers": 1, "min_count": 1}
#: By the endings of names: gensim reads the first three.
ENDINGS = [".txt", ".gz", ".bz2", ".zst", ".xz"]
GENSIM_ENDINGS = ENDINGS[:3]

#: White space of every kind, lines without words, and no break after the last line.
TEXT = (
    "the cat\tsat  \r\n\r\n \t\n\n  é\u00a0d\u2003e\u3000f\n"
    + "a b c d e f g\n" * 3
    + "nul\0 \x0bx\x1cy\x85z\nlast line"
)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".txt": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstd,
    ".xz": lzma.compress,
}


def write(path: Path, text: str | bytes) -> Path:
    """Writes a text, compressed as its name says."""
    path.write_bytes(COMPRESS[path.suffix](text.encode() if isinstance(text, str) else text))
    return path


def lists(sentences: Iterable[Iterable[str]]) -> Sentences:
    return [list(sentence) for sentence in sentences]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the files of hundreds of examples."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("ending", GENSIM_ENDINGS)
@pytest.mark.parametrize("limit", [None, 0, 1, 5, 100])
@pytest.mark.parametrize("length", [1, 3, 10_000])
def test_lines_are_the_sentences_that_gensim_reads(ending: str, limit: int | None, length: int, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{ending}", TEXT)
    ours = pg.LineSentence(path, max_sentence_length=length, limit=limit)
    assert lists(ours) == lists(gensim.LineSentence(str(path), max_sentence_length=length, limit=limit))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("as_given", [str, Path])
def test_a_compressed_text_is_the_text(ending: str, as_given: type, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{ending}", TEXT)
    expected = lists(gensim.LineSentence(io.BytesIO(TEXT.encode())))
    assert expected[1] == ["é", "d", "e", "f"]
    assert lists(pg.LineSentence(as_given(path))) == expected
    for corpus in (pg.LineSentence(as_given(path)), as_given(path)):
        assert facts_of(pg.Word2Vec(corpus, **SMALL)) == facts_of(pg.Word2Vec(expected, **SMALL))


#: Where words and lines end is what a reader gets wrong.
HARD = st.sampled_from(
    ["\n", "\r\n", "\r", " ", "  ", "\t", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u00a0", "\u2028"]
)
TEXTS = st.lists(HARD | st.text(max_size=4) | st.sampled_from(["a", "b", "zoë", "\ufeff", "\0"]), max_size=40)


@settings(max_examples=150, deadline=None)
@given(TEXTS.map("".join), st.integers(1, 4), st.none() | st.integers(0, 5), st.sampled_from([".txt", ".gz"]))
def test_any_text_is_read_as_gensim_reads_it(
    directory: Path, text: str, length: int, limit: int | None, ending: str
) -> None:
    text = text.encode("utf-8", "ignore").decode()
    path = write(directory / f"any{ending}", text)
    ours = pg.LineSentence(path, max_sentence_length=length, limit=limit)
    # Unlike gensim's, our first word does not start with a byte order mark.
    text = text.removeprefix("\ufeff")
    theirs = gensim.LineSentence(io.BytesIO(text.encode()), max_sentence_length=length, limit=limit)
    assert lists(ours) == lists(theirs)
    assert lists(pg.LineSentence(path, max_sentence_length=None)) == [
        line.split() for line in text.split("\n") if line.split()
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.binary(max_size=3) | st.sampled_from([b"\n", b" ", b"\xe2\x80", b"\xf0\x9f\x98\x80", b"a"]), max_size=30
    ),
    st.sampled_from(["replace", "ignore"]),
    st.sampled_from([".txt", ".bz2"]),
)
def test_bytes_that_are_no_text_are_replaced_or_left_out_as_python_does(
    directory: Path, pieces: list[bytes], errors: str, ending: str
) -> None:
    content = b"".join(pieces)
    path = write(directory / f"bytes{ending}", content)
    words = [line.decode("utf-8", errors).split() for line in content.split(b"\n")]
    assert lists(pg.LineSentence(path, errors=errors)) == [line for line in words if line]


@pytest.mark.parametrize("ending", ENDINGS)
def test_bytes_that_are_no_text_are_refused_with_file_and_line(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{ending}", b"good line\n" * 5000 + b"bad \xff\n" + b"good\n")
    reader = pg.LineSentence(path)
    for read in (lambda: list(reader), lambda: pg.Word2Vec(reader, **SMALL)):
        with pytest.raises(ValueError, match=rf"c{ending}, line 5001.*0xff"):
            read()
    assert len(list(pg.LineSentence(path, limit=5000))) == 5000


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_every_reader_knows_the_three_ways_with_bytes_that_are_no_text(reader: type, tmp_path: Path) -> None:
    path = write(tmp_path / "c.txt", b"one/nn\ntw\xffo/nn\n")
    with pytest.raises(ValueError, match="c.txt, line 2"):
        list(reader(path))
    assert sum(lists(reader(path, errors="replace")), []) == ["one/nn", "tw\ufffdo/nn"]
    assert sum(lists(reader(path, errors="ignore")), []) == ["one/nn", "two/nn"]
    with pytest.raises(ValueError, match="errors.*bogus.*strict"):
        reader(path, errors="bogus")


@pytest.mark.parametrize("ending", GENSIM_ENDINGS)
def test_a_directory_is_its_files_by_name(ending: str, tmp_path: Path) -> None:
    for number, name in enumerate(["b", "a10", "a2", "é"]):
        write(tmp_path / f"{name}{ending}", f"file {number}\nline two\nline three")
    write(tmp_path / "c.txt", "plain text\n")
    for limit, length in ((None, 10_000), (1, 1), (2, 10_000)):
        ours = pg.PathLineSentences(tmp_path, max_sentence_length=length, limit=limit)
        theirs = gensim.PathLineSentences(str(tmp_path), max_sentence_length=length, limit=limit)
        assert lists(ours) == lists(theirs)
    one = tmp_path / f"b{ending}"
    assert lists(pg.PathLineSentences(one)) == lists(gensim.PathLineSentences(str(one)))


def test_hidden_files_and_subdirectories_of_a_directory_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "word")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "b.txt", "deeper")
    assert lists(pg.PathLineSentences(tmp_path)) == [["word"]]


def words_of(text: str, length: int) -> Sentences:
    words = text.split()
    return [words[start : start + length] for start in range(0, len(words), length)]


@pytest.mark.parametrize("ending", GENSIM_ENDINGS)
@pytest.mark.parametrize("length", [1, 7, 999, 10_000])
def test_running_text_is_cut_as_gensim_cuts_it(ending: str, length: int, tmp_path: Path) -> None:
    # 30,000 words end in the middle of a sentence; otherwise gensim's last sentence would be a word longer.
    draw = random.Random(1)
    text = " ".join("w" * draw.randrange(1, 30) + str(number) for number in range(30_001))
    path = write(tmp_path / f"c{ending}", text)
    ours = lists(pg.Text8Corpus(path, max_sentence_length=length))
    assert ours == words_of(text, length)
    if length > 1:
        assert ours == lists(gensim.Text8Corpus(str(path), max_sentence_length=length))


@settings(max_examples=100, deadline=None)
@given(TEXTS.map("".join), st.integers(1, 4), st.sampled_from([".txt", ".xz"]))
def test_running_text_of_any_kind_is_its_words(directory: Path, text: str, length: int, ending: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    path = write(directory / f"running{ending}", text)
    words = words_of(text.removeprefix("\ufeff"), length)
    assert lists(pg.Text8Corpus(path, max_sentence_length=length)) == words


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_byte_order_mark_is_no_part_of_the_first_word(ending: str, reader: type, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{ending}", "\ufeffthe/at king/nn\n\ufeffx/nn\n")
    assert sum(lists(reader(path)), []) == ["the/at", "king/nn", "\ufeffx/nn"]


BROWN = [
    "\tThe/at-tl Fulton/np-tl County/nn-tl said/vbd ./.\n\n",
    "It/pps was/bedz 1961/cd ÉTÉ/n ΣΊΣΥΦΟΣ/nn İ/nn ,/, a/b/c plain /nn x/ y/n1 z/np$\n",
    "./. '/' --/--\n",
    "it's/pps+bez 日本/名詞\r\n",
    "no tags here at all\nlast/nn",
]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["/", " ", "\n", "\t", "The", "É", "at", "nn-tl", "n1", "np$", "*", "1", "日", "\u00a0", "ǅ"]),
        max_size=40,
    )
)
def test_tagged_text_is_read_as_gensim_reads_it(directory: Path, pieces: list[str]) -> None:
    brown = directory / "brown"
    brown.mkdir(exist_ok=True)
    write(brown / "any.txt", "".join(pieces))
    assert lists(pg.BrownCorpus(brown)) == lists(gensim.BrownCorpus(str(brown)))


def test_a_directory_of_tagged_files_is_what_gensim_reads_in_the_order_of_names(tmp_path: Path) -> None:
    for number, text in enumerate(BROWN):
        write(tmp_path / f"c{9 - number}.txt", text)
    write(tmp_path / "c4.gz", "packed/vbn\n")
    ours = lists(pg.BrownCorpus(tmp_path))
    # gensim takes the files as the system lists them.
    assert sorted(ours) == sorted(lists(gensim.BrownCorpus(str(tmp_path))))
    assert ours[0] == ["packed/vb"]
    assert ours[1] == ["last/nn"]
    assert ours[-1] == ["the/at", "fulton/np", "county/nn", "said/vb"]


def in_parts(text: str, directory: Path) -> Path:
    """A directory of three files of the text, each compressed in its own way."""
    parts = directory / "parts"
    parts.mkdir()
    lines = text.splitlines(keepends=True)
    for name, part in (("a.txt", lines[:900]), ("b.gz", lines[900:1700]), ("c.zst", lines[1700:])):
        write(parts / name, "".join(part))
    return parts


def tagged(rows: Sentences, directory: Path) -> Path:
    """A directory of one file of the rows, their words with tags."""
    brown = directory / "brown"
    brown.mkdir()
    write(brown / "ca01.txt", lines_of([[f"{word}/nn-tl" for word in row] for row in rows]))
    return brown


def lines_of(rows: Sentences) -> str:
    return "".join(" ".join(row) + "\n" for row in rows)


#: Makes a reader in a directory, and the sentences that it stands for, which are those of the rows or made of them.
Made = Callable[[Sentences, Path], tuple[object, Sentences]]
READERS_OF_FILES: dict[str, Made] = {
    "LineSentence": lambda rows, d: (pg.LineSentence(write(d / "c.txt", lines_of(rows))), rows),
    "LineSentence, xz": lambda rows, d: (pg.LineSentence(write(d / "c.xz", lines_of(rows))), rows),
    "LineSentence, limit": lambda rows, d: (
        pg.LineSentence(write(d / "c.txt", lines_of(rows)), limit=1234),
        rows[:1234],
    ),
    "LineSentence, cut": lambda rows, d: (
        pg.LineSentence(write(d / "c.xz", lines_of(rows)), max_sentence_length=5),
        [row[start : start + 5] for row in rows for start in range(0, len(row), 5)],
    ),
    "PathLineSentences": lambda rows, d: (pg.PathLineSentences(in_parts(lines_of(rows), d)), rows),
    "Text8Corpus": lambda rows, d: (
        pg.Text8Corpus(write(d / "c.txt", lines_of(rows)), max_sentence_length=100),
        words_of(lines_of(rows), 100),
    ),
    "BrownCorpus": lambda rows, d: (
        pg.BrownCorpus(tagged(rows, d)),
        [[f"{word.lower()}/nn" for word in row] for row in rows],
    ),
}
READERS_OF_OPEN_FILES: dict[str, Made] = {
    "open file": lambda rows, _: (pg.LineSentence(io.BytesIO(lines_of(rows).encode())), rows),
    "open text": lambda rows, _: (pg.LineSentence(io.StringIO(lines_of(rows))), rows),
}
MADE = {**READERS_OF_FILES, **READERS_OF_OPEN_FILES}


@pytest.mark.parametrize("name", MADE)
def test_a_model_of_a_reader_has_the_bits_of_one_of_its_lists(name: str, rows: Sentences, tmp_path: Path) -> None:
    reader, sentences = MADE[name](rows, tmp_path)
    assert lists(reader) == sentences
    model, listed = pg.Word2Vec(reader, **SMALL), pg.Word2Vec(sentences, **SMALL)
    assert facts_of(model) == facts_of(listed)
    assert np.array_equal(model.wv.vectors, listed.wv.vectors)
    streamed = pg.Word2Vec(reader, **SMALL, spool=False)
    assert np.array_equal(streamed.wv.vectors, listed.wv.vectors)


@pytest.mark.parametrize("name", READERS_OF_FILES)
def test_a_reader_starts_again_each_time_and_its_iterators_know_nothing_of_each_other(
    name: str, rows: Sentences, tmp_path: Path
) -> None:
    reader, sentences = MADE[name](rows, tmp_path)
    assert lists(reader) == lists(reader) == sentences
    first, second = iter(reader), iter(reader)
    assert iter(first) is first
    assert [next(first) for _ in range(50)] == sentences[:50]
    assert list(second) == sentences
    assert list(first) == sentences[50:]
    assert next(first, None) is next(second, None) is None


def test_an_open_file_is_read_from_its_start_each_time_in_whatever_mode(tmp_path: Path) -> None:
    path, packed = write(tmp_path / "c.txt", TEXT), write(tmp_path / "c.gz", TEXT)
    expected = lists(pg.LineSentence(path))
    with open(path, "rb") as file, gzip.open(packed, "rb") as unpacked:
        for source in (file, unpacked, io.BytesIO(TEXT.encode()), io.StringIO(TEXT, newline="\n")):
            reader = pg.LineSentence(source)
            next(iter(reader))
            assert lists(reader) == lists(reader) == expected
            assert lists(pg.LineSentence(source, limit=5, max_sentence_length=2)) == lists(
                pg.LineSentence(path, limit=5, max_sentence_length=2)
            )
    with open(path, encoding="utf-8") as file:
        assert sum(lists(pg.LineSentence(file)), []) == sum(expected, [])


def test_an_open_file_of_bytes_that_are_no_text_is_refused_or_read_as_asked() -> None:
    content = b"good\ntw\xffo\n"
    with pytest.raises(ValueError, match="the file, line 2: 'utf-8'"):
        list(pg.LineSentence(io.BytesIO(content)))
    assert lists(pg.LineSentence(io.BytesIO(content), errors="replace")) == [["good"], ["tw\ufffdo"]]
    assert lists(pg.LineSentence(io.BytesIO(content), errors="ignore")) == [["good"], ["two"]]


def test_a_text_file_that_was_opened_with_the_wrong_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "c.txt", b"good line\n" * 5000 + b"bad \xff\n")
    with open(path, encoding="utf-8") as file:
        reader = pg.LineSentence(file)
        for read in (lambda: list(reader), lambda: pg.Word2Vec(reader, **SMALL)):
            with pytest.raises(ValueError, match="Open it with the right encoding or errors") as refused:
                read()
            # Python decodes ahead of the lines that it gives.
            found = re.search(r"c\.txt, in or after line (\d+): 'utf-8'", str(refused.value))
            assert found
            assert 4000 < int(found[1]) <= 5001


def threads() -> int:
    """How many threads of this process bear its name, as the allocator's do not; none where the system does not say."""
    names = []
    for path in Path("/proc/self/task").glob("*/comm"):
        # A thread may end meanwhile.
        with suppress(OSError):
            names.append(path.read_text())
    return names.count(Path("/proc/self/comm").read_text()) if names else 0


def test_an_iterator_that_is_left_midway_holds_nothing_up(tmp_path: Path) -> None:
    path = write(tmp_path / "c.txt", "some words in a line\n" * 50_000)
    assert len(list(pg.LineSentence(path))) == 50_000
    before = threads()
    for _ in range(50):
        assert next(iter(pg.LineSentence(path))) == ["some", "words", "in", "a", "line"]
    wait_until(lambda: threads() <= before, 10)


def test_the_parts_of_a_long_file_come_in_order(tmp_path: Path) -> None:
    # Longer than the pieces that several threads read at once.
    words = [f"{number}{'x' * 500}" for number in range(40_000)]
    path = write(tmp_path / "c.txt", "\n".join(words))
    assert path.stat().st_size > 20_000_000
    assert [word for [word] in pg.LineSentence(path)] == words
    assert [word for [word] in pg.LineSentence(path, limit=20_000)] == words[:20_000]
    text = lists(pg.Text8Corpus(path, max_sentence_length=1500))
    assert text == words_of("\n".join(words), 1500)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("text", ["", "\n\n \r\n\t\n"], ids=["empty", "white"])
def test_a_text_without_words_has_no_sentences_and_trains_nothing(ending: str, text: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{ending}", text)
    assert list(pg.LineSentence(path)) == list(pg.Text8Corpus(path)) == list(pg.BrownCorpus(path)) == []
    with pytest.raises(ValueError, match="0 distinct words"):
        pg.Word2Vec(pg.LineSentence(path), **SMALL)


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_a_compressed_file_of_no_bytes_is_an_error(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"c{ending}").touch()
    with pytest.raises((ValueError, OSError), match=f"c{ending}"):
        list(pg.LineSentence(tmp_path / f"c{ending}"))


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_a_compressed_file_that_was_cut_is_an_error_wherever_it_was_cut(ending: str, tmp_path: Path) -> None:
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(400)]
    path = write(tmp_path / f"c{ending}", "\n".join(words))
    whole = path.read_bytes()
    assert len(lists(pg.LineSentence(path))) == 400
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        with pytest.raises((ValueError, OSError), match=f"c{ending}"):
            list(pg.LineSentence(path))
    with pytest.raises((ValueError, OSError), match=f"c{ending}"):
        pg.Word2Vec(pg.LineSentence(path), **SMALL)


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_what_is_not_compressed_as_its_name_says_is_an_error(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"c{ending}"
    path.write_text("these are plain words\n" * 99)
    with pytest.raises((ValueError, OSError), match=f"c{ending}"):
        list(pg.LineSentence(path))


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_files_that_were_compressed_apart_and_joined_are_one_text(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"c{ending}"
    path.write_bytes(COMPRESS[ending](b"one tw") + COMPRESS[ending](b"o\nthree"))
    assert lists(pg.LineSentence(path)) == [["one", "two"], ["three"]]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_missing_file_is_named(reader: type, tmp_path: Path) -> None:
    for read in (list, lambda corpus: pg.Word2Vec(corpus, **SMALL)):
        with pytest.raises(FileNotFoundError, match="missing.txt"):
            read(reader(tmp_path / "missing.txt"))


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    for reader in (pg.PathLineSentences, pg.BrownCorpus):
        with pytest.raises(ValueError, match="bare.*no files"):
            list(reader(tmp_path / "bare"))


@pytest.mark.parametrize("reader", [pg.LineSentence, pg.PathLineSentences, pg.Text8Corpus])
def test_sentences_of_no_words_are_refused(reader: type, tmp_path: Path) -> None:
    path = write(tmp_path / "c.txt", "a b")
    with pytest.raises(ValueError, match="max_sentence_length"):
        list(reader(path, max_sentence_length=0))


def test_a_file_that_nobody_may_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "c.txt", "a b")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(PermissionError, match="c.txt"):
        list(pg.LineSentence(path))


PIPED: dict[str, Callable[[Path], object]] = {
    **{reader.__name__: lambda pipe, reader=reader: list(reader(pipe)) for reader in READERS},
    "model of a reader": lambda pipe: pg.Word2Vec(pg.LineSentence(pipe)),
    "corpus_file": lambda pipe: pg.Word2Vec(corpus_file=pipe),
    "path": lambda pipe: pg.Word2Vec(str(pipe)),
    "URL": lambda pipe: pg.Word2Vec(pipe.as_uri()),
    "list of paths": lambda pipe: pg.Word2Vec([pipe]),
    "glob": lambda pipe: pg.Word2Vec(str(pipe.parent / "p.*")),
}


@pytest.mark.parametrize("name", ["p.txt", "p.txt.gz", "p.parquet", "p.arrow", "p.npy", "p"])
@pytest.mark.parametrize("how", PIPED)
def test_a_pipe_is_refused_with_what_to_do_and_not_waited_for(how: str, name: str, tmp_path: Path) -> None:
    pipe = tmp_path / name
    os.mkfifo(pipe)
    if (how, name) == ("glob", "p"):
        pipe = pipe.rename(tmp_path / "p.log")
    refused = (
        f"{re.escape(pipe.name)}: is not a regular file; a corpus is read more than once.*write it to a file first"
    )
    with pytest.raises(ValueError, match=refused):
        PIPED[how](pipe)


@pytest.mark.parametrize("source", ["/dev/stdin", "/dev/fd/0"])
def test_the_standard_input_is_a_corpus_by_its_name_alone(source: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "polargram", "train", source, "--output", tmp_path / "out"]
    done = subprocess.run(command, input="a b\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert re.fullmatch(rf"polargram: {source}: .*read.* more than once.*a file.*\n", done.stderr)
    assert not (tmp_path / "out").exists()
    command[4:5] = ["-", "--min-count", "1"]
    subprocess.run(command, input="a b\n", capture_output=True, text=True, timeout=60, check=True)
    assert len(pg.KeyedVectors.load(tmp_path / "out" / "vectors.arrow")) == 2


def test_an_open_pipe_is_refused_with_what_to_do() -> None:
    with subprocess.Popen([sys.executable, "-c", "print('a b')"], stdout=subprocess.PIPE) as process:
        with pytest.raises(OSError, match="more than once.*cannot be a pipe. Write it to a file first"):
            pg.Word2Vec(pg.LineSentence(process.stdout), min_count=1)
        assert process.stdout.read() == b"a b\n"


def test_a_directory_may_hold_more_files_than_a_process_may_open(python: Command, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text("a b\n")
    program = """
import resource, sys
import polargram as pg

resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
print(len(list(pg.PathLineSentences(sys.argv[1]))))
"""
    done = python("-c", program, tmp_path)
    assert done.stdout == "300\n", done.stderr
