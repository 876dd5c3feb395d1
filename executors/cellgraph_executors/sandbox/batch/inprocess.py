"""Attempts as calls of a Python function: for tests that count requests of very many children.

Nothing is proved about processes then, and each attempt's log says so in its first line.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from cellgraph_executors.sandbox.batch.runner import Order, Running
from cellgraph_executors.sandbox.batch.verdict import KILLED
from cellgraph_executors.sandbox.logstreams import LogStream

LABEL: Final = "[sandbox: an in-process child, no process was started]"
_THREADS: Final = 8


class Child(NamedTuple):
    """What the function is given: what a process would have been."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    print: Callable[[str], None]  # a line for its log

    @property
    def number(self) -> int:
        """Its index in the array; 0 for a single job."""
        return int(self.environment.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))


InProcess = Callable[[Child], int]


class Calls:
    """A `Runner` that calls *function*, on few threads, and takes what it returns as exit code.

    An exception is the exit code 1 and a line of the log. A call cannot be stopped: a killed
    attempt is reported at once, and what the call returns later is dropped.
    """

    def __init__(self, function: InProcess) -> None:
        self._function = function
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cellgraph-sandbox-call")

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Queue a call, see `Runner`."""
        call = _Call(order.log, ended)
        self._pool.submit(call.run, self._function, order)
        return call

    def close(self) -> None:
        """Start no more calls, and wait for those under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Call:
    def __init__(self, log: LogStream, ended: Callable[[int], None]) -> None:
        self._log = log
        self._ended = ended
        self._lock = threading.Lock()
        self._over = False

    def run(self, function: InProcess, order: Order) -> None:
        self._log.line(LABEL)
        try:
            code = function(Child(order.command, order.environment, self._log.line))
        except Exception as error:  # the function is the caller's
            self._log.line(f"{type(error).__name__}: {error}")
            code = 1
        self._log.close()
        self._end(code)

    def stop(self) -> None:
        self.kill()

    def kill(self) -> None:
        # not from this thread: the engine holds its lock here, and is told of ends without it
        threading.Thread(target=self._end, args=(KILLED,), daemon=True).start()

    def _end(self, code: int) -> None:
        with self._lock:
            first, self._over = not self._over, True
        if first:
            self._ended(code)
