"""Readers that open files in compiled code, where no audit hook sees it: pyarrow and polars.

Each is wrapped where the library itself calls it, so that names a notebook has bound already are
seen too, when its module is loaded: now or later. (pandas opens files through Python or pyarrow.)
"""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper, wraps
from types import ModuleType
from typing import Any, Final, cast

from cellgraph.collector import here
from cellgraph.filedigests import files_below

_GLOB: Final = "*?["


def note_read(source: object) -> None:
    """A library opens *source*: a path, a folder, a pattern, or several of them."""
    collector = here.current
    if collector is None:
        return
    if isinstance(source, (list, tuple)):
        for one in cast("Sequence[object]", source):
            note_read(one)
        return
    path = _local_path(source)
    if path is None:
        return
    if os.path.isdir(path):  # noqa: PTH112 - text
        for name in files_below(path):  # its listings are seen by the hook
            collector.opened(os.path.join(path, name))  # noqa: PTH118 - text
    elif any(sign in path for sign in _GLOB) and not os.path.exists(path):  # noqa: PTH110 - text
        import glob

        for found in glob.glob(path, recursive=True):  # noqa: PTH207 - text
            collector.opened(found)
    else:
        collector.opened(path)


def note_write(target: object) -> None:
    """A library writes *target*."""
    collector, path = here.current, _local_path(target)
    if collector is not None and path is not None:
        collector.wrote(path)


def _local_path(given: object) -> str | None:
    """A path on this machine; None for an open file, a URL, a table in memory."""
    if not isinstance(given, (str, os.PathLike)):
        return None
    path: object = os.fspath(cast("os.PathLike[Any]", given))
    return path if isinstance(path, str) and "://" not in path else None


class _Noting:
    """A library's function, telling of one argument before it is called.

    An object rather than a function, so that the identity of code that names it is the name.
    """

    def __init__(self, func: Any, wrap: "_Wrap", module: str) -> None:
        update_wrapper(self, func)
        self.__module__ = module
        self._name = wrap.path
        self._func = func
        self._wrap = wrap

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._wrap.tell(args, kwargs)
        return self._func(*args, **kwargs)

    def __reduce__(self) -> str:
        return self._name


def _method(func: Any, wrap: "_Wrap") -> Any:
    @wraps(func)
    def noting(*args: Any, **kwargs: Any) -> Any:
        wrap.tell(args, kwargs)
        return func(*args, **kwargs)

    return noting


class _Wrap:
    """One name of a module, or of a class in it, that reads or writes its argument."""

    def __init__(
        self,
        path: str,
        name: str,
        place: int = 0,
        note: Callable[[object], None] = note_read,
    ) -> None:
        self.path = path
        self.name = name
        self.place = place
        self.note = note

    def apply(self, module: ModuleType) -> None:
        """Put the telling function in place; a name this version does not have is passed over."""
        owner: Any = module
        *above, last = self.path.split(".")
        for part in above:
            owner = getattr(owner, part, None)
        original = getattr(owner, last, None)
        if original is not None:
            made = _method(original, self) if above else _Noting(original, self, module.__name__)
            setattr(owner, last, made)

    def tell(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Note the argument of one call."""
        if here.current is not None:
            self.note(args[self.place] if len(args) > self.place else kwargs.get(self.name))


# Through one of these every reader of polars passes its source.
_POLARS: Final = (_Wrap("get_sources", "source"), _Wrap("normalize_filepath", "path"))
_POLARS_READERS: Final = (
    "avro",
    "csv.functions",
    "ipc.functions",
    "json.read",
    "lines",
    "ndjson",
    "parquet.functions",
    "spreadsheet.functions",
)
_POLARS_WRITERS: Final = ("avro", "csv", "excel", "ipc", "ipc_stream", "json", "ndjson", "parquet")
_WRAPS: Final[Mapping[str, Sequence[_Wrap]]] = {
    "pyarrow": (_Wrap("memory_map", "path"), _Wrap("input_stream", "source")),
    "pyarrow.ipc": (
        _Wrap("RecordBatchFileReader.__init__", "source", 1),
        _Wrap("RecordBatchStreamReader.__init__", "source", 1),
    ),
    "pyarrow.parquet.core": (
        _Wrap("_resolve_filesystem_and_path", "path"),
        _Wrap("ParquetDataset.__init__", "path_or_paths", 1),
        _Wrap("ParquetFile.__init__", "source", 1),
        _Wrap("ParquetWriter.__init__", "where", 1, note_write),
    ),
    "pyarrow.dataset": (_Wrap("_filesystem_dataset", "source"),),
    "pyarrow._feather": (
        _Wrap("FeatherReader", "source"),
        _Wrap("write_feather", "dest", 1, note_write),
    ),
    "pyarrow.csv": (
        _Wrap("read_csv", "input_file"),
        _Wrap("open_csv", "input_file"),
        _Wrap("write_csv", "output_file", 1, note_write),
    ),
    "pyarrow.json": (_Wrap("read_json", "input_file"),),
    "pyarrow.orc": (
        _Wrap("_resolve_filesystem_and_path", "path"),
        _Wrap("ORCFile.__init__", "source", 1),
    ),
    **{f"polars.io.{name}": _POLARS for name in _POLARS_READERS},
    "polars.dataframe.frame": tuple(
        _Wrap(f"DataFrame.write_{name}", "file", 1, note_write) for name in _POLARS_WRITERS
    ),
    "polars.lazyframe.frame": tuple(
        _Wrap(f"LazyFrame.sink_{name}", "path", 1, note_write) for name in _POLARS_WRITERS
    ),
}


def watch() -> None:
    """Wrap what is loaded, and the rest when it is. Called once per process."""
    sys.meta_path.insert(0, _Finder())
    for name in _WRAPS:
        module = sys.modules.get(name)
        if module is not None:
            _wrap(name, module)


def _wrap(name: str, module: ModuleType) -> None:
    for one in _WRAPS[name]:
        one.apply(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing by itself: lets the modules above be wrapped when they have been loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if fullname not in _WRAPS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _wrap(fullname, module)

            loader.exec_module = exec_module
        return spec
