"""`Session.cache`: look through a store, check it, remove what may go, keep what must stay.

Every method may be called while other sessions use the store. What a removed record costs is time:
the call runs again when it is wanted.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

from cellgraph.care.items import Item, Scene, read_scene
from cellgraph.care.pins import Pin, PinBoard, Pins
from cellgraph.care.reports import Collected, StoreInfo, TaskUse, Verified
from cellgraph.care.rest import changed
from cellgraph.care.selection import Policy, Selection, select
from cellgraph.care.travel import Pulled, Pushed, Travel, pull, push
from cellgraph.errors import ConfigError, StoreError
from cellgraph.forecast import Forecast
from cellgraph.provenance import Archive
from cellgraph.records import CallRecord
from cellgraph.stores.base import Store
from cellgraph.stores.tended import Blob, Folder, Tended

_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400
# A segment that lost this share of its bytes is written anew for garbage alone.
_MOSTLY: Final = 0.5


class Care:
    """The care of one store. Thread-safe; each call reads the store anew.

    *forecast* says what the store knows of an expression; *now* returns seconds since 1970;
    *travel*: what `push` and `pull` need. Raises StoreError for a store that ends with its process.
    """

    def __init__(
        self,
        store: Store,
        forecast: Callable[[Any], Forecast],
        now: Callable[[], float] = time.time,
        travel: Travel | None = None,
    ) -> None:
        if not isinstance(store, Tended):
            raise StoreError(
                f"{type(store).__name__} keeps nothing that could be looked after: "
                "use a store in a folder"
            )
        self._store: Tended = store
        self._now = now
        self._board = PinBoard(store, forecast, now)
        self._travel = travel

    # --- looking ------------------------------------------------------------------------------

    def info(self) -> StoreInfo:
        """Count what is in the store, by task. Reads every record, no blob."""
        scene = self._scene()
        return StoreInfo(
            facts=self._store.facts(),
            records=len(scene.items),
            blobs=len(scene.blobs) - len(scene.datasets),
            blob_bytes=_size(scene.blobs.values()) - _size(scene.datasets.values()),
            datasets=len(scene.datasets),
            dataset_bytes=_size(scene.datasets.values()),
            runs=len(scene.runs),
            tasks=_by_task(scene.items, scene.blobs),
            pins=tuple(self.pins()),
        )

    def verify(self) -> Verified:
        """Read and hash everything. What is damaged goes to quarantine and is computed again."""
        checked = self._store.check()
        scene = self._scene()
        # Some were perhaps written while the others were read.
        missing = [
            blobs
            for blobs in scene.lacking
            if not all(self._store.has_blob(blob) for blob in blobs)
        ]
        return Verified(
            records=checked.records,
            blobs=checked.blobs,
            nbytes=checked.record_bytes + checked.blob_bytes,
            torn=checked.torn,
            missing=len(missing),
            damage=checked.damage,
            aside=checked.aside,
            datasets=len(scene.datasets),
            dataset_bytes=_size(scene.datasets.values()),
            changed=tuple(changed(scene, self._store)),
        )

    def rebuild(self) -> int:
        """Make a new index from the segments; return how many records it holds."""
        return self._store.rebuild()

    # --- pins ---------------------------------------------------------------------------------

    def pin(self, what: object) -> Pin:
        """Never remove *what*: a run (its id, or the beginning of it), a task (or its name), or the
        result of an expression. Raises StoreError when the store knows nothing of it."""
        return self._board.pin(what)

    def unpin(self, what: object) -> Pin:
        """Let go of a pin, by its id or by what was pinned. Raises StoreError if there is none."""
        return self._board.unpin(what)

    def pins(self) -> list[Pin]:
        """The pins, oldest first."""
        return list(self._board.pins())

    # --- between a folder, a bucket and this machine ---------------------------------------------

    def push(self, to: str | None = None) -> Pushed:
        """Put everything that is here into a bucket.

        A store in a folder needs to be told which one: ``push("s3://bucket/prefix")``; what is
        there already stays as it is. A store in a bucket pushes by itself: then this waits until
        all of this machine is there. Raises ConfigError for wrong use, StoreError when the bucket
        cannot be written.
        """
        return push(self._store, to, self._travel)

    def pull(self, what: object = None) -> Pulled:
        """Bring values of a bucket to this machine, to work offline: those of a run (its id, or
        the beginning of it), a task (or its name), an expression with all behind it; None: all.

        Raises ConfigError for a store in a folder, StoreError when the store knows nothing of
        *what*, when there is no room, or no answer.
        """
        return pull(self._store, what, self._board, self._travel)

    # --- removing -----------------------------------------------------------------------------

    def gc(
        self,
        *,
        older_than_s: float | None = None,
        max_bytes: int | None = None,
        grace_s: float | None = None,
        dry_run: bool = True,
    ) -> Collected:
        """Remove what can never be asked for again; with *dry_run* only say what that is.

        *older_than_s* removes results not used for so long, too, and *max_bytes* the longest unused
        ones until the store is no larger. What was written or used within *grace_s* (two days; it
        must be longer than a run) stays, and what is pinned. Raises ConfigError for a limit that is
        shorter than the store's own grace period, StoreError when another collection runs.
        """
        grace_s = self._checked(older_than_s, max_bytes, grace_s)
        with ExitStack() as held:
            if not dry_run:
                held.enter_context(self._store.collecting())
            now = self._now()
            policy = Policy(
                None if older_than_s is None else int((now - older_than_s) * _NS),
                max_bytes,
                int((now - grace_s) * _NS),
            )
            scene = self._scene()
            pins = Pins(self._board.pins(), scene.runs)
            pins.hold_calls(scene.items)
            selection = select(scene, pins, policy)
            done = self._collect(scene, selection, grace_s, dry_run=dry_run)
            excess = 0 if max_bytes is None else max(0, done.stays_bytes - max_bytes)
            return replace(done, excess_bytes=excess)

    def _checked(
        self, older_than_s: float | None, max_bytes: int | None, grace_s: float | None
    ) -> float:
        least = self._store.grace_s
        for name, given in (("grace", grace_s), ("older-than", older_than_s)):
            if given is not None and given < least:
                raise ConfigError(
                    f"{name} must be {least / _DAY_S:g} days at least: what a session on this "
                    "store has used since may be on its way into a result"
                )
        if max_bytes is not None and max_bytes < 0:
            raise ConfigError(f"max-size {max_bytes}: expected a size like 20GB")
        return least if grace_s is None else grace_s

    def _collect(
        self, scene: Scene, selection: Selection, grace_s: float, *, dry_run: bool
    ) -> Collected:
        dead = _worth_rewriting(scene.items, selection)
        offsets = {name: {item.place.offset for item in items} for name, items in dead.items()}
        busy = 0
        freed = sum(item.nbytes for items in dead.values() for item in items)
        done = frozenset(dead)
        if not dry_run:
            rewritten = self._store.rewrite(offsets)
            done, busy, freed = rewritten.done, len(rewritten.busy), rewritten.freed_bytes
        removed = [item for name in done for item in dead[name]]
        old = int((self._now() - grace_s) * _NS)
        unneeded = {blob.digest for blob in _not_needed(scene, removed, old)}
        names = [folder.name for key, folder in scene.datasets.items() if key in unneeded]
        digests = [digest for digest in unneeded if digest not in scene.datasets]
        swept = self._store.remove_blobs(digests, grace_s, remove=not dry_run)
        cleared = self._store.remove_datasets(names, grace_s, remove=not dry_run)
        gone = (swept, cleared)
        strays = self._store.leftovers(grace_s, remove=not dry_run)
        aged = {item.place for item in selection.aged}
        total = sum(item.nbytes for item in scene.items) + _size(scene.blobs.values())
        return Collected(
            dry_run=dry_run,
            records=len(removed),
            record_bytes=freed,
            blobs=swept.files,
            blob_bytes=swept.nbytes,
            datasets=cleared.files,
            dataset_bytes=cleared.nbytes,
            later=sum(s.later for s in gone),
            later_bytes=sum(s.later_bytes for s in gone),
            leftovers=strays.files,
            leftover_bytes=strays.nbytes,
            tasks=_by_task((i for i in removed if i.place in aged), scene.blobs),
            in_use=busy,
            stays_bytes=max(0, total - freed - sum(s.nbytes + s.later_bytes for s in gone)),
        )

    def _scene(self) -> Scene:
        # The blobs first: one that is written meanwhile is younger than any grace period.
        blobs = list(self._store.blobs())
        datasets = list(self._store.datasets())
        runs = list(Archive(self._store).runs())
        touch_s = self._store.grace_s / 2
        return read_scene(
            self._store.kept(), blobs, datasets, runs, touch_s=touch_s, now_s=self._now()
        )


def _worth_rewriting(items: Iterable[Item], selection: Selection) -> dict[str, list[Item]]:
    """What to drop, by segment: of those that hold unwanted results, or hardly anything else."""
    sizes: dict[str, int] = defaultdict(int)
    for item in items:
        sizes[item.place.segment] += item.nbytes
    dead: dict[str, list[Item]] = defaultdict(list)
    for item in (*selection.garbage, *selection.aged):
        dead[item.place.segment].append(item)
    wanted = {item.place.segment for item in selection.aged}
    return {
        name: gone
        for name, gone in dead.items()
        if name in wanted or sum(item.nbytes for item in gone) >= _MOSTLY * sizes[name]
    }


def _not_needed(scene: Scene, removed: Iterable[Item], grace_ns: int) -> list[Blob]:
    """Blobs that no record needs any more, and that nobody can be about to need."""
    gone = {item.place for item in removed}
    needed = {blob for item in scene.items if item.place not in gone for blob in item.blobs}
    return [b for b in scene.blobs.values() if b.digest not in needed and b.used_ns < grace_ns]


def _by_task(items: Iterable[Item], blobs: Mapping[bytes, Blob]) -> tuple[TaskUse, ...]:
    """What *items* amount to, task by task, largest first."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.kind is CallRecord:
            found[item.task].append(item)
    counted: set[bytes] = set()
    uses: list[TaskUse] = []
    for name, calls in found.items():
        own = {blob for item in calls for blob in item.blobs} - counted
        counted |= own
        uses.append(
            TaskUse(
                name=name,
                calls=len(calls),
                nbytes=sum(i.nbytes for i in calls) + sum(blobs[b].nbytes for b in own),
                last_used=max(item.used_ns for item in calls) / _NS,
                recompute_s=sum(item.elapsed_s for item in calls),
            )
        )
    return tuple(sorted(uses, key=lambda use: (-use.nbytes, use.name)))


def _size(them: Iterable[Blob | Folder]) -> int:
    return sum(each.nbytes for each in them)
