"""`cellgraph run BUNDLE`: an exported run, now or if it is due."""

import fcntl
import hashlib
import os
import sys
import types
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import platformdirs
from rich.text import Text

from cellgraph.cli import parameters
from cellgraph.cli.console import console, error_console
from cellgraph.cli.presenting import presenter
from cellgraph.current import use
from cellgraph.errors import CellgraphError, ConfigError, ExportError
from cellgraph.exported.bundle import FLOW, LOCK, RUN, Bundle, read_bundle
from cellgraph.exported.due import due_time
from cellgraph.exported.flow import VALUE, with_values
from cellgraph.exported.params import SCHEDULED, Parameter, read_all
from cellgraph.session import Session

_LAST: Final = "last"


def is_bundle(path: Path) -> bool:
    """Whether *path* is the folder of an exported run."""
    return (path / RUN).is_file()


def run_bundle(
    folder: Path, given: Sequence[str], store: Path | None, *, plan: bool, if_due: bool
) -> None:
    """Run (or with *plan*, forecast) the bundle in *folder*.

    With *if_due*, only if its schedule says so and the newest time is not yet served; one run at a
    time, a second one is skipped. Raises ExportError, TaskError and its kin.
    """
    bundle = read_bundle(folder)
    params = parameters.parse(given)
    with _alone(folder) as state:
        if state is None:
            error_console().print(f"{bundle.spec.name} is running already: skipped")
            return
        at = datetime.now(UTC)
        if if_due:
            due = _due(bundle, state, at)
            if due is None:
                return
            at = due
        values = _values(bundle, params, at)
        _warn_of_drift(bundle)
        for attempt in range(bundle.spec.retries + 1):
            try:
                _evaluate(bundle, folder, values, store, plan=plan)
                break
            except CellgraphError as error:
                if attempt == bundle.spec.retries:
                    raise
                error_console().print(f"attempt {attempt + 1} failed, once more: {error}")
            finally:
                if if_due and not plan:
                    (state / _LAST).write_text(at.isoformat(), "utf-8")


def _evaluate(
    bundle: Bundle, folder: Path, values: Mapping[str, Any], store: Path | None, *, plan: bool
) -> None:
    with Session(store or bundle.spec.store or None, presenter=presenter()) as session:
        use(session)
        try:
            target = _load(bundle, folder, values)
            value = session.plan(target) if plan else session.evaluate(target)
        finally:
            use(None)
    console().print(Text(repr(value)), soft_wrap=True)


def _load(bundle: Bundle, folder: Path, values: Mapping[str, Any]) -> Any:
    """Carry out ``flow.py`` with its parameters set; return the target."""
    path = str((folder / FLOW).resolve())
    module = types.ModuleType("flow")
    module.__file__ = path
    sys.modules["flow"] = module
    module.__dict__.update({VALUE + name: value for name, value in values.items()})
    tree = with_values(bundle.files[FLOW].decode(), values)
    exec(compile(tree, path, "exec"), module.__dict__)  # the run's own code
    return module.__dict__["target"]


def _values(bundle: Bundle, given: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    known = bundle.spec.parameters
    values = read_all(known, given)
    due = next((p for p in known if p.name == SCHEDULED), None)
    if due is not None and SCHEDULED not in values:
        values[SCHEDULED] = _time_for(due, bundle, at)
    return values


def _time_for(parameter: Parameter, bundle: Bundle, at: datetime) -> Any:
    from zoneinfo import ZoneInfo

    zone = bundle.spec.schedule.zone if bundle.spec.schedule else "UTC"
    local = at.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    if parameter.kind == "date":
        return date(local.year, local.month, local.day)
    return local if parameter.kind == "datetime" else local.isoformat()


def _due(bundle: Bundle, state: Path, now: datetime) -> datetime | None:
    if bundle.spec.schedule is None:
        raise ConfigError(f"{bundle.spec.name} has no schedule: leave out --if-due")
    try:
        last = datetime.fromisoformat((state / _LAST).read_text("utf-8"))
    except (OSError, ValueError):
        last = None
    return due_time(bundle.spec.schedule, now, last)


@contextmanager
def _alone(folder: Path) -> Generator[Path | None]:
    """The place where this bundle's last time is kept, locked; None while another run holds it."""
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=12).hexdigest()
    state = platformdirs.user_state_path("cellgraph") / "scheduled" / name
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ExportError(f"{state} cannot be written: {error}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield state
    finally:
        os.close(handle)


def _warn_of_drift(bundle: Bundle) -> None:
    """Say which versions differ from those of the export: they may make calls run again."""
    from importlib.metadata import PackageNotFoundError, version

    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    drift = [f"Python {bundle.spec.python} → {here}"] if here != bundle.spec.python else []
    for line in bundle.files[LOCK].decode().splitlines():
        name, exact, wanted = line.partition("==")
        if exact:
            try:
                found = version(name)
            except PackageNotFoundError:
                found = "missing"
            if found != wanted:
                drift.append(f"{name} {wanted} → {found}")
    if drift:
        more = f" and {len(drift) - 5} more" if len(drift) > 5 else ""
        error_console().print(f"not as locked: {', '.join(drift[:5])}{more}")
