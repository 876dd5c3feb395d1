"""`python -m benchmarks` measures and prints; `accept` checks limits, `rehearse` the peers.

`scenarios` runs the table of edits of `tests/core/identity_table` by us and by peers. `tables`
measures datasets and Spark steps.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, Protocol, TextIO

from benchmarks import accept, rehearse, scenarios, table, tables
from benchmarks.budget import LIMITS, Limit
from benchmarks.cases import GROUPS, Scope
from benchmarks.harness import PEERS, ROOT, Bench
from benchmarks.identity import IdentityGroup
from benchmarks.imports import ImportGroup
from benchmarks.machine import compile_packages, describe, is_memory
from benchmarks.view import ExtensionGroup, ViewGroup
from benchmarks.workloads import WORKLOADS

_COMMANDS: Final = ("run", "accept", "rehearse", "scenarios", "tables")
_TABLES_GB: Final = 2.0
LOOP: Final = 60_000  # a loop of about a millisecond, so that 10,000 calls take about 10 s


class Group(Protocol):
    """Measurements that are interleaved with each other."""

    @property
    def name(self) -> str: ...

    def measure(self, bench: Bench, scope: Scope) -> None: ...


ALL: Final[tuple[Group, ...]] = (
    *GROUPS,
    IdentityGroup(),
    ImportGroup(),
    ExtensionGroup(),
    ViewGroup("view-short", work=0, long=False),
    ViewGroup("view-long", work=LOOP, long=True),
)


class _Options(argparse.Namespace):
    command: str
    names: list[str]
    quick: bool
    only: str
    reps: int
    no_redun: bool
    out: Path | None
    scratch: Path


def main(argv: Sequence[str]) -> int:
    """Run the command line *argv*; return the exit status."""
    options = _parse(argv)
    with ExitStack() as stack:
        out = stack.enter_context(options.out.open("a")) if options.out else None
        bench = Bench(options.scratch, out, _say)
        if options.command == "rehearse":
            return rehearse.run(bench, options.names or list(PEERS), _words(options.only))
        if options.command == "tables":
            quick = options.quick
            return tables.run(
                1 if quick else options.reps, 0.2 if quick else _TABLES_GB, options.scratch
            )
        if options.command == "scenarios":
            return scenarios.run(bench, options.names or list(scenarios.TOOLS))
        limits = accept.chosen(options.names)  # a wrong name is said before anything is prepared
        _prepare(options.scratch, out)
        if options.command == "accept":
            return _accept(bench, limits)
        return _run(bench, options)


def _run(bench: Bench, options: _Options) -> int:
    """Measure, print every table; a measurement that failed its check makes the status 1."""
    began = time.monotonic()
    reps = 1 if options.quick else options.reps
    scope = Scope(
        reps,
        exact_reps=False,
        long_runs=not options.quick,
        keep=lambda name, peer: not (options.no_redun and peer == "redun"),
    )
    only = _words(options.only)
    for group in ALL:
        if not only or group.name in only:
            group.measure(bench, scope)
    results = table.Results(bench.samples, bench.failures)
    partly = bool(only) or options.quick
    limits = [limit for limit in LIMITS if not partly or results.knows(limit)]
    print("\n## Budget\n\n" + table.budget(results, limits))
    print("\n## Every peer (medians)\n\n" + table.peers(results))
    if rows := table.large_values(results):
        print("\n## Large values\n\n" + rows)
    if rows := table.curve(results):
        print("\n## The fan-out as it grows (medians)\n\n" + rows)
    print("\n## Spread: least to most, repetitions\n\n" + table.spread(results, limits))
    _print_end(bench, f"{(time.monotonic() - began) / 60:.1f} minutes, {reps} repetitions")
    return 1 if bench.failures else 0


def _accept(bench: Bench, limits: Sequence[Limit]) -> int:
    """Measure what *limits* need; the status is 1 when one is missed."""
    scope = accept.scope(limits)
    for group in ALL:
        group.measure(bench, scope)
    text, met = accept.report(limits, table.Results(bench.samples, bench.failures))
    print(f"\n## Limits\n\n{text}")
    _print_end(bench, "every limit is met" if met else "a limit is missed")
    return 0 if met else 1


def _prepare(scratch: Path, out: TextIO | None) -> None:
    """Compile, warn about a store in memory, and name the machine."""
    if is_memory(scratch):
        _say(f"{scratch} lies in memory: figures flatter every peer; use --scratch DIR on a disk")
    _say("byte-compiling the packages")
    compile_packages(ROOT)
    machine = describe(scratch)
    print("## Machine\n\n" + table.markdown(("what", "which"), machine.items()))
    if out is not None:
        print(json.dumps({"machine": machine}), file=out, flush=True)


def _print_end(bench: Bench, line: str) -> None:
    for failure in dict.fromkeys(bench.failures):
        print(f"\nDoes not count: {failure.peer} {failure.name}: {failure.reason}")
    loads = [sample.load for sample in bench.samples] or [os.getloadavg()[0]]
    print(f"\n{line}; load {min(loads):.1f} to {max(loads):.1f}")
    if median(loads) > (os.cpu_count() or 1):
        print("The machine was busy with other work: decide nothing on these figures.")


def _say(line: str) -> None:
    """Tell whoever waits; stdout carries the tables only."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()


def _parse(argv: Sequence[str]) -> _Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("command", nargs="?", default="run", choices=_COMMANDS)
    parser.add_argument("names", nargs="*", help="limits to accept; or tools to run by")
    parser.add_argument("--quick", action="store_true", help="one repetition, no long runs")
    parser.add_argument("--only", default="", help="groups (rehearse: workloads), comma-separated")
    parser.add_argument("--reps", type=int, default=5, help="repetitions (redun: at most 3)")
    parser.add_argument("--no-redun", action="store_true", help="leave out the slow peer")
    parser.add_argument("--out", type=Path, help="file that gets one line of JSON per measurement")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args(argv, namespace=_Options())
    try:
        _check(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def _check(options: _Options) -> None:
    """Raise ValueError for a name that does not exist."""
    known: dict[str, Sequence[str]] = {
        "run": (),
        "accept": [limit.name for limit in LIMITS],
        "rehearse": list(PEERS),
        "scenarios": list(scenarios.TOOLS),
        "tables": (),
    }
    _known(options.names, known[options.command])
    groups = WORKLOADS if options.command == "rehearse" else [group.name for group in ALL]
    _known(_words(options.only), groups)


def _known(names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is none of: {', '.join(known)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
