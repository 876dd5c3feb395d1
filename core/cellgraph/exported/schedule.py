"""When a run is due: five cron fields in a time zone. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cellgraph.errors import ExportError
from cellgraph.suggest import closest

_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")  # cron counts 0 to 7


class Schedule(NamedTuple):
    """A cron expression (minute, hour, day of month, month, day of week) and an IANA zone."""

    cron: str
    zone: str

    def __str__(self) -> str:
        return f"{self.cron} {self.zone}"


def schedule(cron: str, zone: str) -> Schedule:
    """Check both. Raises ExportError that says what is wrong."""
    from cronsim import CronSim, CronSimError

    fields = cron.split()
    if len(fields) != 5:
        raise ExportError(
            f"--schedule {cron!r} has {len(fields)} fields: write minute, hour, day of month, "
            "month and day of week, for example '0 6 * * 1-5'"
        )
    if zone not in available_timezones():
        raise ExportError(
            f"--tz {zone!r} is no time zone{closest(zone, available_timezones())}"
            if zone
            else "say the time zone: --tz Europe/Berlin"
        )
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    except CronSimError as error:
        raise ExportError(f"--schedule {cron!r}: {str(error).lower()}") from None
    return Schedule(" ".join(fields), zone)


def fires(due: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The next *count* times after *after* (with a zone), in the schedule's own zone.

    Across a change of the clocks a time that does not exist comes at the first that does, and one
    that comes twice counts once. Fewer than *count* when there are no more.
    """
    from cronsim import CronSim

    return list(islice(CronSim(due.cron, after.astimezone(ZoneInfo(due.zone))), count))


def eventbridge_cron(due: Schedule) -> str:
    """The expression as EventBridge Scheduler wants it: six fields, one day field a question mark,
    days of the week from 1 for Sunday. Raises ExportError for what it has no way to say.

    Source: EventBridge Scheduler user guide, *Schedule types*.
    """
    minute, hour, month_day, month, week_day = due.cron.split()
    free = (month_day in "*?", week_day in "*?")
    if not any(free):
        raise ExportError(
            f"--schedule {due.cron!r}: EventBridge takes a day of the month or a day of the week, "
            "not both; write two schedules"
        )
    if free[1]:
        week_day = "?"
        month_day = "*" if free[0] else month_day
    else:
        month_day, week_day = "?", _week_days(week_day)
    return f"cron({minute} {hour} {month_day} {month} {week_day} *)"


def _week_days(field: str) -> str:
    return ",".join(_week_day(part) for part in field.split(","))


def _week_day(part: str) -> str:
    span, slash, step = part.partition("/")
    ends = [_named(end) for end in span.split("-")]
    return "-".join(ends) + slash + step


def _named(day: str) -> str:
    """`1` -> `MON`; `5#2`, `5L`: the number as EventBridge counts, the mark kept."""
    if day.isdigit():
        return _DAYS[int(day)]
    if day[:1].isdigit():
        return f"{int(day[0]) % 7 + 1}{day[1:]}"
    return day.upper()


def listed(times: Sequence[datetime]) -> str:
    """The times as a reader would want to see them, one a line, each with its offset from UTC."""
    return "\n".join(f"{t:%a %Y-%m-%d %H:%M %Z (%z)}" for t in times)
