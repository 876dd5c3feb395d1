"""The budget: every limit that holds for Cellgraph's speed and memory, as data in one table.

The table printed by `python -m benchmarks` and the check `python -m benchmarks accept` both read
`LIMITS`. A new limit is one entry here and, if nothing yields its figure, a run in `cases`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple


class Figure(NamedTuple):
    """A figure of a sample; `key` ends in its unit."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Faster:
    """At least so many times less than redun."""

    times: float

    def text(self, key: str) -> str:
        return f"{self.times:g}x"

    def met(self, ours: float, redun: float | None) -> bool | None:
        """Say whether the bound is met; None when there is nothing to compare with."""
        return None if redun is None else redun >= self.times * ours


@dataclass(frozen=True, slots=True)
class AtMost:
    """At most so much, in the unit of the figure."""

    amount: float

    def text(self, key: str) -> str:
        return show(self.amount, key)

    def met(self, ours: float, redun: float | None) -> bool | None:
        """Say whether the bound is met."""
        return ours <= self.amount


Bound = Faster | AtMost


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: what is measured of us and of redun (at its own size), the goal, and the least.

    The floor is read at our own name and key.
    """

    name: str
    title: str
    ours: Figure
    redun: Figure | None
    goal: Bound
    accepted: Bound


def show(amount: float, key: str) -> str:
    """Return *amount* with the unit that *key* ends in, three figures long."""
    if key.endswith("call_s"):
        return f"{_three(amount * 1e6)} µs/call"
    if key.endswith("per_s"):
        return f"{_three(amount)} /s"
    if key.endswith("_s"):
        return f"{_three(amount)} s" if abs(amount) >= 1 else f"{_three(amount * 1e3)} ms"
    if key == "growth_bytes":
        return f"{_three(amount / 1024)} KiB/call"
    if key.endswith("bytes"):
        return f"{_three(amount / 1e6)} MB"
    return f"{_three(amount * 100)} %"


def _three(amount: float) -> str:
    if abs(amount) >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.3g}"


def _per_call(name: str, title: str, case: str, redun: str, goal: float, accepted: float) -> Limit:
    return Limit(
        name,
        title,
        Figure(case, "call_s"),
        Figure(redun, "call_s"),
        Faster(goal),
        Faster(accepted),
    )


def _in_all(name: str, title: str, case: str, goal: float, accepted: float) -> Limit:
    figure = Figure(case, "wall_s")
    return Limit(name, title, figure, figure, Faster(goal), Faster(accepted))


def _at_most(name: str, title: str, figure: Figure, goal: float, accepted: float) -> Limit:
    return Limit(name, title, figure, None, AtMost(goal), AtMost(accepted))


LIMITS: Final = (
    _per_call(
        "fanout-cold",
        "fan-out of 10,000 + sum, cold",
        "fanout/10000/cold",
        "fanout/1000/cold",
        200,
        100,
    ),
    _per_call(
        "fanout-warm",
        "the same, warm, leaf by leaf (another graph over the same calls)",
        "fanout/10000/warm",
        "fanout/1000/warm",
        400,
        150,
    ),
    _per_call(
        "fanout-same",
        "the same, warm, unchanged graph",
        "fanout/10000/same",
        "fanout/1000/same",
        800,
        400,
    ),
    _per_call(
        "fanout-changed",
        "one leaf of 10,000 changed",
        "fanout/10000/changed",
        "fanout/1000/changed",
        400,
        150,
    ),
    _per_call("chain-cold", "chain of 1,000, cold", "chain/1000/cold", "chain/1000/cold", 150, 75),
    _per_call("chain-warm", "chain of 1,000, warm", "chain/1000/warm", "chain/1000/warm", 150, 75),
    _per_call(
        "tree-cold", "tree of 4,096 leaves, cold", "tree/4096/cold", "tree/1024/cold", 200, 100
    ),
    _per_call(
        "tree-warm", "tree of 4,096 leaves, warm", "tree/4096/warm", "tree/1024/warm", 350, 150
    ),
    _per_call("fib-cold", "recursive fib, cold", "fib/12/cold", "fib/12/cold", 200, 100),
    _in_all("fib-warm", "recursive fib, warm, in all", "fib/12/same", 1000, 100),
    _in_all("arrays-store", "20 arrays of 50 MB, store", "arrays/20/cold", 8, 4),
    _in_all("arrays-load", "20 arrays of 50 MB, load and read", "arrays/20/same", 60, 20),
    _in_all("frames-store", "20 mixed frames of 36 MB, store", "frames/20/cold", 6, 4),
    _in_all("frames-load", "20 mixed frames of 36 MB, load and read", "frames/20/same", 30, 15),
    _in_all("import", "`import cellgraph`", "import", 20, 10),
    _at_most(
        "extension",
        "`%load_ext cellgraph` over ipywidgets' own import",
        Figure("extension", "added_s"),
        0.1,
        0.2,
    ),
    Limit(
        "memory",
        "peak memory of the 10,000 fan-out",
        Figure("fanout/10000/cold", "peak_bytes"),
        Figure("fanout/10000/cold", "peak_bytes"),
        Faster(3),
        Faster(2),
    ),
    _at_most(
        "view-messages",
        "live view, 10,000 calls in ~10 s: messages",
        Figure("view-long", "messages_per_s"),
        12,
        12,
    ),
    _at_most(
        "view-share",
        "live view, 10,000 calls in ~10 s: share of the run",
        Figure("view-long", "share"),
        0.03,
        0.05,
    ),
    _at_most(
        "view-cpu",
        "the same: processor time of the kernel (a busy machine hides the share)",
        Figure("view-long", "cpu_share"),
        0.03,
        0.05,
    ),
    _at_most(
        "view-added",
        "live view, 10,000 empty calls: adds",
        Figure("view-short", "added_s"),
        0.05,
        0.05,
    ),
    _at_most(
        "fresh",
        "fresh process: the first evaluate adds",
        Figure("fresh/fanout/1000/cold", "added_s"),
        0.06,
        0.06,
    ),
    _at_most(
        "growth",
        "memory per call at 1,000,000 calls",
        Figure("fanout/1000000/cold", "growth_bytes"),
        2048,
        2048,
    ),
    _at_most(
        "identity-call",
        "identity of a small call, its closure seen before",
        Figure("identity/call", "wall_s"),
        0.001,
        0.001,
    ),
    _at_most(
        "identity-closure",
        "identity of 400 helpers whose text no process has seen",
        Figure("identity/closure", "wall_s"),
        0.05,
        0.05,
    ),
    _at_most(
        "identity-again",
        "identity of 400 helpers whose text an earlier process has seen",
        Figure("identity/again", "wall_s"),
        0.05,
        0.05,
    ),
    _at_most(
        "identity-arrays",
        "identity of arrays, a gigabyte",
        Figure("identity/arrays", "gigabyte_s"),
        1.0,
        1.0,
    ),
    _at_most(
        "identity-frames",
        "identity of mixed frames, a gigabyte",
        Figure("identity/frames", "gigabyte_s"),
        2.5,
        2.5,
    ),
)
