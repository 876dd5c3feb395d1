"""What a run did, kept when it ends: one small object per run, never one row per replayed call."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from cellgraph.stores.base import Store

if TYPE_CHECKING:
    from cellgraph.active import Active

_FOLDER = "runs"


@dataclass(frozen=True, slots=True)
class TaskShare:
    """One task's part in a run."""

    name: str
    id: str  # hex of the task's identity
    executed: int
    reused: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The exported run that a run belongs to."""

    name: str
    bundle: str  # hex: the digest of the bundle, by which the store keeps it
    due: float = 0.0  # the scheduled time; 0: it was started by hand
    attempt: int = 1
    parameters: tuple[tuple[str, str], ...] = ()  # those that were set: name, text

    @property
    def said(self) -> str:
        """As a list of runs shows it: "nightly, due Nov 28 06:00" in this machine's zone."""
        due = time.strftime(", due %b %d %H:%M", time.localtime(self.due)) if self.due else ""
        tried = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.name}{due}{tried}"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One stored run. Times in seconds since the epoch, durations in seconds."""

    id: str
    label: str
    status: str
    started: float
    elapsed_s: float
    added: int
    executed: int
    reused: int
    failed: int
    saved_s: float
    tasks: tuple[TaskShare, ...] = ()
    misses: tuple[tuple[str, str, int], ...] = ()  # task, reason, calls
    errors: tuple[str, ...] = field(default=())
    key: str = ""  # hex of the graph record's key; empty for what has none
    call: str = ""  # hex of the key of the call that was evaluated; empty for other expressions
    scheduled: Scheduled | None = None  # None: somebody evaluated it

    @property
    def stamp(self) -> str:
        """Names of the store's objects about this run, in the order of their starts."""
        micros = int(self.started % 1 * 1e6)  # runs of one second sort too
        second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(self.started))
        return f"{second}.{micros:06d}Z-{self.id}"


class Archive:
    """Writes and reads run summaries in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, RunSummary] = {}  # nothing is read twice
        self.scheduled: Scheduled | None = None  # what runs that end from now on belong to

    def keep(self, active: "Active", status: str) -> None:
        """Write the summary of a run that ends."""
        run = active.run
        c = run.counts
        summary = RunSummary(
            id=run.id,
            label=run.label,
            status=status,
            started=run.started,
            elapsed_s=time.time() - run.started,
            added=active.reduction.growth.calls,
            executed=c.executed,
            reused=c.reused,
            failed=c.failed,
            saved_s=c.saved_s,
            tasks=tuple(
                TaskShare(t.name, task_id.hex(), t.executed, t.reused, t.seconds)
                for task_id, t in active.tasks.items()
            ),
            misses=tuple(
                (name, reason, active.misses.get(task_id, 0))
                for task_id, (name, reason) in active.reasons.items()
            ),
            errors=tuple(
                node.failure.message
                for node in active.reduction.failures[:20]
                if node.failure is not None
            ),
            key=active.graph_key.hex(),
            call=_call_of(active),
            scheduled=self.scheduled,
        )
        self.write(summary)

    def write(self, summary: RunSummary) -> None:
        """Write a summary as it is, in place of an earlier one of its run. Raises StoreError."""
        name, data = f"{_FOLDER}/{summary.stamp}.json", json.dumps(asdict(summary)).encode()
        self._store.write_file(name, data)
        self._read.pop(name, None)

    def runs(self, limit: int | None = None) -> Iterator[RunSummary]:
        """Yield stored runs, newest first."""
        names = sorted(self._store.list_files(_FOLDER), reverse=True)
        for name in names[:limit]:
            found = self._summary(name)
            if found is not None:
                yield found

    def run(self, run: str) -> RunSummary | None:
        """The latest stored run with this id, or whose id begins with it."""
        for name in sorted(self._store.list_files(_FOLDER), reverse=True):
            if name.rsplit("-", 1)[-1].startswith(run):
                return self._summary(name)
        return None

    def _summary(self, name: str) -> RunSummary | None:
        found = self._read.get(name)
        if found is None:
            data = self._store.read_file(name)
            if data is None:
                return None
            found = _summary(data)
            if found is not None:
                self._read[name] = found
        return found


def _call_of(active: "Active") -> str:
    root = active.root
    return root.key.hex() if root is not None and root.call >= 0 and root.definition.cached else ""


def _summary(data: bytes) -> RunSummary | None:
    """Read what `Archive.keep` wrote; None for anything else: others write to a bucket, too."""
    import msgspec

    try:
        found = msgspec.json.decode(data, type=RunSummary)
        for digest in (found.key, found.call, *(task.id for task in found.tasks)):
            bytes.fromhex(digest)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return found
