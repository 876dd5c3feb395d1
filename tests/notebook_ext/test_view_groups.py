"""Calls -> groups -> boxes: what is shown as one, and that it stays one."""

import tracemalloc
from collections.abc import Sequence

import pytest

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallFailed,
    CallLinked,
    CallsAdded,
    CallsFinished,
    CallsLinked,
    CallsReused,
    CallsStarted,
    Event,
    RunStarted,
)
from cellgraph_notebook.folding import SHOWN_LIMIT
from cellgraph_notebook.snapshot import GroupState, Snapshot
from cellgraph_notebook.statuses import NAMES
from cellgraph_notebook.view_model import RunModel

RUN = "r1"


def call(
    number: int, task: str, upstream: Sequence[int] = (), parent: int = -1, executor: str = "thread"
) -> CallAdded:
    return CallAdded(number, task, executor, tuple(upstream), parent)


def added(*calls: CallAdded) -> CallsAdded:
    return CallsAdded(RUN, calls)


def reused(*calls: int, elapsed_s: float = 1.0) -> CallsReused:
    return CallsReused(RUN, tuple(CallDone(c, elapsed_s) for c in calls))


def failed(number: int, error: str, *, will_retry: bool = False, traceback: str = "") -> CallFailed:
    return CallFailed(RUN, number, error, traceback, 1, will_retry)


def model(*events: Event) -> RunModel:
    made = RunModel()
    made.apply(RunStarted(RUN, "report(…)", 0.0))
    for event in events:
        made.apply(event)
    return made


def groups(snapshot: Snapshot) -> dict[str, GroupState]:
    return {group["key"]: group for group in snapshot["groups"]}


def flow(snapshot: Snapshot) -> set[tuple[str, str]]:
    key = {group["id"]: group["key"] for group in snapshot["groups"]}
    return {(key[a], key[b]) for a, b in snapshot["edges"]}


def counted(group: GroupState) -> dict[str, int]:
    return {NAMES[code]: n for code, n in enumerate(group["counts"]) if n}


def fan_out(width: int) -> list[CallAdded]:
    loads = [call(n, "load") for n in range(width)]
    fits = [call(width + n, "fit", [n]) for n in range(width)]
    return [*loads, *fits, call(2 * width, "best", range(width, 2 * width))]


def test_fan_out_siblings_are_one_group() -> None:
    told = model(added(*fan_out(60))).snapshot(1.0)
    assert {key: g["size"] for key, g in groups(told).items()} == {"load": 60, "fit": 60, "best": 1}
    assert flow(told) == {("load", "fit"), ("fit", "best")}


def test_one_task_over_other_groups_is_another_group_with_a_key_of_its_own() -> None:
    calls = [call(0, "left"), call(1, "right"), call(2, "clean", [0]), call(3, "clean", [1])]
    told = model(added(*calls)).snapshot(1.0)
    assert list(groups(told)) == ["left", "right", "clean", "clean~2"]


def test_a_chain_of_one_task_is_one_group() -> None:
    chain = [call(0, "init"), *(call(n, "step", [n - 1]) for n in range(1, 5_000))]
    told = model(added(*chain, call(5_000, "report", [4_999]))).snapshot(1.0)
    assert flow(told) == {("init", "step"), ("step", "report")}
    assert groups(told)["step"]["size"] == 4_999


def test_a_recursion_through_a_helper_task_is_two_groups() -> None:
    calls: list[CallAdded] = []

    def fib(n: int, parent: int) -> int:
        number = len(calls)
        calls.append(call(number, "fib", parent=parent))
        if n > 1:
            parts = [fib(n - 1, number), fib(n - 2, number)]
            calls.append(call(len(calls), "add", parts, parent=number))
        return number

    fib(7, -1)
    told = model(added(*calls, call(len(calls), "show", [0]))).snapshot(1.0)
    assert flow(told) == {("fib", "add"), ("add", "show")}


def test_what_a_body_returned_stands_between_the_call_and_its_consumers() -> None:
    calls = [call(0, "main"), call(1, "load", parent=0), call(2, "fit", [1], parent=0)]
    told = model(added(*calls, call(3, "plot", [0]))).snapshot(1.0)
    assert flow(told) == {("main", "load"), ("load", "fit"), ("fit", "plot")}


def linked(*calls: tuple[int, Sequence[int]]) -> CallsLinked:
    return CallsLinked(RUN, tuple(CallLinked(call, tuple(ups)) for call, ups in calls))


def test_what_came_of_a_lazy_map_stands_between() -> None:
    made = model(
        added(call(0, "daily"), call(1, "report", [0])),
        added(*(call(n, "trend", [0]) for n in (2, 3))),
    )
    before = made.snapshot(0.0)
    assert flow(before) == {("daily", "report"), ("daily", "trend")}
    made.apply(linked((1, (2, 3))))
    after = made.snapshot(0.0, since=before["revision"])
    assert after["whole"], "the picture is another one"
    assert flow(after) == {("daily", "trend"), ("trend", "report")}


def test_of_several_consumers_the_first_word_goes_with_the_last() -> None:
    made = model(
        added(call(0, "daily"), call(1, "report", [0]), call(2, "report", [0])),
        added(call(3, "trend", [0])),
        linked((1, [3])),
    )
    edges = {("daily", "trend"), ("trend", "report")}
    assert flow(made.snapshot(0.0)) == edges | {("daily", "report")}
    made.apply(linked((2, [3]), (99, [1])))
    assert flow(made.snapshot(0.0)) == edges


@pytest.mark.parametrize("batch", [1, 4, 1_000])
def test_the_order_in_which_calls_are_told_does_not_change_the_groups(batch: int) -> None:
    calls = fan_out(20)[::-1]  # consumers first
    told = model(*(added(*calls[n : n + batch]) for n in range(0, len(calls), batch))).snapshot(1.0)
    assert flow(told) == {("load", "fit"), ("fit", "best")}
    assert sum(group["size"] for group in told["groups"]) == 41


def test_a_call_keeps_its_place_among_its_siblings_when_consumers_are_told_first() -> None:
    fits = [
        c for n in range(10) for c in (call(2 * n + 1, "fit", [2 * n + 2]), call(2 * n + 2, "load"))
    ]
    run = model(added(call(0, "best", range(1, 20, 2)), *fits), failed(15, "KeyError: 'chr'"))
    (cause,) = run.snapshot(1.0)["failures"] or []
    assert cause["calls"] == ["fit[7]"]


def test_a_status_told_before_its_call_is_counted_when_the_call_comes() -> None:
    run = model(reused(1), added(call(0, "fit"), call(1, "fit")))
    assert counted(groups(run.snapshot(1.0))["fit"]) == {"waiting": 1, "reused": 1}


def test_many_groups_are_folded_and_the_boxes_keep_their_numbers() -> None:
    run = model(*(added(call(n, f"task{n}", [n - 1] if n else [])) for n in range(90)))
    before = run.snapshot(1.0)
    assert len(before["groups"]) == SHOWN_LIMIT
    assert before["groups"][-1]["name"] == "51 more"
    assert sum(group["size"] for group in before["groups"]) == 90
    run.apply(added(call(90, "task90", [89])))
    assert run.snapshot(1.0)["order"] == before["order"]


def test_runs_of_reused_steps_fold_first() -> None:
    calls = [call(n, f"task{n}", [n - 1] if n else []) for n in range(60)]
    run = model(reused(*range(30)), added(*calls))
    told = run.snapshot(1.0)
    assert told["groups"][0]["name"] == "30 reused steps"
    assert len(told["groups"]) == 31


def test_two_tasks_that_alternate_for_ever_are_two_boxes_and_few_groups() -> None:
    calls = [call(n, "ab"[n % 2], [n - 1] if n else []) for n in range(20_000)]
    told = model(added(*calls)).snapshot(1.0)
    assert len(told["groups"]) == 2
    assert sum(group["size"] for group in told["groups"]) == 20_000


def test_a_call_costs_bytes_not_objects() -> None:
    calls = tuple(fan_out(25_000))
    numbers = tuple(c.call for c in calls)
    events: list[Event] = [
        CallsAdded(RUN, calls),
        CallsStarted(RUN, numbers, 0.0),
        CallsFinished(RUN, tuple(CallDone(n, 1.0) for n in numbers)),
    ]
    run = model()
    tracemalloc.start()
    for event in events:
        run.apply(event)
    kept, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20 * len(calls)
