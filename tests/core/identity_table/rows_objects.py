"""Instances, enums, times, functions and classes as arguments and as results."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

OBJECTS: Final[list[Scenario]] = scenarios(
    r"""
== A30 both miss | closures of one factory as arguments
; says args > how
def make(by): return lambda x: x + by
@task
def f(how, x): tick(); return how(x)
>>> f(make(1), 1)
-->
make(1), 1 ==> make(10), 1

== A31 both hit | equal functions as arguments
@task
def f(how, x): tick(); return how(x)
>>> f(lambda x: x + 1, 1)
-->
lambda x: x + 1 ==> lambda x: (x + 1)

== A32 both miss | a helper of a function that is an argument
; says args > how
def low(x): return x + 1
# %%
def clean(x): return low(x)
# %%
@task
def f(how, x): tick(); return how(x)
>>> f(clean, 1)
-->
x + 1 ==> x + 2

== A33 both miss | a partial with another argument
; says args > how
import functools
def power(base, exp): return base ** exp
@task
def f(how, x): tick(); return how(x)
>>> f(functools.partial(power, exp=2), 3)
-->
exp=2 ==> exp=3

== O01 both hit | an equal dataclass
from dataclasses import dataclass
@dataclass
class P:
    x: int
    name: str
@task
def f(p): tick(); return p.x, p.name
>>> f(P(1, 'ab' * 2))
-->
'ab' * 2 ==> 'abab'

== O02 both miss | one field of a dataclass
; says args > p
from dataclasses import dataclass
@dataclass
class P:
    x: int
    tags: tuple = ()
@task
def f(p): tick(); return p.tags
>>> f(P(1, ('a',)))
-->
('a',) ==> ('b',)

== O03 both miss | an instance of another class with equal fields
; says args > p
from dataclasses import dataclass
@dataclass
class P:
    x: int
@dataclass
class Q:
    x: int
@task
def f(p): tick(); return type(p).__name__
>>> f(P(1))
-->
f(P(1)) ==> f(Q(1))

== O04 both miss | a method of an argument's class
; says args > p
class P:
    def __init__(self, x): self.x = x
    def double(self): return self.x * 2
# %%
@task
def f(p): tick(); return p.double()
>>> f(P(1))
-->
self.x * 2 ==> self.x * 20

== O05 both miss | a member of an enum
; says args > c
import enum
class Colour(enum.Enum):
    RED = 1
    GREEN = 2
@task
def f(c): tick(); return c.name
>>> f(Colour.RED)
-->
f(Colour.RED) ==> f(Colour.GREEN)

== O06 both miss | flags
; says args > c
import enum
class Mode(enum.Flag):
    R = 1
    W = 2
@task
def f(c): tick(); return c.value
>>> f(Mode.R)
-->
f(Mode.R) ==> f(Mode.R | Mode.W)

== O07 both miss | a time with a zone, without one
; says args > t
import datetime as dt
@task
def f(t): tick(); return t.isoformat()
>>> f(dt.datetime(2026, 1, 1))
-->
dt.datetime(2026, 1, 1) ==> dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)

== O08 both miss | the same moment in another zone
; says args > t
import datetime as dt
from zoneinfo import ZoneInfo
@task
def f(t): tick(); return t.hour
>>> f(dt.datetime(2026, 1, 1, 12, tzinfo=ZoneInfo('UTC')))
-->
12, tzinfo=ZoneInfo('UTC') ==> 13, tzinfo=ZoneInfo('Europe/Berlin')

== O09 both miss | the second of two equal hours when clocks are set back
; says args > t
import datetime as dt
from zoneinfo import ZoneInfo
@task
def f(t): tick(); return t.utcoffset().total_seconds()
>>> f(dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo('Europe/Berlin')))
-->
2, 30, tzinfo ==> 2, 30, fold=1, tzinfo

== O10 both hit | equal pydantic models
from pydantic import BaseModel
class P(BaseModel):
    x: int
    y: list[int] = []
@task
def f(p): tick(); return p.x, p.y
>>> f(P(x=1))
-->
f(P(x=1)) ==> f(P(x='1'))

== O11 both miss | a field of a pydantic model
; says args > p
from pydantic import BaseModel
class P(BaseModel):
    x: int
@task
def f(p): tick(); return p.x
>>> f(P(x=1))
-->
f(P(x=1)) ==> f(P(x=2))

== O12 both miss | a field of an attrs class with slots
; says args > p
import attrs
@attrs.define
class P:
    x: int
@task
def f(p): tick(); return p.x
>>> f(P(1))
-->
f(P(1)) ==> f(P(2))

== O13 both miss | a class as an argument
; says args > cls
class A:
    by = 1
class B:
    by = 2
@task
def f(cls): tick(); return cls.by
>>> f(A)
-->
f(A) ==> f(B)

== O14 both miss | an attribute of a class that is an argument
; says args > cls
class A:
    by = 1
# %%
@task
def f(cls): tick(); return cls.by
>>> f(A)
-->
by = 1 ==> by = 2

== O15 both hit | dataclasses that hold equal texts, and one text twice
from dataclasses import dataclass
@dataclass(frozen=True)
class P:
    a: str
    b: str
@task
def f(p): tick(); return p.a + p.b
>>> f(P('xy' * 2, 'xy' * 2))
-->
f(P('xy' * 2, 'xy' * 2)) ==> f(P(*['xyxy'] * 2))

== O16 both hit | an instance as a result
class P:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
@task
def f(x): tick(); return P(x)
>>> f(1)
-->
...
>>> f(1)

== O17 both hit | an object with a set of texts
class P:
    def __init__(self, tags): self.tags = tags
@task
def f(p): tick(); return sorted(p.tags)
>>> f(P({'alpha', 'beta', 'gamma'}))
-->
{'alpha', 'beta', 'gamma'} ==> {'gamma', 'beta', 'alpha'}

== O18 both hit | two objects that refer to each other
class Node:
    def __init__(self, name): self.name, self.other = name, None
a, b = Node('a'), Node('b')
a.other, b.other = b, a
@task
def f(n): tick(); return n.other.other.name
>>> f(a)
-->
...
>>> f(a)

== O19 both miss | state that __getstate__ names
; says args > p
class P:
    def __init__(self, x): self.x, self.cache = x, object()
    def __getstate__(self): return {'x': self.x}
    def __setstate__(self, state): self.x, self.cache = state['x'], None
@task
def f(p): tick(); return p.x
>>> f(P(1))
-->
f(P(1)) ==> f(P(2))

== O20 both hit | state that __getstate__ leaves out
class P:
    def __init__(self, x): self.x, self.cache = x, object()
    def __getstate__(self): return {'x': self.x}
    def __setstate__(self, state): self.x, self.cache = state['x'], None
@task
def f(p): tick(); return p.x
>>> f(P(1))
-->
...
>>> f(P(1))

== O21 both miss | a bound method as an argument
; says args > how
class P:
    def __init__(self, by): self.by = by
    def add(self, x): return x + self.by
@task
def f(how, x): tick(); return how(x)
>>> f(P(1).add, 1)
-->
P(1).add ==> P(2).add

== O22 both miss | a name tuple of another type with equal parts
; says args > p
from collections import namedtuple
P = namedtuple('P', 'a b')
Q = namedtuple('Q', 'a b')
@task
def f(p): tick(); return type(p).__name__
>>> f(P(1, 2))
-->
f(P(1, 2)) ==> f(Q(1, 2))

== O23 both miss | a pattern with another flag
; says args > p
import re
@task
def f(p): tick(); return p.findall('aA')
>>> f(re.compile('a'))
-->
re.compile('a') ==> re.compile('a', re.I)

== O24 both miss | an exception as an argument
; says args > e
@task
def f(e): tick(); return str(e)
>>> f(ValueError('a'))
-->
'a' ==> 'b'

== O25 both miss | a subclass of int with an equal number
; says args > x
class Metres(int): pass
@task
def f(x): tick(); return type(x).__name__
>>> f(3)
-->
f(3) ==> f(Metres(3))

== N39 miss | a class of a stored result has another method now
; says method P.show() line 1
class P:
    def __init__(self, x): self.x = x
    def show(self): return f'one {self.x}'
    __repr__ = show
# %%
@task
def f(x): tick(); return P(x)
>>> f(1)
-->
'one ==> 'two

== N40 hit | a stored instance is bound to the class of now
class P:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
# %%
@task
def f(x): tick(); return P(x)
>>> [f(1), isinstance(evaluate(f(1)), P)]
-->
...
class P:
    'The same class, defined once more.'
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
>>> [f(1), isinstance(evaluate(f(1)), P)]

== N41 miss | a pinned task's stored class is gone
; says class
; only cellgraph
class P:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
# %%
@task(version='1')
def f(x): tick(); return P(x)
>>> f(1)
-->
class Q:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'Q({self.x})'
# %%
@task(version='1')
def f(x): tick(); return Q(x)
>>> f(1)

== N42 miss | a pinned task's stored class has changed
; says class P
; only cellgraph
class P:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
# %%
@task(version='1')
def f(x): tick(); return P(x)
>>> f(1)
-->
class P:
    def __init__(self, x): self.y = x
    def __repr__(self): return f'new P({self.y})'
# %%
@task(version='1')
def f(x): tick(); return P(x)
>>> f(1)
"""
)
