"""Where the index may lie: on a disk of this machine, owned by this user; read-only stores."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import pytest

from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore, filesystem
from cellgraph.stores.local.filesystem import Mount, is_local, parse_mounts
from cellgraph.stores.local.indexfile import candidates
from cellgraph.stores.local.layout import Layout, prepare
from cellgraph.testing.store_samples import key_of, sample_payload

PROC_MOUNTS = """\
sysfs /sys sysfs rw,nosuid 0 0
/dev/nvme0n1p1 / ext4 rw,relatime 0 0
fs-1.efs.eu-west-1.amazonaws.com:/ /home/jovyan nfs4 rw,vers=4.1 0 0
/dev/nvme1n1 /home/jovyan/scratch xfs rw 0 0
//server/data /mnt/my\\040data cifs rw 0 0
s3fs /mnt/bucket fuse.s3fs rw 0 0
10.0.0.1@tcp:/x /fsx lustre rw 0 0
overlay /var/lib/docker/x overlay rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
C:\\134 /mnt/c 9p rw,aname=drvfs 0 0
"""


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/", True),
        ("/data/x/.cellgraph", True),
        ("/home/jovyan", False),
        ("/home/jovyan/project/.cellgraph", False),
        ("/home/jovyan/scratch/.cellgraph", True),
        ("/home/jovyan2/.cellgraph", True),
        ("/mnt/my data/x", False),
        ("/mnt/bucket/x", False),
        ("/fsx/team", False),
        ("/var/lib/docker/x/y", True),
        ("/dev/shm/s", True),
        ("/mnt/c/Users", False),
    ],
)
def test_local_or_not(path: str, local: bool) -> None:
    assert is_local(Path(path), parse_mounts(PROC_MOUNTS)) is local


def test_a_later_mount_hides_an_earlier_one() -> None:
    mounts = [Mount("/", "ext4"), Mount("/x", "nfs"), Mount("/x", "xfs")]
    assert is_local(Path("/x/y"), mounts)
    assert not is_local(Path("/x/y"), mounts[:2])


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "net")
    mounts = [Mount("/", "ext4"), Mount(str((tmp_path / "net").resolve()), "nfs4")]
    assert not is_local(tmp_path / "link" / "store", mounts)


def test_this_machine_has_mounts(tmp_path: Path) -> None:
    assert any(mount.point == "/" for mount in filesystem.mounts())
    assert is_local(tmp_path, []), "unknown counts as local"


def folders(layout: Layout, mounts: Sequence[Mount]) -> list[Path]:
    return list(candidates(layout, mounts))


def test_the_index_goes_where_wal_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layout = prepare(tmp_path / "s")
    root = str((tmp_path / "s").resolve())
    home = platformdirs.user_cache_path("cellgraph")
    local = folders(layout, [Mount("/", "ext4")])
    assert local[0] == Path(root) / "index"
    assert local[1].parent == home / "indexes"
    on_nfs = folders(layout, [Mount("/", "ext4"), Mount(root, "nfs4")])
    assert on_nfs == local[1:]
    both = folders(layout, [Mount("/", "ext4"), Mount(root, "nfs4"), Mount(str(home), "nfs4")])
    assert both == local[2:] and len(both) == 1
    other = prepare(tmp_path / "other")
    assert folders(other, [Mount("/", "nfs")]) != both, "two stores never share an index"


def test_an_index_of_someone_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    prepare(tmp_path / "s")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "s" / "index").symlink_to(tmp_path / "elsewhere")
    store = LocalStore(tmp_path / "s")
    store.append([Entry(key_of(1), 0, b"x")])
    assert store.get_many([key_of(1)])
    # Sessions find each other where the index is.
    other = LocalStore(tmp_path / "s")
    assert other.get_many([key_of(1)])
    assert store.leases.take([key_of(n) for n in range(50)]) == ((), ())
    taken = other.leases.take([key_of(3)])
    while taken.ended:
        taken = other.leases.take([key_of(3)])
    assert set(taken.elsewhere) == {key_of(3)}
    other.close()
    store.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(list((tmp_path / "cache").rglob("*.sqlite"))) == 1


READER = """
import os, sys
from pathlib import Path
from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.testing.store_samples import key_of, sample_payload
root = Path(sys.argv[1])
import platformdirs, psutil, sqlite3
from cellgraph.errors import StoreError
if os.geteuid() == 0:  # root may write anywhere, so the reader is somebody else
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
store = LocalStore(root)
assert len(store.get_many([key_of(i) for i in range(60)])) == 50
assert len(list(store.scan())) == 50
blob = store.get_blob(sample_payload(1, (300_000,)).digest())
assert len(blob.buffers[0].data) == 300_000
for write in (
    lambda: store.append([Entry(key_of("new"), 0, b"x")]),
    lambda: store.put_blob(sample_payload(2)),
    lambda: store.write_file("runs/x", b""),
):
    try:
        write()
    except StoreError as error:
        assert "make it writable or choose another store" in str(error), error
    else:
        raise AssertionError("it was written")
store.put_blob(sample_payload(1, (300_000,)))
# Nobody could find what this session computes, so nobody is to wait for it.
assert store.leases.take([key_of("x")]) == ((), ())
assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("sessions"))
store.sync()
assert store.facts().segments == 1 and len(list(store.kept())) == 50
assert store.check().damage == () and store.rebuild() == 50
try:
    with store.collecting():
        raise AssertionError("it cannot be collected")
except StoreError as error:
    assert "make it writable" in str(error), error
store.close()
print("fine")
"""


def test_a_read_only_store_is_read() -> None:
    # Not tmp_path: that is closed to other users.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        cache = Path(place) / "cache"
        cache.mkdir()
        cache.chmod(0o777)
        root = Path(place) / "s"
        store = LocalStore(root)
        store.append([Entry(key_of(i), 0, b"%d" % i) for i in range(50)])
        store.put_blob(sample_payload(1, (300_000,)))
        store.close()
        folders = [root, *(p for p in root.rglob("*") if p.is_dir())]
        for folder in folders:
            folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READER, str(root)],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for folder in folders:
            folder.chmod(0o755)
        assert (done.stdout, done.stderr) == ("fine\n", "")
        assert len(list(cache.rglob("*.sqlite"))) == 1
