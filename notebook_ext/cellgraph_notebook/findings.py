"""What a run has to say: what went wrong, what calls printed, why calls ran. All of it bounded."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from cellgraph.events import CallFailed, Missed

_CAUSES: Final = 50
_CALLS: Final = 5
_TAILS: Final = 200
_TAIL_CHARS: Final = 4000
_REASONS: Final = 4
_NOTICES: Final = 20
_NUMBER: Final = re.compile(r"\d+")
_FRAME: Final = re.compile(r'File "(?P<file>[^"]*)", line (?P<line>\d+), in (?P<name>\S+)')
_CELL: Final = re.compile(r"Cell In\s*\[(?P<cell>\d+)\],? line:? ?(?P<line>\d+)")


class Cause:
    """Failures that differ at most in numbers: the first of them speaks for all."""

    __slots__ = ("attempts", "calls", "count", "error", "log", "traceback", "where")

    def __init__(self, event: CallFailed, log: str) -> None:
        self.error = event.error
        self.traceback = event.traceback
        self.where = where(event.traceback)
        self.attempts = event.attempt
        self.log = log
        self.calls: list[int] = []
        self.count = 0


class Failures:
    """Failures by task and error line, in order of first appearance; at most 50 causes."""

    def __init__(self) -> None:
        self.causes: dict[tuple[str, str], Cause] = {}
        self.unlisted = 0  # failures of causes beyond the limit
        self.revision = 0

    def add(self, task: str, event: CallFailed, log: str, revision: int) -> None:
        """Note that a call of *task* failed for good after printing *log*."""
        self.revision = revision
        key = (task, _NUMBER.sub("#", event.error))
        cause = self.causes.get(key)
        if cause is None:
            if len(self.causes) >= _CAUSES:
                self.unlisted += 1
                return
            cause = self.causes[key] = Cause(event, log)
        cause.count += 1
        if len(cause.calls) < _CALLS:
            cause.calls.append(event.call)


class Logs:
    """The last 4,000 characters of each of the last 200 calls that printed."""

    def __init__(self) -> None:
        self._tails: OrderedDict[int, str] = OrderedDict()

    def add(self, call: int, text: str) -> None:
        """Append *text* to what *call* printed."""
        self._tails[call] = (self._tails.get(call, "") + text[-_TAIL_CHARS:])[-_TAIL_CHARS:]
        self._tails.move_to_end(call)
        if len(self._tails) > _TAILS:
            self._tails.popitem(last=False)

    def tail(self, call: int) -> str:
        """Return the end of what *call* printed; empty if nothing is kept."""
        return self._tails.get(call, "")


class Remarks:
    """Why calls ran instead of being reused, by task, and lines for the user, each said once."""

    def __init__(self) -> None:
        self._reasons: dict[str, dict[str, int]] = {}
        self._notices: dict[str, None] = {}

    @property
    def notices(self) -> list[str]:
        """The first 20 lines for the user."""
        return list(self._notices)

    def notice(self, text: str) -> None:
        """Note a line for the user."""
        if len(self._notices) < _NOTICES:
            self._notices[text] = None

    def missed(self, misses: Iterable[Missed]) -> set[str]:
        """Note why calls ran; return the tasks concerned."""
        for task, reason, count in misses:
            reasons = self._reasons.setdefault(task, {})
            reasons[reason] = reasons.get(reason, 0) + count
        return set(self._reasons)

    def why(self, tasks: Iterable[str]) -> list[str]:
        """Return the reasons for *tasks*, most frequent first, with counts if there are several."""
        reasons: dict[str, int] = {}
        for task in dict.fromkeys(tasks):
            for reason, count in self._reasons.get(task, {}).items():
                reasons[reason] = reasons.get(reason, 0) + count
        most = sorted(reasons.items(), key=lambda item: -item[1])
        said = [f"{reason} ({count:,})" if len(most) > 1 else reason for reason, count in most]
        return [*said[:_REASONS], f"{len(said) - _REASONS} more"] if len(said) > _REASONS else said


def where(traceback: str) -> str:
    """Return the innermost frame in words, `align, line 6 of steps.py`; empty if there is none."""
    cells = list(_CELL.finditer(traceback))
    frames = list(_FRAME.finditer(traceback))
    if cells and (not frames or cells[-1].start() > frames[-1].start()):
        return f"cell {cells[-1]['cell']} line {cells[-1]['line']}"
    if not frames:
        return ""
    frame = frames[-1]
    file = frame["file"].replace("\\", "/").rsplit("/", 1)[-1]
    # The kernel compiles a cell under the name of a temporary file, a number that says nothing.
    if file.split(".")[0].isdigit() or "ipykernel" in frame["file"] or file.startswith("<"):
        return f"{frame['name']}, line {frame['line']}"
    return f"{frame['name']}, line {frame['line']} of {file}"
