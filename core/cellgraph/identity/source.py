"""The text behind a live function, trusted only when it compiles to the function's own code.

Text comes from `linecache`: notebook cells and consoles put theirs there, files are read. It may be
newer or older than the code in memory (edited and not reloaded), so it is compiled again and
compared with the live code object; lines and file names do not count. No match, no text. What an
earlier process has compiled and compared counts as well (`remembered`).
"""

import __future__

import linecache
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any, Final, cast

from cellgraph.digest import digest
from cellgraph.identity.compiled import CompiledText
from cellgraph.identity.remembered import REMEMBERED, Named, Span

_FUTURES: Final[int] = sum(
    {getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
)
_MAX_TEXTS: Final = 256
_IPYTHON_CELL: Final = re.compile(r"<ipython-input-(\d+)-")


class Source:
    """Trusted source of one function: its digest without docstrings and with them, and its text.

    `line` is that of its ``def`` in the file or cell; `place` is for people: a file's name without
    folders, or "cell".
    """

    __slots__ = ("_lines", "_span", "digest", "documented", "line", "place")

    def __init__(self, named: Named, lines: Sequence[str], place: str) -> None:
        self.digest, self.documented, self._span = named
        self.line = self._span.line
        self.place = place
        self._lines = lines

    @property
    def text(self) -> str:
        """From its ``def``, as written, unindented; a lambda from that word on."""
        return _cut(self._lines, self._span)


def find_source(code: CodeType, namespace: Mapping[str, Any]) -> Source | None:
    """Return the source that compiles to *code*, or None if there is no such text.

    *namespace* is the globals of the function: it leads to texts that loaders provide.
    """
    filename = code.co_filename
    lines = linecache.getlines(filename, cast("dict[str, Any]", namespace))
    found = _find(code, filename, lines)
    if found is None and os.path.isfile(filename):  # noqa: PTH113  # a plain string is at hand
        linecache.checkcache(filename)
        fresh = linecache.getlines(filename, cast("dict[str, Any]", namespace))
        if fresh is not lines:
            found = _find(code, filename, fresh)
    return found


def text_version(filename: str) -> object:
    """A token that changes when the text of *filename* may have changed."""
    try:
        status = os.stat(filename)  # noqa: PTH116  # on the path of every look at code without source
    except OSError:
        return id(linecache.cache.get(filename))
    return status.st_mtime_ns, status.st_size


def place_of(filename: str) -> str:
    """What to call a file or cell: no folders, nothing that differs between machines."""
    cell = _IPYTHON_CELL.match(filename)
    if cell:
        return f"cell {cell[1]}"
    if "ipykernel" in filename or filename.startswith("<"):
        return "cell"
    return os.path.basename(filename)  # noqa: PTH119  # a plain string is at hand


class _Text:
    """One file or cell, compiled when something about it is not known from before."""

    def __init__(self, filename: str, lines: Sequence[str], flags: int) -> None:
        self.lines = lines
        self._filename = filename
        self._flags = flags
        self._place = place_of(filename)
        self._digest = b""
        self._compiled: CompiledText | None = None

    def find(self, code: CodeType) -> Source | None:
        """The source of *code*. Raises what `compile` does for a text that is none."""
        if self._compiled is not None or not REMEMBERED.is_open:
            named = self._compare(code)
        else:
            named = REMEMBERED.find(self._identity(), code) or self._compare(code)
        return None if named is None else Source(named, self.lines, self._place)

    def _compare(self, code: CodeType) -> Named | None:
        if self._compiled is None:
            self._compiled = CompiledText("".join(self.lines), self._filename, self._flags)
        found = self._compiled.find(code)
        if found is None:
            return None
        same, named = found
        if REMEMBERED.is_open:
            REMEMBERED.note(self._identity(), same, named)
        return named

    def _identity(self) -> bytes:
        """Digest of the text and of how it is compiled."""
        if not self._digest:
            text = "".join(self.lines).encode("utf-8", "surrogatepass")
            self._digest = digest(b"%d:" % self._flags + text)
        return self._digest


_texts: Final[dict[tuple[str, int], _Text]] = {}


def _find(code: CodeType, filename: str, lines: Sequence[str]) -> Source | None:
    if not lines:
        return None
    try:
        return _text(filename, lines, code.co_flags & _FUTURES).find(code)
    except (SyntaxError, ValueError, RecursionError, SystemError):
        return None


def _text(filename: str, lines: Sequence[str], flags: int) -> _Text:
    known = _texts.get((filename, flags))
    if known is not None and known.lines is lines:
        return known
    made = _Text(filename, lines, flags)
    while len(_texts) >= _MAX_TEXTS:
        _texts.pop(next(iter(_texts)), None)
    _texts[filename, flags] = made
    return made


def _cut(lines: Sequence[str], span: Span) -> str:
    """The text of a function, unindented."""
    own = lines[span.line - 1 : span.end_line]
    if span.column >= 0:  # columns count bytes
        own = list(own)
        own[-1] = own[-1].encode()[: span.end_column].decode()
        own[0] = own[0].encode()[span.column :].decode()
    text = "".join(own)
    if text[:1].isspace():  # `dedent` is slow, and text that begins at the margin stays as it is
        text = textwrap.dedent(text)
    return text.rstrip() + "\n"
