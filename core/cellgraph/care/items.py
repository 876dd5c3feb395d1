"""The records of a store as care sees them: what each is, what it needs, when it was used.

What a record needs is found without knowing its kind: whatever in it is a digest of 32 bytes and
the name of a blob. So the blobs of records that a newer version wrote are kept, too. A dataset in
the store is needed by whatever names its folder, or names a set of reads that does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from cellgraph.digest import DIGEST_BYTES
from cellgraph.places import Read
from cellgraph.provenance import RunSummary
from cellgraph.records import (
    CallRecord,
    CallsRecord,
    FailureRecord,
    FinalRecord,
    Graph,
    LinksRecord,
    OutlineRecord,
    ReadsRecord,
    Record,
    Value,
    decode,
)
from cellgraph.stores.shardfolders import named_in, taken_apart
from cellgraph.stores.tended import Blob, Folder, Kept, Place

_NS: Final = 1_000_000_000
# What they name is looked at if it is there, and not missed if it is not.
_WEAK: Final = (OutlineRecord, CallsRecord)
# What they speak of is what a value of theirs consists of: a dataset there must not go.
_HOLDING: Final = (CallRecord, FinalRecord, type(None))
_OF_A_RUN: Final = (CallRecord, FinalRecord, FailureRecord, LinksRecord)


@dataclass(slots=True)
class Item:
    """One record. `kind` is None when this version does not know it."""

    place: Place
    key: bytes
    stamp_ns: int
    nbytes: int
    print: int  # tells copies of one record from others under its key
    kind: type[Any] | None
    task: str  # empty for what belongs to no task
    task_id: bytes
    run: str
    elapsed_s: float
    blobs: tuple[bytes, ...]  # and keys of datasets
    reads: tuple[bytes, ...]  # keys of the sets of reads it needs
    rests_on: tuple[bytes, ...]  # of a final value: ids of the tasks behind it
    used_ns: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything in a store, read at one time. `blobs`: what records may need, payloads and under
    their keys `datasets`. `lacking`: for each result whose bytes are not there, the blobs that it
    needs. `shards`: what results say of the files in datasets."""

    items: list[Item]
    blobs: dict[bytes, Blob]
    datasets: dict[bytes, Folder]
    runs: list[RunSummary]
    lacking: list[set[bytes]]
    shards: list[Read]


def read_scene(
    records: Iterable[Kept],
    blobs: Iterable[Blob],
    datasets: Iterable[Folder],
    runs: list[RunSummary],
    *,
    touch_s: float,
    now_s: float,
) -> Scene:
    """Read all records. *touch_s*: a blob may have been used so long after its file says."""
    known = {blob.digest: blob for blob in blobs}
    folders = {folder.key: folder for folder in datasets}
    known |= {key: Blob(key, f.nbytes, f.used_ns) for key, f in folders.items()}
    names: dict[str, str] = {}
    sets: dict[bytes, ReadsRecord] = {}
    items: list[Item] = []
    lacking: list[set[bytes]] = []
    for kept in records:
        record = decoded(kept.entry.data)
        if isinstance(record, ReadsRecord):
            sets[kept.entry.key] = record
        item = _item(kept, record, known, names)
        absent = _needed_blobs(record) - known.keys()
        if absent:
            lacking.append(absent)
        items.append(item)
    shards = _resting_on(items, sets, known)
    touched = {
        blob.digest: max(blob.used_ns, min(blob.used_ns + int(touch_s * _NS), int(now_s * _NS)))
        for blob in known.values()
    }
    _note_use(items, touched, _uses(items, runs))
    return Scene(items, known, folders, runs, lacking, shards)


def _resting_on(
    items: list[Item], sets: Mapping[bytes, ReadsRecord], known: Mapping[bytes, Blob]
) -> list[Read]:
    """Have results need the datasets that their sets of reads name; what they say of these."""
    said: dict[bytes, list[Read]] = {
        key: [read for read in record.reads if taken_apart(read.name) is not None]
        for key, record in sets.items()
    }
    used: dict[Read, None] = {}
    for item in items:
        reads = [read for key in item.reads for read in said.get(key, ())]
        if reads:
            used.update((read, None) for read in reads if read.kind == "result")
            named = {key for read in reads for key in named_in(read.name.encode())}
            item.blobs = (*item.blobs, *(named & known.keys() - {*item.blobs}))
    return list(used)


def _item(
    kept: Kept, record: Record | None, known: Mapping[bytes, Blob], names: dict[str, str]
) -> Item:
    key, _, data = kept.entry
    strong = not isinstance(record, _WEAK)
    digests = digests_in(data) if strong else set[bytes]()
    if isinstance(record, _HOLDING):
        digests |= named_in(data)
    call = record if isinstance(record, CallRecord) else None
    reads: tuple[bytes, ...] = ()
    if isinstance(record, FinalRecord):
        reads = record.reads
    elif call is not None:
        reads = (call.reads,) if call.reads else ()
    elif record is None:
        reads = tuple(digests)
    return Item(
        place=kept.place,
        key=key,
        stamp_ns=kept.stamp_ns,
        nbytes=kept.nbytes,
        print=hash(data),
        kind=None if record is None else type(record),
        task="" if call is None else names.setdefault(call.task, call.task),
        task_id=b"" if call is None else call.task_id,
        run=record.run if isinstance(record, _OF_A_RUN) else "",
        elapsed_s=0.0 if call is None else call.elapsed_s,
        blobs=tuple(digests & known.keys()),
        reads=reads,
        rests_on=_tasks_behind(record),
        used_ns=kept.stamp_ns,
    )


def decoded(data: bytes) -> Record | None:
    """The record; None for one that this version does not know."""
    try:
        return decode(data)
    except msgspec.DecodeError:  # whole, and yet nothing of ours
        return None


def digests_in(data: bytes) -> set[bytes]:
    """Whatever in an encoded record has the length of a digest."""
    found: set[bytes] = set()
    try:
        stack: list[Any] = [msgspec.msgpack.decode(data)]
    except msgspec.DecodeError:
        return found
    while stack:
        part: Any = stack.pop()
        kind = cast("type[object]", type(part))  # msgpack gives exactly these
        if kind is bytes:
            if len(part) == DIGEST_BYTES:
                found.add(part)
        elif kind is list:
            stack += part
        elif kind is dict:
            stack += part.keys()
            stack += part.values()
    return found


def _needed_blobs(record: Record | None) -> set[bytes]:
    """The blobs without which a result is lost."""
    outcome: Value | Graph
    if isinstance(record, FinalRecord):
        outcome = record.value
    elif isinstance(record, CallRecord):
        outcome = record.outcome
    else:
        return set()
    leaves = outcome.leaves if isinstance(outcome, Value) else ()
    pieces = (outcome.piece, *leaves)
    return {piece.blob for piece in pieces if piece.blob}


def _tasks_behind(record: Record | None) -> tuple[bytes, ...]:
    if not isinstance(record, FinalRecord):
        return ()
    return tuple({name for edge in record.edges for name in (edge.caller, edge.callee)})


def _note_use(items: list[Item], touched: Mapping[bytes, int], used: dict[bytes, int]) -> None:
    """Set `used_ns`: when an item was written, or last known to be used.

    A run that reused results of a task is a use of all of them. A final value that answers for the
    calls below it is a use of those, too.
    """
    calls: dict[bytes, bytes] = {i.key: i.task_id for i in items if i.kind is CallRecord}
    finals = [item for item in items if item.kind is FinalRecord]
    for item in items:
        item.used_ns = max((item.stamp_ns, *[touched[blob] for blob in item.blobs]))
    for item in finals:
        own = calls.get(item.key, item.key)  # of a call, or of a whole expression
        item.used_ns = max(item.used_ns, used.get(own, 0))
    for item in finals:
        for name in item.rests_on:
            used[name] = max(used.get(name, 0), item.used_ns)
    for item in items:
        item.used_ns = max(item.used_ns, used.get(item.task_id, 0))
    # Where arguments came from is told as long as a call of the run stays.
    runs: dict[str, int] = {}
    for item in items:
        if item.kind is CallRecord:
            runs[item.run] = max(runs.get(item.run, 0), item.used_ns)
    for item in items:
        if item.kind is LinksRecord:
            item.used_ns = max(item.used_ns, runs.get(item.run, 0))


def _uses(items: list[Item], runs: list[RunSummary]) -> dict[bytes, int]:
    """Task id, or key of a whole expression -> when results were last reused."""
    used: dict[bytes, int] = {}

    def note(name: bytes, at_s: float) -> None:
        used[name] = max(used.get(name, 0), int(at_s * _NS))

    whole: dict[str, float] = {}  # the run that computed what answered -> when
    finals = {item.key: item.run for item in items if item.kind is FinalRecord}
    for run in runs:
        key = bytes.fromhex(run.key)
        if run.reused and not run.tasks and key in finals:
            note(key, run.started)
            whole[finals[key]] = max(whole.get(finals[key], 0.0), run.started)
        for share in run.tasks:
            if share.reused:
                note(bytes.fromhex(share.id), run.started)
    for run in runs:
        if run.id in whole:
            for share in run.tasks:
                note(bytes.fromhex(share.id), whole[run.id])
    return used
