"""Components of the identity of values, each with two values that differ in it alone."""

import collections
import datetime as dt
import decimal
import fractions
import pathlib
import types
import uuid
import zoneinfo
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp  # type: ignore[import-untyped]  # has no types

import cellgraph as cg

# kind, place in its state, two values. "4.1": the second part of the fifth part; "": all of it.
ROWS: Final = """
std.range | 0 | range(0, 4) | range(1, 4)
std.range | 1 | range(0, 3) | range(0, 4)
std.range | 2 | range(0, 4, 1) | range(0, 4, 3)
std.slice | 0 | slice(1, 2) | slice(0, 2)
std.slice | 1 | slice(1, 2) | slice(1, 3)
std.slice | 2 | slice(1, 2) | slice(1, 2, 1)
std.decimal |  | D('1.0') | D('1.00')
std.fraction | 0 | F(1, 3) | F(2, 3)
std.fraction | 1 | F(1, 3) | F(1, 2)
std.uuid |  | uuid.UUID(int=1) | uuid.UUID(int=2)
std.pureposixpath |  | pathlib.PurePosixPath('a') | pathlib.PurePosixPath('b')
std.purewindowspath |  | pathlib.PureWindowsPath('a') | pathlib.PureWindowsPath('b')
std.posixpath |  | Path('a') | Path('b')
std.date | 0 | dt.date(2026, 1, 1) | dt.date(2025, 1, 1)
std.date | 1 | dt.date(2026, 1, 1) | dt.date(2026, 2, 1)
std.date | 2 | dt.date(2026, 1, 1) | dt.date(2026, 1, 2)
std.time | 0 | dt.time(1) | dt.time(2)
std.time | 1 | dt.time(1, 1) | dt.time(1, 2)
std.time | 2 | dt.time(1, 1, 1) | dt.time(1, 1, 2)
std.time | 3 | dt.time(1, 1, 1, 1) | dt.time(1, 1, 1, 2)
std.time | 4 | dt.time(1) | dt.time(1, tzinfo=dt.UTC)
std.time | 5 | dt.time(1) | dt.time(1, fold=1)
std.datetime | 0 | dt.datetime(2026, 1, 1) | dt.datetime(2025, 1, 1)
std.datetime | 1 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 2, 1)
std.datetime | 2 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 2)
std.datetime | 3 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, 1)
std.datetime | 4 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, 0, 1)
std.datetime | 5 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, 0, 0, 1)
std.datetime | 6 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, 0, 0, 0, 1)
std.datetime | 7 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
std.datetime | 8 | dt.datetime(2026, 1, 1) | dt.datetime(2026, 1, 1, fold=1)
std.timedelta | 0 | dt.timedelta(1) | dt.timedelta(2)
std.timedelta | 1 | dt.timedelta(1, 1) | dt.timedelta(1, 2)
std.timedelta | 2 | dt.timedelta(1, 1, 1) | dt.timedelta(1, 1, 2)
std.timezone | 0 | dt.timezone(dt.timedelta(0)) | dt.timezone(dt.timedelta(hours=1))
std.timezone | 1 | dt.timezone(dt.timedelta(1 / 24), 'A') | dt.timezone(dt.timedelta(1 / 24), 'B')
std.zoneinfo |  | zoneinfo.ZoneInfo('UTC') | zoneinfo.ZoneInfo('Europe/Oslo')
std.ordereddict | 0 | c.OrderedDict(a=1) | c.OrderedDict(b=1)
std.ordereddict | 1 | c.OrderedDict(a=1) | c.OrderedDict(a=2)
std.defaultdict | 0 | c.defaultdict(int, a=1) | c.defaultdict(int, b=1)
std.defaultdict | 1 | c.defaultdict(int, a=1) | c.defaultdict(int, a=2)
std.defaultdict | 2 | c.defaultdict(int, a=1) | c.defaultdict(list, a=1)
std.counter | 0 | c.Counter('a') | c.Counter('b')
std.counter | 1 | c.Counter('a') | c.Counter('aa')
std.deque | 0 | c.deque([1]) | c.deque([2])
std.deque | 1 | c.deque([1]) | c.deque([1], 5)
std.namespace |  | types.SimpleNamespace(a=1) | types.SimpleNamespace(a=2)
std.mappingproxy |  | types.MappingProxyType({'a': 1}) | types.MappingProxyType({'a': 2})
numpy.dtype |  | np.dtype('i4') | np.dtype('f4')
numpy.dtype | 1.0.0 | np.dtype([('a', 'i4')]) | np.dtype([('b', 'i4')])
numpy.dtype | 1.0.1 | np.dtype([('a', 'i4')]) | np.dtype([('a', 'f4')])
numpy.dtype | 1.1.2 | at([0, 4]) | at([0, 6])
numpy.dtype | 1.0.3 | np.dtype([('a', 'i4')]) | np.dtype([(('title', 'a'), 'i4')])
numpy.dtype | 2 | at([0, 4]) | at([0, 4], 16)
numpy.dtype | 3 | np.dtype([('a', 'i4')]) | np.dtype([('a', 'i4')], align=True)
numpy.dtype | 4 | np.dtype([('a', 'i4')]) | np.dtype((np.record, [('a', 'i4')]))
numpy.array | 0 | np.zeros(2, 'i4') | np.zeros(2, 'f4')
numpy.array | 0 | np.zeros(2, '<i4') | np.zeros(2, '>i4')
numpy.array | 1 | np.zeros((2, 3)) | np.zeros((3, 2))
numpy.array | 2 | np.array([1, 2]) | np.array([1, 3])
numpy.array | 2 | np.array([1, 'a'], object) | np.array([1, 'b'], object)
numpy.masked | 0.0 | np.ma.zeros(2, 'i4') | np.ma.zeros(2, 'f4')
numpy.masked | 0.2 | masked([1, 2]) | masked([1, 3])
numpy.masked | 1 | masked([1, 2], mask=[0, 1]) | masked([1, 2], mask=[1, 0])
numpy.masked | 2 | masked([1, 2]) | masked([1, 2], fill_value=7)
numpy.masked | 3 | masked([1, 2]) | masked([1, 2], hard_mask=True)
numpy.matrix | 0 | matrix([[0]]) | matrix([[0]], 'f8')
numpy.matrix | 1 | matrix([[0, 0]]) | matrix([[0], [0]])
numpy.matrix | 2 | matrix([[0]]) | matrix([[1]])
numpy.recarray | 0 | record('a') | record('b')
numpy.recarray | 1 | record('a').reshape(1, 2) | record('a')
numpy.recarray | 2 | record('a', 1) | record('a', 2)
numpy.scalar | 0 | np.int32(0) | np.float32(0)
numpy.scalar | 1 | np.int32(0) | np.int32(1)
numpy.subclass | 0 | np.zeros(2).view(Special) | np.zeros(2).view(Other)
numpy.subclass | 1 | np.zeros(2).view(Special) | np.ones(2).view(Special)
numpy.subclass | 2 | noted(1) | noted(2)
numpy.void | 0 | np.zeros(1, 'V4')[0] | np.zeros(1, [('a', 'i4')])[0]
numpy.void | 2 | np.array([b'a'], 'V1')[0] | np.array([b'b'], 'V1')[0]
pandas.frame | 0 | pd.DataFrame({'a': [1]}) | pd.DataFrame({'a': [1]}, index=[5])
pandas.frame | 1 | pd.DataFrame({'a': [1]}) | pd.DataFrame({'b': [1]})
pandas.frame | 2 | pd.DataFrame({'a': [1]}) | pd.DataFrame({'a': [2]})
pandas.frame | 2.0.0 | pd.DataFrame({'a': [0]}) | pd.DataFrame({'a': [0.0]})
pandas.frame | 3 | pd.DataFrame({'a': ['x']}) | pd.DataFrame({'a': ['y']})
pandas.frame | 4 | pd.DataFrame({'a': [1]}) | with_attrs(pd.DataFrame({'a': [1]}))
pandas.frame | 5 | pd.DataFrame({'a': [1]}) | strict(pd.DataFrame({'a': [1]}))
pandas.series | 0 | pd.Series([1]) | pd.Series([2])
pandas.series | 0.1 | pd.Series([0]) | pd.Series([0.0])
pandas.series | 1 | pd.Series([1]) | pd.Series([1], index=[5])
pandas.series | 2 | pd.Series([1]) | pd.Series([1], name='a')
pandas.series | 3 | pd.Series([1]) | with_attrs(pd.Series([1]))
pandas.series | 4 | pd.Series([1]) | strict(pd.Series([1]))
pandas.index | 1 | pd.Index([1]) | pd.Index([2])
pandas.index | 2 | pd.Index([1]) | pd.Index([1], name='a')
pandas.index | 3 | days | pd.DatetimeIndex(list(days))
pandas.index | 4 | pd.RangeIndex(3) | pd.RangeIndex(3, name='a')
pandas.index | 1 | pd.MultiIndex.from_tuples([(1, 2)]) | pd.MultiIndex.from_tuples([(1, 3)])
pandas.index | 2 | levels([0, 1]) | levels([1, 0])
pandas.array | 1 | pd.array([0, None], 'Int32') | pd.array([0, None], 'UInt32')
pandas.array | 2 | pd.Categorical(['a', 'b']) | pd.Categorical.from_codes([1, 0], ['a', 'b'])
pandas.array | 3 | pd.Categorical(['a']) | pd.Categorical(['b'])
pandas.array | 3 | pd.array([1, None], 'Int64') | pd.array([1, 0], 'Int64')
pandas.array | 4 | pd.Categorical(['a']) | pd.Categorical(['a'], ordered=True)
pandas.timestamp | 0 | pd.Timestamp(1, unit='s') | pd.Timestamp(2, unit='s')
pandas.timestamp | 1 | pd.Timestamp(0).as_unit('s') | pd.Timestamp(0).as_unit('ms')
pandas.timestamp | 2 | pd.Timestamp(0, tz='UTC') | pd.Timestamp(0, tz='Africa/Accra')
pandas.timestamp | 3 | folded(0) | folded(1)
pandas.timedelta | 0 | pd.Timedelta(1) | pd.Timedelta(2)
pandas.timedelta | 1 | pd.Timedelta(0).as_unit('s') | pd.Timedelta(0).as_unit('ms')
pandas.period | 0 | pd.Period(ordinal=1, freq='M') | pd.Period(ordinal=2, freq='M')
pandas.period | 1 | pd.Period(ordinal=1, freq='M') | pd.Period(ordinal=1, freq='D')
pandas.interval | 0 | pd.Interval(0, 2) | pd.Interval(1, 2)
pandas.interval | 1 | pd.Interval(0, 1) | pd.Interval(0, 2)
pandas.interval | 2 | pd.Interval(0, 1) | pd.Interval(0, 1, 'left')
pandas.subclass | 0 | Frame({'a': [1]}) | Frame2({'a': [1]})
pandas.subclass | 1 | Frame({'a': [1]}) | Frame({'a': [2]})
pandas.subclass | 2 | titled('a') | titled('b')
scipy.sparse | 0 | sp.csr_matrix([[0, 1], [1, 0]]) | sp.csc_matrix([[0, 1], [1, 0]])
scipy.sparse | 1 | sp.csr_matrix((1, 2)) | sp.csr_matrix((1, 3))
scipy.sparse | 2 | sp.csr_matrix([[1]]) | sp.csr_matrix([[2]])
scipy.sparse | 3 | sp.csr_matrix([[1, 0]]) | sp.csr_matrix([[0, 1]])
scipy.sparse | 4 | sp.csr_matrix([[1, 0], [0, 0]]) | sp.csr_matrix([[0, 0], [1, 0]])
pyarrow.table | 0.0.0.0 | pa.table({'a': [1]}) | pa.table({'b': [1]})
pyarrow.table | 0.0.0.1 | pa.table({'a': zeros('i4')}) | pa.table({'a': zeros('u4')})
pyarrow.table | 0.1 | table | table.replace_schema_metadata({'k': 'v'})
pyarrow.table | 1 | table.select([]) | two_rows.select([])
pyarrow.table | 2 | pa.table({'a': [1]}) | pa.table({'a': [2]})
pyarrow.batch | 2 | batch([1]) | batch([2])
pyarrow.chunked | 0 | pa.chunked_array([zeros('i4')]) | pa.chunked_array([zeros('u4')])
pyarrow.chunked | 1 | pa.chunked_array([[1]]) | pa.chunked_array([[2]])
pyarrow.schema | 0 | pa.schema([('a', 'int32')]) | pa.schema([('a', 'int64')])
pyarrow.schema | 1 | pa.schema([]) | pa.schema([]).with_metadata({'k': 'v'})
pyarrow.field | 0 | pa.field('a', 'int32') | pa.field('b', 'int32')
pyarrow.field | 1 | pa.field('a', 'int32') | pa.field('a', 'int64')
pyarrow.field | 2 | pa.field('a', 'int32') | pa.field('a', 'int32', nullable=False)
pyarrow.field | 3 | pa.field('a', 'int32') | pa.field('a', 'int32', metadata={'k': 'v'})
pyarrow.buffer |  | pa.py_buffer(b'a') | pa.py_buffer(b'b')
pyarrow.array | 0 | pa.array([0], 'int32') | pa.array([0], 'uint32')
pyarrow.array | 1 | pa.array([1]) | pa.array([2])
pyarrow.array | 1.1 | pa.array([0, None]) | pa.array([None, 0])
pyarrow.type |  | pa.int32() | pa.int64()
pyarrow.scalar | 0 | pa.scalar(0, 'int32') | pa.scalar(0, 'uint32')
pyarrow.scalar | 1 | pa.scalar(0) | pa.scalar(1)
polars.frame | 0 | pl.DataFrame(height=1) | pl.DataFrame(height=2)
polars.frame | 1 | pl.DataFrame({'a': [1]}) | pl.DataFrame({'a': [2]})
polars.series | 0 | pl.Series('a', [1]) | pl.Series('b', [1])
polars.series | 2 | pl.Series([1]) | pl.Series([2])
polars.series | 2.0 | pl.Series([0], dtype=pl.Int32) | pl.Series([0], dtype=pl.UInt32)
cellgraph.file | 0 | file('a', 'x') | file('b', 'x')
cellgraph.file | 1 | file('c', 'x') | file('c', 'y')
cellgraph.dir | 0 | folder('d', 'x') | folder('e', 'x')
cellgraph.dir | 1 | folder('f', 'x') | folder('f', 'y')
datasets.dataset | 1 | dataset('g', schema={'a': 'int64'}) | dataset('g', schema={'a': 'string'})
datasets.dataset | 2.0 | dataset('h', 'csv') | dataset('h', 'json')
datasets.dataset | 2.1.0.0 | dataset('i', below='k=1') | dataset('j', below='l=1')
datasets.dataset | 2.2.0.0 | dataset('k', content='x') | dataset('k', content='y')
datasets.dataset | 2.2.0.1 | dataset('l', below='k=1') | dataset('m', below='k=2')
datasets.dataset | 2.2.0.2 | row_groups('n')[0] | row_groups('n')[1]
"""


class Special(np.ndarray[Any, Any]):
    """A user's own array."""


class Other(np.ndarray[Any, Any]):
    """Another one."""


class Frame(pd.DataFrame):
    """A user's own frame."""

    _metadata = ["title"]  # noqa: RUF012  # pandas wants it so


class Frame2(Frame):
    """Another one."""


def at(offsets: list[int], itemsize: int | None = None) -> Any:
    """A structured dtype with two fields at *offsets*."""
    said: Any = {"names": ["a", "b"], "formats": ["i2", "i2"], "offsets": offsets}
    said["itemsize"] = itemsize or 8
    return np.dtype(said)


def matrix(values: list[list[int]], kind: str = "i8") -> Any:
    """A NumPy matrix, without NumPy's advice against it."""
    return np.array(values, kind).view(np.matrix)


def noted(note: int) -> Any:
    """An array of the user's with an attribute."""
    made: Any = np.zeros(1).view(Special)
    made.note = note
    return made


def titled(title: str) -> Any:
    """A frame of the user's with metadata."""
    made: Any = Frame({"a": [1]})
    object.__setattr__(made, "title", title)
    return made


def record(name: str, first: int = 1) -> Any:
    """A record array of two."""
    return np.rec.array([(first,), (2,)], dtype=[(name, "i4")])


def with_attrs(value: Any) -> Any:
    """The frame or series with an attribute."""
    value.attrs["unit"] = "ppm"
    return value


def strict(value: Any) -> Any:
    """The frame or series with a flag."""
    value.flags.allows_duplicate_labels = False
    return value


def levels(codes: list[int]) -> Any:
    """A MultiIndex that takes the values of its first level in this order."""
    return pd.MultiIndex([[1, 2], [3]], [codes, [0, 0]])


def folded(fold: int) -> Any:
    """One of two equal wall clock times in an autumn night."""
    when = dt.datetime(2026, 10, 25, 2, 30, fold=fold)  # noqa: DTZ001  # without a zone
    return pd.Timestamp(when)


def zeros(kind: str) -> Any:
    """An Arrow array of one zero."""
    return pa.array([0], {"i4": pa.int32(), "u4": pa.uint32()}[kind])


def batch(values: list[int]) -> Any:
    """An Arrow record batch."""
    return pa.record_batch({"a": values})


def file(name: str, content: str) -> cg.File:
    """A file in the working directory."""
    pathlib.Path(name).write_text(content)
    found = cg.File(name)
    found.digest  # noqa: B018  # as it is now
    return found


def folder(name: str, content: str) -> cg.Dir:
    """A folder in the working directory."""
    pathlib.Path(name).mkdir(exist_ok=True)
    pathlib.Path(name, "data").write_text(content)
    found = cg.Dir(name)
    found.digest  # noqa: B018  # as it is now
    return found


def dataset(
    name: str,
    format: str = "csv",
    below: str = "",
    content: str = "1",
    schema: dict[str, str] | None = None,
) -> cg.Dataset:
    """A dataset of one shard in the folder *name*, or in one *below* it."""
    pathlib.Path(name, below).mkdir(parents=True, exist_ok=True)
    pathlib.Path(name, below, "part").write_text(content)
    return cg.Dataset(name, format, schema=schema)


def row_groups(name: str) -> list[cg.Dataset]:
    """The two row groups of one file of equal rows."""
    pathlib.Path(name).mkdir(exist_ok=True)
    write: Any = pq.write_table  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]  # its types are partly unknown
    write(pa.table({"a": [1, 1]}), f"{name}/part.parquet", row_group_size=1)
    return cg.Dataset(name).split(2)


_NAMES: Final[dict[str, Any]] = {
    **{f.__name__: f for f in (at, noted, titled, record, with_attrs, strict, levels, folded)},
    **{f.__name__: f for f in (matrix, zeros, batch, file, folder, dataset, row_groups)},
    **{f.__name__: f for f in (Special, Other, Frame, Frame2)},
    "D": decimal.Decimal, "F": fractions.Fraction, "Path": pathlib.Path, "c": collections,
    "days": pd.date_range("2026", periods=3), "dt": dt, "masked": np.ma.array, "np": np, "pa": pa,
    "pathlib": pathlib, "pd": pd, "pl": pl, "sp": sp, "table": pa.table({"a": [1]}),
    "two_rows": pa.table({"a": [1, 2]}),
    "types": types, "uuid": uuid, "zoneinfo": zoneinfo,
}  # fmt: skip


class Component(NamedTuple):
    """A place in the state of a kind, and two values that differ in it alone."""

    kind: str
    place: tuple[int, ...]
    text: str

    def values(self) -> Iterator[Any]:
        """Make one value, then the other: files have one content at a time."""
        for one in self.text.split(" | "):
            yield eval(one, dict(_NAMES))


def _component(line: str) -> Component:
    kind, place, text = (part.strip() for part in line.split("|", 2))
    return Component(kind, tuple(int(at) for at in place.split(".") if at), text)


COMPONENTS: Final = [_component(line) for line in ROWS.strip().splitlines()]
