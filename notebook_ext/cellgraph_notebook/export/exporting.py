"""A notebook -> a bundle: read, slice, check, write. Nothing is written before all is checked."""

import copy
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

from cellgraph.errors import ExportError
from cellgraph.exported.alert import checked
from cellgraph.exported.bundle import FLOW, LOCK, NOTEBOOK, RUN, Bundle, RunSpec, write_toml
from cellgraph.exported.declared import parameters_in
from cellgraph.exported.params import as_text, read_said
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
    given: tuple[tuple[str, Any], ...] = ()  # parameters that are set for all of its runs


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
        given=tuple((n, as_text(v)) for n, v in read_said(parameters, dict(asked.given)).items()),
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
    """What is installed here, one a line as pip takes it; versions of the project's ``uv.lock``
    where it has them."""
    found = {_canonical(d.metadata["Name"]): d.version for d in distributions()}
    own = project / "uv.lock"
    if own.is_file():
        try:
            packages = tomllib.loads(own.read_text("utf-8"))["package"]
            locked = {_canonical(p["name"]): p["version"] for p in packages if "version" in p}
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise ExportError(f"{own} cannot be read: {error}") from None
        found |= {name: version for name, version in locked.items() if name in found}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def _canonical(name: str) -> str:
    return str(name).lower().replace("_", "-")


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
