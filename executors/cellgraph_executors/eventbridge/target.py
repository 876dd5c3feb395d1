"""The target `eventbridge` of `cellgraph export`: dry by default, carried out with `--apply`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from cellgraph.errors import ConfigError, ExportError
from cellgraph.exported.bundle import Bundle, RunSpec
from cellgraph.exported.schedule import listed
from cellgraph.reports import keep_bundle
from cellgraph.session import Session
from cellgraph.settings import Settings, load_settings
from cellgraph_executors.aws import AwsFault, Clients, Refused, asking
from cellgraph_executors.batch.executor import BatchService
from cellgraph_executors.batch.settings import BatchSettings, checked
from cellgraph_executors.eventbridge.cron import fires, left_out
from cellgraph_executors.eventbridge.requests import (
    due_of,
    head_command,
    head_job,
    schedule_request,
    when,
)
from cellgraph_executors.head import check_reachable, travelling

_ON: Final = "batch"
_GONE: Final = "ResourceNotFoundException"


class EventBridge:
    """A schedule of EventBridge Scheduler that submits a job to AWS Batch.

    Store, queue, image and roles are those of the project's settings (executor `batch`;
    `scheduler_role` is what the schedule submits with). See `exported.target.Target`.
    """

    remote = True

    def check(self, spec: RunSpec) -> None:
        """It has to be due at times that EventBridge can say."""
        when(spec)

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """`eventbridge.json`: when, as `create_schedule` takes it."""
        return {"eventbridge.json": json.dumps(when(spec), indent=2) + "\n"}

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """Its expression, and when it fires."""
        due, now = due_of(spec), datetime.now(UTC)
        lines = [f"{when(spec)['ScheduleExpression']} {due.zone}; fires"]
        lines += [f"  {line}" for line in listed(fires(due, now)).splitlines()]
        lost = left_out(due, now)
        if lost is not None:
            lines.append(f"  not on {lost:%Y-%m-%d %H:%M}, a time that the clocks leave out")
        return "\n".join(lines)

    def apply(self, bundle: Bundle) -> str:
        """Put the bundle into the store, create or update the schedule; say what was done.

        Raises ConfigError, ExportError before anything is created.
        """
        settings = load_settings({})
        batch = _checked(settings)
        clients = Clients(batch.profile or settings.profile, batch.region or settings.region)
        with Session() as session:
            keep_bundle(session.store, bundle)
            store: Any = session.store  # one in a bucket: that was checked
            if not store.flush():
                raise ExportError(f"{settings.store} does not take the bundle now: try again")
        service = BatchService(clients, batch)
        try:
            role = batch.head_role or batch.job_role
            defined = service.defined_for(replace(batch.with_cellgraph(), job_role=role))
            command = head_command(settings.store, bundle.id, travelling(settings))
            job = head_job(bundle.spec, batch, defined, command)
            request = schedule_request(bundle.spec, bundle.id, batch.scheduler_role, job)
            return _put(clients.client("scheduler"), request)
        except AwsFault as fault:
            raise ExportError(f"the schedule was not created: {fault}") from None


def remove(name: str) -> str:
    """Delete the schedule of an exported run; say what was done. Raises ExportError."""
    try:
        client = _client()
        with asking():
            client.delete_schedule(Name=name)
    except Refused as fault:
        if str(fault).startswith(_GONE):
            raise ExportError(
                f"no schedule {name!r}: `cellgraph aws schedules` lists them"
            ) from None
        raise ExportError(f"the schedule was not deleted: {fault}") from None
    except AwsFault as fault:
        raise ExportError(f"the schedule was not deleted: {fault}") from None
    return f"schedule {name} is deleted; what its runs left stays in the store"


def schedules() -> list[tuple[str, str, str]]:
    """Name, expression with zone, and bundle of each schedule of ours. Raises ExportError."""
    client = _client()
    found: list[tuple[str, str, str]] = []
    try:
        with asking():
            for page in client.get_paginator("list_schedules").paginate():
                for each in page["Schedules"]:
                    one = client.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
                    _, ours, bundle = str(one.get("Description", "")).partition("cellgraph bundle ")
                    if ours:
                        zone = one.get("ScheduleExpressionTimezone", "UTC")
                        found.append((one["Name"], f"{one['ScheduleExpression']} {zone}", bundle))
    except AwsFault as fault:
        raise ExportError(f"the schedules cannot be listed: {fault}") from None
    return found


def _client() -> Any:
    settings = load_settings({})
    batch = checked(_ON, settings.executors.get(_ON, {}))
    clients = Clients(batch.profile or settings.profile, batch.region or settings.region)
    return clients.client("scheduler")


def _checked(settings: Settings) -> BatchSettings:
    """What is needed is there. Raises ConfigError for the first that is not."""
    check_reachable("--to eventbridge", settings)
    if settings.trust == "safe":
        raise ConfigError("--to eventbridge: with trust='safe' no bundle runs from a bucket")
    batch = checked(_ON, settings.executors.get(_ON, {}))
    for name in ("queue", "image", "scheduler_role"):
        if not getattr(batch, name):
            raise ConfigError(
                f"--to eventbridge needs {name}= of the executor batch: in cellgraph.toml, "
                f"[executors.batch] {name} = ... (`cellgraph aws template` makes one)"
            )
    return batch


def _put(client: Any, request: Mapping[str, Any]) -> str:
    name = request["Name"]
    try:
        with asking():
            known = client.get_schedule(Name=name)
    except Refused as fault:
        if not str(fault).startswith(_GONE):
            raise
        with asking():
            client.create_schedule(**request)
        return f"schedule {name} is created"
    if all(_same(known.get(key), value) for key, value in request.items()):
        return f"schedule {name} is as it was"
    with asking():
        client.update_schedule(**request)
    return f"schedule {name} is updated"


def _same(known: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(known, Mapping):
        there, given = cast("Mapping[str, Any]", known), cast("Mapping[str, Any]", wanted)
        return all(_same(there.get(key), value) for key, value in given.items())
    return bool(known == wanted)
