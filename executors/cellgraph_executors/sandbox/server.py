"""The listening side: a thread for each connection, on loopback only."""

import threading
from typing import Any, Final

# moto and its server have no type hints.
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from cellgraph.errors import ConfigError
from cellgraph_executors.sandbox.wire import App

HOST: Final = "127.0.0.1"


def records() -> App:
    """moto: what keeps S3, IAM, STS, Logs, Scheduler and whatever else it knows, in memory."""
    made: Any = DomainDispatcherApplication(create_backend_app)
    return made  # type: ignore[no-any-return]  # a WSGI application


class _Quiet(MotoRequestHandler):
    """Says nothing of requests; keeps connections open, as AWS does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


class Server:
    """Serves *app* until it is closed. Raises ConfigError when the port is taken."""

    def __init__(self, app: App, port: int) -> None:
        try:
            self._server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
        except (OSError, SystemExit) as error:  # werkzeug exits when an address is in use
            raise ConfigError(f"the sandbox cannot listen at port {port}: {error}") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="cellgraph-sandbox", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.port}"

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
