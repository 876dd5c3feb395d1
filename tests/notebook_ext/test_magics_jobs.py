"""`%jobs` over the wire: an array that goes on is listed, read, attached, ended and run again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notebook_ext.support.shell_lab import ShellLab, notebook

import cellgraph as cg
from cellgraph.events import CallFailed, Event

pytestmark = pytest.mark.aws

CELL = """%%task --executor batch
import time
def wait(n, seconds):
    print("child", n, "waits", seconds)
    time.sleep(seconds)
    return n
"""
FAR = """%%task
def far(seconds):
    cg.progress(3, 12, "chromosome 3")
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShellLab]:
    with cg.sandbox(vcpus=4, warm=()) as box, notebook(tmp_path_factory.mktemp("jobs")) as lab:
        lab.ok("%load_ext cellgraph")
        executors = {"batch": {**box.batch, "poll_s": 1.0}, "glue": {**box.glue, "poll_s": 1.0}}
        lab.shell.user_ns["executors"] = executors
        lab.shell.user_ns["box"] = box
        lab.ok("import cellgraph as cg")
        lab.ok(f"cg.configure(store={box.store!r}, executors=executors)")
        lab.ok(CELL)
        lab.ok(FAR)
        yield lab
        lab.ok("cg.current_session().close()")


def listed(lab: ShellLab) -> list[tuple[str, ...]]:
    return list(lab.ok("%jobs").value.rows)


def test_jobs_from_submission_to_their_end(lab: ShellLab) -> None:
    assert repr(lab.ok("%jobs").value) == "nothing runs on other machines"
    lab.ok("run = %evaluate --bg [wait(n, 600) for n in range(3)]")
    lab.ok("import time\nwhile not cg.current_session().jobs.list(): time.sleep(0.1)")
    lab.ok("while cg.current_session().jobs.list()[0].running < 3: time.sleep(0.1)")
    ((job, task, what, executor, status, children, *_),) = listed(lab)
    assert (task, executor, status) == ("wait", "batch", "running")
    assert what == "AWS Batch array, 3 calls"
    assert children == "3 running"

    lab.ok(f"while 'waits' not in cg.current_session().jobs.log({job!r}, 2): time.sleep(0.1)")
    assert lab.ok(f"%jobs logs {job[:6]}:2").out == "child 2 waits 600\n"
    assert "is being ended" in lab.ok(f"%jobs cancel {job[:6]}").out
    lab.ok("run.wait()")
    assert lab["run"].status == "failed"
    lab.ok("run = None")


def test_attaching_says_how_a_job_is_doing_until_it_is_over(lab: ShellLab) -> None:
    lab.ok("run = %evaluate --bg wait(7, 2)")
    lab.ok("open = lambda: [j for j in cg.current_session().jobs.list() if j.status != 'failed']")
    lab.ok("while not open() or not open()[-1].id: time.sleep(0.1)")
    job = listed(lab)[0][0]  # newest first
    said = lab.ok(f"%jobs attach {job[:6]}").out
    assert said.startswith("wait · AWS Batch job · ")
    assert "over" in said.splitlines()[-1]
    assert lab.ok("run.result()").value == 7


def test_the_reducer_runs_there(lab: ShellLab) -> None:
    """Two stages: both are jobs of the head's own, and the kernel has sent one."""
    lab.ok("inner = cg.evaluate(wait(3, 0))")
    lab["box"].forget_requests()
    assert lab.ok("%evaluate --on batch [wait(wait(4, 0) + 1, 0), wait(3, 0)]").value == [5, 3]
    assert lab["box"].requests["batch", "SubmitJob"] == 1
    assert lab["box"].job_requests["batch", "SubmitJob"] == 2
    assert "on this machine" in lab.run("%evaluate --on thread wait(5, 0)").red_line
    stopped = lab.run("%evaluate --on batch --max-remote-calls 0 wait(6, 0)")
    assert "max_remote_calls" in stopped.out + stopped.err + str(stopped.error)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%jobs logs nosuch", "no job nosuch is on record"),
        ("%jobs stop 12", "takes attach, cancel, logs, run-again"),
        ("%jobs logs x:y", "expected ID:CHILD"),
        ("%jobs run-again nosuch", "no %evaluate of this kernel has sent nosuch"),
    ],
)
def test_wrong_use_is_one_red_line(lab: ShellLab, line: str, said: str) -> None:
    assert said in lab.run(line).red_line


def test_what_sent_a_job_is_evaluated_again_and_only_what_failed_runs(lab: ShellLab) -> None:
    lab["gate"] = str(lab.folder / "gate")
    lab.ok(
        "%%task --executor batch\n"
        "from pathlib import Path\n"
        "def gated(n, gate):\n"
        "    Path(f'{gate}-ran-{n}').open('a').write('x')\n"
        "    assert n != 1 or Path(gate).exists(), 'closed'\n"
        "    return n"
    )
    sent: list[str] = []
    lab["sent"] = sent
    lab.ok(
        "from cellgraph.events import RemoteJobAdded\n"
        "hear = lambda e: sent.append(e.job) if type(e) is RemoteJobAdded else None\n"
        "stop = cg.current_session().bus.subscribe(hear)"
    )
    assert lab.run("%evaluate [gated(n, gate) for n in range(3)]").error is not None
    Path(lab["gate"]).touch()
    assert lab.ok(f"%jobs run-again {sent[0][:8]}").value == [0, 1, 2]
    ran = [Path(f"{lab['gate']}-ran-{n}").read_text() for n in range(3)]
    assert ran == ["x", "xx", "x"]


def test_a_run_is_repeated_in_its_cell_when_its_view_was_asked_to(lab: ShellLab) -> None:
    lab["gate"] = str(lab.folder / "repeated")
    session = lab.ok("cg.current_session()").value
    kernel = session.presenter
    answers: list[bool] = []

    def press(event: Event) -> None:
        if type(event) is CallFailed:
            answers.append(kernel.repeat(event.run))
            Path(lab["gate"]).touch()

    unsubscribe = session.bus.subscribe(press)
    try:
        assert lab.ok("%evaluate [gated(n, gate) for n in range(3)]").value == [0, 1, 2]
    finally:
        unsubscribe()
    assert answers == [True]
    assert [Path(f"{lab['gate']}-ran-{n}").read_text() for n in range(3)] == ["x", "xx", "x"]
    assert not kernel.repeat(kernel.last_run.id)  # nothing waits for it any more


@pytest.mark.parametrize(
    ("executor", "said"), [("glue", "AWS Glue run"), ("batch", "AWS Batch job")]
)
def test_how_far_a_call_says_it_is_arrives_from_there(
    lab: ShellLab, executor: str, said: str
) -> None:
    # where a call runs is no part of what it is: the same one would be met there
    seconds = 600 + len(executor)
    lab.ok(f"run = %evaluate --bg far.options(executor={executor!r})({seconds})")
    lab.ok(
        "def noted(): return [j for j in cg.current_session().jobs.list() if j.task == 'far' and "
        f"j.executor == {executor!r} and 'chromosome' in j.note]"
    )
    lab.ok("while not noted(): time.sleep(0.1)")
    (row,) = [row for row in listed(lab) if (row[1], row[3]) == ("far", executor)]
    assert (row[2], row[4], row[7]) == (said, "running", "3 of 12, chromosome 3")
    lab.ok(f"%jobs cancel {row[0][:8]}")
    lab.ok("run.wait()")
    lab.ok("run = None")
