"""Which calls made the arguments of which: written once a run has ended and its value is out.

A large argument is known in a record by its digest alone, so what it was made of is noted here:
for each call that ran, the calls whose values it waited for, through rules and containers, in the
run's own graph. Calls that were found have their line from the run that computed them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cellgraph.active import Active
from cellgraph.digest import digest
from cellgraph.node import Node
from cellgraph.records import Link, LinksRecord, encode
from cellgraph.stores.base import Entry
from cellgraph.unfolding import expressions_in

SHORT: Final = 16  # bytes of a key that tell calls of one store apart
_SALT: Final = b"cellgraph.links.1"
_ROWS: Final = 2_000
_INPUTS: Final = 100_000  # of one call; more are not told apart


def link_entries(active: Active) -> list[Entry]:
    """What to store of a run that has ended."""
    made: list[Entry] = []
    for number, links in enumerate(_batches(_links(active))):
        record = LinksRecord(active.run.id, tuple(links))
        key = digest(_SALT + f"{active.run.id}/{number}".encode())
        made.append(Entry(key, key[0], encode(record)))
    return made


def inputs_of(link: Link) -> list[bytes]:
    """The beginnings of the keys in a link."""
    return [link.inputs[at : at + SHORT] for at in range(0, len(link.inputs), SHORT)]


def _links(active: Active) -> Iterator[Link]:
    for node in active.ran:
        if not node.definition.cached:
            continue
        inputs = _inputs(active, node)
        if inputs:
            yield Link(node.key[:SHORT], b"".join(inputs))


def _inputs(active: Active, node: Node) -> list[bytes]:
    """Keys of the calls whose values *node* waited for, cut short, each once."""
    stack: list[Any] = expressions_in(node.expr)
    if not stack:
        return []
    table = active.reduction.growth.table(node.env)
    found: dict[bytes, None] = {}
    seen: set[int] = set()
    while stack and len(found) < _INPUTS:
        expr = stack.pop()
        child = table.get(id(expr))
        if child is None or id(expr) in seen:
            continue
        seen.add(id(expr))
        if child.call < 0:
            stack.extend(expressions_in(child.expr))
        elif child.key:
            found[child.key[:SHORT]] = None
    return list(found)[::-1]


def _batches(links: Iterable[Link]) -> Iterator[list[Link]]:
    """Records of about a megabyte at most, unless one call has very many inputs."""
    batch: list[Link] = []
    size = 0
    for link in links:
        if batch and (len(batch) >= _ROWS or size + len(link.inputs) > 1 << 20):
            yield batch
            batch, size = [], 0
        batch.append(link)
        size += len(link.inputs)
    if batch:
        yield batch
