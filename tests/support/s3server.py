"""S3 on loopback for tests: moto behind a front that counts requests and can misbehave.

Nothing here reaches further than 127.0.0.1: `point_at` sets the endpoint, dummy credentials and an
empty AWS configuration for the test.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import pytest
from botocore.config import Config  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]  # it has none
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from cellgraph.stores.trusted import trust

BUCKET = "team"
_TEST = "the-test-itself"
_ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>no</Message></Error>'

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Fault(Protocol):
    """Decides about one request: None lets it through, else (HTTP status, S3 error code)."""

    def __call__(self, method: str, path: str) -> tuple[int, str] | None: ...


class Quiet(MotoRequestHandler):
    """Says nothing of requests; keeps connections open, as S3 does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


class S3Server:
    """A server with one empty bucket. `requests` holds (method, path and query) of each request."""

    def __init__(self) -> None:
        self._app: App = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self.requests: list[tuple[str, str]] = []
        self.headers: list[tuple[str, str, dict[str, str]]] = []
        self.fault: Fault = lambda method, path: None
        # Told of each request, before and after it was served, and who asks.
        self.watch: Callable[[str, str, str, bool], None] = lambda method, path, agent, served: None
        self._servers: list[tuple[BaseWSGIServer, threading.Thread]] = []
        self._port = 0
        self.start()
        # For the test itself: what it asks is neither counted nor refused.
        aws: Any = boto3
        self.client: Any = aws.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(user_agent_extra=_TEST),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Answer again, at the same address, with everything that was there."""
        server = make_server(
            "127.0.0.1", self._port, self._front, threaded=True, request_handler=Quiet
        )
        self._port = server.port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self._servers.append((server, thread))

    def stop(self) -> None:
        """Answer nobody any more."""
        while self._servers:
            server, thread = self._servers.pop()
            server.shutdown()
            thread.join()
            server.server_close()

    def keys(self, prefix: str = "") -> list[str]:
        """The keys in the bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return data

    def write(self, key: str, data: bytes) -> None:
        """Put an object there by hand: tests write hundreds, a request for each takes long."""
        backend: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        backend.put_object(BUCKET, key, data)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def counted(self) -> Counter[str]:
        """How many requests there were by method and first folder, as in ``GET segments``."""
        with self._lock:
            return Counter(_kind(method, path) for method, path in self.requests)

    def forget_requests(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self.requests.clear()
            self.headers.clear()

    def _front(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        path = environ["PATH_INFO"] + ("?" + q if (q := environ.get("QUERY_STRING")) else "")
        by_test = _TEST in environ.get("HTTP_USER_AGENT", "")
        if not by_test:
            with self._lock:
                self.requests.append((method, path))
                self.headers.append((method, path, _amazon(environ)))
        wrong = None if by_test else self.fault(method, path)
        if wrong is None:
            agent = environ.get("HTTP_USER_AGENT", "")
            self.watch(method, path, agent, False)
            answer = self._app(environ, start_response)
            self.watch(method, path, agent, True)
            return answer
        body = environ["wsgi.input"]
        body.read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code = wrong
        text = _ERROR.format(code=code).encode()
        start_response(
            f"{status} no",
            [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))],
        )
        return [text]


def _amazon(environ: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in environ.items() if name.startswith("HTTP_X_AMZ")}


def _kind(method: str, path: str) -> str:
    place, _, query = path.partition("?")
    if method == "GET" and "list-type=2" in query:
        place, method = (
            f"/{BUCKET}/{unquote(query.partition('prefix=')[2].partition('&')[0])}",
            "LIST",
        )
    found = re.search(r"/(segments|catalog|blobs|packs|runs|pins|format\.json)(/|$)", place)
    return f"{method} {found[1] if found else place}"


@contextmanager
def serving() -> Generator[S3Server]:
    """A server with an empty bucket, for the block."""
    server = S3Server()
    try:
        server.client.create_bucket(Bucket=BUCKET)
        yield server
    finally:
        server.client.close()
        server.stop()


def point_at(server: S3Server, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let this process and its children see no AWS but *server*, and trust its bucket."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
        "XDG_CONFIG_HOME": str(home / "config"),
    }.items():
        monkeypatch.setenv(name, value)
    trust(f"s3://{BUCKET}")
