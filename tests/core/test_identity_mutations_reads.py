"""Mutation test of verified dependencies: without any one kind, a stale result is returned.

Each row: a task, what it reads beside its arguments, and a change of that. With all kinds verified
the present value comes back; where one kind always holds, the earlier value does.
"""

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest
from tests.core.test_cached_equals_uncached import Kept, Kernel

import cellgraph as cg
from cellgraph.identity.values import code_refs, restore, snapshot
from cellgraph.places import Read, ReadKind, Roots

# The test reaches into it; what it replaces is nobody's interface.
dependencies: Any = importlib.import_module("cellgraph.dependencies")

# Said by workers, never stored: they are verified as arguments are.
NEVER_STORED: Final = frozenset({"argument", "changed"})


class Row(NamedTuple):
    kind: ReadKind
    cell: str
    change: Callable[[], object]


def write(name: str, text: str) -> Callable[[], object]:
    return lambda: Path(name).write_text(text)


def add_file() -> None:
    Path("folder", "more").touch()


WRITER: Final = "def f():\n    Path('out').write_text('1')\n    return cg.File('out')"
READER: Final = """def g(file): return file.read_text()
@cg.task
def f(): return g(cg.File('data'))"""

ROWS: Final = [
    Row("file", "def f(): return open_text('data')", write("data", "2")),
    Row("file", "def f(): return open_text('gone')", lambda: Path("gone").unlink()),
    Row("absent", "def f():\n    return open_text('new')", write("new", "2")),
    Row("listing", "def f(): return sorted(os.listdir('folder'))", add_file),
    Row("env", "def f(): return os.environ.get('READ')", lambda: os.environ.update(READ="2")),
    Row("env", "def f(): return os.environ['READ']", lambda: os.environ.update(READ="3")),
    # The file that a result names has changed: its producer runs again and writes it once more.
    Row("result", WRITER, write("out", "x")),
    Row("result", WRITER, lambda: Path("out").unlink()),
    Row("literal", READER, write("data", "2")),
]

PREPARE: Final = """
import os
from pathlib import Path
import cellgraph as cg
def open_text(name):
    try:
        with open(name) as opened: return opened.read()
    except FileNotFoundError:
        return 'none'
"""


@pytest.fixture(name="kernel")
def fixture_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    (tmp_path / "cellgraph.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("READ", "1")
    kernel = Kernel(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", kernel.module)
    kernel.run(PREPARE)
    return kernel


def prepared() -> None:
    """The folder as it is before the change."""
    for name in ("data", "gone"):
        Path(name).write_text("1")
    for name in ("new", "out"):
        Path(name).unlink(missing_ok=True)
    shutil.rmtree("folder", ignore_errors=True)
    Path("folder").mkdir()
    os.environ["READ"] = "1"


def told(value: object) -> object:
    """What a caller sees: a file is its content now."""
    if isinstance(value, cg.File):
        return Path(os.fspath(value)).read_text() if Path(os.fspath(value)).exists() else "gone"
    return value


def outcome(kernel: Kernel, row: Row) -> tuple[object, object]:
    """Value and executions after the change, and the value without a cache."""
    store = Kept()
    kernel.run(f"@cg.task\n{row.cell}")
    prepared()
    target = kernel.module.f
    with cg.Session(store=store) as session:
        session.evaluate(target())
    row.change()
    with cg.Session(store=store) as session:
        run = session.submit(target())
        return told(run.result()), run.counts.executed


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.kind}-{r.cell[:40]}")
def test_no_kind_of_dependency_can_be_left_out(row: Row, kernel: Kernel) -> None:
    value, executed = outcome(kernel, row)
    assert executed == 1
    verify: Callable[[Read, Roots], bytes] = dependencies.present

    def present(read: Read, roots: Roots) -> bytes:
        return read.digest if read.kind == row.kind else verify(read, roots)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dependencies, "present", present)
        stale, executed = outcome(kernel, row)
    assert (stale, executed) != (value, 1)
    assert stale != value


def test_the_edge_to_a_task_cannot_be_left_out(kernel: Kernel) -> None:
    def changed() -> object:
        store = Kept()
        kernel.run("@cg.task\ndef g(x): return 1\n@cg.task\ndef f(): return g(1)")
        with cg.Session(store=store) as session:
            assert session.evaluate(kernel.module.f()) == 1
        kernel.run("@cg.task\ndef g(x): return 2")
        with cg.Session(store=store) as session:
            return session.evaluate(kernel.module.f())

    assert changed() == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("cellgraph.edges").Edges, "hold", constant(True))
        assert changed() == 1


def test_the_invalidation_of_a_task_cannot_be_left_out(kernel: Kernel) -> None:
    def executed() -> int:
        kernel.run("@cg.task\ndef f(): return 1")
        with cg.Session(store=Kept()) as session:
            session.evaluate(kernel.module.f())
            session.invalidate(kernel.module.f)
            run = session.submit(kernel.module.f())
            run.result()
            return run.counts.executed

    assert executed() == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("cellgraph.marks").Mark, "epoch", b"")
        assert executed() == 0


def test_the_class_of_a_stored_value_cannot_be_left_out(kernel: Kernel) -> None:
    kernel.run("class C:\n    k = 1")
    payload = snapshot(kernel.module.C())[1]
    kernel.run("class C:\n    k = 2")
    with pytest.raises(cg.CellgraphError, match="class C has changed"):
        restore(payload)
    _, _, _, named = code_refs(payload)[0]
    with pytest.MonkeyPatch.context() as patch:
        binding = importlib.import_module("cellgraph.identity.binding")
        patch.setattr(binding, "_digest", constant(named))
        found: Any = restore(payload)
    assert found.k == 2


def constant(value: object) -> Callable[..., object]:
    def answer(*_: object) -> object:
        return value

    return answer


def test_every_kind_of_dependency_has_a_row() -> None:
    assert {row.kind for row in ROWS} == set(get_args(ReadKind)) - NEVER_STORED
