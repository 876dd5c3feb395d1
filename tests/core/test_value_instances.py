"""Instances of users' classes: named by class and state, stored field by field, bound when read."""

import collections
import dataclasses
import functools
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest

from cellgraph.errors import Untrusted
from cellgraph.identity.copying import private_copy
from cellgraph.identity.plain import class_of
from cellgraph.identity.values import Referenced, code_refs, reference, restore, snapshot


class Eq:
    """Equal when of one class and one state."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _state(other) == _state(self)

    __hash__ = object.__hash__


def _state(value: Any) -> dict[str, Any]:
    names = [n for c in type(value).__mro__ for n in c.__dict__.get("__slots__", ())]
    return {**getattr(value, "__dict__", {}), **{n: getattr(value, n, None) for n in names}}


class Plain(Eq):
    def __init__(self, x: Any, *more: Any) -> None:
        self.x = x
        self.more = list(more)


class Slotted(Eq):
    __slots__ = ("a", "never")

    def __init__(self, a: Any) -> None:
        self.a = a


class Both(Slotted):
    def __init__(self, a: Any) -> None:
        super().__init__(a)
        self.b = (a, a)


@dataclasses.dataclass
class Data:
    x: Any
    y: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: Any
    y: str = "a"


class Named(NamedTuple):
    a: Any
    b: Any = None


_untyped: Any = collections  # the untyped form is what people write
Untyped: Any = _untyped.namedtuple("Untyped", "u v")


@attrs.define
class Defined:
    x: Any
    y: list[Any] = attrs.Factory(list[Any])


@attrs.frozen(cache_hash=True)
class Hashed:
    x: str


class Model(pydantic.BaseModel):
    a: int
    b: list[str] = []


class OwnState(Eq):
    """Pickling rules of its own: part of the state is left out."""

    def __init__(self, v: Any) -> None:
        self.v = v
        self.handle: object = lambda: v

    def __getstate__(self) -> dict[str, Any]:
        return {"v": self.v}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.v = state["v"]
        self.handle = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnState) and other.v == self.v

    __hash__ = object.__hash__


class Reduced(Eq):
    def __init__(self, x: Any) -> None:
        self.x = x

    def __reduce__(self) -> Any:
        return (Reduced, (self.x,))


class AList(list[Any]):
    pass


class ADict(dict[Any, Any]):
    pass


class ASet(set[Any]):
    pass


class AnInt(int):
    pass


class AString(str):
    __slots__ = ("tag",)


class Failed(ValueError):
    """Its constructor takes other arguments than `args` holds."""

    def __init__(self, code: int, where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code


def helper(x: int) -> int:
    return x + 1


def _instances() -> list[Any]:
    return [
        Plain(1), Plain(2), Plain(1, 2), Plain([1, {"a": 2}]), Slotted(1), Slotted(2), Both(1),
        Data(1), Data(1, 2), Data(1, [Data(2)]), Frozen(1), Frozen(1, "b"), Named(1), Named(1, [2]),
        Untyped(1, None), Defined(1), Defined(1, [2]), Hashed("a"), Hashed("b"), Model(a=1),
        Model(a=1, b=["x"]), OwnState(1), OwnState(2), Reduced(1), Reduced([1]), AList([1]),
        AList([1, 2]), ADict(a=1), ADict(a=2), ASet({1, 2}), AnInt(1), AnInt(2), AString("1"),
        Plain, Slotted, helper, functools.partial(helper, 1), functools.partial(int, base=2),
        (1, None), [1], {"a": 1}, 1, "1",
    ]  # fmt: skip


@pytest.mark.parametrize("value", _instances(), ids=lambda value: repr(type(value).__name__))
def test_an_instance_comes_back(value: Any) -> None:
    ref, payload = snapshot(value)
    found: Any = restore(payload)
    assert type(found) is type(value)
    if class_of(value) is not functools.partial:
        assert found == value
    assert reference(found) == ref == reference(value)
    assert reference(private_copy(value)) == ref


def test_each_instance_has_an_identity_of_its_own() -> None:
    found = {reference(value) for value in _instances()}
    assert len(found) == len(_instances())


def test_a_cached_hash_is_no_state() -> None:
    value = Hashed("text")
    before = reference(value)
    hash(value)
    assert reference(value) == before
    assert hash(restore(snapshot(value)[1])) == hash(value)


def test_exceptions_of_users_come_back() -> None:
    error = Failed(7, "here")
    found: Any = restore(snapshot(error)[1])
    assert type(found) is Failed
    assert (str(found), found.code) == ("7 at here", 7)
    assert reference(found) == reference(error) != reference(Failed(8, "here"))


def _dict_of(x: Any) -> Any:
    return ADict(k=x)


def _list_of(x: Any) -> Any:
    return AList([x])


def test_containers_of_users_take_references() -> None:
    class Held(Referenced):
        __slots__ = ()

    held = Held()
    held.ref = reference([1, [2]])
    makers: list[Callable[[Any], Any]] = [Data, Frozen, Named, Defined]
    makers += [_dict_of, _list_of]
    for make in makers:
        assert reference(make(held)) == reference(make([1, [2]]))


def test_many_instances_name_their_class_once() -> None:
    _, payload = snapshot([Data(i, str(i)) for i in range(1000)])
    assert [name for _, _, name, _ in code_refs(payload)] == ["Data"]
    assert code_refs(snapshot([1, "a"])[1]) == ()


# --- graphs of objects ------------------------------------------------------------------------


class Node:
    def __init__(self) -> None:
        self.before: Node | None = None
        self.after: Node | None = None


def _chain(size: int) -> list[Node]:
    nodes = [Node() for _ in range(size)]
    for left, right in pairwise(nodes):
        left.after, right.before = right, left
    return nodes


@pytest.mark.parametrize("size", [2, 5, 50, 3000])
def test_linked_objects_come_back_linked(size: int) -> None:
    value = {"all": _chain(size)}
    value["last"] = value["all"][-1:]
    ref, payload = snapshot(value)
    copies: list[Any] = [restore(payload), private_copy(value)]
    for found in copies:
        nodes = found["all"]
        assert all(a.after is b and b.before is a for a, b in pairwise(nodes))
        assert found["last"][0] is nodes[-1] is not value["last"][0]
        assert reference(found) == ref
    other = {"all": _chain(size)}
    other["last"] = other["all"][-1:]
    assert reference(other) == ref


def test_what_a_pickled_object_shares_stays_shared() -> None:
    part = [1, 2]
    value: list[Any] = [OwnState(part), part]
    ref, payload = snapshot(value)
    found: Any = restore(payload)
    assert found[0].v is found[1]
    assert reference(found) == ref == reference([OwnState([1, 2]), [1, 2]])


def test_what_runs_code_is_read_only_when_allowed() -> None:
    cases: list[tuple[object, str]] = [
        (Plain(1), "the class Plain"),
        ([Data(2)], "the class Data"),
        (Named(4), "the class Named"),
        (Failed(6, "x"), "the class Failed"),
        (OwnState(1), "the class OwnState"),
        ([Reduced(2)], "the class Reduced"),
        ({"f": len}, "the function len"),
        (int, "the class int"),
    ]
    for value, named in cases:
        with pytest.raises(Untrusted, match=f"needs {named}"):
            restore(snapshot(value)[1], code=False)
    cyclic: tuple[list[object]] = ([],)
    cyclic[0].append(cyclic)
    with pytest.raises(Untrusted, match="needs a pickle"):
        restore(snapshot(cyclic)[1], code=False)
