"""Edits of classes, objects, tasks and imports, each of which must be seen and named."""

import pytest
from tests.core.test_code_cells import Edit, edits, identity

from cellgraph.identity.tree import difference

EDITS = edits(
    r"""
== function in a dict
S = {'a': lambda x: x}
def f(x): return S['a'](x)
-->
S = {'a': lambda x: -x}
def f(x): return S['a'](x)
>>> lambda ['a'] line 1

== function attribute
def g(x): return g.k
g.k = 1
def f(x):
    return g(x)
-->
def g(x): return g.k
g.k = 2
def f(x):
    return g(x)
>>> helper g() > attribute k 1 -> 2

== method
class C:
    def m(self): return 1
def f(x): return C().m()
-->
class C:
    def m(self): return 2
def f(x): return C().m()
>>> method C.m() line 1

== class attribute
class C:
    k = 1
def f(x): return C.k
-->
class C:
    k = 2
def f(x): return C.k
>>> class C > attribute k 1 -> 2

== base class
class B:
    def m(self): return 1
class C(B): pass
def f(x): return C().m()
-->
class B:
    def m(self): return 2
class C(B): pass
def f(x): return C().m()
>>> method B.m() line 1

== property
class C:
    @property
    def m(self): return 1
def f(x): return C().m
-->
class C:
    @property
    def m(self): return 2
def f(x): return C().m
>>> method C.m() line 1

== static to class method
class C:
    @staticmethod
    def m(a=1): return a
def f(x): return C.m()
-->
class C:
    @classmethod
    def m(a=1): return a
def f(x): return C.m()
>>> class C > attribute m kind staticmethod -> classmethod

== metaclass
class M(type):
    def m(c): return 1
class C(metaclass=M): pass
def f(x): return C.m()
-->
class M(type):
    def m(c): return 2
class C(metaclass=M): pass
def f(x): return C.m()
>>> method M.m() line 1

== instance
class C: pass
c = C()
c.k = 1
def f(x): return c.k
-->
class C: pass
c = C()
c.k = 2
def f(x): return c.k
>>> object c > .k 1 -> 2

== dataclass default
from dataclasses import dataclass
@dataclass
class C:
    k: int = 1
def f(x): return C()
-->
from dataclasses import dataclass
@dataclass
class C:
    k: int = 2
def f(x): return C()
>>> class C > attribute k 1 -> 2

== dataclass frozen
from dataclasses import dataclass
@dataclass
class C:
    k: int
def f(x): return C(1)
-->
from dataclasses import dataclass
@dataclass(frozen=True)
class C:
    k: int
def f(x): return C(1)
>>> class C >

== dataclass order of fields
from dataclasses import dataclass
@dataclass
class C:
    a: int
    b: int
def f(x): return C(1, 2)
-->
from dataclasses import dataclass
@dataclass
class C:
    b: int
    a: int
def f(x): return C(1, 2)
>>> class C > annotations

== enum
import enum
class C(enum.Enum):
    A = 1
def f(x): return C.A
-->
import enum
class C(enum.Enum):
    A = 2
def f(x): return C.A
>>> class C > attribute A 1 -> 2

== namedtuple
import collections
C = collections.namedtuple('C', 'a b')
def f(x): return C(1, 2)
-->
import collections
C = collections.namedtuple('C', 'b a')
def f(x): return C(1, 2)
>>> class C > fields

== generic function
import functools
@functools.singledispatch
def g(x): return x
@g.register
def _(x: int): return 1
def f(x):
    return g(x)
-->
import functools
@functools.singledispatch
def g(x): return x
@g.register
def _(x: int): return 2
def f(x):
    return g(x)
>>> helper _() line 1

== recursion
def a(n): return n and b(n - 1)
def b(n): return n and a(n - 1)
def f(x): return a(x)
-->
def a(n): return n and b(n - 1)
def b(n): return n and a(n - 2)
def f(x): return a(x)
>>> helper b() line 1

== helper becomes defined
def f(x):
    return g(x)
-->
def g(x):
    return x + 1
def f(x):
    return g(x)
>>> global g not defined -> helper g()

== builtin shadowed
def f(x): return sum(x)
-->
def sum(x): return 0
def f(x): return sum(x)
>>> global sum

== other module
import math as m
def f(x): return m.sqrt(x)
-->
import cmath as m
def f(x): return m.sqrt(x)
>>> global m math -> cmath

== other function of a module
from math import sin as s
def f(x): return s(x)
-->
from math import cos as s
def f(x): return s(x)
>>> global s math.sin -> math.cos

== docstring that is read
def f(x):
    'a'
    return f.__doc__
-->
def f(x):
    'b'
    return f.__doc__
>>> f() line

== options of a task
g = Task(lambda x: x, 'g', 1)
def f(x): return g(x)
-->
g = Task(lambda x: x, 'g', 2)
def f(x): return g(x)
>>> global g

== name of a task
g = Task(lambda x: x, 'g')
def f(x): return g(x)
-->
g = Task(lambda x: x, 'h')
def f(x): return g(x)
>>> global g g -> h

== func of a task
g = Task(lambda x: x, 'g')
def f(x): return g.func(x)
-->
g = Task(lambda x: -x, 'g')
def f(x): return g.func(x)
>>> lambda g.func line 1

== func of a task out of sight
T = [Task(lambda x: x, 'g')]
def f(x): return T[0].func(x)
-->
T = [Task(lambda x: -x, 'g')]
def f(x): return T[0].func(x)
>>> lambda [0].func line 1

== captured module function
def m():
    import math as k
    return lambda x: k.sin(x)
f = m()
-->
def m():
    import cmath as k
    return lambda x: k.sin(x)
f = m()
>>> captured k math -> cmath

== type variable
import typing
T = typing.TypeVar('T')
def f(x): return T
-->
import typing
T = typing.TypeVar('U')
def f(x): return T
>>> global T
== class docstring that is read
class C:
    'a'
def f(x): return C.__doc__
-->
class C:
    'b'
def f(x): return C.__doc__
>>> class C changed

== positions of a class pattern
class C:
    __match_args__ = ('a',)
def f(x): return C
-->
class C:
    __match_args__ = ('b',)
def f(x): return C
>>> class C > attribute __match_args__ ('a',) -> ('b',)

== base class inside a function
class B:
    k = 1
def f(x):
    class C(B): pass
    return C.k
-->
class B:
    k = 2
def f(x):
    class C(B): pass
    return C.k
>>> class B > attribute k 1 -> 2

== method put on an instance
class C: pass
c = C()
c.m = lambda: 3
def f(x): return c.m()
-->
class C: pass
c = C()
c.m = lambda: 4
def f(x): return c.m()
>>> lambda .m line 1

== factory of a defaultdict
import collections
d = collections.defaultdict(lambda: 1)
def f(x): return d[x]
-->
import collections
d = collections.defaultdict(lambda: 2)
def f(x): return d[x]
>>> global d
"""
)


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: e.id)
def test_the_difference_is_seen_and_named(edit: Edit) -> None:
    before, after = identity(edit.before), identity(edit.after)
    assert before.digest != after.digest
    change = difference(before.tree, after.tree)
    assert change is not None
    assert change.summary.startswith(edit.decides)


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: e.id)
def test_edit_and_revert_is_the_first_identity(edit: Edit) -> None:
    first = identity(edit.before)
    identity(edit.after)
    assert identity(edit.before).digest == first.digest
