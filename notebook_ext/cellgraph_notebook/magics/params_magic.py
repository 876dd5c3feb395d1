"""``%%params``: the typed parameters of the notebook; ``%export_run``: the notebook as a run."""

import ast
import os
from pathlib import Path
from typing import Any, Final

from cellgraph.errors import ConfigError, ExportError
from cellgraph.exported.declared import parameters_in
from cellgraph.exported.params import parse, read_all
from cellgraph_notebook.cells import execute, read_cell
from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse

EXPORT: Final = Options(
    texts=("target", "schedule", "tz", "to", "out", "notebook", "alert", "param"),
    valued=("retries", "timeout"),
    flags=("apply",),
)
# Set by Jupyter's server for the kernels of notebooks: the notebook's path.
_SESSION_NAME: Final = "JPY_SESSION_NAME"


def run_params(shell: Any, line: str, cell: str) -> None:
    """Carry out a ``%%params`` cell: its names are set, and are what their annotations say."""
    if line.strip():
        refuse(f"%%params takes nothing on its line, not {line.strip()}")
    source = read_cell(shell, "params", line, cell)
    try:
        known = parameters_in(ast.parse(source.text), "%%params")
        with shown_well(shell):
            execute(shell, source)
        values = read_all(known, {p.name: shell.user_ns[p.name] for p in known})
    except ExportError as error:
        refuse(str(error))
    shell.user_ns.update(values)
    print(" · ".join(f"{p.name}: {p.kind or 'any'} = {values[p.name]!r}" for p in known))


def run_export(line: str) -> None:
    """Carry out ``%export_run NAME --target EXPR ...``."""
    from cellgraph_notebook.export.reporting import export_file

    words = line.split(maxsplit=1)
    if not words or words[0].startswith("-"):
        refuse("%export_run NAME --target EXPR [--schedule '0 6 * * 1-5' --tz ZONE --to cron]")
    name, (said, rest) = words[0], parse_line(words[1] if len(words) > 1 else "", EXPORT)
    if rest:
        refuse(f"{rest}: options begin with --, and a value with spaces is quoted")
    if "target" not in said:
        refuse("say what it evaluates: --target EXPR")
    given = filter(None, str(said.get("param", "")).split(","))
    try:
        notebook = _notebook(said.get("notebook"))
        folder = Path(said.get("out") or notebook.with_name(f"{name}.run"))
        made = export_file(
            notebook, folder, name=name, target=said["target"],
            cron=said.get("schedule", ""), zone=said.get("tz", "UTC"),
            to=said.get("to", "cli").split(","), retries=said.get("retries", 0),
            timeout_s=said.get("timeout", 0.0), alert=said.get("alert", ""),
            apply=said.get("apply", False), given=parse(given),
        )  # fmt: skip
    except (ConfigError, ExportError) as error:
        refuse(str(error))
    print(made)


def _notebook(said: str | None) -> Path:
    found = said or os.environ.get(_SESSION_NAME, "")
    if not found.endswith(".ipynb"):
        raise ConfigError("this kernel does not know its notebook: say --notebook FILE.ipynb")
    return Path(found)
