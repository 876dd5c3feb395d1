"""What a task says about itself: which of it counts."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

OPTIONS: Final[list[Scenario]] = scenarios(
    r"""
== P01 both hit | a version stands for the code
; truth 2
@task(version='1')
def f(x): tick(); return x + 1
>>> f(1)
-->
x + 1 ==> x + 5

== P02 both miss | another version
; says version
@task(version='1')
def f(x): tick(); return x + 1
>>> f(1)
-->
version='1' ==> version='2'
x + 1 ==> x + 2

== P03 both hit | an argument that is left out
@task(ignore=['verbose'])
def f(x, verbose=False): tick(); return x
>>> f(1)
-->
f(1) ==> f(1, verbose=True)

== P04 both miss | another argument beside the one that is left out
; says args > x
@task(ignore=['verbose'])
def f(x, verbose=False): tick(); return x
>>> f(1, verbose=True)
-->
f(1, verbose=True) ==> f(2, verbose=True)

== P05 both miss | a value that says how fresh the data is
; says fresh
; only cellgraph
stamp = {'at': 1}
@task(fresh=lambda: stamp['at'])
def f(x): tick(); return x
>>> f(1)
-->
...
stamp['at'] = 2
>>> f(1)

== P06 both hit | the data is as fresh as before
; only cellgraph
stamp = {'at': 1}
@task(fresh=lambda: stamp['at'])
def f(x): tick(); return x
>>> f(1)
-->
...
stamp['at'] = 1
>>> f(1)

== P07 both miss | a result that has expired
; says expired
; only cellgraph
import time
@task(expires_after_s=0.05)
def f(x): tick(); return x
>>> f(1)
-->
...
time.sleep(0.1)
>>> f(1)

== P08 both hit | a result that has not expired
; only cellgraph
@task(expires_after_s=3600)
def f(x): tick(); return x
>>> f(1)
-->
...
>>> f(1)

== P09 both miss 1 | a child that has expired, whose parent has not
; says expired
; only cellgraph
import time
@task(expires_after_s=0.05)
def child(x): tick(); return x
@task
def f(x): tick(); return child(x)
>>> f(1)
-->
...
time.sleep(0.1)
>>> f(1)

== P10 both hit | retries, timeouts, tags, limits
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
@task ==> @task(retries=2, timeout_s=60, tags={'team': 'a'}, limits={'db': 1})

== P11 both hit | the executor
; only cellgraph
; truth 1
@task
def f(x): tick(); return x
>>> f(1)
-->
@task ==> @task(executor='process')

== P12 both hit | resources
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
@task ==> @task(vcpus=0.5, memory_gib=0.1)

== P13 both miss | cache=False runs each time
; says
; explains cache=False
; only cellgraph
@task(cache=False)
def f(x): tick(); return x
>>> f(1)
-->
...
>>> f(1)

== P14 both miss 1 | a call that is not cached this time
; says
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
f(1) ==> f.options(cache=False)(1)

== P15 both miss | uses= joins a helper that is reached by name
; says helper clean() line 1
; only cellgraph
def clean(x): return x + 1
# %%
@task(uses=[clean])
def f(x): tick(); return globals()['clean'](x)
>>> f(1)
-->
def clean(x): return x + 1 ==> def clean(x): return x + 2
uses=[clean] ==> uses=[clean,]

== P16 both hit | options at the call that do not count
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
f(1) ==> f.options(retries=1, timeout_s=30)(1)

== P17 both miss | the number of values that come out
; says
; only cellgraph
@task(nout=2)
def f(x): tick(); return x, x
>>> f(1)
-->
@task(nout=2) ==> @task

== P18 both miss | an invalidated task
; says invalidated
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
...
session().invalidate(f)
>>> f(1)

== P19 both miss 1 | one invalidated call of two
; says invalidated
; only cellgraph
@task
def f(x): tick(); return x
>>> [f(1), f(2)]
-->
...
session().invalidate(f(1))
>>> [f(1), f(2)]

== P20 both hit 1 | an invalidated child that gives the same value again
; only cellgraph
@task
def child(x): tick(); return x
@task
def f(x): tick(); return x * 2
>>> f(child(1))
-->
...
session().invalidate(child)
>>> f(child(1))

== P21 both hit | a change that was accepted
; only cellgraph
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
...
@task
def f(x): tick(); return 1 + x
session().accept(f)
>>> f(1)

== P22 two error | a change that gives other values is not accepted
; says accept
; only cellgraph
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
@task
def f(x): tick(); return x + 2
session().accept(f)
>>> f(1)

== P23 both miss | an acceptance that was taken back
; says f() line 1
; only cellgraph
@task
def f(x): tick(); return x + 1
>>> f(1)
-->
...
@task
def f(x): tick(); return 1 + x
session().accept(f)
session().accept(f, revoke=True)
>>> f(1)

== P24 both hit | the value behind a secret
; only cellgraph
; truth 'ok'
import os
os.environ['TOKEN_OF_TABLE'] = 'first-token-0001'
@task
def f(secret): tick(); return 'ok' if secret.value else ''
>>> f(cg.Secret('env:TOKEN_OF_TABLE'))
-->
...
os.environ['TOKEN_OF_TABLE'] = 'second-token-0002'
>>> f(cg.Secret('env:TOKEN_OF_TABLE'))

== P25 both miss | another secret
; says args > secret
; only cellgraph
import os
os.environ['TOKEN_OF_TABLE'] = os.environ['OTHER_OF_TABLE'] = 'first-token-0001'
@task
def f(secret): tick(); return secret.reference
>>> f(cg.Secret('env:TOKEN_OF_TABLE'))
-->
cg.Secret('env:TOKEN_OF_TABLE') ==> cg.Secret('env:OTHER_OF_TABLE')

== P26 two error | an argument that looks like a credential
; says Secret
; only cellgraph
@task
def f(x): tick(); return 1
>>> f('plain')
-->
f('plain') ==> f('AK' + 'IAQX7Z2MNB4PLK5TRE')

== P27 two error | an option that does not exist
; says retries
; only cellgraph
@task
def f(x): tick(); return 1
>>> f(1)
-->
@task ==> @task(retrys=2)

== P28 both miss | a context that the task reads
; says
; only cellgraph
@task
def f(x, by=cg.get_context('by')): tick(); return x + by
>>> f.options(context={'by': 1})(1)
-->
{'by': 1} ==> {'by': 2}

== P29 both hit | a plain function and a task of it
; only cellgraph
def body(x): tick(); return x
f = task(body)
>>> f(1)
-->
...
f = task(retries=1)(body)
>>> f(1)

== P30 both miss | the name that is said
; says first run
@task(name='one')
def f(x): tick(); return x
>>> f(1)
-->
name='one' ==> name='two'
"""
)
