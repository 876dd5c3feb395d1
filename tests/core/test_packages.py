"""Where modules come from: told from their own path, without importing or enumerating anything."""

import json
import sys
import types
from pathlib import Path

import pytest

import cellgraph
from cellgraph.identity import packages
from cellgraph.identity.packages import find_file, is_user_code, module_of, origin_of


class Site:
    """A folder of installed or own modules, on the import path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def module(self, name: str, text: str = "") -> Path:
        path = self.root.joinpath(*name.split("."))
        path = path / "__init__.py" if not name.endswith(".py") else self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def installed(self, name: str, version: str, *files: str, told: object = None) -> None:
        info = self.root / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
        if told is not None:
            (info / "direct_url.json").write_text(json.dumps(told))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    root = tmp_path / "lib" / "site-packages"
    root.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(root), *sys.path])
    return Site(root)


@pytest.mark.parametrize(
    "name", ["sys", "math", "json", "os.path", "json.decoder", "_thread", "zipimport"]
)
def test_the_standard_library(name: str) -> None:
    assert origin_of(name).kind == "standard"


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("numpy", "numpy"),
        ("numpy.linalg", "numpy"),
        ("dateutil", "python-dateutil"),
        ("attr", "attrs"),
    ],
)
def test_installed_distributions(name: str, distribution: str) -> None:
    from importlib.metadata import version

    assert origin_of(name) == ("package", distribution, version(distribution).partition("+")[0])


def test_cellgraph_is_neither_the_users_nor_a_version() -> None:
    assert origin_of("cellgraph").kind == "own"
    assert not is_user_code(cellgraph)


def test_nothing_is_imported() -> None:
    assert "pyclbr" not in sys.modules
    assert origin_of("pyclbr").kind == "standard"
    assert "pyclbr" not in sys.modules


def test_a_module_named_differently_from_its_distribution(site: Site) -> None:
    site.module("imp_a.sub")
    site.module("imp_a")
    site.installed("Other_Name", "2.5.0+cu121", "imp_a/__init__.py", "imp_a/sub/__init__.py")
    assert origin_of("imp_a") == ("package", "other-name", "2.5.0")
    assert origin_of("imp_a.sub") == ("package", "other-name", "2.5.0")


def test_a_distribution_of_the_same_name_that_does_not_hold_the_module(site: Site) -> None:
    site.module("docpkg")
    site.installed("docpkg", "1.0", "something_else.py")
    site.installed("docpkg_ng", "3.0", "docpkg/__init__.py")
    assert origin_of("docpkg") == ("package", "docpkg-ng", "3.0")


def test_a_namespace_shared_by_distributions(site: Site) -> None:
    site.module("goo.one")
    site.module("goo.two")
    site.installed("goo_one", "1.0", "goo/one/__init__.py")
    site.installed("goo_two", "2.0", "goo/two/__init__.py")
    assert origin_of("goo.one") == ("package", "goo-one", "1.0")
    assert origin_of("goo.two") == ("package", "goo-two", "2.0")


def test_a_folder_with_records_that_is_not_called_site_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Site(tmp_path / "target")
    target.module("tgt")
    target.module("mine.py")
    target.installed("tgt", "4.0", "tgt/__init__.py")
    monkeypatch.setattr(sys, "path", [str(target.root), *sys.path])
    assert origin_of("tgt") == ("package", "tgt", "4.0")
    assert origin_of("mine").kind == "user"


def test_modules_of_a_project_are_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Site(tmp_path)
    project.module("proj_pkg.deep")
    project.module("types_x.py")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert origin_of("proj_pkg.deep").kind == "user"
    assert origin_of("types_x").kind == "user"


def test_a_folder_installed_by_path_is_the_users(site: Site, tmp_path: Path) -> None:
    site.module("pathed")
    here: dict[str, object] = {"url": tmp_path.as_uri(), "dir_info": {}}
    site.installed("pathed", "1.0", "pathed/__init__.py", told=here)
    assert origin_of("pathed").kind == "user"


def test_a_distribution_built_in_a_folder_of_another_machine_is_not(site: Site) -> None:
    site.module("conda_like")
    there: dict[str, object] = {"url": "file:///croot/conda_like_1/work", "dir_info": {}}
    site.installed("conda_like", "1.0", "conda_like/__init__.py", told=there)
    assert origin_of("conda_like") == ("package", "conda-like", "1.0")


def test_a_wheel_installed_from_a_file_is_not(site: Site, tmp_path: Path) -> None:
    site.module("wheeled")
    told: dict[str, object] = {"url": (tmp_path / "w.whl").as_uri(), "archive_info": {}}
    site.installed("wheeled", "1.0", "wheeled/__init__.py", told=told)
    assert origin_of("wheeled").kind == "package"


def test_a_module_dropped_into_a_site_folder_counts_by_its_content(site: Site) -> None:
    path = site.module("dropped.py", "K = 1\n")
    first = origin_of("dropped")
    assert (first.kind, first.distribution) == ("package", "dropped")
    path.write_text("K = 2\n")
    packages._known.pop("dropped")  # pyright: ignore[reportPrivateUsage]  # another process
    assert origin_of("dropped").version != first.version


def test_records_without_a_list_of_files(site: Site) -> None:
    site.module("bare")
    (site.root / "bare-1.2.dist-info").mkdir()
    egg = site.root / "Egg_Like-3.4-py3.11.egg-info"
    egg.mkdir()
    (egg / "top_level.txt").write_text("eggy\n")
    site.module("eggy")
    assert origin_of("bare") == ("package", "bare", "1.2")
    assert origin_of("eggy") == ("package", "egg-like", "3.4")


def test_modules_made_at_run_time_are_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", made)
    assert is_user_code(made)
    assert origin_of("__main__").kind == "user"
    assert origin_of("never_heard_of").kind == "user"


def test_objects_belong_to_the_module_their_code_runs_in() -> None:
    import functools

    import numpy as np

    def own() -> None: ...

    class Own: ...

    assert is_user_code(own)
    assert is_user_code(Own)
    assert is_user_code(Own())
    assert not is_user_code(np.linalg.norm)
    assert not is_user_code(np.ndarray)
    assert not is_user_code(json.dumps)
    assert not is_user_code({})
    wrapped = functools.wraps(np.linalg.norm)(own)
    assert wrapped.__module__.startswith("numpy")
    assert is_user_code(wrapped)


def test_files_are_found_without_importing(site: Site) -> None:
    site.module("lazy_a", "raise RuntimeError\n")
    site.module("lazy_a.b", "raise RuntimeError\n")
    assert find_file("lazy_a.b") == str(site.root / "lazy_a" / "b" / "__init__.py")
    assert find_file("lazy_a.c") is None
    assert find_file("lazy_z.c") is None
    assert "lazy_a" not in sys.modules


def test_a_type_that_hides_its_module() -> None:
    odd = type("Odd", (), {"__module__": property(lambda self: "x")})  # as some C types do
    assert module_of(odd) == "builtins"
