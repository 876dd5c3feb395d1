"""Files and folders as arguments and as results."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

FILES: Final[list[Scenario]] = scenarios(
    r"""
== F02 both hit | a file that was touched
%%writefile data.txt
one
# %%
import os
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
os.utime('data.txt', (1, 1))
>>> f(cg.File('data.txt'))

== F03 both miss | an edit of the same size within the tick of the clock, times put back
; says args > file
; explains file data.txt changed
import os
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
before = os.stat('data.txt')
with open('data.txt', 'w') as out: out.write('two')
os.utime('data.txt', ns=(before.st_atime_ns, before.st_mtime_ns))
>>> f(cg.File('data.txt'))

== F04 both miss | another content
; says args > file
; explains file data.txt changed
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
with open('data.txt', 'w') as out: out.write('one and more')
>>> f(cg.File('data.txt'))

== F05 both hit | a file that was replaced by an equal one
import os
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
with open('copy.txt', 'w') as out: out.write('one')
os.replace('copy.txt', 'data.txt')
>>> f(cg.File('data.txt'))

== F06 both miss | an equal file under another name
; says args > file
with open('data.txt', 'w') as out: out.write('one')
with open('same.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.name
>>> f(cg.File('data.txt'))
-->
cg.File('data.txt') ==> cg.File('same.txt')

== F07 both hit | one path written in two ways
import os
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
cg.File('data.txt') ==> cg.File(os.path.join(os.getcwd(), '.', 'data.txt'))

== F08 hit | the project and its files lie in another folder
; moved
%%writefile data.txt
one
# %%
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
>>> f(cg.File('data.txt'))

== F09 two error | a file that is gone
; says does not exist
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
import os
@task
def f(file): tick(); return file.read_text()
os.remove('data.txt')
>>> f(cg.File('data.txt'))

== F10 both hit | changed, and changed back
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
...
with open('data.txt', 'w') as out: out.write('two')
evaluate(f(cg.File('data.txt')))
with open('data.txt', 'w') as out: out.write('one')
>>> f(cg.File('data.txt'))

== F11 both hit | a result file that is still there
@task
def f(text):
    tick()
    with open('out.txt', 'w') as out: out.write(text)
    return cg.File('out.txt')
@task
def show(file): return file.read_text()
>>> show(f('one'))
-->
...
>>> show(f('one'))

== F12 both miss | a result file that is gone
; says result file out.txt is gone
import os
@task
def f(text):
    tick()
    with open('out.txt', 'w') as out: out.write(text)
    return cg.File('out.txt')
@task
def show(file): return file.read_text()
>>> show(f('one'))
-->
...
os.remove('out.txt')
>>> show(f('one'))

== F13 both miss | a result file that was changed
; says result file out.txt changed
@task
def f(text):
    tick()
    with open('out.txt', 'w') as out: out.write(text)
    return cg.File('out.txt')
@task
def show(file): return file.read_text()
>>> show(f('one'))
-->
...
with open('out.txt', 'w') as out: out.write('somebody else')
>>> show(f('one'))

== F14 both hit | check="shallow" does not look into the files of a result
@task(check='shallow')
def f(text):
    tick()
    with open('out.txt', 'w') as out: out.write(text)
    return ['kept', cg.File('out.txt')]
>>> f('one')[0]
-->
...
with open('out.txt', 'w') as out: out.write('somebody else')
>>> f('one')[0]

== F15 both miss | a file of a folder
; says args > folder
; explains folder raw changed
import os
os.makedirs('raw', exist_ok=True)
with open('raw/a.txt', 'w') as out: out.write('one')
@task
def f(folder): tick(); return sorted(p.read_text() for p in folder.glob('*'))
>>> f(cg.Dir('raw'))
-->
...
with open('raw/a.txt', 'w') as out: out.write('two')
>>> f(cg.Dir('raw'))

== F16 both miss | a file more in a folder
; says args > folder
; explains folder raw changed
import os
os.makedirs('raw/sub', exist_ok=True)
with open('raw/a.txt', 'w') as out: out.write('one')
@task
def f(folder): tick(); return len([*folder.path.rglob('*.txt')])
>>> f(cg.Dir('raw'))
-->
...
with open('raw/sub/b.txt', 'w') as out: out.write('two')
>>> f(cg.Dir('raw'))

== F17 both miss | a file of a folder has another name
; says args > folder
; explains folder raw changed
import os
os.makedirs('raw', exist_ok=True)
with open('raw/a.txt', 'w') as out: out.write('one')
@task
def f(folder): tick(); return sorted(p.name for p in folder.glob('*'))
>>> f(cg.Dir('raw'))
-->
...
os.rename('raw/a.txt', 'raw/b.txt')
>>> f(cg.Dir('raw'))

== F18 both hit | a folder that was written anew
import os
os.makedirs('raw', exist_ok=True)
for name in ('a', 'b'):
    with open(f'raw/{name}.txt', 'w') as out: out.write(name)
@task
def f(folder): tick(); return sorted(p.name for p in folder.glob('*'))
>>> f(cg.Dir('raw'))
-->
...
for name in ('b', 'a'):
    os.remove(f'raw/{name}.txt')
    with open(f'raw/{name}.txt', 'w') as out: out.write(name)
>>> f(cg.Dir('raw'))

== F19 both miss 2 | a file deep in arguments of a chain of calls
; says args > config
with open('data.txt', 'w') as out: out.write('1')
@task
def load(config): tick(); return int(config['file'].read_text())
@task
def double(x): tick(); return x * 2
>>> double(load({'file': cg.File('data.txt')}))
-->
...
with open('data.txt', 'w') as out: out.write('2')
>>> double(load({'file': cg.File('data.txt')}))

== F20 both miss 1 | a file is rewritten so that what is read from it is the same
; says args > file
; explains file data.txt changed
with open('data.txt', 'w') as out: out.write('1')
@task
def load(file): tick(); return int(file.read_text())
@task
def double(x): tick(); return x * 2
>>> double(load(cg.File('data.txt')))
-->
...
with open('data.txt', 'w') as out: out.write(' 1 ')
>>> double(load(cg.File('data.txt')))

== F21 both miss | a file that is a global
; says global source
with open('data.txt', 'w') as out: out.write('one')
source = cg.File('data.txt')
@task
def f(x): tick(); return source.read_text()
>>> f(1)
-->
...
with open('data.txt', 'w') as out: out.write('two')
>>> f(1)

== F22 two error | a file for a folder
; says use cg.Dir
@task
def f(file): tick(); return 1
>>> f(1)
-->
import os
os.makedirs('raw', exist_ok=True)
@task
def f(file): tick(); return 1
>>> f(cg.File('raw'))

== F23 live miss | a file is changed after the call was built
; says args > file
; explains file data.txt changed
with open('data.txt', 'w') as out: out.write('one')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('data.txt'))
-->
call = f(cg.File('data.txt'))
with open('data.txt', 'w') as out: out.write('two')
>>> call

== F24 both miss | a link that leads elsewhere
; says args > file
; explains file latest changed
import os
for name in ('one', 'two'):
    with open(f'{name}.txt', 'w') as out: out.write(name)
if os.path.lexists('latest'): os.remove('latest')
os.symlink('one.txt', 'latest')
@task
def f(file): tick(); return file.read_text()
>>> f(cg.File('latest'))
-->
...
os.remove('latest'); os.symlink('two.txt', 'latest')
>>> f(cg.File('latest'))
""",
    only="cellgraph",
)
