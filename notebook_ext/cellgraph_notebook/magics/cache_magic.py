"""``%cache``: what the store holds, whether it is whole, what may go, what must stay."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cellgraph.care.amounts import parse_bytes, parse_seconds, size
from cellgraph.errors import CellgraphError
from cellgraph.suggest import closest
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.care import Care
    from cellgraph.care.reports import TaskUse

NO_OPTIONS: Final = Options()
GC_OPTIONS: Final = Options(texts=("older_than", "max_size", "grace"), flags=("delete",))
_COLUMNS: Final = ("task", "results", "size", "to compute", "last used")
_DAMAGE: Final = ("damaged", "why")
_PINS: Final = ("pin", "what", "name", "since")
_PLAIN: Final = re.compile(r"[\w.-]+$")


def run_cache(shell: Any, kernel: Kernel, line: str) -> Table:
    """Carry out ``%cache [ACTION] [OPTIONS] [WHAT]``; without an action, ``info``."""
    said, _, rest = line.strip().partition(" ")
    action = ACTIONS.get(said or "info")
    if action is None:
        refuse(f"unknown action {said}{closest(said, ACTIONS)}: one of {', '.join(ACTIONS)}")
    try:
        return action(shell, kernel.session.cache, rest)
    except CellgraphError as error:
        refuse(str(error))


def _info(shell: Any, care: "Care", rest: str) -> Table:
    _nothing_more("info", rest)
    found = care.info()
    return Table("\n".join(found.lines()), _COLUMNS, _rows(found.tasks))


def _gc(shell: Any, care: "Care", rest: str) -> Table:
    options, more = parse_line(rest, GC_OPTIONS)
    _nothing_more("gc", more)
    seconds = {
        f"{name}_s": parse_seconds(options[name])
        for name in ("older_than", "grace")
        if name in options
    }
    most = parse_bytes(options["max_size"]) if "max_size" in options else None
    found = care.gc(**seconds, max_bytes=most, dry_run=not options.get("delete", False))
    lines = list(found.lines())
    if found.dry_run and found.nbytes:
        lines.append("nothing was removed: %cache gc --delete removes it")
    return Table("\n".join(lines), _COLUMNS, _rows(found.tasks))


def _verify(shell: Any, care: "Care", rest: str) -> Table:
    _nothing_more("verify", rest)
    found = care.verify()
    lines = list(found.lines())
    told = [line for line in lines if line not in {f"{d.what}: {d.why}" for d in found.damage}]
    return Table("\n".join(told), _DAMAGE, [tuple(damage) for damage in found.damage])


def _rebuild(shell: Any, care: "Care", rest: str) -> Table:
    _nothing_more("rebuild", rest)
    return Table(f"a new index over {plural(care.rebuild(), 'record')}", (), ())


def _pin(shell: Any, care: "Care", rest: str) -> Table:
    what = parse_line(rest, NO_OPTIONS).rest
    if what:
        care.pin(_meant(shell, "pin", what))
    rows = [
        (
            pin.id,
            pin.kind,
            pin.name,
            _moment(pin.at),
        )
        for pin in care.pins()
    ]
    title = f"{plural(len(rows), 'pin')}: never removed by %cache gc"
    return Table(title if rows else "nothing is pinned: %cache pin EXPR", _PINS, rows)


def _unpin(shell: Any, care: "Care", rest: str) -> Table:
    what = parse_line(rest, NO_OPTIONS).rest
    if not what:
        refuse("give what to let go of: %cache unpin PIN")
    names = {name for pin in care.pins() for name in (pin.id, pin.name)}
    gone = care.unpin(what if what in names else _meant(shell, "unpin", what))
    return Table(f"no longer pinned: {gone.kind} {gone.name}", (), ())


def _push(shell: Any, care: "Care", rest: str) -> Table:
    to = parse_line(rest, NO_OPTIONS).rest.strip() or None
    return Table("\n".join(care.push(to).lines()), (), ())


def _pull(shell: Any, care: "Care", rest: str) -> Table:
    what = parse_line(rest, NO_OPTIONS).rest
    found = care.pull(_meant(shell, "pull", what) if what else None)
    return Table("\n".join(found.lines()), (), ())


ACTIONS: Final[Mapping[str, Callable[[Any, "Care", str], Table]]] = {
    "info": _info,
    "gc": _gc,
    "verify": _verify,
    "rebuild": _rebuild,
    "push": _push,
    "pull": _pull,
    "pin": _pin,
    "unpin": _unpin,
}


def _meant(shell: Any, action: str, text: str) -> object:
    """A name of the notebook (a task, an expression), an expression, or else the id of a run."""
    if _PLAIN.match(text) and text not in shell.user_ns:
        return text
    return expression(shell, text, f"%cache {action}", NO_OPTIONS)


def _nothing_more(action: str, rest: str) -> None:
    if rest.strip():
        parse_line(rest, NO_OPTIONS)  # an unknown option is named
        refuse(f"%cache {action} takes no {rest.strip()!r}")


def _rows(tasks: Iterable["TaskUse"]) -> list[tuple[str, ...]]:
    return [
        (
            task.name,
            count(task.calls),
            size(task.nbytes),
            duration(task.recompute_s),
            _moment(task.last_used),
        )
        for task in tasks
    ]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
