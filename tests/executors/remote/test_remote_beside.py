"""Scripts in a container that has bash and nothing of ours: a bash with a `PATH` of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.executors.support.processes import lives

import cellgraph as cg
from cellgraph.errors import ExecutorError
from cellgraph.executor import Function, Job, JobDone, JobFailed, Resources
from cellgraph.result import Result
from cellgraph.scripting import ScriptFunction
from cellgraph.shell.outputs import declared
from cellgraph.shell.programs import elsewhere
from cellgraph.stores.memory import MemoryStore
from cellgraph.structure import rebuild
from cellgraph.testing.executor_lab import eventually
from cellgraph.worker import run_job
from cellgraph_executors.remote import beside
from cellgraph_executors.remote.beside import SHELL, Companion, settle
from cellgraph_executors.remote.worker import BESIDE

PROGRAMS = "bash cat env ls mkdir perl ps seq sleep sort".split()
ODD = " a 'b' \"c\" $(exit 7) `exit 7` \\ *\n\tü;&|<>#é "


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What both see; what this process keeps on disk is there."""
    for name in ("TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # put back afterwards
    made = tmp_path / "in common"
    made.mkdir()
    settle(made)
    yield made
    tempfile.tempdir = None


@pytest.fixture
def shell(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The other container: of this machine's programs it finds a few, and no Python."""
    bin_ = folder / "bin"
    bin_.mkdir()
    for name in PROGRAMS:
        (bin_ / name).symlink_to(str(shutil.which(name)))
    began = subprocess.Popen(
        [str(bin_ / "bash"), "-c", SHELL],
        env={"PATH": str(bin_), BESIDE: str(folder), "OF_IMAGE": "kept"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield began
    began.kill()
    began.wait()


@pytest.fixture
def companion(folder: Path, shell: subprocess.Popen[bytes]) -> Iterator[Companion]:
    made = Companion(folder)
    yield made
    made.close()


def run(command: str, outputs: Any = "-", stdin: Any = None, **inputs: Any) -> JobDone | JobFailed:
    """A script as a worker runs it: the event, its values stored."""
    function = Function("script", ScriptFunction(command), b"script")
    what = declared(outputs)
    return run_job(Job(1, function, (what, stdin), inputs, Resources()), MemoryStore())


def refs(value: Any) -> Any:
    """The contents of a result, which are its identity."""
    return rebuild(value, lambda leaf: leaf.ref, lambda kind: issubclass(kind, Result))


def same(companion: Companion, command: str, *args: Any, **inputs: Any) -> Any:
    """What a script leaves there, which has to be what it leaves here."""
    here = run(command, *args, **inputs)
    with elsewhere(companion):
        there = run(command, *args, **inputs)
    assert isinstance(here, JobDone)
    assert isinstance(there, JobDone)
    assert refs(there.outcome) == refs(here.outcome)
    return there.outcome


def test_the_same_values_as_here_whatever_names_and_texts_hold(
    companion: Companion, tmp_path: Path
) -> None:
    file, other = tmp_path / f"in{ODD.strip()}", tmp_path / "-n"
    file.write_text("b\na\n")
    other.mkdir()
    (other / ODD.replace("/", "")).write_text("of a folder\n")
    outputs = {
        "out": f"{ODD.replace('*', '').strip()}/x.txt",
        "none": "empty",
        "parts": "parts/*.txt",
        "folder": "a folder/",
        "text": "-",
    }
    result = same(
        companion,
        """
        cat - "$file" > "$out"; cat "$folder_in"/* >> "$out"
        : > "$none"
        for i in "${list[@]}"; do seq 2 > "$parts/$i.txt"; done
        mkdir "$folder/deep"; printf '%s' "$odd" > "$folder/deep/x"
        printf '%s|' "$odd" "$number" "$flag" "${#list[@]}"
        """,
        outputs,
        f"of stdin{ODD}",
        file=cg.File(str(file)),
        folder_in=cg.Dir(str(other)),
        list=["one", "two words", "three $x"],
        odd=ODD,
        number=2.5,
        flag=True,
    )
    assert result["text"] == f"{ODD}|2.5|true|3|"


def test_it_is_there_that_it_runs(companion: Companion, tmp_path: Path) -> None:
    """Without Python, with its own image's variables, and with copies of what it cannot see."""
    (tmp_path / "x").write_text("outside\n")
    with elsewhere(companion):
        done = run(
            """
            if command -v python3 python; then exit 3; fi
            test ! -L "$x"; test -f "$x"; test -L "$kept"
            printf '%s ' "$OF_IMAGE"; cat "$x" "$kept"
            """,
            x=cg.File(str(tmp_path / "x")),
            kept=cg.File(str(_inside("y", "inside\n"))),
        )
    assert isinstance(done, JobDone), done
    assert done.outcome == "kept outside\ninside\n"


def _inside(name: str, text: str) -> Path:
    made = Path(tempfile.gettempdir(), name)
    made.write_text(text)
    return made


@pytest.mark.parametrize(
    ("command", "code", "stderr"),
    [
        ("echo first; echo why >&2; false | cat; echo not reached", 1, "why"),
        ("exit 42", 42, ""),
        ("echo $undefined", 1, "command: line 1: undefined: unbound variable"),
        ("no-such-program", 127, "no-such-program"),
        ("kill -KILL $$", 137, ""),
        ("#!/usr/bin/env perl\nprint STDERR 'of perl'; exit 5", 5, "of perl"),
        ("#!no-such-interpreter", 127, "no-such-interpreter"),
        ("for i in {1..30000}; do echo line $i >&2; done; exit 1", 1, "line 30000"),
    ],
)
def test_a_failure_says_code_and_the_end_of_stderr(
    companion: Companion, command: str, code: int, stderr: str
) -> None:
    with elsewhere(companion):
        failed = run(command)
        again = run("echo goes on")
    assert isinstance(failed, JobFailed)
    error = failed.error
    assert isinstance(error, cg.ScriptError), error
    assert (error.exit_code, stderr in error.stderr) == (code, True), error
    assert error.stderr.endswith(stderr) or code == 127
    assert isinstance(again, JobDone)


def test_an_output_that_is_not_there(companion: Companion) -> None:
    with elsewhere(companion):
        failed = run("echo x > other", {"out": "x.txt"})
    assert isinstance(failed, JobFailed)
    assert "left no out (x.txt)" in str(failed.error)
    assert "it left 'other'" in str(failed.error)


def test_what_is_printed_is_heard_while_it_runs(
    companion: Companion, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = folder / "gate"
    heard: list[str] = []

    def hear() -> None:
        while not any("waiting" in text for text in heard):
            heard.append("".join(capfd.readouterr()))
            time.sleep(0.01)
        gate.touch()

    listener = threading.Thread(target=hear)
    listener.start()
    with elsewhere(companion):
        done = run(
            'echo waiting; until test -e "$gate"; do sleep 0.02; done; : > "$output"',
            "x",
            gate=str(gate),
        )
    listener.join()
    assert isinstance(done, JobDone)


def test_what_a_script_leaves_running_ends_with_it(companion: Companion) -> None:
    with elsewhere(companion):
        done = run("sleep 600 & echo $!")
    assert isinstance(done, JobDone)
    eventually(lambda: not lives(int(str(done.outcome))))


def test_a_script_ends_with_the_worker(companion: Companion, folder: Path) -> None:
    """However the worker ends: the pipe that only it holds is closed."""
    pids = folder / "pids"
    script = 'echo $$ > "$pids"; sleep 600 & echo $! >> "$pids"; wait'
    program = f"""
import pathlib
from cellgraph_executors.remote.beside import beside
from cellgraph.result import Result
from cellgraph.scripting import ScriptFunction
with beside(pathlib.Path({str(folder)!r})):
    ScriptFunction({script!r})("-", None, pids={str(pids)!r})
"""
    worker = subprocess.Popen([sys.executable, "-c", program])
    eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    eventually(lambda: not any(lives(int(pid)) for pid in pids.read_text().split()))


def test_a_container_that_ends_is_noticed(
    companion: Companion, shell: subprocess.Popen[bytes]
) -> None:
    with elsewhere(companion):
        failed = run("echo last words >&2; kill -KILL $PPID; sleep 600")
    assert isinstance(failed, JobFailed)
    assert isinstance(failed.error, ExecutorError)
    assert "memory_gib=" in str(failed.error)
    assert "last words" in str(failed.error)
    assert shell.wait() == -signal.SIGKILL


def test_a_container_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_START_S", 0.1)
    lonely = Companion(folder)
    with elsewhere(lonely):
        failed = run("echo never")
    lonely.close()
    assert isinstance(failed, JobFailed)
    assert "needs bash 4 or newer" in str(failed.error)


def test_the_shell_leaves_when_it_is_asked(shell: subprocess.Popen[bytes], folder: Path) -> None:
    """Before a worker has come, and while a script runs: ECS waits 30 s for who does not."""
    pid = folder / "pid"
    companion = Companion(folder)

    def end() -> None:
        eventually(lambda: pid.exists() and bool(pid.read_text()))
        os.kill(shell.pid, signal.SIGTERM)

    ender = threading.Thread(target=end)
    ender.start()
    with elsewhere(companion):
        failed = run('echo $$ > "$pid"; exec sleep 600', pid=str(pid))
    ender.join()
    assert isinstance(failed, JobFailed)
    assert shell.wait() == 0
    eventually(lambda: not lives(int(pid.read_text())))
    companion.close()
