"""The catalog: which segment objects there are, and which of them others have replaced. Pure.

A catalog is never the only word: what is listed and not replaced counts too, so an old catalog, a
lost one or none at all costs requests and never a record.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from cellgraph.stores.s3.place import is_segment

# Below this a segment is small: a fresh reader should have few of them to fetch.
SMALL_BYTES: Final = 8 << 20
MAX_SMALL: Final = 3  # when a session ends
MAX_SEGMENTS: Final = 64
MERGED_BYTES: Final = 128 << 20
MAX_CATALOG_BYTES: Final = 64 << 20


class Listed(msgspec.Struct, frozen=True):
    """A live segment object; *covers* are those it was merged from."""

    name: str
    size: int
    covers: tuple[str, ...] = ()


class Replaced(msgspec.Struct, frozen=True):
    """An object whose records are in another one since *at* (seconds since 1970)."""

    name: str
    at: float


class Catalog(msgspec.Struct, frozen=True):
    """One generation. All live objects of epochs before *position* are in *segments*."""

    position: str = "0"
    segments: tuple[Listed, ...] = ()
    replaced: tuple[Replaced, ...] = ()

    @property
    def gone(self) -> frozenset[str]:
        """Names that are not to be fetched any more."""
        return frozenset(r.name for r in self.replaced)

    def live(self, found: Mapping[str, int]) -> dict[str, int]:
        """Name and size of each object that counts, given those that were *found* by listing."""
        every = {s.name: s.size for s in self.segments} | dict(found)
        gone = self.gone
        return {name: size for name, size in every.items() if name not in gone}


NOTHING: Final = Catalog()
_decoder: Final = msgspec.json.Decoder(Catalog)


def encode(catalog: Catalog) -> bytes:
    """The bytes of *catalog*: JSON, for people too."""
    return msgspec.json.format(msgspec.json.encode(catalog), indent=1)


def decode(raw: bytes) -> Catalog | None:
    """The catalog in *raw*, without names that no Cellgraph gives; None when it is damaged."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if not (found.position.isascii() and found.position.isdecimal()):
        return None
    return Catalog(
        found.position,
        tuple(s for s in found.segments if is_segment(s.name) and s.size >= 0),
        tuple(r for r in found.replaced if is_segment(r.name)),
    )


def to_merge(live: Mapping[str, int], at_most: int, unreadable: Iterable[str] = ()) -> list[str]:
    """Which live objects should become one now, whatever their epochs.

    More than *at_most* below `SMALL_BYTES` are merged; so are, oldest first, more than
    `MAX_SEGMENTS` that are larger, into objects of up to `MERGED_BYTES`.
    """
    known = {name: size for name, size in live.items() if name not in set(unreadable)}
    small = [name for name, size in known.items() if size < SMALL_BYTES]
    if len(small) > at_most:
        return _first(sorted(small), known)
    middle = [name for name, size in known.items() if SMALL_BYTES <= size < MERGED_BYTES // 2]
    if len(middle) > MAX_SEGMENTS:
        return _first(sorted(middle), known)
    return []


def _first(names: list[str], sizes: Mapping[str, int]) -> list[str]:
    chosen: list[str] = []
    total = 0
    for name in names:
        total += sizes[name]
        if total > MERGED_BYTES and len(chosen) > 1:
            break
        chosen.append(name)
    return chosen


def merged(
    catalog: Catalog, live: Mapping[str, int], new: Listed, position: str, now: float, keep_s: float
) -> Catalog:
    """The next catalog, in which *new* stands for what it covers.

    Replaced names older than *keep_s* are left out: their objects have been deleted.
    """
    covered = set(new.covers)
    earlier = {s.name: s.covers for s in catalog.segments}
    segments = [
        Listed(name, size, earlier.get(name, ()))
        for name, size in sorted(live.items())
        if name not in covered and name != new.name
    ]
    replaced = [r for r in catalog.replaced if now - r.at < keep_s]
    replaced += [Replaced(name, now) for name in new.covers]
    return Catalog(position, (*segments, new), tuple(replaced))
