"""Watching one job: what was seen, and what to look at next. Pure.

The parent is described for all children together. Outcomes are found by listing the store; children
are asked for only when some failed without leaving one. A failed child counts as such when it was
listed as failed *before* a listing of the outcomes that lacks its own.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from cellgraph.errors import (
    CallCancelled,
    CallTimeout,
    ExecutorError,
    HostLost,
    OutOfMemory,
)

# What our own terminations say; what Batch and ECS say of theirs.
CANCELLED: Final = "cancelled from Cellgraph"
SPOT: Final = ("Host EC2", "Your Spot Task was interrupted")
_MEMORY: Final = "OutOfMemoryError"
_TIMEOUT: Final = "Job attempt duration exceeded timeout"
# What a container was to begin with and does not have, and what to do about it.
_NOT_FOUND: Final = re.compile(r'exec: "(\w+)": executable file not found')
_NEEDED: Final = {
    "cellgraph": "The image has no cellgraph: `cellgraph image` prints a Dockerfile for one, "
    'and environment="lock" installs it and the packages of here in a plain Python image',
    "python3": 'environment="lock" needs an image that has Python 3.11 or newer, and pip',
    "bash": "An image that a script names needs bash",
}

Over = Literal["", "done", "failed"]


class Seen(NamedTuple):
    """What a service says of a whole job."""

    over: Over
    waiting: int
    running: int
    done: int
    failed: int
    reason: str
    vcpu_s: float = 0.0  # as measured by the service; 0: it does not say, or not yet


class Fact(NamedTuple):
    """What a service says of a child that ended."""

    child: int
    exit_code: int  # -1: not known
    reason: str  # of the job, in the service's words
    container: str  # of its container
    started: float  # seconds since the epoch; 0: never
    stopped: float
    id: str  # of the child, at the service


class LastWords(NamedTuple):
    """The end of a child's log, where all of it is, and which attempt wrote it."""

    text: str = ""
    log: str = ""  # as the service names it; empty when there is none
    attempt: int = 1  # from 1


@dataclass(frozen=True, slots=True)
class ListOutcomes:
    """List the outcomes in the store; answer with `listed`."""


@dataclass(frozen=True, slots=True)
class ListFailed:
    """List the children that failed; answer with `failed`."""


@dataclass(frozen=True, slots=True)
class Explain:
    """These children failed and left no outcome."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """These children left neither an outcome nor a reason, and the job is over."""

    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything is known: watch it no longer."""


Command = ListOutcomes | ListFailed | Explain | Lost | Finish


class Watch:
    """What is known of a job of *children* children."""

    def __init__(self, children: int) -> None:
        self._ended = bytearray(children)  # 1: succeeded, 2: failed
        self._open = children
        self._failed = 0
        self._seen = Seen("", children, 0, 0, 0, "")
        self._suspects: dict[int, Fact] = {}
        self._asked_failed = 0  # how many had failed when they were last listed

    @property
    def seen(self) -> Seen:
        """What was last seen of the job."""
        return self._seen

    @property
    def open(self) -> int:
        """How many children have not ended, as far as this knows."""
        return self._open

    @property
    def failures(self) -> int:
        """How many children are known to have failed."""
        return self._failed

    def has_ended(self, child: int) -> bool:
        """Whether the end of a child is known."""
        return bool(self._ended[child])

    def described(self, seen: Seen) -> list[Command]:
        """The service said something of the job."""
        self._seen = seen
        return [ListOutcomes()] if self._open or seen.over else []

    def listed(self, outcomes: Collection[int]) -> list[Command]:
        """These children have outcomes in the store; they were collected (see `ended`)."""
        commands: list[Command] = []
        facts = tuple(f for f in self._suspects.values() if not self._ended[f.child])
        if self._suspects:
            self._suspects = {}
            for fact in facts:
                self._end(fact.child, failed=True)
            if facts:
                commands.append(Explain(facts))
        if not self._open:
            return [*commands, Finish()] if self._seen.over else commands
        if self._seen.failed > max(self._failed, self._asked_failed) or (
            self._seen.over and self._asked_failed < len(self._ended)
        ):
            self._asked_failed = len(self._ended) if self._seen.over else self._seen.failed
            return [*commands, ListFailed()]
        if self._seen.over:
            lost = tuple(i for i, ended in enumerate(self._ended) if not ended)
            for child in lost:
                self._end(child, failed=True)
            return [*commands, Lost(lost), Finish()]
        return commands

    def failed(self, facts: Sequence[Fact]) -> list[Command]:
        """The service listed these children as failed."""
        self._suspects = {f.child: f for f in facts if not self._ended[f.child]}
        return [ListOutcomes()] if self._suspects or self._seen.over else []

    def ended(self, children: Iterable[tuple[int, bool]]) -> None:
        """Outcomes were collected: children, and whether a call of theirs failed."""
        for child, failed in children:
            if not self._ended[child]:
                self._end(child, failed=failed)

    def reopen(self, child: int) -> None:
        """Somebody wants the outcome of a child after all: it is collected as if it were new."""
        if self._ended[child]:
            self._failed -= self._ended[child] == 2
            self._ended[child] = 0
            self._open += 1

    def again(self) -> None:
        """A listing of children did not succeed: it is asked for anew."""
        self._asked_failed = min(self._asked_failed, self._failed)

    def _end(self, child: int, *, failed: bool) -> None:
        self._ended[child] = 2 if failed else 1
        self._open -= 1
        self._failed += failed


def cause(task: str, fact: Fact, log: str) -> ExecutorError:
    """Why a child left no outcome. *log*: its last lines, empty if they are not known."""
    where = f"{task}, child {fact.child}"
    tail = f"\nThe end of its log:\n{log.rstrip()}" if log.strip() else ""
    if fact.container.startswith(_MEMORY):
        return OutOfMemory(
            f"{where}: killed for its memory ({fact.container}). Give memory_gib= what one call "
            f"needs, or memory_max_gib= to let it try with more{tail}"
        )
    if fact.reason.startswith(SPOT):
        return HostLost(f"{where}: its host was lost ({fact.reason}){tail}")
    if _TIMEOUT in fact.reason:
        return CallTimeout(f"{where}: {fact.reason}{tail}")
    if CANCELLED in fact.reason:
        return CallCancelled(f"{where}: {fact.reason}")
    said = "; ".join(part for part in (fact.reason, fact.container) if part) or "no reason given"
    code = f"exit code {fact.exit_code}" if fact.exit_code >= 0 else "no exit code"
    missing = _NOT_FOUND.search(f"{said}{tail}")
    advice = "" if missing is None else _NEEDED.get(missing[1], "")
    ending = f". {advice}" if advice else ""
    return ExecutorError(f"{where}: ended without a result: {code} ({said}){tail}{ending}")
