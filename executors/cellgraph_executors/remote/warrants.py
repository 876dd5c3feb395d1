"""Whose word counts for what lies in the bucket of a job: `Bucket`'s writers, or keys: `Keys`.

Under ``trust="signed"`` the sender makes a key for one array. Its private half stands in the job's
command line, which whoever may describe jobs can see and whoever writes to the bucket cannot; its
public half stands in the pending object, all of which the sender has signed with the key of the
person. A child signs what it writes. Both signatures are verified before anything is decoded.

Threading: any thread.
"""

import os
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from cellgraph.errors import ConfigError
from cellgraph.stores.signing import Signer, Warrant, outcome_holds, sign_outcome

if TYPE_CHECKING:
    from cellgraph.stores.s3.arrays import Arrays
    from cellgraph_executors.remote.flights import Pending

_SECRET_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class Word(Protocol):
    """What is believed of a job. *part*: the name of an outcome below ``out/``."""

    def begin(self, pending: "Pending") -> tuple["Pending", list[str]]:
        """A job of ours as it goes on record, and arguments for the command of its children."""
        ...

    def given(self, pending: "Pending") -> "Pending":
        """A job of ours that has changed, as it goes on record."""
        ...

    def holds(self, pending: "Pending") -> bool:
        """Whether a job on record may be waited for."""
        ...

    def outcome(self, pending: "Pending", child: int, part: str, data: bytes) -> bytes | None:
        """What a child wrote; None if it is not the child's."""
        ...


class Bucket:
    """Whoever can write to the bucket is believed."""

    def begin(self, pending: "Pending") -> tuple["Pending", list[str]]:
        """See `Word`."""
        return pending, []

    def given(self, pending: "Pending") -> "Pending":
        """See `Word`."""
        return pending

    def holds(self, pending: "Pending") -> bool:
        """See `Word`: outcomes of jobs with a key have another form."""
        return not pending.key

    def outcome(self, pending: "Pending", child: int, part: str, data: bytes) -> bytes | None:
        """See `Word`."""
        return data


class Keys:
    """Trusted writers are believed, and the jobs that they have signed for."""

    def __init__(self, uri: str, signer: Signer, writers: frozenset[bytes]) -> None:
        self._uri = uri
        self._signer = signer
        self._writers = writers

    def begin(self, pending: "Pending") -> tuple["Pending", list[str]]:
        """See `Word`."""
        secret = os.urandom(_SECRET_BYTES)
        made = msgspec.structs.replace(pending, key=Signer(secret).public)
        return self.given(made), ["--array-key", secret.hex()]

    def given(self, pending: "Pending") -> "Pending":
        """See `Word`."""
        warrant = Warrant.issue(
            self._signer, pending.key, self._uri, pending.array, _terms(pending)
        )
        return msgspec.structs.replace(pending, seal=warrant.seal)

    def holds(self, pending: "Pending") -> bool:
        """See `Word`."""
        warrant = Warrant(pending.key, pending.seal)
        return warrant.holds(self._uri, pending.array, _terms(pending), self._writers)

    def outcome(self, pending: "Pending", child: int, part: str, data: bytes) -> bytes | None:
        """See `Word`."""
        return _opened(pending.key, pending.array, child, pending.keys_of_child(child), part, data)


def word_of(arrays: "Arrays", executor: str) -> Word:
    """Whose word counts in a store. Raises ConfigError when it is nobody's that may run code."""
    if arrays.everybody:
        return Bucket()
    policy, uri = arrays.policy, arrays.uri
    if policy.mode == "signed" and policy.signer is not None:
        return Keys(uri, policy.signer, policy.writers)
    what = f"executor {executor!r}: jobs write what they return to {uri}, pickles among it"
    if policy.mode == "signed":
        raise ConfigError(
            f"{what}, and trust='signed' believes what was signed: make your key, cellgraph key "
            "--make"
        )
    raise ConfigError(
        f"{what}, which is not read from those whom nobody trusts: this needs trust='bucket' and a "
        f"bucket whose writers you trust (cellgraph trust {'/'.join(uri.split('/')[:3])}), or "
        "trust='signed' (cellgraph key --make)"
    )


def _terms(pending: "Pending") -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(pending, seal=b""))


# --- where the job runs ---------------------------------------------------------------------------


class Unsigned:
    """A child that nobody gave a key."""

    def signed(self, part: str, data: bytes) -> bytes:
        """An outcome as it is written."""
        return data

    def own(self, part: str, data: bytes) -> bytes | None:
        """What an earlier attempt of this child wrote; None if somebody else wrote it."""
        return data


class Hand(Unsigned):
    """A child with the private key of its array. *calls*: the keys of its calls, as on record."""

    def __init__(self, secret: bytes, array: str, child: int, calls: bytes) -> None:
        self._secret = secret
        self._public = Signer(secret).public
        self._array = array
        self._child = child
        self._calls = calls

    def signed(self, part: str, data: bytes) -> bytes:
        """See `Unsigned`."""
        said = _said(part, data)
        return sign_outcome(self._secret, self._array, self._child, self._calls, said) + data

    def own(self, part: str, data: bytes) -> bytes | None:
        """See `Unsigned`."""
        return _opened(self._public, self._array, self._child, self._calls, part, data)


def _opened(
    public: bytes, array: str, child: int, calls: bytes, part: str, data: bytes
) -> bytes | None:
    signature, outcome = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    said, warrant = _said(part, outcome), Warrant(public, b"")
    return outcome if outcome_holds(warrant, array, child, calls, said, signature) else None


def _said(part: str, outcome: bytes) -> bytes:
    """A part of an outcome is not to be taken for another part of it."""
    return part.encode() + b"\0" + outcome
