"""Answers and errors in the forms that AWS's clients expect."""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class Request(NamedTuple):
    """A request of a JSON service: its parameters, and the size of its body in bytes."""

    parameters: Mapping[str, Any]
    size: int


Handler = Callable[[Request], Mapping[str, Any]]

_XML: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>{message}</Message>"
    "<RequestId>sandbox</RequestId></Error>"
)
_QUERY: Final = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    "</Error><RequestId>sandbox</RequestId></ErrorResponse>"
)
# Services whose protocol is not JSON.
_QUERY_SERVICES: Final = frozenset({"iam", "sts", "ec2", "sns", "cloudformation", "autoscaling"})


class ServiceError(Exception):
    """What a service refuses, with the code that its clients look for."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class NotOurs(Exception):
    """Raised by a handler: this request is for moto after all."""


def client_error(message: str) -> ServiceError:
    """Batch's word for a request that is wrong."""
    return ServiceError("ClientException", message)


def read_body(environ: Environ) -> bytes:
    """Read the body of a request, and leave it there to be read again."""
    data: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(data)
    return data


def drop_body(environ: Environ) -> None:
    """Read what the client still sends: the connection is used again."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0:
        part = environ["wsgi.input"].read(min(left, 1 << 16))
        if not part:
            return
        left -= len(part)


def answer_json(start_response: StartResponse, content: Mapping[str, Any]) -> Iterable[bytes]:
    """A successful answer of a JSON service."""
    return _send(start_response, 200, "application/json", json.dumps(content).encode(), {})


def answer_error(
    start_response: StartResponse, service: str, error: ServiceError
) -> Iterable[bytes]:
    """An error in the protocol of *service*."""
    if service == "s3" or service in _QUERY_SERVICES:
        form = _XML if service == "s3" else _QUERY
        text = form.format(code=escape(error.code), message=escape(error.message))
        return _send(start_response, error.status, "application/xml", text.encode(), {})
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = {"x-amzn-ErrorType": error.code}
    return _send(start_response, error.status, "application/json", body, headers)


def _send(
    start_response: StartResponse, status: int, kind: str, body: bytes, headers: Mapping[str, str]
) -> Iterable[bytes]:
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", "sandbox"),
            *headers.items(),
        ],
    )
    return [body]
