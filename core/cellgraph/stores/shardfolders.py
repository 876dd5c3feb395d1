"""Datasets that steps wrote in the store: a folder of shards for each, `datasets/<name>/`.

Their names are random, and whatever needs one says where it is: a path that ends in
`datasets/<name>/...`, wherever the store was when that was written.
"""

import os
import re
import time
from contextlib import suppress
from typing import Final

FOLDER: Final = "datasets"
_NAME: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Whatever follows: in an encoded Dataset it is the sign of the next part, which may be a hex digit.
_IN_DATA: Final = re.compile(rb"datasets/([0-9a-f]{32})")
_IN_PATH: Final = re.compile(r"(.*/)?datasets/([0-9a-f]{32})(?=/|$)(.*)", re.ASCII | re.DOTALL)
_SELDOM_S: Final = 3600.0


def is_name(text: str) -> bool:
    """Whether a folder of this name is such a dataset; others are left alone."""
    return _NAME.fullmatch(text) is not None


def named_in(data: bytes) -> set[bytes]:
    """The keys (`tended.Folder.key`) of the datasets that an encoded record speaks of."""
    return {bytes.fromhex(found.decode()) for found in _IN_DATA.findall(data)}


def taken_apart(path: str) -> tuple[str, str, str] | None:
    """What is before `datasets/`, the name, and the part below it; None for another path."""
    found = _IN_PATH.fullmatch(path)
    return None if found is None else ((found[1] or "").rstrip("/"), found[2], found[3].strip("/"))


def note_use(path: str) -> None:
    """Have collections know that what lies at *path*, on this machine, is in use.

    Like a blob, a dataset goes by the time of its last use; that of its folder says it. Written
    once an hour at most.
    """
    found = _IN_PATH.fullmatch(path)
    if found is not None:
        folder = f"{found[1] or ''}{FOLDER}/{found[2]}"
        with suppress(OSError):  # gone, or a disk that is only read
            if abs(time.time() - os.stat(folder).st_mtime) > _SELDOM_S:  # noqa: PTH116 - text
                os.utime(folder)
