"""Files and folders as values: named by where they are in the project and what is in them.

A `File` in an argument makes the call's key depend on the content of the file, by its digest; one
in a result makes the result depend on the file being there as it was. The path in the key is the
one below the project's folder, so a project that is moved finds its results again.
"""

# pyright: reportPrivateUsage=false
# What a location is made of is nobody's business but this module's.

import os
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final, Self

from cellgraph.collector import Kept, here
from cellgraph.errors import ConfigError, IdentityError, LostValue
from cellgraph.filedigests import file_digest, files_below, folder_digest
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind
from cellgraph.kept import KeptPlace, Part, put_in_place
from cellgraph.places import Roots, name_of, path_of
from cellgraph.settings import project_root

_FILE_URI: Final = "file://"


class Place:
    """Where a file or folder is: on a disk of this machine.

    The seam for other storage: a place has a `name` that holds on every machine, and says by
    itself what its content is. `place_of` chooses one by the beginning of a location.
    """

    __slots__ = ("name", "path")

    def __init__(self, location: "str | os.PathLike[str]") -> None:
        text = os.fspath(location)
        text = text.removeprefix(_FILE_URI)
        roots = working_roots()
        written = path_of(text, roots) if text.startswith("./~") else os.path.expanduser(text)  # noqa: PTH111
        self.path = os.path.abspath(written)  # noqa: PTH100 - links stay what they are
        name = name_of(self.path, roots) or name_of(os.path.realpath(self.path), roots)
        self.name = name or _FILE_URI + self.path

    @classmethod
    def named(cls, name: str) -> Self:
        """The place of this name, in the project of the working directory."""
        if name.startswith(_FILE_URI):
            return cls(name)
        return cls(path_of(name, working_roots()))

    def receive(self, source: str, name: str) -> None:
        """Move the file at *source* here, or to *name* below here. Raises OSError."""
        put_in_place(source, os.path.join(self.path, name) if name else self.path)  # noqa: PTH118 - text

    def content(self, *, folder: bool) -> bytes:
        """Digest of what is there. Raises OSError."""
        return folder_digest(self.path) if folder else file_digest(self.path)


def place_named(name: str) -> Place:
    """The place of a portable name. Raises ConfigError as `place_of` does."""
    return Place.named(name) if "://" not in name else place_of(name)


def place_of(location: "str | os.PathLike[str]") -> Place:
    """Raises ConfigError for a location that cannot be read yet."""
    text = os.fspath(location)
    scheme, found, _ = text.partition("://")
    if found and scheme != "file":
        raise ConfigError(
            f"{text}: files on {scheme}:// are not part of this version; copy it to a local path "
            "and give that"
        )
    return Place(location)


class _Located:
    """What `File` and `Dir` share. Immutable; equal when they stand for the same place."""

    __slots__ = ("_content", "_place")
    _FOLDER = False

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self._place: Place | KeptPlace = place_of(path)
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
        made._place, made._content = place_named(name), b""
        return made

    @classmethod
    def _kept(cls, place: KeptPlace) -> Self:
        """One that lives in the store."""
        made = cls.__new__(cls)
        made._place, made._content = place, b""
        return made

    def _state(self) -> object:
        """The stored form. Raises IdentityError."""
        return self._place.state() if isinstance(self._place, KeptPlace) else self._identity()

    def _identity(self) -> object:
        """Name and content as they are now. Raises IdentityError."""
        if isinstance(self._place, KeptPlace):
            return self._place.identity()
        content = self._present()
        if here.keeping is not None:
            here.keeping.append(Kept(self._place.path, content, self._FOLDER))
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
        path = self._place.path
        collector = here.current
        if collector is not None and self._content:  # never set for one in the store
            try:
                same = self._present() == self._content
            except IdentityError:
                same = False
            if not same:
                raise LostValue(
                    f"{self.name} has changed since the call that uses it was named: evaluate again"
                )
            collector.used(path, self._content, folder=self._FOLDER)
        return path

    def receive(self, source: str) -> None:
        """Have the file or folder at *source*, which may be moved, in this place. Raises OSError.

        A file is put there whole or not at all; the files of a folder are, one by one.
        """
        assert isinstance(self._place, Place)  # what is kept in the store is never written to
        names = sorted(files_below(source)) if self._FOLDER else [""]
        for name in names:
            self._place.receive(os.path.join(source, name) if name else source, name)  # noqa: PTH118 - text

    def _ask(self) -> None:
        if here.current is not None and not self._content:
            here.current.opened(self._place.path)

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
        return type(other) is type(self) and other._mark() == self._mark()

    def __hash__(self) -> int:
        return hash((type(self), self._mark()))

    def _mark(self) -> object:
        place = self._place
        return place.identity() if isinstance(place, KeptPlace) else place.path

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
        return type(self), (self._place.path,)


class File(_Located):
    """A file as a value: its identity is its path in the project and its content.

    *path* is relative to the working directory, absolute, or a ``file://`` URI. It may not exist
    yet: a task writes it and returns the `File`. As an argument it must exist (IdentityError).
    Usable wherever a path is: ``pd.read_csv(file)``, ``file.open()``, ``file.path.parent``.
    """

    __slots__ = ()

    def open(self, mode: str = "r", **options: Any) -> IO[Any]:
        """As the built-in `open`."""
        return open(self._use(), mode, **options)  # noqa: PTH123 - the caller closes it

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole content as text."""
        return Path(self._use()).read_text(encoding=encoding)

    def read_bytes(self) -> bytes:
        """The whole content."""
        return Path(self._use()).read_bytes()

    def exists(self) -> bool:
        """Whether there is such a file; in a call the result depends on the answer."""
        if isinstance(self._place, KeptPlace):
            return True
        self._ask()
        return Path(self._place.path).is_file()

    @property
    def size_bytes(self) -> int:
        """Raises FileNotFoundError."""
        if isinstance(self._place, KeptPlace):
            return self._place.size_bytes
        return Path(self._use()).stat().st_size


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
        return isinstance(self._place, KeptPlace) or Path(self._place.path).is_dir()


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


def working_roots() -> Roots:
    """The project of the working directory."""
    return _roots(os.getcwd())  # noqa: PTH109 - a text


@lru_cache(maxsize=64)  # where a working directory's project begins
def _roots(folder: str) -> Roots:
    return Roots(str(project_root(Path(folder))))


def resolve(cls: type) -> Kind | None:
    """See `identity.kinds.Provider`: `File` and `Dir` are defined below, nothing else is ours."""
    return None


for _kind in (File, Dir):
    # mutable: every call gets a copy of its own, pinned to what is there then
    _name = f"cellgraph.{_kind.__name__.lower()}"
    parts = (_kind._state, _kind._stored, _kind._identity)
    define(_kind, Kind(_name, 1, *parts, data=True))
