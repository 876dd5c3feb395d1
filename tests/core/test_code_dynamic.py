"""Code whose reach cannot be known is refused, in words that say what to do."""

import re
import sys
import types

import pytest
from tests.core.test_code_cells import Task, identity, notebook

from cellgraph.errors import ConfigError, IdentityError
from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.tree import difference

# construct, source, what the message must name
REFUSED = [
    (
        "globals",
        "def f(x):\n    y = 1\n    return globals()['K']",
        "globals() in f() line 3",
    ),
    (
        "eval",
        "def f(x):\n    return eval(x)",
        "eval(...) in f() line 2",
    ),
    (
        "exec",
        "def f(x):\n    return exec(x)",
        "exec(...) in f() line 2",
    ),
    (
        "eval as a value",
        "def f(x):\n    return list(map(eval, x))",
        "eval(...) in f() line 2",
    ),
    (
        "in a helper",
        "def g(x):\n\n    return eval(x)\ndef f(x): return g(x)",
        "helper g() line 3",
    ),
    (
        "in a nested function",
        "def f(x):\n    return [lambda: eval(x)]",
        "eval(...) in f() line 2",
    ),
    (
        "in a method",
        "class C:\n    def m(self):\n        return eval('1')\ndef f(x): return C()",
        "method C.m() line 2",
    ),
    (
        "builtins.eval",
        "import builtins\ndef f(x): return builtins.eval(x)",
        "eval(...) in f() line 1",
    ),
    (
        "import_module",
        "import importlib\ndef f(x): return importlib.import_module(x)",
        "import_module(...) of a name",
    ),
    (
        "import_module, imported",
        "from importlib import import_module as i\ndef f(x): return i(x)",
        "import_module(...) of a name",
    ),
    (
        "import_module, joined",
        "import importlib\ndef f(x): return importlib.import_module('a' + x)",
        "import_module(...) of a name",
    ),
    (
        "import_module, late",
        "def f(x):\n    import importlib\n    return importlib.import_module(x)",
        "import_module(...) of a name",
    ),
    (
        "import_module, later",
        "def f(x):\n    from importlib import import_module\n    return import_module(x)",
        "from importlib import import_module",
    ),
    (
        "__import__",
        "def f(x): return __import__(x)",
        "__import__(...) of a name",
    ),
    (
        "sys.modules",
        "import sys\ndef f(x): return sys.modules[x]",
        "sys.modules in f() line 1",
    ),
    (
        "__globals__",
        "def f(x): return x.__globals__['a']",
        "__globals__ in f() line 1",
    ),
    (
        "getattr",
        "import lab\ndef f(x): return getattr(lab, x)",
        "getattr(lab, ...) of a name",
    ),
    (
        "getattr, joined",
        "import lab\ndef f(x): return getattr(lab, 'a' + x)()",
        "getattr(lab, ...) of a name",
    ),
]

ACCEPTED = [
    ("method eval", "def f(x): return x.eval('a')"),
    ("locals", "def f(x): return locals()"),
    ("getattr of a value", "def f(x): return getattr(x, 'a' + x)"),
    ("getattr of an installed module", "import math\ndef f(x): return getattr(math, x)"),
    ("is it imported", "import sys\ndef f(x): return 'torch' in sys.modules"),
    ("literal import", "import importlib\ndef f(x): return importlib.import_module('json')"),
    ("literal __import__", "def f(x): return __import__('json')"),
    ("own eval", "def eval(x): return x\ndef f(x): return eval(x)"),
    ("eval of a task", "g = Task(lambda x: eval(x), 'g')\ndef f(x): return g(x)"),
]


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lab", types.ModuleType("lab"))


@pytest.mark.parametrize(("source", "named"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused_with_construct_line_and_remedies(source: str, named: str) -> None:
    with pytest.raises(IdentityError, match=re.escape(named)) as caught:
        identity(source)
    for remedy in ("uses=[...]", 'version="1"', "cache=False"):
        assert remedy in str(caught.value)


@pytest.mark.parametrize("source", [r[1] for r in ACCEPTED], ids=[r[0] for r in ACCEPTED])
def test_harmless_look_alikes_are_accepted(source: str) -> None:
    assert identity(source).digest == identity(source).digest


def test_uses_silences_and_joins_the_closure() -> None:
    source = "K = {k}\ndef g(x): return x * {k}\ndef f(x): return globals()['g'](x)"

    def declared(k: int) -> CodeIdentity:
        namespace = notebook(source.format(k=k))
        return code_identity(namespace["f"], name="f", uses=[namespace["g"], namespace["K"]])

    first, second = declared(1), declared(2)
    assert declared(1).digest == first.digest
    change = difference(first.tree, second.tree)
    assert change is not None
    assert change.summary == "helper g() line 1"


def test_uses_takes_modules_classes_and_tasks() -> None:
    import json

    task = Task(len, "g")
    namespace = notebook("class C:\n    def m(self): return 1\ndef f(x): return eval(x)")
    found = code_identity(namespace["f"], name="f", uses=[json, namespace["C"], task])
    assert [c.label for c in found.tree.children] == [
        "f()", "class C", "method C.m()", "uses 0", "uses 1", "uses 2",
    ]  # fmt: skip
    assert [(r.ref, r.task) for r in found.tasks] == [("uses:2", task)]


def test_version_stands_for_the_code() -> None:
    before = notebook("def f(x): return eval(x)")["f"]
    after = notebook("handle = open(__import__('os').devnull)\ndef f(x): return handle")
    first = code_identity(before, name="f", version="1")
    assert code_identity(after["f"], name="f", version="1").digest == first.digest
    after["handle"].close()
    second = code_identity(before, name="f", version="2")
    change = difference(first.tree, second.tree)
    assert change is not None
    assert change.summary == "version '1' -> '2'"
    assert code_identity(before, name="g", version="1").digest != first.digest


def test_version_keeps_the_references_to_tasks() -> None:
    namespace = notebook("g = Task(len, 'g')\ndef h(x): return g(x)\ndef f(x): return h(eval(x))")
    found = code_identity(namespace["f"], name="f", version="1")
    assert [r.ref for r in found.tasks] == ["helper:h/global:g"]


def test_a_wrong_packages_option_is_named() -> None:
    with pytest.raises(ConfigError, match="packages='all': expected one of exact, minor, none"):
        code_identity(len, name="f", packages="all")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("h = (i for i in [1])\ndef f(x): return h", "global h of f() (cell "),
        ("def m():\n    h = iter([1])\n    return lambda: h\nf = m()", "cell h of f() (cell "),
        ("class C: pass\nc = C()\nc.h = iter([1])\ndef f(x): return c", "global c.h of f()"),
        ("h = [1, iter([1])]\ndef f(x): return h", "value[1] is an iterator"),
        ("def f(x, h=iter([1])): return h", "default 0 of f()"),
    ],
)
def test_values_without_identity_are_named_with_their_holder(source: str, message: str) -> None:
    with pytest.raises(IdentityError, match=re.escape(message)) as caught:
        identity(source)
    assert "cache=False" in str(caught.value)
