"""The session that module-level verbs use: one per process unless `configure` says otherwise."""

import atexit
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from cellgraph.accepting import Accepted
    from cellgraph.callbook import StoredCall
    from cellgraph.explaining import Explanation
    from cellgraph.forgetting import Invalidated
    from cellgraph.origins import Lineage
    from cellgraph.planning import Plan
    from cellgraph.run import Run
    from cellgraph.rundiff import RunDiff
    from cellgraph.session import Presenter, Session
    from cellgraph.storedrun import StoredRun
    from cellgraph.task import Task

T = TypeVar("T")


class _Current:
    """Holds the process's session; the one place that knows there is a default."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Session | None = None
        self.presenter: Presenter | None = None  # of the sessions that are made here

    def get(self) -> "Session":
        """Return the session, opening it with the project's settings on first use."""
        with self._lock:
            if self._session is None:
                from cellgraph.session import Session

                self._session = Session(presenter=self.presenter)
                atexit.register(self._session.close)
                _remember_sources()
            return self._session

    def set(self, session: "Session | None") -> None:
        """Make *session* the current one; the former one is closed."""
        with self._lock:
            former, self._session = self._session, session
        if former is not None and former is not session:
            former.close()
        if session is not None:
            atexit.register(session.close)
            _remember_sources()

    def show_through(self, presenter: "Presenter | None") -> None:
        """Set the presenter, of the present session too."""
        with self._lock:
            self.presenter = presenter
            if self._session is not None:
                self._session.present_through(presenter)


_current = _Current()


def _remember_sources() -> None:
    """Let this process use what earlier ones found out about source texts, and tell later ones."""
    from cellgraph.identity.remembered import REMEMBERED, default_path

    if not REMEMBERED.is_open:
        REMEMBERED.open(default_path())
        atexit.register(REMEMBERED.save)


def current_session() -> "Session":
    """The session that `evaluate`, `submit`, `runs` use; opened on first use."""
    return _current.get()


def configure(
    store: "str | Path | None" = None,
    *,
    executors: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> "Session":
    """Open a session with these settings and make it the current one; returns it.

    Raises ConfigError for an unknown setting; the message names the closest known one.
    """
    from cellgraph.session import Session

    session = Session(store, executors=executors, presenter=_current.presenter, **settings)
    _current.set(session)
    return session


def show_through(presenter: "Presenter | None") -> None:
    """Show the runs of the current session, and of those made here later, through *presenter*.

    None: silently. A notebook extension calls this when it is loaded and when it is unloaded.
    """
    _current.show_through(presenter)


def use(session: "Session | None") -> None:
    """Make *session* the current one (the notebook and the command line do)."""
    _current.set(session)


@contextmanager
def in_use(session: "Session") -> Generator["Session"]:
    """*session* is the current one for the block, and is closed at its end."""
    with session:
        use(session)
        try:
            yield session
        finally:
            use(None)


def evaluate(
    expr: T,
    *,
    cache: bool = True,
    fail: Literal["late", "fast", "keep"] = "late",
    definitions: Literal["live", "built"] | None = None,
    max_cost: float | None = None,
    max_remote_calls: int | None = None,
) -> T:
    """`Session.evaluate` of the current session."""
    return current_session().evaluate(
        expr,
        cache=cache,
        fail=fail,
        definitions=definitions,
        max_cost=max_cost,
        max_remote_calls=max_remote_calls,
    )


def plan(
    expr: Any, *, cache: bool = True, fail: Literal["late", "fast", "keep"] = "late"
) -> "Plan":
    """`Session.plan` of the current session."""
    return current_session().plan(expr, cache=cache, fail=fail)


def explain(expr: Any) -> "Explanation":
    """`Session.explain` of the current session."""
    return current_session().explain(expr)


def submit(
    expr: Any,
    *,
    cache: bool = True,
    fail: Literal["late", "fast", "keep"] = "late",
    definitions: Literal["live", "built"] | None = None,
    max_cost: float | None = None,
    max_remote_calls: int | None = None,
) -> "Run":
    """`Session.submit` of the current session."""
    return current_session().submit(
        expr,
        cache=cache,
        fail=fail,
        definitions=definitions,
        max_cost=max_cost,
        max_remote_calls=max_remote_calls,
    )


def invalidate(what: Any) -> "Invalidated":
    """`Session.invalidate` of the current session."""
    return current_session().invalidate(what)


def accept(task: "Task[..., Any]", verify: int = 20, *, revoke: bool = False) -> "Accepted":
    """`Session.accept` of the current session."""
    return current_session().accept(task, verify, revoke=revoke)


def runs(limit: int | None = None) -> "pd.DataFrame":
    """`Session.runs` of the current session."""
    return current_session().runs(limit)


def get_run(run: str) -> "Run | StoredRun":
    """`Session.get_run` of the current session."""
    return current_session().get_run(run)


def get_call(call: str) -> "StoredCall":
    """`Session.get_call` of the current session."""
    return current_session().get_call(call)


def calls(
    *,
    run: str = "",
    task: str = "",
    status: Literal["", "done", "failed"] = "",
    limit: int | None = 1000,
) -> "pd.DataFrame":
    """`Session.calls` of the current session."""
    return current_session().calls(run=run, task=task, status=status, limit=limit)


def lineage(what: Any) -> "Lineage":
    """`Session.lineage` of the current session."""
    return current_session().lineage(what)


def diff(a: str, b: str) -> "RunDiff":
    """`Session.diff` of the current session."""
    return current_session().diff(a, b)
