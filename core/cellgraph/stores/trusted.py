"""Whom the user trusts: buckets, and the keys of people who write to them.

Kept in the user's own configuration, never in a project's: a repository that one clones must not
be able to say so. Whoever can write a pickle can run code where it is read.
"""

import os
from pathlib import Path
from typing import Final

from cellgraph.errors import ConfigError
from cellgraph.stores.signing import KEY_BYTES, parsed, shown

_STORES: Final = "trusted-stores"
_WRITERS: Final = "trusted-writers"
_KEY: Final = "writer-key"
# Addresses trusted by this process and what it starts, and nowhere on record: as the sandbox's.
VARIABLE: Final = "CELLGRAPH_TRUSTED_STORES"


# --- buckets --------------------------------------------------------------------------------------


def trusted() -> list[str]:
    """The addresses on record, sorted."""
    return sorted(set(_lines(_STORES)))


def is_trusted(address: str) -> bool:
    """Whether *address* or something above it is on record, or in the environment."""
    wanted = _checked(address) + "/"
    here = [_checked(known) for known in os.environ.get(VARIABLE, "").split()]
    return any(wanted.startswith(known + "/") for known in (*here, *trusted()))


def trust(address: str) -> None:
    """Put ``s3://bucket`` or ``s3://bucket/prefix`` on record. Raises ConfigError."""
    _write(_STORES, {*trusted(), _checked(address)})


def distrust(address: str) -> None:
    """Take an address off the record. Raises ConfigError when it is not there."""
    known, wanted = set(trusted()), _checked(address)
    if wanted not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigError(f"{wanted} is not among the trusted stores: {listed}")
    _write(_STORES, known - {wanted})


def _checked(address: str) -> str:
    place = address.rstrip("/")
    if not place.startswith("s3://") or not place.removeprefix("s3://").partition("/")[0]:
        raise ConfigError(f"{address!r}: expected s3://bucket or s3://bucket/prefix")
    return place


# --- writers --------------------------------------------------------------------------------------


def writers() -> dict[bytes, str]:
    """Public keys on record, each with a person's name (which may be empty)."""
    found: dict[bytes, str] = {}
    for line in _lines(_WRITERS):
        key, _, name = line.partition(" ")
        found[parsed(key)] = name
    return found


def trust_writer(key: str, name: str = "") -> None:
    """Believe what is signed with a key (`signing.shown`). Raises ConfigError."""
    named = " ".join(name.split())
    _write_writers({**writers(), parsed(key): named})


def distrust_writer(key: str) -> None:
    """Believe a key no longer. Raises ConfigError when it is not on record."""
    known, wanted = writers(), parsed(key)
    if wanted not in known:
        raise ConfigError(f"{key} is not among the trusted writers: `cellgraph trust` lists them")
    _write_writers({k: n for k, n in known.items() if k != wanted})


def own_secret() -> bytes | None:
    """The private key that this user signs with, if one was made. Raises ConfigError."""
    for line in _lines(_KEY):
        try:
            secret = bytes.fromhex(line)
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise ConfigError(f"{_path(_KEY)} is damaged: restore it, or delete it and make a key")
        return secret
    return None


def keep_secret(secret: bytes) -> None:
    """Record the private key of this user. Raises ConfigError when there is one already."""
    if own_secret() is not None:
        raise ConfigError(
            f"there is a key already, in {_path(_KEY)}: others may trust it, so move it away first"
        )
    _write(_KEY, {secret.hex()})


def _write_writers(known: dict[bytes, str]) -> None:
    _write(_WRITERS, {f"{shown(key)} {name}".rstrip() for key, name in known.items()})


# --- files ----------------------------------------------------------------------------------------


def _lines(name: str) -> list[str]:
    try:
        return [line for line in _path(name).read_text("utf-8").splitlines() if line]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{_path(name)} cannot be read: {error}") from error


def _write(name: str, lines: set[str]) -> None:
    path = _path(name)
    temporary = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in sorted(lines)))
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def _path(name: str) -> Path:
    import platformdirs

    return platformdirs.user_config_path("cellgraph") / name
