"""Verified dependencies: which records hold, and the sets of reads they name."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.core.support.file_lab import Project, make_project
from tests.core.support.rerun import READ

from cellgraph.dependencies import Verifier, reads_entry
from cellgraph.errors import StoreError
from cellgraph.filedigests import file_digest
from cellgraph.places import Read, Roots, name_of, path_of
from cellgraph.records import CallRecord, FinalRecord, ReadsRecord, decode
from cellgraph.stores.base import Entry
from cellgraph.stores.local import LocalStore
from cellgraph.stores.memory import MemoryStore

# --- records --------------------------------------------------------------------------------------


def test_a_b_a_hits(project: Project) -> None:
    project.run(READ)
    for text in ("A", "B", "C"):
        project.write("x.txt", text)
        assert project.evaluate("read('x.txt')") == text
    assert project.ran() == {"read": 3}
    for text in ("A", "C", "B", "A"):
        project.write("x.txt", text)
        assert project.evaluate("read('x.txt')") == text
    assert project.ran() == {}


def test_one_key_keeps_sixteen_results(quick: Project) -> None:
    quick.run(READ)
    for i in range(18):
        quick.write("x.txt", str(i))
        assert quick.evaluate("read('x.txt')") == str(i)
    quick.ran()
    quick.write("x.txt", "2")
    assert quick.evaluate("read('x.txt')") == "2"
    assert quick.ran() == {}
    quick.write("x.txt", "1")  # the seventeenth from the end
    assert quick.evaluate("read('x.txt')") == "1"
    assert quick.ran() == {"read": 1}


def test_a_set_that_could_not_be_written_is_written_with_the_next_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, monkeypatch, "thread")
    project.run(READ.replace("def read(name)", "def read(name, again)"))
    project.write("x.txt", "A")
    session = project.lab.session()
    append = session.store.append
    refused: list[int] = []

    def full_disk(entries: Sequence[Entry]) -> None:
        if not refused and any(type(decode(e.data)) is ReadsRecord for e in entries):
            refused.append(len(entries))
            raise StoreError("no space left")
        append(entries)

    monkeypatch.setattr(session.store, "append", full_disk)
    with session:
        assert session.evaluate(project.nb.value("cg.seq([read('x.txt', 0), read('x.txt', 1)])"))
    assert refused
    project.ran()
    assert project.evaluate("read('x.txt', 1)") == "A"
    assert project.ran() == {}


def _records(project: Project, kind: type) -> list[object]:
    store = LocalStore(project.lab.store)
    try:
        return [r for entry in store.scan() if type(r := decode(entry.data)) is kind]
    finally:
        store.close()


def test_calls_that_read_the_same_share_one_set(quick: Project) -> None:
    quick.write("scale.txt", "2")
    quick.run("""
        @task
        def scaled(x):
            tick("scaled")
            with open("scale.txt") as file:
                return x * int(file.read())
    """)
    call = "[scaled(i) for i in range(300)]"
    first = quick.evaluate(call)
    sets = {
        record.reads for record in _records(quick, CallRecord) if isinstance(record, CallRecord)
    }
    assert len(sets) == 1
    assert len({*_records(quick, ReadsRecord)}) == 1  # two batches may both have written it
    quick.ran()
    assert quick.evaluate("[scaled(i) for i in range(299)]") == first[:299]
    assert quick.ran() == {}
    quick.write("scale.txt", "3")
    assert quick.evaluate(call) == [3 * i for i in range(300)]
    assert quick.ran() == {"scaled": 300}


def test_a_call_that_reads_nothing_names_no_set(quick: Project) -> None:
    quick.run("""
        @cg.task
        def plain(x):
            return x + 1
    """)
    quick.evaluate("[plain(plain(1)), plain(2)]")
    assert _records(quick, ReadsRecord) == []
    finals = [r for r in _records(quick, FinalRecord) if isinstance(r, FinalRecord)]
    assert finals and all(r.reads == () for r in finals)


# --- sets -----------------------------------------------------------------------------------------


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(str(tmp_path))


def _verified(roots: Roots, *reads: Read) -> str:
    store = MemoryStore()
    entry = reads_entry(reads)
    assert entry is not None
    store.append([entry])
    return Verifier(store, roots).why_not((entry.key,))


def test_each_kind_of_read_says_what_changed(tmp_path: Path, roots: Roots) -> None:
    (tmp_path / "a.txt").write_text("a")
    now = file_digest(str(tmp_path / "a.txt"))
    other = bytes(32)
    assert _verified(roots, Read("file", "a.txt", now)) == ""
    assert _verified(roots, Read("result", "a.txt", now)) == ""
    assert _verified(roots, Read("absent", "b.txt", b"")) == ""
    assert _verified(roots, Read("file", "a.txt", other)) == "file a.txt changed"
    assert _verified(roots, Read("file", "b.txt", other)) == "file b.txt is gone"
    assert _verified(roots, Read("result", "b.txt", other)) == "result file b.txt is gone"
    assert _verified(roots, Read("result", "c/", other)) == "result folder c/ is gone"
    assert _verified(roots, Read("absent", "a.txt", b"")) == "file a.txt is there now"
    assert _verified(roots, Read("listing", ".", other)) == "folder . lists other files"
    name = "CELLGRAPH_TEST_NO_SUCH_VARIABLE"
    assert _verified(roots, Read("env", name, other)) == (
        f"environment variable {name} is not set any more"
    )


def test_a_set_that_is_lost_does_not_hold(roots: Roots) -> None:
    assert Verifier(MemoryStore(), roots).why_not((bytes(32),)) != ""


def test_a_set_is_named_by_its_content(tmp_path: Path) -> None:
    one, two = Read("file", "a", bytes(32)), Read("env", "B", bytes(32))
    first, second = reads_entry([one, two]), reads_entry([two, one, one])
    assert first is not None and first == second
    assert reads_entry([]) is None
    assert reads_entry([Read("argument", "a", bytes(32))]) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/p/a/b.txt", "a/b.txt"),
        ("/p", "."),
        ("/p/~x", "./~x"),
        ("/data/x", "/data/x"),
        ("/elsewhere/x", None),
        ("/p2/x", None),
    ],
)
def test_names_hold_on_every_machine(path: str, name: str | None) -> None:
    roots = Roots("/p", ("~/mine", "/data"))
    assert name_of(path, roots) == name
    if name is not None:
        assert path_of(name, roots) == path
        moved = path_of(name, Roots("/moved", roots.data))
        assert moved == (path if path.startswith("/data") else path.replace("/p", "/moved", 1))


def test_a_data_root_below_the_home_is_named_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    roots = Roots("/p", ("~/mine",))
    monkeypatch.setenv("HOME", "/home/one")
    name = name_of("/home/one/mine/x", roots)
    assert name == "~/mine/x"
    monkeypatch.setenv("HOME", "/home/two")
    assert path_of(name, roots) == "/home/two/mine/x"
