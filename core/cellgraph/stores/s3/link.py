"""Whether the bucket may be asked now, and what is said when it may not.

While it is away the session computes on and waits for nothing: only the background thread finds
out, after a pause, whether it is back. Each kind of trouble is said once a session.

Threading: any thread.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from cellgraph.stores.s3.faults import Refused, S3Fault, Unauthorised

_SLOWEST: Final = 16  # pauses double up to this many times the first
_WRONG: Final = frozenset({"SignatureDoesNotMatch", "InvalidAccessKeyId"})
_REFUSED: Final = 20  # permissions change less often than networks


class Remarks:
    """What the store has to say to a person, each kind once. *say* is called by any thread."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said: set[str] = set()

    def once(self, kind: str, text: str) -> None:
        """Say *text*, unless something of this *kind* was said before."""
        with self._lock:
            if kind in self._said:
                return
            self._said.add(kind)
        self._say(text)


class Link:
    """One direction of traffic. *purpose*: "read" or "written". *retry_s*: the first pause."""

    def __init__(
        self,
        purpose: str,
        uri: str,
        remarks: Remarks,
        renewal: Callable[[], str],
        retry_s: float,
        wake: Callable[[], None],
    ) -> None:
        self._purpose = purpose
        self._uri = uri
        self._remarks = remarks
        self._renewal = renewal
        self._retry_s = retry_s
        self._pause_s = retry_s
        self._wake = wake
        self._until = 0.0
        self.up = True  # the last request succeeded, or none was made
        self.unauthorised = False

    @property
    def due_in_s(self) -> float:
        """How long to wait before asking again; 0 or less: now."""
        return 0.0 if self.up else self._until - time.monotonic()

    def worked(self) -> None:
        """A request succeeded."""
        self.up = True
        self.unauthorised = False
        self._pause_s = self._retry_s

    def failed(self, fault: S3Fault) -> None:
        """A request did not; say so once, and pause."""
        self.unauthorised = isinstance(fault, Unauthorised)
        pause_s = self._retry_s * _REFUSED if isinstance(fault, Refused) else self._pause_s
        if not isinstance(fault, (Refused, Unauthorised)):
            self._pause_s = min(2 * self._pause_s, _SLOWEST * self._retry_s)
        self._until = time.monotonic() + pause_s
        self.up = False
        kind = type(fault).__name__
        if isinstance(fault, Refused):
            kind += self._purpose
        self._remarks.once(kind, self._text(fault))
        self._wake()

    def _text(self, fault: S3Fault) -> str:
        if isinstance(fault, Unauthorised):
            state = "are not accepted" if str(fault) in _WRONG else "are missing or have expired"
            return (
                f"the credentials for {self._uri} {state} ({fault}): results "
                f"are kept on this machine and pushed when they are renewed: {self._renewal()}"
            )
        if not isinstance(fault, Refused):
            return (
                f"{self._uri} cannot be reached ({fault}): results are kept on this machine and "
                "pushed when it answers again"
            )
        if self._purpose == "written":
            return (
                f"{self._uri} refuses to be written ({fault}): results are kept on this machine; "
                "ask for permission to write there, or choose another store"
            )
        return (
            f"{self._uri} refuses to be read ({fault}): what others computed is not seen; check "
            "the name of the bucket, its region and your permissions"
        )
