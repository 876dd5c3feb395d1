"""Whether the datasets in a store are as the results with them say."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from cellgraph.care.items import Scene, decoded
from cellgraph.filedigests import names_digest
from cellgraph.places import Read
from cellgraph.records import ReadsRecord
from cellgraph.stores.shardfolders import taken_apart
from cellgraph.stores.tended import Damage, Tended


class Said:
    """What the results in *store* say of its datasets; read when first asked for."""

    def __init__(self, store: Tended) -> None:
        self._store = store

    def holds(self, name: str) -> bool:
        """Whether a dataset is as they say; False if none speaks of it. Reads all of its files."""
        said = self._said.get(name)
        return said is not None and as_said(said, self._store.shards(name))

    @cached_property
    def _said(self) -> dict[str, set[Read]]:
        found: dict[str, set[Read]] = {}
        for kept in self._store.kept():
            record = decoded(kept.entry.data)
            for read in record.reads if isinstance(record, ReadsRecord) else ():
                apart = taken_apart(read.name)
                if apart is not None and read.kind in ("result", "literal"):
                    found.setdefault(apart[1], set()).add(read)
        return found


def as_said(reads: Iterable[Read], contents: Mapping[str, bytes]) -> bool:
    """Whether all that *reads* name in one dataset is as one of them says."""
    held: dict[str, bool] = {}
    for read in reads:
        found = taken_apart(read.name)
        assert found is not None  # they name a dataset
        held[read.name] = held.get(read.name, False) or _holds(read, found[2], contents)
    return all(held.values())


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
