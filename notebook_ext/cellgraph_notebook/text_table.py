"""The run as plain text: for terminals, logs, and whatever shows nothing better."""

from collections.abc import Sequence
from unicodedata import east_asian_width

from cellgraph_notebook import remote_wording, wording
from cellgraph_notebook.snapshot import Snapshot

_WIDEST = 48
_FAILED = 3


def report(snapshot: Snapshot) -> str:
    """Return label, totals, a line per group, remote job and cause of failure; no last newline."""
    state = wording.PILL[snapshot["status"]]
    lines = [f"{snapshot['label']} · {state}".removeprefix(" · ")]
    if snapshot["status"] != "planned":
        lines.append(wording.text(wording.status_line(snapshot)))
    rows = [wording.table_row(group) for group in snapshot["groups"]]
    if rows:
        lines += ["", *table(wording.TABLE_COLUMNS, rows)]
    return "\n".join([*lines, *job_lines(snapshot), *failure_lines(snapshot)])


def job_lines(snapshot: Snapshot) -> list[str]:
    """Return one line per remote job, and up to three per job for children that failed."""
    lines: list[str] = []
    for job in snapshot["jobs"]:
        lines.append(remote_wording.job_line(job))
        failed = job["failed"]
        lines += [f"  ✕ {f['call']} {remote_wording.failed_child(f)}" for f in failed[:_FAILED]]
        if len(failed) > _FAILED:
            lines.append(f"  and {len(failed) - _FAILED:,} more failed")
    more = remote_wording.hidden_line(snapshot["hidden_jobs"])
    return ([""] if lines else []) + lines + ([more] if more else [])


def failure_lines(snapshot: Snapshot) -> list[str]:
    """Return one line per cause of failure."""
    causes = snapshot["failures"] or []
    lines = [f"✕ {wording.cause_calls(c)} {wording.cause_error(c)}" for c in causes]
    more = wording.unlisted_line(snapshot["unlisted"])
    return ([""] if lines else []) + lines + ([more] if more else [])


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return *rows* under *columns*, aligned, without the columns in which no row says anything."""
    used = [n for n in range(len(columns)) if n < 3 or any(row[n] != "–" for row in rows)]
    cells = [[columns[n] for n in used]]
    cells += [[wording.shorten(row[n], _WIDEST) for n in used] for row in rows]
    widths = [max(_width(row[n]) for row in cells) for n in range(len(used))]
    return [
        "  ".join(text + " " * (widths[n] - _width(text)) for n, text in enumerate(row)).rstrip()
        for row in cells
    ]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
