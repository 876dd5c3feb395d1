"""Names inside an S3 store. Pure. Names are relative to the store's prefix.

What is listed was written by others: a name counts only if it is exactly of the form that a
Cellgraph writes, so that none can lead out of a folder when it becomes the name of a file.
"""

import re
from dataclasses import dataclass
from typing import Final

from cellgraph.errors import ConfigError
from cellgraph.stores.local.layout import epoch_of, segment_name

FORMAT_FILE: Final = "format.json"
SEGMENTS: Final = "segments/"
CATALOG: Final = "catalog/"
BLOBS: Final = "blobs/"
PACKS: Final = "packs/"
MIXED: Final = "mixed"  # stands for the zone of an object with records of several zones
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_PREFIX_PART: Final = re.compile(r"[A-Za-z0-9!_.*'()=@+,:&$ -]+")
_SEGMENT: Final = re.compile(
    r"(\d{1,6})/([0-9a-f]{2}|mixed)/(\d{8}T\d{6}-[0-9a-f]{10}-\d{1,12}\.seg)", re.ASCII
)
_BLOB_NAME: Final = re.compile(r"blobs/[0-9a-f]{2}/([0-9a-f]{64})", re.ASCII)
_PACK_NAME: Final = re.compile(r"packs/([0-9a-f]{64})\.pack", re.ASCII)
_CATALOG_NAME: Final = re.compile(r"catalog/(\d{10})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket and a prefix without slashes at its ends (empty: the whole bucket)."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """As the user writes it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """The object key of *name*."""
        return f"{self.prefix}/{name}" if self.prefix else name


def parse_uri(uri: str) -> Location:
    """Take ``s3://bucket/prefix`` apart. Raises ConfigError."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not uri.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        raise ConfigError(f"store={uri!r}: expected s3://bucket/prefix with the name of a bucket")
    for part in prefix.split("/") if prefix else ():
        if part in ("", ".", "..") or not _PREFIX_PART.fullmatch(part):
            raise ConfigError(f"store={uri!r}: the prefix has a part that cannot name a folder")
    return Location(bucket, prefix)


def object_name(now_ns: int, zones: frozenset[int], writer: str, number: int) -> str:
    """Name of a new segment object, relative to ``segments/``."""
    first = min(zones, default=0)
    name = segment_name(now_ns, first, writer, number)
    if len(zones) == 1:
        return name
    epoch, _, file = name.split("/")
    return f"{epoch}/{MIXED}/{file}"


def is_segment(name: str) -> bool:
    """Whether *name*, relative to ``segments/``, is one that a Cellgraph gives."""
    return _SEGMENT.fullmatch(name) is not None


def section_name(name: str, zone: int) -> str:
    """Name of the local segment that the records of *zone* in object *name* become."""
    epoch, _, file = name.split("/")
    return f"{epoch}/{zone:02x}/{file}"


def writer_of(name: str) -> str:
    """The writer in the name of a segment; empty if it is not of the known form."""
    found = _SEGMENT.fullmatch(name)
    return found[3].split("-")[1] if found else ""


def position_at(now_ns: int) -> str:
    """Where listing ``segments/`` begins for a catalog made now: the epoch before the present."""
    return str(epoch_of(now_ns) - 1)


def catalog_name(generation: int) -> str:
    """Object name of a catalog."""
    return f"{CATALOG}{generation:010d}.json"


def generation_of(name: str) -> int:
    """The generation in a catalog's name, or -1."""
    found = _CATALOG_NAME.fullmatch(name)
    return int(found[1]) if found else -1


def blob_name(digest: bytes) -> str:
    """Object name of a payload of its own."""
    text = digest.hex()
    return f"blobs/{text[:2]}/{text}"


def pack_name(digest: bytes) -> str:
    """Object name of a pack."""
    return f"packs/{digest.hex()}.pack"


def payload_of(name: str) -> bytes | None:
    """The digest in the name of a payload's own object; None for other names."""
    return _digest_in(name, _BLOB_NAME)


def pack_of(name: str) -> bytes | None:
    """The digest in the name of a pack; None for other names."""
    return _digest_in(name, _PACK_NAME)


def _digest_in(name: str, form: re.Pattern[str]) -> bytes | None:
    found = form.fullmatch(name)
    return bytes.fromhex(found[1]) if found else None
