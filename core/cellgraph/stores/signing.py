"""Ed25519 signatures: who wrote an object of a bucket, who may speak for a job of an array. Pure.

A key is 32 bytes. People see a public one as ``ed25519:`` and 64 hexadecimal digits. The package
`cryptography` (``pip install 'cellgraph[team]'``) is loaded by the first signature made or checked;
ConfigError says so when it is not there. Any thread.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError

KEY_BYTES: Final = 32
SEAL_BYTES: Final = 96
_PREFIX: Final = "ed25519:"


class Seal(NamedTuple):
    """A signature, and the public key that it says it was made with."""

    writer: bytes
    signature: bytes

    def holds(self, message: bytes) -> bool:
        """Whether the signature is the writer's, over *message*. Raises ConfigError."""
        ed25519 = _library()
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.writer).verify(self.signature, message)
        except Exception:  # whatever it says of bytes that are no key or no signature
            return False
        return True

    def to_bytes(self) -> bytes:
        """Key and signature, one after the other."""
        return self.writer + self.signature

    @classmethod
    def from_bytes(cls, data: bytes) -> "Seal | None":
        """Read what `to_bytes` wrote; None for anything of another length."""
        return cls(data[:KEY_BYTES], data[KEY_BYTES:]) if len(data) == SEAL_BYTES else None


class Signer:
    """A private key. Raises ConfigError when signatures cannot be made here."""

    def __init__(self, secret: bytes) -> None:
        self._key: Any = _library().Ed25519PrivateKey.from_private_bytes(secret)
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> Seal:
        """Sign *message*."""
        return Seal(self.public, self._key.sign(message))


def shown(public: bytes) -> str:
    """A public key as people see it."""
    return _PREFIX + public.hex()


def parsed(text: str) -> bytes:
    """The public key that `shown` wrote. Raises ConfigError."""
    try:
        key = bytes.fromhex(text.removeprefix(_PREFIX))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or not text.startswith(_PREFIX):
        raise ConfigError(
            f"{text!r}: expected a writer's public key, {_PREFIX} and 64 hexadecimal digits, as "
            "`cellgraph key` shows it"
        )
    return key


def object_message(uri: str, content: bytes) -> bytes:
    """What the writer of an object in the store *uri* signs; *content* is the object's digest."""
    return b"cellgraph.signed-object.1\0" + uri.encode() + b"\0" + content


# --- arrays ---------------------------------------------------------------------------------------


class Warrant(NamedTuple):
    """A submitter's word that a key made for one array may speak for its calls, and for no other.

    *terms* is everything that is said of the array, in any form: the keys of its calls above all.

    It may lie in the bucket. The private half must not: it travels with the job.
    """

    key: bytes  # the array's public key
    seal: bytes  # of the submitter, over the store, the array, its terms and the key

    def _message(self, uri: str, array: str, terms: bytes) -> bytes:
        named = digest(terms)
        parts = (b"cellgraph.array-warrant.1", uri.encode(), array.encode(), named, self.key)
        return b"\0".join(parts)

    @classmethod
    def issue(cls, signer: Signer, key: bytes, uri: str, array: str, terms: bytes) -> "Warrant":
        """Let *key*, the public half of one that was made for this array alone, speak for it."""
        made = cls(key, b"")
        return made._replace(seal=signer.sign(made._message(uri, array, terms)).to_bytes())

    def holds(self, uri: str, array: str, terms: bytes, writers: Collection[bytes]) -> bool:
        """Whether one of *writers* has issued it for exactly this array of this store."""
        seal = Seal.from_bytes(self.seal)
        if seal is None or seal.writer not in writers:
            return False
        return seal.holds(self._message(uri, array, terms))


def sign_outcome(secret: bytes, array: str, index: int, call: bytes, outcome: bytes) -> bytes:
    """A child's signature under its outcome (any bytes): made where the job runs. *call*: the key
    of its call, or the keys of its calls one after the other."""
    return Signer(secret).sign(_outcome_message(array, index, call, outcome)).signature


def outcome_holds(
    warrant: Warrant, array: str, index: int, call: bytes, outcome: bytes, signature: bytes
) -> bool:
    """Whether the child *index*, whose call has the key *call*, said this. The warrant has to hold
    by itself, and *call* has to be the one at *index* of its calls: the caller has seen to both."""
    return Seal(warrant.key, signature).holds(_outcome_message(array, index, call, outcome))


def _outcome_message(array: str, index: int, call: bytes, outcome: bytes) -> bytes:
    number = index.to_bytes(8, "little")
    parts = (b"cellgraph.array-outcome.1", array.encode(), number, call, digest(outcome))
    return b"\0".join(parts)


def check_available() -> None:
    """Raises ConfigError when signatures can be neither made nor checked here."""
    _library()


def _library() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise ConfigError(
            "signatures need the package cryptography: pip install 'cellgraph[team]'"
        ) from error
    return ed25519
