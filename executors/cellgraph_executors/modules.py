"""Modules of the user's own project, sent by content: the same bytes whoever sends them.

A bundle holds the source of each module that the code reaches and of those they import, under the
module's name, so that editable installs and scripts beside a notebook travel alike. Data files of
packages do not travel: pass them as a `File`.
"""

import importlib
import importlib.machinery
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import resolve_name
from pathlib import Path, PurePosixPath
from typing import Final

from cellgraph.digest import digest
from cellgraph.errors import ExecutorError
from cellgraph.identity.bytecode import Import
from cellgraph.identity.module_source import module_source
from cellgraph.identity.packages import find_file, origin_of

_COMPILED: Final = tuple(importlib.machinery.EXTENSION_SUFFIXES)


def imported(found: Import, package: str) -> list[str]:
    """The modules that an import statement in *package* may load, by absolute name."""
    name = found.module
    if found.level:
        try:
            name = resolve_name("." * found.level + found.module, package)
        except (ImportError, ValueError):
            return []
    return [name, *(f"{name}.{part}" for part in found.names)]


def files_of(names: Iterable[str]) -> dict[str, Path]:
    """The user's modules among *names*, what they import and the packages they are in: path in
    the bundle -> source file. Sorted."""
    todo = sorted(names)
    seen: set[str] = set()
    files: dict[str, Path] = {}
    while todo:
        name = todo.pop()
        if name in seen or name == "__main__" or not name:
            continue
        seen.add(name)
        todo.append(name.rpartition(".")[0])
        file = _file(name)
        if file is None or origin_of(name, str(file)).kind != "user":
            continue
        is_package = file.stem == "__init__"
        files[_place(name, file)] = file
        source = module_source(str(file))
        for found in () if source is None else source.imports:
            todo += imported(found, name if is_package else name.rpartition(".")[0])
    return dict(sorted(files.items()))


def contents(files: dict[str, Path]) -> list[bytes]:
    """Their bytes, in order. Raises ExecutorError for a file that is gone."""
    parts: list[bytes] = []
    for path, file in files.items():
        try:
            parts.append(file.read_bytes())
        except OSError as error:
            raise ExecutorError(f"the module {path} cannot be sent: {error}") from error
    return parts


def unpack(bundle: Sequence[tuple[str, bytes | memoryview]]) -> None:
    """Write modules into a folder of this machine's user, once, and make it importable.

    Raises ExecutorError for paths that would leave the folder, and when a module of the same name
    has been imported from elsewhere.
    """
    paths = [path for path, _ in bundle]
    for path in paths:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
            raise ExecutorError(f"a bundle of modules names {path!r}, outside its folder")
    named = digest(b"".join(b"%b\0%b" % (path.encode(), digest(data)) for path, data in bundle))
    folder = private_folder() / named.hex()
    if not folder.is_dir():
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        for path, data in bundle:
            target = made / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    _import_from(folder, paths)


def private_folder() -> Path:
    """A folder for what arrives here, kept for the next process of the same user.

    Raises ExecutorError if somebody else could write to it.
    """
    folder = Path(tempfile.gettempdir()) / f"cellgraph-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not stat.S_ISDIR(status.st_mode):
        raise ExecutorError(f"{folder} can be written by others: remove it, or set TMPDIR")
    return folder


def _import_from(folder: Path, paths: list[str]) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
    for path in paths:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded is None or Path(loaded).is_relative_to(folder):
            continue
        if Path(loaded).read_bytes() != (folder / path).read_bytes():
            raise ExecutorError(
                f"the module {name} of your project is hidden on this worker by {loaded}, which "
                "says something else: rename it, or remove it from the image"
            )


def _file(name: str) -> Path | None:
    loaded = getattr(sys.modules.get(name), "__file__", None)
    try:
        file = loaded if isinstance(loaded, str) else find_file(name)
    except (ImportError, ValueError):
        return None
    path = Path(file) if file else None
    if path is None or not path.is_file() or not path.name.endswith((".py", *_COMPILED)):
        return None
    return path


def _place(name: str, file: Path) -> str:
    base = name.replace(".", "/")
    ending = file.name[file.name.index(".") :]
    return f"{base}/__init__{ending}" if file.name.startswith("__init__.") else base + ending
