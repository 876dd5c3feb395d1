"""How much is asked of Batch, its logs and S3, for arrays of twenty to ten thousand children."""

import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.support.calls import quick
from tests.support.aws import LIVE, aws

import cellgraph as cg
from cellgraph.stores.s3.bucket import Access, Bucket
from cellgraph.stores.s3.outpost import Outpost
from cellgraph.stores.s3.place import parse_uri
from cellgraph_executors.remote.worker import Child

pytestmark = [pytest.mark.aws, pytest.mark.slow]
_PER_MINUTE = 30


class Silent:
    """Prints of a child that shares its process with others are nobody's."""

    def take(self) -> tuple[str, str]:
        return "", ""

    def close(self) -> None:
        """Nothing was opened."""


class InProcess:
    """The worker's own code, called by the sandbox instead of a process for each child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bucket: Bucket | None = None

    def __call__(self, order: Any) -> int:
        """One at a time: a child has its working folder for itself."""
        said = dict(zip(order.command[3::2], order.command[4::2], strict=True))
        with self._lock, tempfile.TemporaryDirectory() as folder:
            if self._bucket is None:
                with pytest.MonkeyPatch.context() as patch:
                    for name, value in order.environment.items():  # who the job is
                        if name.startswith("AWS_") and not name.startswith("AWS_BATCH_"):
                            patch.setenv(name, value)
                    self._bucket = Bucket(parse_uri(said["--store"]), Access())
            bucket = self._bucket
            prints: Any = Silent
            child = Child(
                bucket,
                Outpost(bucket, Path(folder)),
                said["--array"],
                order.number,
                1,
                time.time(),
                prints,
            )
            return child.run(bytes.fromhex(said["--manifest"]))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(box: Any, children: int) -> None:
    """One submission; no more questions than are allowed; a result is read once."""
    began = time.monotonic()
    with cg.Session(store=box.store, executors={"batch": dict(box.batch)}) as session:
        values = session.evaluate([quick(i) for i in range(children)])
    assert values == [2 * i for i in range(children)]
    elapsed_s = time.monotonic() - began
    requests: Counter[tuple[str, str]] = box.requests
    asked = {f"{service} {action}": n for (service, action), n in sorted(requests.items())}
    print(f"\n{children} children, {elapsed_s:.0f} s: {asked}")
    assert requests["batch", "SubmitJob"] == 1
    assert requests["batch", "RegisterJobDefinition"] <= 1
    service = sum(n for (name, _), n in requests.items() if name in ("batch", "logs"))
    assert service <= _PER_MINUTE * (elapsed_s / 60 + 1)
    assert requests["logs", "GetLogEvents"] == 0
    # One object for each child, once. The rest is the store's own: it pushes records at most every
    # five seconds while results come in (a put, and a look at the catalogue), and merges what it
    # pushed when it closes. Measured: 61 gets and 69 puts in 508 s, 1 and 9 in 13 s.
    of_store = 20 + elapsed_s / 5
    assert children <= requests["s3", "GetObject"] <= children + of_store
    assert requests["s3", "PutObject"] <= of_store


@pytest.mark.parametrize(
    "children",
    [
        pytest.param(20, marks=pytest.mark.timeout(600)),
        pytest.param(1_000, marks=pytest.mark.timeout(5_400)),
    ],
)
def test_real_processes(machine: Path, children: int) -> None:
    with aws(vcpus=4, warm=None if children < 100 else ()) as box:
        check(box, children)
        if LIVE:
            return  # what jobs ask is their own affair there
        # three requests of each child, and one to write: it reads its own part and no other's
        assert box.job_requests["s3", "GetObject"] <= 4 * children
        assert box.job_requests["s3", "PutObject"] == children


@pytest.mark.sandboxed
@pytest.mark.timeout(5_400)
def test_ten_thousand_in_process_children(machine: Path) -> None:
    children = 10_000
    with cg.sandbox(vcpus=64, in_process=InProcess()) as box:
        check(box, children)
