"""A value read back equals the value returned: type, dtypes, index, attributes, writeability."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, is_a

VALUES = {
    "int": "7",
    "big int": "2**200",
    "negative zero": "-0.0",
    "nan": "float('nan')",
    "inf in a list": "[float('inf'), True, None, 1j]",
    "text": "'naïve \\ud800'",
    "bytes": "b'abc'",
    "bytearray": "bytearray(b'abc')",
    "list of tuples": "[(1, 'a'), (2, [])]",
    "nested dict": "{1: {'a': (1,)}, 'b': {2.5: {3}}, None: frozenset([1])}",
    "ordered dict": "collections.OrderedDict(b=1, a=2)",
    "defaultdict": "collections.defaultdict(int, a=1)",
    "counter": "collections.Counter('abca')",
    "deque": "collections.deque([1, 2], maxlen=3)",
    "named tuple": "Pair(1, [2])",
    "dataclass": "Box([1], {'k': np.arange(3)})",
    "object": "Plain()",
    "enum": "Colour.RED",
    "decimal": "decimal.Decimal('1.10')",
    "fraction": "fractions.Fraction(1, 3)",
    "datetime": "datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)",
    "timedelta": "datetime.timedelta(days=1, microseconds=3)",
    "path": "pathlib.Path('data/raw.csv')",
    "uuid": "uuid.UUID(int=5)",
    "range": "range(1, 10, 3)",
    "slice": "slice(1, None, 2)",
    "complex": "1 + 2j",
    "class": "Box",
    "task": "echo",
    "numpy scalar": "np.float32(1.5)",
    "numpy bool": "np.bool_(True)",
    "numpy datetime": "np.datetime64('2026-03-01T00', 'h')",
    "array": "np.arange(6, dtype='int16').reshape(2, 3)",
    "fortran array": "np.asfortranarray(np.ones((3, 4)))",
    "empty array": "np.empty((0, 3), dtype='float32')",
    "zero-dimensional array": "np.array(5)",
    "big array": "np.linspace(0, 1, 10_000)",
    "strided array": "np.arange(100)[::7]",
    "big-endian array": "np.arange(5, dtype='>i4')",
    "read-only array": "read_only(np.arange(5))",
    "text array": "np.array(['a', 'bcd'])",
    "object array": "np.array([1, 'a', None], dtype=object)",
    "structured array": "np.array([(1, 2.0)], dtype=[('x', 'i4'), ('y', 'f8')])",
    "masked array": "np.ma.masked_array([1, 2, 3], mask=[0, 1, 0])",
    "datetime array": "np.array(['2026-01-01', 'NaT'], dtype='datetime64[ns]')",
    "frame": "pd.DataFrame({'a': [1, 2], 'b': ['x', None]}, index=pd.Index([5, 7], name='k'))",
    "empty frame": "pd.DataFrame()",
    "frame without rows": "pd.DataFrame({'a': pd.Series([], dtype='int8')})",
    "frame with attributes": "with_attrs(pd.DataFrame({'a': [1]}))",
    "frame of many dtypes": """pd.DataFrame({
        'i8': np.array([1, 2], 'int8'), 'f4': np.array([1, 2], 'float32'),
        'cat': pd.Categorical(['b', 'a'], categories=['b', 'a', 'c'], ordered=True),
        'when': pd.to_datetime(['2026-01-01', None]).tz_localize('Europe/Paris'),
        'nullable': pd.array([1, None], dtype='Int64'), 'flag': pd.array([True, None], 'boolean'),
        'string': pd.array(['x', None], dtype='string'), 'delta': pd.to_timedelta([1, 2], 's'),
        'period': pd.period_range('2026-01', periods=2, freq='M'), 'objects': [[1], {'a': 2}]})""",
    "frame with a multi-index": """pd.DataFrame(
        np.arange(4).reshape(2, 2), columns=pd.MultiIndex.from_tuples([('a', 1), ('a', 2)]),
        index=pd.MultiIndex.from_product([['u'], [1, 2]], names=['n', None]))""",
    "frame with odd column names": "pd.DataFrame([[1, 2, 3]], columns=[1, 'x', None])",
    "frame with twin columns": "pd.DataFrame([[1, 2]], columns=['a', 'a'])",
    "frame with a range index": "pd.DataFrame({'a': range(3)}, index=pd.RangeIndex(10, 40, 10))",
    "frame by days": "pd.DataFrame({'a': range(3)}, index=pd.date_range('2026', periods=3))",
    "big frame": "pd.DataFrame({'a': np.arange(9_000), 'b': np.arange(9_000) % 7 * 0.5})",
    "series": "pd.Series([1, 2], index=['a', 'b'], name=('n', 1), dtype='int32')",
    "series of text": "pd.Series(['a', None, 'c'], dtype=object)",
    "index": "pd.Index(['a', 'b'], name='k')",
    "datetime index": "pd.date_range('2026-01-01', periods=3, freq='D', tz='UTC')",
    "timestamp": "pd.Timestamp('2026-01-01', tz='UTC')",
    "pandas NA": "[pd.NA, pd.NaT]",
    "arrow table": "pa.table({'a': pa.array([1, None], pa.int16()), 'b': [['x'], []]})",
    "arrow array": "pa.array(['a', 'b', 'a']).dictionary_encode()",
    "dict of frames and arrays": "{'f': pd.DataFrame({'a': [1.5]}), 'a': [np.arange(3), 'text']}",
}

CELL = """
import collections, datetime, decimal, enum, fractions, pathlib, uuid
from dataclasses import dataclass, field
import numpy as np
import pandas as pd
import pyarrow as pa

Pair = collections.namedtuple("Pair", "left right")

@dataclass
class Box:
    items: list
    table: dict = field(default_factory=dict)

class Plain:
    def __init__(self):
        self.items = [1, {"a": np.arange(2)}]

class Colour(enum.Enum):
    RED = "red"

@cg.task
def echo(x):
    return x

def read_only(array):
    array.flags.writeable = False
    return array

def with_attrs(frame):
    frame.attrs["unit"] = {"a": "m"}
    frame.flags.allows_duplicate_labels = False
    return frame
"""


def portrait(value: Any) -> Any:
    """Everything about a value that a program could notice, as plain comparable data."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if is_a(value, np.ndarray) and not is_a(value, np.ma.MaskedArray):
        items = [portrait(v) for v in value.ravel()] if value.dtype == object else value.tobytes()
        return kind, value.dtype.str, repr(value.dtype), value.shape, items
    if is_a(value, pd.DataFrame):
        columns = [(repr(value.iloc[:, i].dtype), portrait(value.iloc[:, i].array.to_numpy(object)))
                   for i in range(value.shape[1])]  # fmt: skip
        about = (value.attrs, value.flags.allows_duplicate_labels)
        return kind, portrait(value.columns), portrait(value.index), columns, about
    if is_a(value, pd.Series):
        return kind, value.name, repr(value.dtype), portrait(value.index), value.tolist().__repr__()
    if is_a(value, pd.Index):
        names = [repr(n) for n in value.names]
        return kind, names, repr(value.dtype), repr(value), getattr(value, "freqstr", None)
    if is_a(value, dict):
        return kind, [(portrait(k), portrait(v)) for k, v in value.items()]
    if is_a(value, set, frozenset):
        return kind, sorted(map(repr, value))
    if is_a(value, list, tuple):
        return kind, [portrait(v) for v in value]
    if kind.startswith("__main__.") and hasattr(value, "__dict__") and not is_a(value, type):
        return kind, portrait(vars(value))
    if is_a(value, np.generic):
        return kind, repr(value.dtype), value.tobytes()
    if kind.startswith("pyarrow"):
        return kind, str(getattr(value, "schema", None) or value.type), value.to_pylist()
    return kind, repr(value)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_cold_equals_warm(lab: Lab, nb: Notebook, executor: str) -> None:
    nb.run(CELL)
    for number, source in enumerate(VALUES.values()):
        nb.run(f"""
@cg.task(executor="{executor}")
def make_{number}():
    tick("make")
    return {source}
""")
    lazy = [nb[f"make_{number}"]() for number in range(len(VALUES))]
    plain = [nb[f"make_{number}"].func() for number in range(len(VALUES))]
    lab.ran()
    cold = lab.run(lazy, fail="keep")
    assert lab.ran() == {"make": len(VALUES)}
    warm = lab.run(lazy, fail="keep")
    assert lab.ran() == {}
    wrong = [
        f"{name}: {what}\n  {portrait(found)}\n  {portrait(expected)}"
        for name, expected, *both in zip(VALUES, plain, cold, warm, strict=True)
        for what, found in zip(("cold", "warm"), both, strict=True)
        if portrait(found) != portrait(expected)
    ]
    assert not wrong, "\n".join(wrong)
    for name, one, other in zip(VALUES, cold, warm, strict=True):
        if isinstance(one, np.ndarray):
            assert one.flags.writeable == other.flags.writeable, name
            assert one.flags.writeable, f"{name}: whoever asks for a value owns it"


def test_an_argument_equals_what_was_passed(lab: Lab, nb: Notebook) -> None:
    """What a consumer receives is what the producer returned, also when it comes from the store."""
    nb.run(CELL)
    nb.run(f"VALUES = {{{', '.join(f'{name!r}: lambda: {v}' for name, v in VALUES.items())}}}")
    nb.module.__dict__["portrait"] = portrait
    nb.run("""
        @cg.task(version="1")
        def make(name):
            tick("make")
            return VALUES[name]()

        @cg.task(version="1")
        def look(value):
            tick("look")
            return repr(portrait(value))
    """)
    expected = {name: repr(portrait(nb["VALUES"][name]())) for name in VALUES}
    lab.run({name: nb["make"](name) for name in VALUES}, fail="keep")
    lab.ran()
    found = lab.run({name: nb["look"](nb["make"](name)) for name in VALUES}, fail="keep")
    assert {n: (found[n], expected[n]) for n in VALUES if found[n] != expected[n]} == {}
    assert lab.ran() == {"look": len(VALUES)}
    given = lab.run({name: nb["look"](nb["VALUES"][name]()) for name in VALUES}, fail="keep")
    assert {n: (given[n], expected[n]) for n in VALUES if given[n] != expected[n]} == {}
    assert lab.ran() == {}, "a value of the caller and an equal one from the store are one argument"
