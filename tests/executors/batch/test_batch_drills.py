"""Kernels that are killed or stopped, and what the next one finds."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.support.calls import chain

import cellgraph as cg
from cellgraph.testing.executor_lab import eventually

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow, pytest.mark.alone]

_CHILDREN = 300
_KILLS = 10
_CALLS = Path(__file__).parent / "support" / "calls.py"
# What a notebook does; the tasks are those of the test, which no worker can import.
_KERNEL = """
import runpy, sys
import cellgraph as cg
made = runpy.run_path({calls!r})
chain, quick, slow = made["chain"], made["quick"], made["slow"]
what, uri, traces, gate, count = sys.argv[1:]
executors = {"batch": {"queue": "sandbox", "image": "sandbox/python", "poll_s": 0.5}}
session = cg.Session(store=uri, executors=executors)
print("ready", flush=True)
if what == "fan":
    value = session.evaluate([quick(i, traces) for i in range(int(count))])
elif what == "wait":
    value = session.evaluate([slow(i, gate, traces) for i in range(int(count))])
else:
    value = session.submit(chain(int(count), gate, traces), on="batch").result()
print("value", value, flush=True)
session.close()
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with cg.sandbox(vcpus=4, warm=()) as box:
        yield box


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start a kernel; killed after the test if it still runs."""
    script = tmp_path / "kernel.py"
    script.write_text(_KERNEL.replace("{calls!r}", repr(str(_CALLS))))
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
        words = [sys.executable, str(script), *(str(a) for a in arguments)]
        env = {**os.environ, **environment}
        made = subprocess.Popen(words, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        started.append(made)
        return made

    yield start
    for process in started:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """SIGKILL, as the out-of-memory killer or an impatient person would."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


def runs(traces: Path) -> Counter[str]:
    """How often each call ran."""
    return Counter(path.name.split("-")[1] for path in traces.iterdir())


@pytest.mark.timeout(3_600)
def test_a_kernel_killed_at_random_moments_of_an_array(
    box: Any, uri: str, kernel: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """Ten times over the life of one array: no child's work is done again, nothing is lost."""
    traces = tmp_path / "traces"
    traces.mkdir()
    chance = random.Random(20)
    arguments = ("fan", uri, traces, "-", _CHILDREN)
    for kill in range(_KILLS):
        process = kernel(*arguments)
        assert next(lines(process)) == "ready\n"
        # from before the submission to late in the array
        time.sleep(chance.uniform(0, 4) if kill < 4 else chance.uniform(2, 15))
        end(process)
    process = kernel(*arguments)
    said = list(lines(process))
    assert said == ["ready\n", f"value {[2 * i for i in range(_CHILDREN)]}\n"]
    assert runs(traces) == {str(i): 1 for i in range(_CHILDREN)}
    print("submissions:", box.requests["batch", "SubmitJob"])


@pytest.mark.timeout(900)
def test_a_run_on_batch_outlives_its_kernel(
    box: Any,
    uri: str,
    kernel: Callable[..., "subprocess.Popen[str]"],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed in the first of three stages: the others run, and a new kernel reads the value."""
    traces, gate = tmp_path / "traces", tmp_path / "gate"
    traces.mkdir()
    process = kernel("chain", uri, traces, gate, 3)
    eventually(lambda: sum(p.name.startswith("began") for p in traces.iterdir()) == 3, 300)
    end(process)
    gate.touch()
    batch = box.client("batch")
    everything = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]

    def head_is_over() -> bool:
        listed = batch.list_jobs(jobQueue="sandbox", filters=everything)["jobSummaryList"]
        return [j["status"] for j in listed if j["jobName"].startswith("reduce-")] == ["SUCCEEDED"]

    eventually(head_is_over, 300)
    before = runs(traces)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    box.forget_requests()
    with cg.Session(store=uri, executors={"batch": box.batch}) as session:
        run = session.submit(chain(3, str(gate), str(traces)))
        assert run.result() == 6
        assert run.counts.executed == 0
    assert runs(traces) == before
    assert box.requests["batch", "SubmitJob"] == 0
    assert set(before.values()) == {1}


@pytest.mark.timeout(900)
def test_stopped_for_minutes_while_the_token_expires(
    box: Any, uri: str, kernel: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """A laptop that was closed: jobs end meanwhile, and credentials; it goes on with new ones."""
    traces, gate = tmp_path / "traces", tmp_path / "gate"
    traces.mkdir()
    credentials = tmp_path / "credentials"

    def write(key: str) -> None:
        text = f"[default]\naws_access_key_id={key}\naws_secret_access_key=s\n"
        credentials.write_text(text + "aws_session_token=t\n")

    write(os.environ["AWS_ACCESS_KEY_ID"])
    own = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.delenv(name)
        process = kernel("wait", uri, traces, gate, 3, **own)
    eventually(lambda: len(list(traces.iterdir())) == 3, 300)
    process.send_signal(signal.SIGSTOP)
    box.faults.expire_credentials()
    gate.touch()
    time.sleep(120)
    process.send_signal(signal.SIGCONT)
    time.sleep(15)
    assert process.poll() is None  # it waits for credentials, and has given nothing up
    box.faults.renew_credentials()
    write(box.faults.key())
    assert list(lines(process)) == ["ready\n", "value [0, 1, 2]\n"]
    assert runs(traces) == {"0": 1, "1": 1, "2": 1}
