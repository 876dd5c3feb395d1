"""Folders of the host at the paths where a container expects them.

With Linux's user namespaces a job gets a root of its own: the machine's, with the volumes bound in.
Where there are none, paths in its environment are rewritten instead, and its log says so.
"""

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple

from cellgraph_executors.sandbox.batch.model import Mount

_UNSHARE: Final = ("unshare", "--user", "--map-root-user", "--mount")
_SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"  # of unshare, mount and chroot
_ENTER: Final = 'PATH=$1 && shift && cd "$0" && exec "$@"'


class Step(NamedTuple):
    """One thing to do below the new root. *source* is a folder, or the text of a link."""

    kind: Literal["folder", "bind", "read-only", "link"]
    target: str
    source: str = ""


class Host(NamedTuple):
    """What stands in a folder of this machine: names, and the text of links."""

    folders: tuple[str, ...]
    links: Mapping[str, str]


def look(folder: str) -> Host:
    """Look at this machine; a folder that is not there is empty."""
    folders: list[str] = []
    links: dict[str, str] = {}
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names are wanted, not paths
    except OSError:
        names = []
    for name in names:
        path = Path(folder, name)
        try:
            mode = path.lstat().st_mode
        except OSError:  # gone since
            continue
        if stat.S_ISLNK(mode):
            links[name] = str(path.readlink())
        elif stat.S_ISDIR(mode):
            folders.append(name)
    return Host(tuple(folders), links)


def steps(mounts: Sequence[Mount]) -> Iterator[Step]:
    """A root that shows this machine, and each mount at its path.

    A folder on the way to a mount is made anew, with what it holds bound into it, so that nothing
    is ever created on the machine itself.
    """
    targets = {str(PurePosixPath(mount.target)): mount for mount in mounts}
    yield from _below("/", targets)


def _below(folder: str, targets: Mapping[str, Mount]) -> Iterator[Step]:
    inside = {_first_below(folder, target) for target in targets if _is_below(target, folder)}
    host = look(folder)
    for name, text in host.links.items():
        if name not in inside:
            yield Step("link", str(PurePosixPath(folder, name)), text)
    for name in (*host.folders, *sorted(inside - set(host.folders))):
        path = str(PurePosixPath(folder, name))
        yield Step("folder", path)
        mount = targets.get(path)
        if mount is not None:
            yield Step("read-only" if mount.read_only else "bind", path, mount.source)
        elif name in inside:
            yield from _below(path, targets)
        else:
            yield Step("bind", path, path)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _first_below(folder: str, path: str) -> str:
    return path.removeprefix(folder.rstrip("/") + "/").partition("/")[0]


def script(root: str, todo: Iterable[Step]) -> str:
    """Shell lines that build a root; they run in a namespace of their own."""
    lines = ["set -e", "own=$PATH folder=$1", "shift", f"PATH={_SYSTEM_PATH}"]
    lines += [f"mount -t tmpfs none {shlex.quote(root)}"]
    for step in todo:
        target, source = shlex.quote(root + step.target), shlex.quote(step.source)
        match step.kind:
            case "folder":
                lines.append(f"mkdir -p {target}")
            case "link":
                lines.append(f"ln -s {source} {target}")
            case "bind":
                # what only stands beside a mount may be gone by now: someone else's, in /tmp
                unless = f" || test ! -e {source}" if step.source == step.target else ""
                lines.append(f"mount --rbind {source} {target}{unless}")
            case "read-only":
                lines.append(f"mount --bind {source} {target}")
                lines.append(f"mount -o remount,bind,ro {target}")
    enter = f'/bin/sh -c {shlex.quote(_ENTER)} "$folder" "$own" "$@"'
    lines.append(f"exec chroot {shlex.quote(root)} {enter}")
    return "\n".join(lines)


@cache
def has_namespaces() -> bool:
    """Whether this machine lets us make a mount namespace."""
    if shutil.which("unshare") is None or shutil.which("chroot") is None:
        return False
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def with_mounts(command: Sequence[str], folder: Path, mounts: Sequence[Mount]) -> Sequence[str]:
    """The command that runs *command* in *folder* among its mounts, in a namespace."""
    root = folder / "tmp" / "root"
    root.mkdir()
    # a file: a folder full of others (/tmp, say) makes it longer than an argument may be
    text = folder / "tmp" / "root.sh"
    text.write_text(script(str(root), steps(mounts)), "utf-8")
    unshare = shutil.which(_UNSHARE[0]) or _UNSHARE[0]  # whatever the job's own PATH
    return [unshare, *_UNSHARE[1:], "/bin/sh", str(text), str(folder), *command]


def rewritten(environment: Mapping[str, str], mounts: Sequence[Mount]) -> dict[str, str]:
    """The environment with the folders themselves in place of the paths in the container."""
    changed = dict(environment)
    for mount in mounts:
        found = re.compile(rf"(?<![\w/.-]){re.escape(mount.target)}(?=[/\"'\s:,]|$)")
        for name, value in changed.items():
            if name not in {"PATH", "HOME", "TMPDIR"}:
                changed[name] = mount.source.join(found.split(value))
    return changed
