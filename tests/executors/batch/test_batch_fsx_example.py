"""The example that scores a table from a mounted file system, as a reader runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[3] / "examples" / "fsx_scoring.py"


@pytest.mark.timeout(600)
def test_a_hundred_pieces_are_one_array_that_reads_from_the_mount(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"100 pieces in 1 array job; (\d+) of 285 patients", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) > 250
    assert "read from /fsx/patients/000.csv" in done.stdout
