"""Calls as Batch jobs, over the wire, each child a process."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.executors.batch.support.calls import slow, work
from tests.support.aws import aws

import cellgraph as cg
from cellgraph.errors import CallCancelled, ConfigError, LimitError, TaskError
from cellgraph.events import (
    CallFailed,
    Notice,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
)
from cellgraph.testing.executor_lab import eventually

pytestmark = pytest.mark.aws


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    """Each child starts Python anew, as it does in a container."""
    with aws(vcpus=4) as box:
        yield box


def submissions(box: Any) -> int:
    return int(box.requests["batch", "SubmitJob"])


def on_record(box: Any, uri: str) -> list[str]:
    """The jobs that others would wait for."""
    prefix = uri.removeprefix(f"s3://{box.bucket}/") + "/pending/"
    found = box.client("s3").list_objects_v2(Bucket=box.bucket, Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", ())]


@pytest.mark.sandboxed
def test_an_array_a_retry_and_what_was_said(
    box: Any, uri: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """One submission for four calls; the one that fails leaves again, alone, and is not lost."""
    table = np.arange(1_000, 41_000, dtype=np.int64)
    retrying = work.options(retries=1)
    watched = opened(usd_per_vcpu_hour=0.05)
    session = watched.session
    calls = [retrying(i, table, str(tmp_path)) for i in range(4)]
    values = session.evaluate(calls)
    assert values[0] == 1_000
    assert values[1] == 1_003
    assert values[3] == 1_009
    np.testing.assert_array_equal(values[2], table * 2)
    assert sorted(p.read_text() for p in tmp_path.glob("ran-*")) == ["x", "x", "x", "xx"]

    assert submissions(box) == 2
    assert box.requests["batch", "RegisterJobDefinition"] == 1
    assert box.requests["batch", "ListJobs"] <= 3  # running children, within the allowance
    assert box.requests["logs", "GetLogEvents"] == 0
    array, single = watched.of(RemoteJobAdded)
    assert (array.kind, array.calls, array.calls_per_child) == ("array", (0, 1, 2, 3), 1)
    assert (single.kind, single.calls) == ("job", (1,))
    assert array.usd_per_vcpu_hour == 0.05
    (failed,) = watched.of(CallFailed)
    assert failed.will_retry
    assert "raise ValueError" in failed.traceback
    assert "no rows in 1" in failed.error
    ended = {
        (event.job, child.child): child
        for event in watched.of(RemoteChildrenEnded)
        for child in event.children
    }
    assert len(ended) == 5
    assert ended[array.job, 1].failed
    assert ended[array.job, 1].exit_code == 1
    assert sum(child.failed for child in ended.values()) == 1
    assert all(child.elapsed_s > 0 for child in ended.values())
    notices = [n.text for n in watched.of(Notice) if "goes on without this kernel" in n.text]
    assert len(notices) == 1

    # another machine reads it all, the large value too, without running anything
    box.forget_requests()
    assert session.submit(calls[0]).result() == 1_000
    session.close()
    assert on_record(box, uri) == []
    other = opened().session
    run = other.submit(calls)
    np.testing.assert_array_equal(run.result()[2], table * 2)
    assert run.counts.executed == 0
    assert submissions(box) == 0


@pytest.mark.sandboxed
def test_interrupted_and_met_again(
    box: Any, opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C lets go; the same calls, in another session and on another machine, attach."""
    gate, traces = tmp_path / "gate", tmp_path / "traces"
    traces.mkdir()
    calls = [slow(i, str(gate), str(traces)) for i in range(3)]
    first = opened()
    run = first.session.submit(calls)
    eventually(lambda: len(list(traces.iterdir())) == 3)
    run.let_go()
    with pytest.raises(CallCancelled):
        run.result()
    first.session.close()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    second = opened()
    again = second.session.submit([*calls[:2], slow(3, str(gate), str(traces))])
    eventually(lambda: len(second.of(RemoteJobAdded)) == 2)
    attached = [added for added in second.of(RemoteJobAdded) if added.attached]
    assert [sorted(added.calls) for added in attached] == [[-1, 0, 1]]
    gate.touch()
    assert again.result() == [0, 1, 3]
    # what nobody had asked for until now was not collected, and is not run again either
    assert second.session.evaluate(calls) == [0, 1, 2]
    began = Counter(path.name.split("-")[1] for path in traces.iterdir())
    assert began == {"0": 1, "1": 1, "2": 1, "3": 1}
    assert submissions(box) == 2


@pytest.mark.sandboxed
@pytest.mark.slow
def test_cancelled_is_terminated(box: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    watched = opened()
    gate = tmp_path / "never"
    run = watched.session.submit([slow(i, str(gate), str(tmp_path)) for i in range(2)])
    eventually(lambda: len(list(tmp_path.glob("began-*"))) == 2)
    run.cancel()
    with pytest.raises(CallCancelled):
        run.result()
    (added,) = watched.of(RemoteJobAdded)
    batch = box.client("batch")

    def status() -> str:
        (job,) = batch.describe_jobs(jobs=[added.job])["jobs"]
        return str(job["status"])

    eventually(lambda: status() == "FAILED")


@pytest.mark.sandboxed
@pytest.mark.slow
def test_several_calls_in_a_child_and_two_kernels_that_want_the_same(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    packed = slow.options(calls_per_job=4)
    gate = tmp_path / "gate"
    one, other = opened().session, opened().session
    calls = [packed(i, str(gate), str(tmp_path)) for i in range(6)]
    first = one.submit(calls)
    eventually(lambda: len(list(tmp_path.glob("began-*"))) == 2)
    second = other.submit(calls)
    eventually(lambda: box.requests["s3", "ListObjectsV2"] > 0)
    threading.Timer(1.0, gate.touch).start()
    assert first.result() == second.result() == list(range(6))
    assert len(list(tmp_path.glob("began-*"))) == 6
    assert submissions(box) == 1


def test_what_cannot_be_is_said_before_anything_is_sent(
    box: Any, opened: Callable[..., Any], tmp_path: Path, uri: str
) -> None:
    def refused(session: cg.Session, call: Any, **limits: Any) -> str:
        with pytest.raises((ConfigError, LimitError, TaskError)) as caught:
            session.evaluate(call, **limits)
        return str(caught.value)

    call = work(0, np.zeros(1))
    with cg.Session(store=tmp_path / "store", executors={"batch": box.batch}) as local:
        assert "s3://bucket/prefix" in refused(local, call)
        with pytest.raises(ConfigError, match="on this machine"):
            local.submit(call, on="batch")
    assert "queue=" in refused(opened(queue="").session, call)
    assert "image=" in refused(opened(image="").session, call)
    assert "max_remote_calls=0" in refused(opened().session, call, max_remote_calls=0)
    with pytest.raises(ConfigError, match="runs calls on this machine"):
        opened().session.submit(call, on="thread")
    assert submissions(box) == 0


@pytest.mark.sandboxed
@pytest.mark.slow
def test_states_are_told(box: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    watched = opened()
    run = watched.session.submit(slow(0, str(gate), str(tmp_path)))
    eventually(lambda: any(c.running_children == (0,) for c in watched.of(RemoteJobChanged)))
    gate.touch()
    assert run.result() == 0
