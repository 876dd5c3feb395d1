"""Edits of notebook code after which a result still stands; and how the other tests run cells.

A table of edits is text: ``== id``, the code before, ``-->``, the code after, and ``>>>`` what the
difference must say. The function in question is `f`; ``# %%`` begins another cell.
"""

import itertools
import linecache
from typing import Any, NamedTuple

import pytest

from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.tree import difference

_numbers = itertools.count(1)


class Task:
    """What the code walker asks of a task."""

    _cellgraph_task_ = True

    def __init__(self, func: Any, name: str, *options: object) -> None:
        self.func, self.name, self._options = func, name, options

    def __call__(self, *args: object) -> None: ...

    def identity_options(self) -> tuple[object, ...]:
        return self._options


class Edit(NamedTuple):
    id: str
    before: str
    after: str
    decides: str  # how the summary of the difference begins; "" if there must be none


def edits(table: str) -> list[Edit]:
    """Read a table of edits."""
    found: list[Edit] = []
    for block in table.split("\n== ")[1:]:
        name, _, rest = block.partition("\n")
        rest, _, decides = rest.partition("\n>>> ")
        before, _, after = rest.partition("\n-->\n")
        found.append(Edit(name, before + "\n", after.rstrip() + "\n", decides.strip()))
    return found


def run_cell(source: str, namespace: dict[str, Any]) -> None:
    """Run a cell as IPython does: its text is in `linecache` under a name of its own."""
    name = f"<ipython-input-{next(_numbers)}-0>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec", dont_inherit=True), namespace)


def notebook(source: str) -> dict[str, Any]:
    """Run the cells of *source* in a namespace like a kernel's and return it."""
    namespace: dict[str, Any] = {"__name__": "__main__", "Task": Task}
    for cell in source.split("# %%\n"):
        run_cell(cell, namespace)
    return namespace


def identity(source: str) -> CodeIdentity:
    """Return the identity of the function `f` that *source* leaves behind."""
    return code_identity(notebook(source)["f"], name="f")


HARMLESS = edits(
    r"""
== comment
def f(x):
    return x
-->
def f(x):
    # why
    return x

== docstring
def f(x):
    "a"
    return x
-->
def f(x):
    '''b'''
    return x

== string as comment
def f(x):
    return x
-->
def f(x):
    'note'
    return x

== layout
def f(x): return [x, 1]
-->
def f(x):

    return [
        x,
        1,
    ]

== moved down
def f(x): return x
-->
y = 1


def f(x): return x

== quotes
def f(x): return 'a'
-->
def f(x): return "a"

== joined strings
def f(x): return 'a' 'b'
-->
def f(x): return 'ab'

== prefix
def f(x): return u'a'
-->
def f(x): return 'a'

== spelling of numbers
def f(x): return 1_000 + 0x10
-->
def f(x): return 1000 + 16

== parentheses
def f(x): return x * 2 + 1
-->
def f(x): return ((x * 2) + 1)

== default text
def f(x, n=3): return n
-->
def f(x, n=2 + 1): return n

== helper docstring
def g(x):
    return x + 1
def f(x):
    return g(x)
-->
def g(x):
    'doc'
    return x + 1
def f(x):
    return g(x)

== order of cells
def g(x):
    return x + 1
# %%
def f(x):
    return g(x)
-->
def f(x):
    return g(x)
# %%
def g(x):
    return x + 1

== other names
def f(x):
    return g(x)
def g(x):
    return x + 1
-->
def f(x):
    return g(x)
def g(x):
    return x + 1
K = 1
def h(): return K

== cell again
def f(x):
    return g(x)
def g(x):
    return x + 1
-->
def f(x):
    return g(x)
def g(x):
    return x + 1
# %%
def g(x):
    return x + 1

== attribute named like a global
y = 1
def f(x): return x.y
-->
y = 2
def f(x): return x.y

== local named like a global
y = 1
def f(y): return y
-->
y = 2
def f(y): return y

== set order
S = {'a', 'b', 'c'}
def f(x): return S
-->
S = {'c', 'b', 'a'}
def f(x): return S

== logger
import logging
L = logging.getLogger('a')
def f(x): L.info(x)
-->
import logging
L = logging.getLogger('b')
def f(x): L.info(x)

== lock
import threading
L = threading.Lock()
def f(x):
    with L: return x
-->
import threading
L = threading.Lock()
def f(x):
    with L: return x

== body of a task
g = Task(lambda x: x, 'g')
def f(x): return g(x)
-->
g = Task(lambda x: x + 1, 'g')
def f(x): return g(x)

== order of methods
class C:
    def a(self): return 1
    def b(self): return 2
def f(x): return C()
-->
class C:
    def b(self): return 2
    def a(self): return 1
def f(x): return C()

== class docstring
class C:
    'a'
    k = 1
def f(x): return C.k
-->
class C:
    k = 1  # b
def f(x): return C.k

== copies of one helper
def g(x):
    return x + 1
S = [g]
def f(x): return S[0](g(x))
-->
def g(x):
    return x + 1
S = [g]
# %%
def g(x):
    return x + 1
# %%
def f(x): return S[0](g(x))

== module facts
__file__ = 'a'
def f(x): return __file__
-->
__file__ = 'b'
def f(x): return __file__

== after return
K = 1
def f(x):
    return x
    return K
-->
K = 2
def f(x):
    return x
    return K
"""
)


@pytest.mark.parametrize("edit", HARMLESS, ids=lambda e: e.id)
def test_edits_that_change_nothing(edit: Edit) -> None:
    before, after = identity(edit.before), identity(edit.after)
    assert difference(before.tree, after.tree) is None
    assert before.digest == after.digest
