"""Results are kept where they are reported: on the executor's thread, before the owner knows.

So a call is in flight only until its executor reports it, however busy the owner thread is. Nothing
here changes a run's state; nodes of running jobs are only read.
"""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from cellgraph.active import Active
from cellgraph.definitions import Definition
from cellgraph.dependencies import append
from cellgraph.errors import CellgraphError, IdentityError, StoreError
from cellgraph.executor import JobDone, JobEvent, JobLog, Unreduced
from cellgraph.node import Node
from cellgraph.places import Read
from cellgraph.result import Held
from cellgraph.secret import hidden, without_secrets
from cellgraph.stores.base import Entry, Store
from cellgraph.structure import leaves
from cellgraph.taskvalue import literal_reference

_MOMENT_S: Final = 0.002
_LITERALS: Final = frozenset({Held})
_LOG_CHARS: Final = 16_384  # of what a call prints, kept with it


class Report(NamedTuple):
    """What executors reported, and which results are in the store already."""

    events: Sequence[JobEvent]
    kept: frozenset[int]
    problem: str  # why the store refused; empty if it did not

    def joined(self, later: "Report") -> "Report":
        """This report and the next one as one."""
        events = (*self.events, *later.events)
        return Report(events, self.kept | later.kept, self.problem or later.problem)


class Jobs:
    """The jobs that are out, and those reported lost that may still return.

    The owner thread adds and removes; other threads only look.
    """

    def __init__(self) -> None:
        self.out: dict[int, tuple[Active, Node]] = {}
        self.late: dict[int, tuple[Active, Node]] = {}

    def find(self, job: int) -> tuple[Active, Node] | None:
        """The call of a job."""
        return self.out.get(job) or self.late.get(job)

    def take(self, job: int) -> tuple[Active, Node] | None:
        """The call of a job, which is no longer out."""
        return self.out.pop(job, None) or self.late.pop(job, None)


class Keeper:
    """Writes the records of finished calls. Thread-safe."""

    def __init__(self, jobs: Jobs, store: Store) -> None:
        self._jobs = jobs
        self._store = store
        # the events of one job come from one thread at a time, in order
        self._logs: dict[int, list[str]] = {}

    def keep(self, events: Sequence[JobEvent]) -> Report:
        """Append a record for each call that returned a value; the rest is the owner's."""
        events = without_secrets(events)
        entries: list[Entry] = []
        kept: list[int] = []
        runs: dict[int, Active] = {}
        current: dict[bytes, bool] = {}
        for event in events:
            if type(event) is JobLog:
                self._logs.setdefault(event.id, []).append(event.text)
            elif type(event) is JobDone and type(event.outcome) is not Unreduced:
                found = self._entry(event, current)
                if found is not None:
                    active, entry = found
                    runs[id(active)] = active
                    entries.append(entry)
                    kept.append(event.id)
        problem = ""
        if entries:
            try:
                append(self._store, [active.cache.sets for active in runs.values()], entries)
            except StoreError as error:
                problem = str(error)
        return Report(events, frozenset(kept), problem)

    def _entry(self, event: JobDone, current: dict[bytes, bool]) -> tuple[Active, Entry] | None:
        found = self._jobs.find(event.id)
        if found is None or found[1].call < 0:
            return None
        active, node = found
        definition = node.definition
        if not definition.cached or node.call in active.audited or node.call in active.altered:
            return None
        if not is_current(definition, current):
            return None
        if event.reads and disturbed(node, event.reads):
            return None
        try:
            entry = active.cache.value_entry(node, event, self.log_of(event.id))
        except CellgraphError:  # the owner says so when it takes the event
            return None
        return active, entry

    def log_of(self, job: int) -> str:
        """What a job printed; it is forgotten here."""
        # hidden again as a whole: a text may have come in two parts
        return hidden("".join(self._logs.pop(job, ())))[:_LOG_CHARS] if self._logs else ""


def is_current(definition: Definition, known: dict[bytes, bool]) -> bool:
    """Whether the code is still what the key says; *known* remembers for one batch."""
    if not definition.reads_state:
        return True
    if definition.id not in known:
        known[definition.id] = definition.is_current()
        definition.checked = time.monotonic()
    return known[definition.id]


def was_current(definition: Definition, known: dict[bytes, bool]) -> bool:
    """The same for a call that is about to run: a look of a moment ago will do."""
    if not definition.reads_state or time.monotonic() - definition.checked < _MOMENT_S:
        return True
    return is_current(definition, known)


def disturbed(node: Node, reads: Sequence[Read]) -> str:
    """The file that changed while the call ran: the result must not be kept. Empty if none did."""
    for read in reads:
        if read.kind == "changed":
            return read.name
    used = next((read.name for read in reads if read.kind == "argument"), "")
    return used if used and not _as_named(node) else ""


def _as_named(node: Node) -> bool:
    """Whether the arguments still are what the call's key was made of."""
    try:
        return all(
            literal_reference(held.value) == held.ref
            for held in leaves((node.args, dict(node.kwargs)), _LITERALS)
        )
    except IdentityError:
        return False
