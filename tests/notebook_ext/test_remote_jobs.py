"""Jobs on other machines in the view: states of children, words, strip, picture, text, wire."""

import io
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallFailed,
    CallsAdded,
    CallsFinished,
    ChildEnded,
    Event,
    LogText,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
    RemoteKind,
    RemoteStatus,
    RunFinished,
    RunStarted,
)
from cellgraph_notebook.remote_jobs import RemoteJob
from cellgraph_notebook.remote_wording import job_facts, job_line, job_where
from cellgraph_notebook.snapshot import JobState, without_times
from cellgraph_notebook.static_view import run_bundle
from cellgraph_notebook.strip import stretches, strip
from cellgraph_notebook.svg import run_svg
from cellgraph_notebook.text_table import report
from cellgraph_notebook.text_view import LogPainter
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wire import Wire

RUN, JOB = "r1", "7f3a1c22-aaaa-bbbb"


def model_of(*events: Event, calls: int = 20, task: str = "align") -> RunModel:
    model = RunModel()
    model.apply(RunStarted(RUN, "merge(align(…) ×20)", 100.0))
    added = tuple(CallAdded(n, task, "batch", (), -1) for n in range(calls))
    model.apply(CallsAdded(RUN, added))
    for event in events:
        model.apply(event)
    return model


def left(
    calls: Sequence[int] = range(20),
    job: str = JOB,
    kind: RemoteKind = "array",
    each: int = 1,
    price: float = 0.0,
) -> RemoteJobAdded:
    return RemoteJobAdded(
        RUN, job, kind, "batch", "align", tuple(calls), each, 4.0, 101.0, False, price
    )


def now(
    status: RemoteStatus, running: Sequence[int] = (), *, count: int = -1, note: str = ""
) -> RemoteJobChanged:
    running_count = len(running) if count < 0 else count
    return RemoteJobChanged(RUN, JOB, status, 0, running_count, 0, 0, tuple(running), 102.0, note)


def ended(*children: ChildEnded) -> RemoteChildrenEnded:
    return RemoteChildrenEnded(RUN, JOB, children)


def child(
    number: int, *, failed: bool = False, attempt: int = 1, elapsed_s: float = 36.0,
    waited_s: float = 12.0, exit_code: int = 0, reason: str = "",
) -> ChildEnded:  # fmt: skip
    return ChildEnded(number, attempt, waited_s, elapsed_s, failed, exit_code, reason, "log")


def finished(*calls: int) -> CallsFinished:
    return CallsFinished(RUN, tuple(CallDone(c, 36.0) for c in calls))


def lost(call: int, *, will_retry: bool = False) -> CallFailed:
    return CallFailed(RUN, call, "OutOfMemory: used 8 of 8 GiB", "", 1, will_retry)


def the_job(model: RunModel) -> JobState:
    (job,) = model.snapshot(200.0)["jobs"]
    return job


def test_children_are_told_by_index() -> None:
    job = the_job(model_of(left(), now("running", [3, 4]), finished(0, 1), lost(2)))
    assert job["cells"] == "22411" + "0" * 15
    assert job_facts(job) == "1 failed · 2 done · 2 running · 15 waiting"
    assert job_where(job) == "AWS Batch array 7f3a1c22 · 4 vCPU"


def test_of_too_many_children_only_the_number_of_running_ones_is_told() -> None:
    job = the_job(model_of(left(), now("running", count=7), finished(0)))
    assert job["cells"] == "2" + "0" * 19
    assert job_facts(job) == "1 done · 7 running · 12 waiting"


def test_more_running_ones_than_there_can_be_are_not_believed() -> None:
    job = the_job(model_of(left(), finished(*range(19)), now("running", count=5)))
    assert job_facts(job) == "19 done · 1 running"


def test_a_child_that_failed_stays_failed_in_its_job_when_another_job_repeats_it() -> None:
    again = left([2], job="second", kind="job")
    model = model_of(
        left(), lost(2, will_retry=True), ended(child(2, failed=True, exit_code=137)), again,
        finished(2),
    )  # fmt: skip
    first, second = model.snapshot(200.0)["jobs"]
    assert first["cells"][2] == "4"
    assert second["cells"] == ""
    assert job_facts(second) == "submitted"
    assert second["counts"][2] == 1


def test_a_child_of_several_calls_runs_until_all_are_done() -> None:
    model = model_of(left(each=8), finished(*range(11)), lost(17))
    job = the_job(model)
    assert job["cells"] == "214"
    assert model.about_child(model_job(model), 1)[0] == "align[8] – align[15] · child 1"


def model_job(model: RunModel, number: int = 0) -> RemoteJob:
    job = model.job(number)
    assert job is not None
    return job


def test_times_attempts_hours_and_price_come_from_children_that_ended() -> None:
    children = [child(n, elapsed_s=90.0 * (n + 1)) for n in range(10)]
    children.append(child(3, attempt=2, elapsed_s=360.0))
    job = the_job(model_of(left(price=0.05), ended(*children), now("running")))
    said = job_facts(job)
    assert "p50 7 min 30 s · p95 15 min · queued 12 s · 1 attempt repeated" in said
    assert f"{(sum(90 * n for n in range(1, 11)) + 360) * 4 / 3600:.2f} vCPU-h" in said
    assert "$0.30" in said


def test_a_failed_child_is_named_with_its_exit_code_reason_and_attempt() -> None:
    gone = child(2, failed=True, exit_code=137, reason="OutOfMemoryError", attempt=3)
    model = model_of(left(), lost(2), ended(gone), printed_by(2, "allocating\n"))
    (failed,) = the_job(model)["failed"]
    assert failed["call"] == "align[2]"
    about, printed = model.about_child(model_job(model), 2)
    assert about == "align[2] · child 2 · exit 137 · OutOfMemoryError · attempt 3"
    assert printed == "allocating"


def printed_by(call: int, text: str) -> LogText:
    return LogText(RUN, call, "stdout", text)


def test_a_child_that_is_tried_again_and_ends_well_is_not_among_the_failed() -> None:
    model = model_of(left(), ended(child(2, failed=True)), ended(child(2, attempt=2)))
    assert the_job(model)["failed"] == []


def test_what_goes_on_when_the_run_ends_is_detached() -> None:
    over = RunFinished(RUN, "cancelled", 150.0, 50.0, 2, 0, 0, 0.0)
    job = the_job(model_of(left(), now("running", [3]), finished(0, 1), over))
    assert job_facts(job).startswith("detached: it goes on without this run · 2 done")


def test_of_many_jobs_those_that_went_wrong_and_the_newest_have_room() -> None:
    jobs = [left([n], job=f"job{n}", kind="job") for n in range(20)]
    ends = [
        RemoteJobChanged(RUN, f"job{n}", "failed" if n == 1 else "done", 0, 0, 1, 0, (), 1.0, "")
        for n in range(20)
    ]
    snapshot = model_of(*jobs, *ends).snapshot(200.0)
    assert snapshot["hidden_jobs"] == 8
    assert [job["number"] for job in snapshot["jobs"]] == [1, *range(9, 20)]
    assert "and 8 more jobs: %jobs lists all of them" in report(snapshot)


def test_a_job_is_told_again_only_when_something_in_it_changed() -> None:
    model = model_of(left(range(10)), left(range(10, 20), job="other"))
    seen = model.revision
    assert model.snapshot(1.0, seen)["jobs"] == []
    model.apply(now("running", [1]))
    assert [job["number"] for job in model.snapshot(1.0, seen)["jobs"]] == [0]


def test_the_same_calls_look_the_same_whatever_service_ids_and_times_there_were() -> None:
    def run(job: str, seconds: float) -> str:
        events = (left(job=job), RemoteChildrenEnded(RUN, job, (child(0, elapsed_s=seconds),)))
        return report(without_times(model_of(*events, finished(0)).snapshot(1.0)))

    assert run("aaaa", 3.0) == run("bbbb", 4.0)


@given(st.integers(1, 30_000), st.floats(10, 2000))
def test_every_cell_has_a_place_in_the_strip(children: int, width: float) -> None:
    shape = strip(children, width)
    assert shape.columns * (shape.rows - 1) < children <= shape.columns * shape.rows
    assert shape.columns * shape.pitch <= max(width, shape.pitch)


@given(st.text("0123456", min_size=1, max_size=300), st.integers(1, 40))
def test_stretches_say_every_cell_once(cells: str, columns: int) -> None:
    drawn = [""] * -(-len(cells) // columns)
    for part in stretches(cells, columns):
        assert part.column == len(drawn[part.row])
        drawn[part.row] += str(part.code) * part.cells
    assert "".join(drawn) == cells


def big(children: int) -> RunModel:
    events: list[Event] = [
        left(range(children)),
        finished(*range(children - 50)),
        now("running", count=40),
    ]
    failed = [child(n, failed=True, exit_code=1) for n in range(5, 10)]
    return model_of(*events, ended(*failed), calls=children)


@pytest.mark.parametrize("children", [2, 1_000, 10_000])
def test_the_picture_holds_the_strip_and_stays_small(children: int) -> None:
    svg = run_svg(big(children).snapshot(1.0))
    ElementTree.fromstring(svg)
    assert "AWS Batch array 7f3a1c22" in svg
    assert len(svg) < 40_000
    if children > 10:
        assert "✕ align[5]" in svg
        assert "and 2 more failed" in svg


def test_the_settled_bundle_tells_the_job_in_text_too() -> None:
    data = run_bundle(big(200).snapshot(1.0)).data
    assert "align · AWS Batch array 7f3a1c22 · 4 vCPU · 5 failed · 145 done" in data["text/plain"]
    assert "  ✕ align[5] exit 1" in data["text/plain"]
    assert "  and 2 more failed" in data["text/plain"]


def test_a_log_has_a_line_for_each_state_of_a_job() -> None:
    stream = io.StringIO()
    painter, model = LogPainter(stream), model_of(left())
    painter.open(model, 1.0)
    model.apply(now("running", [0]))
    painter.paint(model, 2.0)
    model.apply(now("running", [1]))
    painter.paint(model, 3.0)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("submitted · 20 waiting")
    assert lines[1].endswith("1 running · 19 waiting")


def test_the_wire_sends_a_job_when_it_changed_and_the_order_when_that_did() -> None:
    wire, model = Wire(), model_of(left())
    first = wire.message(model.snapshot(1.0))
    assert [job["cells"] for job in first.get("jobs", [])] == ["0" * 20]
    assert first.get("job_order") == [0]
    seen = model.revision
    model.apply(finished(0))
    second = wire.message(model.snapshot(1.0, seen))
    assert [job["bar"][1] for job in second.get("jobs", [])] == [1]
    assert "job_order" not in second
    assert "jobs" not in wire.message(model.snapshot(1.0, model.revision))


def test_one_line_says_all_of_a_job() -> None:
    job = the_job(model_of(left([0], kind="job"), now("queued", note="no capacity")))
    assert job_line(job) == "align · AWS Batch job 7f3a1c22 · 4 vCPU · queued · no capacity"
