"""AWS Batch and its logs, asked. Each method is one request, or one per page; faults are
`aws.AwsFault`s. Threading: any thread."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cellgraph_executors.aws import Clients, asking
from cellgraph_executors.batch.beside import WORKER
from cellgraph_executors.remote.states import Fact, LastWords, Over, Seen, cause

_LOG_GROUP: Final = "/aws/batch/job"
_WAITING: Final = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING")
_OVER: Final[Mapping[str, Over]] = {"SUCCEEDED": "done", "FAILED": "failed"}
_LOG_LINES: Final = 50


class BatchJobs:
    """Jobs of one account and region."""

    cause = staticmethod(cause)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def find_definition(self, name: str) -> str:
        """The newest active revision of a definition as ``name:revision``; empty if none is."""
        with asking():
            answer = self._batch().describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
        revisions = [int(d["revision"]) for d in answer["jobDefinitions"]]
        return f"{name}:{max(revisions)}" if revisions else ""

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a definition; return ``name:revision``."""
        with asking():
            answer = self._batch().register_job_definition(**definition)
        return f"{answer['jobDefinitionName']}:{answer['revision']}"

    def submit(self, request: Mapping[str, Any]) -> str:
        """Submit a job, once: NoAnswer means that it may have been. Return its id."""
        with asking():
            answer = self._clients.client("batch", once=True).submit_job(**request)
        return str(answer["jobId"])

    def find(self, line: str, name: str) -> str:
        """The id of the job with this name, whatever its state; empty if there is none."""
        wanted = [{"name": "JOB_NAME", "values": [name]}]
        with asking():
            answer = self._batch().list_jobs(jobQueue=line, filters=wanted)
        found = [job for job in answer["jobSummaryList"] if job["jobName"] == name]
        return str(found[0]["jobId"]) if found else ""

    def describe(self, ids: Sequence[str]) -> dict[str, tuple[Seen, Fact]]:
        """What is to be said of jobs, a hundred at most; those that Batch forgot are left out."""
        with asking():
            answer = self._batch().describe_jobs(jobs=list(ids))
        return {str(job["jobId"]): (_seen(job), _fact(job, 0)) for job in answer["jobs"]}

    def children(self, job: str, status: str) -> Iterator[list[Fact]]:
        """The children of an array in one state, by pages."""
        more: dict[str, str] = {}
        while True:
            with asking():
                page = self._batch().list_jobs(
                    arrayJobId=job, jobStatus=status, maxResults=1000, **more
                )
            yield [_fact(child, _index(child)) for child in page["jobSummaryList"]]
            token = page.get("nextToken")
            if not token:
                return
            more = {"nextToken": token}

    def log_tail(self, job: str) -> LastWords:
        """The last lines of the log of a job or child; if there is none, why it never began. Two
        requests."""
        with asking():
            found = self._batch().describe_jobs(jobs=[job])["jobs"]
            stream = _stream(found[0]) if found else ""
            attempt = max(1, len(found[0].get("attempts", ()))) if found else 1
            if not stream:  # listings do not say why, where there are several containers
                several = bool(found) and "ecsProperties" in found[0]
                why = str(_container(found[0]).get("reason", "")) if several else ""
                return LastWords(why, "", attempt)
            logs = self._clients.client("logs")
            try:
                answer = logs.get_log_events(
                    logGroupName=_LOG_GROUP,
                    logStreamName=stream,
                    limit=_LOG_LINES,
                    startFromHead=False,
                )
            except logs.exceptions.ResourceNotFoundException:
                return LastWords("", stream, attempt)
        text = "".join(f"{event['message']}\n" for event in answer["events"])
        return LastWords(text, stream, attempt)

    def terminate(self, job: str, reason: str) -> None:
        """Stop a job or child, whatever its state."""
        with asking():
            self._batch().terminate_job(jobId=job, reason=reason)

    def region(self) -> str:
        """Where it is."""
        return str(self._batch().meta.region_name)

    def renew(self) -> None:
        """Read credentials anew."""
        self._clients.renew()

    def renewal(self) -> str:
        """What a person runs to have credentials again."""
        return self._clients.renewal()

    def _batch(self) -> Any:
        return self._clients.client("batch")


def _index(job: Mapping[str, Any]) -> int:
    found = job.get("arrayProperties", {}).get("index")
    return int(found) if found is not None else int(str(job["jobId"]).rpartition(":")[2])


def _seen(job: Mapping[str, Any]) -> Seen:
    status = str(job["status"])
    array: Mapping[str, Any] = job.get("arrayProperties", {})
    counts: Mapping[str, int] = array.get("statusSummary") or {status: 1}
    waiting = sum(counts.get(state, 0) for state in _WAITING)
    reason = str(job.get("statusReason", ""))
    return Seen(
        _OVER.get(status, ""),
        waiting,
        counts.get("RUNNING", 0),
        counts.get("SUCCEEDED", 0),
        counts.get("FAILED", 0),
        reason,
    )


def _fact(job: Mapping[str, Any], child: int) -> Fact:
    container = _container(job)
    return Fact(
        child,
        int(container.get("exitCode", -1)),
        str(job.get("statusReason", "")),
        str(container.get("reason", "")),
        int(job.get("startedAt", 0)) / 1000,
        int(job.get("stoppedAt", 0)) / 1000,
        str(job["jobId"]),
    )


def _stream(job: Mapping[str, Any]) -> str:
    attempts: Sequence[Mapping[str, Any]] = job.get("attempts", ())
    container = _container(job)
    last: Mapping[str, Any] = _container(attempts[-1]) if attempts else {}
    return str(container.get("logStreamName") or last.get("logStreamName") or "")


def _container(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of the container of a job or attempt; of several: of the worker's, or of another
    one if that says why."""
    tasks: Sequence[Mapping[str, Any]] = said.get("ecsProperties", said).get("taskProperties") or ()
    if not tasks:
        one: Mapping[str, Any] = said.get("container", {})
        return one
    containers: Sequence[Mapping[str, Any]] = tasks[0].get("containers", ())
    named = [dict(each) for each in containers if each.get("name") == WORKER]
    found: dict[str, Any] = named[0] if named else {}
    for each in containers:
        if each.get("reason"):
            found.setdefault("reason", each["reason"])
    return found
