"""Clients of AWS's services, by botocore alone: boto3 adds 0.1 s to the start of every worker.

What AWS's services are is read once in a process, and the same for everyone.

Threading: any thread.
"""

from functools import cache
from pathlib import Path
from typing import IO, Any, Final

# AWS's libraries have no type hints; what they return is Any here.
import botocore.loaders  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    HTTPClientError,
)

PARTS_AT_ONCE: Final = 4  # of a large object


def make_client(service: str, profile: str, region: str, config: Any) -> Any:
    """A client of *service*, as AWS's configuration says; *profile* and *region* may be empty.

    Raises botocore's own errors.
    """
    session: Any = botocore.session.Session(profile=profile or None)
    session.register_component("data_loader", models(session.get_config_variable("data_path")))
    if region:
        session.set_config_variable("region", region)
    return session.create_client(service, config=config)


def download(client: Any, bucket: str, key: str, target: IO[bytes], extra: dict[str, str]) -> None:
    """Write an object to the open file *target*, in parts at once when it is large."""
    from s3transfer.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
        RetriesExceededError,
    )

    with _transfers(client) as manager:
        try:
            manager.download(bucket, key, target, extra).result()
        except RetriesExceededError as error:  # connections that broke off, several times
            raise HTTPClientError(error=error) from None


def upload(client: Any, bucket: str, key: str, source: Path, extra: dict[str, str]) -> None:
    """Write the file *source* to an object, in parts at once when it is large."""
    with source.open("rb") as file, _transfers(client) as manager:
        manager.upload(file, bucket, key, extra).result()


@cache
def models(data_path: str | None = None) -> Any:
    """The descriptions of AWS's services on this machine: 0.1 s to read."""
    loaders: Any = botocore.loaders
    return loaders.create_loader(data_path)


def _transfers(client: Any) -> Any:
    # the only use of boto3, and not every process has large objects
    import boto3.s3.transfer  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    transfer: Any = boto3.s3.transfer
    return transfer.create_transfer_manager(
        client, transfer.TransferConfig(max_concurrency=PARTS_AT_ONCE)
    )
