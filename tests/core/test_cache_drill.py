"""`kill -9` at random moments over writers, readers, merging and collections on one store.

No wrong value, no finished result lost, no unreadable store: readers check all the time, and at
the end everything that was ever acknowledged is looked at. A store in a bucket is used by two
machines (two local tiers), and somebody is also killed in the middle of a request.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.core.support import care_drill
from tests.core.support.care_drill import (
    Where,
    acknowledged,
    care,
    check,
    check_scan,
    finished_in,
)
from tests.support.s3server import BUCKET, S3Server, point_at, serving

from cellgraph.stores.s3 import S3Store
from cellgraph.stores.tended import Tended

Roles = list[tuple[str, Where]]


class Drill:
    """Processes on one store; who is killed is replaced."""

    def __init__(self, folder: Path, roles: Roles, seed: int) -> None:
        self.folder, self.acks = folder, folder / "acks"
        self.acks.touch()
        self.dice = random.Random(seed)
        self._made = 0
        # They are forked from a process that has imported everything, and has done nothing else.
        self._nursery = subprocess.Popen(
            [sys.executable, care_drill.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes = [(role, where, *self._start(role, where)) for role, where in roles]

    def _start(self, role: str, where: Where) -> tuple[str, int]:
        self._made += 1
        name = f"{role}-{self._made}"
        orders, answers = self._nursery.stdin, self._nursery.stdout
        assert orders is not None and answers is not None
        said = self.folder / f"said-{name}"
        print(role, *where, self.acks, name, said, sep="\t", file=orders, flush=True)
        return name, int(answers.readline())

    def one_round(self) -> None:
        """Wait until work was done, kill somebody at a random moment, start another."""
        self._wait_for_work()
        time.sleep(self.dice.random() * 0.3)
        self._all_well()
        self.replace(self._somebody())

    def _somebody(self) -> int:
        """Whom to kill. Collectors mostly live until they have removed something."""
        at = self.dice.randrange(len(self.processes))
        if self.processes[at][0] == "gc" and self.dice.random() < 0.7:
            at = self.dice.randrange(len(self.processes))
        return at

    def _wait_for_work(self) -> None:
        size, deadline = self.acks.stat().st_size, time.monotonic() + 120
        while self.acks.stat().st_size == size:
            assert time.monotonic() < deadline, "no writer makes progress"
            self._all_well()
            time.sleep(0.01)

    def replace(self, at: int) -> None:
        """Kill one of them; another takes its role."""
        role, where, _, victim = self.processes[at]
        _kill(victim)
        self.processes[at] = role, where, *self._start(role, where)

    def end(self) -> None:
        """Kill everybody; raise what one of them has found."""
        for *_, process in self.processes:
            _kill(process)
        self._nursery.communicate()
        for said in self.folder.glob("said-*"):
            assert "Traceback" not in said.read_text(), said.read_text()

    def _all_well(self) -> None:
        for *_, name, process in self.processes:
            assert _is_alive(process), f"{name} has failed"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    while _is_alive(process):
        time.sleep(0.001)


def run_drill(drill: Drill, rounds: int, enough: Callable[[], bool]) -> None:
    """Kill *rounds* times, and then on until it was worth it."""
    try:
        for _ in range(rounds):
            drill.one_round()
        deadline = time.monotonic() + 60
        while not enough() and time.monotonic() < deadline:
            drill.one_round()
    except AssertionError:
        drill.end()  # says why
        raise
    drill.end()


def seed(default: str) -> int:
    return int(os.environ.get("ENGINE_TEST_SEED", default))


def collected(folder: Path) -> int:
    """How many records were removed."""
    if not (folder / "collected").exists():
        return 0
    lines = [line.split() for line in (folder / "collected").read_text().splitlines()]
    return sum(int(line[0]) for line in lines if len(line) == 2)


def local_drill(folder: Path, rounds: int, seed: int) -> None:
    where = Where(str(folder / "store"))
    roles = [(role, where) for role in ("writer", "writer", "reader", "gc")]
    drill = Drill(folder, roles, seed)
    run_drill(drill, rounds, lambda: collected(folder) > 0)
    assert collected(folder) > 0, "no collector has removed anything"
    print(f"{collected(folder)} records were removed by collectors")
    assert not (folder / "store" / "quarantine").exists()
    store = where.open()
    assert check(store, drill.acks, sample=None) > rounds
    verified = care(store).verify()
    assert verified.sound, verified
    before = sorted(finished_in(store))
    for _ in range(2):
        care(store).gc(dry_run=False)
    assert sorted(finished_in(store)) == before
    care(store).rebuild()
    assert check(store, drill.acks, sample=None) == sum(
        last + 1 for last in acknowledged(drill.acks).values()
    )
    store.close()


@pytest.mark.first
def test_kills_over_writers_readers_and_collections(tmp_path: Path) -> None:
    local_drill(tmp_path, rounds=10, seed=seed("0"))


@pytest.mark.slow
@pytest.mark.alone
def test_two_hundred_kills(tmp_path: Path) -> None:
    local_drill(tmp_path, rounds=200, seed=seed("1"))


# --- in a bucket ----------------------------------------------------------------------------------

ADDRESS = f"s3://{BUCKET}/drill"
# What somebody is killed in the middle of: flushing, naming what is merged, removing, reading.
MOMENTS = (
    ("PUT", "/segments/"),
    ("PUT", "/catalog/"),
    ("PUT", "/packs/"),
    ("PUT", "/runs/"),
    ("POST", "delete"),
    ("GET", "/segments/"),
    ("GET", "/packs/"),
    ("GET", "list-type"),
)


class BucketDrill(Drill):
    """Every other round somebody is killed while the bucket serves a request of a certain kind."""

    def __init__(self, folder: Path, server: S3Server, seed: int) -> None:
        here, there = (Where(ADDRESS, str(folder / name)) for name in ("here", "there"))
        roles = [("writer", here), ("writer", there), ("reader", here), ("gc", there)]
        super().__init__(folder, roles, seed)
        self.met: dict[tuple[str, str], int] = {}
        self._server = server
        self._rounds = 0

    def one_round(self) -> None:
        self._rounds += 1
        if self._rounds % 2:
            super().one_round()
            return
        self._wait_for_work()
        moment = MOMENTS[self._rounds // 2 % len(MOMENTS)]
        served = self.dice.random() < 0.5
        name = self._whoever_asks(moment, served)
        self._all_well()
        for at, (_, _, known, _) in enumerate(self.processes):
            if known == name:
                self.met[moment] = self.met.get(moment, 0) + 1
                self.replace(at)
                return
        self.replace(self._somebody())

    def _whoever_asks(self, moment: tuple[str, str], served: bool) -> str:
        """Hold a request of this kind, before or after it was served; return whose it is.

        Empty if nobody asks for so long that it is not worth waiting for.
        """
        asked, killed = threading.Event(), threading.Event()
        found: list[str] = []
        method, part = moment

        def watch(verb: str, path: str, agent: str, over: bool) -> None:
            if verb == method and part in path and over == served and not asked.is_set():
                found.append(agent.rpartition("app/")[2].split()[0])
                asked.set()
                killed.wait(0.2)

        self._server.watch = watch
        asked.wait(1.0)
        self._server.watch = lambda verb, path, agent, over: None
        killed.set()
        return found[0] if found else ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Server]:
    with serving() as server:
        point_at(server, monkeypatch, tmp_path)
        yield server


def bucket_drill(folder: Path, server: S3Server, rounds: int, seed: int) -> None:
    drill = BucketDrill(folder, server, seed)
    run_drill(drill, rounds, lambda: collected(folder) > 0)
    assert collected(folder) > 0, "no collector has removed anything"
    print(f"{collected(folder)} records were removed; killed in the middle of: {drill.met}")
    machines = [Where(ADDRESS, str(folder / name)).open() for name in ("here", "there")]
    for store in machines:  # what the last ones left on their machines comes with a session there
        assert isinstance(store, S3Store)
        assert store.flush()
    for store in machines:
        assert check(store, drill.acks, sample=40) > 0
        store.close()
    assert not list(folder.glob("*/**/quarantine"))
    fresh = Where(ADDRESS, str(folder / "fresh")).open()
    expected = sum(last + 1 for last in acknowledged(drill.acks).values())
    assert expected > rounds
    assert check(fresh, drill.acks, sample=None) == expected
    check_scan(fresh, drill.acks, patient=False)
    if isinstance(fresh, Tended):
        verified = care(fresh).verify()
        assert verified.sound, verified
    fresh.close()
    print(f"{expected} records were acknowledged and are there; {len(server.keys())} objects")


@pytest.mark.slow
@pytest.mark.alone
def test_two_hundred_kills_over_a_bucket(tmp_path: Path, server: S3Server) -> None:
    bucket_drill(tmp_path, server, rounds=200, seed=seed("2"))
