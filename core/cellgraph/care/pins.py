"""Pins: a run, a task, or an expression's result that no collection removes.

A pin is a small named object in the store, so it holds for everybody who uses the store.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cellgraph.care.items import Item
from cellgraph.digest import digest
from cellgraph.errors import StoreError
from cellgraph.forecast import Forecast
from cellgraph.label import label
from cellgraph.provenance import Archive, RunSummary
from cellgraph.reasons import Reasons
from cellgraph.stores.tended import Tended
from cellgraph.task import Task

_FOLDER = "pins"


@dataclass(frozen=True, slots=True)
class Pin:
    """What is pinned: `name` is the run's id, the task's name, or the expression as written.

    `keys` are hex keys of records, `at` seconds since 1970.
    """

    id: str
    kind: Literal["run", "task", "result"]
    name: str
    at: float
    keys: tuple[str, ...] = ()


class Pins:
    """The pins of a store, and whether they hold a record."""

    def __init__(self, pins: Iterable[Pin], runs: Iterable[RunSummary]) -> None:
        self.all = tuple(pins)
        self._runs = {pin.name for pin in self.all if pin.kind == "run"}
        self._tasks = {pin.name for pin in self.all if pin.kind == "task"}
        self._keys = {bytes.fromhex(key) for pin in self.all for key in pin.keys}
        self._ids: set[bytes] = set()
        for run in runs:
            if run.id in self._runs:
                self._keys.add(bytes.fromhex(run.key))
                self._ids.update(bytes.fromhex(share.id) for share in run.tasks)

    def hold(self, item: Item) -> bool:
        """Whether *item* must stay."""
        return item.key in self._keys or self.wants(item.run, item.task, item.task_id)

    def wants(self, run: str, task: str, task_id: bytes) -> bool:
        """Whether a record of this run and task is meant by a pin of either."""
        return run in self._runs or task in self._tasks or task_id in self._ids

    def hold_calls(self, items: Iterable[Item]) -> None:
        """The final value of a call that is held is held, too."""
        self._keys.update([item.key for item in items if item.task and self.hold(item)])


class PinBoard:
    """Sets, lists and removes pins. *forecast* says what the store knows of an expression."""

    def __init__(
        self, store: Tended, forecast: Callable[[Any], Forecast], now: Callable[[], float]
    ) -> None:
        self._store = store
        self._forecast = forecast
        self._now = now

    def pins(self) -> Iterator[Pin]:
        """Yield the pins, oldest first."""
        found: list[Pin] = []
        for name in self._store.list_files(_FOLDER):
            data = self._store.read_file(name)
            pin = _read(data) if data is not None else None
            if pin is not None:
                found.append(pin)
        yield from sorted(found, key=lambda pin: (pin.at, pin.id))

    def pin(self, what: object) -> Pin:
        """Pin a run (its id, or the beginning of it), a task, or the result of an expression.

        Raises StoreError when there is nothing to pin; IdentityError as an evaluation does.
        """
        pin = self.made(what)
        self._store.write_file(f"{_FOLDER}/{pin.id}.json", json.dumps(asdict(pin)).encode())
        return pin

    def unpin(self, what: object) -> Pin:
        """Let go of a pin, by its own id or by what was pinned. Raises StoreError."""
        name = what if isinstance(what, str) else _name_of(what)
        found = [pin for pin in self.pins() if name in (pin.id, pin.name)]
        if not found and isinstance(what, str):
            found = [pin for pin in self.pins() if pin.kind == "run" and pin.name.startswith(what)]
        if len(found) != 1:
            how = "is not pinned" if not found else "is the name of several pins: give an id"
            raise StoreError(f"{name!r} {how}: `cache info` lists them")
        self._store.remove_file(f"{_FOLDER}/{found[0].id}.json")
        return found[0]

    def made(self, what: object) -> Pin:
        """The pin of *what*, not set. Raises StoreError when there is nothing to pin."""
        if isinstance(what, Task):
            return self._pin("task", what.name)
        if not isinstance(what, str):
            return self._pin("result", _name_of(what), self._keys_of(what))
        run = Archive(self._store).run(what) if what else None
        if run is not None:
            return self._pin("run", run.id)
        if Reasons(self._store).ids_of(what):
            return self._pin("task", what)
        raise StoreError(f"this store has no run and no task {what!r}: `runs()` lists the runs")

    def _pin(
        self, kind: Literal["run", "task", "result"], name: str, keys: Iterable[bytes] = ()
    ) -> Pin:
        kept = tuple(sorted(key.hex() for key in keys))
        said = "\n".join((kind, name, *kept))
        return Pin(digest(said.encode()).hex()[:8], kind, name, self._now(), kept)

    def _keys_of(self, expr: object) -> set[bytes]:
        """Keys of the records that answer for *expr* now."""
        forecast = self._forecast(expr)
        if forecast.whole is not None:
            return {forecast.whole_key}
        lacking = len(forecast.missed) + len(forecast.waiting)
        keys = {node.key for node in forecast.hits}
        if lacking or not keys:
            raise StoreError(
                f"{_name_of(expr)} has no result to pin yet: evaluate it first"
                if lacking
                else f"{_name_of(expr)} is a value, not an expression of tasks: nothing to pin"
            )
        return keys


def _read(data: bytes) -> Pin | None:
    """Read what `PinBoard.pin` wrote; None for anything else: others write to a bucket, too."""
    import msgspec

    try:
        pin = msgspec.json.decode(data, type=Pin)
        for key in pin.keys:
            bytes.fromhex(key)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return pin


def _name_of(what: object) -> str:
    return what.name if isinstance(what, Task) else label(what)
