"""Cached evaluation equals uncached evaluation, whatever the notebook does between evaluations.

A random notebook (constants, helpers, a class, tasks that call tasks, a file) is evaluated, edited
at random, evaluated again: with the cache of all that went before, and without any. After each step
the same graph is asked for once more, which must run nothing.
"""

import linecache
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cellgraph as cg
from cellgraph.stores.memory import MemoryStore

_cells = count()
DATA: Final = "numbers.txt"

# What a body may say; each reads something that an edit may change.
TERMS: Final = (
    "x", "7", "K0", "K1", "h0(x)", "h1(x)", "C.k", "C().m(x)", "D['a']", "L[0]", "make(x)(2)",
    "scale(x)", "sum(i * K0 for i in range(3))", "(lambda y: y + K1)(x)", "h1.__defaults__[0]",
    "int(Path(PATH).read_text())", "int(os.environ['EDITED_NUMBER'])",
)  # fmt: skip
CONSTANTS: Final = ("K0", "K1")
HELPERS: Final = ("h0", "h1")
TASKS: Final = ("t0", "t1", "t2", "t3")
# Where a task gets what its expression is applied to.
CALLS: Final = ("x", "t0(x)", "t1(x + 1)", "t2(x)", "add(t0(x), t1(x))", "add(x, t2(2))",
         "add(x, size(cg.File(PATH)))")  # fmt: skip
OPERATORS: Final = ("+", "-", "*")


@dataclass(frozen=True)
class Program:
    """The cells of a notebook, by what they define, in the order in which they first ran."""

    cells: Mapping[str, str]
    data: int
    variable: int
    target: str

    def with_cell(self, name: str, source: str) -> "Program":
        return replace(self, cells={**self.cells, name: source})


Edit = Callable[[Program], Program]


def expressions() -> st.SearchStrategy[str]:
    parts = st.lists(st.sampled_from(TERMS), min_size=1, max_size=3)
    return st.tuples(parts, st.sampled_from(OPERATORS)).map(lambda p: f" {p[1]} ".join(p[0]))


def tasks(name: str) -> st.SearchStrategy[str]:
    """A task that computes, or one that returns a call of tasks before it."""
    known = [call for call in CALLS if all(t not in call for t in TASKS[TASKS.index(name) :])]
    own = expressions().map(lambda e: f"@cg.task\ndef {name}(x): return {e}")
    calling = st.sampled_from(known[1:] or known).map(
        lambda c: f"@cg.task\ndef {name}(x): return {c}"
    )
    return own | calling if known[1:] else own


def helpers(name: str) -> st.SearchStrategy[str]:
    terms = [
        t for t in TERMS if "h1" not in t and "C()" not in t and (name == "h1" or "h0" not in t)
    ]
    return st.tuples(st.sampled_from(terms), st.integers(0, 3)).map(
        lambda p: f"def {name}(x, d={p[1]}): return {p[0]} + d"
    )


def definitions(name: str) -> st.SearchStrategy[str]:
    number = st.integers(0, 3)
    if name in CONSTANTS:
        return number.map(lambda n: f"{name} = {n}")
    if name in HELPERS:
        return helpers(name)
    if name in TASKS:
        return tasks(name)
    sources = {
        "C": "class C:\n    k = {n}\n    def m(self, x): return x + self.k + {n}",
        "D": "D = {{'a': {n}, 'b': [{n}]}}",
        "L": "L = [{n}]",
        "make": "def make(k):\n    def inner(y): return y * k + {n}\n    return inner",
        "scale": "scale = functools.partial(pow, {n} + 1)",
    }
    return number.map(lambda n: sources[name].format(n=n))


NAMES: Final = (*CONSTANTS, "D", "L", "scale", "make", *HELPERS, "C", *TASKS)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    cells = {name: draw(definitions(name)) for name in NAMES}
    calls = draw(st.lists(st.sampled_from(TASKS), min_size=1, max_size=3))
    target = f"[{', '.join(f'{t}({i})' for i, t in enumerate(calls))}]"
    return Program(cells, draw(st.integers(0, 3)), draw(st.integers(0, 3)), target)


@st.composite
def redefinitions(draw: st.DrawFn) -> Edit:
    name = draw(st.sampled_from(NAMES))
    source = draw(definitions(name))
    return lambda program: program.with_cell(name, source)


@st.composite
def nudges(draw: st.DrawFn) -> Edit:
    """The smallest edit that may matter: one digit that is not part of a name."""
    name, at, digit = draw(st.sampled_from(NAMES)), draw(st.integers(0, 5)), draw(st.integers(1, 9))

    def edit(program: Program) -> Program:
        source = program.cells[name]
        found = [match.start() for match in re.finditer(r"(?<![\w'])\d", source)]
        if not found:
            return program
        place = found[at % len(found)]
        return program.with_cell(name, source[:place] + str(digit) + source[place + 1 :])

    return edit


def comments() -> st.SearchStrategy[Edit]:
    return st.sampled_from(NAMES).map(
        lambda name: lambda program: program.with_cell(name, program.cells[name] + "  # why")
    )


def assignments() -> st.SearchStrategy[Edit]:
    """What is changed in place, without a definition of its own."""
    sources = [
        "L[0] = 5",
        "D['a'] = 9",
        "C.k = 4",
        "C.m = lambda self, x: x",
        "h1.__defaults__ = (6,)",
    ]
    return st.sampled_from(sources).map(
        lambda source: lambda program: program.with_cell("then", source)
    )


def surroundings() -> st.SearchStrategy[Edit]:
    """The content of the file that tasks read, and an environment variable."""
    name, number = st.sampled_from(["data", "variable"]), st.integers(0, 3)
    return st.tuples(name, number).map(lambda p: lambda program: replace(program, **{p[0]: p[1]}))


EDITS: Final = redefinitions() | nudges() | nudges() | comments() | assignments() | surroundings()


def unchanged(program: Program) -> Program:
    """The edit that is none."""
    return program


class Kept(MemoryStore):
    """A store that outlives its sessions, as a folder does."""

    def close(self) -> None:
        """Nothing: the next session goes on with it."""


class Kernel:
    """A `__main__` in which cells run, and a folder that is its project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.module = ModuleType("__main__")
        self.run("import functools, os\nfrom pathlib import Path\nimport cellgraph as cg")
        self.run("@cg.task\ndef size(file): return int(Path(file.path).read_text())")
        self.run("@cg.task\ndef add(a, b): return a + b")
        vars(self.module)["PATH"] = str(folder / DATA)

    def run(self, source: str) -> None:
        name = f"<ipython-input-{next(_cells)}-0>"
        source += "\n"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec", dont_inherit=True), vars(self.module))

    def become(self, old: Program | None, new: Program) -> None:
        """Run the cells that differ; write the file if it does."""
        for name, source in new.cells.items():
            if old is None or old.cells.get(name) != source:
                self.run(source)
        if old is None or old.data != new.data:
            (self.folder / DATA).write_text(str(new.data))

    def target(self, program: Program) -> Any:
        return eval(program.target, vars(self.module))


def evaluated(session: cg.Session, target: Any, *, cache: bool) -> tuple[object, int]:
    """Value, or class of the error, and how many calls ran."""
    run = session.submit(target, cache=cache)
    run.wait()
    try:
        return run.result(), run.counts.executed
    except cg.TaskError as error:
        return type(error.__cause__).__name__, run.counts.executed


def check(program: Program, steps: list[tuple[Edit, bool]], folder: Path) -> None:
    """Each step: an edit, and whether a new kernel runs the notebook from top to bottom."""
    store = Kept()
    kernel, earlier = Kernel(folder), None
    with pytest.MonkeyPatch.context() as patch:
        for edit, restart in [(unchanged, False), *steps]:
            changed = edit(program)
            if restart:
                kernel, earlier = Kernel(folder), None
            patch.setitem(sys.modules, "__main__", kernel.module)
            patch.setenv("EDITED_NUMBER", str(changed.variable))
            kernel.become(earlier, changed)
            with cg.Session(store=store) as session, cg.Session(store=MemoryStore()) as bare:
                cached, _ = evaluated(session, kernel.target(changed), cache=True)
                truth, _ = evaluated(bare, kernel.target(changed), cache=False)
                assert cached == truth
                again, ran = evaluated(session, kernel.target(changed), cache=True)
                assert again == truth
                assert ran == 0 or isinstance(truth, str)  # failures are not kept
            program = earlier = changed


STEPS: Final = st.lists(st.tuples(EDITS, st.booleans()), min_size=1, max_size=4)
SLOW_BY_NATURE: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
COMMON: Final = settings(deadline=None, suppress_health_check=SLOW_BY_NATURE)


@pytest.fixture(name="project")
def fixture_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cellgraph.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.first
@settings(COMMON, max_examples=200, derandomize=True)
@given(program=programs(), steps=STEPS)
def test_cached_equals_uncached(
    program: Program, steps: list[tuple[Edit, bool]], project: Path
) -> None:
    check(program, steps, project)


@pytest.mark.slow
@settings(COMMON, max_examples=1000)
@given(program=programs(), steps=STEPS)
def test_cached_equals_uncached_at_length(
    program: Program, steps: list[tuple[Edit, bool]], project: Path
) -> None:
    check(program, steps, project)
