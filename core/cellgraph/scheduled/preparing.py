"""From a bundle and what was said to a job: parameters, the scheduled time, drift."""

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cellgraph.errors import ConfigError
from cellgraph.exported.bundle import LOCK, Bundle
from cellgraph.exported.due import due_time
from cellgraph.exported.params import SCHEDULED, Parameter, from_text, read_said
from cellgraph.scheduled.attempt import Job
from cellgraph.scheduled.state import State

_NAMED: Final = 5  # versions that a warning names


def prepare(
    bundle: Bundle, folder: Path, given: Mapping[str, Any], at: datetime, *, due: bool
) -> Job:
    """The job at a time; *due*: that is its scheduled time. Raises ExportError."""
    known = bundle.spec.parameters
    own = {p.name: p for p in known}
    values = {name: from_text(own[name], text) for name, text in bundle.spec.given if name in own}
    values.update(read_said(known, given))
    wanted = next((p for p in known if p.name == SCHEDULED), None)
    if wanted is not None and SCHEDULED not in values:
        values[SCHEDULED] = _time_for(wanted, bundle, at)
    return Job(bundle, folder, values, at.timestamp() if due else 0.0, drift(bundle))


def due_now(bundle: Bundle, state: State, now: datetime) -> datetime | None:
    """The scheduled time to serve now; None: nothing is due. One whose run was killed is due."""
    if bundle.spec.schedule is None:
        raise ConfigError(f"{bundle.spec.name} has no schedule: leave out --if-due")
    last = state.last
    found = due_time(bundle.spec.schedule, now, last)
    killed = state.killed()
    if found is None and killed is not None and killed.due:
        at = datetime.fromtimestamp(killed.due, UTC)
        return at if last is None or at > last else None
    return found


def _time_for(parameter: Parameter, bundle: Bundle, at: datetime) -> Any:
    zone = bundle.spec.schedule.zone if bundle.spec.schedule else "UTC"
    local = at.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    if parameter.kind == "date":
        return date(local.year, local.month, local.day)
    return local if parameter.kind == "datetime" else local.isoformat()


def drift(bundle: Bundle) -> str:
    """Which versions differ from those of the export: they may make calls run again."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = [f"Python {bundle.spec.python} → {here}"] if here != bundle.spec.python else []
    for line in bundle.files[LOCK].decode().splitlines():
        name, exact, wanted = line.partition("==")
        if exact:
            try:
                installed = version(name)
            except PackageNotFoundError:
                installed = "missing"
            if installed != wanted:
                found.append(f"{name} {wanted} → {installed}")
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"
