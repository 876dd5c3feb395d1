"""What the tests of care share: tasks that say when they run, and stores whose clock is ahead."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import cellgraph as cg
from cellgraph.care import Care
from cellgraph.care.reports import Collected
from cellgraph.definitions import Definitions
from cellgraph.forecast import Forecast
from cellgraph.marks import Marks
from cellgraph.settings import load_settings
from cellgraph.stores.local import LocalStore

TICKS_VARIABLE = "CARE_TEST_TICKS"
DAY_S = 86_400.0
MONTH_S = 30 * DAY_S


def tick(name: str) -> None:
    with open(os.environ[TICKS_VARIABLE], "a") as log:  # noqa: PTH123 - a path that is a string
        log.write(f"{name}\n")


@cg.task
def wide(n: int) -> Any:
    tick(f"wide {n}")
    return np.full(50_000, n)


@cg.task
def narrow(n: int) -> int:
    tick(f"narrow {n}")
    return n + 1


@cg.task
def add(left: Any, right: Any) -> float:
    tick("add")
    return float(left.sum() + right.sum())


class CareLab:
    """One store, opened anew for each step."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "store"
        self.log = folder / "ticks"
        self.log.touch()

    def store(self, after_days: float = 0) -> LocalStore:
        """The store, as it looks some days from now."""
        return LocalStore(self.root, clock=lambda: time.time_ns() + int(after_days * DAY_S * 1e9))

    def session(self) -> cg.Session:
        return cg.Session(self.store())

    def executed(self, *exprs: Any) -> list[str]:
        """Evaluate in a session of its own; what ran, sorted."""
        self.log.write_text("")
        with self.session() as session:
            for expr in exprs:
                session.evaluate(expr)
        return sorted(self.log.read_text().splitlines())

    def collect(self, after_days: float = 0, **limits: Any) -> Collected:
        """Collect, some days from now."""
        opened = self.store(after_days)
        try:
            return care(opened, after_days).gc(**{"dry_run": False, **limits})
        finally:
            opened.close()

    def blobs(self) -> list[Path]:
        return [p for p in (self.root / "blobs").rglob("*") if p.is_file()]

    def records(self) -> int:
        opened = self.store()
        try:
            return len(list(opened.kept()))
        finally:
            opened.close()

    def date_last_run(self, after_days: float) -> None:
        """Make the newest run one of another day."""
        newest = max((self.root / "runs").iterdir())
        said = json.loads(newest.read_text())
        newest.write_text(json.dumps({**said, "started": time.time() + after_days * DAY_S}))


def care(store: LocalStore, after_days: float = 0) -> Care:
    """The care of a store, some days from now."""

    def forecast(expr: Any) -> Forecast:
        tasks = Definitions(live=True, cache=True, default_executor="thread", marks=Marks(store))
        return Forecast(expr, store, tasks, load_settings({}).roots())

    return Care(store, forecast, lambda: time.time() + after_days * DAY_S)
