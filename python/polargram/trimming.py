"""Rules that decide which words get a vector, beside their counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: Decides which words get a vector: a function of word, count and ``min_count``, or a Polars expression over the
#: columns ``word`` and ``count``.
TrimRule: TypeAlias = Callable[[Any, int, int], int] | pl.Expr

#: The word is kept if it occurs ``min_count`` times. The numbers are gensim's.
RULE_DEFAULT = 0
#: The word is dropped.
RULE_DISCARD = 1
#: The word is kept.
RULE_KEEP = 2


def rules_of(trim_rule: TrimRule, words: list[Any], counts: NDArray[np.uint64], min_count: int) -> NDArray[np.uint8]:
    """Return the rule of each word; ``min_count`` is the effective one."""
    if not callable(trim_rule) and not isinstance(trim_rule, pl.Expr):
        msg = f"trim_rule: {trim_rule!r} is neither a function nor a Polars expression"
        raise TypeError(msg)
    if isinstance(trim_rule, pl.Expr):
        return _rules_of_expression(trim_rule, words, counts)
    rules = np.zeros(len(words), dtype=np.uint8)
    for row, (word, count) in enumerate(zip(words, counts.tolist(), strict=True)):
        rule = trim_rule(word, count, min_count)
        if rule not in (RULE_DEFAULT, RULE_DISCARD, RULE_KEEP):
            msg = f"trim_rule: gave {rule!r} for {word!r}; expected RULE_DEFAULT, RULE_DISCARD or RULE_KEEP"
            raise ValueError(msg)
        rules[row] = rule
    return rules


def _rules_of_expression(expression: pl.Expr, words: list[Any], counts: NDArray[np.uint64]) -> NDArray[np.uint8]:
    # Integers beyond Int64 are unsigned.
    texts = not words or isinstance(words[0], str)
    data_type = pl.String if texts else pl.UInt64 if max(words) >= 2**63 else pl.Int64
    frame = pl.DataFrame({"word": words, "count": counts}, schema_overrides={"word": data_type})
    try:
        rule = frame.select(rule=expression)["rule"]
    except pl.exceptions.PolarsError as error:
        msg = f"trim_rule: the expression fails over the columns word and count: {error}"
        raise ValueError(msg) from error
    if len(rule) != len(words):
        msg = f"trim_rule: the expression gives {len(rule)} values for {len(words)} words"
        raise ValueError(msg)
    if rule.dtype == pl.Boolean:
        rule = rule.replace_strict({True: RULE_KEEP, False: RULE_DISCARD}, return_dtype=pl.UInt8)
    if not (rule.dtype.is_integer() or rule.dtype == pl.Null):
        msg = f"trim_rule: the expression gives {rule.dtype}; expected true, false and null, or 0, 1 and 2"
        raise ValueError(msg)
    wrong = rule.filter(~rule.is_between(RULE_DEFAULT, RULE_KEEP))
    if len(wrong) > 0:
        msg = f"trim_rule: the expression gave {wrong[0]}; expected true, false and null, or 0, 1 and 2"
        raise ValueError(msg)
    return rule.fill_null(RULE_DEFAULT).cast(pl.UInt8).to_numpy()
