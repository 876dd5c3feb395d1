"""What care found and did, as facts. Sizes in bytes, durations in seconds, times since 1970."""

from collections.abc import Iterator
from dataclasses import dataclass

from cellgraph.care.amounts import size
from cellgraph.care.pins import Pin
from cellgraph.stores.tended import Damage, Facts
from cellgraph.words import duration, plural


@dataclass(frozen=True, slots=True)
class TaskUse:
    """One task's results: `nbytes` with their blobs; one that several tasks need counts once."""

    name: str
    calls: int
    nbytes: int
    last_used: float
    recompute_s: float


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds."""

    facts: Facts
    records: int
    blobs: int
    blob_bytes: int
    datasets: int
    dataset_bytes: int
    runs: int
    tasks: tuple[TaskUse, ...]  # largest first
    pins: tuple[Pin, ...]

    @property
    def nbytes(self) -> int:
        """The size of the results: segments, blobs and datasets."""
        return self.facts.segment_bytes + self.blob_bytes + self.dataset_bytes

    def lines(self) -> Iterator[str]:
        """The report without the tasks, line by line."""
        facts = self.facts
        yield f"{facts.where} (format {facts.format}): {size(self.nbytes)}"
        yield (
            f"{plural(self.records, 'record')} in {plural(facts.segments, 'segment')}, "
            f"{size(facts.segment_bytes)}; {plural(self.blobs, 'blob')}, {size(self.blob_bytes)}"
        )
        if self.datasets:
            yield f"{plural(self.datasets, 'dataset')}, {size(self.dataset_bytes)}"
        yield f"{plural(self.runs, 'run')} on record; the index takes {size(facts.index_bytes)}"
        if facts.quarantined:
            yield (
                f"{plural(facts.quarantined, 'damaged piece')} in quarantine, "
                f"{size(facts.quarantine_bytes)}"
            )
        for pin in self.pins:
            yield f"pinned {pin.kind} {pin.name} ({pin.id})"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at every byte found. `missing`: results whose bytes are gone."""

    records: int
    blobs: int
    nbytes: int
    torn: int  # segments whose last record was never finished: a writer was killed
    missing: int
    damage: tuple[Damage, ...]
    aside: bool = True  # damage is in quarantine now; else readers pass it over where it is
    datasets: int = 0
    dataset_bytes: int = 0
    changed: tuple[Damage, ...] = ()  # datasets that are not as the results with them say

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged and nothing is missing."""
        return not self.damage and not self.missing and not self.changed

    def lines(self) -> Iterator[str]:
        """The report, line by line."""
        looked = f"{plural(self.records, 'record')} and {plural(self.blobs, 'blob')}"
        then = "now in quarantine" if self.aside else "passed over by readers"
        found = f"{len(self.damage):,} damaged, {then}" if self.damage else "whole"
        yield f"{looked}, {size(self.nbytes)}: {found}"
        for damage in self.damage:
            yield f"{damage.what}: {damage.why}"
        if self.datasets or self.changed:
            found = f"{len(self.changed):,} not as they were" if self.changed else "whole"
            yield f"{plural(self.datasets, 'dataset')}, {size(self.dataset_bytes)}: {found}"
        for damage in self.changed:
            yield f"{damage.what}: {damage.why}"
        if self.missing:
            yield f"{plural(self.missing, 'result')} lost: they will be computed again when needed"
        if self.torn:
            yield f"{plural(self.torn, 'segment')} with an unfinished record of a killed process"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed, or with `dry_run` would remove."""

    dry_run: bool
    records: int
    record_bytes: int  # what the segments shrink by
    blobs: int
    blob_bytes: int
    leftovers: int  # files of killed processes
    leftover_bytes: int
    tasks: tuple[TaskUse, ...]  # whose right results go, and the time they took
    in_use: int  # segments that were left alone: a session writes there
    stays_bytes: int
    excess_bytes: int = 0  # above the size that was asked for, if one was
    datasets: int = 0
    dataset_bytes: int = 0
    later: int = 0  # blobs and datasets that a collection after the grace period deletes
    later_bytes: int = 0

    @property
    def nbytes(self) -> int:
        """All that was won."""
        return self.record_bytes + self.blob_bytes + self.dataset_bytes + self.leftover_bytes

    @property
    def recompute_s(self) -> float:
        """What it takes to compute the removed results again, should they be wanted."""
        return sum(task.recompute_s for task in self.tasks)

    def lines(self) -> Iterator[str]:
        """The report without the tasks, line by line."""
        if not (self.records or self.blobs or self.datasets or self.leftovers or self.later):
            yield f"nothing to remove: {size(self.stays_bytes)} in use"
        else:
            removed = "would remove" if self.dry_run else "removed"
            yield f"{removed} {self._them()}, {size(self.nbytes)}; {size(self.stays_bytes)} stay"
        if self.later:
            set_aside = "would be set aside" if self.dry_run else "set aside"
            payloads = f"{plural(self.later, 'payload')}, {size(self.later_bytes)}"
            yield (
                f"{payloads}, {set_aside}: deleted by the first collection after the grace period, "
                "unless somebody needs them by then"
            )
        calls = sum(task.calls for task in self.tasks)
        if calls:
            yield (
                f"{plural(calls, 'result')} that nobody used lately: "
                f"{duration(self.recompute_s)} of computing, should they be wanted again"
            )
        if self.excess_bytes > 0:
            yield (
                f"{size(self.excess_bytes)} more than asked for: what was used in the grace period "
                "stays, and what is pinned"
            )
        if self.in_use:
            yield f"{plural(self.in_use, 'segment')} left alone: a session writes there"

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _them(self) -> str:
        records, blobs = plural(self.records, "record"), plural(self.blobs, "blob")
        if not self.datasets:
            return f"{records} and {blobs}"
        return f"{records}, {blobs} and {plural(self.datasets, 'dataset')}"
