"""Re-running a share of hits: what no key can see (clock, network, child processes) shows there.

An audited hit runs once more, and the digest of what it gives is compared with the stored one. The
stored value is used either way, and its record stays as it is: a difference is said, not settled.
"""

from dataclasses import dataclass
from typing import Final

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.executor import Unreduced
from cellgraph.identity.values import reference

_PICK: Final = b"cellgraph.audit.1"
_ALL: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Audit:
    """Which hits are run again: *share* of them, chosen by *seed* and nothing else."""

    share: float
    seed: bytes

    def picks(self, key: bytes) -> bool:
        """Whether the hit under *key* is run again. The same answer for the same seed."""
        drawn = int.from_bytes(digest(_PICK + self.seed + key)[:8], "little")
        return drawn < self.share * _ALL


NO_AUDIT: Final = Audit(0.0, b"")


def share_of(said: object) -> float:
    """A share as it is written in settings. Raises ConfigError."""
    try:
        share = float(said)  # type: ignore[arg-type]  # what is no number is refused just below
    except (TypeError, ValueError):
        share = -1.0
    if isinstance(said, bool) or not 0 <= share <= 1:
        raise ConfigError(
            f"audit={said!r}: expected the share of hits to run again, from 0 to 1 (0.01 is one "
            "in a hundred)"
        )
    return share


def verdict(stored: object, now: object) -> str:
    """How the value a call gives now differs from the stored one; empty if it does not."""
    if type(now) is Unreduced:
        return "it returned calls of tasks instead of a value"
    before, after = reference(stored), reference(now)
    if before == after:
        return ""
    return f"its stored value is {_short(before)}, it gave {_short(after)} now"


def complaint(call: str, task: str, difference: str) -> str:
    """What is said aloud of a hit that gave something else."""
    return (
        f"audit: {call} was run again and {difference}. It rests on something that its key does "
        "not name (clock, network, a program it starts, randomness): pass that as an argument, as "
        f"a File, or through fresh=; cg.invalidate({task}) forgets what is stored, which was used"
    )


def _short(identity: bytes) -> str:
    return digest(identity).hex()[:12]
