"""The view model: what a reader is told about a run, from its events alone."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallFailed,
    CallLinked,
    CallProgress,
    CallsAdded,
    CallsElsewhere,
    CallsFinished,
    CallsLinked,
    CallsReused,
    CallsSkipped,
    CallsStarted,
    Event,
    LogText,
    Missed,
    MissesExplained,
    Notice,
    RunFinished,
    RunStarted,
)
from cellgraph_notebook.snapshot import GroupState, Snapshot, without_times
from cellgraph_notebook.statuses import (
    CANCELLED,
    DONE,
    FAILED,
    NAMES,
    REUSED,
    RUNNING,
    SKIPPED,
    WAITING,
)
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wording import group_lines, table_row, totals_line

RUN = "r1"


def call(
    number: int, task: str, upstream: Sequence[int] = (), parent: int = -1, executor: str = "thread"
) -> CallAdded:
    return CallAdded(number, task, executor, tuple(upstream), parent)


def added(*calls: CallAdded) -> CallsAdded:
    return CallsAdded(RUN, calls)


def done(*calls: int, elapsed_s: float = 1.0) -> CallsFinished:
    return CallsFinished(RUN, tuple(CallDone(c, elapsed_s) for c in calls))


def reused(*calls: int, elapsed_s: float = 1.0) -> CallsReused:
    return CallsReused(RUN, tuple(CallDone(c, elapsed_s) for c in calls))


def started(*calls: int, at: float = 0.0) -> CallsStarted:
    return CallsStarted(RUN, calls, at)


def failed(number: int, error: str, *, will_retry: bool = False, traceback: str = "") -> CallFailed:
    return CallFailed(RUN, number, error, traceback, 1, will_retry)


def finished(status: str = "done", *, reused: int = 0, failed: int = 0) -> RunFinished:
    assert status in ("done", "failed", "cancelled")
    return RunFinished(RUN, status, 9.0, 9.0, 0, reused, failed, 0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # asserted above


def model(*events: Event) -> RunModel:
    made = RunModel()
    made.apply(RunStarted(RUN, "report(…)", 0.0))
    for event in events:
        made.apply(event)
    return made


def groups(snapshot: Snapshot) -> dict[str, GroupState]:
    return {group["key"]: group for group in snapshot["groups"]}


def counted(group: GroupState) -> dict[str, int]:
    return {NAMES[code]: n for code, n in enumerate(group["counts"]) if n}


def fan_out(width: int) -> list[CallAdded]:
    loads = [call(n, "load") for n in range(width)]
    fits = [call(width + n, "fit", [n]) for n in range(width)]
    return [*loads, *fits, call(2 * width, "best", range(width, 2 * width))]


def test_every_status_is_counted_where_it_belongs() -> None:
    run = model(
        added(*(call(n, "fit") for n in range(7))),
        started(1, 2, 4, 5),
        done(2),
        reused(3),
        failed(4, "ValueError: x"),
        CallsSkipped(RUN, (5, 6)),
    )
    group = groups(run.snapshot(1.0))["fit"]
    assert counted(group) == dict.fromkeys(NAMES, 1)
    assert group["status"] == "running"


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({WAITING: 3}, "waiting"),
        ({WAITING: 3, REUSED: 2}, "waiting"),
        ({WAITING: 3, DONE: 1}, "running"),
        ({RUNNING: 1, FAILED: 2}, "running"),
        ({DONE: 1, FAILED: 1, REUSED: 1}, "failed"),
        ({DONE: 1, SKIPPED: 1}, "skipped"),
        ({CANCELLED: 1, DONE: 5}, "cancelled"),
        ({DONE: 1, REUSED: 5}, "done"),
        ({REUSED: 5}, "reused"),
    ],
)
def test_the_status_of_a_group(counts: dict[int, int], status: str) -> None:
    calls = iter(range(100))
    run = model(added(*(call(n, "fit") for n in range(sum(counts.values())))))
    for code, count in counts.items():
        numbers = [next(calls) for _ in range(count)]
        if code in (RUNNING, CANCELLED):
            run.apply(started(*numbers))
        if code == DONE:
            run.apply(done(*numbers))
        if code == REUSED:
            run.apply(reused(*numbers))
        if code in (SKIPPED, CANCELLED):
            run.apply(CallsSkipped(RUN, tuple(numbers)))
        for number in numbers if code == FAILED else ():
            run.apply(failed(number, "ValueError"))
    assert groups(run.snapshot(1.0))["fit"]["status"] == status


def test_an_attempt_that_is_repeated_is_no_failure() -> None:
    run = model(added(call(0, "fit")), started(0), failed(0, "OSError: busy", will_retry=True))
    told = run.snapshot(1.0)
    assert told["failures"] == []
    assert groups(told)["fit"]["retried"] == 1
    assert groups(told)["fit"]["status"] == "waiting"


def test_failures_are_grouped_by_cause_and_name_their_calls() -> None:
    trace = "Traceback\n  File \"/home/me/steps.py\", line 6, in align\n    x\nKeyError: 'chr'"
    run = model(
        added(*(call(n, "align") for n in range(1_000))),
        LogText(RUN, 411, "stderr", "reading\nno column\n"),
        failed(411, "KeyError: 'chr'", traceback=trace),
        failed(733, "KeyError: 'chr'"),
        failed(5, "OutOfMemory: 7.9 of 8 GiB"),
        failed(6, "OutOfMemory: 7.8 of 8 GiB"),
    )
    first, second = run.snapshot(1.0)["failures"] or []
    assert (first["calls"], first["count"]) == (["align[411]", "align[733]"], 2)
    assert first["where"] == "align, line 6 of steps.py"
    assert first["log"] == "reading\nno column\n"
    assert (second["calls"], second["error"]) == (
        ["align[5]", "align[6]"],
        "OutOfMemory: 7.9 of 8 GiB",
    )


def test_causes_are_bounded_and_the_rest_is_counted() -> None:
    run = model(added(*(call(n, "fit") for n in range(90))))
    for n in range(90):
        run.apply(failed(n, "Error: " + chr(0x4E00 + n)))
    told = run.snapshot(1.0)
    assert len(told["failures"] or []) + told["unlisted"] == 90
    assert told["unlisted"] == 40


def test_reasons_are_told_per_task_most_frequent_first() -> None:
    misses = (Missed("fit", "new arguments", 2), Missed("fit", "helper clean() line 3", 58))
    run = model(added(*fan_out(60)), MissesExplained(RUN, misses), reused(*range(60)))
    told = groups(run.snapshot(1.0))
    assert told["fit"]["reasons"] == ["helper clean() line 3 (58)", "new arguments (2)"]
    assert told["load"]["reasons"] == []


def test_logs_are_bounded_and_the_last_printing_call_speaks_for_its_group() -> None:
    run = model(added(*(call(n, "fit") for n in range(500))))
    for n in range(500):
        run.apply(LogText(RUN, n, "stdout", "x" * 10_000 + f"{n}\n"))
    group = groups(run.snapshot(1.0))["fit"]
    assert group["log_of"] == "fit[499]"
    assert group["log"].endswith("499\n") and len(group["log"]) == 4_000


def test_notices_are_told_once() -> None:
    run = model(
        Notice(RUN, "fit uses the present clean"), Notice(RUN, "fit uses the present clean")
    )
    assert run.snapshot(1.0)["notices"] == ["fit uses the present clean"]


def test_calls_of_another_session_are_told_until_they_are_decided() -> None:
    run = model(added(*(call(n, "fit") for n in range(6))), CallsElsewhere(RUN, (1, 2, 3, 4)))
    assert run.snapshot(1.0)["totals"]["elsewhere"] == 4
    run.apply(reused(1, elapsed_s=1.0))
    run.apply(started(2))  # its session has died: it runs here
    totals = run.snapshot(1.0)["totals"]
    assert totals["elsewhere"] == 2
    said = "".join(part.text for part in totals_line(totals))
    assert "1 running · 2 computed by another session" in said
    run.apply(RunFinished(RUN, "cancelled", 2.0, 2.0, 0, 1, 0, 0.0))
    assert run.snapshot(3.0)["totals"]["elsewhere"] == 0


def test_quantiles_saved_time_and_totals() -> None:
    run = model(added(*(call(n, "fit") for n in range(102))), started(*range(101)))
    run.apply(CallsFinished(RUN, tuple(CallDone(n, float(n)) for n in range(101))))
    run.apply(reused(101, elapsed_s=3600.0))
    told = run.snapshot(1.0)
    group = groups(told)["fit"]
    assert (group["p50_s"], group["p95_s"], group["ran_s"]) == (50.0, 95.0, 5050.0)
    assert told["totals"]["saved_s"] == 3600.0
    assert told["totals"]["calls"] == 102


def test_quantiles_of_many_calls_come_from_a_bounded_even_sample() -> None:
    run = model(added(*(call(n, "fit") for n in range(20_000))))
    run.apply(CallsFinished(RUN, tuple(CallDone(n, float(n)) for n in range(20_000))))
    group = groups(run.snapshot(1.0))["fit"]
    assert group["p50_s"] == pytest.approx(10_000, rel=0.01)
    assert group["p95_s"] == pytest.approx(19_000, rel=0.01)


def test_the_time_left_follows_the_rate_seen_so_far() -> None:
    run = model(added(*(call(n, "fit") for n in range(100))), started(*range(10), at=100.0))
    assert run.snapshot(110.0)["totals"]["eta_s"] is None
    run.apply(done(*range(10), elapsed_s=10.0))
    # Ten calls of ten seconds took ten seconds: ninety more take ninety.
    assert run.snapshot(110.0)["totals"]["eta_s"] == pytest.approx(90.0)


def test_no_time_left_is_told_while_most_of_the_work_is_unknown() -> None:
    run = model(added(*fan_out(50)), started(*range(50)), done(*range(49)))
    assert run.snapshot(60.0)["totals"]["eta_s"] is None


def test_what_changed_since_a_revision_is_all_that_is_told() -> None:
    run = model(added(*fan_out(10)))
    first = run.snapshot(1.0)
    run.apply(done(0))
    later = run.snapshot(1.0, first["revision"])
    assert [group["key"] for group in later["groups"]] == ["load"]
    assert not later["whole"] and later["failures"] is None
    assert run.snapshot(1.0, later["revision"])["groups"] == []
    run.apply(added(call(100, "report", [20])))
    assert run.snapshot(1.0, later["revision"])["whole"]


def test_a_single_running_call_is_told_anew_as_its_time_passes() -> None:
    run = model(added(call(0, "fit")), started(0, at=5.0))
    since = run.snapshot(6.0)["revision"]
    assert [group["running_s"] for group in run.snapshot(9.0, since)["groups"]] == [4.0]


def test_a_cancelled_run_leaves_nothing_running() -> None:
    run = model(added(*fan_out(2)), started(0, 1), done(0), finished("cancelled"))
    told = run.snapshot(10.0)
    assert told["status"] == "cancelled"
    assert told["totals"]["counts"][CANCELLED] == 4
    assert told["totals"]["counts"][DONE] == 1


def test_after_a_failed_run_what_never_started_was_skipped() -> None:
    run = model(added(*fan_out(2)), failed(0, "ValueError"), finished("failed", failed=1))
    counts = run.snapshot(10.0)["totals"]["counts"]
    assert (counts[FAILED], counts[SKIPPED]) == (1, 4)


def test_a_stopped_job_that_reports_after_the_end_did_not_fail() -> None:
    run = model(added(*fan_out(2)), started(0, 1), finished("cancelled"))
    before = run.snapshot(9.0)
    run.apply(failed(0, "CallCancelled: load was cancelled"))
    assert run.snapshot(9.0) == before


def test_a_run_whose_end_was_never_told_ends_as_cancelled() -> None:
    run = model(added(*fan_out(2)), started(0), done(0))
    run.abandon(4.0)
    told = run.snapshot(99.0)
    assert told["status"] == "cancelled"
    assert told["totals"]["elapsed_s"] == 4.0


def test_a_replay_counts_calls_that_were_never_added() -> None:
    run = model(added(call(0, "report")), reused(0), finished(reused=1_205))
    totals = run.snapshot(10.0)["totals"]
    assert (totals["calls"], totals["counts"][REUSED]) == (1_205, 1_205)


def test_without_a_run_calls_are_a_plan() -> None:
    plan = RunModel("report(…)")
    plan.apply(added(*fan_out(3)))
    assert plan.snapshot(0.0)["status"] == "planned"


def test_without_times_two_runs_of_the_same_calls_are_equal() -> None:
    def run(pace: float, first: int) -> Snapshot:
        made = model(added(*fan_out(4)))
        made.apply(started(0, 1, 2, 3, at=pace))
        made.apply(done(first, elapsed_s=pace))
        made.apply(done(*({0, 1, 2, 3} - {first}), elapsed_s=2 * pace))
        made.apply(RunFinished(f"run{pace}", "done", pace, pace, 4, 0, 0, pace))
        told = without_times(made.snapshot(pace))
        told["revision"] = 0
        return told

    assert run(1.0, 0) == run(2.5, 3)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Any events in any order: calls told late, twice or never, in any state."""
    numbers = st.integers(0, 12)
    batch = st.lists(numbers, max_size=4).map(tuple)
    one = st.one_of(
        st.builds(
            call,
            numbers,
            st.sampled_from("abc"),
            st.lists(numbers, max_size=3),
            st.integers(-1, 12),
        ).map(added),
        batch.map(lambda calls: CallsStarted(RUN, calls, 1.0)),
        batch.map(lambda calls: done(*calls)),
        batch.map(lambda calls: reused(*calls)),
        batch.map(lambda calls: CallsSkipped(RUN, calls)),
        st.builds(CallLinked, numbers, batch).map(lambda call: CallsLinked(RUN, (call,))),
        numbers.map(lambda n: failed(n, "E")),
        numbers.map(lambda n: LogText(RUN, n, "stdout", "hi")),
    )
    return draw(st.lists(one, max_size=30))


@given(streams())
def test_any_stream_leaves_counts_that_add_up(events: list[Event]) -> None:
    run = model(*events)
    told = run.snapshot(2.0)
    calls = {c.call for e in events if isinstance(e, CallsAdded) for c in e.calls}
    assert told["totals"]["calls"] == len(calls) == sum(g["size"] for g in told["groups"])
    for group in told["groups"]:
        assert min(group["counts"]) >= 0
        assert sum(group["counts"]) == group["size"]
    shown = set(told["order"])
    assert all(a in shown and b in shown and a != b for a, b in told["edges"])
    json.dumps(told)


def test_a_call_says_how_far_it_is() -> None:
    model = RunModel()
    for event in (
        RunStarted("r", "fit(x)", 0.0),
        CallsAdded("r", (CallAdded(0, "fit", "thread", (), -1),)),
        CallsStarted("r", (0,), 1.0),
    ):
        model.apply(event)
    before = model.snapshot(2.0)
    assert group_lines(before["groups"][0]) == ["running 1.0 s"]
    model.apply(CallProgress("r", 0, 3, 12, "chromosome 3"))
    (group,) = model.snapshot(41.0, since=before["revision"])["groups"]
    assert group_lines(group) == [
        "3 of 12 · chromosome 3 · 40 s", "3 of 12 · chromosome 3", "3 of 12", "running 40 s",
    ]  # fmt: skip
    assert table_row(group)[1] == "▶ running · 3 of 12 · chromosome 3"
    model.apply(CallProgress("r", 0, 4, 0, ""))
    assert model.snapshot(41.0)["groups"][0]["progress"] == ["4 done"]
    model.apply(CallProgress("r", 0, 5, 8, "5 of 8 Spark tasks, stage 1"))
    assert model.snapshot(41.0)["groups"][0]["progress"][0] == "5 of 8 Spark tasks, stage 1"
    model.apply(CallsFinished("r", (CallDone(0, 50.0),)))
    (group,) = model.snapshot(61.0)["groups"]
    assert group["progress"] == []
    assert group_lines(group) == ["50 s"]
