"""What every settled picture is made of: pieces of SVG as text."""

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from cellgraph_notebook.palette import LINE, MUTE, STATUS, TRACK
from cellgraph_notebook.statuses import BAR, FAILED, NAMES

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(text: str) -> str:
    """Return *text* escaped for XML and HTML, without characters XML has no way to say."""
    return escape(_NOT_XML.sub("�", text))


def draw_bar(counts: Sequence[int], x: float, y: float, width: float, height: float) -> str:
    """Return a stacked bar of *counts* by status code."""
    total = sum(counts) or 1
    row = f'y="{px(y)}" height="{px(height)}"'
    parts = [f'<rect x="{px(x)}" {row} width="{px(width)}" rx="1" fill="{TRACK}"/>']
    for code in BAR:
        if counts[code]:
            # A few failures among thousands must not be thinner than the eye.
            part = max(width * counts[code] / total, 2.0 if code == FAILED else 0.0)
            parts.append(
                f'<rect x="{x:.2f}" {row} width="{part:.2f}" fill="{STATUS[NAMES[code]]}"/>'
            )
            x += part
    return "".join(parts)


def draw_line(parts: Sequence[tuple[str, str]]) -> str:
    """Return a line of text from pairs of tone and text; any tone is that of a failure."""
    spans = "".join(
        f'<tspan fill="{STATUS["failed"]}" font-weight="600">{xml(text)}</tspan>'
        if tone
        else f'<tspan fill="{MUTE}">{xml(text)}</tspan>'
        for tone, text in parts
    )
    return f"<text xml:space='preserve'>{spans}</text>"


def draw_text(text: str, x: float, y: float, colour: str, how: str, before: str = "") -> str:
    """Return one text. *before*: markup that stands first in it."""
    return f'<text x="{px(x)}" y="{px(y)}" fill="{colour}" {how}>{before}{xml(text)}</text>'


def draw_frame(x: float, y: float, width: float, height: float, how: str) -> str:
    """Return a rectangle."""
    at = f'x="{px(x)}" y="{px(y)}" width="{px(width)}" height="{px(height)}"'
    return f"<rect {at} {how}/>"


def draw_rule(y: float, width: float) -> str:
    """Return a line across a card."""
    return f'<path d="M1,{px(y)}H{px(width - 1)}" stroke="{LINE}"/>'


def moved(x: float, y: float, body: str) -> str:
    """Return *body* moved to (x, y)."""
    return f'<g transform="translate({px(x)},{px(y)})">{body}</g>'


def px(value: float) -> str:
    """Return a coordinate as short as it can be said."""
    return f"{value:.1f}".removesuffix(".0")
