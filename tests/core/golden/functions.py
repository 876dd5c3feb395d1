"""Forty functions whose digests are the same on every Python from 3.11 on.

Cells (``# %%`` begins another one) that leave the function `f` behind. Mostly syntax and library
classes that are parsed, compiled or put together differently by different Pythons.
"""

from typing import Final

FUNCTIONS: Final = r"""
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
== lambdas that share a line
f, g = (lambda: [lambda x, y=2: 'a', lambda x, y=2: None]), (lambda: 1)
F, K = f, [g, *f(), lambda: 1]
def f(x): return F, K
== helpers that call each other
def g(x): return h(x) if x else 0
def h(x): return g(x - 1)
def f(x): return g(x)
== defaults
def f(x, a=1, /, b='x', *, c=(1, 2.5), d=None): return x, a, b, c, d
== captured values
def make(k, names):
    def inner(x): return x * k, names
    return inner
f = make(3, {'a', 'b', 'c'})
== decorated
import functools
def twice(g):
    @functools.wraps(g)
    def inner(*args): return g(*args), g(*args)
    return inner
@twice
def f(x): return x
== metaclass
class T(type):
    def __call__(cls, *args): return cls.k
class C(metaclass=T):
    k = 1
def f(x): return C(x)
== slots and descriptors
class D:
    def __get__(self, owner, kind): return 1
class C:
    __slots__ = ('a', '__b')
    d = D()
    @staticmethod
    def s(): return 1
    @property
    def p(self): return 2
def f(x): return C
== record
import collections
P = collections.namedtuple('P', 'a b', defaults=[1])
p = P(1)
def f(x): return P, p
== instance of a class of the notebook
class C:
    def __init__(self, k): self.k = k
    def __call__(self, x): return x * self.k
c = C([1, {2, 3}])
def f(x): return c(x)
== functions in containers
STEPS = {'a': [lambda x: x, (len, str.upper)], 'b': {print}}
def f(x): return STEPS['a'][0](x)
== bound methods and partials
import functools, operator
class C:
    k = 1
    def m(self, x): return self.k
    @classmethod
    def c(cls): return cls.k
m, c, p, o = C().m, C.c, functools.partial(C().m, 2), operator.itemgetter(1, 2)
def f(x): return m(x), c(), p(), o(x)
== asynchronous generator
async def g(x):
    for i in range(x):
        yield i
async def f(x): return [i async for i in g(x)]
== names that are not there
def f(x): return missing_helper(x) + MISSING
== imports inside
def f(x):
    import os.path as p
    from collections import OrderedDict as O, Counter
    return p.join, O, Counter
== task
clean = Task(lambda x: x, 'clean', 'version', '1')
def f(x): return clean(x)
== statements of every kind
def f(x, *rest):
    global COUNT
    total: int = 0
    for i, (a, *b) in enumerate(x):
        if 0 < i <= 3 < a: continue
        elif not b: break
        total += a if a else -1
    else:
        del x
    while total: total -= 1
    with open('a') as g, open('b'): pass
    assert total == 0, 'why'
    try: raise ValueError from None
    except (ValueError, KeyError) as e: return [*rest, *b], {**dict(a=1), 'k': e}
    finally: COUNT = total
== operators
def f(a, b): return a @ b, a // b, a ** -b, ~a, a << 2 | b & 3 ^ 1, a is not b, a not in b, not a
== slices and calls
def f(x): return x[1:2, ..., ::3], x[:, None], x.m(*x, k=1, **x).n[-1]
== generators
def g(x):
    y = yield x
    yield from (i for i in y if i)
def f(x): return list(g(x))
== globals of every kind
import re, decimal, datetime, fractions, types, collections
A = {'b': 1, 'a': [None, {'x', 'y'}, (1.5, -0.0)]}
B = [decimal.Decimal('1.10'), datetime.timedelta(1), fractions.Fraction(1, 3)]
C = types.SimpleNamespace(a=1, b=collections.OrderedDict(z=1, y=2))
D = re.compile(r'\d+', re.M)
def f(x): return A, B, C, D
== class with bases and annotations
import typing
class B:
    limit: typing.ClassVar[int] = 3
    names: 'list[str]'
    def m(self): return super().__init__, __class__
class C(B):
    __hash__ = None
    class Inner:
        k = 1
    def __eq__(self, other): return self.Inner.k == other
def f(x): return C() == x
"""
