"""The times of a span: for what a run is made up for. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cellgraph.errors import ExportError
from cellgraph.exported.schedule import Schedule
from cellgraph.suggest import closest

STEPS: Final = ("schedule", "hour", "day", "week", "month")
_MOST: Final = 10_000


def times_in(span: str, step: str, due: Schedule | None) -> list[datetime]:
    """The times of *span* (``FROM..TO``, dates or times, both in it), oldest first.

    By calendar: days and longer begin at FROM's time of day in the zone of the schedule (UTC
    without one); "schedule" gives the times at which it was due. Raises ExportError.
    """
    if step not in STEPS:
        raise ExportError(
            f"--step {step}: expected one of {', '.join(STEPS)}{closest(step, STEPS)}"
        )
    if step == "schedule" and due is None:
        raise ExportError("--step schedule: this run has no schedule; say --step day")
    zone = ZoneInfo(due.zone if due else "UTC")
    first, dots, last = span.partition("..")
    if not dots:
        raise ExportError(f"{span!r}: expected FROM..TO, for example 2026-01-01..2026-01-31")
    begin, end = _moment(first, zone), _moment(last, zone, end=True)
    if begin > end:
        raise ExportError(f"{span!r} ends before it begins")
    found: list[datetime] = []
    for at in _scheduled(begin, due) if step == "schedule" and due else _stepped(begin, step):
        if at > end:
            break
        found.append(at)
        if len(found) > _MOST:
            raise ExportError(f"{span!r} has more than {_MOST:,} times: take a longer --step")
    return found


def _moment(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        raise ExportError(f"{text!r} is no date: write 2026-01-31 or 2026-01-31T06:00") from None
    made = made if made.tzinfo else made.replace(tzinfo=zone)
    whole_day = end and len(text) <= len("2026-01-31")
    return made + timedelta(days=1, microseconds=-1) if whole_day else made


def _scheduled(begin: datetime, due: Schedule) -> Iterator[datetime]:
    from cronsim import CronSim

    return iter(CronSim(due.cron, begin.astimezone(ZoneInfo(due.zone)) - timedelta(seconds=1)))


def _stepped(begin: datetime, step: str) -> Iterator[datetime]:
    days = {"day": 1, "week": 7}
    number = 0
    while True:
        if step == "hour":  # hours pass everywhere alike; days are the calendar's
            utc = begin.timestamp() + 3600 * number
            yield datetime.fromtimestamp(utc, begin.tzinfo)
        elif step in days:
            yield begin + timedelta(days=days[step] * number)
        else:
            months = begin.month - 1 + number
            year, month = begin.year + months // 12, months % 12 + 1
            yield begin.replace(year=year, month=month, day=_day(begin.day, year, month))
        number += 1


def _day(day: int, year: int, month: int) -> int:
    """That day, or the last one of a shorter month."""
    from calendar import monthrange

    return min(day, monthrange(year, month)[1])
