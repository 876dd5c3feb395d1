"""A walk need not be done again while its witness holds; and a witness never holds in error."""

import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.core.code_components import COMPONENTS
from tests.core.test_code_cells import Edit, Task, notebook, run_cell
from tests.core.test_code_edits import EDITS as FUNCTIONS
from tests.core.test_code_edits_objects import EDITS as OBJECTS
from tests.core.test_code_main import WRAPPED

import cellgraph as cg
from cellgraph.definitions import Definitions
from cellgraph.environment import Environment
from cellgraph.errors import IdentityError
from cellgraph.identity.code import code_identity
from cellgraph.identity.witness import Witness

CODE = """
import math, helpers
from cellgraph.identity.codenode import CodeNode
K, PAIR = 2, (1, "a", None)
def make(n):
    def inner(v: int, w=1, *, z=3): return v + n + w + z
    return inner
inner = make(5)
def g(x, y=1):
    return math.floor(x) + len(oct(PAIR[0])) + inner(x) + helpers.sub.h(x) + helpers.C + y
t = Task(g, "t", "1")
def f(x: float) -> int:
    if x: return g(x) + K
    return t(unknown)
"""
# What is done to the notebook above; none of it is seen in the names that it leaves.
CHANGES = {
    "a constant": "K = 3",
    "a constant of another type": "K = 2.0",
    "a constant that goes": "del K",
    "a tuple": "PAIR = (1, 'a')",
    "a helper": "def g(x, y=1): return x",
    "a helper that is a list now": "g = [g]",
    "a name that was not defined": "unknown = 1",
    "a builtin that is hidden": "len = lambda x: 0",
    "a new builtin": "import builtins; builtins.unknown = 1",
    # one that no thread of this process uses meanwhile
    "a builtin that is another": "import builtins; builtins.oct = lambda x: ''",
    "code": "g.__code__ = (lambda x, y=1: x).__code__",
    "defaults": "g.__defaults__ = (2,)",
    "keyword defaults": "inner.__kwdefaults__ = {'z': 4}",
    "a keyword default in place": "inner.__kwdefaults__['z'] = 4",
    "a keyword default more": "inner.__kwdefaults__['y'] = 4",
    "a captured value": "inner.__closure__[0].cell_contents = 6",
    "a captured value that goes": "del inner.__closure__[0].cell_contents",
    "an attribute": "g.limit = 1",
    "what is wrapped": "g.__wrapped__ = f",
    "an annotation": "f.__annotations__['x'] = str",
    "an annotation more": "g.__annotations__['x'] = str",
    "a member of a library": "math.floor = lambda x: 0",
    "a member of a module": "helpers.C = 8",
    "a helper in a module": "helpers.sub.h = lambda x: 2",
    "a module in a module": "helpers.sub = helpers",
    "a module's name": "helpers.sub.__name__ = 'json'; helpers.sub.__file__ = math.__spec__.origin",
    "a module that is another": "math = helpers",
    "options of a task": "t._options = ('2',)",
    "a task's name": "t.name = 'u'",
    "a task that is none": "Task._cellgraph_task_ = False",
    "another task": "t = Task(g, 't', '2')",
}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Modules of the user, and what the changes below do to the interpreter, for one test."""
    import builtins
    import math

    helpers: Any = ModuleType("helpers")
    helpers.sub = ModuleType("helpers.sub")
    helpers.C = 7
    run_cell("def h(x): return 1\n", vars(helpers.sub))
    for name, module in (("helpers", helpers), ("helpers.sub", helpers.sub)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(builtins, "oct", oct)
    monkeypatch.setattr(math, "floor", math.floor)
    monkeypatch.setattr(Task, "_cellgraph_task_", True)
    yield
    if hasattr(builtins, "unknown"):
        delattr(builtins, "unknown")


def witnessed(namespace: dict[str, Any]) -> tuple[bytes, Witness]:
    witness = Witness()
    return code_identity(namespace["f"], name="f", witness=witness).digest, witness


def test_a_witness_holds_while_nothing_changes() -> None:
    namespace = notebook(CODE)
    before, witness = witnessed(namespace)
    assert witness.holds()
    namespace["other"] = 1
    run_cell("def not_used(x): return K\n", namespace)
    assert witness.holds()
    assert witnessed(namespace)[0] == before


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_witness_sees(change: str) -> None:
    namespace = notebook(CODE)
    _, witness = witnessed(namespace)
    assert witness.holds()
    run_cell(CHANGES[change] + "\n", namespace)
    assert not witness.holds()


EDITS = [*FUNCTIONS, *OBJECTS, *WRAPPED, *COMPONENTS]


def told(edit: Edit) -> str:
    """What a witness made of the first notebook says when the second has run in the same kernel:
    "silent", "seen", "unseen", or "" if the first has no identity."""
    namespace = notebook(edit.before)
    func = namespace["f"]
    witness = Witness()
    try:
        before = code_identity(func, name="f", witness=witness).digest
    except IdentityError:
        return ""
    held = witness.holds()
    assert code_identity(func, name="f").digest == before
    with suppress(Exception):  # some cells are for a fresh kernel only
        for cell in edit.after.split("# %%\n"):
            run_cell(cell, namespace)
    if not witness.holds():
        return "seen" if held else "silent"
    assert code_identity(func, name="f").digest == before, edit.id
    return "unseen"


def test_no_edit_in_a_live_kernel_changes_code_behind_a_witness() -> None:
    said = [told(edit) for edit in EDITS]
    assert said.count("seen") >= 15
    assert said.count("unseen") >= 20
    assert said.count("silent") >= 60


SILENT = {
    "a list": "K = [1]\ndef f(x): return K\n",
    "a tuple of lists": "K = ([1],)\ndef f(x): return K\n",
    "a class": "class C: pass\ndef f(x): return C\n",
    "an instance": "class C: pass\nc = C()\ndef f(x): return c\n",
    "a wrapper": "import functools\n@functools.cache\ndef g(x): return x\ndef f(x): return g(x)\n",
    "a bound method": "class C:\n    def m(self): pass\nm = C().m\ndef f(x): return m()\n",
    "a partial": "import functools\ng = functools.partial(int, base=2)\ndef f(x): return g(x)\n",
    "a default that can change": "def f(x, k=[]): return k\n",
    "a function with attributes": "def f(x): return f.k\nf.k = 1\n",
    "an import": "def f(x):\n    import math\n    return math.pi\n",
    "a module as a value": "import helpers\ndef f(x): return helpers\n",
    "a module's missing member": "import helpers\ndef f(x): return helpers.none\n",
    "a task's function": "def g(x): return 1\nt = Task(g, 't')\ndef f(x): return t.func(x)\n",
}


@pytest.mark.parametrize("what", list(SILENT))
def test_a_witness_is_silent_about(what: str) -> None:
    _, witness = witnessed(notebook(SILENT[what]))
    assert not witness.holds()


def test_a_function_without_text_may_get_one() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("def f(x): return 1\n", namespace)
    assert not witnessed(namespace)[1].holds()


def test_a_task_is_current_until_something_it_reads_changes() -> None:
    namespace = notebook("K = 1\ndef g(x): return x + K\ndef f(x): return g(x)\n")
    task = cg.task(namespace["f"])
    definitions = Definitions(live=False, cache=True, default_executor="thread")
    definition = definitions.of(task, Environment.root())
    for _ in range(3):
        assert definition.is_current()
    assert definition.witness.holds()
    namespace["K"] = 2
    assert not definition.is_current()
    namespace["K"] = 1
    assert definition.is_current()
    assert definition.is_current()
    task.func = namespace["g"]
    assert not definition.is_current()


def test_a_builtin_that_is_hidden_by_another_task_of_the_run_is_seen(tmp_path: Path) -> None:
    namespace = notebook(
        "def hide(x):\n    global abs\n    abs = str\n    return x\ndef f(x): return abs(x)\n"
    )
    hide, f = cg.task(namespace["hide"]), cg.task(namespace["f"])
    with cg.Session(tmp_path / "store") as session:
        assert session.evaluate(f(hide(-1))) == "-1"
        del namespace["abs"]
        assert session.evaluate(f(-1)) == 1


def test_code_that_is_replaced_in_place_by_another_task_of_the_run_is_seen(tmp_path: Path) -> None:
    """As autoreload does while a run goes on."""
    namespace = notebook(
        "def swap(x):\n    f.func.__code__ = other.__code__\n    return x\n"
        "def other(x): return x * 2\ndef f(x): return x + 1\n"
    )
    func = namespace["f"]
    code, f, swap = func.__code__, cg.task(func), cg.task(namespace["swap"])
    namespace["f"] = f
    with cg.Session(tmp_path / "store") as session:
        assert session.evaluate(f(swap(5))) == 10
        func.__code__ = code
        assert session.evaluate(f(5)) == 6
