"""Files and folders as values: named by where they are in the project and what is in them.

A `File` in an argument makes the call's key depend on the content of the file, by its digest; one
in a result makes the result depend on the file being there as it was. The path in the key is the
one below the project's folder, so a project that is moved finds its results again.
"""

# pyright: reportPrivateUsage=false
# What a location is made of is nobody's business but this module's.

import os
from pathlib import Path
from typing import IO, Any, Final, Self

from cellgraph.collector import Kept, here
from cellgraph.errors import ConfigError, IdentityError, LostValue
from cellgraph.filedigests import files_below
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind
from cellgraph.kept import KeptPlace, Part
from cellgraph.located import BucketPlace, Place, place_of

_READ_ONLY: Final = (
    "{0!r} is not on a disk of this machine, so it cannot be written there: write a local file, "
    'and have it in s3:// with cg.File("s3://...").receive(path), or as the output of a script'
)


class _Located:
    """What `File` and `Dir` share. Immutable; equal when they stand for the same place."""

    __slots__ = ("_content", "_place")
    _FOLDER = False

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self._place: Place | BucketPlace | KeptPlace = place_of(path)
        self._content = b""  # set where a call received it: what its key was made of

    @classmethod
    def _stored(cls, state: Any) -> Self:
        if len(state) > 2:
            return cls._kept(KeptPlace.of_state(state, folder=cls._FOLDER))
        name, content = state
        made = cls.__new__(cls)
        made._place, made._content = Place.named(name), content
        return made

    @classmethod
    def located(cls, name: str) -> Self:
        """The one of this portable name (`name`), in the project of the working directory."""
        made = cls.__new__(cls)
        made._place, made._content = Place.named(name), b""
        return made

    @classmethod
    def _kept(cls, place: KeptPlace) -> Self:
        """One that lives in the store."""
        made = cls.__new__(cls)
        made._place, made._content = place, b""
        return made

    def _state(self) -> object:
        """The stored form. Raises IdentityError."""
        if isinstance(self._place, KeptPlace):
            return self._place.state()
        return self._place.name, self._present()

    def _identity(self) -> object:
        """Name and content as they are now. Raises IdentityError."""
        if isinstance(self._place, KeptPlace):
            return self._place.identity()
        content = self._present()
        if here.keeping is not None:
            here.keeping.append(Kept(self._place.where, content, self._FOLDER))
        return self._place.name, content

    def _present(self) -> bytes:
        collector, here.current = here.current, None  # hashing is not the user's reading
        try:
            return self._place.content(folder=self._FOLDER)
        except FileNotFoundError:
            problem = "does not exist: make it first, or give the right path"
        except (IsADirectoryError, NotADirectoryError):
            other = "a File: use cg.File" if self._FOLDER else "a folder: use cg.Dir"
            problem = f"is {other}(...)"
        except OSError as error:
            problem = f"cannot be read: {error}"
        finally:
            here.current = collector
        raise IdentityError(f"{type(self).__name__}({self.name!r}) {problem}")

    def _use(self) -> str:
        """The path, for use. In a call that received this value: first make sure that it still is
        what the call's key was made of."""
        place = self._place
        collector = here.current
        if collector is not None and self._content and not isinstance(place, KeptPlace):
            try:
                same = self._present() == self._content
            except IdentityError:
                same = False
            if not same:
                raise LostValue(
                    f"{self.name} has changed since the call that uses it was named: evaluate again"
                )
            collector.used(place.where, self._content, folder=self._FOLDER)
        here.current = None  # making a copy of it is not the user's doing
        try:
            return place.local(folder=self._FOLDER)
        finally:
            here.current = collector

    def receive(self, source: str) -> None:
        """Have the file or folder at *source*, which may be moved, in this place.

        A file is put there whole or not at all; the files of a folder are, one by one. Raises
        OSError, and ConfigError for what is kept in the store.
        """
        if isinstance(self._place, KeptPlace):
            raise ConfigError(_READ_ONLY.format(self))
        names = sorted(files_below(source)) if self._FOLDER else [""]
        for name in names:
            self._place.receive(os.path.join(source, name) if name else source, name)  # noqa: PTH118 - text

    def _ask(self) -> None:
        if here.current is not None and not self._content and isinstance(self._place, Place):
            here.current.opened(self._place.where)

    @property
    def name(self) -> str:
        """Where it is: the path below the project's folder, else a ``file://`` URI."""
        return self._place.name

    @property
    def path(self) -> Path:
        """Where it is on this machine."""
        return Path(self._use())

    @property
    def digest(self) -> str:
        """BLAKE3 of the content, hexadecimal; read again only if `stat` says something else.

        Raises IdentityError when there is nothing.
        """
        return self._present().hex()

    def __fspath__(self) -> str:
        return self._use()

    def __str__(self) -> str:
        return self._use()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._place.where == self._place.where

    def __hash__(self) -> int:
        return hash((type(self), self._place.where))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        """For a call: pinned to the content that it has now."""
        if isinstance(self._place, KeptPlace):
            return self
        made = type(self).__new__(type(self))
        made._place = self._place
        try:
            made._content = self._present()
        except IdentityError:
            return self
        return made

    def __reduce__(self) -> Any:
        if isinstance(self._place, KeptPlace):
            _, name, parts = self._place.identity()
            data = [bytes(part.data) for part in self._place.parts]
            return _unpickled, (type(self), name, parts, data)
        return type(self), (self._place.where,)


class File(_Located):
    """A file as a value: its identity is its path in the project and its content.

    *path* is relative to the working directory, absolute, or a ``file://`` or ``s3://`` URI. It may
    not exist yet: a task writes it and returns the `File`. As an argument it must exist
    (IdentityError).
    Usable wherever a path is: ``pd.read_csv(file)``, ``file.open()``, ``file.path.parent``. The
    path of one in S3 is that of a copy on this machine, for reading.
    """

    __slots__ = ()

    def open(self, mode: str = "r", **options: Any) -> IO[Any]:
        """As the built-in `open`. Only a file on a disk can be written (ConfigError)."""
        if not isinstance(self._place, Place) and not {*mode}.isdisjoint("wax+"):
            raise ConfigError(_READ_ONLY.format(self))
        return open(self._use(), mode, **options)  # noqa: PTH123 - the caller closes it

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole content as text."""
        return Path(self._use()).read_text(encoding=encoding)

    def read_bytes(self) -> bytes:
        """The whole content."""
        return Path(self._use()).read_bytes()

    def exists(self) -> bool:
        """Whether there is such a file; in a call the result depends on the answer."""
        self._ask()
        return self._place.is_there(folder=False)

    @property
    def size_bytes(self) -> int:
        """Raises FileNotFoundError."""
        place = self._place
        return Path(self._use()).stat().st_size if isinstance(place, Place) else place.size_bytes()


class Dir(_Located):
    """A folder as a value: its identity is its path in the project, and the names and contents of
    all files below it.

    ``Dir("raw") / "a.csv"`` is a path; iterating yields the paths of its entries, sorted.
    """

    __slots__ = ()
    _FOLDER = True

    def __truediv__(self, name: str) -> Path:
        return Path(self._use()) / name

    def __iter__(self) -> Any:
        return iter(sorted(Path(self._use()).iterdir()))

    def glob(self, pattern: str) -> list[Path]:
        """The paths below that match, sorted; ``**`` goes through folders."""
        return sorted(Path(self._use()).glob(pattern))

    def exists(self) -> bool:
        """Whether there is such a folder."""
        return self._place.is_there(folder=True)


def _unpickled(cls: type[_Located], name: str, parts: Any, data: list[bytes]) -> _Located:
    made = [Part(n, digest, d, runs) for (n, digest, runs), d in zip(parts, data, strict=True)]
    return cls._kept(KeptPlace(name, made, folder=cls._FOLDER))


def keep(path: str, name: str, *, folder: bool) -> "File | Dir":
    """The file or folder at *path* as a value of its own, called *name*: *path* may go afterwards.

    Its bytes are in the store once the value is. Raises OSError.
    """
    if not folder:
        return File._kept(KeptPlace(name, [Part.of(path, "")], folder=False))
    below = [Part.of(os.path.join(path, inner), inner) for inner in sorted(files_below(path))]  # noqa: PTH118 - text
    return Dir._kept(KeptPlace(name, below, folder=True))


def resolve(cls: type) -> Kind | None:
    """See `identity.kinds.Provider`: `File` and `Dir` are defined below, nothing else is ours."""
    return None


for _kind in (File, Dir):
    # mutable: every call gets a copy of its own, pinned to what is there then
    _name = f"cellgraph.{_kind.__name__.lower()}"
    parts = (_kind._state, _kind._stored, _kind._identity)
    define(_kind, Kind(_name, 1, *parts, data=True))
