"""Names and values that change between building an expression and running it, or while it runs."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

LATE: Final[list[Scenario]] = scenarios(
    r"""
== N30 live miss | a global is changed after the call was built
; lazy
; says global K 1 -> 5
K = 1
@task
def f(x): tick(); return x + K
>>> f(1)
-->
call = f(1)
K = 5
>>> call

== L01 live miss | a helper is redefined after the call was built
; lazy
; says helper clean() line 1
def clean(x): return x + 1
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
call = f(1)
def clean(x): return x + 2
>>> call

== L02 live miss | the task is redefined after the call was built: the present one runs
; lazy
; says f() line 1
; notes present definition
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
call = f(1)
@task
def f(x): tick(); return x + 100
>>> call

== L03 live hit | the task is redefined, unchanged, after the call was built
; lazy
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
call = f(1)
@task
def f(x):
    tick(); return x + 1  # the same
>>> call

== L04 live miss | an argument is changed after the call was built
; lazy
; says args > x
x = [1, 2]
@task
def f(x): tick(); return sum(x)
>>> f(x)
-->
call = f(x)
x.append(3)
>>> call

== L05 live hit | an argument that is changed in place by the task
x = [1, 2]
@task
def f(x): tick(); x.append(3); return x
>>> f(x)
-->
y = x
>>> f(y)

== L06 live hit | the caller changes a returned list: the store does not know
@task
def f(n): tick(); return list(range(n))
>>> f(3)
-->
got = evaluate(f(3))
got.append('changed by the caller')
>>> f(3)

== L07 live hit | the caller changes a returned array
import numpy as np
@task
def f(n): tick(); return np.arange(n)
>>> f(3)
-->
got = evaluate(f(3))
got[0] = 99
>>> f(3)

== L08 live hit | the caller changes a returned frame
import pandas as pd
@task
def f(n): tick(); return pd.DataFrame({'a': range(n)})
>>> f(3)
-->
got = evaluate(f(3))
got.loc[0, 'a'] = 99
got['b'] = 1
>>> f(3)

== L09 live hit | the caller changes an object within a returned list
@task
def f(n): tick(); return [{'n': n}, [n]]
>>> f(3)
-->
got = evaluate(f(3))
got[0]['n'] = 99
got[1].clear()
>>> f(3)

== L10 live miss 1 | a changed result handed on is another argument
; says args > x
@task
def make(n): tick(); return list(range(n))
@task
def total(x): tick(); return sum(x)
>>> total(make(3))
-->
got = evaluate(make(3))
got.append(100)
>>> total(got)

== L11 both hit | two consumers of one value, both changing it
@task
def make(n): tick(); return list(range(n))
@task
def first(x): tick(); x.append('first'); return x
@task
def second(x): tick(); x.append('second'); return x
>>> [first(make(2)), second(make(2))]
-->
...
>>> [first(make(2)), second(make(2))]

== L12 live miss | a list that is a global is changed in place
; says global columns
columns = ['a']
@task
def f(x): tick(); return '/'.join(columns)
>>> f(1)
-->
columns.append('b')
>>> f(1)

== L13 live miss | an array that is a global is changed in place
; says global weights
import numpy as np
weights = np.array([1.0, 2.0])
@task
def f(x): tick(); return float(weights.sum() * x)
>>> f(1)
-->
weights[0] = 7
>>> f(1)

== L14 live miss | a frame that is a global gets a column
; says global prices
import pandas as pd
prices = pd.DataFrame({'a': [1]})
@task
def f(x): tick(); return list(prices)
>>> f(1)
-->
prices['b'] = 2
>>> f(1)

== L15 live miss 1 | a task that changes a global: its result is not kept under a false key
; says
; notes has changed while it ran
; truth done['n']
done = {'n': 0}
@task
def bump(x):
    tick(); done['n'] += 1; return done['n']
>>> bump(1)
-->
done['n'] = 0
>>> bump(1)

== L16 live miss | a default that the caller changes
; says default seen
seen = []
@task
def f(x, seen=seen): tick(); return len(seen)
>>> f(1)
-->
seen.append(1)
>>> f(1)

== L17 live miss | a captured list that grows
; says captured
def make():
    seen = []
    @task
    def f(x): tick(); return len(seen)
    return f, seen
f, seen = make()
>>> f(1)
-->
seen.append(1)
>>> f(1)

== L18 live miss | a name is deleted and bound to another helper
; says
def clean(x): return x + 1
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
del clean
clean = abs
>>> f(-4)

== L19 live hit | a name that is deleted after the call was built
; lazy
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
call = f(1)
del f
>>> call

== L20 live miss | a variable of a loop that a lambda captures late
; says
steps = []
for k in (1, 2): steps.append(lambda x: x + k)
@task
def f(x): tick(); return [step(x) for step in steps]
>>> f(1)
-->
k = 50
>>> f(1)

== L21 live miss | a class attribute changes after the call was built
; lazy
; says class A > attribute by 1 -> 2
class A:
    by = 1
@task
def f(x): tick(); return x + A.by
>>> f(1)
-->
call = f(1)
A.by = 2
>>> call

== L22 live miss | a contextual variable read through a helper object
; says
class Config:
    rate = 1
cfg = Config()
@task
def f(x): tick(); return x * cfg.rate
>>> f(2)
-->
cfg.rate = 4
>>> f(2)

== L23 live miss | a monkeypatched function of the standard library
; lazy
; says luma
import colorsys
@task
def f(x): tick(); return colorsys.rgb_to_yiq(x, x, x)[0]
>>> f(4)
-->
def luma(r, g, b): return ['patched']
colorsys.rgb_to_yiq = luma
call = f(4)
>>> call

== L24 live hit | pieces of a container that was returned lazily, changed after evaluating
; lazy
@task
def f(n): tick(); return {'rows': [n]}
>>> f(1)
-->
lazy = f(1)
first = evaluate(lazy)
first['rows'].append(2)
>>> lazy

== L25 live miss | a class of an installed module that is replaced by the user's
; says Own.fill
import textwrap
class Own:
    def fill(self, x): return x
textwrap.Own = Own
@task
def f(x): tick(); return textwrap.Own().fill(x)
>>> f(4)
-->
class Own:
    def fill(self, x): return -x
textwrap.Own = Own
>>> f(4)
"""
)
