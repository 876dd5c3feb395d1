"""Sixty values and forty functions have the digests that were written down, on every Python.

A change here means that no stored result is found again: it goes with a new version of the format.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.test_code_processes import other_pythons

GOLDEN = Path(__file__).parent / "golden"
Digests = dict[str, dict[str, str]]


def computed(python: str, seed: str, *options: str) -> Digests:
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        env.pop(name, None)
    done = subprocess.run(
        [python, str(GOLDEN / "compute.py"), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    found: Digests = json.loads(done.stdout)
    return found


def written(which: str) -> Digests:
    kept: dict[str, Digests] = json.loads((GOLDEN / "digests.json").read_text())
    return kept[which]


@pytest.mark.parametrize("seed", ["0", "77"])
def test_this_python_gives_the_digests_that_were_written_down(seed: str) -> None:
    found = computed(sys.executable, seed)
    assert (len(found["values"]), len(found["functions"])) == (60, 40)
    assert found == written("blake3")


def test_every_other_python_here_does_too() -> None:
    """Other interpreters have no blake3: another digest takes its place, the encoding is the same.

    Values of libraries count where the library is installed.
    """
    golden = written("stub")
    for python in [sys.executable, *other_pythons()]:
        found = computed(python, "5", "--stub")
        assert found["functions"] == golden["functions"], python
        assert len(found["values"]) >= 35
        assert found["values"].items() <= golden["values"].items(), python


def test_every_entry_has_a_digest_of_its_own() -> None:
    for table in written("blake3").values():
        assert len(set(table.values())) == len(table)
        assert all(len(digest) == 64 for digest in table.values())
