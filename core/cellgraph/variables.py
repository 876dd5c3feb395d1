"""Environment variables that a call reads: which, and a digest of what each held."""

import os
from collections.abc import Sequence
from typing import Final

from cellgraph.digest import digest

_VARIABLE: Final = b"cellgraph.variable.1"


def variable_digest(value: str | None) -> bytes:
    """What is kept of an environment variable: never its value; empty when it is not set."""
    return b"" if value is None else digest(_VARIABLE + os.fsencode(value))


class Variables:
    """The variables one call has read. One thread only.

    A copy of the whole environment (``{**os.environ}``) is made to hand it on and depends on no
    single variable. Python makes one by listing all names and then reading each in that order, so
    reads in that order are held back until the last one shows that they were a copy.
    """

    __slots__ = ("_at", "_held", "_names", "_noted", "_own")

    def __init__(self) -> None:
        self._noted: dict[str, bytes] = {}
        self._own: set[str] = set()
        self._names: Sequence[str] = ()
        self._at = 0
        self._held: list[tuple[str, str | None]] = []

    def note(self, name: str, value: str | None) -> None:
        """A variable was read."""
        if self._at < len(self._names):
            if self._names[self._at] == name:
                self._at += 1
                self._held.append((name, value))
                if self._at == len(self._names):
                    self._held.clear()
                return
            self._release()
        self._add(name, value)

    def listed(self, names: Sequence[str]) -> None:
        """All names were listed."""
        self._release()
        self._names, self._at = names, 0

    def wrote(self, name: str) -> None:
        """The call itself set a variable: reading it again says nothing."""
        self._own.add(name)

    def noted(self) -> dict[str, bytes]:
        """What the result depends on: names and digests."""
        self._release()
        return self._noted

    def _release(self) -> None:
        held, self._held = self._held, []
        self._names = ()
        for name, value in held:
            self._add(name, value)

    def _add(self, name: str, value: str | None) -> None:
        if name not in self._own:
            self._noted.setdefault(name, variable_digest(value))
