"""A program and everything it starts, as one process group: run, listened to, ended.

Threading: on the calling thread, which may be interrupted at any time (an exception sent to it, a
signal): the group is ended then. If this whole process dies, a guard ends the group: a shell that
waits at a pipe until somebody writes (the script has ended) or nobody can any more.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

# How long an interrupt, which arrives between two instructions of Python, may have to wait.
_LOOK_S: Final = 0.05
_TAIL_BYTES: Final = 16_384
_GRACE_S: Final = 2.0
_GUARD: Final = 'if ! read -r _; then kill -s KILL -- "-$1" 2>/dev/null; fi'

Say = Callable[[str, bytes], None]  # "stdout" or "stderr", and what was written


class Ended(NamedTuple):
    """How it ended: the exit code, negative for a signal, and the end of its standard error."""

    code: int
    stderr: bytes


class Command(NamedTuple):
    """A program, and what it is to find."""

    argv: Sequence[str]
    folder: Path  # where it works
    variables: Mapping[str, str]  # beside those of the place that runs it
    stdin: Path | None  # None: nothing to read
    stdout: Path | None  # where its standard output goes; None: to who listens


def run(command: Command, environment: Mapping[str, str], say: Say) -> Ended:
    """Run it until it and its group have ended, with *environment* for variables.

    *say* is told, on this thread, what it writes while it runs: to its standard error, and to its
    standard output if that is no file. Raises OSError when it cannot be started.
    """
    with _opened(command.stdin, "rb") as source, _opened(command.stdout, "wb") as sink:
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=environment,
            stdin=source or subprocess.DEVNULL,
            stdout=sink or subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    try:
        with _guarded(process.pid):
            tail = _listen(process, say)
            return Ended(process.wait(), tail)
    except BaseException:
        _end(process)
        raise
    finally:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def _opened(path: Path | None, mode: str) -> Generator[IO[Any] | None]:
    """The file at *path*, open; None for none."""
    if path is None:
        yield None
    else:
        with path.open(mode) as file:
            yield file


@contextmanager
def _guarded(group: int) -> Generator[None]:
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(group)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert guard.stdin is not None
    try:
        yield
    finally:
        with suppress(BrokenPipeError):
            guard.stdin.write(b"\n")
            guard.stdin.close()
        guard.wait()


def _listen(process: "subprocess.Popen[bytes]", say: Say) -> bytes:
    """Pass on what is written until the program has ended; end what it left running."""
    tail = bytearray()
    with selectors.DefaultSelector() as selector:
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, name)
        over = False
        while not over:
            over = _has_ended(process)
            if over:  # before it is reaped: the group's number is nobody else's yet
                _signal(process.pid, signal.SIGKILL)
            pass_on(selector, say, tail, 0.0 if over else _LOOK_S)
    return bytes(tail)


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found is not None


def pass_on(selector: selectors.BaseSelector, say: Say, tail: bytearray, patience_s: float) -> None:
    """Take what there is to read from streams, registered by name; without *patience_s* until there
    is nothing. *tail*: the end of the standard error, kept short."""
    if not selector.get_map():
        time.sleep(patience_s / 10)  # it has closed its streams: it is about to end
        return
    while ready := selector.select(patience_s):
        for key, _ in ready:
            data = os.read(key.fd, 65_536)
            if not data:
                selector.unregister(key.fileobj)
                continue
            say(key.data, data)
            if key.data == "stderr":
                tail += data
                del tail[:-_TAIL_BYTES]
        if patience_s or not selector.get_map():
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the group to end, then make it."""
    if process.returncode is not None:  # it has, and its number may be another's by now
        return
    _signal(process.pid, signal.SIGTERM)
    limit = time.monotonic() + _GRACE_S
    while time.monotonic() < limit and not _has_ended(process):
        time.sleep(0.01)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a zombie
        os.killpg(group, number)
