"""Scripts and the processes they start: heard while they run, ended as a whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.executors.support.processes import lives

import cellgraph as cg
from cellgraph.events import Event, LogText
from cellgraph.executor import Function
from cellgraph.scripting import ScriptFunction
from cellgraph.stores.memory import MemoryStore
from cellgraph_executors.shipping import Shipper, load_code

# A program that notes its id, starts another that does so too, and waits in both.
WAITING = """
echo $$ >> "$pids"
bash -c 'echo $$ >> "$pids"; sleep 600; :' &
( trap '' TERM; sleep 600 ) &
echo $! >> "$pids"
wait
"""

PLACES = ["thread", pytest.param("process", marks=pytest.mark.slow)]


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.01)


def pids_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def waiting(pids: Path, **options: Any) -> Any:
    make: Any = cg.script  # options of any type: no overload is chosen
    return make(WAITING, inputs={"pids": str(pids)}, **options)


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_ends_the_whole_group(tmp_path: Path, pids: Path, place: str) -> None:
    with cg.Session(store=tmp_path / "store", executor=place) as session:
        run = session.submit(waiting(pids))
        wait_until(lambda: len(pids_in(pids)) == 3)
        run.cancel()
        wait_until(lambda: not any(map(lives, pids_in(pids))))


@pytest.mark.parametrize("place", PLACES)
def test_a_timeout_ends_the_whole_group(tmp_path: Path, pids: Path, place: str) -> None:
    with cg.Session(store=tmp_path / "store", executor=place) as session:
        with pytest.raises(cg.TaskError) as caught:
            session.evaluate(waiting(pids, timeout_s=3))
        assert isinstance(caught.value.error, cg.CallTimeout)
        wait_until(lambda: not any(map(lives, pids_in(pids))))


def test_a_killed_kernel_leaves_no_program_behind(tmp_path: Path, pids: Path) -> None:
    code = f"""
import cellgraph as cg
with cg.Session(store={str(tmp_path / "store")!r}) as session:
    session.evaluate(cg.script({WAITING!r}, inputs={{"pids": {str(pids)!r}}}))
"""
    kernel = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_until(lambda: len(pids_in(pids)) == 3)
        os.kill(kernel.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(lives, pids_in(pids))))
    finally:
        kernel.kill()
        kernel.wait()
        for pid in pids_in(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_what_a_script_leaves_running_is_ended_with_it(tmp_path: Path, pids: Path) -> None:
    call = cg.script('sleep 600 & echo $! > "$pids"; echo done', inputs={"pids": str(pids)})
    with cg.Session(store=tmp_path / "store") as session:
        assert session.evaluate(call) == "done\n"
    wait_until(lambda: not any(map(lives, pids_in(pids))))


@pytest.mark.parametrize("place", PLACES)
def test_both_streams_are_heard_while_it_runs(tmp_path: Path, place: str) -> None:
    heard: list[tuple[str, str]] = []
    go = tmp_path / "go"

    def listen(event: Event) -> None:
        if isinstance(event, LogText):
            heard.append((event.stream, event.text))

    call = cg.script(
        """
        echo out; echo err >&2
        while ! test -e "$go"; do sleep 0.02; done
        echo value > "$output"
        """,
        inputs={"go": str(go)},
        outputs="value.txt",
    )
    with cg.Session(store=tmp_path / "store", executor=place) as session:
        session.bus.subscribe(listen)
        run = session.submit(call)
        wait_until(lambda: len(heard) >= 2)
        assert run.status == "running"
        go.touch()
        assert run.result().read_text() == "value\n"
    assert sorted(heard) == [("stderr", "err\n"), ("stdout", "out\n")]


def test_much_text_on_both_streams(tmp_path: Path) -> None:
    call = cg.script("seq 200000 >&2; seq 200000")
    with cg.Session(store=tmp_path / "store") as session:
        assert session.evaluate(call) == "".join(f"{i}\n" for i in range(1, 200_001))


def test_the_code_of_a_script_travels_through_the_store() -> None:
    store = MemoryStore()
    call: Any = cg.script('echo "$a"', inputs={"a": 1})
    sent = Function("echo", call._task.func, b"c" * 32)
    found = load_code(Shipper(store).code(sent), store)
    assert isinstance(found.func, ScriptFunction)
    assert found.func.text == 'echo "$a"\n'
    assert found.func.code_identity("echo") == call._task.func.code_identity("echo")
