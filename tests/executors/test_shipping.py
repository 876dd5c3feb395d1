"""Code that was put into a store runs in another interpreter, as it ran here."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cellgraph.errors import ExecutorError
from cellgraph.stores.memory import MemoryStore
from cellgraph_executors.shipping import load_code

_SEND = """
import linecache, sys
from pathlib import Path
from cellgraph.executor import Function
from cellgraph.identity.code import code_identity
from cellgraph.stores.local import LocalStore
from cellgraph_executors.shipping import Shipper

def cell(text):
    name = "<ipython-input-7-0>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec", dont_inherit=True), globals())

cell(Path(sys.argv[1]).read_text())
store = LocalStore(Path(sys.argv[2]))
code = code_identity(f, name="f").digest
shipper = Shipper(store)
sent = shipper.code(Function("f", f, code))
assert shipper.code(Function("f", f, code)) == sent
store.close()
print(sent.hex())
"""
_RUN = """
import sys, traceback
from pathlib import Path
from cellgraph.stores.local import LocalStore
from cellgraph_executors.shipping import load_code

store = LocalStore(Path(sys.argv[1]))
function = load_code(bytes.fromhex(sys.argv[2]), store)
try:
    print(function.name, function.func(2))
except Exception:
    traceback.print_exc(file=sys.stdout)
store.close()
"""


def python(folder: Path, script: str, *args: str, seed: str) -> str:
    env = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def shipped(folder: Path, cell: str) -> str:
    """What ``f(2)`` prints in an interpreter that has only the store."""
    here, there = folder / "here", folder / "there"
    here.mkdir()
    there.mkdir()
    (here / "cell.py").write_text(textwrap.dedent(cell))
    sent = python(here, _SEND, "cell.py", str(folder / "store"), seed="1")
    return python(there, _RUN, str(folder / "store"), sent, seed="2")


def test_a_function_with_its_helpers_runs_elsewhere(tmp_path: Path) -> None:
    cell = """
    K = {"by": 3}
    def helper(x): return x * K["by"]
    def f(x, more=1): return helper(x) + more
    """
    assert shipped(tmp_path, cell) == "f 7"


def test_code_that_is_not_there_is_named() -> None:
    with pytest.raises(ExecutorError, match="is not in the store"):
        load_code(b"\0" * 32, MemoryStore())
