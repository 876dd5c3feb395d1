"""Files that live in the store: what a script leaves behind in its work folder.

A kept file is a value like any other: its bytes are a buffer of the value's stored form, so that
what keeps, shares, verifies and collects values does so for files. Whoever needs a path gets one
in this user's cache folder: written there once per content, read-only, looked at again by its
digest before each use, and removed when nobody has used it for a week.
"""

import errno
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import CodecError, LostValue
from cellgraph.filedigests import file_digest, names_digest
from cellgraph.identity.tables import Raw

_UNUSED_S: Final = 7 * 86_400.0
_MAP_BYTES: Final = 256 << 10
_PIECE_BYTES: Final = 64 << 20
_MARK: Final = ".used"


class Part(NamedTuple):
    """One file: its name below the folder it belongs to, and its content."""

    name: str
    digest: bytes  # BLAKE3 of the content
    data: bytes | memoryview  # mapped where it is large
    executable: bool

    @classmethod
    def of(cls, path: str, name: str) -> "Part":
        """Map the file at *path*, which may go afterwards. Raises OSError."""
        with open(path, "rb") as file:  # noqa: PTH123 - text
            status = os.fstat(file.fileno())
            data: bytes | memoryview
            if status.st_size < _MAP_BYTES:  # a map holds a descriptor
                data = file.read()
            else:
                data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return cls(name, digest(data), data, bool(status.st_mode & 0o100))


class KeptPlace:
    """Where a kept file or folder is: in the store, and at `local` once somebody asks.

    Stands beside the places of `located`. *name* is what the script called it, relative.
    """

    __slots__ = ("_content", "name", "parts")

    def __init__(self, name: str, parts: Sequence[Part], *, folder: bool) -> None:
        self.name = name
        self.parts = tuple(parts)
        if folder:
            self._content = names_digest([(part.name, part.digest) for part in self.parts])
        else:
            (only,) = self.parts
            self._content = only.digest

    @property
    def where(self) -> object:
        """What makes two of them the same."""
        return self.identity()

    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(len(part.data) for part in self.parts)

    def content(self, *, folder: bool) -> bytes:
        """Digest of what it holds."""
        return self._content

    def identity(self) -> tuple[str, str, tuple[tuple[str, bytes, bool], ...]]:
        """What it is called in keys: names, contents, and which files are programs."""
        parts = tuple((p.name, p.digest, p.executable) for p in self.parts)
        return ("kept", self.name, parts)

    def state(self) -> object:
        """What the store keeps of it."""
        parts = tuple((p.name, p.digest, p.executable, Raw(p.data, True)) for p in self.parts)
        return ("kept", self.name, parts)

    @classmethod
    def of_state(cls, state: Any, *, folder: bool) -> "KeptPlace":
        """Undo `state`."""
        _, name, parts = state
        made = [Part(inner, content, data, program) for inner, content, program, data in parts]
        for inner in (name, *(part.name for part in made)):
            if ".." in inner.split("/") or inner.startswith("/") or "\0" in inner:
                raise CodecError(f"a stored file is called {inner!r}, which leads elsewhere")
        return cls(str(name), made, folder=folder)

    def local(self, *, folder: bool) -> str:
        """A path of it on this machine, for reading.

        Raises OSError (no space left, say), LostValue for bytes that are not what they should be.
        """
        return shelved(self._content.hex(), Path(self.name).name, self._is_whole, self._write)

    def is_there(self, *, folder: bool) -> bool:
        """It is: whoever has the value has it."""
        return True

    def _is_whole(self, target: Path) -> bool:
        """Whether what was written once is still as it was. Raises OSError."""
        return all(
            file_digest(str(target / part.name if part.name else target)) == part.digest
            and (os.access(target / part.name, os.X_OK) or not part.executable)
            for part in self.parts
        )

    def _write(self, target: Path) -> None:
        for part in self.parts:
            # the folder is shared by all who ask for this content
            if digest(part.data) != part.digest:
                raise LostValue(f"the stored bytes of {self.name} are not its own: evaluate again")
            write_part(part, target / part.name if part.name else target)


def shelved(
    key: str, name: str, is_whole: Callable[[Path], bool], write: Callable[[Path], None]
) -> str:
    """The path of *name* in the cache folder's shelf *key*; made by *write* unless it *is_whole*.

    It is there whole, or not at all; two that write it at once write the same. Raises OSError.
    """
    import platformdirs

    shelves = platformdirs.user_cache_path("cellgraph") / "kept"
    home = shelves / key
    target = home / name
    if not _holds(target, is_whole):
        shelves.mkdir(mode=0o700, parents=True, exist_ok=True)
        _drop_unused(shelves)
        home.mkdir(mode=0o700, exist_ok=True)
        (home / _MARK).touch()
        draft = Path(tempfile.mkdtemp(prefix=".", dir=home))
        try:
            write(draft / name)
            for made in draft.iterdir():
                _replace(made, home / made.name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    with suppress(OSError):
        os.utime(home / _MARK)
    return str(target)


def _holds(target: Path, is_whole: Callable[[Path], bool]) -> bool:
    try:
        return target.exists() and is_whole(target)
    except (OSError, ValueError):
        return False


def write_part(part: Part, target: Path) -> None:
    """Write one file, read-only. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    view = memoryview(part.data)
    with target.open("xb") as file:
        for at in range(0, len(view), _PIECE_BYTES):
            file.write(view[at : at + _PIECE_BYTES])
    target.chmod(0o555 if part.executable else 0o444)


def put_in_place(source: str, target: str) -> None:
    """Move a file, to another disk too: it is there whole, or what was there before. OSError."""
    goal = Path(target)
    goal.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, goal)  # noqa: PTH105 - text
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with tempfile.TemporaryDirectory(prefix=".", dir=goal.parent) as draft:
            Path(shutil.copy(source, draft)).replace(goal)


def _replace(draft: Path, target: Path) -> None:
    if draft.is_dir() and target.exists():  # a folder is not replaced in one step
        shutil.rmtree(target, ignore_errors=True)
    try:
        draft.replace(target)
    except OSError:
        if not target.exists():
            raise


def _drop_unused(folder: Path) -> None:
    """Remove what nobody has asked for lately."""
    limit = time.time() - _UNUSED_S
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if (Path(entry.path) / _MARK).stat().st_mtime < limit:
                    shutil.rmtree(entry.path, ignore_errors=True)
