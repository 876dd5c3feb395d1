"""A run on record, with what it left: its value, its calls, how it failed, what it printed."""

from typing import Any

from cellgraph.callbook import CallBook, StoredCall
from cellgraph.errors import CellgraphError, StoreError
from cellgraph.provenance import RunSummary
from cellgraph.records import FinalRecord, decode
from cellgraph.run import Counts
from cellgraph.stores.base import Store


class StoredRun:
    """One ended run. Reads the store when it is asked; thread-safe."""

    def __init__(self, summary: RunSummary, store: Store, book: CallBook) -> None:
        self.summary = summary
        self._store = store
        self._book = book

    @property
    def id(self) -> str:
        """The run's id."""
        return self.summary.id

    @property
    def label(self) -> str:
        """The expression, shortened."""
        return self.summary.label

    @property
    def status(self) -> str:
        """How it ended: "done", "failed" or "cancelled"."""
        return self.summary.status

    @property
    def started(self) -> float:
        """When it began, in seconds since 1970."""
        return self.summary.started

    @property
    def counts(self) -> Counts:
        """What became of its calls."""
        made, s = Counts(), self.summary
        made.added, made.executed, made.reused = s.added, s.executed, s.reused
        made.failed, made.saved_s = s.failed, s.saved_s
        return made

    @property
    def calls(self) -> list[StoredCall]:
        """The calls that ran in it, and those that failed (500 of these at most), latest first."""
        return self._book.find(run=self.id)

    @property
    def error(self) -> str:
        """What went wrong first, with the user's traceback; empty if nothing did."""
        failed = [call for call in self.calls if call.status == "failed"]
        if failed:
            first = min(failed, key=lambda call: call.started)
            return f"{first.task} failed: {first.error}\n\n{first.traceback}".rstrip()
        return self.summary.errors[0] if self.summary.errors else ""

    @property
    def log(self) -> str:
        """What its calls printed, in the order in which they began."""
        return "".join(call.log for call in reversed(self.calls) if call.log)

    def result(self) -> Any:
        """Its value, read from the store.

        Raises StoreError for a run that did not come to an end, or whose value is not kept as a
        whole (single tasks of it may have their results).
        """
        s = self.summary
        if s.status != "done":
            raise StoreError(f"run {s.id} {s.status}: {self.error.partition(chr(10))[0]}")
        key = bytes.fromhex(s.key)
        for data in self._store.get_many([key]).get(key, ()) if key else ():
            record = decode(data)
            if isinstance(record, FinalRecord) and (record.run == s.id or not s.executed):
                try:
                    return self._book.load(record.value)
                except CellgraphError as error:
                    raise StoreError(
                        f"the value of run {s.id} cannot be read ({error}): evaluate again"
                    ) from error
        if s.call:
            return self._book.get(s.call).result()
        raise StoreError(
            f"the value of run {s.id} is not kept as a whole: get_call(id).result() gives those of "
            f"its calls, and calls(run={s.id!r}) lists them"
        )

    def __repr__(self) -> str:
        s = self.summary
        said = f"{s.executed} ran, {s.reused} reused, {s.failed} failed"
        return f"<run {s.id} {s.status}: {said}; {s.label}>"
