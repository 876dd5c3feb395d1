"""What calls find where they run, where that is not this interpreter: which versions of packages.

Executors on other machines name the environment of a call (`Surroundings`); what it holds is on
record in the store, written by the first job that runs there. A call whose code names packages is
named by their versions in its environment, so what is not on record is asked for first, by a call
that describes it. Equal versions give the same name as here: where a call runs is no part of it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

from cellgraph.described import Described, describe_text, read
from cellgraph.digest import digest
from cellgraph.errors import ConfigError, StoreError, Undescribed
from cellgraph.executor import Surroundings
from cellgraph.identity.packages import installed
from cellgraph.options import TaskOptions
from cellgraph.plugins import executor_type
from cellgraph.records import EnvironmentRecord, decode, encode
from cellgraph.stores.base import Entry, Store
from cellgraph.task import Task

_ENVIRONMENT: Final = b"cellgraph.environment.1"
_ZONE: Final = digest(_ENVIRONMENT)[0]
Named = Sequence[tuple[str, str]]  # distributions and their versions here


class Around(Protocol):
    """Whoever knows what calls find where they run."""

    def releases(
        self,
        task: str,
        executor: str,
        extra: Mapping[str, object] | None,
        named: Named,
        *,
        script: bool,
    ) -> Mapping[str, str] | None:
        """Versions of the packages *named* by a task, a *script* or one in Python, that are others
        where it runs; None: it runs with those of here.

        Raises Undescribed; ConfigError for a package that is not there.
        """
        ...


class Wanted(NamedTuple):
    """An environment that has to be described."""

    executor: str
    place: Surroundings
    run: str  # the label of whoever asked for it


def key_of(name: str) -> bytes:
    """Where the record of an environment stands."""
    return digest(_ENVIRONMENT + name.encode())


def entry_of(name: str, described: str, at: float) -> Entry:
    """The record of an environment. *described*: see `Described.text`."""
    return Entry(key_of(name), _ZONE, encode(EnvironmentRecord(name, described, at)))


def on_record(store: Store, name: str) -> tuple[Described, float] | None:
    """What is on record of an environment, and since when. Raises StoreError."""
    key = key_of(name)
    for data in store.get_many([key]).get(key, ()):
        record = decode(data)
        if type(record) is EnvironmentRecord and record.name == name:
            try:
                return read(record.described), record.at
            except ConfigError:
                continue
    return None


def missing(task: str, package: str, place: str) -> ConfigError:
    """The error for a package that a call needs and does not find."""
    return ConfigError(
        f"{task} names the package {package}, and {place} has none: add it there, or name "
        'another place; packages="none" leaves packages out of account'
    )


class Places:
    """The environments of a session's executors. Thread-safe."""

    def __init__(self, sections: Mapping[str, Mapping[str, Any]], default: str) -> None:
        """*sections*: the settings of executors, by name. *default*: the one that calls have."""
        self._sections = sections
        self._default = default
        self._made: dict[str, Any] = {}
        self.wanted: dict[str, Wanted] = {}  # by the name of the environment
        self.fresh: set[str] = set()  # described in this session: what they lack is not there

    def of(
        self, executor: str, extra: Mapping[str, object] | None, *, script: bool
    ) -> Surroundings | None:
        """Where a call runs; None: with the packages of here. Raises ConfigError."""
        if executor not in self._made:
            self._made[executor] = self._make(executor)
        made = self._made[executor]
        if made is None:
            return None
        found: Surroundings | None = made.surroundings(extra or {}, script=script)
        return found

    @cached_property
    def elsewhere(self) -> bool:
        """Whether any call may run with other packages."""
        return any(self._kind(name) is not None for name in (*self._sections, self._default))

    def _kind(self, executor: str) -> Any:
        """The type of an executor, if it runs calls elsewhere."""
        try:
            kind = executor_type(self._sections.get(executor, {}).get("type", executor))
        except ConfigError:  # said when a call is handed to it
            return None
        return kind if hasattr(kind, "surroundings") else None

    def _make(self, executor: str) -> Any:
        """The executor, not started, if it runs calls elsewhere."""
        kind = self._kind(executor)
        given = {k: v for k, v in self._sections.get(executor, {}).items() if k != "type"}
        return None if kind is None else kind(**given)


class PlacesOfRun:
    """See `Around`. One per run: each record is read once."""

    def __init__(self, places: Places, store: Store, *, asks: bool, run: str = "") -> None:
        """*asks*: what is not known is asked for first; else it is taken to be as it is here.
        *run*: the label of the run."""
        self._places = places
        self._store = store
        self._asks = asks
        self._run = run
        self._known: dict[str, Described | None] = {}

    def releases(
        self,
        task: str,
        executor: str,
        extra: Mapping[str, object] | None,
        named: Named,
        *,
        script: bool,
    ) -> Mapping[str, str] | None:
        """See `Around`."""
        place = self._places.of(executor, extra, script=script)
        if place is None:
            return None
        if place.prepared and self._asks and self._described(place) is None:
            self._want(executor, place)
            text = f"{place.name} has to be made: evaluate again, and a job does first"
            raise Undescribed(text, place.name)
        others: dict[str, str] = {}
        here = installed() if named else {}
        for package, version in named:
            if package not in here or (place.own is not None and package not in place.own):
                continue  # a loose module, or it is brought along
            there = self._version(place, package, version)
            if there:
                if there != version:
                    others[package] = there
            elif self._asks:
                self._ask(task, package, executor, place)
        return others

    def _version(self, place: Surroundings, package: str, here: str) -> str:
        """The version there; empty: it is not known, or it has none."""
        described = self._described(place)
        if described is not None:
            return described.packages.get(package, "")
        # What is documented counts where it agrees; a worker compares it with what is there.
        return here if place.documented.get(package) == here else ""

    def _described(self, place: Surroundings) -> Described | None:
        if place.name not in self._known:
            found = on_record(self._store, place.name)
            self._known[place.name] = None if found is None else found[0]
        return self._known[place.name]

    def _ask(self, task: str, package: str, executor: str, place: Surroundings) -> None:
        """A record that lacks a package may be old: it is made again once in a session."""
        if place.name in self._places.fresh:
            raise missing(task, package, place.name)
        self._want(executor, place)
        raise Undescribed(
            f"{task} names the package {package}, and it is not known which version {place.name} "
            "has: evaluate again, and a job finds out first",
            place.name,
        )

    def _want(self, executor: str, place: Surroundings) -> None:
        self._places.wanted[place.name] = Wanted(executor, place, self._run)


class Asker:
    """Has environments described before calls are named. Owner thread only."""

    def __init__(self, places: Places, store: Store, clock: Callable[[], float] = time.time):
        self._places = places
        self._store = store
        self._clock = clock

    def check(self, run: str) -> None:
        """Raise Undescribed while something that such a *run* met on its way is not described;
        what others ask for is no reason to wait."""
        for name, wanted in self._places.wanted.items():
            if wanted.run == run:
                raise Undescribed(f"{name} has to be described", name)

    def call(self, name: str) -> tuple[Wanted, Any]:
        """What is asked for, and a call that finds it out.

        Its result answers for nothing later, but whoever asks meanwhile, in another run or kernel,
        waits for the same job.
        """
        wanted = self._places.wanted[name]
        options = TaskOptions(
            name=f"describe {name}",
            executor=wanted.executor,
            expires_after_s=0.0,
            extra=dict(wanted.place.options),
        )
        task: Any = Task(describe_text, options)
        known = None
        with suppress(StoreError):  # said where it matters
            known = on_record(self._store, name)
        return wanted, task(0.0 if known is None else known[1])

    def answered(self, wanted: Wanted, described: str) -> None:
        """Keep what a job found. Raises ConfigError, StoreError."""
        name = wanted.place.name
        self.given_up(wanted)
        self._places.fresh.add(name)
        read(described)
        self._store.append([entry_of(name, described, self._clock())])

    def given_up(self, wanted: Wanted) -> None:
        """It could not be found out; whoever needs it asks again."""
        self._places.wanted.pop(wanted.place.name, None)
