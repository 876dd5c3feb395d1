"""Writes the documents of runs: the entry point `cellgraph.reporters`."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from zoneinfo import ZoneInfo

from cellgraph.callbook import StoredCall
from cellgraph.errors import CellgraphError
from cellgraph.events import Event, RunStarted
from cellgraph.exported.bundle import Bundle
from cellgraph.places import Read
from cellgraph.provenance import RunSummary
from cellgraph.scheduled.reporter import Documents, Facts, Raised, Returned
from cellgraph.session import Session
from cellgraph_notebook.reports.notebook import error_output, executed_notebook, value_output
from cellgraph_notebook.reports.page import Contents, write_page
from cellgraph_notebook.reports.past import past_snapshot
from cellgraph_notebook.reports.values import formats_of
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.view_model import RunModel

_READS: Final = 200
_FILES: Final = ("File(", "Dir(")


class RunReporter:
    """See `cellgraph.scheduled.reporter.Reporter`. One for one session at a time."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def hear(self, event: Event) -> None:
        """Keep the events of the run that began last."""
        if type(event) is RunStarted:
            self._events = []
        self._events.append(event)

    def documents(self, session: Session, run: RunSummary, facts: Facts) -> Documents:
        """Page and executed notebook of a run that was heard."""
        calls = session.find_calls(run=run.id)
        snapshot = self._snapshot(session, run, calls)
        match facts.outcome:
            case Returned(value):
                formats, error, output = formats_of(value), "", value_output(value)
            case Raised(text):
                formats, error, output = {}, text, error_output(text)
        spec = facts.bundle.spec
        zone = spec.schedule.zone if spec.schedule else "UTC"
        page = write_page(
            _contents(
                session, run, calls, snapshot, formats, error, zone,
                printed=facts.printed,
                parameters=_parameters(facts.bundle, facts.parameters),
                facts=_exported(facts),
            )
        )  # fmt: skip
        notebook = executed_notebook(
            facts.bundle, facts.parameters, facts.printed, snapshot, output
        )
        return Documents(page, notebook)

    def page(self, session: Session, run: RunSummary) -> str:
        """The page of any run, from the store alone."""
        calls = session.find_calls(run=run.id)
        stored = session.get_run(run.id)
        formats: dict[str, str] = {}
        if run.status == "done":
            try:
                formats = formats_of(stored.result())
            except CellgraphError as error:
                formats = {"text/plain": f"({error})"}
        parameters = run.scheduled.parameters if run.scheduled is not None else ()
        return write_page(
            _contents(
                session, run, calls, past_snapshot(session, run, calls), formats,
                stored.error, "UTC", printed={}, parameters=parameters, facts=[],
            )
        )  # fmt: skip

    def _snapshot(self, session: Session, run: RunSummary, calls: Sequence[StoredCall]) -> Snapshot:
        model = RunModel(run.label)
        for event in self._events:
            if event.run == run.id:
                model.apply(event)
        made = model.snapshot(run.started + run.elapsed_s)
        # of a run that one record answered, nothing but the number of calls was told
        return made if made["groups"] else past_snapshot(session, run, calls)


def _contents(
    session: Session,
    run: RunSummary,
    calls: Sequence[StoredCall],
    snapshot: Snapshot,
    formats: Mapping[str, str],
    error: str,
    zone: str,
    *,
    printed: Mapping[str, str],
    parameters: Sequence[tuple[str, str]],
    facts: Sequence[tuple[str, str]],
) -> Contents:
    scheduled = run.scheduled
    due = _moment(scheduled.due, zone) if scheduled is not None and scheduled.due else ""
    reads = sorted({read for call in calls for read in call.reads})
    named = {a for call in calls for a in call.arguments if a.startswith(_FILES)}
    inputs = [("parameter " + name, text) for name, text in parameters]
    inputs += [("argument", text) for text in sorted(named)[:_READS]]
    inputs += [_row(read) for read in reads if read.kind != "result"][:_READS]
    outputs = [_row(read) for read in reads if read.kind == "result"][:_READS]
    again = f"%runs again {run.id}" if scheduled is not None else f"%evaluate {run.label}"
    return Contents(
        run=run, snapshot=snapshot, calls=calls, when=_moment(run.started, zone), due=due,
        formats=formats, error=error, printed=printed, inputs=inputs, outputs=outputs,
        facts=[*facts, *_place(session, run)], again=again,
    )  # fmt: skip


def _row(read: Read) -> tuple[str, str]:
    kind = "file" if read.kind == "result" else read.kind
    return kind, f"{read.name}  {read.digest.hex()[:12]}".rstrip()


def _parameters(bundle: Bundle, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (p.name, repr(given[p.name]) if p.name in given else f"{p.default} (default)")
        for p in bundle.spec.parameters
    ]


def _exported(facts: Facts) -> list[tuple[str, str]]:
    spec = facts.bundle.spec
    rows = [("bundle", facts.bundle.id)]
    rows += [("schedule", str(spec.schedule))] if spec.schedule else []
    rows += [("not as locked", facts.drift)] if facts.drift else []
    return rows


def _place(session: Session, run: RunSummary) -> list[tuple[str, str]]:
    rows = [("store", session.settings.store or f"{session.settings.project}/.cellgraph")]
    if run.scheduled is not None and run.scheduled.attempt > 1:
        rows.append(("attempt", str(run.scheduled.attempt)))
    rows.append(("page made with", f"Cellgraph {_version()}, Python {platform.python_version()}"))
    rows.append(("on", f"{platform.node()}, {sys.platform}, {os.cpu_count()} cores"))
    return rows


def _version() -> str:
    try:
        return version("cellgraph")
    except PackageNotFoundError:
        return "(not installed)"


def _moment(seconds: float, zone: str) -> str:
    at = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    return f"{at:%a %Y-%m-%d %H:%M:%S %Z}"
