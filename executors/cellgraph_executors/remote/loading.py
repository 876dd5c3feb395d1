"""Calls on their way: arguments pickled, code and large values in the bucket, named by place."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cellgraph.errors import ExecutorError, StoreError
from cellgraph.executor import Job
from cellgraph.result import Result, Stored
from cellgraph.scripting import ScriptFunction
from cellgraph.shell.outputs import local_targets
from cellgraph.stores.base import Store
from cellgraph.stores.s3.bundle import Place
from cellgraph.surroundings import on_record
from cellgraph_executors.packing import Packing
from cellgraph_executors.placing import Carried, carry
from cellgraph_executors.remote.manifest import CallEntry, Needs
from cellgraph_executors.remote.office import Office
from cellgraph_executors.shipping import Shipper


class Loader:
    """Packs calls for one executor. Threading: the sender's thread."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._shipper = Shipper(office.store)
        self._packing = Packing(office.store)
        self._without_files: set[bytes] = set()  # stored values that were looked into

    def pack(
        self, jobs: Sequence[Job]
    ) -> tuple[list[Job], list[CallEntry], list[tuple[Job, ExecutorError]]]:
        """Calls as they travel, and those that cannot, each with why."""
        office = self._office
        sendable: list[Job] = []
        entries: list[CallEntry] = []
        failed: list[tuple[Job, ExecutorError]] = []
        for job in jobs:
            digests: dict[bytes, None] = {}

            def lend(leaf: Result, digests: dict[bytes, None] = digests) -> object:
                leaf = self._carried(leaf)
                if isinstance(leaf, Carried):
                    digests.update(dict.fromkeys(leaf.blobs()))
                elif isinstance(leaf, Stored):
                    digests[leaf.blob] = None
                return leaf

            try:
                _check_outputs(job, office.store)
                arguments = self._packing.arguments(job, lend)
            except ExecutorError as error:
                failed.append((job, error))
                continue
            unknown = tuple([Place(digest, b"", 0, 0) for digest in digests])
            sendable.append(job)
            entries.append(CallEntry(job.key, arguments, unknown))
        try:
            if sendable:
                self._check_code(sendable[0])
        except ExecutorError as error:
            failed += [(job, error) for job in sendable]
            return [], [], failed
        office.store.flush()
        return sendable, entries, failed

    def _carried(self, leaf: Result) -> Result:
        """*leaf* with the files of this machine in it; a stored value is looked into once."""
        if isinstance(leaf, Stored) and leaf.blob in self._without_files:
            return leaf
        sent = carry(leaf, self._office.store)
        if sent is leaf and isinstance(leaf, Stored):
            self._without_files.add(leaf.blob)
        return sent

    def _check_code(self, job: Job) -> None:
        """The code of a call can travel, to where it runs. Raises ExecutorError."""
        self._shipper.code(job.function)
        place = self._office.place_of(job)
        known = None if place is None else on_record(self._office.store, place.name)
        if place is not None and known is not None:
            self._shipper.check_python(job.function, place.name, known[0].minor)

    def needs(self, job: Job) -> Needs:
        """What calls like *job* have to find where they run. Raises StoreError."""
        function = job.function
        place = self._office.place_of(job)
        if place is None:
            return Needs(packages=function.packages, counted=function.counted)
        unknown = on_record(self._office.store, place.name) is None
        return Needs(place.name, function.packages, function.counted, unknown)

    def code_place(self, job: Job) -> Place:
        """Where the code of a call is in the bucket. Raises S3Fault."""
        return self._place(self._shipper.code(job.function))

    def placed(self, entries: Sequence[CallEntry]) -> list[CallEntry]:
        """The entries with the places of their payloads. Raises S3Fault, StoreError."""
        known: dict[bytes, Place] = {}
        placed: list[CallEntry] = []
        for entry in entries:
            for unknown in entry.places:
                if unknown.digest not in known:
                    known[unknown.digest] = self._place(unknown.digest)
            places = tuple([known[unknown.digest] for unknown in entry.places])
            placed.append(msgspec.structs.replace(entry, places=places))
        return placed

    def _place(self, digest: bytes) -> Place:
        """Where a payload is in the bucket; it is put there if it is not."""
        office = self._office
        place = office.arrays.place(digest)
        if place is not None:
            return place
        payload = office.store.get_blob(digest)
        if payload is None:
            raise StoreError(
                f"the stored bytes of an argument are gone ({digest.hex()[:12]}): evaluate again"
            )
        return office.arrays.put_payload(payload)


def _check_outputs(job: Job, store: Store) -> None:
    """Raise ExecutorError for a script that would leave a file on a machine that goes away."""
    if not isinstance(job.function.func, ScriptFunction):
        return
    declared: Any = job.args[0]
    outputs: Any = declared.load(store) if isinstance(declared, Result) else declared
    targets = local_targets(outputs)
    if targets:
        raise ExecutorError(
            f"{job.function.name} writes {targets[0]}, a path of this machine, and runs on another "
            "one: give a relative path (kept in the store) or s3://"
        )
