"""The actions of Glue that are about jobs."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cellgraph_executors.sandbox.glue import limits
from cellgraph_executors.sandbox.glue.engine import GlueEngine
from cellgraph_executors.sandbox.glue.jobs import Definitions, invalid, paged
from cellgraph_executors.sandbox.glue.requests import read_start
from cellgraph_executors.sandbox.glue.views import shown
from cellgraph_executors.sandbox.wire import Handler, Request, ServiceError


class Runs:
    """Handlers by action."""

    def __init__(self, engine: GlueEngine, definitions: Definitions) -> None:
        self._engine = engine
        self._definitions = definitions

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return {
            "CreateJob": self._definitions.create,
            "UpdateJob": self._definitions.update,
            "GetJob": self._definitions.get,
            "GetJobs": self._definitions.get_all,
            "ListJobs": self._definitions.names,
            "DeleteJob": self._definitions.delete,
            "StartJobRun": self._start,
            "GetJobRun": self._get,
            "GetJobRuns": self._get_all,
            "BatchStopJobRun": self._stop,
        }

    def _start(self, request: Request) -> Mapping[str, Any]:
        job = self._definitions.find(request.parameters["JobName"])
        run = f"jr_{secrets.token_hex(32)}"
        spec = read_start(request, job, run, int(time.time() * 1000))
        most = int(job.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1))
        self._engine.start(spec, most)
        return {"JobRunId": run}

    def _get(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        found = self._engine.find(said["JobName"], said["RunId"])
        if found is None:
            raise ServiceError(
                "EntityNotFoundException", f"JobRun {said['RunId']} of {said['JobName']} not found"
            )
        return {"JobRun": shown(*found)}

    def _get_all(self, request: Request) -> Mapping[str, Any]:
        name: str = request.parameters["JobName"]
        found = [shown(*run) for run in self._engine.of(name)]
        if not found:
            self._definitions.find(name)
        return paged("JobRuns", found, request, limits.RUNS_LISTED)

    def _stop(self, request: Request) -> Mapping[str, Any]:
        """Each run is answered for by itself."""
        name: str = request.parameters["JobName"]
        ids: Sequence[str] = request.parameters["JobRunIds"]
        if not 1 <= len(ids) <= limits.STOPPED_AT_ONCE:
            raise invalid(f"JobRunIds must hold 1 to {limits.STOPPED_AT_ONCE} ids: {len(ids)}")
        done: list[Mapping[str, str]] = []
        errors: list[Mapping[str, Any]] = []
        for run in ids:
            named = {"JobName": name, "JobRunId": run}
            try:
                self._engine.stop(name, run)
                done.append(named)
            except ServiceError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({**named, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": done, "Errors": errors}
