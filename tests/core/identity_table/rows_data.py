"""Arrays, frames and tables as arguments: what is data, and what is only how it lies in memory."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

DATA: Final[list[Scenario]] = scenarios(
    r"""
== A15 both miss | a square array and its transpose
; says args > x
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.array([[1, 2], [3, 4]]))
-->
[[1, 2], [3, 4]]) ==> [[1, 2], [3, 4]]).T

== A16 both miss | the same bytes in another shape
; says args > x
import numpy as np
@task
def f(x): tick(); return x.shape
>>> f(np.arange(6).reshape(2, 3))
-->
reshape(2, 3) ==> reshape(3, 2)

== A22 both miss | the same numbers under another column name
; says args > df
import pandas as pd
@task
def f(df): tick(); return list(df.columns)
>>> f(pd.DataFrame({'a': [1, 2]}))
-->
{'a': [1, 2]} ==> {'b': [1, 2]}

== A23 both miss | the same columns under another index
; says args > df
import pandas as pd
@task
def f(df): tick(); return list(df.index)
>>> f(pd.DataFrame({'a': [1, 2]}, index=[0, 1]))
-->
index=[0, 1] ==> index=[5, 6]

== A26 both miss | a type and nothing, nothing and a type
; says args > a, b changed
; explains args >
import numpy as np
@task
def f(a, b): tick(); return repr((a, b))
>>> f(np.dtype('int32'), None)
-->
np.dtype('int32'), None ==> None, np.dtype('int32')

== A47 both miss | the same bytes as another type
; says args > x
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.array([1, 2], 'int32'))
-->
np.array([1, 2], 'int32') ==> np.array([1, 2], 'int32').view('float32')

== A48 both miss | big-endian instead of little
; says args > x
import numpy as np
@task
def f(x): tick(); return x.dtype.str
>>> f(np.array([1, 2], '<i4'))
-->
'<i4' ==> '>i4'

== A49 both miss | times in another unit
; says args > x
import numpy as np
@task
def f(x): tick(); return str(x[0])
>>> f(np.array([1, 2], 'M8[s]'))
-->
'M8[s]' ==> 'M8[ms]'

== A50 both miss | the order of categories
; says args > x
import pandas as pd
@task
def f(x): tick(); return x.codes.tolist()
>>> f(pd.Categorical(['a', 'b'], categories=['a', 'b']))
-->
categories=['a', 'b'] ==> categories=['b', 'a']

== A51 both miss | the names of fields
; says args > x
import numpy as np
@task
def f(x): tick(); return x.dtype.names
>>> f(np.zeros(2, [('a', 'i4'), ('b', 'i4')]))
-->
[('a', 'i4'), ('b', 'i4')] ==> [('b', 'i4'), ('a', 'i4')]

== A61 both hit | C and Fortran order
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.array([[1, 2], [3, 4]]))
-->
np.array([[1, 2], [3, 4]]) ==> np.asfortranarray([[1, 2], [3, 4]])

== A62 both hit | a view with strides, and its copy
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.arange(10)[::2])
-->
np.arange(10)[::2] ==> np.arange(10)[::2].copy()

== A63 both hit | a memory map, and an array
import numpy as np
np.save('numbers.npy', np.arange(5))
@task
def f(x): tick(); return x.tolist()
>>> f(np.arange(5))
-->
f(np.arange(5)) ==> f(np.load('numbers.npy', mmap_mode='r'))

== A64 both miss | one element of a large array
; says args > x
import numpy as np
x = np.zeros(100_000)
@task
def f(x): tick(); return float(x.sum())
>>> f(x)
-->
...
x[77_777] = 1
>>> f(x)

== A65 both miss | an array instead of a list; a numpy number instead of an int
; says args > x
import numpy as np
@task
def f(x): tick(); return type(x).__name__
>>> f(1)
-->
f(1) ==> f(np.int64(1))

== A66 both miss | the mask of an array
; says args > x
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.ma.array([1, 2], mask=[0, 0]))
-->
mask=[0, 0] ==> mask=[0, 1]

== A67 both hit | not a number in an array, with other bits
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.array([1.0, np.inf - np.inf]))
-->
np.inf - np.inf ==> np.inf - np.inf + 1

== A68 both hit | an array of objects
import numpy as np
@task
def f(x): tick(); return x.tolist()
>>> f(np.array(['ab' * 2, None, 1], dtype=object))
-->
'ab' * 2 ==> 'abab'

== A69 both miss | the name of an index
; says args > df
import pandas as pd
@task
def f(df): tick(); return df.index.name
>>> f(pd.DataFrame({'a': [1]}, index=pd.Index([1], name='i')))
-->
name='i' ==> name='j'

== A70 both miss | the attributes of a frame
; says args > df
import pandas as pd
df = pd.DataFrame({'a': [1]})
df.attrs['unit'] = 'm'
@task
def f(df): tick(); return df.attrs
>>> f(df)
-->
'm' ==> 'km'

== A71 both miss | the order of columns
; says args > df
import pandas as pd
@task
def f(df): tick(); return list(df)
>>> f(pd.DataFrame({'a': [1], 'b': [2]}))
-->
{'a': [1], 'b': [2]} ==> {'b': [2], 'a': [1]}

== A72 both miss | the type of a column
; says args > df
import pandas as pd
@task
def f(df): tick(); return str(df['a'].dtype)
>>> f(pd.DataFrame({'a': [1, 2]}))
-->
{'a': [1, 2]} ==> {'a': [1.0, 2.0]}

== A73 both hit | a frame put together in another way
import pandas as pd
@task
def f(df): tick(); return df.to_dict('list')
>>> f(pd.DataFrame({'a': [1, 2], 'b': [3, 4]}))
-->
import pandas as pd
@task
def f(df): tick(); return df.to_dict('list')
df = pd.DataFrame({'a': [1, 2]})
df['b'] = [3, 4]
>>> f(df)

== A74 both hit | a frame cut out of a larger one
import pandas as pd
@task
def f(df): tick(); return df.to_dict('list')
>>> f(pd.DataFrame({'a': [1, 2], 's': ['x', 'y']}))
-->
...
big = pd.DataFrame({'a': [1, 2, 3], 's': ['x', 'y', 'z'], 'c': [0, 0, 0]})
>>> f(big[['a', 's']].iloc[:2])

== A75 both miss | a series under another name
; says args > s
import pandas as pd
@task
def f(s): tick(); return s.name
>>> f(pd.Series([1, 2], name='a'))
-->
name='a' ==> name='b'

== A76 both miss | the time zone of an index
; says args > s
import pandas as pd
@task
def f(s): tick(); return str(s[0])
>>> f(pd.DatetimeIndex(['2026-01-01'], tz='UTC'))
-->
tz='UTC' ==> tz='Europe/Berlin'

== A77 both miss | the missing value of an extension type
; says args > s
import pandas as pd
@task
def f(s): tick(); return s.isna().tolist()
>>> f(pd.array([1, 2], dtype='Int64'))
-->
[1, 2] ==> [1, None]

== A78 both hit | an Arrow table in two chunks, and in one
import pyarrow as pa
@task
def f(t): tick(); return t.to_pydict()
>>> f(pa.table({'a': [1, 2, 3]}))
-->
pa.table({'a': [1, 2, 3]}) ==> pa.concat_tables([pa.table({'a': [1]}), pa.table({'a': [2, 3]})])

== A79 both hit | a slice of an Arrow array, and its copy
import pyarrow as pa
@task
def f(t): tick(); return t.to_pylist()
>>> f(pa.array(['a', None, 'c']))
-->
pa.array(['a', None, 'c']) ==> pa.array(['z', 'a', None, 'c', 'z']).slice(1, 3)

== A80 both miss | the type of an Arrow column
; says args > t
import pyarrow as pa
@task
def f(t): tick(); return str(t.schema)
>>> f(pa.table({'a': pa.array([1], pa.int32())}))
-->
pa.int32() ==> pa.int64()

== A81 both miss | the metadata of a schema
; says args > t
import pyarrow as pa
@task
def f(t): tick(); return t.schema.metadata
>>> f(pa.table({'a': [1]}).replace_schema_metadata({'unit': 'm'}))
-->
'm' ==> 'km'

== A82 both miss | a polars frame with another value
; says args > df
import polars as pl
@task
def f(df): tick(); return df['a'].to_list()
>>> f(pl.DataFrame({'a': [1, 2]}))
-->
[1, 2] ==> [1, 3]

== A83 both hit | a polars frame in pieces
import polars as pl
@task
def f(df): tick(); return df['a'].to_list()
>>> f(pl.DataFrame({'a': [1, 2]}))
-->
...
parts = [pl.DataFrame({'a': [1]}), pl.DataFrame({'a': [2]})]
>>> f(pl.concat(parts, rechunk=False))

== A84 both miss | the frequency of a period
; says args > x
import pandas as pd
@task
def f(x): tick(); return str(x)
>>> f(pd.Period('2026-01', 'M'))
-->
'M' ==> 'D'

== A85 both hit | equal sparse matrices
import scipy.sparse as sp
@task
def f(x): tick(); return x.toarray().tolist()
>>> f(sp.csr_matrix([[0, 1], [2, 0]]))
-->
...
>>> f(sp.csr_matrix([[0, 1], [2, 0]]).copy())

== A86 both hit | a frame with texts as objects and as one shared object
import pandas as pd
@task
def f(df): tick(); return df['s'].tolist()
>>> f(pd.DataFrame({'s': pd.Series(['ab' * 2, 'abab'], dtype=object)}))
-->
['ab' * 2, 'abab'] ==> ['abab'] * 2

== A87 both miss | the levels of a MultiIndex
; says args > df
import pandas as pd
@task
def f(df): tick(); return list(df.index.names)
>>> f(pd.DataFrame({'v': [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=['a', 'b'])))
-->
names=['a', 'b'] ==> names=['b', 'a']

== A88 both hit | an empty array with other strides
import numpy as np
@task
def f(x): tick(); return x.shape
>>> f(np.zeros((0, 3)))
-->
np.zeros((0, 3)) ==> np.asfortranarray(np.zeros((0, 3)))

== A89 both hit | a fitted estimator, fitted again
import numpy as np
from sklearn.linear_model import LinearRegression
X = np.arange(6.0).reshape(3, 2)
@task
def f(model): tick(); return [round(float(c), 6) for c in model.coef_]
>>> f(LinearRegression().fit(X, [1, 2, 3]))
-->
...
>>> f(LinearRegression().fit(X.copy(), [1, 2, 3]))

== A90 both miss | a retrained estimator
; says args > model
import numpy as np
from sklearn.linear_model import LinearRegression
X = np.arange(6.0).reshape(3, 2)
@task
def f(model): tick(); return round(float(model.intercept_), 6)
>>> f(LinearRegression().fit(X, [1, 2, 3]))
-->
[1, 2, 3] ==> [1, 2, 4]
"""
)
