"""Tiny sizes, no clock: does every peer give the right results in exactly the right runs?"""

from collections.abc import Collection, Sequence
from typing import Final

from benchmarks.harness import PEERS, Bench
from benchmarks.workloads import PHASES_OF, WORKLOADS, Case, Workload

SIZES: Final[dict[Workload, int]] = {
    "fanout": 12,
    "chain": 10,
    "tree": 8,
    "fib": 5,
    "arrays": 2,
    "frames": 2,
}
CANNOT: Final[dict[str, frozenset[Workload]]] = {
    # No graph that a task's result extends, and no cache for the values.
    "dask": frozenset({"fib", "arrays", "frames"}),
}


def run(bench: Bench, peers: Sequence[str], only: Collection[str]) -> int:
    """Rehearse *peers* on the workloads *only* (all when empty); 0 if every check passed."""
    for peer in peers:
        for workload in WORKLOADS:
            if workload in CANNOT.get(peer, ()) or (only and workload not in only):
                continue
            _workload(bench, peer, workload)
    print(f"{len(bench.samples)} right, {len(bench.failures)} wrong")
    return 1 if bench.failures else 0


def _workload(bench: Bench, peer: str, workload: Workload) -> None:
    phases = PHASES_OF[workload][:1] if peer == "dask" else PHASES_OF[workload]
    with bench.folder(on_ram=PEERS[peer].on_ram) as state:
        for phase in phases:
            bench.run_case(peer, Case(workload, SIZES[workload], phase), state)
