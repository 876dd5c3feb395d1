"""The flow of a bundle, carried out: its target, and what each of its cells prints."""

import ast
import contextlib
import sys
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from cellgraph.errors import CellgraphError, ExportError
from cellgraph.exported.bundle import FLOW, Bundle
from cellgraph.exported.flow import MARK, VALUE, with_values

_MODULE: Final = "flow"
_ENTERS: Final = "__cellgraph_cell__"


class Printed:
    """What the cells of a flow print, by the number of the cell; passed on as it comes."""

    def __init__(self) -> None:
        self.by_cell: dict[str, str] = {}
        self.cell = ""  # where the flow is; empty: in its head

    def enter(self, cell: str) -> None:
        """A cell begins."""
        self.cell = cell

    def add(self, text: str) -> None:
        """The cell prints *text*."""
        self.by_cell[self.cell] = self.by_cell.get(self.cell, "") + text


class _Tee:
    """A text stream that notes what passes through it."""

    def __init__(self, out: TextIO, printed: Printed) -> None:
        self._out = out
        self._printed = printed

    def write(self, text: str) -> int:
        """Pass *text* on."""
        self._printed.add(text)
        return self._out.write(text)

    def flush(self) -> None:
        """Pass it on."""
        self._out.flush()

    def isatty(self) -> bool:
        """As the stream behind it."""
        return self._out.isatty()


def load(bundle: Bundle, folder: Path, values: Mapping[str, Any], printed: Printed) -> Any:
    """Carry out ``flow.py`` of the bundle in *folder* with its parameters set; return its target.

    Raises ExportError naming the cell whose code failed; errors of Cellgraph pass as they are.
    """
    path = str((folder / FLOW).resolve())
    source = bundle.files[FLOW].decode()
    module = types.ModuleType(_MODULE)
    module.__file__ = path
    sys.modules[_MODULE] = module
    module.__dict__.update({VALUE + name: value for name, value in values.items()})
    module.__dict__[_ENTERS] = printed.enter
    # One module, compiled at once, as a reader of the file would: so functions are found in it.
    code = compile(_marked(with_values(source, values), source), path, "exec", dont_inherit=True)
    try:
        with contextlib.redirect_stdout(_Tee(sys.stdout, printed)):
            exec(code, module.__dict__)  # the run's own code
    except CellgraphError:
        raise
    except (Exception, SystemExit) as error:  # the user's code; sys.exit(0) leaves no target either
        raise ExportError(_failure(printed.cell, path, error)) from error
    return module.__dict__["target"]


def _marked(tree: ast.Module, source: str) -> ast.Module:
    """The flow with a note at the beginning of each cell that it has come there."""
    marks = [
        (number, line.removeprefix(MARK).partition("]")[0])
        for number, line in enumerate(source.split("\n"), 1)
        if line.startswith(MARK)
    ]
    body: list[ast.stmt] = []
    for node in tree.body:
        while marks and marks[0][0] < node.lineno:
            line, cell = marks.pop(0)
            note = ast.Expr(ast.Call(ast.Name(_ENTERS, ast.Load()), [ast.Constant(cell)], []))
            for part in ast.walk(note):
                part.lineno = part.end_lineno = line  # type: ignore[attr-defined]  # has a place
                part.col_offset = part.end_col_offset = 0  # type: ignore[attr-defined]  # too
            body.append(note)
        body.append(node)
    return ast.Module(body, tree.type_ignores)


def _failure(cell: str, path: str, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == path]
    shown = "".join(traceback.format_list(own or frames))
    said = f"cell {cell} failed: {type(error).__name__}: {error}"
    return f"{said}\n\n{shown}".rstrip()
