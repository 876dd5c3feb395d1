"""Word of a run that failed, or works again: to one command, or to one address on the web.

The address may be a secret, so a bundle may name a variable of the environment instead:
`env:NAME`. What is sent is one JSON object; a command finds it on its standard input.
"""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from typing import Final, Literal, NamedTuple

from cellgraph.errors import ExportError
from cellgraph.exported.alert import VARIABLE
from cellgraph.secret import hidden

_PATIENCE_S: Final = 30.0
Status = Literal["failed", "recovered"]


class Alert(NamedTuple):
    """What is told. `due`: an ISO time, empty for a run started by hand; `run`: its id, if any."""

    name: str
    status: Status
    due: str
    run: str
    attempt: int
    error: str
    text: str  # the whole of it in one line, as chat services show it


def alert(name: str, status: Status, due: str, run: str, attempt: int, error: str) -> Alert:
    """Word it."""
    what = f"{name} {status}" + (f", due {due}" if due else "")
    first = hidden(error.partition("\n")[0])
    more = f" after {attempt} attempts: {first}" if attempt > 1 else f": {first}"
    return Alert(name, status, due, run, attempt, first, what + (more if first else ""))


def send(target: str, what: Alert) -> None:
    """Send it. Raises ExportError when nobody took it."""
    if target.startswith(VARIABLE):
        name = target.removeprefix(VARIABLE)
        target = os.environ.get(name, "")
        if not target:
            raise ExportError(f"nobody was alerted: the variable {name} is not set")
    data = json.dumps(what._asdict()).encode()
    if target.startswith(("http://", "https://")):
        _post(target, data)
    else:
        _call(target, data)


def _post(address: str, data: bytes) -> None:
    request = urllib.request.Request(
        address, data, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            answer.read(1)
    except (OSError, ValueError) as error:  # urllib's own errors are OSErrors; the address is kept
        said = (
            f"{error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        )
        raise ExportError(f"nobody was alerted: the webhook answered {said}") from None


def _call(command: str, data: bytes) -> None:
    try:
        done = subprocess.run(
            shlex.split(command), input=data, capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ExportError(f"nobody was alerted: {type(error).__name__}: {error}") from None
    if done.returncode:
        end = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise ExportError(f"nobody was alerted: the command ended with {done.returncode} {end}")
