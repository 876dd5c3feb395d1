"""What naming costs: of a small call, of 400 helpers, of a gigabyte of arrays or frames.

The helpers are named twice: ``closure`` when no process has ever seen their text, ``again`` when an
earlier one has.
"""

from typing import Final

from benchmarks.cases import Scope
from benchmarks.harness import Bench, WrongFigure, parse

PARTS: Final = ("call", "closure", "again", "arrays", "frames")
FLOORS: Final = {"closure": "parse"}  # part -> what no way of doing it could leave out


class IdentityGroup:
    """Identity alone, without an engine around it; every repetition in a fresh process."""

    name = "identity"

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Measure each part in *scope* and its floor, interleaved."""
        parts = [part for part in PARTS if scope.keep(f"identity/{part}", "cellgraph")]
        for _ in range(scope.reps):
            for part in parts:
                _measure(bench, part, "cellgraph", part)
                if part in FLOORS:
                    _measure(bench, part, "floor", FLOORS[part])


def _measure(bench: Bench, part: str, peer: str, run: str) -> None:
    name = f"identity/{part}"
    try:
        stdout = bench.python(["-m", "benchmarks.peers.identity_peer", run])
        sample = bench.keep(name, peer, parse(stdout))
    except WrongFigure as error:
        bench.fail(name, peer, str(error))
        return
    (took,) = sample.figures.values()
    bench.say(f"{peer} {name}: {took:.4f} s, load {sample.load:.1f}")
