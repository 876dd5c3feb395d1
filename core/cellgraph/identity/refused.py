"""Values without a content that could be named, and what to pass instead."""

import io
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import ModuleType
from typing import Any

from cellgraph.identity.plain import class_of
from cellgraph.identity.wire import Unencodable

_IN_MEMORY = (io.BytesIO, io.StringIO)


def refuse_known(value: Any) -> None:
    """Raise Unencodable for a handle, an iterator or a module. Nothing is consumed."""
    what = _described(value)
    if what is not None:
        raise Unencodable(value, what)


def refuse(value: Any, error: BaseException) -> Unencodable:
    """What to raise for a value that cannot say what it consists of."""
    cls = class_of(value)
    name = (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return Unencodable(
        value,
        f"is {article} {name}, which has no content that could be named ({error}): pass the plain "
        "data it stands for and make it inside the task, or teach Cellgraph the type with "
        "register_value(...)",
    )


def _described(value: Any) -> str | None:
    cls = class_of(value)
    if isinstance(value, ModuleType):
        return f"is the module {value.__name__}: import it inside the task instead"
    if isinstance(value, io.IOBase) and not isinstance(value, _IN_MEMORY):
        return "is an open file: pass its path or a File, and open it inside the task"
    if isinstance(value, Iterator) and not isinstance(value, _IN_MEMORY):
        what = "a generator" if cls.__name__ == "generator" else f"an iterator ({cls.__qualname__})"
        return f"is {what}: pass list(...) instead"
    if isinstance(value, (AsyncIterator, Awaitable)) and cls.__module__ == "builtins":
        return f"is {_article(cls.__name__)}: pass its result instead"
    if isinstance(value, threading.Thread):
        return "is a thread: start it inside the task"
    if cls.__name__ in ("lock", "RLock"):
        return "is a lock: make it inside the task"
    if cls.__module__ == "_thread" or cls.__module__ == "threading":
        return f"is {_article(cls.__qualname__)}: make it inside the task"
    if isinstance(value, memoryview):
        return "is a memoryview: pass bytes(...) instead"
    if cls.__module__ == "cellgraph.expression":
        return "is lazy: pass it as an argument of its own, or in a list, tuple, set or dict"
    if cls.__module__ in ("socket", "sqlite3", "ssl", "subprocess", "weakref"):
        return f"is {_article(f'{cls.__module__}.{cls.__qualname__}')}: make it inside the task"
    return None


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
