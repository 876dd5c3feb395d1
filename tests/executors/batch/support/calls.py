"""Tasks as a notebook has them: no worker can import where they are from."""

from typing import Any, Final

from cellgraph.testing.executor_lab import user_code

_CODE: Final = """
import os, time
from pathlib import Path
import cellgraph as cg

SCALE = 3

def scaled(i):
    return i * SCALE

@cg.task(executor="batch")
def work(i, table, traces=""):
    if traces:
        with (Path(traces) / f"ran-{i}").open("a") as file:
            file.write("x")
    print("working on", i)
    if i == 1 and len((Path(traces) / "ran-1").read_text()) == 1:
        raise ValueError(f"no rows in {i}")
    return table * i if i == 2 else scaled(i) + int(table[0])

@cg.task(executor="batch")
def slow(i, gate, traces):
    (Path(traces) / f"began-{i}-{time.time_ns()}").touch()
    while not Path(gate).exists():
        time.sleep(0.05)
    return i

@cg.task(executor="batch")
def quick(i, traces=""):
    if traces:
        (Path(traces) / f"ran-{i}-{time.time_ns()}").touch()
    return 2 * i

@cg.task(executor="batch")
def crash(i):
    print("about to go")
    os._exit(3) if i == 1 else None
    return i

@cg.task(executor="batch")
def late(i):
    time.sleep(60 * i)
    return i

@cg.task
def total(parts):
    return sum(parts)

@cg.task(executor="batch")
def fan(n, traces):
    return total([quick(i, traces) for i in range(n)])
@cg.task(executor="batch")
def stage(x, traces):
    (Path(traces) / f"stage-{x}-{time.time_ns()}").touch()
    return x

@cg.task
def chain(n, gate, traces):
    first = [slow(i, gate, traces) for i in range(n)]
    return total([stage(total(first), traces), 3])
"""

_made: Final[dict[str, Any]] = user_code(_CODE, "notebook_of_batch_calls")
work: Final[Any] = _made["work"]
slow: Final[Any] = _made["slow"]
quick: Final[Any] = _made["quick"]
crash: Final[Any] = _made["crash"]
late: Final[Any] = _made["late"]
total: Final[Any] = _made["total"]
fan: Final[Any] = _made["fan"]
chain: Final[Any] = _made["chain"]
