"""A kernel killed at random moments while its calls run on Glue, and what the next one finds."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow, pytest.mark.alone]

_CALLS, _KILLS = 16, 10
_TASKS = Path(__file__).parent / "support" / "notebook.py"
# What a notebook does; the tasks are those of the test, which no worker can import.
_KERNEL = """
import runpy, sys
import cellgraph as cg
quick = runpy.run_path({tasks!r})["quick"]
uri, traces, role, count = sys.argv[1:]
section = {"role": role, "poll_s": 0.3, "max_concurrent_runs": 4}
session = cg.Session(store=uri, executors={"glue": section})
print("ready", flush=True)
print("value", session.evaluate([quick(i, traces) for i in range(int(count))]), flush=True)
session.close()
"""


@pytest.mark.timeout(1_800)
def test_a_kernel_killed_at_random_moments(box: Any, uri: str, tmp_path: Path) -> None:
    """Ten times over the life of sixteen runs, four at once: nothing is done twice or lost."""
    script, traces = tmp_path / "kernel.py", tmp_path / "traces"
    script.write_text(_KERNEL.replace("{tasks!r}", repr(str(_TASKS))))
    traces.mkdir()
    words = [sys.executable, str(script), uri, str(traces), box.glue["role"], str(_CALLS)]
    chance = random.Random(6)
    for kill in range(_KILLS):
        process = subprocess.Popen(
            words, env=dict(os.environ), cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 2) if kill < 4 else chance.uniform(0.5, 5))
        process.kill()
        process.wait()
        process.stdout.close()
    done = subprocess.run(
        words, env=dict(os.environ), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"ready\nvalue {[2 * i for i in range(_CALLS)]}\n"
    ran = Counter(path.name.split("-")[1] for path in traces.iterdir())
    assert ran == {str(i): 1 for i in range(_CALLS)}
    print("runs started:", box.requests["glue", "StartJobRun"])
