"""Record classes of libraries and enums: all that they say counts. Namespaces as a whole, too."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import pytest
from tests.core.test_code_cells import identity, notebook

from cellgraph.errors import IdentityError
from cellgraph.identity.code import code_identity
from cellgraph.identity.values import reference

PYDANTIC = """
import pydantic as p
import typing as t
class M(p.BaseModel):
    a: int = 1
    b: str = 'x'
{more}
v = M({made})
def f(x): return M(a=x)
"""
# Each says something about the class that its users see.
RULES = [
    "",
    "    def m(self): return 1",
    "    def m(self): return 2",
    "    @p.field_validator('a')\n    def q(cls, v): return v",
    "    @p.field_validator('a')\n    def q(cls, v): return v + 0",
    "    @p.field_validator('b')\n    def q(cls, v): return v",
    "    @p.field_validator('a', mode='before')\n    def q(cls, v): return v",
    "    @p.model_validator(mode='after')\n    def q(self): return self",
    "    @p.model_validator(mode='before')\n    def q(self): return self",
    "    @p.computed_field\n    @property\n    def q(self) -> int: return 1",
    "    @p.computed_field\n    @property\n    def q(self) -> int: return 2",
    "    @p.computed_field(alias='z')\n    @property\n    def q(self) -> int: return 2",
    "    @p.field_serializer('a')\n    def q(self, v): return 1",
    "    @p.field_serializer('b')\n    def q(self, v): return 1",
    "    model_config = p.ConfigDict(extra='allow')",
    "    model_config = p.ConfigDict(frozen=True)",
    "    _p: int = p.PrivateAttr(1)",
    "    _p: int = p.PrivateAttr(2)",
    "    _p: list = p.PrivateAttr(default_factory=lambda: [1])",
    "    _p: list = p.PrivateAttr(default_factory=lambda: [2])",
    "    c: int = p.Field(1, gt=0)",
    "    c: int = p.Field(1, gt=-1)",
    "    c: int = p.Field(2, gt=0)",
    "    c: int = p.Field(1, strict=True)",
    "    c: int = p.Field(1, alias='z')",
    "    c: int = p.Field(1, description='z')",
    "    c: int = p.Field(1, json_schema_extra={'k': 1})",
    "    c: int = p.Field(1, json_schema_extra=lambda s: None)",
    "    c: list = p.Field(default_factory=lambda: [1])",
    "    c: list = p.Field(default_factory=lambda: [2])",
    "    c: t.Annotated[int, p.AfterValidator(lambda v: v)] = 1",
    "    c: t.Annotated[int, p.AfterValidator(lambda v: v + 0)] = 1",
]


def model(more: str, made: str = "") -> str:
    return PYDANTIC.replace("{more}", more).replace("{made}", made)


def test_every_rule_of_a_pydantic_model_counts() -> None:
    coded = [identity(model(rule)).digest for rule in RULES]
    assert coded == [identity(model(rule)).digest for rule in RULES]
    assert len(set(coded)) == len(RULES)


def test_instances_of_pydantic_models_differ_by_class_and_content() -> None:
    extra = "    model_config = p.ConfigDict(extra='allow')"
    sources = [model(rule) for rule in RULES]
    sources += [model("", "a=2"), model("", "b='y'"), model("", "a=1"), model(extra, "z=1")]
    sources.append(model("    _p: int = 1") + "v._p = 5\n")
    found = [reference(notebook(source)["v"]) for source in sources]
    assert found == [reference(notebook(source)["v"]) for source in sources]
    assert len(set(found)) == len(sources)


ENUMS = [
    "class E({base}):\n    A = 1\n    B = 2",
    "class E({base}):\n    A = 0\n    B = 2",
    "class E({base}):\n    B = 2\n    A = 1",
    "class E({base}):\n    A = 1\n    B = 2\n    C = 2",
    "class E({base}):\n    A = 1\n    B = 2\n    C = 4",
    "class E({base}):\n    A = 1\n    B = 2\n    def m(self): return 1",
    "class E({base}):\n    A = 1\n    B = 2\n    def m(self): return 2",
    "class E({base}):\n    A = 1\n    B = 2\n    @property\n    def m(self): return 2",
    "class E({base}):\n    A = 1\n    B = 2\n    @staticmethod\n    def m(): return 2",
    "class E({base}):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(c, v): return c.A",
    "class E({base}):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(c, v): return c.B",
    "class E({base}):\n    A = 1\n    B = 2\n    k = enum.nonmember(1)",
    "class E({base}):\n    A = 1\n    B = 2\n    k = enum.nonmember(2)",
]


@pytest.mark.parametrize("base", ["enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag"])
def test_every_part_of_an_enum_counts(base: str) -> None:
    sources = [f"import enum\n{e.replace('{base}', base)}\nv = E.A\n" for e in ENUMS]
    found = [reference(notebook(source)["v"]) for source in sources]
    assert len(set(found)) == len(sources)


def test_the_boundary_of_a_flag_counts() -> None:
    source = "import enum\nclass E(enum.Flag, boundary=enum.{0}):\n    A = 1\nv = E.A\n"
    found = {reference(notebook(source.format(b))["v"]) for b in ("STRICT", "CONFORM", "KEEP")}
    assert len(found) == 3


def test_the_globals_of_a_function_may_be_anything() -> None:
    f = notebook("def g(): pass\ndef f(x): return g.__globals__[x]\n")["f"]
    with pytest.raises(IdentityError, match=r"__globals__ in f\(\) .*uses="):
        code_identity(f, name="f")
    assert code_identity(f, name="f", uses=[1]).digest


@pytest.fixture(name="module")
def fixture_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("settings_of_a_notebook")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_module_read_through_its_namespace_counts_as_a_whole(module: ModuleType) -> None:
    f = notebook(f"import {module.__name__} as m\ndef f(x): return m.__dict__[x]\n")["f"]
    found: list[bytes] = []
    for k in (1, 2):
        vars(module)["K"] = k
        found.append(code_identity(f, name="f").digest)
    assert found[0] != found[1]


def test_a_compiled_module_of_the_users_counts_by_its_file(
    module: ModuleType, tmp_path: Path
) -> None:
    compiled = tmp_path / f"settings{EXTENSION_SUFFIXES[0]}"
    module.__file__ = str(compiled)
    f = notebook(f"import {module.__name__} as m\ndef f(x): return vars(m)\n")["f"]
    found: list[bytes] = []
    for content in (b"one", b"three"):
        compiled.write_bytes(content)
        found.append(code_identity(f, name="f").digest)
    assert found[0] != found[1]
