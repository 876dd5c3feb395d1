"""The engine's own records of runs. All of them are guarded by the engine's lock."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from cellgraph_executors.sandbox.batch.runner import Running
from cellgraph_executors.sandbox.batch.verdict import Planned
from cellgraph_executors.sandbox.glue.model import ENDED, Seen, Spec

Cause = Literal["exited", "not launched", "stopped", "timed out", "host lost", "out of memory"]


@dataclass(slots=True, eq=False)
class Run:
    """One attempt of a run."""

    spec: Spec
    seen: Seen
    past: deque[tuple[float, Seen]] = field(default_factory=deque[tuple[float, Seen]])
    running: Running | None = None  # None: no process yet, or no more
    cause: Cause = "exited"  # what will have ended it
    text: str = ""
    after: Planned | None = None  # what it is said to have ended by, whatever it returned

    @property
    def ended(self) -> bool:
        return self.seen.state in ENDED

    @property
    def counts(self) -> bool:
        """Whether it is one of the concurrent runs of its job."""
        return not self.ended and self.seen.state != "WAITING"

    def become(self, seen: Seen, now: float) -> None:
        """It is in another state since *now*, on the engine's clock."""
        self.past.append((now, self.seen))
        self.seen = seen

    def shown(self, before: float) -> Seen:
        """What was to be seen of it at *before*."""
        while self.past and self.past[0][0] <= before:
            self.past.popleft()
        return self.past[0][1] if self.past else self.seen
