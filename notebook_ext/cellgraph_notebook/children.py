"""Clicks in the view on jobs of other machines: the log of one child; to end, leave, repeat a job.

What is asked is heard on a thread of the kernel, and answered on the thread that paints; what has
to be fetched from a service is fetched on a thread of its own, because it may take seconds.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol, cast

from cellgraph.errors import CellgraphError
from cellgraph_notebook.remote_jobs import RemoteJob
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wire import Message

_log = logging.getLogger(__name__)
_REPEATED: Final = (
    "when this run has ended, what has no result runs again, in this cell; detach ends it now"
)
_NOT_REPEATED: Final = "nothing waits for this run: evaluate its expression again when it has ended"


class Hands(Protocol):
    """What reaches a job: asks its service. Any thread; may take seconds; raises CellgraphError."""

    def log(self, executor: str, job: str, child: int) -> str:
        """The end of what a child has written."""
        ...

    def cancel(self, executor: str, job: str) -> None:
        """End a job and all its children."""
        ...

    def detach(self) -> None:
        """Wait no longer: the run ends, and its jobs on other machines go on. Asks nothing."""
        ...

    def repeat(self) -> bool:
        """Evaluate once more when the run has ended; False if nothing can. Asks nothing."""
        ...


class Children:
    """Answers clicks through *tell*. *hands* is None where no job can be reached."""

    def __init__(self, hands: Hands | None, tell: Callable[[Message], None]) -> None:
        self._hands = hands
        self._tell = tell
        self._asked: deque[tuple[str, int, int]] = deque()

    def hear(self, said: Mapping[str, object]) -> None:
        """Note what a page asks for. Any thread."""
        child, job, again = said.get("child"), said.get("cancel"), said.get("again")
        if isinstance(child, list) and len(cast("list[object]", child)) == 2:
            number, index = cast("list[object]", child)
            if isinstance(number, int) and isinstance(index, int):
                self._asked.append(("log", number, index))
        if isinstance(job, int):
            self._asked.append(("cancel", job, 0))
        if isinstance(again, int):
            self._asked.append(("again", again, 0))
        if said.get("detach") is True and self._hands is not None:
            self._hands.detach()

    def answer(self, model: RunModel) -> None:
        """Answer what was asked. The thread that paints."""
        while self._asked:
            what, number, child = self._asked.popleft()
            job = model.job(number)
            if job is None or not 0 <= child < job.children:
                continue
            if what == "cancel":
                self._apart(self._cancel, job)
                continue
            if what == "again":
                can = self._hands is not None and self._hands.repeat()
                self._tell(Message(child=(number, 0, _REPEATED if can else _NOT_REPEATED, "")))
                continue
            about, printed = model.about_child(job, child)
            waiting = printed or ("…" if self._hands is not None else "")
            self._tell(Message(child=(number, child, about, waiting)))
            if not printed and self._hands is not None:
                self._apart(self._fetch, job, child, about)

    def _apart(self, what: Callable[..., None], *with_: object) -> None:
        threading.Thread(target=what, args=with_, name="cellgraph-child", daemon=True).start()

    def _fetch(self, job: RemoteJob, child: int, about: str) -> None:
        assert self._hands is not None
        try:
            log = self._hands.log(job.added.executor, job.added.job, child) or "it wrote nothing"
        except CellgraphError as error:
            log = str(error)
        except Exception:
            _log.exception("the log of child %s of %s", child, job.added.job)
            log = "its log could not be had; the kernel's own log tells why"
        self._tell(Message(child=(job.number, child, about, log)))

    def _cancel(self, job: RemoteJob) -> None:
        if self._hands is None:
            return
        try:
            self._hands.cancel(job.added.executor, job.added.job)
        except CellgraphError as error:
            self._tell(Message(child=(job.number, 0, str(error), "")))
