"""A run: one evaluation, from its start to its value. What `submit` returns."""

import threading
import time
from collections.abc import Generator
from typing import Any, Protocol

from cellgraph.errors import CallCancelled, CellgraphError, TaskError
from cellgraph.events import RunStatus
from cellgraph.failure import Failure
from cellgraph.halt import Halt
from cellgraph.records import CallRecord, FailureRecord, decode
from cellgraph.stores.base import Store
from cellgraph.worker import load


class Owner(Protocol):
    """Whoever reduces the run."""

    def cancel(self, run: "Run", *, let_go: bool = False) -> None: ...


class Counts:
    """How many calls a run has met, and what became of them."""

    __slots__ = ("added", "executed", "failed", "reused", "saved_s", "skipped")

    def __init__(self) -> None:
        self.added = 0
        self.executed = 0
        self.reused = 0
        self.failed = 0
        self.skipped = 0
        self.saved_s = 0.0

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "added": self.added,
            "executed": self.executed,
            "reused": self.reused,
            "failed": self.failed,
            "skipped": self.skipped,
        }


class Run:
    """An evaluation in progress or ended. Thread-safe; awaitable.

    `status` is "running", "done", "failed" or "cancelled"; `counts` what became of its calls.
    """

    def __init__(self, name: str, label: str, owner: Owner, store: Store) -> None:
        self.id = name
        self._store = store
        self.label = label
        self.counts = Counts()
        self.started = time.time()
        self.elapsed_s = 0.0
        self._clock = time.perf_counter()
        self._owner = owner
        self.begun = threading.Event()  # its arguments have been taken in
        self.halt = Halt()
        self._ended = threading.Event()
        self._status: RunStatus = "running"
        self._value: Any = None
        self._error: BaseException | None = None
        self.passing = ""  # of a failure in its value: what evaluating again would not meet

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        return self._status

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended, *timeout* seconds at most; say whether it has.

        Ctrl-C reaches the waiting thread within a tenth of a second.
        """
        if timeout is None:
            while not self._ended.wait(0.1):
                pass
            return True
        return self._ended.wait(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """Wait, then return the value. Raises TaskError, CallCancelled, or TimeoutError."""
        if not self.wait(timeout):
            raise TimeoutError(f"run {self.id} is still going after {timeout} s")
        if self._error is not None:
            raise self._error
        # each caller gets a copy of its own, made on its own thread
        return load(self._value, self._store)

    @property
    def error(self) -> str:
        """Why it failed, with the user's traceback; empty while it runs or if it did not."""
        return "" if self._error is None else str(self._error)

    @property
    def log(self) -> str:
        """What its finished calls printed, as far as that is stored by now."""
        found = [
            (record.started, record.log)
            for record in (decode(entry.data) for entry in self._store.scan())
            if isinstance(record, (CallRecord, FailureRecord)) and record.run == self.id
        ]
        return "".join(log for _, log in sorted(found))

    def cancel(self) -> None:
        """Start nothing more, stop what can be stopped, keep what has finished."""
        self._owner.cancel(self)

    def let_go(self) -> None:
        """As `cancel`, except that what runs on other machines goes on there: evaluate again."""
        self._owner.cancel(self, let_go=True)

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        return asyncio.get_running_loop().run_in_executor(None, self.result).__await__()

    def __repr__(self) -> str:
        c = self.counts
        return (
            f"<run {self.id} {self.status}: {c.executed} ran, {c.reused} reused, {c.failed} failed>"
        )

    # --- the owner's side ---------------------------------------------------------------------

    def end(self, status: RunStatus, value: Any = None, error: BaseException | None = None) -> None:
        """Settle the run; called once, by its owner."""
        self._value = value
        self._error = error
        self._status = status
        self.elapsed_s = time.perf_counter() - self._clock
        self.begun.set()
        self._ended.set()


def error_of(failure: Failure) -> BaseException:
    """The exception that `result` raises for *failure*."""
    error = failure.error
    if isinstance(error, CellgraphError) and not failure.by_executor and not failure.task:
        return error
    parts = [f"{failure.task} failed: {failure.message}" if failure.task else failure.message]
    if failure.traceback:
        parts.append(failure.traceback.rstrip())
    if failure.log:
        parts.append("It printed:\n" + failure.log.rstrip()[-2000:])
    made = TaskError(
        "\n\n".join(parts),
        task=failure.task,
        call=failure.call,
        error=error,
        user_traceback=failure.traceback,
        log=failure.log,
    )
    made.__cause__ = error
    return made


def cancelled(run: Run) -> BaseException:
    """The exception that `result` raises for a cancelled run."""
    return CallCancelled(
        f"run {run.id} was cancelled; what had finished is kept: evaluate again to go on"
    )
