"""Edits of expressions, and of helpers that libraries and decorators wrap."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

WRAPPED: Final[list[Scenario]] = scenarios(
    r"""
== C49 both miss | the order of two operations
; says f() line 3
@task
def f(x):
    tick()
    x += 1
    x *= 2
    return x
>>> f(1)
-->
...
@task
def f(x):
    tick()
    x *= 2
    x += 1
    return x
>>> f(1)

== C50 both miss | an exception that a helper handles
; says helper parse() line 3
def parse(x):
    try: return int(x)
    except ValueError: return -1
# %%
@task
def f(x): tick(); return parse(x)
>>> f('a')
-->
return -1 ==> return -2

== C51 both miss | a number in a nested constant
; says f() line 2
@task
def f(x):
    tick(); return x in (1, (2, 3), frozenset({4}))
>>> f(5)
-->
{4} ==> {5}

== C52 both miss | minus zero
; says f() line 2
@task
def f(x):
    tick(); return repr(x * 0.0)
>>> f(1.0)
-->
* 0.0 ==> * -0.0

== C53 both miss | a match statement
; says f() line 4
@task
def f(x):
    tick()
    match x:
        case {'kind': 'a'}: return 1
        case _: return 2
>>> f({'kind': 'b'})
-->
'kind': 'a' ==> 'kind': 'b'

== C54 both miss | a comprehension over a global
; says global KEEP
KEEP = {'a', 'b'}
# %%
@task
def f(x): tick(); return [y for y in x if y in KEEP]
>>> f(['a', 'c'])
-->
{'a', 'b'} ==> {'a', 'b', 'c'}

== C55 both miss | a global that only an inner lambda reads
; says global K 1 -> 2
K = 1
# %%
@task
def f(x): tick(); return list(map(lambda y: y * K, x))
>>> f([3])
-->
K = 1 ==> K = 2

== C56 both miss | an operator from the standard library is replaced by another
; says global op
from operator import add as op
# %%
@task
def f(x): tick(); return op(x, 3)
>>> f(2)
-->
import add ==> import mul

== C57 both miss | a toolz pipeline with another step
; says global
from toolz import compose
def one(x): return x + 1
def ten(x): return x * 10
# %%
both = compose(one, ten)
# %%
@task
def f(x): tick(); return both(x)
>>> f(2)
-->
compose(one, ten) ==> compose(ten, one)

== C58 both miss | an argument of a decorator that keeps state in a class
; says .by 1 -> 10
class Plus:
    def __init__(self, by): self.by = by
    def __call__(self, func):
        self.func = func
        return lambda x: self.func(x) + self.by
# %%
@task
@Plus(1)
def f(x): tick(); return x
>>> f(1)
-->
@Plus(1) ==> @Plus(10)

== C59 both miss | a task made of a lambda
; says line 1
f = task(lambda x: (tick(), x + 1)[1])
>>> f(1)
-->
x + 1 ==> x + 2

== C60 both miss | a context manager
; says helper scaled() line 2
import contextlib
@contextlib.contextmanager
def scaled(x):
    yield x * 2
# %%
@task
def f(x):
    tick()
    with scaled(x) as y: return y
>>> f(1)
-->
yield x * 2 ==> yield x * 3

== C61 both miss | a curried helper
; says helper add() line 2
import toolz
@toolz.curry
def add(x, y):
    return x + y
# %%
@task
def f(x): tick(); return add(x)(5)
>>> f(1)
-->
x + y ==> x - y

== C62 both miss | a vectorised helper
; says helper add() line 2
import numpy as np
@np.vectorize
def add(x):
    return x + 1
# %%
@task
def f(x): tick(); return int(add(x))
>>> f(1)
-->
x + 1 ==> x + 2

== C63 both miss | how a memoised helper tells its results apart
; says global kind cache False -> True
import functools
@functools.lru_cache(typed=False)
def kind(x): return type(x).__name__
# %%
@task
def f(x): tick(); kind(1); return kind(x)
>>> f(1.0)
-->
typed=False ==> typed=True

== C71 both miss | the task has another name
; says first run
def body(x): tick(); return x
# %%
f = task(body)
>>> f(1)
-->
...
def other(x): tick(); return x
f = task(other)
>>> f(1)
"""
)
