"""Which shards go together in a piece. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from cellgraph.datasets import hive
from cellgraph.datasets.hive import Value
from cellgraph.datasets.layout import Layout, Shard
from cellgraph.errors import ConfigError
from cellgraph.suggest import closest


def by_value(said: str, layout: Layout, keys: Sequence[str]) -> list[list[Shard]]:
    """The shards of each value of *keys*, sorted by value. *said*: the dataset, for messages."""
    known = [key.name for key in layout.keys]
    if not keys:
        raise ConfigError("partitions(): name the column, as in partitions('gene')")
    for key in keys:
        if key not in known:
            names = f"partitioned by {', '.join(known)}" if known else "not partitioned"
            raise ConfigError(
                f"{said} is {names}{closest(key, known)}: write it with "
                f'cg.Dataset(place).write(frame, partition_by="{key}") first'
            )
    places = [known.index(key) for key in keys]
    groups: dict[tuple[Value, ...], list[Shard]] = {}
    for shard in layout.shards:
        groups.setdefault(tuple(shard.values[at] for at in places), []).append(shard)
    return [groups[values] for values in sorted(groups, key=hive.order)]


def by_size(
    layout: Layout, n: int, row_groups: Callable[[Shard], Sequence[int]]
) -> list[list[Shard]]:
    """At most *n* runs of neighbours of about the same size. *row_groups*: their sizes in bytes."""
    said: Any = n
    if isinstance(said, bool) or not isinstance(said, int) or said < 1:
        raise ConfigError(f"split({n!r}): expected how many pieces, 1 or more")
    units = list(layout.shards)
    if len(units) < n and layout.format == "parquet":
        units = [part for shard in units for part in _groups(shard, row_groups)]
    total = sum(unit.size_bytes for unit in units) or len(units)
    runs: list[list[Shard]] = []
    before, last = 0.0, -1
    for unit in units:
        size = unit.size_bytes or total / len(units)
        at = min(n - 1, int((before + size / 2) * n / total))
        if at != last:
            runs.append([])
        runs[-1].append(unit)
        before, last = before + size, at
    return [_joined(run) for run in runs]


def _groups(shard: Shard, row_groups: Callable[[Shard], Sequence[int]]) -> list[Shard]:
    sizes = row_groups(shard)
    start, stop = shard.groups or (0, len(sizes))
    if stop - start <= 1:
        return [shard]
    return [shard._replace(size_bytes=sizes[at], groups=(at, at + 1)) for at in range(start, stop)]


def _joined(run: Sequence[Shard]) -> list[Shard]:
    """Neighbouring row groups of one file as one part of it."""
    found: list[Shard] = []
    for shard in run:
        last = found[-1] if found else None
        if last and last.groups and shard.groups and last.name == shard.name:
            found[-1] = last._replace(
                size_bytes=last.size_bytes + shard.size_bytes,
                groups=(last.groups[0], shard.groups[1]),
            )
        else:
            found.append(shard)
    return found
