"""Why a stored result of a call was not taken, in words."""

import re
import time
from typing import Final

from cellgraph.cache import Cache
from cellgraph.errors import ClassChanged, CodecError, Untrusted
from cellgraph.marks import invalidated_by_you
from cellgraph.node import Node
from cellgraph.records import CallRecord, ForgottenRecord, Value, decode
from cellgraph.vouched import Refused

LOST: Final = "result lost"
DISTRUSTED: Final = "not trusted: a result needs"
UNSIGNED: Final = "not trusted: not signed by a writer you trust"


def refusal(cache: Cache, node: Node) -> str:
    """Why the newest record under the key of *node* does not answer; empty if there is none.

    Only for a call that was looked up and not found.
    """
    said = ""
    for data in cache.store.get_many([node.key]).get(node.key, ()):
        record = decode(data)
        if type(data) is Refused:
            said = said or UNSIGNED
        if type(record) is ForgottenRecord:
            return said or invalidated_by_you(record.at)
        if type(record) is CallRecord and not said:
            said = _of_call(cache, node, record, code=type(data) is bytes)
    return said


def _of_call(cache: Cache, node: Node, record: CallRecord, *, code: bool) -> str:
    limit = node.definition.options.expires_after_s
    age_s = time.time() - record.started
    if limit is not None and age_s >= limit:
        return f"expired ({age_s:.0f} s old, expires_after_s={limit:g})"
    stale = cache.stale(node, record)
    if stale:
        return stale
    if type(record.outcome) is not Value:
        if not code:
            return f"{DISTRUSTED} the calls it made"
        return "the calls it made cannot be named any more"
    try:
        cache.value_of(record.outcome, code=code)
    except ClassChanged as error:
        return _class_changed(str(error))
    except Untrusted as error:
        needed = re.search(r"needs (.*), which can run code", str(error))
        return f"{DISTRUSTED} {needed[1] if needed else 'code'}"
    except CodecError:
        return LOST
    return ""


def _class_changed(message: str) -> str:
    named = re.search(r"(class|function|task) (\S+?)(?: of \S+?)?,? (?:has|which|is)", message)
    return f"{named[1]} {named[2]} changed" if named else message


def distrusted(cache: Cache) -> str:
    """What was not taken in a run because nobody vouches for it, what that costs, and the way out.

    For a cache with such calls. The times are those that the records claim.
    """
    calls, hours = len(cache.distrusted), sum(cache.distrusted.values()) / 3600
    cost = f"{hours:.1f} hours" if hours >= 0.1 else f"{hours * 3600:.1f} s"
    what = "result of one call" if calls == 1 else f"results of {calls:,} calls"
    return (
        f"{what}, {cost} of computing, not used: reading needs code or a signature that you do not "
        f"trust. If you trust everybody who can write to the store: cellgraph trust "
        f"{getattr(cache.store, 'uri', 's3://bucket')}"
    )
