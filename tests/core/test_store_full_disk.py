"""A disk that is full: small results are computed all the same, and it is said once; one that has
to be in the store fails with what to do; nothing that was stored is lost.

As root on Linux it is a file system of four megabytes; elsewhere a limit on the size of files.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = """
import logging, os, sys
from pathlib import Path
import numpy as np
import cellgraph as cg
from cellgraph.events import Notice

root, log, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
logging.disable(logging.WARNING)  # the index may not fit either, and that is no loss

@cg.task
def text(n, path):
    with open(path, "a") as ticks:
        ticks.write("x")
    return f"{n} " * (3_000 // len(f"{n} "))

@cg.task
def large(n):
    return np.full(1 << 20, n)

def ran():
    return os.path.getsize(log) if os.path.exists(log) else 0

def check(count):
    said = []
    with cg.Session(store=root / "store") as session:
        stop = session.bus.subscribe(lambda e: said.append(e.text) if type(e) is Notice else None)
        values = session.evaluate([text(n, log) for n in range(count)])
        stop()
        assert [value.split()[0] for value in values] == [str(n) for n in range(count)]
        if count > 1_000:
            try:  # what does not fit into a record has to be in the store
                session.evaluate(large(1))
            except cg.TaskError as error:
                assert "cannot write a result to" in str(error), error
                assert limit or "free space there" in str(error), error
            else:
                raise AssertionError("it cannot have been stored")
    return said

assert check(20) == []
before = ran()
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
said = check(1_500)
assert ran() - before == 1_480, "what was stored before is used"
assert len(said) == 1 and said[0].startswith("results are not being kept: "), said
assert limit or "free space there" in said[0], said
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, -1))
else:
    (root / "ballast").unlink()
# Room again: what did not fit is computed once more and kept.
assert check(1_000) == []
again = ran()
assert before < again < before + 1_480 + 1_000, "some of it had been kept"
assert check(1_000) == []
assert ran() == again, "it is kept now"
print("fine")
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder, and the limit on files that stands for a small disk (0: the disk is small)."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    mounted = sys.platform == "linux" and os.geteuid() == 0
    if mounted:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        if mounted:
            (place / "ballast").write_bytes(bytes(5 << 20))
        yield place, 0 if mounted else 150_000
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


@pytest.mark.alone
def test_a_full_disk(small_disk: tuple[Path, int], tmp_path: Path) -> None:
    place, limit = small_disk
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place), str(tmp_path / "ticks"), str(limit)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("fine\n", ""), done.stderr
