"""What earlier processes found out about texts: only ever for the very same code, or not at all."""

import linecache
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from tests.core.test_code_cells import notebook, run_cell
from tests.core.test_code_live import digest_of, text_of

from cellgraph.identity.compiled import CompiledText
from cellgraph.identity.remembered import REMEMBERED, Named, Remembered, Span, key_of

TEXT = b"digest of a text"
SOURCE = (
    'def f(x, y=1):\n    """Doc."""\n    kept = [v * K for v in x if v in {1, 2.0, "a", b"b"}]\n'
    "    return kept, (1, 0.0, None), lambda: y\n"
)
NAMED = Named(bytes(32), bytes(range(32)), Span(3, 9, -1, -1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "user" / "sources.bin"


@pytest.fixture
def remembering(path: Path) -> Generator[Path]:
    """This process remembers; at the end it no longer does."""
    REMEMBERED.open(path)
    yield path
    REMEMBERED.open(Path(os.devnull, "none"))


def code_of(source: str = SOURCE, filename: str = "<cell>") -> CodeType:
    module = compile(source, filename, "exec", dont_inherit=True)
    return next(c for c in module.co_consts if isinstance(c, CodeType))


def opened(path: Path) -> Remembered:
    made = Remembered()
    made.open(path)
    return made


def filled(path: Path, *codes: CodeType) -> bytes:
    memory = opened(path)
    for code in codes:
        memory.note(TEXT, code, NAMED)
    memory.save()
    return path.read_bytes()


def test_what_one_process_noted_another_finds_under_any_file_name(path: Path) -> None:
    filled(path, code_of())
    assert opened(path).find(TEXT, code_of(filename="/tmp/ipykernel_77/1.py")) == NAMED
    assert opened(path).find(TEXT + b"!", code_of()) is None
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_nothing_is_found_or_written_before_a_file_is_chosen(path: Path) -> None:
    memory = Remembered()
    memory.note(TEXT, code_of(), NAMED)
    memory.save()
    assert memory.find(TEXT, code_of()) is None
    assert not path.exists()


def changed(code: CodeType) -> dict[str, CodeType]:
    """Codes that differ from *code* in one thing each."""
    consts = code.co_consts
    inner = next(at for at, const in enumerate(consts) if isinstance(const, CodeType))
    folded = next(at for at, const in enumerate(consts) if isinstance(const, tuple))

    def with_constant(at: int, value: object) -> CodeType:
        return code.replace(co_consts=(*consts[:at], value, *consts[at + 1 :]))

    return {
        "name": code.replace(co_name="g"),
        "names": code.replace(co_names=("len", *code.co_names[1:])),
        "local names": code.replace(co_varnames=("a", *code.co_varnames[1:])),
        "flags": code.replace(co_flags=code.co_flags | 0x20),
        "line": code.replace(co_firstlineno=code.co_firstlineno + 1),
        "lines": code.replace(co_linetable=code.co_linetable[:-1] + b"\xf0"),
        "instructions": code.replace(co_code=code.co_code[:-2] + b"\x09\x00"),
        "exceptions": code.replace(co_exceptiontable=b"\x80"),
        "docstring": with_constant(0, "Other."),
        "true for one": with_constant(folded, (True, 0.0, None)),
        "float for int": with_constant(folded, (1.0, 0.0, None)),
        "minus zero": with_constant(folded, (1, -0.0, None)),
        "list for tuple": with_constant(folded, [1, 0.0, None]),
        "text of another type": with_constant(0, type("Text", (str,), {})("Doc.")),
        "a buffer for bytes": with_constant(0, bytearray(b"Doc.")),
        "inside": with_constant(inner, consts[inner].replace(co_name="<other>")),
        "deeper": with_constant(inner, consts[inner].replace(co_consts=(3,))),
    }


@pytest.mark.parametrize("what", list(changed(code_of())))
def test_code_that_differs_in_anything_is_not_found(path: Path, what: str) -> None:
    filled(path, code_of())
    live = changed(code_of())[what]
    assert opened(path).find(TEXT, live) is None
    assert key_of(TEXT, live) != key_of(TEXT, code_of())


def test_code_in_code_is_no_tuple_that_says_the_same(path: Path) -> None:
    code = code_of("def f(): return lambda: 0\n")
    inner = next(c for c in code.co_consts if isinstance(c, CodeType))
    names = "co_name co_qualname co_code co_flags co_argcount co_posonlyargcount"
    names += " co_kwonlyargcount co_names co_varnames co_freevars co_cellvars co_exceptiontable"
    names += " co_firstlineno co_linetable co_consts"
    said = tuple(getattr(inner, name) for name in names.split())
    consts = tuple(said if c is inner else c for c in code.co_consts)
    assert key_of(TEXT, code.replace(co_consts=consts)) != key_of(TEXT, code)


def test_a_constant_is_what_it_is_and_not_what_it_says_it_is() -> None:
    code = code_of('def f(): return b"x", b"y"\n')
    disguised: Any = type("Text", (bytes,), {"__class__": bytes})(b"x")
    for constant in (disguised, (disguised, b"y"), frozenset({disguised})):
        assert key_of(TEXT, code.replace(co_consts=(None, constant))) is None


def test_keys_do_not_depend_on_the_process() -> None:
    program = (
        "import sys; from cellgraph.identity.remembered import key_of\n"
        "module = compile(sys.argv[1], sys.argv[2], 'exec', dont_inherit=True)\n"
        "held = [sys.intern('kept'), 2.0, module]\n"
        "code = next(c for c in module.co_consts if hasattr(c, 'co_code'))\n"
        "exec(module); K = 2; [f((1, 2)) for n in range(int(sys.argv[3]))]\n"
        "print(key_of(b'text', code).hex())\n"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", program, SOURCE, name, calls],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, name, calls in (("1", "<ipython-input-1-a>", "0"), ("2", "/tmp/b.py", "100"))
    }
    assert len(keys) == 1


def test_a_damaged_file_is_not_believed(path: Path) -> None:
    whole = filled(path, code_of(), code_of(SOURCE.replace("Doc", "Dog")))
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 4,)) + whole[at + 1 :])
        assert opened(path).find(TEXT, code_of()) is None
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert opened(path).find(TEXT, code_of()) is None
    filled(path, code_of())  # and is written again
    assert opened(path).find(TEXT, code_of()) == NAMED


def test_a_file_of_another_user_is_not_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path, code_of())
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    assert opened(path).find(TEXT, code_of()) is None


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("no folder")
    memory = opened(tmp_path / "user" / "sources.bin")
    memory.note(TEXT, code_of(), NAMED)
    memory.save()
    assert memory.find(TEXT, code_of()) is None


def test_what_is_no_file_is_not_read_and_gives_way_to_one(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    assert opened(path).find(TEXT, code_of()) is None
    filled(path, code_of())
    assert opened(path).find(TEXT, code_of()) == NAMED


def test_a_full_disk_leaves_the_file_as_it_was(path: Path) -> None:
    before = filled(path, code_of())
    memory = opened(path)
    memory.note(TEXT, code_of(SOURCE.replace("Doc", "Dog")), NAMED)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        memory.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_processes_that_write_at_once_leave_a_whole_file(path: Path) -> None:
    codes = [code_of(SOURCE.replace("Doc", f"Doc {n}")) for n in range(80)]
    filled(path, codes[0])

    def write(own: list[CodeType]) -> None:
        for code in own:
            filled(path, code)

    writers = [threading.Thread(target=write, args=(codes[at::4],)) for at in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert any(opened(path).find(TEXT, code) == NAMED for code in codes)
    filled(path, code_of())
    assert opened(path).find(TEXT, code_of()) == NAMED


def test_the_file_is_bounded_and_keeps_what_is_new_or_in_use(path: Path) -> None:
    base = code_of("def f(): return 1\n")
    codes = [base.replace(co_firstlineno=n) for n in range(1, 8193)]
    size = len(filled(path, *codes))
    memory = opened(path)
    assert memory.find(TEXT, codes[0]) == NAMED
    more = [base.replace(co_firstlineno=n) for n in range(10_000, 10_010)]
    for code in more:
        memory.note(TEXT, code, NAMED)
    memory.save()
    assert path.stat().st_size == size
    later = opened(path)
    assert all(later.find(TEXT, code) == NAMED for code in (codes[0], codes[11], *more))
    assert all(later.find(TEXT, code) is None for code in codes[1:11])


CELLS = """K = 2
# %%
def g(x):
    'Doc.'
    return x * K
class C:
    def m(self):
        return g(1)
h = (lambda v: v + 1), (lambda v: v + 2)
# %%
def f(x):
    return h, [g(v) for v in x], C().m(), (lambda: x)()
"""


def test_identities_are_the_same_whether_remembered_or_not(path: Path) -> None:
    first: dict[str, Any] = notebook(CELLS)
    expected, text = digest_of(first), text_of(first["g"])
    REMEMBERED.open(path)
    try:
        assert digest_of(notebook(CELLS)) == expected
        REMEMBERED.save()
        known = path.stat()
        REMEMBERED.open(path)  # as a new process does
        again = notebook(CELLS)
        assert digest_of(again) == expected
        assert text_of(again["g"]) == text
        REMEMBERED.save()
        assert path.stat().st_mtime_ns == known.st_mtime_ns  # nothing had to be compiled
    finally:
        REMEMBERED.open(Path(os.devnull, "none"))


def test_a_remembered_text_is_not_believed_of_other_code(remembering: Path) -> None:
    digest_of(notebook("def f(x): return 1\n"))
    REMEMBERED.save()
    REMEMBERED.open(remembering)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    run_cell("def f(x): return 2\n", namespace)
    name = namespace["f"].__code__.co_filename
    lines = ["def f(x): return 1\n"]
    linecache.cache[name] = (len(lines[0]), None, lines, name)
    assert text_of(namespace["f"]) == ""


def test_only_what_compiling_found_is_noted() -> None:
    text = CompiledText("def f(x): return 1\n", "<cell>", 0)
    assert text.find(code_of("def f(x): return 2\n")) is None
    found = text.find(code_of("\n\ndef f(x): return 1\n"))  # the code of the text, not the live one
    assert found is not None
    assert found[0].co_firstlineno == 1
    assert found[1].span == Span(1, 1, -1, -1)
