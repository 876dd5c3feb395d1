"""What goes wrong on demand. Everything is addressed exactly or drawn from a seed: no surprises.

Jobs are addressed by name, child index (None: a single job, or every child) and attempt (from 1).
A run of Glue's has its number among the runs of its job, from 0, in place of a child's index.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from cellgraph_executors.sandbox.batch.verdict import KILLED, Planned, When
from cellgraph_executors.sandbox.naming import BOX_KEY, JOB_KEY, Call
from cellgraph_executors.sandbox.wire import ServiceError

_THROTTLED: Final = ServiceError("TooManyRequestsException", "Too Many Requests", 429)
# Services that have words of their own for it.
_THROTTLED_BY: Final = {"glue": ServiceError("ThrottlingException", "Rate exceeded")}
_QUOTA: Final = ServiceError("ResourceNumberLimitExceededException", "a quota is used up")
_SLOW_DOWN: Final = ServiceError("SlowDown", "Please reduce your request rate.", 503)
_KEY: Final = "AKIASANDBOX"  # and the generation of the credentials
_EXPIRED: Final = "The security token included in the request is expired"


class _Address(NamedTuple):
    name: str  # of the job; empty: any
    child: int | None
    attempt: int
    planned: Planned

    def fits(self, name: str, index: int | None, attempt: int) -> bool:
        return (
            self.attempt == attempt
            and self.name in ("", name)
            and (self.child is None or self.child == index)
        )


@dataclass(slots=True)
class _Share:
    """Refuses a share of the requests that *applies* picks."""

    applies: Callable[[Call], bool]
    share: float
    error: ServiceError
    draw: random.Random


class Faults:
    """Thread-safe. Each fault holds until `clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: list[_Address] = []
        self._shares: list[_Share] = []
        self._lost_replies: dict[tuple[str, str], int] = {}
        self._oldest_key = 0  # credentials of an earlier generation have expired
        self._newest_key = 0
        self._delays: list[tuple[str, float]] = []
        self.lag_s: float = 0.0  # how late DescribeJobs and ListJobs see a change

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._jobs.clear()
            self._shares.clear()
            self._lost_replies.clear()
            self._oldest_key = 0
            self._delays.clear()
            self.lag_s = 0.0

    # --- jobs

    def exit(
        self,
        code: int = 1,
        *,
        child: int | None = None,
        attempt: int = 1,
        job: str = "",
        when: When = "start",
    ) -> None:
        """An attempt ends with an exit code."""
        self._plan(job, child, attempt, Planned("exited", code, "", when))

    def lose_host(
        self, *, child: int | None = None, attempt: int = 1, job: str = "", when: When = "start"
    ) -> None:
        """The instance under an attempt is taken back, as Spot instances are."""
        instance = f"i-{random.Random(f'{job}{child}{attempt}').getrandbits(68):017x}"
        self._plan(job, child, attempt, Planned("host lost", KILLED, instance, when))

    def out_of_memory(
        self, *, child: int | None = None, attempt: int = 1, job: str = "", when: When = "start"
    ) -> None:
        """An attempt is killed for its memory."""
        self._plan(job, child, attempt, Planned("out of memory", KILLED, "", when))

    def slow_runnable(self, seconds: float, *, job: str = "") -> None:
        """Jobs stay RUNNABLE (runs of Glue's STARTING) for so long, however much is free."""
        with self._lock:
            self._delays.append((job, seconds))

    def lag(self, seconds: float) -> None:
        """DescribeJobs, ListJobs and GetJobRun(s) see changes of jobs so much later."""
        self.lag_s = seconds

    def _plan(self, job: str, child: int | None, attempt: int, planned: Planned) -> None:
        with self._lock:
            self._jobs.append(_Address(job, child, attempt, planned))

    def planned(self, name: str, index: int | None, attempt: int) -> Planned | None:
        """What was planned for an attempt; the latest plan counts."""
        with self._lock:
            return next(
                (a.planned for a in reversed(self._jobs) if a.fits(name, index, attempt)), None
            )

    def delay_s(self, name: str) -> float:
        """How long a job is held back when it has become RUNNABLE."""
        with self._lock:
            return max((s for job, s in self._delays if job in ("", name)), default=0.0)

    # --- requests

    def throttle(
        self, share: float, *, service: str = "batch", action: str = "", seed: int = 0
    ) -> None:
        """Refuse a share (0 to 1) of requests as the service does: 429 TooManyRequestsException,
        or Glue's ThrottlingException."""
        self._refuse(
            lambda call: call.service == service and action in ("", call.action),
            share,
            _THROTTLED_BY.get(service, _THROTTLED),
            seed,
        )

    def quota(self, share: float, *, action: str = "StartJobRun", seed: int = 0) -> None:
        """Refuse a share (0 to 1) of Glue's requests with ResourceNumberLimitExceededException."""
        self._refuse(
            lambda call: call.service == "glue" and action in ("", call.action),
            share,
            _QUOTA,
            seed,
        )

    def s3_unavailable(self, share: float, *, action: str = "", seed: int = 0) -> None:
        """Refuse a share (0 to 1) of S3's requests, those of jobs too, with 503 SlowDown."""
        self._refuse(
            lambda call: call.service == "s3" and action in ("", call.action),
            share,
            _SLOW_DOWN,
            seed,
        )

    def lose_reply(
        self, action: str = "SubmitJob", *, service: str = "batch", times: int = 1
    ) -> None:
        """Do what the next requests ask, and drop their connections instead of answering."""
        with self._lock:
            self._lost_replies[service, action] = times

    def expire_credentials(self) -> None:
        """Clients' credentials have expired, until `Sandbox.renew_credentials`; jobs' have not."""
        with self._lock:
            self._oldest_key = self._newest_key + 1

    def renew_credentials(self) -> None:
        """There are fresh credentials, see `key`; those that had expired stay so."""
        with self._lock:
            self._newest_key = max(self._newest_key, self._oldest_key)

    def key(self) -> str:
        """The access key of the newest credentials."""
        with self._lock:
            return f"{_KEY}{self._newest_key:09d}"

    def _refuse(
        self, applies: Callable[[Call], bool], share: float, error: ServiceError, seed: int
    ) -> None:
        with self._lock:
            self._shares.append(_Share(applies, share, error, random.Random(seed)))

    def check(self, call: Call) -> None:
        """Raises ServiceError for a request that is to fail."""
        if call.access_key == BOX_KEY:
            return
        with self._lock:
            if call.access_key != JOB_KEY and _generation(call.access_key) < self._oldest_key:
                code = "ExpiredToken" if call.service == "s3" else "ExpiredTokenException"
                raise ServiceError(code, _EXPIRED, 400 if call.service == "s3" else 403)
            for each in self._shares:
                if each.applies(call) and each.draw.random() < each.share:
                    raise each.error

    def loses_reply(self, call: Call) -> bool:
        """Whether the answer to a request is not to arrive."""
        if call.access_key == BOX_KEY:
            return False
        with self._lock:
            left = self._lost_replies.get((call.service, call.action), 0)
            self._lost_replies[call.service, call.action] = left - 1
            return left > 0


def _generation(key: str) -> int:
    """Which one made them; keys that are not ours are of the first."""
    digits = key.removeprefix(_KEY)
    return int(digits) if digits.isdecimal() else 0
