"""What a task reads without saying so: files, folders, variables of the environment."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

READS: Final[list[Scenario]] = scenarios(
    r"""
== F01 both miss | a file that the task opens by a path of its own
; says file data.txt changed
with open('data.txt', 'w') as out: out.write('one')
@task
def f(x):
    tick()
    with open('data.txt') as file: return file.read()
>>> f(1)
-->
...
with open('data.txt', 'w') as out: out.write('two')
>>> f(1)

== F30 both hit | the same, untouched
with open('data.txt', 'w') as out: out.write('one')
@task
def f(x):
    tick()
    with open('data.txt') as file: return file.read()
>>> f(1)
-->
...
>>> f(1)

== F31 both miss | a path that is an argument
; says file data.txt changed
from pathlib import Path
Path('data.txt').write_text('one')
@task
def f(path): tick(); return Path(path).read_text()
>>> f('data.txt')
-->
...
Path('data.txt').write_text('two')
>>> f('data.txt')

== F32 both hit | changed, changed back
from pathlib import Path
Path('data.txt').write_text('one')
@task
def f(path): tick(); return Path(path).read_text()
>>> f('data.txt')
-->
...
Path('data.txt').write_text('two')
evaluate(f('data.txt'))
Path('data.txt').write_text('one')
>>> f('data.txt')

== F33 both miss | a table read by pandas
; says file prices.csv changed
import pandas as pd
from pathlib import Path
Path('prices.csv').write_text('a,b\n1,2\n')
@task
def f(x): tick(); return int(pd.read_csv('prices.csv').sum().sum())
>>> f(1)
-->
...
Path('prices.csv').write_text('a,b\n1,5\n')
>>> f(1)

== F34 both miss | a table read by pyarrow, which opens it in C++
; says file t.parquet changed
import pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table({'a': [1, 2]}), 't.parquet')
@task
def f(x): tick(); return pq.read_table('t.parquet')['a'].to_pylist()
>>> f(1)
-->
...
pq.write_table(pa.table({'a': [1, 3]}), 't.parquet')
>>> f(1)

== F35 both miss | a table read by polars, which opens it in Rust
; says file t.csv changed
import polars as pl
from pathlib import Path
Path('t.csv').write_text('a\n1\n')
@task
def f(x): tick(); return pl.read_csv('t.csv')['a'].to_list()
>>> f(1)
-->
...
Path('t.csv').write_text('a\n2\n')
>>> f(1)

== F36 both miss | a file that was looked for and was not there
; says file extra.txt is there now
import os
if os.path.exists('extra.txt'): os.remove('extra.txt')
@task
def f(x):
    tick()
    try:
        with open('extra.txt') as file: return file.read()
    except FileNotFoundError: return 'none'
>>> f(1)
-->
...
with open('extra.txt', 'w') as out: out.write('now there')
>>> f(1)

== F37 both miss | a file that was read and is gone
; says file data.txt is gone
import os
with open('data.txt', 'w') as out: out.write('one')
@task
def f(x):
    tick()
    try:
        with open('data.txt') as file: return file.read()
    except FileNotFoundError: return 'gone'
>>> f(1)
-->
...
os.remove('data.txt')
>>> f(1)

== F38 both miss | a folder that was listed
; says folder raw lists other files
import os
os.makedirs('raw', exist_ok=True)
open('raw/a.txt', 'w').close()
@task
def f(x): tick(); return sorted(os.listdir('raw'))
>>> f(1)
-->
...
open('raw/b.txt', 'w').close()
>>> f(1)

== F39 both miss | files found by a pattern
; says
import os
from glob import glob
os.makedirs('raw', exist_ok=True)
open('raw/a.csv', 'w').close()
@task
def f(x): tick(); return sorted(glob('raw/*.csv'))
>>> f(1)
-->
...
open('raw/b.csv', 'w').close()
>>> f(1)

== F40 both miss | a file that a helper of the project reads
; says file config.json changed
import json
from pathlib import Path
Path('config.json').write_text('{"rate": 1}')
def rate(): return json.loads(Path('config.json').read_text())['rate']
@task
def f(x): tick(); return x * rate()
>>> f(2)
-->
...
Path('config.json').write_text('{"rate": 3}')
>>> f(2)

== F41 both hit | a file that the call itself wrote
from pathlib import Path
@task
def f(x):
    tick()
    Path('scratch.txt').write_text(str(x))
    return Path('scratch.txt').read_text()
>>> f(1)
-->
...
Path('scratch.txt').write_text('something else')
>>> f(1)

== F42 both miss 1 | a file read by a child of a call
; says file data.txt changed
with open('data.txt', 'w') as out: out.write('one')
@task
def child(x):
    tick()
    with open('data.txt') as file: return file.read()
@task
def f(x): tick(); return child(x)
>>> f(1)
-->
...
with open('data.txt', 'w') as out: out.write('two')
>>> f(1)

== F43 hit | the project with the file that is read lies in another folder
; moved
%%writefile data.txt
one
# %%
@task
def f(x):
    tick()
    with open('data.txt') as file: return file.read()
>>> f(1)
-->
...
>>> f(1)

== E01 both miss | a variable of the environment
; says environment variable RATE_OF_TABLE changed
import os
os.environ['RATE_OF_TABLE'] = '1'
@task
def f(x): tick(); return x * int(os.environ['RATE_OF_TABLE'])
>>> f(2)
-->
...
os.environ['RATE_OF_TABLE'] = '3'
>>> f(2)

== E02 both miss | a variable that was not set
; says environment variable RATE_OF_TABLE is set now
import os
os.environ.pop('RATE_OF_TABLE', None)
@task
def f(x): tick(); return os.getenv('RATE_OF_TABLE', 'none')
>>> f(2)
-->
...
os.environ['RATE_OF_TABLE'] = '3'
>>> f(2)

== E03 both miss | a variable that is not set any more
; says environment variable RATE_OF_TABLE is not set any more
import os
os.environ['RATE_OF_TABLE'] = '3'
@task
def f(x): tick(); return os.environ.get('RATE_OF_TABLE', 'none')
>>> f(2)
-->
...
del os.environ['RATE_OF_TABLE']
>>> f(2)

== E04 both hit | the same variable, set again
import os
os.environ['RATE_OF_TABLE'] = '3'
@task
def f(x): tick(); return os.environ['RATE_OF_TABLE']
>>> f(2)
-->
...
os.environ['RATE_OF_TABLE'] = '2' + ''
os.environ['RATE_OF_TABLE'] = '3'
>>> f(2)

== E05 hit | the home folder is another one: no task depends on it
import os
@task
def f(x): tick(); os.environ.get('HOME'); return x
>>> f(2)
-->
...
>>> f(2)

== E06 both miss | a variable that a helper of a module reads
; says environment variable RATE_OF_TABLE changed
%%writefile hlp.py
import os
def rate(): return os.environ['RATE_OF_TABLE']
# %%
import os
os.environ['RATE_OF_TABLE'] = '1'
import hlp
@task
def f(x): tick(); return hlp.rate()
>>> f(2)
-->
...
os.environ['RATE_OF_TABLE'] = '2'
>>> f(2)
"""
)
