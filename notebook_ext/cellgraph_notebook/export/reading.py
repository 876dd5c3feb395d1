"""A notebook taken apart: what each cell is, its Python, and the names in it. Pure.

Kinds of cells are types. Lines that only a notebook understands are taken out, or become plain
Python; what cannot be either is noted, and refused if the cell turns out to be needed.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cellgraph.errors import ExportError
from cellgraph_notebook.magics.arguments import parse_line
from cellgraph_notebook.magics.evaluate_magic import OPTIONS as EVALUATE_OPTIONS
from cellgraph_notebook.names import Names, names_of

PARAMETERS_TAG: Final = "parameters"  # papermill's
# Magics that show or set up something for a reader; a run without one does not need them.
_FOR_READERS: Final = frozenset(
    "load_ext reload_ext matplotlib config autoreload precision pdb xmode who whos history"
    " graph plan explain runs tasks jobs cache accept export_run debug_task timeit".split()
)
_MAGIC: Final = re.compile(r"^(?P<indent>\s*)(?:(?P<name>\w+)\s*=\s*)?%(?P<magic>\w+)(?P<rest>.*)$")
_SHELL: Final = re.compile(r"^\s*(?:\w+\s*=\s*)?!")
# A line that is a question about a name and nothing else: `df.head?`, `??df`, `%time?`.
_HELP: Final = re.compile(
    r"""^\s*(?:\?{1,2}\s*%{0,2}[\w.*]+|%{0,2}[\w.*]+(?:\[[\w'"]+\][\w.*]*)*\s*\?{1,2})\s*;?\s*$"""
)
_CELL_MAGIC: Final = re.compile(r"^%%(?P<magic>\w+)[ \t]*(?P<rest>.*)$")


class Fault(NamedTuple):
    """Why a cell cannot be exported, and its line (from 1)."""

    line: int
    text: str


class Piece(NamedTuple):
    """The Python of one cell. `text` keeps the cell's lines, so that line numbers hold."""

    cell: int  # the number of the code cell in the notebook, from 1
    text: str
    tree: ast.Module
    names: Names
    faults: tuple[Fault, ...]


class Code(NamedTuple):
    """An ordinary cell."""

    piece: Piece


class Tasks(NamedTuple):
    """A ``%%task`` cell: `tasks` of its functions are tasks with `options` (source text)."""

    piece: Piece
    tasks: tuple[str, ...]  # empty: every public one
    options: Mapping[str, str]  # by name, as Python


class Params(NamedTuple):
    """The typed parameters of the notebook."""

    piece: Piece


class Shown(NamedTuple):
    """A cell that is there for a reader only, and why."""

    cell: int
    why: str


Cell = Code | Tasks | Params | Shown


def cells_of(notebook: Mapping[str, Any]) -> list[Cell]:
    """The code cells of a notebook (format 4), in order. Raises ExportError for bad Python."""
    cells: list[Cell] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = cell["source"]
        text = source if isinstance(source, str) else "".join(source)
        tags = cell.get("metadata", {}).get("tags", ())
        cells.append(cell_of(len(cells) + 1, text, tags))
    return cells


def cell_of(number: int, source: str, tags: Sequence[str] = ()) -> Cell:
    """One code cell. Raises ExportError with cell and line for what is no Python."""
    first, _, rest = source.partition("\n")
    magic = _CELL_MAGIC.match(first)
    if magic is None:
        piece = _piece(number, source)
        if PARAMETERS_TAG in tags:
            return Params(piece)
        said = bool(piece.tree.body or piece.faults)
        return Code(piece) if said else Shown(number, "it is for a reader: magics alone")
    body, line = "\n" + rest, magic["rest"]
    match magic["magic"]:
        case "task":
            return _tasks(number, line, body)
        case "params":
            return Params(_piece(number, body))
        case "evaluate":
            return _evaluated(number, line, body)
        case "time" | "capture":
            return Code(_piece(number, body))
        case name if name in _FOR_READERS:
            return Shown(number, f"%%{name}")
        case name:
            piece = Piece(number, "", ast.Module([], []), names_of([]), _no_way(f"%%{name}", 1))
            return Code(piece)


def _no_way(what: str, line: int) -> tuple[Fault, ...]:
    return (Fault(line, f"{what} works in a notebook only: write it in Python, or as cg.script"),)


def _tasks(number: int, line: str, body: str) -> Cell:
    from cellgraph_notebook.magics.task_magic import OPTIONS, options_for

    written = options_for(line)._replace(objects=(), texts=(*OPTIONS.texts, *OPTIONS.objects))
    said, rest = parse_line(line, written)
    piece = _piece(number, body)
    if "returns" in said:
        fault = Fault(
            1,
            "a step (%%task --returns) cannot be exported, because its result holds what the cell "
            f"displayed: make it a function, `def ...: ... return {said['returns']}`, under %%task",
        )
        return Code(piece._replace(faults=(*piece.faults, fault)))
    # an option that is an expression keeps its own words
    options = {n: str(v) if n in OPTIONS.objects else repr(v) for n, v in said.items()}
    return Tasks(piece, tuple(rest.replace(",", " ").split()), options)


def _evaluated(number: int, line: str, body: str) -> Cell:
    name = parse_line(line, EVALUATE_OPTIONS).options.get("o")
    piece = _piece(number, body)
    last = piece.tree.body[-1] if piece.tree.body else None
    if name is None or not isinstance(last, ast.Expr):
        return Shown(number, "%%evaluate without a name")
    lines = piece.text.split("\n")
    at = last.lineno - 1
    lines[at] = f"{name} = cg.evaluate({lines[at]}"
    lines[(last.end_lineno or last.lineno) - 1] += ")"
    return Code(_piece(number, "\n".join(lines)))


def _piece(number: int, source: str) -> Piece:
    """Take the notebook's own lines out of *source*."""
    lines, faults = source.split("\n"), list[Fault]()
    inside = _lines_in_strings(source)
    for at, text in enumerate(lines):
        if at + 1 in inside:
            continue
        magic = _MAGIC.match(text)
        if _HELP.match(text):
            lines[at] = ""
        elif magic is not None:
            lines[at] = _plain(magic, at + 1, faults)
        elif _SHELL.match(text):
            faults.append(Fault(at + 1, "a shell command: write it as a cg.script(...) task"))
            lines[at] = ""
    text = "\n".join(lines)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ExportError(f"cell {number} line {error.lineno}: {error.msg}") from None
    return Piece(number, text, tree, names_of(tree.body), tuple(faults))


def _plain(magic: re.Match[str], line: int, faults: list[Fault]) -> str:
    """A line magic as Python: nothing if it is there for a reader."""
    name, rest = magic["magic"], magic["rest"]
    if name in _FOR_READERS:
        return f"{magic['indent']}pass" if magic["indent"] else ""
    if name in ("time", "evaluate", "capture"):
        known = parse_line(rest.strip(), EVALUATE_OPTIONS) if name == "evaluate" else None
        target = magic["name"] or (known.options.get("o") if known else None)
        if known is None:
            return magic["indent"] + (f"{target} = " if target else "") + rest.strip()
        # what is only shown is for a reader
        return f"{magic['indent']}{target} = cg.evaluate({known.rest})" if target else ""
    faults.extend(_no_way(f"%{name}", line))
    return ""


def _lines_in_strings(source: str) -> set[int]:
    """Numbers of the lines that begin inside a string: a % there is no magic."""
    found: set[int] = set()
    quote = ""
    for number, text in enumerate(source.split("\n"), 1):
        if quote:
            found.add(number)
        for mark in re.findall(r'"""|\'\'\'', text):
            quote = "" if quote == mark else quote or mark
    return found
