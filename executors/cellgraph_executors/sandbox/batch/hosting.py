"""The hosts that jobs run on: which folders they have, and what happens to them around a job."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Protocol

from cellgraph_executors.sandbox.batch.mounting import has_namespaces, rewritten
from cellgraph_executors.sandbox.batch.runner import Order, Runner, Running


class FileSystems(Protocol):
    """What is mounted on every host. Thread-safe."""

    def folder(self, path: str) -> Path | None:
        """The folder that stands for the host's *path*; None where nothing is mounted."""
        ...

    def flush(self) -> None:
        """Export what jobs have written."""
        ...


class Hosting:
    """A `Runner` for attempts with volumes; the rest goes to *inner* as it is."""

    def __init__(self, inner: Runner, systems: FileSystems, folder: Path) -> None:
        self._inner = inner
        self._systems = systems
        self._folder = folder
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="cellgraph-sandbox-flush")
        self._lock = threading.Lock()

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Start one among its mounts, see `Runner`."""
        if not order.mounts:
            return self._inner.start(order, ended)
        mounts = tuple(m._replace(source=str(self._source(m.source))) for m in order.mounts)
        if not has_namespaces():
            for mount in mounts:
                order.log.line(f"[sandbox: no namespaces here, {mount.target} is {mount.source}]")
            environment = rewritten(order.environment, mounts)
            order, mounts = order._replace(environment=environment), ()
        order = order._replace(mounts=mounts)
        if all(mount.read_only for mount in order.mounts) and order.mounts:
            return self._inner.start(order, ended)
        return self._inner.start(order, lambda code: self._after(ended, code))

    def close(self) -> None:
        """Kill what runs, see `Runner`."""
        self._inner.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _after(self, ended: Callable[[int], None], code: int) -> None:
        def flush() -> None:
            try:
                self._systems.flush()
            finally:
                ended(code)

        self._pool.submit(flush)

    def _source(self, path: str) -> Path:
        """A mounted file system, a folder of this machine, or an empty one as Docker makes it."""
        mounted = self._systems.folder(path)
        if mounted is not None:
            return mounted
        if Path(path).is_dir():
            return Path(path)
        made = self._folder / PurePosixPath(path).relative_to("/")
        with self._lock:
            made.mkdir(parents=True, exist_ok=True)
        return made
