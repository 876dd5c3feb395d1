"""What goes wrong with files: errors that say what to do, and where damaged bytes are kept."""

import errno
import logging
import os
from pathlib import Path
from typing import Final

from cellgraph.errors import StoreError

_log = logging.getLogger(__name__)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
# Deleted, also by another machine, or on a bad sector: nothing to be had from there.
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO})


def is_gone(error: OSError) -> bool:
    """Whether *error* says that the file, or what it held, is lost."""
    return error.errno in _GONE


def store_error(action: str, path: Path, error: OSError) -> StoreError:
    """The StoreError for *error*, met while doing *action* (as in "write a record to")."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        advice = "free space there (what was stored before is intact), then evaluate again"
    elif error.errno in _READ_ONLY:
        advice = (
            "results stored there are still read; to store new ones make it writable or choose "
            "another store: cg.configure(store=...)"
        )
    else:
        advice = "check the disk, or choose another store: cg.configure(store=...)"
    return StoreError(f"cannot {action} {path}: {reason}; {advice}")


class Quarantine:
    """Keeps what is damaged, for a person to look at. Best effort: it never raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, raw: bytes) -> None:
        """Keep a copy of damaged bytes that stay where they are (a record in a segment)."""
        _log.warning("damaged record %s: treated as absent, a copy is in %s", name, self._folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(raw)
        except OSError as error:
            _log.warning("could not keep damaged record %s: %s", name, error)

    def take(self, path: Path, why: str) -> None:
        """Move a damaged file away, so that it can be written again."""
        _log.warning(
            "damaged file %s (%s): treated as absent, moved to %s", path, why, self._folder
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.replace(self._folder / f"{path.name}-{os.urandom(4).hex()}")
        except OSError as error:
            _log.warning("could not move damaged file %s: %s", path, error)
