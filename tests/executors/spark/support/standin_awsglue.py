"""A STAND-IN for the parts of AWS's `awsglue` that cross the edge of a step. Not AWS's code.

The real package needs Glue's own Java classes, which are on Glue alone. This one has the names, the
signatures and the words of resolution of the real one (AWSGlueDataplanePython 5.0) over a Spark
frame or plain records; what it cannot show is how Glue itself infers and resolves. The conversion
code is exercised against the real one with AWS_LIVE=1.
"""

import io
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pytest


class Type:
    """Of one column."""

    def __init__(self, name: str, **inside: Any) -> None:
        self._name = name
        self.__dict__.update(inside)

    def typeName(self) -> str:  # noqa: N802 - AWS's names, here and below
        return self._name


class Field:
    def __init__(self, name: str, kind: Type) -> None:
        self.name = name
        self.dataType = kind


class Struct(Type):
    def __init__(self, fields: list[Field]) -> None:
        super().__init__("struct")
        self.fields = fields

    def __iter__(self) -> Any:
        return iter(self.fields)


class GlueContext:
    def __init__(self, context: Any) -> None:
        from pyspark.sql import SparkSession

        self.spark_session = SparkSession(context)
        self.create_dynamic_frame = Readers(self)


class Readers:
    """What reads into DynamicFrames; of it, JSON lines, whose fields keep the types they have."""

    def __init__(self, context: GlueContext) -> None:
        self._context = context

    def from_options(
        self, connection_type: str, connection_options: dict[str, Any], format: str
    ) -> "DynamicFrame":
        assert (connection_type, format) == ("s3", "json")
        session: Any = self._context.spark_session
        lines = session.read.text(connection_options["paths"]).collect()
        return DynamicFrame([json.loads(line.value) for line in lines], self._context)


class DynamicFrame:
    """Records whose fields need not have one type each; or a Spark frame."""

    def __init__(
        self, records: list[dict[str, Any]], glue_ctx: GlueContext, name: str = ""
    ) -> None:
        self.records, self.glue_ctx, self.name = records, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe: Any, glue_ctx: GlueContext, name: str) -> "DynamicFrame":  # noqa: N802
        return cls([row.asDict(recursive=True) for row in dataframe.collect()], glue_ctx, name)

    def schema(self) -> Struct:
        return _struct(self.records)

    def resolveChoice(self, specs: list[tuple[str, str]]) -> "DynamicFrame":  # noqa: N802
        made = [dict(record) for record in self.records]
        for path, action in specs:
            verb, _, kind = action.partition(":")
            assert verb == "cast" and kind in ("double", "string")
            for record in made:
                record[path] = {"double": float, "string": str}[kind](record[path])
        return DynamicFrame(made, self.glue_ctx, self.name)

    def toDF(self) -> Any:  # noqa: N802
        session: Any = self.glue_ctx.spark_session
        return session.createDataFrame(self.records)


def _struct(records: list[dict[str, Any]]) -> Struct:
    names = dict.fromkeys(name for record in records for name in record)
    return Struct([Field(n, _type([r[n] for r in records if n in r])) for n in names])


def _type(values: list[Any]) -> Type:
    kinds = {type(value).__name__ for value in values} - {"NoneType"}
    if len(kinds) > 1:
        return Type("choice")
    if kinds == {"dict"}:
        return _struct(values)
    if kinds == {"list"}:
        return Type("array", elementType=_type([v for value in values for v in value]))
    return Type(kinds.pop() if kinds else "null")


_MODULES: Final = {"context": "GlueContext", "dynamicframe": "DynamicFrame"}


def archive() -> bytes:
    """A zip that is `awsglue` for a run of the sandbox's Glue, given as `extra_py_files`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("awsglue/__init__.py", "")
        made.writestr("awsglue/standin.py", Path(__file__).read_text("utf-8"))
        for module, name in _MODULES.items():
            made.writestr(f"awsglue/{module}.py", f"from awsglue.standin import {name}\n")
    return packed.getvalue()


def install(monkeypatch: "pytest.MonkeyPatch") -> None:
    """Be what ``import awsglue`` finds."""
    for name, held in (
        ("awsglue", {}),
        ("awsglue.context", {"GlueContext": GlueContext}),
        ("awsglue.dynamicframe", {"DynamicFrame": DynamicFrame}),
    ):
        module = ModuleType(name)
        for key, value in held.items():
            setattr(module, key, value)
            monkeypatch.setattr(value, "__module__", name)
        monkeypatch.setitem(sys.modules, name, module)
