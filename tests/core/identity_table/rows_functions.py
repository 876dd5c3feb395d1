"""Edits of functions and of the helpers and constants that a task reaches."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

FUNCTIONS: Final[list[Scenario]] = scenarios(
    r"""
== C01 both miss | the task's own body
; says f() line 2
@task
def f(x):
    tick(); return x + 1
>>> f(1)
-->
x + 1 ==> x + 2

== C02 both miss | a helper
; says helper clean() line 2
def clean(x):
    return x + 1
# %%
@task
def f(x): tick(); return clean(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C03 both miss | a constant
; says global RATE 2 -> 3
RATE = 2
# %%
@task
def f(x): tick(); return x * RATE
>>> f(1)
-->
RATE = 2 ==> RATE = 3

== C04 both miss | a constant of a helper
; says helper tax() > global RATE 2 -> 3
RATE = 2
# %%
def tax(x): return x * RATE
# %%
@task
def f(x): tick(); return tax(x)
>>> f(1)
-->
RATE = 2 ==> RATE = 3

== C05 both miss | a number becomes the text of that number
; says f() line 2
@task
def f(x):
    tick(); return repr(7)
>>> f(1)
-->
repr(7) ==> repr('7')

== C06 both miss | digits move from one constant to another
; says f() line 2
@task
def f(x):
    tick(); return x * 1 + 23
>>> f(5)
-->
x * 1 + 23 ==> x * 12 + 3

== C07 both miss | True becomes 1
; says f() line 2
@task
def f(x):
    tick(); return repr(True)
>>> f(5)
-->
repr(True) ==> repr(1)

== C08 both miss | a helper of a helper
; says helper inner() line 2
def inner(x):
    return x + 1
# %%
def outer(x): return inner(x)
# %%
@task
def f(x): tick(); return outer(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C09 both miss | a default
; says default by 1 -> 10
@task
def f(x, by=1): tick(); return x + by
>>> f(1)
-->
by=1 ==> by=10

== C10 both miss | a default of a helper
; says default by 1 -> 10
def add(x, *, by=1): return x + by
# %%
@task
def f(x): tick(); return add(x)
>>> f(1)
-->
by=1 ==> by=10

== C11 both miss | an inner function
; says f() line 3
@task
def f(x):
    tick()
    def inner(y): return y + 1
    return inner(x)
>>> f(1)
-->
y + 1 ==> y + 2

== C12 both miss | a lambda that is a helper
; says lambda add line 1
add = lambda x: x + 1
# %%
@task
def f(x): tick(); return add(x)
>>> f(1)
-->
x + 1 ==> x + 2

== C13 both miss | the second of two lambdas on one line
; says lambda
pair = (lambda x: x + 1), (lambda x: x + 2)
# %%
@task
def f(x): tick(); return pair[1](x)
>>> f(1)
-->
x + 2 ==> x + 3

== C14 both miss | two tasks of one factory
; says captured by 1 -> 10
def make(by):
    @task
    def add(x): tick(); return x + by
    return add
# %%
f = make(1)
>>> f(1)
-->
f = make(1) ==> f = make(10)

== C15 both miss | what a helper has captured
; says captured by 1 -> 10
def make(by):
    def add(x): return x + by
    return add
# %%
add = make(1)
# %%
@task
def f(x): tick(); return add(x)
>>> f(1)
-->
add = make(1) ==> add = make(10)

== C16 both miss | arguments of a partial
; says global pow3(exp) 3 -> 4
import functools
def power(base, exp): return base ** exp
# %%
pow3 = functools.partial(power, exp=3)
# %%
@task
def f(x): tick(); return pow3(x)
>>> f(2)
-->
exp=3 ==> exp=4

== C17 both miss | the function under a partial
; says helper power() line 1
import functools
def power(base, exp): return base ** exp
pow3 = functools.partial(power, exp=3)
# %%
@task
def f(x): tick(); return pow3(x)
>>> f(2)
-->
return base ** exp ==> return base * exp

== C18 both miss | an instance whose method is a helper
; says .by 1 -> 10
class Adder:
    def __init__(self, by): self.by = by
    def add(self, x): return x + self.by
# %%
add = Adder(1).add
# %%
@task
def f(x): tick(); return add(x)
>>> f(1)
-->
Adder(1) ==> Adder(10)

== C19 both miss | a list of helpers
; says steps
def one(x): return x + 1
def two(x): return x * 2
# %%
steps = [one, two]
# %%
@task
def f(x):
    tick()
    for step in steps: x = step(x)
    return x
>>> f(3)
-->
[one, two] ==> [two, one]

== C20 both miss | a helper in a dict
; says lambda ['double'] line 1
steps = {'double': lambda x: x * 2}
# %%
@task
def f(x): tick(); return steps['double'](x)
>>> f(3)
-->
x * 2 ==> x + x + 1

== C21 both miss | a decorator between the task and the function
; says captured by 1 -> 10
import functools
def plus(by):
    def wrap(func):
        @functools.wraps(func)
        def inner(x): return func(x) + by
        return inner
    return wrap
# %%
@task
@plus(1)
def f(x): tick(); return x
>>> f(1)
-->
@plus(1) ==> @plus(10)

== C21b both miss | the code of a decorator
; says f() line 1
import functools
def plus_one(func):
    @functools.wraps(func)
    def inner(x): return func(x) + 1
    return inner
# %%
@task
@plus_one
def f(x): tick(); return x
>>> f(1)
-->
...
def plus_one(func):
    @functools.wraps(func)
    def inner(x): return func(x) + 100
    return inner
# %%
@task
@plus_one
def f(x): tick(); return x
>>> f(1)

== C26 both miss | a decorated helper
; says helper inner() line 2
def twice(func):
    def inner(x):
        return func(func(x))
    return inner
# %%
@twice
def step(x): return x + 3
# %%
@task
def f(x): tick(); return step(x)
>>> f(1)
-->
func(func(x)) ==> func(func(func(x)))
@twice ==> @twice  # again, to decorate anew
"""
)
