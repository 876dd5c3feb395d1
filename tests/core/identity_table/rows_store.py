"""A store that was damaged, cut short, swapped or shared."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

# Bodies of cells that damage a store, whatever its files are called.
_FLIP: Final = """
def flip(folder, least=0):
    import os
    done = 0
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.getsize(path) > least and 'lock' not in name:
                os.chmod(path, 0o600)
                with open(path, 'r+b') as file:
                    data = bytearray(file.read())
                    at = data.find(b'\\xa5' * 64)
                    if at >= 0:
                        data[at + 5 : at + 9] = b'\\x00' * 4
                        file.seek(0); file.write(data); done += 1
    return done
"""

STORE: Final[list[Scenario]] = scenarios(
    r"""
== X01 hit | a store is opened by another process
@task
def f(x): tick(); return x
>>> f(1)
-->
...
>>> f(1)

== X08 miss | altered bytes of a stored value
; says result lost
; unforeseen
; only cellgraph
FLIP
@task
def f(n): tick(); return b'\xa5' * n
>>> f(300_000)
-->
...
assert flip(store), 'nothing was found to damage'
>>> f(300_000)

== X09 live miss | altered bytes of a stored value, found while the session is open
; says result lost
; unforeseen
; only cellgraph
FLIP
@task
def f(n): tick(); return b'\xa5' * n
>>> f(300_000)
-->
assert flip(store), 'nothing was found to damage'
>>> f(300_000)

== X10 miss | a stored value that was deleted
; says result lost
; only cellgraph
@task
def f(n): tick(); return b'\xa5' * n
>>> f(300_000)
-->
...
import os
removed = 0
for root, _, names in os.walk(store):
    for name in names:
        path = os.path.join(root, name)
        if os.path.getsize(path) >= 300_000: os.remove(path); removed += 1
assert removed == 1
>>> f(300_000)

== X11 miss | a stored value that was cut short
; says result lost
; unforeseen
; only cellgraph
@task
def f(n): tick(); return b'\xa5' * n
>>> f(300_000)
-->
...
import os
for root, _, names in os.walk(store):
    for name in names:
        path = os.path.join(root, name)
        if os.path.getsize(path) >= 300_000:
            os.chmod(path, 0o600); os.truncate(path, 1000)
>>> f(300_000)

== X12 miss | altered bytes of a small value, kept with its record
; says
; only cellgraph
FLIP
@task
def f(n): tick(); return b'\xa5' * n
>>> f(200)
-->
...
assert flip(store), 'nothing was found to damage'
>>> f(200)

== X13 hit | a segment with a torn end
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
...
import os
for root, _, names in os.walk(store):
    for name in names:
        if name.endswith('.seg'):
            with open(os.path.join(root, name), 'ab') as file: file.write(b'half a rec')
>>> f(1)

== X14 miss | the store was emptied
; says first run
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
...
import shutil
shutil.rmtree(store)
>>> f(1)

== X29 miss | two stored values were swapped
; says result lost
; only cellgraph
@task
def f(n): tick(); return bytes([n]) * 300_000
@task
def size(x): return x[0]
>>> [size(f(1)), size(f(2))]
-->
...
import os
paths = [
    os.path.join(root, name)
    for root, _, names in os.walk(store) for name in names
    if os.path.getsize(os.path.join(root, name)) >= 300_000
]
one, two = paths
os.rename(one, one + '.x'); os.rename(two, one); os.rename(one + '.x', two)
>>> [f(1)[0], f(2)[0]]

== X15 hit | a store was moved with its folder
; only cellgraph
; moved
@task
def f(x): tick(); return x
>>> f(1)
-->
...
import shutil
shutil.move(str(store), str(store) + '-away')
shutil.copytree(str(store) + '-away', store)
>>> f(1)

== X16 hit | another session writes at the same time
; only cellgraph
@task
def f(x): tick(); return x
>>> f(1)
-->
...
with cg.Session(store=store) as other:
    other.evaluate([f(n) for n in range(20)])
>>> [f(1), f(19)]
""".replace("FLIP\n", _FLIP.lstrip())
)
