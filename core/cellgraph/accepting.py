"""`accept`: results of earlier code count as those of the present code, after a test of some.

An `AcceptedRecord` under the present code names the earlier task id, which then is the task's id:
every key, edge and graph record of the earlier code fits again. The code that runs is the present
one. The record is believed until it is revoked, the task is invalidated, or the code changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec import structs

from cellgraph.cache import Cache
from cellgraph.definitions import Definition, Definitions, key_prefix
from cellgraph.digest import digest
from cellgraph.environment import Environment
from cellgraph.errors import CodecError, ConfigError, IdentityError
from cellgraph.failure import Failure
from cellgraph.identity.values import reference
from cellgraph.label import label
from cellgraph.marks import accepted_entry
from cellgraph.places import Roots
from cellgraph.reasons import Reasons
from cellgraph.recall import Recall, calls_of
from cellgraph.records import AcceptedRecord, CallRecord, FinalRecord, Value, decode, encode
from cellgraph.stores.base import Entry, Store
from cellgraph.task import Task
from cellgraph.taskvalue import TASKS
from cellgraph.worker import load


@dataclass(frozen=True, slots=True)
class Accepted:
    """What `accept` did: *results* calls of earlier code count, *checked* of them were run again.

    `change` is the difference that was judged harmless.
    """

    task: str
    results: int
    checked: int
    change: str
    revoked: bool = False

    def __repr__(self) -> str:
        if self.revoked:
            return f"revoked: results of {self.task} from before {self.change} no longer count"
        results = "1 result" if self.results == 1 else f"{self.results:,} results"
        tested = f"{self.checked:,} run again, all equal" if self.checked else "none run again"
        return f"accepted {results} of {self.task} across {self.change}: {tested}"


class Sample(NamedTuple):
    """An earlier call that can be run again, and the digest of the value it gave."""

    call: Any
    value: bytes


@dataclass(frozen=True, slots=True)
class Accepting:
    """Carries out `accept` on one store. *evaluate* runs calls and returns their values, a
    `Failure` in the place of one that failed."""

    store: Store
    definitions: Definitions
    roots: Roots
    evaluate: Callable[[Sequence[Any]], Sequence[Any]]
    now: float

    def accept(self, task: Task[..., Any], verify: int) -> Accepted:
        """Raises IdentityError when there is nothing earlier, when nothing can be run again
        (unless *verify* is 0), or when a call gives another value now."""
        definition = self._define(task)
        old, records = self._earlier(definition)
        reasons = Reasons(self.store)
        change = self._change(reasons, definition, old)
        samples = self._samples(definition, records, verify)
        if verify and not samples:
            raise IdentityError(
                f"accept({task.name}): none of its {len(records):,} earlier calls can be run again "
                "here (their arguments are not in the store); "
                f"accept({task.name}, verify=0) takes their results unseen"
            )
        self._compare(task, samples)
        record = AcceptedRecord(
            task.name, old, self.now, len(samples), False, definition.mark.epoch, change
        )
        entries = [accepted_entry(task.name, definition.own, record)]
        self.store.append([*self._own_results(definition, old), *entries])
        return Accepted(task.name, len(records), len(samples), change)

    def revoke(self, task: Task[..., Any]) -> Accepted:
        """Take an acceptance back. Raises IdentityError when there is none."""
        definition = self._define(task)
        held = definition.mark.accepted
        if held is None:
            raise IdentityError(f"accept({task.name}, revoke=True): nothing was accepted for it")
        record = AcceptedRecord(task.name, held.old, self.now, 0, True, held.epoch, held.change)
        self.store.append([accepted_entry(task.name, definition.own, record)])
        return Accepted(task.name, 0, 0, held.change, revoked=True)

    def _define(self, task: Task[..., Any]) -> Definition:
        if type(task) not in TASKS:
            raise ConfigError(f"accept() takes a task, not {type(task).__name__}")
        definition = self.definitions.of(task, Environment.root())
        if definition.identity is None or not definition.cached:
            raise IdentityError(f"accept({task.name}): results of it are not kept (cache=False)")
        return definition

    def _earlier(self, definition: Definition) -> tuple[bytes, dict[bytes, list[Any]]]:
        """The newest earlier code with results that were not invalidated; records by call."""
        refused = {definition.own, *definition.past_ids}
        stored: dict[bytes, dict[bytes, list[Any]]] = {}
        finals: dict[bytes, FinalRecord] = {}
        for entry in self.store.scan():  # only calls that somebody vouches for run again
            believed = type(entry.data) is bytes
            record = decode(entry.data) if believed and entry.zone == definition.zone else None
            if type(record) is FinalRecord:
                finals[entry.key] = record
            elif type(record) is CallRecord and record.task == definition.name:
                stored.setdefault(record.task_id, {})[entry.key] = [record]
        for task_id, at in Reasons(self.store).history(definition.name):
            found = stored.get(task_id)
            if task_id not in refused and found and at >= definition.mark.invalidated:
                for key, records in found.items():
                    records.extend([finals[key]] if key in finals else [])
                return task_id, found
        raise IdentityError(
            f"accept({definition.name}): there are no results of earlier code to accept"
        )

    def _own_results(self, definition: Definition, old: bytes) -> list[Entry]:
        """What the present code has computed already, filed with the results it joins."""
        if definition.id == old:
            return []
        fresh = definition.prefix[len(key_prefix(definition.id)) :]
        return [
            Entry(
                digest(key_prefix(old) + fresh + record.args),
                definition.zone,
                encode(structs.replace(record, task_id=old)),
            )
            for _, record in calls_of(self.store, definition)
        ]

    def _change(self, reasons: Reasons, definition: Definition, old: bytes) -> str:
        assert definition.identity is not None  # `_define` has seen to it
        change = reasons.change(old, definition.identity.tree)
        return "a change of its options" if change is None else change.summary

    def _samples(
        self, definition: Definition, records: dict[bytes, list[Any]], most: int
    ) -> list[Sample]:
        """Calls that can be run again; which ones their keys decide, so they are spread evenly."""
        recall = Recall(self.store)
        cache = Cache(self.store, self.definitions, "", lambda: self.now, self.roots)
        task = definition.task.options(cache=False)
        samples: list[Sample] = []
        for key in sorted(records):
            if len(samples) >= most:
                break
            value = self._value_of(cache, records[key])
            arguments = recall.arguments(records[key][0], definition)
            if value is not None and arguments is not None:
                args, kwargs = arguments
                samples.append(Sample(task(*args, **kwargs), value))
        return samples

    def _value_of(self, cache: Cache, records: list[Any]) -> bytes | None:
        for record in records:
            kept = record.outcome if type(record) is CallRecord else record.value
            if type(kept) is Value:
                try:
                    return reference(load(cache.value_of(kept), self.store))
                except (CodecError, IdentityError):
                    return None
        return None

    def _compare(self, task: Task[..., Any], samples: list[Sample]) -> None:
        values: Sequence[Any] = self.evaluate([s.call for s in samples]) if samples else ()
        for sample, value in zip(samples, values, strict=True):
            if isinstance(value, Failure):
                raise IdentityError(
                    f"accept({task.name}) is refused: {label(sample.call)} gave a value under the "
                    f"earlier code and fails now ({value.message})"
                )
            now = reference(value)
            if now != sample.value:
                raise IdentityError(
                    f"accept({task.name}) is refused: {label(sample.call)} gives another value now "
                    f"({short(now)}) than under the earlier code ({short(sample.value)})"
                )


def short(identity: bytes) -> str:
    """A few characters that tell values apart."""
    return digest(identity).hex()[:12]
