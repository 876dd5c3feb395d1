"""Plain arguments: which of them are the same."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

ARGUMENTS: Final[list[Scenario]] = scenarios(
    r"""
== A01 both hit | the same numbers and texts
@task
def f(*x): tick(); return repr(x)
>>> f(1, 2.5, 'ä', b'\xff', None, True, ...)
-->
...
>>> f(1, 2.5, 'ä', b'\xff', None, True, ...)

== A02 both miss | another number
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(1)
-->
f(1) ==> f(2)

== A03 both miss | True instead of 1
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(1)
-->
f(1) ==> f(True)

== A04 both miss | 1.0 instead of 1
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(1)
-->
f(1) ==> f(1.0)

== A05 both miss | minus zero
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(0.0)
-->
f(0.0) ==> f(-0.0)

== A06 both hit | not a number, by another computation
@task
def f(x): tick(); return repr(x)
>>> f(float('nan'))
-->
float('nan') ==> float('inf') - float('inf')

== A07 both miss | a dict in another order
; says args > x
@task
def f(x): tick(); return list(x)
>>> f({'a': 1, 'b': 2})
-->
{'a': 1, 'b': 2} ==> {'b': 2, 'a': 1}

== A08 both hit | a set in another order
@task
def f(x): tick(); return sorted(x)
>>> f({'alpha', 'beta', 'gamma', 'delta'})
-->
{'alpha', 'beta', 'gamma', 'delta'} ==> {'delta', 'gamma', 'beta', 'alpha'}

== A09 both hit | sets inside lists and dicts
@task
def f(x): tick(); return sorted(x['k'][0])
>>> f({'k': [{'alpha', 'beta', 'gamma'}, frozenset('xyz')]})
-->
{'alpha', 'beta', 'gamma'} ==> {'gamma', 'beta', 'alpha'}

== A10 both miss | a tuple instead of a list
; says args > x
@task
def f(x): tick(); return type(x).__name__
>>> f([1, 2])
-->
[1, 2] ==> (1, 2)

== A11 both miss | bytes instead of a text
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f('a')
-->
f('a') ==> f(b'a')

== A12 both miss | lists that are cut in other places
; says args > x
@task
def f(x): tick(); return len(x[0])
>>> f([[1, 2], [3]])
-->
[[1, 2], [3]] ==> [[1], [2, 3]]

== A13 both hit | equal texts that are one object, and two
@task
def f(x): tick(); return ','.join(x)
>>> f(['ab' * 3, 'ab' * 3])
-->
['ab' * 3, 'ab' * 3] ==> [('ab' * 3)] * 2

== A14 both hit | one list twice, and two equal lists
row = [1, 2]
@task
def f(x): tick(); return sum(map(sum, x))
>>> f([row, row])
-->
[row, row] ==> [[1, 2], [1, int('2')]]

== A17 both miss | texts joined in another place
; says args > a, b changed
; explains args >
@task
def f(a, b): tick(); return f'{a}-{b}'
>>> f('ab', 'c')
-->
'ab', 'c' ==> 'a', 'bc'

== A18 both hit | positional or by keyword
@task
def f(a, b=2, *, c=3): tick(); return (a, b, c)
>>> f(1, 2, c=3)
-->
f(1, 2, c=3) ==> f(b=2, a=1)

== A19 both hit | keywords in another order, for named parameters
@task
def f(*, a, b): tick(); return (a, b)
>>> f(a=1, b=2)
-->
a=1, b=2 ==> b=2, a=1

== A20 both miss | more positional arguments
; says args >
@task
def f(*x): tick(); return len(x)
>>> f(1, 2)
-->
f(1, 2) ==> f(1, 2, 2)

== A21 both miss | a default given another value
; says args > b
@task
def f(a, b=2): tick(); return a + b
>>> f(1)
-->
f(1) ==> f(1, 3)

== A24 both miss | None instead of nothing
; says args >
@task
def f(a, b=0): tick(); return repr(b)
>>> f(1)
-->
f(1) ==> f(1, None)

== A25 both miss | the empty text instead of None
; says args > a
@task
def f(a): tick(); return repr(a)
>>> f('')
-->
f('') ==> f(None)

== A27 both miss | one element of ten thousand
; says args > x
@task
def f(x): tick(); return sum(x)
>>> f(list(range(10_000)))
-->
list(range(10_000)) ==> [*range(9_999), 0]

== A28 both miss | a key of a dict has another type
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f({1: 'a'})
-->
{1: 'a'} ==> {'1': 'a'}

== A29 both miss | a part nested a hundred deep
; says args > x
def nest(x):
    for _ in range(100): x = [x]
    return x
@task
def f(x): tick(); return repr(x)
>>> f(nest(1))
-->
nest(1) ==> nest(2)
"""
)
