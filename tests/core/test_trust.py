"""What is believed of a shared store: data always, code only where somebody vouches for it."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.cli.app import FAILED, OK, run
from cellgraph.errors import ConfigError
from cellgraph.events import Event, MissesExplained, Notice
from cellgraph.stores.base import Entry
from cellgraph.stores.policy import Policy
from cellgraph.stores.s3 import S3Store
from cellgraph.stores.s3 import catalog as catalogs
from cellgraph.stores.signing import Signer, Warrant, outcome_holds, shown, sign_outcome
from cellgraph.testing.store_samples import key_of
from cellgraph.vouched import Refused


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def person(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], None]:
    """From now on this process is somebody: a machine and a configuration of their own."""
    point_at(server, monkeypatch, tmp_path)

    def is_now(name: str) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name / "cache"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name / "config"))

    return is_now


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"s3://{BUCKET}/{tmp_path.name}"


@dataclasses.dataclass
class Point:
    x: int


@cg.task
def numbers(n: int) -> np.ndarray:
    return np.arange(float(n))


@cg.task
def point(x: int) -> Point:
    return Point(x)


@cg.task
def total(values: np.ndarray) -> float:
    return float(values.sum())


@cg.task
def both(n: int) -> object:
    return [total(numbers(n)), 1]


WORK = [total(numbers(9)), numbers(5000), {"a": numbers(3)}]


class Said:
    """What a session says, and what its run did."""

    def __init__(self, session: cg.Session) -> None:
        self.session = session
        self.notices: list[str] = []
        self.misses: dict[str, str] = {}
        session.bus.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, MissesExplained):
            self.misses |= {m.task.rpartition(".")[2]: m.reason for m in event.misses}

    def executed(self, expr: object) -> int:
        job = self.session.submit(expr)
        job.result()
        return job.counts.executed


def executed(uri: str, expr: object, **settings: Any) -> int:
    with cg.Session(store=uri, **settings) as session:
        return Said(session).executed(expr)


def test_data_of_an_untrusted_bucket_is_used(uri: str, person: Callable[[str], None]) -> None:
    person("ann")
    assert executed(uri, WORK) == 4
    person("ben")
    assert executed(uri, WORK) == 0
    assert executed(uri, [total(numbers(9)), total(numbers(10))]) == 2


def test_what_needs_code_is_a_miss_that_says_so_and_what_it_costs(
    uri: str, person: Callable[[str], None]
) -> None:
    person("ann")
    assert executed(uri, [point(1), point(2), both(4)]) == 5
    person("ben")
    with cg.Session(store=uri) as session:
        said = Said(session)
        # the final value of `both` is data
        assert said.executed([point(1), point(2), both(4)]) == 2
        assert said.misses["point"] == "not trusted: a result needs the class Point"
        assert len(said.notices) == 1
        assert said.notices[0].startswith("results of 2 calls, ")
        assert said.notices[0].endswith(f"cellgraph trust {uri}")
        assert said.executed([point(1), point(2), both(4)]) == 0  # this machine's own
        assert len(said.notices) == 1
    assert executed(uri, [point(1), both(4)]) == 0
    person("cat")
    assert run(["trust", uri]) == OK
    assert executed(uri, [point(1), point(2), both(4)]) == 0
    assert run(["trust", uri, "--revoke"]) == OK
    assert executed(uri, [point(1)]) == 1


def test_a_project_cannot_trust_a_bucket(
    uri: str, person: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("ann")
    executed(uri, point(1))
    person("ben")
    project = tmp_path / "cloned"
    project.mkdir()
    (project / "cellgraph.toml").write_text(f'store = "{uri}"\ntrust = "bucket"\n')
    monkeypatch.chdir(project)
    with cg.Session() as session:
        assert Said(session).executed(point(1)) == 1
    (project / "cellgraph.toml").write_text('trusted_stores = ["s3://team"]\n')
    with pytest.raises(ConfigError, match="unknown setting 'trusted_stores'"):
        cg.Session()


def test_safe_reads_no_code_wherever_it_is_from(
    uri: str, person: Callable[[str], None], tmp_path: Path
) -> None:
    person("ann")
    assert run(["trust", uri]) == OK
    for store in (uri, str(tmp_path / "folder")):
        assert executed(store, [point(1), numbers(3)]) == 2
        assert executed(store, [point(1), numbers(3)]) == 0
        assert executed(store, [point(1), numbers(3)], trust="safe") == 1
        assert executed(store, [point(1), numbers(3)], trust="safe") == 1


@pytest.mark.parametrize("wrong", ["sign", "", True])
def test_a_wrong_setting_is_refused(wrong: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected one of bucket, signed, safe"):
        cg.Session(tmp_path, trust=wrong)


# --- signatures ---------------------------------------------------------------------------------


def new_key(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["key", "--make"]) == OK
    return capsys.readouterr().out.strip()


def test_signed_records_of_trusted_writers_count_and_no_others(
    uri: str, person: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    person("ann")
    ann = new_key(capsys)
    assert run(["key"]) == OK and capsys.readouterr().out.strip() == ann
    assert run(["key", "--make"]) == FAILED
    assert executed(uri, [point(1), numbers(3)], trust="signed") == 2
    person("eve")
    eve = new_key(capsys)
    assert executed(uri, [point(2)], trust="signed") == 1
    assert executed(uri, [point(3), numbers(4)]) == 2  # unsigned
    person("ben")
    assert executed(uri, [numbers(3)], trust="safe") == 0
    assert run(["trust", ann, "--name", "Ann"]) == OK
    assert run(["trust", uri]) == OK  # which says nothing where signatures are asked for
    capsys.readouterr()
    assert run(["trust"]) == OK and capsys.readouterr().out == f"{uri}\n{ann} Ann\n"
    with cg.Session(store=uri, trust="signed") as session:
        said = Said(session)
        assert said.executed([point(1), numbers(3)]) == 0
        assert said.executed([point(2), point(3), numbers(4)]) == 3
        assert said.misses == {
            "point": "not trusted: not signed by a writer you trust",
            "numbers": "not trusted: not signed by a writer you trust",
        }
        assert [n for n in said.notices if "cellgraph key --make" in n]
    person("cat")
    assert run(["trust", eve]) == OK
    assert executed(uri, [point(1), point(2)], trust="signed") == 1
    assert run(["trust", eve, "--revoke"]) == OK
    assert run(["trust", eve, "--revoke"]) == FAILED
    assert executed(uri, [point(2)], trust="signed") == 1


def test_merging_keeps_each_signature(
    uri: str, person: Callable[[str], None], server: S3Server, tmp_path: Path
) -> None:
    person("ann")
    ann, eve = Signer(b"a" * 32), Signer(b"e" * 32)
    hands = {"ann": ann, "eve": eve, "guest": None}
    for who, signer in hands.items():
        for i in range(4):
            policy = Policy("bucket" if signer is None else "signed", signer=signer)
            store = S3Store(uri, cache=tmp_path / who, policy=policy)
            store.append([Entry(key_of(who, i), 1, b"x")])
            store.get_many([key_of("nothing")])  # a look: who merges knows what there is
            store.close()
    prefix = uri.rpartition("/")[2]
    newest = catalogs.decode(server.read(server.keys(f"{prefix}/catalog/")[-1]))
    assert newest is not None and len(newest.live({})) == 3  # each has merged what is their own
    believing = Policy("signed", writers=frozenset({ann.public}))
    store = S3Store(uri, cache=tmp_path / "ben", policy=believing)
    for who in hands:
        found = store.get_many([key_of(who, i) for i in range(4)])
        kinds = {type(data) for several in found.values() for data in several}
        assert len(found) == 4 and kinds == {bytes if who == "ann" else Refused}
    store.close()


@pytest.mark.parametrize("text", ["ed25519:12", "ed25519:" + "g" * 64, "e" * 64, "ed25519:"])
def test_what_is_no_key_is_refused(text: str, person: Callable[[str], None]) -> None:
    person("ann")
    assert run(["trust", text]) == FAILED


def test_a_child_of_an_array_speaks_for_its_own_call_alone() -> None:
    ann, eve = Signer(b"a" * 32), Signer(b"e" * 32)
    secret, calls = b"s" * 32, [bytes([i]) * 32 for i in range(4)]
    terms, key = b"".join(calls), Signer(secret).public
    store, array, writers = "s3://team/x", "array-1", {ann.public}
    warrant = Warrant.issue(ann, key, store, array, terms)
    assert warrant.holds(store, array, terms, writers)
    assert not warrant.holds(store, array, terms, {eve.public})
    assert not warrant.holds("s3://team/y", array, terms, writers)
    assert not warrant.holds(store, "array-2", terms, writers)
    assert not warrant.holds(store, array, terms[:-32] + bytes(32), writers)
    assert not warrant._replace(key=eve.public).holds(store, array, terms, writers)
    assert not warrant._replace(seal=b"").holds(store, array, terms, writers)
    forged = Warrant.issue(eve, key, store, array, terms)
    assert not forged.holds(store, array, terms, writers)
    made = sign_outcome(secret, array, 2, calls[2], b"outcome")
    assert outcome_holds(warrant, array, 2, calls[2], b"outcome", made)
    assert not outcome_holds(warrant, array, 1, calls[1], b"outcome", made)
    assert not outcome_holds(warrant, array, 2, calls[2], b"other", made)
    assert not outcome_holds(warrant, "array-2", 2, calls[2], b"outcome", made)
    assert not outcome_holds(warrant, array, 2, calls[2], b"outcome", b"")
    assert shown(ann.public).startswith("ed25519:")
