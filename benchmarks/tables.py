"""`python -m benchmarks tables`: datasets and Spark steps. Each measurement is a fresh process.

*Memory*: 2 GB of parquet in shards, read shard by shard and as a whole; the peak resident size of
the process (`VmHWM`). *Overhead*: a join and an aggregation by a PySpark script, and the same as a
task on executor `spark`, interleaved; from before the session is begun to the result on disk. A
figure counts only if the sums are right and the task has run exactly once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

_COLUMNS: Final = 8
_SHARD_ROWS: Final = 1_000_000
_PEOPLE: Final = 2_000_000


def run(reps: int, gigabytes: float, scratch: Path) -> int:
    """Measure and print; return 1 when a check failed."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        shards = max(2, round(gigabytes * 1e9 / (_SHARD_ROWS * _COLUMNS * 8)))
        made = _child("write_large", folder, shards)
        print(f"\n{made['bytes'] / 1e9:.2f} GB in {shards} shards\n")
        for how in ("nothing", "by_shard", "whole"):
            found = _child(how, folder, shards)
            right = how == "nothing" or abs(found["sum"] - made["sum"]) < 1e-3
            print(f"{how:10} peak {found['peak_mb']:7.0f} MB, {found['s']:5.1f} s, right: {right}")
            if not right:
                return 1
        _child("write_small", folder, 1)
        took: dict[str, list[float]] = {"by_hand": [], "as_task": []}
        for rep in range(reps):
            for how in sorted(took, reverse=bool(rep % 2)):
                found = _child(how, folder, rep)
                if (found["rows"], found["ran"]) != (100, 1):
                    print(f"{how} does not count: {found}")
                    return 1
                took[how].append(found["s"])
    hand, task = median(took["by_hand"]), median(took["as_task"])
    print(f"\nSpark by hand {hand:.1f} s, as a task {task:.1f} s: ratio {task / hand:.2f}")
    print(f"each: {took}; load {os.getloadavg()[0]:.1f}")
    return 0


def _child(name: str, folder: Path, number: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.tables", name, str(folder), str(number)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_mb() -> float:
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


# --- memory -----------------------------------------------------------------------------------


def write_large(folder: Path, shards: int) -> dict[str, Any]:
    """Random numbers: nothing to compress."""
    import numpy as np
    import pyarrow as pa

    import cellgraph as cg

    total = 0.0

    def tables() -> Any:
        nonlocal total
        for at in range(shards):
            random = np.random.default_rng(at)
            columns = [random.random(_SHARD_ROWS) for _ in range(_COLUMNS)]
            total += float(columns[0].sum())
            yield pa.table({f"c{n}": column for n, column in enumerate(columns)})

    made = cg.Dataset(folder / "large").write(tables())
    return {"bytes": made.size_bytes, "sum": total, "shards": len(made.shards)}


def nothing(folder: Path, shards: int) -> dict[str, Any]:
    """What the libraries take."""
    import pandas as pd
    import pyarrow.dataset as ds

    return {"peak_mb": _peak_mb(), "s": 0.0, "loaded": [pd.__name__, ds.__name__]}


def by_shard(folder: Path, shards: int) -> dict[str, Any]:
    """One shard in memory at a time, all its columns."""
    import cellgraph as cg

    began = time.perf_counter()
    data = cg.Dataset(folder / "large")
    total = sum(float(data.to_pandas(shards=at)["c0"].sum()) for at in range(len(data.shards)))
    return {"sum": total, "peak_mb": _peak_mb(), "s": time.perf_counter() - began}


def whole(folder: Path, shards: int) -> dict[str, Any]:
    """All of it at once."""
    import cellgraph as cg

    began = time.perf_counter()
    total = float(cg.Dataset(folder / "large").to_pandas()["c0"].sum())
    return {"sum": total, "peak_mb": _peak_mb(), "s": time.perf_counter() - began}


# --- overhead ---------------------------------------------------------------------------------


def write_small(folder: Path, number: int) -> dict[str, Any]:
    """What is joined."""
    import numpy as np
    import pyarrow as pa

    import cellgraph as cg

    row = np.arange(_PEOPLE)
    cg.Dataset(folder / "sales").write(pa.table({"shop": row % 1000, "amount": row * 0.5}))
    shop = np.arange(1000)
    cg.Dataset(folder / "shops").write(pa.table({"shop": shop, "town": shop % 100}))
    return {}


def _totals(sales: Any, shops: Any) -> Any:
    return sales.join(shops, "shop").groupBy("town").sum("amount")


def by_hand(folder: Path, rep: int) -> dict[str, Any]:
    """A script as people write it, with the settings of the `spark` executor."""
    from pyspark.sql import SparkSession

    from cellgraph_executors.spark.local import default_options

    began = time.perf_counter()
    builder: Any = SparkSession.builder
    for name, value in {**default_options(None, None), "spark.ui.enabled": "false"}.items():
        builder = builder.config(name, value)
    spark = builder.master("local[*]").getOrCreate()
    read = spark.read.parquet
    table = _totals(read(str(folder / "sales")), read(str(folder / "shops")))
    table.write.parquet(str(folder / f"by-hand-{rep}"))
    spark.stop()
    took = time.perf_counter() - began
    import pyarrow.parquet as pq

    rows: Any = pq.read_table(folder / f"by-hand-{rep}")
    return {"s": took, "rows": len(rows), "ran": 1}


def as_task(folder: Path, rep: int) -> dict[str, Any]:
    """The same as a task, on an empty store: identity, reads, record and Dataset included."""
    import cellgraph as cg

    ticks = folder / f"ticks-{rep}"
    began = time.perf_counter()
    task = _task(ticks)
    with cg.Session(folder / f"store-{rep}") as session:
        made = session.evaluate(task(cg.Dataset(folder / "sales"), cg.Dataset(folder / "shops")))
    took = time.perf_counter() - began
    return {"s": took, "rows": made.num_rows, "ran": ticks.stat().st_size}


def _task(ticks: Path) -> Any:
    from pyspark.sql import DataFrame

    import cellgraph as cg

    def totals(sales: DataFrame, shops: DataFrame) -> Any:
        with ticks.open("a") as file:
            file.write(".")
        return _totals(sales, shops)

    return cg.task(executor="spark")(totals)


_CHILDREN: Final[dict[str, Callable[[Path, int], dict[str, Any]]]] = {
    child.__name__: child
    for child in (write_large, nothing, by_shard, whole, write_small, by_hand, as_task)
}

if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
