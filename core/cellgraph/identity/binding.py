"""Classes and functions inside values: named by their code's identity, stored by reference.

A payload says which class or function it needs by module, qualified name and identity digest. On
reading, the live object of that name must have that identity; a notebook class that was defined
again unchanged therefore still fits, and one that was changed does not. Code itself is not stored.
"""

import builtins
import importlib
import sys
import weakref
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from cellgraph.digest import digest
from cellgraph.errors import ClassChanged, CodecError
from cellgraph.identity.wire import CodeRef, Pass

# Classes and functions made known by `meet`, by identity; an entry dies with its object.
_met: Final[weakref.WeakValueDictionary[bytes, Any]] = weakref.WeakValueDictionary()

_WORDS: Final = {"c": "class", "f": "function", "b": "function"}


def class_digest(cls: type, p: Pass) -> bytes:
    """Identity of a class, looked up once per walk."""
    found: bytes | None = p.local.get(cls)
    if found is None:
        found = p.local[cls] = _digest("c", cls)
    return found


def function_digest(function: FunctionType | BuiltinFunctionType, p: Pass) -> bytes:
    """Identity of a function, looked up once per walk."""
    found: bytes | None = p.local.get(function)
    if found is None:
        found = p.local[function] = _digest(_kind_of(function), function)
    return found


def code_digest(function: Any) -> bytes:
    """Identity of a function, bound method or partial, by all that it reaches."""
    return _digest("f", function)


def _kind_of(function: object) -> str:
    return "b" if isinstance(function, BuiltinFunctionType) else "f"


def _digest(kind: str, live: Any) -> bytes:
    module = getattr(live, "__module__", None)
    if kind == "b" or (kind == "c" and module == "builtins"):
        # Compiled code has a name and nothing else.
        return digest(f"{kind}:{module}.{live.__qualname__}".encode())
    from cellgraph.identity import code  # uses `reference`, which leads here

    return code.class_identity(live) if kind == "c" else code.function_identity(live)


def code_index(live: Any, p: Pass) -> int:
    """Index of a class or function in the table of the payload being made.

    Raises CodecError for one that no name leads to.
    """
    if isinstance(live, type):
        kind, named = "c", class_digest(live, p)
    else:
        kind, named = _kind_of(live), function_digest(live, p)
    module, name = str(getattr(live, "__module__", None)), live.__qualname__
    if "<" in name:
        raise CodecError(
            f"a value that refers to the {_WORDS[kind]} {name} cannot be stored, because nothing "
            "leads to it by name: define it at the top level of the notebook or module"
        )
    return p.codes.setdefault((kind, module, name, named), len(p.codes))


def bind(ref: CodeRef) -> Any:
    """Return the live class or function that *ref* names. Raises ClassChanged, naming it."""
    kind, module, name, named = ref
    live = find_live(module, name)
    if live is None:
        live = _met.get(named)
    elif _digest(kind, live) != named:
        raise ClassChanged(
            f"{_described(ref)} has changed since the value was stored: evaluate again"
        )
    if live is None:
        raise ClassChanged(
            f"{_described(ref)}, which a stored value needs, is not defined: run the cell that "
            "defines it, or evaluate again"
        )
    return live


def _described(ref: CodeRef) -> str:
    kind, module, name, _ = ref
    return f"the {_WORDS[kind]} {name}" + ("" if module == "__main__" else f" of {module}")


def find_live(module: str, name: str) -> Any:
    """The object that *name* leads to in *module*; None if there is none."""
    live: Any = sys.modules.get(module)
    if live is None:
        try:
            live = builtins if module == "None" else importlib.import_module(module)
        except ImportError:
            return None
    for step in name.split("."):
        live = getattr(live, step, None)
    return live


def meet(*live: Any) -> None:
    """Make classes and functions known that no module leads to, so that stored values find them.

    A worker calls this with what it rebuilt for a job. Nothing is kept alive; what is neither a
    class nor a function is passed over. Thread-safe.
    """
    for one in live:
        if isinstance(one, (type, FunctionType)):
            _met[_digest("c" if isinstance(one, type) else "f", one)] = one
