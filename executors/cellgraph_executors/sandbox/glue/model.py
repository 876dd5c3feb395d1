"""What the engine, the API and the views say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

State = Literal[
    "WAITING", "STARTING", "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"
]
ENDED: Final = frozenset({"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"})


@dataclass(frozen=True, slots=True)
class Spec:
    """A run as it was asked for, with what its job's definition says."""

    id: str
    job: str
    number: int  # among the runs of its job, from 0; the attempts of one have the same
    attempt: int  # from 0, as Glue counts
    previous: str  # the run that failed before it; empty for the first
    role: str
    script: str  # s3://
    arguments: Mapping[str, str]
    version: str
    worker_type: str  # empty: capacity alone was said
    workers: int
    capacity: float  # DPUs of all workers
    flex: bool
    timeout_min: int
    retries: int  # attempts that are left
    queuing: bool
    started_ms: int


class Seen(NamedTuple):
    """What may be seen of a run at one moment."""

    state: State
    modified_ms: int
    running_ms: int = 0  # since when it consumes resources; 0: not yet
    completed_ms: int = 0  # 0: not yet
    error: str = ""
    detail: str = ""  # why it waits

    @property
    def execution_s(self) -> int:
        """Seconds for which it consumed resources; of a run that goes on, until it changed last."""
        if not self.running_ms:
            return 0
        return max(0, (self.completed_ms or self.modified_ms) - self.running_ms) // 1000
