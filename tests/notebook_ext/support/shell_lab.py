"""An IPython shell in this process, with the extension: cells run as in a terminal."""

import atexit
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

CELL_OF_TASKS = """
%%task
def double(x):
    tick("double")
    return 2 * x

def total(parts):
    tick("total")
    return sum(parts)
"""


class Told(NamedTuple):
    """What one cell did."""

    value: Any  # of its last line
    error: BaseException | None
    out: str
    err: str

    @property
    def red_line(self) -> str:
        """The message of a UsageError: bad arguments, told in one line and nothing else."""
        lines = self.err.strip().splitlines()
        assert type(self.error).__name__ == "UsageError", (self.error, self.out)
        assert len(lines) == 1 and "Traceback" not in self.out + self.err, lines
        return lines[0].removeprefix("UsageError: ")


class ShellLab:
    """A notebook without a kernel. Its folder is the project; `ticks` counts executions."""

    def __init__(self, shell: Any, folder: Path) -> None:
        self.shell = shell
        self.folder = folder
        self._seen = 0
        log = str(folder / "ticks")

        def tick(name: str) -> None:
            with open(log, "a") as lines:  # noqa: PTH123  # a path that is a plain string
                lines.write(f"{name}\n")

        tick("")
        self.ticks()
        self["tick"] = tick

    def run(self, cell: str) -> Told:
        """Run a cell, without the line break at its beginning."""
        with capture_output(display=False) as said:
            result = self.shell.run_cell(cell.lstrip("\n"), store_history=True)
        error = result.error_in_exec or result.error_before_exec
        return Told(result.result, error, _plain(said.stdout), _plain(said.stderr))

    def ok(self, cell: str) -> Told:
        """Run a cell that must not fail."""
        told = self.run(cell)
        assert told.error is None, told.out + told.err
        return told

    def ticks(self) -> list[str]:
        """What ran since the last question, in order."""
        lines = (self.folder / "ticks").read_text().splitlines()
        new, self._seen = lines[self._seen :], len(lines)
        return new

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def __setitem__(self, name: str, value: object) -> None:
        self.shell.user_ns[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self.shell.user_ns


@contextmanager
def notebook(folder: Path) -> Generator[ShellLab]:
    """A fresh shell in *folder*, the extension not loaded yet; taken down with the block."""
    main, before = sys.modules["__main__"], Path.cwd()
    (folder / "cellgraph.toml").touch()
    os.chdir(folder)
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance(config=config)
    try:
        yield ShellLab(shell, folder)
        shell.run_line_magic("unload_ext", "cellgraph")
    finally:
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
        os.chdir(before)


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
