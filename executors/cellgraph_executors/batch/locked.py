"""`environment="lock"`: an image with Python and pip alone, and the packages of a lock in it.

The kernel puts the lock and its own Cellgraph, as a wheel, into the store; jobs begin with
`remote.boot`, which has the rest done once per lock and platform.
"""

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.stores.s3.bucket import Bucket
from cellgraph_executors.lock import lock_of
from cellgraph_executors.wheel import Asset, wheel

FOLDER: Final = "environments/"  # below the store
_BOOT: Final = "CELLGRAPH_BOOT"
_LOCK: Final = "CELLGRAPH_LOCK"
_LIST: Final = "requirements.txt"
_START: Final = (  # what an older Python can read, too
    "import base64, os, sys, zlib\n"
    "if sys.version_info < (3, 11):\n"
    "    sys.exit('cellgraph: this image has Python %d.%d: name one that has 3.11 or newer'"
    " % sys.version_info[:2])\n"
    "text = zlib.decompress(base64.b64decode(os.environ['CELLGRAPH_BOOT']))\n"
    "exec(compile(text, 'cellgraph-boot', 'exec'))"
)
_OWN: Final = re.compile(r"cellgraph\s*(\[[^\]]*\])?\s*([=@<>!~;#].*)?", re.IGNORECASE)


class Brought(NamedTuple):
    """What jobs are given to install: `digest` names it."""

    requirements: Asset
    cellgraph: Asset

    @property
    def digest(self) -> str:
        """64 hexadecimal characters."""
        names = f"{self.requirements.name}\n{self.cellgraph.name}"
        return digest(names.encode()).hex()


class Locked:
    """The lock of one executor: that of this interpreter, or a requirements file.

    In a job that began so itself (a reducer, that sends calls of its own) it is the job's.
    """

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        """*path*: of a file in pip's form; empty: what is installed here. *environ*: of here."""
        self._path = path
        self._given = {name: environ[name] for name in (_BOOT, _LOCK) if name in environ}

    @property
    def digest(self) -> str:
        """Names what is installed. Raises ConfigError as `brought`."""
        return str(json.loads(self._given[_LOCK])["digest"]) if self._given else self.brought.digest

    @cached_property
    def brought(self) -> Brought:
        """Read once. Raises ConfigError for a file that cannot be read."""
        text = (_read(self._path) if self._path else lock_of(cellgraph="cellgraph").text()).encode()
        name = f"{digest(text).hex()[:32]}/{_LIST}"
        return Brought(Asset(name, text), wheel())

    def put(self, bucket: Bucket) -> None:
        """What jobs need to install it is in the store when this returns. Raises S3Fault."""
        if self._given:
            return
        for asset in self.brought:
            if not bucket.list(FOLDER + asset.name):
                bucket.put(FOLDER + asset.name, asset.data)

    def variables(self, bucket: Bucket, region: str) -> Mapping[str, str]:
        """Of the jobs."""
        if self._given:
            return self._given
        place, access = bucket.location, bucket.access
        brought = self.brought
        spec = {
            "bucket": place.bucket,
            "region": access.region or region,
            "prefix": place.key(FOLDER),
            "digest": brought.digest,
            "files": {
                asset.name.rpartition("/")[2]: place.key(FOLDER + asset.name) for asset in brought
            },
            "kms_key": access.kms_key,
            "requester_pays": access.requester_pays,
        }
        text = files("cellgraph_executors.remote").joinpath("boot.py").read_bytes()
        return {
            _BOOT: base64.b64encode(zlib.compress(text, 9)).decode(),
            _LOCK: json.dumps(spec, sort_keys=True),
        }


def started(command: Sequence[str]) -> list[str]:
    """The worker's *command*, in an image that has no Cellgraph yet."""
    return ["python3", "-c", _START, *command[2:]]


def _read(path: str) -> str:
    """A requirements file without a line for Cellgraph, which comes as it is here."""
    try:
        lines = Path(path).expanduser().read_text("utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"lock={path!r} cannot be read: {error}") from error
    return "".join(line for line in lines if not _OWN.fullmatch(line.strip()))
