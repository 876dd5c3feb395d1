"""AWS Glue's jobs and their logs, asked. Each method is one request, or one per page; faults are
`aws.AwsFault`s. Threading: any thread.

A run has no name of its own, and is asked for by its job's: the id of a run is ``run@job`` here.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cellgraph.errors import ExecutorError
from cellgraph_executors.aws import Clients, Refused, asking
from cellgraph_executors.glue.causes import cause
from cellgraph_executors.glue.settings import VCPUS_PER_DPU
from cellgraph_executors.remote.states import Fact, LastWords, Over, Seen

_OUTPUT: Final = "/aws-glue/jobs/output"
_ERRORS: Final = "/aws-glue/jobs/error"
_WAITING: Final = frozenset({"STARTING", "WAITING"})
_RUNNING: Final = frozenset({"RUNNING", "STOPPING"})
_LOG_LINES: Final = 50
_PAGE: Final = 200
_PAGES: Final = 3  # of the newest runs; older ones are asked for one by one
_AT: Final = "@"
GONE: Final = "EntityNotFoundException"


class GlueJobs:
    """Jobs of one account and region."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def has_definition(self, name: str) -> bool:
        """Whether there is a job with this name."""
        try:
            with asking():
                self._glue().get_job(JobName=name)
        except Refused as fault:
            if str(fault).startswith(GONE):
                return False
            raise
        return True

    def create(self, definition: Mapping[str, Any]) -> None:
        """Create a job; one that was created meanwhile, by its content the same, is fine."""
        try:
            with asking():
                self._glue().create_job(**definition)
        except Refused as fault:
            if not str(fault).startswith(("AlreadyExists", "IdempotentParameterMismatch")):
                raise

    def submit(self, request: Mapping[str, Any]) -> str:
        """Start a run, once: NoAnswer means that it may have been started. Return its id."""
        with asking():
            answer = self._clients.client("glue", once=True).start_job_run(**request)
        return f"{answer['JobRunId']}{_AT}{request['JobName']}"

    def find_run(self, job: str, said: str) -> str:
        """The id of the newest run of *job* that has *said* in its arguments; empty if none has."""
        for page in self._pages(job):
            for run in page:
                if any(said in str(value) for value in run.get("Arguments", {}).values()):
                    return f"{run['Id']}{_AT}{job}"
        return ""

    def describe(self, ids: Sequence[str]) -> dict[str, tuple[Seen, Fact]]:
        """What is to be said of runs: one request for a run, few for many of one job."""
        found: dict[str, tuple[Seen, Fact]] = {}
        wanted: dict[str, set[str]] = {}
        for each in ids:
            run, _, job = each.partition(_AT)
            wanted.setdefault(job, set()).add(run)
        for job, runs in wanted.items():
            if len(runs) > 1:
                for page in self._pages(job):
                    listed = {str(run["Id"]): run for run in page}
                    for run in runs & listed.keys():
                        found[f"{run}{_AT}{job}"] = told(listed[run], job)
                    runs -= listed.keys()
                    if not runs:
                        break
            for run in runs:
                seen = self._run(job, run)
                if seen is not None:
                    found[f"{run}{_AT}{job}"] = told(seen, job)
        return found

    def children(self, job: str, status: str) -> Iterator[list[Fact]]:
        """A run is its only child."""
        seen, fact = self.describe([job]).get(job, (None, None))
        if seen is not None and fact is not None:
            yield [fact] if (seen.failed if status == "FAILED" else seen.running) else []

    def log_tail(self, job: str) -> LastWords:
        """The last lines of a run: what went wrong, then what it printed. Two requests. A run that
        Glue repeats is another run, with an id and a log of its own."""
        run = job.partition(_AT)[0]
        parts = [self._tail(group, run) for group in (_OUTPUT, _ERRORS)]
        return LastWords("".join(part for part in parts if part), run)

    def cause(self, task: str, fact: Fact, log: str) -> ExecutorError:
        """See `remote.service.Service`."""
        return cause(task, fact, log)

    def terminate(self, job: str, reason: str) -> None:
        """Stop a run. One that is over, or is being stopped, is fine: Glue says so by itself."""
        run, _, name = job.partition(_AT)
        with asking():
            self._glue().batch_stop_job_run(JobName=name, JobRunIds=[run])

    def region(self) -> str:
        """Where it is."""
        return str(self._glue().meta.region_name)

    def renew(self) -> None:
        """Read credentials anew."""
        self._clients.renew()

    def renewal(self) -> str:
        """What a person runs to have credentials again."""
        return self._clients.renewal()

    def _glue(self) -> Any:
        return self._clients.client("glue")

    def _run(self, job: str, run: str) -> Mapping[str, Any] | None:
        try:
            with asking():
                found: Mapping[str, Any] = self._glue().get_job_run(JobName=job, RunId=run)[
                    "JobRun"
                ]
        except Refused as fault:
            if str(fault).startswith(GONE):
                return None
            raise
        return found

    def _pages(self, job: str) -> Iterator[list[Mapping[str, Any]]]:
        more: dict[str, str] = {}
        for _ in range(_PAGES):
            try:
                with asking():
                    page = self._glue().get_job_runs(JobName=job, MaxResults=_PAGE, **more)
            except Refused as fault:
                if str(fault).startswith(GONE):
                    return
                raise
            yield page["JobRuns"]
            token = page.get("NextToken")
            if not token:
                return
            more = {"NextToken": token}

    def _tail(self, group: str, run: str) -> str:
        logs = self._clients.client("logs")
        try:
            with asking():
                answer = logs.get_log_events(
                    logGroupName=group, logStreamName=run, limit=_LOG_LINES, startFromHead=False
                )
        except Refused as fault:
            if str(fault).startswith("ResourceNotFoundException"):
                return ""
            raise
        return "".join(f"{event['message']}\n" for event in answer["events"])


def told(run: Mapping[str, Any], job: str) -> tuple[Seen, Fact]:
    """What a run of GetJobRun means."""
    state = str(run["JobRunState"])
    waiting, running = state in _WAITING, state in _RUNNING
    over: Over = "" if waiting or running else "done" if state == "SUCCEEDED" else "failed"
    error = str(run.get("ErrorMessage", ""))
    reason = error or str(run.get("StateDetail", ""))
    vcpu_s = float(run.get("DPUSeconds", 0.0)) * VCPUS_PER_DPU
    counts = int(waiting), int(running), int(over == "done"), int(over == "failed")
    seen = Seen(over, *counts, reason, vcpu_s)
    ended = _seconds(run.get("CompletedOn"))
    began = (ended or time.time()) - int(run.get("ExecutionTime", 0))
    fact = Fact(0, -1, state, error, began if not waiting else 0.0, ended, f"{run['Id']}{_AT}{job}")
    return seen, fact


def _seconds(moment: Any) -> float:
    return 0.0 if moment is None else float(moment.timestamp())
