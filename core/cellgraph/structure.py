"""Walk and rebuild nested containers.

List, tuple, set, frozenset, dict, slice, namedtuple, dataclass, attrs class: these are containers
in which an expression may hide, in arguments and in results. Anything else is a leaf. Neither
walking nor rebuilding is limited by how deep containers nest.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

ATOMS: Final = frozenset({int, float, bool, str, bytes, complex, type(None)})
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset})


def leaves(value: object, kinds: frozenset[type]) -> Iterator[Any]:
    """Yield, in order, the leaves of *value* whose exact type is in *kinds*."""
    stack: list[Iterator[object]] = [iter((value,))]
    # Only ancestors can close a cycle; a container seen twice is walked twice, as it is read.
    open_ids: list[int] = [0]
    inside: set[int] = set()
    while stack:
        item = next(stack[-1], _END)
        if item is _END:
            stack.pop()
            inside.discard(open_ids.pop())
            continue
        kind = type(item)
        if kind in ATOMS:
            continue
        if kind in kinds:
            yield item
            continue
        members = _members(item, kind)
        if members is not None and id(item) not in inside:
            stack.append(iter(members))
            open_ids.append(id(item))
            inside.add(id(item))


_END: Final = object()


def _members(item: Any, kind: type) -> Iterable[object] | None:
    """The values directly inside a container, or None for a leaf."""
    if kind in _SEQUENCES:
        return None if set(map(type, item)) <= ATOMS else item
    known: object = item  # its type is narrowed, not that of the item: members stay Any
    if isinstance(known, dict):
        return (*item.keys(), *item.values())
    if isinstance(known, tuple) and hasattr(kind, "_fields"):
        members: tuple[object, ...] = item
        return members
    if isinstance(known, slice):
        return (item.start, item.stop, item.step)
    names = field_names(kind)
    if names:
        return [getattr(item, name) for name in names if hasattr(item, name)]
    return None


def field_names(kind: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass or attrs class, in order; empty for any other class."""
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is not None:
        return tuple(f.name for f in dataclasses.fields(kind))
    attributes = getattr(kind, "__attrs_attrs__", None)
    if attributes is not None:
        return tuple(a.name for a in attributes)
    return ()


def rebuild(
    value: object, convert: Callable[[Any], object], is_leaf: Callable[[type], bool]
) -> Any:
    """Return *value* with every leaf whose type `is_leaf` replaced by ``convert(leaf)``.

    Containers come out fresh and of the same type; other leaves are kept as they are.
    """
    return _rebuild(value, convert, is_leaf, _QUICK_DEPTH)


_QUICK_DEPTH: Final = 40


def _rebuild(
    value: object, convert: Callable[[Any], object], is_leaf: Callable[[type], bool], depth: int
) -> Any:
    kind = type(value)
    if kind in ATOMS:
        return value
    if is_leaf(kind):
        return convert(value)
    if kind in _SEQUENCES and set(map(type, value)) <= ATOMS:  # type: ignore[call-overload]  # a container by its kind
        return kind(value)  # type: ignore[call-arg]  # a fresh container of the same kind
    taken = _take_apart(value, kind)
    if taken is None:
        return value
    if depth == 0:
        return _rebuild_deep(value, convert, is_leaf)
    members, assemble = taken
    return assemble([_rebuild(m, convert, is_leaf, depth - 1) for m in members])


def _rebuild_deep(
    value: object, convert: Callable[[Any], object], is_leaf: Callable[[type], bool]
) -> Any:
    """The same with a stack of our own, for what nests deeper than Python recurses."""
    top: list[Any] = []
    stack: list[tuple[Iterator[object], _Assemble, list[Any], list[Any]]] = []
    stack.append((iter((value,)), top.extend, [], []))
    while stack:
        members, assemble, done, into = stack[-1]
        item = next(members, _END)
        if item is _END:
            stack.pop()
            made = assemble(done)
            if stack:
                into.append(made)
            continue
        kind = type(item)
        if kind in ATOMS:
            done.append(item)
        elif is_leaf(kind):
            done.append(convert(item))
        else:
            taken = _take_apart(item, kind)
            if taken is None:
                done.append(item)
            else:
                stack.append((iter(taken[0]), taken[1], [], done))
    return top[0]


_Assemble = Callable[[list[Any]], Any]


def _take_apart(value: Any, kind: type[Any]) -> tuple[Iterable[object], _Assemble] | None:
    """The members of a container, and how to make a fresh one of new members; None for a leaf."""
    if kind in _SEQUENCES:
        return value, kind
    known: object = value  # as in `_members`
    if isinstance(known, dict):
        keys = len(value)
        return (
            (*value.keys(), *value.values()),
            lambda new: _dict_like(value, kind, zip(new[:keys], new[keys:], strict=True)),
        )
    if isinstance(known, tuple) and hasattr(kind, "_fields"):
        return value, lambda new: kind(*new)
    if kind is slice:
        return (value.start, value.stop, value.step), lambda new: slice(*new)
    names = [n for n in field_names(kind) if hasattr(value, n)]
    if not names:
        return None
    return [getattr(value, n) for n in names], lambda new: _record_like(value, names, new)


def _dict_like(value: dict[Any, Any], kind: type, pairs: Iterable[tuple[Any, Any]]) -> Any:
    if kind is dict:
        return dict(pairs)
    fresh = copy.copy(value)  # keeps what a subclass adds: default_factory, order, attributes
    fresh.clear()
    fresh.update(pairs)
    return fresh


def _record_like(value: object, names: list[str], new: list[Any]) -> Any:
    fresh = copy.copy(value)
    for name, member in zip(names, new, strict=True):
        # object.__setattr__: frozen classes are rebuilt like any other
        object.__setattr__(fresh, name, member)
    return fresh
