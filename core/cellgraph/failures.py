"""What is stored of a call that failed: enough to find out why, and no more.

One record per call, under a key that begins like the call's own: `get_call` finds both by the same
id, and no lookup of a run meets it. A run writes at most `KEPT_PER_RUN` of them; texts are cut.
"""

from typing import Final

from cellgraph.active import Active
from cellgraph.digest import digest
from cellgraph.executor import JobFailed
from cellgraph.failure import Failure
from cellgraph.node import Node
from cellgraph.records import FailureRecord, encode
from cellgraph.stores.base import Entry

KEPT_PER_RUN: Final = 500
SHARED: Final = 16  # bytes that the key of a failure has in common with that of its call
_SALT: Final = b"cellgraph.failure.1"
_LINE_CHARS: Final = 500
_TEXT_CHARS: Final = 8_192


def failure_key(call: bytes) -> bytes:
    """Where the failure of the call with this key is kept."""
    return call[:SHARED] + digest(_SALT + call)[SHARED:]


def failure_entry(active: Active, node: Node, event: JobFailed, failure: Failure) -> Entry | None:
    """The record of a call that failed for good; None when enough are kept, or it has no name."""
    if node.call < 0 or not node.definition.cached or active.kept_failures >= KEPT_PER_RUN:
        return None
    active.kept_failures += 1
    definition = node.definition
    record = FailureRecord(
        call=node.key,
        task=definition.name,
        task_id=definition.id,
        args=node.args_ref,
        run=active.run.id,
        started=event.started,
        elapsed_s=event.elapsed_s,
        executor=definition.executor,
        error=_head(failure.message, _LINE_CHARS),
        traceback=_tail(failure.traceback, _TEXT_CHARS),
        log=_tail(failure.log, _TEXT_CHARS),
        attempts=node.attempt + 1,
        parent=node.parent.key if node.parent is not None else b"",
    )
    return Entry(failure_key(node.key), definition.zone, encode(record))


def _head(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _tail(text: str, limit: int) -> str:
    """The end, which says most."""
    return text if len(text) <= limit else f"…{text[1 - limit :]}"
