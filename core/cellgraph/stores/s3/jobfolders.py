"""The folders of remote jobs in a collection: which are over, and what those in flight still need.

A job is in flight as long as `pending/<id>` is there: whoever has folded all its outcomes into
records removes that object, and the folder `arrays/<id>` is litter from then on. What children of a
job in flight have written is known to no record yet, so no payload goes that is younger than the
job. A job that nobody has asked about for `FORGOTTEN_S` is in flight no more.

Methods raise S3Fault.
"""

import math
from collections.abc import Callable, Iterable
from typing import Final

from cellgraph.stores.s3.arrays import ARRAYS, PENDING
from cellgraph.stores.s3.bucket import Bucket, Found
from cellgraph.stores.tended import Swept

FORGOTTEN_S: Final = 30 * 86_400.0


class JobFolders:
    """What `look` has found of them. *now* returns seconds since 1970."""

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        self._bucket = bucket
        self._now = now
        self._pending: list[Found] = []
        self._objects: dict[str, list[Found]] = {}

    def look(self) -> None:
        """List what is there. Jobs first: the folder of one that begins meanwhile is young."""
        self._pending = self._bucket.list(PENDING)
        self._objects = {}
        for found in self._bucket.list(ARRAYS):
            job = found.name.removeprefix(ARRAYS).partition("/")[0]
            self._objects.setdefault(job, []).append(found)

    def needed_since(self) -> float:
        """When the oldest job in flight was begun, seconds since 1970; infinity without any."""
        flying = self._in_flight()
        begun = [found.modified_s for found in self._pending if _job(found) in flying]
        begun += [found.modified_s for job in flying for found in self._objects.get(job, ())]
        return min(begun, default=math.inf)

    def sweep(self, grace_s: float, *, remove: bool) -> Swept:
        """Count what is left of jobs that are over for *grace_s*; delete it if asked to."""
        old = self._now() - grace_s
        flying = self._in_flight()
        litter = [found for found in self._pending if _job(found) not in flying]
        for job, objects in self._objects.items():
            if job not in flying and max(found.modified_s for found in objects) < old:
                litter += objects
        if remove:
            self._bucket.delete([found.name for found in litter])
        return Swept(len(litter), _size(litter))

    def _in_flight(self) -> set[str]:
        forgotten = self._now() - FORGOTTEN_S
        newest = {
            job: max(found.modified_s for found in objects)
            for job, objects in self._objects.items()
        }
        return {
            _job(found)
            for found in self._pending
            if max(found.modified_s, newest.get(_job(found), 0.0)) >= forgotten
        }


def _job(pending: Found) -> str:
    return pending.name.removeprefix(PENDING)


def _size(objects: Iterable[Found]) -> int:
    return sum(found.size for found in objects)
