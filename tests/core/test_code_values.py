"""Classes and functions as values, and values that lead back to code."""

from typing import Any

import pytest
from tests.core.test_code_cells import notebook

from cellgraph.identity.code import class_identity, code_identity, function_identity
from cellgraph.identity.values import reference

FUNCTIONS = [
    ("def g(x): return x", "def g(x): return -x"),
    ("g = lambda x: x", "g = lambda x: -x"),
    ("def h(x): return x\ndef g(x): return h(x)", "def h(x): return -x\ndef g(x): return h(x)"),
    (
        "from functools import partial as p\ng = p(pow, 2)",
        "from functools import partial as p\ng = p(pow, 3)",
    ),
    (
        "class C:\n    k = 1\n    def m(s): ...\ng = C().m",
        "class C:\n    k = 2\n    def m(s): ...\ng = C().m",
    ),
    ("def m(k): return lambda: k\ng = m(1)", "def m(k): return lambda: k\ng = m(2)"),
    ("from math import sin as g", "from math import cos as g"),
    ("g = len", "g = abs"),
]


@pytest.mark.parametrize(("one", "other"), FUNCTIONS)
def test_functions_are_told_apart(one: str, other: str) -> None:
    def of(source: str) -> bytes:
        return function_identity(notebook(source)["g"])

    assert len(of(one)) == 32
    assert of(one) == of(one)
    assert of(one) != of(other)


CLASSES = [
    ("class C: pass", "class C:\n    k = 1"),
    ("class C:\n    def m(self): return 1", "class C:\n    def m(self): return 2"),
    ("K = 1\nclass C:\n    def m(self): return K", "K = 2\nclass C:\n    def m(self): return K"),
    ("class C(Exception): pass", "class C(ValueError): pass"),
    ("class C:\n    __slots__ = ('a',)", "class C:\n    __slots__ = ('b',)"),
    ("class C:\n    a: int", "class C:\n    a: str"),
]


@pytest.mark.parametrize(("one", "other"), CLASSES)
def test_classes_are_told_apart(one: str, other: str) -> None:
    def of(source: str) -> bytes:
        return class_identity(notebook(source)["C"])

    assert of(one) == of(one)
    assert of(one) != of(other)


def test_making_and_copying_instances_leaves_the_class_as_it_was() -> None:
    import copy
    import pickle

    cls = notebook("class C:\n    def __init__(self): self.a = 1")["C"]
    first = class_identity(cls)
    copy.copy(cls())
    pickle.dumps(copy.deepcopy({"a": 1}))
    reference(cls())
    assert class_identity(cls) == first


def test_installed_classes_are_known_by_name_and_version() -> None:
    import numpy as np

    assert class_identity(np.ndarray) == class_identity(np.ndarray)
    assert class_identity(np.ndarray) != class_identity(np.dtype)
    assert class_identity(dict) != class_identity(list)


def test_values_that_hold_functions_follow_their_code() -> None:
    def of(body: str) -> bytes:
        namespace = notebook(f"def g(x): return {body}\nclass C: pass\nc = C()\nc.k = [g]")
        return reference(namespace["c"])

    assert of("x") == of("x")
    assert of("x") != of("-x")


STATEFUL = "class C:\n    def m(self): return c\n"
SELF = "c = C()\ndef f(x): return c"


@pytest.mark.parametrize(
    "source",
    [
        # an object with pickling rules of its own whose class leads back to it
        f"{STATEFUL}    def __getstate__(self): return {{}}\n{SELF}",
        f"{STATEFUL}    def __reduce__(self): return (C, ())\n{SELF}",
        "class C(list):\n    def m(self): return c\nc = C([1])\ndef f(x): return c",
        "class C: pass\nc = C()\nc.c = c\ndef f(x): return c",
        "D = {}\nD['f'] = lambda: D\ndef f(x): return D",
        "class M(type): pass\nclass C(metaclass=M):\n    def m(s): return M, C\ndef f(x): return C",
        "def g(x, n=[]): return n\ng.me = g\ndef f(x): return g",
    ],
)
def test_cycles_through_values_and_code_end(source: str) -> None:
    def of() -> tuple[bytes, bytes]:
        namespace = notebook(source)
        return code_identity(namespace["f"], name="f").digest, function_identity(namespace["f"])

    assert of() == of()


def test_an_object_in_a_cycle_still_counts_by_its_state() -> None:
    source = (
        "class C:\n    def __init__(self, k): self.k = k\n"
        "    def __getstate__(self): return {{'k': self.k}}\n    def m(self): return c\n"
        "c = C({})\ndef f(x): return c"
    )

    def of(k: int) -> bytes:
        return code_identity(notebook(source.format(k))["f"], name="f").digest

    assert of(1) == of(1)
    assert of(1) != of(2)


def test_a_hidden_generator_of_random_numbers_has_no_say() -> None:
    import random

    namespace: dict[str, Any] = notebook(
        "import random\nimport numpy as np\nfrom random import random as r, choice\n"
        "from numpy.random import rand\ndef f(x): return r(), choice(x), rand(), np.random.rand()"
    )
    first = code_identity(namespace["f"], name="f").digest
    random.random()
    namespace["rand"]()
    assert code_identity(namespace["f"], name="f").digest == first


@pytest.mark.parametrize(
    "library",
    [
        "numpy as np\ng = np.vectorize(h)",
        "toolz\ng = toolz.compose(h, abs)",
        "toolz\ng = toolz.curry(h)",
    ],
)
def test_functions_inside_objects_of_libraries_count(library: str) -> None:
    def of(body: str) -> bytes:
        pytest.importorskip(library.partition("\n")[0].partition(" ")[0])
        source = f"def h(x): return {body}\nimport {library}\ndef f(x): return g(x)"
        return code_identity(notebook(source)["f"], name="f").digest

    assert of("x") == of("x")
    assert of("x") != of("-x")


def test_records_of_attrs_and_pydantic_count_by_their_fields() -> None:
    sources = {
        "attrs": "import attrs\n@attrs.define\nclass C:\n    a: int = attrs.field(default={})\n",
        "pydantic": "import pydantic as p\nclass C(p.BaseModel):\n    a: int = p.Field({}, gt=0)\n",
    }
    for name, source in sources.items():
        pytest.importorskip(name)
        seen = [class_identity(notebook(source.format(k))["C"]) for k in (1, 1, 2)]
        assert seen[0] == seen[1] != seen[2]
        more = source.format(1) + "    def m(self): return 1\n"
        assert class_identity(notebook(more)["C"]) != seen[0]


def test_wrappers_keep_no_accounts_of_their_use() -> None:
    namespace = notebook(
        "import functools\n@functools.lru_cache\ndef g(x): return x\ndef f(x): return g(x)"
    )
    first = code_identity(namespace["f"], name="f").digest
    namespace["f"](1)
    assert code_identity(namespace["f"], name="f").digest == first
    assert namespace["g"].cache_info().currsize == 1
