"""The settled output: one MIME bundle that needs no kernel, no script and no trust.

A page that does not trust a notebook drops `image/svg+xml` and strips `<svg>` and `<style>` from
HTML, but keeps `<img>` with a data URI, inline styles, `<details>` and tables: the HTML is made of
those alone. A bundle with a widget type beside these would show an error after reopening instead
of them, so there is none.
"""

import base64
from collections.abc import Sequence
from typing import Final, NamedTuple

from cellgraph_notebook import wording
from cellgraph_notebook.snapshot import Cause, GroupState, Snapshot
from cellgraph_notebook.svg import graph_svg, run_svg
from cellgraph_notebook.svgparts import xml
from cellgraph_notebook.text_table import report

_SUMMARY: Final = "cursor:pointer;padding:2px 0;opacity:.8"
_TABLE: Final = "border-collapse:collapse;font-size:12px;margin:4px 0 8px"
_CELL: Final = "text-align:left;padding:2px 12px 2px 0;border-bottom:1px solid rgba(128,128,128,.3)"
_PRE: Final = "font-size:11px;line-height:1.4;margin:2px 0 8px;white-space:pre-wrap"
# A notebook is a file people share: enough logs to see what happened, not all of them.
_LOGS: Final = 10
_WRAP: Final = "max-width:920px;font-family:system-ui,-apple-system,'Segoe UI',sans-serif"
_WRAP_SMALL: Final = f"{_WRAP};font-size:12.5px"


class Bundle(NamedTuple):
    """What `display(data, raw=True, metadata=metadata)` takes."""

    data: dict[str, str]
    metadata: dict[str, object]


def run_bundle(snapshot: Snapshot) -> Bundle:
    """Return the settled view of a run from a whole snapshot."""
    svg = run_svg(snapshot)
    alt = f"{snapshot['label']}: {wording.text(wording.status_line(snapshot))}"
    parts = [_image(svg, alt), _table(snapshot["groups"])]
    parts += [_log(cause) for cause in (snapshot["failures"] or [])[:_LOGS]]
    return _bundle(snapshot, svg, "".join(parts), report(snapshot))


def graph_bundle(snapshot: Snapshot) -> Bundle:
    """Return the picture of an expression that has not run, from a model fed its calls alone."""
    svg = graph_svg(snapshot)
    calls = wording.plural(snapshot["totals"]["calls"], "call")
    alt = f"{snapshot['label']}: {calls} in {wording.plural(len(snapshot['groups']), 'group')}"
    return _bundle(snapshot, svg, _image(svg, alt), report(snapshot))


def brief_bundle(snapshot: Snapshot) -> Bundle:
    """Return one line, for a run too short to draw."""
    line = wording.brief_line(snapshot)
    html = f'<div style="{_WRAP_SMALL};opacity:.85">{xml(line)}</div>'
    return Bundle({"text/html": html, "text/plain": line}, run_metadata(snapshot["run"]))


def run_metadata(run_id: str) -> dict[str, object]:
    """Return the metadata by which an output is found again and settled later."""
    return {"cellgraph": {"run_id": run_id}}


def _bundle(snapshot: Snapshot, svg: str, html: str, plain: str) -> Bundle:
    data = {
        "text/html": f'<div style="{_WRAP_SMALL}">{html}</div>',
        "image/svg+xml": svg,
        "text/plain": plain,
    }
    return Bundle(data, run_metadata(snapshot["run"]))


def _image(svg: str, alt: str) -> str:
    encoded = base64.b64encode(svg.encode()).decode()
    style = "display:block;max-width:100%;height:auto;margin:0 0 6px"
    return f'<img alt="{xml(alt)}" style="{style}" src="data:image/svg+xml;base64,{encoded}">'


def _table(groups: Sequence[GroupState]) -> str:
    rows = [wording.table_row(group) for group in groups]
    return table_details(wording.table_title(len(groups)), wording.TABLE_COLUMNS, rows)


def table_details(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table to be opened by a click, as HTML."""
    head = "".join(f'<th style="{_CELL}">{xml(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{xml(c)}</td>' for c in row) + "</tr>"
        for row in rows
    )
    table = f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return _details(title, table)


def _log(cause: Cause) -> str:
    log = wording.cause_log(cause)
    if not log:
        return ""
    title = f"✕ {wording.cause_calls(cause)} · {cause['error']} · log"
    return _details(title, f'<pre style="{_PRE}">{xml(log)}</pre>')


def _details(title: str, body: str) -> str:
    return f'<details><summary style="{_SUMMARY}">{xml(title)}</summary>{body}</details>'
