"""Segments are rewritten and blobs deleted beside readers and writers, and after kills."""

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore, filesystem
from cellgraph.stores.local.filesystem import Mount
from cellgraph.stores.local.writer import MAX_OPEN_FILES
from cellgraph.stores.tended import Tended
from cellgraph.testing.store_samples import contents, key_of, sample_payload
from cellgraph.testing.tended_contract import TendedContract, answers, drop

DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def fill(root: Path, sessions: int, records: int = 3, zone: int = 1) -> list[Entry]:
    """Write one segment per session; return what it holds."""
    entries: list[Entry] = []
    for session in range(sessions):
        store = LocalStore(root)
        batch = [Entry(key_of(zone, session, n), zone, b"%d" % n * 20) for n in range(records)]
        store.append(batch)
        store.close()
        entries += batch
    return entries


def segments(root: Path) -> list[Path]:
    return sorted((root / "segments").rglob("*.seg"))


class TestLocalTended(TendedContract):
    @pytest.fixture
    def tended(self, root: Path) -> Iterator[LocalStore]:
        store = LocalStore(root, clock=later)
        yield store
        store.close()

    def another(self, tended: Tended) -> LocalStore:
        assert isinstance(tended, LocalStore)
        return LocalStore(tended.root, clock=later)

    def put_shard(self, tended: Tended, name: str, data: bytes) -> None:
        assert isinstance(tended, LocalStore)
        path = tended.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def later() -> int:
    """A time at which all that is written now is old."""
    return time.time_ns() + 5 * DAY_NS


def test_records_go_and_the_others_stay(root: Path) -> None:
    entries = fill(root, 10)
    watching = LocalStore(root)
    assert answers(watching, entries[:1]) == entries[:1]
    collector = LocalStore(root)
    done = drop(collector, entries[::2])
    assert (len(done.done), done.busy) == (10, frozenset())
    assert done.freed_bytes > 0
    assert len(segments(root)) == 1, "segments of one day and zone become one"
    for store in (watching, collector, LocalStore(root)):
        assert answers(store, entries) == entries[1::2]
        assert list(store.scan()) == entries[1::2]
        store.close()


def test_a_segment_that_is_being_written_is_left_alone(root: Path) -> None:
    writer = LocalStore(root)
    mine = [Entry(key_of("mine", n), 1, b"x") for n in range(3)]
    writer.append(mine)
    entries = fill(root, 1)
    collector = LocalStore(root)
    done = drop(collector, [*mine, *entries])
    assert len(done.busy) == 1 and len(done.done) == 1
    assert answers(collector, [*mine, *entries]) == mine
    writer.append([Entry(key_of("more"), 1, b"y")])
    assert len(segments(root)) == 1
    writer.close()
    assert drop(collector, mine).busy == frozenset()
    assert [e.data for e in collector.scan()] == [b"y"]
    collector.close()


def test_a_writer_that_let_go_of_its_segment_goes_on_in_another(root: Path) -> None:
    """With more zones than open files; what it wrote before is moved under it."""
    writer = LocalStore(root)
    first = [Entry(key_of("first", n), 0, b"%d" % n) for n in range(4)]
    writer.append(first)
    for zone in range(1, MAX_OPEN_FILES + 2):
        writer.append([Entry(key_of("z", zone), zone, b"x")])
    collector = LocalStore(root)
    assert len(drop(collector, first[:1]).done) == 2
    second = [Entry(key_of("second"), 0, b"after")]
    writer.append(second)
    for store in (writer, collector, LocalStore(root)):
        deadline = time.monotonic() + 20
        while answers(store, [*first, *second]) != [*first[1:], *second]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        store.close()


def test_a_reader_with_an_index_of_its_own_looks_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another machine: nobody tells it which segments were replaced."""
    entries = fill(root, 12)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(filesystem, "mounts", lambda: [Mount("/", "ext4"), Mount(str(root), "nfs")])
    other = LocalStore(root)
    assert answers(other, entries[:3]) == entries[:3]
    monkeypatch.undo()
    collector = LocalStore(root)
    drop(collector, entries[:5])
    assert answers(other, entries[5:]) == entries[5:]
    assert answers(other, entries[3:]) == entries[5:], "what it has not open is gone"
    other.close()
    collector.close()


def test_a_scan_goes_on_over_a_collection(root: Path) -> None:
    entries = fill(root, 80)  # more segments than are mapped at once
    store, collector = LocalStore(root), LocalStore(root)
    scan = store.scan()
    seen = [next(scan) for _ in range(100)]
    drop(collector, [])
    assert [*seen, *scan] == entries
    store.close()
    collector.close()


def in_child(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    prelude = """
    import os, sys
    from pathlib import Path
    from cellgraph.stores.local import LocalStore
    from cellgraph.testing.store_samples import sample_payload
    store = LocalStore(Path(sys.argv[1]))
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(script), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("instant", ["rename", "unlink"])
def test_a_collector_killed_on_the_way_loses_and_doubles_nothing(root: Path, instant: str) -> None:
    entries = fill(root, 6)
    done = in_child(
        root,
        f"""
        with store.collecting():
            dead = {{kept.place.segment: set() for kept in store.kept()}}
            Path.{instant} = lambda *a, **k: os.kill(os.getpid(), 9)
            store.rewrite(dead)
        """,
    )
    assert done.returncode == -9, done.stderr
    store = LocalStore(root)
    assert answers(store, entries) == entries
    assert list(store.scan()) == entries
    assert len(list(store.kept())) == len(entries) * (2 if instant == "unlink" else 1)
    drop(store, [])
    assert list(store.scan()) == entries and answers(store, entries) == entries
    assert store.leftovers(0, remove=False).files == 0, "a young file may be somebody's"
    store.close()
    store = LocalStore(root, clock=later)
    with store.collecting():
        assert store.leftovers(0, remove=True).files == (1 if instant == "rename" else 0)
    store.close()


def test_a_blob_that_is_touched_at_the_last_instant_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(root)
    name = store.put_blob(sample_payload(1))
    (path,) = (p for p in (root / "blobs").rglob("*") if p.is_file())
    os.utime(path, (0, 0))
    rename = Path.rename

    def touched(self: Path, target: Path) -> Path:
        if self == path:
            os.utime(path)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", touched)
    with store.collecting():
        assert store.remove_blobs([name], 0).files == 0
    assert contents(store.get_blob(name)) == contents(sample_payload(1))
    assert [p for p in (root / "blobs").rglob("*") if p.is_file()] == [path]
    store.close()


def test_a_blob_whose_collector_was_killed_comes_back(root: Path) -> None:
    store = LocalStore(root)
    name = store.put_blob(sample_payload(1))
    store.close()
    done = in_child(
        root,
        """
        (blob,) = store.blobs()
        path = Path(sys.argv[1]) / "blobs" / blob.digest.hex()[:2] / blob.digest.hex()
        os.utime(path, (0, 0))
        Path.unlink = lambda *a, **k: os.kill(os.getpid(), 9)
        with store.collecting():
            store.remove_blobs([blob.digest], 0)
        """,
    )
    assert done.returncode == -9, done.stderr
    store = LocalStore(root)
    assert not store.has_blob(name)
    with store.collecting():
        assert contents(store.get_blob(name)) == contents(sample_payload(1))
        assert store.remove_blobs([name], 0).files == 0, "it counts as used just now"
    store.close()


def test_an_empty_segment_of_a_killed_writer_goes(root: Path) -> None:
    fill(root, 1)
    path = segments(root)[0].with_name("20200101T000000-killed-0.seg")
    path.touch()
    os.utime(path, (0, 0))
    store = LocalStore(root)
    with store.collecting():
        assert store.leftovers(0, remove=True).files == 1
    assert not path.exists() and len(segments(root)) == 1
    store.close()


def no_locks(fd: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "no locks here")


def test_without_locks_recent_segments_are_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", no_locks)
    entries = fill(root, 2)
    store = LocalStore(root)
    assert drop(store, entries).done == frozenset()
    store.close()
    store = LocalStore(root, clock=later)
    assert drop(store, entries[:1]).busy == frozenset()
    assert answers(store, entries) == entries[1:]
    store.close()


def test_one_collector_at_a_time_also_between_processes(root: Path) -> None:
    store = LocalStore(root)
    with store.collecting():
        done = in_child(root, "with store.collecting(): pass")
        assert "is being collected already" in done.stderr
    assert in_child(root, "with store.collecting(): print('mine')").stdout == "mine\n"
    store.close()


def test_a_collection_that_cannot_write_loses_nothing(root: Path) -> None:
    """A file-size limit stands for a full disk."""
    entries = fill(root, 4, records=40)
    done = in_child(
        root,
        """
        import resource
        from cellgraph.errors import StoreError
        with store.collecting():
            dead = {kept.place.segment: set() for kept in store.kept()}
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            try:
                store.rewrite(dead)
            except StoreError as error:
                print(error)
        """,
    )
    assert "cannot rewrite segments in" in done.stdout, done.stderr
    store = LocalStore(root)
    assert answers(store, entries) == entries
    assert len(segments(root)) == 4 and list((root / "segments").rglob("*.new")) == []
    store.close()
