"""Whom the user trusts is on record in the user's own configuration."""

from pathlib import Path

import pytest

from cellgraph.cli.app import FAILED, OK, run
from cellgraph.stores.trusted import is_trusted, trusted


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_a_bucket_is_trusted_with_all_below_it_and_no_other() -> None:
    assert run(["trust", "s3://team/"]) == OK
    assert is_trusted("s3://team")
    assert is_trusted("s3://team/results/")
    assert not is_trusted("s3://team-b/results")


def test_a_prefix_says_nothing_of_its_bucket(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trust", "s3://team/a"]) == OK
    assert is_trusted("s3://team/a/b")
    assert not is_trusted("s3://team/ab")
    assert not is_trusted("s3://team")
    assert run(["trust"]) == OK
    assert capsys.readouterr().out == "s3://team/a\n"


def test_trust_is_taken_back() -> None:
    assert run(["trust", "s3://team"]) == OK
    assert run(["trust", "s3://team/a", "--revoke"]) == FAILED
    assert run(["trust", "s3://team", "--revoke"]) == OK
    assert not is_trusted("s3://team")
    assert trusted() == []


@pytest.mark.parametrize("address", ["team", "s3://", "https://team", "s3:///a"])
def test_what_is_no_bucket_is_refused(address: str) -> None:
    assert run(["trust", address]) == FAILED
    assert trusted() == []
