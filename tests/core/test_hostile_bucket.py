"""A bucket whose other writers are hostile: what each attack comes to (`docs/security.md`).

Nothing is executed, nothing crashes, nothing is written elsewhere. A row names the calls that run
again because of the attack; `point` always does, because its class is code and nobody is trusted.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.core.support import hostile_names, hostile_objects, hostile_records
from tests.core.support.hostile import CALLS, LATER, ROWS, TRUTH, Attack, Attacker, same
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.policy import Policy
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.s3.bundle import Stamped, build
from cellgraph.stores.signing import Signer, object_message
from cellgraph.testing.store_samples import key_of
from cellgraph.vouched import Refused


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def honest(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The objects that a session of somebody honest leaves in the bucket."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("honest")
        point_at(server, patch, home)
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        with cg.Session(store=f"s3://{BUCKET}/honest") as session:
            for call in CALLS.values():
                session.evaluate(call)
    keys = server.keys("honest/")
    return {key.removeprefix("honest/"): server.read(key) for key in keys}


@pytest.fixture
def attack(
    server: S3Server, honest: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Attack:
    point_at(server, monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody-is-trusted"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CELLGRAPH_PROJECT", str(tmp_path))
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "1000")
    monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType]  # pytest does not say of what
    code = f"import os; os.mkdir({str(tmp_path / 'canary')!r})\nclass Evil: pass\n"
    (tmp_path / "evil_module.py").write_text(code)
    return Attack(server, tmp_path.name, honest, tmp_path)


@pytest.mark.parametrize(("strike", "again", "believed"), ROWS)
def test_attacks(
    strike: Attacker, again: frozenset[str], believed: dict[str, object], attack: Attack
) -> None:
    strike(attack)
    with cg.Session(store=attack.uri) as session:
        ran: set[str] = set()
        for name, call in CALLS.items():
            run = session.submit(call)
            found = run.result()
            wanted = believed.get(name, TRUTH[name])
            assert same(found, wanted), f"{name} is {found!r}"
            if run.counts.executed:
                ran.add(name)
        session.run_summaries()
        session.explain(CALLS["number"])
    assert not attack.canary.exists()
    assert "evil_module" not in sys.modules
    assert ran - {"point"} == again - {"point"}
    assert not [p for p in attack.tmp.rglob("*escaped*") if "quarantine" not in str(p)]


def test_the_table_is_whole() -> None:
    modules = (hostile_names, hostile_objects, hostile_records)
    assert {row.values[0].__module__ for row in ROWS} == {m.__name__ for m in modules}
    assert len(ROWS) >= 40


# --- the store as a whole ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b'{"format": 99, "digest": "blake3-256", "store": "x"}', "newer Cellgraph"),
        (b"[" * 100_000, "is damaged"),
        (b'{"format": 1, "digest": "blake3-256", "store": "../../../../etc"}', "is damaged"),
        (b'{"format": 1, "digest": "md5", "store": "%s"}' % (b"a" * 32), "uses the digest"),
        (bytes(100_000), "is damaged"),
    ],
)
def test_a_format_of_nobody_is_refused(said: bytes, message: str, attack: Attack) -> None:
    attack.write("format.json", said)
    with pytest.raises(StoreError, match=message):
        cg.Session(store=attack.uri)
    assert attack.server.read(f"{attack.prefix}/format.json") == said


# --- the tier -------------------------------------------------------------------------------------


def test_a_tier_that_somebody_else_prepared_is_refused(attack: Attack) -> None:
    with cg.Session(store=attack.uri) as session:
        session.evaluate(CALLS["number"])
    (tier,) = (attack.tmp / "cache/cellgraph/s3").iterdir()
    elsewhere = attack.tmp / "elsewhere"
    tier.rename(elsewhere)
    tier.symlink_to(elsewhere)
    with pytest.raises(StoreError, match="is a link, belongs to somebody else"):
        cg.Session(store=attack.uri)
    tier.unlink()
    elsewhere.rename(tier)
    tier.chmod(0o777)
    with pytest.raises(StoreError, match="others can write to it"):
        cg.Session(store=attack.uri)
    tier.chmod(0o700)
    cg.Session(store=attack.uri).close()


def test_links_in_the_tier_are_not_written_through(attack: Attack) -> None:
    with cg.Session(store=attack.uri) as session:
        session.evaluate(CALLS["large"])
    target = attack.tmp / "precious"
    target.write_bytes(b"mine")
    for path in [p for p in (attack.tmp / "cache/cellgraph/s3").rglob("*") if p.is_file()]:
        if "blobs" in path.parts or "runs" in path.parts:
            path.unlink()
            path.symlink_to(target)
    with cg.Session(store=attack.uri) as session:
        assert same(session.evaluate(CALLS["large"]), TRUTH["large"])
        session.run_summaries()
    assert target.read_bytes() == b"mine"


# --- signatures -----------------------------------------------------------------------------------


class Signed:
    """A store of signed objects: what Ann wrote, and a reader who trusts her alone."""

    def __init__(self, attack: Attack) -> None:
        self.attack = attack
        self.ann, self.eve = Signer(b"a" * 32), Signer(b"e" * 32)
        self.key, self.name = key_of("ann"), LATER.replace("mixed", "01")
        self.record = Stamped(1, 1, self.key, b"the truth")

    def seal(self, signer: Signer, uri: str) -> Callable[[bytes], bytes]:
        return lambda content: signer.sign(object_message(uri, content)).to_bytes()

    def write(self, record: Stamped, sign: Callable[[bytes], bytes] | None, name: str = "") -> None:
        name = name or self.name
        self.attack.write(f"segments/{name}", build(name, [record], [], sign))

    def read(self) -> list[tuple[type, bytes]]:
        """How far each record under the key is believed, newest first."""
        policy = Policy("signed", writers=frozenset({self.ann.public}))
        store = S3Store(self.attack.uri, cache=self.attack.tmp / os.urandom(4).hex(), policy=policy)
        try:
            found = store.get_many([self.key]).get(self.key, ())
            assert [type(d) for d in found] == [
                type(e.data) for e in store.scan() if e.key == self.key
            ][::-1]
            return [(type(data), bytes(data)) for data in found]
        finally:
            store.close()


@pytest.fixture
def signed(attack: Attack) -> Signed:
    return Signed(attack)


def test_a_signature_is_of_one_writer_one_store_and_all_bytes(signed: Signed) -> None:
    uri, lie = signed.attack.uri, signed.record._replace(data=b"the lies!")
    whole = signed.seal(signed.ann, uri)
    signed.write(signed.record, whole)
    assert signed.read() == [(bytes, b"the truth")]
    strangers: list[Callable[[bytes], bytes] | None] = [
        None,
        signed.seal(signed.eve, uri),
        signed.seal(signed.ann, f"s3://{BUCKET}/elsewhere"),
        signed.seal(signed.ann, "s3://other/x"),
        lambda content: signed.ann.public + bytes(64),
        lambda content: signed.ann.public + signed.eve.sign(object_message(uri, content)).signature,
        lambda content: signed.seal(signed.ann, uri)(content[::-1]),
        lambda content: b"short",
        lambda content: os.urandom(96),
        lambda content: whole(content) + b"\0",
    ]
    for stranger in strangers:
        signed.write(lie, stranger)
        assert signed.read() == [(Refused, b"the lies!")]


def test_signed_bytes_cannot_be_exchanged(signed: Signed) -> None:
    signed.write(signed.record, signed.seal(signed.ann, signed.attack.uri))
    good = signed.attack.server.read(f"{signed.attack.prefix}/segments/{signed.name}")
    lie = build(signed.name, [signed.record._replace(data=b"the lies!")], [])
    end = len(good) - 56 - int.from_bytes(good[-56:-48], "little")
    signed.attack.write(f"segments/{signed.name}", lie[:end] + good[end:])
    assert signed.read() == [(Refused, b"the lies!")]
    signed.attack.delete(f"segments/{signed.name}")
    signed.attack.write(f"segments/{LATER}", good)  # under another name
    assert signed.read() == []


@pytest.mark.parametrize("first", ["signed", "unsigned"])
def test_an_object_that_becomes_the_same_segment_as_a_signed_one(
    signed: Signed, first: str
) -> None:
    """Two names of objects lead to one local segment: the signature goes to its own bytes only."""
    lie = signed.record._replace(data=b"the lies!")
    policy = Policy("signed", writers=frozenset({signed.ann.public}))
    store = S3Store(
        signed.attack.uri, cache=signed.attack.tmp / "ben", policy=policy, pace=Pace(refresh_s=0)
    )
    writes: list[Callable[[], None]] = [
        lambda: signed.write(signed.record, signed.seal(signed.ann, signed.attack.uri)),
        lambda: signed.write(lie, None, LATER),  # "mixed": its section is that of the other's zone
    ]
    for write in writes if first == "signed" else writes[::-1]:
        write()
        store.get_many([signed.key, key_of("none")])
    found = store.get_many([signed.key])[signed.key]
    assert [type(data) for data in found] == [bytes if first == "signed" else Refused]
    assert (found[0] == b"the truth") == (first == "signed")
    store.close()


def test_what_is_signed_is_not_merged_by_others(signed: Signed) -> None:
    """Else the merged object would vouch for it."""
    forged = signed.ann.public + bytes(64)  # says it is Ann's
    for i in range(5):
        name = f"{LATER[:-5]}{i}.seg"
        signed.write(signed.record._replace(stamp=i, data=b"lie"), lambda content: forged, name)
    policy = Policy("signed", signer=signed.ann)
    store = S3Store(signed.attack.uri, cache=signed.attack.tmp / "ann", policy=policy)
    store.append([Entry(key_of("more"), 1, b"x")])
    store.get_many([signed.key, key_of("none")])
    store.close()
    assert {kind for kind, _ in signed.read()} == {Refused}
