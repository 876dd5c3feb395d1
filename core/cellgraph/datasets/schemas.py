"""The types of columns, as people give them and as values carry them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arrow's hints are partial: what its functions take and return is not known in full.

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest

if TYPE_CHECKING:
    import pyarrow as pa


def schema_bytes(given: "Mapping[str, Any] | pa.Schema | None") -> bytes:
    """A schema, or types by column (Arrow types or their names), as bytes; empty for none.

    Raises ConfigError for a type that is not known.
    """
    if given is None:
        return b""
    import pyarrow as pa

    if not isinstance(given, pa.Schema):
        given = pa.schema([(name, _type(name, said)) for name, said in given.items()])
    return bytes(given.remove_metadata().serialize().to_pybytes())


def schema_of(data: bytes) -> "pa.Schema | None":
    """Undo `schema_bytes`."""
    if not data:
        return None
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(data))


def named_schema(data: bytes) -> tuple[tuple[str, str], ...]:
    """What a schema is called in keys: the same for every version of Arrow."""
    schema = schema_of(data)
    return () if schema is None else tuple((field.name, str(field.type)) for field in schema)


def check_csv(said: str, found: "pa.Schema", given: "pa.Schema | None", shard: str) -> None:
    """Raises ConfigError for what a CSV file shows to be a mistake: text that is no UTF-8, a name
    in schema= that is nearly that of a column."""
    import pyarrow.types as types

    told = [] if given is None else given.names
    for field in found:
        if types.is_binary(field.type) and field.name not in told:
            raise ConfigError(
                f"{said}: column {field.name!r} of {shard} is no UTF-8 text: save it as UTF-8 "
                f'(or take the bytes, with schema={{"{field.name}": "binary"}})'
            )
    for name in told:
        near = difflib.get_close_matches(name, found.names, n=1)
        if near and near[0] != name and near[0] not in told and name not in found.names:
            raise ConfigError(
                f"{said}: schema= names {name!r}, which the header of {shard} lacks; did you mean "
                f"{near[0]!r}?"
            )


def checked_columns(asked: Iterable[str] | None, known: Iterable[str]) -> list[str] | None:
    """Raises ConfigError for a column that there is not."""
    if asked is None:
        return None
    if isinstance(asked, str):
        raise ConfigError(f"columns={asked!r}: expected a list of names: [{asked!r}]")
    wanted, known = list(asked), list(known)
    for name in wanted:
        if name not in known:
            raise ConfigError(f"columns=: there is no column {name!r}{closest(name, known)}")
    return wanted


def _type(column: str, said: Any) -> Any:
    import pyarrow as pa

    if isinstance(said, pa.DataType):
        return said
    try:
        return pa.type_for_alias(said)
    except (TypeError, ValueError):
        raise ConfigError(
            f"schema= says {said!r} for {column!r}: expected an Arrow type or its name: "
            '"string", "int64", "double", "bool", "date32", "timestamp[us]"'
        ) from None
