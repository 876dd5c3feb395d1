"""Snapshots -> the messages of the live view: the graph once, as columns; then what changed.

All words are made here, so that the browser only puts them where they belong.
"""

from collections.abc import Sequence
from typing import Final, TypedDict

from cellgraph_notebook import remote_wording, wording
from cellgraph_notebook.layout import Layout
from cellgraph_notebook.picture import Picture, caption, second_line
from cellgraph_notebook.snapshot import Cause, GroupState, JobState, Snapshot
from cellgraph_notebook.statuses import BAR, GLYPHS

_LOG_LINES: Final = 12
_LOG_CHARS: Final = 1500
_FAILED: Final = 5


class Head(TypedDict):
    """The top of the card. `parts` are pairs of text and tone, `bar` counts in the bar's order."""

    label: str
    status: str
    word: str
    bar: list[int]
    parts: list[tuple[str, str]]
    said: str  # the same for a screen reader


class Graph(TypedDict):
    """Everything about the boxes that does not change while they run, one list per property."""

    width: float
    height: float
    id: list[int]
    key: list[str]
    name: list[str]
    title: list[str]
    chip: list[str]
    x: list[float]
    y: list[float]
    w: list[float]
    h: list[float]
    edge: list[tuple[int, int]]
    path: list[str]
    table: str


class Groups(TypedDict):
    """What does change: one list per property, for the boxes in `id`."""

    id: list[int]
    status: list[str]
    sub: list[str]
    bar: list[list[int]]
    facts: list[str]
    where: list[str]
    reason: list[str]
    row: list[list[str]]
    log: list[tuple[str, str] | None]  # whose, and the end of it; None: as before


class Failure(TypedDict):
    """One line of the list of failures, and what its `log` opens."""

    who: str
    what: str
    log: str


class Job(TypedDict):
    """One job on another machine; `cells` has a digit a child, and is empty when there is one."""

    number: int
    id: str
    name: str
    where: str
    facts: str
    status: str
    open: bool  # whether it still goes on
    bar: list[int]
    cells: str
    failed: list[tuple[int, str, str]]  # child, whose call, why


class Message(TypedDict, total=False):
    """One update. A key that is missing has not changed."""

    head: Head
    graph: Graph
    groups: Groups
    jobs: list[Job]
    job_order: list[int]
    more_jobs: str
    child: tuple[int, int, str, str]  # job, child, heading and log: the answer to a click
    failures: list[Failure]
    more: str
    notices: list[str]
    legend: dict[str, str]
    columns: list[str]
    elapsed_s: float  # sets the page's clock, which runs on by itself


class Wire:
    """Turns the snapshots of one run into messages; keeps the layout, so that boxes stay put."""

    def __init__(self) -> None:
        self._picture = Picture()
        self._logs: dict[int, tuple[str, str]] = {}
        self._notices: list[str] = []
        self._jobs: list[int] = []

    def message(self, snapshot: Snapshot) -> Message:
        """Return the message for *snapshot*: all there is if it is whole, else what changed."""
        message = Message(head=_head(snapshot))
        if snapshot["whole"]:
            self._logs.clear()
            drawn = self._picture.draw(snapshot)
            message["graph"] = _graph(snapshot["groups"], drawn)
            message["legend"] = {str(status): glyph for status, glyph in GLYPHS.items()}
            message["columns"] = list(wording.TABLE_COLUMNS)
            if (elapsed_s := snapshot["totals"]["elapsed_s"]) is not None:
                message["elapsed_s"] = elapsed_s
        if snapshot["whole"] or snapshot["groups"]:
            message["groups"] = self._groups(snapshot["groups"])
        if snapshot["jobs"]:
            message["jobs"] = [_job(job) for job in snapshot["jobs"]]
        if snapshot["job_order"] != self._jobs or (snapshot["whole"] and self._jobs):
            self._jobs = message["job_order"] = snapshot["job_order"]
            message["more_jobs"] = remote_wording.hidden_line(snapshot["hidden_jobs"])
        if snapshot["failures"] is not None:
            message["failures"] = [_failure(cause) for cause in snapshot["failures"]]
            message["more"] = wording.unlisted_line(snapshot["unlisted"])
        if snapshot["whole"] or snapshot["notices"] != self._notices:
            self._notices = message["notices"] = snapshot["notices"]
        return message

    def _groups(self, groups: Sequence[GroupState]) -> Groups:
        widths = {p.id: p.width for p in self._picture.drawn.boxes}
        return Groups(
            id=[g["id"] for g in groups],
            status=[g["status"] for g in groups],
            sub=[second_line(g, widths[g["id"]]) for g in groups],
            bar=[[g["counts"][code] for code in BAR] for g in groups],
            facts=[wording.group_facts(g) for g in groups],
            where=[g["executor"] for g in groups],
            reason=[wording.reason_line(g) for g in groups],
            row=[wording.table_row(g) for g in groups],
            log=[self._log(g) for g in groups],
        )

    def _log(self, group: GroupState) -> tuple[str, str] | None:
        log = (group["log_of"], _tail(group["log"]))
        if self._logs.get(group["id"], ("", "")) == log:
            return None
        self._logs[group["id"]] = log
        return log


def _head(snapshot: Snapshot) -> Head:
    parts = wording.status_line(snapshot)
    word = wording.PILL[snapshot["status"]]
    return Head(
        label=snapshot["label"],
        status=snapshot["status"],
        word=word,
        bar=[snapshot["totals"]["counts"][code] for code in BAR],
        parts=[(part.text, part.tone) for part in parts],
        said=f"{word}: {wording.text(parts)}",
    )


def _graph(groups: Sequence[GroupState], drawn: Layout) -> Graph:
    at = {p.id: p for p in drawn.boxes}
    captions = [caption(g, at[g["id"]].width) for g in groups]
    return Graph(
        width=drawn.width,
        height=drawn.height,
        id=[g["id"] for g in groups],
        key=[g["key"] for g in groups],
        name=[c.name for c in captions],
        title=[g["name"] for g in groups],
        chip=[c.chip for c in captions],
        x=[at[g["id"]].x for g in groups],
        y=[at[g["id"]].y for g in groups],
        w=[at[g["id"]].width for g in groups],
        h=[at[g["id"]].height for g in groups],
        edge=[(line.source, line.target) for line in drawn.lines],
        path=[line.path for line in drawn.lines],
        table=wording.table_title(len(groups)),
    )


def _job(job: JobState) -> Job:
    return Job(
        number=job["number"],
        id=job["id"],
        name=job["task"],
        where=remote_wording.job_where(job),
        facts=remote_wording.job_facts(job),
        status=remote_wording.job_status(job),
        open=job["status"] in remote_wording.OPEN,
        bar=[remote_wording.job_bar(job)[code] for code in BAR],
        cells=job["cells"],
        failed=[
            (f["child"], f["call"], remote_wording.failed_child(f)) for f in job["failed"][:_FAILED]
        ],
    )


def _failure(cause: Cause) -> Failure:
    return Failure(
        who=wording.cause_calls(cause),
        what=wording.cause_error(cause),
        log=wording.cause_log(cause),
    )


def _tail(log: str) -> str:
    return "\n".join(log[-_LOG_CHARS:].rstrip().splitlines()[-_LOG_LINES:])
