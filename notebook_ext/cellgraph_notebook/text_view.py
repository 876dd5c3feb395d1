"""The text view: for terminals, papermill and CI. Needs no IPython.

On a terminal one line that rewrites itself; anywhere else a line when a group of calls is finished,
so that a log stays short. At the end a table.
"""

import shutil
from collections.abc import Callable
from typing import Final, TextIO

from cellgraph_notebook import remote_wording, wording
from cellgraph_notebook.snapshot import GroupState, JobState, Snapshot
from cellgraph_notebook.statuses import GLYPHS, completed, unfinished
from cellgraph_notebook.text_table import report
from cellgraph_notebook.view_model import RunModel

_TERMINAL_S: Final = 0.2
_LOG_S: Final = 0.5
_QUARTERS: Final = 4
_CLEAR: Final = "\r\x1b[K"
Edit = Callable[[Snapshot], Snapshot]


class TerminalPainter:
    """Rewrites one line of a terminal."""

    interval_s = _TERMINAL_S

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def open(self, model: RunModel, now: float) -> None:
        """Write the first progress line."""
        self.paint(model, now)

    def paint(self, model: RunModel, now: float) -> None:
        """Write the progress line over the one before."""
        snapshot = model.snapshot(now, model.revision)
        totals = wording.text(wording.totals_line(snapshot["totals"]))
        room = shutil.get_terminal_size().columns - 1
        label = wording.shorten(snapshot["label"], max(12, room - len(totals) - 3))
        _write(self._stream, _CLEAR + wording.shorten(f"{label} · {totals}", room))

    def close(self, model: RunModel, now: float) -> None:
        """Write the final table in place of the progress line."""
        _write(self._stream, f"{_CLEAR}{report(model.snapshot(now))}\n")

    def brief(self, model: RunModel, now: float) -> None:
        """Write one line."""
        _write(self._stream, f"{wording.brief_line(model.snapshot(now))}\n")


class LogPainter:
    """Writes a line per finished group and per state of a remote job, then the table, to a file, a
    pipe or a cell's output."""

    interval_s = _LOG_S

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: dict[int, int] = {}
        self._jobs: dict[int, str] = {}
        self._seen = -1

    def open(self, model: RunModel, now: float) -> None:
        """Write nothing yet but what is finished already."""
        self.paint(model, now)

    def paint(self, model: RunModel, now: float) -> None:
        """Write a line for each group that has finished (or grown and finished again) since, and
        for each remote job that is in another state."""
        snapshot = model.snapshot(now, self._seen)
        self._seen = model.revision
        done, calls = completed(snapshot["totals"]["counts"]), snapshot["totals"]["calls"]
        for group in snapshot["groups"]:
            over = not unfinished(group["counts"])
            if over and self._told.get(group["id"]) != group["size"]:
                self._told[group["id"]] = group["size"]
                at = f"[{wording.count(done)}/{wording.count(calls)}]"
                _write(self._stream, f"{at} {_finished(group)}\n")
        for job in snapshot["jobs"]:
            stage = _stage(job)
            if self._jobs.get(job["number"]) != stage:
                self._jobs[job["number"]] = stage
                glyph = GLYPHS[remote_wording.job_status(job)]
                _write(self._stream, f"{glyph} {remote_wording.job_line(job)}\n")

    def close(self, model: RunModel, now: float) -> None:
        """Write the table."""
        _write(self._stream, f"{report(model.snapshot(now))}\n")

    def brief(self, model: RunModel, now: float) -> None:
        """Write one line."""
        _write(self._stream, f"{wording.brief_line(model.snapshot(now))}\n")


class ReportPainter:
    """Writes the final table and nothing else, as *edit* leaves it: the same for the same calls."""

    interval_s = _LOG_S

    def __init__(self, stream: TextIO, edit: Edit) -> None:
        self._stream = stream
        self._edit = edit

    def open(self, model: RunModel, now: float) -> None:
        """Write nothing."""

    def paint(self, model: RunModel, now: float) -> None:
        """Write nothing."""

    def close(self, model: RunModel, now: float) -> None:
        """Write the table."""
        _write(self._stream, f"{report(self._edit(model.snapshot(now)))}\n")

    def brief(self, model: RunModel, now: float) -> None:
        """Write the table: whether a run was quick must not show."""
        self.close(model, now)


def _stage(job: JobState) -> str:
    """What is worth a line when it changes: the state, and quarters of what a call says."""
    share = min(1.0, job["done"] / job["total"]) if job["total"] else 0.0
    return f"{job['status']} {int(share * _QUARTERS)}"


def _finished(group: GroupState) -> str:
    line = wording.group_lines(group)[0]
    return f"{GLYPHS[group['status']]} {group['name']}" + (f" · {line}" if line else "")


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
