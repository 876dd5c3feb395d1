"""What earlier processes found out about source texts: sources that need no compiling again.

A source is trusted because its text, compiled, gives the live code. Who has seen that once need not
see it again: the answer depends on the text, on the whole of the code and on the interpreter, and
all of them are in the key. A record says nothing about a code object that differs in anything, be
it one line number, nor is it read by another version of Python or of the encoding.

Only digests and line numbers are kept. A file that is damaged, of another version or another user's
is not believed; one that cannot be read or written is done without.
"""

import importlib.util
import marshal
import os
import struct
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any, Final, NamedTuple

from cellgraph.digest import DIGEST_BYTES, digest
from cellgraph.identity.looks import class_of

_FORMAT: Final = b"cellgraph.remembered.1"
_MAX_RECORDS: Final = 8192  # the newest are kept: about a megabyte
_RECORD: Final = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}s{DIGEST_BYTES}s4i")
_MARSHAL: Final = 2  # the last version without references, which say how often an object is in use
# Modules that decide what a record says, beside this one's `digest`.
_DECIDING: Final = ("bytecode.py", "compiled.py", "normalise.py", "remembered.py", "source.py")
_PLAIN: Final = frozenset({int, float, complex, str, bytes, bool, type(None), type(Ellipsis)})


class Span(NamedTuple):
    """Where a function stands in its text: lines from 1, columns in bytes; -1: whole lines."""

    line: int
    end_line: int
    column: int
    end_column: int


class Named(NamedTuple):
    """What a function says, without docstrings and with them, and where it is written."""

    digest: bytes
    documented: bytes
    span: Span


class Remembered:
    """The records of one process. Thread-safe.

    Finds nothing and keeps nothing before `open`. The file is read when it is first asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None  # in use if there is one
        self._records: dict[bytes, bytes] | None = None
        self._used: dict[bytes, None] = {}  # keys in the order of their use
        self._fresh: list[tuple[bytes, CodeType, Named]] = []

    @property
    def is_open(self) -> bool:
        """Whether anything may be found or is kept."""
        return self._path is not None

    def open(self, path: Path) -> None:
        """Use the file *path*, which need not exist."""
        with self._lock:
            self._path, self._records = path if _HEAD else None, None
            self._used, self._fresh = {}, []

    def find(self, text: bytes, code: CodeType) -> Named | None:
        """Return what the text of this digest says about *code*, if somebody has seen it."""
        records = self._loaded()
        key = key_of(text, code) if records else None
        record = records.get(key) if key is not None else None
        if key is None or record is None:
            return None
        self._used[key] = None
        _, said, documented, *span = _RECORD.unpack(record)
        return Named(said, documented, Span(*span))

    def note(self, text: bytes, code: CodeType, named: Named) -> None:
        """Keep for later processes that the text of this digest, compiled, has *code* in it."""
        if self.is_open and len(self._fresh) < _MAX_RECORDS:
            self._fresh.append((text, code, named))

    def save(self) -> None:
        """Write what is new, beside what others have written meanwhile; quietly nothing if that
        cannot be done."""
        with self._lock:
            path, fresh, used = self._path, self._fresh, self._used
            self._fresh, self._used = [], {}
        if path is None or not fresh:
            return
        records = _read(path)
        for key in list(used):  # another thread may still be adding
            if (record := records.pop(key, None)) is not None:
                records[key] = record
        for text, code, named in fresh:
            made = key_of(text, code)
            if made is not None:
                records.pop(made, None)
                records[made] = _RECORD.pack(made, named.digest, named.documented, *named.span)
        with suppress(OSError):
            _write(path, b"".join(list(records.values())[-_MAX_RECORDS:]))

    def _loaded(self) -> dict[bytes, bytes]:
        records, path = self._records, self._path
        if records is None:
            if path is None:
                return {}
            records = _read(path)
            with self._lock:
                self._records = records
        return records


REMEMBERED: Final = Remembered()


def default_path() -> Path:
    """The file of this user and this version of Python."""
    import platformdirs  # once per process

    folder = platformdirs.user_cache_path("cellgraph") / "sources"
    return folder / f"{sys.implementation.cache_tag}.bin"


def key_of(text: bytes, code: CodeType) -> bytes | None:
    """What a record is filed under; None for code with constants that no source can have."""
    try:
        return digest(text + marshal.dumps(_content(code), _MARSHAL))
    except (TypeError, ValueError):
        return None


def _content(code: CodeType) -> list[Any]:
    """Everything that makes *code* what it is, but for the name of its file. A list, because no
    constant is one: code is told apart from a tuple that says the same."""
    constants: list[object] = [
        constant if type(constant) in _PLAIN else _constant(constant) for constant in code.co_consts
    ]
    return [
        code.co_name, code.co_qualname, code.co_code, code.co_flags, code.co_argcount,
        code.co_posonlyargcount, code.co_kwonlyargcount, code.co_names, code.co_varnames,
        code.co_freevars, code.co_cellvars, code.co_exceptiontable, code.co_firstlineno,
        code.co_linetable, constants,
    ]  # fmt: skip


def _constant(value: Any) -> object:
    """*value*, of a type that `marshal` writes in one way only; code as what makes it."""
    kind = class_of(value)  # not what it says: `marshal` writes subclasses of bytes as bytes
    if kind is CodeType:
        return _content(value)
    if kind is not tuple and kind is not frozenset:
        raise TypeError(f"{kind.__name__} is not a constant of Python source")
    for part in value:
        if type(part) not in _PLAIN:
            _constant(part)
    return value


def _head() -> bytes:
    """What a file begins with, which is who may read it; nothing if we cannot know ourselves."""
    folder = Path(__file__).parent
    interpreter = f"{sys.version} {sys.flags.optimize}".encode()
    try:
        deciding = [digest((folder / name).read_bytes()) for name in _DECIDING]
    except OSError:  # installed as an archive
        return b""
    return digest(b"".join([_FORMAT, importlib.util.MAGIC_NUMBER, interpreter, *deciding]))


# As they are when they are loaded: an upgrade may put others in their place under a live kernel.
_HEAD: Final = _head()


def _read(path: Path) -> dict[bytes, bytes]:
    """The records of a file by their keys, oldest first; none if it is not to be believed."""
    if not path.is_file():  # nor is a pipe opened: it might never end
        return {}
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return {}
            data = file.read(2 * DIGEST_BYTES + _MAX_RECORDS * _RECORD.size + 1)
    except OSError:
        return {}
    body = memoryview(data)[2 * DIGEST_BYTES :]
    whole = data[DIGEST_BYTES : 2 * DIGEST_BYTES] == digest(body)
    if data[:DIGEST_BYTES] != _HEAD or not whole or len(body) % _RECORD.size:
        return {}
    size = _RECORD.size
    cut = [bytes(body[at : at + size]) for at in range(0, len(body), size)]
    return {record[:DIGEST_BYTES]: record for record in cut}


def _write(path: Path, body: bytes) -> None:
    """Put a whole new file in the place of *path*; readers find the one or the other."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # readable by its owner only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_HEAD + digest(body) + body)
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
