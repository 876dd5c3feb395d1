"""The command line, run in this process against real stores and real kernels."""

import json
from pathlib import Path

import nbformat
import pytest

from cellgraph.cli import parameters
from cellgraph.cli.app import run
from cellgraph.cli.console import duration
from cellgraph.cli.doctor import findings
from cellgraph.errors import ConfigError

FLOW = """
import cellgraph as cg
from pathlib import Path

RUNS = Path(__file__).with_name("runs.txt")


def half(x):
    return x / 2


@cg.task
def double(x):
    with RUNS.open("a") as file:
        file.write("x")
    return half(4 * x)


@cg.task
def fail(x):
    raise ValueError(f"cannot use {x}")


total = double(1) + double(20)
"""


class Command:
    """Runs command lines and keeps what they said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder
        self.store = folder / "store"
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = run([str(argument) for argument in arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    def flow(self, *arguments: str) -> int:
        return self("run", self.folder / "flow.py", *arguments, "--store", self.store)

    def executed(self) -> int:
        return len((self.folder / "runs.txt").read_text())


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(FLOW)
    return Command(capsys, tmp_path)


# --- how errors look ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "nope"),
        (["runs", "--stoer", "x"], "--stoer"),
        (["run"], "file"),
        (["runs", "--limit", "0"], "--limit"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(
    command: Command, arguments: list[str], said: str
) -> None:
    assert command(*arguments) == 2
    assert len(command.err.strip().splitlines()) == 1
    assert said in command.err
    assert command.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "gone.py", "f(1)"], "no file gone.py"),
        (["run", "data.csv"], "expected a notebook"),
        (["run", "flow.py"], "it has total"),
        (["run", "flow.py", "totl"], "did you mean 'total'"),
        (["run", "flow.py", "total +"], "not a Python expression"),
        (["run", "flow.py", "total", "--param", "x"], "expected name=value"),
        (["runs", "--store", "nowhere"], "no store at nowhere"),
    ],
)
def test_a_failure_is_one_line_and_exit_code_1(
    command: Command, arguments: list[str], said: str
) -> None:
    (command.folder / "data.csv").write_text("a,b\n")
    assert command(*arguments) == 1
    assert len(command.err.strip().splitlines()) == 1
    assert said in command.err


def test_looking_at_runs_creates_no_store(command: Command) -> None:
    command("runs", "--store", command.store)
    assert not command.store.exists()


# --- run: Python files ----------------------------------------------------------------------------


def test_a_target_is_evaluated_and_found_again(command: Command) -> None:
    assert command.flow("total") == 0
    assert command.out.strip() == "42.0"
    assert command.executed() == 2
    assert command.flow("total + 1") == 0
    assert command.out.strip() == "43.0"
    assert command.executed() == 2


def test_parameters_are_names_of_the_target(command: Command) -> None:
    assert command.flow("double(n)", "--param", "n=7") == 0
    assert command.out.strip() == "14.0"


def test_a_failing_task_shows_the_users_frames(command: Command) -> None:
    assert command.flow("fail(double(1))") == 1
    assert "fail" in command.err.splitlines()[0]
    assert "ValueError: cannot use 2.0" in command.err
    assert "flow.py" in command.err
    assert "cellgraph/worker" not in command.err


def test_an_edited_helper_is_named_in_the_record(command: Command) -> None:
    command.flow("double(1)")
    edited = FLOW.replace("return x / 2", "return x // 2")
    (command.folder / "flow.py").write_text(edited)
    assert command.flow("double(1)") == 0
    assert command.out.strip() == "2"
    command("runs", "--store", command.store)
    newest = command.out.splitlines()[1].split()[0]
    assert command("runs", newest, "--store", command.store) == 0
    assert "half()" in command.out


# --- explain and plan -----------------------------------------------------------------------------


def test_a_target_is_explained_and_does_not_run(command: Command) -> None:
    assert (
        command("explain", command.folder / "flow.py", "double(1)", "--store", command.store) == 0
    )
    assert "first run" in command.out and not (command.folder / "runs.txt").exists()
    command.flow("double(1)")
    (command.folder / "flow.py").write_text(FLOW.replace("return x / 2", "return x // 2"))
    assert (
        command("explain", command.folder / "flow.py", "double(1)", "--store", command.store) == 0
    )
    assert "MISS" in command.out and "code > helper half() > body line 2" in command.out
    assert "+    return x // 2" in command.out
    assert command.executed() == 1


def test_a_target_is_planned_and_does_not_run(command: Command) -> None:
    command.flow("double(1)")
    assert command.flow("total", "--plan") == 0
    assert "1 hit, 1 run" in command.out and command.executed() == 1
    assert command.flow("--plan") == 1
    assert "say which expression of flow.py to plan" in command.err


def test_a_question_about_a_notebook_leaves_out_what_only_shows(command: Command) -> None:
    path = notebook(
        command.folder / "book.ipynb",
        "%load_ext cellgraph",
        "%%task\ndef triple(x):\n    print('ran')\n    return 3 * x",
        "%evaluate triple(1)",
        "%%evaluate\ny = 2\ntriple(y)",
    )
    assert command("explain", path, "triple(1)", "--store", command.store) == 0
    assert "first run" in command.out and "ran" not in command.out.split()
    assert command("run", path, "triple(2)", "--store", command.store) == 0
    assert command("run", path, "triple(4)", "--plan", "--store", command.store) == 0
    assert "0 hits, 1 run" in command.out


# --- runs -----------------------------------------------------------------------------------------


def test_runs_lists_what_happened(command: Command) -> None:
    command.flow("total")
    command.flow("fail(1)")
    assert command("runs", "--store", command.store) == 0
    newest, oldest = command.out.splitlines()[1:3]
    assert "failed" in newest
    assert "done" in oldest
    assert command("runs", "--limit", "1", "--store", command.store) == 0
    assert len(command.out.splitlines()) == 2


def test_an_unknown_run_is_an_error(command: Command) -> None:
    command.flow("total")
    assert command("runs", "ffffffff", "--store", command.store) == 1
    assert "ffffffff" in command.err


# --- run: notebooks -------------------------------------------------------------------------------


def notebook(path: Path, *cells: str, parameters_at: int = -1) -> Path:
    made = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]  # nbformat is partly typed
    for index, source in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]  # nbformat is partly typed
        if index == parameters_at:
            cell["metadata"]["tags"] = ["parameters"]
        made["cells"].append(cell)
    nbformat.write(made, path)  # type: ignore[no-untyped-call]  # nbformat is partly typed
    return path


def test_a_notebook_runs_with_parameters_and_a_target(command: Command) -> None:
    path = notebook(
        command.folder / "book.ipynb",
        "%load_ext cellgraph",
        "n = 1",
        "%%task\ndef triple(x):\n    return 3 * x",
        parameters_at=1,
    )
    kept = command.folder / "out" / "kept.ipynb"
    code = command(
        "run", path, "triple(n)", "--param", "n=14", "--save", kept, "--store", command.store
    )
    assert code == 0, command.err
    assert "42" in command.out.split()
    cells = json.loads(kept.read_text())["cells"]
    assert "".join(cells[2]["source"]) == "n = 14"
    assert command("runs", "--store", command.store) == 0
    assert "triple" in command.out


def test_an_unknown_parameter_names_the_closest(command: Command) -> None:
    path = notebook(command.folder / "book.ipynb", "number = 1", parameters_at=0)
    assert command("run", path, "--param", "nmber=2") == 1
    assert "did you mean 'number'" in command.err


def test_a_notebook_without_parameters_says_so(command: Command) -> None:
    path = notebook(command.folder / "book.ipynb", "n = 1")
    assert command("run", path, "--param", "n=2") == 1
    assert "begin the cell that sets them with %%params" in command.err


def test_a_cell_that_fails_ends_the_run(command: Command) -> None:
    path = notebook(command.folder / "book.ipynb", "print('before')", "1 / 0", "print('after')")
    assert command("run", path) == 1
    assert "before" in command.out
    assert "after" not in command.out
    assert "ZeroDivisionError" in command.err


# --- the parts ------------------------------------------------------------------------------------


def test_parameters_are_literals_or_text() -> None:
    said = parameters.parse(["a=1", "b=[1, 2]", "c=north", "d=x=y", "e="])
    assert {name: parameters.literal(text) for name, text in said.items()} == {
        "a": 1,
        "b": [1, 2],
        "c": "north",
        "d": "x=y",
        "e": "",
    }


@pytest.mark.parametrize("text", ["a", "=1", "1a=2", "a b=1"])
def test_a_malformed_parameter_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="name=value"):
        parameters.parse([text])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 ms"), (0.0424, "42 ms"), (3.21, "3.2 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_doctor_finds_nothing_broken_here(command: Command) -> None:
    assert command("doctor", "--store", command.store) == 0
    found = {f.what: f.level for f in findings(str(command.store))}
    assert found["store"] == "ok"
    assert found["thread"] == found["process"] == "ok"


def test_doctor_says_what_to_do_about_a_folder_that_is_not_a_store(command: Command) -> None:
    command.store.mkdir()
    (command.store / "letter.txt").write_text("mine")
    assert command("doctor", "--store", command.store) == 1
    assert "✕ store" in command.out
    assert "→" in command.out
    assert (command.store / "letter.txt").read_text() == "mine"


# --- what is on record ----------------------------------------------------------------------------


def test_calls_runs_and_lineage_in_a_terminal(command: Command) -> None:
    assert command.flow("total") == 0
    assert command.flow("[total, double(3)]") == 0
    assert command.flow("fail(3)") == 1
    command("calls", "--store", command.store, "--failed")
    assert "ValueError: cannot use 3" in command.out
    failed = command.out.splitlines()[1].split()[0]
    command("calls", failed, "--store", command.store)
    assert command.out.startswith("fail(3)\n")
    assert 'raise ValueError(f"cannot use {x}")' in command.out
    command("runs", "--store", command.store)
    second, first = [line.split()[0] for line in command.out.splitlines()[2:4]]
    command("runs", first, second, "--store", command.store)
    assert "1 call only in B" in command.out
    command("calls", "--store", command.store, "--task", "double", "--limit", "1")
    call = command.out.splitlines()[1].split()[0]
    command("lineage", call, "--store", command.store)
    assert command.out.startswith(f"call {call}: 1 call")
    assert command("lineage", "nowhere.txt", "--store", command.store) == 1
    assert "no call on record gave" in command.err
    assert command("calls", "xyz", "--store", command.store) == 1
