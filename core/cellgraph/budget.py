"""What a run may cost: asked before calls are handed to executors that are not this machine."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from cellgraph.errors import ConfigError, LimitError
from cellgraph.node import Node
from cellgraph.words import duration

# Remote calls that have results under older code and may run again without being asked for.
_RERUNS: Final = 100


class Place(NamedTuple):
    """What a call costs on an executor."""

    remote: bool = False
    cost_usd_per_hour: float = 0.0  # of one vCPU

    def cost_usd(self, node: Node, elapsed_s: float) -> float:
        """What the call *node* costs if it takes so long."""
        return self.cost_usd_per_hour * node.definition.resources.vcpus * elapsed_s / 3600


class Limits(NamedTuple):
    """What the caller allows; None where nothing was said."""

    max_cost: float | None = None  # USD
    max_remote_calls: int | None = None


NO_LIMITS: Final = Limits()


def limits(max_cost: float | None, max_remote_calls: int | None) -> Limits:
    """Check what the caller allows. Raises ConfigError."""
    for name, given in (("max_cost", max_cost), ("max_remote_calls", max_remote_calls)):
        if given is not None and (isinstance(given, bool) or not _is_amount(given)):
            raise ConfigError(f"{name}={given!r}: expected a number, 0 or more")
    return Limits(max_cost, max_remote_calls)


def _is_amount(given: object) -> bool:
    return isinstance(given, (int, float)) and given >= 0


class Spent(Protocol):
    """What the budget asks of a run."""

    @property
    def reasons(self) -> Mapping[bytes, tuple[str, str]]: ...


class Budget:
    """Counts the remote calls of one run. Owner thread only.

    *place_of* knows executors by name, *times* how many seconds a call of each task took, *rerun*
    whether a reason of a miss means that there are results under older code.
    """

    def __init__(
        self,
        limits: Limits,
        place_of: Callable[[str], Place],
        times: Callable[[Collection[str]], Mapping[str, float]],
        rerun: Callable[[str], bool],
    ) -> None:
        self._limits = limits
        self._place_of = place_of
        self._times = times
        self._rerun = rerun
        self._calls = 0
        self._reruns = 0
        self._cost_usd = 0.0

    def is_remote(self, executor: str) -> bool:
        """Whether calls on an executor leave this machine."""
        return self._place_of(executor).remote

    def watches(self, nodes: Sequence[Node]) -> bool:
        """Whether any of *nodes* is for a place whose calls count: it starts with all the others
        that are known to be missing, so that a limit is heard before the first."""
        return any(map(self.is_remote, {n.definition.executor for n in nodes}))

    def leave_out(self, calls: int) -> None:
        """So many calls that counted were none of the user's."""
        self._calls = max(0, self._calls - calls)

    def refuses(self, run: Spent, nodes: Sequence[Node]) -> LimitError | None:
        """The error if starting *nodes* too would be more than is allowed; else they count."""
        names = {node.definition.executor for node in nodes}
        places = {name: place for name in names if (place := self._place_of(name)).remote}
        if not places:
            return None
        remote = [node for node in nodes if node.definition.executor in places]
        each_s = self._times({node.definition.name for node in remote})
        cost_usd = self._cost_usd + sum(
            places[n.definition.executor].cost_usd(n, each_s.get(n.definition.name, 0.0))
            for n in remote
        )
        calls = self._calls + len(remote)
        reruns = self._reruns + sum(
            self._rerun(run.reasons.get(n.definition.id, ("", ""))[1]) for n in remote
        )
        over = self._over(calls, reruns, cost_usd)
        if over:
            return LimitError(
                f"{_described(run, remote, each_s)}: {over}; nothing more was started"
            )
        self._calls, self._reruns, self._cost_usd = calls, reruns, cost_usd
        return None

    def _over(self, calls: int, reruns: int, cost_usd: float) -> str:
        most_cost, most_calls = self._limits
        if most_calls is not None and calls > most_calls:
            return f"{calls:,} remote calls or more, and max_remote_calls={most_calls:,}"
        if most_cost is not None and cost_usd > most_cost:
            return f"about ${cost_usd:,.2f} or more, and max_cost={most_cost:,.2f}"
        if most_calls is None and most_cost is None and reruns > _RERUNS:
            return (
                f"{reruns:,} remote calls or more that have results under older code; give "
                "max_remote_calls= or max_cost= to run them"
            )
        return ""


def _described(run: Spent, nodes: Sequence[Node], each_s: Mapping[str, float]) -> str:
    """Count, reason and time: ``3,000 align would run: helper clean() line 3 (about 4 h)``."""
    counts: dict[bytes, int] = {}
    names: dict[bytes, str] = {}
    for node in nodes:
        counts[node.definition.id] = counts.get(node.definition.id, 0) + 1
        names[node.definition.id] = node.definition.name
    most = max(counts, key=lambda task_id: counts[task_id])
    name, seconds = names[most], each_s.get(names[most])
    reason = run.reasons.get(most, ("", "not cached"))[1]
    time = f" (about {duration(seconds * counts[most])})" if seconds is not None else ""
    return f"{counts[most]:,} {name} would run: {reason}{time}"
