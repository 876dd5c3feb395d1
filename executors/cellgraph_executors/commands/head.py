"""`cellgraph head`: a bundle of the store, carried out here: the command of a scheduled job."""

import json
import os
import tempfile
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cellgraph.session import Session


def head(
    store: Annotated[str, typer.Option("--store", help="The store, s3://bucket/prefix.")],
    bundle: Annotated[str, typer.Option("--bundle", help="The digest of the bundle.")],
    at: Annotated[str, typer.Option("--at", help="The scheduled time (ISO).")] = "",
    settings: Annotated[str, typer.Option("--settings", help="Of the session, as JSON.")] = "{}",
) -> None:
    """Carry out an exported run from the store: the command of a scheduled job, not for people.

    Whoever named store and digest in the job's command trusts what the digest stands for, and the
    bucket that it is read from.
    """
    from cellgraph.current import in_use
    from cellgraph.reports import kept_bundle
    from cellgraph.scheduled.preparing import prepare
    from cellgraph.scheduled.running import run
    from cellgraph.session import Session
    from cellgraph.stores.trusted import VARIABLE
    from cellgraph_executors.eventbridge.overlap import goes_on

    bucket = "/".join(store.split("/")[:3])
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {bucket}".strip()
    if goes_on(os.environ):
        typer.echo("an earlier job of this run goes on: skipped")
        return

    said: dict[str, Any] = {**json.loads(settings), "store": store}

    def open_session() -> "AbstractContextManager[Session]":
        return in_use(Session(**said))

    with tempfile.TemporaryDirectory(prefix="cellgraph-head-") as folder:
        with open_session() as session:
            found = kept_bundle(session.store, bundle)
        found.write(Path(folder))
        moment = datetime.fromisoformat(at) if at else datetime.now(UTC)
        job = prepare(found, Path(folder), {}, moment, due=bool(at))
        if job.drift:
            typer.echo(f"not as locked: {job.drift}")
        first = int(os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1"))  # after a lost host it is 2
        done = run(job, open_session, None, typer.echo, first=first)
    typer.echo(repr(done.value))
