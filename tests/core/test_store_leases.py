"""Leases between sessions: who takes a call, who waits, and who need not wait any longer."""

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellgraph.stores.leases import Leasing, News, Taken
from cellgraph.stores.local import LocalStore
from cellgraph.stores.local import leases as under_test
from cellgraph.stores.local.leases import LocalLeases
from cellgraph.testing.store_samples import key_of

KEYS = [key_of("call", n) for n in range(100)]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lab:
    """Sessions of one machine on one store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder / "sessions", Clock()
        self.told = 0
        self._open: list[LocalLeases] = []

    def session(self) -> LocalLeases:
        made = LocalLeases(lambda: self.folder, self._ended, now=self.clock)
        self._open.append(made)
        return made

    def _ended(self) -> None:
        self.told += 1

    def logs(self) -> list[Path]:
        return [p for p in self.folder.iterdir() if not p.name.startswith(".")]

    def close(self) -> None:
        for session in self._open:
            session.rest()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def take(session: LocalLeases, keys: list[bytes]) -> Taken:
    """Take calls; a session that has just come is told to look them up once more."""
    taken = session.take(keys)
    return session.take(keys) if taken.ended else taken


def elsewhere(session: LocalLeases, keys: list[bytes]) -> set[bytes]:
    taken = take(session, keys)
    assert not taken.ended
    return set(taken.elsewhere)


def test_a_call_is_taken_once(lab: Lab) -> None:
    a, b, c = lab.session(), lab.session(), lab.session()
    assert elsewhere(a, KEYS[:50]) == set()
    assert elsewhere(b, KEYS[40:60]) == set(KEYS[40:50])
    assert elsewhere(c, KEYS[45:]) == set(KEYS[45:60])
    assert elsewhere(a, KEYS[:5]) == set(), "one's own is no obstacle"


def test_what_has_ended_is_looked_up_before_it_is_taken(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])
    a.done(KEYS[:5])
    a.done(KEYS[20:25])
    news = b.look()
    assert set(news.ended) == set(KEYS[:5]) and not news.loose
    assert lab.told, "the next lookup of the store is to be a fresh one"
    a.done(KEYS[30:35])
    taken = b.take(KEYS[28:37])
    assert set(taken.ended) == set(KEYS[30:35])
    assert set(taken.elsewhere) == {*KEYS[28:30], *KEYS[35:37]}
    assert elsewhere(b, KEYS[30:35]) == set(), "they have been looked up meanwhile"
    assert b.look() == News()


def test_one_that_comes_while_a_session_goes_looks_again(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:40])
    a.done(KEYS[:40])
    a.rest()
    assert set(b.take(KEYS[:40]).ended) == set(KEYS[:40]), "all may be in the store by now"
    assert b.take(KEYS[:40]) == Taken()
    assert lab.told


def test_a_lone_session_takes_at_once_and_leaves_no_trace(lab: Lab) -> None:
    a = lab.session()
    for n in range(0, 100, 10):
        assert a.take(KEYS[n : n + 10]) == Taken()
        a.done(KEYS[n : n + 10])
    assert len(lab.logs()) == 1
    a.rest()
    assert lab.logs() == []


def test_a_few_calls_of_a_lone_session_are_told_at_its_next_look(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    take(a, KEYS[60:62])
    a.look()
    assert elsewhere(b, KEYS) == {*KEYS[:50], *KEYS[60:62]}


def test_whoever_dies_loses_its_calls_at_once(lab: Lab) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from cellgraph.stores.local.leases import LocalLeases
        from cellgraph.testing.store_samples import key_of
        leases = LocalLeases(lambda: Path(sys.argv[1]), lambda: None)
        leases.take([key_of("call", n) for n in range(50)])
        print("taken", flush=True)
        time.sleep(600)
    """
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(lab.folder)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"taken\n"
    b = lab.session()
    assert elsewhere(b, KEYS) == set(KEYS[:50])
    assert b.look() == News()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    news = b.look()
    assert set(news.loose) == set(KEYS[:50]) and not news.ended
    assert elsewhere(b, KEYS) == set()
    assert len(lab.logs()) == 1, "what the dead one has left is removed"


def test_whoever_is_silent_for_ten_seconds_counts_as_dead(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])
    lab.clock.now += under_test.DEAD_AFTER_S - 1
    assert b.look() == News()
    lab.clock.now += 2
    assert set(b.look().loose) == set(KEYS[:10])
    assert elsewhere(b, KEYS[:10]) == set()
    take(a, KEYS[90:])  # it was only asleep
    assert elsewhere(b, KEYS[40:]) == {*KEYS[40:50], *KEYS[90:]}


def test_a_session_that_computes_for_long_says_that_it_is_alive(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "BEAT_S", 0.02)
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])
    lab.clock.now += 5
    a.look()  # it begins to beat
    (log,) = (p for p in lab.logs() if p.stat().st_size)
    size = log.stat().st_size
    while log.stat().st_size < size + 33 * 3:
        pass
    lab.clock.now += 6
    assert b.look() == News()
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])


def test_an_idle_session_asks_and_is_answered(lab: Lab) -> None:
    a, b, c = lab.session(), lab.session(), lab.session()
    take(a, KEYS[:50])
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])
    assert elsewhere(c, KEYS[:10]) == set(KEYS[:10])
    b.ask(KEYS[8:10])
    assert set(a.look().wanted) == set(KEYS[8:10])
    assert not c.look().wanted, "it is not for c to say"
    a.going(KEYS[8:9])
    a.give(KEYS[9:10])
    news = b.look()
    assert set(news.running) == set(KEYS[8:9]) and set(news.loose) == set(KEYS[9:10])
    assert elsewhere(b, KEYS[8:10]) == set(KEYS[8:9])
    assert elsewhere(c, KEYS[9:10]) == set(KEYS[9:10]), "b has it now"


@pytest.mark.parametrize("at", [1, 4_000_000_000])
def test_the_time_of_day_does_not_matter(lab: Lab, at: int) -> None:
    """The clock that dates files is long behind, or long ahead."""
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    os.utime(lab.folder, (at, at))
    assert elsewhere(b, KEYS[:60]) == set(KEYS[:50])
    os.utime(lab.folder, (at, at))
    a.done(KEYS[:50])
    assert set(b.look().ended) == set(KEYS[:50])
    os.utime(lab.folder, (at, at))
    b.rest()
    os.utime(lab.folder, (at, at))
    take(a, KEYS[60:])
    assert elsewhere(b, KEYS[60:]) == set(KEYS[60:])


def test_a_call_can_be_taken_from_whoever_has_it(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    take(b, KEYS[50:51])
    assert b.take(KEYS[:3], regardless=KEYS[:2]) == Taken({KEYS[2]}, [])


def test_nobody_waits_for_a_session_that_was_stopped_in_the_middle(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    gate = os.open(lab.folder / ".lock", os.O_RDWR)
    fcntl.flock(gate, fcntl.LOCK_EX)
    assert elsewhere(b, KEYS[40:60]) == set(KEYS[40:50])
    os.close(gate)


def test_a_long_log_is_begun_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "_RENEW_BYTES", 33 * 200)
    a, b = lab.session(), lab.session()
    for _ in range(10):
        take(a, KEYS)
        a.done(KEYS[:90])
        b.look()
        assert elsewhere(b, KEYS[60:]) == set(KEYS[90:])
        b.done(KEYS)
    assert sum(log.stat().st_size for log in lab.logs()) < 33 * 1000
    assert elsewhere(b, KEYS[80:]) == set(KEYS[90:]), "what a computes is in its new log"


def test_a_full_disk_costs_the_leases_and_nothing_else(lab: Lab) -> None:
    a, b = lab.session(), lab.session()
    take(a, KEYS[:50])
    assert elsewhere(b, KEYS[:10]) == set(KEYS[:10])
    for log in lab.logs():
        log.unlink()
    (lab.folder / ".lock").unlink()
    lab.folder.rmdir()
    assert b.take(KEYS[:20]) == Taken()
    assert set(b.look().loose) in (set(), set(KEYS[:10]))
    b.done(KEYS)
    b.ask(KEYS)
    assert b.look() == News()


def test_what_was_never_named_is_swept(lab: Lab) -> None:
    a = lab.session()
    take(a, KEYS[:50])
    old, new = lab.folder / ".0123456789abcdef", lab.folder / ".fedcba9876543210"
    for path in (old, new):
        path.touch()
    os.utime(old, (1, 1))
    take(a, KEYS[50:])
    assert not old.exists() and new.exists()


def test_stores_have_leases_where_results_are_kept(tmp_path: Path) -> None:
    first, second = LocalStore(tmp_path / "s"), LocalStore(tmp_path / "s")
    assert isinstance(first, Leasing)
    assert first.leases.take(KEYS[:50]) == Taken()
    assert elsewhere(second.leases, KEYS[:1]) == set(KEYS[:1])
    first.close()
    assert set(second.leases.look().loose) == set(KEYS[:1])
    second.close()
    folder = tmp_path / "s" / "index" / "sessions"
    assert [p.name for p in folder.iterdir()] == [".lock"]
