"""Checks limits by name: five repetitions of everything they need, medians, exit status."""

from collections.abc import Sequence
from typing import Final

from benchmarks import table
from benchmarks.budget import LIMITS, Faster, Limit
from benchmarks.cases import Scope

REPS: Final = 5


def chosen(names: Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits called *names*; all of them when none is named."""
    return tuple(limit for limit in LIMITS if limit.name in names) if names else LIMITS


def scope(limits: Sequence[Limit]) -> Scope:
    """Return a scope that measures what *limits* need and nothing else, five times each."""
    wanted = {(limit.ours.name.removeprefix("fresh/"), "cellgraph") for limit in limits}
    for limit in limits:
        if limit.ours.name.startswith("fresh/"):
            wanted.add((limit.ours.name.removeprefix("fresh/"), "cellgraph fresh"))
        if limit.redun is not None and isinstance(limit.accepted, Faster):
            wanted.add((limit.redun.name, "redun"))
    return Scope(REPS, True, True, lambda name, peer: (name, peer) in wanted)


def report(limits: Sequence[Limit], results: table.Results) -> tuple[str, bool]:
    """Return the table of *limits* and whether every one is met."""
    met = all(table.verdict(limit, limit.accepted, results) == "ok" for limit in limits)
    return table.budget(results, limits), met
