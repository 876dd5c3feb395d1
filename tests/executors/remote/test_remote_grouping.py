"""Which calls leave together, and when: with a clock that is moved by hand."""

from collections.abc import Mapping
from typing import Literal

import pytest

from cellgraph.executor import Function, Job, Resources
from cellgraph_executors.remote.grouping import MAX_ARRAY, Group, Grouping


def job(
    number: int,
    task: str = "align",
    *,
    code: bytes = b"c",
    vcpus: float = 1.0,
    timeout_s: float | None = None,
    extra: Mapping[str, object] | None = None,
    calls_per_job: int | Literal["auto"] | None = None,
) -> Job:
    function = Function(task, print, code)
    resources = Resources(
        vcpus=vcpus, timeout_s=timeout_s, extra=extra, calls_per_job=calls_per_job
    )
    return Job(number, function, (), {}, resources)


def ids(groups: list[Group]) -> list[list[int]]:
    return [[j.id for j in group.jobs] for group in groups]


def test_a_window_closes_after_its_time_and_not_before() -> None:
    grouping = Grouping(3.0, 10_000)
    grouping.add(job(1), 100.0)
    grouping.add(job(2), 101.0)
    assert grouping.next_due() == 103.0
    assert grouping.due(102.999) == []
    assert ids(grouping.due(103.0)) == [[1, 2]]
    assert grouping.next_due() is None
    assert grouping.waiting() == 0


def test_a_steady_trickle_postpones_nothing() -> None:
    """A call each half second, for ever: the first one leaves after the window all the same."""
    grouping = Grouping(3.0, 10_000)
    left: list[list[int]] = []
    for number in range(20):
        now = number * 0.5
        grouping.add(job(number), now)
        left += ids(grouping.due(now))
    assert left == [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12, 13]]


def test_the_engine_may_close_it_early() -> None:
    grouping = Grouping(3.0, 10_000)
    grouping.add(job(1), 0.0)
    grouping.add(job(2, "count"), 0.0)
    grouping.flush()
    due = grouping.next_due()
    assert due is not None
    assert due < 0.0
    assert ids(grouping.due(0.0)) == [[1], [2]]


@pytest.mark.parametrize(
    "other",
    [
        job(2, "count"),
        job(2, code=b"d"),
        job(2, vcpus=2),
        job(2, timeout_s=5),
        job(2, extra={"queue": "other"}),
        job(2, extra={"image": "other"}),
        job(2, extra={"retries_on_host_loss": 1}),
        job(2, calls_per_job=2),
    ],
)
def test_only_compatible_calls_share_a_job(other: Job) -> None:
    grouping = Grouping(3.0, 10_000)
    grouping.add(job(1), 0.0)
    grouping.add(other, 0.0)
    grouping.add(job(3), 0.0)
    assert sorted(ids(grouping.due(3.0))) == [[1, 3], [2]]


def test_what_is_full_leaves_at_once_and_the_rest_waits() -> None:
    grouping = Grouping(3.0, 4)
    for number in range(10):
        grouping.add(job(number), 0.0)
    assert ids(grouping.due(0.0)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert grouping.waiting() == 2
    assert ids(grouping.due(3.0)) == [[8, 9]]


def test_no_more_children_than_batch_takes_and_no_longer_window_than_is_told() -> None:
    grouping = Grouping(1000.0, 1_000_000)
    for number in range(MAX_ARRAY + 1):
        grouping.add(job(number), 0.0)
    assert [group.children for group in grouping.due(0.0)] == [MAX_ARRAY]
    assert grouping.next_due() == 3.0


def test_one_call_is_no_array() -> None:
    grouping = Grouping(3.0, 10_000)
    grouping.add(job(1), 0.0)
    (group,) = grouping.due(3.0)
    assert group.children == 1


def test_several_calls_in_one_child() -> None:
    grouping = Grouping(3.0, 10)
    for number in range(25):
        grouping.add(job(number, calls_per_job=10), 0.0)
    (group,) = grouping.due(3.0)
    assert group.calls_per_child == 10
    assert group.children == 3
    for number in range(101):
        grouping.add(job(number, calls_per_job=10), 5.0)
    assert ids(grouping.due(5.0)) == [list(range(100))]  # ten children of ten


def test_auto_goes_by_what_calls_took() -> None:
    grouping = Grouping(3.0, 10_000)

    def per_child(calls: int) -> int:
        for number in range(calls):
            grouping.add(job(number, calls_per_job="auto"), 0.0)
        (group,) = grouping.due(3.0)
        return group.calls_per_child

    assert per_child(1000) == 1  # nothing is known
    for _ in range(10):
        grouping.took("align", 0.5)
    assert per_child(10_000) == 120  # a minute of work
    assert per_child(1000) == 20  # fifty children at least
    grouping.took("align", 1e6)
    assert per_child(1000) == 1


def test_what_is_not_wanted_any_more_does_not_leave() -> None:
    grouping = Grouping(3.0, 10_000)
    for number in range(4):
        grouping.add(job(number), 0.0)
    assert sorted(j.id for j in grouping.remove({1, 3, 99})) == [1, 3]
    assert ids(grouping.due(3.0)) == [[0, 2]]
    grouping.add(job(5), 4.0)
    grouping.remove({5})
    assert grouping.next_due() is None


def test_calls_that_are_not_wanted_any_more_leave_closed_groups_too() -> None:
    grouping = Grouping(3.0, 2)
    for number in range(5):
        grouping.add(job(number), 0.0)
    assert [j.id for j in grouping.remove([1, 2, 3, 4])] == [4, 1, 2, 3]
    assert ids(grouping.due(0.0)) == [[0]]
    assert grouping.next_due() is None
