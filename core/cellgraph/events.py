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


class CallLinked(NamedTuple):
    """A call that waits for others than was said when it was added: `upstream` is all of them."""

    call: int
    upstream: tuple[int, ...]


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
class CallsLinked:
    """What calls wait for, once it is known: of ``report(fit.map(genes(x)))`` the calls of fit."""

    run: str
    calls: tuple[CallLinked, ...]


@dataclass(frozen=True, slots=True)
class CallsStarted:
    """Calls that an executor has begun to run."""

    run: str
    calls: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True)
class CallsElsewhere:
    """Calls that another session on the store computes: waited for, and reused when they end."""

    run: str
    calls: tuple[int, ...]


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


RemoteKind = Literal["array", "job", "glue"]
RemoteStatus = Literal[
    "submitted", "queued", "running", "done", "failed", "detached", "cancelled", "paused"
]


@dataclass(frozen=True, slots=True)
class RemoteJobAdded:
    """Calls that left for another machine as one job of *executor*.

    `calls` are in the order of their positions in the job: child i of an array holds the calls from
    position i * `calls_per_child`. `attached`: it was submitted earlier, and is watched again.
    """

    run: str
    job: str  # the service's own id
    kind: RemoteKind
    executor: str
    task: str
    calls: tuple[int, ...]
    calls_per_child: int
    vcpus: float  # of one child
    at: float
    attached: bool
    usd_per_vcpu_hour: float = 0.0  # as configured; 0: no price


@dataclass(frozen=True, slots=True)
class RemoteJobChanged:
    """What the service says of a job now. Finished and failed calls have events of their own."""

    run: str
    job: str
    status: RemoteStatus
    waiting: int  # children by state
    running: int
    done: int
    failed: int
    running_children: tuple[int, ...]  # their indexes; empty when there are too many to list
    at: float
    note: str  # why it waits or failed, in the service's words; empty when there is nothing to say
    vcpu_s: float = (
        0.0  # what it took, vCPUs times seconds, as the service measured it; 0: not said
    )


class ChildEnded(NamedTuple):
    """How one child of a remote job ended (a job that is no array has one child, 0)."""

    child: int
    attempt: int  # from 1
    waited_s: float  # from submission to its start
    elapsed_s: float
    failed: bool
    exit_code: int  # -1: not known
    reason: str  # in the service's words; empty when it succeeded
    log: str  # where its log is, as the service names it; empty when not known


@dataclass(frozen=True, slots=True)
class RemoteChildrenEnded:
    run: str
    job: str
    children: tuple[ChildEnded, ...]


@dataclass(frozen=True, slots=True)
class LogText:
    """Something a task printed."""

    run: str
    call: int
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class CallProgress:
    """How far a running call has come, as it says itself or its Spark does."""

    run: str
    call: int
    done: float
    total: float  # 0: not known
    text: str  # what it is at, one line; may be empty


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
    | CallsLinked
    | CallsStarted
    | CallsElsewhere
    | CallsReused
    | CallsFinished
    | CallFailed
    | CallsSkipped
    | RemoteJobAdded
    | RemoteJobChanged
    | RemoteChildrenEnded
    | LogText
    | CallProgress
    | Notice
    | MissesExplained
    | RunFinished
)
