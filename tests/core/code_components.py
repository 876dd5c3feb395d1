"""Components of the identity of code, each with two notebooks that differ in it alone.

``== KIND LABEL``: the kind of node that has the component, and a pattern of the labels it is under.
"""

import re
from typing import Final

from tests.core.class_components import CLASSES
from tests.core.test_code_cells import Edit, edits

_OTHERS: Final = edits(
    r"""
== root code
def f(x): return 1
-->
def f(x): return 2

== function default:\d+
def f(x=1): return x
-->
def f(x=2): return x

== function default:[a-z]+
def f(*, x=1): return x
-->
def f(*, x=2): return x

== function annotations
def f(x: int): return x
-->
def f(x: str): return x

== function cell:.*
def make(k):
    def g(x): return k
    return g
f = make(1)
-->
def make(k):
    def g(x): return k
    return g
f = make(2)

== function attribute:.*
def f(x): return f.k
f.k = 1
-->
def f(x): return f.k
f.k = 2

== function wrapped
import functools
def g(x): return 1
@functools.wraps(g)
def f(x): return x
-->
import functools
def g(x): return 2
@functools.wraps(g)
def f(x): return x

== function global:.*
K = 1
def f(x): return K
-->
K = 2
def f(x): return K

== function global:.*
def g(x): return 1
def f(x): return g(x)
-->
def g(x): return 2
def f(x): return g(x)

== function global:.*
from math import sin as g
def f(x): return g(x)
-->
from math import cos as g
def f(x): return g(x)

== function global:.*
g = Task(lambda x: x, 'g', 1)
def f(x): return g(x)
-->
g = Task(lambda x: x, 'g', 2)
def f(x): return g(x)

== function global:.*
def f(x): return K
-->
K = 1
def f(x): return K

== container \[\d+\]
K = [lambda: 1]
def f(x): return K
-->
K = [lambda: 2]
def f(x): return K

== container \[\d+\] key
K = {(1, 2): len}
def f(x): return K
-->
K = {(1, 3): len}
def f(x): return K

== instance class
class C: pass
c = C()
def f(x): return c
-->
class C: k = 1
c = C()
def f(x): return c

== instance \.k
class C: pass
c = C()
c.k = 1
def f(x): return c
-->
class C: pass
c = C()
c.k = 2
def f(x): return c

== instance \.value
import enum
class E(enum.Enum):
    A = 1
    B = 2
k = E.A
def f(x): return k
-->
import enum
class E(enum.Enum):
    A = 1
    B = 2
k = E.B
def f(x): return k

== instance state
class C:
    def __init__(self, a): self.a = a
    def __reduce__(self): return C, (self.a,)
c = C(1)
def f(x): return c
-->
class C:
    def __init__(self, a): self.a = a
    def __reduce__(self): return C, (self.a,)
c = C(2)
def f(x): return c

== foreign cell:.*
import contextlib
@contextlib.contextmanager
def g(): yield 1
del g.__wrapped__
def f(x): return g()
-->
import contextlib
@contextlib.contextmanager
def g(): yield 2
del g.__wrapped__
def f(x): return g()

== foreign wrapped
import contextlib
@contextlib.contextmanager
def g(): yield 1
g.__wrapped__ = lambda: 1
def f(x): return g()
-->
import contextlib
@contextlib.contextmanager
def g(): yield 1
g.__wrapped__ = lambda: 2
def f(x): return g()

== foreign registry\[object\]
import functools
@functools.singledispatch
def g(x): return 1
def f(x): return g(x)
-->
import functools
@functools.singledispatch
def g(x): return 2
def f(x): return g(x)

== foreign registry\[A\] for
import functools
@functools.singledispatch
def g(x): return 1
class A: k = 1
g.register(A, len)
def f(x): return g(x)
-->
import functools
@functools.singledispatch
def g(x): return 1
class A: k = 2
g.register(A, len)
def f(x): return g(x)

== wrapper wrapped:.*
import numpy as np
@np.vectorize
def g(x): return 1
def f(x): return g(x)
-->
import numpy as np
@np.vectorize
def g(x): return 2
def f(x): return g(x)

== wrapper \.excluded
import numpy as np
def h(x, y): return 1
g = np.vectorize(h, excluded={'x'})
def f(x): return g(x)
-->
import numpy as np
def h(x, y): return 1
g = np.vectorize(h, excluded={'y'})
def f(x): return g(x)

== wrapper \._partial
import toolz
@toolz.curry
def g(a, b): return 1
def f(x): return g(x)
-->
import toolz
@toolz.curry
def g(a, b): return 2
def f(x): return g(x)

== function global:g\(0\)
import functools
g = functools.partial(pow, 1)
def f(x): return g(x)
-->
import functools
g = functools.partial(pow, 2)
def f(x): return g(x)

== function global:g\(mod\)
import functools
g = functools.partial(pow, mod=1)
def f(x): return g(x)
-->
import functools
g = functools.partial(pow, mod=2)
def f(x): return g(x)

== function global:m of
class C:
    def m(self): return self.k
c = C()
c.k = 1
m = c.m
def f(x): return m()
-->
class C:
    def m(self): return self.k
c = C()
c.k = 2
m = c.m
def f(x): return m()

== function global:g cache
import functools
@functools.lru_cache
def g(x): return 1
def f(x): return g(x)
-->
import functools
@functools.lru_cache(typed=True)
def g(x): return 1
def f(x): return g(x)

== function global:g.func
g = Task(lambda x: 1, 'g')
def f(x): return g.func(x)
-->
g = Task(lambda x: 2, 'g')
def f(x): return g.func(x)
"""
)

COMPONENTS: Final[list[Edit]] = [*_OTHERS, *CLASSES]


def removes(component: Edit, kind: str, label: str) -> bool:
    """Whether the label of a node of *kind* is that of the component."""
    wanted, _, pattern = component.id.partition(" ")
    return kind == wanted and re.fullmatch(pattern, label) is not None
