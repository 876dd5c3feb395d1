"""Tasks as a notebook has them: no worker can import where they are from."""

from typing import Any, Final

from cellgraph.testing.executor_lab import user_code

_CODE: Final = """
import os, time
from pathlib import Path
import cellgraph as cg

SCALE = 3

@cg.task(executor="glue")
def work(i, table, traces=""):
    if traces:
        (Path(traces) / f"ran-{i}-{time.time_ns()}").touch()
    print("working on", i)
    if i == 1:
        raise ValueError(f"no rows in {i}")
    return table * i * SCALE

@cg.task(executor="glue")
def quick(i, traces=""):
    if traces:
        (Path(traces) / f"ran-{i}-{time.time_ns()}").touch()
    return 2 * i

@cg.task(executor="glue")
def slow(i, gate, traces):
    (Path(traces) / f"began-{i}-{time.time_ns()}").touch()
    at = 0
    while not Path(gate).exists():
        at += 1
        cg.progress(min(at, 99), 100, f"step {at}")
        time.sleep(0.05)
    return i

@cg.task(executor="glue")
def crash(i):
    print("about to go")
    os._exit(3)

@cg.task(executor="glue", timeout_s=1)
def late(i):
    time.sleep(60)

@cg.task(executor="glue")
def lacking():
    import rich

@cg.task
def total(parts):
    return sum(parts)
"""

_made: Final[dict[str, Any]] = user_code(_CODE, "notebook_of_glue_calls")
work: Final[Any] = _made["work"]
quick: Final[Any] = _made["quick"]
slow: Final[Any] = _made["slow"]
crash: Final[Any] = _made["crash"]
late: Final[Any] = _made["late"]
lacking: Final[Any] = _made["lacking"]
total: Final[Any] = _made["total"]
