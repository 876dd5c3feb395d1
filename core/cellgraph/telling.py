"""What the owner thread says aloud: events when someone listens, records when something is kept."""

from collections.abc import Sequence

from cellgraph.active import Active
from cellgraph.bus import Bus
from cellgraph.errors import StoreError
from cellgraph.events import CallDone, CallsAdded, CallsReused, CallsSkipped, Event, Notice
from cellgraph.stores.base import Entry, Store


class Telling:
    """Emits events and writes entries for the owner thread."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._complained = False

    @property
    def heard(self) -> bool:
        """Whether anyone listens."""
        return self._bus.listening

    def emit(self, event: Event) -> None:
        """Hand *event* to whoever listens."""
        if self._bus.listening:
            self._bus.emit(event)

    def write(self, active: Active, entries: Sequence[Entry]) -> None:
        """Append records. A store that refuses is said once; computing goes on."""
        try:
            self._store.append(entries)
        except StoreError as error:
            if not self._complained:
                self._complained = True
                self.emit(Notice(active.run.id, f"results are not being kept: {error}"))

    def growth(self, active: Active) -> None:
        """What the reduction has met since the last time."""
        reduction, run = active.reduction, active.run
        growth = reduction.growth
        if growth.added:
            self.emit(CallsAdded(run.id, growth.take_added()))
        if reduction.skipped:
            skipped, reduction.skipped = reduction.skipped, []
            self.skipped(active, skipped)
        if reduction.joined:
            joined, reduction.joined = reduction.joined, []
            self.emit(CallsReused(run.id, tuple(CallDone(n.call, 0.0) for n in joined)))

    def state_changed(self, active: Active, task: str) -> None:
        """A body changed what its task's code reads: said once per run and task."""
        if task not in active.state_changed:
            active.state_changed.add(task)
            text = (
                f"{task} changed a global that its code reads: its results are not kept; "
                "pass the value as an argument and return it"
            )
            self.emit(Notice(active.run.id, text))

    def skipped(self, active: Active, calls: Sequence[int]) -> None:
        """Calls that will not run."""
        active.run.counts.skipped += len(calls)
        if calls:
            self.emit(CallsSkipped(active.run.id, tuple(calls)))
