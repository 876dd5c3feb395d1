"""The same code has the same identity in every process, under every hash seed, on every Python."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.golden.functions import FUNCTIONS as DELICATE
from tests.core.test_code_cells import HARMLESS, Edit, identity
from tests.core.test_code_edits import EDITS as FUNCTIONS
from tests.core.test_code_edits_objects import EDITS as OBJECTS

import cellgraph.identity

ALL: list[Edit] = [*HARMLESS, *FUNCTIONS, *OBJECTS]
CORE = Path(cellgraph.identity.__path__[0]).parents[1]

# Runs on any interpreter: nothing but the standard library, and no test runner. The digest is
# replaced by one that every Python has, so digests are compared between interpreters only.
SCRIPT = f"""
import hashlib, itertools, json, linecache, sys, types

class blake3:
    AUTO = 0
    def __init__(self, data=b"", max_threads=1): self.h = hashlib.blake2b(data, digest_size=32)
    def update(self, data, max_threads=1): self.h.update(data)
    def digest(self): return self.h.digest()

if "--stub" in sys.argv:
    module = types.ModuleType("blake3")
    module.blake3 = blake3
    sys.modules["blake3"] = module
    package = types.ModuleType("cellgraph")  # its own __init__ may import more
    package.__path__ = [{str(CORE / "cellgraph")!r}]
    sys.modules["cellgraph"] = package
sys.path.insert(0, {str(CORE)!r})
from cellgraph.identity.code import code_identity

class Task:
    _cellgraph_task_ = True
    def __init__(self, func, name, *options):
        self.func, self.name, self.options = func, name, options
    def __call__(self): pass
    def identity_options(self): return self.options

numbers = itertools.count()
found = {{}}
for key, source in json.load(sys.stdin).items():
    namespace = {{"__name__": "__main__", "Task": Task}}
    for cell in source.split("# %%\\n"):
        name = "<ipython-input-%d-0>" % next(numbers)
        linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
        exec(compile(cell, name, "exec", dont_inherit=True), namespace)
    identity = code_identity(namespace["f"], name="f")
    kinds = {{c.kind for c in identity.tree.children}}
    found[key] = "bytecode" if "bytecode" in kinds else identity.digest.hex()
json.dump(found, sys.stdout)
"""


def digests(python: str, sources: dict[str, str], *, seed: str, stub: bool) -> dict[str, str]:
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        env.pop(name, None)
    done = subprocess.run(
        [python, "-c", SCRIPT, *(["--stub"] if stub else [])],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def sources(edits: list[Edit]) -> dict[str, str]:
    return {
        f"{e.id} {side}": s for e in edits for side, s in (("before", e.before), ("after", e.after))
    }


def test_other_processes_and_hash_seeds_agree() -> None:
    wanted = sources(ALL)
    here = {key: identity(source).digest.hex() for key, source in wanted.items()}
    for seed in ("0", "4711"):
        assert digests(sys.executable, wanted, seed=seed, stub=False) == here


@pytest.mark.slow
def test_pythons_from_3_11_on_agree() -> None:
    pythons = other_pythons()
    if not pythons:
        print(
            "compared with itself only: no other Python of 3.11 or later was found on this machine"
        )
    blocks = [block.partition("\n") for block in DELICATE.split("\n== ")[1:]]
    wanted = {**sources(ALL), **{name: source for name, _, source in blocks}}
    here = digests(sys.executable, wanted, seed="1", stub=True)
    assert all(len(digest) == 64 for digest in here.values()), "every source must be found"
    for python in pythons:
        there = digests(python, wanted, seed="2", stub=True)
        assert {k: v for k, v in there.items() if here[k] != v} == {}, python


def other_pythons() -> list[str]:
    """Interpreters of other versions from 3.11 on: on the path, or kept by pyenv."""
    names = [f"python3.{minor}" for minor in range(11, 15)]
    found = [path for name in names if (path := shutil.which(name))]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found += [str(path) for name in names for path in versions.glob(f"3.*/bin/{name}")]
    said = {path: _version(path) for path in found}
    usable = {version: path for path, version in said.items() if (3, 11) <= version < (3, 14)}
    usable.pop(sys.version_info[:2], None)
    return list(usable.values())


def _version(python: str) -> tuple[int, ...]:
    script = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run(
        [python, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    return tuple(int(part) for part in done.stdout.split()) if done.returncode == 0 else (0, 0)
