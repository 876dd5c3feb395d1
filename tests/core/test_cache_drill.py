"""`kill -9` at random moments over writers, readers and collections on one store.

No wrong value, no finished result lost, no unreadable store: readers check all the time, and at
the end everything that was ever acknowledged is looked at.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.core.support.care_drill import acknowledged, care, check, finished_in, open_store

ROLES = ("writer", "writer", "reader", "gc")
PROJECT = Path(__file__).parents[2]


class Drill:
    """Processes on one store; who is killed is replaced."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.root, self.acks = folder / "store", folder / "acks"
        self.acks.touch()
        self.dice = random.Random(seed)
        self._made = 0
        self.processes = [(role, self._start(role)) for role in ROLES]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        self._made += 1
        command = [sys.executable, "-m", "tests.core.support.care_drill", role]
        return subprocess.Popen(
            [*command, str(self.root), str(self.acks), f"{role}-{self._made}"],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
        )

    def one_round(self) -> None:
        """Wait until work was done, kill somebody at a random moment, start another."""
        size, deadline = self.acks.stat().st_size, time.monotonic() + 120
        while self.acks.stat().st_size == size:
            assert time.monotonic() < deadline, "no writer makes progress"
            self._all_well()
            time.sleep(0.01)
        time.sleep(self.dice.random() * 0.3)
        self._all_well()
        at = self.dice.randrange(len(self.processes))
        role, victim = self.processes[at]
        self._kill(victim)
        self.processes[at] = role, self._start(role)

    def end(self) -> None:
        """Kill everybody; raise what one of them has found."""
        for _, process in self.processes:
            process.kill()
        said = [process.communicate()[1] for _, process in self.processes]
        for text in said:
            assert b"Traceback" not in text, text.decode()

    def _all_well(self) -> None:
        for role, process in self.processes:
            assert process.poll() is None, f"a {role} has failed"

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        _, said = process.communicate()
        assert b"Traceback" not in said, said.decode()


def run_drill(folder: Path, rounds: int, seed: int) -> None:
    drill = Drill(folder, seed)
    try:
        for _ in range(rounds):
            drill.one_round()
    except AssertionError:
        drill.end()  # says why
        raise
    drill.end()
    assert not (drill.root / "quarantine").exists()
    collected = [line.split() for line in (folder / "collected").read_text().splitlines()]
    removed = [sum(int(line[at]) for line in collected if len(line) == 2) for at in (0, 1)]
    print(f"{len(collected)} collections removed {removed[0]} records and {removed[1]} blobs")
    assert removed[0] > 0
    store = open_store(drill.root)
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


def test_kills_over_writers_readers_and_collections(tmp_path: Path) -> None:
    run_drill(tmp_path, rounds=10, seed=int(os.environ.get("ENGINE_TEST_SEED", "0")))


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path) -> None:
    run_drill(tmp_path, rounds=200, seed=int(os.environ.get("ENGINE_TEST_SEED", "1")))
