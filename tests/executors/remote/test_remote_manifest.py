"""A child reads its own part, verified, in one or two requests."""

import pytest

from cellgraph.digest import digest
from cellgraph.errors import ExecutorError
from cellgraph.stores.s3.bundle import Place
from cellgraph_executors.remote.manifest import FIRST_BYTES, CallEntry, build, read

CODE = Place(digest(b"code"), b"", 0, 100)


class Source:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.requests: list[tuple[int, int]] = []

    def get(self, start: int, length: int) -> bytes:
        self.requests.append((start, length))
        return self.data[start : start + length]


def entry(number: int, size: int = 40) -> CallEntry:
    key = digest(str(number).encode())
    return CallEntry(key, bytes([number % 256]) * size, (Place(key, b"p" * 32, 1, 2),))


def test_one_request_for_a_small_manifest() -> None:
    data, name = build("a1", "align", CODE, [entry(i) for i in range(20)], 1, 2.5)
    for child in (0, 7, 19):
        source = Source(data)
        head, calls = read(source.get, name, child)
        assert calls == [entry(child)]
        assert (head.array, head.task, head.code) == ("a1", "align", CODE)
        assert head.timeout_s == 2.5
        assert len(source.requests) == 1


@pytest.mark.parametrize("size", [40, 3000])
def test_two_or_three_requests_and_few_bytes_for_ten_thousand_children(size: int) -> None:
    data, name = build("a1", "align", CODE, [entry(i, size) for i in range(10_000)], 1)
    for child in (0, 5_000, 9_999):
        source = Source(data)
        _, calls = read(source.get, name, child)
        assert calls == [entry(child, size)]
        assert len(source.requests) <= 3
        assert sum(length for _, length in source.requests) < 8 * FIRST_BYTES < len(data)


def test_several_calls_in_a_child_and_fewer_in_the_last() -> None:
    data, name = build("a1", "align", CODE, [entry(i) for i in range(25)], 10)
    source = Source(data)
    assert read(source.get, name, 1)[1] == [entry(i) for i in range(10, 20)]
    assert read(source.get, name, 2)[1] == [entry(i) for i in range(20, 25)]
    with pytest.raises(ExecutorError, match="no child 3"):
        read(source.get, name, 3)


def test_every_byte_that_is_used_is_verified() -> None:
    """A manifest is named by a digest: whoever can write to the bucket cannot change a call."""
    data, name = build("a1", "align", CODE, [entry(i) for i in range(3)], 1)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        for child in range(3):
            try:
                head, calls = read(Source(changed).get, name, child)
            except ExecutorError:
                continue
            assert (head.task, calls) == ("align", [entry(child)])
    other, _ = build("a1", "align", CODE, [entry(9)], 1)
    with pytest.raises(ExecutorError, match="not the one that was submitted"):
        read(Source(other).get, name, 0)
    with pytest.raises(ExecutorError, match="too short"):
        read(Source(b"").get, name, 0)
