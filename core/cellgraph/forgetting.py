"""`invalidate`: stored results that nobody believes any more, and what that makes run again.

Nothing is deleted. A task gets a new epoch, which joins its identity, so no key, edge or graph
record over it fits any more. A single call gets a tombstone under its key, and the graph records
over its task stop to hold; the other calls of the task are found as before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cellgraph.definitions import Definitions
from cellgraph.environment import Environment
from cellgraph.errors import ConfigError
from cellgraph.expression import EXPRESSIONS, Call
from cellgraph.forecast import Forecast
from cellgraph.label import label
from cellgraph.marks import single_entries, whole_entry
from cellgraph.places import Roots
from cellgraph.recall import calls_of
from cellgraph.records import CallRecord, decode
from cellgraph.stores.base import Store
from cellgraph.structure import leaves
from cellgraph.task import Task
from cellgraph.taskvalue import TASKS


@dataclass(frozen=True, slots=True)
class Invalidated:
    """What was invalidated: a task or calls, how many stored calls that are, and how long they had
    taken (`seconds`)."""

    what: str
    calls: int
    seconds: float

    def __repr__(self) -> str:
        if not self.calls:
            return f"invalidated {self.what}: there were no results of it"
        calls = "1 call runs" if self.calls == 1 else f"{self.calls:,} calls run"
        return (
            f"invalidated {self.what}: {calls} again when asked for ({self.seconds:.1f} s of "
            "computing); what depends on them runs again where a value turns out different"
        )


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Carries out `invalidate` on one store. *token* is called for each: new bytes each time."""

    store: Store
    definitions: Definitions
    roots: Roots
    now: float
    token: Callable[[], bytes]

    def invalidate(self, what: Any) -> Invalidated:
        """Invalidate a task, a call, or a list of them.

        Raises ConfigError for anything else, IdentityError for a task without identity.
        """
        found: list[Any] = list(leaves([what], EXPRESSIONS | TASKS))
        if not found:
            raise ConfigError(
                f"invalidate() takes a task or a call of one, not {type(what).__name__}"
            )
        done = [self._task(f) if type(f) in TASKS else self._call(f) for f in found]
        if len(done) == 1:
            return done[0]
        names = ", ".join(dict.fromkeys(d.what for d in done[:4])) + (", …" if done[4:] else "")
        return Invalidated(names, sum(d.calls for d in done), sum(d.seconds for d in done))

    def _task(self, task: Task[..., Any]) -> Invalidated:
        definition = self.definitions.of(task, Environment.root())
        durations = {key: r.elapsed_s for key, r in calls_of(self.store, definition)}
        self.store.append([whole_entry(definition.name, self.now, self.token())])
        return Invalidated(definition.name, len(durations), sum(durations.values()))

    def _call(self, expr: Any) -> Invalidated:
        text = label(expr)
        if type(expr) is not Call:
            raise ConfigError(
                f"invalidate() takes a task or a call of one: {text} is neither; "
                "invalidate the calls in it"
            )
        forecast = Forecast(expr, self.store, self.definitions, self.roots, cached=False)
        if forecast.failures:
            raise forecast.failures[0].error
        node = forecast.reduction.growth.nodes[id(expr)]
        if not node.key:
            raise ConfigError(
                f"invalidate({text}): what it is called with is not known before something runs; "
                "invalidate that, or the task"
            )
        stored = self.store.get_many([node.key]).get(node.key, ())
        known = [r for r in map(decode, stored) if type(r) is CallRecord]
        name = node.definition.name
        self.store.append(single_entries(name, node.key, self.now, self.token()))
        return Invalidated(text, 1 if known else 0, known[0].elapsed_s if known else 0.0)
