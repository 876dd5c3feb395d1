"""Digests of the golden values and functions on the interpreter that runs this script, as JSON.

    python tests/core/golden/compute.py [--stub] [--write]

Needs the standard library, and blake3 unless ``--stub`` puts a digest in its place that every
Python has. Values of libraries that are not installed are left out. ``--write`` renews the digests
in `digests.json`: for a change of the encoding only, together with its version.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import linecache
import sys
import types
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
CORE: Final = HERE.parents[2] / "core"
DIGESTS: Final = HERE / "digests.json"
_ALIASES: Final = {"numpy": "np", "pandas": "pd", "pyarrow": "pa"}
_numbers = itertools.count()


class _Stub:
    AUTO = 0

    def __init__(self, data: Any = b"", max_threads: int = 1) -> None:
        self._hash = hashlib.blake2b(data, digest_size=32)

    def update(self, data: Any, max_threads: int = 1) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


class Task:
    """What the code walker asks of a task."""

    _cellgraph_task_ = True

    def __init__(self, func: Any, name: str, *options: object) -> None:
        self.func, self.name, self._options = func, name, options

    def identity_options(self) -> tuple[object, ...]:
        return self._options


def prepare(*, stub: bool) -> None:
    """Make the identity modules importable without the rest of the package and its dependencies."""
    sys.path[:0] = [str(CORE), str(HERE)]
    if not stub:
        return
    module: Any = types.ModuleType("blake3")
    module.blake3 = _Stub
    package = types.ModuleType("cellgraph")  # its own `__init__` may import more
    package.__path__ = [str(CORE / "cellgraph")]
    sys.modules |= {"blake3": module, "cellgraph": package}


def blocks(text: str) -> dict[str, str]:
    """Split a table of cells into names and sources."""
    found = (block.partition("\n") for block in text.split("\n== ")[1:])
    return {name: source.rstrip() + "\n" for name, _, source in found}


def run(source: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run cells as a kernel does and return the namespace."""
    for cell in source.split("# %%\n"):
        name = f"<ipython-input-{next(_numbers)}-0>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec", dont_inherit=True), namespace)
    return namespace


def value(group: str, source: str) -> object:
    """The value of one entry of the table. Raises ImportError if its library is not there."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    if group != "std":
        for library in ("numpy", group):
            namespace[_ALIASES[library]] = importlib.import_module(library)
    try:
        compiled = compile(source, "golden", "eval", dont_inherit=True)
    except SyntaxError:
        return run(source, namespace)["v"]
    return eval(compiled, namespace)


def digests() -> dict[str, dict[str, str]]:
    """Digests by name, in hexadecimal; those of absent libraries are left out."""
    tables: Any = importlib.import_module("values"), importlib.import_module("functions")
    code: Any = importlib.import_module("cellgraph.identity.code")
    values: Any = importlib.import_module("cellgraph.identity.values")
    digest: Any = importlib.import_module("cellgraph.digest").digest
    named: dict[str, str] = {}
    for name, source in blocks(tables[0].VALUES).items():
        try:
            made = value(name.partition(":")[0], source)
        except ImportError:
            continue
        named[name] = digest(values.reference(made)).hex()
    coded: dict[str, str] = {}
    for name, source in blocks(tables[1].FUNCTIONS).items():
        found = code.code_identity(
            run(source, {"__name__": "__main__", "Task": Task})["f"], name="f"
        )
        by_text = all(child.kind != "bytecode" for child in found.tree.children)
        coded[name] = found.digest.hex() if by_text else "source not found"
    return {"values": named, "functions": coded}


def main() -> None:
    """Print the digests; with ``--write``, keep them too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stub", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    prepare(stub=options.stub)
    found = digests()
    if options.write:
        kept: dict[str, Any] = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
        kept["stub" if options.stub else "blake3"] = found
        DIGESTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
