"""Lists in pages, as all of Batch's list and describe actions have them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cellgraph_executors.sandbox.wire import client_error


def page(key: str, found: Sequence[Any], said: Mapping[str, Any], largest: int) -> dict[str, Any]:
    """The part of *found* that a request asks for, with the token of the next one."""
    start, count = bounds(said, largest)
    part: dict[str, Any] = {key: list(found[start : start + count])}
    if start + count < len(found):
        part["nextToken"] = str(start + count)
    return part


def bounds(said: Mapping[str, Any], largest: int) -> tuple[int, int]:
    """Where the page begins, and how many it holds. Raises ServiceError."""
    token = str(said.get("nextToken") or "0")
    if not token.isdecimal():
        raise client_error(f"nextToken is not one that was given out: {token!r}")
    return int(token), max(1, min(largest, int(said.get("maxResults") or largest)))
