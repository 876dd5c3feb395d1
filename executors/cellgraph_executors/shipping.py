"""The code of a task, sent to another machine through the store.

It travels as source with the values it is bound to (`codepickle`), and the user's modules as a
bundle (`modules`). Whoever rebuilds it computes the identity of the code again and refuses to run
it if that is another one.
"""

import importlib
import io
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, Final

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import CellgraphError, ExecutorError, IdentityError
from cellgraph.executor import Function
from cellgraph.identity.binding import meet
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.functions import is_task
from cellgraph.identity.live import link
from cellgraph.identity.module_source import module_source
from cellgraph.identity.tree import difference, from_bytes
from cellgraph.identity.values import reference
from cellgraph.stores.base import Store
from cellgraph_executors import pickling
from cellgraph_executors.codepickle import Pickler, Unpickler
from cellgraph_executors.codetext import Compiled, Text, Texts
from cellgraph_executors.modules import contents, files_of, unpack

_FORMAT: Final = 1
_VOUCHED: Final = (None,)  # `uses=`: what hides names was accepted where the task was defined


class Shipper:
    """Puts the code of tasks into the store. Thread-safe; one per executor."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sent: dict[bytes, tuple[Callable[..., Any], bytes]] = {}
        self._bytecode: dict[bytes, list[str]] = {}  # code without source, by what it travels in

    def code(self, function: Function) -> bytes:
        """Return the digest of the blob that holds *function*, put once per code identity.

        Raises ExecutorError, which names the part that cannot be sent.
        """
        with self._lock:
            known = self._sent.get(function.code)
            # With `version=` one identity may stand for changed code: that is sent again.
            if known is None or known[0] is not function.func:
                payload = self._packed(function)
                sent = self._store.put_blob(payload)
                self._bytecode[sent] = json.loads(payload.head)["bytecode"]
                known = self._sent[function.code] = (function.func, sent)
            return known[1]

    def check_python(self, function: Function, place: str, python: tuple[int, int]) -> None:
        """Raise ExecutorError for code that the Python at *place* cannot read; see `code`."""
        bytecode = self._bytecode.get(self.code(function), [])
        if bytecode and python != sys.version_info[:2]:
            raise _unreadable(function.name, list(sys.version_info[:2]), place, python, bytecode)

    def _packed(self, function: Function) -> Payload:
        identity = _identity(function.func, function.name)
        file = io.BytesIO()
        reach = _reach(function.func)
        pickler = Pickler(file, lambda found: reach.known(id(found)) is not None)
        try:
            pickler.dump((function.func, list(_module_state(reach))))
        except Exception as error:  # pickling runs the user's code, which may raise anything
            raise _unsendable(function, error) from error
        parts = pickler.parts
        _check_edits(reach)
        files = files_of(parts.modules)
        said = {
            "format": _FORMAT,
            "name": function.name,
            "code": function.code.hex(),
            "nout": function.nout,
            "bytecode": parts.bytecode[:3],
            "python": list(sys.version_info[:2]) if parts.bytecode else None,
            "texts": parts.texts.kept(),
            "modules": list(files),
        }
        tree = b"" if identity is None else identity.tree.to_bytes()
        head = json.dumps(said, sort_keys=True).encode()
        data = [file.getvalue(), tree, *contents(files), *parts.files]
        return Payload(head, tuple(map(Buffer.of, data)))


def load_code(digest: bytes, store: Store) -> Function:
    """Return the function whose code `Shipper.code` put under *digest*.

    For a worker: the user's modules become importable, and functions and classes of cells are put
    into `__main__` under the names that are free there.
    Raises ExecutorError when it is not there, cannot be rebuilt in this interpreter, or is not the
    code that was sent once it is rebuilt (the message says what differs).
    """
    payload = store.get_blob(digest)
    if payload is None:
        raise ExecutorError(
            f"the code of this call is not in the store (blob {digest.hex()[:12]}): evaluate again"
        )
    said = json.loads(payload.head)
    name = str(said["name"])
    _check_python(name, said)
    data, tree, *others = (buffer.data for buffer in payload.buffers)
    count = len(said["modules"])
    if count:
        unpack(list(zip(said["modules"], others[:count], strict=True)))
    texts = Compiled([Text(*text) for text in said["texts"]])
    texts.install()
    unpickler = Unpickler(bytes(data), texts, others[count:])
    try:
        func, state = unpickler.load()
        _put(state)
    except CellgraphError as error:
        raise ExecutorError(f"{name} cannot be rebuilt on this worker: {error}") from error
    except Exception as error:  # it imports the user's modules, which may raise anything
        raise ExecutorError(
            f"{name} cannot be rebuilt on this worker: {type(error).__name__}: {error}"
        ) from error
    _introduce(unpickler.namespaces)
    if tree:
        _verify(func, name, bytes(tree))
    return Function(name, func, bytes.fromhex(said["code"]), said["nout"])


def _identity(func: Callable[..., Any], name: str) -> CodeIdentity | None:
    """Identity of the code without the versions of packages, which may be others there.

    None for code without identity (`cache=False`, `version=`): nothing is promised about it.
    """
    try:
        return code_identity(func, name=name, uses=_VOUCHED, packages="none")
    except IdentityError:
        return None


def _reach(func: Callable[..., Any]) -> Walk:
    """What *func* reaches. A task that is only called lazily does not reach its function."""
    walk = Walk(link, declared=True, lenient=True)
    walk.run(Node("root", "", func, lambda walk, node: walk.link(node, "code", func)))
    return walk


def _in_modules(reach: Walk) -> Iterator[tuple[Node, str, str]]:
    """Functions of the user's modules, with the name and file of the module."""
    for node in reach.nodes:
        held: Any = getattr(node.subject, "__globals__", None)
        if node.kind == "function" and held is not None and held["__name__"] != "__main__":
            file = held.get("__file__")
            if isinstance(file, str):
                yield node, held["__name__"], file


def _module_state(reach: Walk) -> Iterator[tuple[str, str, object]]:
    """Values that the code reads in the user's modules, as far as the source does not say them.

    Importing a module elsewhere may give another value: the one that counts here is sent.
    """
    seen: set[tuple[str, str]] = set()
    for node, module, file in _in_modules(reach):
        held, source = node.subject.__globals__, module_source(file)
        for load in node.body.loads if node.body else ():
            name = load.name
            if load.scope != "global" or name not in held or (module, name) in seen:
                continue
            seen.add((module, name))
            value = held[name]
            written = source is not None and _says(source.constants, name, value)
            if not written and _is_data(value):
                yield module, name, value


def _says(constants: Mapping[str, object], name: str, value: object) -> bool:
    return name in constants and type(constants[name]) is type(value) and constants[name] == value


def _is_data(value: object) -> bool:
    if callable(value) or isinstance(value, ModuleType) or is_task(value):
        return False
    try:
        reference(value)
    except IdentityError:  # a lock, a connection: the module there makes its own
        return False
    return True


def _check_edits(reach: Walk) -> None:
    """Raise ExecutorError if a module says something else by now than what was imported."""
    texts = Texts()
    for node, module, file in _in_modules(reach):
        code = node.subject.__code__
        if code.co_filename == file and texts.find(code, node.subject.__globals__) is None:
            raise ExecutorError(
                f"{node.name}() of the module {module} is not what {file} says: the file was "
                "changed after it was imported. Reload the module, or restart the kernel"
            )


def _check_python(name: str, said: Mapping[str, Any]) -> None:
    here, sent = sys.version_info[:2], said["python"]
    if sent is not None and sent != list(here):
        raise _unreadable(name, sent, "this worker", here, said["bytecode"])


def _unreadable(
    name: str, needs: list[int], place: str, python: tuple[int, int], bytecode: list[str]
) -> ExecutorError:
    return ExecutorError(
        f"{name} needs Python {needs[0]}.{needs[1]} and {place} has {python[0]}.{python[1]}: "
        f"{', '.join(bytecode)} has no source and was sent as bytecode. Use an image with the same "
        "Python"
    )


def _put(state: Iterable[tuple[str, str, object]]) -> None:
    for module, name, value in state:
        held = vars(importlib.import_module(module))
        if name not in held or _reference(held[name]) != reference(value):
            held[name] = value


def _reference(value: object) -> bytes:
    try:
        return reference(value)
    except IdentityError:
        return b""


def _introduce(namespaces: Mapping[int, Mapping[str, Any]]) -> None:
    """Let what was rebuilt be found: by stored values, and by pickle under `__main__`."""
    main: Any = sys.modules["__main__"]
    for held in namespaces.values():
        if held.get("__name__") != "__main__":
            continue
        for name, value in held.items():
            if isinstance(value, (type, FunctionType)) and value.__module__ == "__main__":
                meet(value)
                if not hasattr(main, name):
                    setattr(main, name, value)


def _verify(func: Callable[..., Any], name: str, tree: bytes) -> None:
    sent = from_bytes(tree)
    try:
        found = code_identity(func, name=name, uses=_VOUCHED, packages="none")
    except IdentityError as error:
        raise ExecutorError(f"{name}, rebuilt on this worker, has no identity: {error}") from error
    if found.digest != sent.digest:
        change = difference(sent, found.tree)
        what = "what it reaches" if change is None else change.summary
        raise ExecutorError(
            f"{name}, rebuilt on this worker, is not the code that was sent: {what}. Its modules "
            "or packages differ here; nothing was run"
        )


def _unsendable(function: Function, error: Exception) -> ExecutorError:
    def fails(value: object) -> bool:
        try:
            Pickler(io.BytesIO(), lambda _: True).dump(value)
        except Exception:  # pickling runs the user's code, which may raise anything
            return True
        return False

    name = function.name
    part = pickling.culprit(function.func, f"function `{name}`", fails)
    return ExecutorError(
        f"{name} cannot be sent to another machine: {part} cannot be pickled ({error}). "
        "Make it inside the function, or use executor='thread'"
    )
