"""The settled picture: a card of its own in SVG, readable on light and dark pages."""

from collections.abc import Iterable, Sequence
from typing import Final

from cellgraph_notebook import wording
from cellgraph_notebook.job_svg import draw_jobs
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
    fit,
    glyph_colour,
    text_width,
)
from cellgraph_notebook.picture import NAME_PX, PAD, SUB_PX, Picture, caption, second_line
from cellgraph_notebook.snapshot import Cause, GroupState, Snapshot
from cellgraph_notebook.statuses import GLYPHS, Status
from cellgraph_notebook.svgparts import (
    draw_bar,
    draw_frame,
    draw_line,
    draw_rule,
    draw_text,
    moved,
    px,
    xml,
)

_SIDE: Final = 14.0
_PILL: Final[dict[str, Status]] = {
    "planned": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
_FAILURES: Final = 6


def graph_svg(snapshot: Snapshot) -> str:
    """Return the graph of a whole snapshot alone, as a card: of a run, or of calls not run yet."""
    drawn = Picture().draw(snapshot)
    return _card(drawn.width + 2 * _SIDE, drawn.height + 16, snapshot, [_graph(snapshot, drawn, 8)])


def run_svg(snapshot: Snapshot) -> str:
    """Return the whole card of a whole snapshot: label, bar, totals, graph, jobs, failures."""
    drawn = Picture().draw(snapshot)
    width = drawn.width + 2 * _SIDE
    body = [_head(snapshot, width), draw_rule(76, width)]
    top = 76.0
    if drawn.boxes:
        body.append(_graph(snapshot, drawn, top + 8))
        top += drawn.height + 16
    jobs, tall = draw_jobs(snapshot["jobs"], snapshot["hidden_jobs"], width - 2 * _SIDE)
    if jobs:
        body += [draw_rule(top + y, width) for y, _ in jobs]
        body += [moved(_SIDE, top + y + 9, row) for y, row in jobs]
        top += tall
    lines = _failures(snapshot["failures"] or [], snapshot["unlisted"], width - 2 * _SIDE)
    lines += [draw_line([("", fit(n, width - 40, 12.5))]) for n in snapshot["notices"][:_FAILURES]]
    if lines:
        body.append(draw_rule(top, width))
        body += [moved(_SIDE, top + 23 + 19 * n, line) for n, line in enumerate(lines)]
        top += 19 * len(lines) + 16
    return _card(width, top, snapshot, body)


def _card(width: float, height: float, snapshot: Snapshot, body: Iterable[str]) -> str:
    title = xml(f"{snapshot['label']}: {wording.text(wording.status_line(snapshot))}")
    wide, tall = px(width), px(height)
    size = f'width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{SANS}" '
        f'font-size="12.5"><title>{title}</title><rect x="0.5" y="0.5" width="{px(width - 1)}" '
        f'height="{px(height - 1)}" rx="8" fill="{CARD}" stroke="{LINE}"/>{"".join(body)}</svg>'
    )


def _head(snapshot: Snapshot, width: float) -> str:
    word = wording.PILL[snapshot["status"]]
    pill = text_width(word, 11) + 14
    label = wording.shorten(snapshot["label"], int((width - 2 * _SIDE - pill - 12) / 7.3))
    at = _SIDE + 7.3 * len(label) + (9 if label else 0)
    colour = glyph_colour(_PILL[snapshot["status"]])
    parts = [
        draw_text(label, _SIDE, 27, TEXT, f'font-family="{MONO}" font-size="12"'),
        draw_frame(at, 14, pill, 17, f'rx="8.5" fill="none" stroke="{colour}"'),
        draw_text(word, at + pill / 2, 26.5, colour, 'font-size="11" text-anchor="middle"'),
        draw_bar(snapshot["totals"]["counts"], _SIDE, 40, width - 2 * _SIDE, 6),
    ]
    tones = {"": MUTE, "strong": TEXT, "failed": STATUS["failed"]}
    totals = "".join(
        f'<tspan fill="{tones[part.tone]}"{_WEIGHT[part.tone]}>{xml(part.text)}</tspan>'
        for part in wording.status_line(snapshot)
    )
    parts.append(moved(_SIDE, 64, f"<text xml:space='preserve'>{totals}</text>"))
    return "".join(parts)


_NAME: Final = f'font-size="{NAME_PX:g}" font-weight="600"'
_WEIGHT: Final = {"": "", "strong": ' font-weight="600"', "failed": ' font-weight="600"'}


def _graph(snapshot: Snapshot, drawn: Layout, top: float) -> str:
    groups = {group["id"]: group for group in snapshot["groups"]}
    planned = snapshot["status"] == "planned"
    lines = "".join(
        f'<path d="{line.path}" fill="none" stroke="{EDGE}" stroke-width="1.3"/>'
        for line in drawn.lines
    )
    boxes = "".join(_node(groups[p.id], p, planned=planned) for p in drawn.boxes)
    return moved(_SIDE, top, lines + boxes)


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
        draw_frame(0, 0, at.width, at.height, f'rx="6" fill="{CARD}" {stroke}'),
        draw_text(
            words.name, PAD, name_y, TEXT, f'font-size="{NAME_PX:g}" font-weight="600"', glyph
        ),
    ]
    if line:
        parts.append(draw_text(line, PAD, 33, MUTE, f'font-size="{SUB_PX:g}"'))
    if words.chip:
        end = f'font-size="{SUB_PX:g}" text-anchor="end"'
        parts.append(draw_text(words.chip, at.width - 10, name_y, MUTE, end))
    if not planned:
        parts.append(draw_bar(group["counts"], 8, at.height - 6.5, at.width - 16, 2.5))
    return moved(at.x, at.y, "".join(parts))


_DASH: Final[dict[Status, str]] = {
    "waiting": ' stroke-dasharray="4 3"',
    "skipped": ' stroke-dasharray="1.5 3"',
    "cancelled": ' stroke-dasharray="6 2 1.5 2"',
}


def _failures(causes: Sequence[Cause], unlisted: int, width: float) -> list[str]:
    lines: list[str] = []
    for cause in causes[:_FAILURES]:
        who = fit(f"✕ {wording.cause_calls(cause)}", width * 0.6, 12.5, bold=True)
        room = width - text_width(who, 12.5, bold=True) - 10
        what = fit(wording.cause_error(cause), room, 12.5)
        lines.append(draw_line([("failed", who), ("", f" {what}")]))
    more = sum(cause["count"] for cause in causes[_FAILURES:]) + unlisted
    return lines + ([draw_line([("", wording.unlisted_line(more))])] if more else [])
