"""How far a stored record is believed, said by the type of its bytes.

A store hands out `bytes` for what this machine wrote itself and for what somebody vouches for.
"""

from collections.abc import Callable


class DataOnly(bytes):
    """Its values are believed; what would run code when it is read is not."""


class Refused(bytes):
    """Nothing of it counts. It is kept only so that the refusal can be told."""


# Says how the records of a segment are believed: one of `bytes`, `DataOnly`, `Refused`.
Judge = Callable[[str], type[bytes]]


def data_only(name: str) -> type[bytes]:
    """Believe the data of every segment: a `Judge`."""
    return DataOnly


def whole(name: str) -> type[bytes]:
    """Believe every segment: a `Judge`."""
    return bytes
