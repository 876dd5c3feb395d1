"""What the owner thread says aloud: events when someone listens, records when something is kept."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from cellgraph.active import Active
from cellgraph.bus import Bus
from cellgraph.dependencies import append
from cellgraph.errors import StoreError
from cellgraph.events import (
    CallDone,
    CallsAdded,
    CallsLinked,
    CallsReused,
    CallsSkipped,
    Event,
    Notice,
)
from cellgraph.filedigests import Progress, telling
from cellgraph.halt import Halted
from cellgraph.run import Run
from cellgraph.stores.base import Entry, Store

_log = logging.getLogger(__name__)
# How often the reading of one large file is mentioned again.
_AGAIN_S: Final = 5.0


class Telling:
    """Emits events and writes entries for the owner thread."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self.store = store
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

    def write(self, active: Active, entries: Sequence[Entry], *others: Active) -> bool:
        """Append records of a run, and of *others*. A store that refuses is said once; computing
        goes on."""
        try:
            append(self.store, [run.cache.sets for run in (active, *others)], entries)
        except StoreError as error:
            self.complain(active, str(error))
            return False
        return True

    def warn(self, active: Active, text: str) -> None:
        """Say what nobody may miss: to whoever listens, and in the log."""
        _log.warning(text)
        self.emit(Notice(active.run.id, text))

    def complain(self, active: Active, problem: str) -> None:
        """Say, once a session, that results are not being kept."""
        if not self._complained:
            self._complained = True
            self.emit(Notice(active.run.id, f"results are not being kept: {problem}"))

    def reading(self, run: Run) -> AbstractContextManager[None]:
        """While it is open, large files that this thread reads are told of.

        Reading one ends with Halted once the run is to be halted.
        """
        said: dict[str, float] = {}

        def tell(file: Progress) -> None:
            if run.halt.asked:
                raise Halted
            now, name = time.monotonic(), Path(file.path).name
            if file.path not in said:
                said[file.path] = now
                size = f"{file.size_bytes / 1e9:.1f} GB"
                text = f"reading {name} ({size}) to see whether it changed"
                self.emit(Notice(run.id, text))
            elif now - said[file.path] >= _AGAIN_S:
                said[file.path] = now
                percent = 100 * file.done_bytes // max(1, file.size_bytes)
                self.emit(Notice(run.id, f"reading {name}: {percent} %"))

        return telling(tell)

    def growth(self, active: Active) -> None:
        """What the reduction has met since the last time."""
        reduction, run = active.reduction, active.run
        growth = reduction.growth
        if growth.added:
            self.emit(CallsAdded(run.id, growth.take_added()))
        if growth.unfolding.consumers:
            self.emit(CallsLinked(run.id, growth.unfolding.take_linked()))
        if reduction.skipped:
            skipped, reduction.skipped = reduction.skipped, []
            self.skipped(active, skipped)
        if reduction.joined:
            joined, reduction.joined = reduction.joined, []
            self.emit(CallsReused(run.id, tuple(CallDone(n.call, 0.0) for n in joined)))

    def state_changed(self, active: Active, task: str) -> None:
        """What a task's code reads has changed under the run: said once per run and task."""
        if task not in active.state_changed:
            active.state_changed.add(task)
            text = (
                f"what {task} reads has changed while it ran (a global, a helper): its results are "
                "not kept; pass such values as arguments and return them"
            )
            self.emit(Notice(active.run.id, text))

    def reads_changed(self, active: Active, task: str, name: str) -> None:
        """A file changed under a call that read it: said once per run and file."""
        if name not in active.state_changed:
            active.state_changed.add(name)
            text = f"{name} changed while {task} read it: the results that read it are not kept"
            self.emit(Notice(active.run.id, text))

    def skipped(self, active: Active, calls: Sequence[int]) -> None:
        """Calls that will not run."""
        active.run.counts.skipped += len(calls)
        if calls:
            self.emit(CallsSkipped(active.run.id, tuple(calls)))
