"""The shape of what the view model tells its renderers: plain values that `json.dumps` takes."""

import re
from typing import Final, TypedDict

from cellgraph.events import RemoteKind, RemoteStatus
from cellgraph_notebook.statuses import Status, ViewStatus

# The kernel compiles a cell as a temporary file whose name differs from process to process.
_CELL_FILE: Final = re.compile(r'[^\s"]*ipykernel_\d+[\\/]\d+\.py')


class GroupState(TypedDict):
    """One box. Durations in seconds; `counts` by status code; None: nothing to tell."""

    id: int
    key: str  # stable from run to run of the same graph
    name: str
    executor: str
    size: int
    status: Status
    counts: list[int]
    retried: int
    ran_s: float
    saved_s: float
    p50_s: float | None
    p95_s: float | None
    running_s: float | None  # how long the only call of the group has been running
    progress: list[str]  # how far that call is, as it says; longest wording first
    waits_for: int  # boxes upstream that are not finished
    reasons: list[str]  # why calls ran instead of being reused
    log: str  # the end of what the call that printed last has printed
    log_of: str


class Cause(TypedDict):
    """Failures with one cause."""

    calls: list[str]  # the first few: "align[411]"
    count: int
    error: str
    where: str
    traceback: str
    log: str
    attempts: int


class FailedChild(TypedDict):
    """A child of a remote job that failed, in the words of the service."""

    child: int
    call: str  # "align[411]"
    reason: str
    exit_code: int  # -1: not known
    attempt: int


class JobState(TypedDict):
    """One job on another machine. Durations in seconds; None: nothing to tell.

    `counts` counts children by status code; `cells` has the code of each child as a digit, and is
    empty when there is one child only.
    """

    number: int
    id: str  # the service's own
    kind: RemoteKind
    executor: str
    task: str
    status: RemoteStatus
    attached: bool
    counts: list[int]
    cells: str
    p50_s: float | None
    p95_s: float | None
    waited_s: float | None  # median time from submission to start
    repeated: int  # attempts after the first
    vcpus: float  # of one child
    vcpu_hours: float  # of children that ended; of a run of Glue, also of one that goes on
    measured: bool  # by the service; else it is worked out from times
    running_s: float | None  # how long a job with one child has been running
    done: float  # how far its call has come, as it says or its Spark does
    total: float  # 0: it does not say
    progress: str  # what it is at
    usd: float  # the same at the configured price; 0: no price
    note: str
    failed: list[FailedChild]


class Totals(TypedDict):
    """The run in numbers; durations in seconds, `counts` by status code."""

    calls: int
    counts: list[int]
    elsewhere: int  # of those that wait, how many another session computes
    saved_s: float
    elapsed_s: float | None
    eta_s: float | None


class Snapshot(TypedDict):
    """A run at one moment, or what changed in it since a revision.

    `groups` and `jobs` hold those that changed. `edges` and `order` (the numbers of all boxes) are
    complete when `whole` is true and empty otherwise. `failures` is complete, or None: nothing new
    failed. `job_order` is complete: the numbers of the jobs that are shown.
    """

    run: str
    label: str
    status: ViewStatus
    revision: int
    whole: bool
    totals: Totals
    groups: list[GroupState]
    order: list[int]
    edges: list[tuple[int, int]]
    failures: list[Cause] | None
    unlisted: int  # failures of causes too many to list
    jobs: list[JobState]
    job_order: list[int]
    hidden_jobs: int  # jobs too many to show
    notices: list[str]


def without_times(snapshot: Snapshot) -> Snapshot:
    """Return *snapshot* as another run of the same calls gives it: no times, a fixed run id."""
    plain = snapshot.copy()
    plain["run"] = "run"
    plain["groups"] = [_untimed(group) for group in snapshot["groups"]]
    totals = snapshot["totals"].copy()
    totals["saved_s"], totals["elapsed_s"], totals["eta_s"] = 0.0, None, None
    plain["totals"] = totals
    causes = [_anywhere(cause) for cause in snapshot["failures"] or []]
    plain["failures"] = sorted(causes, key=lambda cause: (cause["error"], cause["calls"]))
    plain["jobs"] = [_of_any_service(job) for job in snapshot["jobs"]]
    return plain


def _of_any_service(job: JobState) -> JobState:
    plain = job.copy()
    plain["id"] = ""
    plain["p50_s"] = plain["p95_s"] = plain["waited_s"] = None
    plain["vcpu_hours"] = plain["usd"] = 0.0
    plain["measured"], plain["running_s"] = False, None
    plain["done"] = plain["total"] = 0.0
    plain["progress"] = ""
    return plain


def _anywhere(cause: Cause) -> Cause:
    plain = cause.copy()
    plain["calls"] = sorted(cause["calls"])
    plain["traceback"] = _CELL_FILE.sub("cell", cause["traceback"])
    return plain


def _untimed(group: GroupState) -> GroupState:
    plain = group.copy()
    plain["ran_s"] = plain["saved_s"] = 0.0
    plain["p50_s"] = plain["p95_s"] = plain["running_s"] = None
    plain["progress"] = []
    return plain
