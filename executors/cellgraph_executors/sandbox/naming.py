"""What a request asks for: the service and the action, read from the request itself.

The service is in the scope of the signature; the action in the target header (JSON), the body
(query), or the path (REST), each as the service's own protocol has it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

_SCOPE: Final = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]*)/([^/]+)/aws4_request")
# Sub-resources of S3 that name an action by themselves, by method.
_S3_QUERIES: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "delete"): "DeleteObjects",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
}
_S3_OBJECT: Final = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}
_S3_BUCKET: Final = {
    "GET": "ListObjects",
    "HEAD": "HeadBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
}
# What services call themselves in a signature, where it is not their usual name.
_SERVICES: Final = {"s3express": "s3", "elasticfilesystem": "efs"}

# Who asks, by the key that signs: the box itself (neither counted nor refused), or a job.
BOX_KEY: Final = "ASIASANDBOXITSELF000"
JOB_KEY: Final = "ASIASANDBOXJOBROLE00"


class Call(NamedTuple):
    """One request."""

    service: str  # as in boto3.client(...)
    action: str  # as in the service's API; its path when it has no name here
    access_key: str
    region: str


def name_call(environ: Mapping[str, Any], body: bytes) -> Call:
    """Return what a request asks for. *body* may be empty for S3."""
    signed = _signature(environ)
    key, region, scope = signed or ("", "us-east-1", "s3")
    service = _SERVICES.get(scope, scope)
    return Call(service, _action(service, environ, body), key, region)


def is_s3(environ: Mapping[str, Any]) -> bool:
    """Whether a request is one of S3, whose bodies are not read before they are routed."""
    signed = _signature(environ)
    return signed is None or signed[2] in {"s3", "s3express"}


def _signature(environ: Mapping[str, Any]) -> tuple[str, str, str] | None:
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None:
        given = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
        found = _SCOPE.search(f"Credential={given}")
    return None if found is None else (found[1], found[2], found[3])


def _action(service: str, environ: Mapping[str, Any], body: bytes) -> str:
    if service == "s3":
        return _s3_action(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    found = _by_path(service).get((method, path.rstrip("/").lower()))
    if found is None and "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        found = parse_qs(body.decode("utf-8", "replace")).get("Action", ["?"])[0]
    return found or f"{method} {path}"


def _s3_action(environ: Mapping[str, Any]) -> str:
    method = environ["REQUEST_METHOD"]
    asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    for name in asked:
        if (method, name) in _S3_QUERIES:
            return _S3_QUERIES[method, name]
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    if not bucket:
        return "ListBuckets"
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    return (_S3_OBJECT if key else _S3_BUCKET).get(method, f"{method} {environ['PATH_INFO']}")


def _by_path(service: str) -> Mapping[tuple[str, str], str]:
    """Actions of a REST service whose paths have no variable part, as all of Batch's."""
    from cellgraph_executors.sandbox.models import fixed_paths

    return fixed_paths(service)
