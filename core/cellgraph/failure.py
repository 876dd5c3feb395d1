"""What stands in the place of a value that could not be computed."""

from cellgraph.errors import ExecutorError


class Failure:
    """A call that failed, as a value: its error, what it printed, and the call's id.

    `fail="keep"` puts it into the returned container; tasks get one only if they say
    ``accepts_failures=True``; tolerant combinators (`catch`) decide by it.
    """

    __slots__ = ("call", "error", "log", "task", "traceback")

    def __init__(
        self,
        error: BaseException,
        *,
        task: str = "",
        call: str = "",
        log: str = "",
        traceback: str = "",
    ) -> None:
        self.error = error
        self.task = task
        self.call = call
        self.log = log
        self.traceback = traceback

    @property
    def by_executor(self) -> bool:
        """Whether the place failed rather than the user's code."""
        return isinstance(self.error, ExecutorError)

    @property
    def message(self) -> str:
        """One line: ``ValueError: no rows``."""
        text = str(self.error).strip().split("\n", 1)[0]
        kind = type(self.error).__name__
        return f"{kind}: {text}" if text else kind

    def __repr__(self) -> str:
        where = f" in {self.task}" if self.task else ""
        return f"<Failure{where}: {self.message}>"


class Refailed(Exception):
    """Raised by a rule to pass a failure on as it came."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
