"""What happens in a run, as frozen values. One stream feeds every view, log, test and export.

Events about calls come in batches, because ten thousand calls may finish in half a second. A call
is an `int`, unique within its run and given in order of discovery. Times are seconds since the
epoch, durations seconds.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

RunStatus = Literal["running", "done", "failed", "cancelled"]


class CallAdded(NamedTuple):
    """A call the reducer has discovered; `upstream` are the calls its arguments wait for."""

    call: int
    task: str
    executor: str
    upstream: tuple[int, ...]
    parent: int  # the call whose body returned this one; -1 for the user's own expression


class CallDone(NamedTuple):
    """A call that finished, or was found finished."""

    call: int
    elapsed_s: float  # how long it ran; for a reused call, how long it had run when it was computed


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    label: str  # the expression, shortened: "report(fit(...) x60)"
    at: float


@dataclass(frozen=True, slots=True)
class CallsAdded:
    run: str
    calls: tuple[CallAdded, ...]


@dataclass(frozen=True, slots=True)
class CallsStarted:
    """Calls that an executor has begun to run."""

    run: str
    calls: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True)
class CallsReused:
    """Calls answered from the store (or by an equal call of this run, with `elapsed_s` 0)."""

    run: str
    calls: tuple[CallDone, ...]


@dataclass(frozen=True, slots=True)
class CallsFinished:
    """Calls that ran and whose records are durable."""

    run: str
    calls: tuple[CallDone, ...]


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call failed for good; `will_retry` marks an attempt that is tried again instead."""

    run: str
    call: int
    error: str  # one line: "ValueError: no rows"
    traceback: str  # the user's frames, as text
    attempt: int
    will_retry: bool


@dataclass(frozen=True, slots=True)
class CallsSkipped:
    """Calls that will not run: something they need failed, or the run was cancelled."""

    run: str
    calls: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LogText:
    """Something a task printed."""

    run: str
    call: int
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the user, said once per run: "fit uses the present definition of clean"."""

    run: str
    text: str


class Missed(NamedTuple):
    """Why calls of one task had to run: "helper clean() line 3", "new arguments", "first run"."""

    task: str
    reason: str
    calls: int


@dataclass(frozen=True, slots=True)
class MissesExplained:
    run: str
    misses: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class RunFinished:
    run: str
    status: RunStatus
    at: float
    elapsed_s: float
    executed: int
    reused: int
    failed: int
    saved_s: float  # recorded durations of the calls that were reused


Event = (
    RunStarted
    | CallsAdded
    | CallsStarted
    | CallsReused
    | CallsFinished
    | CallFailed
    | CallsSkipped
    | LogText
    | Notice
    | MissesExplained
    | RunFinished
)
