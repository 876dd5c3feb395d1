"""A real kernel, driven over its sockets as a front end would, and what it sends back."""

import json
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.harness import MARK, ROOT, WrongFigure, parse

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

START_TIMEOUT_S: Final = 60.0
CELL_TIMEOUT_S: Final = 600.0
SETTLE_S: Final = 1.0  # a view may send its last update after the cell has ended
# What every cell sends, with a view or without one.
PROTOCOL: Final = frozenset({"status", "execute_input", "iopub_welcome", "shutdown_reply"})


class Sent(NamedTuple):
    """What a cell made the kernel send, besides the protocol's own messages and our figures."""

    figures: dict[str, float]
    messages: int
    message_bytes: int


class Kernel:
    """A running kernel."""

    def __init__(self, client: "BlockingKernelClient") -> None:
        self._client = client

    def run(self, code: str) -> Sent:
        """Run *code* as a cell that prints one line of figures. Raises WrongFigure if it fails."""
        cell = self._client.execute(code)
        text, count, size = "", 0, 0
        for message in self._messages(cell):
            kind, content = message["msg_type"], message["content"]
            if kind == "error":
                raise WrongFigure(f"{content['ename']}: {content['evalue']}")
            if kind == "stream" and MARK in content["text"]:
                text += content["text"]
            elif kind not in PROTOCOL:
                count += 1
                size += len(json.dumps(content, default=str))
                size += sum(len(buffer) for buffer in message["buffers"])
        return Sent(parse(text), count, size)

    def _messages(self, cell: str) -> Iterator[dict[str, Any]]:
        """Yield what arrives until the cell is idle and nothing follows for a while."""
        deadline = time.monotonic() + CELL_TIMEOUT_S
        idle = False
        while time.monotonic() < deadline:
            try:
                message = self._client.get_iopub_msg(timeout=SETTLE_S)
            except Empty:
                if idle:
                    return
                continue
            state = message["content"].get("execution_state")
            if state == "idle" and message["parent_header"].get("msg_id") == cell:
                idle = True
            yield message
        raise WrongFigure(f"the cell took longer than {CELL_TIMEOUT_S:.0f} s")


@contextmanager
def kernel(env: dict[str, str], home: Path) -> Generator[Kernel]:
    """Yield a fresh kernel of this interpreter, configured from *home*, at the repository."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    environment = env | {"IPYTHONDIR": str(home)}
    manager.start_kernel(cwd=str(ROOT), env=environment, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    try:
        client.start_channels()
        _wait(client)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _wait(client: "BlockingKernelClient") -> None:
    try:
        client.wait_for_ready(timeout=START_TIMEOUT_S)
    except RuntimeError as error:
        raise WrongFigure(f"the kernel did not start: {error}") from error
