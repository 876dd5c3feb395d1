"""Eight processes that fill one fresh store with the same thousand calls."""

import subprocess
import sys
from pathlib import Path

import pytest

PROCESSES, CALLS, MOST_EXECUTIONS = 8, 1_000, 1_500

SCRIPT = """
import sys, time
import cellgraph as cg

store, ticks, pause_s = sys.argv[1:]

@cg.task
def square(x, path, pause_s):
    with open(path, "ab", buffering=0) as log:
        log.write(b"x")
    if pause_s:
        time.sleep(pause_s)
    return x * x

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    with cg.Session(store=store) as session:
        print(session.evaluate([square(x, ticks, float(pause_s)) for x in range(1_000)]))
"""


# Calls that are over before anybody can say that they have begun; some; and long ones.
@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [0, 0.01, 0.05])
def test_eight_processes_fill_one_store(tmp_path: Path, pause_s: float) -> None:
    script, ticks = tmp_path / "fill.py", tmp_path / "ticks"
    script.write_text(SCRIPT)
    ticks.touch()
    command = [sys.executable, str(script), str(tmp_path / "store"), str(ticks), str(pause_s)]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=600) for process in processes]
    for process, (out, err) in zip(processes, ended, strict=True):
        assert process.returncode == 0, err
        assert out.strip() == str([x * x for x in range(CALLS)])
    executions = ticks.stat().st_size
    print(f"{executions:,} executions of {CALLS:,} calls by {PROCESSES} processes")
    assert CALLS <= executions < MOST_EXECUTIONS
