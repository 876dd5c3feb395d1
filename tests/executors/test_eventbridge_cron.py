"""Cron's five fields in EventBridge's words, and when it fires across a change of the clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellgraph.errors import ExportError
from cellgraph.exported.schedule import Schedule, schedule
from cellgraph.exported.schedule import fires as ours
from cellgraph_executors.eventbridge.cron import expression, fires, left_out

DUBLIN, BERLIN = "Europe/Dublin", "Europe/Berlin"


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 6 * * *", "cron(0 6 * * ? *)"),
        ("0 6 * * 1-5", "cron(0 6 ? * 2-6 *)"),
        ("0 6 * * mon-fri", "cron(0 6 ? * 2-6 *)"),
        ("*/15 8-18/5 * * *", "cron(0,15,30,45 8,13,18 * * ? *)"),
        ("5/20 0 * * *", "cron(5,25,45 0 * * ? *)"),
        ("0 0 1,15 * *", "cron(0 0 1,15 * ? *)"),
        ("0 0 L * *", "cron(0 0 L * ? *)"),
        ("0 0 * jan,feb,mar,12 *", "cron(0 0 * 1-3,12 ? *)"),
        ("0 0 * * 0", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 7", "cron(0 0 ? * 1 *)"),
        ("0 0 * * 5-7", "cron(0 0 ? * 1,6,7 *)"),
        ("0 0 * * 2#1", "cron(0 0 ? * 3#1 *)"),
        ("0 0 * * 5L", "cron(0 0 ? * 6L *)"),
        ("0 0 * * 0-6", "cron(0 0 * * ? *)"),
        ("0 6 1-31 * *", "cron(0 6 * * ? *)"),
        ("0 6 1-31 * 1", "cron(0 6 * * ? *)"),  # either of the two, and one is every day
        ("0 6 1 * 0-6", "cron(0 6 * * ? *)"),
        ("0 6 */1 * 1", "cron(0 6 ? * 2 *)"),  # both of the two
    ],
)
def test_five_fields_become_six(cron: str, said: str) -> None:
    assert expression(schedule(cron, BERLIN)) == said


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 0 13 * 5", "a day of the month OR a day of the week"),
        ("0 0 LW * *", "has no counterpart"),
        ("0 0 * * 1#1,2", "which takes one such day"),
    ],
)
def test_what_eventbridge_has_no_words_for_is_said(cron: str, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        expression(schedule(cron, BERLIN))


def test_a_time_that_the_clocks_leave_out_is_left_out_and_told() -> None:
    due, before = Schedule("30 2 * * *", BERLIN), datetime(2027, 3, 26, 12, tzinfo=UTC)
    assert [f"{t:%d %H:%M %z}" for t in fires(due, before, 4)] == [
        "27 02:30 +0100", "29 02:30 +0200", "30 02:30 +0200", "31 02:30 +0200",
    ]  # fmt: skip
    assert str(left_out(due, before)) == "2027-03-28 02:30:00"
    assert left_out(Schedule("0 6 * * *", BERLIN), before) is None
    # ours comes at the first time that exists
    assert f"{ours(due, before, 2)[1]:%d %H:%M %z}" == "28 03:00 +0200"


def test_a_time_that_comes_twice_counts_once() -> None:
    due, before = Schedule("30 1 * * *", DUBLIN), datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert [t.astimezone(UTC).isoformat() for t in fires(due, before, 2)] == [
        "2026-10-25T00:30:00+00:00",
        "2026-10-26T01:30:00+00:00",
    ]


@pytest.mark.parametrize(
    ("cron", "zone", "lost"),
    [
        ("* * * * *", "UTC", None),
        ("* * * * *", "Asia/Kolkata", None),
        ("* * * * *", BERLIN, "2027-03-28 02:00:00"),
        ("59 2 * * *", BERLIN, "2027-03-28 02:59:00"),
        ("0 3 * * *", BERLIN, None),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04 02:15:00"),  # by half an hour
        ("45 2 * * *", "Australia/Lord_Howe", None),
        ("30 2 28 3 *", BERLIN, "2027-03-28 02:30:00"),
        ("30 2 27 3 *", BERLIN, None),
    ],
)
def test_what_the_clocks_leave_out_within_a_year(cron: str, zone: str, lost: str | None) -> None:
    found = left_out(Schedule(cron, zone), datetime(2026, 7, 3, 17, 5, 7, 9, tzinfo=UTC))
    assert (None if found is None else str(found)) == lost


@pytest.mark.parametrize("cron", ["0 6 1-31 * 1", "0 6 1 * 0-6", "0 6 */1 * 1"])
def test_two_days_mean_what_they_mean_to_cron(cron: str) -> None:
    """Of the expressions above: our own runs come at the same times."""
    after = datetime(2026, 11, 28, tzinfo=UTC)
    monday = expression(Schedule(cron, "UTC")) == "cron(0 6 ? * 2 *)"
    told = ours(Schedule("0 6 * * 1" if monday else "0 6 * * *", "UTC"), after, 10)
    assert ours(Schedule(cron, "UTC"), after, 10) == told


MINUTES = st.lists(st.integers(0, 59), min_size=1, max_size=4, unique=True)
HOURS = st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True)
WEEKDAYS = st.lists(st.integers(0, 7), min_size=1, max_size=5, unique=True)


@settings(deadline=None, max_examples=60)
@given(MINUTES, HOURS, WEEKDAYS)
def test_the_six_fields_mean_what_the_five_did(
    minutes: list[int], hours: list[int], weekdays: list[int]
) -> None:
    """Read back by the rules of EventBridge's documentation, a week of times is the same."""
    cron = f"{_list(minutes)} {_list(hours)} * * {_list(weekdays)}"
    made = expression(Schedule(cron, "UTC")).removeprefix("cron(").removesuffix(")").split()
    minute, hour, day, month, weekday, year = made
    assert (month, year) == ("*", "*") and [day, weekday].count("?") == 1
    days = set(range(1, 8)) if weekday in ("*", "?") else _read(weekday, 7)
    start = datetime(2026, 11, 29, tzinfo=ZoneInfo("UTC"))  # a Sunday, which counts as 1
    told = sorted(
        (d - 1, h, m)
        for d in days
        for h in (_read(hour, 23) if hour != "*" else range(24))
        for m in (_read(minute, 59) if minute != "*" else range(60))
    )
    count = len(told)
    found = fires(Schedule(cron, "UTC"), datetime(2026, 11, 28, 23, 59, 59, tzinfo=UTC), count)
    assert [((t - start).days, t.hour, t.minute) for t in found] == told


def _list(numbers: list[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _read(text: str, last: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        begin, dash, end = part.partition("-")
        found.update(range(int(begin), int(end if dash else begin) + 1))
    assert max(found) <= last
    return found
