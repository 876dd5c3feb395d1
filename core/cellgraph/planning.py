"""What evaluating an expression would do, before it does it. Runs nothing, stores nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cellgraph import htmltext
from cellgraph.budget import Place
from cellgraph.explaining import Explainer, Reason, together
from cellgraph.forecast import Forecast
from cellgraph.node import Node
from cellgraph.recent import Recent
from cellgraph.words import duration, plural

_EXPLAINED: Final = 3  # calls of each task whose reason is looked for
_MANY: Final = 20  # results that one package change may cost without a notice
_COLUMNS: Final = ("task", "hits", "runs", "unknown", "time", "why it would run")


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task's part. `seconds` is what its runs took before, all together; None if unknown."""

    task: str
    hits: int
    runs: int
    unknown: int
    reason: str
    seconds: float | None
    remote_runs: int
    cost_usd: float


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """How many calls would be answered from the store, how many would run.

    `unknown` calls depend on what runs: they may be either. With `grows`, what runs may also make
    calls that are not counted here. `seconds` of computing are estimated from earlier calls of the
    same tasks: all workers together, tasks that never ran left out. None if none ever did.
    """

    label: str
    hits: int
    runs: int
    unknown: int
    grows: bool
    seconds: float | None
    remote_runs: int
    cost_usd: float
    tasks: tuple[TaskPlan, ...]
    notices: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether a run now would count just so: nothing depends on what has to run first."""
        return not self.unknown and not self.grows

    @property
    def summary(self) -> str:
        """One line: ``86 hits, 3,000 runs, 1 unknown; about 4 h of computing``."""
        parts = [plural(self.hits, "hit"), plural(self.runs, "run")]
        if self.unknown:
            parts.append(f"{self.unknown:,} unknown")
        said = ", ".join(parts)
        if self.grows:
            said += ", and calls that are made on the way"
        if self.seconds is not None and self.runs:
            said += f"; about {duration(self.seconds)} of computing"
        return said + (f", ${self.cost_usd:,.2f}" if self.cost_usd else "")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                t.task,
                f"{t.hits:,}",
                f"{t.runs:,}",
                f"{t.unknown:,}",
                duration(t.seconds) if t.seconds is not None and t.runs else "–",
                t.reason,
            )
            for t in self.tasks
        ]

    def __repr__(self) -> str:
        rows = [_COLUMNS, *self._rows()] if self.tasks else []
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))] if rows else []
        table = [
            "  ".join(_set(text, w, i) for i, (text, w) in enumerate(zip(row, widths, strict=True)))
            for row in rows
        ]
        head = f"{self.label}: {self.summary}"
        return "\n".join([head, *(line.rstrip() for line in table), *self.notices])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        page = htmltext.lines([self.label, self.summary, *self.notices])
        if self.tasks:
            page += htmltext.table(_COLUMNS, self._rows(), frozenset(range(1, 5)))
        return {"text/plain": repr(self), "text/html": page}


def _set(text: str, width: int, column: int) -> str:
    return text.rjust(width) if 1 <= column <= 4 else text.ljust(width)


class _Share:
    """The calls of one task name."""

    def __init__(self) -> None:
        self.hits = 0
        self.missed: list[Node] = []
        self.waiting: list[Node] = []


def plan(forecast: Forecast, place_of: Callable[[str], Place]) -> Plan:
    """Make a plan of what a forecast found; *place_of* knows executors by name."""
    shares = _shares(forecast)
    times = Recent(forecast.store).times(name for name, share in shares.items() if share.missed)
    explainer = Explainer(forecast)
    tasks: list[TaskPlan] = []
    lost: dict[str, int] = {}
    for name, share in shares.items():
        reasons = _reasons(share.missed, explainer)
        for package in {r.package for r in reasons if r.package}:
            lost[package] = lost.get(package, 0) + len(share.missed) + len(share.waiting)
        tasks.append(_task_plan(name, share, reasons, times.get(name), place_of))
    hits = forecast.whole.calls if forecast.whole is not None else len(forecast.hits)
    known = [t.seconds for t in tasks if t.seconds is not None and t.runs]
    return Plan(
        label=forecast.label,
        hits=hits,
        runs=len(forecast.missed),
        unknown=sum(t.unknown for t in tasks),
        grows=forecast.grows,
        seconds=sum(known) if known else None,
        remote_runs=sum(t.remote_runs for t in tasks),
        cost_usd=sum(t.cost_usd for t in tasks),
        tasks=tuple(tasks),
        notices=_notices(forecast, lost),
    )


def _shares(forecast: Forecast) -> dict[str, _Share]:
    shares: dict[str, _Share] = {}

    def of(node: Node) -> _Share:
        return shares.setdefault(node.definition.name, _Share())

    for node in forecast.hits:
        of(node).hits += 1
    for node in forecast.missed:
        of(node).missed.append(node)
    for node in forecast.waiting:
        of(node).waiting.append(node)
    return shares


def _reasons(missed: list[Node], explainer: Explainer) -> list[Reason]:
    """Why calls of one task would run: a few of each identity that the name has here."""
    looked: dict[bytes, int] = {}
    found: list[Reason] = []
    for node in missed:
        count = looked.get(node.definition.id, 0)
        if count < _EXPLAINED:
            looked[node.definition.id] = count + 1
            found.append(explainer.reason(node, thorough=False))
    return found


def _task_plan(
    name: str,
    share: _Share,
    reasons: list[Reason],
    each_s: float | None,
    place_of: Callable[[str], Place],
) -> TaskPlan:
    runs, remote, cost = len(share.missed), 0, 0.0
    for node in share.missed:
        place = place_of(node.definition.executor)
        remote += place.remote
        vcpus = node.definition.resources.vcpus
        cost += (each_s or 0.0) / 3600 * place.cost_usd_per_hour * vcpus
    seconds = each_s * runs if each_s is not None else None
    reason = together(reasons) if reasons else ""
    return TaskPlan(name, share.hits, runs, len(share.waiting), reason, seconds, remote, cost)


def _notices(forecast: Forecast, lost: dict[str, int]) -> tuple[str, ...]:
    renewed = [
        f"{name} was defined again: its present definition is used"
        for name in forecast.definitions.renewed
    ]
    packages = [
        f"package {package}: {count:,} results would be computed again; "
        'packages="minor" or "none" makes a task indifferent to it'
        for package, count in lost.items()
        if count > _MANY
    ]
    failing = [f"{f.task or 'an operator'} would fail: {f.message}" for f in forecast.failures[:5]]
    return (*renewed, *packages, *failing)
