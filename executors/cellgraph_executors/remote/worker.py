"""`cellgraph worker run`: one child of a job, where the job runs.

Reads its own part of the manifest, runs its calls, writes what became of them, and leaves. A child
that finds its outcome (Batch ran it twice, or its submission was repeated) leaves at once. It exits
with 1 when a call failed, so that Batch shows it as failed; nothing in its retry strategy answers
to that code.

A child costs a Python start, so this module imports what it needs when it needs it.
"""

import gc
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cellgraph.executor import Function
    from cellgraph.inside import Progress
    from cellgraph.stores.s3.outpost import Outpost
    from cellgraph_executors.remote.finding import Found
    from cellgraph_executors.remote.manifest import CallEntry, Head
    from cellgraph_executors.remote.outcome import Ended
    from cellgraph_executors.remote.printing import Prints

# What surrounds each call: it is given whom to tell how far the call has come.
Around = Callable[[Callable[["Progress"], None]], AbstractContextManager[object]]
# The folder in common with the container of a script's image, in the environment of both.
BESIDE: Final = "CELLGRAPH_BESIDE"
USAGE: Final = "cellgraph worker run --store s3://… --array ID --manifest DIGEST"
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_OPTIONS: Final = ("store", "array", "manifest", "kms_key", "array_key")
# Calls of one child whose outcomes are written together: a child that dies loses the last ones.
_WRITE_EVERY_S: Final = 5.0


def worker(
    verb: str,
    store: str = "",
    array: str = "",
    manifest: str = "",
    kms_key: str = "",
    requester_pays: bool = False,
    array_key: str = "",
) -> None:
    """Run a call on this machine for another one: the command of a Batch job, not for people."""
    sys.exit(run(verb, store, array, manifest, kms_key, array_key, requester_pays=requester_pays))


def main(arguments: Sequence[str], around: Around | None = None) -> int:
    """The same from a command line; return the exit code."""
    said: dict[str, Any] = {}
    words = list(arguments)
    verb = words.pop(0) if words and not words[0].startswith("-") else ""
    while words:
        name = words.pop(0).removeprefix("--").replace("-", "_")
        if name == "requester_pays":
            said[name] = True
        elif name in _OPTIONS and words:
            said[name] = words.pop(0)
        else:
            sys.stderr.write(f"unknown argument {name!r}; usage: {USAGE}\n")
            return 2
    if verb != "run" or not {"store", "array", "manifest"} <= said.keys():
        sys.stderr.write(f"usage: {USAGE}\n")
        return 2
    return run(verb, **said, around=around)


def run(
    verb: str,
    store: str,
    array: str,
    manifest: str,
    kms_key: str = "",
    array_key: str = "",
    *,
    requester_pays: bool = False,
    around: Around | None = None,
) -> int:
    """Run one child; return the exit code: 0, 1 for a call that failed, 3 for trouble of ours."""
    began = time.time()
    gc.disable()  # until the user's code runs: what imports leave behind is no garbage
    from cellgraph.errors import CellgraphError
    from cellgraph.stores.s3.bucket import Access, Bucket
    from cellgraph.stores.s3.outpost import Outpost
    from cellgraph.stores.s3.place import parse_uri
    from cellgraph_executors.remote.printing import Prints

    given = [manifest, array_key] if array_key else [manifest]
    if verb != "run" or not (store and array and all(map(_DIGEST.fullmatch, given))):
        sys.stderr.write(f"usage: {USAGE}\n")
        return 2
    try:
        with _beside(), tempfile.TemporaryDirectory(prefix="cellgraph-") as folder:
            access = Access(requester_pays=requester_pays, kms_key=kms_key)
            bucket = Bucket(parse_uri(store), access)
            outpost = Outpost(bucket, Path(folder))
            secret = bytes.fromhex(array_key)
            child = Child(
                bucket,
                outpost,
                array,
                _index(),
                _attempt(),
                began,
                Prints,
                secret,
                around or _listening,
            )
            return child.run(bytes.fromhex(manifest))
    except CellgraphError as error:
        sys.stderr.write(f"cellgraph worker: {error}\n")
        return 3


def _beside() -> AbstractContextManager[None]:
    """Scripts run in the container beside this one, if there is one."""
    folder = os.environ.get(BESIDE)
    if not folder:
        return nullcontext()
    from cellgraph_executors.remote.beside import beside

    return beside(Path(folder))


def _index() -> int:
    return int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))


def _attempt() -> int:
    return int(os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1"))


class Child:
    """One child of a job. *began*: when its process started. *prints* catches what calls print.

    *secret*: the private key that it signs with what it writes; empty: it signs nothing. *around*
    surrounds each call.
    """

    def __init__(
        self,
        bucket: Any,
        outpost: "Outpost",
        array: str,
        index: int,
        attempt: int,
        began: float,
        prints: "Callable[[], Prints]",
        secret: bytes = b"",
        around: Around | None = None,
    ) -> None:
        from cellgraph_executors.remote.beats import Beats
        from cellgraph_executors.remote.warrants import Unsigned

        self._secret = secret
        self._hand = Unsigned()  # until it is known what this child may speak for
        self._prints = prints
        self._bucket = bucket
        self._outpost = outpost
        self._folder = f"arrays/{array}"
        self._array = array
        self._index = index
        self._attempt = attempt
        self._began = began
        self._failed = False
        self._waiting: list[Ended] = []  # ended, and not written yet
        self._parts = 1  # the next one of a child with many calls
        self._function: Function | None = None  # rebuilt once
        self._found: Found | None = None  # the environment, once it is looked at
        self._around = around or _listening
        self._beats = Beats(self._beat)

    def run(self, manifest: bytes) -> int:
        """Run what is left to run; return the exit code. Raises CellgraphError."""
        from cellgraph_executors.remote.manifest import read

        there = self._outcome(self._name())
        if there is not None and not self._secret:
            return _ended_before()
        head, calls = read(self._read, manifest, self._index)
        if self._secret:
            from cellgraph_executors.remote.flights import keys_of
            from cellgraph_executors.remote.warrants import Hand

            self._hand = Hand(self._secret, self._array, self._index, keys_of(calls))
            if there is not None and self._hand.own(self._part(), there) is not None:
                return _ended_before()  # else somebody wrote it who is none of us
        done = self._done_before(len(calls))
        if len(done) < len(calls):
            from cellgraph_executors.placing import work_folder

            with work_folder():  # where the files in code and arguments are put
                self._run_calls(head, calls, done)
        return 1 if self._failed else 0

    # --- what is in the bucket ---

    def _name(self, part: int = 0) -> str:
        """Outcomes of a child with many calls come in parts, the last one under its own name."""
        return f"{self._folder}/out/{self._part(part)}"

    def _part(self, part: int = 0) -> str:
        return f"{self._index}" + (f"-{part}" if part else "")

    def _read(self, start: int, length: int) -> bytes:
        name = f"{self._folder}/manifest"
        data: bytes = self._outpost.patiently(lambda: self._bucket.get(name, start, length))
        return data

    def _outcome(self, name: str) -> bytes | None:
        from cellgraph.stores.s3.faults import Absent

        try:
            data: bytes = self._outpost.patiently(lambda: self._bucket.get(name))
        except Absent:
            return None
        return data

    def _done_before(self, calls: int) -> set[int]:
        """The calls that an earlier attempt of this child has finished."""
        if calls == 1:
            return set()
        from cellgraph_executors.remote.outcome import Raised, decode

        done: set[int] = set()
        part = 1
        while (there := self._outcome(self._name(part))) is not None:
            data = self._hand.own(self._part(part), there)
            if data is None:
                break  # not ours: it is written over
            ended = decode(data).calls
            self._failed = self._failed or any(isinstance(e.what, Raised) for e in ended)
            done.update(e.at for e in ended)
            part += 1
        self._parts = part
        return done

    # --- running ---

    def _run_calls(self, head: "Head", calls: list["CallEntry"], done: set[int]) -> None:
        from cellgraph_executors.remote.finding import Found

        self._found = Found(head.task, head.needs, self._index)
        prints = self._prints()
        written = time.monotonic()
        last = max(set(range(len(calls))) - done)
        try:
            for at, call in enumerate(calls):
                if at in done:
                    continue
                self._waiting.append(self._run_call(head, call, at, prints))
                if at != last and time.monotonic() - written >= _WRITE_EVERY_S:
                    self._write(self._parts, self._waiting)
                    self._parts += 1
                    self._waiting = []
                    written = time.monotonic()
        finally:
            prints.close()
            said = self._beats.end()
        self._write(0, self._waiting)
        if said:
            self._outpost.patiently(lambda: self._bucket.delete([self._beat_name()]))

    def _beat_name(self) -> str:
        from cellgraph_executors.remote.beats import part_of

        return f"{self._folder}/out/{part_of(self._index)}"

    def _beat(self, data: bytes) -> None:
        """On a thread of its own: say how far a call is."""
        name = self._beat_name()
        self._bucket.put(name, self._hand.signed(name.rpartition("/")[2], data))

    def _run_call(self, head: "Head", call: "CallEntry", at: int, prints: Any) -> "Ended":
        from cellgraph.errors import CellgraphError, ExecutorError
        from cellgraph.executor import Job, JobFailed, Resources
        from cellgraph.worker import run_job
        from cellgraph_executors import pickling
        from cellgraph_executors.remote.outcome import ended

        started = time.time()
        self._outpost.know([head.code, *call.places])
        event: Any
        try:
            function = self._code(head)
            args, kwargs, classes = pickling.load(call.arguments)
            pickling.install_classes(classes)
        except CellgraphError as error:
            event = JobFailed(at, started, 0.0, error, "")
        except Exception as error:  # unpickling imports the user's modules
            text = f"its arguments cannot be read here: {type(error).__name__}: {error}"
            event = JobFailed(at, started, 0.0, ExecutorError(text), "")
        else:
            gc.enable()
            with self._deadline(head, at, prints), self._around(self._beats.hear(at)):
                event = run_job(Job(at, function, args, kwargs, Resources()), self._outpost)
        self._failed = self._failed or isinstance(event, JobFailed)
        out, err = prints.take()
        if isinstance(event, JobFailed):
            sys.stderr.write(event.traceback or f"{event.error}\n")  # for who reads the job's log
        return ended(at, event, out, err, self._outpost.written)

    def _code(self, head: "Head") -> "Function":
        """The function that is called, rebuilt. Raises CellgraphError."""
        from cellgraph_executors.shipping import load_code

        if self._found is not None and self._found.change is not None:
            raise self._found.change
        if self._function is None:
            self._function = load_code(head.code.digest, self._outpost)
        return self._function

    @contextmanager
    def _deadline(self, head: "Head", at: int, prints: Any) -> Generator[None]:
        """End this process, having said why, when the call takes longer than it may.

        Batch's own timeouts are a minute at least, and say nothing of the call.
        """
        if not head.timeout_s:
            yield
            return
        began = time.time()

        def late() -> None:
            from cellgraph.errors import CallTimeout
            from cellgraph.executor import JobFailed
            from cellgraph_executors.remote.outcome import ended

            text = f"{head.task} ran longer than timeout_s={head.timeout_s:g}"
            event = JobFailed(at, began, time.time() - began, CallTimeout(text), "")
            out, err = prints.take()
            said = ended(at, event, out, err, self._outpost.written)
            alone = head.calls_per_child == 1
            self._write(0 if alone else self._parts, [*self._waiting, said])
            os._exit(1)

        timer = threading.Timer(head.timeout_s, late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _write(self, part: int, calls: list["Ended"]) -> None:
        from cellgraph_executors.remote.outcome import Outcome, encode

        described = "" if self._found is None else self._found.described
        data = encode(
            Outcome(
                self._index, self._attempt, self._began, time.time(), "", tuple(calls), described
            )
        )
        signed = self._hand.signed(self._part(part), data)
        self._outpost.patiently(lambda: self._bucket.put(self._name(part), signed))


@contextmanager
def _listening(hear: "Callable[[Progress], None]") -> Generator[None]:
    """Nothing surrounds a call but who hears of it."""
    from cellgraph.inside import listen

    outer = listen(hear)
    try:
        yield
    finally:
        listen(outer)


def _ended_before() -> int:
    sys.stderr.write("cellgraph worker: this child has ended before; nothing to do\n")
    return 0
