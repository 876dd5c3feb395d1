"""Several processes on one store, and processes that die."""

import json
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_samples import contents, key_of, sample_payload

PRELUDE = """
import os, sys, threading, time
from pathlib import Path
from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_samples import key_of, sample_payload
root, me = Path(sys.argv[1]), sys.argv[2]
"""


def start(root: Path, me: object, script: str) -> subprocess.Popen[str]:
    code = PRELUDE + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), str(me)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(root: Path, script: str) -> str:
    out, err = start(root, "me", script).communicate(timeout=120)
    assert err == ""
    return out


WRITER = """
store = LocalStore(root)
number = 0
while True:
    batch = number % 7 + 1
    store.append([Entry(key_of(me, number + i), i % 3, b"%d" % (number + i)) for i in range(batch)])
    number += batch
    if number % 50 < batch:
        store.put_blob(sample_payload(number, (300_000, 10)))
        os.write(1, f"blob {number}\\n".encode())
    os.write(1, f"{number}\\n".encode())
"""


def drill(root: Path, me: object, lines: int, pause_s: float) -> None:
    """Kill a writer somewhere behind its *lines*-th acknowledgement; check all it acknowledged."""
    writer = start(root, me, WRITER)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(lines)]
    time.sleep(pause_s)
    writer.kill()
    out, err = writer.communicate(timeout=60)
    assert err == ""
    said += [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
    acknowledged = max(int(line) for line in said if not line.startswith("blob"))

    store = LocalStore(root)
    expected = {key_of(str(me), n): (b"%d" % n,) for n in range(acknowledged)}
    found = store.get_many(list(expected))
    assert found == expected
    for line in said:
        if line.startswith("blob"):
            payload = sample_payload(int(line.split()[1]), (300_000, 10))
            assert contents(store.get_blob(payload.digest())) == contents(payload)
    store.close()


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for i, lines in enumerate([1, 30, 200]):
        drill(tmp_path / "s", i, lines, 0.02 * i)
    assert not (tmp_path / "s" / "quarantine").exists()


@pytest.mark.slow
def test_kill_9_again_and_again(tmp_path: Path) -> None:
    dice = random.Random(20261122)
    for i in range(40):
        drill(tmp_path / "s", i, dice.randrange(1, 600), dice.random() * 0.6)
    assert not (tmp_path / "s" / "quarantine").exists()
    store = LocalStore(tmp_path / "s")
    (tmp_path / "s" / "index").rename(tmp_path / "old index")
    again = LocalStore(tmp_path / "s")
    keys = [entry.key for entry in store.scan()]
    assert again.get_many(keys) == store.get_many(keys)
    store.close()
    again.close()


RACER = """
sys.stdin.readline()
store = LocalStore(root)
for i in range(20):
    entries = [Entry(key_of(me, i, j), j % 2, me.encode()) for j in range(10)]
    store.append(entries)
    assert len(store.get_many([e.key for e in entries])) == 10
    store.put_blob(sample_payload(i % 3, (300_000,)))
    store.write_file(f"runs/{me}", b"x")
store.close()
"""


def test_eight_processes_set_up_one_store(tmp_path: Path) -> None:
    racers = [start(tmp_path / "s", i, RACER) for i in range(8)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        _, err = racer.communicate(timeout=120)
        assert (racer.returncode, err) == (0, "")
    assert json.loads((tmp_path / "s" / "format.json").read_text())["format"] == 1
    assert [p.name for p in (tmp_path / "s" / "index").glob("*.sqlite")] == ["v1.0.sqlite"]
    store = LocalStore(tmp_path / "s")
    keys = [key_of(str(me), i, j) for me in range(8) for i in range(20) for j in range(10)]
    assert len(store.get_many(keys)) == len(keys)
    assert len(list(store.scan())) == len(keys)
    assert len(store.list_files("runs")) == 8
    store.close()


def test_a_process_that_just_ends_leaves_everything(tmp_path: Path) -> None:
    run(
        tmp_path / "s",
        """
        store = LocalStore(root)
        store.append([Entry(key_of(i), 0, b"x") for i in range(1000)])
        store.put_blob(sample_payload(1))
        """,
    )
    store = LocalStore(tmp_path / "s")
    assert len(store.get_many([key_of(i) for i in range(1000)])) == 1000
    assert store.has_blob(sample_payload(1).digest())
    store.close()


def test_appending_does_no_sqlite_on_the_calling_thread(tmp_path: Path) -> None:
    out = run(
        tmp_path / "s",
        """
        opened_by = set()
        sys.addaudithook(
            lambda event, args: event == "sqlite3.connect" and opened_by.add(threading.get_ident())
        )
        store = LocalStore(root)
        for i in range(300):
            store.append([Entry(key_of(i, j), 0, b"x") for j in range(50)])
        while not opened_by:
            time.sleep(0.01)
        print(threading.get_ident() in opened_by)
        store.close()
        """,
    )
    assert out == "False\n"


def test_misses_do_not_list_folders_each_time(tmp_path: Path) -> None:
    out = run(
        tmp_path / "s",
        """
        store = LocalStore(root)
        store.append([Entry(key_of("k"), 0, b"x")])
        store.get_many([key_of("first")])
        listed = 0
        def count(event, args):
            global listed
            listed += event == "os.scandir"
        sys.addaudithook(count)
        began = time.monotonic()
        for i in range(10_000):
            store.get_many([key_of(i)])
        print(listed, time.monotonic() - began)
        store.close()
        """,
    )
    listed, elapsed_s = out.split()
    # A refresh lists one epoch with one zone: two folders, four around midnight.
    assert int(listed) <= 4 * (1 + float(elapsed_s) / 0.5)


def test_a_store_is_refused_after_fork(tmp_path: Path) -> None:
    out = run(
        tmp_path / "s",
        """
        store = LocalStore(root)
        store.append([Entry(key_of(1), 0, b"x")])
        child = os.fork()
        if child == 0:
            try:
                store.append([Entry(key_of(2), 0, b"x")])
            except Exception as error:
                store.close()
                os.write(1, str(error).encode())
            os._exit(0)
        os.waitpid(child, 0)
        store.append([Entry(key_of(3), 0, b"x")])
        store.close()
        """,
    )
    assert "after fork" in out
    store = LocalStore(tmp_path / "s")
    assert len(store.get_many([key_of(i) for i in range(4)])) == 2
    store.close()


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    """A file-size limit stands for a full disk: a write stops in the middle of a record."""
    out = run(
        tmp_path / "s",
        """
        import logging, resource
        from cellgraph.errors import StoreError
        logging.disable(logging.WARNING)  # the index may not fit either, and that is no loss
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
        store = LocalStore(root)
        kept = []
        for i in range(400):
            entries = [Entry(key_of(i, j), 0, bytes(4000)) for j in range(10)]
            try:
                store.append(entries)
                kept += entries
            except StoreError as error:
                message = str(error)
        assert "cannot write records to" in message and "choose another store" in message
        try:
            store.put_blob(sample_payload(1, (1_000_000,)))
        except StoreError as error:
            assert "cannot write a result to" in str(error)
        else:
            raise AssertionError("the blob cannot have been written")
        assert list((root / "blobs").rglob("*.*")) == [], "a temporary file was left"
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, -1))
        found = store.get_many([e.key for e in kept])
        assert found == {e.key: (e.data,) for e in kept}
        store.append([Entry(key_of("after"), 0, b"x")])
        store.close()
        print(len(kept))
        """,
    )
    store = LocalStore(tmp_path / "s")
    keys = [key_of(i, j) for i in range(400) for j in range(10)]
    found = store.get_many([*keys, key_of("after")])
    # Of a batch that failed, the records before the torn one are whole and count.
    assert len(found) > int(out) >= 3000
    assert found[key_of("after")] == (b"x",)
    assert sorted({e.key for e in store.scan()}) == sorted(found)
    store.close()
