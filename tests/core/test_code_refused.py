"""Values of somebody whom nobody vouches for: data is read, and nothing that could run code."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import CodecError, Untrusted
from cellgraph.identity.tables import Raw
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.identity.wire import length
from cellgraph.testing.codec_contract import CodecContract

MODULES = "numpy pandas arrow polars scipy stdlib register".split()
# Of users, or of libraries that take what they are given on trust.
REFUSED = {"TestSparse", "TestLabelled"}


def contracts() -> list[Any]:
    """The contract classes of the tests of codecs."""
    found: list[Any] = []
    for name in MODULES:
        module = importlib.import_module(f"tests.core.test_codec_{name}")
        found += [
            pytest.param(c, id=f"{name}-{c.__name__}")
            for c in vars(module).values()
            if isinstance(c, type) and issubclass(c, CodecContract) and c is not CodecContract
        ]
    return found


@pytest.mark.parametrize("contract", contracts())
def test_each_example_is_the_same_value_or_refused_by_name(contract: type[CodecContract]) -> None:
    read = 0
    refused: set[str] = set()
    for value in contract().examples():
        ref, payload = snapshot(value)
        try:
            found = restore(payload, code=False)
        except Untrusted as error:
            refused.add(str(error).partition(", which can run code")[0])
            continue
        read += 1
        assert type(found) is type(value)
        assert reference(found) == ref
    assert all(said.startswith("a stored value needs ") for said in refused)
    assert bool(read) == (contract.__name__ not in REFUSED)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "x", None, b"y"], "b": (True, {3})},
        np.arange(5000.0),
        np.array(["a", None, 3], object),
        pd.DataFrame({"n": [1, 2], "t": ["x", None], "c": pd.Categorical(["u", "v"])}),
        pd.Series(pd.date_range("2020", periods=3, tz="Europe/Berlin")),
        pa.table({"a": [1, None], "b": [["x"], []]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_data_is_read(value: object) -> None:
    ref, payload = snapshot(value)
    assert reference(restore(payload, code=False)) == ref


# --- what is not what it says -------------------------------------------------------------------


def kind(name: str, state: object) -> Payload:
    """A stored value of the kind *name* with any state."""
    payload = snapshot(state)[1]
    text = name.encode()
    head = b"x" + length(len(text)) + text + length(1) + b"g\x01" + payload.head
    return Payload(head, payload.buffers)


def raw(data: bytes) -> Raw:
    return Raw(data, stable=True)


FORGED: dict[str, Callable[[], Payload]] = {
    "a length of a thousand bytes": lambda: Payload(b"s" + b"\xff" * 1_000_000),
    "a list of 2**40 gaps": lambda: Payload(b"[0" + length(1 << 40)),
    "a text of 2**60 bytes": lambda: Payload(b"s" + length(1 << 60) + b"x"),
    "a list of 2**60 parts": lambda: Payload(b"[g" + length(1 << 60) + b"N"),
    "a buffer that is not there": lambda: Payload(b"b" + length(5000) + b"\x07"),
    "a buffer of another size": lambda: Payload(
        b"b" + length(5000) + b"\x00", (Buffer.of(bytes(4000)),)
    ),
    "lists in lists, a hundred thousand deep": lambda: Payload(b"[g\x01" * 100_000 + b"N"),
    "a part that refers to itself": lambda: Payload(b"~(g\x01@\x00"),
    "a part that is not there": lambda: Payload(b"~[g\x01@\x63"),
    "an unknown tag": lambda: Payload(b"\xfe"),
    "no bytes": lambda: Payload(b""),
    "an array of 2**40 numbers in none": lambda: kind("numpy.array", ("<f8", (1 << 40,), raw(b""))),
    "an array of 2**40 objects in one": lambda: kind("numpy.array", ("|O", (1 << 40,), [1])),
    "objects over raw memory": lambda: kind("numpy.array", ("|O", (1,), raw(bytes(8)))),
    "a dtype that is code": lambda: kind("numpy.array", ("__import__('os')", (1,), raw(b"x"))),
    "Arrow numbers beyond their buffer": lambda: kind(
        "pyarrow.array", ("int64", (1 << 30, None, raw(bytes(8))))
    ),
    "Arrow text with offsets beyond its data": lambda: kind(
        "pyarrow.array",
        ("string", (2, None, raw(np.array([0, 5, 1 << 30], "i4").tobytes()), raw(b"hello"))),
    ),
    "Arrow text with negative offsets": lambda: kind(
        "pyarrow.array",
        ("string", (1, None, raw(np.array([-9, 5], "i4").tobytes()), raw(b"hello"))),
    ),
    "Arrow views over bad text": lambda: kind(
        "pyarrow.array",
        ("string_view", (1, None, raw(np.array([0, 1 << 40], "i8").tobytes()), raw(b"hello"))),
    ),
    "Arrow lists of 2**30 that are null": lambda: kind(
        "pyarrow.array",
        (
            ("fixed_size_list", ("item", "int64", True, None), 1 << 30),
            (8, raw(b"\x00"), (0, None, raw(b""))),
        ),
    ),
    "an Arrow dictionary beyond its values": lambda: kind(
        "pyarrow.array",
        (
            ("dictionary", "int32", "int64", False),
            ((1, None, raw(np.array([77], "i4").tobytes())), (1, None, raw(bytes(8)))),
        ),
    ),
    "categories that are not there": lambda: kind(
        "pandas.array",
        (
            "categorical",
            "|i1",
            raw(bytes([100])),
            ("index", ("object", ["a"]), None, None),
            False,
        ),
    ),
    "an index of levels that are not there": lambda: kind(
        "pandas.index",
        (
            "multi",
            (("index", ("object", ["a"]), None, None),),
            (("<i8", (1,), raw(np.array([99]).tobytes())),),
            ("x",),
        ),
    ),
    "a frame whose columns have no place": lambda: kind(
        "pandas.frame",
        (
            ("range", 0, 1, 1, None),
            ("index", ("object", ["a"]), None, None),
            (("<f8", [7], raw(bytes(8))),),
            (),
            None,
            True,
        ),
    ),
    "a polars column of another attribute": lambda: kind(
        "polars.series", ("x", "elements", "read_csv", ["/etc/passwd"])
    ),
    "a path with a NUL": lambda: kind("cellgraph.file", (7, b"")),
    "a time zone outside its folder": lambda: kind("std.zoneinfo", "../../../etc/passwd"),
    "a kind of nobody": lambda: kind("evil.package", 1),
    "a kind of a user": lambda: kind("+geo.point", (1, 2)),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_forged_bytes_are_an_error_and_nothing_else(forged: Callable[[], Payload]) -> None:
    with pytest.raises(CodecError):
        restore(forged(), code=False)


_BOUNDED = """
import resource, sys
sys.path[:0] = {path!r}
from tests.core.test_code_refused import FORGED
from cellgraph.errors import CodecError
from cellgraph.identity.values import restore
for name in FORGED:  # what they import is loaded before
    try:
        restore(FORGED[name](), code=False)
    except CodecError:
        pass
resource.setrlimit(resource.RLIMIT_AS, (sum(map(int, open("/proc/self/statm").read().split()[:1])) *
    resource.getpagesize() + (256 << 20),) * 2)
for name in FORGED:
    try:
        restore(FORGED[name](), code=False)
    except CodecError as error:
        assert "MemoryError" not in str(error), name
print("done")
"""


def test_forged_lengths_take_no_memory() -> None:
    """Within 256 MB above what the libraries take."""
    program = _BOUNDED.format(path=[p for p in sys.path if p])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr
