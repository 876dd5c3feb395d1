"""FSx for Lustre: records of our own, and for each file system a folder of this machine.

A folder is filled from a bucket when a data repository association is made, and again for the
events its policy names when a job is submitted; what jobs write is exported when they end.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from cellgraph_executors.sandbox.batch.arns import ACCOUNT, REGION
from cellgraph_executors.sandbox.wire import Handler, Request, ServiceError

MOUNT: Final = "/fsx"  # where hosts mount the first file system
_MOST: Final = 8  # associations of one file system


@dataclass(slots=True, eq=False)
class _Association:
    shown: dict[str, Any]
    folder: Path
    bucket: str
    prefix: str  # with a slash at its end, or empty
    seen: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    def policy(self, name: str) -> frozenset[str]:
        """The events of an import or export policy."""
        return frozenset(self.shown.get("S3", {}).get(name, {}).get("Events", ()))


class Fsx:
    """Handlers by action, and what the hosts see. *s3* makes a client. Thread-safe."""

    def __init__(self, folder: Path, s3: Callable[[], Any]) -> None:
        self._folder = folder
        self._s3 = s3
        self._lock = threading.RLock()
        self._systems: dict[str, dict[str, Any]] = {}
        self._associations: dict[str, _Association] = {}
        self._mounted: dict[str, str] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return {
            "CreateFileSystem": self._create,
            "DescribeFileSystems": self._describe,
            "DeleteFileSystem": self._delete,
            "CreateDataRepositoryAssociation": self._associate,
            "DescribeDataRepositoryAssociations": self._describe_associations,
            "DeleteDataRepositoryAssociation": self._dissociate,
        }

    def mount(self, system: str, path: str) -> None:
        """Let hosts mount a file system at *path*, as their launch template would."""
        with self._lock:
            self._mounted[str(PurePosixPath(path))] = system

    def folder(self, path: str) -> Path | None:
        """The folder that stands for a host's path, if a file system is mounted there."""
        wanted = PurePosixPath(path)
        with self._lock:
            for mounted, system in self._mounted.items():
                if wanted.is_relative_to(mounted):
                    return self._folder / system / wanted.relative_to(mounted)
        return None

    def refresh(self) -> None:
        """Import what has come into the buckets, where a policy says so."""
        with self._lock:
            for each in self._associations.values():
                if each.policy("AutoImportPolicy"):
                    self._import(each)

    def flush(self) -> None:
        """Export what has been written, where a policy says so."""
        with self._lock:
            for each in self._associations.values():
                if each.policy("AutoExportPolicy"):
                    self._export(each)

    def _create(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        if said["FileSystemType"] != "LUSTRE":
            raise ServiceError("BadRequest", "the sandbox has file systems of type LUSTRE only")
        system = f"fs-{secrets.token_hex(8)}"
        made = {
            **said,
            "FileSystemId": system,
            "OwnerId": ACCOUNT,
            "CreationTime": time.time(),
            "Lifecycle": "AVAILABLE",
            "DNSName": f"{system}.fsx.{REGION}.amazonaws.com",
            "ResourceARN": f"arn:aws:fsx:{REGION}:{ACCOUNT}:file-system/{system}",
            "LustreConfiguration": {
                "DeploymentType": "PERSISTENT_2",
                **said.get("LustreConfiguration", {}),
                "MountName": secrets.token_hex(4),
            },
        }
        with self._lock:
            (self._folder / system).mkdir(parents=True)
            self._systems[system] = made
            self._mounted.setdefault(MOUNT, system)
        return {"FileSystem": made}

    def _describe(self, request: Request) -> Mapping[str, Any]:
        ids = request.parameters.get("FileSystemIds")
        with self._lock:
            return {"FileSystems": [self._system(system) for system in ids or self._systems]}

    def _delete(self, request: Request) -> Mapping[str, Any]:
        system = request.parameters["FileSystemId"]
        with self._lock:
            self._system(system)
            del self._systems[system]
            for key in [k for k, a in self._associations.items() if _of(a, system)]:
                del self._associations[key]
            for path in [p for p, mounted in self._mounted.items() if mounted == system]:
                del self._mounted[path]
        return {"FileSystemId": system, "Lifecycle": "DELETING"}

    def _system(self, system: str) -> dict[str, Any]:
        found = self._systems.get(system)
        if found is None:
            raise ServiceError("FileSystemNotFound", f"File system '{system}' does not exist.")
        return found

    def _associate(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        system, uri = said["FileSystemId"], said["DataRepositoryPath"]
        path = str(PurePosixPath("/", said.get("FileSystemPath", "/")))
        if not uri.startswith("s3://"):
            raise ServiceError("BadRequest", f"DataRepositoryPath is not in S3: {uri}")
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        link = f"dra-{secrets.token_hex(8)}"
        with self._lock:
            self._system(system)
            others = [a for a in self._associations.values() if _of(a, system)]
            if len(others) >= _MOST:
                raise ServiceError("BadRequest", f"a file system has at most {_MOST} associations")
            for other in others:
                if _overlap(path, other.shown["FileSystemPath"]) or _overlap(
                    f"/{bucket}/{prefix}", f"/{other.bucket}/{other.prefix}"
                ):
                    raise ServiceError("BadRequest", f"{path} overlaps with another association")
            shown = {
                **said,
                "AssociationId": link,
                "FileSystemPath": path,
                "Lifecycle": "AVAILABLE",
                "CreationTime": time.time(),
                "ResourceARN": f"arn:aws:fsx:{REGION}:{ACCOUNT}:association/{system}/{link}",
            }
            folder = self._folder / system / path.lstrip("/")
            made = _Association(shown, folder, bucket, prefix)
            folder.mkdir(parents=True, exist_ok=True)
            self._import(made)
            self._associations[link] = made
        return {"Association": shown}

    def _describe_associations(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        wanted = {f["Name"]: set(f["Values"]) for f in said.get("Filters", [])}
        with self._lock:
            found = [a.shown for a in self._associations.values()]
        if said.get("AssociationIds"):
            found = [a for a in found if a["AssociationId"] in said["AssociationIds"]]
        if "file-system-link" in wanted:
            found = [a for a in found if a["FileSystemId"] in wanted["file-system-link"]]
        return {"Associations": found}

    def _dissociate(self, request: Request) -> Mapping[str, Any]:
        link = request.parameters["AssociationId"]
        with self._lock:
            if self._associations.pop(link, None) is None:
                raise ServiceError("DataRepositoryAssociationNotFound", f"{link} does not exist")
        return {"AssociationId": link, "Lifecycle": "DELETING"}

    def _import(self, each: _Association) -> None:
        pages = self._s3().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=each.bucket, Prefix=each.prefix):
            for item in page.get("Contents", ()):
                name = item["Key"].removeprefix(each.prefix)
                target = each.folder / name
                if not name or name.endswith("/") or not _inside(target, each.folder):
                    continue
                if each.seen.get(name, ("", 0))[0] != item["ETag"]:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._s3().download_file(each.bucket, item["Key"], str(target))
                    each.seen[name] = (item["ETag"], target.stat().st_mtime_ns)

    def _export(self, each: _Association) -> None:
        for path in sorted(each.folder.rglob("*")):
            name = path.relative_to(each.folder).as_posix()
            if not path.is_file() or path.is_symlink():
                continue
            changed = path.stat().st_mtime_ns
            if each.seen.get(name, ("", 0))[1] != changed:
                key = each.prefix + name
                self._s3().upload_file(str(path), each.bucket, key)
                etag = self._s3().head_object(Bucket=each.bucket, Key=key)["ETag"]
                each.seen[name] = (etag, changed)


def _of(association: _Association, system: str) -> bool:
    return bool(association.shown["FileSystemId"] == system)


def _overlap(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
