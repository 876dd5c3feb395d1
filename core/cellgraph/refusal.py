"""Why a stored result of a call was not taken, in words."""

import re
import time
from typing import Final

from cellgraph.cache import Cache
from cellgraph.errors import ClassChanged, CodecError
from cellgraph.marks import invalidated_by_you
from cellgraph.node import Node
from cellgraph.records import CallRecord, ForgottenRecord, Value, decode

LOST: Final = "result lost"


def refusal(cache: Cache, node: Node) -> str:
    """Why the newest record under the key of *node* does not answer; empty if there is none.

    Only for a call that was looked up and not found.
    """
    said = ""
    for data in cache.store.get_many([node.key]).get(node.key, ()):
        record = decode(data)
        if type(record) is ForgottenRecord:
            return said or invalidated_by_you(record.at)
        if type(record) is CallRecord and not said:
            said = _of_call(cache, node, record)
    return said


def _of_call(cache: Cache, node: Node, record: CallRecord) -> str:
    limit = node.definition.options.expires_after_s
    age_s = time.time() - record.started
    if limit is not None and age_s >= limit:
        return f"expired ({age_s:.0f} s old, expires_after_s={limit:g})"
    stale = cache.stale(node, record)
    if stale:
        return stale
    if type(record.outcome) is not Value:
        return "the calls it made cannot be named any more"
    try:
        cache.value_of(record.outcome)
    except ClassChanged as error:
        return _class_changed(str(error))
    except CodecError:
        return LOST
    return ""


def _class_changed(message: str) -> str:
    named = re.search(r"(class|function|task) (\S+?)(?: of \S+?)?,? (?:has|which|is)", message)
    return f"{named[1]} {named[2]} changed" if named else message
