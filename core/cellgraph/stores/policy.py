"""What a store believes of what was fetched from a bucket: the setting `trust`.

- ``bucket``: data is believed; what runs code only where the bucket is on record (`trusted`).
- ``signed``: records count only when a trusted writer has signed them, and then they count whole;
  what this session writes is signed.
- ``safe``: what runs code is never read, not even what this machine wrote.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cellgraph.errors import ConfigError
from cellgraph.stores import trusted
from cellgraph.stores.local.layout import written_here
from cellgraph.stores.signing import Seal, Signer, check_available, object_message
from cellgraph.suggest import closest
from cellgraph.vouched import DataOnly, Judge, Refused

MODES: Final = ("bucket", "signed", "safe")


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom one user believes in one bucket, and who the user is there. Believes data by default."""

    mode: str = "bucket"
    everybody: bool = False  # the bucket is on record: whoever can write there is trusted
    writers: frozenset[bytes] = frozenset()  # public keys that are believed
    signer: Signer | None = None  # what is pushed is signed with it


def checked_mode(said: object) -> str:
    """The setting `trust`. Raises ConfigError."""
    if said not in MODES:
        hint = closest(str(said), MODES)
        raise ConfigError(f"trust={said!r}: expected one of {', '.join(MODES)}{hint}")
    return str(said)


def policy_for(uri: str, mode: str) -> Policy:
    """The policy of the user's own configuration for the store *uri*. Raises ConfigError.

    Only a session that believes nothing but signatures signs: else it would vouch for what it made
    of unsigned values.
    """
    if mode != "signed":
        return Policy(mode, trusted.is_trusted(uri))
    check_available()
    secret = trusted.own_secret()
    signer = Signer(secret) if secret is not None else None
    own = () if signer is None else (signer.public,)
    return Policy(mode, False, frozenset((*trusted.writers(), *own)), signer)


def judge_in(
    uri: str, policy: Policy, sealed: Callable[[str], tuple[bytes, bytes] | None]
) -> Judge:
    """The judge of a tier. *sealed* says what is noted of a fetched segment: digest and seal of the
    object that it came in."""

    def judge(segment: str) -> type[bytes]:
        if policy.mode == "safe":
            return DataOnly
        if written_here(segment):
            return bytes
        if policy.mode == "bucket":
            return bytes if policy.everybody else DataOnly
        return bytes if is_sealed(uri, sealed(segment), policy.writers) else Refused

    return judge


def is_sealed(uri: str, noted: tuple[bytes, bytes] | None, writers: frozenset[bytes]) -> bool:
    """Whether one of *writers* has signed an object with this digest for the store *uri*."""
    if noted is None:
        return False
    content, data = noted
    seal = Seal.from_bytes(data)
    return seal is not None and seal.writer in writers and seal.holds(object_message(uri, content))
