"""The hand that writes to a bucket: signs objects and knows its own again.

Threading: any thread.
"""

from cellgraph.stores.policy import is_sealed
from cellgraph.stores.s3.bundle import Bundle
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.signing import KEY_BYTES, Signer, object_message


class Hand:
    """Signs for the store *uri* with *signer*; without one it writes unsigned objects."""

    def __init__(self, uri: str, signer: Signer | None, ledger: Ledger) -> None:
        self._uri = uri
        self._signer = signer
        self._ledger = ledger
        self.sign = None if signer is None else self._seal

    def _seal(self, content: bytes) -> bytes:
        assert self._signer is not None  # else `sign` is None
        return self._signer.sign(object_message(self._uri, content)).to_bytes()

    def is_own(self, bundle: Bundle) -> bool:
        """Whether an object has the signature that this hand gives: its own, verified, or none."""
        if self._signer is None:
            return not bundle.seal
        noted = (bundle.content, bundle.seal)
        return is_sealed(self._uri, noted, frozenset({self._signer.public}))

    def known_as_others(self, name: str) -> bool:
        """Whether an object that was taken in says that it is not of this hand. Asks nobody."""
        noted = self._ledger.seal(name)
        own = b"" if self._signer is None else self._signer.public
        return noted is not None and noted[1][:KEY_BYTES] != own
