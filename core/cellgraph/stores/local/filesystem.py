"""Whether a path is on a disk of this machine. SQLite's WAL needs shared memory, so it does not
work over a network file system (NFS, EFS, CIFS) and is not to be trusted over FUSE.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_MOUNTS: Final = Path("/proc/self/mounts")
_NOT_LOCAL: Final = frozenset(
    "9p afpfs afs beegfs ceph cifs coda cvmfs drvfs efs gfs2 glusterfs gpfs lustre macfuse nfs "
    "nfs3 nfs4 ocfs2 orangefs osxfuse pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs webdav".split()
)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One mounted file system."""

    point: str
    kind: str


def is_local(path: Path, mounts: Iterable[Mount]) -> bool:
    """Say whether *path*, which need not exist, is on a disk of this machine, given its *mounts*.

    Unknown counts as local.
    """
    target = str(path.resolve())
    best = Mount("", "")
    for mount in mounts:
        inside = target == mount.point or target.startswith(mount.point.rstrip("/") + "/")
        # Of equal points the later mount hides the earlier.
        if inside and len(mount.point) >= len(best.point):
            best = mount
    return best.kind not in _NOT_LOCAL and not best.kind.startswith("fuse")


def mounts() -> list[Mount]:
    """The file systems mounted on this machine."""
    try:
        return parse_mounts(_MOUNTS.read_text("utf-8", "surrogateescape"))
    except OSError:
        import psutil

        return [Mount(p.mountpoint, p.fstype.lower()) for p in psutil.disk_partitions(all=True)]


def parse_mounts(text: str) -> list[Mount]:
    """Parse the format of `/proc/mounts` (fstab(5): fields by blanks, octal escapes)."""
    found: list[Mount] = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:
            found.append(Mount(_ESCAPE.sub(_unescape, fields[1]), fields[2]))
    return found


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
