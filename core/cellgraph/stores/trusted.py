"""Which buckets the user trusts. Kept in the user's own configuration, never in a project's: a
repository that one clones must not be able to say so.

Stored results may hold pickles, and whoever can write a pickle can run code where it is read.
"""

import os
from pathlib import Path

from cellgraph.errors import ConfigError

_FILE = "trusted-stores"
# Addresses trusted by this process and what it starts, and nowhere on record: as the sandbox's.
VARIABLE = "CELLGRAPH_TRUST"


def trusted() -> list[str]:
    """The addresses on record, sorted."""
    try:
        return sorted({line for line in _path().read_text("utf-8").splitlines() if line})
    except FileNotFoundError:
        return []


def is_trusted(address: str) -> bool:
    """Whether *address* or something above it is on record, or in the environment."""
    wanted = _checked(address) + "/"
    here = [_checked(known) for known in os.environ.get(VARIABLE, "").split()]
    return any(wanted.startswith(known + "/") for known in (*here, *trusted()))


def trust(address: str) -> None:
    """Put ``s3://bucket`` or ``s3://bucket/prefix`` on record. Raises ConfigError."""
    _write({*trusted(), _checked(address)})


def distrust(address: str) -> None:
    """Take an address off the record. Raises ConfigError when it is not there."""
    known, wanted = set(trusted()), _checked(address)
    if wanted not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigError(f"{wanted} is not among the trusted stores: {listed}")
    _write(known - {wanted})


def _checked(address: str) -> str:
    place = address.rstrip("/")
    if not place.startswith("s3://") or not place.removeprefix("s3://").partition("/")[0]:
        raise ConfigError(f"{address!r}: expected s3://bucket or s3://bucket/prefix")
    return place


def _write(addresses: set[str]) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text("".join(f"{a}\n" for a in sorted(addresses)), "utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def _path() -> Path:
    import platformdirs

    return platformdirs.user_config_path("cellgraph") / _FILE
