"""The labelled parts of a value, and the first part in which two values differ.

`explain` compares an argument with that of an earlier call, which is no longer in memory: what is
kept of it is this outline, a short tree of labels and digests down to keys, places and columns.
Made for few calls of a run, and only for those that had to run.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple, cast

from cellgraph.digest import digest
from cellgraph.errors import CellgraphError
from cellgraph.files import Dir, File
from cellgraph.identity.values import Referenced, reference, restore
from cellgraph.records import Outline
from cellgraph.result import Held, Inline, Stored
from cellgraph.structure import ATOMS, field_names

_DEPTH: Final = 4
_PARTS: Final = 100  # places and keys told apart; more are told apart in stretches
_COLUMNS: Final = 1000
_TEXT: Final = 40
_MOST_BYTES: Final = 64 << 20  # larger arrays and columns are outlined by type and shape alone
_SHORT: Final = 16  # bytes of a part's digest
_CHANGES: Final = 20
# Modules whose values are small and say all in their repr.
_TOLD: Final = frozenset({"datetime", "decimal", "fractions", "pathlib", "uuid", "zoneinfo"})


class Change(NamedTuple):
    """One part that differs: ``("df", "column 'price'")``, ``int32 -> int64``."""

    path: tuple[str, ...]
    words: str

    @property
    def summary(self) -> str:
        """One line."""
        return f"{' > '.join(self.path)} {self.words}"


def outline(value: Any, depth: int = _DEPTH) -> Outline:
    """The outline of an argument, as the engine holds it or as the user passed it.

    Raises IdentityError for a value without identity.
    """
    if isinstance(value, Held):
        return outline(value.value, depth)
    if isinstance(value, Inline):
        return outline(restore(value.payload), depth)
    if isinstance(value, Stored):
        return Outline("", "", _digest(value), blob=value.blob)
    if isinstance(value, _Part):
        return Outline("part", "", _digest(value), (("", value.dtype),))
    kind = type(value).__name__
    if isinstance(value, (File, Dir)):
        return Outline(kind, repr(value.name), _digest(value))
    if type(value) in ATOMS or type(value).__module__ in _TOLD or isinstance(value, Enum):
        return Outline(kind, _text(value), _digest(value))
    facts, parts = _taken_apart(value)
    inside = tuple((label, outline(part, depth - 1)) for label, part in parts) if depth > 0 else ()
    return Outline(kind, "", _digest(value), facts, inside)


def differences(
    old: Outline, new: Outline, opened: "Opened", path: tuple[str, ...] = ()
) -> list[Change]:
    """Every part that differs, at most twenty; the one that says most is the first.

    *opened* gives the outline of a stored result, or the one it got where it cannot.
    """
    if old.digest == new.digest and (old.digest or old.kind != new.kind):
        return []
    old, new = opened(old), opened(new)
    if old.blob or new.blob:
        return [Change(path, "changed")]
    if old.kind != new.kind:
        texts = f": {old.text} -> {new.text}" if old.text and new.text else ""
        return [Change(path, f"{old.kind} -> {new.kind}{texts}")]
    if old.text or new.text:
        words = f"{old.text} -> {new.text}" if old.text != new.text else "changed"
        return [Change(path, words)]
    facts = _facts(old, new, path)
    found = _come_and_gone(old, new, path)
    if not any(c.words.startswith("rows ") for c in facts):  # else every column differs too
        found += _inside(old, new, opened, path)
    if found and new.kind in ("list", "tuple", "dict", "set", "frozenset"):
        facts = []
    unknown = [] if not (old.digest and new.digest) else [Change(path, "changed")]
    return ([*facts, *found] or unknown)[:_CHANGES]


Opened = Callable[[Outline], Outline]


def as_it_is(part: Outline) -> Outline:
    """Open nothing."""
    return part


def _facts(old: Outline, new: Outline, path: tuple[str, ...]) -> list[Change]:
    before = dict(old.facts)
    return [
        Change(path, f"{name} {before.get(name, 'none')} -> {now}" if name else f"{was} -> {now}")
        for name, now in new.facts
        if (was := before.get(name, "none")) != now
    ]


def _come_and_gone(old: Outline, new: Outline, path: tuple[str, ...]) -> list[Change]:
    if new.kind in ("list", "tuple"):  # the length says it
        return []
    before, after = dict(old.parts), dict(new.parts)
    added = [Change((*path, label), "added") for label in after if label not in before]
    return added + [Change((*path, label), "removed") for label in before if label not in after]


def _inside(old: Outline, new: Outline, opened: Opened, path: tuple[str, ...]) -> list[Change]:
    before = dict(old.parts)
    found: list[Change] = []
    for label, part in new.parts:
        if label in before and len(found) < _CHANGES:
            found += differences(before[label], part, opened, (*path, label))
    return found


# --- taking values apart --------------------------------------------------------------------------

_Facts = tuple[tuple[str, str], ...]
_Parts = Iterator[tuple[str, Any]]


def _taken_apart(value: Any) -> tuple[_Facts, _Parts]:
    known: object = value
    kind: type[Any] = type(known)
    if isinstance(known, Mapping):
        return (("length", str(len(value))),), _keys(value)
    names = field_names(kind) or getattr(kind, "_fields", ())
    if names:
        return (), ((f".{n}", getattr(value, n)) for n in names if hasattr(value, n))
    if isinstance(known, (list, tuple)):
        return (("length", str(len(value))),), _places(value)
    library = kind.__module__.partition(".")[0]
    if library in _LIBRARIES and library in sys.modules:
        return _LIBRARIES[library](value)
    if isinstance(known, (set, frozenset)):
        return (("length", str(len(value))),), (
            (_text(part), part) for part in list(value)[:_PARTS]
        )
    held: Any = getattr(value, "__dict__", None)
    if not isinstance(held, dict) or isinstance(known, type) or callable(value):
        return (), iter(())
    attributes = cast("dict[str, Any]", held)
    return (), ((f".{name}", part) for name, part in list(attributes.items())[:_PARTS])


def _keys(value: Mapping[Any, Any]) -> _Parts:
    for key in list(value)[:_PARTS]:
        yield _text(key), value[key]


def _places(value: Sequence[Any]) -> _Parts:
    if len(value) <= _PARTS:
        yield from ((f"[{i}]", part) for i, part in enumerate(value))
        return
    step = -(-len(value) // _PARTS)
    for start in range(0, len(value), step):
        yield f"[{start}:{min(start + step, len(value))}]", _Stretch(value[start : start + step])


class _Stretch(Referenced):
    """Neighbours in a long list: told apart as a whole."""

    __slots__ = ()

    def __init__(self, values: Sequence[Any]) -> None:
        self.ref = reference(list(values))


def _pandas(value: Any) -> tuple[_Facts, _Parts]:
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return (("rows", str(len(value))),), _pandas_columns(value)
    if hasattr(value, "index") and hasattr(value, "dtype"):
        facts = (("rows", str(len(value))), ("dtype", str(value.dtype)), ("name", repr(value.name)))
        return facts, iter((("index", _Part(value.index)), ("values", _Part(value.array))))
    dtype = getattr(value, "dtype", None)
    return ((("dtype", str(dtype)),) if dtype is not None else ()), iter(())


def _pandas_columns(frame: Any) -> _Parts:
    yield "index", _Part(frame.index)
    for i, name in enumerate(frame.columns[:_COLUMNS]):
        column = frame.iloc[:, i]
        yield f"column {_text(name)}", _Part(column.array, str(column.dtype))
    if frame.attrs:
        yield "attrs", dict(frame.attrs)


def _polars(value: Any) -> tuple[_Facts, _Parts]:
    if not hasattr(value, "get_columns"):
        return (("rows", str(len(value))), ("dtype", str(value.dtype))), iter(())
    columns = value.get_columns()[:_COLUMNS]
    parts = ((f"column {_text(c.name)}", _Part(c, str(c.dtype))) for c in columns)
    return (("rows", str(value.height)),), parts


def _arrow(value: Any) -> tuple[_Facts, _Parts]:
    if not hasattr(value, "schema") or not hasattr(value, "num_rows"):
        return (("type", str(getattr(value, "type", ""))),), iter(())
    names = value.schema.names[:_COLUMNS]
    parts = (
        (f"column {_text(name)}", _Part(value.column(i), str(value.schema.field(i).type)))
        for i, name in enumerate(names)
    )
    return (("rows", str(value.num_rows)),), parts


def _numpy(value: Any) -> tuple[_Facts, _Parts]:
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return (), iter(())
    fields = value.dtype.names or ()
    facts = (("shape", str(value.shape)), ("dtype", str(value.dtype)))
    return facts, ((f"field {_text(name)}", _Part(value[name])) for name in fields)


_LIBRARIES: Final = {"pandas": _pandas, "polars": _polars, "pyarrow": _arrow, "numpy": _numpy}


class _Part(Referenced):
    """A column or index: its dtype says more than its type, and large ones are not read again."""

    __slots__ = ("dtype",)

    def __init__(self, values: Any, dtype: str = "") -> None:
        self.dtype = dtype
        size: Any = getattr(values, "nbytes", 0)
        self.ref = b"" if callable(size) or size > _MOST_BYTES else reference(values)


# --- details --------------------------------------------------------------------------------------


def _digest(value: Any) -> bytes:
    """Short digest of a part; empty for one that is too large to be read once more."""
    if isinstance(value, _Part) and not value.ref:
        return b""
    size: Any = getattr(value, "nbytes", 0) if not isinstance(value, Referenced) else 0
    if isinstance(size, int) and size > _MOST_BYTES:
        return b""
    try:
        return digest(value.ref if isinstance(value, Referenced) else reference(value))[:_SHORT]
    except CellgraphError:
        return b""


def _text(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
