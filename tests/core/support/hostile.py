"""Tools of an attacker who can write to a bucket, and a victim who reads it."""

import dataclasses
import os
import pickle
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.support.s3server import BUCKET, S3Server

import cellgraph as cg
from cellgraph.identity.tables import Raw
from cellgraph.identity.values import snapshot
from cellgraph.identity.wire import length
from cellgraph.records import CallRecord, Piece, Record, Value, decode, encode
from cellgraph.stores.local.segment import scan, segment_id, stamp_of, unframe
from cellgraph.stores.s3.bundle import Bundle, Place, Stamped, build, parse

# Sorts behind every object that a session of today writes.
LATER = "30000/mixed/20520220T000000-0123456789-0.seg"
_EVER = 4_000_000_000_000_000_000


@dataclasses.dataclass
class Point:
    x: int


@cg.task
def number(x: int) -> int:
    return 10 * x


@cg.task
def words(x: int) -> dict[str, list[int]]:
    return {"a": [x]}


@cg.task
def grid(n: int) -> np.ndarray:
    return np.arange(float(n))


@cg.task
def point(x: int) -> Point:
    return Point(x)


@cg.task
def chain(x: int) -> object:
    return [number(x), 1]


SMALL, LARGE = 2000, 150_000  # 16 KB: in a pack; 1.2 MB: an object of its own
CALLS: dict[str, Any] = {
    "number": number(1),
    "words": words(2),
    "small": grid(SMALL),
    "large": grid(LARGE),
    "point": point(3),
    "chain": chain(4),
}
_TASKS = {"small": "grid", "large": "grid"}
TRUTH: dict[str, Any] = {
    "number": 10,
    "words": {"a": [2]},
    "small": np.arange(float(SMALL)),
    "large": np.arange(float(LARGE)),
    "point": Point(3),
    "chain": [40, 1],
}


def same(found: Any, wanted: Any) -> bool:
    """Whether two results are equal in type and content."""
    return type(found) is type(wanted) and bool(np.array_equal(found, wanted))


class Attack:
    """One prefix of the bucket, with what an honest session left there."""

    def __init__(self, server: S3Server, prefix: str, objects: dict[str, bytes], tmp: Path) -> None:
        self.server = server
        self.prefix = prefix
        self.uri = f"s3://{BUCKET}/{prefix}"
        self.objects = objects
        self.tmp = tmp
        self.canary = tmp / "canary"
        for name, data in objects.items():
            self.write(name, data)

    def write(self, name: str, data: bytes) -> None:
        self.server.write(f"{self.prefix}/{name}", data)

    def delete(self, name: str) -> None:
        self.server.delete(f"{self.prefix}/{name}")

    def named(self, folder: str) -> list[str]:
        """Names of the honest objects in a folder."""
        return sorted(name for name in self.objects if name.startswith(folder))

    # --- records --------------------------------------------------------------------------------

    def bundles(self) -> dict[str, Bundle]:
        return {n: parse(n.removeprefix("segments/"), self.objects[n]) for n in self.named("segm")}

    def records(self) -> list[Stamped]:
        """Every record of the honest session."""
        found: list[Stamped] = []
        for bundle in self.bundles().values():
            for segment, zone, part in bundle.sections:
                raw, number = bytes(part), segment_id(segment)
                for row in scan(raw, 0, number).rows:
                    piece = raw[row[3] : row[3] + row[4]]
                    record = unframe(number.to_bytes(8, "little"), piece)
                    assert record is not None
                    found.append(Stamped(zone, stamp_of(piece), *record))
        return found

    def places(self) -> list[Place]:
        return [place for bundle in self.bundles().values() for place in bundle.places]

    def call(self, name: str) -> tuple[Stamped, Any]:
        """The record of a call (see `CALLS`), and what it says."""
        for stamped in self.records():
            record: Any = decode(stamped.data)
            if type(record) is CallRecord and record.task.endswith(_TASKS.get(name, name)):
                large = type(record.outcome) is Value and record.outcome.piece.nbytes > LARGE
                if large == (name == "large"):
                    return stamped, record
        raise LookupError(name)

    def forge(
        self, entries: Sequence[Stamped], places: Sequence[Place] = (), name: str = LATER
    ) -> None:
        """Write an object of records, whole and in order."""
        self.write(f"segments/{name}", build(name, entries, places))

    def replace(self, task: str, change: Callable[[Any], Record | bytes]) -> None:
        """Write a newer record of a task's call."""
        stamped, record = self.call(task)
        made = change(record)
        data = made if isinstance(made, bytes) else encode(made)
        self.forge([stamped._replace(stamp=_EVER, data=data)])

    def answer(self, task: str, head: bytes, buffers: tuple[bytes, ...] = ()) -> None:
        """Let a call have returned a stored value with these bytes."""
        piece = Piece(b"s\x06forged", head, buffers)
        self.replace(task, lambda r: msgspec.structs.replace(r, outcome=Value(piece)))

    def bomb(self) -> bytes:
        """A pickle that makes a file when it is read."""
        return pickle.dumps(_Bomb(str(self.canary)))


class _Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


def pickled(data: bytes) -> bytes:
    """A stored value that is a pickle."""
    return b"P" + length(len(data)) + data + b"\x00"


def table_of(kind: str, module: str, name: str, rest: bytes) -> bytes:
    """A stored value that begins with a class or function it needs."""
    parts = [b"K\x01"]
    for text in (kind.encode(), module.encode(), name.encode(), bytes(32)):
        parts += (length(len(text)), text)
    return b"".join((*parts, rest))


def kind_of(name: str, state: object) -> bytes:
    """A stored value of a kind, with any small state."""
    text = name.encode()
    return b"x" + length(len(text)) + text + b"\x01g\x01" + snapshot(state)[1].head


def raw(data: bytes) -> Raw:
    return Raw(data, stable=True)


def object_array(inner: bytes) -> bytes:
    """A stored array of objects, one of which is *inner*."""
    head = kind_of("numpy.array", ("|O", (1,), [None]))
    return head.removesuffix(b"N") + inner


def footer(name: str, body: bytes, said: bytes) -> bytes:
    """An object with any footer, and its right checks."""
    from cellgraph.stores.s3.bundle import MAGIC, _check  # pyright: ignore[reportPrivateUsage]

    return body + said + struct.pack("<Q32s16s", len(said), _check(name, said), MAGIC)


Attacker = Callable[[Attack], object]
ALL = frozenset(CALLS)
ROWS: list[Any] = []


def row(*again: str, **believed: object) -> Callable[[Attacker], Attacker]:
    """The attack makes the calls *again* run; others give the truth, or what is *believed*."""

    def note(attack: Attacker) -> Attacker:
        ROWS.append(pytest.param(attack, frozenset(again), believed, id=attack.__name__))
        return attack

    return note
