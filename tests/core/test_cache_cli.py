"""`cellgraph cache`, run in this process against real stores."""

import os
import time
from pathlib import Path

import pytest

from cellgraph.care.amounts import parse_bytes, parse_seconds, size
from cellgraph.cli.app import run
from cellgraph.errors import ConfigError

FLOW = """
import cellgraph as cg
import numpy as np


@cg.task
def wide(n):
    return np.full(50_000, n)


total = [wide(1), wide(2)]
"""


class Command:
    """Runs command lines on one store and keeps what they said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.store = folder / "store"

    def __call__(self, *arguments: str, code: int = 0) -> str:
        assert run([*arguments, "--store", str(self.store)]) == code
        out, self.err = self._capsys.readouterr()
        return out

    def cache(self, *arguments: str, code: int = 0) -> str:
        return self("cache", *arguments, code=code)


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(FLOW)
    command = Command(capsys, tmp_path)
    command("run", "flow.py", "total")
    return command


def test_info(command: Command) -> None:
    said = command.cache("info").splitlines()
    assert said[0].startswith(f"{command.store} (format 1): ")
    assert "2 blobs" in said[1]
    assert [line.split()[:2] for line in said if line.startswith("wide")] == [["wide", "2"]]


def test_gc_shows_first_and_deletes_when_told(command: Command) -> None:
    for path in (command.store / "blobs").rglob("*"):
        if path.is_file():
            stray = path.with_name(f".{path.name}.0123")
            stray.write_bytes(b"of a killed process")
            os.utime(stray, (time.time() - 400_000, time.time() - 400_000))
    said = command.cache("gc", "--older-than", "30d")
    assert "would remove" in said and "--delete removes it" in said
    assert len(list((command.store / "blobs").rglob(".*"))) == 2
    assert "removed" in command.cache("gc", "--delete")
    assert list((command.store / "blobs").rglob(".*")) == []
    assert "nothing to remove" in command.cache("gc", "--max-size", "1TB", "--delete")
    assert "more than asked for" in command.cache("gc", "--max-size", "1kB")


def test_verify_fails_when_something_is_damaged(command: Command) -> None:
    assert "whole" in command.cache("verify")
    (path, *_) = (p for p in (command.store / "blobs").rglob("*") if p.is_file())
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    said = command.cache("verify", code=1)
    assert "1 damaged, now in quarantine" in said
    assert f"blob {path.name}: buffer 0 is wrong" in said
    assert "result lost: they will be computed again" in said.replace("results", "result")
    command("run", "flow.py", "total")
    assert "whole" in command.cache("verify")
    assert "1 damaged piece in quarantine" in command.cache("info")


def test_rebuild(command: Command) -> None:
    assert command.cache("rebuild").startswith("a new index over ")


def test_pins(command: Command) -> None:
    assert command.cache("pin", "wide").startswith("pinned task wide (")
    assert "pinned task wide" in command.cache("info")
    assert command.cache("unpin", "wide") == "no longer pinned: task wide\n"
    command.cache("unpin", "wide", code=1)
    assert "'wide' is not pinned" in command.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["gc", "--older-than", "soon"], 1, "expected a time like 30d"),
        (["gc", "--max-size", "big"], 1, "expected a size like 20GB"),
        (["gc", "--grace", "1h"], 1, "must be 2 days at least"),
        (["gc", "--force"], 2, "--force"),
        (["pin", "nothing"], 1, "no run and no task 'nothing'"),
        (["nope"], 2, "nope"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    command: Command, arguments: list[str], code: int, said: str
) -> None:
    command.cache(*arguments, code=code)
    assert said in command.err
    assert len(command.err.strip().splitlines()) == 1


def test_looking_creates_no_store(command: Command, tmp_path: Path) -> None:
    for verb in ("info", "gc", "verify", "rebuild"):
        assert run(["cache", verb, "--store", str(tmp_path / "nowhere")]) == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_newer_format_is_refused_and_left_alone(command: Command) -> None:
    text = '{"format": 99, "digest": "blake3-256", "store": "x"}'
    (command.store / "format.json").write_text(text)
    before = {p: p.stat().st_mtime_ns for p in command.store.rglob("*")}
    for arguments in (["info"], ["gc", "--delete"], ["verify"], ["rebuild"], ["pin", "wide"]):
        command.cache(*arguments, code=1)
        assert "written by a newer Cellgraph" in command.err
    assert {p: p.stat().st_mtime_ns for p in command.store.rglob("*")} == before


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("20GB", 20 * 10**9), ("1.5 MiB", 3 << 19), ("100b", 100), ("2 tb", 2 * 10**12)],
)
def test_sizes(text: str, nbytes: int) -> None:
    assert parse_bytes(text) == nbytes


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("1.5min", 90), ("2w", 1_209_600)]
)
def test_spans(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "GB", "-1GB", "1e3GB", "20 GBs", "1d2h"])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a size"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("nbytes", "said"),
    [(0, "0 B"), (999, "999 B"), (4_120, "4.1 kB"), (20e9, "20 GB"), (3.21e12, "3.2 TB")],
)
def test_sizes_read_well(nbytes: float, said: str) -> None:
    assert size(nbytes) == said
