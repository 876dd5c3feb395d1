"""Objects that hold others: containers with code in them, and instances of the user's classes."""

import enum
import types
from collections.abc import Collection
from typing import Any, Final

from cellgraph.errors import IdentityError
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.looks import as_dict, bases_of, class_of, is_a, items_of
from cellgraph.identity.packages import module_of, origin_of
from cellgraph.identity.plain import read_state, shape_of
from cellgraph.identity.values import reference

_ATOMS: Final = frozenset({int, float, str, bytes, bool, complex, type(None)})
_CONTAINERS: Final = frozenset({list, tuple, dict, set, frozenset})
_CODE: Final = (type, types.ModuleType, types.FunctionType, types.MethodType)


def holds_code(value: Any) -> bool:
    """Whether a container holds code or instances of the user's classes, however deep."""
    todo: list[Any] = [value]
    seen: set[int] = set()
    while todo:
        current = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for items in _contents(current):
            kinds = set(map(class_of, items)) - _ATOMS
            if any(_is_code(kind) for kind in kinds - _CONTAINERS):
                return True
            if not kinds.isdisjoint(_CONTAINERS):
                todo.extend(item for item in items if type(item) in _CONTAINERS)
    return False


def _contents(value: object) -> tuple[Collection[Any], ...]:
    if is_a(value, dict):
        return as_dict(value).keys(), as_dict(value).values()
    return (items_of(value),)


def _is_code(kind: type) -> bool:
    if any("__call__" in vars(base) for base in bases_of(kind)):  # its instances are callable
        return True
    return origin_of(module_of(kind)).kind in ("user", "own") or issubclass(kind, _CODE)


def link_container(walk: Walk, node: Node, label: str, value: Any) -> None:
    """Add a container item by item."""
    found = walk.known(id(value))
    if found is None:
        name = label.rpartition(":")[2]
        found = Node("container", name, value, _expand_container)
        walk.remember(id(value), found, value)
    walk.attach(node, label, found)


def _expand_container(walk: Walk, node: Node) -> None:
    value = node.subject
    node.local = type(value).__name__.encode()
    if is_a(value, dict):
        for at, (key, item) in enumerate(as_dict(value).items()):
            name = repr(key) if type(key) in _ATOMS else f"#{at}"
            walk.link(node, f"[{at}] key", key)
            walk.link(node, f"[{name}]", item)
        return
    items = list(items_of(value))
    if isinstance(value, (set, frozenset)) and not walk.lenient:
        items = sorted(items, key=reference)  # any order that does not depend on the hash seed
    for at, item in enumerate(items):
        walk.link(node, f"[{at}]", item)


def link_instance(walk: Walk, node: Node, label: str, value: Any) -> None:
    """Add an instance of a user's class: the class, and the state."""
    found = walk.known(id(value))
    if found is None:
        found = Node("instance", label.rpartition(":")[2], value, _expand_instance)
        walk.remember(id(value), found, value)
    walk.attach(node, label, found)


def _expand_instance(walk: Walk, node: Node) -> None:
    value = node.subject
    cls = class_of(value)
    # First the class: the state below may hold instances of it, whose identity then refers to it.
    walk.link(node, "class", cls)
    if isinstance(value, enum.Enum):
        name: object = getattr(value, "name", None)  # combined flags may have none
        walk.data(node, ".value", value.value if name is None else name)
        return
    shape = shape_of(cls, value)
    if shape is None:
        _link_opaque(walk, node, value)
        return
    own, filled, content = read_state(value, shape)
    for name, item in zip((*own, *filled), content, strict=True):
        walk.link(node, f".{name}", item)


def _link_opaque(walk: Walk, node: Node, value: Any) -> None:
    """An instance with pickling rules of its own, or state in C."""
    if walk.lenient:
        return
    try:
        walk.leaf(node, "state", "data", reference(value), value)
    except IdentityError:
        walk.data(node, node.via, value)  # for the message: names what holds it
