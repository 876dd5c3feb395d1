"""What the engine, the board and the API say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from cellgraph_executors.sandbox.batch.retry import Retry

Status = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
Asked = Literal["cancelled", "terminated"]
STATUSES: Final[tuple[Status, ...]] = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
)
ENDED: Final = frozenset({"SUCCEEDED", "FAILED"})
WAITING: Final = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})


class Mount(NamedTuple):
    """A folder of the host as a container sees it."""

    source: str  # empty: one that is made for the task, shared by its containers, and removed
    target: str
    read_only: bool
    volume: str = ""


class After(NamedTuple):
    """What a container waits for before it starts: a state of another one of its task."""

    container: str
    condition: Literal["START", "COMPLETE", "SUCCESS"]


class Container(NamedTuple):
    """One of a job, ready to run but for the child's own variables."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    essential: bool = True
    after: tuple[After, ...] = ()


class Depends(NamedTuple):
    """One of `dependsOn`. An empty *job* stands for the array's own children, in order."""

    job: str
    kind: Literal["", "N_TO_N", "SEQUENTIAL"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A request, checked and resolved: what one job, or every child of an array, runs."""

    id: str
    name: str
    queue: str
    definition: str  # name:revision
    containers: tuple[Container, ...]
    vcpus: float  # of all of them
    retry: Retry
    timeout_s: int  # 0: none
    size: int  # children of an array, 0: a single job
    depends: tuple[Depends, ...]
    created_ms: int
    detail: Mapping[str, Any] = field(repr=False)  # what a description of the job repeats

    def child_id(self, index: int | None) -> str:
        """The id of one child, or of the job itself."""
        return self.id if index is None else f"{self.id}:{index}"


class Attempt(NamedTuple):
    """One that has ended."""

    started_ms: int
    stopped_ms: int
    status_reason: str
    reason: str
    exit_code: int | None  # None: its container ended without one
    task: str
    log_stream: str
    codes: Mapping[str, int] = {}  # of containers that have ended, by their names


class State(NamedTuple):
    """What may be seen of a job at one moment."""

    status: Status
    reason: str = ""
    started_ms: int = 0  # 0: not yet
    stopped_ms: int = 0
    attempts: tuple[Attempt, ...] = ()
    task: str = ""  # of the attempt under way
    log_stream: str = ""
    asked: Asked | None = None


class Change(NamedTuple):
    """A job (index None) or a child of an array is now in another state."""

    job: str
    child: int | None
    state: State
