"""What the care of a store (info, verify, collection, rebuild) needs of it beyond `Store`.

A store keeps its records in segments, and knows how to read them all, drop some, and stay safe
while others use it. What may go is decided outside (`cellgraph.care`); how it goes is decided here:
nothing that a process is writing is touched, and no blob goes that was touched within the grace
period. Times in nanoseconds since 1970, durations in seconds, sizes in bytes.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from cellgraph.stores.base import Entry, Store


class Place(NamedTuple):
    """Where a record is."""

    segment: str
    offset: int


class Kept(NamedTuple):
    """One intact record of a segment."""

    place: Place
    stamp_ns: int  # when it was written
    nbytes: int  # of the segment
    entry: Entry


class Blob(NamedTuple):
    """A payload of the store. `used_ns`: written or asked for, within half the grace period."""

    digest: bytes
    nbytes: int
    used_ns: int


class Folder(NamedTuple):
    """A dataset that a step wrote in the store (`shardfolders`). `used_ns` as of a `Blob`."""

    name: str
    files: int
    nbytes: int
    used_ns: int

    @property
    def key(self) -> bytes:
        """Its name as bytes: fewer than a digest has, so that one stands beside the other."""
        return bytes.fromhex(self.name)


class Facts(NamedTuple):
    """What a store says of itself."""

    where: str
    format: int
    segments: int
    segment_bytes: int
    index_bytes: int
    quarantined: int
    quarantine_bytes: int


class Damage(NamedTuple):
    """Something that was found wrong and put aside; what rested on it is computed again."""

    what: str
    why: str


class Checked(NamedTuple):
    """What `check` looked at. `torn`: segments whose last record was never finished."""

    records: int
    record_bytes: int
    blobs: int
    blob_bytes: int
    torn: int
    damage: tuple[Damage, ...]
    aside: bool = True  # damage was moved to quarantine; else it is passed over where it is


class Rewritten(NamedTuple):
    """Segments whose dead records are gone. `busy`: segments left alone, someone writes there."""

    done: frozenset[str]
    busy: frozenset[str]
    freed_bytes: int


class Swept(NamedTuple):
    """Files that were deleted. `later`: set aside, and deleted by a collection after the grace
    period, unless somebody has come to need them."""

    files: int
    nbytes: int
    later: int = 0
    later_bytes: int = 0


class Moved(NamedTuple):
    """What was brought from one place to another. `there`: blobs that were there already."""

    records: int
    blobs: int
    nbytes: int
    there: int
    shards: int = 0  # files of datasets


@runtime_checkable
class Shared(Protocol):
    """A store in a bucket, with a copy of what is used on this machine."""

    def flush(self) -> bool:
        """Push now what waits. Returns whether everything of this session is in the bucket."""
        ...

    def adopt(self, source: Any, holds: Callable[[str], bool]) -> Moved:
        """Push all that a store in a folder holds. *holds*: whether a dataset there is as results
        say; another one takes no other's place."""
        ...

    def bring(self, payloads: Collection[bytes]) -> Moved:
        """Have payloads on this machine."""
        ...

    def bring_datasets(self, folders: Mapping[str, Path]) -> Moved:
        """Have datasets that came from a folder, by name, where that is on this machine."""
        ...


@runtime_checkable
class Tended(Store, Protocol):
    """A store that can be looked through and cleaned while it is in use."""

    @property
    def grace_s(self) -> float:
        """How long everybody on this store leaves alone what nobody refers to."""
        ...

    @abstractmethod
    def facts(self) -> Facts:
        """Counts and sizes that need no look into the segments."""
        ...

    @abstractmethod
    def kept(self) -> Iterator[Kept]:
        """Yield each intact record of each segment, in any order."""
        ...

    @abstractmethod
    def blobs(self) -> Iterator[Blob]:
        """Yield every payload, without reading it."""
        ...

    @abstractmethod
    def check(self) -> Checked:
        """Read everything and compare it with its checks; put aside what is damaged."""
        ...

    @abstractmethod
    def rebuild(self) -> int:
        """Leave the index and make a new one from the segments; return the number of records."""
        ...

    @abstractmethod
    def collecting(self) -> AbstractContextManager[None]:
        """Be the only collector of the store while the block runs; finish what a killed one began.

        Raises StoreError when there is another, or when the store cannot be written.
        """
        ...

    @abstractmethod
    def rewrite(self, dead: Mapping[str, Collection[int]]) -> Rewritten:
        """Drop records: segment -> offsets. What else the segments hold stays readable throughout.

        Only inside `collecting`.
        """
        ...

    @abstractmethod
    def remove_blobs(
        self, digests: Collection[bytes], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """Delete payloads, except those touched within *grace_s*; without *remove*, only count.

        Deletes only inside `collecting`.
        """
        ...

    @abstractmethod
    def datasets(self) -> Iterator[Folder]:
        """Yield every dataset that a step wrote here, without reading it."""
        ...

    @abstractmethod
    def shards(self, name: str) -> Mapping[str, bytes]:
        """Name and content of each file of a dataset, as who reads it would name them; all of it is
        read where the store does not know."""
        ...

    @abstractmethod
    def remove_datasets(
        self, names: Collection[str], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """As `remove_blobs`, for datasets; counts those, not their files."""
        ...

    @abstractmethod
    def leftovers(self, grace_s: float, *, remove: bool) -> Swept:
        """Count what killed processes left behind, older than *grace_s*; delete it if asked to.

        Deletes only inside `collecting`.
        """
        ...

    @abstractmethod
    def remove_file(self, name: str) -> None:
        """Delete a small named object; absent ones are fine."""
        ...
