"""The settled picture: a card of its own in SVG, readable on light and dark pages."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from cellgraph_notebook import wording
from cellgraph_notebook.layout import Layout, Placed
from cellgraph_notebook.palette import (
    CARD,
    EDGE,
    LINE,
    MONO,
    MUTE,
    SANS,
    STATUS,
    TEXT,
    TRACK,
    fit,
    glyph_colour,
    text_width,
)
from cellgraph_notebook.picture import NAME_PX, PAD, SUB_PX, Picture, caption, second_line
from cellgraph_notebook.snapshot import Cause, GroupState, Snapshot
from cellgraph_notebook.statuses import BAR, FAILED, GLYPHS, NAMES, Status

_SIDE: Final = 14.0
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PILL: Final[dict[str, Status]] = {
    "planned": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
_FAILURES: Final = 6


def xml(text: str) -> str:
    """Return *text* escaped for XML and HTML, without characters XML has no way to say."""
    return escape(_NOT_XML.sub("�", text))


def graph_svg(snapshot: Snapshot) -> str:
    """Return the graph of a whole snapshot alone, as a card: of a run, or of calls not run yet."""
    drawn = Picture().draw(snapshot)
    return _card(drawn.width + 2 * _SIDE, drawn.height + 16, snapshot, [_graph(snapshot, drawn, 8)])


def run_svg(snapshot: Snapshot) -> str:
    """Return the whole card of a whole snapshot: label, bar, totals, graph, failures."""
    drawn = Picture().draw(snapshot)
    width = drawn.width + 2 * _SIDE
    body = [_head(snapshot, width), _rule(76, width)]
    top = 76.0
    if drawn.boxes:
        body.append(_graph(snapshot, drawn, top + 8))
        top += drawn.height + 16
    lines = _failures(snapshot["failures"] or [], snapshot["unlisted"], width - 2 * _SIDE)
    lines += [_line([("", fit(n, width - 40, 12.5))]) for n in snapshot["notices"][:_FAILURES]]
    if lines:
        body.append(_rule(top, width))
        body += [_at(_SIDE, top + 23 + 19 * n, line) for n, line in enumerate(lines)]
        top += 19 * len(lines) + 16
    return _card(width, top, snapshot, body)


def _card(width: float, height: float, snapshot: Snapshot, body: Iterable[str]) -> str:
    title = xml(f"{snapshot['label']}: {wording.text(wording.status_line(snapshot))}")
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{SANS}" '
        f'font-size="12.5"><title>{title}</title><rect x="0.5" y="0.5" width="{_n(width - 1)}" '
        f'height="{_n(height - 1)}" rx="8" fill="{CARD}" stroke="{LINE}"/>{"".join(body)}</svg>'
    )


def _head(snapshot: Snapshot, width: float) -> str:
    word = wording.PILL[snapshot["status"]]
    pill = text_width(word, 11) + 14
    label = wording.shorten(snapshot["label"], int((width - 2 * _SIDE - pill - 12) / 7.3))
    at = _SIDE + 7.3 * len(label) + (9 if label else 0)
    colour = glyph_colour(_PILL[snapshot["status"]])
    parts = [
        _text(label, _SIDE, 27, TEXT, f'font-family="{MONO}" font-size="12"'),
        _frame(at, 14, pill, 17, f'rx="8.5" fill="none" stroke="{colour}"'),
        _text(word, at + pill / 2, 26.5, colour, 'font-size="11" text-anchor="middle"'),
        _bar(snapshot["totals"]["counts"], _SIDE, 40, width - 2 * _SIDE, 6),
    ]
    tones = {"": MUTE, "strong": TEXT, "failed": STATUS["failed"]}
    totals = "".join(
        f'<tspan fill="{tones[part.tone]}"{_WEIGHT[part.tone]}>{xml(part.text)}</tspan>'
        for part in wording.status_line(snapshot)
    )
    parts.append(_at(_SIDE, 64, f"<text xml:space='preserve'>{totals}</text>"))
    return "".join(parts)


_WEIGHT: Final = {"": "", "strong": ' font-weight="600"', "failed": ' font-weight="600"'}


def _graph(snapshot: Snapshot, drawn: Layout, top: float) -> str:
    groups = {group["id"]: group for group in snapshot["groups"]}
    planned = snapshot["status"] == "planned"
    lines = "".join(
        f'<path d="{line.path}" fill="none" stroke="{EDGE}" stroke-width="1.3"/>'
        for line in drawn.lines
    )
    boxes = "".join(_node(groups[p.id], p, planned=planned) for p in drawn.boxes)
    return _at(_SIDE, top, lines + boxes)


def _node(group: GroupState, at: Placed, *, planned: bool) -> str:
    status = group["status"]
    colour = MUTE if planned else STATUS[status]
    heavy = 2 if status in ("running", "failed") else 1.2
    dash = "" if planned else _DASH.get(status, "")
    stroke = f'stroke="{colour}" stroke-width="{heavy}"{dash}'
    words = caption(group, at.width)
    glyph = "" if planned else f'<tspan fill="{glyph_colour(status)}">{GLYPHS[status]}</tspan> '
    line = second_line(group, at.width, planned=planned)
    said = wording.group_facts(group) if not planned else line
    name_y = 18 if line else 27
    parts = [
        f"<title>{xml(group['name'])}: {xml(said)}</title>",
        _frame(0, 0, at.width, at.height, f'rx="6" fill="{CARD}" {stroke}'),
        _text(words.name, PAD, name_y, TEXT, f'font-size="{NAME_PX:g}" font-weight="600"', glyph),
    ]
    if line:
        parts.append(_text(line, PAD, 33, MUTE, f'font-size="{SUB_PX:g}"'))
    if words.chip:
        end = f'font-size="{SUB_PX:g}" text-anchor="end"'
        parts.append(_text(words.chip, at.width - 10, name_y, MUTE, end))
    if not planned:
        parts.append(_bar(group["counts"], 8, at.height - 6.5, at.width - 16, 2.5))
    return _at(at.x, at.y, "".join(parts))


_DASH: Final[dict[Status, str]] = {
    "waiting": ' stroke-dasharray="4 3"',
    "skipped": ' stroke-dasharray="1.5 3"',
    "cancelled": ' stroke-dasharray="6 2 1.5 2"',
}


def _bar(counts: Sequence[int], x: float, y: float, width: float, height: float) -> str:
    total = sum(counts) or 1
    row = f'y="{_n(y)}" height="{_n(height)}"'
    parts = [f'<rect x="{_n(x)}" {row} width="{_n(width)}" rx="1" fill="{TRACK}"/>']
    for code in BAR:
        if counts[code]:
            # A few failures among thousands must not be thinner than the eye.
            part = max(width * counts[code] / total, 2.0 if code == FAILED else 0.0)
            parts.append(
                f'<rect x="{x:.2f}" {row} width="{part:.2f}" fill="{STATUS[NAMES[code]]}"/>'
            )
            x += part
    return "".join(parts)


def _failures(causes: Sequence[Cause], unlisted: int, width: float) -> list[str]:
    lines: list[str] = []
    for cause in causes[:_FAILURES]:
        who = fit(f"✕ {wording.cause_calls(cause)}", width * 0.6, 12.5, bold=True)
        room = width - text_width(who, 12.5, bold=True) - 10
        what = fit(wording.cause_error(cause), room, 12.5)
        lines.append(_line([("failed", who), ("", f" {what}")]))
    more = sum(cause["count"] for cause in causes[_FAILURES:]) + unlisted
    return lines + ([_line([("", wording.unlisted_line(more))])] if more else [])


def _line(parts: Sequence[tuple[str, str]]) -> str:
    spans = "".join(
        f'<tspan fill="{STATUS["failed"]}" font-weight="600">{xml(text)}</tspan>'
        if tone
        else f'<tspan fill="{MUTE}">{xml(text)}</tspan>'
        for tone, text in parts
    )
    return f"<text xml:space='preserve'>{spans}</text>"


def _text(text: str, x: float, y: float, colour: str, how: str, before: str = "") -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" fill="{colour}" {how}>{before}{xml(text)}</text>'


def _frame(x: float, y: float, width: float, height: float, how: str) -> str:
    at = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    return f"<rect {at} {how}/>"


def _rule(y: float, width: float) -> str:
    return f'<path d="M1,{_n(y)}H{_n(width - 1)}" stroke="{LINE}"/>'


def _at(x: float, y: float, body: str) -> str:
    return f'<g transform="translate({_n(x)},{_n(y)})">{body}</g>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
