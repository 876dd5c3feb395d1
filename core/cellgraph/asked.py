"""What a question about lineage means: the calls on record that gave the thing in hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cellgraph.callbook import HEX, LEAST
from cellgraph.errors import CellgraphError, StoreError
from cellgraph.expression import EXPRESSIONS
from cellgraph.files import Dir, File
from cellgraph.forecast import Forecast
from cellgraph.identity.values import reference
from cellgraph.label import label
from cellgraph.links import SHORT
from cellgraph.located import working_roots
from cellgraph.places import name_of
from cellgraph.structure import leaves
from cellgraph.trail import Trail
from cellgraph.unfolding import expressions_in


class Origin(NamedTuple):
    """What was asked about, in words; the calls that gave it; how many others did so too."""

    name: str
    starts: list[bytes]
    others: int = 0


def origin_of(what: Any, trail: Trail, forecast: Callable[[Any], Forecast]) -> Origin:
    """Find the calls behind an expression, a file, a path, or a value. Raises StoreError."""
    if next(leaves(what, EXPRESSIONS), None) is not None:
        return Origin(label(what), _of_expression(forecast(what)))
    if isinstance(what, (File, Dir)):
        return _newest(what.name, trail.writers({what.name}))
    call = _call_named(what, trail) if isinstance(what, str) else None
    if call is not None:
        return Origin(f"call {what}", [call])
    if isinstance(what, Path) or (isinstance(what, str) and _is_path(what)):
        found = _newest(str(what), trail.writers(_names(str(what))))
        if found.starts or isinstance(what, Path):
            return found
    return _of_value(what, trail)


def _call_named(what: str, trail: Trail) -> bytes | None:
    """The call whose id is *what*, or begins so."""
    if len(what) < LEAST or not HEX.issuperset(what):
        return None
    found = [short for short in trail.calls if short.hex().startswith(what[: 2 * SHORT])]
    return found[0] if len(found) == 1 else None


def _of_expression(found: Forecast) -> list[bytes]:
    """The calls that an expression's value is made of."""
    growth = found.reduction.growth
    starts: dict[bytes, None] = {}
    stack: list[Any] = [found.expr]
    while stack:
        expr = stack.pop()
        node = growth.nodes.get(id(expr))
        if node is None:
            continue
        if node.call >= 0:
            starts[node.key[:SHORT]] = None
        else:
            stack.extend(expressions_in(expr))
    return list(starts)[::-1]


def _of_value(what: Any, trail: Trail) -> Origin:
    try:
        ref = reference(what)
    except CellgraphError as error:
        raise StoreError(f"{label(what)} cannot be found by its content: {error}") from error
    found = _newest(label(what), trail.givers(ref))
    known: object = what
    if found.starts or not isinstance(known, (list, tuple, dict)):
        return found
    # What evaluate returned for several expressions at once: the parts are results.
    parts: list[Any] = list(what.values() if isinstance(known, dict) else what)
    starts = [start for part in parts for start in trail.givers(reference(part))[:1]]
    return Origin(found.name, list(dict.fromkeys(starts)))


def _newest(name: str, found: list[bytes]) -> Origin:
    return Origin(name, found[:1], max(0, len(found) - 1))


def _is_path(text: str) -> bool:
    return "\n" not in text and len(text) < 1024 and ("/" in text or Path(text).exists())


def _names(path: str) -> set[str]:
    """What a file may be called in records."""
    absolute = str(Path(path).expanduser().absolute())
    roots = working_roots()
    return {path, absolute, f"file://{absolute}", name_of(absolute, roots) or path}
