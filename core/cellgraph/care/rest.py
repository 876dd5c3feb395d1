"""Whether the datasets in a store are as the results with them say."""

from collections.abc import Iterator, Mapping

from cellgraph.care.items import Scene
from cellgraph.filedigests import names_digest
from cellgraph.places import Read
from cellgraph.stores.shardfolders import taken_apart
from cellgraph.stores.tended import Damage, Tended


def changed(scene: Scene, store: Tended) -> Iterator[Damage]:
    """Yield the datasets that are not; each is read once. Their steps run again when needed."""
    where = store.facts().where
    claims: dict[str, list[tuple[str, Read]]] = {}
    for read in scene.shards:
        found = taken_apart(read.name)
        if found is None:
            continue
        before, name, inner = found
        if bytes.fromhex(name) in scene.datasets or _is_at(where, before):
            claims.setdefault(name, []).append((inner, read))
    for name, said in sorted(claims.items()):
        contents = store.shards(name)
        wrong = {inner or "its shards" for inner, read in said if not _holds(read, inner, contents)}
        if not contents:
            yield Damage(f"dataset {name}", "gone")
        elif wrong:
            yield Damage(f"dataset {name}", f"not as written: {', '.join(sorted(wrong))}")


def _holds(read: Read, inner: str, contents: Mapping[str, bytes]) -> bool:
    if not read.name.endswith("/"):
        return contents.get(inner) == read.digest
    start = f"{inner}/" if inner else ""
    below = [(n.removeprefix(start), c) for n, c in contents.items() if n.startswith(start)]
    return names_digest(below) == read.digest


def _is_at(where: str, folder: str) -> bool:
    """Whether *folder*, as a record names it, may be that of the store at *where*."""
    return bool(folder) and (where == folder or where.endswith(f"/{folder}"))
