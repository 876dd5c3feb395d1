"""Names of small objects beside the records: `<folder>/<file>`, nothing deeper."""

from typing import Final

from cellgraph.errors import StoreError

FOLDERS: Final = frozenset({"pending", "pins", "runs"})


def split_name(name: str) -> tuple[str, str]:
    """Return (folder, file) of an object's name. Raises StoreError when it is not one."""
    folder, _, file = name.partition("/")
    if folder not in FOLDERS or not file or "/" in file or file.startswith("."):
        raise StoreError(
            f"{name!r} cannot name an object of a store: use <folder>/<file> with a folder of "
            f"{', '.join(sorted(FOLDERS))}"
        )
    return folder, file
