"""Folders of remote jobs in a collection: litter goes, what a job in flight has written stays."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.support.team import Team
from tests.support.s3server import BUCKET, S3Server, point_at, serving

from cellgraph.testing.store_samples import contents, sample_payload


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def team(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Team:
    point_at(server, monkeypatch, tmp_path)
    return Team(server, f"s3://{BUCKET}/{tmp_path.name}", tmp_path, monkeypatch)


def begin_job(team: Team, job: str, *, number: int) -> bytes:
    """A job with a finished child that nobody has heard of; the payload of its result."""
    store = team.at("kernel")
    store.arrays.put(f"pending/{job}", b"who, for which calls")
    store.arrays.put(f"arrays/{job}/manifest", b"m" * 100)
    store.arrays.put(f"arrays/{job}/out/0", b"o" * 10)
    payload = sample_payload(number, (2_000_000,))
    child = team.at(f"child {job}")
    name = child.put_blob(payload)
    child.close()
    store.close()
    return name


def end_job(team: Team, job: str) -> None:
    store = team.at("kernel")
    store.arrays.delete([f"pending/{job}"])
    store.close()


def test_the_folder_of_a_job_that_is_over_goes_after_the_grace_period(team: Team) -> None:
    begin_job(team, "one", number=1)
    end_job(team, "one")
    assert team.collect().leftovers == 0, "somebody may be reading it"
    team.pass_days(3)
    told = team.collect(dry_run=True)
    assert (told.leftovers, told.leftover_bytes) == (2, 110)
    assert len(team.objects("arrays")) == 2
    assert team.collect().leftovers == 2
    assert team.objects("arrays") == []


def test_what_a_job_in_flight_has_written_stays(team: Team) -> None:
    name = begin_job(team, "long", number=1)
    begin_job(team, "short", number=2)
    end_job(team, "short")
    for _ in range(4):  # payloads nobody refers to go at the second collection after their time
        team.pass_days(3)
        team.collect()
    assert len(team.objects("pending")) == 1 and len(team.objects("arrays")) == 2
    store = team.at("other")
    assert len(team.objects("blobs")) == 2, "all that is younger than the job"
    store.close()
    end_job(team, "long")
    for _ in range(2):
        team.pass_days(3)
        team.collect()
    assert team.objects("blobs") == team.objects("arrays") == []
    store = team.at("fresh")
    assert store.get_blob(name) is None
    assert contents(store.get_blob(store.put_blob(sample_payload(1, (2_000_000,)))))
    store.close()


def test_a_job_nobody_has_asked_about_for_a_month_is_forgotten(team: Team) -> None:
    begin_job(team, "lost", number=1)
    team.pass_days(29)
    assert team.collect().leftovers == 0
    team.pass_days(2)
    assert team.collect().leftovers == 3
    assert team.objects("pending") == team.objects("arrays") == []


def test_payloads_older_than_every_job_go(team: Team) -> None:
    store = team.at("a")
    stray = store.put_blob(sample_payload(7, (2_000_000,)))
    store.close()
    time.sleep(1.1)  # a bucket's times may be whole seconds
    begin_job(team, "now", number=1)
    for _ in range(2):
        team.pass_days(3)
        team.collect()
    (left,) = team.objects("blobs")
    assert stray.hex() not in left
