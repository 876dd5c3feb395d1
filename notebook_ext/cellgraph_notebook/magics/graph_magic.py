"""``%graph``: the picture of an expression that has not run."""

from typing import Any, Final

from cellgraph.errors import CellgraphError
from cellgraph.events import CallsAdded
from cellgraph.label import label
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression
from cellgraph_notebook.magics.saving import check_target, save_graph
from cellgraph_notebook.outputs import show
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.table import Table
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wording import count, plural

OPTIONS: Final = Options(texts=("save",))
_COLUMNS: Final = ("group", "calls", "runs on", "after")


def run_graph(shell: Any, kernel: Kernel, line: str) -> None:
    """Carry out ``%graph``: draw the expression without running it."""
    from cellgraph_notebook.static_view import graph_bundle

    parsed = parse_line(line, OPTIONS)
    target = parsed.options.get("save")
    if target is not None:
        check_target(target)
    snapshot = _planned(kernel, expression(shell, parsed.rest, "%graph", OPTIONS))
    if target is None:
        data, metadata = graph_bundle(snapshot)
        data["text/plain"] = outline(snapshot)
        show(data, metadata)
    else:
        save_graph(snapshot, target)


def _planned(kernel: Kernel, expr: Any) -> Snapshot:
    try:
        calls = kernel.session.outline(expr)
    except CellgraphError as error:
        refuse(str(error))
    if not calls:
        refuse("there is nothing to draw: this is a value, not an expression of tasks")
    model = RunModel(label(expr))
    model.apply(CallsAdded("", calls))
    return model.snapshot(0.0)


def outline(snapshot: Snapshot) -> str:
    """The graph as text: what would be called, how often, where, after what."""
    groups = snapshot["groups"]
    names = {group["id"]: group["name"] for group in groups}
    after: dict[int, list[str]] = {group["id"]: [] for group in groups}
    for source, target in snapshot["edges"]:
        after[target].append(names[source])
    rows = [
        (g["name"], count(g["size"]), g["executor"] or "–", ", ".join(after[g["id"]]) or "–")
        for g in groups
    ]
    calls = plural(snapshot["totals"]["calls"], "call")
    return repr(Table(f"{snapshot['label']} · {calls}, nothing has run", _COLUMNS, rows))
