"""Which peer runs which workload at which size, and the loop that interleaves them.

Within a repetition every phase is run by one peer after the other, the order rotated from one
repetition to the next, so that a busy minute of the machine hits all of them alike.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.harness import PEERS, Bench, Sample
from benchmarks.machine import touch_memory
from benchmarks.workloads import PHASES, PHASES_OF, Case, Phase, Workload

VALUES: Final = 20  # how many arrays or frames
TOUCHED_BYTES: Final = 3 * 2**30  # more than twenty arrays, their base and the page cache take


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is measured. `exact_reps`: also where a run would limit itself (slow peers)."""

    reps: int
    exact_reps: bool
    long_runs: bool
    keep: Callable[[str, str], bool]  # (name of the case, peer) -> is it wanted

    def reps_of(self, most: int) -> int:
        """Return the repetitions of something that takes at most *most* by default."""
        return self.reps if self.exact_reps else min(self.reps, most)


@dataclass(frozen=True, slots=True)
class Run:
    """One peer through the phases of one workload, each in a process of its own, on one store."""

    peer: str
    workload: Workload
    size: int
    phases: tuple[Phase, ...]
    most_reps: int = 99
    long: bool = False  # left out of a quick run

    def cases(self) -> Iterable[Case]:
        return (Case(self.workload, self.size, phase) for phase in self.phases)


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """Runs that are compared with each other, hence interleaved."""

    name: str
    runs: tuple[Run, ...]

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Run everything in *scope*."""
        runs = [wanted for run in self.runs if (wanted := _wanted(run, scope)).phases]
        if any(run.workload in ("arrays", "frames") for run in runs):
            touch_memory(TOUCHED_BYTES)
        for rep in range(max((scope.reps_of(run.most_reps) for run in runs), default=0)):
            due = [run for run in runs if rep < scope.reps_of(run.most_reps)]
            shift = rep % len(due)
            self._repetition(bench, due[shift:] + due[:shift])

    @staticmethod
    def _repetition(bench: Bench, runs: list[Run]) -> None:
        with ExitStack() as stack:
            states = {
                run: stack.enter_context(bench.folder(on_ram=PEERS[run.peer].on_ram))
                for run in runs
            }
            for phase in PHASES:
                kept = [_phase(bench, run, phase, states[run]) for run in runs]
                _keep_fresh(bench, [sample for sample in kept if sample is not None])


def _wanted(run: Run, scope: Scope) -> Run:
    """Return *run* up to the last phase in *scope*: each phase needs the ones before it."""
    if run.long and not scope.long_runs:
        return replace(run, phases=())
    kept = [scope.keep(case.name, run.peer) for case in run.cases()]
    last = max((k + 1 for k, keep in enumerate(kept) if keep), default=0)
    return replace(run, phases=run.phases[:last])


def _phase(bench: Bench, run: Run, phase: Phase, state: Path) -> Sample | None:
    if phase not in run.phases:
        return None
    return bench.run_case(run.peer, Case(run.workload, run.size, phase), state)


def _keep_fresh(bench: Bench, samples: list[Sample]) -> None:
    """Keep what a fresh process adds to the same work after one trivial evaluation."""
    for fresh in samples:
        if fresh.peer != "cellgraph fresh":
            continue
        for again in samples:
            if again.peer == "cellgraph" and again.name == fresh.name:
                added_s = fresh.figures["wall_s"] - again.figures["wall_s"]
                bench.keep(f"fresh/{fresh.name}", "cellgraph", {"added_s": added_s})


def _runs(workload: Workload, size: int, peers: str, most_reps: int = 99) -> tuple[Run, ...]:
    """Return one run per peer of *peers* (comma-separated); dask has no cache: cold only."""
    phases = PHASES_OF[workload]
    return tuple(
        Run(peer, workload, size, ("cold",) if peer == "dask" else phases, most_reps)
        for peer in peers.split(",")
    )


def _redun(workload: Workload, size: int) -> Run:
    """redun takes seconds where the others take milliseconds: three repetitions."""
    return Run("redun", workload, size, PHASES_OF[workload], most_reps=3)


def _long(workload: Workload, size: int, most_reps: int) -> tuple[Run, ...]:
    return tuple(
        Run(peer, workload, size, PHASES_OF[workload], most_reps, long=True)
        for peer in ("cellgraph", "floor")
    )


OURS: Final = "cellgraph,cellgraph fresh,floor"

GROUPS: Final = (
    CaseGroup(
        "fanout",
        (
            *_runs("fanout", 1_000, f"{OURS},diskcache,joblib,dask"),
            *_runs("fanout", 10_000, f"{OURS},diskcache"),
            _redun("fanout", 1_000),
        ),
    ),
    CaseGroup(
        "chain",
        (*_runs("chain", 1_000, f"{OURS},diskcache,joblib,dask"), _redun("chain", 1_000)),
    ),
    CaseGroup(
        "tree",
        (*_runs("tree", 4_096, f"{OURS},diskcache,dask"), _redun("tree", 1_024)),
    ),
    CaseGroup("fib", (*_runs("fib", 12, f"{OURS},diskcache,joblib"), _redun("fib", 12))),
    CaseGroup(
        "arrays",
        (*_runs("arrays", VALUES, "cellgraph,floor,diskcache,joblib"), _redun("arrays", VALUES)),
    ),
    CaseGroup(
        "frames",
        (*_runs("frames", VALUES, "cellgraph,floor,diskcache,joblib"), _redun("frames", VALUES)),
    ),
    CaseGroup("curve", (*_long("fanout", 100_000, 3), *_long("fanout", 1_000_000, 1))),
    CaseGroup("long-chain", _long("chain", 100_000, 3)),
    CaseGroup("memory", (Run("redun", "fanout", 10_000, ("cold",), most_reps=1, long=True),)),
)
