"""The colours of the settled card, and how wide text is when nobody can measure it."""

import re
from typing import Final

from cellgraph_notebook.statuses import Status

CARD: Final = "#ffffff"
LINE: Final = "#d9dee5"
TEXT: Final = "#1f2733"
MUTE: Final = "#5a6675"
TRACK: Final = "#e3e7ec"
EDGE: Final = "#b7bec8"
# A picture cannot see the theme of its page: these hold on its own card, light on any page.
STATUS: Final[dict[Status, str]] = {
    "waiting": "#aeb7c2",
    "running": "#1565c0",
    "done": "#2e7d32",
    "reused": "#0f766e",
    "failed": "#c62828",
    "skipped": "#aeb7c2",
    "cancelled": "#8a5a00",
}
# The same card on a dark page, for documents that can have both.
_DARK: Final = {
    CARD: "#181c23", LINE: "#343b47", TEXT: "#e4e8ef", MUTE: "#a3adbb", TRACK: "#313944",
    EDGE: "#566170", "#1565c0": "#6cb2ff", "#2e7d32": "#7fc77f", "#0f766e": "#3ec9ba",
    "#c62828": "#ff7b72", "#aeb7c2": "#566170", "#8a5a00": "#e3b341",
}  # fmt: skip
_COLOUR: Final = re.compile(r'(?<==")#[0-9a-f]{6}(?=")')
SANS: Final = "system-ui,-apple-system,'Segoe UI',sans-serif"
MONO: Final = "ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace"
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} ·")
_WIDE: Final = frozenset("mwMWQ@%—…×")


def in_dark(svg: str) -> str:
    """Return a picture drawn with these colours as it looks on a dark page."""
    return _COLOUR.sub(lambda found: _DARK.get(found[0], found[0]), svg)


def glyph_colour(status: Status) -> str:
    """Return the colour of a glyph: text, so it must be readable where a border may be faint."""
    return MUTE if status in ("waiting", "skipped") else STATUS[status]


def text_width(text: str, size_px: float, *, bold: bool = False) -> float:
    """Return an upper estimate in pixels, after the widest of the usual sans-serif fonts."""
    ems = sum(0.4 if c in _NARROW else 0.95 if c in _WIDE else 0.66 for c in text)
    return ems * size_px * (1.08 if bold else 1.0)


def fit(text: str, room_px: float, size_px: float, *, bold: bool = False) -> str:
    """Return *text*, its end replaced by an ellipsis if it may be wider than *room_px*."""
    if text_width(text, size_px, bold=bold) <= room_px:
        return text
    while text and text_width(f"{text}…", size_px, bold=bold) > room_px:
        text = text[:-1]
    return f"{text.rstrip()}…"
