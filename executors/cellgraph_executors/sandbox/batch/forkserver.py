"""The program behind `warm=`: it has imported what Cellgraph's worker needs, and forks for a job.

Run with the modules to import beforehand; standard input is a socket to the sandbox. One thread,
so that a fork is safe. Frames are a length of four bytes and JSON:

    {"command": [...], "environment": {...}, "folder": "..."} and a descriptor for its output
        -> {"pid": n}
    {"wait": n} -> {"code": n}         waits for its end
    {"poll": n} -> {"code": n or null}

A process that has ended stays a zombie until it is asked for: its number is nobody else's.
"""

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

# What one child of a job imports of ours, and of AWS's.
_OURS: Final = (
    "cellgraph.cli",
    "cellgraph.stores.s3.outpost",
    "cellgraph.worker",
    "cellgraph_executors.remote.manifest",
    "cellgraph_executors.remote.printing",
    "cellgraph_executors.remote.worker",
    "cellgraph_executors.shipping",
    "importlib.metadata",
    "xml.etree.ElementTree",
)
_LENGTH: Final = 4


def main() -> None:
    """Serve until the sandbox closes its end."""
    from cellgraph.stores.s3.clients import make_client

    link = socket.socket(fileno=os.dup(0))
    for name in (*_OURS, *sys.argv[1:]):
        import_module(name)
    make_client("s3", "", "us-east-1", None)  # what it read is kept; nothing is asked
    gc.freeze()  # a collection in a child would copy the pages of all of it
    ended: dict[int, int] = {}
    while True:
        asked, descriptor = receive(link)
        if asked is None:
            return
        if "command" in asked:
            answer: dict[str, Any] = {"pid": _fork(link, asked, descriptor)}
            os.close(descriptor)
        elif "wait" in asked:
            answer = {"code": _code(ended, asked["wait"], 0)}
            ended.pop(asked["wait"], None)
        else:
            answer = {"code": _code(ended, asked["poll"], os.WNOHANG)}
        send(link, answer)


def send(link: socket.socket, said: Mapping[str, Any], *descriptors: int) -> None:
    """Send a frame, with open files. Raises OSError."""
    data = json.dumps(said).encode()
    socket.send_fds(link, [len(data).to_bytes(_LENGTH, "big")], descriptors)
    link.sendall(data)


def receive(link: socket.socket) -> tuple[dict[str, Any] | None, int]:
    """The next frame, None at the end, and the open file that came with it or -1."""
    head, files, _, _ = socket.recv_fds(link, _LENGTH, 1)
    while head and len(head) < _LENGTH:
        head += link.recv(_LENGTH - len(head))
    size = int.from_bytes(head, "big")
    data = b""
    while head and len(data) < size:
        more = link.recv(size - len(data))
        if not more:
            break
        data += more
    return (json.loads(data) if data else None), (files[0] if files else -1)


def _code(ended: dict[int, int], pid: int, how: int) -> int | None:
    if pid not in ended:
        found, status = os.waitpid(pid, how)
        if found == pid:
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended.get(pid)


def _fork(link: socket.socket, asked: Mapping[str, Any], output: int) -> int:
    begun, begins = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.close(begins)
        os.close(begun)
        link.close()
        _begin(asked, output)
    os.close(begins)
    os.read(begun, 1)  # it has a group of its own now, which can be killed
    os.close(begun)
    return pid


def _begin(asked: Mapping[str, Any], output: int) -> NoReturn:
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)
    _be(asked["command"], asked["environment"], asked["folder"])


def _be(command: Sequence[str], environment: Mapping[str, str], folder: str) -> NoReturn:
    """Be the process that *command* would have started."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        time.tzset()
        tempfile.tempdir = None  # the folder of the server's own
        numpy = sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed()  # each process draws for itself; Python's own generator does by itself
        sys.argv = list(command)
        from cellgraph.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        _leave(code)


def _leave(code: int) -> NoReturn:
    import atexit
    import threading

    try:
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()
        run: Any = vars(atexit)["_run_exitfuncs"]  # as the interpreter does when it leaves
        run()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
