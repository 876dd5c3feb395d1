"""Care of a store in a bucket: over the wire, by several machines, while others write and read."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.support.team import CALM, DAY_S, Team, both, care, huge, narrow, wide
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.care.reports import Collected
from cellgraph.cli.app import run
from cellgraph.errors import ConfigError, StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.tended import Tended
from cellgraph.testing.store_samples import contents, key_of, sample_payload
from cellgraph.testing.tended_contract import TendedContract

MONTH_S = 30 * DAY_S
GRACE_S = 2 * DAY_S


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


class TestBucketTended(TendedContract):
    """The same contract as for a folder."""

    payload_bytes = 2_000_000

    @pytest.fixture
    def tended(
        self, server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Iterator[Tended]:
        point_at(server, monkeypatch, tmp_path)
        self.server = server
        self.made: list[S3Store] = []
        self.uri = f"s3://{BUCKET}/{tmp_path.name}"
        self.folder = tmp_path
        yield self.open()
        for store in self.made:
            store.close()

    def open(self) -> S3Store:
        cache = self.folder / f"machine {len(self.made)}"
        # A grace period of nothing: all is older.
        pace = Pace(flush_s=3600, refresh_s=0, grace_s=0)
        self.made.append(S3Store(self.uri, cache=cache, pace=pace))
        return self.made[-1]

    def another(self, tended: Tended) -> Tended:
        return self.open()

    def put_shard(self, tended: Tended, name: str, data: bytes) -> None:
        self.server.write(f"{self.uri.removeprefix(f's3://{BUCKET}/')}/{name}", data)


@pytest.fixture
def team(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Team:
    point_at(server, monkeypatch, tmp_path)
    server.forget_requests()
    return Team(server, f"s3://{BUCKET}/{tmp_path.name}", tmp_path, monkeypatch)


# --- collections ----------------------------------------------------------------------------------


def test_nothing_young_goes(team: Team) -> None:
    team.executed("a", [wide(1), huge(2), narrow(3)])
    done = team.collect(max_bytes=0)
    assert (done.records, done.blobs, done.later) == (0, 0, 0)
    assert done.excess_bytes > 0
    assert team.executed("b", [wide(1), huge(2), narrow(3)]) == 0


def test_a_dry_run_changes_nothing_and_says_all(team: Team) -> None:
    team.executed("a", [wide(1), huge(2), narrow(3)])
    team.pass_days(40)
    before = team.objects("segments"), team.objects("packs"), team.objects("blobs")
    done = team.collect(older_than_s=MONTH_S, dry_run=True)
    assert {(task.name, task.calls) for task in done.tasks} == {
        ("wide", 1), ("huge", 1), ("narrow", 1),
    }  # fmt: skip
    assert done.later == 2, "payloads wait for a collection after the grace period"
    assert "would be set aside" in repr(done)
    assert (team.objects("segments"), team.objects("packs"), team.objects("blobs")) == before


def test_results_go_first_and_payloads_after_the_grace_period(team: Team) -> None:
    team.executed("a", [wide(1), huge(2), narrow(3)])
    team.pass_days(40)
    first = team.collect(older_than_s=MONTH_S)
    assert first.records >= 3 and first.later == 2 and first.blobs == 0
    assert len(team.objects("blobs")) == len(team.objects("packs")) == 1
    assert team.executed("fresh", narrow(3)) == 1, "its record is gone"
    team.pass_days(1)
    assert team.collect().blobs == 0
    team.pass_days(1.5)
    second = team.collect()
    assert second.blobs == 2 and second.later == 0
    assert team.objects("blobs") == team.objects("packs") == []
    assert team.executed("another", [wide(1), huge(2)]) == 2
    assert team.executed("fourth", [wide(1), huge(2)]) == 0


def test_what_is_pinned_stays(team: Team) -> None:
    team.executed("a", [wide(1), huge(2), narrow(3)])
    with team.on("a") as session:
        assert session.cache.pin("wide").name == "wide"
    with team.on("b") as session:
        assert [pin.name for pin in session.cache.pins()] == ["wide"]
    team.pass_days(40)
    done = team.collect(older_than_s=MONTH_S, max_bytes=0)
    assert {task.name for task in done.tasks} == {"huge", "narrow"}
    assert team.executed("c", wide(1)) == 0
    with team.on("c") as session:
        session.cache.unpin("wide")
    with team.on("b") as session:
        assert session.cache.pins() == []


def test_a_record_that_comes_to_rest_on_a_payload_saves_it(team: Team) -> None:
    """A session replays old results while they are collected, and files them in a new one."""
    team.executed("a", [wide(1), huge(2)])
    team.executed("sleeper", [wide(1), huge(2)])
    team.pass_days(40)
    with team.on("sleeper") as session:
        session.store.get_many([key_of("look")])
        assert team.collect(older_than_s=MONTH_S).later == 2
        run = session.submit([wide(1), huge(2), narrow(9)])
        run.result()
        assert run.counts.executed == 1
    team.pass_days(3)
    later = team.collect()
    assert (later.blobs, later.later) == (0, 0)
    with team.on("fresh") as session:
        run = session.submit([wide(1), huge(2), narrow(9)])
        assert [int(np.max(value)) for value in run.result()] == [1, 2, 10]
        assert run.counts.executed == 0


@pytest.mark.slow
def test_a_tier_that_slept_computes_again_what_is_gone_and_puts_it_there(team: Team) -> None:
    team.executed("a", [wide(1), huge(2)])
    with team.on("sleeper") as session:  # it has the records, and never fetched a value
        session.store.get_many([key_of("look")])
    team.pass_days(40)
    team.collect(older_than_s=MONTH_S)
    team.pass_days(3)
    assert team.collect().blobs == 2
    with team.on("sleeper") as session:
        values = session.evaluate([wide(1), huge(2)])
        assert [int(value[0]) for value in values] == [1, 2]
    assert team.executed("fresh", [wide(1), huge(2)]) == 0
    assert [int(v[0]) for v in team.on("fresh").evaluate([wide(1), huge(2)])] == [1, 2]


def test_a_payload_known_for_long_is_put_again(team: Team) -> None:
    store = team.at("a")
    name = store.put_blob(sample_payload(1, (9000,)))
    store.append([Entry(key_of(1), 1, b"x" + name)])
    store.close()
    for days, again in ((0.4, 0), (1.2, 1)):
        team.pass_days(days)
        other = team.at(f"b {days}")
        other.get_many([key_of(1)])
        team.server.forget_requests()
        assert other.put_blob(sample_payload(1, (9000,))) == name
        other.append([Entry(key_of(days), 1, b"y" + name)])
        other.close()
        assert team.server.counted()["PUT packs"] == again


def test_a_writer_that_writes_while_a_collection_runs(team: Team) -> None:
    """Each request of the collector lets a writer flush new results, and another merge."""
    team.executed("a", [narrow(n) for n in range(20)], wide(1), huge(1))
    team.pass_days(40)
    writer = team.at("writer")
    written: list[Entry] = []
    busy = threading.Lock()

    def interfere(method: str, path: str) -> None:
        if busy.locked() or threading.current_thread().name == "cellgraph-s3":
            return
        if ("/segments/" in path and method == "PUT") or "catalog" in path:
            with busy:
                number = len(written)
                entry = Entry(key_of("new", number), number % 256, b"%d" % number * 50)
                writer.append([entry])
                writer.put_blob(sample_payload(number, (9000,)))
                written.append(entry)
                assert writer.flush()

    done: list[Collected] = []
    collector = team.at("collector")
    team.server.fault = _once_busy(interfere, busy)
    try:
        done.append(care(collector, team.now).gc(older_than_s=MONTH_S, dry_run=False))
    finally:
        team.server.fault = lambda method, path: None
        collector.close()
        writer.close()
    assert written, "the writer got its turns"
    assert done[0].records + done[0].in_use > 0
    fresh = team.at("fresh")
    found = fresh.get_many([entry.key for entry in written])
    assert {key: data[0] for key, data in found.items()} == {e.key: e.data for e in written}
    for number in range(len(written)):
        payload = sample_payload(number, (9000,))
        assert contents(fresh.get_blob(payload.digest())) == contents(payload)
    fresh.close()


def _once_busy(act: Callable[[str, str], None], busy: threading.Lock) -> Any:
    def fault(method: str, path: str) -> tuple[int, str] | None:
        act(method, path)
        return None

    return fault


@pytest.mark.slow
def test_two_collectors(team: Team) -> None:
    team.executed("a", narrow(1))
    first, second = team.at("a"), team.at("b")
    with first.collecting(), pytest.raises(StoreError, match="collected already, by"):
        care(second, team.now).gc(dry_run=False)
    care(second, team.now).gc(dry_run=False)
    with first.collecting():
        team.pass_days(1)
        care(second, team.now).gc(dry_run=False)  # the first one was killed long ago
    first.close()
    second.close()


def test_a_bucket_that_is_away(team: Team) -> None:
    team.executed("a", narrow(1))
    with team.on("a") as session:
        pinned = session.cache.pin("narrow")
        team.server.fault = lambda method, path: (403, "AccessDenied")
        try:
            for ask in (session.cache.info, session.cache.gc, session.cache.verify):
                with pytest.raises(StoreError, match=r"cannot be .* now .*AccessDenied"):
                    ask()
            with pytest.raises(StoreError, match="cannot be written now"):
                session.cache.unpin(pinned.id)
        finally:
            team.server.fault = lambda method, path: None


@pytest.mark.slow
def test_old_objects_of_records_go_after_the_grace_period(team: Team) -> None:
    team.executed("a", [narrow(n) for n in range(5)])
    team.executed("b", wide(1))
    team.pass_days(40)
    team.collect(older_than_s=MONTH_S)
    assert len(team.objects("segments")) >= 2, "readers with an older listing find all of it"
    team.executed("c", narrow(100))
    team.pass_days(33)
    team.collect(older_than_s=MONTH_S)
    team.pass_days(3)
    team.executed("d", narrow(200))
    team.pass_days(33)
    before = len(team.objects("segments"))
    team.collect(older_than_s=MONTH_S)
    assert len(team.objects("segments")) <= before
    assert team.executed("e", narrow(300)) == 1


# --- looking ------------------------------------------------------------------------------------


def test_info_is_of_the_bucket(team: Team) -> None:
    team.executed("a", [wide(1), narrow(2)])
    team.executed("b", [huge(3)])
    with team.on("c") as session:
        found = session.cache.info()
    assert found.facts.where == team.uri
    assert {task.name: task.calls for task in found.tasks} == {"wide": 1, "narrow": 1, "huge": 1}
    assert (found.blobs, found.runs) == (2, 2)


def test_verify_finds_damage_and_what_is_lost(team: Team) -> None:
    team.executed("a", [wide(1), huge(2), huge(3), narrow(4)])
    with team.on("b") as session:
        assert session.cache.verify().sound
    for folder in ("packs", "blobs"):
        key = team.objects(folder)[0]
        raw = bytearray(team.server.read(key))
        raw[len(raw) // 2] ^= 1
        team.server.write(key, bytes(raw))
    team.server.delete(team.objects("blobs")[1])
    with team.on("b") as session:
        found = session.cache.verify()
        assert len(found.damage) == 2
        assert found.missing >= 1
        assert "2 damaged, passed over by readers" in repr(found)
        assert not found.sound
    team.pass_days(0.01)
    with team.on("c") as session:
        values = session.evaluate([wide(1), huge(2), huge(3), narrow(4)])
        assert [int(np.max(value)) for value in values] == [1, 2, 3, 5]
    with team.on("b") as session:
        assert session.cache.verify().sound, "computed again, and put again"


@pytest.mark.slow
def test_verify_pushes_again_what_is_here_and_not_there(team: Team) -> None:
    team.executed("a", huge(2))
    team.server.delete(team.objects("blobs")[0])
    with team.on("a") as session:
        session.cache.verify()
        assert session.cache.verify().sound
    assert team.executed("b", huge(2)) == 0


# --- push and pull ------------------------------------------------------------------------------


def test_a_newcomers_folder_joins_a_team(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(team.folder / "newcomer"))
    with cg.Session(team.folder / "alone") as session:
        session.evaluate([wide(1), huge(2), narrow(3)])
        session.cache.pin("narrow")
        session.invalidate(narrow(3))
        pushed = session.cache.push(team.uri)
        assert pushed.moved is not None
        assert (pushed.moved.blobs, pushed.moved.there) == (2, 0)
        session.evaluate(narrow(4))
        again = session.cache.push(team.uri)
        assert again.moved is not None
        assert again.moved.blobs == 0 and 0 < again.moved.records < pushed.moved.records
        assert session.cache.push(team.uri).moved == (0, 0, 0, 2, 0)
    assert team.executed("member", [wide(1), huge(2), narrow(4)]) == 0
    assert team.executed("member", narrow(3)) == 1, "what was said of results came with them"
    with team.on("member") as session:
        assert [pin.name for pin in session.cache.pins()] == ["narrow"]
        assert len(session.runs()) >= 3


def test_push_and_pull_where_they_make_no_sense(team: Team) -> None:
    with cg.Session(team.folder / "alone") as session:
        session.evaluate(narrow(1))
        with pytest.raises(ConfigError, match="say where to push"):
            session.cache.push()
        with pytest.raises(ConfigError, match="give a bucket"):
            session.cache.push("/some/folder")
        with pytest.raises(ConfigError, match="all of it is here"):
            session.cache.pull()
    with cg.Session(team.uri) as session:
        with pytest.raises(ConfigError, match="only for a store in a folder"):
            session.cache.push("s3://elsewhere")
        assert session.cache.push().moved is None
        with pytest.raises(StoreError, match="no run and no task 'nonsense'"):
            session.cache.pull("nonsense")


def test_working_offline_with_what_was_pulled(team: Team) -> None:
    team.executed("a", [wide(1), huge(2)], both(wide(3), huge(4)))
    with team.on("b") as session:
        pulled = session.cache.pull(both(wide(3), huge(4)))
        assert pulled.moved.blobs + pulled.moved.there >= 2
        assert sum(session.cache.pull(huge).moved[1:4:2]) == 2, "one came, or had been here"
    team.server.fault = lambda method, path: (503, "SlowDown")
    try:
        with team.on("b") as session:
            run = session.submit(both(wide(3), huge(4)))
            left, right = run.result()
            assert (left[0], right[0], run.counts.executed) == (3, 4, 0)
    finally:
        team.server.fault = lambda method, path: None


@pytest.mark.slow
def test_pull_takes_all_or_says_why_not(team: Team) -> None:
    team.executed("a", [wide(1), huge(2)])
    small = S3Store(team.uri, cache=team.folder / "small", pace=CALM, tier_bytes=100_000)
    with cg.Session(small) as session, pytest.raises(StoreError, match="tier_gib"):
        session.cache.pull()
    with team.on("c") as session:
        assert session.cache.pull().moved.blobs == 2
        assert session.cache.pull().moved == (0, 0, 0, 2, 0)


def test_a_teammates_run_is_on_record_here(team: Team) -> None:
    team.executed("a", both(wide(1), huge(2)))
    with team.on("a") as session, pytest.raises(cg.TaskError) as raised:
        session.evaluate(both(wide(1), narrow("x")))  # type: ignore[arg-type]  # it must fail
    with team.on("b") as session:
        call = session.get_call(raised.value.call)
        assert call.error.startswith("TypeError")
        done = session.runs().id.iloc[-1]
        assert [step.name for step in session.lineage(both(wide(1), huge(2))).calls] == [
            "wide", "huge", "both",
        ]  # fmt: skip
        left, right = session.get_run(done).result()
        assert (left[0], right[0]) == (1, 2)


@pytest.mark.slow
def test_in_a_terminal(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    with cg.Session(team.folder / "alone") as session:
        session.evaluate([wide(1), narrow(3)])
    assert run(["cache", "push", "--store", str(team.folder / "alone")]) == 1
    assert "say where to push" in capsys.readouterr().err
    assert run(["cache", "push", team.uri, "--store", str(team.folder / "alone")]) == 0
    assert "pushed " in capsys.readouterr().out
    for words, said in (
        (["info"], team.uri),
        (["gc"], "nothing to remove"),
        (["verify"], "whole"),
        (["pull", "wide"], "task wide: "),
        (["push"], "everything of this machine is in"),
        (["pin", "narrow"], "pinned task narrow"),
        (["unpin", "narrow"], "no longer pinned"),
    ):
        assert run(["cache", *words, "--store", team.uri]) == 0
        assert said in capsys.readouterr().out.replace("\n", " ")
    assert run(["runs", "--store", team.uri]) == 0
    assert "done" in capsys.readouterr().out
