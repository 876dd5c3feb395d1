"""What the call on this thread reads beside its arguments, while it runs.

One `Collector` per call. The hooks that fill it are in `reads`; `files` tells of the files a call
received and returned. Everything else on the thread, and every other thread, is not looked at.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cellgraph.filedigests import (
    Stamp,
    file_digest,
    folder_digest,
    is_hidden,
    listing_digest,
    names_in,
    stamp_of,
)
from cellgraph.places import S3, Read, ReadKind, Roots, below, name_of, path_of
from cellgraph.variables import Variables

_SITE: Final = ("site-packages", "dist-packages")
_SYSTEM: Final = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr")


class Kept(NamedTuple):
    """A `File` or `Dir` met while a value was being stored."""

    path: str
    digest: bytes
    folder: bool


class Made(Protocol):
    """A dataset that was written in the store."""

    where: str

    def content(self, *, folder: bool) -> bytes:
        """Its digest. Raises OSError."""
        ...


class _Here(threading.local):
    current: "Collector | None" = None
    keeping: "list[Kept] | None" = None
    made: "tuple[Made, ...]" = ()  # by the call on this thread


here: Final = _Here()


class Collector:
    """Fills while a call runs; `reads` then says what the result depends on. One thread only."""

    __slots__ = (
        "_asked",
        "_files",
        "_listings",
        "_roots",
        "_used",
        "_written",
        "returned",
        "touched",
        "variables",
    )

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self.touched = False  # whether anything was noted
        self.returned: list[Kept] = []
        self.variables: Variables | None = None  # made when the first one is read
        self._files: dict[str, tuple[str, Stamp | None]] = {}  # path -> name, as it was
        self._listings: dict[str, bytes] = {}  # name -> digest
        self._asked: dict[str, set[bytes]] = {}  # URI in a bucket -> digests
        self._written: set[str] = set()
        self._used: dict[str, tuple[bytes, bool]] = {}  # path -> digest, whether it is a folder

    # --- while the call runs --------------------------------------------------------------------

    def opened(self, path: str) -> None:
        """A file was opened for reading, or was not there."""
        path = os.path.abspath(path)  # noqa: PTH100 - text
        if path in self._files or path in self._written or self._is_declared(path):
            return
        name = self._name(path)
        if name is None:
            return
        try:
            stamp = stamp_of(path)
        except (FileNotFoundError, NotADirectoryError):
            stamp = None
        except OSError:  # a folder, a pipe
            return
        self.touched = True
        self._files[path] = (name, stamp)

    def listed(self, path: str) -> None:
        """A folder was listed."""
        path = os.path.abspath(path)  # noqa: PTH100 - text
        if path in self._written or self._is_declared(path):
            return
        name = self._name(path)
        if name is None or name in self._listings:
            return
        try:
            if self._written and all(self._is_own(path, entry) for entry in names_in(path)):
                return
            found = listing_digest(path)
        except (FileNotFoundError, NotADirectoryError):
            self._files.setdefault(path, (name, None))
            self.touched = True
            return
        except OSError:
            return
        self.touched = True
        self._listings[name] = found

    def wrote(self, path: str) -> None:
        """The call made, changed or removed a file or folder: reading it again says nothing."""
        self._written.add(path if path.startswith(S3) else os.path.abspath(path))  # noqa: PTH100

    def asked(self, uri: str, content: bytes) -> None:
        """A bucket was asked for an object, or (a slash at the end) for all below; it said
        *content*, empty when there is nothing."""
        if uri.rstrip("/") not in self._written:
            self.touched = True
            self._asked.setdefault(uri, set()).add(content)

    def variable(self, name: str, value: str | None) -> None:
        """An environment variable was read."""
        self.touched = True
        self._variables().note(name, value)

    def variables_listed(self, names: list[str]) -> None:
        """The names of all environment variables were read."""
        self._variables().listed(names)

    def set_variable(self, name: str) -> None:
        """The call set an environment variable itself."""
        self._variables().wrote(name)

    def _variables(self) -> Variables:
        if self.variables is None:
            self.variables = Variables()
        return self.variables

    def used(self, path: str, content: bytes, *, folder: bool) -> None:
        """The call uses a file that it received: it is in the key, by its content."""
        self.touched = True
        self._used[path] = (content, folder)

    def _is_own(self, folder: str, entry: str) -> bool:
        return os.path.join(folder, entry) in self._written  # noqa: PTH118 - text

    def _is_declared(self, path: str) -> bool:
        if not self._used:
            return False
        if path in self._used:
            return True
        return any(
            folder and below(path, used) is not None for used, (_, folder) in self._used.items()
        )

    def _name(self, path: str) -> str | None:
        """The name of a path that results may depend on."""
        name = name_of(path, self._roots)
        if name is None:
            path = os.path.realpath(path)
            name = name_of(path, self._roots)
            if name is None:
                return None
        if any(path.startswith(skipped) for skipped in _skipped(self._roots)):
            return None
        if name in (".", *self._roots.data):
            return name
        inside = Path(_inside(path, self._roots)).parts
        return None if any(is_hidden(part) or part in _SITE for part in inside) else name

    # --- when it has returned -------------------------------------------------------------------

    def reads(self) -> tuple[Read, ...]:
        """What the result depends on, digests taken now. `changed` marks what did not hold still;
        the result must not be kept then."""
        found = [self._file(path, *seen) for path, seen in self._files.items()]
        found += [Read("listing", name, content) for name, content in self._listings.items()]
        for uri, said in self._asked.items():
            found.append(Read("file" if len(said) == 1 else "changed", uri, min(said)))
        if self.variables is not None:
            found += [Read("env", name, held) for name, held in self.variables.noted().items()]
        found += [self._argument(path, *used) for path, used in self._used.items()]
        found += [read_of("result", kept, self._roots) for kept in self.returned]
        return tuple(found)

    def _file(self, path: str, name: str, before: Stamp | None) -> Read:
        if before is None:
            return Read("absent", name, b"")
        try:
            content = file_digest(path)
            same = stamp_of(path) == before
        except OSError:
            same, content = False, b""
        return Read("file" if same else "changed", name, content)

    def _argument(self, path: str, content: bytes, folder: bool) -> Read:
        try:
            # of what is in a bucket a copy was used, which does not change
            here_ = not path.startswith(S3)
            now = (folder_digest(path) if folder else file_digest(path)) if here_ else content
        except OSError:
            now = b""
        kind: ReadKind = "argument" if now == content else "changed"
        return Read(kind, name_of(path, self._roots) or path, content)


# Where nobody asks what a call reads.
NOTHING: Final = Collector(Roots("/"))


@contextmanager
def keeping() -> Generator[list[Kept]]:
    """Gather the files met while values are stored on this thread."""
    outer, here.keeping = here.keeping, []
    try:
        yield here.keeping
    finally:
        here.keeping = outer


@contextmanager
def unwatched() -> Generator[None]:
    """What this thread reads meanwhile is no undeclared read of the call's."""
    outer, here.current = here.current, None
    try:
        yield
    finally:
        here.current = outer


def read_of(kind: ReadKind, kept: Kept, roots: Roots) -> Read:
    """A file in a stored value, as a dependency. The name of a folder ends with a slash."""
    name = name_of(kept.path, roots) or kept.path
    return Read(kind, f"{name}/" if kept.folder else name, kept.digest)


def _inside(path: str, roots: Roots) -> str:
    for root in (roots.project, *(path_of(written, roots) for written in roots.data)):
        inside = below(path, root)
        if inside is not None:
            return inside
    return path


@lru_cache(maxsize=64)  # a fact about the interpreter and these folders
def _skipped(roots: Roots) -> tuple[str, ...]:
    """Folders inside the roots that belong to the interpreter, the system or nobody."""
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.__file__))  # noqa: PTH120
    folders = {os.path.realpath(f) for f in (*own, *_SYSTEM, tempfile.gettempdir())}
    watched = (roots.project, *(path_of(written, roots) for written in roots.data))
    return tuple(
        sorted(
            folder + os.sep
            for folder in folders
            if any(below(folder, root) not in (None, ".") for root in watched)
        )
    )
