"""What the parent and a worker process say to each other.

Pipes stay small: what is large lies in a file of the executor's folder, which the receiver reads.
"""

import uuid
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.executor import Usage
from cellgraph.places import Read, Roots
from cellgraph_executors.faults import PackedError

# A message of this size is written to a pipe in one piece, or not at all when the writer dies.
_LARGE: Final = 1 << 13


class Gone(Exception):
    """The worker process has ended by itself; `exitcode` is negative for a signal."""

    def __init__(self, exitcode: int) -> None:
        super().__init__(exitcode)
        self.exitcode = exitcode


class Parcel(NamedTuple):
    """Bytes, here or in the file *path*."""

    data: bytes
    path: str

    def open(self, *, keep: bool = False) -> bytes:
        """Return the bytes; the file is removed unless others will read it as well."""
        if not self.path:
            return self.data
        data = Path(self.path).read_bytes()
        if not keep:
            Path(self.path).unlink(missing_ok=True)
        return data


def parcel(data: bytes, folder: Path) -> Parcel:
    """Wrap *data*; large ones go to a file in *folder*."""
    if len(data) < _LARGE:
        return Parcel(data, "")
    path = folder / f"parcel-{uuid.uuid4().hex}"
    path.write_bytes(data)  # the folder is the user's alone
    return Parcel(b"", str(path))


class Code(NamedTuple):
    """A function by value."""

    id: bytes  # digest of the code's identity and the pickled bytes
    name: str
    parcel: Parcel  # (function, tagged classes)
    texts: dict[str, str]  # cell name -> its lines


class Surroundings(NamedTuple):
    """What a function may see of the process it runs in, and the user may change at any time."""

    folder: str
    environ: dict[str, str]
    path: list[str]


class Request(NamedTuple):
    """One call."""

    job_id: int
    name: str
    code_id: bytes
    code: Code | None  # None: the worker has it
    arguments: Parcel  # (args, kwargs, tagged classes)
    vcpus: float
    logs: str
    surroundings: Surroundings | None  # None: as before
    roots: Roots | None  # where it is watched for what it reads; None: nowhere


class Answer(NamedTuple):
    """How a call ended; sent pickled, as a parcel."""

    started: float
    elapsed_s: float
    outcome: bytes | None  # a pickled outcome; None: it failed
    error: PackedError | None  # the user's exception
    problem: str  # what kept the call from being carried out or its result from being sent
    traceback: str
    reads: tuple[Read, ...] = ()  # see `JobDone`
    usage: Usage | None = None
