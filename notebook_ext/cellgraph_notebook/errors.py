"""How an error looks in a notebook: the user's frames as cells and lines, none of ours.

IPython asks an exception for its own rendering (`_render_traceback_`) before it draws one. Errors
of Cellgraph's tree get theirs while the extension is loaded; other exceptions that pass through a
magic keep IPython's look, without the frames that lead to the user's code.
"""

import re
import sys
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final

from cellgraph.errors import CellgraphError, TaskError
from cellgraph_notebook.cells import CellSyntaxError

_HOOK: Final = "_render_traceback_"
_OURS: Final = ("cellgraph", "cellgraph_executors", "cellgraph_notebook")
_FRAME: Final = re.compile(r'  File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<name>.+))?$')
_RED, _GREEN, _BOLD, _OFF = "\x1b[0;31m", "\x1b[0;32m", "\x1b[1m", "\x1b[0m"
_LOG_LINES: Final = 20
_KEPT: Final = "What had finished is kept: mend the code and evaluate again."


def install() -> None:
    """Give errors of Cellgraph's tree their look."""
    setattr(CellgraphError, _HOOK, _rendered)


def remove() -> None:
    """Take it back."""
    if _HOOK in vars(CellgraphError):
        delattr(CellgraphError, _HOOK)


@contextmanager
def shown_well(shell: Any) -> Generator[None]:
    """Show the user's exceptions that leave this block without our frames."""
    try:
        yield
    except CellgraphError:
        raise
    except Exception as error:
        _attach(error, partial(_user_part, shell, error))
        raise


def show_interrupt(error: KeyboardInterrupt) -> None:
    """Let a stopped run be one line: where the waiting thread stood tells nothing."""
    lines = [f"{_RED}KeyboardInterrupt{_OFF}: stopped; what had finished is kept"]
    _attach(error, lambda: lines)


def _attach(error: BaseException, render: Callable[[], list[str]]) -> None:
    if not hasattr(error, _HOOK):
        setattr(error, _HOOK, render)


# --- Cellgraph's own errors ---------------------------------------------------------------------


def _rendered(error: CellgraphError) -> list[str]:
    """The lines of the red box."""
    shell: Any = sys.modules["IPython"].get_ipython()
    if isinstance(error, CellSyntaxError):
        lines: list[str] = shell.SyntaxTB.structured_traceback(type(error.error), error.error, [])
        return lines
    cell = partial(_cell_name, shell)
    first, _, rest = str(error).partition("\n")
    head = f"{_RED}{_BOLD}{type(error).__name__}{_OFF}: {first}"
    if isinstance(error, TaskError):
        return [head, *_frames(error.user_traceback, cell), *_log(error.log), "", _KEPT]
    where = traceback.format_tb(_trimmed(error.__traceback__))
    return [*_frames("".join(where), cell), head, *rest.splitlines()]


def _log(log: str) -> list[str]:
    lines = log.rstrip().splitlines()
    if not lines:
        return []
    left_out = len(lines) - _LOG_LINES
    return ["", "It printed:", *(["…"] if left_out > 0 else []), *lines[-_LOG_LINES:]]


def _frames(text: str, cell: Callable[[str], str | None]) -> list[str]:
    """The lines of a traceback in text form, frames of ours left out and cells called by number."""
    lines: list[str] = []
    skipping = False
    for line in text.rstrip().splitlines():
        frame = _FRAME.match(line)
        if frame is not None:
            skipping = _is_our_file(frame["file"])
            if not skipping:
                lines += ["", _place(frame["file"], frame["line"], frame["name"], cell)]
        elif not line.startswith("    "):
            skipping = False
            if line != "Traceback (most recent call last):":
                lines += ["", line]
        elif not skipping:
            lines.append(line)
    return lines


def _place(file: str, line: str, name: str | None, cell: Callable[[str], str | None]) -> str:
    inside = f" in {_GREEN}{name}{_OFF}" if name and name != "<module>" else ""
    return f"{_GREEN}{cell(file) or f'File {_short(file)}'}{_OFF}, line {line}{inside}"


def _cell_name(shell: Any, file: str) -> str | None:
    """``Cell In[4]``, as IPython calls it, or None for a file."""
    found = shell.compile.format_code_name(file)
    return " ".join(found) if found is not None else None


def _short(file: str) -> str:
    home = str(Path.home())
    return f"~{file[len(home) :]}" if file.startswith(f"{home}/") else file


# --- frames -------------------------------------------------------------------------------------


def _user_part(shell: Any, error: BaseException) -> list[str]:
    """IPython's own rendering, of the user's frames alone."""
    tb = _trimmed(error.__traceback__)
    view, kind = shell.InteractiveTB, type(error)
    lines: list[str] = (
        view.get_exception_only(kind, error)
        if tb is None
        else view.structured_traceback(kind, error, tb, tb_offset=0)
    )
    return lines


def _trimmed(tb: TracebackType | None) -> TracebackType | None:
    """The same traceback without frames of ours, of IPython around a cell, and the cell's call of
    a cell magic."""
    kept: list[TracebackType] = []
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_code.co_name == "run_cell_magic" and kept and _is_ipython(frame):
            kept.pop()
        if not _is_ours(frame) and not _is_ipython(frame):
            kept.append(tb)
        tb = tb.tb_next
    return _chain(kept)


def _chain(kept: Iterable[TracebackType]) -> TracebackType | None:
    chain: TracebackType | None = None
    for tb in reversed(list(kept)):
        chain = TracebackType(chain, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    return chain


def _is_ours(frame: FrameType) -> bool:
    return _package(frame) in _OURS or frame.f_code.co_filename == "<magic>"


def _is_ipython(frame: FrameType) -> bool:
    return _package(frame) in ("IPython", "ipykernel")


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_our_file(file: str) -> bool:
    folders = [Path(p) for name in _OURS for p in getattr(sys.modules.get(name), "__path__", ())]
    return any(Path(file).is_relative_to(folder) for folder in folders)
