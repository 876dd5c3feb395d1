"""One tree of errors. Every message says what to do next.

Axes a caller may want to catch: what the user's code did (`TaskError`), what the expression means
(`GraphError`), where results live (`StoreError`, `CodecError`), what a result's name is
(`IdentityError`), where calls run (`ExecutorError`), and what was asked for (`LimitError`,
`ConfigError`, `ExportError`).
"""

from typing import Final

__all__ = [
    "CallCancelled",
    "CallTimeout",
    "CellgraphError",
    "ClassChanged",
    "CodecError",
    "ConfigError",
    "EnvironmentChanged",
    "ExecutorError",
    "ExportError",
    "GraphError",
    "HostLost",
    "IdentityError",
    "LimitError",
    "LostValue",
    "OutOfMemory",
    "OutcomeRefused",
    "ScriptError",
    "StoreError",
    "TaskError",
    "Undescribed",
    "Untrusted",
]


class CellgraphError(Exception):
    """Root of every error that Cellgraph raises on purpose."""


class TaskError(CellgraphError):
    """A task failed: `error` is the user's exception, `task` its name, `call` the call's id.

    The message is the user's own error followed by where it ran; `user_traceback` is the text of
    the frames that belong to the user, also when the call ran in another process or machine.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str = "",
        call: str = "",
        error: BaseException | None = None,
        user_traceback: str = "",
        log: str = "",
    ) -> None:
        super().__init__(message)
        self.task = task
        self.call = call
        self.error = error
        self.user_traceback = user_traceback
        self.log = log


class ScriptError(CellgraphError):
    """A script failed: it ended with an exit code other than 0, or left an output out.

    `command` is its text, `exit_code` negative for a signal, `stderr` the end of its standard
    error. To the engine this is the user's own error: `retries` and `catch` take it.
    """

    def __init__(
        self, message: str, command: str = "", exit_code: int = 0, stderr: str = ""
    ) -> None:
        super().__init__(message, command, exit_code, stderr)

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def command(self) -> str:
        """The text of the script."""
        return str(self.args[1])

    @property
    def exit_code(self) -> int:
        """Of the script; negative: the number of the signal that ended it."""
        return int(self.args[2])

    @property
    def stderr(self) -> str:
        """The last lines of its standard error."""
        return str(self.args[3])


class GraphError(CellgraphError):
    """An expression was used where a value is needed, or cannot be reduced."""


class StoreError(CellgraphError):
    """The store cannot be read or written."""


class LostValue(StoreError):
    """Stored bytes that a record promises are gone or damaged: evaluating again recomputes them."""


class CodecError(CellgraphError):
    """A value cannot be stored, or stored bytes cannot be read back."""


class ClassChanged(CodecError):
    """Stored values name a class that is gone or has changed: a miss that names the class."""


class Untrusted(CodecError):
    """Reading a stored value would run code, and nobody vouches for who wrote it."""


class IdentityError(CellgraphError):
    """Code or a value has no identity; the message offers `uses=`, `version=`, `cache=False`."""


class Undescribed(IdentityError):
    """Nobody knows yet which versions a call would find where it runs: evaluating again asks.

    `place`: the name of that environment.
    """

    def __init__(self, message: str = "", place: str = "") -> None:
        super().__init__(message)
        self.place = place


class ExecutorError(CellgraphError):
    """A call failed for a reason that is not the user's code. `catch` takes it only when named."""


class HostLost(ExecutorError):
    """The process or machine that ran the call went away."""


class OutcomeRefused(ExecutorError):
    """What lies in the bucket for a call was not signed by its job, again and again."""


class EnvironmentChanged(ExecutorError):
    """Where the call was to run there are other versions of packages than its name says. They are
    on record now: evaluating again names the call by them."""


class OutOfMemory(ExecutorError):
    """The process that ran the call was killed for its memory."""


class CallTimeout(ExecutorError):
    """The call ran longer than its `timeout_s`."""


class CallCancelled(ExecutorError):
    """The call was cancelled before it finished."""


class LimitError(CellgraphError):
    """A limit the caller set (`max_cost`, `max_remote_calls`) stopped the run before submission."""


class ConfigError(CellgraphError):
    """A setting, option or argument is wrong; the message names the closest known one."""


class ExportError(CellgraphError):
    """A notebook cannot be exported as a run."""


# What was in the way is not there any more: evaluating again is the answer.
PASSING: Final = (EnvironmentChanged, LostValue, Undescribed)
