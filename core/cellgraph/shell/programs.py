"""Where the programs of scripts run: on this machine, unless whoever runs calls says otherwise."""

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from cellgraph.shell.process import Command, Ended, Say, run


class Programs(Protocol):
    """A place that has programs, and sees the folders of scripts under the names they have here."""

    def sees(self, path: str) -> bool:
        """Whether the file or folder at *path* is there too, under this name."""
        ...

    def run(self, command: Command, say: Say) -> Ended:
        """Run a program until it and what it started have ended; *say* as in `process.run`.

        Raises OSError when it cannot be started; an error of `cellgraph.errors` when the place is
        lost.
        """
        ...


class Here:
    """The programs of this machine."""

    def sees(self, path: str) -> bool:
        """See `Programs`."""
        return True

    def run(self, command: Command, say: Say) -> Ended:
        """See `Programs`."""
        return run(command, {**os.environ, "PATH": _search_path(), **command.variables}, say)


class _Chosen(threading.local):
    programs: Programs = Here()


_chosen = _Chosen()


def chosen() -> Programs:
    """Those of the scripts that this thread runs."""
    return _chosen.programs


@contextmanager
def elsewhere(programs: Programs) -> Generator[None]:
    """Scripts that this thread runs meanwhile have *programs*."""
    outer, _chosen.programs = _chosen.programs, programs
    try:
        yield
    finally:
        _chosen.programs = outer


def _search_path() -> str:
    """Where programs are found: those that were installed beside this Python, too.

    A kernel often runs in an environment that nobody has activated.
    """
    own = os.path.dirname(sys.executable)  # noqa: PTH120 - links stay what they are
    given = os.environ.get("PATH", os.defpath)
    return given if own in given.split(os.pathsep) else f"{own}{os.pathsep}{given}"
