"""`cellgraph run`: a Python file's expression, or a whole notebook."""

import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from rich.text import Text

from cellgraph.cli import notebooks, parameters
from cellgraph.cli.console import console, error_console
from cellgraph.cli.presenting import presenter
from cellgraph.current import in_use
from cellgraph.errors import ConfigError
from cellgraph.expression import Expression
from cellgraph.session import Session
from cellgraph.suggest import closest

Verb = Literal["evaluate", "plan", "explain"]
_SHOWS: Final = re.compile(r"%%?evaluate\b(?!.*\s(-o|--out|--output)\b)")


def run_file(
    file: Path,
    target: str | None,
    given: Sequence[str],
    save: Path | None,
    store: Path | None,
    verb: Verb = "evaluate",
) -> None:
    """Run *file* and print what it shows, or what *verb* answers about *target*.

    Raises ConfigError, TaskError and its kin.
    """
    params = parameters.parse(given)
    if verb != "evaluate" and target is None:
        raise ConfigError(f"say which expression of {file.name} to {verb}")
    if not file.is_file():
        raise ConfigError(f"no file {file}")
    if file.suffix == ".ipynb":
        _run_notebook(file, target, params, save, store, verb)
    elif file.suffix == ".py":
        if save is not None:
            raise ConfigError("--save keeps an executed notebook; a Python file has none")
        _run_python(file, target, params, store, verb)
    else:
        raise ConfigError(f"{file.name}: expected a notebook (.ipynb) or a Python file (.py)")


# --- Python files ---------------------------------------------------------------------------------


def _run_python(
    file: Path, target: str | None, params: Mapping[str, str], store: Path | None, verb: Verb
) -> None:
    with in_use(Session(store, presenter=presenter())) as session:  # the file may evaluate itself
        names = {**vars(_load(file)), **{n: parameters.literal(t) for n, t in params.items()}}
        if target is None:
            raise ConfigError(_say_target(file, names))
        value = getattr(session, verb)(_expression(target, names))
    if value is not None:
        console().print(Text(repr(value)), soft_wrap=True)


def _load(file: Path) -> ModuleType:
    """Import *file* as the module of its own name, its folder first on the path."""
    sys.path.insert(0, str(file.resolve().parent))
    spec = importlib.util.spec_from_file_location(file.stem, file.resolve())
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _expression(target: str, names: Mapping[str, Any]) -> Any:
    try:
        return eval(compile(target, "<target>", "eval"), dict(names))
    except SyntaxError:
        raise ConfigError(f"{target!r} is not a Python expression") from None
    except NameError as error:
        raise ConfigError(f"{error}{closest(error.name or '', _lazy(names))}") from None


def _say_target(file: Path, names: Mapping[str, Any]) -> str:
    lazy = _lazy(names)
    found = f"it has {', '.join(lazy)}" if lazy else "for example f(1)"
    return f"say which expression of {file.name} to evaluate: {found}"


def _lazy(names: Mapping[str, Any]) -> list[str]:
    return [n for n, value in names.items() if isinstance(value, Expression) and n[0] != "_"]


# --- notebooks ------------------------------------------------------------------------------------


def _run_notebook(
    file: Path,
    target: str | None,
    params: Mapping[str, str],
    save: Path | None,
    store: Path | None,
    verb: Verb,
) -> None:
    notebook = notebooks.read(file)
    if verb != "evaluate":
        notebook["cells"] = [c for c in notebook["cells"] if not _only_shows(c)]
    cells = notebook["cells"]
    if params:
        at = parameters.cell_of(cells)
        if at < 0:
            raise ConfigError(
                f"{file.name} has no parameters: begin the cell that sets them with %%params, "
                f"or tag it `{parameters.TAG}`"
            )
        values = parameters.checked(cells[at]["source"], params)
        cells.insert(at + 1, notebooks.code_cell(parameters.as_cell(values)))
    if target is not None:
        cells.append(notebooks.code_cell(f"%{verb} {target}"))
    environment = (
        {"CELLGRAPH_DISPLAY": "plain"} if save is None else {"CELLGRAPH_DISPLAY": "static"}
    )
    if store is not None:
        environment["CELLGRAPH_STORE"] = str(store.expanduser().resolve())
    out = console()

    def show(_: int, cell: notebooks.Cell) -> None:
        for text in notebooks.texts(cell):
            out.print(Text.from_ansi(text), soft_wrap=True)

    try:
        notebooks.execute(notebook, file.resolve().parent, environment=environment, on_done=show)
    finally:
        if save is not None:
            notebooks.write(notebook, save)
            error_console().print(f"executed notebook: {save}")


def _only_shows(cell: notebooks.Cell) -> bool:
    """Whether a cell evaluates something and binds no name to it: a question needs no such cell."""
    first = cell["source"].strip().partition("\n")[0]
    return bool(_SHOWS.match(first)) and (first.startswith("%%") or first == cell["source"].strip())
