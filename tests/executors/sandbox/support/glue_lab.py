"""Glue as a client sees it, with plain Python scripts where Spark is not the point."""

import time
from collections.abc import Collection, Mapping
from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints

from cellgraph_executors.sandbox.box import Sandbox
from cellgraph_executors.sandbox.glue.service import ERRORS, OUTPUT

_aws: Any = boto3
_ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"}


class GlueLab:
    """Creates jobs, starts runs and looks."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.glue = _aws.client("glue")
        self._logs = _aws.client("logs")
        self._number = 0

    def put(self, name: str, text: str | bytes) -> str:
        """An object in the sandbox's bucket; return its URI."""
        body = text.encode() if isinstance(text, str) else text
        self.box.client("s3").put_object(Bucket=self.box.bucket, Key=name, Body=body)
        return f"s3://{self.box.bucket}/{name}"

    def job(self, script: str = "", **changes: Any) -> str:
        """Create a job that runs *script*; return its name."""
        self._number += 1
        name = changes.pop("Name", f"job-{self._number}")
        made = {
            "Name": name,
            "Role": self.box.glue["role"],
            "Command": {"Name": "glueetl", "ScriptLocation": self.put(f"{name}.py", script)},
            "GlueVersion": "5.0",
            "WorkerType": "G.1X",
            "NumberOfWorkers": 2,
            **changes,
        }
        self.glue.create_job(**{key: value for key, value in made.items() if value is not None})
        return str(name)

    def start(self, job: str, arguments: Mapping[str, str] | None = None, **more: Any) -> str:
        """Start a run; return its id."""
        started = self.glue.start_job_run(JobName=job, Arguments=dict(arguments or {}), **more)
        return str(started["JobRunId"])

    def look(self, job: str, run: str) -> dict[str, Any]:
        """What GetJobRun says of it."""
        found: dict[str, Any] = self.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return found

    def until(self, job: str, run: str, states: Collection[str]) -> dict[str, Any]:
        """Wait for a state; the session's own time limit ends a wait in vain."""
        while True:
            seen = self.look(job, run)
            if seen["JobRunState"] in states:
                return seen
            assert seen["JobRunState"] not in _ENDED, seen
            time.sleep(0.01)

    def run(
        self, job: str, arguments: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Start a run and wait for its end."""
        return self.until(job, self.start(job, arguments, **more), _ENDED)

    def printed(self, run: str, *, errors: bool = False) -> list[str]:
        """What a run printed."""
        try:
            answer = self._logs.get_log_events(
                logGroupName=ERRORS if errors else OUTPUT, logStreamName=run, startFromHead=True
            )
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in answer["events"]]
