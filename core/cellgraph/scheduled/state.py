"""What this machine knows of a bundle's runs: the last time served, and whether one goes on.

A folder per bundle in the user's own state: `lock` is held while a run goes on, `last` is the time
last served, `now` is there from the beginning of an attempt to its end: who finds it has come
after one that was killed.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import platformdirs

from cellgraph.errors import ExportError

_LAST: Final = "last"
_NOW: Final = "now"


class Killed(NamedTuple):
    """An attempt that did not come to its end."""

    due: float  # seconds since 1970; 0: started by hand
    attempt: int
    started: float


class State:
    """The state of one bundle, held by this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def last(self) -> datetime | None:
        """The scheduled time served last."""
        try:
            return datetime.fromisoformat((self._folder / _LAST).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def killed(self) -> Killed | None:
        """The attempt that was killed before this process came, if one was."""
        try:
            said = json.loads((self._folder / _NOW).read_text("utf-8"))
            return Killed(float(said["due"]), int(said["attempt"]), float(said["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def began(self, due: float, attempt: int, started: float) -> None:
        """An attempt begins."""
        said = {"due": due, "attempt": attempt, "started": started}
        self._write(_NOW, json.dumps(said))

    def ended(self, due: float, now: float) -> None:
        """The run is over, however it ended. *due*: the time it has served; 0: none.

        The last time served never moves back, and one that is still to come serves nothing yet.
        """
        last = self.last
        if 0 < due <= now and (last is None or due > last.timestamp()):
            self._write(_LAST, datetime.fromtimestamp(due, UTC).isoformat())
        (self._folder / _NOW).unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / f"{name}.new"
        try:
            path.write_text(text, "utf-8")
            path.replace(self._folder / name)
        except OSError as error:
            raise ExportError(f"{self._folder} cannot be written: {error}") from None


@contextmanager
def alone(folder: Path) -> Generator[State | None]:
    """The state of the bundle in *folder*, held for the block; None while another run holds it.

    Raises ExportError when it cannot be written.
    """
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=12).hexdigest()
    place = platformdirs.user_state_path("cellgraph") / "scheduled" / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ExportError(f"{place} cannot be written: {error}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield State(place)
    finally:
        os.close(handle)
