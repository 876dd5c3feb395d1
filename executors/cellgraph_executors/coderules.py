"""How objects are taken apart and made again where code travels: the parts that pickles name.

Each rule returns what `object.__reduce__` may return. Things that can refer to themselves are made
empty first and filled later.
"""

import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import CellgraphError
from cellgraph.identity.functions import importable_name
from cellgraph.identity.packages import origin_of
from cellgraph.identity.values import restore, snapshot
from cellgraph.task import Task

# Marks by which `dataclasses` knows its fields and defaults. They are compared with `is`.
SENTINELS: Final = {
    id(value): name
    for name, value in vars(dataclasses).items()
    if type(value).__module__ == "dataclasses"
}
_LRU: Final = type(functools.lru_cache(len))


class Absent:
    """Stands for the function of a task that is only called lazily: its signature."""

    def __init__(self, func: Any) -> None:
        import inspect

        self.__signature__ = inspect.signature(func)
        self.__name__ = str(getattr(func, "__name__", "task"))
        self.__qualname__ = str(getattr(func, "__qualname__", self.__name__))
        self.__module__ = str(getattr(func, "__module__", "__main__"))
        self.__doc__ = func.__doc__

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise TypeError(f"the function of the task {self.__name__} was not sent")


def new_function(
    code: types.CodeType, namespace: dict[str, Any], name: str, closure: Any
) -> types.FunctionType:
    return types.FunctionType(code, namespace, name, None, closure)


def fill_function(func: types.FunctionType, state: Mapping[str, Any]) -> None:
    func.__globals__.update(state["globals"])
    func.__qualname__ = state["qualname"]
    func.__module__ = state["module"]
    func.__doc__ = state["doc"]
    func.__defaults__ = state["defaults"]
    func.__kwdefaults__ = state["kwdefaults"]
    func.__annotations__ = state["annotations"]
    func.__dict__.update(state["attributes"])


def new_task() -> Any:
    blank: Any = Task
    return blank.__new__(Task)


def fill_task(task: Any, state: tuple[Any, ...]) -> None:
    func, declared, said, token = state
    task.__init__(func, declared, said=said, token=token)


def _fill_cell(cell: types.CellType, state: tuple[Any]) -> None:
    cell.cell_contents = state[0]


def _cell(cell: types.CellType) -> Any:
    try:
        held = (cell.cell_contents,)
    except ValueError:  # not assigned yet
        return types.CellType, ()
    return types.CellType, (), held, None, None, _fill_cell


def without_slots(cls: type, held: dict[str, Any]) -> dict[str, Any]:
    """What is set on a class once it is made; its slots are there by then, private ones too."""
    return {
        name: value
        for name, value in held.items()
        if not (type(value) is types.MemberDescriptorType and value.__objclass__ is cls)
    }


def _method(method: Any) -> Any:
    """A method that an installed module offers as a function of its own: ``random.choice``."""
    name = method.__name__
    for module in (getattr(method, "__module__", None), type(method.__self__).__module__):
        if isinstance(module, str) and origin_of(module).kind != "user":
            held = sys.modules.get(module)
            if held is not None and getattr(held, name, None) == method:
                return getattr, (held, name)
    return getattr, (method.__self__, name)


def _property(value: functools.cached_property[Any]) -> Any:
    return (
        _new_property,
        (),
        (value.func, value.attrname, value.__doc__),
        None,
        None,
        _fill_property,
    )


def _new_property() -> functools.cached_property[Any]:
    return functools.cached_property(len)


def _fill_property(value: functools.cached_property[Any], state: tuple[Any, ...]) -> None:
    value.func, value.attrname, value.__doc__ = state


def _cached(wrapper: Any) -> Any:
    if importable_name(wrapper) is not None:
        return wrapper.__qualname__
    kept = wrapper.cache_parameters()
    return _new_cached, (kept["maxsize"], kept["typed"], wrapper.__wrapped__)


def _new_cached(maxsize: int | None, typed: bool, func: Any) -> Any:
    return functools.lru_cache(maxsize, typed)(func)


def generic() -> Any:
    return functools.singledispatch(lambda *_: None)


def implementations(func: Any) -> tuple[Any, ...]:
    return func.__wrapped__, list(func.registry.items())


def register(generic: Any, state: tuple[Any, ...]) -> None:
    wrapped, implementations = state
    functools.update_wrapper(generic, wrapped)
    for cls, implementation in implementations:
        generic.register(cls, implementation)


def _new_type(value: Any) -> Any:
    return typing.NewType, (value.__name__, value.__supertype__)


def _type_variable(value: Any) -> Any:
    facts = (value.__bound__, value.__covariant__, value.__contravariant__)
    return _new_variable, (value.__name__, value.__constraints__, *facts)


def _new_variable(name: str, constraints: tuple[Any, ...], *facts: Any) -> Any:
    bound, covariant, contravariant = facts
    made: Any = typing.TypeVar
    return made(name, *constraints, bound=bound, covariant=covariant, contravariant=contravariant)


def _view(value: memoryview) -> Any:
    return memoryview, (value.tobytes(),)


def sentinel(name: str) -> object:
    return getattr(dataclasses, name)


def coded(value: object) -> Any:
    """A value of a library in the form that crosses its versions; pickled if it has none."""
    try:
        _, payload = snapshot(value)
    except CellgraphError:
        return NotImplemented
    return _restored, (payload.head, [bytes(b.data) for b in payload.buffers])


def _restored(head: bytes, buffers: list[bytes]) -> object:
    return restore(Payload(head, tuple(Buffer.of(bytearray(b)) for b in buffers)))


RULES: Final[Mapping[type, Callable[[Any], Any]]] = {
    types.CellType: _cell,
    types.MethodType: _method,
    functools.cached_property: _property,
    _LRU: _cached,
    memoryview: _view,
    typing.TypeVar: _type_variable,
    cast("type", typing.NewType): _new_type,
}
