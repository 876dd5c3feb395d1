"""One process of the drill of care: `python -m tests.core.support.care_drill ROLE ROOT ACKS NAME`.

Writers acknowledge what `append` returned from, in a file that only grows. What a record says, and
which blob it needs, follows from its writer's name and its number, so that anyone can check it.
"""

import os
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from cellgraph.care import Care
from cellgraph.codecs.payload import Payload
from cellgraph.records import CallRecord, Piece, Value, encode
from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_samples import contents, key_of, sample_payload

GRACE_S = 5.0
TEN_DAYS_NS = 10 * 86_400 * 1_000_000_000
UNKNOWN_KIND = 9_999  # never removed: no version of this program knows what it is
KINDS_OF_BLOBS = 200


def open_store(root: Path, behind_ns: int = 0) -> LocalStore:
    return LocalStore(root, clock=lambda: time.time_ns() - behind_ns, grace_s=GRACE_S)


def payload_of(writer: str, number: int) -> Payload | None:
    """The blob that a record needs, if it needs one. Now and then several need the same."""
    if number % 3:
        return None
    # What `aged` records needed some time ago comes again, perhaps after it was removed.
    number = number // 9 if number % 9 == 0 else number
    tag = (zlib.crc32(writer.encode()) + number) % KINDS_OF_BLOBS
    return sample_payload(tag, (5_000 if tag % 4 else 300_000,))


def finished(writer: str, number: int) -> Entry:
    """A record that must never be lost."""
    payload = None if number % 9 else payload_of(writer, number)
    blob = b"" if payload is None else payload.digest()
    data = msgspec.msgpack.encode([UNKNOWN_KIND, writer, number, blob])
    return Entry(key_of(writer, number), number % 3, data)


def version(writer: str, number: int) -> Entry:
    """One of many under one key: the newest counts."""
    return Entry(key_of("churn", writer), 3, b"%d" % number)


def aged(writer: str, number: int) -> Entry:
    """A result that may be removed."""
    payload = payload_of(writer, number)
    piece = Piece(b"", b"x") if payload is None else Piece(b"", b"", (), payload.digest(), 1)
    record = CallRecord("old", bytes(32), b"", Value(piece), "", 0.0, 1.0, "thread")
    return Entry(key_of("aged", writer, number), 4, encode(record))


def write(root: Path, acks: Path, name: str) -> NoReturn:
    store, old = open_store(root), open_store(root, TEN_DAYS_NS)
    log = os.open(acks, os.O_WRONLY | os.O_APPEND)
    for number in range(1 << 60):
        payload = payload_of(name, number)
        if payload is not None:
            store.put_blob(payload)
        if number % 9:
            old.append([aged(name, number)])
        store.append([finished(name, number), *[version(name, number)] * 20])
        os.write(log, f"{name} {number}\n".encode())
        if number % 50 == 49:  # another session, so that there are segments at rest
            store.close()
            store = open_store(root)
        time.sleep(0.002)
    raise AssertionError("a writer never ends")


def acknowledged(acks: Path) -> dict[str, int]:
    """Writer -> the number up to which all it wrote is kept."""
    found: dict[str, int] = {}
    for line in acks.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            writer, number = line.split()
            found[writer] = int(number)
    return found


def check(store: LocalStore, acks: Path, sample: int | None) -> int:
    """Compare the store with what was acknowledged; return how many records were looked at.

    A record of another process may come a little later. Raises AssertionError.
    """
    return sum(
        _check_writer(store, writer, last, sample) for writer, last in acknowledged(acks).items()
    )


def _check_writer(store: LocalStore, writer: str, last: int, sample: int | None) -> int:
    numbers = list(range(last + 1))
    if sample is not None and last >= sample:
        numbers = sorted(random.sample(numbers, sample))
    expected = {e.key: (e.data,) for e in (finished(writer, n) for n in numbers)}
    _soon(lambda: store.get_many(list(expected)) == expected, f"records of {writer}")
    for number in numbers:
        payload = None if number % 9 else payload_of(writer, number)
        if payload is not None:
            found = store.get_blob(payload.digest())
            assert contents(found) == contents(payload), f"a blob of {writer} {number}"
    churn = key_of("churn", writer)
    _soon(lambda: _newest(store, churn) >= last, f"versions of {writer}")
    expendable = {e.key: e.data for e in (aged(writer, n) for n in numbers)}
    for key, versions in store.get_many(list(expendable)).items():
        assert versions == (expendable[key],), "a removable record is wrong"
    return len(expected)


def _newest(store: LocalStore, key: bytes) -> int:
    """The number of the newest version; -1 where none of another process has come yet."""
    found = store.get_many([key]).get(key)
    return -1 if found is None else int(found[0])


def _soon(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"{what} are lost"
        time.sleep(0.1)


def finished_in(store: LocalStore) -> Iterator[tuple[str, int]]:
    """Every record of `finished` that a scan yields."""
    for entry in store.scan():
        if entry.zone < 3:
            said: Any = msgspec.msgpack.decode(entry.data)
            assert entry == finished(said[1], said[2]), "a record is wrong"
            yield said[1], said[2]


def read(root: Path, acks: Path, name: str) -> NoReturn:
    while True:
        store = open_store(root)
        for _ in range(5):
            check(store, acks, sample=40)
        before = acknowledged(acks)
        seen = list(finished_in(store))
        assert len(seen) == len(set(seen)), "a record came twice"
        needed = {(writer, n) for writer, last in before.items() for n in range(last + 1)}
        assert needed <= set(seen), "a scan passed over records"
        store.close()


def collect(root: Path, acks: Path, name: str) -> NoReturn:
    store = open_store(root)
    log = os.open(acks.with_name("collected"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        done = care(store).gc(older_than_s=GRACE_S + 1, dry_run=False)
        os.write(log, f"{done.records} {done.blobs}\n".encode())
        time.sleep(0.02)


def care(store: LocalStore) -> Care:
    def forecast(expr: object) -> NoReturn:
        raise AssertionError("nothing is asked of an expression here")

    return Care(store, forecast)


if __name__ == "__main__":
    roles = {"writer": write, "reader": read, "gc": collect}
    roles[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
