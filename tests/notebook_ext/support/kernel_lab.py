"""A real kernel in a folder of its own, driven over its wire protocol as a front end does it."""

import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any, NamedTuple

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

LONG_S = 60.0
LOAD = "%load_ext cellgraph"
COUNT = """
import os, time
import cellgraph as cg

def tick(name):
    with open("ticks", "a") as log:
        log.write(name + "\\n")
"""


class Message(NamedTuple):
    """What the kernel said; when it came (`time.monotonic()`), and when it was said (seconds)."""

    kind: str
    content: dict[str, Any]
    at: float
    said_at: float


class Told(NamedTuple):
    """All that one cell led to: its reply, and every message that names it as parent."""

    reply: dict[str, Any]
    idle_at: float
    messages: list[Message]

    @property
    def ok(self) -> bool:
        return bool(self.reply["status"] == "ok")

    def text(self, stream: str = "stdout") -> str:
        """Return what came on *stream*."""
        said = [m.content for m in self.messages if m.kind == "stream"]
        return "".join(c["text"] for c in said if c["name"] == stream)

    def outputs(self) -> list[dict[str, Any]]:
        """Return the data of displayed outputs and of the result, as they stand at the end."""
        shown: list[dict[str, Any]] = []
        places: dict[str, int] = {}
        for kind, content, *_ in self.messages:
            name = content.get("transient", {}).get("display_id")
            if kind == "update_display_data" and name in places:
                shown[places[name]] = content["data"]
            elif kind in ("display_data", "execute_result"):
                if name:
                    places[name] = len(shown)
                shown.append(content["data"])
        return shown

    @property
    def result(self) -> str:
        """The cell's Out, as text; empty if there is none."""
        found = [m.content["data"] for m in self.messages if m.kind == "execute_result"]
        return str(found[-1]["text/plain"]) if found else ""

    @property
    def traceback(self) -> str:
        """The red box, without colours."""
        found = [m.content for m in self.messages if m.kind == "error"]
        return plain("\n".join(found[-1]["traceback"])) if found else ""


class Lab:
    """A running kernel. Not thread-safe, but `interrupt` may be called from another thread."""

    def __init__(self, folder: Path, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.folder = folder
        self.manager = manager
        self._client: Any = client  # partly typed
        self._others: dict[str, list[Message]] = {}

    def start(self, code: str) -> str:
        """Send a cell; return its id at once."""
        sent: str = self._client.execute(code, allow_stdin=False)
        return sent

    def run(self, code: str, timeout_s: float = LONG_S) -> Told:
        """Run a cell to its end."""
        return self.finish(self.start(code), timeout_s)

    def ok(self, code: str, timeout_s: float = LONG_S) -> Told:
        """Run a cell that must not fail."""
        told = self.run(code, timeout_s)
        assert told.ok, told.traceback or told.text("stderr")
        return told

    def finish(self, sent: str, timeout_s: float = LONG_S) -> Told:
        """Wait for the reply to a cell and for all its messages."""
        messages: list[Message] = []
        limit = time.monotonic() + timeout_s
        while not (messages and _is_idle(messages[-1])):
            messages += self._listen(sent, limit)
        reply = self._client.get_shell_msg(timeout=max(0.1, limit - time.monotonic()))
        while reply["parent_header"].get("msg_id") != sent:
            reply = self._client.get_shell_msg(timeout=max(0.1, limit - time.monotonic()))
        idle_at = messages[-1].at
        return Told(reply["content"], idle_at, messages)

    def later(self, sent: str, seconds: float) -> list[Message]:
        """Listen for *seconds* more; return what still belongs to the cell *sent*."""
        limit = time.monotonic() + seconds
        found: list[Message] = []
        try:
            while True:
                found += self._listen(sent, limit)
        except TimeoutError:
            return found

    def hear(self, sent: str, what: str, timeout_s: float = LONG_S) -> None:
        """Wait until the cell *sent* has printed *what*."""
        limit = time.monotonic() + timeout_s
        heard: list[Message] = []
        while what not in "".join(m.content.get("text", "") for m in heard):
            heard += self._listen(sent, limit)
        self._others.setdefault(sent, [])[:0] = heard

    def pause(self, sent: str, seconds: float) -> None:
        """Let the cell *sent* go on for a while; what it says meanwhile is kept."""
        kept = self.later(sent, seconds)
        self._others.setdefault(sent, [])[:0] = kept

    def interrupt(self) -> float:
        """Press Stop; return when."""
        at = time.monotonic()
        self.manager.interrupt_kernel()
        return at

    def complete(self, code: str) -> list[str]:
        """Return what Tab offers at the end of *code*: the whole line for each."""
        reply = self._client.complete(code, reply=True, timeout=LONG_S)["content"]
        start, end = reply["cursor_start"], reply["cursor_end"]
        return [code[:start] + match + code[end:] for match in reply["matches"]]

    def ticks(self) -> list[str]:
        """Return what `tick(...)` has noted so far."""
        log = self.folder / "ticks"
        return log.read_text().splitlines() if log.exists() else []

    def _listen(self, sent: str, limit: float) -> list[Message]:
        """Return the next messages of a cell; those of others are kept for them."""
        kept = self._others.pop(sent, [])
        if kept:
            return kept
        left = limit - time.monotonic()
        if left <= 0:
            raise TimeoutError("the kernel did not answer in time")
        try:
            raw = self._client.get_iopub_msg(timeout=left)
        except Empty:
            raise TimeoutError("the kernel did not answer in time") from None
        said_at = raw["header"]["date"].timestamp()
        message = Message(raw["msg_type"], raw["content"], time.monotonic(), said_at)
        parent = raw["parent_header"].get("msg_id", "")
        if parent == sent:
            return [message]
        self._others.setdefault(parent, []).append(message)
        return []


def _is_idle(message: Message) -> bool:
    return message.kind == "status" and message.content["execution_state"] == "idle"


@contextmanager
def kernel(folder: Path, env: Mapping[str, str] | None = None) -> Generator[Lab]:
    """Start a kernel in *folder*, its project and working directory; end it with the block."""
    (folder / "cellgraph.toml").touch()
    manager = KernelManager(kernel_name="python3")
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CELLGRAPH_"))}
    extra = {"IPYTHONDIR": str(folder / ".ipython"), "PYTHONUNBUFFERED": "1", **(env or {})}
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]  # type: ignore[attr-defined]  # traitlets
    manager.start_kernel(cwd=str(folder), env={**own, **extra})
    client: Any = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=LONG_S)
        yield Lab(folder, manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def plain(text: str) -> str:
    """Return *text* without colours."""
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
