"""Mutation test of the identity of values: without any one component, two values become one.

With all components the two values of a row have different identities; with one component removed
from what our code states they must have one.
"""

import enum
import importlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.core.value_components import COMPONENTS, Component

from cellgraph.identity.containers import body
from cellgraph.identity.tables import Kind, encoders, splitters
from cellgraph.identity.values import reference
from cellgraph.identity.wire import Pass

# The test reaches into them; what it replaces is nobody's interface.
kinds: Any = importlib.import_module("cellgraph.identity.kinds")
instances: Any = importlib.import_module("cellgraph.identity.instances")

# Places that vary with others only: they say in which form the rest is stated.
FORMS: Final = frozenset(
    {
        ("numpy.void", 1), ("pandas.index", 0), ("pandas.array", 0), ("polars.series", 1),
        ("pyarrow.batch", 0), ("pyarrow.batch", 1), ("numpy.dtype", 0),
        ("datasets.dataset", 0),
    }
)  # fmt: skip
# They refuse their values, or have none that a name could tell apart.
NO_CONTENT: Final = frozenset(
    {
        "polars.lazyframe", "pandas.nat", "pandas.na", "std.ellipsis", "std.notimplemented",
        "std.windowspath", "numpy.subclass.pickled",
    }
)  # fmt: skip


def without(kind: Kind, place: tuple[int, ...]) -> Kind:
    """The kind with one component of its identity gone."""
    said = kind.identity or kind.encode

    def identity(value: object) -> object:
        return removed(said(value), place)

    return replace(kind, identity=identity)


def removed(state: Any, place: tuple[int, ...]) -> Any:
    if not place:
        return None
    parts: list[Any] = list(state) if type(state) in (tuple, list) else []
    if len(parts) <= place[0]:
        return state
    parts[place[0]] = removed(parts[place[0]], place[1:])
    return tuple(parts)


def mutate(patch: pytest.MonkeyPatch, name: str, place: tuple[int, ...]) -> None:
    """Remove a component of the kind *name* wherever a value is encoded."""
    find = kinds._find_kind
    found = {cls: kind for cls, kind in kinds._by_class.items() if kind.name == name}
    for cls, kind in found.items():
        quick, split = kinds._handlers(without(kind, place))
        patch.setitem(encoders, cls, quick)
        patch.setitem(splitters, cls, split)

    def mutated(cls: type) -> Kind | None:
        kind: Kind | None = find(cls)
        return without(kind, place) if kind is not None and kind.name == name else kind

    patch.setattr(kinds, "_find_kind", mutated)
    forget(patch)


def forget(patch: pytest.MonkeyPatch) -> None:
    """Classes that were met before are looked at again."""
    empty: weakref.WeakKeyDictionary[type, Any] = weakref.WeakKeyDictionary()
    patch.setattr(encoders, "_found", empty)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cellgraph.toml").touch()
    monkeypatch.chdir(tmp_path)


def identities(component: Component) -> list[bytes]:
    return [reference([value]) for value in component.values()]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: f"{c.kind}-{c.place}-{c.text}")
def test_no_component_of_a_kind_can_be_left_out(component: Component) -> None:
    first, second = identities(component)
    assert first != second
    with pytest.MonkeyPatch.context() as patch:
        mutate(patch, component.kind, component.place)
        first, second = identities(component)
    assert first == second


def test_every_component_of_every_kind_has_a_row() -> None:
    for path in set(kinds._PROVIDERS.values()):
        importlib.import_module(path)
    covered = {(c.kind, *c.place[:1]) for c in COMPONENTS}
    missing: set[tuple[object, ...]] = set()
    for component in COMPONENTS:
        value: Any = next(component.values())
        kind: Any = kinds.kind_of(type(value))
        assert kind is not None and kind.name == component.kind
        state: Any = (kind.identity or kind.encode)(value)
        places: list[tuple[int, ...]] = [(i,) for i in range(_length(state))] or [()]
        missing |= {(kind.name, *place) for place in places} - covered - FORMS
    assert missing == set()
    named = {component.kind for component in COMPONENTS}
    assert {name for name in kinds._kinds if name[0] != "+"} - named <= NO_CONTENT


def _length(state: Any) -> int:
    held: list[Any] = [*state] if type(state) is tuple else []
    return len(held)


# --- plain values and instances ---------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: object) -> None:
        self.a = a


class Plain:
    def __init__(self, **held: object) -> None:
        vars(self).update(held)


class Twin:
    def __init__(self, **held: object) -> None:
        vars(self).update(held)


@dataclass
class Record:
    a: int


class Mistake(Exception):
    pass


class Reduced:
    def __init__(self, a: object, state: object = None) -> None:
        self.a, self.state = a, state

    def __reduce__(self) -> tuple[object, ...]:
        return Reduced, (self.a,), self.state

    def __setstate__(self, state: object) -> None:
        self.state = state


def increased(x: int) -> int:
    return x + 1


def lessened(x: int) -> int:
    return x - 1


def in_order(held: dict[Any, Any]) -> dict[Any, Any]:
    return dict(sorted(held.items()))


def as_type(
    cls: type, other: type, make: Callable[[Any], object] | None = None
) -> Callable[[pytest.MonkeyPatch], None]:
    """Encode *cls* as if it were *other*: the type is what is removed."""

    def patch(patch: pytest.MonkeyPatch) -> None:
        encode = encoders[other]
        patch.setitem(
            encoders, cls, lambda value, depth, p: encode((make or other)(value), depth, p)
        )

    return patch


def content_of(cls: type) -> Callable[[pytest.MonkeyPatch], None]:
    """Encode every *cls* as an empty one."""

    def patch(patch: pytest.MonkeyPatch) -> None:
        encode = encoders[cls]
        patch.setitem(encoders, cls, lambda value, depth, p: encode(cls(), depth, p))

    return patch


def returning(module: Any, name: str, value: object) -> Callable[[pytest.MonkeyPatch], None]:
    """Replace a function of ours by one that tells nothing."""

    def patch(patch: pytest.MonkeyPatch) -> None:
        def tell_nothing(*_: Any, **__: Any) -> object:
            return value

        patch.setattr(module, name, tell_nothing)
        forget(patch)

    return patch


def no_values(patch: pytest.MonkeyPatch) -> None:
    said = instances.read_state

    def state(*args: Any) -> tuple[Any, ...]:
        own, filled, content = said(*args)
        return own, filled, [None] * len(content)

    patch.setattr(instances, "read_state", state)
    forget(patch)


def no_arguments(patch: pytest.MonkeyPatch) -> None:
    said = instances._reduced_parts

    def parts(*args: Any) -> tuple[Any, ...]:
        found = said(*args)
        return (found[0], (), *found[2:])

    patch.setattr(instances, "_reduced_parts", parts)
    forget(patch)


def no_state(patch: pytest.MonkeyPatch) -> None:
    said = instances._reduced_parts

    def parts(*args: Any) -> tuple[Any, ...]:
        found = said(*args)
        return (*found[:2], None, *found[3:])

    patch.setattr(instances, "_reduced_parts", parts)
    forget(patch)


NOTHING: Final = b"\0" * 32
PATCHES: Final[dict[str, tuple[Callable[[pytest.MonkeyPatch], None], object, object]]] = {
    "type bool": (as_type(bool, int), True, 1),
    "type int": (as_type(int, float), 1, 1.0),
    "type float": (as_type(float, complex), 1.0, 1 + 0j),
    "type str": (as_type(str, bytes, str.encode), "a", b"a"),
    "type bytearray": (as_type(bytearray, bytes), bytearray(b"a"), b"a"),
    "type tuple": (as_type(tuple, list), (1, 2), [1, 2]),
    "type frozenset": (as_type(frozenset, set), frozenset({1}), {1}),
    "order of a dict": (as_type(dict, dict, in_order), {1: 2, 3: 4}, {3: 4, 1: 2}),
    "content int": (content_of(int), 1, 2),
    "content float": (content_of(float), 1.0, 2.0),
    "content complex": (content_of(complex), 1j, 2j),
    "content str": (content_of(str), "a", "b"),
    "content bytes": (content_of(bytes), b"a", b"b"),
    "content bytearray": (content_of(bytearray), bytearray(b"a"), bytearray(b"b")),
    "items list": (content_of(list), [1], [2]),
    "items tuple": (content_of(tuple), (1,), (2,)),
    "items dict": (content_of(dict), {"a": 1}, {"a": 2}),
    "items set": (content_of(set), {1}, {2}),
    "items frozenset": (content_of(frozenset), frozenset({1}), frozenset({2})),
    "class of an instance": (returning(instances, "class_digest", NOTHING), Plain(a=1), Twin(a=1)),
    "names of attributes": (returning(instances, "_names", b""), Plain(a=1), Plain(b=1)),
    "values of attributes": (no_values, Plain(a=1), Plain(a=2)),
    "values of slots": (no_values, Slotted(1), Slotted(2)),
    "fields of a dataclass": (no_values, Record(1), Record(2)),
    "arguments of a reduced object": (no_arguments, Reduced(1), Reduced(2)),
    "state of a reduced object": (no_state, Reduced(1, 1), Reduced(1, 2)),
    "code of a function": (returning(instances, "function_digest", NOTHING), increased, lessened),
    "content of a class": (returning(instances, "class_digest", NOTHING), Plain, Twin),
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHES)
def test_no_part_of_a_plain_value_or_instance_can_be_left_out(name: str) -> None:
    change, one, other = PATCHES[name]
    assert reference(one) != reference(other)
    with pytest.MonkeyPatch.context() as patch:
        change(patch)
        encoded = [body([value], 0, Pass(storing=False)) for value in (one, other)]
    assert encoded[0] == encoded[1]
