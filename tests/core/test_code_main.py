"""The same edits where the namespace really is `__main__`, as in every kernel and script.

Objects then can be found by their module and name, which must not stand for what they contain.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType

import pytest
from tests.core.test_code_cells import HARMLESS, Edit, edits, notebook
from tests.core.test_code_edits import EDITS as FUNCTIONS
from tests.core.test_code_edits_objects import EDITS as OBJECTS

from cellgraph.errors import IdentityError
from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.tree import difference
from cellgraph.identity.values import reference, restore, snapshot

WRAPPED = edits(
    r"""
== context manager
import contextlib
@contextlib.contextmanager
def g(): yield 1
def f(x): return g()
-->
import contextlib
@contextlib.contextmanager
def g(): yield 2
def f(x): return g()
>>> helper g() line 1

== generic function
import functools
@functools.singledispatch
def g(x): return 1
def f(x): return g(x)
-->
import functools
@functools.singledispatch
def g(x): return 2
def f(x): return g(x)
>>> helper g() line 1

== cached function
import functools
@functools.lru_cache
def g(x): return 1
def f(x): return g(x)
-->
import functools
@functools.lru_cache
def g(x): return 2
def f(x): return g(x)
>>> helper g() line 1

== curried function of an installed package
import toolz
@toolz.curry
def g(a, b): return a
def f(x): return g(x)
-->
import toolz
@toolz.curry
def g(a, b): return b
def f(x): return g(x)
>>> helper g() line 1

== memoised function of an installed package
import toolz
@toolz.memoize
def g(a): return 1
def f(x): return g(x)
-->
import toolz
@toolz.memoize
def g(a): return 2
def f(x): return g(x)
>>> helper g() line 1

== vectorised function
import numpy as np
@np.vectorize
def g(x): return x
def f(x): return g(x)
-->
import numpy as np
@np.vectorize
def g(x): return -x
def f(x): return g(x)
>>> helper g() line 1

== boundary of a flag
import enum
class E(enum.Flag):
    A = 1
def f(x): return E(x)
-->
import enum
class E(enum.Flag, boundary=enum.KEEP):
    A = 1
def f(x): return E(x)
>>> class E > boundary 'STRICT' -> 'KEEP'

== attribute of an enum that is no member
import enum
class E(enum.Enum):
    A = 1
    k = enum.nonmember(1)
def f(x): return E.k
-->
import enum
class E(enum.Enum):
    A = 1
    k = enum.nonmember(2)
def f(x): return E.k
>>> class E > attribute k 1 -> 2
"""
)


@contextmanager
def in_main(source: str) -> Generator[ModuleType]:
    """Run *source* in a module that is `__main__` for as long as the block lasts."""
    module = ModuleType("__main__")
    kept = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        vars(module).update(notebook(source))
        for value in list(vars(module).values()):  # functions keep the globals they were made with
            namespace = getattr(value, "__globals__", None)
            if namespace is not None and namespace.get("__name__") == "__main__":
                namespace.update(vars(module))
        yield module
    finally:
        sys.modules["__main__"] = kept


def identity(source: str) -> CodeIdentity:
    with in_main(source) as module:
        return code_identity(module.f, name="f")


@pytest.mark.parametrize("edit", [*FUNCTIONS, *OBJECTS, *WRAPPED], ids=lambda e: e.id)
def test_the_difference_is_seen_and_named(edit: Edit) -> None:
    before, after = identity(edit.before), identity(edit.after)
    assert before.digest != after.digest
    change = difference(before.tree, after.tree)
    assert change is not None
    assert change.summary.startswith(edit.decides)


@pytest.mark.parametrize("edit", HARMLESS, ids=lambda e: e.id)
def test_a_harmless_edit_stays_harmless(edit: Edit) -> None:
    assert identity(edit.before).digest == identity(edit.after).digest


@pytest.mark.parametrize("edit", WRAPPED[:4], ids=lambda e: e.id)
def test_a_wrapped_function_as_a_value_counts_by_what_it_wraps(edit: Edit) -> None:
    found: list[bytes] = []
    for source in (edit.before, edit.before, edit.after):
        with in_main(source) as module:
            found.append(reference([module.g]))
    assert found[0] == found[1] != found[2]


def test_a_cached_function_comes_back_only_while_it_is_the_same() -> None:
    before, after = WRAPPED[2].before, WRAPPED[2].after
    with in_main(before) as module:
        _, payload = snapshot({"g": module.g})
        assert restore(payload) == {"g": module.g}
    with in_main(after), pytest.raises(Exception, match="function g has changed"):
        restore(payload)


def test_a_compiled_callable_that_hides_a_function_is_refused() -> None:
    source = "import numpy as np\nv = np.frompyfunc(lambda x: 1, 1, 1)\ndef f(x): return v(x)\n"
    with in_main(source) as module:
        with pytest.raises(IdentityError, match=r"global v .*no module offers it"):
            code_identity(module.f, name="f")
        with pytest.raises(IdentityError, match=r"value\['v'\] is a numpy.ufunc"):
            reference({"v": module.v})
