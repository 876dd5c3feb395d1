"""Code in the user's modules: attribute by attribute, live before text, imported early or late."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.core.test_code_cells import identity, notebook

from cellgraph.errors import IdentityError
from cellgraph.frames import kinds_of
from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.tree import difference


class Project:
    """A folder on the import path whose modules are written, edited and reloaded."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()

    def edit(self, name: str, text: str) -> None:
        """Write and reload, as autoreload does."""
        self.write(name, text)
        importlib.reload(self.load(name.removesuffix(".py").replace("/", ".")))

    def load(self, name: str) -> ModuleType:
        return importlib.import_module(name)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - before:
        del sys.modules[name]


def decides(old: CodeIdentity, new: CodeIdentity) -> str:
    change = difference(old.tree, new.tree)
    assert change is not None
    assert old.digest != new.digest
    return change.summary


HLP = "K = 1\ndef h(x):\n    return x + K\ndef other(x):\n    return x\n"


def test_only_the_attribute_that_is_read_counts(project: Project) -> None:
    project.write("hlp.py", HLP)
    namespace = notebook("import hlp\ndef f(x): return hlp.h(x)")
    first = code_identity(namespace["f"], name="f")
    project.edit("hlp.py", HLP.replace("return x\n", "return -x\n"))
    assert code_identity(namespace["f"], name="f").digest == first.digest
    project.edit("hlp.py", HLP.replace("x + K", "x - K"))
    assert decides(first, code_identity(namespace["f"], name="f")) == "helper h() line 2"
    project.edit("hlp.py", HLP.replace("K = 1", "K = 2"))
    assert decides(first, code_identity(namespace["f"], name="f")) == "helper h() > global K 1 -> 2"


@pytest.mark.parametrize(
    "cell",
    [
        "from hlp import *\ndef f(x): return h(x)",
        "from hlp import h as g\ndef f(x): return g(x)",
        "import hlp as H\ndef f(x): return getattr(H, 'h')(x)",
        "import hlp\ndef f(x): return getattr(hlp, 'h', None)(x)",
        "import hlp\ndef f(x): return [hlp.h(y) for y in x]",
        "import hlp\ndef m():\n    k = hlp\n    return lambda x: k.h(x)\nf = m()",
        "import importlib\ndef f(x): return importlib.import_module('hlp').h(x)",
        "def f(x):\n    import hlp\n    return hlp.h(x)",
        "def f(x):\n    from hlp import h\n    return h(x)",
    ],
)
def test_every_way_to_a_module_is_followed(project: Project, cell: str) -> None:
    project.write("hlp.py", HLP)
    project.load("hlp")
    first = identity(cell)
    assert identity(cell).digest == first.digest
    project.edit("hlp.py", HLP.replace("x + K", "x - K"))
    assert identity(cell).digest != first.digest
    project.edit("hlp.py", HLP)
    assert identity(cell).digest == first.digest


def test_a_module_that_is_passed_on_counts_whole(project: Project) -> None:
    project.write("hlp.py", HLP)
    cell = "import hlp\ndef f(x): return g(hlp)\ndef g(m): return m.h(1)"
    first = identity(cell)
    project.edit("hlp.py", HLP.replace("return x\n", "return -x\n"))
    assert decides(first, identity(cell)) == "helper other() line 2"


def test_a_patched_module_counts_as_it_is(project: Project) -> None:
    project.write("hlp.py", HLP)
    cell = "import hlp\ndef f(x): return hlp.h(x)"
    first = identity(cell)
    project.load("hlp").__dict__["K"] = 5
    assert decides(first, identity(cell)) == "helper h() > global K 1 -> 5"


def test_an_edited_file_counts_only_when_it_is_loaded_again(project: Project) -> None:
    project.write("hlp.py", HLP)
    cell = "import hlp\ndef f(x): return hlp.h(x)"
    first = identity(cell)
    project.write("hlp.py", HLP.replace("x + K", "x - K"))
    assert identity(cell).digest == first.digest, "the old code still runs"


def test_text_that_is_not_the_live_code_is_never_believed(project: Project) -> None:
    project.write("hlp.py", HLP)
    project.load("hlp")
    project.write("hlp.py", HLP.replace("x + K", "x - K"))  # before anybody has looked
    cell = "import hlp\ndef f(x): return hlp.h(x)"
    unseen = identity(cell)
    assert [c.kind for c in unseen.tree.children[:2]] == ["function", "bytecode"]
    project.edit("hlp.py", HLP.replace("x + K", "x - K"))
    assert identity(cell).digest != unseen.digest
    project.edit("hlp.py", HLP)
    assert [c.kind for c in identity(cell).tree.children[:2]] == ["function", "function"]


def test_text_that_comes_back_is_believed_again(project: Project) -> None:
    project.write("hlp.py", HLP)
    project.load("hlp")
    project.write("hlp.py", "# gone\n")
    cell = "import hlp\ndef f(x): return hlp.h(x)"
    unseen = identity(cell)
    project.write("hlp.py", HLP)
    back = identity(cell)
    assert back.digest != unseen.digest
    assert back.tree.children[1].text.startswith("def h(x):")


@pytest.mark.parametrize(
    "cell",
    [
        "def f(x):\n    import late\n    return late.h(x)",
        "def f(x):\n    from late import h\n    return h(x)",
        "def f(x):\n    import importlib\n    return importlib.import_module('late').h(x)",
    ],
)
def test_running_a_call_that_imports_does_not_change_its_identity(
    project: Project, cell: str
) -> None:
    project.write(
        "late.py", "import json\nimport deep\nclass A:\n    def m(self): return 1\n" + HLP
    )
    project.write("deep.py", "D = [1]\n")
    namespace = notebook(cell)
    unloaded = code_identity(namespace["f"], name="f")
    assert "late" not in sys.modules
    assert namespace["f"](1) == 2
    assert "late" in sys.modules
    loaded = code_identity(namespace["f"], name="f")
    assert loaded.digest == unloaded.digest
    project.edit("deep.py", "D = [2]\n")
    assert code_identity(namespace["f"], name="f").digest != unloaded.digest


def test_a_late_module_that_was_patched_counts_as_it_is(project: Project) -> None:
    project.write("late.py", HLP)
    cell = "def f(x):\n    import late\n    return late.h(x)"
    first = identity(cell)
    project.load("late").__dict__["K"] = 5
    assert identity(cell).digest != first.digest
    project.load("late").__dict__["K"] = 1
    assert identity(cell).digest == first.digest


def test_modules_of_packages_are_found_by_relative_imports(project: Project) -> None:
    project.write("pk/__init__.py", "")
    project.write(
        "pk/a.py", "def f(x):\n    from . import b\n    from .b import h\n    return h(x)\n"
    )
    project.write("pk/b.py", HLP)
    func = project.load("pk.a").f
    first = code_identity(func, name="f")
    assert [c.label for c in first.tree.children] == ["f()", "module pk", "module pk.b"]
    project.write("pk/b.py", HLP.replace("K = 1", "K = 2"))
    assert decides(first, code_identity(func, name="f")) == "module pk.b changed"


def test_chains_go_through_submodules(project: Project) -> None:
    project.write("pk/__init__.py", "")
    project.write("pk/b.py", "import math\n" + HLP)
    cell = "import pk.b\ndef f(x): return pk.b.h(x) + pk.b.math.pi + pk.b.missing"
    labels = [c.label for c in identity(cell).tree.children[0].children]
    assert labels == ["global pk.b.h", "global pk.b.math", "global pk.b.missing"]


FLOW = """
class Task:
    _cellgraph_task_ = True
    name = "t"
    def identity_options(self):
        return ()

t = Task()
"""


def test_a_task_of_a_module_is_referred_to(project: Project) -> None:
    project.write("flow_of_tasks.py", FLOW)
    task = project.load("flow_of_tasks").t
    early = identity("import flow_of_tasks\ndef f(x): return flow_of_tasks.t(x)")
    late = identity("def f(x):\n    from flow_of_tasks import t\n    return t(x)")
    assert [(r.ref, r.task) for r in early.tasks] == [("attr:flow_of_tasks.t", task)]
    assert [(r.ref, r.task) for r in late.tasks] == [("import:flow_of_tasks.t", task)]


def test_a_missing_module_is_known_to_be_missing(project: Project) -> None:
    cell = "def f(x):\n    import nowhere_to_be_found\n    return 1"
    first = identity(cell)
    project.write("nowhere_to_be_found.py", "")
    assert identity(cell).digest != first.digest


def test_a_module_with_handles_passed_on_says_which(project: Project) -> None:
    project.write("hlp.py", "handle = open(__file__)\n")
    with pytest.raises(IdentityError, match=r"attr handle of module hlp has no identity"):
        identity("import hlp\ndef f(x): return g(hlp)\ndef g(m): return m")
    project.load("hlp").handle.close()


DYNAMIC = """
def f(table: "awsglue.dynamicframe.DynamicFrame"):
    import awsglue.context
    from awsglue import dynamicframe
    from awsglue.dynamicframe import DynamicFrame
    return DynamicFrame, dynamicframe
"""


def test_what_glue_alone_has_counts_by_its_name(project: Project) -> None:
    """A step is named where AWS's package is not, and named again where it is."""
    here = identity(DYNAMIC)
    project.write("awsglue/__init__.py", "")
    project.write("awsglue/context.py", "class GlueContext: ...")
    project.write("awsglue/dynamicframe.py", "class DynamicFrame: ...")
    project.load("awsglue.dynamicframe")
    assert identity(DYNAMIC).digest == here.digest
    assert identity(DYNAMIC.replace(".context", "")).digest != here.digest
    assert kinds_of(notebook(DYNAMIC)["f"]) == {"table": "dynamic"}


def test_a_dynamic_frame_is_asked_for_where_there_is_none() -> None:
    for said in ("DynamicFrame", "awsglue.dynamicframe.DynamicFrame", "awsglue.DynamicFrame"):
        assert kinds_of(notebook(f"def f(a, t: '{said}'): ...")["f"]) == {"t": "dynamic"}
    for said in ("DataFrame", "my.Table", "not DynamicFrame"):
        assert kinds_of(notebook(f"def f(t: '{said}'): ...")["f"]) == {}
