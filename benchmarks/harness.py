"""Runs one peer in a fresh process, checks what it did, and keeps the figures.

A figure counts only if the result was right and exactly the expected calls executed: each task
appends one byte to a file when it runs, and the file is read here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from benchmarks.workloads import Case, calls, expected

ROOT: Final = Path(__file__).resolve().parent.parent
RAM_DISK: Final = Path("/dev/shm")
CHILD_TIMEOUT_S: Final = 1800.0
MARK: Final = "@@"  # as peers.driver prints it


@dataclass(frozen=True, slots=True)
class Peer:
    """A script under `peers`, and how it is run."""

    script: str
    trivial: bool = True  # evaluate one trivial call before the clock starts
    on_ram: bool = False  # its store lies on a RAM disk


PEERS: Final[dict[str, Peer]] = {
    "cellgraph": Peer("cellgraph_peer"),
    "cellgraph fresh": Peer("cellgraph_peer", trivial=False),
    "floor": Peer("floor_peer"),
    "redun": Peer("redun_peer", on_ram=True),
    "diskcache": Peer("diskcache_peer"),
    "joblib": Peer("joblib_peer"),
    "dask": Peer("dask_peer"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One checked measurement. Names of figures end in their unit (`call_s`, `peak_bytes`)."""

    name: str
    peer: str
    figures: Mapping[str, float]
    load: float  # of the machine, when it was taken

    def line(self) -> str:
        """Return the sample as one line of JSON."""
        kept = {"name": self.name, "peer": self.peer, "load": self.load}
        return json.dumps(kept | dict(self.figures))


class WrongFigure(Exception):
    """A measurement that does not count: it failed, or result or executions were wrong."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that did not come about, and why."""

    name: str
    peer: str
    reason: str


class Bench:
    """The folders, the children's environment, and everything measured so far.

    `scratch` must lie on a disk; a peer marked `on_ram` gets a RAM disk where the system has one.
    `say` receives one line per event for whoever waits.
    """

    def __init__(self, scratch: Path, out: TextIO | None, say: Callable[[str], None]) -> None:
        self.samples: list[Sample] = []
        self.failures: list[Failure] = []
        self._scratch = scratch
        self._ram = RAM_DISK if os.access(RAM_DISK, os.W_OK) else scratch
        self._out = out
        self._say = say
        self._env = child_environment()

    @contextmanager
    def folder(self, *, on_ram: bool = False) -> Generator[Path]:
        """Yield an empty folder that is gone afterwards."""
        parent = self._ram if on_ram else self._scratch
        path = Path(tempfile.mkdtemp(prefix="cellgraph-bench-", dir=parent))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @property
    def env(self) -> dict[str, str]:
        """A copy of the environment that every child gets."""
        return dict(self._env)

    def say(self, line: str) -> None:
        """Tell whoever waits."""
        self._say(line)

    def keep(self, name: str, peer: str, figures: Mapping[str, float]) -> Sample:
        """Keep a checked measurement."""
        sample = Sample(name, peer, figures, os.getloadavg()[0])
        self.samples.append(sample)
        if self._out is not None:
            print(sample.line(), file=self._out, flush=True)
        return sample

    def fail(self, name: str, peer: str, reason: str) -> None:
        """Keep why a measurement does not count."""
        self.failures.append(Failure(name, peer, reason))
        self._say(f"{peer} {name}: {reason}")

    def python(self, argv: Sequence[str]) -> str:
        """Run `python *argv*` in a fresh process at the repository root; return its stdout.

        Raises WrongFigure with the end of stderr when it fails or takes too long.
        """
        try:
            done = subprocess.run(
                [sys.executable, *argv],
                cwd=ROOT,
                env=self._env,
                capture_output=True,
                text=True,
                timeout=CHILD_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise WrongFigure(f"took longer than {CHILD_TIMEOUT_S:.0f} s") from None
        if done.returncode:
            tail = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise WrongFigure(tail[0])
        return done.stdout

    def run_case(self, peer: str, case: Case, state: Path) -> Sample | None:
        """Measure *case* on the store in *state* and keep it, or why it does not count."""
        try:
            sample = self.keep(case.name, peer, self._measure(peer, case, state))
        except WrongFigure as error:
            self.fail(case.name, peer, str(error))
            return None
        took = sample.figures["wall_s"]
        self._say(f"{peer} {case.name}: {took:.4f} s, load {sample.load:.1f}")
        return sample

    def _measure(self, peer: str, case: Case, state: Path) -> dict[str, float]:
        with self.folder() as folder:
            counter = folder / "executions"
            stdout = self.python(
                [
                    *("-m", f"benchmarks.peers.{PEERS[peer].script}"),
                    *(case.workload, str(case.size), case.phase),
                    *("--state", str(state), "--counter", str(counter)),
                    *(["--trivial"] if PEERS[peer].trivial else []),
                ]
            )
            executions = counter.stat().st_size
        figures = parse(stdout)
        verify(case, figures, executions)
        grown = max(0.0, figures["peak_bytes"] - figures["before_bytes"])
        count = calls(case.workload, case.size)
        return figures | {"call_s": figures["wall_s"] / count, "growth_bytes": grown / count}


def parse(stdout: str) -> dict[str, float]:
    """Return the figures that a peer printed."""
    for line in stdout.splitlines():
        if line.startswith(MARK):
            figures: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return figures
    raise WrongFigure("printed no figures")


def verify(case: Case, figures: Mapping[str, float], executions: int) -> None:
    """Raise WrongFigure unless result and number of executions are exactly right."""
    right = expected(case)
    if figures["result"] != right.result:
        raise WrongFigure(f"result {figures['result']}, not {right.result}")
    if executions != right.executions:
        raise WrongFigure(f"{executions} executions, not {right.executions}")


def child_environment() -> dict[str, str]:
    """Return the environment of children: this one, but bytecode may be written and is used."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC")
    return {name: value for name, value in os.environ.items() if name not in dropped}
