"""Undeclared reads: the hooks that see what a running call reads beside its arguments.

Seen, on the thread of the call: files opened through Python, folders listed, opens that failed,
databases of sqlite3, environment variables read from the user's own code, and (through `libraries`)
what pyarrow and polars open by themselves. Not seen: threads and processes that the call starts,
`stat` (``Path.exists``), files opened by other libraries' compiled code, the network, the clock.
"""

import importlib.machinery
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, Final

from cellgraph.collector import NOTHING, Collector, here
from cellgraph.identity.packages import origin_of
from cellgraph.places import Read

__all__ = ["begin", "end", "settle"]

# The shell's own, different on every machine; credentials and their like.
_IGNORED_VARIABLES: Final = frozenset({"HOME", "PATH", "TMPDIR"})
_IGNORED_PREFIXES: Final = ("AWS_", "CELLGRAPH_")
_ENVIRONMENT_MODULES: Final = frozenset({"os", "_collections_abc", "collections.abc"})
# They read sources, to show or to import them; code is named by its identity.
_SOURCE_READERS: Final = frozenset({"inspect", "linecache", "tokenize", "traceback"})
# They list all of `sys.path`, the working directory included, for what is installed. A package's
# own listing of its modules (`pkgutil`) is the task's business and counts.
_FINDERS: Final = ("importlib._bootstrap", "importlib.metadata")
_CODE: Final = tuple(importlib.machinery.all_suffixes())
_WRITES: Final = os.O_WRONLY | os.O_RDWR
# Who opens, and who asks for a variable, decides whether it counts.
_frame: Final[Callable[[int], FrameType]] = getattr(sys, "_getframe")  # noqa: B009 - no public name


def begin(collector: Collector) -> None:
    """Watch this thread until `end`. Installs the hooks of this process on the first use."""
    if collector is not NOTHING:
        if not _installed:
            _install()
        here.current = collector


def end(collector: Collector) -> None:
    """The call's body has ended; what is stored from now on is its result."""
    if collector is not NOTHING:
        here.current = None
        here.keeping = collector.returned


def settle(collector: Collector) -> tuple[Read, ...]:
    """The result is stored, or there is none: return what the outcome depends on."""
    here.current = here.keeping = None
    if collector.touched or collector.returned:
        return collector.reads()
    return ()


# --- files ----------------------------------------------------------------------------------------


def _hook(event: str, args: tuple[Any, ...]) -> None:
    take = _EVENTS.get(event)
    if take is None:
        return
    collector = here.current
    if collector is None:
        return
    here.current = None  # what is looked at from here on is our own reading
    try:
        take(collector, args, _frame(1))
    except (OSError, TypeError, ValueError):
        pass  # the user's call will say the same
    finally:
        here.current = collector


def _opened(collector: Collector, args: tuple[Any, ...], frame: FrameType) -> None:
    path, mode, flags = args
    if isinstance(path, int):
        return
    path = os.fsdecode(path)
    flags = flags if isinstance(flags, int) else 0
    if _reads(mode, flags) and not _reads_code(path, frame):
        collector.opened(path)
    if flags & _WRITES:
        collector.wrote(path)


def _reads(mode: object, flags: int) -> bool:
    if flags & os.O_TRUNC or (flags & os.O_WRONLY and not flags & os.O_RDWR):
        return False
    return not (isinstance(mode, str) and mode[:1] in "wxa")


def _reads_code(path: str, frame: FrameType) -> bool:
    if frame.f_code.co_filename.startswith("<frozen importlib"):
        return path.endswith(_CODE)
    return frame.f_globals.get("__name__") in _SOURCE_READERS


def _listed(collector: Collector, args: tuple[Any, ...], frame: FrameType) -> None:
    (path,) = args
    module = str(frame.f_globals.get("__name__"))
    if not isinstance(path, int) and not module.startswith(_FINDERS):
        collector.listed("." if path is None else os.fsdecode(path))


def _changed(collector: Collector, args: tuple[Any, ...], frame: FrameType) -> None:
    for path in args[:1]:
        collector.wrote(os.fsdecode(path))


def _moved(collector: Collector, args: tuple[Any, ...], frame: FrameType) -> None:
    for path in args[:2]:
        collector.wrote(os.fsdecode(path))


def _connected(collector: Collector, args: tuple[Any, ...], frame: FrameType) -> None:
    path = os.fsdecode(args[0])
    if path.startswith("file:"):
        path = path[len("file:") :].partition("?")[0]
    if path and path != ":memory:":
        collector.opened(path)
        if os.path.exists(f"{path}-wal"):  # noqa: PTH110 - text; what was committed last is there
            collector.opened(f"{path}-wal")


_EVENTS: Final[Mapping[str, Callable[[Collector, tuple[Any, ...], FrameType], None]]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "os.mkdir": _changed,
    "os.remove": _changed,
    "os.rmdir": _changed,
    "os.truncate": _changed,
    "os.rename": _moved,
    "os.link": _moved,
    "os.symlink": _moved,
    "sqlite3.connect": _connected,
}


# --- environment ----------------------------------------------------------------------------------


def _watch_environment() -> None:
    """Let `os.environ` tell of single variables; the object stays the one that everybody holds."""
    kind: Any = type(os.environ)
    get, put, loop = kind.__getitem__, kind.__setitem__, kind.__iter__

    def __getitem__(self: Any, key: Any) -> Any:  # noqa: N807 - stands in for it
        collector = here.current
        if collector is None or self is not os.environ:
            return get(self, key)
        try:
            value = get(self, key)
        except KeyError:
            _note_variable(collector, key, None)
            raise
        _note_variable(collector, key, value)
        return value

    def __setitem__(self: Any, key: Any, value: Any) -> None:  # noqa: N807 - as above
        put(self, key, value)
        if here.current is not None and isinstance(key, str):
            here.current.set_variable(key)

    def __iter__(self: Any) -> Iterator[Any]:  # noqa: N807 - as above
        collector = here.current
        return loop(self) if collector is None else _listing(collector, loop(self))

    kind.__getitem__, kind.__setitem__, kind.__iter__ = __getitem__, __setitem__, __iter__


def _listing(collector: Collector, keys: Iterator[Any]) -> Iterator[Any]:
    names: list[str] = []
    for key in keys:
        names.append(key)
        yield key
    collector.variables_listed([name for name in names if _counts(name)])


def _counts(name: str) -> bool:
    return name not in _IGNORED_VARIABLES and not name.startswith(_IGNORED_PREFIXES)


def _note_variable(collector: Collector, key: object, value: str | None) -> None:
    if not isinstance(key, str) or not _counts(key):
        return
    frame: FrameType | None = _frame(2)
    while frame is not None and frame.f_globals.get("__name__") in _ENVIRONMENT_MODULES:
        frame = frame.f_back
    if frame is None:
        return
    module = str(frame.f_globals.get("__name__", ""))
    file = frame.f_globals.get("__file__")
    if origin_of(module, file if isinstance(file, str) else None).kind == "user":
        collector.variable(key, value)


# --- once -----------------------------------------------------------------------------------------

# An audit hook cannot be taken away, so there must be one for the life of the process: this guard
# is the one thing here that all sessions share. The hook does nothing where no call is watched.
_installed: Final[list[bool]] = []
_installing: Final = threading.Lock()


def _install() -> None:
    from cellgraph import libraries

    with _installing:
        if not _installed:
            sys.addaudithook(_hook)
            _watch_environment()
            libraries.watch()
            _installed.append(True)
