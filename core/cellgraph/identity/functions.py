"""What a function reaches: defaults, captured values, attributes, and every name its code reads."""

import builtins
import functools
import sys
from collections.abc import Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from cellgraph.frames import kinds_of
from cellgraph.identity.annotations import describe_annotations
from cellgraph.identity.body import body_of
from cellgraph.identity.bytecode import Load
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.dynamic import check_load, check_value, is_watched
from cellgraph.identity.imports import link_import, link_outside
from cellgraph.identity.packages import (
    Origin,
    module_of,
    origin_of,
    origin_of_function,
    origin_of_module,
)
from cellgraph.identity.values import reference
from cellgraph.identity.witness import MISSING, Witness, contents

_DOCSTRINGS_ARE_MARKED: Final = sys.version_info >= (3, 14)  # else the first constant is one
_HAS_DOCSTRING: Final = 0x4000000  # CO_HAS_DOCSTRING
_SIMPLE: Final = frozenset({int, float, str, bytes, bool, type(None)})


def link_function(walk: Walk, node: Node, label: str, func: FunctionType) -> None:
    """Add a Python function: by name if it is installed, with everything it reaches if not."""
    known = walk.known(id(func))
    if known is not None:
        walk.attach(node, label, known)
        return
    origin = origin_of_function(func)
    if origin.kind == "user":
        walk.witness.function(func)
        walk.attach(node, label, _user_function(walk, func))
        return
    walk.witness.give_up()
    name = importable_name(func)
    if name is not None:
        walk.named(node, label, origin, name)
    else:
        walk.attach(node, label, _foreign_function(walk, func, origin))


def _user_function(walk: Walk, func: FunctionType) -> Node:
    body = body_of(func.__code__, func.__globals__)
    # One function may exist twice after its cell or module has run again: equal text over the same
    # globals, nothing captured, is one node.
    key: object = id(func)
    defaults = func.__defaults__ or ()
    if func.__closure__ is None and not func.__dict__ and not func.__kwdefaults__:
        kinds = tuple(map(type, defaults))
        if _SIMPLE.issuperset(kinds):
            said = describe_annotations(func.__annotations__) if func.__annotations__ else b""
            # as texts, because 0.0 == -0.0; one text reads other names in another class (``__k``)
            given = repr(defaults) if float in kinds else defaults
            frames = tuple(kinds_of(func).items()) if said else ()
            key = (body.digest, body.loads, id(func.__globals__), kinds, given, said, frames)
    found, late = walk.known(key), _late_doc(func)
    if found is None:
        found = Node("function", func.__qualname__.rpartition(".")[2], func, _expand)
        found.body = body
        found.doc = late
        walk.remember(key, found, func)
    elif late or (found.body is not None and found.body.documented != body.documented):
        found.doc += body.documented + late
    walk.remember(id(func), found, func)
    return found


def _late_doc(func: FunctionType) -> bytes:
    """A docstring that was given to *func* later, other than by wrapping; none for its text's."""
    said, code = _text_or_none(func.__doc__), func.__code__
    written = _text_or_none(code.co_consts[0]) if code.co_consts else None
    if _DOCSTRINGS_ARE_MARKED and not code.co_flags & _HAS_DOCSTRING:
        written = None
    if said == written:
        return b""
    wrapped = func.__dict__.get("__wrapped__")
    if wrapped is not None and said == _text_or_none(getattr(wrapped, "__doc__", None)):
        return b""
    return b"doc:" + " ".join((said or "").split()).encode("utf-8", "backslashreplace")


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _foreign_function(walk: Walk, func: FunctionType, origin: Origin) -> Node:
    """A function that installed code made at run time, such as a decorator's wrapper."""
    node = Node("foreign", func.__name__, func, _expand_foreign)
    walk.remember(id(func), node, func)
    name = f"{standard_name(str(func.__globals__.get('__name__')))}.{func.__code__.co_qualname}"
    node.local = name.encode()
    walk.named(node, "made by", origin, name)
    return node


def _expand(walk: Walk, node: Node) -> None:
    func: FunctionType = node.subject
    body = node.body
    assert body is not None  # set where the node is made
    walk.reads_doc |= body.reads_doc
    walk.loose_func |= body.loose_func
    if func.__annotations__:
        said = describe_annotations(func.__annotations__)
        walk.leaf(node, "annotations", "annotations", said, None)
        kinds = kinds_of(func)
        if kinds:  # what it receives in the place of a Dataset: DataFrame is a name of many classes
            walk.leaf(node, "frames", "annotations", reference(tuple(sorted(kinds.items()))), None)
    if func.__defaults__ or func.__kwdefaults__ or func.__dict__:
        _link_bindings(walk, node, func)
    cells = _captured(func) if func.__closure__ else {}
    seen = set[str]()
    namespace = func.__globals__
    if body.source is None:  # a text may come
        walk.witness.give_up()
    for load in body.loads:
        name = load.name
        if load.scope == "cell":
            seen.add(name)
            follow(walk, node, load, cells[name])
        elif load.scope == "loose":
            _check(walk, node, load)
        elif (value := namespace.get(name, MISSING)) is not MISSING:
            walk.witness.binding(namespace, name, value)
            follow(walk, node, load, value)
        else:
            _outside_globals(walk, node, load, func)
    if cells:
        for name in cells.keys() - seen:
            follow(walk, node, Load("cell", name, ()), cells[name])
    for found in body.imports:
        walk.witness.give_up()
        link_import(walk, node, found, namespace)


def _outside_globals(walk: Walk, node: Node, load: Load, func: FunctionType) -> None:
    """Add a name that no global stands for: a builtin, or nothing yet."""
    name, builtin = load.name, _builtins_of(func)
    value = builtin.get(name, MISSING)
    walk.witness.binding(func.__globals__, name, MISSING)
    walk.witness.binding(builtin, name, value)
    if builtin is not vars(builtins):
        walk.witness.give_up()
    if value is MISSING:
        walk.leaf(node, f"global:{name}", "absent", b"", name)
    else:
        _builtin(walk, node, load, value)


def _check(walk: Walk, node: Node, load: Load, value: object = MISSING) -> None:
    """Deal with a construct that can reach any name, *value* if it is one of those that do."""
    walk.witness.give_up()
    if value is MISSING:
        check_load(walk, node, load)
    else:
        check_value(walk, node, load, value)


def _expand_foreign(walk: Walk, node: Node) -> None:
    func: FunctionType = node.subject
    registry: Any = func.__dict__.get("registry")
    if registry is not None and func.__globals__.get("__name__") == "functools":
        link_registry(walk, node, "registry", registry)  # `functools.singledispatch`
        return
    for index, value in enumerate(func.__defaults__ or ()):
        walk.link(node, f"default:{index}", value)
    if "__wrapped__" in func.__dict__:  # other attributes are the library's own bookkeeping
        walk.link(node, "wrapped", func.__dict__["__wrapped__"])
    for name, value in _captured(func).items():
        follow(walk, node, Load("cell", name, ()), value)


def link_registry(walk: Walk, node: Node, label: str, registry: Mapping[type, Any]) -> None:
    """Add the implementations of a generic function, by the name of the class they are for."""
    for cls, implementation in registry.items():
        name = cls.__qualname__
        walk.link(node, f"{label}[{name}] for", cls)
        walk.link(node, f"{label}[{name}]", implementation)


def _link_bindings(walk: Walk, node: Node, func: FunctionType) -> None:
    for index, value in enumerate(func.__defaults__ or ()):
        walk.link(node, f"default:{index}", value)
    for name, value in (func.__kwdefaults__ or {}).items():
        walk.link(node, f"default:{name}", value)
    for name, value in func.__dict__.items():
        if name == "__wrapped__":
            walk.link(node, "wrapped", value)
        elif not name.startswith(("__", "_cellgraph_")):
            walk.link(node, f"attribute:{name}", value)


def _captured(func: FunctionType) -> dict[str, object]:
    names = zip(func.__code__.co_freevars, func.__closure__ or (), strict=True)
    return {name: contents(cell) for name, cell in names}


def _builtins_of(func: FunctionType) -> Mapping[str, Any]:
    found: Any = getattr(func, "__builtins__")  # noqa: B009  # typeshed does not know it
    return vars(found) if isinstance(found, ModuleType) else found


def _builtin(walk: Walk, node: Node, load: Load, value: object) -> None:
    if is_watched(value):
        _check(walk, node, load, value)
    elif value is not getattr(builtins, load.name, None) or isinstance(value, FunctionType):
        follow(walk, node, load, value)  # somebody added to the builtins


def follow(walk: Walk, node: Node, load: Load, value: object) -> None:
    """Add what a global or captured name stands for, as far as the code reads it."""
    label = f"{load.scope}:{load.name}"
    if value is MISSING:
        walk.leaf(node, label, "absent", b"", load.name)
    elif isinstance(value, ModuleType):
        _follow_module(walk, node, load, value)
    elif is_watched(value):
        _check(walk, node, load, value)
    else:
        if "__globals__" in load.attributes:
            _check(walk, node, load)
        _end(walk, node, label, value, load.attributes)


def _end(walk: Walk, node: Node, label: str, value: object, rest: tuple[str, ...]) -> None:
    """Add the object at the end of a chain of modules; *rest* is read from it."""
    if rest and rest[0] == "func" and is_task(value):
        walk.witness.give_up()
        walk.link(node, f"{label}.func", getattr(value, "func"))  # noqa: B009  # any task
        return
    walk.loose_func |= "func" in rest
    walk.link(node, label, value)


def _follow_module(walk: Walk, node: Node, load: Load, module: ModuleType) -> None:
    """Walk ``hlp.sub.h`` down to the first thing that is not a module."""
    names = load.attributes
    outside: tuple[str, ModuleType] | None = None  # where the chain leaves the user's modules
    at = 0
    while True:
        label = f"attr:{'.'.join((load.name, *names[:at]))}" if at else f"{load.scope}:{load.name}"
        if outside is None and origin_of_module(module).kind != "user":
            outside = label, module
        found = _member(module, names[at]) if at < len(names) else MISSING
        _note_module(walk.witness, module, names[at : at + 1], found)
        if not isinstance(found, ModuleType):
            break
        module = found
        at += 1
    if outside is not None:
        link_outside(walk, node, *outside, module)
    if at == len(names):
        if outside is None:
            if load.access == "dynamic":
                _check(walk, node, load)
            walk.link(node, label, module)
        return
    label = f"attr:{'.'.join((load.name, *names[: at + 1]))}"
    if is_watched(found):
        _check(walk, node, load, found)
    elif outside is None and names[at] == "__dict__":
        walk.link(node, label, module)
    elif outside is None and found is MISSING:
        walk.leaf(node, label, "absent", b"", names[at])
    elif outside is None or _is_live(found):  # the user may put code into installed modules
        _end(walk, node, label, found, names[at + 1 :])


def _note_module(
    witness: Witness, module: ModuleType, read: tuple[str, ...], found: object
) -> None:
    """Note a module of a chain, and what it has under the name that is *read* from it, if any."""
    if type(module) is not ModuleType or (read and found is MISSING):
        witness.give_up()
    witness.equal(_module_said, module)
    for name in read:
        witness.binding(vars(module), name, found)
        if not isinstance(found, ModuleType):
            witness.equal(_is_live, found)


def _module_said(module: ModuleType) -> tuple[object, ...]:
    """Everything that identity reads of a module, its members aside."""
    file = getattr(module, "__file__", None)
    return origin_of_module(module), module.__name__, file if isinstance(file, str) else None


def _member(module: ModuleType, name: str) -> object:
    found = vars(module).get(name, MISSING)
    if (
        found is MISSING
        and "__getattr__" in vars(module)
        and origin_of_module(module).kind == "user"
    ):
        found = getattr(module, name, MISSING)
    return found


def _is_live(value: Any) -> bool:
    """Whether a member of an installed module is a task, or a function or class of the user's."""
    if isinstance(value, FunctionType):
        wrapped = value.__dict__.get("__wrapped__")
        return origin_of_function(value).kind == "user" or (
            wrapped is not None and _is_live(wrapped)
        )
    if isinstance(value, (MethodType, functools.partial)):
        return _is_live(value.__func__ if isinstance(value, MethodType) else value.func)
    if isinstance(value, type):
        return origin_of(module_of(value)).kind == "user"
    return is_task(value)


def is_task(value: object) -> bool:
    """Whether *value* is a live task (a marker, so that its module need not be imported)."""
    return getattr(type(value), "_cellgraph_task_", False) is True


def importable_name(value: Any) -> str | None:
    """Return ``module.qualname`` if looking that name up in an installed module gives *value*.

    In the user's own modules a name says nothing: what `functools.wraps` or a library's decorator
    put there carries the user's code.
    """
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    if origin_of(module).kind == "user":
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{standard_name(module)}.{name}" if found is value else None


def standard_name(module: str) -> str:
    """A module's public name: ``pathlib._local`` and ``_io`` differ between Python versions."""
    first, *others = module.split(".")
    return ".".join([first.lstrip("_"), *(p for p in others if not p.startswith("_"))])
