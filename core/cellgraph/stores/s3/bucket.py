"""Requests to one bucket.

Threading: any thread; requests run on the thread that asks, those of `each` on a pool as large as
the connection pool. Where the bucket is: `AWS_ENDPOINT_URL`, credentials and the rest of AWS's own
configuration, as boto3 finds them. Errors are `S3Fault`s.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

# AWS's libraries have no type hints; what they return is Any here.
import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    Config,
)
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    HTTPClientError,
)

from cellgraph.errors import ConfigError
from cellgraph.stores.s3.clients import PARTS_AT_ONCE, download, make_client, upload
from cellgraph.stores.s3.faults import Absent, Refused, S3Fault, Taken, Unauthorised, Unreachable
from cellgraph.stores.s3.place import Location

_T = TypeVar("_T")
_R = TypeVar("_R")
CONNECTIONS: Final = 16
MOST_BYTES: Final = 2 << 30  # of an object that is read into memory
LARGE_AT_ONCE: Final = CONNECTIONS // PARTS_AT_ONCE
_CONNECT_S: Final = 3
_READ_S: Final = 60
_DELETE_AT_ONCE: Final = 1000
# Error codes of S3 and STS, and what they mean here. The rest is judged by the HTTP status.
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})
WHO: Final = frozenset(
    "AuthFailure ExpiredToken ExpiredTokenException InvalidAccessKeyId InvalidClientTokenId "
    "InvalidToken RequestExpired RequestTimeTooSkewed SignatureDoesNotMatch TokenRefreshRequired "
    "UnrecognizedClientException".split()
)
_LATER: Final = frozenset(
    "InternalError RequestTimeout ServiceUnavailable SlowDown Throttling "
    "ThrottlingException".split()
)


class Found(NamedTuple):
    """A listed object; its name is relative to the store's prefix."""

    name: str
    size: int
    etag: str
    modified_s: float  # since 1970, by the bucket's own clock


@dataclass(frozen=True, slots=True)
class Access:
    """How a bucket is asked: settings of the store."""

    profile: str = ""
    region: str = ""
    requester_pays: bool = False
    kms_key: str = ""


class Bucket:
    """The objects under one prefix. Nothing is asked until a method is called.

    Raises ConfigError when the profile is not in AWS's configuration.
    """

    def __init__(self, location: Location, access: Access) -> None:
        self.location = location
        self.access = access
        self._lock = threading.Lock()
        self._clients: list[Any] = []  # the last one counts
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="cellgraph-s3")
        self._reading: Mapping[str, str] = (
            {"RequestPayer": "requester"} if access.requester_pays else {}
        )
        self._writing = dict(self._reading)
        if access.kms_key:
            self._writing |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": access.kms_key}
        self.renew()

    def renew(self) -> None:
        """Read credentials and configuration anew."""
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard"},  # three attempts, or AWS_MAX_ATTEMPTS
        )
        try:
            client = make_client("s3", self.access.profile, self.access.region, config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(_setup_problem(error, self.location, self.access)) from None
        with self._lock:
            self._clients.append(client)
            old, self._clients = self._clients[:-1], self._clients[-1:]
        for each in old:
            each.close()

    @property
    def endpoint(self) -> str:
        """Where requests go; the same for all regions of AWS."""
        with self._lock:
            url = str(self._clients[-1].meta.endpoint_url)
        return "aws" if ".amazonaws.com" in url else url

    def renewal(self) -> str:
        """What a person runs to have credentials again."""
        return renewal(self.access.profile)

    def get(
        self, name: str, start: int = 0, length: int = 0, *, at_most: int = MOST_BYTES
    ) -> bytes:
        """The bytes of an object, or *length* of them from *start*.

        More than *at_most* are not read: nobody of ours wrote them, so the object is Absent.
        """
        part = {"Range": f"bytes={start}-{start + length - 1}"} if length else {}
        with self._asking() as (client, bucket):
            answer = client.get_object(
                Bucket=bucket, Key=self.location.key(name), **part, **self._reading
            )
            with answer["Body"] as body:
                size = int(answer["ContentLength"])
                data: bytes = body.read() if size <= at_most else b""
        if size > at_most:
            raise Absent(f"larger than {at_most} bytes")
        return data

    def head(self, name: str) -> Found:
        """What S3 says of an object without sending it."""
        with self._asking() as (client, bucket):
            answer = client.head_object(Bucket=bucket, Key=self.location.key(name), **self._reading)
        changed = answer["LastModified"].timestamp()
        return Found(name, int(answer["ContentLength"]), str(answer.get("ETag", "")), changed)

    def get_file(self, name: str, target: Path) -> None:
        """Write an object to the new file *target*, in parts at once when it is large."""
        with self._asking() as (client, bucket), target.open("xb") as file:
            download(client, bucket, self.location.key(name), file, dict(self._reading))

    def put(self, name: str, data: bytes, *, new: bool = False) -> str:
        """Write an object; return its ETag. *new*: raises Taken if it exists."""
        only = {"IfNoneMatch": "*"} if new else {}
        with self._asking() as (client, bucket):
            answer = client.put_object(
                Bucket=bucket, Key=self.location.key(name), Body=data, **only, **self._writing
            )
        return str(answer.get("ETag", ""))

    def put_file(self, name: str, source: Path) -> None:
        """Write the file *source* to an object, in parts at once when it is large."""
        with self._asking() as (client, bucket):
            upload(client, bucket, self.location.key(name), source, dict(self._writing))

    def list(self, prefix: str, after: str = "") -> list[Found]:
        """The objects whose names begin with *prefix* and sort behind *after*, sorted."""
        found: list[Found] = []
        skip = len(self.location.key(""))
        more: dict[str, str] = {"StartAfter": self.location.key(after)} if after else {}
        with self._asking() as (client, bucket):
            while True:
                page = client.list_objects_v2(
                    Bucket=bucket, Prefix=self.location.key(prefix), **more, **self._reading
                )
                found += [
                    Found(
                        item["Key"][skip:],
                        item["Size"],
                        item.get("ETag", ""),
                        item["LastModified"].timestamp(),
                    )
                    for item in page.get("Contents", ())
                ]
                if not page.get("IsTruncated"):
                    return found
                more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; absent ones are fine. Of several some may go though others may not."""
        for at in range(0, len(names), _DELETE_AT_ONCE):
            keys = [{"Key": self.location.key(n)} for n in names[at : at + _DELETE_AT_ONCE]]
            with self._asking() as (client, bucket):
                answer = client.delete_objects(
                    Bucket=bucket, Delete={"Objects": keys, "Quiet": True}, **self._reading
                )
            for error in answer.get("Errors", ()):  # the answer as a whole is 200 all the same
                raise self._meaning({"Error": error})

    def each(
        self, ask: Callable[[_T], _R], items: Iterable[_T]
    ) -> Iterator[tuple[_T, _R | S3Fault]]:
        """Run *ask* for all *items* at once; yield each, in order, with its outcome."""
        futures = [(item, self._pool.submit(ask, item)) for item in items]
        for item, future in futures:
            try:
                yield item, future.result()
            except S3Fault as fault:
                yield item, fault

    def close(self) -> None:
        """Let go of threads and connections. Safe to call twice."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            for client in self._clients:
                client.close()

    @contextmanager
    def _asking(self) -> Generator[tuple[Any, str]]:
        with self._lock:
            client = self._clients[-1]
        try:
            yield client, self.location.bucket
        except ClientError as error:
            raise self._meaning(cast("dict[str, Any]", error.response)) from None
        except HTTPClientError as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise _of_library(type(error).__name__) from None

    def _meaning(self, response: Mapping[str, Any]) -> S3Fault:
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _ABSENT:
            return Absent(code)
        if code in _TAKEN:
            return Taken(code)
        if code in WHO:
            return Unauthorised(code)
        if code == "NoSuchBucket":
            return Refused(f"the bucket {self.location.bucket} does not exist")
        if code in _LATER or status >= 500:
            return Unreachable(f"the answer was {code or status}")
        return Refused(f"the answer was {code or status}")


def renewal(profile: str) -> str:
    """What a person runs to have the credentials of *profile* (empty: the default) again."""
    if not profile:
        return "aws sso login, or what else gives you credentials"
    session: Any = botocore.session.Session(profile=profile)
    found = cast("dict[str, Any]", session.get_scoped_config())
    if found and not {"sso_session", "sso_start_url"} & set(found):
        return f"renew the credentials of the profile {profile} (aws configure --profile)"
    return f"aws sso login --profile {profile}"


def _of_library(name: str) -> S3Fault:
    """What an error that botocore raises without an answer means, by its name."""
    if "Credential" in name or "Token" in name or "SSO" in name or name == "InvalidConfigError":
        return Unauthorised(name)
    return Unreachable(f"no answer ({name})")


def _setup_problem(error: Exception, location: Location, access: Access) -> str:
    name = type(error).__name__
    if name == "ProfileNotFound":
        return (
            f"profile={access.profile!r}: AWS's configuration has no such profile; "
            "`aws configure list-profiles` lists them"
        )
    return f"{location.uri} cannot be opened ({name}): check region= and AWS's configuration"
