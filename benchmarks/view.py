"""What the notebook side costs: loading the extension, and a live view beside a run.

The same cells run in two fresh kernels, one with `%load_ext cellgraph` and its live view, one with
neither; what the view adds is the difference of the two within one repetition.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.cases import Scope
from benchmarks.harness import MARK, Bench, WrongFigure
from benchmarks.kernel import Sent, kernel

CALLS: Final = 10_000

EXTENSION: Final = f"""
import json, time
began = time.perf_counter()
import ipywidgets
between = time.perf_counter()
get_ipython().run_line_magic("load_ext", "cellgraph")
ended = time.perf_counter()
if get_ipython().find_line_magic("evaluate") is None:
    raise RuntimeError("the extension registered no %evaluate")
print("{MARK}" + json.dumps({{"ipywidgets_s": between - began, "added_s": ended - between}}))
"""

# A helper with a fixed amount of work rather than a sleep: a view that keeps the processor busy
# must show in the time of the run.
TASKS: Final = f"""
import json, time
import cellgraph as cg
from benchmarks.peers.bodies import open_counter, tick
open_counter(COUNTER)
cg.configure(store=STORE)

@cg.task
def step(x):
    tick()
    return sum(range(WORK)) * 0 + x

@cg.task
def total(xs):
    tick()
    return sum(xs)

@cg.task
def trivial(x):
    return x

evaluate("trivial(0)")
print("{MARK}{{}}")
"""

# The same text is evaluated by the magic, which shows the view, and by the plain function.
WITH_VIEW: Final = """
def evaluate(text):
    return get_ipython().run_line_magic("evaluate", text)
"""
BARE: Final = """
def evaluate(text):
    return cg.evaluate(eval(text))
"""

RUN: Final = f"""
began, cpu = time.perf_counter(), time.process_time()
value = evaluate("total([step(i) for i in range(CALLS)])")
wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
print("{MARK}" + json.dumps({{"wall_s": wall_s, "cpu_s": cpu_s, "result": value}}))
"""


class ExtensionGroup:
    """`%load_ext cellgraph` in a fresh kernel that has imported ipywidgets."""

    name = "extension"

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Measure it; the first round fills the page cache and is dropped."""
        if not scope.keep("extension", "cellgraph"):
            return
        for rep in range(scope.reps + 1):
            try:
                with bench.folder() as home, kernel(bench.env, home) as running:
                    figures = running.run(EXTENSION).figures
            except WrongFigure as error:
                bench.fail("extension", "cellgraph", str(error))
                return
            if rep:
                bench.keep("extension", "cellgraph", figures)
        bench.say("extension: measured")


@dataclass(frozen=True, slots=True)
class ViewGroup:
    """A run of 10,000 calls beside its live view; `work` is the length of each call's loop."""

    name: str
    work: int
    long: bool

    def measure(self, bench: Bench, scope: Scope) -> None:
        """Measure pairs of a run without a view and one with it."""
        if not scope.keep(self.name, "cellgraph") or (self.long and not scope.long_runs):
            return
        for rep in range(scope.reps):
            try:
                self._pair(bench, view_first=bool(rep % 2))
            except WrongFigure as error:
                bench.fail(self.name, "cellgraph", str(error))
                return

    def _pair(self, bench: Bench, *, view_first: bool) -> None:
        order = (True, False) if view_first else (False, True)
        got = {with_view: self._once(bench, with_view=with_view) for with_view in order}
        bare, seen = got[False], got[True]
        if bare.messages:
            raise WrongFigure(f"{bare.messages} messages without the extension")
        if not seen.messages:
            raise WrongFigure("no live view: nothing was sent")
        wall_s, bare_s = seen.figures["wall_s"], bare.figures["wall_s"]
        figures = {
            "wall_s": wall_s,
            "bare_s": bare_s,
            "added_s": wall_s - bare_s,
            "share": (wall_s - bare_s) / bare_s,
            "cpu_share": seen.figures["cpu_s"] / bare.figures["cpu_s"] - 1,
            "messages_per_s": seen.messages / wall_s,
            "message_bytes": seen.message_bytes,
        }
        bench.keep(self.name, "cellgraph", figures)
        bench.say(f"{self.name}: {bare_s:.3f} s bare, {wall_s:.3f} s with {seen.messages} messages")

    def _once(self, bench: Bench, *, with_view: bool) -> Sent:
        with bench.folder() as folder, kernel(bench.env, folder / "ipython") as running:
            counter = folder / "executions"
            if with_view:
                running.run(EXTENSION)
            evaluate = WITH_VIEW if with_view else BARE
            running.run(self._names(folder, counter) + evaluate + TASKS)
            sent = running.run(RUN)
            executions = counter.stat().st_size
        if sent.figures["result"] != CALLS * (CALLS - 1) // 2 or executions != CALLS + 1:
            raise WrongFigure(f"result {sent.figures['result']}, {executions} executions")
        return sent

    def _names(self, folder: Path, counter: Path) -> str:
        return (
            f"CALLS, WORK = {CALLS}, {self.work}\n"
            f"COUNTER, STORE = {str(counter)!r}, {str(folder / 'store')!r}\n"
        )
