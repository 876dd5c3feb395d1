"""What a service that runs jobs on other machines is asked. Faults are `aws.AwsFault`s."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cellgraph.errors import ExecutorError
from cellgraph.events import RemoteKind
from cellgraph.executor import Job
from cellgraph_executors.remote.flights import Pending
from cellgraph_executors.remote.states import Fact, LastWords, Seen


class Service(Protocol):
    """One service in one account. Threading: any thread."""

    at_once: int  # how many jobs `describe` takes
    resends: int  # how often we send a call again whose host was lost; 0: the service does it

    def check(self, job: Job) -> None:
        """Raises ConfigError for a call that cannot be asked for as its task says."""
        ...

    def vcpus(self, job: Job) -> float:
        """What a child of a job with this call has."""
        ...

    def line(self, job: Job) -> str:
        """Where a call is queued. Raises ConfigError."""
        ...

    def kind(self, children: int) -> RemoteKind:
        """What a job of so many children is called."""
        ...

    def request(self, pending: Pending, job: Job, command: Sequence[str], children: int) -> Any:
        """The request that submits a job whose calls are like *job*. Raises ConfigError."""
        ...

    def submit(self, request: Any) -> str:
        """Submit a job, once; return its id. NoAnswer: it may have been submitted."""
        ...

    def find(self, line: str, name: str) -> str:
        """The id of the job with this name; empty if there is none."""
        ...

    def describe(self, ids: Sequence[str]) -> Mapping[str, tuple[Seen, Fact]]:
        """What is to be said of jobs; those that are forgotten are left out."""
        ...

    def children(self, job: str, status: str) -> Iterator[list[Fact]]:
        """The children of a job that are FAILED or RUNNING, by pages."""
        ...

    def log_tail(self, job: str) -> LastWords:
        """The last lines of the log of a job or child, or why it has none; two requests at most."""
        ...

    def cause(self, task: str, fact: Fact, log: str) -> ExecutorError:
        """Why a child left no outcome. *log*: its last lines, empty if they are not known."""
        ...

    def terminate(self, job: str, reason: str) -> None:
        """Stop a job or child, whatever its state."""
        ...

    def renew(self) -> None:
        """Read credentials anew."""
        ...

    def renewal(self) -> str:
        """What a person runs to have credentials again."""
        ...
