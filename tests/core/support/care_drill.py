"""What the processes of the drill of care do, over a store in a folder or in a bucket.

Writers acknowledge what `append` returned from, in a file that only grows. What a record says, and
which blob it needs, follows from its writer's name and its number, so that anyone can check it.
"""

import os
import random
import signal
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import msgspec

from cellgraph.care import Care
from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.records import CallRecord, Piece, Value, encode
from cellgraph.stores.base import Entry, Store
from cellgraph.stores.local import LocalStore
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.tended import Tended
from cellgraph.testing.store_samples import contents, key_of, sample_payload

GRACE_S = 5.0
# Half of it must be enough for a record to be pushed and for a collector to look through the
# bucket, when all of this shares a busy machine. Two days are, outside of a drill.
BUCKET_GRACE_S = 20.0
TEN_DAYS_NS = 10 * 86_400 * 1_000_000_000
UNKNOWN_KIND = 9_999  # never removed: no version of this program knows what it is
KINDS_OF_BLOBS = 200


# Flushes, merges and evictions all the time.
HASTE = Pace(flush_s=0.1, refresh_s=0.2, retry_s=0.2, grace_s=BUCKET_GRACE_S)
TIER_BYTES = 1 << 20


class Where(NamedTuple):
    """A store as one machine sees it: a folder, or a bucket with a tier in the folder *cache*."""

    address: str
    cache: str = ""

    def open(self, behind_ns: int = 0) -> Store:
        def clock() -> int:
            return time.time_ns() - behind_ns

        if not self.in_bucket:
            return LocalStore(Path(self.address), clock=clock, grace_s=GRACE_S)
        cache = Path(self.cache)
        return S3Store(self.address, cache=cache, tier_bytes=TIER_BYTES, pace=HASTE, clock=clock)

    def unlock(self) -> None:
        """Remove what a killed collector has left."""
        aws: Any = boto3
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        aws.client("s3").delete_object(Bucket=bucket, Key=f"{prefix}/collecting.json")

    @property
    def in_bucket(self) -> bool:
        return self.address.startswith("s3://")


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


def write(where: Where, acks: Path, name: str) -> NoReturn:
    store, old = where.open(), where.open(TEN_DAYS_NS)
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
            store = where.open()
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


def check(store: Store, acks: Path, sample: int | None) -> int:
    """Compare the store with what was acknowledged; return how many records were looked at.

    A record of another process may come a little later. Raises AssertionError.
    """
    return sum(
        _check_writer(store, writer, last, sample) for writer, last in acknowledged(acks).items()
    )


def _check_writer(store: Store, writer: str, last: int, sample: int | None) -> int:
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


def _newest(store: Store, key: bytes) -> int:
    """The number of the newest version; -1 where none of another process has come yet."""
    found = store.get_many([key]).get(key)
    return -1 if found is None else int(found[0])


def _soon(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"{what} are lost"
        time.sleep(0.1)


def finished_in(store: Store) -> Iterator[tuple[str, int]]:
    """Every record of `finished` that a scan yields."""
    for entry in store.scan():
        if entry.zone < 3:
            said: Any = msgspec.msgpack.decode(entry.data)
            assert entry == finished(said[1], said[2]), "a record is wrong"
            yield said[1], said[2]


def read(where: Where, acks: Path, name: str) -> NoReturn:
    while True:
        store = where.open()
        for _ in range(5):
            check(store, acks, sample=40)
        check_scan(store, acks, patient=where.in_bucket)
        store.close()


def check_scan(store: Store, acks: Path, *, patient: bool) -> None:
    """A scan yields all that was acknowledged before it, once.

    *patient*: what another machine wrote comes when it has been pushed. Raises AssertionError.
    """
    before = acknowledged(acks)
    needed = {(writer, n) for writer, last in before.items() for n in range(last + 1)}

    def complete() -> bool:
        seen = list(finished_in(store))
        assert len(seen) == len(set(seen)), "a record came twice"
        return needed <= set(seen)

    if patient:
        _soon(complete, "records in a scan")
    else:
        assert complete(), "a scan passed over records"


def merge(where: Where, acks: Path, name: str) -> NoReturn:
    """Short sessions: each pushes what it finds, and merges the objects in the bucket."""
    for number in range(1 << 60):
        store = where.open()
        store.append([version(name, number)])
        store.close()
    raise AssertionError("a merger never ends")


def collect(where: Where, acks: Path, name: str) -> NoReturn:
    store = where.open()
    if not isinstance(store, Tended):
        store.close()
        merge(where, acks, name)
    log = os.open(acks.with_name("collected"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        try:
            done = care(store).gc(older_than_s=store.grace_s + 1, dry_run=False)
        except StoreError as error:
            if not where.in_bucket or "collected already" not in str(error):
                raise
            where.unlock()  # as the error says: who held it was killed
            continue
        os.write(log, f"{done.records} {done.blobs}\n".encode())
        time.sleep(0.02)


def care(store: Store) -> Care:
    def forecast(expr: object) -> NoReturn:
        raise AssertionError("nothing is asked of an expression here")

    return Care(store, forecast)


ROLES: dict[str, Callable[[Where, Path, str], NoReturn]] = {
    "writer": write,
    "reader": read,
    "merger": merge,
    "gc": collect,
}


def play(role: str, where: Where, acks: Path, name: str, said: Path) -> None:
    """Be one process of the drill; what it says goes to the file *said*."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ["AWS_SDK_UA_APP_ID"] = name
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    try:
        ROLES[role](where, acks, name)
    except BaseException:
        traceback.print_exc()
        raise


def _end_with(parent: int) -> NoReturn:
    """Nobody goes on when the test is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Fork a process for each line of standard input, and say its number: nobody waits for an
    interpreter to start and to import everything."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    for line in sys.stdin:
        role, address, cache, acks, name, said = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            try:
                play(role, Where(address, cache), Path(acks), name, Path(said))
            finally:
                os._exit(1)
        print(child, flush=True)


if __name__ == "__main__":
    main()
