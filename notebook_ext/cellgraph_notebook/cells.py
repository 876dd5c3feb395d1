"""The source of a cell: its text with each line where the notebook shows it, and running it."""

import ast
import io
import linecache
import sys
import tokenize
from collections.abc import Callable, Collection
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from cellgraph.errors import CellgraphError, ConfigError

# A task's marker while the cell is executed; never visible to the cell itself.
_DECORATOR: Final = "__cellgraph_task__"


class CellSyntaxError(CellgraphError):
    """The cell is not Python. Not a SyntaxError: IPython would show the magic's own frames."""

    def __init__(self, error: SyntaxError) -> None:
        super().__init__(str(error))
        self.error = error


class Cell(NamedTuple):
    """The Python of a cell magic. The magic's own line is a comment, so that lines count as in the
    notebook; tracebacks and code identity find *text* under *filename*."""

    text: str
    filename: str
    tree: ast.Module


def read_cell(shell: Any, magic: str, line: str, cell: str) -> Cell:
    """Return the Python of a cell that began with ``%%magic line``. Raises CellSyntaxError."""
    blank = len(cell) - len(cell.lstrip("\r\n"))  # IPython drops empty lines at the top
    body = "\n" * cell[:blank].count("\n") + shell.transform_cell(cell)
    text = f"# %%{magic} {line}".rstrip() + "\n" + body
    filename = register(shell, magic, text)
    return Cell(text, filename, parse(shell, text, filename))


def parse(shell: Any, text: str, filename: str) -> ast.Module:
    """Parse with the `__future__`s of the notebook. Raises CellSyntaxError."""
    try:
        tree: ast.Module = shell.compile.ast_parse(text, filename)
    except SyntaxError as error:
        raise CellSyntaxError(error) from None
    return tree


def compiled(shell: Any, tree: ast.Module, filename: str) -> CodeType:
    """Compile; a `__future__` import holds for later cells. Raises CellSyntaxError."""
    try:
        code: CodeType = shell.compile(tree, filename, "exec")
    except SyntaxError as error:
        raise CellSyntaxError(error) from None
    return code


def register(shell: Any, magic: str, text: str) -> str:
    """Make *text* known as the source of the cell that runs; return its file name.

    The name IPython gave to the cell is used, so that tracebacks say ``Cell In[4]``.
    """
    name = _cell_that_calls(shell, magic)
    if name is None:
        return str(shell.compile.cache(text, shell.execution_count))
    # Without a modification time linecache never looks for the file.
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return name


def _cell_that_calls(shell: Any, magic: str) -> str | None:
    """The name of the cell that consists of this magic; None if something else called it."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # documented
    while frame is not None and frame.f_globals is not shell.user_module.__dict__:
        frame = frame.f_back
    if frame is None:
        return None
    name = frame.f_code.co_filename
    first = linecache.getline(name, 1)
    ours = first.startswith((f"get_ipython().run_cell_magic('{magic}'", f"# %%{magic}"))
    return name if ours else None


# --- the functions of a cell as tasks ---------------------------------------------------------


def task_names(tree: ast.Module, named: Collection[str]) -> list[str]:
    """The functions of a cell that become tasks: the named ones, or every public one.

    Raises ConfigError when a name is not defined in the cell, or nothing is.
    """
    functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    defined = list(dict.fromkeys(n.name for n in functions))
    missing = [name for name in named if name not in defined]
    if missing:
        raise ConfigError(
            f"the cell defines no function {missing[0]!r}; it has: {', '.join(defined) or 'none'}"
        )
    chosen = [name for name in defined if (name in named if named else not name.startswith("_"))]
    if not chosen:
        raise ConfigError(
            "the cell defines no public function: write `def name(...):` to make a task, "
            "or `%%task --returns a,b` to make the cell itself one cached step"
        )
    for node in functions:
        for decorator in node.decorator_list:
            name = _name_of(decorator)
            if name == "task" and node.name in chosen:
                raise ConfigError(f"{node.name} has @task already: remove it, or %%task")
            if name in chosen:
                raise ConfigError(
                    f"{name} decorates {node.name}, so it cannot be a task: call it _{name}, "
                    f"or list the tasks: %%task {node.name}"
                )
    return chosen


def run_with_tasks(
    shell: Any, cell: Cell, names: Collection[str], make: Callable[[Any], Any]
) -> object:
    """Execute *cell*, each function of *names* passed through *make* where it is defined.

    Returns the value of the last line if that is an expression, as a cell would.
    """
    for node in cell.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names:
            marker = ast.copy_location(ast.Name(_DECORATOR, ast.Load()), node)
            node.decorator_list.insert(0, marker)
    namespace: dict[str, Any] = shell.user_ns
    namespace[_DECORATOR] = make
    try:
        return execute(shell, cell)
    finally:
        namespace.pop(_DECORATOR, None)


def execute(shell: Any, cell: Cell) -> object:
    """Execute a cell in the notebook's namespace; return the value of its last line, if it is an
    expression and does not end in a semicolon."""
    last = last_line(cell)
    body = cell.tree.body if last is None else cell.tree.body[:-1]
    code = compiled(shell, ast.Module(body, cell.tree.type_ignores), cell.filename)
    exec(code, shell.user_ns)  # what a magic is for
    if last is None:
        return None
    asked = ast.Expression(last.value)
    flags: int = shell.compile.flags
    code = compile(asked, cell.filename, "eval", flags, dont_inherit=True)
    value: object = eval(code, shell.user_ns)  # as above
    return None if ends_quietly(cell.text) else value


def last_line(cell: Cell) -> ast.Expr | None:
    """The last statement of a cell if it is an expression: what a cell shows."""
    last = cell.tree.body[-1] if cell.tree.body else None
    return last if isinstance(last, ast.Expr) else None


def ends_quietly(text: str) -> bool:
    """Whether a cell ends in a semicolon: its last value is then not shown."""
    skipped = (tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER, tokenize.DEDENT)
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in skipped
    ]
    return bool(tokens) and tokens[-1].string == ";"


def _name_of(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else str(getattr(target, "id", ""))
