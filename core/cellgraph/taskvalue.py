"""Tasks and expressions as values: in arguments, in captured variables, in stored containers.

As part of a key a task is its name and the identity of its code, so a call that receives another
task notices when that one changes. A stored value holds where the task is found; decoding binds it
to the live task there, if its code is still the same.
"""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

import sys
import threading
from typing import Any, Final

from cellgraph.definitions import identity_of
from cellgraph.errors import ClassChanged, CodecError, IdentityError
from cellgraph.expression import Apply, Call
from cellgraph.identity.registry import register_value
from cellgraph.identity.values import reference
from cellgraph.task import Task

TASKS: Final[frozenset[type]] = frozenset({Task})


class _Open(threading.local):
    """Tasks whose code this thread is reading: a captured expression may name its own."""

    def __init__(self) -> None:
        self.tasks: set[int] = set()
        self.literal = False  # naming an argument: every lazy value in it was replaced already


_open = _Open()


def code_digest(task: Task[..., Any]) -> bytes:
    """Digest of the task's code as it is now; empty inside its own closure (the name says it)."""
    mark = id(task.func)
    if mark in _open.tasks:
        return b""
    _open.tasks.add(mark)
    try:
        return identity_of(task).digest
    finally:
        _open.tasks.discard(mark)


def _identity(task: Task[..., Any]) -> object:
    return (task.name, task.identity_options(), code_digest(task))


def _encode(task: Task[..., Any]) -> object:
    return (task.__module__, task.__qualname__, code_digest(task), dict(task.said))


def _decode(state: Any) -> object:
    module, qualname, code, said = state
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    live: object = found
    if not isinstance(live, Task) or code_digest(found) != code:
        raise ClassChanged(f"the task {qualname} is gone or has changed")
    return found.options(**said) if said else found


def literal_reference(value: object) -> bytes:
    """Identity of an argument that is no expression. Raises IdentityError for one hidden in it."""
    _open.literal = True
    try:
        return reference(value)
    finally:
        _open.literal = False


def _refuse_hidden() -> None:
    if _open.literal:
        raise IdentityError(
            "a lazy expression hides inside an object: pass it as an argument of its own, "
            "or make the object's class a dataclass"
        )


def _call_identity(call: Call) -> object:
    _refuse_hidden()
    return (call._task, call._args, dict(call._kwargs))


def _apply_identity(apply: Apply) -> object:
    _refuse_hidden()
    return (apply._rule.name, apply._args, apply._rest)


def _not_stored(value: object) -> object:
    raise CodecError(
        "a lazy expression hides inside a returned object: return it by itself, in a list, dict or "
        "tuple, or make the object's class a dataclass"
    )


register_value(
    Task, tag="cellgraph.task", version=1, encode=_encode, decode=_decode, identity=_identity
)
register_value(
    Call,
    tag="cellgraph.call",
    version=1,
    encode=_not_stored,
    decode=_not_stored,
    identity=_call_identity,
)
register_value(
    Apply,
    tag="cellgraph.apply",
    version=1,
    encode=_not_stored,
    decode=_not_stored,
    identity=_apply_identity,
)
