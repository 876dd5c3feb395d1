"""Edits of helpers of every kind: wrapped, awaited, recursive, rebound; and of global values."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

HELPERS: Final[list[Scenario]] = scenarios(
    r"""
== C27 both miss | a helper behind lru_cache
; says helper slow() line 1
import functools
@functools.lru_cache
def slow(x): return x + 1
# %%
@task
def f(x): tick(); return slow(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C28 both miss | what comes before the first inner function of an async task
; says f() line 3
@task
async def f(x):
    tick()
    base = 1
    def add(y): return base + y
    return add(x)
>>> f(1)
-->
base = 1 ==> base = 100

== C29 both miss | a helper that a coroutine awaits
; says helper fetch() line 2
async def fetch(x):
    return x + 1
# %%
@task
async def f(x): tick(); return await fetch(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C30 both miss | one of two helpers that call each other
; says helper odd() line 2
def even(n): return 'even' if n == 0 else odd(n - 1)
# %%
def odd(n):
    return 'odd' if n == 0 else even(n - 1)
# %%
@task
def f(n): tick(); return even(n)
>>> f(7)
-->
'odd' ==> 'ODD'

== C31 both miss | a function that calls itself
; says helper count() line 1
def count(n): return 0 if n == 0 else 1 + count(n - 1)
# %%
@task
def f(n): tick(); return count(n)
>>> f(3)
-->
1 + count ==> 2 + count

== C32 both miss | a name is bound to another helper
; says global clean
def one(x): return x + 1
def two(x): return x + 2
# %%
clean = one
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
clean = one ==> clean = two

== C33 both miss | a helper takes the name of a builtin
; says global sum
@task
def f(x): tick(); return sum(x)
>>> f([1, 2])
-->
...
def sum(x): return 'mine'
>>> f([1, 2])

== C34 both miss | a helper that was missing when the task was defined
; says helper late() line 1
@task
def f(x): tick(); return late(x)
# %%
def late(x): return x + 1
>>> f(1)
-->
x + 1 ==> x + 5

== C36 both miss | a generator that feeds the task
; says helper numbers() line 2
def numbers(n):
    yield from range(n)
# %%
@task
def f(n): tick(); return sum(numbers(n))
>>> f(4)
-->
range(n) ==> range(n + 1)

== C37 both miss | an attribute of a helper
; says attribute unit 'm' -> 'km'
def label(x): return f'{x} {label.unit}'
# %%
label.unit = 'm'
# %%
@task
def f(x): tick(); return label(x)
>>> f(1)
-->
label.unit = 'm' ==> label.unit = 'km'

== C38 both miss | a list that is a global
; says global columns
columns = ['a', 'b']
# %%
@task
def f(x): tick(); return '/'.join(columns)
>>> f(1)
-->
['a', 'b'] ==> ['a', 'c']

== C39 both miss | the order of a dict that is a global
; says global columns
columns = {'a': 1, 'b': 2}
# %%
@task
def f(x): tick(); return list(columns)
>>> f(1)
-->
{'a': 1, 'b': 2} ==> {'b': 2, 'a': 1}

== C40 both miss | an array that is a global
; says global weights
import numpy as np
weights = np.array([1.0, 2.0])
# %%
@task
def f(x): tick(); return float((weights * x).sum())
>>> f(2.0)
-->
[1.0, 2.0] ==> [1.0, 2.5]

== C41 both miss | a frame that is a global
; says global prices
import pandas as pd
prices = pd.DataFrame({'price': [1, 2]})
# %%
@task
def f(x): tick(); return int(prices['price'].sum() * x)
>>> f(2)
-->
[1, 2] ==> [1, 3]

== C42 both miss | a regular expression
; says global WORD
import re
WORD = re.compile('a+')
# %%
@task
def f(x): tick(); return WORD.findall(x)
>>> f('aAa')
-->
'a+' ==> 'a+', re.I

== C43 both miss | a chain of attributes of a configuration
; says global cfg
import types
cfg = types.SimpleNamespace(model=types.SimpleNamespace(depth=3))
# %%
@task
def f(x): tick(); return x * cfg.model.depth
>>> f(2)
-->
depth=3 ==> depth=4

== C44 both miss | a format of a text
; says f() line 2
@task
def f(x):
    tick(); return f'{x:.1f}'
>>> f(2.345)
-->
.1f ==> .2f

== C45 both miss | an annotation that the code reads
; says annotations
def convert(x: int): return convert.__annotations__['x'](x)
# %%
@task
def f(x): tick(); return convert(x)
>>> f('2')
-->
x: int ==> x: float

== C46 both miss | a docstring that the code reads
; says helper note()
def note():
    'first'
# %%
@task
def f(x): tick(); return note.__doc__
>>> f(1)
-->
'first' ==> 'second'

== C47 both miss | a default that is a helper
; says line 1
def clean(x): return x + 1
# %%
@task
def f(x, how=clean): tick(); return how(x)
>>> f(1)
-->
...
def clean(x): return x + 2
# %%
@task
def f(x, how=clean): tick(); return how(x)
>>> f(1)

== C48 both miss | a default that is shared and has grown
; says default seen
seen = []
@task
def f(x, seen=seen): tick(); return len(seen)
>>> f(1)
-->
...
seen.append('one')
>>> f(1)
"""
)
