"""The engine's own records of jobs. All of them are guarded by the engine's lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cellgraph_executors.sandbox.batch.model import ENDED, Spec, State
from cellgraph_executors.sandbox.batch.runner import Running
from cellgraph_executors.sandbox.batch.verdict import Cause, Planned
from cellgraph_executors.sandbox.logstreams import LogStream


@dataclass(slots=True, eq=False)
class Life:
    """An attempt under way."""

    number: int  # from 1
    task: str
    logs: Mapping[str, LogStream]  # by container
    started_ms: int
    running: Running | None = None  # None: nothing runs, it only seems so
    cause: Cause = "exited"  # what will have ended it
    text: str = ""
    after: Planned | None = None  # what it is said to have ended by, whatever it returned
    over: bool = False
    codes: dict[str, int] = field(default_factory=dict[str, int])  # of containers that have ended

    @property
    def log(self) -> LogStream:
        """Of the first container."""
        return next(iter(self.logs.values()))


@dataclass(slots=True, eq=False)
class Job:
    """A single job, or a child of an array."""

    group: "Group"
    index: int | None
    state: State
    blockers: int = 0  # dependencies that have not ended
    failed_blocker: bool = False
    stop_reason: str = ""  # of who cancelled or terminated it
    life: Life | None = None  # none: no attempt is under way

    @property
    def ended(self) -> bool:
        return self.state.status in ENDED

    @property
    def tried(self) -> int:
        """How many attempts have ended."""
        return len(self.state.attempts)


@dataclass(slots=True, eq=False)
class Group:
    """What one SubmitJob made."""

    spec: Spec
    parent: State  # of an array; of a single job it is not used
    jobs: list[Job] = field(default_factory=list["Job"])
    left: int = 0  # jobs that have not ended
    failed: int = 0

    @property
    def is_array(self) -> bool:
        return self.spec.size > 0
