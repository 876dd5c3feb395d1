"""Whether an earlier job of the same exported run still goes on: then this one is skipped."""

from collections.abc import Mapping
from typing import Any, Final

from cellgraph_executors.aws import AwsFault, Clients, asking

_GOING_ON: Final = ("STARTING", "RUNNING")


def goes_on(environ: Mapping[str, str]) -> bool:
    """Ask Batch, from inside a job. A job that may not ask, or is none, goes ahead: its calls are
    shared with the other one's through the store."""
    own, queue = environ.get("AWS_BATCH_JOB_ID", ""), environ.get("AWS_BATCH_JQ_NAME", "")
    if not own or not queue:
        return False
    batch = Clients().client("batch")
    try:
        with asking():
            described = batch.describe_jobs(jobs=[own])["jobs"]
            if not described:
                return False
            wanted = [{"name": "JOB_NAME", "values": [described[0]["jobName"]]}]
            listed = batch.list_jobs(jobQueue=queue, filters=wanted)["jobSummaryList"]
    except AwsFault:
        return False
    return any(_before(job, described[0]) for job in listed)


def _before(job: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether *job* began before our own, and is not over. Of two at once one goes on."""
    older = (job["createdAt"], job["jobId"]) < (own["createdAt"], own["jobId"])
    return job["jobId"] != own["jobId"] and job["status"] in _GOING_ON and older
