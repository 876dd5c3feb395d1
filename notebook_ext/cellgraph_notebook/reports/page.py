"""The page of a run: what happened, why, for how long and how much, in one file. Pure.

It needs no script and no network, and follows the reader's light or dark.
"""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cellgraph.callbook import SHOWN, StoredCall
from cellgraph.pages import head
from cellgraph.provenance import RunSummary
from cellgraph.secret import hidden
from cellgraph_notebook import wording
from cellgraph_notebook.palette import in_dark
from cellgraph_notebook.reports.values import as_html
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.svg import run_svg
from cellgraph_notebook.wording import count, duration, plural

_CALLS: Final = 50  # the longest, and all that failed
_LOGS: Final = 30
_LONG: Final = 24  # characters that stay on one line


class Contents(NamedTuple):
    """What a page is made of. `when` and `due` are texts in the reader's words; `facts` rows of
    name and text; `formats` of the value, empty if it has none to show; `error` with traceback."""

    run: RunSummary
    snapshot: Snapshot
    calls: Sequence[StoredCall]
    when: str
    due: str
    formats: Mapping[str, str]
    error: str
    printed: Mapping[str, str]  # by cell
    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    again: str  # the command that runs it again


def write_page(of: Contents) -> str:
    """The whole page."""
    run = of.run
    name = run.scheduled.name if run.scheduled is not None else run.label
    parts = [
        head(f"{name}: {run.status}"), "<body>", _top(of, name), _cards(of),
        _section("What went wrong", _error(of.error)) if of.error else "",
        _section("Result", f'<div class="card">{as_html(of.formats)}</div>') if of.formats else "",
        _section("Graph", _graph(of.snapshot)) if of.snapshot["groups"] else "",
        _section("Tasks", _tasks(of)) if of.snapshot["groups"] else "",
        _section("Calls", _calls(of.calls)) if of.calls else "",
        _section("Printed", _printed(of)),
        _section("Inputs", _pairs(of.inputs)) if of.inputs else "",
        _section("Outputs", _pairs(of.outputs)) if of.outputs else "",
        _section("This run", _pairs(of.facts)),
        _foot(of.again),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _foot(again: str) -> str:
    return (
        '<footer class="soft"><p>Made by Cellgraph. This page needs no network and no kernel.</p>'
        f"<p>Run it again, only what has no result: <code>{html.escape(again)}</code></p>"
        "</footer>\n</body>\n</html>\n"
    )


def _top(of: Contents, name: str) -> str:
    run = of.run
    due = f" · due {html.escape(of.due)}" if of.due else ""
    return (
        f'<header><h1>{html.escape(name)} <span class="pill {html.escape(run.status)}">'
        f"{wording.PILL[of.snapshot['status']]}</span></h1>"
        f'<p class="soft"><code>{html.escape(run.label)}</code><br>'
        f"{html.escape(of.when)}{due} · run <code>{html.escape(run.id)}</code></p></header>"
    )


def _cards(of: Contents) -> str:
    run = of.run
    saved = f", {duration(run.saved_s)} of work saved" if run.reused and run.saved_s else ""
    shares = {"reused": run.reused, "ran": run.executed, "failed": run.failed}
    total = max(1, sum(shares.values()))
    bar = "".join(
        f'<i class="{kind}" style="width:{100 * number / total:.2f}%"></i>'
        for kind, number in shares.items()
    )
    cards = [
        ("took", duration(run.elapsed_s), "from start to end"),
        ("ran", count(run.executed), f"{plural(run.executed, 'call')} computed"),
        ("reused", count(run.reused), f"found in the store{saved}"),
    ]
    if run.failed:
        cards.append(("failed", count(run.failed), plural(run.failed, "call")))
    jobs = of.snapshot["jobs"]
    usd, hours = sum(job["usd"] for job in jobs), sum(job["vcpu_hours"] for job in jobs)
    if jobs:
        price = f"${usd:,.2f}" if usd else f"{hours:.2f} vCPU h"
        cards.append(("cost", price, f"{plural(len(jobs), 'job')}, {hours:.2f} vCPU hours"))
    said = "".join(
        f'<article class="card"><div class="soft">{title}</div><div class="time">{big}</div>'
        f'<div class="soft">{small}</div></article>'
        for title, big, small in cards
    )
    rule = f'<div class="bar" aria-hidden="true" style="margin-top:14px">{bar}</div>'
    return f'<section class="runs few" aria-label="In numbers">{said}</section>{rule}'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>\n{body}</section>" if body else ""


def _error(text: str) -> str:
    first, _, rest = text.partition("\n")
    said = f'<p class="bad">✕ {html.escape(first)}</p>'
    trace = f"<pre><span>{html.escape(rest.strip(chr(10)))}</span></pre>" if rest.strip() else ""
    return f'<div class="card">{said}{trace}</div>'


def _graph(snapshot: Snapshot) -> str:
    svg = hidden(run_svg(snapshot), markup=True)
    alt = html.escape(f"{snapshot['label']}: {wording.text(wording.status_line(snapshot))}")
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{_source(in_dark(svg))}">'
        f'<img class="graph" alt="{alt}" src="{_source(svg)}"></picture>'
    )


def _source(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _tasks(of: Contents) -> str:
    rows = [wording.table_row(group) for group in of.snapshot["groups"]]
    used = [n for n in range(len(rows[0])) if n < 3 or any(row[n] != "–" for row in rows)]
    columns = [wording.TABLE_COLUMNS[n] for n in used]
    return _table(columns, [[row[n] for n in used] for row in rows])


def _calls(calls: Sequence[StoredCall]) -> str:
    failed = [call for call in calls if call.status == "failed"]
    ran = sorted((c for c in calls if c.status == "done"), key=lambda call: -call.elapsed_s)
    shown = [*failed, *ran[: max(0, _CALLS - len(failed))]]
    cpu, memory = any(c.cpu_s for c in shown), any(c.peak_bytes for c in shown)
    columns = ["call", "task", "arguments", "time", *["CPU"] * cpu, *["memory"] * memory, "on", ""]
    rows = [
        [
            call.id[:SHOWN],
            call.task,
            wording.shorten(", ".join(call.arguments), 120),
            duration(call.elapsed_s),
            *[duration(call.cpu_s) if call.cpu_s else "–"] * cpu,
            *[f"{call.peak_bytes / 1e6:,.0f} MB" if call.peak_bytes else "–"] * memory,
            call.executor,
            "✕ failed" if call.status == "failed" else "",
        ]
        for call in shown
    ]
    left = len(calls) - len(shown)
    note = f'<p class="soft">and {plural(left, "shorter call")}</p>' if left > 0 else ""
    return _table(columns, rows) + note


def _printed(of: Contents) -> str:
    """What cells and calls have printed, each to be opened."""
    said = [(f"cell {cell}", text) for cell, text in of.printed.items()]
    calls = sorted((c for c in of.calls if c.log.strip()), key=lambda call: call.started)
    said += [(f"{call.task} {call.id[:SHOWN]}", call.log) for call in calls[:_LOGS]]
    more = len(calls) - _LOGS
    note = f'<p class="soft">and the prints of {plural(more, "call")}</p>' if more > 0 else ""
    return (
        "".join(
            f"<details><summary>{html.escape(title)}</summary>"
            f"<pre><span>{html.escape(text.rstrip())}</span></pre></details>"
            for title, text in said
        )
        + note
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(text)}</td></tr>'
        for name, text in pairs
    )
    return f'<div class="card scroll"><table class="pairs"><tbody>{rows}</tbody></table></div>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return (
        f'<div class="card scroll"><table class="near"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    kind = ' class="long"' if len(text) > _LONG else ""
    return f"<td{kind}>{html.escape(text)}</td>"
