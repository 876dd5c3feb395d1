"""Functions, classes and what they hold as bytes: functions by source, values by their codecs.

Functions of cells, scripts and other places that no import leads to are named by their source
(`codetext`) and rebuilt with the globals their code reads, their defaults and captured values.
Functions and classes of the user's modules are imported (`modules`), as installed ones are. Classes
of cells are put together by cloudpickle, their methods by source. Only code without source (what
`dataclasses` generates, what was edited since) goes as bytecode, which one Python minor can read;
`Parts.bytecode` names it.
"""

import io
import marshal
import pickle
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none

from cellgraph.collector import keeping
from cellgraph.errors import CellgraphError
from cellgraph.files import Dir, File
from cellgraph.identity.body import body_of
from cellgraph.identity.functions import importable_name, is_task
from cellgraph.identity.kinds import kind_of
from cellgraph.identity.packages import module_of, origin_of, origin_of_function
from cellgraph.identity.values import reference
from cellgraph.places import S3
from cellgraph.task import Task
from cellgraph_executors.coderules import (
    RULES,
    SENTINELS,
    Absent,
    coded,
    fill_function,
    fill_task,
    generic,
    implementations,
    new_function,
    new_task,
    register,
    sentinel,
    without_slots,
)
from cellgraph_executors.codetext import CodeAt, CodeOf, Compiled, Texts, code_of
from cellgraph_executors.modules import imported
from cellgraph_executors.placing import Packed, pack, target_of, unpack_file

_cloudpickle: Any = cloudpickle.cloudpickle  # it has no types of its own
_CODED: Final = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy"})


class Namespace(NamedTuple):
    """The globals of some functions: a module that is imported, or one made for them."""

    number: int
    module: str
    imported: bool


class Parts:
    """What pickling met on the way."""

    def __init__(self) -> None:
        self.texts = Texts()
        self.modules: set[str] = set()  # of the user, imported there
        self.bytecode: list[str] = []  # functions that only the same Python minor can read
        self.namespaces: dict[int, Namespace] = {}
        self.sets: dict[int, int] = {}
        self.files: list[bytes] = []  # contents of files that the code names
        self.alive: list[object] = []  # keys above are ids


class Pickler(_cloudpickle.Pickler):  # type: ignore[misc]  # a base without types
    """*reaches* says whether the closure holds a function: a task's own is needed only then."""

    def __init__(self, file: io.BytesIO, reaches: Callable[[object], bool]) -> None:
        super().__init__(file, protocol=5)  # pyright: ignore[reportUnknownMemberType] - no types
        self.parts = Parts()
        self._reaches = reaches

    def persistent_id(self, obj: Any) -> object:
        kind = cast("Any", type(obj))
        if kind is CodeAt or kind is CodeOf or kind is Namespace:
            return (kind.__name__, *obj)
        if kind is types.ModuleType and obj.__name__ != "__main__":
            self._note_module(obj.__name__)
            return "Module", obj.__name__
        if kind is File or kind is Dir:
            return self._file(obj)
        return self._ordered(obj) if kind is set or kind is frozenset else None

    def _file(self, value: File | Dir) -> object:
        """A file goes with the code, to be put under the same name. Raises IdentityError."""
        with keeping() as kept:
            reference(value)
        if kept and kept[0].path.startswith(S3):  # read from there anywhere
            return None
        return ("File", *pack(kept[0], self.parts.files)) if kept else None

    def _ordered(self, value: set[Any] | frozenset[Any]) -> object:
        """A set in an order that does not depend on the hash seed; once, then by number."""
        known = self.parts.sets.get(id(value))
        if known is not None:
            return "Set", known, None, None
        try:
            items = sorted(value, key=reference)
        except CellgraphError:
            return None
        self.parts.sets[id(value)] = number = len(self.parts.sets)
        self.parts.alive.append(value)
        return "Set", number, type(value) is frozenset, items

    def reducer_override(self, obj: Any) -> Any:
        kind = cast("Any", type(obj))
        if kind is types.FunctionType:
            return self._function(obj)
        if isinstance(obj, type):
            return self._class(obj)
        rule = RULES.get(kind)
        if rule is not None:
            return rule(obj)
        if kind is types.CodeType:
            self.parts.bytecode.append(obj.co_qualname)
            return marshal.loads, (marshal.dumps(obj),)
        if is_task(obj):
            return self._task(obj)
        if kind.__module__ == "dataclasses" and id(obj) in SENTINELS:
            return sentinel, (SENTINELS[id(obj)],)
        if kind.__module__.partition(".")[0] in _CODED and kind_of(kind) is not None:
            return coded(obj)
        base: Any = super()
        return base.reducer_override(obj)

    # -- code ----------------------------------------------------------------------------------

    def _function(self, func: types.FunctionType) -> Any:
        if origin_of_function(func).kind != "user":
            if importable_name(func) is not None:
                return NotImplemented
            if "registry" in func.__dict__ and func.__globals__.get("__name__") == "functools":
                return generic, (), implementations(func), None, None, register
        elif self._is_imported(func):
            return NotImplemented
        return self._by_source(func)

    def _class(self, cls: type) -> Any:
        if origin_of(module_of(cls)).kind == "user" and self._is_imported(cls):
            return NotImplemented
        base: Any = super()
        made = base.reducer_override(cls)
        if made is not NotImplemented:
            make, given, *rest = made
            if make in (_cloudpickle._make_skeleton_class, _cloudpickle._make_skeleton_enum):
                *given, _, extra = given
                rest[0] = (without_slots(cls, rest[0][0]), rest[0][1])
                return make, (*given, None, extra), *rest
        return made

    def _is_imported(self, obj: Any) -> bool:
        """Whether an import on the other side gives this very object."""
        name, module = obj.__qualname__, obj.__module__
        if module == "__main__" or not getattr(sys.modules.get(module), "__file__", None):
            return False
        found: Any = sys.modules[module]
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is obj:
            self._note_module(module)
        return found is obj

    def _note_module(self, name: str) -> None:
        if origin_of(name).kind == "user":
            self.parts.modules.add(name)

    def _by_source(self, func: types.FunctionType) -> Any:
        namespace = self._namespace(func.__globals__)
        code: object = self.parts.texts.find(func.__code__, func.__globals__)
        if origin_of_function(func).kind != "user":
            place = CodeOf(namespace.module, func.__code__.co_qualname)
            code = place if code_of(place) is not None else None
        given = (code or func.__code__, namespace, func.__name__, func.__closure__)
        return new_function, given, self._state(func, namespace), None, None, fill_function

    def _namespace(self, held: dict[str, Any]) -> Namespace:
        known = self.parts.namespaces.get(id(held))
        if known is None:
            name = str(held.get("__name__", "__main__"))
            module = sys.modules.get(name)
            there = name != "__main__" and module is not None and vars(module) is held
            there = there and bool(getattr(module, "__file__", None))
            if there:
                self._note_module(name)
            known = Namespace(len(self.parts.namespaces), name, there)
            self.parts.namespaces[id(held)] = known
            self.parts.alive.append(held)
        return known

    def _state(self, func: types.FunctionType, namespace: Namespace) -> dict[str, Any]:
        body = body_of(func.__code__, func.__globals__)
        held = func.__globals__
        package = str(held.get("__package__") or "")
        for found in body.imports:
            for name in imported(found, package):
                self._note_module(name)
        for load in body.loads:
            if load.access.startswith("literal:"):
                self._note_module(load.access.removeprefix("literal:"))
        names = [load.name for load in body.loads if load.scope == "global"]
        attributes = {k: v for k, v in func.__dict__.items() if not k.startswith("_cellgraph_")}
        return {
            "qualname": func.__qualname__,
            "module": func.__module__,
            "doc": func.__doc__,
            "defaults": func.__defaults__,
            "kwdefaults": func.__kwdefaults__,
            "annotations": dict(func.__annotations__),
            "attributes": attributes,
            "globals": {}
            if namespace.imported
            else {name: held[name] for name in dict.fromkeys(names) if name in held},
        }

    def _task(self, task: Task[..., Any]) -> Any:
        """A task is named by its token, so that it is the same one when it comes back."""
        left_out = {"uses": (), "fresh": None}  # for whoever computes keys, not here
        said = {k: v for k, v in task.said.items() if k not in left_out}
        func = task.func if self._reaches(task.func) else Absent(task.func)
        state = (func, task.declared.with_(left_out), said, task.token)
        return new_task, (), state, None, None, fill_task


# -- the other side ----------------------------------------------------------------------------


class Unpickler(pickle.Unpickler):
    """Rebuilds what `Pickler` wrote. Imports the user's modules."""

    def __init__(self, data: bytes, texts: Compiled, files: Sequence[memoryview]) -> None:
        super().__init__(io.BytesIO(data))
        self._texts = texts
        self._files = files
        self._sets: dict[int, set[Any] | frozenset[Any]] = {}
        self.namespaces: dict[int, dict[str, Any]] = {}

    def persistent_load(self, pid: Any) -> Any:
        kind, *said = pid
        if kind == "CodeAt":
            return self._texts.code(CodeAt(*said))
        if kind == "CodeOf":
            return _import_code(CodeOf(*said))
        if kind == "Module":
            return _import(said[0])
        if kind == "Namespace":
            return self._namespace(Namespace(*said))
        if kind == "File":
            packed = Packed(*said)
            unpack_file(packed, self._files)
            return (Dir if packed.folder else File)(target_of(packed.name))
        number, frozen, items = said
        if items is not None:
            self._sets[number] = frozenset(items) if frozen else set(items)
        return self._sets[number]

    def _namespace(self, named: Namespace) -> dict[str, Any]:
        if named.number not in self.namespaces:
            made = vars(_import(named.module) if named.imported else types.ModuleType(named.module))
            made.setdefault("__builtins__", __builtins__)
            self.namespaces[named.number] = made
        return self.namespaces[named.number]


def _import(name: str) -> Any:
    import importlib

    return importlib.import_module(name)


def _import_code(place: CodeOf) -> types.CodeType:
    _import(place.module)
    found = code_of(place)
    if found is None:
        raise LookupError(f"{place.module} has no {place.qualname} here: its version is another")
    return found
