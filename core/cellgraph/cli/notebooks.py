"""Run a notebook headless, in a kernel of its own, and show what its cells print."""

import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from cellgraph.errors import CellgraphError, ConfigError

# A notebook is JSON: nbformat's nodes are dictionaries that also answer to attributes.
Notebook = dict[str, Any]
Cell = dict[str, Any]
OnCell = Callable[[int, Cell], None]
_URL_GRAMMAR: Final = "rfc3987_syntax"


class CellError(CellgraphError):
    """A cell raised; the message ends with the cell's own traceback."""


def read(path: Path) -> Notebook:
    """Read a notebook, upgraded to format 4. Raises ConfigError."""
    nbformat = _nbformat()
    try:
        return cast("Notebook", nbformat.read(path, as_version=4))
    except FileNotFoundError:
        raise ConfigError(f"no file {path}") from None
    except (OSError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise ConfigError(f"{path} is not a notebook: {str(error).splitlines()[0]}") from error


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook, its folder as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _nbformat().write(notebook, path)


def code_cell(source: str) -> Cell:
    """A new code cell."""
    return cast("Cell", _nbformat().v4.new_code_cell(source))


def _nbformat() -> Any:  # it is partly typed
    with _without_url_grammar():
        import nbformat
    return nbformat


@contextmanager
def _without_url_grammar() -> Generator[None]:
    """What is imported here checks no URLs: JSON Schema's library compiles their grammar when it is
    imported, if JupyterLab has brought the package for it, which takes longer than all the rest."""
    if _URL_GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_URL_GRAMMAR] = cast("Any", None)
    try:
        yield
    finally:
        del sys.modules[_URL_GRAMMAR]


def tagged(cells: Sequence[Cell], tag: str) -> int:
    """Index of the first cell with *tag*; -1 if there is none."""
    for index, cell in enumerate(cells):
        if tag in cell.get("metadata", {}).get("tags", ()):
            return index
    return -1


def execute(
    notebook: Notebook,
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    on_start: OnCell | None = None,
    on_done: OnCell | None = None,
) -> None:
    """Run every cell of *notebook* in a new kernel whose working directory is *folder*.

    Outputs are put into *notebook* itself. *on_start* and *on_done* hear each code cell's index and
    the cell. Raises CellError at the first cell that fails; the outputs so far are kept.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    def start(cell: Cell, cell_index: int) -> None:
        if on_start is not None and cell["cell_type"] == "code":
            on_start(cell_index, cell)

    def done(cell: Cell, cell_index: int, execute_reply: Mapping[str, Any]) -> None:
        if on_done is not None and execute_reply["content"]["status"] == "ok":
            on_done(cell_index, cell)

    client = NotebookClient(
        cast("Any", notebook),
        timeout=None,
        resources={"metadata": {"path": str(folder)}},
        # The kernel's own advice to whoever starts it is not for the reader.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        on_cell_start=start,
        on_cell_executed=done,
    )
    try:
        client.execute(env={**os.environ, **(environment or {})})
    except CellExecutionError as error:
        raise CellError(_failure(error.ename, error.evalue, error.traceback)) from None
    except DeadKernelError:
        raise CellError("the kernel died: out of memory, or killed") from None


def texts(cell: Cell) -> list[str]:
    """What a cell's outputs say, as plain text, in order."""
    found: list[str] = []
    for output in cell.get("outputs", ()):
        if output["output_type"] == "stream":
            found.append(str(output["text"]))
        elif output["output_type"] in ("execute_result", "display_data"):
            found.append(str(output["data"].get("text/plain", "")))
    return [text.rstrip("\n") for text in found if text.strip()]


def output_data(cell: Cell, mime: str, *, kind: str | None = None) -> list[str]:
    """The cell's outputs of one MIME type, in order; of one output type if *kind* names it."""
    outputs = [o for o in cell.get("outputs", ()) if kind in (None, o["output_type"])]
    return [str(o["data"][mime]) for o in outputs if mime in o.get("data", {})]


def _failure(name: str, value: str, traceback: str) -> str:
    return f"a cell failed: {name}: {value.splitlines()[0] if value else ''}\n{traceback}"
