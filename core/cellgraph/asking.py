"""What may be asked of a session: forecasts, explanations, what is on record. Nothing runs here."""

import time
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from cellgraph.budget import Place
from cellgraph.cache import Cache
from cellgraph.definitions import Definition, Definitions
from cellgraph.environment import Environment
from cellgraph.errors import ConfigError, LostValue, StoreError
from cellgraph.events import CallAdded
from cellgraph.halt import Halt
from cellgraph.marks import Marks
from cellgraph.plugins import executor_type
from cellgraph.provenance import Archive, RunSummary
from cellgraph.reasons import Reasons
from cellgraph.records import CallRecord, decode
from cellgraph.reduce import Reduction
from cellgraph.settings import Settings
from cellgraph.stores.base import Store
from cellgraph.surroundings import Places, PlacesOfRun
from cellgraph.task import Task

if TYPE_CHECKING:
    import pandas as pd

    from cellgraph.callbook import CallBook, StoredCall
    from cellgraph.explaining import Explanation
    from cellgraph.forecast import Forecast
    from cellgraph.origins import Lineage
    from cellgraph.planning import Plan
    from cellgraph.run import Run
    from cellgraph.rundiff import RunDiff
    from cellgraph.storedrun import StoredRun
    from cellgraph.trail import Trail

_MIB: Final = 1 << 20
_SHOWN: Final = 12  # digits of a call's id
_RUN_COLUMNS: Final = (
    "id started status expression elapsed_s executed reused failed saved_s exported".split()
)
_CALL_COLUMNS: Final = (
    "id task status started elapsed_s cpu_s peak_mib executor arguments error run parent".split()
)
Fail = Literal["late", "fast", "keep"]


class Asking:
    """The half of a session that only reads. Thread-safe."""

    store: Store
    settings: Settings
    _archive: Archive
    _places: Places

    def _definitions(self, *, live: bool = True, cache: bool = True) -> Definitions:
        """Tasks as they are now, for a question about them."""
        return Definitions(
            live=live,
            cache=cache,
            default_executor=self.settings.executor,
            marks=Marks(self.store),
            around=PlacesOfRun(self._places, self.store, asks=False),
        )

    def plan(self, expr: Any, *, cache: bool = True, fail: Fail = "late") -> "Plan":
        """What evaluating *expr* so would find and run; nothing runs and nothing is stored.

        Raises IdentityError, ConfigError as `evaluate` does.
        """
        from cellgraph.planning import plan

        if fail not in get_args(Fail):
            raise ConfigError(f"fail={fail!r}: expected one of {', '.join(get_args(Fail))}")
        return plan(self._forecast(expr, cache, fail), self._place_of)

    def explain(self, expr: Any) -> "Explanation":
        """Whether *expr* is answered from the store, and the one part that decided; runs nothing.

        Raises IdentityError, ConfigError as `evaluate` does.
        """
        from cellgraph.explaining import explain

        return explain(self._forecast(expr, True, "late"))

    def _forecast(self, expr: Any, cache: bool, fail: Fail) -> "Forecast":
        found = self._one_forecast(expr, cache, fail)
        if any(isinstance(failure.error, LostValue) for failure in found.failures):
            # as in a run: what was damaged is in quarantine now, so this time it is a miss
            found = self._one_forecast(expr, cache, fail)
        return found

    def _one_forecast(
        self, expr: Any, cache: bool, fail: Fail, *, by_call: bool = False
    ) -> "Forecast":
        from cellgraph.forecast import Forecast

        definitions = self._definitions(live=self.settings.definitions == "live", cache=cache)
        roots = self.settings.roots()
        return Forecast(
            expr, self.store, definitions, roots, cached=cache, fail=fail, by_call=by_call
        )

    def _place_of(self, executor: str) -> Place:
        """What calls on an executor cost; the executor is not made for it."""
        said = self.settings.executors.get(executor, {})
        kind = said.get("type", executor)
        try:
            made = executor_type(kind)
        except ConfigError:  # said when a call is handed to it
            return Place()
        price = said.get("usd_per_vcpu_hour", getattr(made, "cost_usd_per_hour", 0.0))
        return Place(bool(getattr(made, "remote", False)), float(price))

    def outline(self, expr: Any) -> tuple[CallAdded, ...]:
        """The calls that *expr* names now, without running anything. Raises IdentityError."""
        definitions = self._definitions()
        reduction = Reduction(definitions, "late", Halt(), observed=True)
        reduction.begin(expr)
        return reduction.growth.take_added()

    # --- what is known --------------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> "pd.DataFrame":
        """Stored runs, newest first, one row each; `exported`: the exported run it belongs to."""
        import pandas as pd

        rows = [
            {
                "id": r.id,
                "started": pd.Timestamp(r.started, unit="s", tz="UTC"),
                "status": r.status,
                "expression": r.label,
                "elapsed_s": round(r.elapsed_s, 3),
                "executed": r.executed,
                "reused": r.reused,
                "failed": r.failed,
                "saved_s": round(r.saved_s, 3),
                "exported": "" if r.scheduled is None else r.scheduled.name,
            }
            for r in self._archive.runs(limit)
        ]
        return pd.DataFrame(rows, columns=_RUN_COLUMNS)

    def run_summaries(self, limit: int | None = None) -> list[RunSummary]:
        """Stored runs, newest first."""
        return list(self._archive.runs(limit))

    def run_summary(self, run: str) -> RunSummary:
        """What is on record of a run, by its id or the beginning of it. Raises StoreError."""
        found = self._archive.run(run) if run else None
        if found is None:
            raise StoreError(f"no run {run!r} in this store: `runs()` lists them")
        return found

    def get_run(self, run: str) -> "Run | StoredRun":
        """A run by its id or the beginning of it: the live one while it lasts, else what is stored.

        Either has `id`, `status`, `counts`, `result()`, `error` and `log`. Raises StoreError.
        """
        from cellgraph.storedrun import StoredRun

        live = self._live(run)
        if live is not None:
            return live
        return StoredRun(self.run_summary(run), self.store, self._book())

    def get_call(self, call: str) -> "StoredCall":
        """A call by its id or the beginning of it, run by whoever: its result, or how it failed.

        Raises StoreError when there is none, or several.
        """
        return self._book().get(call)

    def calls(
        self,
        *,
        run: str = "",
        task: str = "",
        status: Literal["", "done", "failed"] = "",
        limit: int | None = 1000,
    ) -> "pd.DataFrame":
        """Calls on record, one row each, latest start first; reads the whole store.

        *run* (an id, or the beginning of it) is the run that computed them. Calls that were reused
        are not listed again under the run that reused them. Memory in MiB.
        """
        import pandas as pd

        if status not in ("", "done", "failed"):
            raise ConfigError(f"status={status!r}: expected 'done' or 'failed'")
        rows = [
            {
                "id": c.id[:_SHOWN],
                "task": c.task,
                "status": c.status,
                "started": pd.Timestamp(c.started, unit="s", tz="UTC"),
                "elapsed_s": c.elapsed_s,
                "cpu_s": c.cpu_s or None,
                "peak_mib": round(c.peak_bytes / _MIB, 1) if c.peak_bytes else None,
                "executor": c.executor,
                "arguments": ", ".join(c.arguments),
                "error": c.error,
                "run": c.run,
                "parent": c.parent[:_SHOWN],
            }
            for c in self.find_calls(run=run, task=task, status=status, limit=limit)
        ]
        return pd.DataFrame(rows, columns=_CALL_COLUMNS)

    def find_calls(
        self, *, run: str = "", task: str = "", status: str = "", limit: int | None = None
    ) -> "list[StoredCall]":
        """As `calls`, each as an object with `.result()`, `.error`, `.log`."""
        return self._book().find(run, task, status, limit)

    def lineage(self, what: Any) -> "Lineage":
        """Where *what* came from: an expression, a value that a task returned, a `File`, or a path.

        Reads the whole store. Raises StoreError when no call on record gave it.
        """
        from cellgraph.asked import origin_of
        from cellgraph.origins import trace

        trail = self.trail()
        origin = origin_of(what, trail, self._by_call)
        return trace(origin.name, origin.starts, trail, self.store, origin.others)

    def trail(self) -> "Trail":
        """What is on record of where values came from; reads the whole store."""
        from cellgraph.trail import Trail

        self._settle()
        return Trail(self.store.scan())

    def diff(self, a: str, b: str) -> "RunDiff":
        """What differs between two runs on record, A before B. Raises StoreError."""
        from cellgraph.rundiff import compare

        return compare(self.run_summary(a), self.run_summary(b), self.store)

    def _by_call(self, expr: Any) -> "Forecast":
        return self._one_forecast(expr, True, "late", by_call=True)

    def _book(self) -> "CallBook":
        from cellgraph.callbook import CallBook
        from cellgraph.worker import load

        cache = Cache(self.store, self._definitions(), "", time.time, self.settings.roots())
        return CallBook(self.store, lambda value: load(cache.value_of(value), self.store))

    def _live(self, run: str) -> "Run | None":
        """The run that has not ended and whose id begins so."""
        return None

    def _settle(self) -> None:
        """Wait until what ended runs leave behind is written."""

    def definition_of(self, task: Task[..., Any]) -> Definition:
        """Identity and options of a task as it is now. Raises IdentityError."""
        made = self._definitions()
        return made.of(task, Environment.root())

    def change_of(self, task: Task[..., Any]) -> tuple[bytes, str] | None:
        """The identity that the task's name stood for before, and what changed; None if nothing."""
        return Reasons(self.store).previous(self.definition_of(task))

    def results_of(self, task_id: bytes) -> tuple[int, float]:
        """How many calls were computed under a task identity, and how long they took in all."""
        count, seconds, wanted = 0, 0.0, task_id.hex()
        for run in self._archive.runs():
            for share in run.tasks:
                if share.id == wanted:
                    count += share.executed
                    seconds += share.seconds
        return count, seconds

    def log_of(self, call: Any) -> str:
        """What a call over plain values printed when it ran; empty if that is not known."""
        definitions = self._definitions()
        reduction = Reduction(definitions, "late", Halt(), observed=False)
        node = reduction.begin(call)
        reduction.advance()
        for data in self.store.get_many([node.key]).get(node.key, ()) if node.key else ():
            record = decode(data)
            if type(record) is CallRecord:
                return record.log
        return ""
