"""Which calls other sessions on the store compute at this moment, so that none is computed twice.

A lease is advice, never a promise: a call whose session has died, is stuck or does not answer is
computed by whoever needs it. Losing a race costs a second run and no wrong value.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol, runtime_checkable


class Taken(NamedTuple):
    """What became of the calls that were to start. All others are this session's now."""

    elsewhere: Collection[bytes] = ()  # another session computes them: they are waited for
    ended: Collection[bytes] = ()  # one did, until a moment ago: look them up again


class News(NamedTuple):
    """What has happened to calls that are waited for, and who waits for ours."""

    ended: Collection[bytes] = ()  # a record is in the store, or the call has failed
    loose: Collection[bytes] = ()  # nobody computes them any more, and nobody has
    running: Collection[bytes] = ()  # asked for, and on their way already
    wanted: Collection[bytes] = ()  # calls of ours that an idle session asks for


NOTHING_TAKEN = Taken()
NO_NEWS = News()


class Leases(Protocol):
    """The leases of one session. Used by one thread at a time."""

    def take(self, keys: Collection[bytes], regardless: Collection[bytes] = ()) -> Taken:
        """Take the calls that are about to start; those of *regardless* whoever has them."""
        ...

    def done(self, keys: Iterable[bytes]) -> None:
        """Calls of ours have ended: their records are in the store, or there will be none."""
        ...

    def give(self, keys: Iterable[bytes]) -> None:
        """Let others have calls of ours that have not begun."""
        ...

    def going(self, keys: Iterable[bytes]) -> None:
        """Answer whoever asked: these calls of ours have begun."""
        ...

    def ask(self, keys: Iterable[bytes]) -> None:
        """Say that we have nothing to do and would compute these."""
        ...

    def leave(self, keys: Iterable[bytes]) -> None:
        """These are not waited for any more."""
        ...

    def look(self) -> News:
        """What has happened since the last look. Cheap: a few system calls per other session."""
        ...

    def rest(self) -> None:
        """Nothing runs and nothing is waited for: let go of everything until the next `take`."""
        ...


@runtime_checkable
class Leasing(Protocol):
    """A store whose sessions know of each other."""

    @property
    @abstractmethod
    def leases(self) -> Leases:
        """The leases of this session."""
        ...
