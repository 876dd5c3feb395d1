"""Clients of AWS's services, and what their errors mean: once, for every executor.

Where AWS is: `AWS_ENDPOINT_URL`, credentials and the rest of AWS's own configuration, as boto3
finds them. Texts of faults hold names, codes and AWS's own message, which names no credentials.

Threading: any thread.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

# AWS's libraries have no type hints; what they return is Any here.
from botocore.config import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    Config,
)
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoRegionError,
    ProfileNotFound,
)

from cellgraph.errors import ConfigError
from cellgraph.stores.s3.bucket import WHO, renewal
from cellgraph.stores.s3.clients import make_client

_ATTEMPTS: Final = 10
_CONNECT_S: Final = 5
_READ_S: Final = 60
_LATER: Final = frozenset(
    "ConcurrentRunsExceededException Throttling ThrottlingException TooManyRequests "
    "TooManyRequestsException RequestLimitExceeded ResourceNumberLimitExceededException".split()
)


class AwsFault(Exception):
    """A request did not succeed."""


class NoAnswer(AwsFault):
    """Nobody knows whether it was carried out: no answer, or a server's own error."""


class Later(AwsFault):
    """It was not carried out, and may be when it is repeated: throttled, a quota is used up."""


class Unauthorised(AwsFault):
    """Credentials are missing, wrong or have expired."""


class Refused(AwsFault):
    """The answer is no, and will be."""


class Clients:
    """One client per service, made when first used and anew after `renew`."""

    def __init__(self, profile: str = "", region: str = "") -> None:
        self._profile = profile
        self._region = region
        self._lock = threading.Lock()
        self._made: dict[tuple[str, bool], Any] = {}

    def client(self, service: str, *, once: bool = False) -> Any:
        """The client of *service*. With *once* a request is never repeated by the library.

        Raises ConfigError when AWS's configuration has no such profile, or no region.
        """
        with self._lock:
            found = self._made.get((service, once))
            if found is None:
                found = self._made[service, once] = self._make(service, once=once)
            return found

    def renew(self) -> None:
        """Read credentials and configuration anew, with the next request."""
        with self._lock:
            old, self._made = self._made, {}
        for client in old.values():
            client.close()

    def renewal(self) -> str:
        """What a person runs to have credentials again."""
        return renewal(self._profile)

    def _make(self, service: str, *, once: bool) -> Any:
        retries = (
            {"mode": "standard", "total_max_attempts": 1}
            if once
            else {"mode": "standard", "max_attempts": _ATTEMPTS}
        )
        config = Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries=retries)
        try:
            return make_client(service, self._profile, self._region, config)
        except ProfileNotFound:
            raise ConfigError(
                f"profile={self._profile!r}: AWS's configuration has no such profile; "
                "`aws configure list-profiles` lists them"
            ) from None
        except NoRegionError:
            raise ConfigError(
                f"no region for AWS's {service}: give region= to the executor, or set "
                "AWS_DEFAULT_REGION"
            ) from None


@contextmanager
def asking() -> Generator[None]:
    """Errors of requests inside the block are `AwsFault`s."""
    try:
        yield
    except ClientError as error:
        raise _meaning(error.response) from None
    except HTTPClientError as error:
        raise NoAnswer(f"no answer ({type(error).__name__})") from None
    except BotoCoreError as error:
        name = type(error).__name__
        if "Credential" in name or "Token" in name or "SSO" in name:
            raise Unauthorised(name) from None
        raise Refused(f"{name}: {error}") from None


def _meaning(response: Any) -> AwsFault:
    error = response.get("Error", {})
    code, text = str(error.get("Code", "")), str(error.get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in WHO:
        return Unauthorised(code)
    if code in _LATER or status == 429:
        return Later(code)
    if status >= 500:
        return NoAnswer(f"the answer was {code or status}")
    return Refused(f"{code}: {text}" if text else code)
