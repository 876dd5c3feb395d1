"""Identities and payloads mean the same in every process and under every hash seed."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.identity.values import restore, snapshot

_WRITE = """
import pickle, sys, collections, decimal, datetime, random
import numpy as np, pandas as pd, pyarrow as pa
import shipped_classes as user
from cellgraph.identity.values import snapshot
words = {f"w{i}" for i in range(50)}
rng = random.Random(1)
values = [
    {"words": words, "both": frozenset({"a", "b", ("c", 1)})},
    {("x" * 3000, w) for w in words},
    [user.Record("a", words), user.Level.HIGH, user.Own({"k": words})],
    {user.Frozen(w) for w in words},
    np.array([words, None], dtype=object),
    pd.DataFrame({"a": [1, 2], "s": ["x", "y"], "c": pd.Categorical(["u", "v"])}),
    pa.table({"a": [1, None]}),
    [np.float64(1)] * 20,
    [decimal.Decimal(1), datetime.datetime(2020, 1, 1), rng, collections.Counter(sorted(words))],
    ValueError("a", words),
    user.helper,
    user.ASet(words),
]
out = []
for value in values:
    ref, payload = snapshot(value)
    out.append((ref, payload.head, [bytes(b.data) for b in payload.buffers]))
sys.stdout.buffer.write(pickle.dumps(out))
"""

_CLASSES = """
import dataclasses, enum

@dataclasses.dataclass
class Record:
    name: str
    words: set

@dataclasses.dataclass(frozen=True)
class Frozen:
    word: str

class Level(enum.Enum):
    LOW = 1
    HIGH = 2

class Own:
    def __init__(self, x):
        self.x = x
    def __reduce__(self):
        return Own, (self.x,)

class ASet(set):
    pass

def helper(x):
    return x
"""

_READ = """
import pickle, sys
from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.identity.values import restore, reference
for ref, head, buffers in pickle.loads(sys.stdin.buffer.read()):
    found = restore(Payload(head, tuple(Buffer.of(b) for b in buffers)))
    assert reference(found) == ref, found
print("read")
"""


def _run(program: str, seed: str, folder: Path, data: bytes = b"") -> bytes:
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        input=data,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(name="written")
def fixture_written(tmp_path: Path) -> list[bytes]:
    (tmp_path / "shipped_classes.py").write_text(_CLASSES)
    return [_run(_WRITE, seed, tmp_path) for seed in ("0", "1", "2")]


def test_another_hash_seed_gives_the_same_identities(written: list[bytes]) -> None:
    every: list[list[tuple[Any, ...]]] = [pickle.loads(data) for data in written]
    for rows in zip(*every, strict=True):
        assert len({ref for ref, _, _ in rows}) == 1, rows[0]


def test_a_fresh_process_reads_what_another_wrote(written: list[bytes], tmp_path: Path) -> None:
    """Readers are loaded by what is in the payload: the process has seen no such value before."""
    assert _run(_READ, "7", tmp_path, written[0]).strip() == b"read"


def test_blobs_do_not_depend_on_the_seed(written: list[bytes]) -> None:
    sets: list[Payload] = []
    for data in written:
        _, head, buffers = pickle.loads(data)[1]
        sets.append(snapshot(restore(_payload(head, buffers)))[1])
    assert len({payload.digest() for payload in sets}) == 1


def _payload(head: bytes, buffers: list[bytes]) -> Payload:
    return Payload(head, tuple(Buffer.of(b) for b in buffers))
