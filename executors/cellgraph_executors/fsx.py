"""FSx for Lustre: objects of a bucket as files of a mounted file system.

A data repository association links a folder of the file system with a prefix of a bucket, one to
one (Amazon FSx for Lustre user guide, *Linking your file system to an S3 bucket*). So an object is
readable below the mount without being copied first. Which associations there are is read from the
settings, or asked of FSx. What a value is called is decided by the object, never by the mount.

Pure, but for `look_up`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from cellgraph.errors import ConfigError
from cellgraph.mounts import can_be_path, find, told
from cellgraph.suggest import closest

_KEYS: Final = ("file_system", "mount", "links", "read_only", "dns_name", "mount_name")
_MOST_LINKS: Final = 8  # of one file system, by its documentation
_VOLUME: Final = "cellgraph-fsx"


class Link(NamedTuple):
    """A folder of the file system (``/scores``) and the prefix it shows (``s3://bucket/raw``)."""

    folder: str
    uri: str


class FileSystem(NamedTuple):
    """A file system as jobs see it. Links are those with the longest prefix first."""

    id: str
    mount: str  # absolute
    links: tuple[Link, ...]
    read_only: bool = True
    dns_name: str = ""
    mount_name: str = ""

    def path_of(self, uri: str) -> str | None:
        """Where an object, or everything below a prefix, is mounted; None if it is not.

        ``s3://bucket/raw2/x`` is not below the prefix ``s3://bucket/raw``.
        """
        return find(uri, list(self.folders().items()))

    def folders(self) -> dict[str, str]:
        """Prefix -> mounted folder, the longest prefix first."""
        return {
            link.uri: str(PurePosixPath(self.mount, link.folder.lstrip("/"))) for link in self.links
        }

    def overlay(self) -> dict[str, Any]:
        """Volume and mount point, for a job definition: the host mounts, the container sees it."""
        return {
            "containerProperties": {
                "volumes": [{"name": _VOLUME, "host": {"sourcePath": self.mount}}],
                "mountPoints": [
                    {
                        "sourceVolume": _VOLUME,
                        "containerPath": self.mount,
                        "readOnly": self.read_only,
                    }
                ],
            }
        }

    def told(self) -> str:
        """What a job finds in its environment under `cellgraph.mounts.VARIABLE`."""
        return told(self.folders())


def file_system(said: Mapping[str, Any]) -> FileSystem:
    """Read the executor's ``fsx = {...}``. Raises ConfigError that says what is wrong.

    `file_system`: its id. `mount`: where hosts mount it (``/fsx``). `links`: folder -> prefix;
    left out, they are to be asked for (`look_up`).
    """
    for name in said:
        if name not in _KEYS:
            raise ConfigError(f"fsx: unknown setting {name!r}{closest(name, _KEYS)}")
    for name in ("file_system", "mount", "dns_name", "mount_name"):
        if not isinstance(said.get(name, ""), str):
            raise ConfigError(f"fsx: {name}={said[name]!r}: expected a text")
    mount = str(PurePosixPath(said.get("mount", "/fsx")))
    if not mount.startswith("/") or mount == "/" or ".." in PurePosixPath(mount).parts:
        raise ConfigError(f"fsx: mount={said['mount']!r}: expected an absolute folder, as /fsx")
    links: Any = said.get("links", {})
    if not isinstance(said.get("links", {}), Mapping):
        raise ConfigError(f'fsx: links={links!r}: expected {{"/folder": "s3://bucket/prefix"}}')
    return FileSystem(
        said.get("file_system", ""),
        mount,
        checked(Link(str(k), str(v)) for k, v in links.items()),
        bool(said.get("read_only", True)),
        said.get("dns_name", ""),
        said.get("mount_name", ""),
    )


def checked(links: Iterable[Link]) -> tuple[Link, ...]:
    """Links in the order in which they are asked. Raises ConfigError for overlaps."""
    found = [_normal(link) for link in links]
    if len(found) > _MOST_LINKS:
        raise ConfigError(f"fsx: {len(found)} links; a file system has {_MOST_LINKS} at most")
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            if _overlap(one.folder, other.folder):
                raise ConfigError(f"fsx: the folders {one.folder} and {other.folder} overlap")
            if _overlap(one.uri, other.uri):
                raise ConfigError(f"fsx: the prefixes {one.uri} and {other.uri} overlap")
    return tuple(sorted(found, key=lambda link: (-len(link.uri), link.uri)))


def look_up(client: Any, said: FileSystem) -> FileSystem:
    """Ask FSx for address and links of a file system. *client*: boto3's, for ``fsx``.

    Links in the settings stay. Raises ConfigError for one that is not there or not Lustre; what
    the client raises otherwise.
    """
    systems = client.describe_file_systems(FileSystemIds=[said.id])["FileSystems"]
    if not systems or systems[0].get("FileSystemType") != "LUSTRE":
        raise ConfigError(f"fsx: {said.id} is not a file system of FSx for Lustre")
    lustre = systems[0].get("LustreConfiguration", {})
    made = said._replace(
        dns_name=said.dns_name or systems[0].get("DNSName", ""),
        mount_name=said.mount_name or lustre.get("MountName", ""),
    )
    if said.links:
        return made
    links = [
        Link(found["FileSystemPath"], found["DataRepositoryPath"])
        for found in _associations(client, said.id)
        if found.get("Lifecycle") in ("AVAILABLE", "UPDATING", "MISCONFIGURED", None)
    ]
    return made._replace(links=checked(links))


def _associations(client: Any, id: str) -> Iterator[Mapping[str, Any]]:
    """The links of a file system, page by page: botocore has no paginator for them."""
    more: dict[str, str] = {}
    while True:
        page = client.describe_data_repository_associations(
            Filters=[{"Name": "file-system-id", "Values": [id]}], **more
        )
        yield from page["Associations"]
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def user_data(system: FileSystem) -> str:
    """User data of a launch template: mounts the file system before jobs start.

    AWS Batch merges it with its own, so it is MIME multi-part (AWS Batch user guide, *Use EC2 user
    data in launch templates*). For Amazon Linux 2023 and 2. Raises ConfigError without an address.
    """
    if not system.dns_name or not system.mount_name:
        raise ConfigError("fsx: dns_name and mount_name are needed; with an id they are looked up")
    for value in (system.dns_name, system.mount_name, system.mount):
        if not all(c.isascii() and (c.isalnum() or c in "./_-") for c in value):
            raise ConfigError(f"fsx: {value!r} has characters that do not belong there")
    script = _SCRIPT.format(
        dns=system.dns_name, name=system.mount_name, mount=system.mount, mode=_mode(system)
    )
    return _MIME.format(script=script)


def association_requests(system: FileSystem) -> list[dict[str, Any]]:
    """The `CreateDataRepositoryAssociation` requests that make the links of the settings."""
    return [
        {
            "FileSystemId": system.id or "fs-…",
            "FileSystemPath": link.folder,
            "DataRepositoryPath": link.uri + "/",
            "BatchImportMetaDataOnCreate": True,
            "S3": {
                "AutoImportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]},
                **(
                    {}
                    if system.read_only
                    else {"AutoExportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]}}
                ),
            },
        }
        for link in sorted(system.links)
    ]


def _mode(system: FileSystem) -> str:
    return "ro,relatime,flock" if system.read_only else "relatime,flock"


def _normal(link: Link) -> Link:
    folder = "/" + "/".join(part for part in link.folder.split("/") if part)
    uri = link.uri.rstrip("/")
    if not link.folder.startswith("/") or folder == "/" or ".." in folder.split("/"):
        raise ConfigError(
            f"fsx: {link.folder!r} is no folder of the file system: write it as /folder"
        )
    if not can_be_path(uri) or not uri.removeprefix("s3://").split("/")[0]:
        raise ConfigError(f"fsx: {link.uri!r} is no prefix of a bucket: s3://bucket/prefix")
    return Link(folder, uri)


def _overlap(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or long.startswith(short + "/")


_SCRIPT: Final = """\
#!/bin/sh
set -eu
if command -v dnf >/dev/null 2>&1; then
  dnf install -y lustre-client
else
  amazon-linux-extras install -y lustre
fi
mkdir -p {mount}
grep -qs ' {mount} lustre ' /proc/mounts || \\
  mount -t lustre -o {mode} {dns}@tcp:/{name} {mount}
"""
_MIME: Final = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="==CELLGRAPH=="

--==CELLGRAPH==
Content-Type: text/x-shellscript; charset="us-ascii"

{script}
--==CELLGRAPH==--
"""
