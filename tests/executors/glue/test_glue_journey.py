"""Calls as Glue runs, over the wire: plain Python where Spark is not the point."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.executors.glue.support.notebook import lacking, quick, slow, work

import cellgraph as cg
from cellgraph.errors import CallCancelled, ConfigError, TaskError
from cellgraph.events import CallFailed, CallProgress, RemoteJobAdded
from cellgraph.failure import Failure
from cellgraph.testing.executor_lab import eventually
from cellgraph_executors.glue.executor import GlueExecutor

pytestmark = pytest.mark.aws


def runs_of(box: Any) -> list[Any]:
    """Every run that Glue knows."""
    glue = box.client("glue")
    return [
        run
        for job in glue.get_jobs(MaxResults=1000)["Jobs"]
        for run in glue.get_job_runs(JobName=job["Name"])["JobRuns"]
    ]


def test_one_definition_for_many_runs_and_what_was_said(
    box: Any, uri: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    table = np.arange(40_000, dtype=np.int64)
    watched = opened(usd_per_dpu_hour=0.44, workers=3, worker_type="G.2X")
    calls = [work(i, table) for i in (0, 1, 2)]
    values = watched.session.evaluate(calls, fail="keep")
    np.testing.assert_array_equal(values[2], table * 6)
    assert "no rows in 1" in str(values[1].error) and isinstance(values[1].error, ValueError)
    (failed,) = watched.of(CallFailed)
    assert "raise ValueError" in failed.traceback

    assert box.requests["glue", "StartJobRun"] == 3
    assert box.requests["glue", "CreateJob"] == box.requests["glue", "GetJob"] == 1
    assert box.requests["logs", "GetLogEvents"] == 0
    added = watched.of(RemoteJobAdded)
    assert {(job.kind, job.vcpus, len(job.calls)) for job in added} == {("glue", 24.0, 1)}
    assert added[0].usd_per_vcpu_hour == pytest.approx(0.11)
    name = added[0].job.partition("@")[2]
    made = box.client("glue").get_job(JobName=name)["Job"]
    assert (made["GlueVersion"], made["ExecutionClass"]) == ("5.0", "STANDARD")
    modules = made["DefaultArguments"]["--additional-python-modules"]
    assert modules.startswith(f"{uri}/glue/") and modules.endswith("-py3-none-any.whl")

    def states() -> dict[str, Any]:  # a result is there before its run has ended
        return {run["JobRunState"]: run for run in runs_of(box) if run["JobName"] == name}

    eventually(lambda: set(states()) == {"SUCCEEDED", "FAILED"})
    failure = states()["FAILED"]
    assert failure["ErrorMessage"].startswith("cellgraph_executors.glue.driver.CallFailed")
    assert list(failure["Arguments"])[-1] == "--cellgraph"  # and nothing of the call's

    # another session finds the definition, and a run that is done is not run again
    box.forget_requests()
    other = opened(workers=3, worker_type="G.2X").session
    assert other.evaluate([calls[0], work(3, 1)])[1] == 9
    assert box.requests["glue", "CreateJob"] == 0
    assert box.requests["glue", "StartJobRun"] == 1


@pytest.mark.slow
@pytest.mark.sandboxed
def test_runs_wait_for_room_without_holding_up_others(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """One at once of a definition: three calls run one after the other, another kind beside."""
    gate = tmp_path / "gate"
    watched = opened(max_concurrent_runs=1)
    run = watched.session.submit(
        [slow(i, str(gate), str(tmp_path)) for i in range(3)] + [quick.options(workers=4)(7)]
    )
    eventually(lambda: len(watched.of(RemoteJobAdded)) == 2)
    assert {len(job.calls) for job in watched.of(RemoteJobAdded)} == {1}
    eventually(lambda: bool(watched.of(CallProgress)))
    eventually(lambda: any("step" in job.note for job in watched.session.jobs.list()))
    said = watched.of(CallProgress)[0]
    assert said.total == 100 and said.text == f"step {said.done:g}"
    gate.touch()
    assert run.result() == [0, 1, 2, 14]
    began = Counter(path.name.split("-")[1] for path in tmp_path.glob("began-*"))
    assert began == {"0": 1, "1": 1, "2": 1}
    names = [job.job.partition("@")[2] for job in watched.of(RemoteJobAdded)]
    assert sorted(Counter(names).values()) == [1, 3]


@pytest.mark.sandboxed
def test_interrupted_and_met_again(
    box: Any, opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, traces = tmp_path / "gate", tmp_path / "traces"
    traces.mkdir()
    calls = [slow(i, str(gate), str(traces)) for i in range(2)]
    first = opened()
    run = first.session.submit(calls)
    eventually(lambda: len(list(traces.iterdir())) == 2)
    listed = first.session.jobs.list()
    assert [(job.kind, job.status) for job in listed] == [("glue", "running")] * 2
    run.let_go()
    with pytest.raises(CallCancelled):
        run.result()
    first.session.close()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    second = opened()
    again = second.session.submit(calls)
    eventually(lambda: len(second.of(RemoteJobAdded)) == 2)
    assert all(added.attached for added in second.of(RemoteJobAdded))
    gate.touch()
    assert again.result() == [0, 1]
    assert len(list(traces.iterdir())) == 2
    assert box.requests["glue", "StartJobRun"] == 2


@pytest.mark.sandboxed
def test_cancelled_is_stopped(box: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    watched = opened()
    run = watched.session.submit(slow(0, str(tmp_path / "never"), str(tmp_path)))
    eventually(lambda: bool(list(tmp_path.glob("began-*"))))
    run.cancel()
    with pytest.raises(CallCancelled):
        run.result()
    (added,) = watched.of(RemoteJobAdded)
    name = added.job.partition("@")

    def state() -> str:
        answer = box.client("glue").get_job_run(JobName=name[2], RunId=name[0])
        return str(answer["JobRun"]["JobRunState"])

    eventually(lambda: state() == "STOPPED")


# Beside Python's own: what our wheel asks for, and what AWS documents for Glue 5.0.
THERE = """
blake3 cloudpickle msgspec
boto3 botocore certifi dateutil fsspec jmespath numpy pandas py4j pyarrow pyspark pytz s3transfer
six urllib3
cellgraph cellgraph_executors
"""
ONLY = f"""
import sys
from importlib.machinery import PathFinder

class Only:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        own = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if own or top in {set(THERE.split())!r}:
            return PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Only if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.mark.sandboxed
def test_a_run_needs_nothing_that_glue_lacks(
    box: Any, uri: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    box.client("s3").put_object(Bucket=box.bucket, Key="no/sitecustomize.py", Body=ONLY.encode())
    watched = opened(extra_py_files=[f"s3://{box.bucket}/no/sitecustomize.py"])
    table = pd.DataFrame({"x": np.arange(20_000)})
    values = watched.session.evaluate([work(2, table), lacking()], fail="keep")
    assert not isinstance(values[0], Failure), values[0].error
    pd.testing.assert_frame_equal(values[0], table * 6)
    assert "import rich" in str(values[1].error) and "packages differ" in str(values[1].error)


def test_what_cannot_be_is_said_before_anything_is_sent(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    def refused(session: cg.Session, call: Any) -> str:
        with pytest.raises((ConfigError, TaskError)) as caught:
            session.evaluate(call)
        return str(caught.value)

    with cg.Session(store=tmp_path / "store", executors={"glue": box.glue}) as local:
        assert "s3://bucket/prefix" in refused(local, quick(1))
    assert "role=" in refused(opened(role="").session, quick(1))
    with pytest.raises(ConfigError, match="no reducer"):
        opened().session.submit(quick(1), on="glue")
    assert "MaxRetry" in refused(opened(job_definition={"MaxRetry": 1}).session, quick(1))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"workers": 1}, "whole number from 2 to 1000"),
        ({"worker_type": "G.3X"}, "one of G.025X"),
        ({"worker_type": ["G.1X"]}, "one of G.025X"),
        ({"glue_version": "4.0"}, r"5\.0, 5\.1"),
        ({"flex": True, "worker_type": "G.4X"}, "flex has workers of type"),
        ({"extra_files": ["here.csv"]}, "s3:// paths"),
        ({"arguments": {"conf": "x"}}, "begin with --"),
        ({"worker": 3}, "did you mean"),
    ]
    for said, problem in wrong:
        with pytest.raises(ConfigError, match=problem):
            GlueExecutor(**said)
    assert box.requests["glue", "StartJobRun"] == 0
