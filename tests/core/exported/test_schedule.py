"""When a run is due: checked expressions, and fire times across changes of the clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellgraph.errors import ExportError
from cellgraph.exported.due import due_time, looks
from cellgraph.exported.schedule import Schedule, fires, listed, schedule


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 6 * *", "UTC", "has 4 fields"),
        ("0 0 6 * * *", "UTC", "has 6 fields"),
        ("0 25 * * *", "UTC", "bad hour"),
        ("0 6 * * 9", "UTC", "bad day-of-week"),
        ("0 6 * * 1-5", "Europe/Berlim", "did you mean 'Europe/Berlin'?"),
        ("0 6 * * 1-5", "", "say the time zone"),
    ],
)
def test_a_wrong_schedule_is_one_error_that_says_what_is_wrong(
    cron: str, zone: str, said: str
) -> None:
    with pytest.raises(ExportError) as caught:
        schedule(cron, zone)
    assert said in str(caught.value)


def test_a_time_that_does_not_exist_in_spring_and_one_that_comes_twice_in_autumn() -> None:
    due = schedule("30 2 * * *", "Europe/Berlin")
    spring = fires(due, datetime(2026, 3, 28, 12, tzinfo=UTC), 3)
    assert [f"{t:%d %H:%M %z}" for t in spring] == [
        "29 03:00 +0200", "30 02:30 +0200", "31 02:30 +0200",
    ]  # fmt: skip
    autumn = fires(due, datetime(2026, 10, 24, 12, tzinfo=UTC), 2)
    assert [f"{t:%d %H:%M}" for t in autumn] == ["25 02:30", "26 02:30"]


def test_times_are_listed_with_their_offset() -> None:
    times = fires(schedule("0 6 * * 1", "Europe/Berlin"), datetime(2026, 10, 20, tzinfo=UTC), 2)
    assert listed(times).splitlines() == [
        "Mon 2026-10-26 06:00 CET (+0100)",
        "Mon 2026-11-02 06:00 CET (+0100)",
    ]


NOW = datetime(2026, 11, 30, 5, 31, tzinfo=UTC)  # a Monday, 06:31 in Berlin
DAILY = Schedule("30 6 * * *", "Europe/Berlin")
TODAY = datetime(2026, 11, 30, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, TODAY),
        (TODAY - timedelta(days=1), TODAY),
        (TODAY - timedelta(days=9), TODAY),  # of all that was missed, the last
        (TODAY, None),
        (NOW, None),
    ],
)
def test_a_run_is_due_once_for_each_time_and_once_for_all_that_were_missed(
    last: datetime | None, due: datetime | None
) -> None:
    assert due_time(DAILY, NOW, last) == due


def test_a_time_long_before_the_first_look_is_not_made_up_for() -> None:
    assert due_time(DAILY, NOW + timedelta(hours=3), None) is None
    assert due_time(DAILY, TODAY - timedelta(minutes=1), TODAY - timedelta(days=1)) is None


FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.sampled_from(["Europe/Berlin", "UTC", "America/St_Johns", "Asia/Kathmandu", "Asia/Tokyo"]),
    st.sampled_from(["0 6 * * *", "30 6 * * 1-5", "5 0 1 * *"]),
    st.integers(0, 700 * 24 * 60).map(lambda n: FIRST + timedelta(minutes=n)),
)
def test_whoever_looks_as_often_as_told_misses_no_time(
    zone: str, cron: str, after: datetime
) -> None:
    due = schedule(cron, zone)
    (time,) = fires(due, after, 1)
    (look,) = fires(Schedule(looks(due), "UTC"), time - timedelta(seconds=1), 1)
    assert look - time < timedelta(minutes=15)


@pytest.mark.parametrize(
    ("cron", "zone", "looked"),
    [
        ("30 6 * * *", "Europe/Berlin", "30 * * * *"),
        ("30 6 * * *", "Asia/Kathmandu", "*/15 * * * *"),  # 5 h 45 min from UTC
        ("7 6 * * *", "Asia/Kathmandu", "* * * * *"),
    ],
)
def test_nobody_looks_more_often_than_the_zone_asks_for(cron: str, zone: str, looked: str) -> None:
    assert looks(schedule(cron, zone)) == looked
