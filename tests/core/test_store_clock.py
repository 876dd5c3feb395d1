"""Clocks that are wrong, jump, or go back: nothing is lost, nothing is removed that is in use."""

import os
import time
from pathlib import Path

from tests.core.support.care_lab import DAY_S, care

from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_samples import contents, key_of, sample_payload


class Clock:
    """Shows the time, some days off."""

    def __init__(self) -> None:
        self.off_days = 0.0

    def __call__(self) -> int:
        return time.time_ns() + int(self.off_days * DAY_S * 1e9)


def test_a_clock_that_jumps_a_year_ahead_and_back(tmp_path: Path) -> None:
    clock = Clock()
    store = LocalStore(tmp_path / "s", clock=clock)
    expected: dict[bytes, tuple[bytes, ...]] = {}
    for step, off_days in enumerate((0, 400, -400, 0.5, 0)):
        clock.off_days = off_days
        for n in range(5):
            key = key_of(step, n)
            store.append([Entry(key, n, b"%d" % n), Entry(key_of("k"), 1, b"%d" % step)])
            expected[key] = (b"%d" % n,)
        assert store.get_many(list(expected)) == expected
    versions = store.get_many([key_of("k")])[key_of("k")]
    assert versions[:10] == (b"4",) * 5 + (b"3",) * 5, (
        "within a session the last written is the newest"
    )
    store.close()
    again = LocalStore(tmp_path / "s")
    assert again.get_many(list(expected)) == expected
    assert len(list(again.scan())) == 2 * len(expected)
    again.close()


def test_a_session_whose_clock_is_right_sees_one_whose_clock_is_wrong(tmp_path: Path) -> None:
    right = LocalStore(tmp_path / "s")
    assert right.get_many([key_of("first look")]) == {}
    wrong = LocalStore(tmp_path / "s", clock=lambda: time.time_ns() + int(90 * DAY_S * 1e9))
    wrong.append([Entry(key_of(1), 1, b"x")])
    wrong.close()
    deadline = time.monotonic() + 30
    while right.get_many([key_of(1)]) != {key_of(1): (b"x",)}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    right.close()


def test_what_a_wrong_clock_dated_ahead_is_not_removed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "s")
    name = store.put_blob(sample_payload(1))
    (path,) = (p for p in (tmp_path / "s" / "blobs").rglob("*") if p.is_file())
    ahead = time.time() + 1000 * DAY_S
    os.utime(path, (ahead, ahead))
    assert care(store).gc(dry_run=False).blobs == 0
    assert store.has_blob(name)
    assert abs(path.stat().st_mtime - time.time()) < DAY_S, "the next use sets it right"
    store.close()


def test_a_collector_whose_clock_is_behind_removes_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "s")
    name = store.put_blob(sample_payload(1))
    store.append([Entry(key_of(1), 1, b"x")])
    store.close()
    behind = LocalStore(tmp_path / "s", clock=lambda: time.time_ns() - int(50 * DAY_S * 1e9))
    done = care(behind, -50).gc(dry_run=False, older_than_s=3 * DAY_S, max_bytes=0)
    assert (done.records, done.blobs) == (0, 0)
    assert contents(behind.get_blob(name)) == contents(sample_payload(1))
    behind.close()
