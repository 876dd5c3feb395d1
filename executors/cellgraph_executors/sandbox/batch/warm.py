"""Jobs that begin warm: Cellgraph's own worker is forked from a process that has imported it.

What `warm=` switches on. They are processes all the same, each with its environment, its group, its
working folder and its exit code; only the start of Python is shared, so that hundreds of small
children cost seconds and not minutes. Any other command, and jobs with mounts or with variables
that Python reads when it starts, are started as ever.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

from cellgraph.errors import ConfigError
from cellgraph_executors.sandbox.batch.forkserver import receive, send
from cellgraph_executors.sandbox.batch.processes import Processes, Started, spawn
from cellgraph_executors.sandbox.batch.runner import Order, Running

_WORKER: Final = ("cellgraph", "worker")
_PROGRAM: Final = "from cellgraph_executors.sandbox.batch.forkserver import main; main()"
# A job of one vCPU has one thread of BLAS; these are read when numpy is imported.
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def check(modules: Sequence[str]) -> None:
    """Raises ConfigError for modules that are not installed here."""
    for name in modules:
        if find_spec(name.partition(".")[0]) is None:
            raise ConfigError(f"warm={list(modules)!r}: no module {name!r} is installed here")


class Warm:
    """A `Runner`. *modules*: what to import beforehand, beside Cellgraph.

    *environment*: of the process that is forked. *folder*: where it works.
    """

    def __init__(
        self, modules: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._server = _Server(modules, folder, environment)
        self._processes = Processes(self._spawn)

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Fork, or start a process, see `Runner`."""
        return self._processes.start(order, ended)

    def close(self) -> None:
        """Kill every process, see `Runner`."""
        self._processes.close()
        self._server.close()

    def _spawn(self, order: Order) -> Started:
        of_python = any(name.startswith("PYTHON") for name in order.environment)
        if order.command[:2] != _WORKER or order.mounts or of_python:
            return spawn(order)
        return self._server.fork(order)


class _Server:
    """The program and its socket; one question at a time."""

    def __init__(
        self, modules: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._lock = threading.Lock()
        self._link, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, *modules],
                cwd=folder,
                env={**_ONE_THREAD, **environment},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def fork(self, order: Order) -> "_Forked":
        out, into = os.pipe()
        said = {
            "command": order.command,
            "environment": dict(order.environment),
            "folder": str(order.folder),
        }
        try:
            answer = self.ask(said, into)
        except OSError:
            os.close(out)
            raise
        finally:
            os.close(into)
        return _Forked(self, answer["pid"], os.fdopen(out, "rb"))

    def ask(self, said: Mapping[str, Any], *descriptors: int) -> dict[str, Any]:
        """Raises OSError when the program is gone."""
        answer = None
        with self._lock, suppress(OSError):
            send(self._link, said, *descriptors)
            answer, _ = receive(self._link)
        if answer is None:
            raise OSError(0, "the warm process has ended: can it import the modules of warm=?")
        return answer

    def close(self) -> None:
        self._link.close()
        self._program.wait()


class _Forked:
    """A process of the server's, as far as `Processes` asks."""

    def __init__(self, server: _Server, pid: int, stdout: IO[bytes]) -> None:
        self._server = server
        self.pid = pid
        self.stdout = stdout
        self.stderr: IO[bytes] | None = None  # it writes both to one

    def poll(self) -> int | None:
        code: int | None = self._code("poll")
        return code

    def wait(self) -> int:
        code: int = self._code("wait")
        return code

    def _code(self, how: str) -> Any:
        try:
            return self._server.ask({how: self.pid})["code"]
        except OSError:  # nobody can tell any more
            return -signal.SIGKILL
