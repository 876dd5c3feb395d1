"""This installation of Cellgraph as a wheel, for jobs whose image has none.

It is made once per process and named by its content. It requires what a worker imports and images
lack, in the versions that this package requires.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, requires, version
from pathlib import Path
from typing import Final, NamedTuple

import cellgraph
import cellgraph_executors
from cellgraph.digest import digest

# Of our requirements, those that a worker imports and that images lack, AWS Glue's among them.
_NEEDED: Final = ("blake3", "cloudpickle", "msgspec")
_LEFT_OUT: Final = frozenset({"commands", "demo", "sandbox", "testing", "__pycache__"})
_KINDS: Final = frozenset({".py", ".typed"})
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)  # the same content, the same bytes


class Asset(NamedTuple):
    """A file for the bucket: its name below the place for assets, and its bytes."""

    name: str
    data: bytes


@cache
def wheel() -> Asset:
    """This installation. pip wants the name of a wheel to be its own: a folder tells them apart."""
    number = version("cellgraph")
    home = f"cellgraph-{number}.dist-info"
    files = dict(_files())
    files[f"{home}/METADATA"] = _metadata(number).encode()
    files[f"{home}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: cellgraph\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{home}/entry_points.txt"] = (_plugins() or "").encode()
    files[f"{home}/RECORD"] = _record(files, f"{home}/RECORD")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    content = digest(b"".join(name.encode() + files[name] for name in sorted(files)))
    name = f"{content.hex()[:16]}/cellgraph-{number}-py3-none-any.whl"
    return Asset(name, packed.getvalue())


def _files() -> Iterator[tuple[str, bytes]]:
    for package in (cellgraph, cellgraph_executors):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root.parent)
            if path.suffix in _KINDS and not _LEFT_OUT & set(inside.parts):
                yield inside.as_posix(), path.read_bytes()


def _plugins() -> str | None:
    """By which executors are found, where a reducer runs there."""
    return distribution("cellgraph").read_text("entry_points.txt")


def _metadata(number: str) -> str:
    named = {
        re.split(r"[^A-Za-z0-9_.-]", line)[0].lower(): line for line in requires("cellgraph") or ()
    }
    lines = [f"Requires-Dist: {named[name]}\n" for name in _NEEDED if name in named]
    return f"Metadata-Version: 2.1\nName: cellgraph\nVersion: {number}\n{''.join(lines)}"


def _record(files: dict[str, bytes], own: str) -> bytes:
    def line(name: str) -> str:
        mark = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
        return f"{name},sha256={mark},{len(files[name])}\n"

    return ("".join(line(name) for name in sorted(files)) + f"{own},,\n").encode()
