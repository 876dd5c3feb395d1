"""The store in a folder: contract, layout, sharing between sessions of one process."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry, Store
from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_contract import PersistentStoreContract
from cellgraph.testing.store_samples import key_of

DAY_NS = 86_400 * 1_000_000_000


class TestLocalStore(PersistentStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[LocalStore]:
        store = LocalStore(tmp_path / "store")
        yield store
        store.close()

    def reopen(self, store: Store) -> LocalStore:
        assert isinstance(store, LocalStore)
        store.close()
        return LocalStore(store.root)


def segments(root: Path) -> list[Path]:
    return sorted((root / "segments").rglob("*.seg"))


def test_layout(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "store"
    store = LocalStore(root, clock=lambda: 20_000 * DAY_NS)
    store.append([Entry(key_of(1), 0xAB, b"x"), Entry(key_of(2), 7, b"y")])
    store.close()
    assert (root / ".gitignore").read_text() == "*\n"
    facts = json.loads((root / "format.json").read_text())
    assert facts["format"] == 1 and facts["digest"] == "blake3-256"
    zones = {str(p.parent.relative_to(root)) for p in segments(root)}
    assert zones == {"segments/20000/ab", "segments/20000/07"}
    assert all(p.name.startswith("20241004T000000-") for p in segments(root))


def test_a_session_writes_one_segment_per_zone_and_day(tmp_path: Path) -> None:
    now = [20_000 * DAY_NS]
    store = LocalStore(tmp_path / "s", clock=lambda: now[0])
    for _ in range(5):
        store.append([Entry(key_of(1), zone, b"x") for zone in range(3)])
    assert len(segments(store.root)) == 3
    now[0] += DAY_NS
    store.append([Entry(key_of(1), 0, b"new day")])
    assert len(segments(store.root)) == 4
    store.close()
    now[0] += 1_000_000
    again = LocalStore(tmp_path / "s", clock=lambda: now[0])
    again.append([Entry(key_of(1), 0, b"new process")])
    assert len(segments(store.root)) == 5
    assert again.get_many([key_of(1)])[key_of(1)][:3] == (b"new process", b"new day", b"x")
    again.close()


def test_a_clock_that_goes_back_keeps_the_order(tmp_path: Path) -> None:
    times = iter(range(20_000 * DAY_NS + 10_000, 0, -1000))
    store = LocalStore(tmp_path / "s", clock=lambda: next(times))
    for i in range(5):
        store.append([Entry(key_of(1), 0, b"%d" % i)])
    assert store.get_many([key_of(1)])[key_of(1)] == (b"4", b"3", b"2", b"1", b"0")
    store.close()


def test_more_zones_than_files_may_be_open(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "s")
    for round_number in range(2):
        store.append([Entry(key_of(zone, round_number), zone, b"x") for zone in range(256)])
    assert len(segments(store.root)) == 256
    assert len(store.get_many([key_of(zone, 1) for zone in range(256)])) == 256
    store.close()


def test_another_session_is_seen(tmp_path: Path) -> None:
    with_records, waiting = LocalStore(tmp_path / "s"), LocalStore(tmp_path / "s")
    for i in range(3):
        assert waiting.get_many([key_of(i)]) == {}
        with_records.append([Entry(key_of(i), i, b"x")])
        deadline = time.monotonic() + 20
        while not waiting.get_many([key_of(i)]):
            assert time.monotonic() < deadline, "records of the other session never came"
            time.sleep(0.05)
    with_records.close()
    waiting.close()


def test_a_deleted_store_does_not_hurt_the_session(tmp_path: Path) -> None:
    import shutil

    store = LocalStore(tmp_path / "s")
    store.append([Entry(key_of("before"), 1, b"x")])
    store.sync()
    shutil.rmtree(tmp_path / "s" / "segments")
    store.append([Entry(key_of("after"), 1, b"y")])
    assert store.get_many([key_of("after")]) == {key_of("after"): (b"y",)}
    assert len(segments(store.root)) == 1
    store.close()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ('{"format": 2, "digest": "blake3-256", "store": "x"}', "newer Cellgraph.*upgrade"),
        ('{"format": 1, "digest": "sha512", "store": "x"}', "sha512.*upgrade"),
        ("{", "damaged.*Nothing was changed"),
        ("[]", "damaged"),
        ("{}", "damaged"),
    ],
)
def test_a_format_it_does_not_know_is_refused_and_left_alone(
    tmp_path: Path, facts: str, message: str
) -> None:
    LocalStore(tmp_path / "s").close()
    (tmp_path / "s" / "format.json").write_text(facts)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match=message):
        LocalStore(tmp_path / "s")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "s" / "format.json").read_text() == facts


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match=r"thesis\.tex.*not a store"):
        LocalStore(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    with pytest.raises(StoreError, match="choose another store"):
        LocalStore(tmp_path / "s")


def test_a_set_up_that_was_killed_is_finished(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / ".setup").write_text('{"form')
    (tmp_path / "runs").mkdir()
    store = LocalStore(tmp_path)
    store.append([Entry(key_of(1), 0, b"x")])
    assert store.get_many([key_of(1)])
    store.close()
