"""Calls on record: what ran, with what, for how long, what it gave, how it failed.

A call is known by the key under which its result is stored, in hexadecimal; the beginning of it
will do. Reads records; a value is read when it is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from cellgraph.errors import CellgraphError, StoreError
from cellgraph.failures import SHARED, failure_key
from cellgraph.files import Dir, File
from cellgraph.label import label
from cellgraph.places import Read
from cellgraph.reasons import Reasons
from cellgraph.recall import Arguments, Recall
from cellgraph.records import (
    CallRecord,
    FailureRecord,
    FinalRecord,
    Graph,
    ReadsRecord,
    Record,
    Value,
    decode,
)
from cellgraph.stores.base import Store
from cellgraph.words import duration

CallStatus = Literal["done", "failed"]
Load = Callable[[Value], Any]
LEAST: Final = 6  # digits of an id
HEX: Final = frozenset("0123456789abcdef")
_WRITTEN: Final = frozenset({"function", "class", "module"})
SHOWN: Final = 12  # digits of an id that people are shown


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One call as its record has it. Times in seconds since 1970, durations in seconds.

    `run` is the run that computed it. `cpu_s` and `peak_bytes` are those of the process that ran
    this call alone; 0 where calls share a process. `error` and `traceback` are empty unless it
    failed; `log` is what it printed, cut to 16,384 characters (8,192 for a failure).
    """

    id: str
    task: str
    status: CallStatus
    run: str
    started: float
    elapsed_s: float
    executor: str
    cpu_s: float
    peak_bytes: int
    error: str
    traceback: str
    log: str
    parent: str
    attempts: int
    task_id: bytes
    _record: "CallRecord | FailureRecord"
    _book: "CallBook"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What it was called with, in short; large values by type."""
        return self._book.arguments(self._record)

    @property
    def source(self) -> str:
        """The code of the task as it ran: its own function and what it reaches."""
        return self._book.source(self.task_id)

    @property
    def reads(self) -> tuple[Read, ...]:
        """What it read beside its arguments, and the files in its result."""
        return self._book.reads(self._record)

    def inputs(self) -> Arguments:
        """Its positional and keyword arguments, made again.

        Raises StoreError where a record knows one by its digest alone: a large literal, a file that
        is gone, a class that has changed.
        """
        found = self._book.inputs(self._record)
        if found is None:
            raise StoreError(
                f"the arguments of {self.task} [{self.id[:SHOWN]}] cannot be made again: one is "
                "known by its digest alone; call the task with values of your own"
            )
        return found

    def result(self) -> Any:
        """Its value, read from the store. Raises StoreError when it failed or the value is gone."""
        if isinstance(self._record, FailureRecord):
            raise StoreError(f"{self.task} [{self.id[:SHOWN]}] failed: {self.error}")
        return self._book.value(self.id, self._record)

    def lines(self) -> Iterator[str]:
        """All that is known of it, as text."""
        began = datetime.fromtimestamp(self.started).astimezone()
        yield f"{self.task}({', '.join(self.arguments)})"
        took = f"{self.status}, {duration(self.elapsed_s)} on {self.executor}"
        if self.cpu_s:
            took += f", CPU {duration(self.cpu_s)}"
        if self.peak_bytes:
            took += f", memory up to {self.peak_bytes / 1e6:,.0f} MB"
        yield f"call {self.id[:SHOWN]}, run {self.run}, {began:%Y-%m-%d %H:%M:%S}: {took}"
        if self.status == "failed":
            yield f"attempt {self.attempts}: {self.error}"
            yield from self.traceback.rstrip().split("\n")
        if self.log:
            yield "it printed:"
            yield from self.log.rstrip("\n").split("\n")

    def __repr__(self) -> str:
        said = self.error or f"{self.elapsed_s:.3g} s"
        return f"<call {self.id[:SHOWN]} {self.task}: {self.status}, {said}>"


class CallBook:
    """The calls of a store. *load* makes a value of a stored one; raises CodecError."""

    def __init__(self, store: Store, load: Load) -> None:
        self._store = store
        self.load = load
        self._recall = Recall(store)

    def get(self, call: str) -> StoredCall:
        """The call with this id, or whose id begins so: its result, or how it failed last.

        Raises StoreError when there is none, or several.
        """
        said = call.strip().lower()
        if len(said) < LEAST or not HEX.issuperset(said) or len(said) > 64:
            raise StoreError(
                f"{call!r} is no id of a call: give {LEAST} hexadecimal digits of it or more; "
                "`calls()` lists them"
            )
        found = self._at(bytes.fromhex(said)) if len(said) == 64 else self._beginning(said)
        if not found:
            raise StoreError(f"no call {call!r} in this store: `calls()` lists them")
        if len({one.id for one in found}) > 1:
            raise StoreError(f"several calls begin with {call!r}: give more of the id")
        return max(found, key=lambda one: one.started)

    def every(self) -> Iterator[StoredCall]:
        """Every call on record, oldest record first. Reads the whole store."""
        for entry in self._store.scan():
            record = decode(entry.data)
            if isinstance(record, (CallRecord, FailureRecord)):
                yield self._call(entry.key, record)

    def find(
        self, run: str = "", task: str = "", status: str = "", limit: int | None = None
    ) -> list[StoredCall]:
        """The calls that match, latest start first; one that failed and then ran counts as both."""
        found = [
            call
            for call in self.every()
            if call.run.startswith(run)
            and (not task or task in (call.task, call.task.rpartition(".")[2]))
            and status in ("", call.status)
        ]
        found.sort(key=lambda call: (call.started, call.id), reverse=True)
        return found[:limit]

    def _at(self, key: bytes) -> list[StoredCall]:
        failed = failure_key(key)
        stored = self._store.get_many([key, failed])
        return self._calls((k, data) for k in (key, failed) for data in stored.get(k, ()))

    def _beginning(self, said: str) -> list[StoredCall]:
        even = bytes.fromhex(said[: len(said) // 2 * 2])[:SHARED]
        some = [(e.key, e.data) for e in self._store.scan() if e.key.startswith(even)]
        return [call for call in self._calls(some) if call.id.startswith(said)]

    def _calls(self, some: Iterable[tuple[bytes, bytes]]) -> list[StoredCall]:
        found: list[StoredCall] = []
        for key, data in some:
            record = decode(data)
            if isinstance(record, (CallRecord, FailureRecord)):
                found.append(self._call(key, record))
        return found

    def _call(self, key: bytes, record: "CallRecord | FailureRecord") -> StoredCall:
        failed = isinstance(record, FailureRecord)
        return StoredCall(
            id=(record.call if isinstance(record, FailureRecord) else key).hex(),
            task=record.task,
            status="failed" if failed else "done",
            run=record.run,
            started=record.started,
            elapsed_s=record.elapsed_s,
            executor=record.executor,
            cpu_s=0.0 if isinstance(record, FailureRecord) else record.cpu_s,
            peak_bytes=0 if isinstance(record, FailureRecord) else record.peak_bytes,
            error=record.error if isinstance(record, FailureRecord) else "",
            traceback=record.traceback if isinstance(record, FailureRecord) else "",
            log=record.log,
            parent=record.parent.hex(),
            attempts=record.attempts if isinstance(record, FailureRecord) else 1,
            task_id=record.task_id,
            _record=record,
            _book=self,
        )

    # --- what a call leads to -----------------------------------------------------------------

    def arguments(self, record: "CallRecord | FailureRecord") -> tuple[str, ...]:
        """As `StoredCall.arguments`."""
        said = self._recall.said(record.args)
        if said is None:
            return ("…",)
        args, kwargs = said
        return (
            *(in_short(a) for a in args),
            *(f"{name}={in_short(a)}" for name, a in kwargs.items()),
        )

    def inputs(self, record: "CallRecord | FailureRecord") -> Arguments | None:
        """As `StoredCall.inputs`; None if they cannot be had."""
        return self._recall.said(record.args)

    def reads(self, record: "CallRecord | FailureRecord") -> tuple[Read, ...]:
        """As `StoredCall.reads`."""
        key = b"" if isinstance(record, FailureRecord) else record.reads
        for data in self._store.get_many([key]).get(key, ()) if key else ():
            found = decode(data)
            if isinstance(found, ReadsRecord):
                return found.reads
        return ()

    def source(self, task_id: bytes) -> str:
        """As `StoredCall.source`; empty when the code is not known."""
        tree = Reasons(self._store).tree(task_id)
        if tree is None:
            return ""
        parts = [f"# {node.label}\n{node.text}" for node in tree.children if node.kind in _WRITTEN]
        return "\n\n".join(parts)

    def value(self, call: str, record: CallRecord) -> Any:
        """The value of a call, or of the expression that it returned. Raises StoreError."""
        outcome = record.outcome
        if isinstance(outcome, Graph):
            final = self._final(bytes.fromhex(call))
            if final is None:
                raise StoreError(
                    f"{record.task} [{call[:SHOWN]}] returned an expression whose value is not "
                    "stored: evaluate the call again"
                )
            outcome = final.value
        try:
            return self.load(outcome)
        except CellgraphError as error:
            raise StoreError(
                f"the result of {record.task} [{call[:SHOWN]}] cannot be read ({error}): evaluate "
                "the call again"
            ) from error

    def _final(self, key: bytes) -> FinalRecord | None:
        for data in self._store.get_many([key]).get(key, ()):
            record: Record | None = decode(data)
            if isinstance(record, FinalRecord):
                return record
        return None


def in_short(value: object) -> str:
    """A few words for an argument."""
    return repr(value) if isinstance(value, (File, Dir)) else label(value)
