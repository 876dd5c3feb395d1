"""What every peer script does with its peer: one case, timed, one JSON line on stdout."""

import argparse
import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from benchmarks import values
from benchmarks.peers.bodies import open_counter
from benchmarks.workloads import PHASES, WORKLOADS, Case, Tasks, build

MARK = "@@"  # the line that carries the figures; a peer may print others


class Peer(Protocol):
    """An engine under measurement. All methods are called from the main thread."""

    def open(self, state: Path) -> Tasks:
        """Create or open the store in *state* and return the tasks. Reported apart as `setup_s`."""
        ...

    def evaluate(self, expression: Any) -> Any:
        """Return the value of *expression*; timed."""
        ...

    def close(self) -> None:
        """Close the store so that another process finds every result; timed."""
        ...


def main(peer: Peer) -> None:
    """Run the case that the command line names."""
    options = _arguments()
    case = Case(options.workload, options.size, options.phase)
    open_counter(options.counter)
    values.prepare(case.workload)
    began = time.perf_counter()
    tasks = peer.open(options.state)
    setup_s = time.perf_counter() - began
    if options.trivial:
        peer.evaluate(tasks.trivial(time.time_ns()))  # a new argument: it runs, also when warm
    print(MARK + json.dumps(_measure(peer, tasks, case) | {"setup_s": setup_s}), flush=True)


def _measure(peer: Peer, tasks: Tasks, case: Case) -> dict[str, float]:
    big = case.workload in ("arrays", "frames")
    gc.collect()  # what imports left behind is nobody's cost
    before_bytes = peak_bytes()
    cpu, clock = time.process_time(), time.perf_counter()
    result: Any = _values(peer, tasks, case) if big else _graph(peer, tasks, case)
    wall_s, cpu_s = time.perf_counter() - clock, time.process_time() - cpu
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "before_bytes": before_bytes,
        "peak_bytes": peak_bytes(),
        "result": values.check(case.workload, result) if big else result,
    }


def _graph(peer: Peer, tasks: Tasks, case: Case) -> Any:
    result = peer.evaluate(build(tasks, case))
    peer.close()
    return result


def _values(peer: Peer, tasks: Tasks, case: Case) -> list[Any]:
    """One run per value: redun would store a list of them a second time, as one more value."""
    make = tasks.array if case.workload == "arrays" else tasks.frame
    got = [peer.evaluate(make(tag)) for tag in range(case.size)]
    peer.close()
    if case.phase == "same":
        values.read_all(case.workload, got)
    return got


def peak_bytes() -> int:
    """Return this process's own peak resident memory.

    `ru_maxrss` survives `exec` and may report the parent's peak, so Linux's own figure is read
    where there is one.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB elsewhere
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


class _Options(argparse.Namespace):
    workload: Any
    size: int
    phase: Any
    state: Path
    counter: str
    trivial: bool


def _arguments() -> _Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("size", type=int)
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("--state", type=Path, required=True, help="folder of the peer's store")
    parser.add_argument("--counter", required=True, help="file that gets one byte per execution")
    parser.add_argument("--trivial", action="store_true", help="evaluate one trivial call first")
    return parser.parse_args(namespace=_Options())
