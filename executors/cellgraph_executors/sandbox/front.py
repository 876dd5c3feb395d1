"""The one way in: names each request, counts it, lets faults have it, and passes it on."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from cellgraph_executors.sandbox.faults import Faults
from cellgraph_executors.sandbox.models import problems
from cellgraph_executors.sandbox.naming import BOX_KEY, JOB_KEY, Call, is_s3, name_call
from cellgraph_executors.sandbox.wire import (
    App,
    Environ,
    Handler,
    NotOurs,
    Request,
    ServiceError,
    StartResponse,
    answer_error,
    answer_json,
    drop_body,
    read_body,
)

# What a service calls a request that does not fit its model.
_INVALID: Final = {
    "batch": "ClientException",
    "fsx": "BadRequest",
    "glue": "InvalidInputException",
    "logs": "InvalidParameterException",
}


class Counts:
    """How often each (service, action) was asked, by clients and by jobs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: Counter[tuple[str, str]] = Counter()
        self._jobs: Counter[tuple[str, str]] = Counter()

    def add(self, call: Call) -> None:
        with self._lock:
            who = self._jobs if call.access_key == JOB_KEY else self._clients
            who[call.service, call.action] += 1

    def of_clients(self) -> Counter[tuple[str, str]]:
        with self._lock:
            return Counter(self._clients)

    def of_jobs(self) -> Counter[tuple[str, str]]:
        with self._lock:
            return Counter(self._jobs)

    def forget(self) -> None:
        with self._lock:
            self._clients.clear()
            self._jobs.clear()


class Front:
    """A WSGI application: our own handlers by (service, action), and moto for all else."""

    def __init__(self, behind: App, counts: Counts, faults: Faults) -> None:
        self._behind = behind
        self._counts = counts
        self._faults = faults
        self._handlers: dict[tuple[str, str], Handler] = {}

    def add(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Answer these actions of *service* ourselves."""
        self._handlers |= {(service, action): handler for action, handler in handlers.items()}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = b"" if is_s3(environ) else read_body(environ)
        call = name_call(environ, body)
        if call.access_key != BOX_KEY:
            self._counts.add(call)
        try:
            self._faults.check(call)
            answer = self._answer(call, body, environ, start_response)
        except ServiceError as error:
            drop_body(environ)
            return answer_error(start_response, call.service, error)
        if self._faults.loses_reply(call):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError(f"the reply to {call.action} is lost on purpose")
        return answer

    def _answer(
        self, call: Call, body: bytes, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        handler = self._handlers.get((call.service, call.action))
        if handler is not None:
            parameters = _parameters(body)
            wrong = problems(call.service, call.action, parameters)
            if wrong:
                raise ServiceError(_INVALID.get(call.service, "ValidationException"), wrong)
            with suppress(NotOurs):
                return answer_json(start_response, handler(Request(parameters, len(body))))
        return _Known(call, self._behind)(environ, start_response)


class _Known:
    """moto, without its ways of saying that it does not know an action: an exception of Python's,
    or a page of HTML with a status that clients retry."""

    def __init__(self, call: Call, behind: App) -> None:
        self._call = call
        self._behind = behind
        self._page = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kind = next((v for k, v in headers if k.lower() == "content-type"), "")
            refused = status[:3] in {"404", "500", "501"} and environ["REQUEST_METHOD"] != "HEAD"
            self._page = refused and "text/html" in kind and self._call.service != "s3"
            return _nothing if self._page else start_response(status, headers, *rest)

        try:
            answered = self._behind(environ, start)
        except NotImplementedError:
            self._page = True
        except Exception as error:  # moto's own defects
            text = f"moto failed at {self._call.action}: {type(error).__name__}: {error}"
            raise ServiceError("InternalFailure", text, 500) from error
        else:
            if not self._page:
                return answered
        raise ServiceError(
            "UnknownOperationException",
            f"the sandbox has no {self._call.service} {self._call.action}",
        )


def _nothing(data: bytes) -> None:
    """What a WSGI application may write to, when nobody reads it."""


def _parameters(body: bytes) -> Mapping[str, Any]:
    try:
        said: object = json.loads(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise ServiceError("SerializationException", "the body is not a JSON object")
    return cast("Mapping[str, Any]", said)
