"""Names of files that hold on every machine, and what a call may have read.

A file of the project is named by its path below the project's folder. A file of a data root is
named by that root as the settings write it ("~/data/x.csv"), so that a cache made under one home
holds under another. Pure: nothing here looks at a disk, except that the home folder is asked for.
"""

import os
from typing import Final, Literal, NamedTuple

S3: Final = "s3://"
ReadKind = Literal["file", "absent", "listing", "env", "result", "literal", "argument", "changed"]


class Read(NamedTuple):
    """One thing that a call read beside its arguments, and its digest at that time.

    - ``file``: content of a file. ``absent``: the name of a file that did not exist. ``listing``:
      names in a folder. ``env``: an environment variable (no digest: it was not set).
    - ``result``: a `File` or `Dir` in the call's own result. ``literal``: one in the expression
      that the call returned.

    Two kinds are said by a worker and never stored. ``argument``: a `File` that the call received
    and used. ``changed``: a file that changed while it was read; the result must not be kept.
    """

    kind: ReadKind
    name: str
    digest: bytes


class Roots(NamedTuple):
    """The folders whose files results may depend on."""

    project: str  # absolute, no link in it
    data: tuple[str, ...] = ()  # further folders, as the settings write them


def name_of(path: str, roots: Roots) -> str | None:
    """The portable name of an absolute path; None when it lies in no root."""
    inside = below(path, roots.project)
    if inside is not None:
        return f"./{inside}" if inside.startswith(("~", "/")) else inside
    for written in roots.data:
        inside = below(path, path_of(written, roots))
        if inside is not None:
            return f"{written.rstrip(os.sep)}{os.sep}{inside}" if inside != "." else written
    return None


def path_of(name: str, roots: Roots) -> str:
    """The absolute path of a portable name."""
    return os.path.normpath(expanded(name, roots))


def expanded(written: str, roots: Roots) -> str:
    """A path as written in settings or in a name, made absolute."""
    home = os.path.expanduser(written) if written.startswith("~") else written  # noqa: PTH111 - text
    return os.path.join(roots.project, home)  # noqa: PTH118 - text


def below(path: str, folder: str) -> str | None:
    """The part of *path* below *folder* ("." for the folder itself); None if it is elsewhere."""
    if path == folder:
        return "."
    start = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(start) :] if path.startswith(start) else None
