"""Partition columns in names of folders (``gene=BRCA1/``), as Hive and Spark write them. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cellgraph.errors import ConfigError

Value = str | int | None
NULL: Final = "__HIVE_DEFAULT_PARTITION__"
# What Spark escapes in such names (`ExternalCatalogUtils.escapePathName`).
_ESCAPED: Final = re.compile(r"[\x00-\x1f\"#%'*/:=?\\\x7f{\[\]^]")
_CODE: Final = re.compile("%([0-9A-Fa-f]{2})")
_WHOLE: Final = re.compile(r"-?(0|[1-9]\d{0,18})")
_MOST: Final = 2**63 - 1


class Key(NamedTuple):
    """A partition column. *type*: "string" or "int64"."""

    name: str
    type: str


def folder_of(keys: Sequence[str], values: Sequence[Value]) -> str:
    """The relative folder of a partition, ``gene=BRCA1/sample=3``."""
    return "/".join(
        f"{_escape(key)}={NULL if value is None else _escape(str(value))}"
        for key, value in zip(keys, values, strict=True)
    )


def written_in(name: str) -> tuple[tuple[str, str], ...]:
    """The columns and texts that the folders of the file *name* say."""
    pairs = [part.partition("=") for part in name.split("/")[:-1] if "=" in part]
    return tuple((_unescape(key), _unescape(value)) for key, _, value in pairs)


def typed(columns: Iterable[str], rows: Sequence[Sequence[str]]) -> tuple[Key, ...]:
    """The types of columns whose texts are *rows*: whole numbers, or else text."""
    return tuple(
        Key(column, "int64" if _all_whole([row[at] for row in rows]) else "string")
        for at, column in enumerate(columns)
    )


def value_of(text: str, key: Key) -> Value:
    """What a folder's text means."""
    if text == NULL:
        return None
    return int(text) if key.type == "int64" else text


def order(values: Sequence[Value]) -> tuple[tuple[bool, int, str], ...]:
    """Sorts partitions: numbers by size, texts by letters, none last."""
    return tuple(
        (value is None, value if isinstance(value, int) else 0, str(value)) for value in values
    )


def same_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The partition columns of all files *names*. Raises ConfigError when they differ."""
    first, columns = "", tuple[str, ...]()
    for name in names:
        here = tuple(key for key, _ in written_in(name))
        if not first:
            first, columns = name, here
        elif here != columns:
            raise ConfigError(
                f"{first} and {name} lie under different partition columns ({', '.join(columns)} "
                f"and {', '.join(here)}): one dataset has the same for all its files"
            )
    return columns


def _all_whole(texts: Iterable[str]) -> bool:
    said = [text for text in texts if text != NULL]
    return bool(said) and all(
        _WHOLE.fullmatch(text) and text != "-0" and abs(int(text)) <= _MOST for text in said
    )


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _unescape(text: str) -> str:
    return _CODE.sub(lambda found: chr(int(found[1], 16)), text)
