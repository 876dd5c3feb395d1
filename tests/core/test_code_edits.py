"""Edits of functions, their helpers and constants, each of which must be seen and named."""

import pytest
from tests.core.test_code_cells import Edit, edits, identity

from cellgraph.identity.tree import difference

EDITS = edits(
    r"""
== body
def f(x):
    return x
-->
def f(x):
    return x + 1
>>> f() line 2

== type of a constant
def f(x): return 7
-->
def f(x): return '7'
>>> f() line 1

== bool for int
def f(x): return 1
-->
def f(x): return True
>>> f() line 1

== int for float
def f(x): return 1
-->
def f(x): return 1.0
>>> f() line 1

== minus zero
def f(x): return 0.0
-->
def f(x): return -0.0
>>> f() line 1

== digits moved
def f(x): return x * 1 + 23
-->
def f(x): return x * 12 + 3
>>> f() line 1

== f-string
def f(x): return f'{x}a'
-->
def f(x): return f'{x!r}a'
>>> f() line 1

== parameter
def f(x): return 1
-->
def f(y): return 1
>>> f() line 1

== async
def f(x): return 1
-->
async def f(x): return 1
>>> f() line 1

== nested def
def f(x):
    def g(): return 1
    return g()
-->
def f(x):
    def g(): return 2
    return g()
>>> f() line 2

== decorator inside
def d(g): return g
def f(x):
    @d
    def g(): return 1
    return g()
-->
def d(g): return g
def f(x):
    def g(): return 1
    return g()
>>> f() line 2

== helper
def g(x):
    return x + 1
def f(x):
    return g(x)
-->
def g(x):
    return x + 2
def f(x):
    return g(x)
>>> helper g() line 2

== helper of a helper
def h(x): return x
def g(x): return h(x)
def f(x):
    return g(x)
-->
def h(x): return -x
def g(x): return h(x)
def f(x):
    return g(x)
>>> helper h() line 1

== constant
K = 31
def f(x): return x + K
-->
K = 32
def f(x): return x + K
>>> global K 31 -> 32

== constant of a helper
K = 1
def g(x): return K
def f(x):
    return g(x)
-->
K = 2
def g(x): return K
def f(x):
    return g(x)
>>> helper g() > global K 1 -> 2

== order of a dict
D = {'a': 1, 'b': 2}
def f(x): return list(D)
-->
D = {'b': 2, 'a': 1}
def f(x): return list(D)
>>> global D {'a': 1, 'b': 2} -> {'b': 2, 'a': 1}

== default
def f(x, n=3): return n
-->
def f(x, n=4): return n
>>> default n 3 -> 4

== keyword default
def f(x, *, n=3): return n
-->
def f(x, *, n=4): return n
>>> default n 3 -> 4

== annotation
def f(x: int): return x
-->
def f(x: str): return x
>>> annotations

== captured
def m(k):
    def f(x): return x + k
    return f
f = m(1)
-->
def m(k):
    def f(x): return x + k
    return f
f = m(2)
>>> captured k 1 -> 2

== captured by a lambda
f = (lambda k: lambda x: x + k)(1)
-->
f = (lambda k: lambda x: x + k)(2)
>>> captured k 1 -> 2

== one of two lambdas
f, g = lambda x: x + 1, lambda x: x + 2
-->
g, f = lambda x: x + 1, lambda x: x + 2
>>> f() line 1

== wrapper's argument
def by(n):
    def d(g):
        def w(x): return g(x) * n
        return w
    return d
@by(2)
def f(x): return x
-->
def by(n):
    def d(g):
        def w(x): return g(x) * n
        return w
    return d
@by(3)
def f(x): return x
>>> captured n 2 -> 3

== wrapped function
import functools as t
def d(g):
    @t.wraps(g)
    def w(x): return g(x)
    return w
@d
def f(x): return x
-->
import functools as t
def d(g):
    @t.wraps(g)
    def w(x): return g(x)
    return w
@d
def f(x): return -x
>>> helper f() line 1

== lru_cache
import functools
@functools.lru_cache(8)
def g(x): return x
def f(x):
    return g(x)
-->
import functools
@functools.lru_cache(8)
def g(x): return -x
def f(x):
    return g(x)
>>> helper g() line 1

== partial
import functools
g = functools.partial(pow, 2)
def f(x):
    return g(x)
-->
import functools
g = functools.partial(pow, 3)
def f(x):
    return g(x)
>>> global g(0) 2 -> 3

== bound method
class C:
    def m(self, x): return self.k
c = C()
c.k = 1
g = c.m
def f(x):
    return g(x)
-->
class C:
    def m(self, x): return self.k
c = C()
c.k = 2
g = c.m
def f(x):
    return g(x)
>>> object g of > .k 1 -> 2

== private name that is another global in each class
_A__K, _B__K = 1, 2
class A:
    def m(self): return __K
class B:
    def m(self): return __K
def f(x): return A().m() + B().m()
-->
_A__K, _B__K = 1, 3
class A:
    def m(self): return __K
class B:
    def m(self): return __K
def f(x): return A().m() + B().m()
>>> method B.m() > global _B__K 2 -> 3

== minus zero as the default of one of two twins
def g(k=0.0): return k
a = g
def g(k=0.0): return k
def f(x): return a() + g()
-->
def g(k=0.0): return k
a = g
def g(k=-0.0): return k
def f(x): return a() + g()
>>> helper g() added

== docstring that is read, of one of two twins
def g(): 'a'
a = g
def g(): 'b'
def f(x): return a.__doc__ + g.__doc__
-->
def g(): 'a'
a = g
def g(): 'c'
def f(x): return a.__doc__ + g.__doc__
>>> helper g()

== docstring that is read and was given later
def g(): 'a'
g.__doc__ = 'b'
def f(x): return g.__doc__
-->
def g(): 'a'
g.__doc__ = 'c'
def f(x): return g.__doc__
>>> helper g()
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
