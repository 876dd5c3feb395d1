"""The settled output: complete, well-formed, readable, and made of what an untrusted page keeps."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from cellgraph.events import (
    CallAdded,
    CallDone,
    CallFailed,
    CallsAdded,
    CallsFinished,
    CallsReused,
    CallsSkipped,
    Event,
    Missed,
    MissesExplained,
    RunFinished,
    RunStarted,
)
from cellgraph_notebook import palette
from cellgraph_notebook.dot import dot_source
from cellgraph_notebook.palette import STATUS, fit, glyph_colour, text_width
from cellgraph_notebook.snapshot import Snapshot, without_times
from cellgraph_notebook.static_view import brief_bundle, graph_bundle, run_bundle
from cellgraph_notebook.statuses import NAMES
from cellgraph_notebook.svg import run_svg
from cellgraph_notebook.view_model import RunModel
from cellgraph_notebook.wording import duration, remaining

RUN = "7f3a91"
KEPT_TAGS = {"div", "img", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "pre"}
KEPT_ATTRIBUTES = {"alt", "src", "style"}
SVG = "{http://www.w3.org/2000/svg}"


def calls() -> tuple[CallAdded, ...]:
    loads = [CallAdded(n, "load", "thread", (), -1) for n in range(3)]
    fits = [CallAdded(3 + n, "fit", "process", (n,), -1) for n in range(3)]
    return (*loads, *fits, CallAdded(6, "report", "thread", (3, 4, 5), -1))


def snapshot(
    *more: Event, label: str = "report(fit(…) ×3)", error: str = "KeyError: 'chr'"
) -> Snapshot:
    model = RunModel()
    trace = 'Traceback\n  File "steps.py", line 6, in fit\n    <b>&\x1b[31m'
    events: list[Event] = [
        RunStarted(RUN, label, 0.0),
        CallsAdded(RUN, calls()),
        MissesExplained(RUN, (Missed("fit", "helper clean() line 3", 3),)),
        CallsReused(RUN, tuple(CallDone(n, 60.0) for n in range(3))),
        CallsFinished(RUN, (CallDone(3, 2.0), CallDone(4, 4.0))),
        CallFailed(RUN, 5, error, trace, 1, will_retry=False),
        CallsSkipped(RUN, (6,)),
        RunFinished(RUN, "failed", 8.0, 8.0, 3, 3, 1, 180.0),
        *more,
    ]
    for event in events:
        model.apply(event)
    return model.snapshot(9.0)


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_bundle_has_no_widget_and_names_its_run() -> None:
    bundle = run_bundle(snapshot())
    assert set(bundle.data) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle.metadata == {"cellgraph": {"run_id": RUN}}


def test_the_html_is_made_of_what_an_untrusted_page_keeps() -> None:
    bundle = run_bundle(snapshot())
    seen = Seen(bundle.data["text/html"])
    assert seen.tags <= KEPT_TAGS
    assert set(seen.attributes) <= KEPT_ATTRIBUTES
    (source,) = seen.attributes["src"]
    kind, encoded = source.split(",", 1)
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(encoded).decode() == bundle.data["image/svg+xml"]
    assert "http" not in bundle.data["text/html"].replace(source, "")


def test_table_and_log_are_in_the_html() -> None:
    words = Seen(run_bundle(snapshot()).data["text/html"]).words
    assert "helper clean() line 3" in words
    assert "2 done · 1 failed" in " ".join(words)
    assert any("line 6, in fit" in word for word in words)


def test_the_card_says_what_the_live_view_said() -> None:
    said = texts(run_svg(snapshot()))
    assert said[0] == "report(fit(…) ×3)"
    assert "failed" in said
    assert "5 of 7 · ↺ 3 reused, saved 3 min · 1 failed · 1 not run · took 8.0 s" in said
    assert "✕ fit" in said and "2 of 3 · 1 ✕" in said
    assert "✕ fit[2] KeyError: 'chr' at fit, line 6 of steps.py" in said


@pytest.mark.parametrize("error", ["<script>&\x00\x1b[31m", "\ud800 lone", "x" * 5_000, ""])
def test_whatever_an_error_says_the_card_is_well_formed(error: str) -> None:
    bundle = run_bundle(snapshot(label=f"f({error})", error=error))
    ElementTree.fromstring(bundle.data["image/svg+xml"])
    assert Seen(bundle.data["text/html"]).tags <= KEPT_TAGS


def test_the_card_brings_its_own_ground_and_readable_colours() -> None:
    root = ElementTree.fromstring(run_svg(snapshot()))
    ground = root.find(f"{SVG}rect")
    assert ground is not None and ground.get("fill") == palette.CARD
    inks = {palette.TEXT, palette.MUTE, *(glyph_colour(status) for status in NAMES)}
    assert {
        ink: contrast(ink, palette.CARD) for ink in inks if contrast(ink, palette.CARD) < 4.5
    } == {}
    used = {e.get("fill") for t in ("text", "tspan") for e in root.iter(f"{SVG}{t}")} - {None}
    assert used <= inks | {STATUS["failed"]}


def test_names_are_cut_to_their_boxes() -> None:
    model = RunModel("x")
    name = "estimate_parameters_of_the_hierarchical_model"
    model.apply(CallsAdded("", (CallAdded(0, name, "a_very_long_executor_name", (), -1),)))
    words = texts(graph_bundle(model.snapshot(0.0)).data["image/svg+xml"])
    assert all(word.endswith("…") for word in words)
    assert all(text_width(word, 12) < 186 for word in words)


@pytest.mark.parametrize("room", [5.0, 40.0, 400.0])
@pytest.mark.parametrize("text", ["", "a", "wide MWMW name"])
def test_fitted_text_is_never_wider_than_its_room(room: float, text: str) -> None:
    cut = fit(text, room, 12)
    assert text_width(cut, 12) <= max(room, text_width("…", 12))
    assert cut == text or cut.endswith("…")


def test_an_expression_that_has_not_run_has_no_status() -> None:
    model = RunModel("report(fit(…) ×3)")
    model.apply(CallsAdded("", calls()))
    bundle = graph_bundle(model.snapshot(0.0))
    said = texts(bundle.data["image/svg+xml"])
    assert [" ".join(said).count(name) for name in ("load", "fit", "report")] == [1, 1, 1]
    assert "×3" in said and not any("wait" in word for word in said)
    assert bundle.data["text/plain"].startswith("report(fit(…) ×3) · not run")


def test_a_brief_run_of_reused_results_is_one_line() -> None:
    model = RunModel()
    model.apply(RunStarted(RUN, "report(…)", 0.0))
    model.apply(RunFinished(RUN, "done", 0.4, 0.4, 0, 1_205, 0, 13_260.0))
    line = brief_bundle(model.snapshot(1.0)).data["text/plain"]
    assert line == "↺ report(…) · 1,205 results from cache in 0.4 s (saved 3 h 41 min)"


def test_without_times_the_bundle_tells_no_time_and_no_id() -> None:
    plain = run_bundle(without_times(snapshot()))
    assert plain.metadata == {"cellgraph": {"run_id": "run"}}
    assert not re.search(r"\d (s|ms|min|h)\b", plain.data["text/plain"])
    assert not re.search(r"\d (s|ms|min|h)<", plain.data["image/svg+xml"])


def test_dot_source_has_a_node_per_group_and_needs_no_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    source = dot_source(snapshot())
    assert source.count("->") == 2
    assert len(re.findall(r"^\s*g\d+ \[", source, re.MULTILINE)) == 3
    assert f'color="{STATUS["failed"]}"' in source


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.0002, "<1 ms"),
        (0.0123, "12 ms"),
        (0.0996, "0.1 s"),
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (41.3, "41 s"),
        (59.7, "1 min"),
        (110.0, "1 min 50 s"),
        (600.0, "10 min"),
        (3_599.0, "1 h"),
        (13_260.0, "3 h 41 min"),
        (86_399.0, "1 d"),
        (183_600.0, "2 d 3 h"),
    ],
)
def test_durations_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.0, "a few seconds left"),
        (33.0, "about 35 s left"),
        (70.0, "about 1 min left"),
        (240.0, "about 4 min left"),
        (1_400.0, "about 25 min left"),
        (9_000.0, "about 2 h 30 min left"),
    ],
)
def test_a_time_left_is_as_coarse_as_the_estimate(seconds: float, text: str) -> None:
    assert remaining(seconds) == text
