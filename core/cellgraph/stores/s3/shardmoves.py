"""Datasets of a store in a folder go into a bucket, and come to other machines from there.

What their shards hold stands beside them (`datasets/<name>.json`), by the names that results of the
folder have: sizes and ETags would be others. It is written when they are there.

Methods raise S3Fault and OSError.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from cellgraph.filedigests import file_digest, files_below, read_digest
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.shardfolders import FOLDER

_TOGETHER: Final = 16  # files between two looks


class Shard(msgspec.Struct, array_like=True, frozen=True):
    """One file of a dataset: its size in bytes, and the digest of its bytes in hexadecimal."""

    size: int
    digest: str


class Went(NamedTuple):
    """How many files were moved, and their size."""

    files: int
    nbytes: int


def put(bucket: Bucket, name: str, folder: Path, holds: Callable[[str], bool]) -> Went:
    """Have the dataset in *folder* in the bucket; what is there by content is not sent again.

    One that is there with other files is replaced only if the one here is as results say: *holds*.
    """
    here = {n: _shard(folder / n) for n in files_below(str(folder))}
    start = f"{FOLDER}/{name}/"
    there = {found.name[len(start) :]: found.size for found in bucket.list(start)}
    known = noted(bucket, name)
    if any(here.get(n) != s for n, s in known.items()) and not holds(name):
        return Went(0, 0)
    sent = {n: s for n, s in here.items() if known.get(n) != s or there.get(n) != s.size}
    done = {n: s for n, s in here.items() if n not in sent}
    names = sorted(sent)
    if not names:  # a collector that had found it unneeded sees that it is used
        bucket.put(_beside(name), msgspec.json.encode(done))
    for at in range(0, len(names), _TOGETHER):
        some = names[at : at + _TOGETHER]
        for inner, fault in bucket.each(lambda n: bucket.put_file(start + n, folder / n), some):
            if isinstance(fault, S3Fault):
                raise fault
            done[inner] = here[inner]
        bucket.put(_beside(name), msgspec.json.encode(done))  # what is there is sent once
    bucket.delete([start + n for n in there if n not in here])
    return Went(len(sent), sum(shard.size for shard in sent.values()))


def noted(bucket: Bucket, name: str) -> dict[str, Shard]:
    """What the shards of a dataset that came from a folder hold; nothing for another."""
    try:
        found = msgspec.json.decode(bucket.get(_beside(name)), type=dict[str, Shard])
    except (Absent, msgspec.MsgspecError):
        return {}
    return {inner: shard for inner, shard in found.items() if _stays_inside(inner)}


def fetch(bucket: Bucket, name: str, folder: Path) -> Went:
    """Have a dataset in *folder*, whole or not at all, whatever was there; nothing if it did not
    come from a folder, or is not in the bucket as it was."""
    wanted = noted(bucket, name)
    if not wanted or _holds(folder, wanted):
        return Went(0, 0)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as work:
        draft = Path(work) / "new"
        for inner, shard in wanted.items():
            target = draft / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                bucket.get_file(f"{FOLDER}/{name}/{inner}", target)
            except Absent:
                return Went(0, 0)
            if read_digest(str(target)).hex() != shard.digest:
                return Went(0, 0)
        if folder.exists():
            folder.replace(Path(work) / "old")
        draft.replace(folder)
    return Went(len(wanted), sum(shard.size for shard in wanted.values()))


def _holds(folder: Path, wanted: Mapping[str, Shard]) -> bool:
    try:
        return {n: _shard(folder / n) for n in files_below(str(folder))} == wanted
    except OSError:
        return False


def _shard(path: Path) -> Shard:
    return Shard(path.stat().st_size, file_digest(str(path)).hex())


def _beside(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def _stays_inside(name: str) -> bool:
    """Whether a file of this name is one of a dataset: the names are from a bucket."""
    return "\0" not in name and all(p and not p.startswith(".") for p in name.split("/"))
