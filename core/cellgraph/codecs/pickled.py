"""Objects with pickling rules of their own, stored by pickle protocol 5 with buffers out of band.

Classes and functions never travel in the pickle: a persistent id points into the payload's table of
code references, so that reading binds them to the live ones or says which one has changed.
"""

import io
import pickle
from types import FunctionType
from typing import Any

from cellgraph.errors import CellgraphError, CodecError
from cellgraph.identity.binding import code_index
from cellgraph.identity.reading import Build, Reader, decoders, openers, ready, refuse_code
from cellgraph.identity.wire import Pass, blob, length


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, p: Pass, buffers: list[pickle.PickleBuffer]) -> None:
        super().__init__(file, 5, buffer_callback=buffers.append)
        self._p = p

    def persistent_id(self, obj: Any) -> int | None:
        if isinstance(obj, type):
            return None if obj.__module__ == "builtins" else code_index(obj, self._p)
        return code_index(obj, self._p) if type(obj) is FunctionType else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, codes: list[Any], buffers: list[memoryview]) -> None:
        super().__init__(stream, buffers=buffers)
        self._codes = codes

    def persistent_load(self, pid: Any) -> Any:
        return self._codes[pid]


def pickled(value: object, p: Pass) -> bytes:
    """Return the storage encoding of *value*; its large buffers join those of *p*.

    Raises CodecError for what pickle cannot store.
    """
    stream = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    try:
        _Pickler(stream, p, buffers).dump(value)
    except CellgraphError:
        raise
    except Exception as error:  # the user's own rules: whatever they raise
        raise CodecError(
            f"a {type(value).__qualname__} cannot be stored ({type(error).__name__}: {error}): "
            "return plain data instead, or teach Cellgraph the type with register_value(...)"
        ) from error
    parts = [b"P", _stored(stream.getvalue(), p), length(len(buffers))]
    parts += [_stored(bytes(buffer.raw()), p) for buffer in buffers]
    return b"".join(parts)


def _stored(data: bytes, p: Pass) -> bytes:
    e = blob(data, p)
    return e if isinstance(e, bytes) else e[1]


def _unpickle(r: Reader) -> Any:
    if not r.code:
        raise refuse_code("a pickle")
    stream = io.BytesIO(r.blob())
    buffers = [r.own() for _ in range(r.length())]
    writable = [memoryview(bytearray(b)) if b.readonly else b for b in buffers]
    return _Unpickler(stream, r.codes, writable).load()


def _open_pickle(r: Reader) -> Build:
    return ready(_unpickle(r))


decoders[ord("P")] = _unpickle
openers[ord("P")] = _open_pickle
