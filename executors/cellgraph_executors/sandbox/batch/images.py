"""Images that have some of this machine's programs and no others: folders to be a job's `PATH`."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from cellgraph.errors import ConfigError

Programs = Mapping[str, Mapping[str, str]]  # image -> name of a program -> where it is


def found(images: Mapping[str, Sequence[str]]) -> Programs:
    """Where the programs of images are on this machine. Raises ConfigError."""
    made: dict[str, dict[str, str]] = {}
    for image, names in images.items():
        made[image] = {}
        for name in names:
            where = shutil.which(name)
            if where is None or "/" in name:
                raise ConfigError(f"images={{{image!r}: ...}}: no program {name!r} on this machine")
            made[image][name] = where
    return made


def furnished(programs: Programs, folder: Path) -> dict[str, Path]:
    """A folder of links for each image, below *folder*."""
    made: dict[str, Path] = {}
    for number, (image, names) in enumerate(programs.items()):
        made[image] = folder / str(number)
        made[image].mkdir(parents=True)
        for name, where in names.items():
            (made[image] / name).symlink_to(where)
    return made
