"""Small pieces of HTML with inline styles: what results show where there is a browser.

Text is escaped here. Colours are left to the page, so that light and dark themes both work.
"""

import html
from collections.abc import Sequence

_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"
_NUMBER = "padding:2px 12px 2px 0;text-align:right;vertical-align:top"


def lines(texts: Sequence[str]) -> str:
    """One block per text, the first in bold."""
    first, *rest = texts
    head = f'<div style="font-weight:600">{html.escape(first)}</div>'
    return head + "".join(f"<div>{html.escape(text)}</div>" for text in rest)


def diff(text: str) -> str:
    """A unified diff, or nothing; what was removed and what came is marked by sign and colour."""
    if not text:
        return ""
    shown = "\n".join(_marked(line) for line in text.splitlines())
    return f'<pre style="margin:4px 0;padding:4px 8px;border-left:2px solid #888">{shown}</pre>'


def _marked(line: str) -> str:
    escaped = html.escape(line)
    if line.startswith(("+++", "---")):
        return escaped
    if line.startswith("+"):
        return f'<span style="color:#2e7d32">{escaped}</span>'
    return f'<span style="color:#c62828">{escaped}</span>' if line.startswith("-") else escaped


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int]) -> str:
    """A table of texts; the columns at *numbers* are set to the right."""

    def cell(tag: str, text: str, at: int) -> str:
        style = _NUMBER if at in numbers else _CELL
        return f'<{tag} style="{style}">{html.escape(text)}</{tag}>'

    head = "".join(cell("th", c, i) for i, c in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(cell("td", c, i) for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    head = f"<thead><tr>{head}</tr></thead>"
    return f'<table style="border-collapse:collapse">{head}<tbody>{body}</tbody></table>'
