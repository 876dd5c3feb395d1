"""AWS for tests: the sandbox, or with `AWS_LIVE=1` the account that AWS's own settings name.

A live run needs `AWS_LIVE_STORE` (s3://bucket/prefix), `AWS_LIVE_QUEUE`,
`AWS_LIVE_IMAGE` (built from `cellgraph image` and this tree) and, if jobs need one,
`AWS_LIVE_JOB_ROLE`; tests of Glue need `AWS_LIVE_GLUE_ROLE`. It runs what a user would run, and
costs what that costs. Left out are the tests marked `sandboxed`: they plan faults, or their
children write to this machine's disk.
"""

import os
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest
from botocore.client import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    BaseClient,
)

import cellgraph as cg
from cellgraph.stores.s3.clients import make_client
from cellgraph.stores.trusted import VARIABLE as TRUST

LIVE: Final = os.environ.get("AWS_LIVE") == "1"
_VARIABLES: Final = "AWS_LIVE_"


@contextmanager
def aws(**settings: Any) -> Generator[Any]:
    """A sandbox with *settings*; with `AWS_LIVE=1` the account, whatever they are."""
    if not LIVE:
        with cg.sandbox(**settings) as box:
            yield box
        return
    account = Account()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TRUST, f"{os.environ.get(TRUST, '')} s3://{account.bucket}".strip())
        account.count(patch)
        yield account


class Account:
    """What tests ask of a sandbox, of an account. Raises pytest's skip for planned faults."""

    def __init__(self) -> None:
        self.store = _said("STORE").rstrip("/")
        self.bucket = self.store.split("/")[2]
        self.batch: Mapping[str, str] = {"queue": _said("QUEUE"), "image": _said("IMAGE")}
        if role := os.environ.get(f"{_VARIABLES}JOB_ROLE"):
            self.batch = {**self.batch, "job_role": role}
        self.glue: Mapping[str, str] = {"role": os.environ.get(f"{_VARIABLES}GLUE_ROLE", "")}
        self.requests: Counter[tuple[str, str]] = Counter()
        self.faults = _Faults()
        self._own: set[int] = set()  # clients that are not counted

    def client(self, service: str) -> Any:
        """A client whose requests are not counted."""
        made = make_client(service, "", "", None)
        self._own.add(id(made))
        return made

    def forget_requests(self) -> None:
        """Count anew."""
        self.requests.clear()

    def count(self, patch: pytest.MonkeyPatch) -> None:
        """Count what botocore's clients of this process ask."""
        ask: Any = vars(BaseClient)["_make_api_call"]  # all requests pass here
        own, requests = self._own, self.requests

        def asked(client: Any, action: str, parameters: Any) -> Any:
            if id(client) not in own:
                requests[client.meta.service_model.service_name, action] += 1
            return ask(client, action, parameters)

        patch.setattr(BaseClient, "_make_api_call", asked)


class _Faults:
    """AWS breaks nothing on demand."""

    def clear(self) -> None:
        """There is nothing to clear."""

    def __getattr__(self, name: str) -> Any:
        pytest.skip(f"faults.{name}: the sandbox alone breaks things on demand")


def _said(name: str) -> str:
    value = os.environ.get(_VARIABLES + name, "")
    if not value:
        pytest.fail(f"AWS_LIVE=1 needs {_VARIABLES}{name}: see tests/support/aws.py")
    return value
