"""The same code has the same identity in every process, under every hash seed, on every Python."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
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


# Syntax that is parsed differently, or compiled differently, by different Pythons.
DELICATE = r"""
== f-strings
def f(x, y):
    return f'a{x}b' 'c' f'{y!r:>{x}}{{}}' + f'{x=}' + f'{x:}' + f'{x:%Y-%m}' + f''
== nested f-strings
def f(x):
    return f'{f"{x}"}' + f"{'a' 'b'}" + rf'\d{x}\n'
== comprehensions
K = 1
def f(x):
    return [[z for z in y if z] for y in x], {K: v for v in x}
== class inside
K = 1
def f(x):
    class C:
        a = K
        def m(self): return K
    return C
== match
def f(x):
    match x:
        case {'a': [1, *_], **r} if r: return r
        case 1 | None: return x.y
        case str(): pass
== try
def f(x):
    try: return x
    except* ValueError as e: raise e from None
    finally: pass
== walrus and lambdas
def f(x): return (y := x) + (lambda *a, k=1, **z: (a, z))(y)[0][0]
== constants
def f(x): return 1j, -1.5, 1e999, ..., b'\xff', '\ud800', 10**40, {1, 2}, (1, (2,))
== annotations
import typing as t
def f(x: t.Optional[int], *a: list[str], **k: 'dict[str,int]') -> t.Any: ...
== async
async def f(x):
    async with x as y:
        return [i async for i in y if await i]
== standard names
import pathlib, io, collections, datetime
from pathlib import Path
from io import open as o
from collections.abc import Mapping
from datetime import datetime as d
from heapq import heappop
from os.path import join
from functools import partial, reduce
from random import choice
def f(x): return Path, o, Mapping, d, heappop, join, partial, reduce, choice, pathlib.Path
== dataclass
from dataclasses import dataclass, field
@dataclass(frozen=True, slots=True, order=True)
class C:
    a: int = 1
    b: list = field(default_factory=list, compare=False)
    def m(self): return self.a
c = C()
def f(x): return C, c
== enums
import enum
class E(enum.Enum):
    A = 1
    B = enum.auto()
    def m(self): return 1
class F(enum.Flag):
    A = 1
    B = 2
class S(enum.StrEnum):
    A = enum.auto()
K = F.A | F.B
def f(x): return E.A, K, S.A
== typing
import typing as t
class P(t.Protocol):
    def m(self) -> int: ...
@t.runtime_checkable
class Q(t.Protocol):
    a: int
class N(t.NamedTuple):
    a: int = 1
    def m(self): return 1
class D(t.TypedDict, total=False):
    a: int
T = t.TypeVar('T')
class G(t.Generic[T]):
    a: T
V = t.NewType('V', int)
A = dict[str, T]
def f(x): return P, Q, N, D, G[int], V, A
== abstract
import abc
class B(abc.ABC):
    @property
    @abc.abstractmethod
    def m(self): 'doc'
    @classmethod
    def c(cls): return __class__
class C(B):
    m = 1
def f(x): return C
== generic function
import functools
@functools.singledispatch
def g(x): return 1
@g.register
def _(x: int): return 2
class C:
    @functools.cached_property
    def p(self): return 1
    @functools.singledispatchmethod
    def s(self, x): return 1
def f(x): return g(x), C
== wrappers
import functools, contextlib
@contextlib.contextmanager
def g(): yield 1
@functools.lru_cache(maxsize=None)
def h(x): return x
p = functools.partial(h, 1)
def f(x): return g, h, p
== values
import datetime, decimal, pathlib, re, uuid
V = [1, 2.5, 'a', b'b', None, True, 1j, (1,), {'a': {1, 2}}, frozenset('ab'), 2 ** 80,
     datetime.date(2026, 1, 2), decimal.Decimal('1.5'), range(3), slice(1, 2)]
R = re.compile('a+', re.I)
def f(x): return V, R
== doc
def g(x):
    '''a
        b'''
def f(x): return g.__doc__
"""


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
