"""Jobs that a service has no room for: kept, cancelled in part, refused in the end."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.s3server import BUCKET, Fault, S3Server, point_at, serving

from cellgraph.digest import digest
from cellgraph.errors import CallCancelled, ExecutorError
from cellgraph.events import RemoteKind
from cellgraph.executor import Function, Job, JobFailed, JobsLeft, Remark, RemoteJob, Resources
from cellgraph.stores.policy import Policy
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.signing import Signer
from cellgraph.testing.executor_lab import CollectingHost, eventually, user_code
from cellgraph_executors.aws import Later, Refused
from cellgraph_executors.remote import holding, sender, watcher
from cellgraph_executors.remote.executor import Remote
from cellgraph_executors.remote.flights import Pending
from cellgraph_executors.remote.office import SharedStore, Terms
from cellgraph_executors.remote.states import Fact, LastWords, Seen

CALM = Pace(flush_s=3600, refresh_s=0)
FUNCTIONS = user_code("def same(x): return x", "notebook_of_waiting_calls")


class Crowded:
    """A service that takes jobs when it is told to; what it has taken runs until it is stopped."""

    at_once = 100
    resends = 0

    def __init__(self) -> None:
        self.fault: Exception | None = Later("no room")
        self.asked: list[str] = []
        self.taken: list[str] = []
        self.stopped: list[str] = []
        self.looks = 0
        self.lingers = False  # what is stopped does not end yet

    def vcpus(self, job: Job) -> float:
        return 1.0

    def check(self, job: Job) -> None:
        pass

    def line(self, job: Job) -> str:
        return str(job.resources.memory_gib or "any")

    def kind(self, children: int) -> RemoteKind:
        return "job"

    def request(self, pending: Pending, job: Job, command: Sequence[str], children: int) -> Any:
        return pending.name

    def submit(self, request: Any) -> str:
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        self.taken.append(request)
        return f"id-{request}"

    def find(self, line: str, name: str) -> str:
        return f"id-{name}" if name in self.taken else ""

    def describe(self, ids: Sequence[str]) -> Mapping[str, tuple[Seen, Fact]]:
        self.looks += 1
        return {i: self._said(i) for i in ids}

    def _said(self, job: str) -> tuple[Seen, Fact]:
        if job in self.stopped and not self.lingers:
            return Seen("failed", 0, 0, 0, 1, "stopped"), Fact(0, -1, "stopped", "", 1, 2, job)
        return Seen("", 0, 1, 0, 0, ""), Fact(0, -1, "", "", 1, 0, job)

    def children(self, job: str, status: str) -> Iterator[list[Fact]]:
        yield from ()

    def log_tail(self, job: str) -> LastWords:
        return LastWords()

    def cause(self, task: str, fact: Fact, log: str) -> ExecutorError:
        return CallCancelled(fact.reason)

    def terminate(self, job: str, reason: str) -> None:
        self.stopped.append(job)

    def renew(self) -> None: ...

    def renewal(self) -> str:
        return ""


class There(Remote):
    """An executor of a crowded service."""

    def __init__(self, service: Crowded) -> None:
        super().__init__(Terms("there", 0.05, 0.0), 0.01, 100)
        self.service = service

    def _service(self, store: SharedStore) -> Crowded:
        return self.service

    def surroundings(self, extra: Mapping[str, object], *, script: bool = False) -> None:
        """Its calls run with the packages of here."""

    def check_options(self, extra: Mapping[str, object]) -> None: ...


class Kernel:
    """An executor, and who listens to it."""

    def __init__(self, uri: str, home: Path, service: Crowded) -> None:
        signer = Signer(b"s" * 32)
        policy = Policy("signed", writers=frozenset([signer.public]), signer=signer)
        self.store = S3Store(uri, cache=home, pace=CALM, policy=policy)
        self.host = CollectingHost(self.store)
        self.executor = There(service)
        self.executor.start(self.host)

    def submit(self, *jobs: Job) -> None:
        """Send jobs now."""
        self.executor.submit(jobs)
        self.executor.flush()

    def booked(self) -> list[RemoteJob]:
        """The jobs on record that others believe."""
        return self.executor.desk.listed()

    def error(self, job_id: int) -> ExecutorError:
        """Why a job failed."""
        answer = self.host.wait([job_id], 30)[job_id]
        assert isinstance(answer, JobFailed)
        assert isinstance(answer.error, ExecutorError)
        return answer.error

    def close(self) -> None:
        self.executor.close()
        self.store.close()


def call(job_id: int, x: int, line: float = 0) -> Job:
    """A call of the user's function; equal *x* is an equal call."""
    function = Function("same", FUNCTIONS["same"], digest(b"same"))
    key = digest(b"%d" % x)
    return Job(job_id, function, (x,), {}, Resources(memory_gib=line), None, key)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(
    shared_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[S3Server]:
    point_at(shared_server, monkeypatch, tmp_path)
    yield shared_server
    shared_server.fault = lambda method, path: None


@pytest.fixture
def service() -> Crowded:
    return Crowded()


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A store that is empty."""
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def kernel(
    server: S3Server,
    service: Crowded,
    tmp_path: Path,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Kernel]:
    monkeypatch.setattr(holding, "PAUSES_S", (0.3,))
    made = Kernel(uri, tmp_path / "tier", service)
    yield made
    made.close()


def test_what_waits_for_room_renews_its_booking(
    kernel: Kernel, service: Crowded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a line, not the first of it alone: others take what is not renewed for dead."""
    monkeypatch.setattr(sender, "_RENEWED_S", 0.0)
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    kernel.submit(call(2, 2))
    eventually(lambda: len(kernel.booked()) == 2)
    before = max(job.created for job in kernel.booked())
    eventually(lambda: min(job.created for job in kernel.booked()) > before)
    service.fault = None
    eventually(lambda: all(job.id for job in kernel.booked()))
    assert len(set(service.taken)) == len(service.taken) == 2


def test_a_kernel_that_closes_says_what_was_not_submitted(kernel: Kernel, service: Crowded) -> None:
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    kernel.executor.let_go([1])
    assert "when there is room" in str(kernel.error(1))
    kernel.submit(call(2, 2, line=4))
    eventually(lambda: len(set(service.asked)) == 2)
    kernel.executor.close()
    assert "not known to be submitted" in str(kernel.error(2))


@pytest.mark.parametrize("first", ["other", "cancelled"])
def test_what_is_wanted_is_not_stopped_when_another_is_cancelled(
    kernel: Kernel, service: Crowded, first: str
) -> None:
    """Two runs in one job; and a run that comes when the job was cancelled already."""
    if first == "other":
        kernel.submit(call(1, 1), call(2, 2))
        eventually(lambda: len(service.asked) == 1)
        kernel.executor.cancel([1])
    else:
        kernel.submit(call(1, 1))
        eventually(lambda: len(service.asked) == 1)
        kernel.executor.cancel([1])
        kernel.submit(call(2, 1))
        eventually(lambda: kernel.executor.gathered() == 0)
        times = len(service.asked)
        eventually(lambda: len(service.asked) > times)  # the same thread has met the call before
    assert isinstance(kernel.error(1), CallCancelled)
    service.fault = None
    eventually(lambda: len(service.taken) == 1)
    eventually(lambda: service.looks > 0)  # whatever is to be stopped was stopped before
    assert (service.stopped, len(kernel.host.answers())) == ([], 1)


def test_who_comes_while_a_job_is_being_stopped_has_another_one(
    kernel: Kernel, service: Crowded
) -> None:
    """To end may take a job half a minute; evaluating again meanwhile is no reason to fail."""
    service.fault, service.lingers = None, True
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.taken) == 1)
    eventually(lambda: bool(kernel.booked()[0].id))
    kernel.executor.cancel([1])
    eventually(lambda: len(service.stopped) == 1)
    kernel.submit(call(2, 1))
    eventually(lambda: any(isinstance(e, JobsLeft) and 2 in e.jobs for e in kernel.host.events))
    service.lingers = False
    eventually(lambda: len(service.taken) == 2)
    assert [answer.id for answer in kernel.host.answers()] == [1]


def test_two_kernels_that_come_at_once_send_one_job(
    kernel: Kernel,
    service: Crowded,
    tmp_path: Path,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has looked before the other was there to be seen; the earlier name is that of the one
    that is put on record last."""
    names = iter([b"\x00" * 5, b"\xff" * 5])

    def drawn(size: int) -> bytes:
        return next(names)

    def said(*when: object) -> str:
        return "20261128"

    monkeypatch.setattr(sender, "os", SimpleNamespace(urandom=drawn))
    second = SimpleNamespace(strftime=said, gmtime=time.gmtime, time=time.time)
    monkeypatch.setattr(sender, "time", second)
    looked, submits = Event(), Event()
    prepared: list[str] = []
    request, submit = service.request, service.submit

    def held_request(pending: Pending, *rest: Any) -> Any:
        prepared.append(pending.array)
        assert pending.array.endswith("ff") or looked.wait(60)
        return request(pending, *rest)

    def held_submit(name: str) -> str:
        service.asked.append(name)
        assert submits.wait(60)
        return submit(name)

    monkeypatch.setattr(service, "request", held_request)
    monkeypatch.setattr(service, "submit", held_submit)
    service.fault = None
    other = Kernel(uri, tmp_path / "other", service)
    try:
        other.submit(call(2, 1))
        eventually(lambda: len(prepared) == 1)
        kernel.submit(call(1, 1))
        eventually(lambda: len(service.asked) == 1)
        looked.set()
        eventually(lambda: len(kernel.booked()) == 2)
        submits.set()
        eventually(lambda: any(isinstance(e, JobsLeft) and 2 in e.jobs for e in other.host.events))
        assert len(service.taken) == 1
    finally:
        other.close()


def test_what_nobody_wants_any_more_is_not_submitted(kernel: Kernel, service: Crowded) -> None:
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    kernel.executor.cancel([1])
    service.fault = None
    eventually(lambda: not kernel.booked())
    assert service.taken == []


def denied(action: str) -> Fault:
    """A role that may do everything but this to what is on record."""

    def fault(method: str, path: str) -> tuple[int, str] | None:
        put = method == "PUT" and "/pending/" in path
        deleted = method == "POST" and "delete" in path
        return (403, "AccessDenied") if {"put": put, "delete": deleted}[action] else None

    return fault


def test_the_sender_outlives_what_a_bucket_refuses(
    kernel: Kernel, service: Crowded, server: S3Server
) -> None:
    """A run that is refused in the end fails; the next of its line, and later ones, are sent."""
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    server.fault = denied("delete")
    service.fault = Refused("no such queue")
    assert "was not accepted: no such queue" in str(kernel.error(1))
    service.fault = Later("no room")
    kernel.submit(call(2, 2))
    eventually(lambda: len(set(service.asked)) == 2)
    kernel.executor.cancel([2])
    service.fault = None
    kernel.submit(call(3, 3))
    eventually(lambda: len(service.taken) == 1)
    assert service.taken == service.asked[-1:]


def test_a_job_that_cannot_be_put_on_record_is_submitted_once(
    kernel: Kernel, service: Crowded, server: S3Server
) -> None:
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    server.fault = denied("put")
    service.fault = None
    eventually(lambda: service.looks > 0)
    said = [event.text for event in kernel.host.events if isinstance(event, Remark)]
    assert any("cannot be put on record" in text for text in said)
    kernel.submit(call(2, 2))
    assert "AccessDenied" in str(kernel.error(2))  # nothing can be booked
    server.fault = lambda method, path: None
    kernel.submit(call(3, 3))
    eventually(lambda: len(service.taken) == 2)
    assert len(set(service.taken)) == 2


def test_calls_of_a_job_fail_when_submitting_it_does(kernel: Kernel, service: Crowded) -> None:
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    service.fault = ValueError("a fault of ours")
    assert "a fault of ours" in str(kernel.error(1))
    service.fault = None
    kernel.submit(call(2, 1))
    eventually(lambda: len(service.taken) == 1)


def test_what_a_dead_kernel_booked_is_sent_though_its_booking_cannot_be_deleted(
    kernel: Kernel,
    service: Crowded,
    server: S3Server,
    tmp_path: Path,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel.submit(call(1, 1))
    eventually(lambda: len(service.asked) == 1)
    kernel.executor.close()
    service.fault = None
    server.fault = denied("delete")
    monkeypatch.setattr(watcher, "_UNSUBMITTED_S", 0.0)
    other = Kernel(uri, tmp_path / "other", service)
    try:
        other.submit(call(1, 1))
        eventually(lambda: len(service.taken) == 1)
        assert service.taken != service.asked[:1] and not other.host.answers()
    finally:
        other.close()
