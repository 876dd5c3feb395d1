"""The composition root: settings become a store, executors, a bus and a scheduler."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from cellgraph.asking import Asking, Fail
from cellgraph.audit import Audit, share_of
from cellgraph.budget import NO_LIMITS, Budget, Limits, limits
from cellgraph.bus import Bus
from cellgraph.dispatch import Dispatch
from cellgraph.errors import PASSING, ConfigError, GraphError, TaskError
from cellgraph.executor import Executor, JobEvent
from cellgraph.inside import current_task
from cellgraph.label import label
from cellgraph.plugins import executor_type, head_call, make_executor
from cellgraph.provenance import Archive, RunSummary, Scheduled
from cellgraph.reasons import is_change
from cellgraph.recent import Recent
from cellgraph.run import Run
from cellgraph.scheduler import Scheduler
from cellgraph.settings import Settings, load_settings
from cellgraph.stores.base import Store
from cellgraph.stores.notices import Notices
from cellgraph.stores.opening import open_store
from cellgraph.surroundings import Places
from cellgraph.task import Task

if TYPE_CHECKING:
    from cellgraph.accepting import Accepted
    from cellgraph.active import Active
    from cellgraph.care import Care
    from cellgraph.events import RunStatus
    from cellgraph.forgetting import Invalidated
    from cellgraph.remotejobs import RemoteJobs

T = TypeVar("T")


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


class Session(Asking):
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
        self._audited = share_of(self.settings.audit)
        self.bus = Bus()
        self._notices = Notices(self.bus)
        self.store: Store = (
            open_store(self.settings, self._notices.say)
            if isinstance(store, (str, Path, type(None)))
            else store
        )
        self._archive = Archive(self.store)
        self._host = _Host(self.store)
        self._closed = False
        self._machines: dict[type[Any], Any] = {}
        roots = self.settings.roots()
        units = _limits(self.settings.limits)
        dispatch = Dispatch(self.store, self._make_executor, units, roots)
        self._dispatch = dispatch
        self._places = Places(self.settings.executors, self.settings.executor)
        self._scheduler = Scheduler(
            self.store,
            self.bus,
            dispatch,
            self._archived,
            self.settings.executor,
            roots,
            self._places,
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

    def _archived(self, active: "Active", status: "RunStatus") -> None:
        try:
            self._archive.keep(active, status)
        finally:
            self._notices.tell(active.run.id)

    # --- the verbs ------------------------------------------------------------------------------

    def evaluate(
        self,
        expr: T,
        *,
        cache: bool = True,
        fail: Fail = "late",
        definitions: Literal["live", "built"] | None = None,
        max_cost: float | None = None,
        max_remote_calls: int | None = None,
    ) -> T:
        """Reduce *expr* (an expression, or a container of some) and return its value.

        Raises TaskError with the user's traceback when a task fails; IdentityError, ConfigError
        before anything is stored or run. On Ctrl-C nothing more starts, what has finished is kept.
        *max_cost* (USD) and *max_remote_calls* stop the run with LimitError before calls that would
        exceed them are handed to a remote executor.
        """
        allowed = limits(max_cost, max_remote_calls)
        gone: set[str] = set()
        while True:
            try:
                value, lost = self._evaluate(expr, cache, fail, definitions, allowed)
                if not lost or lost in gone:
                    return value
            except (TaskError, *PASSING) as error:
                found = error.error if isinstance(error, TaskError) else error
                lost = str(found)
                if not isinstance(found, PASSING) or lost in gone:
                    raise
            # what was damaged is in quarantine now, so next time it is a miss; what calls find
            # where they run is on record now, or is asked for first
            gone.add(lost)

    def _evaluate(
        self,
        expr: T,
        cache: bool,
        fail: Fail,
        definitions: Literal["live", "built"] | None,
        allowed: Limits,
    ) -> tuple[T, str]:
        run = self._begin(expr, cache, fail, definitions)
        presenter = self.presenter
        presenter.begin(run, self.bus)
        try:
            self._start(run, expr, cache, fail, definitions, allowed)
            presenter.wait(run)
        except BaseException:  # Ctrl-C, mostly: jobs of other machines are met again later
            run.let_go()
            raise
        finally:
            presenter.end(run)
        value: T = run.result()
        return value, run.passing

    def submit(
        self,
        expr: Any,
        *,
        cache: bool = True,
        fail: Fail = "late",
        definitions: Literal["live", "built"] | None = None,
        max_cost: float | None = None,
        max_remote_calls: int | None = None,
        on: str | None = None,
    ) -> Run:
        """Begin reducing *expr* and return at once; limits as of `evaluate`.

        *on* names a remote executor: the reducer itself runs there, so that all stages go on
        without this process, and *cache*, *fail* and the limits hold there.
        """
        allowed = limits(max_cost, max_remote_calls)
        if on is not None:
            how = {"max_cost": max_cost, "max_remote_calls": max_remote_calls}
            expr = self.call_on(on, expr, cache=cache, fail=fail, **how)
            allowed = limits(None, None)
        run = self._begin(expr, cache, fail, definitions)
        self._start(run, expr, cache, fail, definitions, allowed, background=True)
        run.begun.wait()  # what the caller does to its values from here on is its own affair
        return run

    def call_on(self, on: str, expr: Any, **how: Any) -> Any:
        """A call that reduces *expr* on the remote executor *on*; *how* is said to `evaluate`.

        Raises ConfigError, ExecutorError. `submit(expr, on=...)` submits it.
        """
        return head_call(expr, on, self.settings, how)

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
        allowed: Limits = NO_LIMITS,
        *,
        background: bool = False,
    ) -> None:
        asked = {
            "cache": cache,
            "fail": fail,
            "definitions": definitions or self.settings.definitions,
            "background": background,
            "audit": Audit(self._audited, self.settings.audit_seed.encode() or run.id.encode()),
            "budget": Budget(allowed, self._place_of, Recent(self.store).times, is_change),
        }
        self._scheduler.start(run, expr, asked)

    def record_as(self, scheduled: Scheduled | None) -> None:
        """Runs that end from now on are on record as those of an exported run; None: of nobody."""
        self._archive.scheduled = scheduled

    def record_failure(self, label: str, message: str, started: float) -> RunSummary:
        """Put on record a run of an exported run that failed before anything was evaluated."""
        summary = RunSummary(
            id=secrets.token_hex(4), label=label, status="failed", started=started,
            elapsed_s=time.time() - started, added=0, executed=0, reused=0, failed=0, saved_s=0.0,
            errors=(message,), scheduled=self._archive.scheduled,
        )  # fmt: skip
        self._archive.write(summary)
        return summary

    def record_failed(self, run: RunSummary, message: str) -> RunSummary:
        """Put on record that *run*, which was broken off, counts as failed. Raises StoreError."""
        summary = replace(run, status="failed", errors=(message, *run.errors))
        self._archive.write(summary)
        return summary

    # --- what is believed -----------------------------------------------------------------------

    def invalidate(self, what: Any) -> "Invalidated":
        """Believe no result of a task any more, or of the calls given; say what will run again.

        Holds for every session on the store. Raises ConfigError for anything else.
        """
        from cellgraph.forgetting import Forgetting

        forgetting = Forgetting(
            self.store,
            self._definitions(),
            self.settings.roots(),
            time.time(),
            lambda: secrets.token_bytes(16),
        )
        return forgetting.invalidate(what)

    def accept(self, task: Task[..., Any], verify: int = 20, *, revoke: bool = False) -> "Accepted":
        """Take the results of a task's earlier code as those of its present code.

        *verify* earlier calls are run again first; IdentityError when one gives another value, when
        there is nothing earlier, or when none can be run again and *verify* is not 0. With *revoke*
        an acceptance is taken back. Holds for every session on the store.
        """
        from cellgraph.accepting import Accepting

        def evaluate(calls: Sequence[Any]) -> Sequence[Any]:
            return self.evaluate(list(calls), fail="keep")

        roots = self.settings.roots()
        accepting = Accepting(self.store, self._definitions(), roots, evaluate, time.time())
        return accepting.revoke(task) if revoke else accepting.accept(task, verify)

    @property
    def cache(self) -> "Care":
        """The care of the store: `info gc verify rebuild push pull pin unpin pins`."""
        from cellgraph.care import Care
        from cellgraph.care.travel import Travel

        def open_at(uri: str) -> Store:
            return open_store(replace(self.settings, store=uri), self._notices.say)

        roots = self.settings.roots()
        travel = Travel(self.settings.store, open_at, self._by_call, roots)
        return Care(self.store, lambda expr: self._forecast(expr, True, "late"), travel=travel)

    @property
    def jobs(self) -> "RemoteJobs":
        """Jobs on other machines: `list`, `log`, `cancel`; those of earlier sessions too."""
        from cellgraph.remotejobs import RemoteJobs

        named = {*self.settings.executors, self.settings.executor}
        remote = sorted(name for name in named if self._place_of(name).remote)
        return RemoteJobs(remote, self._dispatch.remote)

    def _live(self, run: str) -> Run | None:
        return self._scheduler.live(run)

    def _settle(self) -> None:
        self._scheduler.settle()

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
        self._notices.close()

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


def _limits(limits: Mapping[str, int]) -> Mapping[str, int]:
    for name, units in limits.items():
        if units < 1:
            raise ConfigError(f"limits: {name}={units!r}: expected a whole number, 1 or more")
    return limits
