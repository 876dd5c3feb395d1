"""Where in a value a part lies, in Python's own notation: for messages."""

import itertools
from collections.abc import Iterator
from typing import Any

from cellgraph.identity.plain import class_of

# Enough to find any part a person could act on; each object is looked at once.
_MAX_PARTS = 1_000_000

_Members = Iterator[tuple[str, Any]]


def path_to(value: object, part: object) -> str:
    """Return the path from *value* to *part* (`value['x'][3]`), found by `is`.

    Only objects that live in *value* are found; for one made on the way, the answer is "value".
    """
    seen: set[int] = set()
    stack: list[tuple[str, _Members]] = [("value", iter((("", value),)))]
    while stack and len(seen) < _MAX_PARTS:
        path, rest = stack[-1]
        label, child = next(rest, (None, None))
        if label is None:
            stack.pop()
        elif child is part:
            return path + label
        elif id(child) not in seen:
            seen.add(id(child))
            stack.append((path + label, _members(child)))
    return "value"


def _members(value: Any) -> _Members:
    """The parts directly inside *value*, each with what to write after its path."""
    cls = class_of(value)
    if isinstance(value, dict):
        yield from _entries(value)
    elif isinstance(value, tuple) and hasattr(cls, "_fields"):
        yield from _labelled(map(".{}".format, getattr(cls, "_fields", ())), value)
    elif isinstance(value, (list, tuple)) or cls.__name__ == "deque":
        yield from _labelled(map("[{}]".format, itertools.count()), value)
    elif isinstance(value, (set, frozenset)):
        yield from _labelled(itertools.repeat("{...}"), value)
    elif cls.__module__.partition(".")[0] in ("numpy", "pandas"):
        yield from _elements(value)
        return
    yield from _attributes(value)


def _labelled(labels: Iterator[str], items: Any) -> _Members:
    return zip(labels, items, strict=False)


def _entries(value: Any) -> _Members:
    for key, item in value.items():
        yield f"[{_short(key)}]", item
        yield f" (key {_short(key)})", key


def _attributes(value: Any) -> _Members:
    if isinstance(value, type):
        return
    names: list[str] = list(getattr(value, "__dict__", None) or ())
    for base in class_of(value).__mro__:
        slots: Any = base.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    for name in dict.fromkeys(names):
        try:
            yield f".{name}", object.__getattribute__(value, name)
        except AttributeError:
            continue


def _elements(value: Any) -> _Members:
    """Elements of object arrays and object columns, and what frames carry beside them."""
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        for i, name in enumerate(value.columns):
            column = value.iloc[:, i]
            if str(column.dtype) == "object":
                for row, item in enumerate(column):
                    yield f"[{_short(name)}][{row}]", item
    elif str(getattr(value, "dtype", "")) == "object":
        items: Any = getattr(value, "iloc", value)
        for index in itertools.product(*[range(size) for size in value.shape]):
            yield f"[{', '.join(map(str, index))}]", items[index]
    attrs = getattr(value, "attrs", None)
    if isinstance(attrs, dict):
        yield ".attrs", attrs


def _short(key: object) -> str:
    try:
        text = repr(key)
    except Exception:  # a message must not fail for the repr of a key
        return f"<{type(key).__name__}>"
    return text if len(text) <= 60 else text[:57] + "..."
