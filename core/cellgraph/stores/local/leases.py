"""Leases between the sessions of one machine on one store (see `cellgraph.stores.leases`).

A session that is about to start calls says so in a log of its own (`claims`), beside the index.
Taking reads what the others have said and appends what is left, under a lock that is waited for
only briefly: a process that was stopped while it held the lock must not stop everybody.

Threading: any thread; one lock. Errors of the disk end the leases of this session, and nothing
else: calls may then be computed twice.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cellgraph.stores.leases import NO_NEWS, NOTHING_TAKEN, News, Taken
from cellgraph.stores.local.claims import (
    ENDED,
    GIVEN,
    GOING,
    TAKEN,
    WANTED,
    OtherLog,
    OwnLog,
    sweep,
)

BEAT_S: Final = 2.0
DEAD_AFTER_S: Final = 10.0
_LOCK: Final = ".lock"
_LOCK_TRIES, _LOCK_PAUSE_S = 100, 0.001
_RENEW_BYTES: Final = 4 << 20
# The time of a folder is as coarse as a tick of the kernel: one read so soon may miss a change.
_COARSE_NS: Final = 100_000_000
_UNNAMED_S: Final = 60.0
# So few calls, begun by a session that is alone, may be over before anybody could ask: they are
# told of at the next look, or never.
_FEW: Final = 32
_MOMENT_S: Final = 0.02
# What a session finds out when it begins is not older than this.
_RECENT_NS: Final = 10_000_000_000
_log = logging.getLogger(__name__)


class LocalLeases:
    """See `Leases`.

    *folder* is asked for when the first call is taken; None: this session cannot share. *ended* is
    called when another session has ended calls, before their keys are returned: their records are
    in the store, and a lookup should not be content with what it has seen of it.
    """

    def __init__(
        self,
        folder: Callable[[], Path | None],
        ended: Callable[[], None],
        *,
        now: Callable[[], float] = time.monotonic,
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        self._find_folder = folder
        self._say_ended = ended
        self._now = now
        self._dead_after_s = dead_after_s
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._broken = False
        self._gate = -1  # descriptor of the lock between sessions
        self._own: OwnLog | None = None
        self._began = 0.0
        self._others: dict[str, OtherLog] = {}
        self._scanned: tuple[int, int] = (
            0,
            0,
        )  # time of the folder as of the last listing, time of the listing
        self._left_at = 0  # time of the folder when this session was taken out of it
        # Sessions were there since the last lookup; one may have computed everything and be gone.
        self._came_or_went: bool = False
        self._listed = 0.0
        self._held: set[bytes] = set()
        self._unsaid: set[bytes] = set()  # of those, what nobody has been told yet
        self._waited: set[bytes] = set()
        self._ended: set[bytes] = set()
        self._left: set[bytes] = set()  # taken by a session that is gone now
        self._running: set[bytes] = set()
        self._wanted: set[bytes] = set()
        self._beating: threading.Event | None = None

    def take(self, keys: Collection[bytes], regardless: Collection[bytes] = ()) -> Taken:
        """See `Leases`."""
        with self._lock:
            if len(keys) <= _FEW and self._is_alone():
                self._held.update(keys)
                self._unsaid.update(keys)
                return NOTHING_TAKEN
        with self._lock, self._surviving():
            own = self._open()
            if own is None or not keys:
                return NOTHING_TAKEN
            with self._exclusive():
                ended: Collection[bytes] = ()
                if self._read(keys):
                    ended = {*self._ended, *self._left}.intersection(keys)
                if self._came_or_went:
                    ended, self._came_or_went = keys, False
                    self._say_ended()
                elsewhere = self._taken_by_others(keys, regardless) if self._others else ()
                skipped = {*ended, *elsewhere}
                mine = [key for key in keys if key not in skipped] if skipped else keys
                if own.size > _RENEW_BYTES:
                    own = self._renew(own)
                own.say(TAKEN, mine)
                self._say_unsaid(own)
            self._held.update(mine)
            self._waited.update(elsewhere)
            self._ended &= self._waited  # `look` returns those
            self._left.clear()
            if not skipped:
                return NOTHING_TAKEN
            return Taken(elsewhere, [key for key in ended if key not in elsewhere])
        return NOTHING_TAKEN

    def done(self, keys: Iterable[bytes]) -> None:
        """See `Leases`."""
        self._let_go(ENDED, keys)

    def give(self, keys: Iterable[bytes]) -> None:
        """See `Leases`."""
        self._let_go(GIVEN, keys)

    def going(self, keys: Iterable[bytes]) -> None:
        """See `Leases`."""
        self._say(GOING, keys)

    def ask(self, keys: Iterable[bytes]) -> None:
        """See `Leases`."""
        self._say(WANTED, keys)

    def leave(self, keys: Iterable[bytes]) -> None:
        """See `Leases`."""
        with self._lock:
            self._waited.difference_update(keys)

    def look(self) -> News:
        """See `Leases`."""
        with self._lock, self._surviving():
            if self._own is None:
                return NO_NEWS
            if self._beating is None and self._now() - self._began > BEAT_S / 2:
                self._start_beating()
            self._say_unsaid(self._own)
            if not self._read(()):
                return NO_NEWS
            still = set(self._taken_by_others(self._waited, ()))
            ended = self._waited & self._ended
            loose = self._waited - still - ended
            self._waited -= ended | loose
            self._ended.clear()
            self._left.clear()
            if ended or loose:
                self._say_ended()
            running, self._running = self._running, set()
            wanted, self._wanted = self._wanted & self._held, set()
            news = News(ended, loose, running, wanted)
            return news if any(news) else NO_NEWS
        # Without leases nothing is worth waiting for.
        with self._lock:
            waited, self._waited = self._waited, set()
        return News(loose=waited) if waited else NO_NEWS

    def rest(self) -> None:
        """See `Leases`."""
        with self._lock:
            self._close()

    # --- with the lock held -------------------------------------------------------------------

    @contextmanager
    def _surviving(self) -> Generator[None]:
        """Errors of the disk end the leases of this session."""
        try:
            yield
        except OSError as error:
            _log.debug("calls are not shared with other sessions: %s", error)
            self._broken = True
            with suppress(OSError):
                self._close()

    def _open(self) -> OwnLog | None:
        if self._own is None and not self._broken:
            folder = self._folder or self._find_folder()
            if folder is None:
                self._broken = True
                return None
            made = not folder.exists()
            folder.mkdir(mode=0o700, exist_ok=True)
            self._folder = folder
            changed = folder.stat().st_mtime_ns
            recent = time.time_ns() - changed < _RECENT_NS
            self._came_or_went = recent and changed != self._left_at and not made
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._gate = os.open(folder / _LOCK, flags, 0o600)
            self._own = OwnLog(folder)
            self._began = self._now()
            self._scanned = (folder.stat().st_mtime_ns, 0)
        return self._own

    def _close(self) -> None:
        own, self._own = self._own, None
        gate, self._gate = self._gate, -1
        if self._beating is not None:
            self._beating.set()
            self._beating = None
        for other in self._others.values():
            other.close()
        self._others.clear()
        for known in (
            self._held,
            self._unsaid,
            self._ended,
            self._left,
            self._running,
            self._wanted,
        ):
            known.clear()
        if gate >= 0:
            os.close(gate)
        if own is not None and self._folder is not None:
            own.end()
            with suppress(FileNotFoundError):  # somebody has deleted the store
                self._left_at = self._folder.stat().st_mtime_ns

    def _renew(self, own: OwnLog) -> OwnLog:
        """Begin a new log: the old one has grown long. Others see one of them, or both."""
        self._own = OwnLog(own.path.parent, self._held)
        own.end()
        self._scanned = (own.path.parent.stat().st_mtime_ns, 0)
        return self._own

    def _is_alone(self) -> bool:
        """Whether no other session was there a moment ago."""
        return self._own is not None and not self._others and self._now() - self._listed < _MOMENT_S

    def _say_unsaid(self, own: OwnLog) -> None:
        if self._unsaid:
            unsaid, self._unsaid = self._unsaid, set()
            own.say(TAKEN, unsaid)

    @contextmanager
    def _exclusive(self) -> Generator[None]:
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE_S)
            else:
                break
        try:
            yield
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def _taken_by_others(
        self, keys: Collection[bytes], regardless: Collection[bytes]
    ) -> Collection[bytes]:
        now = self._now()
        taken = [
            other.taken
            for other in self._others.values()
            if other.taken and now - other.heard < self._dead_after_s
        ]
        if not taken:
            return ()
        return {k for k in keys if k not in regardless and any(k in those for those in taken)}

    def _read(self, asked: Collection[bytes]) -> bool:
        """Take in what the others have said; whether there was anything, or one is gone."""
        gone = self._list()
        now = self._now()
        interesting: Collection[bytes] | None = None
        changed = False
        for name, other in list(self._others.items()):
            silent = other.taken and now - other.heard >= self._dead_after_s
            # In this order: what it says last is heard.
            if other.is_abandoned():
                other.path.unlink(missing_ok=True)
                gone.add(name)
            said = other.read(now)
            if said:
                if interesting is None:
                    interesting = self._waited.union(asked)
                self._note(said, interesting)
            changed = changed or bool(said or silent)
        for name in gone:
            other = self._others.pop(name)
            self._left |= other.taken
            other.close()
        if self._ended or self._left:
            self._say_ended()
        return changed or bool(gone)

    def _note(self, said: list[tuple[bytes, bytes]], interesting: Collection[bytes]) -> None:
        for what, key in said:
            if what == ENDED:
                if key in interesting:
                    self._ended.add(key)
            elif what == GOING:
                self._running.add(key)
            elif what == WANTED:
                self._wanted.add(key)

    def _list(self) -> set[str]:
        """Find the logs of others, if the folder has changed; return those that are gone."""
        assert self._folder is not None and self._own is not None
        self._listed = self._now()
        changed = self._folder.stat().st_mtime_ns
        before, listed = self._scanned
        if changed == before and listed - changed > _COARSE_NS:
            return set()
        self._came_or_went = self._came_or_went or changed != before
        self._scanned = (changed, time.time_ns())
        names = {entry.name for entry in os.scandir(self._folder)} - {self._own.name, _LOCK}
        for name in names - self._others.keys():
            # A log may be taken away between the listing and the look at it.
            with suppress(FileNotFoundError):
                if name.startswith("."):
                    sweep(self._folder / name, time.time() - _UNNAMED_S)
                else:
                    self._others[name] = OtherLog(self._folder / name, self._now())
        return self._others.keys() - names

    def _let_go(self, what: bytes, keys: Iterable[bytes]) -> None:
        with self._lock:
            keys = set(keys)
            unsaid = self._unsaid & keys
            self._unsaid -= unsaid
            said = (self._held & keys) - unsaid
            self._held -= keys
            if said and self._own is not None:
                with self._surviving():
                    self._own.say(what, said)

    def _say(self, what: bytes, keys: Iterable[bytes]) -> None:
        with self._lock, self._surviving():
            if self._own is not None:
                self._own.say(what, keys)

    # --- the beat -----------------------------------------------------------------------------

    def _start_beating(self) -> None:
        stop = self._beating = threading.Event()
        threading.Thread(
            target=self._beat, args=(stop,), name="cellgraph-leases", daemon=True
        ).start()

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT_S):
            with self._lock:
                if stop.is_set() or self._own is None:
                    return
                with self._surviving():
                    if self._held:
                        self._own.beat()
