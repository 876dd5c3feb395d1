"""Asking a service or the bucket until there is an answer: no network, no credentials, no room.

Threading: any thread; the one that asks waits.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cellgraph.executor import Job
from cellgraph.stores.s3.faults import Refused as S3Refused
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.faults import Unauthorised as S3Unauthorised
from cellgraph_executors.aws import AwsFault, Refused, Unauthorised
from cellgraph_executors.remote.holding import PAUSES_S
from cellgraph_executors.remote.office import Office

_T = TypeVar("_T")


class Closed(Exception):
    """The executor was closed while something waited."""


class Patience:
    """Waits until the executor is closed. *jobs*: those whose runs are told of trouble."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def ask(self, jobs: Sequence[Job], question: Callable[[], _T]) -> _T:
        """Ask until there is an answer. Raises what is final, and Closed."""
        for attempt in range(1_000_000):
            try:
                return question()
            except (S3Fault, AwsFault) as fault:
                self.wait_out(fault, jobs, attempt)
        raise AssertionError

    def wait_out(self, fault: Exception, jobs: Sequence[Job], attempt: int) -> None:
        """Wait before asking again. Raises *fault* itself if it is final, and Closed."""
        if isinstance(fault, (S3Refused, Refused)):
            raise fault
        if isinstance(fault, (S3Unauthorised, Unauthorised)):
            self._office.remark(jobs, expired(self._office, fault))
            self._office.service.renew()
            self._office.arrays.renew()
        self.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])

    def sleep(self, pause_s: float) -> None:
        """Raises Closed."""
        if self._office.closed.wait(pause_s):
            raise Closed


def expired(office: Office, fault: Exception) -> str:
    """What is said when credentials are missing."""
    return (
        f"the credentials for AWS are missing or have expired ({fault}): watching pauses, jobs go "
        f"on; renew them and it resumes: {office.service.renewal()}"
    )
