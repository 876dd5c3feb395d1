"""Samples -> plain Markdown tables on stdout."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from benchmarks.budget import LIMITS, Bound, Figure, Limit, show
from benchmarks.cases import VALUES
from benchmarks.harness import PEERS, Failure, Sample
from benchmarks.workloads import WORKLOADS

VALUE_BYTES: Final = {"arrays": 50_000_000, "frames": 36_000_000}  # of one value
CURVE_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
SETUP: Final = Figure("fanout/1000/cold", "setup_s")
NOTES: Final = {"diskcache": "no graph", "joblib": "no graph", "dask": "no cache"}


class Results:
    """Everything measured, by name and peer."""

    def __init__(self, samples: Iterable[Sample], failures: Iterable[Failure]) -> None:
        self._samples: dict[tuple[str, str], list[Sample]] = {}
        for sample in samples:
            self._samples.setdefault((sample.name, sample.peer), []).append(sample)
        self.failures = tuple(failures)

    def of(self, figure: Figure, peer: str) -> list[float]:
        """Return every repetition of *figure*; none if a single one of them failed its check."""
        if any((f.name, f.peer) == (figure.name, peer) for f in self.failures):
            return []
        return [sample.figures[figure.key] for sample in self._samples.get((figure.name, peer), [])]

    def knows(self, limit: Limit) -> bool:
        """Say whether anything of *limit* was measured or tried."""
        tried = {(failure.name, failure.peer) for failure in self.failures} | self._samples.keys()
        return any((limit.ours.name, peer) in tried for peer in PEERS)

    def median(self, figure: Figure, peer: str) -> float | None:
        """Return the median, or None where nothing counts."""
        values = self.of(figure, peer)
        return median(values) if values else None

    @property
    def names(self) -> list[str]:
        """Names of everything measured, in order of measurement."""
        return list(dict.fromkeys(name for name, _ in self._samples))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns line up."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    text = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def verdict(limit: Limit, bound: Bound, results: Results) -> str:
    """Return `ok`, `below accepted`, or why neither can be said."""
    ours = results.median(limit.ours, "cellgraph")
    if ours is None:
        return "no figure"
    redun = results.median(limit.redun, "redun") if limit.redun else None
    return {True: "ok", False: "below accepted", None: "not compared"}[bound.met(ours, redun)]


def budget(results: Results, limits: Sequence[Limit] = LIMITS) -> str:
    """Return the table of the budget: one row per limit."""
    rows: list[tuple[str, ...]] = []
    for limit in limits:
        key = limit.ours.key
        ours = results.median(limit.ours, "cellgraph")
        redun = results.median(limit.redun, "redun") if limit.redun else None
        floor = results.median(limit.ours, "floor")
        rows.append(
            (
                limit.title,
                _shown(ours, key),
                _shown(redun, key),
                _ratio(redun, ours),
                _shown(floor, key),
                _ratio(ours, floor),
                limit.goal.text(key),
                limit.accepted.text(key),
                verdict(limit, limit.accepted, results),
            )
        )
    head = (
        "workload",
        "ours",
        "redun",
        "redun/ours",
        "floor",
        "ours/floor",
        "goal",
        "accepted",
        "verdict",
    )
    return markdown(head, rows)


def peers(results: Results) -> str:
    """Return every case beside every peer: per call; for values and imports in all."""
    shown = [p for p in PEERS if any(results.of(Figure(n, "wall_s"), p) for n in results.names)]
    rows: list[list[str]] = []
    for name in results.names:
        workload, _, phase = (*name.split("/"), "", "")[:3]
        if workload not in (*WORKLOADS, "import"):
            continue
        key = "wall_s" if workload in ("arrays", "frames", "import") else "call_s"
        row = [f"{name}"]
        for peer in shown:
            value = results.median(Figure(name, key), peer)
            missing = "no cache" if peer == "dask" and phase not in ("", "cold") else "-"
            row.append(missing if value is None else show(value, key))
        rows.append(row)
    setup = [_shown(results.median(SETUP, peer), SETUP.key) for peer in shown]
    if set(setup) != {"-"}:
        rows.append(["open the store, define the tasks (outside the clock)", *setup])
    head = [f"{peer} ({NOTES[peer]})" if peer in NOTES else peer for peer in shown]
    return markdown(["case", *head], rows)


def large_values(results: Results) -> str:
    """Return throughput of large values, how many times ours that is, and the peak that storing
    and loading add, in sizes of one value (n); empty if they were not measured."""
    rows: list[tuple[str, ...]] = []
    for workload, size_bytes in VALUE_BYTES.items():
        for phase in ("cold", "same"):
            name = f"{workload}/{VALUES}/{phase}"
            ours = results.median(Figure(name, "wall_s"), "cellgraph")
            for peer in PEERS:
                wall_s = results.median(Figure(name, "wall_s"), peer)
                grown = results.median(Figure(name, "growth_bytes"), peer)
                if wall_s is None or grown is None:
                    continue
                rate = VALUES * size_bytes / wall_s / 1e9
                added = grown * VALUES / size_bytes  # the harness divides by calls
                rows.append(
                    (name, peer, f"{rate:.2f} GB/s", _ratio(wall_s, ours), f"{added:.1f} n")
                )
    head = ("case", "peer", "throughput", "time, ours = 1", "peak added")
    return markdown(head, rows) if rows else ""


def curve(results: Results) -> str:
    """Return time and memory per call of the fan-out as it grows; empty if it was not measured."""
    rows: list[tuple[str, ...]] = []
    for size in CURVE_SIZES:
        for peer in ("cellgraph", "floor"):
            times = [
                _shown(results.median(Figure(f"fanout/{size}/{phase}", "call_s"), peer), "call_s")
                for phase in ("cold", "warm", "same", "changed")
            ]
            memory = [
                _shown(results.median(Figure(f"fanout/{size}/cold", key), peer), key)
                for key in ("peak_bytes", "growth_bytes")
            ]
            rows.append((f"{size:,}", peer, *times, *memory))
    rows = [row for row in rows if set(row[2:]) != {"-"}]
    head = ("leaves", "peer", "cold", "warm", "same", "changed", "peak, cold", "growth, cold")
    return markdown(head, rows) if rows else ""


def spread(results: Results, limits: Sequence[Limit] = LIMITS) -> str:
    """Return how far each figure can be trusted: least, most and number of repetitions."""
    rows = [
        (
            limit.name,
            _spread(results, limit.ours, "cellgraph"),
            _spread(results, limit.redun, "redun") if limit.redun else "-",
            limit.redun.name if limit.redun else "-",
            _spread(results, limit.ours, "floor"),
        )
        for limit in limits
    ]
    return markdown(("limit", "ours", "redun", "redun measured at", "floor"), rows)


def _spread(results: Results, figure: Figure, peer: str) -> str:
    values = results.of(figure, peer)
    if not values:
        return "-"
    low, high = show(min(values), figure.key), show(max(values), figure.key)
    return f"{low} to {high}, n={len(values)}"


def _shown(value: float | None, key: str) -> str:
    return "-" if value is None else show(value, key)


def _ratio(above: float | None, below: float | None) -> str:
    if above is None or below is None or below <= 0:
        return "-"
    ratio = above / below
    return f"{ratio:,.0f}x" if ratio >= 20 else f"{ratio:.1f}x"
