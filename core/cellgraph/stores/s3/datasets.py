"""The datasets in a bucket, for its care: `datasets/<name>/...`, and beside it, of one that came
from a folder, what its shards hold there (`datasets/<name>.json`).

They go as payloads do, in two steps (`doomed`), with a list of their own. Nothing that is younger
than a job in flight goes: its outcome may name it.

Methods raise S3Fault.
"""

from collections.abc import Collection, Iterator
from typing import Final

from cellgraph.stores.s3.bucket import Bucket, Found
from cellgraph.stores.s3.doomed import Doomed
from cellgraph.stores.s3.objects import object_digest
from cellgraph.stores.s3.shardmoves import noted
from cellgraph.stores.shardfolders import FOLDER, is_name
from cellgraph.stores.tended import Folder, Swept

PREFIX: Final = f"{FOLDER}/"
_LIST: Final = "doomed-datasets.json"
_NS: Final = 1_000_000_000
_NAME_CHARS: Final = 32


class BucketDatasets:
    """What `look` has found of them."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._doomed = Doomed(bucket, _LIST)
        self._objects: dict[str, list[Found]] = {}

    def look(self) -> list[Folder]:
        """List what is there."""
        self._doomed = Doomed(self._bucket, _LIST)
        self._objects = {}
        for found in self._bucket.list(PREFIX):
            name = found.name[len(PREFIX) :][:_NAME_CHARS]
            if is_name(name) and found.name[len(PREFIX) + _NAME_CHARS :][:1] in ("/", "."):
                self._objects.setdefault(name, []).append(found)
        return list(self._folders())

    def _folders(self) -> Iterator[Folder]:
        for name, objects in self._objects.items():
            size = sum(found.size for found in objects)
            yield Folder(name, len(objects), size, int(_newest(objects) * _NS))

    def contents(self, name: str) -> dict[str, bytes]:
        """Name and content of each shard, as a listing has them; of a dataset that came from a
        folder, as they were there, those that have the size that they had."""
        start = f"{PREFIX}{name}/"
        known = noted(self._bucket, name)
        found = [o for o in self._bucket.list(start) if not o.name.endswith("/")]
        if known:
            inner = {o.name[len(start) :]: o.size for o in found}
            return {n: bytes.fromhex(s.digest) for n, s in known.items() if inner.get(n) == s.size}
        return {o.name[len(start) :]: object_digest(o) for o in found}

    def remove(
        self,
        names: Collection[str],
        now: float,
        grace_s: float,
        needed_since: float,
        *,
        remove: bool,
    ) -> Swept:
        """Delete those of *names* that have been waiting for a grace period; the rest waits."""
        unneeded = {
            name: Found(name, sum(found.size for found in objects), "", _newest(objects))
            for name, objects in self._objects.items()
            if name in names and _newest(objects) < needed_since
        }
        gone, swept = self._doomed.sort(unneeded, now, grace_s)
        if remove:
            gone = [name for name in gone if not self._is_newer(name)]
            self._bucket.delete([found.name for name in gone for found in self._objects[name]])
            self._doomed.settle(unneeded, gone, now)
        return swept

    def _is_newer(self, name: str) -> bool:
        """Whether somebody has pushed a dataset since `look`: a result with it is on its way."""
        there = self._bucket.list(f"{PREFIX}{name}")
        return any(found.modified_s > _newest(self._objects[name]) for found in there)


def _newest(objects: Collection[Found]) -> float:
    return max(found.modified_s for found in objects)
