"""Cold equals warm: what comes back from a payload is what went in."""

import copy
import math
import subprocess
import sys
from typing import Any

import pytest

from cellgraph.codecs.payload import Payload
from cellgraph.errors import CodecError
from cellgraph.identity.copying import private_copy
from cellgraph.identity.values import ENCODING, Referenced, reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract, writable

VALUES: list[Any] = [
    None, True, 0, -1, 2**63, -(2**100), 2**20000, 1.5, -0.0, float("inf"), 1 + 2j, "", "x" * 5000,
    "\ud800 lone", b"", b"x" * 5000, bytearray(b"abc"), bytearray(b"y" * 5000),
    [], (), {}, set(), frozenset(), [1, "a", None], (1, (2, (3,))), {"a": {"b": [1]}}, {1, 2, 3},
    frozenset({"a", (1, 2)}), list(range(1000)), [i / 3 for i in range(1000)],
    [str(i) for i in range(1000)], [b"%d" % i for i in range(1000)], [True, False] * 500,
    [None] * 1000, [None, 1] * 500, [None, "a"] * 500, ["a\0b"] * 500, [2**70] * 500,
    {f"k{i}": i for i in range(1000)}, set(range(1000)), {f"k{i}" for i in range(1000)},
    [[i, str(i), {"x": i}] for i in range(300)], {("a" * 2000, i) for i in range(20)},
    {"big": "x" * 3000, "more": ["y" * 3000, b"z" * 3000]}, [["same"] * 9] * 3,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal(value: Any) -> None:
    ref, payload = snapshot(value)
    for stored in (payload, writable(payload)):
        found = restore(stored)
        assert type(found) is type(value)
        assert found == value
        assert reference(found) == ref == reference(value)


def test_nan_and_signed_zero_come_back() -> None:
    found: Any = restore(snapshot([math.nan, -0.0, [math.nan] * 9, [-0.0] * 9])[1])
    assert math.isnan(found[0])
    assert math.copysign(1, found[1]) == math.copysign(1, found[3][0]) == -1
    assert all(map(math.isnan, found[2]))


def test_types_inside_come_back() -> None:
    value: list[Any] = [1, True, 1.0] * 10
    found: Any = restore(snapshot(value)[1])
    assert list(map(type, found)) == list(map(type, value))


def test_a_small_value_is_encoded_once() -> None:
    ref, payload = snapshot({"a": [1, 2], "b": "text"})
    assert payload == Payload(ref)


def test_a_large_part_is_hashed_once() -> None:
    text = "x" * 100_000
    ref, payload = snapshot([text])
    assert [b.data.nbytes for b in payload.buffers] == [100_000]
    assert payload.buffers[0].digest in ref
    assert payload.buffers[0].data.readonly


def test_equal_buffers_are_stored_once_and_read_apart() -> None:
    value = [bytearray(b"x" * 5000), bytearray(b"x" * 5000)]
    _, payload = snapshot(value)
    assert len(payload.buffers) == 1
    first: Any = restore(writable(payload))
    first[0][0] = 0
    assert first[1] == value[1]


# --- sharing, cycles, depth -------------------------------------------------------------------


def test_one_object_referred_to_twice_stays_one() -> None:
    inner: list[Any] = [1]
    value: dict[str, Any] = {"a": inner, "b": [inner, (inner,)]}
    copies: list[Any] = [restore(snapshot(value)[1]), private_copy(value)]
    for found in copies:
        assert found == value
        assert found["a"] is found["b"][0] is found["b"][1][0]
        assert found["a"] is not inner


def test_cycles_come_back() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    table: dict[str, Any] = {"loop": loop}
    table["self"] = table
    copies: list[Any] = [restore(snapshot(table)[1]), private_copy(table)]
    for found in copies:
        assert found["self"] is found
        assert found["loop"][1] is found["loop"]
        assert reference(found) == reference(table) == snapshot(table)[0]


def test_a_cycle_is_named_alike_wherever_it_lies() -> None:
    def loop() -> list[Any]:
        made: list[Any] = [1, [2, 3]]
        made.append({"back": made})
        return made

    class Held(Referenced):
        __slots__ = ()

    held = Held()
    held.ref = reference(loop())
    assert reference([loop(), loop()]) == reference([held, held])
    shared = loop()
    assert reference([shared, shared]) == reference([held, held])


def test_a_tuple_inside_itself_comes_back() -> None:
    parts: list[Any] = [1]
    value = (parts,)
    parts.append(value)
    ref, payload = snapshot(value)
    found: Any = restore(payload)
    assert found[0][1] is found
    assert reference(found) == ref


@pytest.mark.parametrize(
    "depth", [15, 16, 17, 18, 40, 20_000, pytest.param(100_000, marks=pytest.mark.slow)]
)
def test_depth_has_no_limit(depth: int) -> None:
    value: Any = ["bottom", 1.5]
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    ref, payload = snapshot(value)
    assert reference(value) == ref
    found: Any = restore(payload)
    assert reference(found) == ref == reference(private_copy(value))
    for level in reversed(range(depth)):
        found = found[0] if level % 2 else found["k"]
    assert found == ["bottom", 1.5]


def test_quick_and_explicit_walk_agree() -> None:
    """The same part has one identity at any depth."""

    class Held(Referenced):
        __slots__ = ()

    part: Any = {
        "a": [1, {"b": (2, frozenset({"x", "y"}))}],
        "big": list(range(500)),
        "s": "t" * 999,
    }
    held = Held()
    held.ref = reference(part)
    plain: Any = part
    standing: Any = held
    for _ in range(30):
        plain, standing = [plain], [standing]
    assert reference(plain) == reference(standing) == snapshot(plain)[0]


def test_parts_shared_many_times_cost_one_look() -> None:
    value: Any = ["leaf"]
    for _ in range(200):
        value = [value, value]
    ref, payload = snapshot(value)
    found: Any = restore(payload)
    assert found[0] is found[1]
    assert reference(found) == ref


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [b"", b"s\x09abc", b"[g\x05N", b"NN", b"\xff", b"x\x04what\x01N", b"~@\x00", b"[q\x08\x40ab"],
)
def test_damaged_bytes_are_a_clear_error(head: bytes) -> None:
    with pytest.raises(CodecError):
        restore(Payload(head))


def test_a_missing_buffer_is_a_clear_error() -> None:
    _, payload = snapshot("x" * 5000)
    with pytest.raises(CodecError):
        restore(Payload(payload.head))


def test_a_reference_cannot_be_stored() -> None:
    held = Referenced()
    held.ref = b"N"
    with pytest.raises(CodecError, match="reference to a result"):
        snapshot([held])


def test_loading_is_light() -> None:
    """The hot path needs the standard library and blake3, nothing else."""
    program = (
        "import sys; from cellgraph.identity.values import reference, snapshot, restore\n"
        "restore(snapshot({'a': [1, (2.5, 'x')], 'b': {1, 2}})[1])\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'msgspec', 'cloudpickle', 'decimal', 'zoneinfo'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_name_of_the_encoding() -> None:
    assert ENCODING == "cellgraph.values.1"


class TestContainers(CodecContract):
    """The shipped contract, on the built-in types."""

    def examples(self) -> list[Any]:
        return [v for v in copy.deepcopy(VALUES) if type(v) is not complex]
