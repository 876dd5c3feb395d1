"""Calls in worker processes: pure Python on all cores, C code that can be stopped, crashes that
cost one call."""

import shutil
import signal
import tempfile
import threading
import time
import weakref
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cellgraph.errors import CallTimeout, ExecutorError, HostLost, OutOfMemory
from cellgraph.executor import Job, JobDone, JobFailed
from cellgraph_executors.crew import Crew
from cellgraph_executors.logs import LogFiles
from cellgraph_executors.machine import Machine
from cellgraph_executors.memory import OomWatch, resident_gib
from cellgraph_executors.parcels import Gone, Parcel, Request, Surroundings
from cellgraph_executors.settings import reject_unknown, workers_setting
from cellgraph_executors.workers import Worker

if TYPE_CHECKING:  # pebble and cloudpickle are loaded by the first call
    from pebble import ProcessFuture

    from cellgraph_executors.courier import Courier
    from cellgraph_executors.spawning import Child

# A call that takes longer is looked after: its text is read, its time checked.
_FIRST_LOOK_S: Final = 0.005
_LOOK_S: Final = 0.1
# A worker forgets all functions when it has seen so many.
_MAX_CODES: Final = 256


class Place:
    """A worker process and what it has been told."""

    def __init__(self, child: "Child", modules: dict[str, tuple[int, int]]) -> None:
        self.child = child
        self.modules = modules
        self.codes: set[bytes] = set()
        self.surroundings: Surroundings | None = None
        self.peak_gib = 0.0


class ProcessWorker(Worker):
    """A thread that has a process run its calls."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.place: Place | None = None  # none before the first call and after a death
        self.logs: LogFiles | None = None
        self.oom: OomWatch | None = None  # none while the call is too young to be looked at
        self.future: ProcessFuture[Parcel] | None = None  # of the call that runs
        self.halted = False


class ProcessExecutor(Crew[ProcessWorker]):
    """Runs calls in worker processes of this machine, started when they are needed.

    Settings: `workers`, how many processes (default: one per vCPU); `machine`, the admission shared
    with other executors of this process; `name`.

    Functions of notebooks and scripts travel by value, those of modules are imported. A process
    that dies takes one call with it; a cancelled call's process is ended.
    """

    SETTINGS: ClassVar = ("workers", "machine", "name")

    def __init__(
        self,
        *,
        workers: int | None = None,
        machine: Machine | None = None,
        name: str = "process",
        **unknown: Any,
    ) -> None:
        reject_unknown(name, unknown, self.SETTINGS)
        asked = workers_setting(name, workers)
        machine = machine or Machine(vcpus=asked)
        super().__init__(
            name,
            workers=asked or max(1, int(machine.vcpus)),
            machine=machine,
            scale=min(1.0, machine.vcpus / asked) if asked else 1.0,
        )
        self._opening = threading.Lock()
        self._office: tuple[Path, Courier] | None = None  # opened by the first call

    @property
    def folder(self) -> Path | None:
        """Where logs and large parcels lie; None before the first call and after the end."""
        with self._opening:
            return None if self._office is None else self._office[0]

    def close(self) -> None:
        """See `cellgraph.executor.Executor`. Ends the processes."""
        super().close()
        with self._opening:
            if self._office is not None:
                shutil.rmtree(self._office[0], ignore_errors=True)
                self._office = None

    # --- the crew's questions ---

    def _hire(self) -> ProcessWorker:
        return ProcessWorker(self._hired)

    def _wanted(self, jobs: int) -> int:
        return jobs

    def _depart(self, worker: ProcessWorker) -> None:
        self._end(worker)

    def _halt(self, worker: ProcessWorker, job: Job) -> None:
        worker.halted = True
        future = worker.future
        if future is not None:
            future.cancel()  # type: ignore[no-untyped-call]  # pebble annotates it in part

    def _after_halt(self, worker: ProcessWorker, event: JobDone | JobFailed) -> None:
        worker.halted = False

    # --- one call ---

    def _perform(self, worker: ProcessWorker, job: Job) -> JobDone | JobFailed:
        courier = self._open()[1]
        try:
            place, request = self._prepare(worker, job, courier)
        except ExecutorError as error:
            return self._failed(worker, job, error)
        try:
            answer = self._answer(worker, job, place, request)
        except CancelledError:
            self._end(worker)
            return self._failed(worker, job, HostLost("its process was ended"))
        except Gone as gone:
            return self._lost(worker, job, gone.exitcode)
        worker.events.extend(self._logs(worker).read(job.id, final=True))
        return courier.event(job, answer)

    def _prepare(
        self, worker: ProcessWorker, job: Job, courier: "Courier"
    ) -> "tuple[Place, Request]":
        """Pack the call and have a process ready for it. Raises ExecutorError."""
        from cellgraph_executors.courier import surroundings

        code = courier.code(job.function)
        arguments = courier.arguments(job)
        place = self._place_for(worker, code.id)
        logs = self._logs(worker)
        logs.next_call()
        around = surroundings()
        request = Request(
            job_id=job.id,
            name=job.function.name,
            code_id=code.id,
            code=None if code.id in place.codes else code,
            arguments=arguments,
            vcpus=job.resources.vcpus,
            logs=logs.path,
            surroundings=None if around == place.surroundings else around,
            roots=job.roots,
        )
        place.codes.add(code.id)
        place.surroundings = around
        return place, request

    def _place_for(self, worker: ProcessWorker, code_id: bytes) -> Place:
        """The worker's process: a new one if there is none, or a module it imports has changed."""
        from cellgraph_executors.courier import user_modules

        place = worker.place
        if place is not None and code_id in place.codes and place.child.alive():
            return place
        modules = user_modules()
        if place is not None:
            stale = any(modules.get(name, file) != file for name, file in place.modules.items())
            if not stale and len(place.codes) < _MAX_CODES and place.child.alive():
                place.modules = {**modules, **place.modules}
                return place
            self._end(worker)
        worker.place = Place(self._start_child(), modules)
        return worker.place

    def _start_child(self) -> "Child":
        from cellgraph_executors.child import Setup, set_up
        from cellgraph_executors.lending import lent
        from cellgraph_executors.spawning import Child

        return Child(set_up, Setup(str(self._open()[0]), lent(self._host.store)))

    def _answer(self, worker: ProcessWorker, job: Job, place: Place, request: "Request") -> Parcel:
        """Send the call and look after it until it is answered. Raises CancelledError, Gone."""
        from cellgraph_executors.child import run

        timeout_s = job.resources.timeout_s
        limit = None if timeout_s is None else time.monotonic() + timeout_s
        worker.oom = None
        worker.future = future = place.child.send(run, request)
        pause = _FIRST_LOOK_S
        try:
            if worker.halted:  # before there was a future to cancel
                raise CancelledError
            while True:
                left = pause if limit is None else min(pause, limit - time.monotonic())
                try:
                    return place.child.wait(future, max(0.0, left))
                except TimeoutError:
                    pause = _LOOK_S
                self._look(worker, job, place)
                if limit is not None and time.monotonic() >= limit:
                    text = f"{request.name} ran longer than timeout_s={timeout_s:g}"
                    if self._claim(worker, job, CallTimeout(text)):
                        raise CancelledError
                    limit = None
        finally:
            worker.future = None

    def _look(self, worker: ProcessWorker, job: Job, place: Place) -> None:
        worker.events.extend(self._logs(worker).read(job.id))
        self._flush(worker)
        if worker.oom is None:
            worker.oom = OomWatch()
        worker.oom.note()
        place.peak_gib = max(place.peak_gib, resident_gib(place.child.pid))

    def _lost(self, worker: ProcessWorker, job: Job, exitcode: int) -> JobFailed:
        """The process has died in the middle of the call."""
        worker.events.extend(self._logs(worker).read(job.id, final=True))
        peak = worker.place.peak_gib if worker.place is not None else 0.0
        self._end(worker)
        name, used = job.function.name, f" It held {peak:.1f} GiB." if peak else ""
        oom = worker.oom
        if exitcode == -signal.SIGKILL and oom is not None and oom.struck():
            return self._failed(
                worker,
                job,
                OutOfMemory(
                    f"{name}: the system ran out of memory and killed its process.{used} Give "
                    "memory_gib= what one call needs, so that fewer run at once"
                ),
            )
        how = f"exit code {exitcode}" if exitcode >= 0 else f"killed by {_signal_name(-exitcode)}"
        return self._failed(worker, job, HostLost(f"{name}: its process ended ({how}).{used}"))

    def _failed(self, worker: ProcessWorker, job: Job, error: ExecutorError) -> JobFailed:
        return JobFailed(job.id, worker.began, max(0.0, time.time() - worker.began), error, "")

    # --- what is kept between calls ---

    def _open(self) -> "tuple[Path, Courier]":
        """The folder and the courier of this executor."""
        with self._opening:
            if self._office is None:
                from cellgraph_executors.courier import Courier

                folder = Path(tempfile.mkdtemp(prefix="cellgraph-"))
                # for those who end the interpreter without closing
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
                self._office = folder, Courier(self._host.store, folder)
            return self._office

    def _logs(self, worker: ProcessWorker) -> LogFiles:
        if worker.logs is None:
            worker.logs = LogFiles(self._open()[0], worker.number)
        return worker.logs

    def _end(self, worker: ProcessWorker) -> None:
        """End the worker's process, if it has one."""
        place, worker.place = worker.place, None
        if place is not None:
            place.child.end()
        logs, worker.logs = worker.logs, None
        if logs is not None:
            logs.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
