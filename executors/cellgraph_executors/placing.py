"""Files of this machine on another one: sent by content, put there under the same name.

A name below the project's folder is a name below the folder a worker works in (`work_folder`); a
file from elsewhere keeps its absolute path. What is there already is never overwritten.
"""

import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.collector import Kept, keeping
from cellgraph.digest import digest
from cellgraph.errors import CellgraphError, ExecutorError, LostValue
from cellgraph.filedigests import file_digest, files_below
from cellgraph.identity.values import restore, snapshot
from cellgraph.kept import Part as MappedFile
from cellgraph.located import Place, working_roots
from cellgraph.places import S3, path_of
from cellgraph.result import Held, Inline, Result, Stored
from cellgraph.stores.base import Store

_FILE_URI: Final = "file://"
_NAMES: Final = (b"cellgraph.file", b"cellgraph.dir")
_HEAD: Final = b"cellgraph.sentfile.1"
_LOOKED_AT: Final = 256 << 10  # of a stored result: files are small values, in small containers
_SYSTEM: Final = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr")
_MARKER: Final = ".cellgraph"  # the top of a project


class Part(NamedTuple):
    """One file of a `Sent`: its name below it (empty: itself), and its content."""

    name: str
    blob: bytes  # digest of the payload that holds it
    content: bytes  # digest of its bytes
    executable: bool


class Sent(NamedTuple):
    """A file or folder whose content is in the store."""

    name: str  # portable: below the project, or a `file://` URI
    parts: tuple[Part, ...]


class Carried(Result):
    """A value with files in it, for a place that does not have them."""

    __slots__ = ("files", "inner")

    def __init__(self, inner: Result, files: tuple[Sent, ...]) -> None:
        self.ref = inner.ref
        self.inner = inner
        self.files = files

    def blobs(self) -> list[bytes]:
        """The payloads that `load` reads."""
        own = [self.inner.blob] if isinstance(self.inner, Stored) else []
        return [*own, *(part.blob for file in self.files for part in file.parts)]

    def load(self, store: Store) -> object:
        """Put the files in place, then return the value. Raises ExecutorError, LostValue."""
        for file in self.files:
            place(file, store)
        return self.inner.load(store)


def carry(leaf: Result, store: Store) -> Result:
    """Return *leaf*, with the files of this machine that are in it put into *store*.

    Raises ExecutorError for a file that cannot be read.
    """
    if isinstance(leaf, Held):
        value: object = leaf.value
    else:
        payload = _payload(leaf, store)
        if payload is None or not any(name in payload.head for name in _NAMES):
            return leaf
        value = restore(payload)
    try:
        with keeping() as kept:
            ref, payload = snapshot(value)
    except CellgraphError:  # it has no stored form, and travels as it can
        return leaf
    kept = [file for file in kept if not file.path.startswith(S3)]  # read from there anywhere
    if not kept:
        return leaf
    inner = Inline(ref, payload) if isinstance(leaf, Held) else leaf
    return Carried(inner, tuple([send(file, store) for file in dict.fromkeys(kept)]))


def send(kept: Kept, store: Store) -> Sent:
    """Put a file or folder into *store*. Raises ExecutorError."""
    place = Place(kept.path)
    names = sorted(files_below(kept.path)) if kept.folder else [""]
    return Sent(place.name, tuple([_put(kept.path, name, store) for name in names]))


def _put(path: str, name: str, store: Store) -> Part:
    file = Path(path, name) if name else Path(path)
    try:
        content = file_digest(str(file))
        executable = bool(file.stat().st_mode & 0o100)
        # the name of a payload is made of the digests of its buffers: a file that is there already
        # is not read again
        there = Payload(_HEAD, (Buffer(memoryview(b""), content),)).digest()
        if store.has_blob(there):
            return Part(name, there, content, executable)
        mapped = MappedFile.of(str(file), name)
    except OSError as error:
        raise ExecutorError(f"the file {file} cannot be sent: {error}") from error
    buffer = Buffer(memoryview(mapped.data), mapped.digest)
    return Part(name, store.put_blob(Payload(_HEAD, (buffer,))), mapped.digest, executable)


def place(sent: Sent, store: Store) -> None:
    """Put a file or folder where its name says. Raises ExecutorError, LostValue."""
    target = target_of(sent.name)
    for part in sent.parts:
        file = target / part.name if part.name else target
        if not file.resolve().is_relative_to(target.resolve()):
            raise ExecutorError(f"{sent.name} has a part outside itself: {part.name}")
        if file.exists():
            _check_same(file, part.content)
            continue
        payload = store.get_blob(part.blob)
        if payload is None:
            raise LostValue(f"the content of {sent.name} is not in the store: evaluate again")
        write(file, payload.buffers[0].data, executable=part.executable)


def target_of(name: str) -> Path:
    """Where a file of this name belongs on this machine. Raises ExecutorError for a place of the
    system's."""
    if not name.startswith(_FILE_URI):
        return Path(path_of(name, working_roots()))
    path = Path(os.path.normpath(name.removeprefix(_FILE_URI)))
    if len(path.parts) < 3 or path.parts[1] in _SYSTEM:
        raise ExecutorError(f"{path} is not put on another machine: copy it below the project")
    return path


def write(file: Path, data: bytes | memoryview, *, executable: bool) -> None:
    """Write a file whole or not at all. Raises ExecutorError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(draft).chmod(0o755 if executable else 0o644)
        Path(draft).rename(file)
    except OSError as error:
        raise ExecutorError(
            f"{file} cannot be put on this machine ({error}): copy it below the project's folder, "
            "and give that path"
        ) from error


def _check_same(file: Path, content: bytes) -> None:
    if not file.is_file() or file_digest(str(file)) != content:
        raise ExecutorError(
            f"{file} is on this machine already, with another content: it is not overwritten"
        )


@contextmanager
def work_folder() -> Generator[Path]:
    """A folder of its own for a call, the project's folder as far as names of files go."""
    before = os.getcwd()  # noqa: PTH109 - a text
    with tempfile.TemporaryDirectory(prefix="cellgraph-work-") as folder:
        (Path(folder) / _MARKER).mkdir()
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def _payload(leaf: Result, store: Store) -> Payload | None:
    if isinstance(leaf, Inline):
        return leaf.payload
    if isinstance(leaf, Stored) and leaf.nbytes <= _LOOKED_AT:
        return store.get_blob(leaf.blob)
    return None


class Packed(NamedTuple):
    """A file or folder that travels with code: its parts are bytes beside the pickle."""

    folder: bool
    name: str
    parts: tuple[tuple[str, int, bool], ...]  # name, number of the bytes, executable


def pack(kept: Kept, data: list[bytes]) -> Packed:
    """Read a file or folder into *data*. Raises ExecutorError."""
    names = sorted(files_below(kept.path)) if kept.folder else [""]
    parts: list[tuple[str, int, bool]] = []
    for name in names:
        file = Path(kept.path, name) if name else Path(kept.path)
        try:
            parts.append((name, len(data), bool(file.stat().st_mode & 0o100)))
            data.append(file.read_bytes())
        except OSError as error:
            raise ExecutorError(f"the file {file} cannot be sent: {error}") from error
    return Packed(kept.folder, Place(kept.path).name, tuple(parts))


def unpack_file(packed: Packed, data: Sequence[memoryview]) -> None:
    """Put what `pack` read in its place. Raises ExecutorError."""
    target = target_of(packed.name)
    for name, number, executable in packed.parts:
        file = target / name if name else target
        if file.exists():
            _check_same(file, digest(data[number]))
        else:
            write(file, data[number], executable=executable)
