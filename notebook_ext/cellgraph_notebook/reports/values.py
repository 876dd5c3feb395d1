"""A value as a reader sees it: its formats by MIME type, cut to what a document can carry."""

import base64
import html
import io
import sys
from collections.abc import Mapping
from typing import Any, Final, cast

from cellgraph.secret import hidden

_MOST: Final = 400_000  # characters of one format
_TEXT: Final = 20_000
_CARRIED: Final = ("text/html", "image/png", "image/svg+xml", "text/plain")


def formats_of(value: Any) -> dict[str, str]:
    """The formats of *value* that a page can show; `text/plain` is always among them."""
    found = dict(_formatted(value))
    made = {mime: _as_text(found[mime]) for mime in _CARRIED if found.get(mime)}
    made = {mime: _hidden(mime, text) for mime, text in made.items() if len(text) <= _MOST}
    figure = _figure(value)
    if figure:
        made["image/png"] = figure
    plain = made.get("text/plain") or hidden(repr(value))
    made["text/plain"] = plain if len(plain) <= _TEXT else f"{plain[:_TEXT]}\n…"
    return made


def as_html(formats: Mapping[str, str]) -> str:
    """The richest of the formats, as HTML without scripts' effect: the page forbids them."""
    if "image/png" in formats:
        return _image("image/png", formats["image/png"])
    if "image/svg+xml" in formats:
        data = base64.b64encode(formats["image/svg+xml"].encode()).decode()
        return _image("image/svg+xml", data)
    if "text/html" in formats:
        return f'<div class="scroll">{formats["text/html"]}</div>'
    return f"<pre><span>{html.escape(formats['text/plain'])}</span></pre>"


def _image(mime: str, data: str) -> str:
    return f'<img class="paper graph" alt="the result" src="data:{mime};base64,{data}">'


def _formatted(value: Any) -> Mapping[str, Any]:
    from IPython.core.formatters import DisplayFormatter

    formatter: Any = DisplayFormatter()
    data, _ = cast("tuple[Mapping[str, Any], Any]", formatter.format(value, include=_CARRIED))
    return data


def _as_text(data: Any) -> str:
    return base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)


def _hidden(mime: str, text: str) -> str:
    """Without the texts of secrets, as far as they stand there as text."""
    return text if mime == "image/png" else hidden(text, markup=mime != "text/plain")


def _figure(value: Any) -> str:
    """A figure of matplotlib as PNG (base64); IPython does so only where it draws inline."""
    drawing = sys.modules.get("matplotlib.figure")
    if drawing is None or not isinstance(value, drawing.Figure):
        return ""
    into = io.BytesIO()
    value.savefig(into, format="png", dpi=110, bbox_inches="tight")
    return base64.b64encode(into.getvalue()).decode()
