"""Code that was put into a store runs in another interpreter, as it ran here, and is the same code.

One process sends a whole table of cells and one runs it: in other folders, under another hash seed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from tests.core.golden.compute import blocks
from tests.core.golden.functions import FUNCTIONS as GOLDEN
from tests.executors.support.ship_cases import CASES as TEXT

from cellgraph.codecs.payload import Payload
from cellgraph.errors import ExecutorError
from cellgraph.stores.local import LocalStore
from cellgraph.stores.memory import MemoryStore
from cellgraph_executors.shipping import load_code

LAB: Final = Path(__file__).with_name("support") / "ship_lab.py"

# name -> what f(2) is there, and the cells
CASES: Final = {
    name: (text.partition("\n")[0].removeprefix("-> "), text.partition("\n")[2])
    for name, text in blocks(TEXT).items()
}
LOCK: Final = """
import threading
LOCK = threading.Lock()
def f(x):
    with LOCK: return x
"""
EDITED: Final = """# file edited.py
def g(x): return x
# %%
from edited import g
# %%
# file edited.py
def g(x): return x + 1
# %%
def f(x): return g(x)
"""
BY_PLACE: Final = """# file placed.py
import os
if os.environ.get("PLACE") == "there":
    def g(x): return x - 1
else:
    def g(x): return x + 1
# %%
from placed import g
def f(x): return g(x)
"""


def lab(
    what: str, store: Path, given: object, folder: Path, seed: str, **more: str
) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    env = {**os.environ, "PYTHONHASHSEED": seed, "TMPDIR": str(folder), **more}
    done = subprocess.run(
        [sys.executable, str(LAB), what, str(store)],
        input=json.dumps(given),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class Table:
    """Everything sent once, and run once elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        cells = {name: source for name, (_, source) in CASES.items()}
        golden = {f"golden {name}": source for name, source in blocks(GOLDEN).items()}
        self.sent = lab("send", self.store, cells | golden, folder / "here", "1")
        blobs = {name: sent[0] for name, sent in self.sent.items()}
        self.ran = lab("run", self.store, blobs, folder / "there", "2", SHIP_TOKEN="read there")

    def head(self, name: str) -> dict[str, Any]:
        store = LocalStore(self.store)
        payload = store.get_blob(bytes.fromhex(self.sent[name][0]))
        assert payload is not None
        head: dict[str, Any] = json.loads(payload.head)
        store.close()
        return head


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return Table(tmp_path_factory.mktemp("shipping"))


@pytest.mark.parametrize("name", CASES)
def test_code_runs_elsewhere_and_is_the_same_code(table: Table, name: str) -> None:
    identity, value = table.ran[name]
    assert identity == table.sent[name][1], value
    expected = CASES[name][0]
    if "..." not in expected:
        assert value == expected
    else:
        assert all(part in value for part in expected.split("...")), value


@pytest.mark.parametrize("name", blocks(GOLDEN))
def test_golden_functions_keep_their_identity(table: Table, name: str) -> None:
    identity, said = table.ran[f"golden {name}"]
    assert identity == table.sent[f"golden {name}"][1], said


def test_nearly_everything_travels_as_source(table: Table) -> None:
    """Bytecode only for what libraries generate without source."""
    bound = {name for name in table.sent if table.head(name)["python"] is not None}
    assert bound <= {"dataclass", "golden dataclass", "golden typing", "golden record"}


def test_only_the_modules_that_are_reached_travel(table: Table) -> None:
    assert table.head("module")["modules"] == ["proj/__init__.py", "proj/deep.py", "proj/more.py"]
    assert table.head("module, imported inside")["modules"] == ["late.py"]
    assert table.head("helpers and globals")["modules"] == []


def test_only_the_statements_that_are_needed_travel(table: Table) -> None:
    (_, _, text), *_ = table.head("traceback")["texts"]
    assert text == "\n\ndef f(x):\n    y = x\n    raise ValueError(y)  # here\n"


def test_the_bytes_do_not_depend_on_the_hash_seed(table: Table) -> None:
    """Tasks are named by a token of their process; everything else is the same in every run."""
    cells = {name: source for name, (_, source) in CASES.items() if "task" not in name}
    folder = table.store.parent
    again = lab("send", folder / "again", cells, folder / "here", "99")
    assert again == {name: table.sent[name] for name in cells}


def test_what_cannot_travel_is_named_before_anything_runs(tmp_path: Path) -> None:
    sent = lab("send", tmp_path / "store", {"a": LOCK, "b": EDITED}, tmp_path / "here", "1")
    assert "the global `LOCK` of function `f` (a _thread.lock) cannot be pickled" in sent["a"]
    assert "g() of the module edited is not what" in sent["b"]
    assert "Reload the module" in sent["b"]


def test_other_code_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    store, cells = tmp_path / "store", {"placed": BY_PLACE, "hidden": CASES["module as a value"][1]}
    sent = lab("send", store, cells, tmp_path / "here", "1")
    blobs = {name: blob for name, (blob, _) in sent.items()}
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "held.py").write_text("def g(x): return -x\n")
    (tmp_path / "image" / "sitecustomize.py").write_text("import held\n")
    image = os.pathsep.join([str(tmp_path / "image"), os.environ.get("PYTHONPATH", "")])
    ran = lab("run", store, blobs, tmp_path / "there", "2", PLACE="there", PYTHONPATH=image)
    assert "is not the code that was sent: helper g()" in ran["placed"][1]
    assert "the module held of your project is hidden on this worker by" in ran["hidden"][1]


def test_bytecode_is_refused_by_another_python(table: Table) -> None:
    store = LocalStore(table.store)
    sent = store.get_blob(bytes.fromhex(table.sent["dataclass"][0]))
    assert sent is not None
    head = json.loads(sent.head)
    assert head["python"] == list(sys.version_info[:2])
    older = Payload(json.dumps({**head, "python": [3, 9]}).encode(), sent.buffers)
    with pytest.raises(ExecutorError, match=r"f needs Python 3\.9 .* was sent as bytecode"):
        load_code(store.put_blob(older), store)
    store.close()


def test_code_that_is_not_there_is_named() -> None:
    with pytest.raises(ExecutorError, match="is not in the store"):
        load_code(b"\0" * 32, MemoryStore())
