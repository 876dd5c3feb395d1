"""Cells that are sent to another interpreter, and what ``f(2)`` is there.

Under each name first a line ``-> value`` (``...`` stands for any text), then cells (``# %%`` begins
another one). A cell that begins with ``# file NAME`` is the text of a module.
"""

from typing import Final

CASES: Final = r"""
== helpers and globals
-> 7
K = {'by': 3}
def h(x): return x * K['by']
def f(x, more=1): return h(x) + more
== an import in the same cell as the call
-> (2.0, 'a/b')
import math, os.path
try:
    import posixpath as paths
except ImportError:
    paths = os.path
def f(x): return math.sqrt(2 * x), paths.join("a", "b")
== recursion
-> 2
def f(x): return 1 if x < 1 else x * f(x - 1)
== two that call each other
-> True
def even(x): return x == 0 or odd(x - 1)
def odd(x): return x != 0 and even(x - 1)
def f(x): return even(x)
== captured values
-> 42
def make(k):
    def f(x): return x * k
    return f
f = make(21)
== a shared cell
-> 2
def make():
    n = 0
    def up():
        nonlocal n
        n += 1
    def read(): return n
    return up, read
up, read = make()
def f(x):
    up()
    up()
    return read()
== defaults
-> (2, [1, 2], (3,))
D = [1, 2]
def f(x, y=D, *, z=(3,)): return x, y, z
== decorated
-> (2, 2)
import functools
def twice(g):
    @functools.wraps(g)
    def inner(*a): return g(*a), g(*a)
    return inner
@twice
def f(x): return x
== lambdas on one line
-> (2, -2)
f, g = (lambda x: (x, g(x))), (lambda x: -x)
== partial
-> 8
import functools
def g(a, b): return a - b
p = functools.partial(g, 10)
def f(x): return p(x)
== cached
-> 55
import functools
@functools.lru_cache(maxsize=8)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def f(x): return fib(x + 8)
== generic function
-> ('int', 'any')
import functools
@functools.singledispatch
def g(x): return 'any'
@g.register
def _(x: int): return 'int'
def f(x): return g(x), g('')
== context manager
-> 3
import contextlib
@contextlib.contextmanager
def c(x):
    yield x + 1
def f(x):
    with c(x) as y: return y
== async
-> 3
import asyncio
async def g(x):
    await asyncio.sleep(0)
    return x + 1
async def f(x): return await g(x)
== class with super
-> 2
class A:
    def m(self): return 1
class B(A):
    def m(self): return super().m() + 1
def f(x): return B().m()
== dataclass
-> (P(a=2, b=[2]), True)
from dataclasses import dataclass, field, replace
@dataclass(order=True)
class P:
    a: int
    b: list = field(default_factory=list)
    def up(self): return replace(self, a=self.a + 1)
ONE = P(1, [2])
def f(x): return ONE.up(), P(1) < P(2)
== enum
-> (True, 'A')
import enum
class E(enum.Enum):
    A = 1
    B = 2
def f(x): return E(x) is E.B, E.A.name
== private slots
-> 2
class C:
    __slots__ = ('a', '__b')
    def __init__(self, b): self.a, self.__b = 1, b
    def m(self): return self.__b
def f(x): return C(x).m()
== numpy
-> 6.0
import numpy as np
W = np.arange(3.0)
def f(x): return float((W * x).sum())
== pandas
-> (['y'], 'int64')
import pandas as pd
T = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})
def f(x): return T[T.a == x].b.tolist(), T.dtypes.astype(str).tolist()[0]
== sets
-> (True, 4)
S = {'a', 'b', 'c', ('d', 1)}
def g(): return S
def f(x): return g() is S, len(S)
== a task stays lazy
-> 'Call'
@task
def clean(x): return x + 1
def f(x): return type(clean(x)).__name__
== a task's function
-> 3
@task
def clean(x): return x + 1
def f(x): return clean.func(x)
== a task that returns itself
-> ...f(1)...
@task
def f(x): return f(x - 1) if x else 0
== traceback
-> ...# here...
# a comment

def f(x):
    y = x
    raise ValueError(y)  # here
== module
-> (10, 'proj.deep')
# file proj/__init__.py
# %%
# file proj/deep.py
import proj.more
def g(x): return proj.more.h(x)
# %%
# file proj/more.py
K = 5
def h(x): return x * K
# %%
# file unrelated.py
import gone
# %%
from proj.deep import g
def f(x): return g(x), g.__module__
== module, imported inside
-> 4
# file late.py
V = 4
# %%
def f(x):
    import late
    return late.V
== module as a value
-> 5
# file held.py
def g(x): return x + 3
# %%
import held
def f(x): return held.g(x)
== a lambda of a module
-> 14
# file kit.py
BY = 7
STEPS = [lambda x: x * BY]
# %%
import kit
s = kit.STEPS[0]
def f(x): return s(x)
== a module's state
-> (18, {'a': 1, 'b': 2})
# file state.py
BY = 1
TABLE = dict(a=1)
def g(x): return x * BY, TABLE
# %%
import state
state.BY = 9
state.TABLE['b'] = 2
def f(x): return state.g(x)
== relative imports
-> 1
# file rel/__init__.py
from .one import g
# %%
# file rel/one.py
from . import two
def g(x): return two.h(x)
# %%
# file rel/two.py
def h(x): return x - 1
# %%
import rel
def f(x): return rel.g(x)
== a file and a folder
-> ('a,b\n1,2\n', ['x.txt', 'y.txt'], 'y', 'data/in.csv')
# file data/in.csv
a,b
1,2
# %%
# file data/parts/x.txt
x
# %%
# file data/parts/y.txt
y# %%
from cellgraph import Dir, File
F, D = File("data/in.csv"), Dir("data/parts")
def f(x): return F.read_text(), [p.name for p in D], (D / "y.txt").read_text(), F.name
== a secret
-> 'read there, <secret env:SHIP_TOKEN>'
from cellgraph import Secret
S = Secret("env:SHIP_TOKEN")
def f(x): return f"{S.value()}, {S!r}"
"""
