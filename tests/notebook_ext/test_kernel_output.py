"""In a real kernel: prints, figures and errors appear in the cell that started them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notebook_ext.support.kernel_lab import COUNT, LOAD, Lab, Told, kernel

TASKS = """%%task
def chat(x):
    for i in range(3):
        print("chat", x, i)
        time.sleep(0.05)
    return x

def slow(x):
    print("begin", x)
    time.sleep(1)
    print("end", x)
    return x

def bad(x):
    print("so far")
    raise ValueError(f"no {x}")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with kernel(tmp_path_factory.mktemp("kernel")) as lab:
        lab.ok(LOAD)
        lab.ok(COUNT)
        lab.ok(TASKS)
        yield lab


def lines(told: Told) -> list[str]:
    return told.text().splitlines()


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_prints_appear_in_the_waiting_cell_in_order(lab: Lab, executor: str) -> None:
    told = lab.ok(
        f"%evaluate [chat.options(executor={executor!r})(f'{executor}{{n}}') for n in 'ab']"
    )

    said = lines(told)
    assert len(said) == 6
    for name in (f"{executor}a", f"{executor}b"):
        assert [s for s in said if name in s] == [f"chat {name} {i}" for i in range(3)]


def test_prints_of_a_run_in_the_background_stay_in_its_cell(lab: Lab) -> None:
    started = lab.start("run = %evaluate --bg slow('behind')")
    first = lab.finish(started)
    sent = lab.start("for i in range(8):\n    print('other', i)\n    time.sleep(0.1)")
    other = lab.finish(sent)
    more = lab.later(started, 1.5)

    assert lines(other) == [f"other {i}" for i in range(8)]
    said = first.text() + "".join(m.content["text"] for m in more if m.kind == "stream")
    assert said.splitlines() == ["begin behind", "end behind"]
    # Before ipykernel 7 an update names another cell as its parent; its display id decides.
    late = [*more, *other.messages, *lab.later(sent, 0.1)]
    settled = [m.content["data"] for m in late if m.kind == "update_display_data"]
    assert "slow('behind') · done" in settled[-1]["text/plain"]
    assert lab.ok("run.result()").result == "'behind'"


def test_two_runs_at_once_keep_to_their_cells(lab: Lab) -> None:
    behind = lab.start("run = %evaluate --bg slow('one')")
    first = lab.finish(behind)
    ahead = lab.ok("%evaluate slow('two')")
    more = lab.later(behind, 1.0)

    said = first.text() + "".join(m.content["text"] for m in more if m.kind == "stream")
    assert said.splitlines() == ["begin one", "end one"]
    assert lines(ahead) == ["begin two", "end two"]


def test_a_live_view_settles_to_an_output_without_a_widget(lab: Lab) -> None:
    told = lab.ok("%evaluate slow('seen')")

    kinds = [m.kind for m in told.messages]
    assert "comm_open" in kinds and "update_display_data" in kinds
    view, value = told.outputs()
    assert "application/vnd.jupyter.widget-view+json" not in view
    assert "data:image/svg+xml;base64," in view["text/html"]
    assert value["text/plain"] == "'seen'"


def test_plain_verbs_have_the_same_view(lab: Lab) -> None:
    (view, _value) = lab.ok("cg.evaluate(chat(1))").outputs()
    assert "chat(1) · " in view["text/plain"]
    (live, _value) = lab.ok("cg.configure(store='elsewhere')\ncg.evaluate(slow(1))").outputs()
    assert "slow(1) · done" in live["text/plain"]
    lab.ok("cg.configure();")


STEP = """%%task --returns area {options}
import matplotlib.pyplot as plt
from IPython.display import HTML, display
fig, ax = plt.subplots()
ax.plot([1, 3, 2])
print("drawn")
display(HTML("<b>bold</b>"))
area = 6
area * 7
"""


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_what_a_step_prints_and_draws_is_shown_again(lab: Lab, executor: str) -> None:
    cell = STEP.replace("{options}", f"--executor {executor} --name draw_{executor}")
    ran, found = lab.ok(cell, 120), lab.ok(cell)

    for told in (ran, found):
        shown = [sorted(o) for o in told.outputs()[1:]]
        assert shown == [["text/html", "text/plain"], ["text/plain"], ["image/png", "text/plain"]]
        assert told.outputs()[1]["text/html"] == "<b>bold</b>"
        assert told.outputs()[2]["text/plain"] == "42"
    assert ran.outputs()[1:] == found.outputs()[1:]
    assert lines(ran)[1:] == ["drawn"]
    assert lines(found)[1:] == ["↺ from cache, shown when it ran:", "drawn"]
    assert lab.ok("import matplotlib.pyplot as plt\nplt.get_fignums()").result == "[]"


@pytest.mark.parametrize("cell", ["%evaluate chat(bad(1))", "cg.evaluate(chat(bad(1)))"])
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_an_error_is_the_users_own(lab: Lab, cell: str, executor: str) -> None:
    told = lab.run(cell.replace("bad(", f"bad.options(executor={executor!r})("))

    assert told.reply["ename"] == "TaskError"
    box = told.traceback
    assert box.startswith("TaskError: bad failed: ValueError: no 1\n")
    assert 'Cell In[3], line 16 in bad\n    raise ValueError(f"no {x}")' in box
    assert "It printed:\nso far" in box
    assert "cellgraph" not in box and ".py" not in box, "a frame of ours"


def test_a_failing_cell_stops_run_all(lab: Lab) -> None:
    # The kernel aborts what is in its queue when a cell fails: the others must be there by then.
    sent = [
        lab.start("import time; time.sleep(1)"),
        lab.start("%evaluate bad(2)"),
        lab.start("tick('never')"),
        lab.start("tick('nor this')"),
    ]
    told = [lab.finish(cell) for cell in sent]

    assert [t.reply["status"] for t in told] == ["ok", "error", "aborted", "aborted"]
    assert "never" not in lab.ticks()


@pytest.mark.parametrize(
    "cell", ["%evaluate --fial 1", "%%task\nx = 1", "%%task\ndef f(:\n    pass"]
)
def test_a_wrong_cell_stops_run_all_too(lab: Lab, cell: str) -> None:
    sent = [lab.start("import time; time.sleep(1)"), lab.start(cell), lab.start("tick('never')")]

    assert [lab.finish(s).reply["status"] for s in sent] == ["ok", "error", "aborted"]
    assert "never" not in lab.ticks()


def test_help_and_completion_as_a_front_end_asks(lab: Lab) -> None:
    (page,) = lab.ok("%%task?").reply["payload"]
    assert "--returns a,b" in page["data"]["text/plain"]
    assert lab.complete("%%task --exec") == ["%%task --executor"]
    assert lab.complete("%evaluate --view p") == ["%evaluate --view plain"]


def test_a_kernel_restart_finds_everything(tmp_path: Path) -> None:
    cell = TASKS.replace("x\n\ndef slow", "tick('chat') or x\n\ndef slow")
    for _ in range(2):
        with kernel(tmp_path) as lab:
            for setup in (LOAD, COUNT, cell):
                lab.ok(setup)
            assert lab.ok("%evaluate chat(5)").result == "5"
            assert lab.ticks() == ["chat"]
