"""``%calls``, ``%lineage`` and ``%runs A B``: what is on record of calls, and where values came
from."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cellgraph.callbook import LEAST, SHOWN
from cellgraph.errors import CellgraphError
from cellgraph.rundiff import task_line
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression
from cellgraph_notebook.magics.saving import save_graph
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.origins import Lineage

CALLS_OPTIONS: Final = Options(texts=("run", "task"), flags=("failed",))
LINEAGE_OPTIONS: Final = Options(texts=("save",))
_LISTED: Final = 50
_CALLS: Final = ("call", "task", "status", "time", "CPU", "memory", "run", "arguments, or error")
_DIFF: Final = ("task", "A ran", "A reused", "B ran", "B reused", "difference")
_ID: Final = re.compile(rf"[0-9a-f]{{{LEAST},64}}$")
_WIDEST: Final = 100


def run_diff(kernel: Kernel, a: str, b: str) -> Table:
    """Carry out ``%runs A B``. Raises StoreError."""
    found = kernel.session.diff(a, b)
    rows = [
        (
            task.name,
            count(task.ran_a),
            count(task.reused_a),
            count(task.ran_b),
            count(task.reused_b),
            task_line(task),
        )
        for task in found.tasks
    ]
    return Table("\n".join(list(found.lines())[:3]), _DIFF, rows)


def run_calls(kernel: Kernel, line: str) -> Table | None:
    """Carry out ``%calls [OPTIONS] [ID]``."""
    options, rest = parse_line(line, CALLS_OPTIONS)
    words = rest.split()
    if len(words) > 1:
        refuse(f"%calls takes one id, not {len(words)}")
    try:
        if words:
            print("\n".join(kernel.session.get_call(words[0]).lines()))
            return None
        found = kernel.session.find_calls(
            run=str(options.get("run", "")),
            task=str(options.get("task", "")),
            status="failed" if options.get("failed") else "",
            limit=_LISTED,
        )
    except CellgraphError as error:
        refuse(str(error).replace("`calls()` lists them", "%calls lists them"))
    rows = [
        (
            call.id[:SHOWN],
            call.task,
            call.status,
            duration(call.elapsed_s),
            duration(call.cpu_s) if call.cpu_s else "–",
            f"{call.peak_bytes / 1e6:,.0f} MB" if call.peak_bytes else "–",
            call.run,
            _cut(call.error or ", ".join(call.arguments)),
        )
        for call in found
    ]
    if not rows:
        return Table("no such calls on record", _CALLS, rows)
    return Table(f"{plural(len(rows), 'call')}, latest first · %calls ID tells more", _CALLS, rows)


def run_lineage(shell: Any, kernel: Kernel, line: str) -> "Lineage | None":
    """Carry out ``%lineage [--save FILE] EXPR|FILE|CALL``."""
    options, text = parse_line(line, LINEAGE_OPTIONS)
    text = text.strip()
    named = bool(text) and text not in shell.user_ns and (_ID.match(text) or Path(text).exists())
    what = text if named else expression(shell, text, "%lineage", LINEAGE_OPTIONS)
    try:
        found = kernel.session.lineage(what)
    except CellgraphError as error:
        refuse(str(error))
    target = options.get("save")
    if target is None:
        return found
    from cellgraph_notebook.lineage_view import lineage_snapshot

    save_graph(lineage_snapshot(found), str(target))
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
