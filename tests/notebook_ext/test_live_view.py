"""The live view as a kernel and a page see it: few small messages, a full state, a settled end."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallsAdded,
    CallsFinished,
    CallsStarted,
    Event,
    LogText,
    RunStarted,
)
from cellgraph_notebook.live_view import STATIC
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.statuses import BAR, NAMES
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wire import Wire

RUN = "r1"
WIDGET = "application/vnd.jupyter.widget-view+json"


def opening(width: int) -> list[Event]:
    loads = [CallAdded(n, "load", "thread", (), -1) for n in range(width)]
    fits = [CallAdded(width + n, "fit", "process", (n,), -1) for n in range(width)]
    return [RunStarted(RUN, "fit(…)", 0.0), CallsAdded(RUN, (*loads, *fits))]


class Told:
    """A model and the messages made of it."""

    def __init__(self, *events: Event) -> None:
        self.model = RunModel()
        self.wire = Wire()
        self.seen = -1
        self.hear(*events)

    def hear(self, *events: Event) -> None:
        for event in events:
            self.model.apply(event)

    def snapshot(self) -> Snapshot:
        made = self.model.snapshot(1.0, self.seen)
        self.seen = self.model.revision
        return made

    def message(self) -> dict[str, Any]:
        """The next message, as the browser gets it."""
        message: dict[str, Any] = json.loads(json.dumps(self.wire.message(self.snapshot())))
        return message


def test_the_first_message_is_whole_and_the_next_tells_what_changed() -> None:
    told = Told(*opening(500))
    first = told.message()
    assert first["graph"]["name"] == ["load", "fit"]
    assert first["graph"]["chip"] == ["", "process"]
    assert first["groups"]["id"] == first["graph"]["id"]
    told.hear(CallsFinished(RUN, (CallDone(0, 1.0),)))
    second = told.message()
    assert "graph" not in second and "failures" not in second
    assert second["groups"]["id"] == [first["graph"]["id"][0]]
    assert second["groups"]["sub"] == ["1 of 500"]
    assert second["head"]["bar"][BAR.index(NAMES.index("done"))] == 1


def test_a_log_is_sent_when_it_grows_and_again_with_a_whole_message() -> None:
    told = Told(*opening(2), LogText(RUN, 0, "stdout", "one\n"))
    assert told.message()["groups"]["log"] == [["load[0]", "one"], None]
    told.hear(CallsStarted(RUN, (0,), 0.5))
    assert told.message()["groups"]["log"] == [None]
    told.seen = -1
    assert told.message()["groups"]["log"] == [["load[0]", "one"], None]


def test_boxes_stay_where_they_are_while_the_run_goes_on() -> None:
    told = Told(*opening(3))
    before = told.message()["graph"]
    told.hear(CallsFinished(RUN, tuple(CallDone(n, 1.0) for n in range(6))))
    told.seen = -1
    assert told.message()["graph"] == before


def test_static_files_name_no_address() -> None:
    for path in STATIC.iterdir():
        assert not re.search(r"https?:|//[a-z]", path.read_text("utf-8").replace("// ", "")), path


def test_the_browser_knows_every_status_in_the_order_of_the_bar() -> None:
    script = (STATIC / "run_dom.js").read_text("utf-8")
    style = (STATIC / "run_view.css").read_text("utf-8")
    bar = ", ".join(f'"{NAMES[code]}"' for code in BAR)
    assert f"const BAR = [{bar}];" in script
    assert all(f".cg-part-{name} " in style and f'data-status="{name}"' in style for name in NAMES)


@pytest.mark.parametrize(("hue", "ground"), [(0, "#ffffff"), (1, "#111111"), (1, "#212121")])
def test_colours_of_text_are_readable_on_light_and_dark(hue: int, ground: str) -> None:
    style = (STATIC / "run_view.css").read_text("utf-8")
    pairs = dict(re.findall(r"--cg-(\w+): light-dark\((#\w{6}, #\w{6})\)", style))
    colours = {name: pairs[name].split(", ")[hue] for name in NAMES}
    faint = {"waiting", "skipped"}  # drawn in the colour of muted text where they are text
    weak = {n: c for n, c in colours.items() if n not in faint and contrast(c, ground) < 4.5}
    assert weak == {}


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# --- in a kernel: the functions below run there, their source is sent ---------------------------


def drive(hear: Callable[[Any], None], calls: int, seconds: float) -> None:
    """Tell *hear* of a run of *calls*, in many small batches."""
    import time

    from cellgraph import events as ev

    run = "k1"
    hear(ev.RunStarted(run, "fit(…)", time.time()))
    added = tuple(ev.CallAdded(n, "fit", "process", (), -1) for n in range(calls))
    hear(ev.CallsAdded(run, added))
    steps = 200
    for step in range(steps):
        numbers = tuple(range(calls * step // steps, calls * (step + 1) // steps))
        hear(ev.CallsStarted(run, numbers, time.time()))
        time.sleep(seconds / steps)
        hear(ev.CallsFinished(run, tuple(ev.CallDone(n, 0.01) for n in numbers)))
    hear(ev.RunFinished(run, "done", time.time(), seconds, calls, 0, 0, 0.0))


PREPARE = """
from __future__ import annotations
from cellgraph.events import *
"""
LIVE = """
import time
from cellgraph_notebook.live_view import LiveView
heard = []
view = LiveView("fit(…)", lambda: heard.append("stop"))
begun = time.monotonic()
with view:
    drive(view.subscriber, 10_000, 2.0)
print(time.monotonic() - begun)
"""
BACKGROUND = """
import threading, time
from cellgraph_notebook.live_view import LiveView
heard = []
view = LiveView("fit(…)", lambda: heard.append("stop"))
view.display()
view.subscriber(RunStarted("k3", "fit(…)", time.time()))
while not view._painter._views:  # it opens on its own thread
    time.sleep(0.01)
print(view._painter._views[0].model_id)
"""
FORGOTTEN = """
import gc, weakref
from cellgraph_notebook.live_view import LiveView
class Run:
    def cancel(self): pass
owner = Run()
kept = weakref.ref(owner)
with LiveView("fit(…)", owner.cancel) as view:
    drive(view.subscriber, 10, 0.5)
del owner, view
gc.collect()
print(kept() is None)
"""
STATIC_RUN = """
import os
from cellgraph_notebook.present import present
view = present("fit(…)", on_stop=print, environ={"CELLGRAPH_DISPLAY": "static"})
with view:
    drive(view.subscriber, 10, 0.1)
"""
BRIEF = """
from cellgraph_notebook.present import present
with present("fit(…)", on_stop=print, environ={}) as view:
    view.subscriber(RunStarted("k2", "fit(…)", 0.0))
    view.subscriber(RunFinished("k2", "done", 0.1, 0.1, 0, 5, 0, 60.0))
"""


class Kernel:
    """A kernel, as a front end talks to it."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> list[dict[str, Any]]:
        """Execute *code*; return what was published."""
        published: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(code, output_hook=published.append, timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"]
        return published

    def tell(self, comm_id: str, data: dict[str, object]) -> list[dict[str, Any]]:
        """Send a widget message as a page does; return what was published until it was handled."""
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        self._client.shell_channel.send(message)
        published: list[dict[str, Any]] = []
        while True:
            heard = self._client.get_iopub_msg(timeout=60)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if heard["content"].get("execution_state") == "idle":
                return published
            published.append(heard)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        made = Kernel(client)
        made.run(PREPARE + inspect.getsource(drive))
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [m["content"] for m in messages if m["header"]["msg_type"] == kind]


def text(messages: list[dict[str, Any]]) -> str:
    return "".join(content["text"] for content in of_type(messages, "stream"))


def test_a_run_is_a_widget_few_messages_and_a_settled_end(kernel: Kernel) -> None:
    published = kernel.run(LIVE)
    (shown,) = of_type(published, "display_data")
    assert WIDGET in shown["data"]
    custom = [m for m in of_type(published, "comm_msg") if m["data"].get("method") == "custom"]
    assert 2 <= len(custom) <= 10 * float(text(published)) + 2
    assert "graph" not in custom[1]["data"]["content"]
    last = custom[-1]["data"]["content"]
    assert last["head"]["word"] == "done"
    assert last["head"]["bar"][BAR.index(NAMES.index("done"))] == 10_000
    (settled,) = of_type(published, "update_display_data")
    assert settled["transient"] == shown["transient"]
    assert set(settled["data"]) == {"text/html", "image/svg+xml", "text/plain"}
    assert settled["metadata"] == {"cellgraph": {"run_id": "k1"}}
    assert "10,000 of 10,000" in settled["data"]["text/plain"]


def test_a_page_that_comes_back_gets_the_last_state(kernel: Kernel) -> None:
    (shown,) = of_type(kernel.run(LIVE), "display_data")
    asked = kernel.tell(shown["data"][WIDGET]["model_id"], {"method": "request_state"})
    (answer,) = of_type(asked, "comm_msg")
    state = answer["data"]["state"]["state"]
    assert (state["head"]["word"], state["graph"]["name"]) == ("done", ["fit"])
    assert state["groups"]["row"][0][2] == "10,000"


def test_stop_reaches_the_run_and_nonsense_does_no_harm(kernel: Kernel) -> None:
    model_id = text(kernel.run(BACKGROUND)).strip()
    for said in ({"stop": True}, {"unknown": 1}, "nonsense", {"hidden": True}):
        kernel.tell(model_id, {"method": "custom", "content": said})
    assert text(kernel.run("print(heard)")) == "['stop']\n"
    assert text(kernel.run("view.settle(); print(view._model.status)")) == "cancelled\n"


def test_a_view_that_has_settled_does_not_keep_its_run(kernel: Kernel) -> None:
    assert text(kernel.run(FORGOTTEN)) == "True\n"


def test_static_mode_is_one_output_and_no_widget(kernel: Kernel) -> None:
    published = kernel.run(STATIC_RUN)
    (shown,) = of_type(published, "display_data")
    assert set(shown["data"]) == {"text/html", "image/svg+xml", "text/plain"}
    assert not of_type(published, "comm_open") and not of_type(published, "update_display_data")


def test_a_short_run_draws_no_widget(kernel: Kernel) -> None:
    published = kernel.run(BRIEF)
    (shown,) = of_type(published, "display_data")
    assert shown["data"]["text/plain"] == "↺ fit(…) · 5 results from cache in 0.1 s (saved 1 min)"
    assert not of_type(published, "comm_open")
