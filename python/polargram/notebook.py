"""What a notebook shows of models and vectors, and of a job that takes long."""

from __future__ import annotations

import html
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["in_notebook", "page_of", "progress_bar"]


def page_of(title: str, facts: Iterable[tuple[str, object]], columns: Sequence[str] = (), rows: Any = ()) -> str:
    """Return a title, facts and a table as a piece of HTML. All are text: none of it is taken as HTML."""
    listed = "".join(f"<tr><th {_START}>{_text(name)}</th><td {_START}>{_text(fact)}</td></tr>" for name, fact in facts)
    parts = [f"<strong>{_text(title)}</strong>", f"<table><tbody>{listed}</tbody></table>"]
    if columns:
        head = "".join(f"<th {_START}>{_text(name)}</th>" for name in columns)
        body = "".join("<tr>" + "".join(f"<td {_START}>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return f"<div>{''.join(parts)}</div>"


_START = 'style="text-align:start"'
#: A key may be as long as a book.
_LONGEST = 80


def _text(value: object) -> str:
    text = str(value)
    return html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def in_notebook() -> bool:
    """Tell whether this code runs in the kernel of a notebook."""
    # A program that has not loaded IPython does not run in it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def progress_bar(phase: str, total: int) -> Any:
    """Return a bar of tqdm's for so many words, 0 if not known; None without tqdm."""
    try:
        with warnings.catch_warnings():
            # Without ipywidgets the bar is of text, which tqdm warns of.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm  # noqa: PLC0415
    except ImportError:
        return None
    return tqdm(desc=phase, total=total or None, unit=" words", unit_scale=True)
