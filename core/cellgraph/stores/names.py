"""Names of small objects beside the records: `<folder>/<file>`, nothing deeper."""

import re
from typing import Final

from cellgraph.errors import StoreError

# What others wrote is listed, too: a name must be one for every file system.
_FILE: Final = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,199}", re.ASCII)
FOLDERS: Final = frozenset({"bundles", "pending", "pins", "reports", "runs"})


def split_name(name: str) -> tuple[str, str]:
    """Return (folder, file) of an object's name. Raises StoreError when it is not one."""
    folder, _, file = name.partition("/")
    if folder not in FOLDERS or not _FILE.fullmatch(file):
        raise StoreError(
            f"{name!r} cannot name an object of a store: use <folder>/<file> with a folder of "
            f"{', '.join(sorted(FOLDERS))}"
        )
    return folder, file
