"""The benchmarks measure what they say: every peer is right, and wrong figures do not count."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from benchmarks import accept, table
from benchmarks.budget import LIMITS, Faster
from benchmarks.harness import PEERS, Failure, Sample, WrongFigure, verify
from benchmarks.peers.bodies import COUNTER_FD, make_tasks, open_counter
from benchmarks.rehearse import SIZES
from benchmarks.workloads import PHASES_OF, WORKLOADS, Case, Workload, build, calls, expected

ROOT = Path(__file__).resolve().parents[2]
GRAPHS: tuple[Workload, ...] = ("fanout", "chain", "tree", "fib")


def peers(*names: str) -> list[Any]:
    """Return parameters; those whose library is not installed are skipped and say so."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                find_spec(PEERS[name].script.removesuffix("_peer")) is None and name != "floor",
                reason=f"{name} is not installed (extra `bench`)",
            ),
        )
        for name in names
    ]


def rehearse(peer: str, workloads: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    argv = ["-m", "benchmarks", "rehearse", peer, "--only", workloads, "--scratch", str(scratch)]
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.parametrize("peer", peers("cellgraph", "floor", "diskcache", "joblib"))
def test_a_peer_runs_exactly_the_calls_it_should(peer: str, tmp_path: Path) -> None:
    done = rehearse(peer, "fanout,fib", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == "6 right, 0 wrong"
    assert not list(tmp_path.iterdir()), "state was left behind"


@pytest.mark.slow
@pytest.mark.parametrize("peer", peers(*PEERS))
def test_a_peer_is_right_on_every_workload(peer: str, tmp_path: Path) -> None:
    done = rehearse(peer, ",".join(WORKLOADS), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"{3 if peer == 'dask' else 14} right, 0 wrong"


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "executions"
    open_counter(str(path))
    yield path
    os.close(COUNTER_FD)


def plain(func: Callable[..., Any]) -> Callable[..., Any]:
    return func


@pytest.mark.parametrize("workload", GRAPHS)
def test_expectations_agree_with_plain_functions(workload: Workload, counter: Path) -> None:
    case = Case(workload, SIZES[workload], "cold")

    result = build(make_tasks(plain), case)

    assert (result, counter.stat().st_size) == expected(case)
    assert calls(workload, case.size) == counter.stat().st_size


@pytest.mark.parametrize("workload", GRAPHS)
def test_phases_have_results_of_their_own(workload: Workload, counter: Path) -> None:
    for phase in PHASES_OF[workload][1:]:
        case = Case(workload, SIZES[workload], phase)
        assert build(make_tasks(plain), case) == expected(case).result


@pytest.mark.parametrize(("result", "executions"), [(77, 13), (78, 12), (78, 14)])
def test_a_wrong_result_or_count_is_no_figure(result: int, executions: int) -> None:
    case = Case("fanout", 12, "cold")
    verify(case, {"result": 78}, 13)

    with pytest.raises(WrongFigure):
        verify(case, {"result": result}, executions)


def results_with(ours: float, *failures: Failure) -> table.Results:
    limit = LIMITS[0]
    assert limit.redun is not None
    samples = [
        Sample(limit.ours.name, "cellgraph", {limit.ours.key: ours}, 0.0),
        Sample(limit.redun.name, "redun", {limit.redun.key: 1.0}, 0.0),
    ]
    return table.Results(samples, failures)


def test_a_missed_limit_is_named_and_refused() -> None:
    limit = LIMITS[0]
    assert isinstance(limit.accepted, Faster)
    edge = 1.0 / limit.accepted.times

    text, met = accept.report([limit], results_with(edge * 0.9))
    assert (met, "| ok" in text) == (True, True)

    text, met = accept.report([limit], results_with(edge * 1.1))
    assert (met, "below accepted" in text) == (False, True)


def test_one_failed_repetition_voids_the_figure() -> None:
    limit = LIMITS[0]
    failure = Failure(limit.ours.name, "cellgraph", "12 executions, not 13")

    text, met = accept.report([limit], results_with(1e-9, failure))

    assert (met, "no figure" in text) == (False, True)


def test_accept_measures_what_a_limit_needs_and_nothing_else() -> None:
    (limit,) = accept.chosen(["tree-cold"])
    scope = accept.scope([limit])

    assert scope.reps_of(1) == 5, "five repetitions also where a run would take fewer"
    assert scope.keep("tree/4096/cold", "cellgraph")
    assert scope.keep("tree/1024/cold", "redun")
    assert not scope.keep("tree/4096/cold", "diskcache")
    assert not scope.keep("chain/1000/cold", "cellgraph")


def test_an_unknown_limit_is_an_error_that_names_the_known_ones() -> None:
    argv = [sys.executable, "-m", "benchmarks", "accept", "fanout-hot"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "fanout-hot" in done.stderr
    assert "fanout-cold" in done.stderr
