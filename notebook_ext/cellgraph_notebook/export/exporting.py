"""A notebook -> a bundle: read, slice, check, write. Nothing is written before all is checked."""

import copy
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

from cellgraph.errors import ExportError
from cellgraph.exported.alert import checked
from cellgraph.exported.bundle import FLOW, LOCK, NOTEBOOK, RUN, Bundle, RunSpec, write_toml
from cellgraph.exported.declared import parameters_in
from cellgraph.exported.schedule import Schedule
from cellgraph.exported.target import Target
from cellgraph_notebook.export.checks import check
from cellgraph_notebook.export.flow import write_flow
from cellgraph_notebook.export.reading import Params, cells_of
from cellgraph_notebook.export.slicing import Slice, slice_back


class Asked(NamedTuple):
    """What is to be exported."""

    name: str
    target: str
    schedule: Schedule | None
    retries: int = 0
    store: str = ""
    timeout_s: float = 0.0
    alert: str = ""


class Exported(NamedTuple):
    """A bundle, and what a reader should see before trusting it."""

    bundle: Bundle
    slice: Slice


def export(
    notebook: Mapping[str, Any], asked: Asked, targets: Sequence[Target], lock: str
) -> Exported:
    """Return the bundle of *notebook* (format 4) for *targets*.

    Raises ExportError with the cell and the line of whatever cannot run unattended.
    """
    _check_name(asked.name)
    found = slice_back(cells_of(notebook), asked.target)
    check(found, remote=any(target.remote for target in targets))
    cells = [c.piece for c in found.cells if isinstance(c, Params)]
    parameters = [p for c in cells for p in parameters_in(c.tree, f"cell {c.cell}")]
    spec = RunSpec(
        name=asked.name,
        target=asked.target,
        schedule=asked.schedule,
        parameters=tuple(parameters),
        retries=asked.retries,
        timeout_s=asked.timeout_s,
        alert=checked(asked.alert),
        python=f"{sys.version_info[0]}.{sys.version_info[1]}",
        store=asked.store,
    )
    for target in targets:
        target.check(spec)
    texts = {FLOW: write_flow(found, asked.name), NOTEBOOK: _source_only(notebook), LOCK: lock}
    for target in targets:
        texts.update(target.files(spec))
    files = {name: text.encode() for name, text in texts.items()}
    numbers = {"run": [c.piece.cell for c in found.cells], "left": found.left}
    return Exported(Bundle(spec, {**files, RUN: write_toml(spec, files, numbers)}), found)


def environment_lock(project: Path) -> str:
    """The versions that are installed here, one a line; or the project's own ``uv.lock``."""
    own = project / "uv.lock"
    if own.is_file():
        return own.read_text("utf-8")
    found = {str(d.metadata["Name"]).lower().replace("_", "-"): d.version for d in distributions()}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def _check_name(name: str) -> None:
    if not name or not all(c.isalnum() or c in "-_" for c in name) or len(name) > 64:
        raise ExportError(f"{name!r} is no name for a run: letters, digits, - and _, at most 64")


def _source_only(notebook: Mapping[str, Any]) -> str:
    """The notebook without what running it left behind, in one spelling."""
    plain = copy.deepcopy(dict(notebook))
    plain["metadata"] = {k: v for k, v in plain.get("metadata", {}).items() if k == "kernelspec"}
    for cell in plain["cells"]:
        source = cell["source"]
        cell["source"] = source if isinstance(source, str) else "".join(source)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        tags = cell.get("metadata", {}).get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
