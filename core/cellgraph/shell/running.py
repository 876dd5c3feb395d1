"""One script, from its staged inputs to its values; and what is said when it fails."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.collector import unwatched
from cellgraph.errors import ConfigError, ScriptError
from cellgraph.files import File
from cellgraph.result import Apart
from cellgraph.secret import hidden
from cellgraph.shell import outputs as made
from cellgraph.shell.command import BASH, interpreter
from cellgraph.shell.inputs import Variables, stage, staged
from cellgraph.shell.outputs import Output
from cellgraph.shell.process import Command, Ended, Say
from cellgraph.shell.programs import chosen

_SHOWN_LINES: Final = 12
_COMMAND: Final = "command"


class _Folder(NamedTuple):
    """Where one script runs; removed when it has ended."""

    root: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def stdout(self) -> Path:
        return self.root / "stdout"


def perform(
    text: str,
    inputs: Mapping[str, Any],
    outputs: Sequence[Output],
    stdin: Any,
    *,
    bare: bool,
) -> object:
    """Run a script and return its outputs: a dict by name, or the only one if *bare*.

    Raises ScriptError when it fails, ConfigError for an input that cannot be a variable.
    """
    # resolved: a link in the name of the temporary folder would make paths that differ
    folder = _Folder(Path(tempfile.mkdtemp(prefix="cellgraph-script-")).resolve())
    try:
        folder.work.mkdir()
        variables = staged(inputs, folder.root / "inputs")
        source = _stdin(stdin, folder.root)
        with unwatched():  # what the script reads is in its arguments
            ended = _run(text, variables, outputs, source, folder)
            _check(text, ended, variables, outputs, folder)
            found = {o.name: made.collected(o, folder.work, folder.stdout) for o in outputs}
        return Apart(next(iter(found.values())) if bare else found)
    finally:
        _remove(folder.root)


def _stdin(stdin: Any, root: Path) -> Path | None:
    if stdin is None:
        return None
    if isinstance(stdin, File):
        return Path(stage(stdin, root / "stdin"))
    if not isinstance(stdin, (str, bytes)):
        raise ConfigError(
            f"script(): stdin is a {type(stdin).__name__}: give a text, bytes or a cg.File"
        )
    target = root / "stdin"
    target.write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
    return target


def _run(
    text: str,
    variables: Variables,
    outputs: Sequence[Output],
    stdin: Path | None,
    folder: _Folder,
) -> Ended:
    made.prepare(outputs, folder.work)
    script = folder.root / _COMMAND
    script.write_text(text, encoding="utf-8", errors="surrogateescape")
    paths = {
        o.name: os.path.normpath(folder.work / o.variable) for o in outputs if o.kind != "stdout"
    }
    own = {**variables.environment(), **paths}
    line = interpreter(text)
    if line is None:
        arrays = folder.root / "arrays"
        arrays.write_text(variables.arrays(), encoding="utf-8", errors="surrogateescape")
        own["BASH_ENV"] = str(arrays)
    argv = [*(line or BASH), str(script)]
    wanted = any(o.kind == "stdout" for o in outputs)
    try:
        return chosen().run(
            Command(argv, folder.work, own, stdin, folder.stdout if wanted else None),
            _into_log(folder.root),
        )
    except OSError as error:
        raise ScriptError(
            f"{argv[0]} cannot be started where the script runs: {error.strerror or error}: "
            "install it there, or name another interpreter in the first line",
            text,
        ) from None


def _into_log(root: Path) -> Say:
    """Into the log of the call, which is that of this thread; paths below *root* short."""
    home = os.fsencode(root) + b"/"

    def say(stream: str, data: bytes) -> None:
        target: Any = getattr(sys, stream)
        if target is not None:
            target.write(data.replace(home, b"").decode("utf-8", "replace"))
            target.flush()

    return say


# --- when it fails --------------------------------------------------------------------------------


def _check(
    text: str,
    ended: Ended,
    variables: Variables,
    outputs: Sequence[Output],
    folder: _Folder,
) -> None:
    stderr = _last_lines(ended.stderr, folder.root)
    if ended.code == 0:
        lacking = made.missing(outputs, folder.work)
        if not lacking:
            return
        names = ", ".join(f"{o.name} ({_where(o)})" for o in lacking)
        said = f"the script ended well and left no {names}"
        advice = f'{made.listing(folder.work)}; write to "${lacking[0].name}", or correct outputs='
    else:
        said = _how(ended.code)
        advice = _advice(ended.code)
    parts = [said, f"  command:\n{_indented(_shortened(text))}"]
    shown = variables.shown(str(folder.root))
    if shown:
        parts.append(f"  with:\n{_indented(shown)}")
    parts.append(f"  stderr, last lines:\n{_indented(stderr)}" if stderr else "  stderr: empty")
    parts.append(f"  {advice}")
    raise ScriptError(hidden("\n".join(parts)), text, ended.code, hidden(stderr))


def _where(output: Output) -> str:
    if output.kind == "folder":
        return f"{output.target or output.path}/, a folder with files"
    return output.target or output.path


def _how(code: int) -> str:
    if code > 0:
        return f"the script ended with exit code {code}"
    name = f"signal {-code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
    return f"the script was ended by {name}"


def _advice(code: int) -> str:
    if code == 127:
        return (
            "a program was not found: install it where the script runs (the executor's image, or "
            "this machine's PATH)"
        )
    if code == 126:
        return "a program could not be started: is the file a program of this machine's kind?"
    if code in (137, -signal.SIGKILL):
        return "it was killed, most often for its memory: give it more with memory_gib="
    if code == 141:
        return (
            "a program wrote to one that had stopped reading (`| head` does): end the line with "
            "`|| true`, or begin the script with `set +o pipefail`"
        )
    return "see its standard error; the whole of it is in the log of the call"


def _last_lines(stderr: bytes, root: Path) -> str:
    text = stderr.decode("utf-8", "replace").replace(f"{root}/", "")
    return "\n".join(text.rstrip().splitlines()[-_SHOWN_LINES:])


def _shortened(text: str) -> str:
    lines = text.rstrip().splitlines()
    more = [f"… {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
    return "\n".join([*lines[:_SHOWN_LINES], *more])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _remove(root: Path) -> None:
    """Remove the folder, read-only parts of it too."""

    def again(function: Any, path: str, error: BaseException) -> None:
        with suppress(OSError):
            Path(path).parent.chmod(0o700)
            Path(path).chmod(0o700)
            function(path)

    if sys.version_info >= (3, 12):
        shutil.rmtree(root, onexc=again)
    else:
        shutil.rmtree(root, onerror=lambda f, p, e: again(f, p, e[1]))
