"""Numbers, texts, containers of the standard library; what is refused as an argument."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

SCALARS: Final[list[Scenario]] = scenarios(
    r"""
== A34 both hit | a large whole number
@task
def f(x): tick(); return x + 1
>>> f(2**70)
-->
2**70 ==> 1180591620717411303424

== A34b both miss | the next large whole number
; says args > x
@task
def f(x): tick(); return x + 1
>>> f(2**70)
-->
2**70 ==> 2**70 + 1

== A35 both miss | decimals of another precision
; says args > x
from decimal import Decimal
@task
def f(x): tick(); return str(x)
>>> f(Decimal('1.5'))
-->
'1.5' ==> '1.50'

== A36 both hit | equal decimals and fractions
from decimal import Decimal
from fractions import Fraction
@task
def f(x, y): tick(); return str(x + 1), str(y)
>>> f(Decimal('1.5'), Fraction(1, 3))
-->
Fraction(1, 3) ==> Fraction(2, 6)

== A37 both hit | a list that contains itself
def ring():
    x = [1]; x.append(x); return x
@task
def f(x): tick(); return x[1][1][0]
>>> f(ring())
-->
...
>>> f(ring())

== A38 both miss | a list that contains itself, with another number
; says args > x
def ring(n):
    x = [n]; x.append(x); return x
@task
def f(x): tick(); return x[1][1][0]
>>> f(ring(1))
-->
ring(1) ==> ring(2)

== A39 both miss | a bytearray instead of bytes
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(b'a')
-->
f(b'a') ==> f(bytearray(b'a'))

== A40 both hit | a text with a lone surrogate
@task
def f(x): tick(); return ascii(x)
>>> f('\ud800a')
-->
...
>>> f('\ud800a')

== A41 both miss | a composed letter and its two parts
; says args > x
@task
def f(x): tick(); return len(x)
>>> f('\u00e4')
-->
\u00e4 ==> a\u0308

== A42 both hit | a range, a slice, an ellipsis
@task
def f(*x): tick(); return repr(x)
>>> f(range(3), slice(1, 2), ...)
-->
...
>>> f(range(0, 3, 1), slice(1, 2, None), ...)

== A43 both miss | an ordered dict, a counter
; says args > x
from collections import Counter, OrderedDict
@task
def f(x): tick(); return type(x).__name__
>>> f(OrderedDict(a=1))
-->
OrderedDict(a=1) ==> Counter(a=1)

== A44 both miss | the factory of a defaultdict
; says args > x
from collections import defaultdict
@task
def f(x): tick(); return repr(x['missing'])
>>> f(defaultdict(int, a=1))
-->
defaultdict(int ==> defaultdict(list

== A45 both hit | a deque, a named tuple, a path
from collections import deque, namedtuple
from pathlib import PurePosixPath
P = namedtuple('P', 'x y')
@task
def f(*x): tick(); return repr(x)
>>> f(deque([1, 2], 5), P(1, 2), PurePosixPath('a/b'))
-->
PurePosixPath('a/b') ==> PurePosixPath('a') / 'b'

== A46 both hit | a set of mixed types
@task
def f(x): tick(); return len(x), (2, 'b') in x, frozenset({'c', 3}) in x
>>> f({1, 'a', (2, 'b'), None, 2.5, frozenset({3, 'c'})})
-->
...
>>> f({frozenset({'c', 3}), 2.5, None, (2, 'b'), 'a', 1})

== A52 both miss | a set of mixed types with another element
; says args > x
@task
def f(x): tick(); return sorted(map(repr, x))
>>> f({1, 'a', None})
-->
{1, 'a', None} ==> {1, 'b', None}

== A53 both miss | a complex number
; says args > x
@task
def f(x): tick(); return repr(x)
>>> f(1 + 2j)
-->
1 + 2j ==> 1 - 2j

== A54 two error | a generator is refused and not consumed
; says is a generator
@task
def f(x): tick(); return sum(x)
>>> f([1, 2])
-->
f([1, 2]) ==> f(n for n in [1, 2])

== A55 two error | an open file is refused, by its path
; says ['log'] is an open file
@task
def f(x): tick(); return 1
>>> f({'log': 1})
-->
...
>>> f({'log': open('cellgraph.toml')})

== A56 two error | a lock is refused
; says is a lock
import threading
@task
def f(x): tick(); return 1
>>> f([1])
-->
f([1]) ==> f([threading.Lock()])

== A57 two error | a connection is refused
; says Connection
import sqlite3
@task
def f(x): tick(); return 1
>>> f([1])
-->
f([1]) ==> f([sqlite3.connect(':memory:')])

== A58 two error | a module is refused
; says is the module json
import json
@task
def f(x): tick(); return x.__name__
>>> f(len)
-->
f(len) ==> f(json)

== A59 both hit | a uuid, an address, a time span
import datetime, ipaddress, uuid
@task
def f(*x): tick(); return repr(x)
>>> f(uuid.UUID(int=1), ipaddress.ip_address('10.0.0.1'), datetime.timedelta(hours=24))
-->
timedelta(hours=24) ==> timedelta(days=1)

== A60 live hit | the result of one call handed to another
@task
def make(n): tick(); return list(range(n))
@task
def total(x): tick(); return sum(x)
>>> total(make(5))
-->
x = evaluate(make(5))
>>> total(x)

== A100 both hit | a task that changes its argument in place
import pandas as pd
@task
def f(df):
    tick(); df['b'] = df['a'] * 2; return int(df['b'].sum())
df = pd.DataFrame({'a': [1, 2]})
>>> f(df)
-->
...
>>> f(df)
"""
)
