"""What importing costs: the wall time of a fresh interpreter that imports, over one that does not.

Wall time of the process rather than `-X importtime`, which leaves out what a module does at exit
and slows down what it measures.
"""

import time
from typing import Final

from benchmarks.cases import Scope
from benchmarks.harness import Bench, WrongFigure

NAME: Final = "import"
MODULES: Final = {
    "cellgraph": "cellgraph",
    "redun": "redun",
    "diskcache": "diskcache",
    "joblib": "joblib",
    "dask": "dask.delayed",
}
# What each import must have brought: an empty package imports fast.
PROOF: Final = {"cellgraph": "cellgraph.task, cellgraph.evaluate", "redun": "redun.Scheduler"}
REPS_PER_REP: Final = 2  # cheap and noisy: twice as many as asked for


class ImportGroup:
    """`import X` for us and the peers, interleaved."""

    name = "import"

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Measure each module in *scope*; the first round fills the page cache and is dropped."""
        modules = {
            peer: module
            for peer, module in MODULES.items()
            if scope.keep(NAME, peer) and _imports(bench, peer, module)
        }
        for rep in range(REPS_PER_REP * scope.reps + 1 if modules else 0):
            bare_s = _wall_s(bench, "pass")
            for peer, module in modules.items():
                import_s = _wall_s(bench, f"import {module}") - bare_s
                if rep:
                    bench.keep(NAME, peer, {"wall_s": import_s, "bare_s": bare_s})
        if modules:
            bench.say(f"import: {', '.join(modules)}")


def _imports(bench: Bench, peer: str, module: str) -> bool:
    """Say whether *module* can be imported and is what it should be; keep why not."""
    try:
        bench.python(["-c", f"import {module}\n{PROOF.get(peer, '')}"])
    except WrongFigure as error:
        bench.fail(NAME, peer, str(error))
        return False
    return True


def _wall_s(bench: Bench, code: str) -> float:
    began = time.perf_counter()
    bench.python(["-c", code])
    return time.perf_counter() - began
