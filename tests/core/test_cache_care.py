"""Looking through a store: what it holds, what is damaged, a new index."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.core.support.care_lab import TICKS_VARIABLE, CareLab, add, care, narrow, wide

import cellgraph as cg
from cellgraph.care.reports import StoreInfo, Verified


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CareLab:
    lab = CareLab(tmp_path)
    monkeypatch.setenv(TICKS_VARIABLE, str(lab.log))
    return lab


def info(lab: CareLab) -> StoreInfo:
    opened = lab.store()
    try:
        return care(opened).info()
    finally:
        opened.close()


def verify(lab: CareLab) -> Verified:
    opened = lab.store()
    try:
        return care(opened).verify()
    finally:
        opened.close()


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def test_an_empty_store(lab: CareLab) -> None:
    found = info(lab)
    assert (found.records, found.blobs, found.runs, found.tasks) == (0, 0, 0, ())
    assert verify(lab).sound


def test_what_a_store_holds(lab: CareLab) -> None:
    lab.executed([add(wide(1), wide(2)), narrow(1), narrow(2), narrow(3)])
    found = info(lab)
    assert {task.name: task.calls for task in found.tasks} == {"wide": 2, "narrow": 3, "add": 1}
    assert found.tasks[0].name == "wide", "largest first"
    assert found.blobs == 2 and found.blob_bytes == sum(p.stat().st_size for p in lab.blobs())
    assert found.tasks[0].nbytes > found.blob_bytes
    on_disk = sum(p.stat().st_size for p in (lab.root / "segments").rglob("*.seg"))
    assert found.nbytes == on_disk + found.blob_bytes
    assert found.records == lab.records()
    assert found.runs == 1 and found.facts.format == 1 and found.facts.index_bytes > 0


def test_a_blob_of_two_tasks_counts_once(lab: CareLab) -> None:
    @cg.task
    def same(x: Any) -> Any:
        return x

    lab.executed(same(wide(1)))
    found = info(lab)
    assert sum(task.nbytes for task in found.tasks) < found.blob_bytes * 1.1


def test_when_a_task_was_last_used(lab: CareLab) -> None:
    lab.executed(narrow(1))
    written = info(lab).tasks[0].last_used
    assert abs(written - time.time()) < 60
    lab.executed(narrow(1))
    lab.date_last_run(7)
    assert 6 < (info(lab).tasks[0].last_used - written) / 86_400 < 8


def test_looking_changes_nothing(lab: CareLab) -> None:
    lab.executed(add(wide(1), wide(2)))
    before = [(p, p.stat().st_mtime_ns) for p in sorted(lab.root.rglob("*")) if p.is_file()]
    info(lab)
    assert verify(lab).sound
    after = [(p, p.stat().st_mtime_ns) for p in sorted(lab.root.rglob("*")) if p.is_file()]
    assert [f for f in after if "index" not in f[0].parts] == [
        f for f in before if "index" not in f[0].parts
    ]


def test_a_whole_store_is_whole(lab: CareLab) -> None:
    lab.executed(add(wide(1), wide(2)), narrow(1))
    found = verify(lab)
    assert found.sound and found.torn == 0
    assert (found.records, found.blobs) == (lab.records(), 2)
    assert "whole" in repr(found)


def test_damage_goes_to_quarantine_and_is_computed_again(lab: CareLab) -> None:
    lab.executed(wide(1), wide(2), narrow(1))
    damaged = lab.blobs()[0]
    times = damaged.stat()
    flip(damaged, -5)
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = verify(lab)
    assert [d.what for d in found.damage] == [f"blob {damaged.name}"]
    assert found.missing == 1 and not found.sound
    assert not damaged.exists()
    assert [p.name[:64] for p in (lab.root / "quarantine").iterdir()] == [damaged.name]
    again = lab.executed(wide(1), wide(2), narrow(1))
    assert len(again) == 1 and again[0].startswith("wide")
    assert verify(lab).sound


def test_a_damaged_record_costs_itself(lab: CareLab) -> None:
    lab.executed([narrow(n) for n in range(5)])
    records = lab.records()
    (segment,) = (
        p for p in (lab.root / "segments").rglob("*.seg") if p.read_bytes().count(b"narrow") > 4
    )
    flip(segment, segment.read_bytes().index(b"narrow") - 1)
    found = verify(lab)
    assert found.records == records - 1
    assert [d.what.startswith("segment ") for d in found.damage] == [True]
    assert info(lab).facts.quarantined == 1


def test_the_end_of_a_killed_writer_is_no_damage(lab: CareLab) -> None:
    lab.executed(narrow(1))
    (segment, *_) = (lab.root / "segments").rglob("*.seg")
    with segment.open("ab") as file:
        file.write(segment.read_bytes()[:70])
    found = verify(lab)
    assert found.sound and found.torn == 1
    assert "unfinished" in repr(found)


def test_a_result_whose_bytes_are_gone_is_counted(lab: CareLab) -> None:
    lab.executed(wide(1), wide(2))
    lab.blobs()[0].unlink()
    found = verify(lab)
    assert found.missing == 1 and found.damage == ()
    assert len(lab.executed(wide(1), wide(2))) == 1


def test_the_index_is_rebuilt_beside_sessions_that_use_it(lab: CareLab) -> None:
    lab.executed([narrow(n) for n in range(20)])
    with lab.session() as working:
        assert working.evaluate(narrow(3)) == 4
        opened = lab.store()
        assert care(opened).rebuild() == lab.records()
        opened.close()
        assert working.evaluate([narrow(n) for n in range(21)]) == [*range(1, 22)]
    names = [p.name for p in (lab.root / "index").glob("*.sqlite")]
    assert names == ["v1.1.sqlite"]
    assert lab.executed([narrow(n) for n in range(21)]) == []


def test_a_rebuilt_index_leaves_out_what_is_damaged(lab: CareLab) -> None:
    lab.executed(narrow(1), narrow(2))
    (index,) = (lab.root / "index").glob("*.sqlite")
    index.write_bytes(b"not a database" * 1000)
    opened = lab.store()
    assert care(opened).rebuild() == lab.records()
    opened.close()
    assert lab.executed(narrow(1), narrow(2)) == []
