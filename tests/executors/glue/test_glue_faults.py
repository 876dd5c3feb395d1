"""What goes wrong on the way: nothing is lost, nothing is started or run twice."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.executors.glue.support.notebook import crash, late, quick, slow
from tests.executors.glue.test_glue_journey import runs_of

from cellgraph.errors import CallTimeout, ExecutorError, HostLost, OutOfMemory, TaskError
from cellgraph.events import Notice, RemoteJobAdded, RemoteJobChanged
from cellgraph.testing.executor_lab import eventually

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow]


def ran(traces: Path, begin: str = "ran") -> Counter[str]:
    """How often each call began."""
    return Counter(path.name.split("-")[1] for path in traces.glob(f"{begin}-*"))


def failure(opened: Callable[..., Any], call: Any, **settings: Any) -> Any:
    (value,) = opened(**settings).session.evaluate([call], fail="keep")
    return value.error


def test_a_crash_has_its_message_and_its_last_words(box: Any, opened: Callable[..., Any]) -> None:
    error = failure(opened, crash(1))
    assert isinstance(error, ExecutorError)
    assert "Command failed with exit code 3" in str(error)
    assert "about to go" in str(error)


def test_what_lost_its_machines_is_started_again_and_costs_no_retry(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened(workers=5)
    box.faults.lose_host(child=0)
    box.faults.lose_host(child=1)
    assert watched.session.evaluate(quick(0, str(tmp_path))) == 0
    assert box.requests["glue", "StartJobRun"] == 3
    assert ran(tmp_path) == {"0": 1}
    box.faults.clear()
    for child in range(9):
        box.faults.lose_host(child=child)
    error = failure(opened, quick(9), workers=6, retries_on_host_loss=1)
    assert isinstance(error, HostLost) and "Resource unavailable" in str(error)


def test_out_of_memory_and_out_of_time(box: Any, opened: Callable[..., Any]) -> None:
    box.faults.out_of_memory(when="end")
    error = failure(opened, crash(2), workers=7)
    assert isinstance(error, OutOfMemory) and "worker_type" in str(error)
    box.faults.clear()
    error = failure(opened, late(1))
    assert isinstance(error, CallTimeout) and "timeout_s=1" in str(error)


def test_a_lost_reply_does_not_start_twice(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    before = len(runs_of(box))
    box.faults.lose_reply("StartJobRun", service="glue")
    assert opened().session.evaluate([quick(i, str(tmp_path)) for i in range(2)]) == [0, 2]
    assert len(runs_of(box)) == before + 2
    assert ran(tmp_path) == {"0": 1, "1": 1}


@pytest.mark.timeout(600)
def test_throttled_out_of_quota_lagging_and_unavailable(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    before = len(runs_of(box))
    box.faults.throttle(0.3, service="glue", seed=1)
    box.faults.quota(0.3, seed=3)
    box.faults.s3_unavailable(0.05, seed=2)
    box.faults.lag(3)
    box.faults.slow_runnable(1)
    values = opened().session.evaluate([quick(i, str(tmp_path)) for i in range(12)])
    assert values == [2 * i for i in range(12)]
    assert len(runs_of(box)) == before + 12
    assert ran(tmp_path) == {str(i): 1 for i in range(12)}


def test_a_quota_is_said_and_waited_for(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    box.faults.quota(1.0)
    watched = opened()
    run = watched.session.submit([quick(1, str(tmp_path)), quick(2, str(tmp_path))])
    text = "quick waits to be submitted: ResourceNumberLimitExceededException"
    eventually(lambda: any(text in notice.text for notice in watched.of(Notice)))
    assert not watched.of(RemoteJobAdded)
    box.faults.clear()
    assert run.result(60) == [2, 4]
    assert ran(tmp_path) == {"1": 1, "2": 1}


def test_what_waits_for_a_quota_is_cancelled(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    before = len(runs_of(box))
    box.faults.quota(1.0)
    watched = opened()
    run = watched.session.submit(quick(3, str(tmp_path)))
    eventually(lambda: box.requests["glue", "StartJobRun"] > 0)
    run.cancel()
    eventually(lambda: run.status == "cancelled")
    box.faults.clear()
    assert watched.session.evaluate(quick(4, str(tmp_path))) == 8
    assert len(runs_of(box)) == before + 1
    assert ran(tmp_path) == {"4": 1}


@pytest.mark.timeout(600)
def test_many_runs_are_watched_with_few_requests(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Twenty runs, five at once: pages of runs to watch them, whatever waits for room."""
    watched = opened(max_concurrent_runs=5, workers=9)
    began = time.monotonic()
    values = watched.session.evaluate([quick(i, str(tmp_path)) for i in range(20)])
    minutes = (time.monotonic() - began) / 60
    assert values == [2 * i for i in range(20)]
    assert ran(tmp_path) == {str(i): 1 for i in range(20)}
    asked = box.requests
    started = len(watched.of(RemoteJobAdded))
    refused = asked["glue", "StartJobRun"] - started
    looks = asked["glue", "GetJobRuns"] + asked["glue", "GetJobRun"]
    print(f"{minutes:.2f} min, refused {refused}, looks {looks}")
    assert started == 20
    assert asked["glue", "CreateJob"] == asked["glue", "GetJob"] == 1
    assert looks <= 30 * minutes + 10


def test_a_definition_that_was_deleted_is_created_again(
    box: Any, opened: Callable[..., Any]
) -> None:
    watched = opened(workers=8)
    assert watched.session.evaluate(quick(1)) == 2
    (added,) = watched.of(RemoteJobAdded)
    box.client("glue").delete_job(JobName=added.job.partition("@")[2])
    assert watched.session.evaluate(quick(2)) == 4
    assert box.requests["glue", "CreateJob"] == 2


def test_stopped_by_somebody_else_is_told(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened()
    run = watched.session.submit(slow(0, str(tmp_path / "never"), str(tmp_path)))
    eventually(lambda: bool(list(tmp_path.glob("began-*"))))
    (added,) = watched.of(RemoteJobAdded)
    id_, _, job = added.job.partition("@")
    box.client("glue").batch_stop_job_run(JobName=job, JobRunIds=[id_])
    with pytest.raises((TaskError, ExecutorError), match="its Glue run was stopped"):
        run.result()


def test_expired_credentials_pause_and_it_resumes(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    watched = opened()
    run = watched.session.submit([slow(i, str(gate), str(tmp_path)) for i in range(2)])
    eventually(lambda: len(ran(tmp_path, "began")) == 2)
    box.faults.expire_credentials()
    eventually(lambda: any(c.status == "paused" for c in watched.of(RemoteJobChanged)))
    gate.touch()
    time.sleep(2)
    assert run.status == "running"
    box.renew_credentials()
    assert run.result(120) == [0, 1]
    assert set(ran(tmp_path, "began").values()) == {1}
