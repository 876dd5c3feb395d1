"""Which records may go. Pure: everything in the store in, what is to be dropped out.

- *Garbage* can never be asked for again: behind the newest `KEEP_PER_KEY` of its key, older than
  "forget this", the second copy of a record, a set of reads that no result names.
- *Aged* results are right and wanted by nobody for a while: dropped when asked to, oldest use
  first. Nothing used within the grace period is among them, and nothing pinned.

What was said of tasks (invalidated, accepted) never goes: without it, results would count again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from cellgraph.care.items import Item, Scene
from cellgraph.care.pins import Pins
from cellgraph.records import (
    AcceptedRecord,
    CallRecord,
    CallsRecord,
    CodeRecord,
    EnvironmentRecord,
    EpochRecord,
    FailureRecord,
    FinalRecord,
    ForgottenRecord,
    LinksRecord,
    OutlineRecord,
    ReadsRecord,
)
from cellgraph.stores.base import KEEP_PER_KEY

_SAID: Final = frozenset({AcceptedRecord, EpochRecord, ForgottenRecord})
# Of these only the newest under a key is asked for.
_NEWEST: Final[frozenset[type[Any]]] = frozenset(
    {CodeRecord, EnvironmentRecord, FailureRecord, OutlineRecord, ReadsRecord}
)
_AGING: Final = frozenset(
    {CallRecord, CallsRecord, FailureRecord, FinalRecord, LinksRecord, OutlineRecord}
)


class Policy(NamedTuple):
    """What may go beside garbage. Times in nanoseconds since 1970; None: nothing for this cause."""

    unused_since_ns: int | None
    max_bytes: int | None
    grace_ns: int  # what was used later than this stays


class Selection(NamedTuple):
    """Records to be dropped."""

    garbage: list[Item]
    aged: list[Item]


def select(scene: Scene, pins: Pins, policy: Policy) -> Selection:
    """Choose what goes."""
    garbage = _shadowed(scene.items)
    gone = {item.place for item in garbage}
    rest = [item for item in scene.items if item.place not in gone]
    candidates = [
        item
        for item in rest
        if item.kind in _AGING and item.used_ns < policy.grace_ns and not pins.hold(item)
    ]
    candidates.sort(key=lambda item: (item.used_ns, item.stamp_ns))
    aged: list[Item] = []
    if policy.unused_since_ns is not None:
        limit = policy.unused_since_ns
        aged = [item for item in candidates if item.used_ns < limit]
        candidates = candidates[len(aged) :]
    if policy.max_bytes is not None:
        excess = _size(scene, garbage, aged, policy.grace_ns) - policy.max_bytes
        aged += _oldest(candidates, excess, scene, _users(rest, aged))
    gone.update(item.place for item in aged)
    garbage += _unread(scene.items, gone, policy.grace_ns)
    return Selection(garbage, aged)


def _shadowed(items: Iterable[Item]) -> list[Item]:
    """Records that no lookup returns."""
    by_key: dict[bytes, list[Item]] = defaultdict(list)
    for item in items:
        by_key[item.key].append(item)
    found: list[Item] = []
    for versions in by_key.values():
        if len(versions) > 1:
            versions.sort(key=lambda item: (item.stamp_ns, item.place), reverse=True)
            found += _shadowed_under(versions)
    return found


def _shadowed_under(versions: list[Item]) -> list[Item]:
    """The same for the records of one key, newest first."""
    found: list[Item] = []
    copies: set[tuple[int, int]] = set()
    kinds: set[type[Any]] = set()
    seen = 0
    forgotten = False
    for item in versions:
        copy = (item.stamp_ns, item.print)
        if copy in copies:
            found.append(item)
            continue
        copies.add(copy)
        seen += 1
        replaced = item.kind in _NEWEST and item.kind in kinds
        if item.kind in _SAID:
            forgotten = forgotten or item.kind is ForgottenRecord
        elif forgotten or replaced or seen > KEEP_PER_KEY:
            found.append(item)
        if item.kind is not None:
            kinds.add(item.kind)
    return found


def _unread(items: Iterable[Item], gone: set[Any], grace_ns: int) -> list[Item]:
    """Sets of reads that no result that stays names, and no run on its way can."""
    needed: set[bytes] = set()
    for item in items:
        if item.place not in gone:
            needed.update(item.reads)
    return [
        item
        for item in items
        if item.kind is ReadsRecord
        and item.key not in needed
        and item.place not in gone
        and item.stamp_ns < grace_ns
    ]


def _users(items: Iterable[Item], without: Iterable[Item]) -> Counter[bytes]:
    """Blob -> how many records need it."""
    users = Counter(blob for item in items for blob in item.blobs)
    users.subtract(Counter(blob for item in without for blob in item.blobs))
    return users


def _size(scene: Scene, garbage: list[Item], aged: list[Item], grace_ns: int) -> int:
    """What the store holds once all this is gone, with the blobs that nothing else needs."""
    dropped = {item.place for item in (*garbage, *aged)}
    staying = [item for item in scene.items if item.place not in dropped]
    needed = {blob for item in staying for blob in item.blobs}
    return sum(item.nbytes for item in staying) + sum(
        blob.nbytes
        for blob in scene.blobs.values()
        if blob.digest in needed or blob.used_ns >= grace_ns
    )


def _oldest(candidates: list[Item], excess: int, scene: Scene, users: Counter[bytes]) -> list[Item]:
    """The longest unused of *candidates*, until *excess* bytes are won."""
    found: list[Item] = []
    for item in candidates:
        if excess <= 0:
            break
        found.append(item)
        excess -= item.nbytes
        for blob in item.blobs:
            users[blob] -= 1
            if not users[blob]:
                excess -= scene.blobs[blob].nbytes
    return found
