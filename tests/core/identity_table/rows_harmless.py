"""Edits that change nothing: every one of them must find the result again."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

HARMLESS: Final[list[Scenario]] = scenarios(
    r"""
== H01 both hit | comments, blank lines, layout
def clean(x): return [x, 1]
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
def clean(x):

    # why it is so
    return [
        x,
        1,
    ]
@task
def f(x):
    tick()  # counted
    return clean(x)
>>> f(1)

== H02 both hit | docstrings
def clean(x): return x
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
def clean(x):
    '''Return x.'''
    return x
@task
def f(x):
    '''A task.

    With a long docstring.
    '''
    tick(); return clean(x)
>>> f(1)

== H03 both hit | quotes, number spelling, parentheses
@task
def f(x): tick(); return 'a' + "b", 1000 + 0x10, (x * 2) + 1
>>> f(1)
-->
@task
def f(x): tick(); return ("a" + 'b', 1_000 + 16, x * 2 + 1)
>>> f(1)

== H04 hit | cells in another order
def clean(x): return x + 1
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
@task
def f(x): tick(); return clean(x)
# %%
y = 'another cell'
# %%
def clean(x): return x + 1
>>> f(1)

== H05 hit | all cells in one, all in many
def clean(x): return x + RATE
RATE = 2
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
RATE = 2
# %%
def clean(x): return x + RATE
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)

== H06 both hit | names that the task does not reach
@task
def f(x): tick(); return x
>>> f(1)
-->
...
UNUSED = 7
def helper(x): return UNUSED
class Unused: pass
>>> f(1)

== H07 both hit | an unreached helper is edited
def used(x): return x + 1
# %%
def unused(x): return x + 1
# %%
@task
def f(x): tick(); return used(x)
>>> f(1)
-->
def unused(x): ==> def unused(x, y=5):

== H08 both hit | edited, and edited back
def clean(x): return x + 1
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
...
def clean(x): return x + 2
evaluate(f(1))
# %%
def clean(x): return x + 1
>>> f(1)

== H09 both hit | an attribute with the name of a global
size = 1
# %%
@task
def f(x): tick(); return x.size
# %%
import numpy as np
>>> f(np.arange(3))
-->
size = 1 ==> size = 2

== H10 both hit | a parameter with the name of a global
x = 1
# %%
@task
def f(x): tick(); return x
>>> f(1)
-->
x = 1 ==> x = 2

== H11 hit | the project lies in another folder
; moved
@task
def f(x): tick(); return x
>>> f(1)
-->
...
>>> f(1)

== H12 hit | the project with its modules lies in another folder
; moved
%%writefile hlp.py
import os
HERE = __name__
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
...
>>> f(1)

== H13 both hit | the order of elements of a global set
KEEP = {'alpha', 'beta', 'gamma'}
# %%
@task
def f(x): tick(); return x in KEEP
>>> f('alpha')
-->
{'alpha', 'beta', 'gamma'} ==> {'gamma', 'beta', 'alpha'}

== H14 both hit | a logger and its level
import logging
log = logging.getLogger('a')
# %%
@task
def f(x): tick(); log.info('f'); return x
>>> f(1)
-->
getLogger('a') ==> getLogger('b')

== H15 both hit | a lock among the globals
import threading
lock = threading.Lock()
@task
def f(x):
    tick()
    with lock: return x
>>> f(1)
-->
...
lock = threading.Lock()
>>> f(1)

== H16 both hit | the order of methods, and their docstrings
class C:
    def a(self): return 1
    def b(self): return 2
@task
def f(x): tick(); return C().b()
>>> f(1)
-->
class C:
    'A class.'
    def b(self):
        'Two.'
        return 2
    def a(self): return 1
@task
def f(x): tick(); return C().b()
>>> f(1)

== H17 both hit | a constant that is computed another way
RATE = 6
# %%
@task
def f(x): tick(); return x * RATE
>>> f(1)
-->
RATE = 6 ==> RATE = 2 * 3

== H18 both hit | a default that is computed another way
@task
def f(x, by=3): tick(); return x + by
>>> f(1)
-->
by=3 ==> by=2 + 1

== H19 both hit | a module that is imported and not used
@task
def f(x): tick(); return x
>>> f(1)
-->
...
import json, math, os
>>> f(1)

== H20 hit | the import moves into another cell
import math
@task
def f(x): tick(); return math.sqrt(x)
>>> f(4)
-->
@task
def f(x): tick(); return math.sqrt(x)
# %%
import math
>>> f(4)

== H21 both hit | the expression is written in another way
@task
def f(x): tick(); return x + 1
>>> [f(1), f(2)]
-->
[f(1), f(2)] ==> [f(i) for i in (1, 2)]

== H22 both hit | a result is used by another expression
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
...
>>> {'a': [f(1) * 2, f(1)], 'b': -f(1)}

== H23 both hit 1 | one call more
@task
def f(x): tick(); return x + 1
>>> [f(1), f(2)]
-->
[f(1), f(2)] ==> [f(1), f(2), f(3)]

== H24 both hit | an f-string that is joined differently
@task
def f(x): tick(); return f'{x} and ' 'more'
>>> f(1)
-->
'{x} and ' 'more' ==> '{x} and more'

== H25 both miss | a set is written in another order: no layout, so it counts
; says f() line 1
@task
def f(x): tick(); return x in {'a', 'b', 'c'}
>>> f('a')
-->
{'a', 'b', 'c'} ==> {'c', 'b', 'a'}

== H26 both hit | a type comment, a noqa
@task
def f(x): tick(); return x
>>> f(1)
-->
def f(x): tick(); return x ==> def f(x): tick(); return x  # type: ignore  # noqa

== H27 both hit | a cell that is run twice
def clean(x): return x + 1
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
...
def clean(x): return x + 1
# %%
def clean(x): return x + 1
>>> f(1)

== H28 both hit | code after a return is unreachable
K = 1
# %%
@task
def f(x):
    tick(); return x
    return K
>>> f(1)
-->
K = 1 ==> K = 2

== H29 ipython hit | a cell run again in IPython
def clean(x): return x + 1
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
# the same, after a look
def clean(x):
    return x + 1
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)

== H30 both hit | other variables of the environment
import os
@task
def f(x): tick(); return x
>>> f(1)
-->
...
os.environ['UNRELATED_TO_IT'] = '1'
>>> f(1)

== H31 both hit | another seed of the generators that the task does not use
import random
random.seed(1)
@task
def f(x): tick(); return x
>>> f(1)
-->
...
random.seed(2); random.random()
>>> f(1)

== H32 both hit | a class is defined again, unchanged
class P:
    def __init__(self, x): self.x = x
@task
def f(p): tick(); return p.x
>>> f(P(1))
-->
...
class P:
    # a comment
    def __init__(self, x): self.x = x
>>> f(P(1))

== H33 both hit | a memoised helper has been called before
import functools
@functools.lru_cache
def slow(x): return x + 1
@task
def f(x): tick(); return slow(x)
>>> f(1)
-->
...
slow(1); slow(2)
>>> f(1)
"""
)
