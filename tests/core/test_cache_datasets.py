"""Datasets in a local store: those that a result has in it stay, whatever the time; others go."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.support.care_lab import DAY_S, MONTH_S, TICKS_VARIABLE, CareLab, care
from tests.core.support.dataset_lab import (
    STORE_VARIABLE,
    described,
    folder_of_one,
    forgotten,
    listed,
    name,
    pieces,
    total,
    unfolded,
    unlooked,
    where,
    whole,
    written,
)

import cellgraph as cg
from cellgraph.identity.values import snapshot
from cellgraph.stores.shardfolders import named_in


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CareLab:
    lab = CareLab(tmp_path)
    monkeypatch.setenv(TICKS_VARIABLE, str(lab.log))
    monkeypatch.setenv(STORE_VARIABLE, str(lab.root))
    monkeypatch.chdir(tmp_path)
    return lab


def executed(lab: CareLab, *exprs: Any) -> tuple[int, list[Any]]:
    """How many calls ran, and the values."""
    with lab.session() as session:
        runs = [session.submit(expr) for expr in exprs]
        values = [run.result() for run in runs]
        return sum(run.counts.executed for run in runs), values


def there(lab: CareLab) -> list[str]:
    folder = lab.root / "datasets"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def age(lab: CareLab, n: int, days: float) -> None:
    """Everything of a dataset was written, and used, so long ago."""
    path, at = lab.root / "datasets" / name(n), time.time() - days * DAY_S
    for each in (*path.rglob("*"), path):
        os.utime(each, (at, at))


REACHED: dict[str, Callable[[], Any]] = {
    "whole": lambda: whole(1),
    "a layout too large for a record": lambda: whole(1, 150),
    "pieces": lambda: pieces(1),
    "a folder in it": lambda: folder_of_one(1),
    "a path": lambda: where(1),
    "a path in a large value": lambda: listed(1),
    "a path in a long text": lambda: described(1),
    "pieces in an expression": lambda: unfolded(1),
    "below": lambda: [[total(whole(1))]],
}


@pytest.mark.parametrize("how", REACHED)
def test_what_a_result_has_in_it_stays(lab: CareLab, how: str) -> None:
    expr = REACHED[how]()
    ran, values = executed(lab, expr)
    assert ran > 0
    age(lab, 1, 100)
    shards = sorted((lab.root / "datasets").rglob("*.parquet"))
    done = lab.collect(400)
    assert (done.datasets, done.leftovers) == (0, 0)
    assert sorted((lab.root / "datasets").rglob("*.parquet")) == shards
    again, same = executed(lab, REACHED[how]())
    assert (again, same) == (0, values)


def test_a_whole_expression_may_be_all_that_has_it(lab: CareLab) -> None:
    """A dataset of the user's own hand, in a container: in no call's result."""
    mine: Any = written(1, 150)  # a call takes what is converted to what its annotation names
    executed(lab, {"mine": mine, "sum": [total(mine)]})
    age(lab, 1, 100)
    assert lab.collect(400).datasets == 0
    assert there(lab) == [name(1)]


def test_what_no_result_has_goes_after_the_grace_period(lab: CareLab) -> None:
    executed(lab, forgotten(1), whole(2))
    assert lab.collect(1.5).datasets == 0
    would = lab.collect(4, dry_run=True)
    assert there(lab) == [name(1), name(2)]
    done = lab.collect(4)
    assert (done.datasets, done.dataset_bytes) == (would.datasets, would.dataset_bytes)
    assert done.datasets == 1 and done.dataset_bytes > 1000
    assert "blobs and 1 dataset" in repr(done)
    assert there(lab) == [name(2)]


def test_one_that_is_being_written_stays(lab: CareLab) -> None:
    written(1)
    age(lab, 1, 30)
    (shard, _) = sorted((lab.root / "datasets").rglob("*.parquet"))
    os.utime(shard)
    assert lab.collect(0).datasets == 0
    age(lab, 1, 30)
    (shard.parent / "part-1.parquet").write_bytes(b"1")
    assert lab.collect(0).datasets == 0
    age(lab, 1, 30)
    assert lab.collect(0).datasets == 1


def test_drafts_of_killed_writers_go(lab: CareLab) -> None:
    executed(lab, whole(1))
    draft = lab.root / "datasets" / f".{name(2)}-x1y2"
    (draft / "new").mkdir(parents=True)
    (draft / "new/part.parquet").write_bytes(b"12345")
    assert lab.collect(1).leftovers == 0
    done = lab.collect(4)
    assert (done.leftovers, done.leftover_bytes) == (1, 5)
    assert there(lab) == [name(1)]


def test_it_goes_with_the_last_result_that_has_it(lab: CareLab) -> None:
    executed(lab, whole(1), [whole(1)], whole(2))
    age(lab, 1, 40)
    with lab.session() as session:
        session.cache.pin(whole(2))
    done = lab.collect(40, older_than_s=MONTH_S)
    assert [(task.name, task.calls) for task in done.tasks] == [("whole", 1)]
    assert done.datasets == 1 and done.tasks[0].nbytes > done.dataset_bytes
    assert there(lab) == [name(2)]
    assert executed(lab, whole(1), whole(2))[0] == 1


def test_size_counts(lab: CareLab) -> None:
    executed(lab, whole(1, 40))
    executed(lab, whole(2, 40))
    age(lab, 1, 20)
    with lab.session() as session:
        info = session.cache.info()
    assert info.datasets == 2 and "2 datasets, " in repr(info)
    assert info.nbytes > info.dataset_bytes > 40_000
    assert sum(task.nbytes for task in info.tasks) > info.dataset_bytes
    half = info.nbytes - info.dataset_bytes // 3
    done = lab.collect(30, max_bytes=half)
    assert done.datasets == 1 and done.stays_bytes <= half
    assert there(lab) == [name(2)], "the one that was used last"


def test_a_hit_and_a_use_put_it_off(lab: CareLab) -> None:
    """A session may be on its way to a result with it when the records that had it are dropped."""
    _, (value,) = executed(lab, whole(1))
    folder = lab.root / "datasets" / name(1)
    uses: tuple[Callable[[], Any], ...] = (
        lambda: executed(lab, whole(1)),
        lambda: executed(lab, total(value)),
    )
    for use in uses:
        age(lab, 1, 10)
        use()
        assert time.time() - folder.stat().st_mtime < 3600
        opened = lab.store()
        with opened.collecting():
            assert opened.remove_datasets([name(1)], 0).files == 0
        opened.close()
    assert there(lab) == [name(1)]


def test_a_hit_that_does_not_look_puts_it_off_too(lab: CareLab) -> None:
    executed(lab, unlooked(1))
    age(lab, 1, 10)
    assert executed(lab, unlooked(1))[0] == 0
    assert time.time() - (lab.root / "datasets" / name(1)).stat().st_mtime < 3600


def test_an_encoded_dataset_names_its_folder(lab: CareLab) -> None:
    """Also where the set of reads that would say so is not there."""
    _, data = snapshot(written(1))
    assert named_in(bytes(data.head)) == {bytes.fromhex(name(1))}


def test_what_a_killed_collector_left_is_settled(lab: CareLab) -> None:
    executed(lab, whole(1))
    folder = lab.root / "datasets"
    (folder / name(1)).rename(folder / f".{name(1)}.gone")
    shutil.copytree(folder / f".{name(1)}.gone", folder / f".{name(2)}.dead")
    lab.collect(1)
    assert there(lab) == [name(1)]
    assert executed(lab, whole(1))[0] == 0


def test_what_is_not_ours_is_left_alone(lab: CareLab) -> None:
    mine = lab.root / "datasets/mine"
    mine.mkdir(parents=True)
    (mine / "table.csv").write_text("a\n1\n")
    assert lab.collect(400).datasets == 0
    assert (mine / "table.csv").exists()


def test_verify_reads_the_shards(lab: CareLab) -> None:
    executed(lab, whole(1), whole(2), pieces(3), folder_of_one(4))
    with lab.session() as session:
        found = session.cache.verify()
        assert found.sound and found.datasets == 4
        assert "4 datasets, " in repr(found)
    shards = {n: sorted((lab.root / "datasets" / name(n)).rglob("*.parquet")) for n in (1, 2, 3, 4)}
    for n in (1, 3, 4):  # as a disk does it: neither size nor time tells
        shard, before = shards[n][1], shards[n][1].stat()
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 1
        shard.write_bytes(data)
        os.utime(shard, ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.rmtree(lab.root / "datasets" / name(2))
    with lab.session() as session:
        found = session.cache.verify()
    assert {damage.what[-1]: damage.why for damage in found.changed} == {
        "1": "not as written: its shards",
        "2": "gone",
        "3": "not as written: gene=g1/part-00001.parquet",
        "4": "not as written: gene=g1",
    }
    assert not found.sound and "4 not as they were" in repr(found)
    shards[3][0].write_bytes(b"the piece that no result has")
    with lab.session() as session:
        assert len(session.cache.verify().changed) == 4


def test_a_collector_beside_a_session(lab: CareLab, tmp_path: Path) -> None:
    """One process computes and reads, again and again, while another collects all that it may."""
    executed(lab, *[whole(n) for n in range(1, 6)], forgotten(9))
    for n in range(1, 6):
        age(lab, n, 50)
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from tests.core.support.care_lab import CareLab
lab = CareLab(Path({str(tmp_path)!r}))
for _ in range(20):
    lab.collect(40, older_than_s=60 * 86400.0)
"""
    collector = subprocess.Popen([sys.executable, "-c", script])
    try:
        while collector.poll() is None:
            with lab.session() as session:
                found = session.evaluate([total(whole(n)) for n in range(1, 6)])
                assert found == [2 * n + 1 for n in range(1, 6)]
    finally:
        collector.kill()
        assert collector.wait() in (0, -9)
    assert there(lab) == [name(n) for n in range(1, 6)]


def test_care_knows_no_dataset_of_elsewhere(lab: CareLab, tmp_path: Path) -> None:
    """A result may have one in it that another store keeps: not ours to miss."""
    os.environ[STORE_VARIABLE] = str(tmp_path / "another")
    executed(lab, whole(1))
    with lab.session() as session:
        assert session.cache.verify().sound
        shutil.rmtree(tmp_path / "another")
        assert session.cache.verify().sound
        assert session.cache.info().datasets == 0


def test_the_care_of_a_dataset_needs_no_record_of_it(lab: CareLab) -> None:
    opened = lab.store()
    assert list(opened.datasets()) == [] and opened.shards(name(1)) == {}
    made = written(1)
    (found,) = opened.datasets()
    assert (found.name, found.files, found.nbytes) == (name(1), 2, made.size_bytes)
    assert set(opened.shards(name(1))) == {shard.name for shard in made.shards}
    assert care(opened).info().datasets == 1
    opened.close()
    assert isinstance(made, cg.Dataset)
