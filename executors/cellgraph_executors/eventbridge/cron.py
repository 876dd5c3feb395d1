"""Five cron fields in the words of EventBridge Scheduler, and when it fires. Pure.

Its expressions have six fields, count Sunday as 1, and must leave one of the two days open (`?`).
Steps and names are spelled out, so that nothing depends on how a service reads them.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cellgraph.errors import ExportError
from cellgraph.exported.schedule import Schedule

_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_NTH: Final = re.compile(r"(\w+)#([1-5])")
_LAST: Final = re.compile(r"(\w+)L")
_YEAR: Final = timedelta(days=366)
_HALF_A_DAY: Final = timedelta(hours=12)  # no zone changes its clocks twice within it


def expression(due: Schedule) -> str:
    """``cron(...)`` for *due*, which is a valid schedule. Raises ExportError for what has none."""
    minute, hour, day, month, weekday = due.cron.split()
    fields = [_plain(minute, 0, 59), _plain(hour, 0, 23)]
    days, weekdays = _days(day), _weekdays(weekday)
    if "*" not in (day[0], weekday[0]) and "*" in (days, weekdays):
        days = weekdays = "*"  # cron takes either of two that are said, and one says every day
    if days != "*" and weekdays != "*":
        raise ExportError(
            f"--schedule {due.cron!r}: cron takes a day of the month OR a day of the week, and "
            "EventBridge has no such schedule: export two runs, one for each"
        )
    if weekdays == "*":
        weekdays = "?"
    else:
        days = "?"
    months = _plain(month, 1, 12, _MONTHS)
    return f"cron({' '.join([*fields, days, months, weekdays, '*'])})"


def fires(due: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The next *count* times after *after* at which EventBridge fires, in the schedule's zone.

    A local time that the change of the clocks leaves out is left out, one that comes twice counts
    once: as its documentation says of daylight saving.
    """
    found: list[datetime] = []
    for at in _local_times(due, after):
        if at > after:
            found.append(at)
        if len(found) == count:
            break
    return found


def left_out(due: Schedule, after: datetime) -> datetime | None:
    """The first local time within a year that the change of the clocks leaves out; no zone."""
    from cronsim import CronSim

    for begin, end in _gaps(ZoneInfo(due.zone), after):
        before = begin.replace(tzinfo=UTC) - timedelta(seconds=1)
        at = next(CronSim(due.cron, before), None)
        if at is not None and at.replace(tzinfo=None) < end:
            return at.replace(tzinfo=None)
    return None


def _gaps(zone: ZoneInfo, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """What clocks on the wall leave out within a year: from, and up to."""
    at = after.astimezone(UTC).replace(microsecond=0)
    last = at + _YEAR
    while at < last:
        low, high = at, at + _HALF_A_DAY
        old, new = _offset(low, zone), _offset(high, zone)
        if new > old:
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
            high = high.replace(microsecond=0)  # the clocks change at whole seconds
            wall = high.replace(tzinfo=None)
            yield wall + old, wall + new
        at += _HALF_A_DAY


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _local_times(due: Schedule, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(due.zone)
    return (wall.replace(tzinfo=zone) for wall in _walls(due, after) if _exists(wall, zone))


def _walls(due: Schedule, after: datetime) -> Iterator[datetime]:
    """What a clock on the wall shows at each time of the schedule."""
    from cronsim import CronSim

    begin = after.astimezone(ZoneInfo(due.zone)).replace(tzinfo=UTC) - timedelta(hours=3)
    return (at.replace(tzinfo=None) for at in CronSim(due.cron, begin))


def _exists(wall: datetime, zone: ZoneInfo) -> bool:
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None, fold=0) == wall


def _days(text: str) -> str:
    if text.upper() == "L":
        return "L"
    if "L" in text.upper():
        raise ExportError(f"--schedule: {text!r} has no counterpart in EventBridge: L alone has")
    return _plain(text, 1, 31)


def _weekdays(text: str) -> str:
    special = _NTH.fullmatch(text) or _LAST.fullmatch(text)
    if special is not None:
        day = next(iter(_numbers(special[1], 0, 7, _DAYS))) % 7 + 1
        return f"{day}#{special[2]}" if "#" in text else f"{day}L"
    if "#" in text or "L" in text.upper():
        raise ExportError(
            f"--schedule: {text!r} has no counterpart in EventBridge, which takes one such day"
        )
    numbers = {n % 7 for n in _numbers(text, 0, 7, _DAYS)}
    return "*" if len(numbers) == len(_DAYS) else _spelled(sorted(n + 1 for n in numbers))


def _plain(text: str, first: int, last: int, names: tuple[str, ...] = ()) -> str:
    numbers = _numbers(text, first, last, names)
    return "*" if len(numbers) == last - first + 1 else _spelled(sorted(numbers))


def _numbers(text: str, first: int, last: int, names: tuple[str, ...] = ()) -> set[int]:
    """The numbers that a field of cron stands for; it has been checked to be one."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        begin, dash, end = span.partition("-")
        if span == "*":
            low, high = first, last
        else:
            low = _number(begin, first, names)
            high = _number(end, first, names) if dash else (last if step else low)
        found.update(range(low, high + 1, int(step or 1)))
    return found


def _number(text: str, first: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + first
    return int(text)


def _spelled(numbers: list[int]) -> str:
    """A list, in which three or more in a row are a range."""
    parts: list[str] = []
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        if end - at >= 2:
            parts.append(f"{numbers[at]}-{numbers[end]}")
            at = end + 1
        else:
            parts.append(str(numbers[at]))
            at += 1
    return ",".join(parts)
