"""What an executor sees of the engine, and nothing more.

An executor receives `Job`s and reports `JobEvent`s from any thread. It never sees a scheduler, an
expression's neighbours or the cache. Values cross as digests or small inline payloads: whoever runs
the function writes large results to the store itself (`worker.run_job` does all of that).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from cellgraph.errors import ExecutorError
from cellgraph.events import ChildEnded, RemoteKind, RemoteStatus
from cellgraph.places import Read, Roots
from cellgraph.stores.base import Store


@dataclass(frozen=True, slots=True)
class Function:
    """The code of a task, as it is now."""

    name: str
    func: Callable[..., Any]
    code: bytes  # digest of the code's identity: equal digests may share one shipped copy
    nout: int | None = None  # how many values it promises to return
    # of code that runs elsewhere: the packages it names, with as much of the versions as counts
    packages: tuple[tuple[str, str], ...] = ()
    counted: str = "exact"  # or "minor": how much that is


@dataclass(frozen=True, slots=True)
class Resources:
    """What one call may use. `extra` are the executor's own options, validated by it."""

    vcpus: float = 1.0
    memory_gib: float = 0.0  # 0: not declared
    gpus: int = 0
    timeout_s: float | None = None
    extra: Mapping[str, object] | None = None
    calls_per_job: int | Literal["auto"] | None = None  # how many calls may share a remote child
    tags: Mapping[str, str] | None = None


class Job(NamedTuple):
    """One call, ready to run."""

    id: int  # unique within the session
    function: Function
    args: tuple[object, ...]  # resolved: plain containers over scalars and `Result`s
    kwargs: Mapping[str, object]
    resources: Resources
    roots: Roots | None = None  # None: nobody asks what it reads
    key: bytes = b""  # what the call is named by; empty: nobody else may answer for it


class JobLog(NamedTuple):
    """Text the call printed; may be reported while it runs."""

    id: int
    stream: Literal["stdout", "stderr"]
    text: str


class JobProgress(NamedTuple):
    """How far a running call has come, as it says itself or its Spark does; the last one counts."""

    id: int
    done: float
    total: float  # 0: not known
    text: str  # what it is at, one line; may be empty


class Usage(NamedTuple):
    """What a call took of its machine."""

    cpu_s: float
    peak_bytes: int  # most memory of the process while it ran; 0: not known


class JobDone(NamedTuple):
    """The call returned. `outcome` is a scalar, a `Result`, or an `Unreduced` expression."""

    id: int
    started: float  # seconds since the epoch
    elapsed_s: float
    outcome: object
    reads: tuple[Read, ...] = ()  # what it depends on beside its arguments
    usage: "Usage | None" = None  # where a process ran this call and nothing else meanwhile


class JobFailed(NamedTuple):
    """The call did not return a value.

    `error` is the user's exception (possibly rebuilt from another process) or an `ExecutorError`;
    `traceback` holds the user's frames as text.
    """

    id: int
    started: float
    elapsed_s: float
    error: BaseException
    traceback: str
    reads: tuple[Read, ...] = ()  # as of JobDone: a file that was not there, say

    @property
    def by_executor(self) -> bool:
        """Whether the place failed rather than the user's code."""
        return isinstance(self.error, ExecutorError)


class JobsLeft(NamedTuple):
    """Jobs that became one job of another machine; reported before anything else of it.

    `jobs` by their positions in it (see `events.RemoteJobAdded`); 0 where a call is not ours.
    """

    remote: str  # the service's own id
    kind: RemoteKind
    executor: str
    jobs: tuple[int, ...]
    calls_per_child: int
    vcpus: float
    at: float
    attached: bool
    usd_per_vcpu_hour: float


class RemoteSeen(NamedTuple):
    """What the service says of a job of another machine (see `events.RemoteJobChanged`)."""

    remote: str
    status: RemoteStatus
    waiting: int
    running: int
    done: int
    failed: int
    running_children: tuple[int, ...]
    at: float
    note: str
    vcpu_s: float = 0.0


class RemoteEnded(NamedTuple):
    """How children of a job of another machine ended."""

    remote: str
    children: tuple[ChildEnded, ...]


class RemoteJob(NamedTuple):
    """A job of another machine that is on record: it may still go on, or has just ended."""

    id: str  # the service's own; empty: it is about to be submitted
    kind: RemoteKind
    executor: str
    task: str
    status: RemoteStatus
    calls: int
    waiting: int  # children by state
    running: int
    done: int
    failed: int
    created: float  # seconds since the epoch
    note: str  # in the service's words


class Remark(NamedTuple):
    """Something that people should know while the jobs are out."""

    jobs: tuple[int, ...]  # runs that wait for these are told
    text: str


JobEvent = JobLog | JobProgress | JobDone | JobFailed | JobsLeft | RemoteSeen | RemoteEnded | Remark
Answer = JobDone | JobFailed


class Unreduced:
    """The body returned an expression, or a container that holds some: more work to reduce."""

    __slots__ = ("expression",)

    def __init__(self, expression: object) -> None:
        self.expression = expression


class ExecutorHost(Protocol):
    """The keyhole through which an executor talks back."""

    @property
    def store(self) -> Store: ...

    def report(self, events: Sequence[JobEvent]) -> None:
        """Hand over what happened; thread-safe, never blocks."""
        ...


class Executor(Protocol):
    """Somewhere calls run.

    Constructed with its settings as keyword arguments (an unknown one is a ConfigError), then
    started once with a host. Each submitted job is answered by exactly one JobDone or JobFailed,
    also after `cancel`. One exception: a place that cannot stop a running function (a thread in a
    long C call) reports CallCancelled or CallTimeout at once and, if the function returns after
    all, a late JobDone: a finished result is never lost.
    """

    name: str

    def start(self, host: ExecutorHost) -> None: ...

    def check_options(self, extra: Mapping[str, object]) -> None:
        """Raise ConfigError, naming the closest known one, for an option this executor lacks."""
        ...

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs; returns at once. Jobs start in order as far as resources allow."""
        ...

    def running(self) -> Collection[int]:
        """Ids of the jobs whose function is running now."""
        ...

    def cancel(self, jobs: Collection[int]) -> None:
        """Drop queued jobs and stop running ones as far as the place can; returns at once.

        Dropped and stopped jobs are reported as JobFailed with CallCancelled.
        """
        ...

    def close(self) -> None:
        """Stop everything this executor started. Safe to call twice."""
        ...


class Surroundings(NamedTuple):
    """What calls of an executor find where they run, as far as it is known without a look.

    An executor whose calls do not run with the packages of here has a method
    ``surroundings(extra, script=False)`` that returns this, or None where they do; it need not be
    started. Of a script it is where its worker runs, which stages and takes up.
    """

    name: str  # names the environment, for people and for its record: "image science:2026-11"
    own: frozenset[str] | None = None  # packages it has of its own; None: all. Others come along
    documented: Mapping[str, str] = {}  # versions by its documentation, not by a job that looked
    options: Mapping[str, object] = {}  # of a call that describes it
    prepared: bool = False  # that call also makes it: nothing else runs there before


class RemoteDesk(Protocol):
    """What a person may ask of the jobs of a remote executor.

    Any thread; each call asks the service. Raises ExecutorError.
    """

    def listed(self) -> list[RemoteJob]:
        """The jobs on record, those of sessions that are gone too, oldest first."""
        ...

    def log(self, job: str, child: int) -> str:
        """The last lines of the log of one child; empty if it has written none."""
        ...

    def end(self, job: str) -> None:
        """Stop a job and all its children. What they have finished is kept."""
        ...


@runtime_checkable
class RemoteExecutor(Executor, Protocol):
    """An executor that gathers jobs for a moment, sends them to other machines, and may let go.

    `close` lets go of what was sent: it goes on without this process.
    """

    @property
    def desk(self) -> RemoteDesk:
        """What a person may ask of its jobs, once it is started."""
        ...

    def gathered(self) -> int:
        """How many jobs still wait for others to go with. Never blocks."""
        ...

    def flush(self) -> None:
        """Nothing else can become ready now: send what is gathered. Returns at once."""
        ...

    def let_go(self, jobs: Collection[int]) -> None:
        """Drop what was not sent, and stop waiting for the rest, which goes on where it is.

        All are reported as JobFailed with CallCancelled. What finishes while this process lives
        is reported as a late JobDone; an equal job that is submitted later is answered by it.
        """
        ...


@runtime_checkable
class Yielding(Protocol):
    """An executor that can give back what it has not begun: an idle session may run that."""

    def withdraw(self, jobs: Collection[int]) -> None:
        """Drop those of *jobs* that wait in the queue, as `cancel` does. Running ones go on."""
        ...
