"""Prefixes of buckets that this machine has as mounted folders (`CELLGRAPH_MOUNTS`).

The variable holds JSON: ``{"s3://bucket/prefix": "/fsx/folder"}``. Whoever starts a job where a
file system is mounted sets it. What an object is called never depends on it. Pure, but for
reading it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final, cast

from cellgraph.errors import ConfigError

VARIABLE: Final = "CELLGRAPH_MOUNTS"


def mounted(uri: str) -> str | None:
    """Where an object, or what is below a prefix, is mounted here; None if it is not.

    Raises ConfigError when the variable cannot be read.
    """
    told = os.environ.get(VARIABLE)
    return find(uri, _read(told)) if told else None


def folders() -> list[str]:
    """Where buckets are mounted here. Raises ConfigError when the variable cannot be read."""
    told = os.environ.get(VARIABLE)
    return [folder for _, folder in _read(told)] if told else []


def find(uri: str, links: Sequence[tuple[str, str]]) -> str | None:
    """*links*: prefixes without a slash at the end and their folders, the longest prefix first.

    ``s3://bucket/raw2/x`` is not below the prefix ``s3://bucket/raw``.
    """
    if not can_be_path(uri):
        return None
    for prefix, folder in links:
        if uri == prefix or uri.startswith(prefix + "/"):
            return str(PurePosixPath(folder, uri[len(prefix) :].lstrip("/")))
    return None


def can_be_path(uri: str) -> bool:
    """Whether the parts of a key can name folders: none is empty, ``.`` or ``..``."""
    parts = uri.removeprefix("s3://").split("/")
    if len(parts) > 1 and parts[-1] == "":  # a prefix may end with a slash
        parts.pop()
    return uri.startswith("s3://") and all(part not in ("", ".", "..") for part in parts)


def told(links: Mapping[str, str]) -> str:
    """What the variable has to hold."""
    return json.dumps(dict(sorted(links.items())))


@lru_cache(maxsize=8)
def _read(text: str) -> tuple[tuple[str, str], ...]:
    try:
        found: Any = json.loads(text)
        links = [(str(k).rstrip("/"), str(v)) for k, v in cast("dict[Any, Any]", found).items()]
    except (ValueError, AttributeError):
        raise ConfigError(
            f'{VARIABLE}={text!r}: expected JSON as {{"s3://bucket/prefix": "/folder"}}'
        ) from None
    return tuple(sorted(links, key=lambda link: (-len(link[0]), link[0])))
