"""Modules of the user's project, imported in every way."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

IMPORTS: Final[list[Scenario]] = scenarios(
    r"""
== C22 miss | an imported class
; says method A.m() line 1
%%writefile hlp.py
class A:
    def m(self): return 1
# %%
from hlp import A
@task
def f(x): tick(); return A().m()
>>> f(1)
-->
return 1 ==> return 2

== C23 miss | a helper of an imported helper
; says helper low() line 1
%%writefile hlp.py
def low(x): return x + 1
def h(x): return low(x)
# %%
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C24 live miss | a task of a module whose text was edited after import is not filed under the text
; says helper h()
%%writefile flow.py
def h(x): return x + 1
# %%
import flow
# %%
%%writefile flow.py
def h(x): return x + 2
# %%
f = task(lambda x: (tick(), flow.h(x))[1])
>>> f(1)
-->
import importlib
importlib.reload(flow)
>>> f(1)

== C25 miss | a module that an imported module uses
; says helper low() line 1
%%writefile low.py
def low(x): return x + 1
# %%
%%writefile hlp.py
import low
def h(x): return low.low(x)
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N22 miss | a module passed to a helper counts as a whole
; says helper other() line 1
%%writefile hlp.py
def h(x): return other(x)
def other(x): return x
# %%
import hlp
def use(m, x): return m.h(x)
@task
def f(x): tick(); return use(hlp, x)
>>> f(1)
-->
def other(x): return x ==> def other(x): return -x

== N23 miss | a module reached by import_module
; says hlp
%%writefile hlp.py
def h(x): return x + 1
# %%
import importlib
@task
def f(x): tick(); return importlib.import_module('hlp').h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N24 two error | a module chosen at run time is refused
; says import_module(...) of a name
@task
def f(x): tick(); return x
>>> f('json')
-->
import importlib
@task
def f(x): tick(); return importlib.import_module(x).__name__
>>> f('json')

== N25 two error | a name looked up in globals() is refused, with the remedies
; says uses=[...]
@task
def f(x): tick(); return x
>>> f('a')
-->
def clean(x): return x
@task
def f(x): tick(); return globals()['clean'](x)
>>> f('a')

== N26 two error | eval is refused
; says eval(...) in f() line 1
@task
def f(x): tick(); return x
>>> f('1 + 1')
-->
return x ==> return eval(x)

== N27 miss | a module's star import from another one
; says helper low() line 1
%%writefile low.py
def low(x): return x + 1
# %%
%%writefile hlp.py
from low import *
def h(x): return low(x)
# %%
from hlp import *
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N28 miss | a module that computes its constants as it is loaded
; says TABLE
%%writefile hlp.py
TABLE = {n: n * 2 for n in range(5)}
def h(x): return TABLE[x]
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(3)
-->
n * 2 ==> n * 3

== N29 hit | comments and docstrings of a module
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
'''A module.'''
# with a comment
def h(x):
    '''Add one.'''
    return x + 1  # one
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)

== N31 miss | a helper moves from the notebook into a module, changed
; says helper h()
def h(x): return x + 1
# %%
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 7
# %%
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)

== N32 hit | a helper moves from the notebook into a module, unchanged
def h(x): return x + 1
# %%
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 1
# %%
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)

== N33 miss | a package's __getattr__
; says global hlp.rate 2 -> 5
%%writefile hlp.py
def __getattr__(name):
    if name == 'rate': return 2
    raise AttributeError(name)
# %%
import hlp
@task
def f(x): tick(); return x * hlp.rate
>>> f(3)
-->
return 2 ==> return 5
"""
)
