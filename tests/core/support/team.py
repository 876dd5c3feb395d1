"""People on one bucket: their machines, their clocks, what they compute."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.s3server import BUCKET, S3Server

import cellgraph as cg
from cellgraph.care import Care
from cellgraph.care.reports import Collected
from cellgraph.stores.s3 import Pace, S3Store

DAY_S = 86_400.0
CALM = Pace(flush_s=3600, refresh_s=0)


@cg.task
def wide(n: int) -> Any:
    return np.full(20_000, n)  # a blob in a pack


@cg.task
def huge(n: int) -> Any:
    return np.full(200_000, n)  # a blob of its own


@cg.task
def narrow(n: int) -> int:
    return n + 1


@cg.task
def both(left: Any, right: Any) -> list[Any]:
    return [left, right]


@dataclass
class Team:
    """A bucket, seen from any number of machines, at any time."""

    server: S3Server
    uri: str
    folder: Path
    patch: pytest.MonkeyPatch
    later_s: float = 0.0

    def at(self, machine: str) -> S3Store:
        """The store on a machine; its clock and the bucket's are `later_s` ahead."""
        return S3Store(self.uri, cache=self.folder / machine, pace=CALM)

    def on(self, machine: str) -> cg.Session:
        return cg.Session(self.at(machine))

    def executed(self, machine: str, *exprs: Any) -> int:
        """Evaluate in a session of its own; how many calls ran."""
        ran = 0
        with self.on(machine) as session:
            for expr in exprs:
                begun = session.submit(expr)
                begun.result()
                ran += begun.counts.executed
        return ran

    def collect(self, machine: str = "collector", **limits: Any) -> Collected:
        with self.on(machine) as session:
            return care(session.store, self.now).gc(**{"dry_run": False, **limits})

    def now(self) -> float:
        return time.time()

    def pass_days(self, days: float) -> None:
        """All machines' clocks go on; what the bucket says of its objects stays what it was."""
        real = self.patch
        self.later_s += days * DAY_S
        shift = days * DAY_S
        clock, clock_ns = time.time, time.time_ns
        real.setattr(time, "time", lambda: clock() + shift)
        real.setattr(time, "time_ns", lambda: clock_ns() + int(shift * 1e9))

    def objects(self, folder: str) -> list[str]:
        return self.server.keys(f"{self.uri.removeprefix(f's3://{BUCKET}/')}/{folder}/")


def care(store: Any, now: Callable[[], float]) -> Care:
    session = cg.Session(store)
    return Care(store, lambda expr: session._forecast(expr, True, "late"), now)  # pyright: ignore[reportPrivateUsage]  # what `Session.cache` hands over
