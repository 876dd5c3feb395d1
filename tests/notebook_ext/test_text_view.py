"""The text view and the choice of a view: what is written where, and without IPython."""

import os
import subprocess
import sys
import threading
from io import StringIO

import pytest

from cellgraph.errors import ConfigError
from cellgraph.events import (
    CallAdded,
    CallDone,
    CallsAdded,
    CallsFinished,
    CallsReused,
    CallsStarted,
    Event,
    RunFinished,
    RunStarted,
)
from cellgraph_notebook.present import display_mode, present, reproducible
from cellgraph_notebook.pump import RunDisplay
from cellgraph_notebook.snapshot import without_times
from cellgraph_notebook.text_view import LogPainter, ReportPainter, TerminalPainter
from cellgraph_notebook.view_model import RunModel

RUN = "r1"


def opening() -> list[Event]:
    loads = [CallAdded(n, "load", "thread", (), -1) for n in range(3)]
    fits = [CallAdded(3 + n, "fit", "process", (n,), -1) for n in range(3)]
    return [RunStarted(RUN, "fit(…) ×3", 0.0), CallsAdded(RUN, (*loads, *fits))]


def reused(*numbers: int) -> CallsReused:
    return CallsReused(RUN, tuple(CallDone(n, 60.0) for n in numbers))


def done(*numbers: int) -> CallsFinished:
    return CallsFinished(RUN, tuple(CallDone(n, 2.0) for n in numbers))


def finished() -> RunFinished:
    return RunFinished(RUN, "done", 6.0, 6.0, 3, 3, 0, 180.0)


def model(*events: Event) -> RunModel:
    made = RunModel()
    for event in events:
        made.apply(event)
    return made


TABLE = """\
Group  Status    Calls  Time   p50    p95    Saved  Runs on
load   ↺ reused  3      –      –      –      3 min  thread
fit    ✓ done    3      6.0 s  2.0 s  2.0 s  –      process
"""


def test_a_log_gets_a_line_per_finished_group_and_a_table() -> None:
    out = StringIO()
    painter, run = LogPainter(out), model(*opening())
    painter.open(run, 1.0)
    run.apply(reused(0, 1, 2))
    painter.paint(run, 2.0)
    run.apply(done(3, 4))
    painter.paint(run, 3.0)
    run.apply(done(5))
    painter.paint(run, 4.0)
    painter.paint(run, 5.0)
    run.apply(finished())
    painter.close(run, 6.0)
    lines = out.getvalue().split("\n", 2)
    assert lines[0] == "[3/6] ↺ load · ×3 · saved 3 min"
    assert lines[1] == "[6/6] ✓ fit · ×3 · 6.0 s"
    head = "fit(…) ×3 · done\n6 of 6 · ↺ 3 reused, saved 3 min · took 6.0 s\n\n"
    assert lines[2] == head + TABLE


def test_a_group_that_grows_is_told_again_when_it_is_finished_again() -> None:
    out = StringIO()
    painter, run = LogPainter(out), model(*opening()[:1])
    for number in range(2):
        run.apply(CallsAdded(RUN, (CallAdded(number, "fib", "thread", (), number - 1),)))
        run.apply(done(number))
        painter.paint(run, 1.0)
    assert out.getvalue() == "[1/1] ✓ fib · 2.0 s\n[2/2] ✓ fib · ×2 · 4.0 s\n"


def test_a_terminal_line_is_rewritten_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    out = StringIO()
    painter, run = TerminalPainter(out), model(*opening(), CallsStarted(RUN, (0,), 0.0))
    painter.open(run, 1.0)
    painter.paint(run, 1.2)
    written = out.getvalue().split("\r\x1b[K")
    assert written == ["", "fit(…) ×3 · 0 of 6 · 1 running", "fit(…) ×3 · 0 of 6 · 1 running"]
    run.apply(RunStarted(RUN, "report(" + "x" * 200 + ")", 0.0))
    painter.paint(run, 1.4)
    assert len(out.getvalue().split("\r\x1b[K")[-1]) <= 50


def test_reproducible_text_is_the_table_alone_without_times() -> None:
    out = StringIO()
    view = RunDisplay("x", ReportPainter(out, without_times))
    with view:
        for event in (*opening(), reused(0, 1, 2), done(3, 4, 5), finished()):
            view.subscriber(event)
    assert out.getvalue() == (
        "fit(…) ×3 · done\n6 of 6 · ↺ 3 reused\n\n"
        "Group  Status    Calls  Runs on\n"
        "load   ↺ reused  3      thread\n"
        "fit    ✓ done    3      process\n"
    )


def test_a_short_run_is_one_line() -> None:
    out = StringIO()
    view = RunDisplay("x", LogPainter(out), patience_s=60.0)
    view.display()
    for event in (*opening(), reused(0, 1, 2), done(3, 4, 5), finished()):
        view.subscriber(event)
    view.settle()
    assert out.getvalue() == "✓ fit(…) ×3 · 6 of 6 · ↺ 3 reused, saved 3 min in 6.0 s\n"


def test_without_a_kernel_runs_are_shown_as_text_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with present("fit(…)", on_stop=lambda: None, environ={}) as view:
        for event in (*opening(), reused(*range(6)), finished()):
            view.subscriber(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert "6 results from cache" in err or "6 of 6" in err


@pytest.mark.parametrize(
    ("environ", "kernel", "mode"),
    [
        ({}, True, "live"),
        ({}, False, "plain"),
        ({"CELLGRAPH_DISPLAY": "static"}, True, "static"),
        ({"CELLGRAPH_DISPLAY": "plain"}, True, "plain"),
        ({"CELLGRAPH_DISPLAY": "live"}, False, "live"),
    ],
)
def test_the_mode_is_asked_for_or_fits_the_place(
    environ: dict[str, str], kernel: bool, mode: str
) -> None:
    assert display_mode(environ, kernel=kernel) == mode


def test_an_unknown_mode_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'fancy'.* live, static, plain"):
        display_mode({"CELLGRAPH_DISPLAY": "fancy"}, kernel=True)


def test_reproducible_is_off_unless_asked_for() -> None:
    assert [reproducible({"CELLGRAPH_REPRODUCIBLE": v}) for v in ("", "0", "1")] == [0, 0, 1]


SCRIPT = """
import sys
from cellgraph.events import CallAdded, CallDone, CallsAdded, CallsFinished, RunFinished, RunStarted
from cellgraph_notebook.present import present

with present("fit(...)", on_stop=lambda: None) as view:
    view.subscriber(RunStarted("r", "fit(...)", 0.0))
    view.subscriber(CallsAdded("r", (CallAdded(0, "fit", "thread", (), -1),)))
    view.subscriber(CallsFinished("r", (CallDone(0, 1.0),)))
    view.subscriber(RunFinished("r", "done", 1.0, 1.0, 1, 0, 0, 0.0))
heavy = {"IPython", "anywidget", "ipywidgets", "traitlets", "pandas", "graphviz"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_text_view_needs_no_notebook_library() -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CELLGRAPH_")}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environ, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert ran.stderr == "✓ fit(...) · 1 of 1 in 1.0 s\n"


class Broken:
    """A painter that cannot open."""

    interval_s = 0.1

    def __init__(self) -> None:
        self.painted: list[str] = []
        self.opened = threading.Event()

    def open(self, model: RunModel, now: float) -> None:
        self.painted.append("open")
        self.opened.set()
        raise OSError("the page is gone")

    def paint(self, model: RunModel, now: float) -> None:
        self.painted.append("paint")

    close = brief = paint


def test_a_painter_that_fails_is_logged_once_and_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    painter = Broken()
    view = RunDisplay("fit(…)", painter)
    view.display()
    assert painter.opened.wait(60)
    for event in (*opening(), finished()):
        view.subscriber(event)
    view.settle()
    assert painter.painted == ["open"]
    assert len(caplog.records) == 1
