"""Watching a job, as a table of what is seen and what is done next."""

import random

import pytest

from cellgraph.errors import CallCancelled, CallTimeout, ExecutorError, HostLost, OutOfMemory
from cellgraph_executors.remote.pace import PER_MINUTE, Allowance, Interval
from cellgraph_executors.remote.states import (
    CANCELLED,
    Explain,
    Fact,
    Finish,
    ListFailed,
    ListOutcomes,
    Lost,
    Over,
    Seen,
    Watch,
    cause,
)


def seen(waiting: int, running: int, done: int, failed: int, over: Over = "") -> Seen:
    return Seen(over, waiting, running, done, failed, "")


def fact(child: int, code: int = 137, reason: str = "gone", container: str = "") -> Fact:
    return Fact(child, code, reason, container, 1.0, 2.0, f"job:{child}")


def test_all_succeed() -> None:
    watch = Watch(3)
    assert watch.described(seen(3, 0, 0, 0)) == [ListOutcomes()]
    assert watch.listed([]) == []
    watch.described(seen(1, 1, 1, 0))
    watch.ended([(1, False)])
    assert watch.listed([1]) == []
    watch.ended([(0, False), (2, False)])
    assert watch.listed([0, 1, 2]) == []  # results are in; the service has yet to say so
    assert watch.open == 0
    assert watch.described(seen(0, 1, 2, 0)) == []
    assert watch.described(seen(0, 0, 3, 0, "done")) == [ListOutcomes()]
    assert watch.listed([0, 1, 2]) == [Finish()]


def test_a_failure_with_an_outcome_asks_for_no_children() -> None:
    """The user's own exceptions are all in the store: ten thousand of them cost no request."""
    watch = Watch(10_000)
    watch.described(seen(0, 0, 0, 10_000, "failed"))
    watch.ended((i, True) for i in range(10_000))
    assert watch.listed(range(10_000)) == [Finish()]


def test_a_failure_without_an_outcome_is_explained_after_another_look() -> None:
    watch = Watch(4)
    watch.described(seen(2, 0, 0, 2))
    watch.ended([(0, True)])
    assert watch.listed([0]) == [ListFailed()]
    # Child 2 failed as well, but had written its outcome: the second listing finds it.
    assert watch.failed([fact(0), fact(1), fact(2)]) == [ListOutcomes()]
    watch.ended([(2, True)])
    assert watch.listed([0, 2]) == [Explain((fact(1),))]
    assert watch.described(seen(1, 0, 0, 3)) == [ListOutcomes()]
    assert watch.listed([0, 2]) == []  # the failures that are counted are known
    assert watch.has_ended(1)
    assert not watch.has_ended(3)


def test_a_listing_that_was_not_allowed_is_made_later() -> None:
    watch = Watch(2)
    watch.described(seen(1, 0, 0, 1))
    assert watch.listed([]) == [ListFailed()]
    watch.again()
    watch.described(seen(1, 0, 0, 1))
    assert watch.listed([]) == [ListFailed()]
    watch.failed([])  # the service's listings lag behind its counts
    watch.described(seen(0, 0, 0, 2, "failed"))
    assert watch.listed([]) == [ListFailed()]


def test_what_leaves_nothing_at_all_is_lost_when_the_job_is_over() -> None:
    watch = Watch(3)
    watch.described(seen(0, 0, 2, 1, "failed"))
    watch.ended([(0, False)])
    assert watch.listed([0]) == [ListFailed()]
    assert watch.failed([fact(1)]) == [ListOutcomes()]
    assert watch.listed([0]) == [Explain((fact(1),)), Lost((2,)), Finish()]
    assert watch.open == 0


def test_every_child_ends_once_whatever_the_order() -> None:
    """Random services: lagging counts, listings in any order; all is known at the end, once."""
    for trial in range(200):
        chance = random.Random(trial)
        size = chance.randint(1, 12)
        fates = [chance.choice(["done", "raised", "killed"]) for _ in range(size)]
        over_at = chance.randint(size, 2 * size)
        watch, told, step, finished = Watch(size), list[int](), 0, False
        while not finished:
            step += 1
            ended = list(range(min(size, step)))
            lag = list(range(min(size, max(0, step - 2))))
            failed = sum(fates[i] != "done" for i in lag)
            over: Over = ("failed" if failed else "done") if step > over_at + 2 else ""
            commands = watch.described(seen(size - len(lag), 0, len(lag) - failed, failed, over))
            while commands:
                command = commands.pop(0)
                if isinstance(command, ListOutcomes):
                    there = [i for i in ended if fates[i] != "killed"]
                    fresh = [i for i in there if not watch.has_ended(i)]
                    told += fresh
                    watch.ended((i, fates[i] == "raised") for i in fresh)
                    commands += watch.listed(there)
                elif isinstance(command, ListFailed):
                    if chance.random() < 0.3 and not over:
                        watch.again()
                    else:
                        commands += watch.failed([fact(i) for i in lag if fates[i] != "done"])
                elif isinstance(command, Explain):
                    told += [f.child for f in command.facts]
                else:
                    assert isinstance(command, Finish)  # nothing is ever lost here
                    finished = True
        assert sorted(told) == list(range(size))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (fact(1, 137, "x", "OutOfMemoryError: Container killed"), OutOfMemory),
        (fact(1, 1, "Host EC2 (instance i-1) terminated."), HostLost),
        (fact(1, -1, "Your Spot Task was interrupted."), HostLost),
        (fact(1, 137, "Job attempt duration exceeded timeout"), CallTimeout),
        (fact(1, 137, CANCELLED), CallCancelled),
        (fact(1, 139, "Essential container in task exited"), ExecutorError),
    ],
)
def test_causes(given: Fact, kind: type[ExecutorError]) -> None:
    error = cause("align", given, "last words\n")
    assert type(error) is kind
    assert "align, child 1" in str(error)
    if kind is not CallCancelled:
        assert "last words" in str(error)
    if kind is ExecutorError:
        assert "exit code 139" in str(error)


def test_no_more_requests_in_any_minute_than_are_allowed() -> None:
    allowance = Allowance(0.0)
    chance = random.Random(1)
    made: list[float] = []
    now = 0.0
    while now < 600:
        wanted = chance.choice([1, 1, 1, 3])
        if allowance.take(now, wanted):
            made += [now] * wanted
        now += chance.random() * 0.5
    assert len(made) > 200
    for start in made:
        assert sum(start <= at < start + 60 for at in made) <= PER_MINUTE


def test_what_could_not_wait_makes_others_wait() -> None:
    allowance = Allowance(0.0)
    allowance.note(0.0, 10)
    assert not allowance.take(0.0)
    assert not allowance.take(5.0)
    assert allowance.due_in_s() > 0
    assert allowance.take(5.0 + allowance.due_in_s())


def test_looks_are_rare_while_nothing_changes() -> None:
    interval = Interval(1.0, 15.0, lambda: 0.5)
    waits = [interval.next_s(changed=False) for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[-1] == 15.0
    assert interval.next_s(changed=True) == 1.0
    jittered = {
        Interval(10.0, 15.0, random.Random(i).random).next_s(changed=True) for i in range(9)
    }
    assert len(jittered) == 9
    assert all(8.0 <= wait <= 12.0 for wait in jittered)
