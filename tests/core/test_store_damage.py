"""Damage is set aside and is a miss, and costs nothing but what was damaged."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.stores.local.segment import frame, salt_of, segment_id
from cellgraph.testing.store_samples import contents, key_of, sample_payload

ENTRIES = [Entry(key_of(i), 5, b"record %d" % i) for i in range(40)]
FRAME_BYTES = 24 + 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A closed store with ENTRIES in one segment."""
    store = LocalStore(tmp_path / "store")
    store.append(ENTRIES)
    store.close()
    return store.root


def segment_of(root: Path) -> Path:
    (path,) = (root / "segments").rglob("*.seg")
    return path


def answers(root: Path) -> dict[bytes, tuple[bytes, ...]]:
    store = LocalStore(root)
    try:
        found = store.get_many([e.key for e in ENTRIES])
        assert store.get_many([e.key for e in ENTRIES]) == found
        return found
    finally:
        store.close()


def without(*lost: int) -> dict[bytes, tuple[bytes, ...]]:
    return {e.key: (e.data,) for i, e in enumerate(ENTRIES) if i not in lost}


def quarantined(root: Path) -> list[Path]:
    folder = root / "quarantine"
    return sorted(folder.iterdir()) if folder.exists() else []


def drop_index(root: Path) -> None:
    shutil.rmtree(root / "index")


def keep_index(root: Path) -> None:
    assert list((root / "index").glob("*.sqlite"))


def test_a_deleted_index_is_rebuilt(root: Path) -> None:
    drop_index(root)
    assert answers(root) == without()
    assert list((root / "index").glob("*.sqlite"))


@pytest.mark.parametrize("keep_bytes", [0, 100, 5000])
def test_a_broken_index_is_replaced(root: Path, keep_bytes: int) -> None:
    (index,) = (root / "index").glob("*.sqlite")
    whole = index.read_bytes()
    index.write_bytes(whole[:keep_bytes] + b"garbage" * (len(whole) // 7))
    assert answers(root) == without()


def test_an_index_broken_under_a_session_is_replaced(root: Path) -> None:
    store = LocalStore(root)
    assert store.get_many([ENTRIES[0].key])
    (index,) = (root / "index").glob("*.sqlite")
    index.write_bytes(b"garbage" * (index.stat().st_size // 7))
    store.append([Entry(key_of("own"), 5, b"own")])
    found = store.get_many([*(e.key for e in ENTRIES), key_of("own")])
    store.close()
    assert found == {**without(), key_of("own"): (b"own",)}
    assert answers(root) == without()


@pytest.mark.parametrize("prepare", [keep_index, drop_index])
@pytest.mark.parametrize("field", [0, 5, 9, 18, 30, FRAME_BYTES + 3])
def test_a_flipped_byte_costs_its_record(
    root: Path, field: int, prepare: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    prepare(root)
    path = segment_of(root)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"record 7") - FRAME_BYTES + field] ^= 0x40
    path.write_bytes(raw)
    found = answers(root)
    found_without_index = field < 8 and prepare is keep_index
    # With an index the frame's magic and length are not needed to read it.
    assert found == (without() if found_without_index else without(7))
    assert len(quarantined(root)) == (0 if found_without_index else 1)
    if not found_without_index:
        assert any("damaged record" in r.message for r in caplog.records)
        assert len(quarantined(root)[0].read_bytes()) == FRAME_BYTES + len(b"record 7")


def test_the_older_record_serves_when_the_newest_is_damaged(root: Path) -> None:
    store = LocalStore(root)
    store.append([Entry(ENTRIES[3].key, 6, b"newer")])
    store.close()
    (newer,) = (root / "segments").rglob("06/*.seg")
    newer.write_bytes(newer.read_bytes().replace(b"newer", b"NEWER"))
    assert answers(root) == without()


@pytest.mark.parametrize("prepare", [keep_index, drop_index])
@pytest.mark.parametrize("cut", [1, 10, FRAME_BYTES, FRAME_BYTES + 8])
def test_a_torn_tail_is_passed_over(root: Path, cut: int, prepare: Callable[[Path], None]) -> None:
    path = segment_of(root)
    name = str(path.relative_to(root / "segments"))
    torn = frame(salt_of(segment_id(name)), 2**63, key_of("torn"), b"never finished")
    with path.open("ab") as file:
        file.write(torn[:-cut])
    size = path.stat().st_size
    prepare(root)
    store = LocalStore(root)
    assert store.get_many([*(e.key for e in ENTRIES), key_of("torn")]) == without()
    store.append([Entry(key_of("next"), 5, b"next")])
    store.close()
    assert path.stat().st_size == size, "a new process appended to an old segment"
    assert answers(root) == without()
    assert quarantined(root) == []


def test_records_behind_the_index_are_found(root: Path) -> None:
    """As after kill -9: the segment is longer than the index knows."""
    path = segment_of(root)
    name = str(path.relative_to(root / "segments"))
    with path.open("ab") as file:
        file.write(frame(salt_of(segment_id(name)), 2**62, key_of("late"), b"late"))
    store = LocalStore(root)
    assert store.get_many([key_of("late")]) == {key_of("late"): (b"late",)}
    store.close()


def test_a_segment_that_lost_its_end_to_a_power_cut(root: Path) -> None:
    path = segment_of(root)
    raw = path.read_bytes()
    os.truncate(path, raw.index(b"record 39") - FRAME_BYTES - 3)
    assert answers(root) == without(38, 39)


def test_a_segment_that_is_gone(root: Path) -> None:
    segment_of(root).unlink()
    store = LocalStore(root)
    store.append([Entry(key_of("new"), 5, b"x")])
    assert store.get_many([key_of("new"), ENTRIES[0].key]) == {key_of("new"): (b"x",)}
    store.close()


def test_a_segment_that_goes_under_a_session(root: Path) -> None:
    store = LocalStore(root)
    assert store.get_many([key_of("nothing yet")]) == {}
    segment_of(root).unlink()
    assert store.get_many([e.key for e in ENTRIES]) == {}
    store.close()


@pytest.mark.parametrize("size", [10, 300_000])
@pytest.mark.parametrize("place", ["header", "head", "buffer", "cut", "empty"])
def test_a_damaged_blob_is_a_miss_and_can_be_written_again(
    root: Path, place: str, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    payload = sample_payload(1, (size, size))
    store = LocalStore(root)
    name = store.put_blob(payload)
    store.close()
    path = root / "blobs" / name.hex()[:2] / name.hex()
    times = path.stat()
    raw = bytearray(path.read_bytes())
    if place == "empty":
        raw.clear()
    elif place == "cut":
        del raw[-1]
    else:
        at = {"header": 20, "head": raw.index(b"head of 1") + 2, "buffer": len(raw) - 3}[place]
        raw[at] ^= 1
    path.write_bytes(raw)
    # A copy tool may restore the times; the change time gives it away.
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    store = LocalStore(root)
    with caplog.at_level(logging.WARNING):
        assert store.get_blob(name) is None
    assert "damaged file" in caplog.text
    assert not store.has_blob(name)
    assert [p.name.startswith(name.hex()) for p in quarantined(root)] == [True]
    assert store.put_blob(payload) == name
    assert contents(store.get_blob(name)) == contents(payload)
    store.close()


def test_strange_files_are_passed_over(root: Path) -> None:
    (root / "segments" / ".DS_Store").write_text("x")
    (root / "segments" / "notes").mkdir()
    day = segment_of(root).parent.parent
    (day / "readme").write_text("x")
    (day / "05" / "x.tmp").write_text("x")
    (day / "05" / "empty.seg").write_text("")
    (day / "05" / "junk.seg").write_bytes(os.urandom(1000))
    assert answers(root) == without()
    store = LocalStore(root)
    assert list(store.scan()) == ENTRIES
    store.close()
