"""How well vectors agree with what people say about words, with gensim's names."""

from __future__ import annotations

import io
import logging
import os
from typing import Any, Literal, TypeAlias, TypedDict

from polargram import _polargram
from polargram._polargram import Vectors
from polargram.correlation import Correlation, pearson, spearman

__all__ = ["Evaluation", "Section"]

logger = logging.getLogger("polargram")

_Path: TypeAlias = str | os.PathLike[str]
_Question: TypeAlias = tuple[str, str, str, str]


class Section(TypedDict):
    """A section of a file of analogy questions, and how its questions were answered."""

    section: str
    correct: list[_Question]
    incorrect: list[_Question]


class Evaluation(Vectors):
    """The part of ``KeyedVectors`` that measures quality."""

    def evaluate_word_analogies(
        self,
        analogies: _Path,
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: Literal["most_similar", "most_similar_cosmul"] = "most_similar",
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> tuple[float, list[Section]]:
        """Answer questions such as *man is to king as woman is to what?*, and give the share of right answers.

        All questions are searched for at once, on all cores. Shares are logged by the logger ``polargram``.

        Parameters
        ----------
        analogies
            A file, which may be compressed (gzip, bzip2, xz, Zstandard) or the URL of a store (``s3://…``): lines of
            four words, in sections that start with a line ``: name``. Other lines are skipped.
        restrict_vocab
            Only so many first words are known, as question and as answer. None: all.
        case_insensitive
            True compares words in upper case; of several that are equal then, the first counts.
        dummy4unknown
            True counts questions with unknown words as answered wrong; False skips them.
        similarity_function
            ``"most_similar"``, or ``"most_similar_cosmul"``, which takes longer. (gensim takes the first, whatever this
            says.)
        storage_options
            For a file in a store, as in :func:`polars.scan_parquet`.

        Returns
        -------
        tuple
            The share of right answers, and a list of sections: dicts of the name ``"section"`` and of the questions
            ``"correct"`` and ``"incorrect"``. The last section, ``"Total accuracy"``, has all questions.

        Raises
        ------
        ValueError
            For a file that has no questions, is not UTF-8, or does not start with a section.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> _ = pathlib.Path("questions.txt").write_text(": animals\\nthe cat the dog\\n")
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> wv.evaluate_word_analogies("questions.txt", dummy4unknown=True)[0]
        0.0
        """
        logger.info("evaluating word analogies of %s for the first %s words", analogies, restrict_vocab)
        text = _polargram.file_bytes(analogies, storage_options)
        sections, questions, unknown, invalid = _polargram.evaluate_analogies(
            self,
            os.fspath(analogies),
            text,
            self._first_rows(restrict_vocab),
            case_insensitive,
            dummy4unknown,
            similarity_function,
        )
        for line in invalid:
            logger.info("line %d of %s is not a question of four words: skipped", line, analogies)
        scored = [Section(section=name, correct=right, incorrect=wrong) for name, right, wrong in sections]
        for section in scored:
            self.log_accuracy(section)
        total = Section(
            section="Total accuracy",
            correct=[words for section in scored for words in section["correct"]],
            incorrect=[words for section in scored for words in section["incorrect"]],
        )
        effect = "count as wrong" if dummy4unknown else "were left out; dummy4unknown=True counts them as wrong"
        logger.info("%.1f%% of the questions have words that are not known; they %s", 100 * unknown / questions, effect)
        self.log_accuracy(total)
        answered = len(total["correct"]) + len(total["incorrect"])
        return len(total["correct"]) / answered if answered else 0.0, [*scored, total]

    @staticmethod
    def log_accuracy(section: Section) -> None:
        """Log the share of right answers of a section, at level INFO.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.KeyedVectors.log_accuracy({"section": "family", "correct": [], "incorrect": []})
        """
        correct, incorrect = len(section["correct"]), len(section["incorrect"])
        if correct + incorrect:
            share = 100 * correct / (correct + incorrect)
            logger.info("%s: %.1f%% (%i/%i)", section["section"], share, correct, correct + incorrect)

    def evaluate_word_pairs(
        self,
        pairs: _Path,
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        *,
        storage_options: dict[str, Any] | None = None,
    ) -> tuple[Correlation, Correlation, float]:
        """Give the correlation of cosines with people's judgements of how similar words are.

        Parameters
        ----------
        pairs
            A file, which may be compressed (gzip, bzip2, xz, Zstandard) or the URL of a store (``s3://…``): lines of
            two words and a number. Lines that start with ``#`` are comments, others are skipped.
        delimiter
            What stands between them.
        encoding
            Of the file.
        restrict_vocab
            Only so many first words are known. None: all.
        case_insensitive
            True compares words in upper case; of several that are equal then, the first counts.
        dummy4unknown
            True takes 0 as the cosine of pairs with an unknown word; False skips them.
        storage_options
            For a file in a store, as in :func:`polars.scan_parquet`.

        Returns
        -------
        tuple
            Pearson's correlation and Spearman's, each with its p-value (``.statistic`` and ``.pvalue``, or as a tuple
            of the two), and the pairs with unknown words in percent.

        Raises
        ------
        ValueError
            For a file that has fewer than two pairs of known words, or another encoding.
        OSError
            For a file that cannot be read.

        Examples
        --------
        >>> import pathlib, polargram as pg
        >>> _ = pathlib.Path("pairs.tsv").write_text("the\\tcat\\t1.5\\nsat\\tcat\\t7\\nsat\\tdog\\t6\\n")
        >>> wv = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=4).wv
        >>> pearson, spearman, unknown = wv.evaluate_word_pairs("pairs.tsv")
        >>> abs(pearson.statistic), abs(round(spearman[0])), round(unknown, 1)
        (1.0, 1, 33.3)
        """
        judged, skipped = _judgements(pairs, delimiter, encoding, storage_options)
        for line in skipped:
            logger.info("line %d of %s is not two words and a number: skipped", line, pairs)
        words = [(a, b) for a, b, _ in judged]
        cosines = _polargram.similarities_of_words(self, words, self._first_rows(restrict_vocab), case_insensitive)
        unknown = cosines.count(None)
        compared = [
            (judgement, cosine or 0.0)
            for (_, _, judgement), cosine in zip(judged, cosines, strict=True)
            if dummy4unknown or cosine is not None
        ]
        if len(compared) < 2:
            msg = (
                f"{os.fspath(pairs)}: has {len(compared)} pairs of known words, which are too few; "
                f"{unknown} have unknown words, and {len(skipped)} lines are not two words and a number with "
                f"{delimiter!r} between them"
            )
            raise ValueError(msg)
        judgements, similarities = zip(*compared, strict=True)
        correlations = pearson(judgements, similarities), spearman(judgements, similarities)
        share = 100 * unknown / len(judged)
        self.log_evaluate_word_pairs(*correlations, share, pairs)
        return *correlations, share

    @staticmethod
    def log_evaluate_word_pairs(
        pearson: tuple[float, float], spearman: tuple[float, float], oov: float, pairs: object
    ) -> None:
        """Log what :meth:`evaluate_word_pairs` gives, at level INFO.

        Examples
        --------
        >>> import polargram as pg
        >>> pg.KeyedVectors.log_evaluate_word_pairs((0.6, 0.01), (0.7, 0.01), 5.0, "wordsim353.tsv")
        """
        logger.info("Pearson's correlation with %s: %.4f", pairs, pearson[0])
        logger.info("Spearman's correlation with %s: %.4f", pairs, spearman[0])
        logger.info("pairs with unknown words: %.1f%%", oov)

    def _first_rows(self, restrict_vocab: int | None) -> int:
        """Give how many rows a slice to ``restrict_vocab`` has."""
        return len(range(len(self))[:restrict_vocab])


def _judgements(
    pairs: _Path, delimiter: str, encoding: str, storage_options: dict[str, Any] | None
) -> tuple[list[tuple[str, str, float]], list[int]]:
    """Read pairs of words and numbers, and give the lines that are none, from 1."""
    judged, skipped = [], []
    data = _polargram.file_bytes(pairs, storage_options)
    try:
        lines = io.TextIOWrapper(io.BytesIO(data), encoding=encoding).readlines()
    except UnicodeError as error:
        msg = f"{os.fspath(pairs)}: {error}; name its encoding with encoding="
        raise ValueError(msg) from error
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        try:
            a, b, judgement = line.split(delimiter)
            judged.append((a, b, float(judgement)))
        except ValueError:
            skipped.append(number)
    return judged, skipped
