"""Datasets in a bucket: they go in two steps, and never while a result has them in it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.support.dataset_lab import (
    STORE_VARIABLE,
    forgotten,
    name,
    pieces,
    total,
    unfolded,
    where,
    whole,
    written,
)
from tests.core.support.team import CALM, DAY_S, Team
from tests.core.test_cache_bucket_jobs import begin_job, end_job
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.digest import digest
from cellgraph.errors import StoreError
from cellgraph.stores.policy import Policy
from cellgraph.stores.s3 import S3Store

MONTH_S = 30 * DAY_S


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def team(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Team:
    point_at(server, monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "copies"))
    uri = f"s3://{BUCKET}/{tmp_path.name}"
    monkeypatch.setenv(STORE_VARIABLE, uri)
    return Team(server, uri, tmp_path, monkeypatch)


def there(team: Team) -> list[str]:
    return sorted({key.split("/datasets/")[1][:32] for key in team.objects("datasets")})


def test_what_results_have_in_them_stays(team: Team) -> None:
    exprs = [total(whole(1)), whole(2, 60), pieces(3), unfolded(4), where(5)]
    assert team.executed("a", *exprs) == 8
    shards = team.objects("datasets")
    for _ in range(3):
        team.pass_days(40)
        done = team.collect()
        assert (done.datasets, done.later) == (0, 0)
    assert team.objects("datasets") == shards
    assert team.executed("b", *exprs) == 0


def test_what_no_result_has_goes_at_the_second_collection(team: Team) -> None:
    team.executed("a", forgotten(1), whole(2))
    team.pass_days(1)
    assert team.collect().datasets == 0
    team.pass_days(3)
    first = team.collect()
    assert (first.datasets, first.later) == (0, 1) and first.later_bytes > 1000
    assert "1 payload, " in repr(first)
    team.pass_days(1)
    assert (team.collect().datasets, there(team)) == (0, [name(1), name(2)])
    team.pass_days(1.5)
    would = team.collect(dry_run=True)
    assert (would.datasets, there(team)) == (1, [name(1), name(2)])
    second = team.collect()
    assert (second.datasets, second.dataset_bytes, second.later) == (1, first.later_bytes, 0)
    assert there(team) == [name(2)]


def test_one_that_a_session_comes_to_need_in_between_stays(team: Team) -> None:
    """The records that had it are dropped; a session that knew them writes a result with it."""
    team.executed("a", whole(1))
    sleeper = team.on("sleeper")
    (value,) = sleeper.evaluate([whole(1)])
    team.pass_days(40)
    assert team.collect(older_than_s=MONTH_S).later == 1
    assert sleeper.evaluate({"again": value}) == {"again": value}
    sleeper.close()
    for _ in range(3):
        team.pass_days(3)
        assert team.collect().datasets == 0
    assert there(team) == [name(1)]
    team.pass_days(40)
    assert team.collect(older_than_s=MONTH_S).later == 1
    team.pass_days(3)
    assert team.collect().datasets == 1


def test_what_a_job_in_flight_may_have_written_stays(team: Team) -> None:
    begin_job(team, "glue", number=1)
    time.sleep(1.1)  # a bucket's times may be whole seconds
    written(1)
    for _ in range(4):
        team.pass_days(3)
        assert team.collect().datasets == 0
    end_job(team, "glue")
    for _ in range(2):
        team.pass_days(3)
        team.collect()
    assert there(team) == []


def test_info_and_verify(team: Team) -> None:
    team.executed("a", whole(1), whole(2), pieces(3))
    with team.on("b") as session:
        info = session.cache.info()
        assert info.datasets == 3 and sum(t.nbytes for t in info.tasks) > info.dataset_bytes > 2000
        assert session.cache.verify().sound
    one, two, three = (
        [key for key in team.objects("datasets") if f"/{name(n)}/" in key] for n in (1, 2, 3)
    )
    team.server.write(one[0], team.server.read(one[1]))
    for key in two:
        team.server.delete(key)
    team.server.delete(three[1])
    with team.on("b") as session:
        found = session.cache.verify()
    assert [damage.what[-1] for damage in found.changed] == ["1", "2", "3"]
    assert found.changed[1].why == "gone"
    assert team.executed("c", whole(1), whole(2), pieces(3)) == 3
    with team.on("b") as session:
        assert session.cache.verify().sound, "made again"


# --- push and pull ------------------------------------------------------------------------------


def project(team: Team, name: str) -> Path:
    """Somebody's clone of a project, to work in."""
    folder = team.folder / name
    folder.mkdir()
    (folder / "cellgraph.toml").touch()
    team.patch.chdir(folder)
    team.patch.setenv(STORE_VARIABLE, ".cellgraph")
    return folder


def test_what_was_pushed_comes_to_another_clone(team: Team) -> None:
    mine = project(team, "mine")
    exprs = [total(whole(1)), pieces(2), unfolded(3)]
    with cg.Session(mine / ".cellgraph") as session:
        values = session.evaluate(exprs)
        session.evaluate(forgotten(4))
        pushed = session.cache.push(team.uri)
        assert pushed.moved is not None and pushed.moved.shards == 8
        assert "8 shards of datasets" in repr(pushed)
        again = session.cache.push(team.uri)
        assert again.moved is not None and again.moved.shards == 0
    theirs = project(team, "theirs")
    # a body that returned an expression is code
    trusting = Policy(everybody=True)
    store = S3Store(team.uri, cache=team.folder / "cache", pace=CALM, policy=trusting)
    with cg.Session(store) as session:
        pulled = session.cache.pull("pieces")
        assert pulled.moved.shards == 2 and "2 shards of datasets" in repr(pulled)
        assert [p.name for p in (theirs / ".cellgraph/datasets").iterdir()] == [name(2)]
        assert session.cache.pull().moved.shards == 4, "those that results have"
        assert session.cache.pull().moved.shards == 0
        assert session.cache.verify().sound and session.cache.info().datasets == 4
        run = session.submit(exprs)
        assert (repr(run.result()), run.counts.executed) == (repr(values), 0)
    for _ in range(2):
        team.pass_days(3)
        team.collect()
    assert there(team) == [name(1), name(2), name(3)]


def test_a_push_that_was_broken_off_goes_on(team: Team) -> None:
    mine = project(team, "mine")
    with cg.Session(mine / ".cellgraph") as session:
        session.evaluate(whole(1, 40))
        sent: list[str] = []

        def fault(method: str, path: str) -> tuple[int, str] | None:
            if method == "PUT" and "/datasets/" in path and path.endswith(".parquet"):
                sent.append(path)
                return (403, "AccessDenied") if len(sent) > 20 else None
            return None

        team.server.fault = fault
        try:
            with pytest.raises(StoreError, match="a dataset cannot be pushed now"):
                session.cache.push(team.uri)
        finally:
            team.server.fault = lambda method, path: None
        assert team.objects("segments") == [], "no result before its dataset"
        moved = session.cache.push(team.uri).moved
        assert moved is not None and moved.shards == 24, "the first 16 were there"
        shard = next((mine / ".cellgraph/datasets").rglob("*.parquet"))
        shard.write_bytes(b"other bytes")
        moved = session.cache.push(team.uri).moved
        assert moved is not None and moved.shards == 0, "not as the result says"


def test_a_damaged_copy_takes_the_place_of_no_whole_one(team: Team) -> None:
    mine = project(team, "mine")
    with cg.Session(mine / ".cellgraph") as session:
        session.evaluate(whole(1))
        session.cache.push(team.uri)
    keys = team.objects("datasets")
    pushed = [team.server.read(key) for key in keys]
    shards = sorted((mine / ".cellgraph/datasets").rglob("*.parquet"))
    local = [shard.read_bytes() for shard in shards]
    shards[0].write_bytes(b"junk")
    shards[1].unlink()
    with cg.Session(mine / ".cellgraph") as session:
        session.cache.push(team.uri)
    assert [team.server.read(key) for key in keys] == pushed
    # the other way round: what is in the bucket is damaged, what is here is not
    for shard, data in zip(shards, local, strict=True):
        shard.write_bytes(data)
    junk = {"gene=g0/part-00000.parquet": [4, digest(b"junk").hex()]}
    (beside,) = (key for key in keys if key.endswith(".json"))
    (first,) = (key for key in keys if "gene=g0" in key)
    team.server.write(first, b"junk")
    team.server.write(beside, json.dumps(junk).encode())
    with team.on("mine") as session:
        assert session.cache.pull().moved.shards == 0
    assert [shard.read_bytes() for shard in shards] == local
    with cg.Session(mine / ".cellgraph") as session:
        session.cache.push(team.uri)
    assert [team.server.read(key) for key in keys] == pushed


def test_what_others_compute_while_a_push_runs_goes_with_the_next(team: Team) -> None:
    mine = project(team, "mine")
    begun: list[str] = []

    def fault(method: str, path: str) -> tuple[int, str] | None:
        if method == "PUT" and "/datasets/" in path and not begun:
            begun.append(path)
            with cg.Session(mine / ".cellgraph") as other:
                other.evaluate(whole(2))
        return None

    for count in (1, 2):
        with cg.Session(mine / ".cellgraph") as session:
            session.evaluate(whole(1))
            team.server.fault = fault
            try:
                session.cache.push(team.uri)
            finally:
                team.server.fault = lambda method, path: None
        with team.on("theirs") as session:
            (use,) = session.cache.info().tasks
            assert (use.calls, len(there(team))) == (count, count), "no result without its dataset"
    assert begun


def test_a_push_beside_a_collection_that_found_its_dataset_unneeded(team: Team) -> None:
    mine = project(team, "mine")
    with cg.Session(mine / ".cellgraph") as session:
        session.evaluate(whole(1))
        session.cache.push(team.uri)
    team.pass_days(40)
    assert team.collect(older_than_s=MONTH_S).later == 1
    team.pass_days(3)
    asked: list[str] = []
    time.sleep(1.1)  # a bucket's times may be whole seconds

    def fault(method: str, path: str) -> tuple[int, str] | None:
        if method == "GET" and "doomed-datasets.json" in path and not asked:
            asked.append(path)
            with cg.Session(mine / ".cellgraph") as session:
                session.evaluate({"again": [whole(1)]})
                session.cache.push(team.uri)
        return None

    team.server.fault = fault
    try:
        team.collect("another")
    finally:
        team.server.fault = lambda method, path: None
    assert asked and there(team) == [name(1)]
    team.pass_days(3)
    assert team.collect().datasets == 0
    assert there(team) == [name(1)]


@pytest.mark.parametrize("damage", ["bytes", "gone", "a name that leads elsewhere"])
def test_what_is_not_whole_in_the_bucket_does_not_come(team: Team, damage: str) -> None:
    mine = project(team, "mine")
    with cg.Session(mine / ".cellgraph") as session:
        session.evaluate(whole(1))
        session.cache.push(team.uri)
    keys = team.objects("datasets")
    shard, beside = (next(k for k in keys if k.endswith(end)) for end in ("parquet", "json"))
    if damage == "bytes":
        team.server.write(shard, bytes(len(team.server.read(shard))))
    elif damage == "gone":
        team.server.delete(shard)
    else:
        said = team.server.read(beside).replace(b"gene=g0", b"../../../out")
        team.server.write(beside, said)
    theirs = project(team, "theirs")
    with team.on("theirs") as session:
        session.cache.pull()
        assert not (theirs / "out").exists() and not (team.folder / "out").exists()
        run = session.submit(whole(1))
        run.result()
        assert run.counts.executed == 1
