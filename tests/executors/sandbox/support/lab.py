"""Batch as a client sees it, with the shell as the image."""

import time
from collections.abc import Collection
from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints

from cellgraph_executors.sandbox.box import JOB_LOGS, Sandbox

_aws: Any = boto3
_ENDED = {"SUCCEEDED", "FAILED"}


class Lab:
    """Registers, submits and looks."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.batch = _aws.client("batch")
        self.logs = _aws.client("logs")
        self._number = 0

    def define(self, script: str = "exit 0", **changes: Any) -> str:
        """Register a definition that runs *script* in a shell; return name:revision."""
        container = {
            "image": "sandbox/sh",
            "command": ["sh", "-c", script],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "64"},
            ],
            **changes.pop("container", {}),
        }
        made = self.batch.register_job_definition(
            jobDefinitionName="shell", type="container", containerProperties=container, **changes
        )
        return f"shell:{made['revision']}"

    def submit(self, script: str = "exit 0", size: int = 0, **more: Any) -> str:
        """Submit a job that runs *script*; return its id."""
        self._number += 1
        name = more.pop("name", f"job-{self._number}")
        definition = more.pop("definition", None) or self.define(script)
        array = {"arrayProperties": {"size": size}} if size else {}
        made = self.batch.submit_job(
            jobName=name,
            jobQueue=self.box.batch["queue"],
            jobDefinition=definition,
            **array,
            **more,
        )
        return str(made["jobId"])

    def look(self, job: str) -> dict[str, Any]:
        """What DescribeJobs says of it."""
        found: list[dict[str, Any]] = self.batch.describe_jobs(jobs=[job])["jobs"]
        return found[0]

    def children(self, job: str, size: int) -> list[dict[str, Any]]:
        """What DescribeJobs says of each child, by index."""
        ids = [f"{job}:{index}" for index in range(size)]
        found: list[dict[str, Any]] = self.batch.describe_jobs(jobs=ids)["jobs"]
        return found

    def until(self, job: str, statuses: Collection[str]) -> dict[str, Any]:
        """Wait for a status; the session's own time limit ends a wait in vain."""
        while True:
            seen = self.look(job)
            if seen["status"] in statuses:
                return seen
            assert seen["status"] not in _ENDED, seen
            time.sleep(0.01)

    def end(self, job: str) -> dict[str, Any]:
        """Wait for its end."""
        return self.until(job, _ENDED)

    def printed(self, seen: dict[str, Any]) -> list[str]:
        """What the last attempt of a job printed."""
        answer = self.logs.get_log_events(
            logGroupName=JOB_LOGS, logStreamName=seen["container"]["logStreamName"]
        )
        return [event["message"] for event in answer["events"]]
