"""Export from files to a folder, and what to tell about it: for the command and the magic."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from cellgraph.errors import ExportError
from cellgraph.exported.schedule import Schedule, fires, listed, schedule
from cellgraph.exported.target import Applying, Target
from cellgraph.settings import project_root
from cellgraph.suggest import closest
from cellgraph_notebook.export.exporting import Asked, Exported, environment_lock, export

_GROUP: Final = "cellgraph.exporters"
_NOTHING: Final[Mapping[str, Any]] = {}


def export_file(
    notebook: Path,
    folder: Path,
    *,
    name: str,
    target: str,
    cron: str,
    zone: str,
    to: Sequence[str],
    retries: int = 0,
    timeout_s: float = 0.0,
    alert: str = "",
    store: str = "",
    given: Mapping[str, Any] = _NOTHING,
    apply: bool = False,
) -> str:
    """Export the notebook in a file into *folder*; return what to tell. Raises ExportError."""
    targets = {each: target_of(each) for each in dict.fromkeys(to)}
    applying = [_applying(each, target) for each, target in targets.items()] if apply else []
    due = schedule(cron, zone) if cron else None
    asked = Asked(name, target, due, retries, store, timeout_s, alert, tuple(given.items()))
    lock = environment_lock(project_root(notebook.parent))
    made = export(_read(notebook), asked, list(targets.values()), lock)
    made.bundle.write(folder)
    said = report(made, due, targets, folder, notebook.parent)
    done = [target.apply(made.bundle) for target in applying]
    if not apply and any(isinstance(target, Applying) for target in targets.values()):
        done.append("nothing was created; with --apply it is, and what has that name is updated")
    return "\n".join([said, *done])


def _applying(name: str, target: Target) -> Applying:
    if not isinstance(target, Applying):
        raise ExportError(f"--apply: there is nothing to set up for {name}, it says what to do")
    return target


def target_of(name: str) -> Target:
    """The target registered as *name*. Raises ExportError naming the closest one."""
    known: Mapping[str, EntryPoint] = {p.name: p for p in entry_points(group=_GROUP)}
    if name not in known:
        raise ExportError(f"--to {name}: no such target{closest(name, known)}")
    made: Target = known[name].load()()
    return made


def report(
    made: Exported, due: Schedule | None, targets: Mapping[str, Target], folder: Path, place: Path
) -> str:
    """What was exported, what was left out and why, when it is due, and what to do next.

    *place* is the notebook's folder.
    """
    spec, found = made.bundle.spec, made.slice
    cells = ", ".join(str(c.piece.cell) for c in found.cells)
    lines = [f"{spec.name}: {spec.target} · bundle {made.bundle.id[:12]} in {folder}"]
    lines.append(f"cells that run: {cells}")
    lines += [f"  cell {left.cell} stays out: {left.why}" for left in found.left]
    for parameter in spec.parameters:
        choices = f", one of {list(parameter.choices)}" if parameter.choices else ""
        value = dict(spec.given).get(parameter.name, parameter.default)
        lines.append(f"parameter {parameter.name}: {parameter.kind} = {value}{choices}")
    if due is not None:
        lines.append(f"due at {due}; the next times:")
        lines += [f"  {line}" for line in listed(fires(due, datetime.now(UTC))).splitlines()]
    for each, target in targets.items():
        lines += [f"{each}: {target.next_step(spec, folder, place)}"]
    return "\n".join(lines)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        raw: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        if raw["nbformat"] != 4:
            raise ExportError(f"{path.name} is of notebook format {raw['nbformat']}: save it anew")
    except OSError:
        raise ExportError(f"no notebook {path}") from None
    except (ValueError, KeyError, TypeError):
        raise ExportError(f"{path} is not a notebook (.ipynb)") from None
    return raw
