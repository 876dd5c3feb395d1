"""Scripts in a container beside the worker's: one that has bash, and nothing of ours.

Both containers have one folder in common. The worker stages there, as ever; the other container
runs `SHELL`, which carries out one request after the other and writes how each ended. They meet at
three pipes with names in that folder:

- ``requests``: from the worker, a piece of bash for each script, ended by a NUL. It says folder,
  variables and program; so a secret is never in a file.
- ``answers``: to the worker, one line when the shell is ready, then the exit code of each script.
  Its end without one says that the container is gone.
- ``alive``: nobody writes to it. Its end says that the worker is gone, and ends what still runs.

Nothing but bash (4 or newer) is needed: `SHELL` is made of its own commands.
"""

import os
import selectors
import shlex
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cellgraph import mounts
from cellgraph.errors import ExecutorError
from cellgraph.shell.process import Command, Ended, Say, pass_on
from cellgraph.shell.programs import elsewhere

_PIPES: Final = "pipes"
_READY: Final = b"ready"
_START_S: Final = 60.0  # the other container has started before this one
_LOOK_S: Final = 0.05
# Its variables have a prefix: one that the image has exported would hand them on to the script.
SHELL: Final = r"""
trap 'test -z "$cellgraph_script" || kill -KILL -- "-$cellgraph_script" 2>/dev/null; exit 0' TERM
cellgraph_script=
cd "$CELLGRAPH_BESIDE" || exit
exec 9<> <(:)  # a pipe that stays silent: bash can wait at one, and cannot sleep
until test -p pipes/requests; do read -r -t 0.05 -u 9 || :; done
exec 9>&- 3<pipes/requests 4>pipes/answers 5<pipes/alive
echo ready >&4
while IFS= read -r -d '' -u 3 cellgraph_request; do
    set -m  # each script in a process group of its own
    (exec 3<&- 4>&- 5<&-; eval "$cellgraph_request") &
    cellgraph_script=$!
    (exec 3<&- 4>&-; read -r -u 5 || kill -KILL -- "-$cellgraph_script" 2>/dev/null) &
    cellgraph_guard=$!
    set +m
    cellgraph_request=
    wait "$cellgraph_script"
    cellgraph_code=$?
    kill -KILL -- "-$cellgraph_script" "-$cellgraph_guard" 2>/dev/null
    cellgraph_script=
    wait "$cellgraph_guard" 2>/dev/null
    echo "$cellgraph_code" >&4
done
"""


@contextmanager
def beside(folder: Path) -> Generator[None]:
    """Scripts of this thread run in the other container. *folder*: what both see.

    Raises ExecutorError.
    """
    settle(folder)
    companion = Companion(folder)
    try:
        with elsewhere(companion):
            yield
    finally:
        companion.close()


def settle(folder: Path) -> None:
    """Put what this process keeps on disk where the other container sees it. Raises ExecutorError.

    Its inputs are links: what they lead to has to be there under the same name.
    """
    try:
        for variable, name in (("TMPDIR", "tmp"), ("XDG_CACHE_HOME", "cache")):
            (folder / name).mkdir(exist_ok=True)
            os.environ[variable] = str(folder / name)
    except OSError as error:
        raise ExecutorError(
            f"{folder}, the folder in common with the script's container, cannot be written "
            f"({error.strerror}): it is root's, so let job_definition= name no other user"
        ) from error
    tempfile.tempdir = None  # it is looked for again


class Companion:
    """A `Programs`: those of the other container. Threading: one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._requests = self._answers = self._alive = -1
        self._said = b""  # answers that are not complete

    def sees(self, path: str) -> bool:
        """See `Programs`: what is in the folder in common, and where buckets are mounted."""
        real = Path(path).resolve()
        return any(real.is_relative_to(each) for each in (str(self._folder), *mounts.folders()))

    def run(self, command: Command, say: Say) -> Ended:
        """See `Programs`. A program that a signal has ended has the exit code 128 + its number, and
        one that cannot be started has 126 or 127, as bash says."""
        if self._answers < 0:
            self._connect()
        with tempfile.TemporaryDirectory(prefix="cellgraph-pipes-") as place:
            streams = {"stderr": Path(place, "stderr")}
            if command.stdout is None:
                streams["stdout"] = Path(place, "stdout")
            for pipe in streams.values():
                os.mkfifo(pipe)
            with selectors.DefaultSelector() as selector:
                opened = [_reading(pipe) for pipe in streams.values()]
                try:
                    for descriptor, name in zip(opened, streams, strict=True):
                        selector.register(descriptor, selectors.EVENT_READ, name)
                    self._ask(request(command, streams))
                    return self._listen(selector, say)
                finally:
                    for descriptor in opened:
                        os.close(descriptor)

    def close(self) -> None:
        """Let the other container end."""
        for descriptor in (self._requests, self._answers, self._alive):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._answers = self._alive = -1

    def _connect(self) -> None:
        """Make the pipes, all at once, and wait for the other side. Raises ExecutorError."""
        pipes = Path(tempfile.mkdtemp(dir=self._folder))
        for name in ("requests", "answers", "alive"):
            os.mkfifo(pipes / name)
        self._answers = _reading(pipes / "answers")
        pipes.rename(self._folder / _PIPES)
        pipes = self._folder / _PIPES
        limit = time.monotonic() + _START_S
        self._requests = _writing(pipes / "requests", limit)
        self._alive = _writing(pipes / "alive", limit)
        os.set_blocking(self._requests, True)
        while self._line() != _READY:
            _wait(limit)

    def _ask(self, text: bytes) -> None:
        view = memoryview(text + b"\0")
        try:
            while view:
                view = view[os.write(self._requests, view) :]
        except BrokenPipeError:
            raise _lost() from None

    def _listen(self, selector: selectors.BaseSelector, say: Say) -> Ended:
        tail = bytearray()
        while (line := self._line()) is None:
            pass_on(selector, say, tail, _LOOK_S)
            if self._gone():
                raise _lost(bytes(tail))
        pass_on(selector, say, tail, 0.0)
        return Ended(int(line), bytes(tail))

    def _line(self) -> bytes | None:
        """The next answer; None: not yet."""
        with suppress(BlockingIOError):
            self._said += os.read(self._answers, 4096)
        line, end, rest = self._said.partition(b"\n")
        if not end:
            return None
        self._said = rest
        return line

    def _gone(self) -> bool:
        """Whether nobody is there who could answer."""
        try:
            more = os.read(self._answers, 4096)
        except BlockingIOError:
            return False
        self._said += more
        return not more


def request(command: Command, streams: Mapping[str, Path]) -> bytes:
    """The bash that runs a program. Pure. Each value is one quoted word, whatever is in it.

    *streams*: the pipes for its streams, by name.
    """
    source, out = command.stdin or os.devnull, command.stdout or streams["stdout"]
    redirected = f"<{_word(source)} >{_word(out)} 2>{_word(streams['stderr'])}"
    lines = [
        f"cd -- {_word(command.folder)} || exit 126",
        *[f"export {name}={_word(value)}" for name, value in command.variables.items()],
        f"exec {' '.join(map(_word, command.argv))} {redirected}",
    ]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _word(value: str | Path) -> str:
    return shlex.quote(str(value))


def _reading(pipe: Path) -> int:
    return os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)


def _writing(pipe: Path, limit: float) -> int:
    """Open a pipe as soon as the other side reads it. Raises ExecutorError."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: not yet
            _wait(limit)


def _wait(limit: float) -> None:
    if time.monotonic() > limit:
        raise ExecutorError(
            f"the container of the script's image is not there after {_START_S:g} s: it needs "
            "bash 4 or newer, and an ENTRYPOINT, if any, that runs the command it is given"
        )
    time.sleep(_LOOK_S / 5)


def _lost(stderr: bytes = b"") -> ExecutorError:
    last = stderr.decode("utf-8", "replace").strip()[-500:]
    return ExecutorError(
        "the container of the script's image ended while the script ran, most often for its "
        "memory: give it more with memory_gib=" + (f"; last it said: {last}" if last else "")
    )
