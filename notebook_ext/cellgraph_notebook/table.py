"""A small table as an output: text everywhere, HTML with inline styles where it can be shown."""

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

_SHORT = 24  # characters that stay on one line: a time, a name, a duration
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"


class Table(NamedTuple):
    """A title, column names, and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    def __repr__(self) -> str:
        if not self.rows:
            return self.title
        widths = [
            max(len(r[i]) for r in (self.columns, *self.rows)) for i in range(len(self.columns))
        ]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip()
            for r in (self.columns, *self.rows)
        ]
        return "\n".join([self.title, *lines])

    def _html(self) -> str:
        said = html.escape(self.title).replace("\n", "<br>")
        title = f'<div style="margin:2px 0 4px">{said}</div>'
        if not self.rows:
            return title
        head = "".join(
            f'<th style="{_CELL};font-weight:600">{html.escape(c)}</th>' for c in self.columns
        )
        body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in self.rows)
        rows = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'{title}<table style="border-collapse:collapse">{rows}</table>'


def _cell(text: str) -> str:
    short = ";white-space:nowrap" if len(text) <= _SHORT else ""
    return f'<td style="{_CELL}{short}">{html.escape(text)}</td>'
