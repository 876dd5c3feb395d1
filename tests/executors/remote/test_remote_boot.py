"""What jobs begin with where nothing of ours is installed: its requests are those of AWS's own
client, and the text that travels stands by itself."""

import ast
import base64
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    S3SigV4Auth,
)
from botocore.awsrequest import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    AWSRequest,
)
from botocore.credentials import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    Credentials,
)

from cellgraph.errors import ConfigError
from cellgraph.stores.s3.bucket import Access, Bucket
from cellgraph.stores.s3.place import parse_uri
from cellgraph_executors.batch.locked import Locked
from cellgraph_executors.remote import boot

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"


def as_botocore(method: str, url: str, headers: dict[str, str], region: str) -> str:
    """The Authorization that AWS's client gives the same request."""
    request: Any = AWSRequest(method=method, url=url, headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    request.context["payload_signing_enabled"] = False
    token = headers.get("x-amz-security-token")
    auth: Any = S3SigV4Auth(Credentials(KEY, SECRET, token), "s3", region)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, "
        f"Signature={signature}"
    )


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("bucket", ["lab", "lab.example"])
@pytest.mark.parametrize("token", ["", "a-token"])
def test_requests_are_signed_as_by_awss_client(
    method: str, bucket: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": token}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    spec = {"bucket": bucket, "region": "eu-west-1", "kms_key": "alias/lab", "requester_pays": True}
    url = boot.address(spec, "store of ann/environments/ab=1/x.tar.gz")
    headers = boot.signed(spec, method, url)
    given = headers.pop("authorization")
    assert given == as_botocore(method, url.geturl(), headers, "eu-west-1")
    assert url.netloc == ("lab.s3" if bucket == "lab" else "s3") + ".eu-west-1.amazonaws.com"


def test_the_text_that_travels_needs_nothing() -> None:
    """Python alone compiles and imports it; but for the worker, that it becomes in the end."""
    bucket = Bucket(parse_uri("s3://lab/store"), Access(region="eu-west-1"))
    variables = Locked("", {}).variables(bucket, "eu-west-1")
    text = zlib.decompress(base64.b64decode(variables["CELLGRAPH_BOOT"])).decode()
    assert text == Path(str(boot.__file__)).read_text()
    named = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    # a reducer that runs so sends calls that run so, whatever file its settings name
    there = Locked("nowhere.txt", {**variables, "HOME": "/"})
    assert there.digest == Locked("", {}).digest
    assert there.variables(bucket, "us-east-1") == variables
    assert named - sys.stdlib_module_names == {"cellgraph_executors"}
    assert sum(map(len, variables.values())) < 10_000  # a definition has room for 24 KiB


def test_a_file_as_lock(tmp_path: Path) -> None:
    """Cellgraph comes as it is here, whatever the file says of it."""
    file = tmp_path / "requirements.txt"
    file.write_text("cellgraph[batch]==0.0.1\ncellgraph-extra==2\npandas==2.2.3 --hash=sha256:00\n")
    requirements, wheel = Locked(str(file), {}).brought
    assert requirements.data == b"cellgraph-extra==2\npandas==2.2.3 --hash=sha256:00\n"
    assert wheel.name.endswith("-py3-none-any.whl")
    other = tmp_path / "other.txt"
    other.write_text("pandas==2.2.2\n")
    assert Locked(str(other), {}).brought.digest != Locked(str(file), {}).brought.digest
    with pytest.raises(ConfigError, match=r"lock='nowhere\.txt' cannot be read"):
        assert Locked("nowhere.txt", {}).brought
