"""Jobs under ``trust="signed"``: what is believed of a bucket to which an attacker can write."""

import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from tests.executors.batch.support.calls import crash, quick
from tests.executors.support.remote_lab import Watched

import cellgraph as cg
from cellgraph.errors import CallCancelled, ConfigError, OutcomeRefused, TaskError
from cellgraph.events import Notice, RemoteJobAdded
from cellgraph.stores import trusted
from cellgraph.stores.signing import Signer, shown
from cellgraph.testing.executor_lab import eventually, user_code
from cellgraph_executors.remote.flights import Pending
from cellgraph_executors.remote.outcome import Ended, Expression, Outcome, Raised, encode
from cellgraph_executors.remote.warrants import Hand, Keys

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed]

_CODE: Final = """
import time
from pathlib import Path
import numpy as np
import cellgraph as cg

@cg.task(executor="batch", packages="none")  # no job is to describe the image before
def held(i, gate, traces):
    (Path(traces) / f"ran-{i}-{time.time_ns()}").touch()
    while not Path(gate).exists():
        time.sleep(0.05)
    return np.arange(40_000) if i == 3 else 10 * i
"""
_ANN, _BEN, _EVE = (Signer(letter * 32) for letter in (b"a", b"b", b"e"))


class Bomb:
    """Makes a folder where it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self._canary),)


class Attacker:
    """Somebody who can write to the bucket, and sees what is in it."""

    def __init__(self, box: Any, uri: str, tmp: Path) -> None:
        self._s3 = box.client("s3")
        self.uri = uri
        self.bucket, _, self.prefix = uri.removeprefix("s3://").partition("/")
        self.canary = tmp / "canary"

    def names(self, folder: str) -> list[str]:
        found = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/{folder}")
        return [o["Key"].removeprefix(f"{self.prefix}/") for o in found.get("Contents", [])]

    def get(self, name: str) -> bytes:
        key = f"{self.prefix}/{name}"
        return bytes(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def put(self, name: str, data: bytes) -> None:
        self._s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}", Body=data)

    def delete(self, name: str) -> None:
        self._s3.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}")

    def array(self, but: str = "") -> str:
        """The one array in the bucket, besides another one."""
        found: list[str] = []

        def there() -> bool:
            found[:] = {name.split("/")[1] for name in self.names("arrays/")} - {but}
            return bool(found)

        eventually(there)
        (array,) = found
        return array

    def lies(self, child: int) -> list[bytes]:
        """Outcomes that run code where somebody unpickles what they hold."""
        bomb = pickle.dumps(Bomb(self.canary))
        raised = Raised(bomb, "", "ValueError", ("ValueError",), "boom", "")
        whats: list[Any] = [Expression(bomb), raised]
        calls = [(Ended(0, 1.0, 1.0, what),) for what in whats]
        return [encode(Outcome(child, 1, 1.0, 2.0, "", made)) for made in calls]


@pytest.fixture
def attacker(box: Any, uri: str, tmp_path: Path) -> Attacker:
    return Attacker(box, uri, tmp_path)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Signer, bytes], None]:
    """Be somebody, at a machine of one's own, who trusts another one."""

    def be(name: str, friend: Signer, secret: bytes) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name / "config"))
        if trusted.own_secret() is None:
            trusted.keep_secret(secret)
            trusted.trust_writer(shown(friend.public))

    be("ann", _BEN, b"a" * 32)
    return be


@pytest.fixture
def signing(box: Any, uri: str, person: object) -> Iterator[Callable[[], Watched]]:
    """Open a session that believes signatures; closed after the test."""
    sessions: list[cg.Session] = []

    def open_() -> Watched:
        section = {**box.batch, "poll_s": 0.2}
        sessions.append(cg.Session(store=uri, trust="signed", executors={"batch": section}))
        return Watched(sessions[-1])

    yield open_
    for session in sessions:
        session.close()


@pytest.fixture
def calls(tmp_path: Path) -> list[Any]:
    """Four calls that end when a gate is opened, the last one with a large value."""
    held = user_code(_CODE, "notebook_of_signed_calls")["held"]
    (tmp_path / "traces").mkdir()
    return [held(i, str(tmp_path / "gate"), str(tmp_path / "traces")) for i in range(4)]


def check(values: Any) -> None:
    assert list(values[:3]) == [0, 10, 20]
    np.testing.assert_array_equal(values[3], np.arange(40_000))


def ran(tmp_path: Path) -> list[int]:
    """How often each call ran."""
    found = Counter(path.name.split("-")[1] for path in (tmp_path / "traces").iterdir())
    return [found[str(i)] for i in range(4)]


def test_a_script_beside_the_worker_is_signed_for_and_is_not_told_the_key(
    signing: Callable[[], Watched],
) -> None:
    """The key is an argument of the worker's command, and what it makes is what it signs."""
    call = cg.script(
        """
        seq 99999 > "$all"
        tr '\\0' '\\n' < /proc/$PPID/cmdline | grep -c -e '--array-key' || :
        env | grep -c ARRAY_KEY || :
        """,
        outputs={"all": "all.txt", "text": "-"},
        executor="batch",
        image="an image of its own",
    )
    value = signing().session.evaluate(call)
    assert value["text"] == "0\n0\n"
    assert value["all"].size_bytes == 588_888


def test_a_forged_outcome_is_neither_read_nor_taken_for_an_end(
    box: Any,
    signing: Callable[[], Watched],
    person: Callable[..., None],
    attacker: Attacker,
    calls: list[Any],
    tmp_path: Path,
) -> None:
    """It is there before the children begin: they run all the same, and write over it."""
    box.faults.slow_runnable(1.0)
    watched = signing()
    run = watched.session.submit(calls)
    array = attacker.array()
    eve = Hand(b"e" * 32, array, 1, bytes(16))
    forged = [*attacker.lies(0), eve.signed("1", attacker.lies(1)[0]), b"", os.urandom(65)]
    for child, data in zip((0, 2, 1, 3, 3), forged, strict=True):
        attacker.put(f"arrays/{array}/out/{child}", data)
    for name in ("0-1", "4", "999999999999", "00", "-1", "²", "x"):
        attacker.put(f"arrays/{array}/out/{name}", attacker.lies(0)[0])
    eventually(lambda: ran(tmp_path) == [1, 1, 1, 1])
    eventually(lambda: any("was not signed by its job" in n.text for n in watched.of(Notice)))
    (tmp_path / "gate").touch()
    check(run.result())
    assert ran(tmp_path) == [1, 1, 1, 1]
    assert box.requests["batch", "SubmitJob"] == 1
    assert not attacker.canary.exists()
    watched.session.close()

    # somebody else believes what was made of it, the large value too; only those with a signature
    person("ben", _ANN, b"b" * 32)
    again = signing().session.submit(calls)
    check(again.result())
    assert again.counts.executed == 0
    # the private half of the array's key is nowhere in the bucket
    ended = box.client("batch").list_jobs(jobQueue=box.batch["queue"], jobStatus="SUCCEEDED")[
        "jobSummaryList"
    ]
    (job,) = [job for job in ended if job["jobName"].startswith("held-")][-1:]
    (told,) = box.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"]
    command = told["container"]["command"]
    secret = command[command.index("--array-key") + 1]
    for name in attacker.names(""):
        data = attacker.get(name)
        assert secret.encode() not in data
        assert bytes.fromhex(secret) not in data


def test_who_attaches_believes_nobody_else_either(
    box: Any,
    signing: Callable[[], Watched],
    person: Callable[..., None],
    attacker: Attacker,
    calls: list[Any],
    tmp_path: Path,
) -> None:
    """Outcomes are exchanged while no kernel runs; another person waits for the job."""
    first = signing()
    run = first.session.submit(calls)
    eventually(lambda: ran(tmp_path) == [1, 1, 1, 1])
    run.let_go()
    with pytest.raises(CallCancelled):
        run.result()
    first.session.close()
    (tmp_path / "gate").touch()
    array = attacker.array()
    out = f"arrays/{array}/out"
    eventually(lambda: len(attacker.names(out)) == 4)
    zero, one = (attacker.get(f"{out}/{i}") for i in range(2))
    attacker.put(f"{out}/0", one)
    attacker.put(f"{out}/1", zero)
    attacker.put(f"{out}/2", attacker.lies(2)[1])

    person("ben", _ANN, b"b" * 32)
    second = signing()
    check(second.session.evaluate(calls))
    assert sorted(added.attached for added in second.of(RemoteJobAdded)) == [False, True]
    assert ran(tmp_path) == [2, 2, 2, 1]
    # what another array said is refused as well, by its signature
    fresh = attacker.array(but=array)
    pending = Pending(fresh, "", "", "", "", bytes(64), 1, 1.0, 0.0)
    keys = Keys(attacker.uri, _BEN, frozenset({_ANN.public}))
    assert keys.outcome(pending, 0, "0", zero) is None
    assert not attacker.canary.exists()


@pytest.mark.slow
def test_children_of_several_calls_sign_for_all_of_them(
    box: Any, signing: Callable[[], Watched], person: Any
) -> None:
    person("ann", _BEN, b"a" * 32)
    session = signing().session
    packed = quick.options(calls_per_job=2)
    assert session.evaluate([packed(i) for i in range(4)]) == [0, 2, 4, 6]
    assert box.requests["batch", "SubmitJob"] == 1
    # what a child could not sign any more runs again, alone, with a key of its new job
    dies = crash.options(calls_per_job=2)
    values = session.evaluate([dies(i) for i in range(3)], fail="keep")
    assert [values[0], values[2]] == [0, 2]
    assert "exit code 3" in str(values[1].error)


@pytest.mark.slow
def test_jobs_on_record_that_nobody_signed_are_not_waited_for(
    box: Any,
    signing: Callable[[], Watched],
    attacker: Attacker,
    calls: list[Any],
    tmp_path: Path,
) -> None:
    first = signing()
    run = first.session.submit(calls[:2])
    eventually(lambda: ran(tmp_path) == [1, 1, 0, 0])
    run.let_go()
    first.session.close()
    array = attacker.array()
    real = attacker.get(f"pending/{array}")
    pending = msgspec.msgpack.decode(real, type=Pending)
    attacker.delete(f"pending/{array}")
    attacker.put("pending/copy", real)
    eve = Keys(attacker.uri, _EVE, frozenset({_EVE.public}))
    elsewhere = Keys("s3://other/place", _ANN, frozenset({_ANN.public}))
    lies: list[Callable[[Pending], Pending]] = [
        lambda p: p,
        lambda p: msgspec.structs.replace(p, seal=b""),
        lambda p: msgspec.structs.replace(p, key=_EVE.public),
        lambda p: msgspec.structs.replace(p, calls_per_child=0),
        eve.given,
        elsewhere.given,
    ]
    for i, lie in enumerate(lies):
        renamed = msgspec.structs.replace(pending, array=f"{array}{i}")
        attacker.put(f"pending/{array}{i}", msgspec.msgpack.encode(lie(renamed)))
    other_job = msgspec.structs.replace(pending, remote="another-job")
    attacker.put(f"pending/{array}", msgspec.msgpack.encode(other_job))
    attacker.put("pending/garbage", os.urandom(100))
    second = signing()
    assert second.session.jobs.list() == []
    again = second.session.submit(calls[:2])
    eventually(lambda: ran(tmp_path) == [2, 2, 0, 0])
    (tmp_path / "gate").touch()
    assert again.result() == [0, 10]
    assert [added.attached for added in second.of(RemoteJobAdded)] == [False]


@pytest.mark.slow
def test_a_job_whose_outcome_is_forged_each_time_fails_with_that_reason(
    box: Any, signing: Callable[[], Watched], attacker: Attacker, calls: list[Any], tmp_path: Path
) -> None:
    """Its child dies and says nothing, and the attacker speaks in its place."""
    box.faults.slow_runnable(0.7)
    box.faults.exit(1)
    run = signing().session.submit(calls[0])
    struck: set[str] = set()

    def strike() -> bool:
        for array in {name.split("/")[1] for name in attacker.names("arrays/")} - struck:
            attacker.put(f"arrays/{array}/out/0", attacker.lies(0)[0])
            struck.add(array)
        return run.wait(0.05)

    eventually(strike)
    with pytest.raises(TaskError, match="was not signed by its job: find out who else") as caught:
        run.result()
    assert type(caught.value.error) is OutcomeRefused
    assert len(struck) == 4
    assert not attacker.canary.exists()


def test_without_a_key_or_trust_nothing_leaves(
    box: Any, uri: str, signing: Callable[[], Watched], calls: list[Any]
) -> None:
    with pytest.raises(ConfigError, match="runs where your key is"):
        signing().session.submit(calls[0], on="batch")
    section = {**box.batch, "poll_s": 0.2}
    with (
        cg.Session(store=uri, trust="safe", executors={"batch": section}) as session,
        pytest.raises(ConfigError, match="pickles among it, which is not read from those"),
    ):
        session.evaluate(calls[0])
    (Path(os.environ["XDG_CONFIG_HOME"]) / "cellgraph" / "writer-key").unlink()
    with pytest.raises(ConfigError, match="cellgraph key --make"):
        signing().session.evaluate(calls[0])
    assert box.requests["batch", "SubmitJob"] == 0
