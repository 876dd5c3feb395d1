"""Two programs for tests: one sends code through a store as a kernel does, one runs it elsewhere.

    python ship_lab.py send STORE < {name: cells}      -> {name: [blob, identity] or an error}
    python ship_lab.py run STORE < {name: blob}        -> {name: what f(2) gives, or an error}

Cells that begin with ``# file NAME`` are written to a file instead of being run. Also run by the
table of golden functions, whose tasks are called ``Task``.
"""

import contextlib
import io
import json
import linecache
import sys
import traceback
import zlib
from pathlib import Path
from typing import Any

from cellgraph.errors import CellgraphError
from cellgraph.executor import Function
from cellgraph.identity.code import code_identity
from cellgraph.options import TaskOptions
from cellgraph.stores.local import LocalStore
from cellgraph.task import Task, task
from cellgraph_executors.shipping import Shipper, load_code


def _named(func: Any, name: str, *_: object) -> Task[..., Any]:
    return Task(func, TaskOptions(name=name, version="1"))


def _run_cells(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__", "Task": _named, "task": task}
    for cell in source.split("# %%\n"):
        if cell.startswith("# file "):
            first, _, text = cell.partition("\n")
            path = Path(first.removeprefix("# file ").strip())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            continue
        name = f"<ipython-input-{zlib.crc32(cell.encode())}-0>"  # the same in every run
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec", dont_inherit=True), namespace)
    return namespace


def _send(store: LocalStore, cells: dict[str, str]) -> dict[str, Any]:
    shipper = Shipper(store)
    sent: dict[str, Any] = {}
    for name, source in cells.items():
        found = _run_cells(source)["f"]
        func = getattr(found, "func", found)
        code = code_identity(func, name="f", uses=[None]).digest
        try:
            blob = shipper.code(Function("f", func, code))
        except CellgraphError as error:
            sent[name] = f"{type(error).__name__}: {error}"
        else:
            assert shipper.code(Function("f", func, code)) == blob
            sent[name] = blob.hex(), code.hex()
    return sent


def _run(store: LocalStore, blobs: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, blob in blobs.items():
        try:
            function = load_code(bytes.fromhex(blob), store)
        except CellgraphError as error:
            found[name] = ["", f"{type(error).__name__}: {error}"]
            continue
        code = code_identity(function.func, name="f", uses=[None]).digest  # before it changes state
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            try:
                value = repr(_value(function.func(2)))
            except Exception:
                value = traceback.format_exc()
        found[name] = [code.hex(), value]
    return found


def _value(value: Any) -> Any:
    if hasattr(value, "__await__"):
        import asyncio

        return asyncio.run(value)
    return value


def main() -> None:
    """Do what the arguments say."""
    sys.path.insert(0, "")
    store = LocalStore(Path(sys.argv[2]))
    given = json.load(sys.stdin)
    answer = _send(store, given) if sys.argv[1] == "send" else _run(store, given)
    store.close()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
