"""Stop in a real kernel, at random moments of runs of every kind.

Back at the prompt quickly, with KeyboardInterrupt and nothing else; what had finished is kept; the
next evaluation is right. The time is that between the signal and the kernel's "idle", as a front
end sees it. Times are printed; only a generous bound is asserted.
"""

import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.notebook_ext.support.kernel_lab import COUNT, LOAD, Lab, kernel

CALLS = 600
# Calls that may have been running, or on their way into the store, when the signal came.
IN_FLIGHT = 64
BOUND_S = 5.0

TASKS = """
%%task
def right(x):
    return 2 * x

def total(parts):
    return sum(parts)

def spin(x):
    n = 0
    for i in range(300_000_000):
        n += i
    return x

def sleep(x):
    time.sleep(60)
    return x

def multiply(x):
    a = np.random.default_rng(x).random((600, 600))
    for _ in range(10_000):
        a = a @ a / 600
    return a

def step(x):
    return x + 1

def counted(x):
    tick(str(x))
    time.sleep(0.003)
    return x
"""
IN_PROCESSES = """
%%task --executor process
def abroad(x):
    time.sleep(60)
    return x
"""
HELPERS = """
import numpy as np

def chain(first, length):
    expr = step(first)
    for _ in range(length):
        expr = step(expr)
    return expr
"""
# Each is evaluated with a number of its own; none ends before it is stopped.
KINDS = {
    "a loop in Python": "[spin(10 * {n} + i) for i in range(4)]",
    "time.sleep": "[sleep(10 * {n} + i) for i in range(4)]",
    "numpy": "[multiply(10 * {n} + i) for i in range(4)]",
    "processes": "[abroad(10 * {n} + i) for i in range(4)]",
    "a chain of tiny tasks": "chain(1_000_000 * {n}, 30_000)",
    "a fan-out of tiny tasks": "total([step(1_000_000 * {n} + i) for i in range(60_000)])",
    "a large graph being taken in": "total([step([{n}, i] * 20) for i in range(60_000)])",
    "calls that are counted": f"total([counted({CALLS} * {{n}} + i) for i in range({CALLS})])",
}


class Round(NamedTuple):
    kind: str
    back_s: float
    ename: str


def drill(folder: Path, rounds: int, seed: int) -> list[Round]:
    """Stop runs of each kind in turn, and look after each that all is well."""
    moments = random.Random(seed)
    found: list[Round] = []
    with kernel(folder) as lab:
        for cell in (LOAD, COUNT, HELPERS, TASKS, IN_PROCESSES):
            lab.ok(cell.strip())
        # The first evaluation loads what a view needs; a user does not stop that one.
        assert lab.ok("%evaluate [right(-1), right(-2)]").result == "[-2, -4]"
        for n in range(rounds):
            kind = list(KINDS)[n % len(KINDS)]
            found.append(one_round(lab, kind, n, moments))
    return found


def one_round(lab: Lab, kind: str, n: int, moments: random.Random) -> Round:
    before = len(lab.ticks())
    expr = KINDS[kind].format(n=n + 1)
    how = moments.choice(["%evaluate expr", "cg.evaluate(expr)"])
    sent = lab.start(f"expr = {expr}\nprint('go', flush=True)\n{how}")
    lab.hear(sent, "go")
    lab.pause(sent, moments.uniform(0.0, 0.9))
    at = lab.interrupt()
    told = lab.finish(sent)
    ename = str(told.reply.get("ename", told.reply["status"]))

    assert "stopped; what had finished is kept" in told.traceback, told.traceback
    assert lab.ok(f"%evaluate right({n})").result == str(2 * n), "the next evaluation"
    if "counted" in kind:
        first, rest = CALLS * (n + 1), CALLS * (n + 2)
        assert lab.ok("%evaluate expr").result == str(sum(range(first, rest)))
        assert CALLS <= len(lab.ticks()) - before <= CALLS + IN_FLIGHT, "results were lost"
    return Round(kind, told.idle_at - at, ename)


def judge(rounds: Sequence[Round]) -> None:
    for kind in KINDS:
        times = [r.back_s for r in rounds if r.kind == kind]
        print(f"{kind}: {len(times)} stopped, median {statistics.median(times):.3f} s, ", end="")
        print(f"longest {max(times):.3f} s")
    print(f"of all {len(rounds)}: longest {max(r.back_s for r in rounds):.3f} s")
    assert {r.ename for r in rounds} == {"KeyboardInterrupt"}
    assert max(r.back_s for r in rounds) < BOUND_S


def test_ten_interrupts_in_a_kernel(tmp_path: Path) -> None:
    judge(drill(tmp_path, rounds=10, seed=0))


@pytest.mark.slow
def test_a_hundred_interrupts_in_a_kernel(tmp_path: Path) -> None:
    judge(drill(tmp_path, rounds=100, seed=1))
