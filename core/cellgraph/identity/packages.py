"""Where a module comes from: the standard library, an installed distribution, or the user.

A module's own path decides. The distribution is the one whose record, beside the module, lists the
file; installed distributions are never enumerated through the import system. What is learnt about a
file is remembered for the life of the process: a module that is loaded does not change its version.
"""

import importlib.machinery
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, Literal, NamedTuple, cast

from cellgraph.digest import digest

OWN: Final = frozenset({"cellgraph", "cellgraph_executors", "cellgraph_notebook"})
_SITE_FOLDERS: Final = ("site-packages", "dist-packages")
_STANDARD_FOLDER: Final = os.path.dirname(os.path.realpath(os.__file__)) + os.sep  # noqa: PTH120  # a prefix
_INFO_NAME: Final = re.compile(
    r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+(?:-.+)?)?\.(?:dist|egg)-info"
)


class Origin(NamedTuple):
    """Who wrote a module. `distribution` and `version` (public part) go with kind "package"."""

    kind: Literal["standard", "own", "package", "user"]
    distribution: str = ""
    version: str = ""


USER: Final = Origin("user")
_STANDARD: Final = Origin("standard")
_OWN: Final = Origin("own")

# module name -> (its file, where it comes from); a file never changes sides
_known: Final[dict[str, tuple[str | None, Origin]]] = {}
# folder -> (its mtime_ns, canonical distribution name -> its information folder)
_folders: Final[dict[str, tuple[int, Mapping[str, "_Info"]]]] = {}


class _Info(NamedTuple):
    name: str
    version: str
    path: str


def origin_of(name: str, file: str | None = None) -> Origin:
    """Return where the module called *name* comes from; *file* is its ``__file__`` if known.

    Imports nothing. A module that cannot be found is the user's (a cell, or made at run time).
    """
    if file is None:
        module = sys.modules.get(name)
        if module is not None:
            file = _file_of(module)
        elif (known := _known.get(name)) is not None and known[1].kind != "user":
            return known[1]
        else:
            file = find_file(name)
    known = _known.get(name)
    if known is not None and known[0] == file:
        return known[1]
    origin = _find_origin(name, file)
    _known[name] = (file, origin)
    return origin


def origin_of_module(module: ModuleType) -> Origin:
    """Return where *module* comes from."""
    return origin_of(module.__name__, _file_of(module))


def origin_of_function(func: FunctionType) -> Origin:
    """Return where the code of *func* comes from: the module it runs in, not what it claims."""
    namespace = func.__globals__
    file = namespace.get("__file__")
    return origin_of(str(namespace.get("__name__", "")), file if isinstance(file, str) else None)


def is_user_code(module_or_object: object) -> bool:
    """Whether this module, function, class or instance was written by the user.

    User code is what is neither the standard library nor installed in a site folder: modules of the
    project, editable and path installs, scripts, notebook cells.
    """
    found = module_or_object
    if isinstance(found, ModuleType):
        return origin_of_module(found).kind == "user"
    func = getattr(found, "__func__", found)
    if isinstance(func, FunctionType):
        return origin_of_function(func).kind == "user"
    owner = found if isinstance(found, type) else type(found)
    return origin_of(module_of(owner)).kind == "user"


def module_of(cls: type) -> str:
    """The module a class says it is from."""
    said: Any = cls.__module__
    return str(said) if isinstance(said, str) else "builtins"  # C types may keep something else


def installed() -> dict[str, str]:
    """The distributions that can be imported here: canonical name -> public version.

    As identities name them: a distribution is known by its information folder, the first one on
    the path counts. Imports and opens nothing.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for name, info in _infos(folder or os.curdir).items():
            found.setdefault(name, info.version)
    return found


def find_file(name: str) -> str | None:
    """Return the file that importing *name* would load, or None; imports nothing."""
    path: Any = None
    spec: importlib.machinery.ModuleSpec | None = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        full = ".".join(parts[:end])
        loaded = sys.modules.get(full)
        if loaded is not None and end < len(parts):
            path = getattr(loaded, "__path__", None)
        else:
            spec = _find_spec(full, path)
            if spec is None:
                return None
            path = spec.submodule_search_locations
        if path is None and end < len(parts):
            return None
    if spec is None or spec.origin is None:
        return None
    return spec.origin


def _find_spec(full: str, path: Any) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(full, path) if find is not None else None
        if spec is not None:
            return cast("importlib.machinery.ModuleSpec", spec)
    return None


def _file_of(module: ModuleType) -> str | None:
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    spec = getattr(module, "__spec__", None)
    if getattr(spec, "origin", None) in ("built-in", "frozen"):
        return cast("str", cast("Any", spec).origin)
    folders = list(getattr(module, "__path__", ()))  # a namespace package has folders only
    return os.path.join(folders[0], "") if folders else None  # noqa: PTH118  # keeps the separator


def _find_origin(name: str, file: str | None) -> Origin:
    top = name.partition(".")[0]
    if top in OWN:
        return _OWN
    if file in ("built-in", "frozen"):
        return _STANDARD
    if file is None or name == "__main__":
        return USER
    in_site = any(f"{os.sep}{folder}{os.sep}" in file for folder in _SITE_FOLDERS)
    if not in_site and os.path.realpath(file).startswith(_STANDARD_FOLDER):
        return _STANDARD
    root = _site_folder(file) if in_site else _folder_above(name, file)
    info = _distribution(root, os.path.relpath(file, root), top)
    if info is not None:
        return USER if _is_path_install(info.path) else Origin("package", info.name, info.version)
    return Origin("package", top, _undeclared_version(top, file)) if in_site else USER


def _site_folder(file: str) -> str:
    path = Path(file)
    return str(next(p for p in path.parents if p.name in _SITE_FOLDERS))


def _folder_above(name: str, file: str) -> str:
    """The folder that holds the top-level package of module *name*."""
    path = Path(file)
    ups = name.count(".") + (path.stem == "__init__" or file.endswith(os.sep))
    return str(path.parents[min(ups, len(path.parents) - 1)])


def _distribution(root: str, relative: str, top: str) -> _Info | None:
    """The distribution beside a module whose record lists the module's file."""
    infos = _infos(root)
    likely = infos.get(_canonical(top))
    ordered = [likely, *infos.values()] if likely is not None else list(infos.values())
    needle = b"\n" + relative.replace(os.sep, "/").encode()
    whole = needle.endswith(b"/")  # a namespace folder: any file in it
    for info in ordered:
        record = _read(info.path, "RECORD")
        if record is None:
            listed = (_read(info.path, "top_level.txt") or b"").split()
            if info is likely or top.encode() in listed:
                return info
        elif (needle if whole else needle + b",") in b"\n" + record:
            return info
    return None


def _infos(root: str) -> Mapping[str, _Info]:
    try:
        stamp = os.stat(root).st_mtime_ns  # noqa: PTH116  # called often
        known = _folders.get(root)
        if known is not None and known[0] == stamp:
            return known[1]
        names = sorted(n for n in os.listdir(root) if n.endswith("-info"))  # noqa: PTH208  # names only
    except OSError:
        return {}
    eggs = Path(root).name in _SITE_FOLDERS  # elsewhere one belongs to a development checkout
    found: dict[str, _Info] = {}
    for name in names:
        match = _INFO_NAME.fullmatch(name)
        if match is not None and (eggs or name.endswith(".dist-info")):
            canonical = _canonical(match["name"])
            public = match["version"].partition("+")[0]
            found[canonical] = _Info(canonical, public, os.path.join(root, name))  # noqa: PTH118
    _folders[root] = (stamp, found)
    return found


def _read(folder: str, name: str) -> bytes | None:
    try:
        return Path(folder, name).read_bytes()
    except OSError:
        return None


def _canonical(name: str) -> str:
    """The name under which a distribution is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_path_install(info: str) -> bool:
    """Installed from a folder of this machine (PEP 610): its author is the user.

    Packages built elsewhere may name a folder too (conda does): theirs does not exist here.
    """
    told = _read(info, "direct_url.json")
    if told is None:
        return False
    import json
    from urllib.parse import unquote, urlparse

    try:
        direct = json.loads(told)
        url = urlparse(str(direct["url"]))
    except (ValueError, KeyError, TypeError):
        return False
    return "dir_info" in direct and url.scheme == "file" and Path(unquote(url.path)).is_dir()


def _undeclared_version(top: str, file: str) -> str:
    """A module in a site folder that no distribution lists: what it says, or what it contains."""
    said = getattr(sys.modules.get(top), "__version__", None)
    if isinstance(said, str):
        return said.partition("+")[0]
    path = Path(file)
    return f"file-{digest(path.read_bytes()).hex()[:16]}" if path.is_file() else "unknown"
