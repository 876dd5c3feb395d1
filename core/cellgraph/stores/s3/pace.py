"""How often and how much at once: the times and sizes of an S3 store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds, sizes in bytes. The defaults are those of the store's format."""

    flush_s: float = 5.0  # the oldest unpushed record waits this long
    flush_bytes: int = 8 << 20  # or until so much waits; one object holds about this
    refresh_s: float = 3.0  # between listings while something is missing
    retry_s: float = 15.0  # after a failure; doubles
    # What others may still read or refer to stays this long. The same for all who use a bucket.
    grace_s: float = 2 * 86_400.0


# Payloads above this are objects of their own; others share packs.
PACKED_BYTES = 1 << 20
