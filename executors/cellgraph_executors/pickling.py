"""Bytes for another process of this machine: cloudpickle, and what it leaves out.

Functions of notebooks and scripts travel by value, with the text of their cells, so that tracebacks
in the other process show lines and code can be identified there. Their classes travel with a tag:
the other process puts them where `__main__.Name` is looked up, and sends only the tag back, because
unpickling a class again by value would overwrite the one that is there.
"""

import dataclasses
import io
import linecache
import sys
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple, cast

import cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none

from cellgraph.task import Task, reference_to

_MAX_DEPTH: Final = 4


class Parts(NamedTuple):
    """What pickling an object met on the way."""

    files: set[str]  # names of the files and cells its functions are from
    classes: dict[type, None]  # classes that no import leads to, in order


# cloudpickle has no types of its own
_cloudpickle: Any = cloudpickle


# Marks by which `dataclasses` knows its fields and defaults. They are compared with `is`, and
# pickled by value they would come out as others: the class would have no fields.
_SENTINELS: Final = {
    id(value): name
    for name, value in vars(dataclasses).items()
    if type(value).__module__ == "dataclasses"
}


def _sentinel(name: str) -> object:
    return getattr(dataclasses, name)


# cloudpickle from 3.1.3 on leaves out which file or cell code is from: tracebacks would lose their
# lines, and code its identity. So the name travels beside the code.
_NOWHERE: Final = "<dynamic-code>"


def _placed(code: CodeType, filename: str) -> CodeType:
    return code.replace(co_filename=filename)


class _Pickler(_cloudpickle.Pickler):  # type: ignore[misc]  # a base without types
    """Also sends memory views, by copy, and notes the parts."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)  # pyright: ignore[reportUnknownMemberType] - no types
        self.parts = Parts(set(), {})

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is memoryview:
            return memoryview, (obj.tobytes(),)
        if type(obj).__module__ == "dataclasses" and id(obj) in _SENTINELS:
            return _sentinel, (_SENTINELS[id(obj)],)
        if type(obj) is CodeType and obj.co_filename != _NOWHERE:
            self.parts.files.add(obj.co_filename)
            return _placed, (obj.replace(co_filename=_NOWHERE), obj.co_filename)
        if isinstance(obj, type):
            tag = _ABROAD.get(obj)
            if tag is not None:
                return _class_at_home, (tag,)
            if not _importable(obj):
                self.parts.classes[obj] = None
        base: Any = super()
        return base.reducer_override(obj)


# Classes that travelled, by tag: in the process they are at home in, and where they arrived.
_AT_HOME: Final["weakref.WeakValueDictionary[str, type]"] = weakref.WeakValueDictionary()
_TAGS: Final["weakref.WeakKeyDictionary[type, str]"] = weakref.WeakKeyDictionary()
_ABROAD: Final["weakref.WeakKeyDictionary[type, str]"] = weakref.WeakKeyDictionary()


def _class_at_home(tag: str) -> type:
    try:
        return _AT_HOME[tag]
    except KeyError:
        raise TypeError("it needs a class that has been deleted meanwhile") from None


def _importable(cls: type) -> bool:
    """Whether another process finds *cls* by its name."""
    if cls.__module__ == "builtins":
        return True
    found: Any = sys.modules.get(cls.__module__)
    if found is None or cls.__module__ == "__main__":
        return False
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls


def dump(value: object) -> bytes:
    """Pickle *value*. Raises whatever pickling its parts raises."""
    return dump_with_parts(value)[0]


class _HomePickler(_Pickler):
    """Sends tasks as references: their code is where they came from."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Task):
            return reference_to(cast("Task[..., Any]", obj))
        return super().reducer_override(obj)


def dump_for_home(value: object) -> bytes:
    """Pickle *value* for the process that its tasks came from. Raises as `dump`."""
    file = io.BytesIO()
    _HomePickler(file).dump(value)
    return file.getvalue()


def dump_with_parts(value: object) -> tuple[bytes, Parts]:
    """Pickle *value* and say what it consists of."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    return file.getvalue(), pickler.parts


def load(data: bytes) -> Any:
    """Undo `dump`."""
    return _cloudpickle.loads(data)


def cell_texts(files: set[str]) -> dict[str, str]:
    """The texts among *files* that the other process cannot read from disk."""
    texts: dict[str, str] = {}
    for name in files:
        entry = linecache.cache.get(name)
        if entry is not None and len(entry) == 4 and not Path(name).is_file():
            texts[name] = "".join(entry[2])
    return texts


def install_texts(texts: dict[str, str]) -> None:
    """Make *texts* known to tracebacks and `inspect` in this process."""
    for name, text in texts.items():
        # Without a modification time linecache never looks for the file.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


def tagged(classes: Iterable[type]) -> list[tuple[str, type]]:
    """Give each class the tag by which it will be recognised when it comes back."""
    pairs: list[tuple[str, type]] = []
    for cls in classes:
        tag = _TAGS.setdefault(cls, uuid.uuid4().hex)
        _AT_HOME[tag] = cls
        pairs.append((tag, cls))
    return pairs


def install_classes(pairs: list[tuple[str, type]]) -> None:
    """Make classes of another process findable under their module and qualified name."""
    for tag, cls in pairs:
        _ABROAD[cls] = tag
        _AT_HOME[tag] = cls
        place: Any = sys.modules.get(cls.__module__)
        *outer, name = cls.__qualname__.split(".")
        for part in outer:
            place = getattr(place, part, None)
        if place is not None and "<locals>" not in outer:
            setattr(place, name, cls)


def culprit(value: object, path: str, fails: Callable[[object], bool] | None = None) -> str:
    """Say which part of *value* cannot be pickled: ``global `lock` (a _thread.lock)``.

    *path* names *value* itself. Looks a few levels deep into containers, attributes, globals and
    closures. *fails* says what cannot be pickled; None: what `dump` cannot.
    """
    fails = fails or _fails
    seen: set[int] = set()
    for _ in range(_MAX_DEPTH):
        seen.add(id(value))
        worse = next((p for p in _parts(value) if id(p[1]) not in seen and fails(p[1])), None)
        if worse is None:
            break
        step, value = worse
        path = f"{path}{step}" if step[:1] in "[." else f"{step} of {path}"
    return f"{path} (a {type(value).__module__}.{type(value).__qualname__})".replace(
        "builtins.", ""
    )


def _fails(value: object) -> bool:
    try:
        dump(value)
    except Exception:  # pickling runs the user's code, which may raise anything
        return True
    return False


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        items = list(cast("dict[object, object]", value).items())
        yield from ((f"[{key!r}]", part) for key, part in items)
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{i}]", part) for i, part in enumerate(cast("list[object]", value)))
    elif isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    else:
        for name, part in list(getattr(value, "__dict__", {}).items()):
            yield f".{name}", part


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    code = function.__code__
    for name in code.co_names:
        if name in function.__globals__:
            yield f"the global `{name}`", function.__globals__[name]
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield f"the captured `{name}`", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "a default", default
