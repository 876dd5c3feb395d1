"""The option `choices`: how columns of several types in a DynamicFrame are resolved. Pure."""

import re
from collections.abc import Mapping
from typing import Final, cast

from cellgraph.errors import ConfigError

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html
_ACTION: Final = re.compile(
    r"cast:\w+(\([\d, ]+\))?|project:\w+(\([\d, ]+\))?|make_cols|make_struct"
)


def checked_choices(said: object) -> Mapping[str, str]:
    """By column; nothing for None. Raises ConfigError for what Glue would not take."""
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise ConfigError(f"choices={said!r}: expected actions by column: " + _EXAMPLE)
    for column, action in cast("Mapping[object, object]", said).items():
        if not isinstance(column, str) or not _ACTION.fullmatch(str(action)):
            raise ConfigError(f"choices={{{column!r}: {action!r}}}: expected one as in " + _EXAMPLE)
    return cast("Mapping[str, str]", said)


_EXAMPLE: Final = '{"price": "cast:double"} (also "project:TYPE", "make_cols", "make_struct")'
