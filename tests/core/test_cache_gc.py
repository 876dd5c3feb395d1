"""What a collection removes, what it leaves, and what it says that costs."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.core.support.care_lab import (
    DAY_S,
    MONTH_S,
    TICKS_VARIABLE,
    CareLab,
    add,
    care,
    narrow,
    wide,
)

import cellgraph as cg
from cellgraph.errors import ConfigError, StoreError
from cellgraph.stores.base import KEEP_PER_KEY, Entry
from cellgraph.stores.local import LocalStore
from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.store_samples import contents, key_of, sample_payload


def date(path: Path, used_s: float) -> None:
    """Set when a file was last used."""
    os.utime(path, (used_s, used_s))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CareLab:
    lab = CareLab(tmp_path)
    monkeypatch.setenv(TICKS_VARIABLE, str(lab.log))
    return lab


def test_nothing_is_removed_from_a_store_in_use(lab: CareLab) -> None:
    lab.executed(add(wide(1), wide(2)))
    done = lab.collect(after_days=365)
    assert (done.records, done.blobs, done.tasks, done.in_use) == (0, 0, (), 0)
    assert "nothing to remove" in repr(done)
    assert lab.executed(add(wide(1), wide(2))) == []


def test_a_dry_run_removes_nothing_and_says_what_would_go(lab: CareLab) -> None:
    lab.executed(wide(1), narrow(1))
    before = sorted((p, p.stat().st_size) for p in lab.root.rglob("*") if p.suffix != ".sqlite-shm")
    opened = lab.store(40)
    would = care(opened, 40).gc(older_than_s=MONTH_S)
    opened.close()
    after = set(lab.root.rglob("*"))
    assert {p for p, _ in before if "index" not in p.parts} <= after
    assert {task.name: task.calls for task in would.tasks} == {"narrow": 1, "wide": 1}
    assert would.blobs == 1 and would.blob_bytes > 400_000
    assert would.recompute_s > 0
    assert "would remove" in repr(would) and "of computing" in repr(would)
    done = lab.collect(40, older_than_s=MONTH_S)
    assert (done.records, done.blobs, done.blob_bytes) == (
        would.records,
        would.blobs,
        would.blob_bytes,
    )
    assert repr(done) == repr(would).replace("would remove", "removed")


def test_what_nobody_used_for_long_goes_and_is_computed_again(lab: CareLab) -> None:
    lab.executed(wide(1), narrow(1))
    assert lab.collect(20, older_than_s=MONTH_S).tasks == ()
    done = lab.collect(40, older_than_s=MONTH_S)
    assert lab.blobs() == []
    assert done.record_bytes > 0
    assert lab.executed(wide(1), narrow(1)) == ["narrow 1", "wide 1"]


def test_a_task_whose_results_are_reused_is_in_use(lab: CareLab) -> None:
    lab.executed(narrow(1), narrow(2), wide(1))
    assert lab.executed(narrow(1)) == []
    lab.date_last_run(25)
    done = lab.collect(40, older_than_s=MONTH_S)
    assert [task.name for task in done.tasks] == ["wide"]
    assert lab.executed(narrow(1), narrow(2), wide(1)) == ["wide 1"]


def test_an_answer_to_a_whole_expression_uses_what_is_below(lab: CareLab) -> None:
    expr = [narrow(narrow(1)), narrow(3)]
    lab.executed(expr)
    assert lab.executed(expr) == []
    lab.date_last_run(25)
    assert lab.collect(40, older_than_s=MONTH_S).tasks == ()
    assert lab.executed([narrow(narrow(1)), narrow(4)]) == ["narrow 4"]


def test_a_blob_that_is_asked_for_is_in_use(lab: CareLab) -> None:
    lab.executed(wide(1), wide(2))
    for path in lab.blobs():
        date(path, time.time() - 50 * DAY_S)
    opened = lab.store()
    (asked, _) = sorted(opened.blobs())
    assert opened.has_blob(asked.digest)
    opened.close()
    assert lab.collect(0, older_than_s=MONTH_S).tasks == (), "they were written just now"
    done = lab.collect(29.5, older_than_s=29 * DAY_S)
    assert done.tasks[0].calls == 1, "touched within the time, seen to half the grace period"
    assert [p.name for p in lab.blobs()] == [asked.digest.hex()]


def test_the_longest_unused_goes_until_the_store_is_small_enough(lab: CareLab) -> None:
    for n in range(4):
        lab.executed(wide(n))
        for path in lab.blobs():
            used = path.stat().st_mtime_ns - 10**12
            os.utime(path, ns=(used, used))
    size = sum(p.stat().st_size for p in lab.blobs())
    done = lab.collect(40, max_bytes=size // 2 + 20_000)
    assert done.tasks[0].calls == 2
    assert done.stays_bytes <= size // 2 + 20_000
    assert lab.executed(wide(3), wide(2)) == []
    assert lab.executed(wide(1), wide(0)) == ["wide 0", "wide 1"]


def test_what_was_used_within_the_grace_period_is_not_removed_for_its_size(lab: CareLab) -> None:
    lab.executed(wide(1))
    assert lab.collect(1, max_bytes=0).records == 0
    assert lab.collect(4, max_bytes=0).blobs == 1
    assert lab.blobs() == []


def test_a_blob_that_two_records_need_goes_with_the_second(lab: CareLab) -> None:
    lab.executed(wide(1), [wide(1)], [[wide(1)]])
    opened = lab.store()
    needing = [kept for kept in opened.kept() if opened_blob(opened) in kept.entry.data]
    opened.close()
    assert len(needing) >= 2
    done = lab.collect(40, max_bytes=0)
    assert done.blobs == 1 and lab.executed(wide(1)) == ["wide 1"]


def opened_blob(opened: LocalStore) -> bytes:
    (blob,) = opened.blobs()
    return blob.digest


def test_an_orphan_goes_after_the_grace_period(lab: CareLab) -> None:
    opened = lab.store()
    payload = sample_payload(1)
    name = opened.put_blob(payload)
    opened.close()
    assert lab.collect(1.5).blobs == 0
    assert len(lab.blobs()) == 1
    opened = lab.store(1.5)
    assert opened.put_blob(payload) == name, "written again, more than half the period later"
    opened.close()
    date(lab.blobs()[0], time.time() + 1.5 * DAY_S)  # as that day's clock has it
    assert lab.collect(3).blobs == 0
    assert lab.collect(4).blobs == 1
    assert lab.blobs() == []


def test_a_blob_written_again_is_touched_only_when_half_the_period_is_over(lab: CareLab) -> None:
    opened = lab.store()
    name = opened.put_blob(sample_payload(1))
    (path,) = lab.blobs()
    for age_s, touched in ((0.4 * DAY_S, False), (1.1 * DAY_S, True), (-3 * DAY_S, True)):
        for use in (lambda: opened.has_blob(name), lambda: opened.put_blob(sample_payload(1))):
            date(path, time.time() - age_s)
            before = path.stat().st_mtime_ns
            assert use()
            assert (path.stat().st_mtime_ns != before) is touched
            assert not touched or abs(time.time() - path.stat().st_mtime) < 3600
    assert contents(opened.get_blob(name)) == contents(sample_payload(1))
    opened.close()


def test_shadowed_records_go_once_they_are_most_of_a_segment(lab: CareLab) -> None:
    opened = lab.store()
    for i in range(KEEP_PER_KEY * 3):
        opened.append([Entry(key_of("k"), 1, b"%d" % i * 50)])
    expected = opened.get_many([key_of("k")])
    opened.close()
    done = lab.collect()
    assert done.records == KEEP_PER_KEY * 2
    assert lab.records() == KEEP_PER_KEY
    opened = lab.store()
    assert opened.get_many([key_of("k")]) == expected
    assert [e.data for e in opened.scan()] == [*reversed(expected[key_of("k")])]
    opened.close()
    assert lab.collect().records == 0


def test_a_few_shadowed_records_are_not_worth_a_new_segment(lab: CareLab) -> None:
    opened = lab.store()
    opened.append([Entry(key_of("other"), 1, bytes(100_000))])
    opened.append([Entry(key_of("k"), 1, b"%d" % i) for i in range(20)])
    opened.close()
    assert lab.collect().records == 0
    assert lab.records() == 21


def test_forgotten_results_stay_forgotten(lab: CareLab) -> None:
    lab.executed(narrow(1))
    with lab.session() as s:
        s.invalidate(narrow(1))
        assert lab.collect(0).in_use <= 1, "the session that said so writes there"
    lab.collect()
    assert lab.executed(narrow(1)) == ["narrow 1"]
    lab.collect(100, older_than_s=MONTH_S)
    assert lab.executed(narrow(1)) == ["narrow 1"]


def test_invalidation_outlives_every_collection(lab: CareLab) -> None:
    lab.executed(narrow(1), wide(1))
    with lab.session() as s:
        s.invalidate(narrow)
    for _ in range(2):
        lab.collect(100, max_bytes=0)
    with lab.session() as s:
        forecast = s.explain(narrow(1))
        assert forecast.verdict == "MISS"
    assert lab.executed(narrow(1)) == ["narrow 1"]


def test_records_of_an_unknown_kind_and_what_they_name_are_left_alone(lab: CareLab) -> None:
    opened = lab.store()
    name = opened.put_blob(sample_payload(1))
    data = msgspec.msgpack.encode([999, {"of": [b"x", name]}, 3])
    opened.append([Entry(key_of("new"), 1, data), Entry(key_of("not msgpack"), 1, b"\xc1")])
    opened.close()
    assert lab.collect(400, older_than_s=MONTH_S, max_bytes=0).nbytes == 0
    assert lab.records() == 2 and len(lab.blobs()) == 1


# --- pins ---------------------------------------------------------------------------------------


def pinned(lab: CareLab, *what: Any) -> None:
    opened = lab.store()
    for one in what:
        care(opened).pin(one)
    opened.close()


def test_a_pinned_task_stays(lab: CareLab) -> None:
    lab.executed(wide(1), narrow(1))
    pinned(lab, wide)
    done = lab.collect(400, older_than_s=MONTH_S, max_bytes=0)
    assert [task.name for task in done.tasks] == ["narrow"]
    assert lab.executed(wide(1), narrow(1)) == ["narrow 1"]


def test_a_pinned_result_stays_and_nothing_else_of_its_tasks(lab: CareLab) -> None:
    lab.executed(add(wide(1), wide(2)), wide(3))
    pinned(lab, add(wide(1), wide(2)))
    lab.collect(400, max_bytes=0)
    assert lab.executed(add(wide(1), wide(2))) == []
    assert lab.executed(wide(3)) == ["wide 3"]


def test_a_pinned_run_stays_with_what_it_reused(lab: CareLab) -> None:
    lab.executed(narrow(1))
    lab.executed([narrow(1), wide(2)])
    lab.executed(add(wide(4), wide(5)))
    run = sorted((lab.root / "runs").iterdir())[1].stem.rpartition("-")[2]
    pinned(lab, run[:6])
    lab.collect(400, max_bytes=0)
    assert lab.executed([narrow(1), wide(2)]) == []
    assert lab.executed(narrow(1), wide(2)) == []
    assert lab.executed(add(wide(4), wide(5)))


def test_pins_are_listed_and_let_go(lab: CareLab) -> None:
    lab.executed(narrow(1))
    opened = lab.store()
    cared = care(opened)
    first = cared.pin("narrow")
    second = cared.pin(narrow(1))
    assert cared.pin("narrow").id == first.id, "pinned twice is pinned once"
    assert {(p.kind, p.name) for p in cared.pins()} == {("task", "narrow"), ("result", "narrow(1)")}
    assert cared.unpin(second.id) == second
    assert cared.unpin(narrow).id == first.id
    assert cared.pins() == []
    for unpinned in (narrow, "nonsense"):
        with pytest.raises(StoreError, match="is not pinned"):
            cared.unpin(unpinned)
    opened.close()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nonsense", "no run and no task 'nonsense'"),
        (narrow(77), "no result to pin yet"),
        ([1, 2], "not an expression"),
    ],
)
def test_what_the_store_does_not_know_is_not_pinned(lab: CareLab, what: object, said: str) -> None:
    lab.executed(narrow(1))
    opened = lab.store()
    with pytest.raises(StoreError, match=said):
        care(opened).pin(what)
    assert care(opened).pins() == []
    opened.close()


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [{"grace_s": 3600.0}, {"older_than_s": DAY_S}, {"max_bytes": -1}]
)
def test_a_limit_that_endangers_running_sessions_is_refused(
    lab: CareLab, limits: dict[str, Any]
) -> None:
    with lab.session() as s, pytest.raises(ConfigError, match=r"at least|expected a size"):
        s.cache.gc(**limits)


def test_one_collection_at_a_time(lab: CareLab) -> None:
    opened, other = lab.store(), lab.store()
    with opened.collecting(), pytest.raises(StoreError, match="collected already"):
        care(other).gc(dry_run=False)
    care(other).gc(dry_run=False)
    opened.close()
    other.close()


def test_a_store_in_memory_has_no_care() -> None:
    with cg.Session(MemoryStore()) as s, pytest.raises(StoreError, match="use a store in a folder"):
        _ = s.cache
