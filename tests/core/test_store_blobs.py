"""Blob files: mapping, trust in what was verified, touching."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.stores.local import LocalStore
from cellgraph.stores.local.durability import mark_of
from cellgraph.stores.local.index import Mark
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.layout import prepare
from cellgraph.testing.store_samples import contents, sample_payload

DAY_NS = 86_400 * 1_000_000_000
BIG = sample_payload(1, (400_000, 70_000))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def store(root: Path) -> Iterator[LocalStore]:
    store = LocalStore(root)
    yield store
    store.close()


def path_of(root: Path, name: bytes) -> Path:
    return root / "blobs" / name.hex()[:2] / name.hex()


def mark_in_index(root: Path, name: bytes) -> Mark | None:
    file = IndexFile(prepare(root))
    try:
        return file.get().marked(name)
    finally:
        file.close()


def test_what_is_written_through_a_map_never_reaches_the_file(
    root: Path, store: LocalStore
) -> None:
    name = store.put_blob(BIG)
    before = path_of(root, name).read_bytes()
    payload = store.get_blob(name)
    assert payload is not None
    for buffer in payload.buffers:
        assert not buffer.data.readonly
        buffer.data[:] = bytes(len(buffer.data))
    assert path_of(root, name).read_bytes() == before
    assert contents(store.get_blob(name)) == contents(BIG)


def test_maps_outlive_the_store(root: Path) -> None:
    store = LocalStore(root)
    payload = store.get_blob(store.put_blob(BIG))
    store.close()
    assert contents(payload) == contents(BIG)


def test_a_second_put_writes_nothing(root: Path, store: LocalStore) -> None:
    name = store.put_blob(BIG)
    before = path_of(root, name).stat()
    store.put_blob(BIG)
    assert path_of(root, name).stat() == before
    assert list(path_of(root, name).parent.iterdir()) == [path_of(root, name)]


def test_a_blob_cut_short_by_a_power_cut_is_written_again(root: Path, store: LocalStore) -> None:
    name = store.put_blob(BIG)
    os.truncate(path_of(root, name), 1000)
    store.put_blob(BIG)
    assert contents(store.get_blob(name)) == contents(BIG)


def test_a_written_blob_is_marked_as_verified(root: Path, store: LocalStore) -> None:
    name = store.put_blob(BIG)
    small = store.put_blob(sample_payload(2, (100,)))
    store.close()
    assert mark_in_index(root, name) == mark_of(path_of(root, name).stat())
    assert mark_in_index(root, small) is None


def test_a_copied_blob_is_verified_once_and_marked(root: Path, tmp_path: Path) -> None:
    elsewhere = LocalStore(tmp_path / "other")
    name = elsewhere.put_blob(BIG)
    elsewhere.close()
    store = LocalStore(root)
    path_of(root, name).parent.mkdir(parents=True)
    path_of(root, name).write_bytes(path_of(tmp_path / "other", name).read_bytes())
    assert mark_in_index(root, name) is None
    assert contents(store.get_blob(name)) == contents(BIG)
    store.close()
    assert mark_in_index(root, name) == mark_of(path_of(root, name).stat())


def test_an_old_blob_is_touched_when_written_again(root: Path) -> None:
    now = [0]
    store = LocalStore(root, clock=lambda: now[0])
    name = store.put_blob(BIG)
    path = path_of(root, name)
    os.utime(path, ns=(10 * DAY_NS, 10 * DAY_NS))
    now[0] = 10 * DAY_NS + DAY_NS // 2
    store.put_blob(BIG)
    assert path.stat().st_mtime_ns == 10 * DAY_NS, "half a day is not old"
    now[0] = 12 * DAY_NS
    store.put_blob(BIG)
    assert path.stat().st_mtime_ns > 10 * DAY_NS
    assert contents(store.get_blob(name)) == contents(BIG)
    store.close()


def test_touching_keeps_the_trust(root: Path) -> None:
    now = [0]
    store = LocalStore(root, clock=lambda: now[0])
    name = store.put_blob(BIG)
    now[0] = path_of(root, name).stat().st_mtime_ns + 2 * DAY_NS
    store.put_blob(BIG)
    store.close()
    assert mark_in_index(root, name) == mark_of(path_of(root, name).stat())


def test_more_blobs_at_once_than_files_may_be_open(store: LocalStore) -> None:
    names = [store.put_blob(sample_payload(i, (300_000,))) for i in range(120)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(100, hard), hard))
    try:
        held = [store.get_blob(name) for name in names]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(contents(p) == contents(sample_payload(i, (300_000,))) for i, p in enumerate(held))


def test_thousands_of_buffers(store: LocalStore) -> None:
    payload = Payload(b"h", tuple(Buffer.of(b"%d" % i * (i % 9)) for i in range(5000)))
    assert contents(store.get_blob(store.put_blob(payload))) == contents(payload)


def test_sync_takes_blobs_whose_file_is_gone(root: Path, store: LocalStore) -> None:
    name = store.put_blob(BIG)
    path_of(root, name).unlink()
    store.sync()
    assert store.get_blob(name) is None
