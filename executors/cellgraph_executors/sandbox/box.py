"""A running sandbox, and what its user holds of it."""

import os
import secrets
import threading
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints

from cellgraph.stores.trusted import VARIABLE as TRUST
from cellgraph_executors.sandbox.batch.arns import ACCOUNT, REGION
from cellgraph_executors.sandbox.batch.container import start_environment
from cellgraph_executors.sandbox.batch.hosting import Hosting
from cellgraph_executors.sandbox.batch.images import found, furnished
from cellgraph_executors.sandbox.batch.inprocess import Calls, InProcess
from cellgraph_executors.sandbox.batch.model import Spec
from cellgraph_executors.sandbox.batch.processes import Processes
from cellgraph_executors.sandbox.batch.runner import Runner
from cellgraph_executors.sandbox.batch.service import Batch
from cellgraph_executors.sandbox.batch.warm import Warm, check
from cellgraph_executors.sandbox.faults import Faults
from cellgraph_executors.sandbox.front import Counts, Front
from cellgraph_executors.sandbox.fsx import Fsx
from cellgraph_executors.sandbox.glue.service import Glue
from cellgraph_executors.sandbox.guard import Guard
from cellgraph_executors.sandbox.logsapi import Logs
from cellgraph_executors.sandbox.logstreams import LogStreams
from cellgraph_executors.sandbox.naming import BOX_KEY, JOB_KEY
from cellgraph_executors.sandbox.schedules import fire
from cellgraph_executors.sandbox.server import HOST, Server, records
from cellgraph_executors.settings import reject_unknown

_SETTINGS: Final = ("exported", "images", "in_process", "port", "speed", "vcpus", "warm")
# What would point a client elsewhere, or make it somebody else.
_REMOVED: Final = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_BATCH",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_QUEUE: Final = "sandbox"
_ROLE: Final = "sandbox-job"
# Jobs may take the role.
_TRUST: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": ["ecs-tasks.amazonaws.com", "glue.amazonaws.com"]}}]}'
)
JOB_LOGS: Final = "/aws/batch/job"


class Sandbox:
    """AWS on loopback. Made by `sandbox()`; everything in it is gone when it is closed.

    *port*: where to listen, 0 for any free one. *vcpus*: how many the queue has, and so how many
    jobs of one vCPU run at once. *speed*: how many times faster timeouts and grace periods pass.
    *images*: the programs of this machine that jobs find, by image; with an image that is not named
    they find all of them. *warm*: modules that jobs have imported when they begin, see
    `batch.warm`; None: each starts Python anew. *in_process*: a function that is called instead of
    starting a process for each attempt, see `batch.inprocess`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        vcpus: float = 8,
        speed: float = 1,
        images: Mapping[str, Sequence[str]] | None = None,
        warm: Sequence[str] | None = None,
        in_process: InProcess | None = None,
    ) -> None:
        check(warm or ())
        programs = found(images or {})
        self.faults = Faults()
        self._counts = Counts()
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._closed = False
        self.bucket = f"sandbox-{secrets.token_hex(4)}"
        front = Front(records(), self._counts, self.faults)
        self._server = Server(front, port)
        self._guard = Guard()
        logs = LogStreams(self.folder / "logs")
        self.file_systems = Fsx(self.folder / "fsx", lambda: self.client("s3"))
        self._batch = Batch(
            Hosting(self._runner(warm, in_process), self.file_systems, self.folder / "hosts"),
            logs,
            self.folder / "jobs",
            self._of_jobs,
            self.faults,
            self._before,
            furnished(programs, self.folder / "images"),
            vcpus=vcpus,
            speed=speed,
        )
        front.add("batch", self._batch.handlers())
        front.add("fsx", self.file_systems.handlers())
        self._glue = Glue(
            self.folder / "glue",
            self._of_jobs,
            lambda: self.client("s3"),
            self.faults,
            speed=speed,
        )
        front.add("glue", self._glue.handlers())
        front.add("logs", Logs({JOB_LOGS: logs, **self._glue.logs}).handlers())
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise

    def _runner(self, warm: Sequence[str] | None, in_process: InProcess | None) -> Runner:
        if in_process is not None:
            return Calls(in_process)
        if warm is None:
            return Processes()
        return Warm(
            warm, self.folder, {**start_environment(self.folder), **self._guard.environment}
        )

    @property
    def url(self) -> str:
        """The one endpoint."""
        return self._server.url

    @property
    def folder(self) -> Path:
        """Where logs and the jobs' working folders are, until it is closed."""
        return self._guard.folder

    @property
    def store(self) -> str:
        """A store in a fresh bucket, trusted by whoever has `environment`."""
        return f"s3://{self.bucket}/cellgraph"

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that let AWS's clients, and Cellgraph's store, see this sandbox alone."""
        trusted = " ".join(filter(None, (os.environ.get(TRUST, ""), f"s3://{self.bucket}")))
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.faults.key(),
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": HOST,
            TRUST: trusted,
        }

    @property
    def batch(self) -> Mapping[str, str]:
        """Settings of an executor of type `batch`."""
        return {
            "queue": _QUEUE,
            "image": "sandbox/python",
            "job_role": f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}",
        }

    @property
    def glue(self) -> Mapping[str, str]:
        """Settings of an executor of type `glue`."""
        return {"role": f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}"}

    @property
    def requests(self) -> Counter[tuple[str, str]]:
        """How often clients asked each (service, action); jobs and `client` are left out."""
        return self._counts.of_clients()

    @property
    def job_requests(self) -> Counter[tuple[str, str]]:
        """How often the jobs' own processes asked each (service, action)."""
        return self._counts.of_jobs()

    def forget_requests(self) -> None:
        """Count anew."""
        self._counts.forget()

    def client(self, service: str) -> Any:
        """A boto3 client whose requests are neither counted nor subject to faults."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = _session().client(
                    service, endpoint_url=self.url, region_name=REGION
                )
            return self._clients[service]

    def fire(
        self, schedule: str, group: str = "default", now: datetime | None = None
    ) -> Mapping[str, Any]:
        """Do what a schedule does when it is due; see `schedules.fire`."""
        return fire(self.client, schedule, group, now)

    def renew_credentials(self) -> None:
        """Give clients of this process fresh credentials, in the environment."""
        self.faults.renew_credentials()
        if os.environ.get("AWS_ENDPOINT_URL") == self.url:
            os.environ["AWS_ACCESS_KEY_ID"] = self.faults.key()

    def _furnish(self) -> None:
        """What somebody with an account would have made before: bucket, role, queue.

        moto's memory is that of the process: an earlier sandbox may have left role and log group.
        """
        self.client("s3").create_bucket(Bucket=self.bucket)
        logs, iam = self.client("logs"), self.client("iam")
        for group in (JOB_LOGS, *self._glue.logs):
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=group)
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=_TRUST)
        batch = self.client("batch")
        batch.create_compute_environment(computeEnvironmentName=_QUEUE, type="UNMANAGED")
        order = [{"order": 1, "computeEnvironment": _QUEUE}]
        batch.create_job_queue(jobQueueName=_QUEUE, priority=1, computeEnvironmentOrder=order)

    def _before(self, spec: Spec) -> None:
        """A job that sees a file system finds what the bucket holds when it is submitted."""
        if any(container.mounts for container in spec.containers):
            self.file_systems.refresh()

    def _empty(self) -> None:
        """Give the memory of our bucket's objects back."""
        s3 = self.client("s3")
        while keys := s3.list_objects_v2(Bucket=self.bucket).get("Contents"):
            objects = [{"Key": item["Key"]} for item in keys]
            s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
        s3.delete_bucket(Bucket=self.bucket)

    def _of_jobs(self) -> Mapping[str, str]:
        """What a job's process is given to reach the sandbox: the credentials of its role."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": JOB_KEY,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": HOST,
            TRUST: f"s3://{self.bucket}",
            **self._guard.environment,
        }

    def close(self) -> None:
        """End everything that runs here. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._batch.close()
        self._glue.close()
        self._empty()
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()
        self._server.close()
        self._guard.close()


def _session() -> Any:
    """A session of boto3 that reads nobody's configuration."""
    own = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    aws: Any = boto3
    return aws.Session(
        botocore_session=botocore.session.Session(session_vars=own),
        aws_access_key_id=BOX_KEY,
        aws_secret_access_key="sandbox",
    )


@contextmanager
def open_sandbox(settings: Mapping[str, Any]) -> Generator[Sandbox]:
    """A sandbox for the block. With ``exported=False`` this process is not made its client.

    In both cases what would point a client elsewhere is taken out of the environment: moto is one.
    """
    reject_unknown("sandbox", {k: v for k, v in settings.items() if k not in _SETTINGS}, _SETTINGS)
    given = dict(settings)
    exported = given.pop("exported", True)
    with _environment(dict.fromkeys(_REMOVED)):
        box = Sandbox(**given)
        try:
            with _environment(box.environment if exported else {}):
                yield box
        finally:
            box.close()


@contextmanager
def _environment(wanted: Mapping[str, str | None]) -> Generator[None]:
    """Set variables of this process for the block; None removes one."""
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(wanted: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
