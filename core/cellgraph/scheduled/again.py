"""A run on record once more: its own code and parameters, so only what has no result runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cellgraph.errors import ConfigError, ExportError
from cellgraph.exported.bundle import Bundle
from cellgraph.exported.params import from_text
from cellgraph.provenance import RunSummary
from cellgraph.reports import kept_bundle
from cellgraph.scheduled.attempt import Job
from cellgraph.scheduled.preparing import prepare
from cellgraph.session import Session
from cellgraph.stores.trusted import is_trusted


def job_again(session: Session, run: RunSummary, folder: Path) -> Job:
    """The job of a run of an exported run; its bundle is written into *folder*.

    Raises ConfigError for a run of another kind, or of a bucket whose writers are not trusted: the
    bundle is code.
    """
    said = run.scheduled
    if said is None:
        raise ConfigError(
            f"run {run.id} was no exported run: evaluate its expression again ({run.label})"
        )
    bundle = trusted_bundle(session, said.bundle)
    bundle.write(folder)
    known = {p.name: p for p in bundle.spec.parameters}
    given: dict[str, Any] = {
        name: from_text(known[name], text) for name, text in said.parameters if name in known
    }
    at = datetime.fromtimestamp(said.due or run.started, UTC)
    return prepare(bundle, folder, given, at, due=bool(said.due))


def trusted_bundle(session: Session, id: str) -> Bundle:
    """A bundle of the session's store, if its code may run here. Raises ConfigError."""
    settings = session.settings
    shared = settings.store.startswith("s3://")
    if settings.trust == "safe" or (shared and settings.trust == "signed"):
        raise ExportError(
            f"trust={settings.trust!r}: bundles are not signed, so their code does not run from "
            "here; run the bundle that you have exported: cellgraph run FOLDER"
        )
    if shared and not is_trusted(settings.store):
        raise ExportError(
            f"the bundle is code, and the writers of {settings.store} are not trusted: "
            f"`cellgraph trust {settings.store}` says that they are"
        )
    return kept_bundle(session.store, id)
