"""What is computed: the graphs, the right results, and how many calls must execute.

Every peer builds the same graph from its own tasks (`peers.bodies`), so a ratio compares engines
and nothing else. Standard library only: the harness imports this and must stay small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

Workload = Literal["fanout", "chain", "tree", "fib", "arrays", "frames"]
Phase = Literal["cold", "warm", "same", "changed"]

WORKLOADS: Final[tuple[Workload, ...]] = ("fanout", "chain", "tree", "fib", "arrays", "frames")
PHASES: Final[tuple[Phase, ...]] = ("cold", "warm", "same", "changed")

# The order of the phases is part of the contract: each leaves the store as the next one expects.
PHASES_OF: Final[dict[Workload, tuple[Phase, ...]]] = {
    "fanout": ("cold", "warm", "same", "changed"),
    "chain": ("cold", "warm"),
    "tree": ("cold", "warm"),
    "fib": ("cold", "same"),
    "arrays": ("cold", "same"),
    "frames": ("cold", "same"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One timed run.

    `size`: leaves of a fan-out or tree, length of a chain, argument of fib, number of values.
    `phase`: `cold`, an empty store; `warm`, another graph over the same calls (a different task on
    top), so that no record of a whole graph can answer; `same`, the unchanged graph; `changed`,
    one leaf has another argument. All but `cold` run in a fresh process on the store of `cold`.
    """

    workload: Workload
    size: int
    phase: Phase

    @property
    def name(self) -> str:
        return f"{self.workload}/{self.size}/{self.phase}"


class Expected(NamedTuple):
    """What makes a figure count: the right result, and exactly so many executed calls."""

    result: int
    executions: int


class Tasks(NamedTuple):
    """The tasks of one peer. A call gives a lazy expression; a peer without a graph, the value."""

    trivial: Callable[[int], Any]
    inc: Callable[[Any], Any]
    add: Callable[[Any, Any], Any]
    total: Callable[[list[Any]], Any]
    total_again: Callable[[list[Any]], Any]
    seal: Callable[[Any], Any]
    fib: Callable[[int, int], Any]
    array: Callable[[int], Any]
    frame: Callable[[int], Any]


SEAL: Final = 1000  # what `seal` and `total_again` add, so that their result is a different one


def fib_value(n: int) -> int:
    """Return the *n*-th Fibonacci number."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def calls(workload: Workload, size: int) -> int:
    """Return how many calls the graph of *workload* holds, the one on top included."""
    if workload == "fanout":
        return size + 1
    if workload == "tree":
        return 2 * size - 1
    if workload == "fib":  # every call has a key of its own: nothing is shared; each split adds
        splits = fib_value(size + 1) - 1
        return (2 * splits + 1) + splits
    return size


def expected(case: Case) -> Expected:
    """Return the right result of *case* and the number of calls that must execute."""
    executions = {
        "cold": calls(case.workload, case.size),
        "warm": 1,
        "same": 0,
        "changed": 2,  # the leaf and the sum
    }[case.phase]
    return Expected(_result(case), executions)


def _result(case: Case) -> int:
    n = case.size
    if case.workload in ("arrays", "frames"):
        return n * (n - 1) // 2  # the sum of the values' tags
    if case.workload == "fib":
        return fib_value(n)
    value = n if case.workload == "chain" else n * (n + 1) // 2
    if case.phase == "changed":
        value -= n // 2 + 1  # its leaf turns from n // 2 into -1, and -1 + 1 adds nothing
    return value + SEAL if case.phase == "warm" else value


def build(tasks: Tasks, case: Case) -> Any:
    """Call *tasks* as a user would and return the expression (fan-out, chain, tree, fib)."""
    if case.workload == "fanout":
        leaves = [tasks.inc(x) for x in _arguments(case)]
        return tasks.total_again(leaves) if case.phase == "warm" else tasks.total(leaves)
    if case.workload == "fib":
        return tasks.fib(case.size, 1)
    root = _chain(tasks, case.size) if case.workload == "chain" else _tree(tasks, case.size)
    return tasks.seal(root) if case.phase == "warm" else root


def _arguments(case: Case) -> list[int]:
    numbers = list(range(case.size))
    if case.phase == "changed":
        numbers[case.size // 2] = -1
    return numbers


def _chain(tasks: Tasks, length: int) -> Any:
    value: Any = 0
    for _ in range(length):
        value = tasks.inc(value)
    return value


def _tree(tasks: Tasks, leaves: int) -> Any:
    """Return the pairwise sum of *leaves* (a power of two) calls of `inc`."""
    level = [tasks.inc(i) for i in range(leaves)]
    while len(level) > 1:
        level = [tasks.add(level[k], level[k + 1]) for k in range(0, len(level), 2)]
    return level[0]
