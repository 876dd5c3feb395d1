"""How a run begins: its expression is looked up or taken in; what has to be known of other machines
before its calls can be named is found out first. Owner thread only.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from cellgraph.active import Active
from cellgraph.cache import Cache, Found
from cellgraph.definitions import Definitions
from cellgraph.ending import Ending
from cellgraph.errors import CellgraphError, Undescribed
from cellgraph.events import CallDone, CallsAdded, CallsReused, Notice, RunStarted
from cellgraph.graphkey import GraphKey, worth_a_record
from cellgraph.halt import Halted
from cellgraph.marks import Marks
from cellgraph.node import State
from cellgraph.places import Roots
from cellgraph.reduce import Reduction
from cellgraph.run import Run, cancelled, error_of
from cellgraph.stores.base import Store
from cellgraph.surroundings import Asker, Places, PlacesOfRun
from cellgraph.telling import Telling
from cellgraph.worker import load


class Begin(NamedTuple):
    """Evaluate *value* as *run*."""

    run: Run
    value: object
    asked: Mapping[str, Any]


class Beginning:
    """Puts runs that have begun among the *active* ones."""

    def __init__(
        self,
        store: Store,
        telling: Telling,
        ending: Ending,
        active: dict[str, Active],
        places: Places,
        roots: Roots,
        default_executor: str,
    ) -> None:
        self._store = store
        self._telling = telling
        self._ending = ending
        self._active = active
        self._places = places
        self._asker = Asker(places, store)
        self._roots = roots
        self._default_executor = default_executor

    def begin(self, begin: Begin) -> None:
        """Begin a run; it may have ended when this returns."""
        self._telling.emit(RunStarted(begin.run.id, begin.run.label, begin.run.started))
        self._take_in(begin, 0)

    def _active_for(self, begin: Begin, calls: int) -> Active:
        run, asked = begin.run, begin.asked
        definitions = Definitions(
            live=asked["definitions"] == "live",
            cache=asked["cache"],
            default_executor=self._default_executor,
            marks=Marks(self._store),
            around=PlacesOfRun(self._places, self._store, asks=True, run=run.label),
        )
        reduction = Reduction(definitions, asked["fail"], run.halt, observed=self._telling.heard)
        reduction.growth.calls = calls
        cache = Cache(self._store, definitions, run.id, time.time, self._roots)
        active = Active(run, reduction, cache, asked)
        cache.finals = not active.audit.share
        return active

    def _take_in(self, begin: Begin, calls: int) -> None:
        """Begin a run, of which so many *calls* were made before."""
        run, asked = begin.run, begin.asked
        active = self._active_for(begin, calls)
        reduction = active.reduction
        try:
            with self._telling.reading(run):
                expr = reduction.as_expression(begin.value)
                found = self._find_graph(active, expr)
                if found is None or reduction.growth.observed:
                    active.root = reduction.begin(expr)
                if found is None and self._places.elsewhere:
                    active.reduction.definitions.foresee()
                    self._asker.check(run.label)
                if asked["background"]:
                    reduction.freeze()
        except Halted:
            reduction.stop()
            self._ending.finish(active, "cancelled", error=cancelled(run))
            return
        except Undescribed as error:
            reduction.stop()
            self._describe(begin, calls, error.place)
            return
        except Exception as error:  # nothing has been stored or started: say so at once
            reduction.stop()
            self._ending.finish(active, "failed", error=error)
            return
        run.begun.set()
        for name in reduction.definitions.renewed:
            text = f"{name} was defined again: its present definition is used"
            self._telling.emit(Notice(run.id, text))
        if found is not None:
            self._all_found(active, found)
        else:
            self._active[run.id] = active

    def _describe(self, begin: Begin, calls: int, place: str) -> None:
        """What a run needs to know of another machine is found out first, as a call of the run."""
        wanted, call = self._asker.call(place)
        active = self._active_for(begin, calls)
        try:
            active.root = active.reduction.begin(call)
        except Halted:
            self._asker.given_up(wanted)
            self._ending.finish(active, "cancelled", error=cancelled(begin.run))
            return
        active.asks_for = wanted
        active.then = lambda: self._take_in(begin, active.reduction.growth.calls)
        self._active[begin.run.id] = active
        text = f"{call._task.name}: which versions of packages it has is not known yet"
        self._telling.emit(Notice(begin.run.id, text))

    def described(self, active: Active) -> None:
        """It is known now: the run itself can begin; or it is not, and the run has failed."""
        root, wanted = active.root, active.asks_for
        assert root is not None and wanted is not None and active.then is not None
        if root.state is not State.DONE or active.cancelled:
            self._asker.given_up(wanted)
            if active.cancelled or root.failure is None:
                self._ending.end(active)
            else:  # there is no value of the run that could have it in its place, as with `keep`
                self._ending.finish(active, "failed", error=error_of(root.failure))
            return
        active.budget.leave_out(1)
        try:
            self._asker.answered(wanted, str(load(root.value, self._store)))
        except CellgraphError as error:
            self._ending.finish(active, "failed", error=error)
            return
        active.then()

    def _find_graph(self, active: Active, expr: Any) -> Found | None:
        """The cheapest answer first: the whole expression, by its digest."""
        if not active.asked["cache"] or not worth_a_record(expr):
            return None
        reduction = active.reduction
        named = GraphKey(expr, reduction.definitions, reduction.growth.top, reduction.halt)
        reduction.named = named.calls
        if not named.whole:
            return None
        active.graph_key = named.key
        active.graph_roots = tuple(named.tasks)
        if active.audit.share:
            return None  # each call answers for itself
        return active.cache.find_graph(named.key, named.tasks.values())

    def _all_found(self, active: Active, found: Found) -> None:
        counts, reduction = active.run.counts, active.reduction
        counts.reused += found.calls
        counts.saved_s += found.elapsed_s
        if reduction.growth.observed:
            added = reduction.growth.take_added()
            self._telling.emit(CallsAdded(active.run.id, added))
            each = found.elapsed_s / max(1, len(added))
            reused = tuple(CallDone(a.call, each) for a in added)
            self._telling.emit(CallsReused(active.run.id, reused))
        reduction.stop()
        self._ending.finish(active, "done", value=found.outcome)
