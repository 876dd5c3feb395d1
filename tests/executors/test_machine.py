"""Admission by vCPUs and memory."""

from pathlib import Path

import pytest

from cellgraph.errors import ExecutorError
from cellgraph.executor import Resources
from cellgraph_executors.machine import OVERTAKES, Machine, usable_cpus, usable_memory_gib


def test_defaults_are_what_the_system_has() -> None:
    machine = Machine()
    assert machine.vcpus == usable_cpus() >= 1
    assert machine.memory_gib > 0.1


def test_a_container_has_its_share(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path) == usable_cpus(tmp_path / "none")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert usable_cpus(tmp_path) >= 1
    whole = usable_memory_gib(tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{2**29}\n")
    assert usable_cpus(tmp_path) == 1
    assert usable_memory_gib(tmp_path) == 0.5 < whole


def test_what_fits_is_admitted_and_given_back() -> None:
    machine = Machine(vcpus=2, memory_gib=4)
    tickets = [machine.ticket(Resources(vcpus=0.7)) for _ in range(3)]
    assert [machine.try_take(t) for t in tickets] == [True, True, False]
    machine.give_back(tickets[0])
    assert machine.try_take(tickets[2])
    assert not machine.crowded


def test_thirds_add_up() -> None:
    machine = Machine(vcpus=1)
    tickets = [machine.ticket(Resources(vcpus=1 / 3)) for _ in range(3)]
    assert all(machine.try_take(t) for t in tickets)


def test_memory_is_a_limit_of_its_own() -> None:
    machine = Machine(vcpus=8, memory_gib=4)
    first, second = (machine.ticket(Resources(memory_gib=2.5)) for _ in range(2))
    assert machine.try_take(first)
    assert not machine.try_take(second)
    machine.give_back(first)
    assert machine.try_take(second)


@pytest.mark.parametrize(
    "asked", [Resources(vcpus=2.5), Resources(memory_gib=4.5)], ids=["vcpus", "memory"]
)
def test_more_than_there_is_is_an_error(asked: Resources) -> None:
    with pytest.raises(ExecutorError, match="this machine has"):
        Machine(vcpus=2, memory_gib=4).ticket(asked)


def test_a_scale_weighs_the_vcpus() -> None:
    machine = Machine(vcpus=2)
    tickets = [machine.ticket(Resources(), scale=0.25) for _ in range(9)]
    assert [machine.try_take(t) for t in tickets].count(True) == 8


def test_small_calls_overtake_a_large_one_only_so_often() -> None:
    machine = Machine(vcpus=2)
    busy = machine.ticket(Resources())
    assert machine.try_take(busy)
    large = machine.ticket(Resources(vcpus=2))
    assert not machine.try_take(large)
    assert machine.crowded
    overtook = 0
    while True:
        small = machine.ticket(Resources())
        if not machine.try_take(small):
            break
        overtook += 1
        machine.give_back(small)
    assert overtook == OVERTAKES
    machine.give_back(busy)
    assert not machine.try_take(small)  # behind the large one in the line now
    assert machine.try_take(large)
    machine.give_back(large)
    assert machine.try_take(small)
    assert not machine.crowded


def test_what_asks_for_nothing_never_waits() -> None:
    machine = Machine(vcpus=1)
    busy, waiting = machine.ticket(Resources()), machine.ticket(Resources())
    assert machine.try_take(busy)
    assert not machine.try_take(waiting)
    waiting.overtaken = OVERTAKES
    nothing = machine.ticket(Resources(vcpus=0))
    assert machine.try_take(nothing)
    machine.give_back(nothing)
    assert machine.try_take(machine.ticket(Resources(vcpus=0)))
    assert not machine.fits(Resources())


def test_a_withdrawn_ticket_holds_nobody_back() -> None:
    machine = Machine(vcpus=1)
    busy, large, small = (machine.ticket(Resources()) for _ in range(3))
    assert machine.try_take(busy)
    assert not machine.try_take(large)
    large.overtaken = OVERTAKES
    assert not machine.try_take(small)
    machine.give_back(busy)
    assert not machine.try_take(small)
    machine.withdraw(large)
    machine.withdraw(large)
    assert machine.try_take(small)


def test_announcements_reach_those_who_listen_while_someone_waits() -> None:
    machine = Machine(vcpus=1)
    heard: list[int] = []
    stop = machine.listen(lambda: heard.append(1))
    busy, waiting = machine.ticket(Resources()), machine.ticket(Resources())
    assert machine.try_take(busy)
    machine.announce()
    assert heard == []
    assert not machine.try_take(waiting)
    machine.give_back(busy)
    machine.announce()
    assert heard == [1]
    stop()
    machine.announce()
    assert heard == [1]
