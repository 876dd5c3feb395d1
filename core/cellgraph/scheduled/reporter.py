"""Who writes the documents of a run: the entry point group ``cellgraph.reporters``."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from cellgraph.errors import ConfigError, StoreError
from cellgraph.events import Event
from cellgraph.exported.bundle import Bundle
from cellgraph.plugins import reporter_type
from cellgraph.provenance import RunSummary
from cellgraph.reports import Reports
from cellgraph.secret import hidden
from cellgraph.session import Session


class Returned(NamedTuple):
    """The run gave a value."""

    value: Any


class Raised(NamedTuple):
    """The run failed; the text has the user's traceback."""

    text: str


class Facts(NamedTuple):
    """What only whoever carried out an exported run knows of it."""

    bundle: Bundle
    parameters: Mapping[str, Any]
    printed: Mapping[str, str]  # by the number of the cell
    outcome: Returned | Raised
    drift: str  # versions that are not those of the export; empty: none


class Documents(NamedTuple):
    """A page (HTML that begins with `pages.PROMISE`) and a notebook (format 4, JSON)."""

    page: str
    notebook: str


class Reporter(Protocol):
    """Writes about runs. `hear` is subscribed to the bus of a session, or never called."""

    def hear(self, event: Event) -> None:
        """Take in an event, on the owner's thread."""
        ...

    def documents(self, session: Session, run: RunSummary, facts: Facts) -> Documents:
        """The documents of a run that was heard, and has ended."""
        ...

    def page(self, session: Session, run: RunSummary) -> str:
        """The page of any run on record, from the store alone."""
        ...


def reporter() -> Reporter | None:
    """The registered reporter; None if there is none."""
    found = reporter_type()
    made: Reporter | None = None if found is None else found()
    return made


def report_of(session: Session, run: RunSummary, suffix: str) -> str:
    """What is kept of a run, by the suffix of a file: its page, or the executed notebook.

    A page is made now of a run that has none. Raises StoreError, ConfigError.
    """
    kept = Reports(session.store)
    if suffix == ".ipynb":
        found = kept.get(run, "ipynb")
        if found is None:
            raise StoreError(f"run {run.id} left no executed notebook: exported runs do")
        return found
    if suffix != ".html":
        raise ConfigError(f"{suffix or 'no suffix'}: a report is a page, .html, or an .ipynb")
    found = kept.get(run, "html")
    writer = reporter() if found is None else None
    if writer is not None:
        return hidden(writer.page(session, run), markup=True)
    if found is None:
        raise StoreError(f"run {run.id} left no report, and nothing here makes one")
    return found
