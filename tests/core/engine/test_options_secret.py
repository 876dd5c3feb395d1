"""`Secret`: known by its reference; its text is read in the task and seen nowhere else."""

import pickle
import traceback
from pathlib import Path

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening, user_error

import cellgraph as cg
from cellgraph.events import CallFailed, LogText

TEXT = "tr0ub4dor&3-correct-horse"

CELLS = """
@cg.task
def fetch(token, x=1):
    tick("fetch")
    return len(token.value()) * x

@cg.task
def prints(token):
    print("the token is " + token.value())
    print("part", end=" ")
    print(token.value())
    return 1

@cg.task
def fails(token):
    error = ValueError("cannot log in with " + token.value())
    error.add_note("tried " + token.value())
    raise RuntimeError("no data", token.value()) from error

@cg.task
def leaks(token):
    return {"key": ["token=" + token.value()]}

@cg.task
def leaks_plainly(token):
    return token.value()

@cg.task
def leaks_lazily(token):
    return use(token.value())

@cg.task
def use(text):
    return len(text)

token = cg.Secret("env:LAB_TOKEN")

@cg.task
def reads_a_global(x):
    tick("global")
    return len(token.value()) * x
"""


@pytest.fixture
def cells(nb: Notebook, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.setenv("LAB_TOKEN", TEXT)
    nb.run(CELLS)
    return nb


def everything_stored(lab: Lab) -> bytes:
    """All bytes of the store, blobs and run summaries too."""
    return b"\0".join(p.read_bytes() for p in Path(lab.store).rglob("*") if p.is_file())


EXECUTORS = pytest.mark.parametrize("executor", ["thread", "process"])


@EXECUTORS
@pytest.mark.parametrize("task", ["fetch(token)", "reads_a_global(1)", "[fetch([token][0])]"])
def test_the_value_is_read_in_the_task(lab: Lab, cells: Notebook, executor: str, task: str) -> None:
    with lab.session(executor=executor) as session:
        assert session.evaluate(cells.value(task)) in (len(TEXT), [len(TEXT)])
    assert TEXT.encode() not in everything_stored(lab)


def test_identity_is_the_reference(
    lab: Lab, cells: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run(cells.value("[fetch(token), reads_a_global(1)]"))
    lab.ran()
    monkeypatch.setenv("LAB_TOKEN", "another password")
    assert (
        lab.run(cells.value("[fetch(cg.Secret('env:LAB_TOKEN')), reads_a_global(1)]"))
        == [len(TEXT)] * 2
    )
    assert lab.ran() == {}
    monkeypatch.setenv("OTHER_TOKEN", TEXT)
    lab.run(cells.value("fetch(cg.Secret('env:OTHER_TOKEN'))"))
    assert lab.ran() == {"fetch": 1}


@EXECUTORS
def test_prints_show_the_name(lab: Lab, cells: Notebook, executor: str) -> None:
    with lab.session(executor=executor) as session, listening(session) as events:
        assert session.evaluate(cells.value("prints(token)")) == 1
        shown = "".join(e.text for e in events if isinstance(e, LogText))
        kept = session.log_of(cells.value("prints(token)"))
    assert "the token is <secret env:LAB_TOKEN>" in kept
    assert "part <secret env:LAB_TOKEN>" in kept
    assert TEXT not in shown
    assert TEXT.encode() not in everything_stored(lab)


@EXECUTORS
def test_errors_show_the_name(lab: Lab, cells: Notebook, executor: str) -> None:
    failed = pytest.raises(cg.TaskError)
    with lab.session(executor=executor) as session, listening(session) as events, failed as raised:
        session.evaluate(cells.value("[fails(token)]"))
    shown = "".join(traceback.format_exception(raised.value))
    assert TEXT not in shown
    assert "<secret env:LAB_TOKEN>" in shown
    told = [e for e in events if isinstance(e, CallFailed)]
    assert TEXT not in told[0].error + told[0].traceback
    assert TEXT.encode() not in everything_stored(lab)


@EXECUTORS
@pytest.mark.parametrize("task", ["leaks(token)", "leaks_plainly(token)"])
def test_a_result_that_holds_it_is_refused(
    lab: Lab, cells: Notebook, executor: str, task: str
) -> None:
    with lab.session(executor=executor) as session, pytest.raises(cg.CellgraphError) as raised:
        session.evaluate(cells.value(task))
    error = str(user_error(raised.value))
    assert "<secret env:LAB_TOKEN>" in error
    assert "results are stored" in error
    assert TEXT.encode() not in everything_stored(lab)


@pytest.mark.parametrize("task", ["leaks_lazily(token)", "use(token.value())"])
def test_an_argument_that_holds_it_is_refused(lab: Lab, cells: Notebook, task: str) -> None:
    error = user_error(lab.failure(cells.value(task)))
    assert isinstance(error, cg.IdentityError)
    assert "text=..." in str(error)
    assert "env:LAB_TOKEN" in str(error)
    assert TEXT.encode() not in everything_stored(lab)


@EXECUTORS
def test_a_missing_variable_is_named(
    lab: Lab, cells: Notebook, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.delenv("LAB_TOKEN")
    with lab.session(executor=executor) as session, pytest.raises(cg.CellgraphError) as raised:
        session.evaluate(cells.value("fetch(token)"))
    error = user_error(raised.value)
    assert isinstance(error, cg.ConfigError)
    assert "LAB_TOKEN" in str(error)


def test_it_passes_through_results(lab: Lab, cells: Notebook) -> None:
    cells.run("@cg.task\ndef choose(a, b):\n    return {'use': a}\n")
    lazy = cells.value("fetch(choose(token, 2)['use'], 3)")
    assert lab.run(lazy) == 3 * len(TEXT)
    lab.ran()
    assert lab.run(lazy) == 3 * len(TEXT)
    assert lab.ran() == {}


def test_nothing_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOKEN", TEXT)
    secret = cg.Secret("env:LAB_TOKEN")
    assert repr(secret) == str(secret) == f"{secret}" == "<secret env:LAB_TOKEN>"
    assert TEXT.encode() not in pickle.dumps(secret)
    assert pickle.loads(pickle.dumps(secret)) == secret
    assert len({secret, cg.Secret("env:LAB_TOKEN"), cg.Secret("env:OTHER")}) == 2
    assert secret.value() == TEXT


@pytest.mark.parametrize("reference", ["hunter2!", "env:", "env:a b", "file:/etc/passwd", 3, None])
def test_a_wrong_reference_is_not_repeated(reference: object) -> None:
    with pytest.raises(cg.ConfigError, match='"env:NAME"') as raised:
        cg.Secret(reference)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the test is about wrong ones
    assert str(reference) not in str(raised.value).replace('"env:NAME"', "")
