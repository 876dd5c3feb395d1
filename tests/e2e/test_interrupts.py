"""Interrupts at random moments: back quickly, finished results kept, the next evaluation right.

Each drill runs in an interpreter of its own, where the signal reaches the whole process group, as
Ctrl-C in a terminal and the interrupt button of Jupyter do.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, cast

import pytest

CALLS = 600
# Calls that may have been running, or on their way into the store, when the signal came.
IN_FLIGHT = 64

SCRIPT = """
import json
import os
import random
import signal
import sys
import threading
import time
import cellgraph as cg

store, ticks, executor, rounds, seed = sys.argv[1:]
CALLS = 600

@cg.task
def work(x, turn, path):
    with open(path, "ab", buffering=0) as log:
        log.write(b"x")
    time.sleep(0.002)
    return x + turn

@cg.task
def total(parts):
    return sum(parts)

def expression(turn):
    on = work.options(executor=executor)
    return total([on(i, turn, ticks) for i in range(CALLS)])

def executions():
    return os.stat(ticks).st_size

def drill(session, turn, wait_s):
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.killpg(0, signal.SIGINT)

    start = executions()
    timer = threading.Timer(wait_s, interrupt)
    back_s = None
    try:
        timer.start()
        session.evaluate(expression(turn))
        timer.join()
        time.sleep(1)  # the signal comes at last, outside
    except KeyboardInterrupt:
        back_s = time.monotonic() - sent[0]
    timer.join()
    value = session.evaluate(expression(turn))
    ran = executions() - start
    again = session.evaluate(expression(turn))
    return {
        "back_s": back_s,
        "right": value == again == sum(i + turn for i in range(CALLS)),
        "ran": ran,
        "ran_again": executions() - start - ran,
    }

if __name__ == "__main__":
    moments = random.Random(int(seed))
    with cg.Session(store=store) as session:
        # The first evaluation loads and starts what it needs.
        session.evaluate(work.options(executor=executor)(0, -1, ticks))
        for turn in range(int(rounds)):
            print(json.dumps(drill(session, turn, moments.uniform(0.0, 0.6))), flush=True)
"""


class Round(TypedDict):
    back_s: float | None
    right: bool
    ran: int
    ran_again: int


def drill(folder: Path, executor: str, rounds: int, seed: int = 0) -> list[Round]:
    """Interrupt an evaluation *rounds* times; return what each round saw."""
    script = folder / "drill.py"
    script.write_text(SCRIPT)
    ticks = folder / "ticks"
    ticks.touch()
    done = subprocess.run(
        [
            sys.executable, str(script), str(folder / "store"), str(ticks), executor,
            str(rounds), str(seed),
        ],
        cwd=folder, capture_output=True, text=True, timeout=900, start_new_session=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [cast("Round", json.loads(line)) for line in done.stdout.splitlines()]


def judge(told: list[Round], rounds: int) -> None:
    assert len(told) == rounds
    back = [r["back_s"] for r in told if r["back_s"] is not None]
    print(f"{len(back)} interrupts, back after at most {max(back, default=0):.3f} s")
    assert back, "no signal came while a run was going on"
    assert max(back) < 5
    assert all(r["right"] for r in told)
    assert all(CALLS <= r["ran"] <= CALLS + IN_FLIGHT for r in told), [r["ran"] for r in told]
    assert all(r["ran_again"] == 0 for r in told)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_ten_interrupts(tmp_path: Path, executor: str) -> None:
    judge(drill(tmp_path, executor, rounds=10), 10)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_hundred_interrupts(tmp_path: Path, executor: str) -> None:
    judge(drill(tmp_path, executor, rounds=100, seed=1), 100)
