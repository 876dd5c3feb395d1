"""`push` and `pull`: what is in a folder goes into a bucket, what is in a bucket comes here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellgraph.care.amounts import size
from cellgraph.care.items import digests_in
from cellgraph.care.pins import PinBoard, Pins
from cellgraph.care.rest import Said, as_said
from cellgraph.errors import ConfigError, StoreError
from cellgraph.filedigests import file_digest, files_below
from cellgraph.forecast import Forecast
from cellgraph.places import Read, Roots, below, path_of
from cellgraph.provenance import Archive
from cellgraph.records import CallRecord, FinalRecord, ReadsRecord, decode
from cellgraph.stores.base import Store
from cellgraph.stores.local import LocalStore
from cellgraph.stores.shardfolders import FOLDER, taken_apart
from cellgraph.stores.tended import Moved, Shared, Tended
from cellgraph.task import Task
from cellgraph.words import plural

_BUCKET = "s3://"


@dataclass(frozen=True, slots=True)
class Travel:
    """How `push` and `pull` reach what they need: `here` is the store as configured, `open_at`
    opens another one, `by_call` says of an expression which of its calls the store knows, `roots`
    are the folders whose files results may name."""

    here: str
    open_at: Callable[[str], Store]
    by_call: Callable[[Any], Forecast]
    roots: Roots


@dataclass(frozen=True, slots=True, repr=False)
class Pushed:
    """What went into a bucket. `moved` is None when the store was there all along."""

    to: str
    moved: Moved | None

    def lines(self) -> Iterator[str]:
        """The report, line by line."""
        if self.moved is None:
            yield f"everything of this machine is in {self.to}"
            return
        m = self.moved
        shards = f" and {plural(m.shards, 'shard')} of datasets" if m.shards else ""
        yield (
            f"pushed {plural(m.records, 'record')} and {plural(m.blobs, 'blob')}{shards}, "
            f"{size(m.nbytes)}, to {self.to}"
        )
        if m.there:
            yield f"{plural(m.there, 'blob')} had been there"
        yield f'store = "{self.to}" in cellgraph.toml makes it the store of this project'

    def __repr__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True, repr=False)
class Pulled:
    """What came to this machine."""

    what: str
    moved: Moved

    def lines(self) -> Iterator[str]:
        """The report, line by line."""
        m = self.moved
        came = f"{plural(m.blobs, 'value')} came, {size(m.nbytes)}; {m.there:,} had been here"
        if m.shards:
            came += f"; {plural(m.shards, 'shard')} of datasets came to their folders"
        yield f"{self.what}: {came}"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def push(store: Tended, to: str | None, travel: Travel | None) -> Pushed:
    """As `Care.push`."""
    here = travel.here if travel is not None else ""
    if isinstance(store, Shared):
        if to is not None and to.rstrip("/") != here.rstrip("/"):
            raise ConfigError(
                f"this store is {here} and is pushed there by itself: push takes another bucket "
                "only for a store in a folder (--store FOLDER)"
            )
        if not store.flush():
            raise StoreError(
                f"{here} does not take all of it now: what waits is kept here and pushed when it "
                "answers"
            )
        return Pushed(here, None)
    if not to or not to.startswith(_BUCKET):
        raise ConfigError(
            f"push to {to!r}: give a bucket, as in push s3://bucket/prefix"
            if to
            else "this store is a folder: say where to push it, as in push s3://bucket/prefix"
        )
    if travel is None or not isinstance(store, LocalStore):
        raise ConfigError(f"{type(store).__name__} cannot be pushed: use a session over a folder")
    target = travel.open_at(to)
    try:
        assert isinstance(target, Shared)
        return Pushed(to, target.adopt(store, Said(store).holds))
    finally:
        target.close()


def pull(store: Tended, what: object, board: PinBoard, travel: Travel | None) -> Pulled:
    """As `Care.pull`."""
    if not isinstance(store, Shared):
        raise ConfigError(
            "this store is a folder, all of it is here: pull brings results of a bucket, so set "
            'store = "s3://bucket/prefix" first'
        )
    for name in store.list_files("runs"):
        store.read_file(name)
    name, keys, pins = _wanted(store, what, board, travel)
    payloads: set[bytes] = set()
    sets: dict[bytes, ReadsRecord] = {}
    for entry in store.scan():
        if pins is None or entry.key in keys or _held(entry.data, pins):
            payloads |= digests_in(entry.data)
        record = decode(entry.data)
        if isinstance(record, ReadsRecord):
            sets[entry.key] = record
    came = store.bring(payloads)
    if travel is None:
        return Pulled(name, came)
    reads = {r for key, said in sets.items() if pins is None or key in payloads for r in said.reads}
    folders = store.bring_datasets(dict(_folders(reads, travel.roots)))
    nbytes = came.nbytes + folders.nbytes
    return Pulled(name, came._replace(nbytes=nbytes, shards=folders.shards))


def _folders(reads: Iterable[Read], roots: Roots) -> Iterator[tuple[str, Path]]:
    """The datasets that came from folders of this project, and are not there as results say: name
    and place, on this machine."""
    said: dict[tuple[str, Path], list[Read]] = {}
    within = (roots.project, *(path_of(root, roots) for root in roots.data))
    for read in reads:
        found = taken_apart(read.name)
        if read.kind not in ("result", "literal") or found is None or "://" in read.name:
            continue
        folder = path_of(f"{found[0] or '.'}/{FOLDER}/{found[1]}", roots)
        if any(below(folder, root) is not None for root in within):  # the name is from a bucket
            said.setdefault((found[1], Path(folder)), []).append(read)
    for (name, place), theirs in said.items():
        if not as_said(theirs, _contents(place)):
            yield name, place


def _contents(folder: Path) -> dict[str, bytes]:
    try:
        return {name: file_digest(str(folder / name)) for name in files_below(str(folder))}
    except OSError:  # gone, in part or as a whole
        return {}


def _wanted(
    store: Tended, what: object, board: PinBoard, travel: Travel | None
) -> tuple[str, set[bytes], Pins | None]:
    if what is None:
        return "everything", set(), None
    pin = board.made(what)
    keys = {bytes.fromhex(key) for key in pin.keys}
    if travel is not None and not isinstance(what, (str, Task)):
        keys |= {node.key for node in travel.by_call(what).hits}
    return f"{pin.kind} {pin.name}", keys, Pins([pin], Archive(store).runs())


def _held(data: bytes, pins: Pins) -> bool:
    record = decode(data)
    if isinstance(record, CallRecord):
        return pins.wants(record.run, record.task, record.task_id)
    return isinstance(record, FinalRecord) and pins.wants(record.run, "", b"")
