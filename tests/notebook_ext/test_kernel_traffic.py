"""How much a run says on the wire: a server closes the tap of a kernel that says too much."""

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.notebook_ext.support.kernel_lab import COUNT, LOAD, Lab, Message, kernel

CALLS = 10_000
# Twelve a second, counted over any two seconds by the clock of the kernel.
WINDOW_S, MOST = 2.0, 24
ONCE = ("status", "execute_input", "execute_result", "comm_open", "display_data")
TASKS = """%%task
def quiet(x):
    time.sleep(0.0004)
    return x

def loud(x):
    print("call", x)
    return x

def noisy(x):
    import sys
    print("call", x)
    print("call", x, file=sys.stderr)
    return x

def total(parts):
    return sum(parts)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with kernel(tmp_path_factory.mktemp("kernel")) as lab:
        for cell in (LOAD, COUNT, TASKS, "%evaluate quiet(-1)"):
            lab.ok(cell)
        yield lab


def busiest(messages: list[Message]) -> int:
    """Return the most messages in any window."""
    times = [message.said_at for message in messages]
    return max(sum(start <= at < start + WINDOW_S for at in times) for start in times)


@pytest.mark.parametrize("task", ["quiet", "loud", "noisy"])
def test_ten_thousand_tiny_tasks_send_twelve_messages_a_second(lab: Lab, task: str) -> None:
    told = lab.ok(f"%evaluate total([{task}(i) for i in range({CALLS})])", timeout_s=120)

    sent = [m for m in told.messages if m.kind not in ONCE]
    took = told.idle_at - told.messages[0].at
    print(f"{task}: {len(sent)} in {took:.1f} s {dict(Counter(m.kind for m in sent))}, ", end="")
    print(f"at most {busiest(sent)} in {WINDOW_S:g} s")
    assert told.result == str(sum(range(CALLS)))
    assert busiest(sent) <= MOST
    for stream in ("stdout", "stderr"):
        wanted = task == "noisy" or (task, stream) == ("loud", "stdout")
        assert told.text(stream).count("call ") == CALLS * wanted


def test_messages_are_small(lab: Lab) -> None:
    told = lab.ok(f"%evaluate total([quiet(-i) for i in range({CALLS // 4})])", timeout_s=120)

    updates = [m for m in told.messages if m.kind == "comm_msg"]
    sizes = [len(str(m.content)) for m in updates]
    print(f"{len(sizes)} updates of at most {max(sizes)} characters")
    assert max(sizes) < 20_000
