"""What never changes about one code object, worked out once: its digest and the names it reads."""

import weakref
from collections.abc import Mapping
from types import CodeType
from typing import Any, Final, Generic, TypeVar

from cellgraph.digest import digest
from cellgraph.identity.bytecode import Load, encode_code, line_of, reads
from cellgraph.identity.source import Source, find_source, place_of, text_version

T = TypeVar("T")
_DOC_READERS: Final = frozenset({"__doc__", "getdoc"})


class PerCode(Generic[T]):
    """Remembers one thing per code object, for as long as it lives.

    By object and not by equality: equal code objects may come from different texts. What is
    remembered must not hold the code object, or neither ever goes.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[CodeType], T]] = {}

    def get(self, code: CodeType) -> T | None:
        """Return what is known about *code*."""
        entry = self._known.get(id(code))
        return entry[1] if entry is not None and entry[0]() is code else None

    def put(self, code: CodeType, value: T) -> T:
        """Remember *value* for *code* and return it."""
        key = id(code)
        known = self._known

        def forget(dead: weakref.ref[CodeType]) -> None:
            entry = known.get(key)
            if entry is not None and entry[0] is dead:
                del known[key]

        known[key] = (weakref.ref(code, forget), value)
        return value


class Body:
    """One code object as identity sees it.

    `digest` is that of the normalised source or, where no text can be trusted, of the bytecode
    (`source` is None then, and the digest holds for one Python minor only). `line` is that of the
    ``def`` in its file or cell.
    """

    __slots__ = (
        "digest", "documented", "imports", "line", "loads", "loose_func", "place", "reads_doc",
        "source", "version",
    )  # fmt: skip

    def __init__(self, code: CodeType, source: Source | None, version: object) -> None:
        self.source = source
        self.version = version  # of the text that did not match, if `source` is None
        read = reads(code)
        self.loads: tuple[Load, ...] = tuple(sorted(read.loads))
        self.imports = read.imports
        self.loose_func = "func" in read.loose_attributes
        self.reads_doc = not _DOC_READERS.isdisjoint(read.names)
        self.line = source.line if source else code.co_firstlineno
        self.place = source.place if source else place_of(code.co_filename)
        self.digest = source.digest if source else digest(encode_code(code))
        # for closures that read docstrings
        self.documented = source.documented if source else self.digest

    @property
    def text(self) -> str:
        """The source as written, or nothing."""
        return self.source.text if self.source else ""

    def line_of(self, load: Load, code: CodeType) -> int:
        """Where *load* is first done in *code*, whose body this is; the ``def`` is line 1."""
        part, index = reads(code).loads[load]
        return line_of(part, index) - self.line + 1


_bodies: Final[PerCode[Body]] = PerCode()


def body_of(code: CodeType, namespace: Mapping[str, Any]) -> Body:
    """Return the body of *code*, which runs with the globals *namespace*."""
    known = _bodies.get(code)
    if known is not None and (
        known.source is not None or known.version == text_version(code.co_filename)
    ):
        return known
    source = find_source(code, namespace)
    version: object = None
    if source is None:  # again, so that a text that comes in between is not passed over for good
        version = text_version(code.co_filename)
        source = find_source(code, namespace)
    return _bodies.put(code, Body(code, source, version))
