"""What DescribeJobs and ListJobs see: the engine's changes, possibly some seconds late."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cellgraph_executors.sandbox.batch.model import STATUSES, Change, Spec, State, Status


@dataclass(slots=True)
class Entry:
    """A submitted job. `state` is that of the job, or of the array's parent."""

    spec: Spec
    state: State
    children: list[State]
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    updated_ms: int = 0  # when the counts last changed

    def of(self, index: int | None) -> State:
        """The state of a child, or of the job itself. Raises IndexError."""
        return self.state if index is None else self.children[index]


class Board:
    """Thread-safe. *lag_s* says how late a change is seen; a new job is seen at once."""

    def __init__(self, clock: Callable[[], float], lag_s: Callable[[], float]) -> None:
        self._clock = clock
        self._lag_s = lag_s
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._late: deque[tuple[float, Change]] = deque()

    def add(self, spec: Spec) -> None:
        """A job that has just been submitted."""
        first = State("SUBMITTED")
        children = [first] * spec.size
        entry = Entry(spec, first, children, updated_ms=spec.created_ms)
        if children:
            entry.counts["SUBMITTED"] = spec.size
        with self._lock:
            self._entries[spec.id] = entry

    def post(self, changes: Sequence[Change]) -> None:
        """Changes in the order in which they happened."""
        now = self._clock()
        with self._lock:
            self._settle(now)
            late = self._lag_s()
            if late > 0 or self._late:
                self._late.extend((now + late, change) for change in changes)
                return
            for change in changes:
                self._apply(change, now)

    def find(self, id: str) -> tuple[Entry, int | None] | None:
        """The entry and the child's index that a job's id names."""
        job, colon, index = id.partition(":")
        with self._lock:
            self._settle(self._clock())
            entry = self._entries.get(job)
            if entry is None or not colon:
                return None if entry is None else (entry, None)
            if not index.isdecimal() or int(index) >= len(entry.children):
                return None
            return entry, int(index)

    def entries(self) -> Iterator[Entry]:
        """All jobs, the newest first."""
        with self._lock:
            self._settle(self._clock())
            found = list(self._entries.values())
        return reversed(found)

    def _settle(self, now: float) -> None:
        while self._late and (self._late[0][0] <= now or self._lag_s() == 0):
            due, change = self._late.popleft()
            self._apply(change, due)

    def _apply(self, change: Change, at: float) -> None:
        entry = self._entries[change.job]
        if change.child is None:
            entry.state = change.state
            return
        before = entry.children[change.child]
        entry.children[change.child] = change.state
        if before.status != change.state.status:
            entry.counts[before.status] -= 1
            entry.counts[change.state.status] += 1
            entry.updated_ms = int(at * 1000)
