"""Modules of the user's project: edited, reloaded, patched."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

MODULES: Final[list[Scenario]] = scenarios(
    r"""
== N01 miss | a function of a module
; says helper h() line 2
%%writefile hlp.py
K = 1
def h(x):
    return x + K
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
x + K ==> x - K

== N02 miss | a constant of a module
; says K 1 -> 2
%%writefile hlp.py
K = 1
def h(x): return x + K
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
K = 1 ==> K = 2

== N03 hit | what the task does not use of a module
%%writefile hlp.py
def h(x): return x + 1
def other(x): return x
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
def other(x): ==> def other(x, y=1):

== N04 miss | from module import name
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N05 miss | from module import name as another
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
from hlp import h as clean
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N06 miss | from module import *
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
from hlp import *
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N07 miss | an import inside the task
; says hlp
%%writefile hlp.py
def h(x): return x + 1
# %%
@task
def f(x):
    tick()
    from hlp import h
    return h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N08 miss | a module of a package, by a relative import
; says helper deep() line 1
%%writefile pk/__init__.py
# %%
%%writefile pk/low.py
def deep(x): return x + 1
# %%
%%writefile pk/high.py
from .low import deep
def h(x): return deep(x)
# %%
import pk.high
@task
def f(x): tick(); return pk.high.h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N09 miss | a module under another name
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp as H
@task
def f(x): tick(); return H.h(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N10 miss | getattr with a literal name
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return getattr(hlp, 'h')(x)
>>> f(1)
-->
x + 1 ==> x + 2

== N11 live miss | a module is reloaded
; says helper h() line 1
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200
# %%
import importlib
importlib.reload(hlp)
>>> f(1)

== N12 live hit | a module is edited and not reloaded
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200
>>> f(1)

== N13 live hit | a name imported from a module that was reloaded: the old one still runs
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200
# %%
import importlib
importlib.reload(hlp)
>>> f(1)

== N14 live miss | a patched function of a module
; says helper h()
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
hlp.h = lambda x: x + 300
>>> f(1)

== N15 live miss | a patched constant of a module
; says K 1 -> 5
%%writefile hlp.py
K = 1
def h(x): return x + K
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
hlp.K = 5
>>> f(1)

== N16 live hit | patched, and put back
%%writefile hlp.py
K = 1
def h(x): return x + K
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
hlp.K = 5
evaluate(f(1))
# %%
hlp.K = 1
>>> f(1)

== N17 ipython miss | autoreload brings in an edit
; says helper h() line 1
%load_ext autoreload
# %%
%autoreload 2
# %%
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200  # longer
# %%
f
>>> f(1)

== N18 ipython miss | autoreload updates a name imported from a module
; says helper h() line 1
%load_ext autoreload
# %%
%autoreload 2
# %%
%%writefile hlp.py
def h(x): return x + 1
# %%
from hlp import h
@task
def f(x): tick(); return h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200  # longer
# %%
f
>>> f(1)

== N19 ipython hit | autoreload meets an error: the old code still runs
%load_ext autoreload
# %%
%autoreload 2
# %%
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200 +  # unfinished
# %%
f
>>> f(1)

== N20 live miss | edited before it was first looked at, then loaded
; says helper h()
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
# %%
%%writefile hlp.py
def h(x): return x + 200
# %%
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
import importlib
importlib.reload(hlp)
>>> f(1)

== N21 miss | text that was written after the import is not believed
; says helper h()
%%writefile hlp.py
def h(x): return x + 1
# %%
import hlp
# %%
%%writefile hlp.py
def h(x): return x + 200
# %%
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
-->
%%writefile hlp.py
def h(x): return x + 200
# %%
import hlp
@task
def f(x): tick(); return hlp.h(x)
>>> f(1)
"""
)
