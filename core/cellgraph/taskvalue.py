"""Tasks and expressions as values: in arguments, in captured variables, in stored containers.

As part of a key a task is its name and the identity of its code, so a call that receives another
task notices when that one changes. A stored value holds where the task is found; decoding binds it
to the live task there, if its code is still the same.
"""

import sys
import threading
from typing import Any, Final

from cellgraph.errors import ClassChanged
from cellgraph.expression import Apply, Call
from cellgraph.identity.code import code_identity
from cellgraph.identity.registry import register_value
from cellgraph.task import Task

TASKS: Final[frozenset[type]] = frozenset({Task})


class _Open(threading.local):
    """Tasks whose code this thread is reading: a captured expression may name its own."""

    def __init__(self) -> None:
        self.tasks: set[int] = set()


_open = _Open()


def code_digest(task: Task[..., Any]) -> bytes:
    """Digest of the task's code as it is now; empty inside its own closure (the name says it)."""
    mark = id(task.func)
    if mark in _open.tasks:
        return b""
    _open.tasks.add(mark)
    own = task.own
    try:
        return code_identity(
            task.func,
            name=task.name,
            version=own.version,
            uses=own.uses,
            packages=own.packages or "exact",
        ).digest
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
    if not isinstance(found, Task) or code_digest(found) != code:
        raise ClassChanged(f"the task {qualname} is gone or has changed")
    return found.options(**said) if said else found


def _call_identity(call: Call) -> object:
    return (call._task, call._args, dict(call._kwargs))


def _apply_identity(apply: Apply) -> object:
    return (apply._rule.name, apply._args, apply._rest)


def _not_stored(value: object) -> object:
    raise ClassChanged("a lazy expression is never stored as a value")


register_value(
    Task, tag="cellgraph.task", version=1, encode=_encode, decode=_decode, identity=_identity
)
register_value(Call, tag="cellgraph.call", version=1, encode=_call_identity, decode=_not_stored)
register_value(Apply, tag="cellgraph.apply", version=1, encode=_apply_identity, decode=_not_stored)
