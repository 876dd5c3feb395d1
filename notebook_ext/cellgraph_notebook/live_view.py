"""The live view: an anywidget fed small messages, settled to a static bundle when the run ends.

The browser is never waited for. It is told everything again every two seconds, so that a view that
missed messages (a page reloaded, a view opened later) catches up even if the kernel cannot hear it.
"""

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import anywidget
import traitlets

from cellgraph_notebook.children import Children, Hands
from cellgraph_notebook.outputs import replace, show
from cellgraph_notebook.pump import BUSY_S, RunDisplay
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.static_view import brief_bundle, run_bundle, run_metadata
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wire import Message, Wire
from cellgraph_notebook.wording import brief_line

STATIC: Final = Path(__file__).with_name("static")
# Each uses only what stands before it.
_SCRIPTS: Final = ("run_dom.js", "run_clock.js", "run_graph.js", "run_jobs.js", "run_view.js")
HIDDEN_S: Final = 1.0
_WHOLE_S: Final = 2.0
_log = logging.getLogger(__name__)


def _script() -> str:
    """Return the page's script. A page loads one module, so our files are put one after another."""
    whole = "\n".join((STATIC / name).read_text("utf-8") for name in _SCRIPTS)
    return re.sub(r"^import .*\n|^export (?!default)", "", whole, flags=re.MULTILINE)


def _latest(_value: object, widget: "RunView") -> Mapping[str, object]:
    return cast(Mapping[str, object], widget.latest)


class RunView(anywidget.AnyWidget):  # pyright: ignore[reportUntypedBaseClass]  # ipywidgets is untyped
    """The widget: `state` is the last complete message, read anew whenever a page asks for it."""

    _esm = _script()
    _css = STATIC / "run_view.css"
    # Never assigned, so never sent as a whole while the run goes on.
    state = traitlets.Dict().tag(sync=True, to_json=_latest)

    def __init__(self, latest: Message) -> None:
        self.latest = latest
        super().__init__()

    def bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return data and metadata of the widget as an output."""
        data, metadata = cast(Any, self)._repr_mimebundle_()  # ipywidgets is not typed
        return dict(data), dict(metadata)

    def tell(self, message: Message) -> None:
        """Send *message* to every page that shows this widget."""
        cast(Any, self).send(message)

    def listen(
        self, hear: Callable[[object, object, object], None], *, remove: bool = False
    ) -> None:
        """Call *hear* (no longer, if *remove*) with widget, content and buffers a page sends."""
        cast(Any, self).on_msg(hear, remove=remove)


class LivePainter:
    """Shows one run as a `RunView`. *on_stop* is called on a thread of the kernel's choice."""

    def __init__(self, on_stop: Callable[[], None], hands: Hands | None = None) -> None:
        self._on_stop = on_stop
        self._children = Children(hands, self._tell)
        self._display_id = uuid.uuid4().hex
        self._wire = Wire()
        self._seen = -1
        self._whole_at = 0.0
        self._sent: Message = {}
        self._views: list[RunView] = []
        self.interval_s = BUSY_S

    def open(self, model: RunModel, now: float) -> None:
        """Create the widget and display it in the cell of this thread."""
        snapshot = self._snapshot(model, now)
        view = RunView(self._wire.message(snapshot))
        _answer_where_asked(view)
        view.listen(self._hear)
        self._views.append(view)
        data, known = view.bundle()
        data["text/plain"] = brief_line(snapshot)
        show(data, {**known, **run_metadata(snapshot["run"])}, self._display_id)

    def paint(self, model: RunModel, now: float) -> None:
        """Send what changed, and answer clicks; nothing if there is neither."""
        self._send(self._snapshot(model, now))
        self._children.answer(model)

    def close(self, model: RunModel, now: float) -> None:
        """Send the last state, then put the settled bundle in the widget's place."""
        self._seen = -1
        snapshot = self._snapshot(model, now)
        self._send(snapshot)
        replace(*run_bundle(snapshot), self._display_id)
        for view in self._views:
            # ipywidgets keeps every widget, for pages that come back; it must not keep the run.
            view.listen(self._hear, remove=True)

    def brief(self, model: RunModel, now: float) -> None:
        """Display one line."""
        show(*brief_bundle(model.snapshot(now)))

    def _snapshot(self, model: RunModel, now: float) -> Snapshot:
        since = -1 if now - self._whole_at >= _WHOLE_S else self._seen
        snapshot = model.snapshot(now, since)
        self._seen = model.revision
        if snapshot["whole"]:
            self._whole_at = now
        return snapshot

    def _send(self, snapshot: Snapshot) -> None:
        message = self._wire.message(snapshot)
        for view in self._views:
            if snapshot["whole"]:
                view.latest = message
            if message != self._sent:
                view.tell(message)
        self._sent = message

    def _tell(self, message: Message) -> None:
        for view in self._views:
            view.tell(message)

    def _hear(self, _view: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        said = cast("dict[str, object]", content)
        if "hidden" in said:
            self.interval_s = HIDDEN_S if said["hidden"] else BUSY_S
        if said.get("hello"):
            self._whole_at = 0.0
        self._children.hear(said)
        if said.get("stop"):
            try:
                self._on_stop()
            except Exception:
                _log.exception("the run could not be stopped from its view")


class LiveView(RunDisplay):
    """A run shown live in a notebook: `subscriber`, `display()`, `settle()`.

    *on_stop* is called when the reader presses Stop, on a thread of the kernel's choice: it must be
    thread-safe and return quickly. *hands* reach jobs on other machines.
    """

    def __init__(
        self,
        run_label: str,
        on_stop: Callable[[], None],
        *,
        hands: Hands | None = None,
        patience_s: float = 0.0,
    ) -> None:
        super().__init__(run_label, LivePainter(on_stop, hands), patience_s=patience_s)


def _answer_where_asked(view: RunView) -> None:
    """Let *view* hear the browser while a cell runs.

    A front end sends widget messages to a sub-shell, which works beside the cell. ipykernel 7.4
    sends them on to the shell that published last on the comm, the one that is blocked. There is no
    public way to say otherwise; where the private one is missing, nothing has to be done.
    """
    comm = getattr(view, "comm", None)
    if hasattr(comm, "_reply_subshell_for"):

        def stay(_data: object, asked: object) -> object:
            return asked

        setattr(comm, "_reply_subshell_for", stay)  # noqa: B010  # private, hence unknown to types
