"""What goes wrong on the way: nothing is lost, nothing is submitted or run twice."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.support.calls import crash, fan, late, quick, slow

from cellgraph.errors import CallTimeout, ExecutorError, OutOfMemory, TaskError
from cellgraph.events import Notice, RemoteChildrenEnded, RemoteJobAdded, RemoteJobChanged
from cellgraph.failure import Failure
from cellgraph.testing.executor_lab import eventually

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow]


def runs(traces: Path, begin: str = "ran") -> Counter[str]:
    """How often each call began."""
    return Counter(path.name.split("-")[1] for path in traces.glob(f"{begin}-*"))


def jobs_of(box: Any) -> list[Any]:
    """Every job that Batch knows, without its children."""
    everything = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
    answer = box.client("batch").list_jobs(jobQueue="sandbox", filters=everything)
    return list(answer["jobSummaryList"])


def test_a_lost_host_is_retried_by_batch_and_costs_no_retry(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    box.faults.lose_host(child=1)
    watched = opened()
    session = watched.session
    assert session.evaluate([quick(i, str(tmp_path)) for i in range(3)]) == [0, 2, 4]
    ended = [c for e in watched.of(RemoteChildrenEnded) for c in e.children]
    assert {c.child: c.attempt for c in ended} == {0: 1, 1: 2, 2: 1}
    assert box.requests["batch", "SubmitJob"] == 1


def test_a_crash_has_its_exit_code_and_its_last_words(box: Any, opened: Callable[..., Any]) -> None:
    box.faults.lose_host(child=1)
    watched = opened()
    values = watched.session.evaluate([crash(i) for i in range(3)], fail="keep")
    assert [values[0], values[2]] == [0, 2]
    failure = values[1]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, ExecutorError)
    assert "exit code 3" in str(failure.error)
    assert "about to go" in str(failure.error)
    (ended,) = [c for e in watched.of(RemoteChildrenEnded) for c in e.children if c.failed]
    assert (ended.child, ended.exit_code, ended.attempt) == (1, 3, 2)
    logs = box.client("logs")
    found = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=ended.log)
    assert "about to go" in found["events"][-1]["message"]


def test_a_call_that_kills_its_child_fails_alone(box: Any, opened: Callable[..., Any]) -> None:
    """Four calls in one child: the three others are run again, each on its own."""
    packed = crash.options(calls_per_job=4)
    values = opened().session.evaluate([packed(i) for i in range(4)], fail="keep")
    assert [values[0], values[2], values[3]] == [0, 2, 3]
    assert isinstance(values[1], Failure)
    assert box.requests["batch", "SubmitJob"] == 2


def test_memory_is_doubled_if_the_task_says_how_far(box: Any, opened: Callable[..., Any]) -> None:
    box.faults.out_of_memory(child=1)
    asking = quick.options(memory_gib=1, memory_max_gib=3)
    assert opened().session.evaluate([asking(i) for i in range(2)]) == [0, 2]
    (again,) = [j for j in jobs_of(box) if "arrayProperties" not in j][-1:]
    (job,) = box.client("batch").describe_jobs(jobs=[again["jobId"]])["jobs"]
    asked = {r["type"]: r["value"] for r in job["container"]["resourceRequirements"]}
    assert asked["MEMORY"] == "2048"
    with pytest.raises(TaskError) as caught:
        opened().session.evaluate([quick(i + 10) for i in range(2)])
    assert isinstance(caught.value.error, OutOfMemory)
    assert "memory_max_gib" in str(caught.value)


def test_a_call_runs_out_of_time_to_the_second(box: Any, opened: Callable[..., Any]) -> None:
    values = opened().session.evaluate(
        [late.options(timeout_s=2)(i) for i in range(2)], fail="keep"
    )
    assert values[0] == 0
    assert isinstance(values[1].error, CallTimeout)
    assert "timeout_s=2" in str(values[1].error)


def test_a_lost_reply_does_not_submit_twice(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    before = len(jobs_of(box))
    box.faults.lose_reply()
    values = opened().session.evaluate([quick(i, str(tmp_path)) for i in range(3)])
    assert values == [0, 2, 4]
    assert len(jobs_of(box)) == before + 1
    assert set(runs(tmp_path).values()) == {1}


@pytest.mark.timeout(600)
def test_throttled_lagging_and_unavailable(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """30 % of Batch's requests and 5 % of S3's refused, a lost reply, states 10 s late."""
    before = len(jobs_of(box))
    box.faults.throttle(0.3, seed=1)
    box.faults.s3_unavailable(0.05, seed=2)
    box.faults.lag(10)
    box.faults.lose_reply()
    values = opened().session.evaluate([quick(i, str(tmp_path)) for i in range(20)])
    assert values == [2 * i for i in range(20)]
    assert len(jobs_of(box)) == before + 1
    assert runs(tmp_path) == {str(i): 1 for i in range(20)}


def test_expired_credentials_pause_and_it_resumes(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    watched = opened()
    run = watched.session.submit([slow(i, str(gate), str(tmp_path)) for i in range(2)])
    eventually(lambda: len(runs(tmp_path, "began")) == 2)
    box.faults.expire_credentials()
    eventually(lambda: any(c.status == "paused" for c in watched.of(RemoteJobChanged)))
    gate.touch()
    time.sleep(2)
    assert run.status == "running"
    assert any("aws sso login" in notice.text for notice in watched.of(Notice))
    box.renew_credentials()
    assert run.result(120) == [0, 1]
    assert set(runs(tmp_path, "began").values()) == {1}
    assert watched.of(RemoteJobChanged)[-1].status != "paused"


def test_a_body_that_returns_calls(box: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    """What a child returns is reduced here, and its calls leave as an array of their own."""
    watched = opened()
    assert watched.session.evaluate(fan(3, str(tmp_path))) == 6
    kinds = [added.kind for added in watched.of(RemoteJobAdded)]
    assert kinds == ["job", "array"]
    run = watched.session.submit(fan(3, str(tmp_path)))
    assert run.result() == 6
    assert run.counts.executed == 0
    assert set(runs(tmp_path).values()) == {1}


def test_the_reducer_runs_there_too(
    box: Any, opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened().session
    assert first.submit(fan(2, str(tmp_path)), on="batch").result(200) == 2
    first.close()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    run = opened().session.submit(fan(2, str(tmp_path)))
    assert run.result() == 2
    assert run.counts.executed == 0
    assert set(runs(tmp_path).values()) == {1}
