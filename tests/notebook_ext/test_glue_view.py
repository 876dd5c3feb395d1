"""A run of Glue in the view: how far it is, what it takes, and what is measured."""

import io

import pytest

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallProgress,
    CallsAdded,
    CallsFinished,
    ChildEnded,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
    RemoteStatus,
    RunStarted,
)
from cellgraph_notebook.remote_wording import job_bar, job_line
from cellgraph_notebook.snapshot import JobState
from cellgraph_notebook.statuses import BAR, DONE, RUNNING
from cellgraph_notebook.svg import run_svg
from cellgraph_notebook.text_view import LogPainter
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wire import Wire

RUN, JOB = "r1", "jr_7f3a1c22@cellgraph-1"


def model() -> RunModel:
    """A Spark step on ten DPUs at 0.44 dollars an hour, sent at 101."""
    made = RunModel()
    made.apply(RunStarted(RUN, "joined(sales)", 100.0))
    made.apply(CallsAdded(RUN, (CallAdded(0, "joined", "glue", (), -1),)))
    added = RemoteJobAdded(RUN, JOB, "glue", "glue", "joined", (0,), 1, 40.0, 101.0, False, 0.11)
    made.apply(added)
    return made


def changed(status: RemoteStatus, at: float, vcpu_s: float = 0.0) -> RemoteJobChanged:
    running = status == "running"
    return RemoteJobChanged(RUN, JOB, status, 0, running, 0, 0, (0,) * running, at, "", vcpu_s)


def state(made: RunModel, now: float) -> JobState:
    (job,) = made.snapshot(now)["jobs"]
    return job


def test_a_run_says_how_far_it_is_and_what_it_takes() -> None:
    made = model()
    where = "joined · AWS Glue run jr_7f3a1 · 10 DPU · "
    assert job_line(state(made, 110.0)) == where + "submitted"
    made.apply(changed("running", 160.0))
    assert job_line(state(made, 520.0)) == where + "running 6 min · ≈ 1.00 DPU-h · ≈ $0.44"
    made.apply(CallProgress(RUN, 0, 12, 40, "12 of 40 Spark tasks, stage 2, 4 running"))
    job = state(made, 520.0)
    assert "running 6 min · 12 of 40 Spark tasks, stage 2, 4 running · ≈ 1.00 DPU-h" in job_line(
        job
    )
    assert (job_bar(job)[DONE], job_bar(job)[RUNNING]) == (300, 700)
    assert "12 of 40 Spark tasks" in run_svg(made.snapshot(520.0))
    message = Wire().message(made.snapshot(520.0))
    (shown,) = message.get("jobs", [])
    assert shown["bar"][BAR.index(DONE)] == 300
    made.apply(CallProgress(RUN, 0, 3, 4, ""))
    assert "3 of 4" in job_line(state(made, 520.0))


def test_what_the_service_measures_counts_and_is_no_estimate() -> None:
    made = model()
    made.apply(changed("running", 160.0))
    made.apply(CallProgress(RUN, 0, 12, 40, "12 of 40 Spark tasks"))
    made.apply(CallsFinished(RUN, (CallDone(0, 300.0),)))
    ended = ChildEnded(0, 1, 59.0, 360.0, False, 0, "", "")
    made.apply(RemoteChildrenEnded(RUN, JOB, (ended,)))
    made.apply(changed("done", 520.0))
    said = job_line(state(made, 600.0))
    assert said.endswith("done · queued 59 s · ≈ 1.00 DPU-h · ≈ $0.44")
    made.apply(changed("done", 530.0, vcpu_s=40.0 * 180))
    said = job_line(state(made, 600.0))
    assert said.endswith("0.50 DPU-h · $0.22") and "≈" not in said and "Spark" not in said
    assert state(made, 600.0)["vcpu_hours"] == pytest.approx(2.0)


def test_a_log_has_a_line_for_each_quarter() -> None:
    made, stream = model(), io.StringIO()
    painter = LogPainter(stream)
    painter.open(made, 101.0)
    made.apply(changed("running", 160.0))
    for done in range(0, 41, 2):
        made.apply(CallProgress(RUN, 0, done, 40, f"{done} of 40 Spark tasks"))
        painter.paint(made, 200.0)
    lines = [line for line in stream.getvalue().splitlines() if "AWS Glue run" in line]
    assert len(lines) == 1 + 5  # sent; then at 0, 10, 20, 30 and 40
    assert "20 of 40 Spark tasks" in lines[3]
