"""Whether a run is due. Pure: the clock and what was last done are passed in."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cellgraph.exported.schedule import Schedule

# Without a record of an earlier run, a time that is longer past than this was before the export.
_FRESH: Final = timedelta(hours=1)


def due_time(schedule: Schedule, now: datetime, last: datetime | None) -> datetime | None:
    """The newest scheduled time that is not yet served; None: nothing is due.

    Of several times that were missed only the last one is due. *last* is the scheduled time of the
    newest run, None if there was none.
    """
    from cronsim import CronSim

    zoned = now.astimezone(ZoneInfo(schedule.zone)) + timedelta(seconds=1)
    newest = next(CronSim(schedule.cron, zoned, reverse=True), None)
    if newest is None or newest > now:
        return None
    if last is None:
        return newest if now - newest < _FRESH else None
    return newest if newest > last else None


def looks(schedule: Schedule) -> str:
    """The cron fields, in any zone, at which to look whether a run is due: each hour at the minutes
    of the schedule. All zones in use differ from UTC by whole quarters of an hour."""
    minute = schedule.cron.split()[0]
    if _offset_minutes(schedule.zone) == {0}:
        return f"{minute} * * * *"
    quarter = minute.isdigit() and int(minute) % 15 == 0
    return "*/15 * * * *" if quarter else "* * * * *"


def _offset_minutes(zone: str) -> set[int]:
    """The minutes, beside hours, by which a zone differs from UTC in the course of a year."""
    days = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)) for month in (1, 4, 7, 10))
    offsets = (day.utcoffset() or timedelta() for day in days)
    return {int(offset.total_seconds() // 60) % 60 for offset in offsets}
