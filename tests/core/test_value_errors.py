"""Values without content are refused by path and name, and nothing is consumed."""

import io
import itertools
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellgraph.errors import IdentityError
from cellgraph.identity.values import reference, restore, snapshot


def _nothing() -> Iterator[int]:
    yield from ()


class Holder:
    def __init__(self, part: Any) -> None:
        self.part = part


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (iter([1]), r"value is an iterator \(list_iterator\): pass list"),
        (_nothing(), r"value is a generator: pass list\(\.\.\.\) instead"),
        (map(str, [1]), r"value is an iterator \(map\)"),
        (zip([1], [2], strict=True), r"iterator \(zip\)"),
        (itertools.count(), r"iterator \(count\)"),
        ({"x": [0, 1, 2, _nothing()]}, r"value\['x'\]\[3\] is a generator"),
        ([{"a": {1: (io, 2)}}], r"value\[0\]\['a'\]\[1\]\[0\] is the module io: import it"),
        (Holder([threading.Lock()]), r"value\.part\[0\] is a lock: make it inside the task"),
        (threading.RLock(), r"value is a lock"),
        (threading.Event(), r"value is an Event"),
        ([memoryview(b"a")], r"value\[0\] is a memoryview: pass bytes"),
        (threading.Thread(target=print), r"value is a thread"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_refused_with_its_path(value: Any, message: str) -> None:
    for look in (reference, snapshot):
        with pytest.raises(IdentityError, match=message):
            look(value)


def test_handles_are_refused(tmp_path: Path) -> None:
    with (
        socket.socket() as connection,
        (tmp_path / "f").open("w") as file,
        sqlite3.connect(":memory:") as database,
    ):
        for handle, what in ((connection, "socket"), (file, "open file"), (database, "Connection")):
            with pytest.raises(IdentityError, match=rf"value\[1\] is an? .*{what}"):
                reference([0, handle])
    database.close()


def test_nothing_is_consumed() -> None:
    numbers = iter([1, 2, 3])
    with pytest.raises(IdentityError):
        reference({"n": numbers})
    assert list(numbers) == [1, 2, 3]


def test_a_part_deep_down_is_found() -> None:
    value: Any = _nothing()
    for _ in range(1000):
        value = [value]
    with pytest.raises(IdentityError, match=r"value(\[0\]){1000} is a generator"):
        reference(value)


def test_in_frames_and_arrays() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "x": pd.Series([0, iter(())], dtype=object)})
    with pytest.raises(IdentityError, match=r"value\['df'\]\['x'\]\[1\] is an iterator"):
        reference({"df": frame})
    array = np.empty((2, 2), object)
    array[1, 0] = threading.Lock()
    with pytest.raises(IdentityError, match=r"value\[1, 0\] is a lock"):
        snapshot(array)


def test_a_type_that_refuses_to_say_is_named() -> None:
    class Closed:
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise RuntimeError("no")

    with pytest.raises(IdentityError, match=r"value\[0\] is a .*Closed, which has no content.*no"):
        reference([Closed()])


def test_files_in_memory_have_content() -> None:
    buffer = io.BytesIO(b"abc")
    buffer.read(1)
    found: Any = restore(snapshot(buffer)[1])
    assert (found.tell(), found.getvalue()) == (1, b"abc")
    assert reference(buffer) != reference(io.BytesIO(b"abc"))
