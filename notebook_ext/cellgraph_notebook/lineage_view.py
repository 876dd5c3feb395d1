"""Lineage as a picture: the calls behind a value, left to right, and a table of them below."""

from typing import Final

from cellgraph.callbook import SHOWN
from cellgraph.events import CallAdded, CallsAdded
from cellgraph.origins import Lineage, Step
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.static_view import Bundle, graph_bundle, table_details
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wording import duration, plural

_COLUMNS: Final = ("step", "what", "arguments", "time", "run")
_ROWS: Final = 200


def lineage_snapshot(lineage: Lineage) -> Snapshot:
    """The graph of a lineage, for whoever draws graphs: calls of one task and place in one box."""
    model = RunModel(lineage.of)
    steps = tuple(
        CallAdded(
            step.number,
            step.name,
            step.executor if step.kind == "call" else step.kind,
            step.inputs,
            -1,
        )
        for step in lineage.steps
    )
    model.apply(CallsAdded("", steps))
    return model.snapshot(0.0)


def lineage_bundle(lineage: Lineage) -> Bundle:
    """What a notebook shows of a lineage."""
    data, metadata = graph_bundle(lineage_snapshot(lineage))
    shown = lineage.steps[-_ROWS:]
    spent = duration(sum(step.elapsed_s for step in lineage.calls))
    title = f"{plural(len(lineage.calls), 'call')}, {spent} of computing"
    if len(shown) < len(lineage.steps):
        title += f"; the last {len(shown):,} steps"
    data["text/html"] += table_details(title, _COLUMNS, [_row(step) for step in shown])
    data["text/plain"] = repr(lineage)
    return Bundle(data, metadata)


def _row(step: Step) -> tuple[str, ...]:
    if step.kind != "call":
        return ("", f"{step.kind} {step.name}", step.note, "", "")
    return (step.id[:SHOWN], step.name, step.arguments, duration(step.elapsed_s), step.run)
