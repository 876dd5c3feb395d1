"""What is on record of runs and calls: results, failures, where values came from, differences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cellgraph as cg
from cellgraph.errors import StoreError, TaskError
from cellgraph.failures import KEPT_PER_RUN
from cellgraph.records import CallRecord, FailureRecord, LinksRecord, decode
from cellgraph.rundiff import TaskDiff

FLOW = """
import cellgraph as cg
from pathlib import Path

@cg.task
def load(file):
    return [int(word) for word in file.path.read_text().split()]

@cg.task
def scaled(i, rows):
    print("scaling", i)
    return [i * row for row in rows]

@cg.task
def total(parts):
    return sum(map(sum, parts))

@cg.task
def save(number):
    Path("out.txt").write_text(str(number))
    return cg.File("out.txt")

@cg.task
def deep(n):
    return total([scaled(i, [n]) for i in range(n)])

@cg.task
def bad(rows):
    print("looking at", len(rows))
    raise ValueError(f"no rows in {rows}")

@cg.task(executor="process")
def heavy(n):
    held = bytearray(n)
    return sum(i * i for i in range(200_000)) + len(held)
"""


class Flow:
    """A project with a file of data, its tasks, and one session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "raw.csv").write_text("1\n2\n3\n")
        self.session = cg.Session(folder / ".cellgraph", project=folder)
        self.tasks = self.define(FLOW)

    def define(self, text: str) -> Any:
        import importlib.util
        import sys

        (self.folder / "flow_of_test.py").write_text(text)
        spec = importlib.util.spec_from_file_location(
            "flow_of_test", self.folder / "flow_of_test.py"
        )
        assert spec is not None and spec.loader is not None
        module = sys.modules["flow_of_test"] = importlib.util.module_from_spec(spec)
        exec(compile(text, spec.origin or "", "exec"), vars(module))
        return module

    def whole(self, n: int = 3) -> Any:
        t = self.tasks
        return t.save(t.total([t.scaled(i, t.load(cg.File("raw.csv"))) for i in range(n)]))

    def records(self, kind: type[Any]) -> list[Any]:
        found = (decode(entry.data) for entry in self.session.store.scan())
        return [record for record in found if isinstance(record, kind)]


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flow]:
    monkeypatch.chdir(tmp_path)
    made = Flow(tmp_path)
    yield made
    made.session.close()


def fail(flow: Flow, rows: Any) -> str:
    with pytest.raises(TaskError) as raised:
        flow.session.evaluate(flow.tasks.bad(rows))
    return raised.value.call


# --- calls --------------------------------------------------------------------------------------


def test_a_call_tells_all_that_is_known_of_it(flow: Flow) -> None:
    flow.session.evaluate(flow.tasks.scaled(2, [5, 6]))
    (row,) = flow.session.calls().to_dict("records")
    call = flow.session.get_call(row["id"])
    assert call.result() == [10, 12]
    assert (call.task, call.status, call.error) == ("scaled", "done", "")
    assert call.log == "scaling 2\n"
    assert call.arguments == ("2", "list of 2")
    assert "return [i * row for row in rows]" in call.source
    assert call.run == flow.session.runs().id[0]


def test_what_a_process_took_is_on_record_and_what_a_thread_took_is_not(flow: Flow) -> None:
    flow.session.evaluate([flow.tasks.heavy(150_000_000), flow.tasks.scaled(1, [1])])
    heavy, scaled = (flow.session.find_calls(task=name)[0] for name in ("heavy", "scaled"))
    assert heavy.peak_bytes > 150_000_000
    assert 0 < heavy.cpu_s < 60
    assert (scaled.cpu_s, scaled.peak_bytes) == (0.0, 0)
    flow.session.evaluate(flow.tasks.heavy(1000))
    small = flow.session.find_calls(task="heavy")[0]
    assert small.peak_bytes < 150_000_000, "each call has a peak of its own"


def test_a_failed_call_is_found_in_another_session(flow: Flow) -> None:
    key = fail(flow, [1, 2])
    with cg.Session(flow.folder / ".cellgraph", project=flow.folder) as later:
        for name in (key, key[:12], key[:6].upper()):
            call = later.get_call(name)
            assert (call.id, call.status, call.task) == (key, "failed", "bad")
        assert call.error == "ValueError: no rows in [1, 2]"
        assert 'raise ValueError(f"no rows in {rows}")' in call.traceback
        assert call.log == "looking at 2\n"
        with pytest.raises(StoreError, match="failed: ValueError: no rows"):
            call.result()
        failed = later.calls(status="failed")
        assert list(failed.error) == ["ValueError: no rows in [1, 2]"]


def test_what_failures_leave_is_bounded(flow: Flow) -> None:
    many = [flow.tasks.bad([i]) for i in range(KEPT_PER_RUN + 20)]
    flow.session.evaluate(many, fail="keep")
    assert len(flow.records(FailureRecord)) == KEPT_PER_RUN
    fail(flow, ["x" * 100_000])
    longest = max(flow.records(FailureRecord), key=lambda record: len(record.traceback))
    assert len(longest.error) <= 500
    assert len(longest.traceback) <= 8_192


def test_a_failure_does_not_stand_in_the_way_of_a_result(flow: Flow) -> None:
    (flow.folder / "flag").write_text("no")
    flow.tasks = flow.define(
        FLOW
        + "\n@cg.task\ndef moody(x):\n    assert Path('flag').read_text() == 'yes'\n    return x"
    )
    for _ in range(20):
        with pytest.raises(TaskError):
            flow.session.evaluate(flow.tasks.moody(1))
    (flow.folder / "flag").write_text("yes")
    assert flow.session.evaluate(flow.tasks.moody(1)) == 1
    key = flow.session.find_calls(task="moody")[0].id
    assert flow.session.get_call(key).status == "done", "the latest is told"


@pytest.mark.parametrize(
    ("id", "said"),
    [("xyz", "no id of a call"), ("ab", "no id of a call"), ("0" * 12, "no call"), ("", "no id")],
)
def test_what_is_no_call(flow: Flow, id: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        flow.session.get_call(id)


def test_calls_are_filtered(flow: Flow) -> None:
    flow.session.evaluate(flow.whole())
    flow.session.evaluate(flow.whole(4))
    first, second = reversed(list(flow.session.runs().id))
    assert len(flow.session.calls(run=first)) == 6
    assert list(flow.session.calls(run=second).task) == ["save", "total", "scaled"]
    assert len(flow.session.calls(task="scaled")) == 4
    assert len(flow.session.calls(limit=2)) == 2
    with pytest.raises(cg.ConfigError, match="status"):
        flow.session.calls(status="lost")  # type: ignore[arg-type]  # what users may type


def test_replays_leave_one_small_object_and_no_record(flow: Flow) -> None:
    flow.session.evaluate(flow.whole())
    flow.session._settle()  # pyright: ignore[reportPrivateUsage]  # what is written late is counted
    before = len(list(flow.session.store.scan()))
    for _ in range(3):
        flow.session.evaluate(flow.whole())
    flow.session._settle()  # pyright: ignore[reportPrivateUsage]  # as above
    assert len(list(flow.session.store.scan())) == before
    assert len(flow.records(LinksRecord)) == 1


# --- runs ---------------------------------------------------------------------------------------


def test_a_run_on_record_has_its_value_its_prints_and_its_error(flow: Flow) -> None:
    flow.session.evaluate(flow.tasks.scaled(2, [5]))
    flow.session.evaluate([flow.tasks.total([flow.tasks.scaled(2, [5])])])
    fail(flow, [7])
    failed, listed, single = (flow.session.get_run(run) for run in flow.session.runs().id)
    assert single.result() == [10]
    assert single.log == "scaling 2\n"
    assert listed.result() == [10]
    assert (failed.status, failed.counts.failed) == ("failed", 1)
    assert failed.error.startswith("bad failed: ValueError: no rows in [7]")
    assert "raise ValueError" in failed.error
    with pytest.raises(StoreError, match="no rows"):
        failed.result()


def test_a_live_run_is_found_by_its_id(flow: Flow) -> None:
    run = flow.session.submit(flow.tasks.scaled(3, [1]))
    found = flow.session.get_run(run.id)
    assert found.result() == [3]
    assert run.error == ""
    assert run.log == "scaling 3\n"
    with pytest.raises(StoreError, match="no run 'zz'"):
        flow.session.get_run("zz")


# --- lineage ------------------------------------------------------------------------------------


def names(lineage: Any) -> list[str]:
    return [step.name for step in lineage.steps]


@pytest.mark.parametrize("what", ["expression", "file", "path", "text"])
def test_lineage_of_a_file_that_a_task_wrote(flow: Flow, what: str) -> None:
    made = flow.session.evaluate(flow.whole())
    asked = {"expression": flow.whole(), "file": made, "path": Path("out.txt"), "text": "out.txt"}
    found = flow.session.lineage(asked[what])
    assert names(found) == ["raw.csv", "load", "scaled", "scaled", "scaled", "total", "save"]
    assert [step.inputs for step in found.steps] == [(), (0,), (1,), (1,), (1,), (2, 3, 4), (5,)]
    assert found.files == ("raw.csv",)


def test_lineage_of_a_value_in_hand(flow: Flow) -> None:
    rows = flow.session.evaluate(flow.tasks.load(cg.File("raw.csv")))
    assert names(flow.session.lineage(rows)) == ["raw.csv", "load"]
    both = flow.session.evaluate([flow.tasks.scaled(7, [1]), flow.tasks.scaled(8, [1])])
    assert names(flow.session.lineage(both)) == ["scaled", "scaled"]
    flow.session.evaluate([flow.tasks.scaled(1, [9]), flow.tasks.scaled(9, [1])])
    assert flow.session.lineage([9]).others == 1


def test_lineage_goes_through_calls_that_reduce_to_calls(flow: Flow) -> None:
    flow.session.evaluate(flow.tasks.deep(3))
    found = flow.session.lineage(flow.tasks.deep(3))
    assert names(found) == ["scaled", "scaled", "scaled", "total", "deep"]
    assert found.steps[4].inputs == (3,)


def test_lineage_of_arguments_too_large_to_be_named(flow: Flow) -> None:
    t = flow.tasks
    flow.session.evaluate(t.total([t.scaled(i, [1]) for i in range(700)]))
    call = flow.session.find_calls(task="total")[0]
    found = flow.session.lineage(call.id)
    assert len(found.calls) == 701
    assert len(found.steps[-1].inputs) == 700
    assert "scaled ×" in repr(found)


def test_what_has_no_lineage(flow: Flow) -> None:
    for what in (flow.tasks.scaled(1, [2]), [4711], "nowhere/out.txt", Path("no.txt")):
        with pytest.raises(StoreError, match="no call on record gave"):
            flow.session.lineage(what)


# --- differences --------------------------------------------------------------------------------


def compared(flow: Flow) -> tuple[str, dict[str, TaskDiff]]:
    second, first = list(flow.session.runs().id)[:2]
    found = flow.session.diff(first, second)
    return found.value, {task.name: task for task in found.tasks}


def test_two_runs_with_other_code(flow: Flow) -> None:
    flow.session.evaluate(flow.whole())
    flow.tasks = flow.define(FLOW.replace("i * row for", "i * max(row, 2) for"))
    flow.session.evaluate(flow.whole())
    value, tasks = compared(flow)
    assert value == "changed"
    scaled = tasks["scaled"]
    assert scaled.change == "scaled() line 3"
    assert (scaled.same, scaled.changed, scaled.only_b) == (1, 2, 0), "0 times anything is 0"
    assert flow.session.get_call(scaled.examples[0]).task == "scaled"
    assert (tasks["total"].only_a, tasks["total"].only_b) == (1, 1)
    assert not tasks["load"].differs


def test_a_run_and_its_replay(flow: Flow) -> None:
    flow.session.evaluate(flow.whole())
    flow.session.evaluate(flow.whole())
    value, tasks = compared(flow)
    assert value == "same"
    assert not any(task.differs for task in tasks.values())
    assert (tasks["scaled"].ran_a, tasks["scaled"].reused_b) == (3, 3)


def test_what_ran_in_one_run_only(flow: Flow) -> None:
    flow.session.evaluate(flow.tasks.scaled(1, [1]))
    flow.session.evaluate(flow.tasks.total([flow.tasks.scaled(2, [1])]))
    _, tasks = compared(flow)
    assert (tasks["scaled"].only_a, tasks["scaled"].only_b) == (1, 1)
    assert "total: only in B" in repr(flow.session.diff(*reversed(list(flow.session.runs().id))))


def test_a_summary_is_read_once(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        flow.session.evaluate(flow.tasks.scaled(n, [1]))
    asked: list[str] = []
    read = flow.session.store.read_file

    def counted(name: str) -> bytes | None:
        asked.append(name)
        return read(name)

    monkeypatch.setattr(flow.session.store, "read_file", counted)
    task_id = flow.session.definition_of(flow.tasks.scaled).id
    for _ in range(3):
        assert flow.session.results_of(task_id)[0] == 3
    assert len(asked) == 3


def test_records_without_the_new_fields_are_read(flow: Flow) -> None:
    import msgspec

    old = msgspec.msgpack.encode([10, "t", b"i", b"a", [0, [b"", b"h", [], b"", 0]], "r", 1.0, 2.0,
                                  "thread", "log", b"", b""])  # fmt: skip
    record = decode(old)
    assert isinstance(record, CallRecord)
    assert (record.cpu_s, record.peak_bytes) == (0.0, 0)
