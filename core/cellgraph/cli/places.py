"""Which store a command means."""

from pathlib import Path
from typing import Annotated

import typer

from cellgraph.errors import ConfigError, StoreError
from cellgraph.session import Session
from cellgraph.settings import load_settings

StoreOption = Annotated[
    Path | None, typer.Option("--store", help="The store's folder, if not the project's.")
]

WhereOption = Annotated[
    str | None,
    typer.Option("--store", help="A folder or s3://bucket/prefix, if not the project's store."),
]


def store_folder(store: Path | None) -> Path:
    """The folder of the store that *store* or the project's settings name.

    Raises ConfigError for a store that is not a folder.
    """
    if store is not None:
        return store.expanduser()
    settings = load_settings({})
    if "://" in settings.store:
        raise ConfigError(f"{settings.store} is not a folder: name one with --store")
    if settings.store:
        return Path(settings.store).expanduser()
    return Path(settings.project) / ".cellgraph"


def existing_session(store: str | None) -> Session:
    """Open a store that is there, in a folder or a bucket (none: the project's).

    Raises StoreError for a folder without a store: looking must not create one.
    """
    where = store if store is not None else load_settings({}).store
    if where.startswith("s3://"):
        return Session(where)
    folder = store_folder(None if store is None else Path(store))
    if not (folder / "format.json").is_file():
        raise StoreError(
            f"no store at {folder}: evaluate something there first, or name one with --store"
        )
    return Session(folder)
