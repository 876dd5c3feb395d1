"""What a job begins with in an image that has Python and pip alone: the locked packages.

Its text travels in the job's definition, so it stands by itself: the standard library, no module of
ours. The first job in an environment lets pip install what the lock names and puts the installed
tree into the bucket as one object; whoever comes later unpacks that, and no index is asked again.
Jobs that share a folder (`CELLGRAPH_ENVIRONMENTS`, say a volume of the host) unpack it once.

The request to S3 is signed here (AWS Signature Version 4, by AWS's reference): boto3 is among what
is to be installed.
"""

import compileall
import contextlib
import fcntl
import hashlib
import hmac
import http
import http.client
import json
import os
import site
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, NoReturn
from urllib.parse import SplitResult

Spec = Mapping[str, Any]
_TRIES: Final = 5
_LINES: Final = 25  # of pip's output, told when it fails
_FAILED: Final = 4  # exit code
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"


def main(arguments: Sequence[str]) -> NoReturn:
    """Have the packages, then be the worker. `CELLGRAPH_LOCK` says where they are."""
    spec = json.loads(os.environ["CELLGRAPH_LOCK"])
    shared = os.environ.get("CELLGRAPH_ENVIRONMENTS") or tempfile.gettempdir()
    own = Path(shared) / f"cellgraph-environments-{os.getuid()}"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = own.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        _fail(f"{own} can be written by others: name another folder, CELLGRAPH_ENVIRONMENTS")
    home = own / f"{spec['digest']}-{_platform()}"
    packages = home / "site-packages"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packages.is_dir():
            _provide(spec, home, packages)
    sys.path.insert(0, str(packages))
    site.addsitedir(str(packages))
    for name, folder in (("PYTHONPATH", packages), ("PATH", packages / "bin")):  # of processes
        before = os.environ.get(name)
        os.environ[name] = f"{folder}{os.pathsep}{before}" if before else str(folder)
    from cellgraph_executors.remote.worker import main as work

    sys.exit(work(arguments))


def _platform() -> str:
    """What installed packages fit to."""
    return f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def _provide(spec: Spec, home: Path, packages: Path) -> None:
    """Unpack what the bucket has, or install it and put it there."""
    name = f"{spec['prefix']}{spec['digest']}/{_platform()}.tar.gz"
    with tempfile.TemporaryDirectory(dir=home) as folder:
        work = Path(folder)
        archive, tree = work / "archive", work / "tree"
        tree.mkdir()
        if _fetch(spec, name, archive):
            with tarfile.open(archive) as packed:
                packed.extractall(tree, filter="data")
        else:
            _install(spec, work, tree)
            with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
                packed.add(tree, ".")
            with archive.open("rb") as body:
                status, answer = _asked(spec, "PUT", name, body)
                if status != http.HTTPStatus.OK:
                    _fail(f"s3://{spec['bucket']}/{name} cannot be written: {status} {answer}")
        tree.rename(packages)


def _install(spec: Spec, work: Path, tree: Path) -> None:
    """Let pip install the lock; Cellgraph's own wheel is pure, and unpacked beside it."""
    for name, needed in spec["files"].items():
        if not _fetch(spec, needed, work / name):
            _fail(f"s3://{spec['bucket']}/{needed} is gone: evaluate again")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--target", str(tree)]
    done = subprocess.run(
        [*command, "-r", "requirements.txt"],
        check=False,
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").splitlines()[-_LINES:]
        _fail("pip cannot install the locked packages in this image:\n" + "\n".join(said))
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tree)
    compileall.compile_dir(tree, quiet=1)


def _fetch(spec: Spec, name: str, path: Path) -> bool:
    """Write an object to a file; False if there is none."""
    with path.open("wb") as file:
        status, answer = _asked(spec, "GET", name, file)
    if status not in (http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND):
        _fail(f"s3://{spec['bucket']}/{name} cannot be read: {status} {answer}")
    return status == http.HTTPStatus.OK


def _fail(text: str) -> NoReturn:
    """Say why this job cannot run, as the last thing in its log."""
    sys.stderr.write(f"cellgraph: {text}\n")
    sys.exit(_FAILED)


def _asked(spec: Spec, method: str, name: str, file: IO[bytes]) -> tuple[int, str]:
    """Get an object into *file*, or put what is in it; return the status and what was said."""
    status, answer = 0, "it does not answer"
    for attempt in range(_TRIES):
        file.seek(0)
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = _once(spec, method, name, file)
        if 0 < status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            break
        time.sleep(min(8, 0.5 * 2**attempt))
    return status, answer


def _once(spec: Spec, method: str, name: str, file: IO[bytes]) -> tuple[int, str]:
    url = address(spec, name)
    headers = signed(spec, method, url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    link = kind(url.netloc, timeout=60)
    try:
        if method == "PUT":
            headers["content-length"] = str(os.fstat(file.fileno()).st_size)
        link.request(method, url.path, file if method == "PUT" else None, headers)
        answer = link.getresponse()
        if method == "PUT" or answer.status != http.HTTPStatus.OK:
            return answer.status, answer.read(2000).decode(errors="replace")
        length, got = int(answer.headers.get("content-length", -1)), 0
        while chunk := answer.read(1 << 20):
            got += file.write(chunk)
        if length >= 0 and got != length:
            file.truncate(0)
            return 0, "the connection was lost"
        return answer.status, ""
    finally:
        link.close()


def address(spec: Spec, name: str) -> SplitResult:
    """The URL of an object."""
    bucket, region = spec["bucket"], spec["region"]
    path = urllib.parse.quote(name)
    base = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if base is None:
        ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        if "." not in bucket:
            return urllib.parse.urlsplit(f"https://{bucket}.s3.{region}.{ending}/{path}")
        base = f"https://s3.{region}.{ending}"
    return urllib.parse.urlsplit(f"{base.rstrip('/')}/{bucket}/{path}")


def signed(spec: Spec, method: str, url: SplitResult) -> dict[str, str]:
    """The headers of a request, signed."""
    key, secret, token = _credentials()
    now = datetime.now(UTC)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": url.netloc, "x-amz-content-sha256": _UNSIGNED, "x-amz-date": stamp}
    if token:
        headers["x-amz-security-token"] = token
    if spec.get("requester_pays"):
        headers["x-amz-request-payer"] = "requester"
    if method == "PUT" and spec.get("kms_key"):
        headers["x-amz-server-side-encryption"] = "aws:kms"
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = spec["kms_key"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{url.path}\n\n{lines}\n{names}\n{_UNSIGNED}"
    scope = f"{day}/{spec['region']}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    seal = ("AWS4" + secret).encode()
    for part in (day, spec["region"], "s3", "aws4_request"):
        seal = hmac.new(seal, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(seal, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _credentials() -> tuple[str, str, str]:
    """Of the job's role: from variables, from ECS, or from the host."""
    said = os.environ
    if "AWS_ACCESS_KEY_ID" in said:
        token = said.get("AWS_SESSION_TOKEN", "")
        return said["AWS_ACCESS_KEY_ID"], said["AWS_SECRET_ACCESS_KEY"], token
    relative = said.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = said.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if relative or full:
        headers: dict[str, str] = {}
        if "AWS_CONTAINER_AUTHORIZATION_TOKEN" in said:
            headers["Authorization"] = said["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        url = f"http://169.254.170.2{relative}" if relative else str(full)
        found = json.loads(_read(url, headers))
    else:
        host = "http://169.254.169.254/latest/"
        wish = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
        token = _read(host + "api/token", wish, "PUT")
        roles = host + "meta-data/iam/security-credentials/"
        own = {"X-aws-ec2-metadata-token": token}
        found = json.loads(_read(roles + _read(roles, own).split()[0], own))
    return found["AccessKeyId"], found["SecretAccessKey"], found["Token"]


def _read(url: str, headers: dict[str, str], method: str = "GET") -> str:
    request = urllib.request.Request(url, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


if __name__ == "__main__":
    main(sys.argv[1:])
