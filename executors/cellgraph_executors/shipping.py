"""The code of a task, sent to another machine through the store."""

import json
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import ExecutorError
from cellgraph.executor import Function
from cellgraph.stores.base import Store
from cellgraph_executors import pickling

_FORMAT: Final = 1


class Shipper:
    """Puts the code of tasks into the store. Thread-safe; one per executor."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sent: dict[bytes, tuple[Callable[..., Any], bytes]] = {}

    def code(self, function: Function) -> bytes:
        """Return the digest of the blob that holds *function*, put once per code identity.

        Raises ExecutorError, which names the part that cannot be sent.
        """
        with self._lock:
            known = self._sent.get(function.code)
            # With `version=` one identity may stand for changed code: that is sent again.
            if known is None or known[0] is not function.func:
                sent = self._store.put_blob(_packed(function))
                known = self._sent[function.code] = (function.func, sent)
            return known[1]


def load_code(digest: bytes, store: Store) -> Function:
    """Return the function whose code `Shipper.code` put under *digest*.

    Raises ExecutorError when it is not there or cannot be rebuilt in this interpreter.
    """
    payload = store.get_blob(digest)
    if payload is None:
        raise ExecutorError(
            f"the code of this call is not in the store (blob {digest.hex()[:12]}): evaluate again"
        )
    said = json.loads(payload.head)
    name = str(said["name"])
    here = list(sys.version_info[:2])
    if said["python"] != here:
        raise ExecutorError(
            f"{name} was sent by Python {said['python'][0]}.{said['python'][1]} and this worker "
            f"has {here[0]}.{here[1]}: use an image with the same Python"
        )
    pickling.install_texts(said["texts"])
    try:
        func, classes = pickling.load(bytes(payload.buffers[0].data))
        pickling.install_classes(classes)
    except Exception as error:  # unpickling imports the user's modules, which may raise anything
        raise ExecutorError(
            f"{name} cannot be rebuilt on this worker: {type(error).__name__}: {error}"
        ) from error
    return Function(name, func, bytes.fromhex(said["code"]), said["nout"])


def _packed(function: Function) -> Payload:
    name = function.name
    try:
        data, parts = pickling.dump_with_parts(function.func)
        data = pickling.dump((function.func, pickling.tagged(parts.classes)))
    except Exception as error:  # pickling runs the user's code, which may raise anything
        part = pickling.culprit(function.func, f"function `{name}`")
        raise ExecutorError(
            f"{name} cannot be sent to another machine: {part} cannot be pickled ({error}). "
            "Make it inside the function, or use executor='thread'"
        ) from error
    said = {
        "format": _FORMAT,
        "name": name,
        "code": function.code.hex(),
        "nout": function.nout,
        "python": list(sys.version_info[:2]),
        "texts": pickling.cell_texts(parts.files),
    }
    return Payload(json.dumps(said, sort_keys=True).encode(), (Buffer.of(data),))
