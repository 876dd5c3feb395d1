"""Storing and loading a value of n bytes takes at most 2n, the value itself included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_BYTES = 100_000_000
# What threads, buffers of files and the libraries take beside the value.
_SLACK = 32_000_000

_PROGRAM = """
import gc, json, sys
from pathlib import Path
import numpy as np, pandas as pd, pyarrow as pa
from cellgraph.result import Stored
from cellgraph.stores.local import LocalStore
from cellgraph.worker import settle

n, kind, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])

def make(n):
    if kind == "array":
        return np.arange(n / 8)
    if kind == "array in another order":
        return np.arange(float(n // 800 * 100)).reshape(-1, 100).T
    if kind == "arrow table":
        return pa.table({f"c{i}": np.arange(n / 80) for i in range(10)})
    if kind == "frame":
        return pd.DataFrame({f"c{i}": np.arange(n / 80) for i in range(10)})
    rows = n // 64
    return pd.DataFrame({"f": np.arange(float(rows)), "i": np.arange(rows), "t":
        np.arange(rows).astype("M8[s]"), "s": pd.array(np.full(rows, "x" * 32), dtype="str")})

def size(value):
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum())
    return value.nbytes

def status(name):
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(l.split()[1]) for l in lines if l.startswith(name))

def measured(step):
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")  # the peak is what there is now
    result = step()
    return result, status("VmHWM")

def look(value):
    return value.sum() if isinstance(value, np.ndarray) else value.shape

store = LocalStore(folder)
settle(make(1_000_000), store).load(store)  # what is imported and started by the first one
before = status("VmRSS")
value = make(n)
n = size(value)
kept, stored = measured(lambda: settle(value, store))
assert type(kept) is Stored
del value
store.close()
pa.default_memory_pool().release_unused()
gc.collect()
store = LocalStore(folder)
resting = status("VmRSS")
found, loaded = measured(lambda: kept.load(store))
_, looked = measured(lambda: look(found))
assert size(found) >= 0.9 * n
print(json.dumps({"n": n, "stored": stored - before, "loaded": loaded - resting,
    "looked": looked - resting}))
"""


@pytest.mark.parametrize(
    "kind",
    [
        "array",
        "frame",
        pytest.param("mixed frame", marks=pytest.mark.slow),
        pytest.param("array in another order", marks=pytest.mark.slow),
        pytest.param("arrow table", marks=pytest.mark.slow),
    ],
)
def test_at_most_twice_the_value(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(_BYTES), kind, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    n = found.pop("n")
    assert n >= _BYTES // 2
    for step, peak in found.items():
        assert peak <= 2 * n + _SLACK, f"{step} of {kind} took {peak / n:.2f} n"
