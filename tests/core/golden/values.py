"""Sixty values whose digests are the same on every Python from 3.11 on.

``== group: name``, then a cell that leaves the value `v` behind; a single expression is `v` itself.
Groups other than "std" name the library that must be there.
"""

from typing import Final

VALUES: Final = r"""
== std: none, booleans and ellipsis
[None, True, False, ..., NotImplemented]
== std: integers
[0, 1, -1, 255, 2**31, -2**63, 2**63, 2**200, -2**9000]
== std: floats
[0.0, -0.0, 0.1, 1e300, 5e-324, float('inf'), float('-inf'), float('nan')]
== std: complex
[1j, complex(-0.0, 1.5), complex(float('nan'), 0)]
== std: text
['', 'a', 'é', 'e\u0301', '\U0001f600', 'a\0b', '\ud800']
== std: long text
'cell' * 5000
== std: bytes
[b'', b'\x00\xff', bytearray(b'abc'), b'x' * 3000]
== std: list and tuple
[[], (), [1, [2, (3, [4])]], (1,)]
== std: packed integers
list(range(1000))
== std: packed floats
[i / 7 for i in range(1000)]
== std: packed strings
[f'name-{i}' for i in range(1000)]
== std: packed with gaps
[None if i % 3 else i for i in range(100)]
== std: dict in its order
{'b': 1, 'a': {'z': 2, 'y': [3]}, 1: None, (1, 2): 'x'}
== std: sets
[{3, 1, 2}, frozenset('abc'), {('a', 1), ('b', 2)}, {1, 'a', None, 2.5}]
== std: large set of strings
{f'w{i}' for i in range(500)}
== std: collections
import collections as c
v = [c.OrderedDict(a=1), c.Counter('abca'), c.defaultdict(list, a=[1]), c.deque([1, 2], 5),
     c.ChainMap({'a': 1}, {'b': 2})]
== std: ranges and slices
[range(3), range(0, 10, 3), slice(1, None, 2)]
== std: decimal and fraction
import decimal, fractions
v = [decimal.Decimal('1.50'), decimal.Decimal('-Infinity'), decimal.Decimal('NaN'),
     fractions.Fraction(-3, 7)]
== std: dates
import datetime as d
v = [d.date(2026, 1, 2), d.time(1, 2, 3, 4, fold=1), d.timedelta(-1, 5, 7),
     d.datetime(2026, 1, 2, 3, 4, 5, 6)]
== std: zones
import datetime as d, zoneinfo
v = [d.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')),
     d.datetime(2026, 1, 1, tzinfo=d.UTC), d.timezone(d.timedelta(hours=-5), 'EST')]
== std: paths
import pathlib
v = [pathlib.PurePosixPath('a/b.csv'), pathlib.PureWindowsPath('C:/a'), pathlib.Path('data')]
== std: uuid
import uuid
v = uuid.UUID(int=7)
== std: namespaces
import types
v = [types.SimpleNamespace(b=1, a=[2]), types.MappingProxyType({'a': 1})]
== std: exceptions
[ValueError('a', 1), KeyError('k'), OSError(2, 'No such file', 'x.csv')]
== std: installed classes and functions
import math
v = [int, dict, len, math.sqrt, ValueError]
== std: list that holds itself
v = [1]
v.append(v)
== std: dict that holds itself
v = {'a': {}}
v['a']['up'] = v
== std: deep nest
v = []
for _ in range(5000):
    v = [v]
== std: shared parts
part = ['x', {'k': [1, 2]}]
v = [part, part, (part,)]
== std: instance
class C:
    def __init__(self): self.a, self._b = 1, {'x', 'y'}
    def m(self): return self.a
v = C()
== std: dataclass
from dataclasses import dataclass, field
@dataclass(frozen=True, slots=True)
class C:
    a: int
    b: list[str] = field(default_factory=list)
v = [C(1), C(2, ['x'])]
== std: enum
import enum
class Colour(enum.Enum):
    RED = 1
    BLUE = 'b'
class Bits(enum.Flag):
    A = 1
    B = 2
v = [Colour.RED, Colour.BLUE, Bits.A | Bits.B]
== std: named tuples
import collections, typing
P = collections.namedtuple('P', 'x y')
class Q(typing.NamedTuple):
    a: int = 1
v = [P(1, 2), Q(), Q(5)]
== std: functions as values
import functools
K = 3
def helper(x): return x * K
v = [helper, lambda x: helper(x) + 1, functools.partial(helper, 2)]
== std: classes as values
class B:
    k = 1
class C(B):
    def m(self): return self.k
v = [B, C, C().m]
== numpy: numbers of every size
[np.arange(5).astype(t) for t in '? b B h H i I q Q e f d F D'.split()]
== numpy: shapes
[np.zeros(()), np.zeros(0), np.zeros((2, 0)), np.zeros((2, 3)), np.zeros((3, 2))]
== numpy: layouts
base = np.arange(24.0).reshape(4, 6)
v = [base, np.asfortranarray(base), base[::2, ::-1], base.T]
== numpy: byte order
[np.array([1, 2], '>i4'), np.array([1, 2], '<i4'), np.array([1.5], '>f8')]
== numpy: structured
np.array([(1, 2.5, b'ab'), (3, 4.5, b'c')], dtype=[('a', 'i4'), ('b', 'f8'), ('c', 'S3')])
== numpy: text
[np.array(['a', 'bcd']), np.array([b'a', b'bcd']), np.str_('a')]
== numpy: times
[np.array(['2026-01-02', 'NaT'], 'M8[D]'), np.array([1, -1], 'm8[ns]'), np.datetime64('2026', 'Y')]
== numpy: objects
np.array([1, 'a', None, [1, {2}]], dtype=object)
== numpy: masked
np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=-1)
== numpy: scalars
[np.int8(1), np.int64(1), np.float32(0.5), np.bool_(True), np.complex128(1j)]
== numpy: large
np.arange(300_000, dtype='float64').reshape(300, 1000)
== numpy: types
[np.dtype('i4'), np.dtype([('a', 'f8')]), np.dtype('>U3')]
== pandas: numbers
pd.DataFrame({'a': np.array([1, 2], 'int32'), 'b': [0.5, np.nan], 'c': [True, False]})
== pandas: names
frame = pd.DataFrame({1: [1], '1': [2]}, index=pd.Index([5], name='row'))
frame.columns.name = 'col'
v = frame
== pandas: objects
pd.DataFrame({'a': pd.Series(['x', None, 'z'], dtype=object)})
== pandas: categories
[pd.Series(pd.Categorical(['a', 'b', None], ['b', 'a'], ordered=o)) for o in (True, False)]
== pandas: times
pd.Series(pd.DatetimeIndex(['2026-01-01', '2026-07-01'], dtype='M8[ns]').tz_localize('Europe/Oslo'))
== pandas: nullable
[pd.Series([1, None], dtype='Int64'), pd.Series([True, None], dtype='boolean'),
 pd.Series([0.5, None], dtype='Float32')]
== pandas: levels
levels = pd.MultiIndex.from_arrays([[1, 2], [3.5, 4.5]], names=['p', None])
v = pd.DataFrame({'v': [1, 2]}, index=levels)
== pandas: attributes
frame = pd.DataFrame({'a': [1]})
frame.attrs['unit'] = 'ppm'
v = frame
== pyarrow: table
pa.table({'a': pa.array([1, None, 3], pa.int64()), 's': pa.array(['x', None, 'zz'])})
== pyarrow: chunks
pa.chunked_array([[1, 2], [], [3, None]], pa.int32())
== pyarrow: slices
pa.array([None, 1, 2, 3, None, 5], pa.float64()).slice(1, 4)
== pyarrow: nested
pa.array([{'a': [1, 2], 'b': 'x'}, None, {'a': [], 'b': None}])
== pyarrow: dictionary and schema
[pa.array(['a', 'b', 'a']).dictionary_encode(), pa.schema([('a', pa.timestamp('us', 'UTC'))])]
"""
