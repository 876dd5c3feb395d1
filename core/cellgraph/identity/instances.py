"""Instances of classes, and classes and functions as values.

An instance is its class's identity and its state. Where the class has no pickling rules of its own
(plain classes, dataclasses, attrs classes, namedtuples, exceptions, enums) the state is read and
written field by field. Otherwise the identity is the decomposed result of ``__reduce_ex__(4)``,
never pickle bytes, and the stored form is a pickle (`codecs.pickled`).
"""

import copyreg
import enum
import functools
import sys
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from cellgraph.errors import CellgraphError
from cellgraph.identity.binding import (
    class_digest,
    code_digest,
    code_index,
    find_live,
    function_digest,
)
from cellgraph.identity.containers import read_composite
from cellgraph.identity.looks import functions_in
from cellgraph.identity.plain import (
    Shape,
    class_of,
    derives,
    generated,
    made_here,
    new_tuple,
    owner_of,
    read_state,
    shape_of,
    write_state,
)
from cellgraph.identity.reading import Build, Opener, Reader, decoders, openers, ready
from cellgraph.identity.refused import refuse, refuse_known
from cellgraph.identity.tables import Split
from cellgraph.identity.wire import Pass, length

Plan = Callable[[Any, Pass], Split]
_FUNCTIONS: Final = frozenset({FunctionType, BuiltinFunctionType, type(functools.lru_cache(len))})


def split_instance(value: Any, p: Pass) -> Split:
    """Take *value* apart by what its type is. Raises Unencodable, IdentityError, CodecError."""
    cls = class_of(value)
    plan: Plan | None = p.local.get((split_instance, cls))
    if plan is None:
        plan = p.local[split_instance, cls] = _plan(cls, value)
    return plan(value, p)


def _plan(cls: type[Any], value: object) -> Plan:
    if isinstance(value, type):
        return _split_class
    if cls in _FUNCTIONS:
        return _split_function
    refuse_known(value)
    if isinstance(value, enum.Enum):
        return _split_enum
    if isinstance(value, BaseException) and _built_in_rules(cls):
        return _split_exception
    if derives(cls, tuple) and _is_namedtuple(cls):
        return _split_namedtuple
    shape = shape_of(cls, value)
    if shape is not None:
        return lambda value, p: _split_plain(value, shape, p)
    return _split_reduced


def _with_class(
    tag: bytes, cls: type, label: bytes, groups: tuple[Sequence[Any], ...], p: Pass, **facts: bool
) -> Split:
    identity = tag + class_digest(cls, p) + label
    storage = b"" if p.buffers is None else tag + length(code_index(cls, p)) + label
    return Split(identity, storage, groups, **facts)


# --- classes and functions --------------------------------------------------------------------


def _split_class(value: type, p: Pass) -> Split:
    storage = b"" if p.buffers is None else b"V" + length(code_index(value, p))
    return Split(b"C" + class_digest(value, p), storage, (), mutable=False)


def _split_function(value: Any, p: Pass) -> Split:
    owner = getattr(value, "__self__", None)
    if owner is not None and type(owner).__name__ != "module":
        return _split_reduced(value, p)  # a method of a built-in object
    storage = b"" if p.buffers is None else b"V" + length(code_index(value, p))
    return Split(b"L" + function_digest(value, p), storage, (), mutable=False)


def _open_code(r: Reader) -> Build:
    return ready(r.codes[r.length()])


# --- enums ------------------------------------------------------------------------------------


def _split_enum(value: enum.Enum, p: Pass) -> Split:
    cls = type(value)
    # Combined flags have no name of their own.
    named = value.name in cls.__members__
    group: tuple[str | None, Any] = (value.name, None) if named else (None, value.value)
    return _with_class(b"M", cls, b"", (group,), p, mutable=False)


def _open_enum(r: Reader) -> Build:
    cls = r.codes[r.length()]

    def finish(groups: list[list[Any]]) -> Any:
        name, content = groups[0]
        return cls(content) if name is None else cls[name]

    return Build(1, finish)


# --- exceptions -------------------------------------------------------------------------------


def _built_in_rules(cls: type) -> bool:
    """Whether the pickling rules are those of a built-in exception."""
    rules = ("__reduce__", "__reduce_ex__", "__setstate__", "__getstate__")
    return cls not in copyreg.dispatch_table and not any(made_here(owner_of(cls, r)) for r in rules)


def _split_exception(value: BaseException, p: Pass) -> Split:
    """Class, arguments and attributes; not the traceback, the cause or the context."""
    reduced: Any = value.__reduce__()
    p.keep.append(reduced)
    state = reduced[2] if len(reduced) > 2 else None
    return _with_class(b"E", type(value), b"", ((reduced[1], state),), p)


def _open_exception(r: Reader) -> Build:
    cls = r.codes[r.length()]

    def finish(groups: list[list[Any]]) -> Any:
        args, state = groups[0]
        made = cls.__new__(cls, *args)
        # The user's `__init__` may take other arguments than those kept in `args`.
        next(b for b in cls.__mro__ if not made_here(b)).__init__(made, *args)
        if state:
            made.__setstate__(state)
        return made

    return Build(1, finish)


# --- namedtuples ------------------------------------------------------------------------------


def _is_namedtuple(cls: type) -> bool:
    if not hasattr(cls, "_fields") or cls in copyreg.dispatch_table:
        return False
    rules = ("__reduce__", "__reduce_ex__", "__setstate__", "__getstate__")
    if any(owner_of(cls, name) is not object for name in rules):
        return False
    return generated(getattr(cls, "__getnewargs__", None), "collections")


def _split_namedtuple(value: Any, p: Pass) -> Split:
    own = getattr(value, "__dict__", None)
    return _with_class(b"U", class_of(value), b"", (tuple(value), (own or None,)), p, mutable=False)


def _open_namedtuple(r: Reader) -> Build:
    cls = r.codes[r.length()]

    def finish(groups: list[list[Any]]) -> Any:
        made = new_tuple(cls, groups[0])
        if groups[1][0]:
            made.__dict__.update(groups[1][0])
        return made

    return Build(2, finish)


# --- plain instances --------------------------------------------------------------------------


def _split_plain(value: Any, shape: Shape, p: Pass) -> Split:
    own, filled, content = read_state(value, shape)
    label: bytes | None = p.local.get((own, filled))
    if label is None:
        if not all(type(name) is str for name in own):
            return _split_reduced(value, p)
        label = p.local[own, filled] = _names(own) + _names(filled)
    return _with_class(b"O", class_of(value), label, (content,), p, early=True)


def _names(names: tuple[str, ...]) -> bytes:
    parts = [length(len(names))]
    for name in names:
        data = name.encode("utf-8", "surrogatepass")
        parts += (length(len(data)), data)
    return b"".join(parts)


def _open_plain(r: Reader) -> Build:
    cls = r.codes[r.length()]
    own, filled = (
        tuple(str(r.blob(), "utf-8", "surrogatepass") for _ in range(r.length())) for _ in range(2)
    )
    made = object.__new__(cls)

    def finish(groups: list[list[Any]]) -> Any:
        write_state(made, own, filled, groups[0])
        return made

    return Build(1, finish, made)


# --- everything else --------------------------------------------------------------------------


def _split_reduced(value: Any, p: Pass) -> Split:
    reduced = _reduce(value)
    p.keep.append(reduced)
    storage = b""
    if p.buffers is not None:
        from cellgraph.codecs.pickled import pickled  # loaded when something needs it

        storage = pickled(value, p)
    if isinstance(reduced, str):  # a name in its module
        _check_name(value, reduced)
        return Split(b"G" + class_digest(class_of(value), p), storage, ((reduced,),), leaf=True)
    identity = b"R" + b"".join(map(code_digest, functions_in(value).values()))
    return Split(identity, storage, (_reduced_parts(value, reduced, p),), leaf=True)


def _check_name(value: object, name: str) -> None:
    """Refuse a compiled callable that its name does not lead to, such as `np.frompyfunc` makes."""
    if not callable(value) or made_here(class_of(value)) or class_of(value).__module__ == "typing":
        return
    said: object = getattr(value, "__module__", None)
    if isinstance(said, str):
        found = find_live(said, name) is value
    else:
        found = any(vars(module).get(name) is value for module in list(sys.modules.values()))
    if not found:
        raise refuse(value, LookupError(f"no module offers it as {name!r}"))


def _reduced_parts(value: object, reduced: tuple[Any, ...], p: Pass) -> tuple[Any, ...]:
    """Callable, arguments, state, items, keys, values and setter of a reduced value."""
    padded: list[Any] = [*reduced, None, None, None, None]
    func, args, state, items, pairs, setter = padded[:6]
    cls = class_of(value)
    if derives(cls, set, frozenset) and not made_here(owner_of(cls, "__reduce__")):
        args = (frozenset(args[0]), *args[1:])  # the order of elements depends on the hash seed
    entries: list[Any] = [] if pairs is None else list(pairs)
    parts = (
        func,
        args,
        state,
        None if items is None else list(items),
        None if pairs is None else [key for key, _ in entries],
        [item for _, item in entries],
        setter,
    )
    p.keep.append(parts)
    return parts


def _reduce(value: Any) -> Any:
    rule = copyreg.dispatch_table.get(class_of(value))
    try:
        reduced: Any = value.__reduce_ex__(4) if rule is None else rule(value)
    except (CellgraphError, RecursionError):
        raise
    except Exception as error:  # the user's own code: whatever it raises
        raise refuse(value, error) from error
    known: object = reduced
    if isinstance(known, str) or (type(known) is tuple and 2 <= len(reduced) <= 6):
        return reduced
    raise refuse(value, TypeError(f"__reduce_ex__ returned {type(reduced).__name__}"))


def _reader(opener: Opener) -> Callable[[Reader], Any]:
    return lambda r: read_composite(r, opener(r))


for _tag, _opener in {
    b"V": _open_code,
    b"M": _open_enum,
    b"E": _open_exception,
    b"U": _open_namedtuple,
    b"O": _open_plain,
}.items():
    openers[_tag[0]] = _opener
    decoders[_tag[0]] = _reader(_opener)
