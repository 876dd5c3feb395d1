"""Mutation test of the identity of code: without any one component, two notebooks are one.

With all components the function `f` of the two notebooks of a row has two identities; with one
component removed from what our code collects it must have one.
"""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from tests.core.code_components import COMPONENTS, removes
from tests.core.test_code_cells import Edit, identity, notebook
from tests.core.test_code_edits import EDITS as FUNCTIONS
from tests.core.test_code_edits_objects import EDITS as OBJECTS
from tests.core.test_code_main import WRAPPED

from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.code import code_identity

# The test reaches into them; what it replaces is nobody's interface.
compiled: Any = importlib.import_module("cellgraph.identity.compiled")
module_source: Any = importlib.import_module("cellgraph.identity.module_source")
packages: Any = importlib.import_module("cellgraph.identity.packages")
closure: Any = importlib.import_module("cellgraph.identity.closure")

ADDERS: Final = ("link", "attach", "leaf", "data", "named", "task")
# Labels that say once more what another component says, or only its name.
TWICE: Final = re.compile(
    r"foreign made by|wrapper (class|\.(cache|otypes|signature|_.*))|container .*\.func"
)


def without(patch: pytest.MonkeyPatch, leave_out: Callable[[str, str], bool]) -> None:
    """Let no walk add what *leave_out* says of a kind of node and a label."""
    for name in ADDERS:
        add: Callable[..., None] = getattr(Walk, name)

        def adder(
            walk: Walk, node: Node, label: str, *rest: Any, add: Callable[..., None] = add
        ) -> None:
            if not leave_out(node.kind, label):
                add(walk, node, label, *rest)

        patch.setattr(Walk, name, adder)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: c.id)
def test_no_component_of_code_can_be_left_out(component: Edit) -> None:
    assert identity(component.before).digest != identity(component.after).digest
    with pytest.MonkeyPatch.context() as patch:
        without(patch, lambda kind, label: removes(component, kind, label))
        assert identity(component.before).digest == identity(component.after).digest


def test_every_component_that_is_collected_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[tuple[str, str], str] = {}

    def note(kind: str, label: str) -> bool:
        found.setdefault((kind, _form(kind, label)), label)
        return False

    without(monkeypatch, note)
    for edit in (*FUNCTIONS, *OBJECTS, *WRAPPED):
        identity(edit.before)
    missing = {
        f"{kind} {label}"
        for (kind, _), label in found.items()
        if not any(removes(component, kind, label) for component in COMPONENTS)
        and not any(_form(*key) == _form(kind, label) for key in _rows(kind))
    }
    assert {label for label in missing if not TWICE.fullmatch(label)} == set()


def _form(kind: str, label: str) -> str:
    """A label without the name in it."""
    if kind == "container":
        return re.sub(r"^\[.*?\]", "[]", label)
    if kind in ("instance", "wrapper"):
        return "." if label[0] == "." and kind == "instance" else label
    return re.sub(r":[^.( ]*|\(.*\)|\[.*\]", "", label)


def _rows(kind: str) -> list[tuple[str, str]]:
    plain = (component.id.replace("\\", "").replace(".*", "x") for component in COMPONENTS)
    parts = (row.partition(" ") for row in plain)
    return [(found, label) for found, _, label in parts if found == kind]


def constant(value: object) -> Callable[..., Any]:
    def tell_nothing(*_: Any, **__: Any) -> Any:
        return value

    return tell_nothing


def test_the_text_of_a_function_cannot_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = "def f(x): return 1\n", "def f(x): return 2\n"
    assert identity(before).digest != identity(after).digest
    monkeypatch.setattr(compiled, "encode_function", constant((b"", b"")))
    assert identity(before).digest == identity(after).digest


def test_docstrings_that_are_read_cannot_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "def f(x):\n    'a'\n    return f.__doc__\n"
    after = before.replace("'a'", "'b'")
    assert identity(before).digest != identity(after).digest
    monkeypatch.setattr(compiled, "encode_function", constant((b"", b"")))
    assert identity(before).digest == identity(after).digest


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("class", "class A: pass\nK = A\n", "class B: pass\nK = B\n"),
        ("container", "K = [len]\n", "K = (len,)\n"),
        (
            "foreign",
            "import contextlib as c\nK = c.contextmanager(len)\n",
            "import contextlib as c\nK = c.asynccontextmanager(len)\n",
        ),
    ],
)
def test_what_a_node_is_itself_cannot_be_left_out(
    kind: str, before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = "def f(x): return K\n"
    assert identity(before + end).digest != identity(after + end).digest
    expected = Walk.digest

    def digest(walk: Walk) -> bytes:
        for node in walk.nodes:
            if node.kind == kind:
                node.local = b""
        return expected(walk)

    monkeypatch.setattr(Walk, "digest", digest)
    without(monkeypatch, lambda _, label: label == "made by")
    assert identity(before + end).digest == identity(after + end).digest


@pytest.mark.parametrize("part", ["name", "uses", "version", "packages"])
def test_what_is_said_of_a_task_cannot_be_left_out(part: str) -> None:
    f = notebook("import numpy as np\ndef f(x): return np.sin(x)\n")["f"]
    said: dict[str, tuple[Any, Any]] = {
        "name": ("f", "g"),
        "uses": ([1], [2]),
        "version": ("1", "2"),
        "packages": ("exact", "none"),
    }
    given: list[dict[str, Any]] = [{"name": "f", part: value} for value in said[part]]
    found = {code_identity(f, **each).digest for each in given}
    assert len(found) == 2


def test_the_version_of_a_package_cannot_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    (site / "gauge").mkdir(parents=True)
    (site / "gauge" / "__init__.py").write_text("def read(x): return x\n")
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])

    def at_version(version: str) -> bytes:
        for old in site.glob("*.dist-info"):
            (old / "RECORD").unlink()
            old.rmdir()
        info = site / f"gauge-{version}.dist-info"
        info.mkdir()
        (info / "RECORD").write_text("gauge/__init__.py,sha256=x,1\n")
        monkeypatch.setattr(packages, "_known", {})
        monkeypatch.setattr(packages, "_folders", {})
        return identity("import gauge\ndef f(x): return gauge.read(x)\n").digest

    try:
        assert at_version("1.0") != at_version("2.0")
        code: Any = importlib.import_module("cellgraph.identity.code")
        monkeypatch.setattr(code, "counted_version", constant(""))
        assert at_version("1.0") == at_version("2.0")
    finally:
        sys.modules.pop("gauge", None)


@pytest.mark.parametrize("edited", ["return 2", "K = 3"])
def test_a_module_that_a_body_imports_cannot_be_left_out(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    module = tmp_path / "imported_by_a_body.py"
    body = "def f(x):\n    import imported_by_a_body as m\n    return m.g(x)\n"

    def with_module(text: str) -> bytes:
        module.write_text(text)
        monkeypatch.setattr(module_source, "_known", {})
        return identity(body).digest

    before = "K = 1\ndef g(x): return 1\n"
    after = before.replace("return 1" if "return" in edited else "K = 1", edited)
    assert with_module(before) != with_module(after)
    without(monkeypatch, lambda _, label: label.startswith("import:"))
    assert with_module(before) == with_module(after)
