"""Exceptions on their way between processes: themselves where possible, else a stand-in."""

import builtins
from typing import Any, Final, NamedTuple

from cellgraph_executors import pickling

_CHANGED: Final = "it comes back as another type"


class PackedError(NamedTuple):
    """An exception as a worker process sends it."""

    data: bytes  # pickled; empty if that failed
    reason: str  # why it could not be pickled
    kind: str  # name of its class
    bases: tuple[str, ...]  # names of the built-in classes among its bases, nearest first
    text: str


def pack_error(error: BaseException) -> PackedError:
    """Pack *error*, having tried that it can be unpacked."""
    kind = type(error)
    bases = tuple(c.__name__ for c in kind.__mro__ if c.__module__ == "builtins")
    data, reason = b"", ""
    try:
        data = pickling.dump(error)
        if not isinstance(pickling.load(data), kind):
            data, reason = b"", _CHANGED
    except Exception as failure:  # pickling runs the user's code, which may raise anything
        data, reason = b"", _text_of(failure)
    return PackedError(data, reason, kind.__qualname__, bases, _text_of(error))


def unpack_error(packed: PackedError) -> BaseException:
    """Return the exception, or one of its nearest built-in base class with its name and text."""
    reason = packed.reason
    if packed.data:
        try:
            error = pickling.load(packed.data)
            if isinstance(error, BaseException):
                return error
            reason = _CHANGED
        except Exception as failure:  # as above
            reason = _text_of(failure)
    stand_in = _stand_in(packed)
    stand_in.add_note(f"(a stand-in: the exception cannot leave its process: {reason})")
    return stand_in


def _stand_in(packed: PackedError) -> BaseException:
    text = f"{packed.kind}: {packed.text}" if packed.text else packed.kind
    for name in packed.bases:
        kind: Any = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            try:
                return kind(text)
            except TypeError:  # wants more than a text: its base will do
                continue
    return Exception(text)


def _text_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # a broken __str__ of the user's class
        return type(error).__name__
