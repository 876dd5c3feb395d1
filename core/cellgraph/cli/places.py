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


def existing_session(store: Path | None) -> Session:
    """Open a store that is there. Raises StoreError if none is: looking must not create one."""
    folder = store_folder(store)
    if not (folder / "format.json").is_file():
        raise StoreError(
            f"no store at {folder}: evaluate something there first, or name one with --store"
        )
    return Session(folder)
