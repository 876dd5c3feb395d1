"""What a task prints in a thread goes to its call; what anybody else prints goes where it went.

`sys.stdout` and `sys.stderr` are process-wide, so a `Router` stands in for each and looks at the
writing thread. Routers find each other through `sys` itself: two executors in one process share
one, and one that somebody replaced meanwhile is simply put in place again before the next call.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, TextIO

from cellgraph.executor import JobLog

Stream = Literal["stdout", "stderr"]
# Guards `sys.stdout` and `sys.stderr` themselves, which every executor of the process shares.
_INSTALLING: Final = threading.Lock()


class Sink:
    """What one worker thread has printed and nobody has fetched yet.

    `begin` and `end` are called by the worker around each call; `take` by whoever reports. `lock`
    keeps the order of texts and results: hold it while taking and queueing.
    """

    __slots__ = (
        "_announce",
        "_announced",
        "_texts",
        "err",
        "ident",
        "job_id",
        "lock",
        "out",
        "used",
    )

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._announced = False
        self._texts: deque[tuple[int, Stream, str]] = deque()
        self.ident = 0  # of the worker's thread, once it is attached
        self.job_id: int | None = None
        self.lock = threading.Lock()
        self.used = False  # whether the call that runs, or ran last, has printed
        self.out: object = None  # the routers this sink is registered with
        self.err: object = None

    def write(self, job_id: int, stream: Stream, text: str) -> None:
        """Keep *text*; the first one since the last `take` calls *announce*."""
        self._texts.append((job_id, stream, text))
        self.used = True
        if not self._announced:
            self._announced = True
            self._announce()

    @property
    def pending(self) -> bool:
        """Whether there is something to take."""
        return bool(self._texts)

    def take(self, *, whole: bool) -> list[JobLog]:
        """Remove and return what was written, neighbours of one stream joined.

        Without *whole* an unfinished last line stays: another call's text may come in between.
        """
        self._announced = False
        logs: list[JobLog] = []
        parts: list[str] = []
        of: tuple[int, Stream] | None = None
        while self._texts:
            job_id, stream, text = self._texts.popleft()
            if of is not None and of != (job_id, stream):
                logs.append(JobLog(*of, "".join(parts)))
                parts.clear()
            of = (job_id, stream)
            parts.append(text)
        if of is not None:
            text = "".join(parts)
            end = len(text) if whole else max(text.rfind("\n"), text.rfind("\r")) + 1
            if end < len(text):
                self._texts.appendleft((*of, text[end:]))
            if end:
                logs.append(JobLog(*of, text[:end]))
        return logs


class Router:
    """Stands in for `sys.stdout` or `sys.stderr`: text of a thread that runs a call goes to its
    sink, everything else to `target`, the stream that was there before."""

    def __init__(self, stream: Stream, target: TextIO) -> None:
        self._stream: Stream = stream
        self._sinks: dict[int, Sink] = {}
        self.target = target
        self.users: set[object] = set()

    def write(self, text: str) -> int:
        """As `TextIO.write`."""
        sink = self._sink()
        if sink is None or sink.job_id is None:
            return self.target.write(text)
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - user's call
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        sink.write(sink.job_id, self._stream, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """As `TextIO.writelines`."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the target; a task's own text is on its way already."""
        sink = self._sink()
        if sink is None or sink.job_id is None:
            self.target.flush()

    @property
    def buffer(self) -> Any:
        """The bytes below: of the call for a thread that runs one, else of the target."""
        sink = self._sink()
        if sink is None or sink.job_id is None:
            return self.target.buffer
        return _Bytes(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def add(self, sink: Sink) -> None:
        """Route what the sink's thread writes."""
        self._sinks[sink.ident] = sink

    def drop(self, sink: Sink) -> None:
        """Forget the sink's thread."""
        if self._sinks.get(sink.ident) is sink:
            del self._sinks[sink.ident]

    def _sink(self) -> Sink | None:
        return self._sinks.get(threading.get_ident())


class _Bytes:
    """`sys.stdout.buffer` of a task."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def write(self, data: bytes) -> int:
        self._router.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class Capture:
    """The routers one executor has in place."""

    def __init__(self) -> None:
        self._routers: list[Router] = []

    def attach(self, sink: Sink) -> None:
        """Register *sink* with the routers in place now, putting new ones there where somebody
        else's stream stands. Called on the sink's thread, before a call, when `sys.stdout` is
        not `sink.out` or `sys.stderr` not `sink.err`."""
        with _INSTALLING:
            sink.ident = threading.get_ident()
            sink.out = self._join("stdout", sink)
            sink.err = self._join("stderr", sink)

    def detach(self, sink: Sink) -> None:
        """Forget *sink*, because its thread ends."""
        for router in list(self._routers):
            router.drop(sink)

    def close(self) -> None:
        """Give the streams back, unless another executor or somebody else's stand-in needs them."""
        with _INSTALLING:
            for router in self._routers:
                router.users.discard(self)
                if not router.users:
                    _remove(router)
            self._routers.clear()

    def _join(self, stream: Stream, sink: Sink) -> object:
        present: Any = getattr(sys, stream)
        if present is None:  # pythonw, or a host without streams: nothing to route
            return None
        router = present if isinstance(present, Router) else _install(stream, present)
        router.users.add(self)
        router.add(sink)
        if router not in self._routers:
            self._routers.append(router)
        return router


def _install(stream: Stream, target: TextIO) -> Router:
    router = Router(stream, target)
    setattr(sys, stream, router)
    _redirect_handlers(target, router)
    return router


def _remove(router: Router) -> None:
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is router:
            setattr(sys, stream, router.target)
    _redirect_handlers(router, router.target)


def _redirect_handlers(old: object, new: object) -> None:
    """Logging handlers hold the stream they were made with: let them follow."""
    logging: Any = sys.modules.get("logging")
    if logging is None:
        return
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.StreamHandler) and handler.stream is old:
                handler.setStream(new)
