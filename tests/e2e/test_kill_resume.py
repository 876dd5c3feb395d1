"""`kill -9` in the middle of a run loses the calls in flight and nothing else."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

CALLS = 10_000
# Calls that run, and batches of finished ones on their way into the store, when the process dies:
# under 320 measured with both cores of a small machine kept busy by others.
IN_FLIGHT = 500
STARTED_WITHIN_S = 60

SCRIPT = """
import os
import sys
import cellgraph as cg

store, ticks, executor = sys.argv[1:]

@cg.task
def square(x, path):
    with open(path, "ab", buffering=0) as log:
        log.write(b"x")
    return x * x

@cg.task
def total(parts):
    return sum(parts)

if __name__ == "__main__":
    with cg.Session(store=store) as session:
        on = square.options(executor=executor)
        print(session.evaluate(total([on(i, ticks) for i in range(10_000)])))
"""


class Drill:
    """The same script, again and again over one store."""

    def __init__(self, folder: Path, executor: str) -> None:
        self.script = folder / "run.py"
        self.script.write_text(SCRIPT)
        self.ticks = folder / "ticks"
        self.ticks.touch()
        self.command = [
            sys.executable, str(self.script), str(folder / "store"), str(self.ticks), executor,
        ]  # fmt: skip
        self.folder = folder

    def executions(self) -> int:
        return self.ticks.stat().st_size

    def kill_after(self, executions: int) -> bool:
        """Run until so many calls were executed, then `kill -9`; say whether it came to that."""
        process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            deadline = time.monotonic() + STARTED_WITHIN_S
            while process.poll() is None and time.monotonic() < deadline:
                if self.executions() >= executions:
                    return True
                time.sleep(0.001)
            return False
        finally:
            process.kill()
            process.wait()
            self._wait_for_workers()

    def _wait_for_workers(self) -> None:
        """Worker processes notice that their parent is gone; until then they may still count."""
        quiet_since, last = time.monotonic(), self.executions()
        while time.monotonic() - quiet_since < 0.5:
            time.sleep(0.05)
            if self.executions() != last:
                quiet_since, last = time.monotonic(), self.executions()

    def finish(self) -> int:
        done = subprocess.run(
            self.command, cwd=self.folder, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)


EXPECTED = sum(i * i for i in range(CALLS))


@pytest.mark.parametrize(
    ("executor", "killed_at"), [("thread", 200), ("thread", 4_000), ("process", 3_000)]
)
def test_a_killed_run_continues_where_it_was(tmp_path: Path, executor: str, killed_at: int) -> None:
    drill = Drill(tmp_path, executor)
    assert drill.kill_after(killed_at), "the run ended before it could be killed"
    before = drill.executions()
    assert before < CALLS, "the kill came too late to prove anything"
    assert drill.finish() == EXPECTED
    assert CALLS <= drill.executions() <= CALLS + IN_FLIGHT
    total = drill.executions()
    assert drill.finish() == EXPECTED
    assert drill.executions() == total, "nothing runs in the third run"


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    drill = Drill(tmp_path, "thread")
    seed = int(os.environ.get("ENGINE_TEST_SEED", "0"))
    moments = random.Random(seed)
    kills = 0
    for _ in range(20):
        aim = drill.executions() + moments.randrange(1, 400)
        kills += drill.kill_after(aim)
        if drill.executions() >= CALLS:
            break
    assert kills >= 5, "too few kills to prove anything"
    assert drill.finish() == EXPECTED
    assert CALLS <= drill.executions() <= CALLS + kills * IN_FLIGHT
