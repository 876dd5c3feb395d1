"""How a run ends: final values are kept, the run is recorded, whoever waits gets value or error."""

import contextlib
import logging
import time
from collections.abc import Callable

from cellgraph.active import Active
from cellgraph.errors import PASSING, IdentityError, LimitError, StoreError
from cellgraph.events import RunFinished, RunStatus
from cellgraph.links import link_entries
from cellgraph.node import State, flattened, sets_in
from cellgraph.reasons import Reasons
from cellgraph.refusal import distrusted
from cellgraph.run import cancelled, error_of
from cellgraph.stores.base import Entry
from cellgraph.telling import Telling

_log = logging.getLogger(__name__)
Archive = Callable[[Active, RunStatus], None]


class Ending:
    """Ends runs, on the owner thread."""

    def __init__(self, telling: Telling, reasons: Reasons, archive: Archive) -> None:
        self._telling = telling
        self._reasons = reasons
        self._archive = archive

    def keep_finals(self, active: Active) -> None:
        """Calls that reduced to an expression: keep their final values too."""
        nodes, active.reduction.keep = active.reduction.keep, []
        entries: list[Entry] = []
        for node in nodes:
            d = node.definition
            if d.cached and node.name == node.key:
                with contextlib.suppress(StoreError, IdentityError):
                    reads = sets_in([node.read, *flattened(node.below)]) if node.reads else ()
                    entry = active.cache.final_entry(
                        node.key, d.zone, node.value, [d.edge], 1, 0.0, reads
                    )
                    entries.append(entry)
        if entries:
            self._telling.write(active, entries)

    def _keep_graph(self, active: Active) -> None:
        """The final value of the whole expression, if all of it can be reproduced."""
        root = active.root
        if root is None or not active.graph_key or not root.whole:
            return
        counts = active.run.counts
        calls = counts.executed + counts.reused
        elapsed_s = counts.saved_s + sum(t.seconds for t in active.tasks.values())
        with contextlib.suppress(StoreError, IdentityError):
            zone = active.graph_key[0]
            entry = active.cache.final_entry(
                active.graph_key,
                zone,
                root.value,
                active.graph_roots,
                calls,
                elapsed_s,
                sets_in(root.reads),
            )
            self._telling.write(active, [entry])

    def end(self, active: Active) -> None:
        """Settle a run whose root is known, or that was stopped."""
        root, reduction = active.root, active.reduction
        if active.cancelled:
            self.finish(active, "cancelled", error=cancelled(active.run))
            return
        if root is not None and root.state is State.DONE:
            self._keep_graph(active)
            failed = [node.failure for node in reduction.failures if node.failure is not None]
            passing = [str(f.error) for f in failed if isinstance(f.error, PASSING)]
            active.run.passing = passing[0] if passing else ""
            self.finish(active, "done", value=root.value)
            return
        failure = root.failure if root is not None else None
        if failure is None and reduction.failures:
            failure = reduction.failures[0].failure
        if failure is None:
            self.finish(active, "cancelled", error=cancelled(active.run))
        elif active.asked["fail"] == "keep" and not isinstance(failure.error, LimitError):
            self.finish(active, "failed", value=failure)
        else:
            self.finish(active, "failed", error=error_of(failure))

    def finish(
        self,
        active: Active,
        status: RunStatus,
        *,
        value: object = None,
        error: BaseException | None = None,
    ) -> None:
        """Record the run, say so, and wake whoever waits."""
        run = active.run
        run.counts.added = active.reduction.growth.calls
        elapsed_s = time.time() - run.started
        if active.samples:
            entries = self._reasons.settle(active)
            self._telling.write(active, entries)
        if active.cache.distrusted:
            self._telling.warn(active, distrusted(active.cache))
        try:
            self._archive(active, status)
        except StoreError as problem:
            _log.warning("the run was not recorded: %s", problem)
        if self._telling.heard:
            missed = self._reasons.grouped(active)
            if missed.misses:
                self._telling.emit(missed)
            c = run.counts
            counts = (c.executed, c.reused, c.failed, c.saved_s)
            self._telling.emit(RunFinished(run.id, status, time.time(), elapsed_s, *counts))
        run.end(status, value, error)
        if active.ran:  # whoever waited does not wait for this
            self._telling.write(active, link_entries(active))
