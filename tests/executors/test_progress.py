"""How far a call is, as it says itself: on threads and in processes, and in the view."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cellgraph as cg
from cellgraph import ConfigError
from cellgraph.events import (
    CallProgress,
)
from cellgraph.inside import Progress, listen
from cellgraph_executors.advancing import Reader, Teller


@pytest.fixture
def session(tmp_path: Path) -> Iterator[cg.Session]:
    with cg.Session(tmp_path / "store") as made:
        yield made


def steps(gate: str, pause_s: float) -> str:
    for at in range(4):
        cg.progress(at, 4, f"step\n{at}")
        time.sleep(pause_s)
    until = time.monotonic() + 60
    while not Path(gate).exists() and time.monotonic() < until:
        time.sleep(0.01)
    return "done"


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_call_says_how_far_it_is(session: cg.Session, tmp_path: Path, executor: str) -> None:
    """The last that it said arrives, however quickly it was said, while it still runs."""
    heard: list[CallProgress] = []

    def hear(event: object) -> None:
        if isinstance(event, CallProgress):
            heard.append(event)
            if event.done == 3:
                (tmp_path / "gate").touch()

    session.bus.subscribe(hear)
    task = cg.task(executor=executor)(steps)
    assert session.evaluate(task(str(tmp_path / "gate"), 0.0)) == "done"
    assert (heard[-1].done, heard[-1].total, heard[-1].text) == (3.0, 4.0, "step 3")


def test_outside_of_a_task_nobody_listens() -> None:
    cg.progress(1, 2)


@pytest.mark.parametrize("said", [("a", 2), (-1, 2), (1, float("nan")), (None, 1)])
def test_what_are_no_numbers(said: tuple[object, object]) -> None:
    with pytest.raises(ConfigError, match="expected how much is done, and of how much"):
        cg.progress(*said)  # type: ignore[arg-type]  # what people do


def test_listeners_take_turns() -> None:
    one: list[Progress] = []
    before = listen(one.append)
    cg.progress(1)
    assert listen(before) == one.append
    cg.progress(2)
    assert one == [Progress(1.0, 0.0, "")]


def test_the_file_between_processes(tmp_path: Path) -> None:
    teller, reader, base = Teller(), Reader(), str(tmp_path / "log")
    assert reader.read(base, 7) == []
    teller.at(base, 7)
    teller.hear(Progress(1, 2, "😀" * 200))
    (found,) = reader.read(base, 7)
    assert found.text == "😀" * 200
    assert reader.read(base, 7) == []
    teller.hear(Progress(2, 2, ""))
    assert reader.read(base, 8) == []  # another call's
    Path(base + ".progress").write_bytes(b"[7, 1")
    assert reader.read(base, 7) == []
    reader.remove(base)
    assert list(tmp_path.iterdir()) == []
