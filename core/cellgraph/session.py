"""The composition root: settings become a store, executors, a bus and a scheduler."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from cellgraph.bus import Bus
from cellgraph.definitions import Definition, Definitions
from cellgraph.dispatch import Dispatch
from cellgraph.environment import Environment
from cellgraph.errors import ConfigError, GraphError, LostValue, StoreError, TaskError
from cellgraph.events import CallAdded
from cellgraph.executor import Executor, JobEvent
from cellgraph.halt import Halt
from cellgraph.inside import current_task
from cellgraph.label import label
from cellgraph.plugins import executor_type, make_executor
from cellgraph.provenance import Archive, RunSummary
from cellgraph.reasons import Reasons
from cellgraph.records import CallRecord, decode
from cellgraph.reduce import Reduction
from cellgraph.run import Run
from cellgraph.scheduler import Scheduler
from cellgraph.settings import Settings, load_settings
from cellgraph.stores.base import Store
from cellgraph.task import Task

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Fail = Literal["late", "fast", "keep"]


class Presenter(Protocol):
    """Shows a run while `evaluate` waits for it: a widget, a text line, nothing."""

    def begin(self, run: Run, bus: Bus) -> None:
        """Called before the run starts, so that no event is missed."""
        ...

    def wait(self, run: Run) -> None:
        """Wait for the run on the thread that asked for it (`run.wait()`, at the least)."""
        ...

    def end(self, run: Run) -> None:
        """Called when the run has ended, or the wait for it was interrupted."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, run: Run, bus: Bus) -> None:
        """Nothing to prepare."""

    def wait(self, run: Run) -> None:
        """Only wait."""
        run.wait()

    def end(self, run: Run) -> None:
        """Nothing to settle."""


class _Host:
    """What executors hold of the session."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.scheduler: Scheduler | None = None

    def report(self, events: Sequence[JobEvent]) -> None:
        if self.scheduler is not None:
            self.scheduler.report(events)


class Session:
    """Evaluates expressions against one store. Thread-safe; several may live in one process.

    *store* is a folder, an ``s3://`` URI, or a `Store`; *executors* maps names to their settings
    (``{"batch": {"queue": ...}}``; a section with ``type`` names a second configuration of a type).
    """

    def __init__(
        self,
        store: "str | Path | Store | None" = None,
        *,
        executors: Mapping[str, Mapping[str, Any]] | None = None,
        presenter: Presenter | None = None,
        **settings: Any,
    ) -> None:
        named = store if store is None or isinstance(store, (str, Path)) else None
        said = {"store": named, "executors": executors, **settings}
        self.settings: Settings = load_settings(said)
        self.presenter: Presenter = presenter or Silent()
        self.bus = Bus()
        self.store: Store = (
            _open(self.settings) if isinstance(store, (str, Path, type(None))) else store
        )
        self._archive = Archive(self.store)
        self._host = _Host(self.store)
        self._closed = False
        self._machines: dict[type[Any], Any] = {}
        dispatch = Dispatch(self.store, self._make_executor, _limits(self.settings.limits))
        self._dispatch = dispatch
        self._scheduler = Scheduler(
            self.store, self.bus, dispatch, self._archive.keep, self.settings.executor
        )
        self._host.scheduler = self._scheduler

    def _make_executor(self, name: str) -> Executor:
        given = dict(self.settings.executors.get(name, {}))
        kind = given.pop("type", name)
        machine_type = getattr(executor_type(kind), "machine_type", None)
        if machine_type is not None and "machine" not in given:
            # threads and processes share what this machine has
            given["machine"] = self._machines.setdefault(machine_type, machine_type())
        made = make_executor(kind, given)
        made.start(self._host)
        return made

    # --- the verbs ------------------------------------------------------------------------------

    def evaluate(
        self,
        expr: T,
        *,
        cache: bool = True,
        fail: Fail = "late",
        definitions: Literal["live", "built"] | None = None,
    ) -> T:
        """Reduce *expr* (an expression, or a container of some) and return its value.

        Raises TaskError with the user's traceback when a task fails; IdentityError, ConfigError
        before anything is stored or run. On Ctrl-C nothing more starts, what has finished is kept.
        """
        try:
            return self._evaluate(expr, cache, fail, definitions)
        except (LostValue, TaskError) as error:
            lost = error.error if isinstance(error, TaskError) else error
            if not isinstance(lost, LostValue):
                raise
            # what was damaged is in quarantine now, so this time it is a miss
            return self._evaluate(expr, cache, fail, definitions)

    def _evaluate(
        self, expr: T, cache: bool, fail: Fail, definitions: Literal["live", "built"] | None
    ) -> T:
        run = self._begin(expr, cache, fail, definitions)
        presenter = self.presenter
        presenter.begin(run, self.bus)
        try:
            self._start(run, expr, cache, fail, definitions)
            presenter.wait(run)
        except BaseException:
            run.cancel()
            raise
        finally:
            presenter.end(run)
        value: T = run.result()
        return value

    def submit(
        self,
        expr: Any,
        *,
        cache: bool = True,
        fail: Fail = "late",
        definitions: Literal["live", "built"] | None = None,
    ) -> Run:
        """Begin reducing *expr* and return at once."""
        run = self._begin(expr, cache, fail, definitions)
        self._start(run, expr, cache, fail, definitions, background=True)
        run.begun.wait()  # what the caller does to its values from here on is its own affair
        return run

    def _begin(self, expr: Any, cache: bool, fail: Fail, definitions: str | None) -> Run:
        inside = current_task()
        if inside is not None:
            raise GraphError(
                f"evaluate() inside the task {inside}: return the expression instead, "
                "and it is evaluated for you"
            )
        if self._closed:
            raise ConfigError("this session is closed: make a new one")
        for given, choices in (
            (fail, ("late", "fast", "keep")),
            (definitions, (None, "live", "built")),
        ):
            if given not in choices:
                raise ConfigError(
                    f"{given!r}: expected one of {', '.join(str(c) for c in choices if c)}"
                )
        return Run(secrets.token_hex(4), label(expr), self._scheduler, self.store)

    def _start(
        self,
        run: Run,
        expr: Any,
        cache: bool,
        fail: Fail,
        definitions: str | None,
        *,
        background: bool = False,
    ) -> None:
        asked = {
            "cache": cache,
            "fail": fail,
            "definitions": definitions or self.settings.definitions,
            "background": background,
        }
        self._scheduler.start(run, expr, asked)

    def outline(self, expr: Any) -> tuple[CallAdded, ...]:
        """The calls that *expr* names now, without running anything. Raises IdentityError."""
        definitions = Definitions(live=True, cache=True, default_executor=self.settings.executor)
        reduction = Reduction(definitions, "late", Halt(), observed=True)
        reduction.begin(expr)
        return reduction.growth.take_added()

    # --- what is known --------------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> "pd.DataFrame":
        """Stored runs, newest first, one row each."""
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
            }
            for r in self._archive.runs(limit)
        ]
        columns = "id started status expression elapsed_s executed reused failed saved_s".split()
        return pd.DataFrame(rows, columns=columns)

    def run_summaries(self, limit: int | None = None) -> list[RunSummary]:
        """Stored runs, newest first."""
        return list(self._archive.runs(limit))

    def get_run(self, run: str) -> RunSummary:
        """A stored run by its id or the beginning of it. Raises StoreError."""
        found = self._archive.run(run)
        if found is None:
            raise StoreError(f"no run {run!r} in this store: `runs()` lists them")
        return found

    def definition_of(self, task: Task[..., Any]) -> Definition:
        """Identity and options of a task as it is now. Raises IdentityError."""
        made = Definitions(live=True, cache=True, default_executor=self.settings.executor)
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
        definitions = Definitions(live=True, cache=True, default_executor=self.settings.executor)
        reduction = Reduction(definitions, "late", Halt(), observed=False)
        node = reduction.begin(call)
        reduction.advance()
        for data in self.store.get_many([node.key]).get(node.key, ()) if node.key else ():
            record = decode(data)
            if type(record) is CallRecord:
                return record.log
        return ""

    def present_through(self, presenter: Presenter | None) -> None:
        """Show runs that begin from now on through *presenter*; None: silently."""
        self.presenter = presenter or Silent()

    # --- life -----------------------------------------------------------------------------------

    def close(self) -> None:
        """End runs, executors and the store. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._scheduler.close()
        self._dispatch.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cellgraph session over {self.settings.store or '.cellgraph'}>"


def _open(settings: Settings) -> Store:
    from cellgraph.stores.local import LocalStore

    where = settings.store
    if where.startswith("s3://"):
        raise ConfigError("S3 stores are not part of this version: give a folder")
    path = Path(where).expanduser() if where else Path(settings.project) / ".cellgraph"
    return LocalStore(path)


def _limits(limits: Mapping[str, int]) -> Mapping[str, int]:
    for name, units in limits.items():
        if units < 1:
            raise ConfigError(f"limits: {name}={units!r}: expected a whole number, 1 or more")
    return limits
