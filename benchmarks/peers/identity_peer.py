"""What naming costs, in a fresh process: `python -m benchmarks.peers.identity_peer PART`.

Prints the figures of one part. Each is checked: a name that does not change with a helper, or with
one number of an array, was not worked out.
"""

import ast
import gc
import json
import linecache
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.driver import MARK
from benchmarks.values import make_array, make_frame, nbytes, prepare
from cellgraph.identity.code import code_identity
from cellgraph.identity.remembered import REMEMBERED
from cellgraph.identity.values import reference

HELPERS: Final = 400
PER_CELL: Final = 10
CALLS: Final = 200
VALUES: Final = 5

# As people write them: a docstring, a few lines, a constant, the next one called.
HELPER: Final = '''
def clean_{n}(values, scale=1.5):
    """Scale the values and drop those that are too small."""
    kept = [value * scale for value in values if value > LIMIT_{k}]
    return {then}


'''


def cells(last: str = "kept") -> list[str]:
    """A notebook of `HELPERS` helpers, each calling the next; the last one returns *last*."""
    sources = [
        HELPER.format(n=n, k=n % 20, then=f"clean_{n + 1}(kept)" if n + 1 < HELPERS else last)
        for n in range(HELPERS)
    ]
    made = ["\n".join(f"LIMIT_{k} = {k}" for k in range(20)) + "\n"]
    made += ["".join(sources[at : at + PER_CELL]) for at in range(0, HELPERS, PER_CELL)]
    return [*made, "def f(x):\n    return clean_0(x)\n"]


def notebook(sources: list[str], tag: str) -> Callable[..., Any]:
    """Run cells as a kernel does; return the function `f` that they leave."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for at, source in enumerate(sources):
        name = f"<ipython-input-{at}-{tag}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec", dont_inherit=True), namespace)
    found: Callable[..., Any] = namespace["f"]
    return found


def closure() -> dict[str, float]:
    """Identity of a task that reaches 400 helpers whose text no process has seen."""
    code_identity(notebook(["def f(x): return x\n"], "warm"), name="f")
    first, other = notebook(cells(), "one"), notebook(cells("kept[1:]"), "two")
    gc.collect()
    began = time.perf_counter()
    found = code_identity(first, name="f")
    wall_s = time.perf_counter() - began
    parts = sum(child.kind == "function" for child in found.tree.children)
    if parts != HELPERS + 1 or code_identity(other, name="f").digest == found.digest:
        raise SystemExit("the helpers were not looked at")
    return {"wall_s": wall_s}


def again() -> dict[str, float]:
    """What `closure` measures, when an earlier process of this user has seen the text of the cells:
    a kernel that was started again. Reading what that process left is part of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sources.bin")
        command = [sys.executable, "-m", "benchmarks.peers.identity_peer", "earlier", str(path)]
        subprocess.run(command, check=True)
        code_identity(notebook(["def f(x): return x\n"], "warm"), name="f")
        func, other = notebook(cells(), "one"), notebook(cells(), "two")
        changed = notebook(cells("kept[1:]"), "three")
        expected = code_identity(other, name="f").digest  # nothing is remembered yet
        REMEMBERED.open(path)
        gc.collect()
        began = time.perf_counter()
        found = code_identity(func, name="f").digest
        wall_s = time.perf_counter() - began
    if found != expected or code_identity(changed, name="f").digest == found:
        raise SystemExit("what was remembered is not what the text says")
    return {"wall_s": wall_s}


def earlier(path: Path) -> None:
    """The process before the one that `again` measures."""
    REMEMBERED.open(path)
    code_identity(notebook(cells(), "earlier"), name="f")
    REMEMBERED.save()


def parse() -> dict[str, float]:
    """The floor of `closure`: Python parses and compiles the same cells, without which no text can
    be trusted to be that of the code in memory."""
    sources = cells()
    gc.collect()
    began = time.perf_counter()
    for source in sources:
        compile(ast.parse(source, "<cell>"), "<cell>", "exec", dont_inherit=True)
    return {"wall_s": time.perf_counter() - began}


SMALL: Final = """
import math
RATE = 2.5
class Model:
    limit = 3
    def fit(self, x): return scale(x) + self.limit
def scale(x): return x * RATE
def check(x): return math.isfinite(x)
def f(x, model=Model()):
    if check(x): return model.fit(x)
"""


def call() -> dict[str, float]:
    """Identity of one small call, code and arguments, when its closure has been seen before."""
    func = notebook([SMALL], "small")
    names: set[bytes] = set()
    arguments = [(at, {"alpha": 0.1 * at, "name": f"sample {at}"}) for at in range(CALLS)]
    code_identity(func, name="f")
    began = time.perf_counter()
    for argument in arguments:
        names.add(code_identity(func, name="f").digest + reference(argument))
    wall_s = (time.perf_counter() - began) / CALLS
    func.__globals__["RATE"] = 3.5
    names.add(code_identity(func, name="f").digest + reference(arguments[0]))
    if len(names) != CALLS + 1:
        raise SystemExit("the calls were not told apart")
    return {"wall_s": wall_s}


def values(kind: str) -> dict[str, float]:
    """Identity of arrays or frames: seconds for a gigabyte."""
    prepare(kind)
    make = make_array if kind == "arrays" else make_frame
    reference(make(-1))
    names: set[bytes] = set()
    wall_s = 0.0
    for tag in range(VALUES):
        value = make(tag)
        began = time.perf_counter()
        names.add(reference(value))
        wall_s += time.perf_counter() - began
    if len(names) != VALUES:
        raise SystemExit("the values were not told apart")
    return {"gigabyte_s": wall_s / (VALUES * nbytes(kind)) * 1e9}


if __name__ == "__main__":
    part = sys.argv[1]
    if part == "earlier":
        earlier(Path(sys.argv[2]))
        sys.exit()
    alone = {"call": call, "closure": closure, "again": again, "parse": parse}
    figures = alone[part]() if part in alone else values(part)
    print(MARK + json.dumps(figures))
