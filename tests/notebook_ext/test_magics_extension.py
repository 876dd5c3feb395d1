"""Loading, unloading and reloading the extension; help; what plain verbs do while it is loaded."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook

import cellgraph as cg
from cellgraph.current import current_session
from cellgraph.errors import CellgraphError

MAGICS = {"line": ["accept", "evaluate", "graph", "runs", "tasks"], "cell": ["evaluate", "task"]}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        yield lab


def traces(lab: ShellLab) -> dict[str, Any]:
    """Everything of the shell and the process that an extension might leave changed."""
    shell = lab.shell
    return {
        "magics": {kind: sorted(found) for kind, found in shell.magics_manager.magics.items()},
        # IPython registers groups of its own magics when one of them is first used.
        "ours": [c for c in shell.configurables if type(c).__module__.startswith("cellgraph")],
        "registered": "CellgraphMagics" in shell.magics_manager.registry,
        "matchers": list(shell.Completer.custom_matchers),
        "events": {name: list(found) for name, found in shell.events.callbacks.items()},
        "names": sorted(n for n in shell.user_ns if not n.startswith("_")),
        "custom": (shell.custom_exceptions, sys.excepthook, sys.displayhook),
        "streams": (sys.stdout, sys.stderr),
        "rendering": "_render_traceback_" in vars(CellgraphError),
        "threads": sorted(t.name for t in threading.enumerate() if t.name.startswith("cellgraph")),
    }


def test_loading_says_what_is_here_and_offers_the_magics(lab: ShellLab) -> None:
    told = lab.ok("%load_ext cellgraph")

    (line,) = told.out.splitlines()
    assert line.startswith("cellgraph 0.")
    assert f"results in {lab.folder / '.cellgraph'}" in line
    assert "executors " in line and "thread" in line and "process" in line
    for kind, names in MAGICS.items():
        assert set(names) <= set(lab.shell.magics_manager.magics[kind])
    assert not (lab.folder / ".cellgraph").exists(), "nothing is opened before it is used"


def test_loading_twice_changes_nothing(lab: ShellLab) -> None:
    lab.ok("%load_ext cellgraph")
    before = traces(lab)
    lab.ok("%load_ext cellgraph")
    lab.ok("import cellgraph\ncellgraph.load_ipython_extension(get_ipython())\ndel cellgraph")

    assert traces(lab) == before


def test_unloading_leaves_no_trace(lab: ShellLab) -> None:
    before = traces(lab)
    lab.ok("%load_ext cellgraph")
    lab.ok(CELL_OF_TASKS)
    lab.ok("%evaluate double(1)")
    session = current_session()
    lab.ok("%unload_ext cellgraph")
    lab.ok("del double, total")

    assert traces(lab) == before
    assert "Line magic function `%evaluate` not found" in lab.run("%evaluate 1").err
    with pytest.raises(cg.ConfigError, match="closed"):
        session.evaluate(1)
    lab.ok("%unload_ext cellgraph")


def test_reloading_goes_on_with_tasks_and_results(lab: ShellLab) -> None:
    lab.ok("%load_ext cellgraph")
    lab.ok(CELL_OF_TASKS)
    lab.ok("%evaluate double(1)")
    lab.ok("%reload_ext cellgraph")

    assert lab.ok("%evaluate double(1)").value == 2
    assert lab.ticks() == ["double"]


@pytest.mark.parametrize("configured", [False, True])
def test_plain_verbs_are_shown_too(lab: ShellLab, configured: bool) -> None:
    lab.ok("%load_ext cellgraph")
    lab.ok("import cellgraph as cg\n\n@cg.task\ndef say(x):\n    print('said', x)\n    return x")
    if configured:
        lab.ok("cg.configure(store='elsewhere', limits={'db': 1});")

    told = lab.ok("y = cg.evaluate(say(3))")
    assert told.out == "said 3\n"
    assert "say(3) · " in told.err
    lab.ok("cg.configure(store='third');")
    assert "say(3) · " in lab.ok("y = cg.evaluate(say(3))").err


def test_before_loading_and_after_unloading_verbs_are_silent(lab: ShellLab) -> None:
    lab.ok("import cellgraph as cg\n\n@cg.task\ndef f(x):\n    return x")
    assert lab.ok("y = cg.evaluate(f(1))").err == ""
    lab.ok("%load_ext cellgraph")
    assert "f(2)" in lab.ok("y = cg.evaluate(f(2))").err, "the session was there before"
    lab.ok("%unload_ext cellgraph")
    assert lab.ok("y = cg.evaluate(f(3))").err == ""


def test_wrong_settings_are_one_red_line_and_nothing_is_loaded(lab: ShellLab) -> None:
    (lab.folder / "cellgraph.toml").write_text("stroe = 'x'\n")
    before = traces(lab)

    told = lab.run("%load_ext cellgraph")
    assert "unknown setting 'stroe' (file); did you mean 'store'?" in told.red_line
    assert traces(lab) == before
    (lab.folder / "cellgraph.toml").write_text("")
    lab.ok("%load_ext cellgraph")


@pytest.mark.parametrize("name", ["%evaluate", "%%evaluate", "%graph", "%runs", "%tasks", "%%task"])
def test_every_magic_has_help(lab: ShellLab, name: str) -> None:
    lab.ok("%load_ext cellgraph")
    told = lab.shell.object_inspect_text(name)

    assert f"{name} " in told or name in told
    assert "Docstring" in told and len(told.splitlines()) > 5


def test_errors_of_plain_verbs_show_the_users_lines_alone(lab: ShellLab) -> None:
    lab.ok("%load_ext cellgraph")
    lab.ok("import cellgraph as cg\n\n@cg.task\ndef bad(x):\n    return 1 / x")

    told = lab.run("value = cg.evaluate(bad(0))")
    assert "Cell In[2], line 5 in bad\n    return 1 / x" in told.out
    told = lab.run("x = 1\nif bad(1):\n    pass")
    assert "Cell In[4], line 2\n    if bad(1):" in told.out
    assert "NotAValue: bad(1) is lazy and has no truth value" in told.out
    for frame in ("site-packages", "core/cellgraph", "notebook_ext", "Traceback"):
        assert frame not in told.out


HEAVY = (
    "pandas numpy pyarrow ipywidgets anywidget msgspec cloudpickle pebble boto3 graphviz sqlite3"
)
LOADING = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
there = set(sys.modules)
shell.run_line_magic("load_ext", "cellgraph")
new = {{name.split(".")[0] for name in set(sys.modules) - there}}
print("NEW", *sorted(new & set({HEAVY.split()!r})))
"""


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "cellgraph.toml").touch()
    done = subprocess.run(
        [sys.executable, "-c", LOADING], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1] == "NEW", done.stdout + done.stderr
