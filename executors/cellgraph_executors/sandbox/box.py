"""A running sandbox, and what its user holds of it."""

import os
import secrets
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints

from cellgraph.stores.trusted import VARIABLE as TRUST
from cellgraph_executors.sandbox.front import BOX_KEY, Counts, Front
from cellgraph_executors.sandbox.server import Server, records
from cellgraph_executors.settings import reject_unknown

REGION: Final = "us-east-1"
_SETTINGS: Final = ("exported", "port", "vcpus")
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
_KEY: Final = "AKIASANDBOXCLIENT000"


class Sandbox:
    """AWS on loopback. Made by `sandbox()`; everything in it is gone when it is closed.

    *port*: where to listen, 0 for any free one. *vcpus*: how many the queue has, and so how many
    jobs of one vCPU run at once.
    """

    def __init__(self, *, port: int = 0, vcpus: float = 8) -> None:
        self._counts = Counts()
        self._front = Front(records(), self._counts)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._server = Server(self._front, port)
        self.vcpus = vcpus
        self.bucket = f"sandbox-{secrets.token_hex(4)}"
        self.client("s3").create_bucket(Bucket=self.bucket)

    @property
    def url(self) -> str:
        """The one endpoint."""
        return self._server.url

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
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            TRUST: trusted,
        }

    @property
    def batch(self) -> Mapping[str, str]:
        """Settings of an executor of type `batch`."""
        return {
            "queue": "sandbox",
            "image": "sandbox/python",
            "job_role": "arn:aws:iam::123456789012:role/sandbox-job",
        }

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

    def close(self) -> None:
        """End everything that runs here. Safe to call twice."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()
        self._server.close()


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
    """A sandbox for the block. With ``exported=False`` the environment is left alone."""
    reject_unknown("sandbox", {k: v for k, v in settings.items() if k not in _SETTINGS}, _SETTINGS)
    given = dict(settings)
    exported = given.pop("exported", True)
    box = Sandbox(**given)
    try:
        with _environment(box.environment if exported else {}):
            yield box
    finally:
        box.close()


@contextmanager
def _environment(added: Mapping[str, str]) -> Generator[None]:
    """Set variables of this process for the block, and remove those that would get in the way."""
    touched = (*added, *(_REMOVED if added else ()))
    before = {name: os.environ.get(name) for name in touched}
    for name in touched:
        os.environ.pop(name, None)
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
