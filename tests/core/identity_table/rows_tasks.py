"""Tasks that call tasks: what an edit of one of them makes run again."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

TASKS: Final[list[Scenario]] = scenarios(
    r"""
== C35 both miss 1 | a child task is edited: it alone runs
; says child() line 2
@task
def child(x):
    tick(); return x + 1
# %%
@task
def f(x): tick(); return child(x)
>>> f(1)
-->
x + 1 ==> x + 2

== T01 both miss 1 | a parent is edited: its child stays
; says f() line 2
@task
def child(x): tick(); return x + 1
# %%
@task
def f(x):
    tick(); return child(x)
>>> f(1)
-->
return child(x) ==> return [child(x)]

== T02 both miss 1 | an edit upstream that gives the same value stops there
; says clean() line 2
@task
def clean(x):
    tick(); return x + 1
# %%
@task
def fit(x): tick(); return x * 10
>>> fit(clean(1))
-->
x + 1 ==> 1 + x

== T03 both miss 2 | an edit upstream that gives another value goes on
; says clean() line 2
@task
def clean(x):
    tick(); return x + 1
# %%
@task
def fit(x): tick(); return x * 10
>>> fit(clean(1))
-->
x + 1 ==> x + 2

== T04 both miss 1 | one of three branches
; says two() line 2
@task
def one(x): tick(); return x + 1
# %%
@task
def two(x):
    tick(); return x + 2
# %%
@task
def three(x): tick(); return x + 3
>>> [one(1), two(1), three(1)]
-->
x + 2 ==> x + 20

== T05 both miss 1 | a helper of one of two tasks
; says helper low() line 1
def low(x): return x + 1
# %%
@task
def one(x): tick(); return low(x)
# %%
@task
def two(x): tick(); return x
>>> [one(1), two(1)]
-->
x + 1 ==> x + 2

== T06 both miss 1 | a child of a child, four levels deep
; says d() line 2
@task
def d(x):
    tick(); return x + 1
# %%
@task
def c(x): tick(); return d(x)
@task
def b(x): tick(); return c(x)
@task
def a(x): tick(); return b(x)
>>> a(1)
-->
x + 1 ==> x + 2

== T07 both miss | a recursive task
; says fib() line 3
@task
def add(a, b): tick(); return a + b
# %%
@task
def fib(n):
    tick()
    return n if n < 2 else add(fib(n - 1), fib(n - 2))
>>> fib(6)
-->
n if n < 2 ==> n + 1 if n < 2

== T08 both miss 1 | a task that a helper calls
; says child() line 1
@task
def child(x): tick(); return x + 1
# %%
def helper(x): return child(x)
# %%
@task
def f(x): tick(); return helper(x)
>>> f(1)
-->
x + 1 ==> x + 2

== T09 both miss 2 | a helper between two tasks
; says helper helper() line 1
@task
def child(x): tick(); return x + 1
# %%
def helper(x): return child(x)
# %%
@task
def f(x): tick(); return helper(x)
>>> f(1)
-->
return child(x) ==> return child(x + 1)

== T10 both miss | a task passed to a task
; says child() line 1
; explains args > how
@task
def child(x): tick(); return x + 1
# %%
@task
def apply(how, x): tick(); return how(x)
>>> apply(child, 1)
-->
x + 1 ==> x + 2

== T11 both miss 1 | another task is passed
; says
@task
def one(x): tick(); return x + 1
@task
def two(x): tick(); return x + 1
@task
def apply(how, x): tick(); return how(x)
>>> [apply(one, 1), two(1)]
-->
apply(one, 1) ==> apply(two, 1)

== T12 both miss | a task in a list that is a global
; says
@task
def one(x): tick(); return x + 1
@task
def two(x): tick(); return x + 2
# %%
steps = [one, two]
# %%
@task
def f(x): tick(); return [step(x) for step in steps]
>>> f(1)
-->
[one, two] ==> [two, one]

== T13 both hit | a deep chain is found again
@task
def inc(x): tick(); return x + 1
def chain(n):
    x = 0
    for _ in range(n): x = inc(x)
    return x
>>> chain(30)
-->
...
>>> chain(30)

== T14 both hit 1 | a chain that is one longer
@task
def inc(x): tick(); return x + 1
def chain(n):
    x = 0
    for _ in range(n): x = inc(x)
    return x
>>> chain(30)
-->
chain(30) ==> chain(31)

== T15 both hit | a value that is the same however it was computed
@task
def total(x): tick(); return sum(x)
>>> total([1, 2, 3])
-->
...
>>> total([n for n in range(1, 4)])

== T16 two error | a task fails, and says so again
; says division by zero
; unforeseen
@task
def f(x): tick(); return 1 / x
>>> f(1)
-->
f(1) ==> f(0)

== T17 live miss | an error is not kept: it is tried again
; says
@task
def f(x):
    tick()
    if broken: raise ValueError('broken')
    return x
broken = False
>>> f(1)
-->
broken = True
try: evaluate(f(2))
except Exception: pass
broken = False
>>> f(2)

== T18 both miss 1 | a task becomes a plain function: its code counts for the caller
; says
@task
def child(x): tick(); return x + 1
# %%
@task
def f(x): tick(); return child(x)
>>> f(1)
-->
def child(x): return x + 1
# %%
@task
def f(x): tick(); return child(x)
>>> f(1)

== T19 both miss 2 | the plain function of a task is called directly
; says child() line 1
@task
def child(x): tick(); return x + 1
# %%
@task
def f(x): tick(); return child.func(x)
>>> f(1)
-->
x + 1 ==> x + 2

== T20 both miss 1 | a task of the same name in another place, with other code
; says
def make(k):
    @task
    def step(x): tick(); return x + k
    return step
one = make(1)
>>> one(1)
-->
...
two = make(2)
>>> [one(1), two(1)]
"""
)
