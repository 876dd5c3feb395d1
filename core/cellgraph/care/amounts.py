"""Sizes and spans of time as people write them: "20GB", "500 MiB", "30d", "12h"."""

import re
from typing import Final

from cellgraph.errors import ConfigError

_AMOUNT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$")
_BYTES: Final = {
    "b": 1,
    **{f"{prefix}b": 1000 ** (n + 1) for n, prefix in enumerate("kmgt")},
    **{f"{prefix}ib": 1024 ** (n + 1) for n, prefix in enumerate("kmgt")},
}
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_bytes(text: str) -> int:
    """A number of bytes. Raises ConfigError."""
    return int(_parse(text, _BYTES, "a size like 20GB, 500MB or 1.5TiB"))


def parse_seconds(text: str) -> float:
    """A number of seconds. Raises ConfigError."""
    return _parse(text, _SECONDS, "a time like 30d, 12h or 90min")


def size(nbytes: float) -> str:
    """A size as people say it: "812 B", "4.1 MB", "20 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 999.5:
            return f"{nbytes:.0f} {unit}" if unit == "B" or nbytes >= 10 else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:,.1f} TB"


def _parse(text: str, units: dict[str, int], wanted: str) -> float:
    found = _AMOUNT.match(text)
    unit = units.get(found[2].lower()) if found is not None else None
    if found is None or unit is None:
        raise ConfigError(f"{text!r}: expected {wanted}")
    return float(found[1]) * unit
