"""Parts of the S3 store by themselves: the bytes of a segment object, the accounts of the tier."""

from pathlib import Path

import pytest

from cellgraph.stores.s3.blobtier import BlobTier, FilesOnly, Refusal
from cellgraph.stores.s3.bundle import DamagedBundle, Place, Stamped, build, parse
from cellgraph.testing.store_samples import key_of

NAME = "20000/mixed/20260101T000000-0123456789-0.seg"


def spoil(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_bundle_is_bound_to_its_name() -> None:
    records = [Stamped(zone, 7 + zone, key_of(zone), b"data") for zone in (3, 1, 3)]
    place = Place(key_of("payload"), key_of("pack"), 10, 20)
    raw = build(NAME, records, [place])
    found = parse(NAME, raw)
    assert [(name, zone) for name, zone, _ in found.sections] == [
        ("20000/01/20260101T000000-0123456789-0.seg", 1),
        ("20000/03/20260101T000000-0123456789-0.seg", 3),
    ]
    assert found.places == (place,)
    with pytest.raises(DamagedBundle, match="renamed"):
        parse(NAME.replace("-0.seg", "-1.seg"), raw)
    for at in range(len(raw) - 60, len(raw)):
        with pytest.raises(DamagedBundle):
            parse(NAME, spoil(raw, at))


@pytest.mark.parametrize("length", [0, 7, 55, 56])
def test_bytes_that_are_no_bundle(length: int) -> None:
    with pytest.raises(DamagedBundle):
        parse(NAME, b"\xff" * length)


def test_the_accounts_pickle_nothing(tmp_path: Path) -> None:
    disk = FilesOnly(str(tmp_path))
    for key in ("text", 1, 1.5, b"short", ("a", "tuple"), object()):
        with pytest.raises(Refusal):
            disk.put(key)
    for value in ("text", b"bytes", 1, ("a", "tuple"), object()):
        with pytest.raises(Refusal):
            disk.store(value, read=False)
    with pytest.raises(Refusal):
        disk.get(b"cos\nsystem\n(S'true'\ntR.", raw=False)
    for mode in range(5):
        with pytest.raises(Refusal):
            disk.fetch(mode, None, b"cos\nsystem\n(S'true'\ntR.", read=False)
        with pytest.raises(Refusal):
            disk.fetch(mode, "../../somewhere", None, read=False)


def test_the_accounts_keep_within_their_size(tmp_path: Path) -> None:
    def path_of(digest: bytes) -> Path:
        return tmp_path / "blobs" / digest.hex()[:2] / digest.hex()

    digests = [key_of(i) for i in range(40)]
    for digest in digests:
        path_of(digest).parent.mkdir(parents=True, exist_ok=True)
        path_of(digest).write_bytes(bytes(50_000))
    accounts = BlobTier(tmp_path / "accounts", 500_000)
    accounts.register(digests[:5], path_of)
    accounts.register(digests[:5], path_of)
    assert all(path_of(digest).exists() for digest in digests[:5]), "twice does no harm"
    for digest in digests[5:30]:
        accounts.used(digests[:1])
        accounts.register([digest], path_of)
    left = {digest for digest in digests if path_of(digest).exists()}
    assert accounts.registered() == left - set(digests[30:])
    assert digests[0] in left, "what is used stays"
    assert len(left) < 20 and left.issuperset(digests[30:]), "what is not registered stays"
    accounts.close()
