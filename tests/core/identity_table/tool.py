"""A cache under test, as the worker sees it; and Cellgraph's."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cellgraph as cg
from cellgraph.events import Event, MissesExplained, Notice, RunFinished

Make = Callable[[], Any]  # builds the expression; called again for each evaluation


class Impossible(Exception):
    """The tool has no words for this scenario."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a tool says before it evaluates: by default nothing, which is never wrong."""

    verdict: str = ""  # HIT or MISS
    explained: str = ""
    least: int = 0  # so many calls will run
    most: float = math.inf
    failing: tuple[str, ...] | None = None  # what each answer says of errors that a run will meet


class Tool(Protocol):
    """A cache with one store. All methods are called from the main thread."""

    reasons: list[str]  # of misses, and notices, since the store was opened
    notices: list[str]
    executed: int  # calls that ran in the last evaluation, by the tool's own count

    def open(self, store: Path) -> dict[str, Any]:
        """Open *store* (made on first use) and return the names that cells find: `task` ..."""
        ...

    def forecast(self, make: Make) -> Forecast:
        """What would happen, without running anything; empty if the tool does not say."""
        ...

    def evaluate(self, make: Make, *, cache: bool) -> Any:
        """Return the value; without the cache, neither read nor write it."""
        ...

    def close(self) -> None:
        """Leave the store so that another process finds every result."""
        ...


class CellgraphTool:
    """A session that is opened when something is first evaluated, so that cells may prepare."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.notices: list[str] = []
        self.executed = 0
        self._session: cg.Session | None = None
        self._store = Path()

    def open(self, store: Path) -> dict[str, Any]:
        self._store = store
        self.reasons, self.notices = [], []
        return {"task": cg.task, "cg": cg, "store": store, "session": self._opened}

    def forecast(self, make: Make) -> Forecast:
        session = self._opened()
        expression, again = make(), make()
        verdict, explained, raised = "", "", ""
        try:
            explanation = session.explain(expression)
            verdict, explained = explanation.verdict, repr(explanation)
        except cg.CellgraphError as error:
            raised = str(error)
        plan = session.plan(again)
        failing = raised, "\n".join(line for line in plan.notices if " would fail: " in line)
        most = math.inf if plan.grows else plan.runs + plan.unknown
        return Forecast(verdict, explained, plan.runs, most, failing)

    def evaluate(self, make: Make, *, cache: bool) -> Any:
        return self._opened().evaluate(make(), cache=cache)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> cg.Session:
        if self._session is None:
            self._session = cg.Session(store=self._store)
            self._session.bus.subscribe(self._note)
        return self._session

    def _note(self, event: Event) -> None:
        if isinstance(event, MissesExplained):
            self.reasons += [missed.reason for missed in event.misses]
        elif isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, RunFinished):
            self.executed = event.executed
