"""Small named objects beside the segments: one per run, later pins and pending arrays."""

import secrets
from pathlib import Path

from cellgraph.stores.local.faults import store_error
from cellgraph.stores.names import split_name


class NamedFiles:
    """Whole small files under the root, replaced atomically. Thread- and process-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, data: bytes) -> None:
        """Write *name* whole. Raises StoreError when it cannot be written."""
        path = self._path(name)
        temporary = path.with_name(f".{secrets.token_hex(6)}")
        try:
            path.parent.mkdir(exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise store_error("write", path, error) from error

    def read(self, name: str) -> bytes | None:
        """The content of *name*, or None."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise store_error("read", self._path(name), error) from error

    def remove(self, name: str) -> None:
        """Delete *name* if it is there. Raises StoreError when it cannot be deleted."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise store_error("delete", path, error) from error

    def names(self, folder: str) -> list[str]:
        """Names in *folder*, sorted."""
        try:
            found = [path.name for path in (self._root / folder).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def _path(self, name: str) -> Path:
        folder, file = split_name(name)
        return self._root / folder / file
