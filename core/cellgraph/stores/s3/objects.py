"""Objects of any bucket as files: what a `File` at ``s3://`` needs.

The buckets are asked as AWS's own configuration says (`AWS_ENDPOINT_URL`, profile, region).
Threading: any thread.
"""

import json
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cellgraph.digest import digest
from cellgraph.filedigests import file_digest, names_digest
from cellgraph.kept import shelved
from cellgraph.stores.s3.bucket import Access, Bucket, Found
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.place import Location

_OBJECT: Final = b"cellgraph.object.1"
# What decides where a bucket is, and who asks.
_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID AWS_CONFIG_FILE AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 "
    "AWS_PROFILE AWS_REGION AWS_SESSION_TOKEN AWS_SHARED_CREDENTIALS_FILE"
).split()


class _Buckets:
    """The buckets this process has asked; their connections are made once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[list[str | None], Bucket]] = {}

    def of(self, name: str) -> Bucket:
        """The bucket, as the environment describes it now. Raises ConfigError."""
        said = [os.environ.get(variable) for variable in _VARIABLES]
        with self._lock:
            known = self._open.get(name)
            if known is None or known[0] != said:
                if known is not None:
                    known[1].close()
                known = self._open[name] = (said, Bucket(Location(name, ""), Access()))
            return known[1]


_buckets: Final = _Buckets()


def content(bucket: str, key: str, *, folder: bool) -> bytes:
    """Digest of an object, or of all below *key*, by their sizes and ETags. Raises OSError."""
    found = _found(bucket, key, folder=folder)
    return (
        names_digest([(o.name, object_digest(o)) for o in found])
        if folder
        else object_digest(found[0])
    )


def listed(bucket: str, key: str) -> list[tuple[str, int, bytes]]:
    """Name, size and digest of each object below *key*; of *key* itself, without a name, if there
    is none below. Raises OSError; FileNotFoundError if there is neither."""
    try:
        found = _found(bucket, key, folder=True)
    except FileNotFoundError:
        found = _found(bucket, key, folder=False)
    return [(o.name, o.size, object_digest(o)) for o in found]


def delete(bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; absent ones are fine. Raises OSError."""
    if keys:
        with _as_files(bucket, keys[0]):
            _buckets.of(bucket).delete(keys)


def size_bytes(bucket: str, key: str) -> int:
    """Of an object. Raises OSError."""
    return _found(bucket, key, folder=False)[0].size


def upload(source: Path, bucket: str, key: str) -> None:
    """Write a file to an object, in parts at once when it is large. Raises OSError."""
    with _as_files(bucket, key):
        _buckets.of(bucket).put_file(key, source)


def fetched(bucket: str, key: str, *, folder: bool) -> str:
    """A path of a copy, downloaded unless this machine has it already. Raises OSError."""
    objects = _found(bucket, key, folder=folder)
    now = content(bucket, key, folder=folder)
    last = os.path.basename(key)  # noqa: PTH119 - text

    def write(target: Path) -> None:
        for found in objects:
            file = target / found.name if folder else target
            file.parent.mkdir(parents=True, exist_ok=True)
            with _as_files(bucket, key):
                name = f"{key}/{found.name}" if folder else key
                _buckets.of(bucket).get_file(name, file)
            file.chmod(0o444)
        if content(bucket, key, folder=folder) != now:
            raise OSError(f"s3://{bucket}/{key} changed while it was read: evaluate again")
        contents = {
            o.name: file_digest(str(target / o.name if folder else target)) for o in objects
        }
        manifest = {name: found.hex() for name, found in contents.items()}
        (target.parent / _MANIFEST).write_text(json.dumps(manifest))

    home = digest(_OBJECT + f"{bucket}/{key}".encode() + now).hex()
    return shelved(home, last, _is_whole, write)


_MANIFEST: Final = ".contents"


def _is_whole(target: Path) -> bool:
    """Whether a copy is as it was when it was written."""
    manifest: dict[str, str] = json.loads((target.parent / _MANIFEST).read_bytes())
    return all(
        file_digest(str(target / name if name else target)).hex() == was
        for name, was in manifest.items()
    )


def _found(bucket: str, key: str, *, folder: bool) -> list[Found]:
    with _as_files(bucket, key):
        asked = _buckets.of(bucket)
        if not folder:
            return [asked.head(key)._replace(name="")]
        start = f"{key}/"
        below = [o for o in asked.list(start) if not o.name.endswith("/")]  # markers of consoles
        if not below:
            raise Absent("no object")
        for o in below:
            if {"", ".", ".."} & set(o.name[len(start) :].split("/")):
                raise OSError(f"s3://{bucket}/{o.name} cannot be a file: rename it")
        return [o._replace(name=o.name[len(start) :]) for o in below]


def object_digest(found: Found) -> bytes:
    """What names the content of an object: size and ETag."""
    return digest(_OBJECT + found.size.to_bytes(8, "little") + found.etag.encode())


@contextmanager
def _as_files(bucket: str, key: str) -> Generator[None]:
    """Errors of a bucket as those of files."""
    try:
        yield
    except Absent:
        raise FileNotFoundError(f"s3://{bucket}/{key}") from None
    except S3Fault as fault:
        raise OSError(f"s3://{bucket}/{key}: {fault}") from None
