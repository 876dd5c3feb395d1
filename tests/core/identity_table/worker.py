"""One process of the table: runs one side of many scenarios, each in a kernel-like namespace.

``python -m tests.core.identity_table.worker TOOL SIDE ROOT OUT < CASES``: *TOOL* is
``module:Class``, *SIDE* is before, after or live; the cases named on stdin run in sequence under
the folder *ROOT*, and each adds lines of JSON to the file *OUT*.
"""

import dataclasses
import faulthandler
import hashlib
import importlib
import json
import linecache
import os
import signal
import sys
import tempfile
import types
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.core.identity_table.outcome import Outcome
from tests.core.identity_table.scenario import Scenario
from tests.core.identity_table.table import CASES
from tests.core.identity_table.tool import Forecast, Impossible, Tool

COUNTER_FD: Final = 199  # a fixed descriptor: nothing that a task's identity could see changes
ROW_TIMEOUT_S: Final = 20
BEGUN: Final = "begun"
_WRITE: Final = "%%writefile "


class Notebook:
    """A `__main__` of its own, in a project folder of its own."""

    def __init__(self, names: dict[str, Any], *, shell: bool) -> None:
        self.module = types.ModuleType("__main__")
        self.module.__dict__.update(names)
        self._count = 0
        self._shell = _shell(self.module) if shell else None
        sys.modules["__main__"] = self.module

    def run(self, cell: str) -> None:
        """Run a cell; its text is in `linecache`, under a name like IPython's."""
        if cell.startswith(_WRITE):
            name, _, text = cell.removeprefix(_WRITE).partition("\n")
            path = Path(name.strip())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            importlib.invalidate_caches()
        elif self._shell is not None:
            self._shell.run_cell(cell, store_history=True).raise_error()
        else:
            self._count += 1
            mark = hashlib.sha256(cell.encode()).hexdigest()[:12]
            name = f"<ipython-input-{self._count}-{mark}>"
            linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
            exec(compile(cell, name, "exec", dont_inherit=True), self.module.__dict__)

    def value(self, expression: str) -> Any:
        """Evaluate a Python expression in the namespace."""
        return eval(expression, self.module.__dict__)


def _shell(module: types.ModuleType) -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell.instance(config=config, user_module=module, user_ns=module.__dict__)


def tick_count() -> int:
    """How many task bodies have run in this process and its children."""
    return os.fstat(COUNTER_FD).st_size


def run_side(
    row: Scenario, tool: Tool, notebook: Notebook, cells: Sequence[str], expression: str
) -> Outcome:
    """Run cells and evaluate; whatever they raise is the outcome."""
    forecast: Forecast | None = None
    told = {"reasons": len(tool.reasons), "notices": len(tool.notices)}
    try:
        for cell in cells:
            notebook.run(cell)
        if not expression:
            return Outcome()
        make = partial(notebook.value, expression)
        forecast = tool.forecast(make)
        count = tick_count()
        value = tool.evaluate(make, cache=True)
        runs, executed = tick_count() - count, tool.executed
        shown = _shown(value)
        truth = notebook.value(row.truth) if row.truth else tool.evaluate(make, cache=False)
    except Impossible as error:
        return Outcome(impossible=str(error))
    except (Exception, SystemExit) as error:
        failing = None if forecast is None else forecast.failing
        return Outcome(error=f"{type(error).__name__}: {error}", failing=failing)
    return Outcome(
        value=shown,
        truth=_shown(truth),
        runs=runs,
        executed=executed,
        reasons=tuple(tool.reasons[told["reasons"] :]),
        notices=tuple(tool.notices[told["notices"] :]),
        **dataclasses.asdict(forecast),
    )


def _shown(value: object) -> str:
    return f"{type(value).__qualname__} {value!r}"


def run_row(row: Scenario, side: str, tool: Tool, root: Path) -> list[tuple[str, Outcome]]:
    """Run what *side* asks for: before, after, or (live) both in one namespace."""
    folder = root / row.case
    project = folder / ("elsewhere" if row.moved and side == "after" else "project")
    if row.moved and side == "after":
        (folder / "project").rename(project)
    project.mkdir(parents=True, exist_ok=True)
    (project / "cellgraph.toml").touch()
    found: list[tuple[str, Outcome]] = []
    with _settled(project):
        names = tool.open(folder / "store")
        names["tick"] = partial(os.write, COUNTER_FD, b".")
        names["evaluate"] = partial(_evaluate, tool)
        notebook = Notebook(names, shell=row.mode == "ipython")
        try:
            if side != "after":
                found.append(("before", run_side(row, tool, notebook, row.before, row.first)))
            if side != "before":
                found.append(("after", run_side(row, tool, notebook, row.after, row.second)))
        finally:
            tool.close()
    return found


def _evaluate(tool: Tool, expression: Any) -> Any:
    return tool.evaluate(lambda: expression, cache=True)


@contextmanager
def _settled(project: Path) -> Generator[None]:
    """A row leaves nothing behind: folder, path, environment, modules, `__main__`."""
    main, path, variables = sys.modules["__main__"], list(sys.path), dict(os.environ)
    modules = set(sys.modules)
    os.chdir(project)
    sys.path.insert(0, str(project))
    importlib.invalidate_caches()
    signal.setitimer(signal.ITIMER_REAL, ROW_TIMEOUT_S)
    faulthandler.dump_traceback_later(2 * ROW_TIMEOUT_S, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        for name in set(sys.modules) - modules:
            place = getattr(sys.modules[name], "__file__", None)
            if not isinstance(place, str) or place.startswith(str(project)):
                sys.modules.pop(name, None)
        sys.modules["__main__"], sys.path[:] = main, path
        for name in set(os.environ) - set(variables):
            del os.environ[name]
        os.environ.update(variables)
        os.chdir(tempfile.gettempdir())


def _expire(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {ROW_TIMEOUT_S} s")


def main(made: str, side: str, root: Path, out: Path) -> None:
    """Run the cases named on stdin."""
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGALRM, _expire)
    counter = os.open(root / f"ticks-{side}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(counter, COUNTER_FD)
    module, _, name = made.partition(":")
    tool: Tool = getattr(importlib.import_module(module), name)()
    by_case = {row.case: row for row in CASES}
    with out.open("a", encoding="utf-8") as lines:
        for case in sys.stdin.read().split():
            print(json.dumps({"case": case, "side": BEGUN}), file=lines, flush=True)
            for which, outcome in run_row(by_case[case], side, tool, root):
                said = {"case": case, "side": which, **dataclasses.asdict(outcome)}
                print(json.dumps(said), file=lines, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
