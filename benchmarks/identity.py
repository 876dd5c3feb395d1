"""What naming costs: of a small call, of 400 helpers, of a gigabyte of arrays or frames."""

from typing import Final

from benchmarks.cases import Scope
from benchmarks.harness import Bench, WrongFigure, parse

PARTS: Final = ("call", "closure", "arrays", "frames")


class IdentityGroup:
    """Identity alone, without an engine around it; every repetition in a fresh process."""

    name = "identity"

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Measure each part in *scope*, interleaved."""
        parts = [part for part in PARTS if scope.keep(f"identity/{part}", "cellgraph")]
        for _ in range(scope.reps):
            for part in parts:
                name = f"identity/{part}"
                try:
                    stdout = bench.python(["-m", "benchmarks.peers.identity_peer", part])
                    sample = bench.keep(name, "cellgraph", parse(stdout))
                except WrongFigure as error:
                    bench.fail(name, "cellgraph", str(error))
                    continue
                (took,) = sample.figures.values()
                bench.say(f"cellgraph {name}: {took:.4f} s, load {sample.load:.1f}")
