"""Where a file or folder is: on a disk of this machine, or in a bucket.

A place has a `name` that holds on every machine and says by itself what its content is; `KeptPlace`
(`kept`), for files in the store, is the third kind.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from cellgraph.errors import ConfigError
from cellgraph.filedigests import file_digest, folder_digest
from cellgraph.kept import put_in_place
from cellgraph.mounts import mounted
from cellgraph.places import S3, Roots, name_of, path_of
from cellgraph.settings import project_root

FILE_URI: Final = "file://"


class Place:
    """On a disk of this machine, at `where`."""

    __slots__ = ("name", "where")

    def __init__(self, location: "str | os.PathLike[str]") -> None:
        text = os.fspath(location)
        text = text.removeprefix(FILE_URI)
        roots = working_roots()
        written = path_of(text, roots) if text.startswith("./~") else os.path.expanduser(text)  # noqa: PTH111
        self.where = os.path.abspath(written)  # noqa: PTH100 - links stay what they are
        name = name_of(self.where, roots) or name_of(os.path.realpath(self.where), roots)
        self.name = name or FILE_URI + self.where

    @classmethod
    def named(cls, name: str) -> "Place | BucketPlace":
        """The place of this name, in the project of the working directory."""
        if "://" in name:
            return place_of(name)
        return cls(path_of(name, working_roots()))

    def content(self, *, folder: bool) -> bytes:
        """Digest of what is there. Raises OSError."""
        return folder_digest(self.where) if folder else file_digest(self.where)

    def local(self, *, folder: bool) -> str:
        """A path of it on this machine."""
        return self.where

    def is_there(self, *, folder: bool) -> bool:
        """Whether there is such a file, or folder."""
        return Path(self.where).is_dir() if folder else Path(self.where).is_file()

    def size_bytes(self) -> int:
        """Of the file. Raises OSError."""
        return Path(self.where).stat().st_size

    def receive(self, source: str, name: str) -> None:
        """Move the file at *source* here, or to *name* below here. Raises OSError."""
        put_in_place(source, os.path.join(self.where, name) if name else self.where)  # noqa: PTH118 - text


class BucketPlace:
    """In a bucket, at the URI `where`: one object, or all below it.

    Its content is known by the size and the ETag that S3 gives each object; nothing is read for it.
    """

    __slots__ = ("bucket", "key", "name", "where")

    def __init__(self, uri: str) -> None:
        bucket, _, key = uri.removeprefix(S3).partition("/")
        self.bucket, self.key = bucket, key.rstrip("/")
        if not self.bucket or not self.key or "\0" in uri:
            raise ConfigError(f"{uri!r}: expected s3://bucket/key")
        self.name = self.where = f"{S3}{self.bucket}/{self.key}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The place of this name."""
        return cls(name)

    def content(self, *, folder: bool) -> bytes:
        """Digest of what is there. Raises OSError; FileNotFoundError if there is nothing."""
        from cellgraph.stores.s3 import objects  # boto3

        return objects.content(self.bucket, self.key, folder=folder)

    def local(self, *, folder: bool) -> str:
        """A path for reading: where its bucket is mounted here, else that of a copy. OSError.

        A mount shows a changed object some time after S3 does, so the size has to be the same.
        """
        from cellgraph.stores.s3 import objects

        there = mounted(self.name)
        if there is not None and (
            Path(there).is_dir() if folder else _has_size(there, self.size_bytes())
        ):
            return there
        return objects.fetched(self.bucket, self.key, folder=folder)

    def is_there(self, *, folder: bool) -> bool:
        """Whether there is such an object, or any below. Raises OSError when S3 does not say."""
        try:
            self.content(folder=folder)
        except FileNotFoundError:
            return False
        return True

    def size_bytes(self) -> int:
        """Of the object. Raises OSError."""
        from cellgraph.stores.s3 import objects

        return objects.size_bytes(self.bucket, self.key)

    def receive(self, source: str, name: str) -> None:
        """Upload the file at *source*, in parts when it is large. Raises OSError."""
        from cellgraph.stores.s3 import objects

        objects.upload(Path(source), self.bucket, f"{self.key}/{name}" if name else self.key)


def place_of(location: "str | os.PathLike[str]") -> Place | BucketPlace:
    """The place of a location. Raises ConfigError for one that cannot be read."""
    text = os.fspath(location)
    if text.startswith(S3):
        return BucketPlace(text)
    scheme, found, _ = text.partition("://")
    if found and scheme != "file":
        raise ConfigError(
            f"{text}: files on {scheme}:// cannot be read: copy it to a local path or to s3://, "
            "and give that"
        )
    return Place(location)


def _has_size(path: str, size_bytes: int) -> bool:
    try:
        return os.stat(path).st_size == size_bytes  # noqa: PTH116 - a text
    except OSError:
        return False


def content_of(name: str) -> bytes:
    """Digest of what is in a bucket under the name of a dependency. Raises OSError."""
    return BucketPlace(name).content(folder=name.endswith("/"))


def working_roots() -> Roots:
    """The project of the working directory."""
    return _roots(os.getcwd())  # noqa: PTH109 - a text


@lru_cache(maxsize=64)  # where a working directory's project begins
def _roots(folder: str) -> Roots:
    return Roots(str(project_root(Path(folder))))
