"""What a live object is to identity: the one decision that every edge of a closure goes through."""

import functools
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from cellgraph.errors import IdentityError
from cellgraph.identity.annotations import describe, is_typing
from cellgraph.identity.classes import link_accessor, link_class
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.functions import (
    importable_name,
    is_task,
    link_function,
    standard_name,
)
from cellgraph.identity.holders import holds_code, link_container, link_instance
from cellgraph.identity.imports import link_module
from cellgraph.identity.looks import attributes_of, class_of, functions_in, items_of
from cellgraph.identity.packages import module_of, origin_of
from cellgraph.identity.values import reference
from cellgraph.identity.witness import Witness

_ATOMS: Final = frozenset({int, float, str, bytes, bool, complex, type(None), type(Ellipsis)})
# Where a class is met that only serves the run, its instances count by name: module, class.
_SERVANTS: Final = frozenset(
    {
        ("logging", "Logger"), ("logging", "LoggerAdapter"),
        ("_thread", "lock"), ("_thread", "RLock"), ("_thread", "_local"),
        ("threading", "Condition"), ("threading", "Event"), ("threading", "Semaphore"),
        ("threading", "Barrier"), ("_contextvars", "ContextVar"),
        ("multiprocessing.synchronize", "SemLock"), ("multiprocessing.synchronize", "Event"),
        ("asyncio.locks", "Lock"), ("asyncio.locks", "Event"), ("asyncio.locks", "Semaphore"),
        ("tqdm.std", "tqdm"), ("rich.progress", "Progress"), ("rich.console", "Console"),
        ("ipywidgets.widgets.widget", "Widget"),
        ("IPython.core.interactiveshell", "InteractiveShell"),
    }
)  # fmt: skip
# Where wrappers made by compiled code or by classes keep the function they wrap.
_WRAPPED: Final = ("__wrapped__", "py_func", "pyfunc", "func")
# Settings that such wrappers keep in a dict; and what they note about their own work.
_OPTIONS: Final = frozenset({"targetoptions"})
_COLLECTIONS: Final = frozenset({tuple, list, set, frozenset})
_DESCRIPTIONS: Final = frozenset(functools.WRAPPER_ASSIGNMENTS)
_BOOKKEEPING: Final = frozenset({"timestamp", "stats", "statistics"})

Handler = Callable[[Walk, Node, str, Any], None]


def link(walk: Walk, node: Node, label: str, value: object) -> None:
    """Add *value* to *node* under *label*, with everything it reaches."""
    kind = type(value)
    if kind in _ATOMS:
        walk.leaf(node, label, "data", reference(value), value)
        return
    handler = _HANDLERS.get(kind)
    if handler is None:
        handler = _handler(value, kind)
    if not walk.witness.silent and handler is not link_function:
        _note(walk.witness, handler, value)
    handler(walk, node, label, value)


def _note(witness: Witness, handler: Handler, value: Any) -> None:
    """Note what is no function; silence for all that can change by itself."""
    if handler is Walk.task:
        witness.equal(_task_said, value)
    elif class_of(value) is not tuple or not _ATOMS.issuperset(map(type, items_of(value))):
        witness.give_up()


def _task_said(value: Any) -> bytes:
    """What `Walk.task` says of a task; nothing once it is none."""
    if not is_task(value):
        return b""
    return reference((str(value.name), tuple(value.identity_options())))


def _handler(value: object, kind: type) -> Handler:
    if isinstance(value, type):
        return link_class
    if isinstance(value, types.ModuleType):
        return link_module
    if is_task(value):
        return Walk.task
    if is_typing(value):
        return _link_typing
    if any((base.__module__, base.__qualname__) in _SERVANTS for base in kind.__mro__):
        return _link_by_name
    if kind is object:
        return _link_by_name
    if kind.__name__ == "cython_function_or_method":
        return _link_named
    origin = origin_of(module_of(kind))
    if origin.kind == "user":
        return link_instance
    if origin.kind == "own":
        return link_instance if hasattr(kind, "__dataclass_fields__") else _link_named
    own = getattr(value, "__dict__", None)
    if callable(value) and isinstance(own, dict) and not own.keys().isdisjoint(_WRAPPED):
        return _link_wrapper
    return _link_named if callable(value) else _link_data


def _link_data(walk: Walk, node: Node, label: str, value: object) -> None:
    """Add a value by content, and by name the distribution that says how its kind behaves."""
    kind = type(value)
    try:
        walk.data(node, label, value)
    except IdentityError:
        if node.kind not in ("foreign", "wrapper") or not hasattr(value, "__dict__"):
            raise
        _attach_wrapper(walk, node, label, value, _expand_state)  # what a library's wrapper keeps
        return
    origin = origin_of(module_of(kind))
    if origin.kind == "package":
        walk.named(
            node, f"{label} type", origin, f"{standard_name(module_of(kind))}.{kind.__name__}"
        )


def _link_holder(walk: Walk, node: Node, label: str, value: Any) -> None:
    if holds_code(value):
        link_container(walk, node, label, value)
    else:
        walk.data(node, label, value)


def _link_typing(walk: Walk, node: Node, label: str, value: object) -> None:
    walk.leaf(node, label, "data", b"typing:" + describe(value).encode(), value)


def _link_by_name(walk: Walk, node: Node, label: str, value: object) -> None:
    """Add something whose state never changes a result: a logger, a lock, a progress bar."""
    name = f"{standard_name(module_of(type(value)))}.{type(value).__qualname__}"
    walk.leaf(node, label, "name", name.encode(), name)


def _link_named(walk: Walk, node: Node, label: str, value: Any) -> None:
    """Add an installed callable by its name if that leads to it, by its content if not."""
    name = importable_name(value)
    if name is not None:
        walk.named(node, label, origin_of(value.__module__), name)
    elif functions_in(value):
        _attach_wrapper(walk, node, label, value, _expand_state)
    else:
        _link_data(walk, node, label, value)


def _link_builtin(walk: Walk, node: Node, label: str, value: Any) -> None:
    """Add a function or method written in C."""
    name = importable_name(value)
    if name is not None:
        walk.named(node, label, origin_of(value.__module__), name)
    elif not _link_member(walk, node, label, value):
        walk.leaf(node, label, "name", value.__name__.encode(), value.__name__)
        walk.link(node, f"{label} of", getattr(value, "__self__", None))


def _link_method(walk: Walk, node: Node, label: str, value: types.MethodType) -> None:
    if not _link_member(walk, node, label, value):
        walk.link(node, label, value.__func__)
        walk.link(node, f"{label} of", value.__self__)


def _link_member(walk: Walk, node: Node, label: str, value: Any) -> bool:
    """Add a bound method that an installed module offers as its own function.

    ``random.choice`` is a method of a hidden generator, whose state is nobody's business.
    """
    owner: Any = value.__self__
    is_module = isinstance(owner, types.ModuleType)
    held_by = owner.__name__ if is_module else module_of(class_of(owner))
    for module in dict.fromkeys((getattr(value, "__module__", None), held_by)):
        name = value.__name__
        if not isinstance(module, str) or getattr(sys.modules.get(module), name, None) != value:
            continue
        origin = origin_of(module)
        if origin.kind != "user":
            walk.named(node, label, origin, f"{standard_name(module)}.{name}")
            return True
    return False


def _link_partial(walk: Walk, node: Node, label: str, value: functools.partial[Any]) -> None:
    walk.link(node, label, value.func)
    for at, argument in enumerate(value.args):
        walk.link(node, f"{label}({at})", argument)
    for name, argument in value.keywords.items():
        walk.link(node, f"{label}({name})", argument)


def _link_cached(walk: Walk, node: Node, label: str, value: Any) -> None:
    """`functools.lru_cache`: the function, and how its results are told apart."""
    walk.link(node, label, value.__wrapped__)
    walk.data(node, f"{label} cache", bool(value.cache_parameters()["typed"]))


def _link_wrapper(walk: Walk, node: Node, label: str, value: Any) -> None:
    """A callable of an installed class around a function: a compiled or memoised one."""
    _attach_wrapper(walk, node, label, value, _expand_wrapper)


def _attach_wrapper(
    walk: Walk, node: Node, label: str, value: object, expand: Callable[[Walk, Node], None]
) -> None:
    found = walk.known(id(value))
    if found is None:
        found = Node("wrapper", type(value).__qualname__, value, expand)
        walk.remember(id(value), found, value)
    walk.attach(node, label, found)


def _expand_wrapper(walk: Walk, node: Node) -> None:
    walk.link(node, "class", class_of(node.subject))
    for name, value in attributes_of(node.subject).items():
        if name in _WRAPPED:
            walk.link(node, f"wrapped:{name}", value)
        elif name in _OPTIONS or (type(value) in _ATOMS and _is_setting(name)):
            walk.link(node, f".{name}", value)
        elif type(value) in _COLLECTIONS and _is_setting(name):
            with suppress(IdentityError):  # then it is what the wrapper needs for its own work
                walk.link(node, f".{name}", value)


def _expand_state(walk: Walk, node: Node) -> None:
    walk.link(node, "class", class_of(node.subject))
    for name, value in attributes_of(node.subject).items():
        if name not in _DESCRIPTIONS:
            walk.link(node, f".{name}", value)


def _is_setting(name: str) -> bool:
    """Whether an attribute of a wrapper says what it does, and not what it has done so far."""
    return not name.startswith("_") and name not in _BOOKKEEPING


_HANDLERS: Final[Mapping[type, Handler]] = {
    types.FunctionType: link_function,
    types.BuiltinFunctionType: _link_builtin,
    types.MethodType: _link_method,
    functools.partial: _link_partial,
    types.ModuleType: link_module,
    type: link_class,
    list: _link_holder,
    tuple: _link_holder,
    dict: _link_holder,
    set: _link_holder,
    frozenset: _link_holder,
    type(functools.lru_cache(len)): _link_cached,
    **dict.fromkeys(
        (
            staticmethod, classmethod, property, functools.cached_property, functools.partialmethod,
            functools.singledispatchmethod,
        ),
        link_accessor,
    ),
}  # fmt: skip
