"""The cells that a target needs, found backwards through the names they read and assign. Pure.

A name read where a cell runs is the one assigned last before it; a name read by the body of a
function is the one assigned last of all, because the body runs later. A cell that changes what a
needed name stands for (sets an item, calls a method for its effect) is needed too.
"""

import ast
import builtins
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cellgraph.errors import ConfigError, ExportError
from cellgraph.suggest import closest
from cellgraph_notebook.cells import task_names
from cellgraph_notebook.export.changing import Known, changed_in, effects_of, sets_up
from cellgraph_notebook.export.reading import Cell, Code, Params, Piece, Shown, Tasks
from cellgraph_notebook.names import names_of

_GIVEN: Final = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "get_ipython", "cg"}


class Left(NamedTuple):
    """A cell that stays out, and why."""

    cell: int
    why: str


class Slice(NamedTuple):
    """What runs, in the notebook's order, and what stays out."""

    cells: tuple[Code | Tasks | Params, ...]
    left: tuple[Left, ...]
    target: str


def slice_back(cells: Sequence[Cell], target: str) -> Slice:
    """Return the cells that the expression *target* needs.

    Raises ExportError for a target that is no expression, for a name that nothing defines, with the
    cell and the line that reads it.
    """
    try:
        asked = ast.parse(target.strip(), mode="eval")
    except SyntaxError as error:
        raise ExportError(f"--target {target!r} is no Python expression: {error.msg}") from None
    wanted = names_of([ast.Expr(asked.body)]).read
    running = [c for c in cells if not isinstance(c, Shown)]
    found = _Search(running)
    for name in sorted(wanted):
        found.need(name, len(running), f"the target {target}")
    found.changes()
    needed = sorted(found.needed)
    left = [Left(c.cell, c.why) for c in cells if isinstance(c, Shown)]
    left += [
        Left(c.piece.cell, _why(c, found)) for n, c in enumerate(running) if n not in found.needed
    ]
    return Slice(tuple(running[n] for n in needed), tuple(sorted(left)), target.strip())


class _Search:
    """Walks from names to the cells that assign them."""

    def __init__(self, cells: Sequence[Code | Tasks | Params]) -> None:
        self._cells = cells
        self.needed: set[int] = set()
        self._assigned: dict[str, list[int]] = {}
        for number, cell in enumerate(cells):
            for name in cell.piece.names.assigned:
                self._assigned.setdefault(name, []).append(number)

    def need(self, name: str, before: int, who: str) -> None:
        """*name* is read by *who*, at the place *before* among the cells."""
        places = [n for n in self._assigned.get(name, ()) if n < before]
        if places:
            self._take(places[-1])
        elif name not in _GIVEN:
            later = self._assigned.get(name)
            if later:
                cell = self._cells[later[0]].piece.cell
                raise ExportError(f"{who} reads {name}, which only cell {cell}, below it, assigns")
            raise ExportError(
                f"{who} reads {name}, which nothing defines{closest(name, self._assigned)}"
            )

    def _take(self, number: int) -> None:
        todo = [number]
        while todo:
            at = todo.pop()
            if at in self.needed:
                continue
            self.needed.add(at)
            todo += self._reads(at)

    def _reads(self, number: int) -> Iterator[int]:
        """The cells that a needed one needs in turn."""
        piece = self._cells[number].piece
        for name in sorted(piece.names.read):
            late = name in piece.names.late
            places = self._assigned.get(name, [])
            places = places if late else [n for n in places if n < number]
            if not places and name not in _GIVEN:
                where = f"cell {piece.cell} line {_line_of(piece, name)}"
                self.need(name, number, where)
            elif places and places[-1] != number:
                yield places[-1]
            # a cell that also reads what it assigns (`n = n + 1`) builds on an earlier one
            if not late:
                yield from places[-1:]

    def changes(self) -> None:
        """Take the cells that change what a needed name stands for, until there are no more."""
        imported, called = _imported(self._cells), _known(self._cells)
        grown = -1
        while grown != len(self.needed):
            grown = len(self.needed)
            known = {name for n in self.needed for name in self._cells[n].piece.names.assigned}
            for number, cell in enumerate(self._cells):
                if number not in self.needed and known & _changes(cell, imported, called):
                    self._take(number)

    def definers(self, names: frozenset[str]) -> bool:
        """Whether a needed cell assigns one of *names*."""
        return any(names & self._cells[n].piece.names.assigned for n in self.needed)


def _why(cell: Code | Tasks | Params, found: _Search) -> str:
    names = cell.piece.names.assigned
    if not names:
        return "it only shows something"
    said = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
    if found.definers(names):
        return f"{said}: assigned again where it counts"
    return f"nothing needs {said}"


def _changes(cell: Code | Tasks | Params, imported: frozenset[str], called: Known) -> set[str]:
    """The names of other cells that *cell* changes; *imported* are names of modules."""
    changed = changed_in(cell.piece.tree, called) - cell.piece.names.assigned
    return {n for n in changed if n not in imported or sets_up(cell.piece.tree, n)}


def _imported(cells: Sequence[Code | Tasks | Params]) -> frozenset[str]:
    names: set[str] = set()
    for cell in cells:
        for node in ast.walk(cell.piece.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {(a.asname or a.name).split(".")[0] for a in node.names}
    return frozenset(names)


def _known(cells: Sequence[Code | Tasks | Params]) -> Known:
    """What names of the notebook do; as tasks count those that stand for nothing else."""
    tasks, others, effects = set[str](), set[str](), dict[str, frozenset[str]]()
    for cell in cells:
        own = set[str]()
        if isinstance(cell, Tasks):
            with contextlib.suppress(ConfigError):  # it is told if the cell is needed
                own.update(task_names(cell.piece.tree, cell.tasks))
        tasks |= own
        others |= cell.piece.names.assigned - own
        for name, changed in effects_of(cell.piece.tree).items():
            if name not in own:
                effects[name] = effects.get(name, frozenset()) | changed
    return Known(frozenset(tasks - others), effects)


def _line_of(piece: Piece, name: str) -> int:
    lines = [
        node.lineno
        for node in ast.walk(piece.tree)
        if isinstance(node, ast.Name) and node.id == name
    ]
    return min(lines, default=1)
