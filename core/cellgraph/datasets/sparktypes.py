"""Arrow's types in the words of Spark's SQL: for files that do not tell their own."""

from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES: Final = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "float": "float",
    "halffloat": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
    "date64[ms]": "date",
    "null": "string",  # a column without a value: any type would do
}


def spark_type(kind: "pa.DataType") -> str:
    """Raises ConfigError for a type that Spark does not have."""
    import pyarrow.types as types

    made: Any = kind
    if str(kind) in _NAMES:
        return _NAMES[str(kind)]
    if types.is_timestamp(kind):
        return "timestamp" if made.tz else "timestamp_ntz"
    if types.is_decimal(kind):
        return f"decimal({made.precision}, {made.scale})"
    if types.is_dictionary(kind):
        return spark_type(made.value_type)
    if types.is_list(kind) or types.is_large_list(kind):
        return f"array<{spark_type(made.value_type)}>"
    if types.is_struct(kind):
        inner = ", ".join(f"`{field.name}`: {spark_type(field.type)}" for field in made)
        return f"struct<{inner}>"
    raise ConfigError(f"Spark has no type for Arrow's {kind}: say another with schema=")
