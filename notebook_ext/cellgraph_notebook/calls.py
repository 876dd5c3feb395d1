"""The calls of one run in three flat arrays, and the groups that count them.

Per call: a status (one byte), the number of its group and its index there (four bytes each).
"""

from array import array
from collections.abc import Callable, Iterable
from math import inf

from cellgraph.events import CallDone, CallProgress
from cellgraph_notebook.durations import Durations
from cellgraph_notebook.statuses import no_counts


class Group:
    """Calls shown as one; `counts` by status code, `ran_s` and `saved_s` sums of seconds."""

    __slots__ = (
        "counts",
        "durations",
        "executor",
        "id",
        "key",
        "last_log",
        "parent",
        "progress",
        "ran_s",
        "retried",
        "revision",
        "saved_s",
        "size",
        "started_at",
        "task",
        "upstream",
    )

    def __init__(self, number: int, key: str, task: str, executor: str, parent: int) -> None:
        self.id = number
        self.key = key
        self.task = task
        self.executor = executor
        self.parent = parent  # the group whose bodies returned these calls; -1: the user's own
        self.upstream: set[int] = set()
        self.size = 0
        self.counts = no_counts()
        self.durations = Durations()
        self.ran_s = 0.0
        self.saved_s = 0.0
        self.retried = 0
        self.started_at = inf
        self.last_log = -1  # the call that printed last
        self.progress: CallProgress | None = None  # the last that a call of it has said
        self.revision = 0

    def ran(self, elapsed_s: float) -> None:
        """Note that one more call ran, for *elapsed_s*."""
        self.ran_s += elapsed_s
        self.durations.add(elapsed_s)

    def reused(self, elapsed_s: float) -> None:
        """Note that one more call was reused, which once had run for *elapsed_s*."""
        self.saved_s += elapsed_s


class Calls:
    """Status, group (`-1`: not yet added) and index of each call; the groups in order of discovery.

    A status may arrive before the call it is about has been added: it is counted when that happens.
    """

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.group_of = array("i")
        self.index_of = array("I")
        self.status = bytearray()

    def reserve(self, calls: int) -> None:
        """Make room for calls numbered below *calls*."""
        missing = calls - len(self.group_of)
        if missing > 0:
            self.group_of.extend(array("i", [-1]) * missing)
            self.index_of.extend(array("I", [0]) * missing)
            self.status.extend(bytes(missing))

    def group(self, call: int) -> Group | None:
        """Return the group of *call*; None if it has not been added."""
        number = self.group_of[call] if 0 <= call < len(self.group_of) else -1
        return self.groups[number] if number >= 0 else None

    def label(self, call: int) -> str:
        """Return the name of one call, as a reader would say it: `align[411]`."""
        group = self.group(call)
        if group is None:
            return f"call {call}"
        return group.task if group.size == 1 else f"{group.task}[{self.index_of[call]}]"

    def move(self, calls: Iterable[int], to: int, revision: int) -> set[int]:
        """Give *calls* the status *to*; return the numbers of the groups that changed."""
        status, group_of, groups = self.status, self.group_of, self.groups
        changed: set[int] = set()
        for call in calls:
            if call >= len(group_of):
                self.reserve(call + 1)
            before = status[call]
            if before == to:
                continue
            status[call] = to
            number = group_of[call]
            if number >= 0:
                counts = groups[number].counts
                counts[before] -= 1
                counts[to] += 1
                changed.add(number)
        for number in changed:
            groups[number].revision = revision
        return changed

    def finish(
        self,
        calls: Iterable[CallDone],
        to: int,
        note: Callable[[Group, float], None],
        revision: int,
    ) -> None:
        """Give *calls* the status *to*; *note* gets group and duration of each that changed."""
        status, group_of, groups = self.status, self.group_of, self.groups
        for call, elapsed_s in calls:
            if call >= len(group_of):
                self.reserve(call + 1)
            before = status[call]
            if before == to:
                continue
            status[call] = to
            number = group_of[call]
            if number >= 0:
                group = groups[number]
                group.counts[before] -= 1
                group.counts[to] += 1
                group.revision = revision
                note(group, elapsed_s)

    def turn(self, change: bytes, revision: int) -> None:
        """Give every call the status that *change* (256 bytes) has for the one it has now."""
        self.status = self.status.translate(change)
        for group in self.groups:
            counts = no_counts()
            for code, count in enumerate(group.counts):
                counts[change[code]] += count
            group.counts, group.revision = counts, revision

    def counts(self) -> list[int]:
        """Return how many calls there are of each status."""
        return [sum(g.counts[code] for g in self.groups) for code in range(len(no_counts()))]
