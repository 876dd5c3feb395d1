"""Installed distributions, by the version that counts."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

# One cell per file of an installed distribution of version 1.0.0 in the folder `old`.
_INSTALL: Final = """%%writefile old/site-packages/engine_of_table/__init__.py
BUILD = 'one'
def run(x): return x, BUILD
# %%
%%writefile old/site-packages/engine_of_table-1.0.0.dist-info/METADATA
Name: engine_of_table
Version: 1.0.0
# %%
%%writefile old/site-packages/engine_of_table-1.0.0.dist-info/RECORD
engine_of_table/__init__.py,,
# %%
import os, sys
sys.path.insert(0, os.path.abspath('old/site-packages'))
import engine_of_table
# %%
"""

PACKAGES: Final[list[Scenario]] = scenarios(
    r"""
== E10 miss | an installed package of another version
; says package engine-of-table 1.0
INSTALL
@task
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site
BUILD = 'one' ==> BUILD = 'two'
1.0.0 ==> 1.0.1

== E11 hit | an installed package of the same version in another place
INSTALL
@task
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site

== E12 hit | the local part of a version
INSTALL
@task
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site
1.0.0 ==> 1.0.0+cpu

== E13 hit | a package that the task does not name has another version
INSTALL
@task
def f(x): tick(); return x
>>> f(1)
-->
old/site ==> new/site
1.0.0 ==> 2.0.0

== E14 hit | packages="minor" leaves out the last part of a version
; only cellgraph
INSTALL
@task(packages='minor')
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site
1.0.0 ==> 1.0.9

== E15 miss | packages="minor" keeps the second part
; only cellgraph
; says package engine-of-table 1.0
INSTALL
@task(packages='minor')
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site
BUILD = 'one' ==> BUILD = 'two'
1.0.0 ==> 1.1.0

== E16 hit | packages="none" leaves versions out
; only cellgraph
INSTALL
@task(packages='none')
def f(x): tick(); return engine_of_table.run(x)
>>> f(1)
-->
old/site ==> new/site
1.0.0 ==> 2.0.0

== E17 miss | a package that a helper names has another version
; says package engine-of-table 1.0
INSTALL
def helper(x): return engine_of_table.run(x)
# %%
@task
def f(x): tick(); return helper(x)
>>> f(1)
-->
old/site ==> new/site
BUILD = 'one' ==> BUILD = 'two'
1.0.0 ==> 1.0.1
""".replace("INSTALL\n", _INSTALL)
)
