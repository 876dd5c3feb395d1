"""`register_value`: a type of one's own, its version, and what an unknown tag says."""

import subprocess
import sys
from typing import Any

import pytest

from cellgraph.codecs.payload import Payload
from cellgraph.errors import CodecError, ConfigError
from cellgraph.identity.copying import private_copy
from cellgraph.identity.registry import register_value
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract


class Sparse:
    """A vector that keeps a cache nobody should see."""

    def __init__(self, size: int, points: dict[int, float]) -> None:
        self.size = size
        self.points = points
        self.cache: object = lambda: points

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sparse) and (self.size, self.points) == (other.size, other.points)

    __hash__ = None  # type: ignore[assignment]  # it can change


class Labelled:
    """Its label is for people and does not count."""

    def __init__(self, x: Any, label: str = "") -> None:
        self.x = x
        self.label = label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labelled) and self.x == other.x

    __hash__ = None  # type: ignore[assignment]  # as above


register_value(
    Sparse,
    tag="tests.sparse",
    version=1,
    encode=lambda v: (v.size, sorted(v.points.items())),
    decode=lambda s: Sparse(s[0], dict(s[1])),
)
register_value(
    Labelled,
    tag="tests.labelled",
    version=3,
    encode=lambda v: {"x": v.x, "label": v.label},
    decode=lambda s: Labelled(**s),
    identity=lambda v: v.x,
)


class TestSparse(CodecContract):
    def examples(self) -> list[Any]:
        return [Sparse(3, {}), Sparse(4, {}), Sparse(3, {1: 0.5}), Sparse(3, {1: 0.5, 2: 1.0})]

    def change(self, value: Any) -> bool:
        value.points[0] = 1.0
        return True


class TestLabelled(CodecContract):
    def examples(self) -> list[Any]:
        return [Labelled(1), Labelled([1, "x" * 3000], "big"), Labelled({"k": (1,)}, "c")]

    def change(self, value: Any) -> bool:
        value.x = None
        return True


def test_identity_can_leave_something_out() -> None:
    assert reference(Labelled(1, "a")) == reference(Labelled(1, "b"))
    found: Any = restore(snapshot([Labelled(1, "a")] * 2 + [Labelled(1, "a")])[1])
    assert [v.label for v in found] == ["a", "a", "a"]
    assert found[0] is found[1] is not found[2]


def test_deep_states_are_stored() -> None:
    value: Any = []
    for _ in range(50):
        value = [value]
    found: Any = restore(snapshot(Labelled(value, "a"))[1])
    assert found == Labelled(value, "a")
    assert private_copy([found]) == [found]


def test_the_version_is_part_of_the_identity() -> None:
    class Versioned:
        pass

    names: list[bytes] = []
    for version in (1, 2):
        register_value(
            Versioned,
            tag="tests.versioned",
            version=version,
            encode=lambda v: 0,
            decode=lambda s: s,
        )
        ref, payload = snapshot(Versioned())
        names.append(ref)
    assert names[0] != names[1]
    old = Payload(payload.head.replace(b"versioned\x02", b"versioned\x01"))
    with pytest.raises(CodecError, match=r"tests.versioned has version 1.*version 2"):
        restore(old)


def test_a_tag_belongs_to_one_type() -> None:
    with pytest.raises(ConfigError, match=r"stands for .*Sparse already"):
        register_value(Labelled, tag="tests.sparse", version=1, encode=str, decode=str)
    with pytest.raises(ConfigError, match="needs a tag"):
        register_value(Labelled, tag="", version=1, encode=str, decode=str)
    with pytest.raises(ConfigError, match="encoded by Cellgraph itself"):
        register_value(list, tag="tests.list", version=1, encode=str, decode=str)


def test_an_unknown_tag_says_what_to_import() -> None:
    _, payload = snapshot(Sparse(3, {1: 0.5}))
    program = (
        "from cellgraph.codecs.payload import Payload\n"
        "from cellgraph.identity.values import restore\n"
        f"restore(Payload({payload.head!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "CodecError" in done.stderr
    assert "import the module that registers 'tests.sparse'" in done.stderr
