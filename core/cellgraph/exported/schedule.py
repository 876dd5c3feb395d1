"""When a run is due: five cron fields in a time zone. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cellgraph.errors import ExportError
from cellgraph.suggest import closest


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


def listed(times: Sequence[datetime]) -> str:
    """The times as a reader would want to see them, one a line, each with its offset from UTC."""
    return "\n".join(f"{t:%a %Y-%m-%d %H:%M %Z (%z)}" for t in times)
