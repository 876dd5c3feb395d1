"""`audit=`: a share of hits runs again; a different value is said aloud and replaces nothing."""

import logging
from pathlib import Path

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening

import cellgraph as cg
from cellgraph.audit import Audit
from cellgraph.events import Notice

CELLS = """
state = os.environ["ENGINE_TEST_TICKS"] + ".state"

def said():
    import subprocess
    return subprocess.run(["cat", state], capture_output=True, text=True).stdout

@cg.task
def look(x):
    tick("look")
    return said() * x

@cg.task
def steady(x):
    tick("steady")
    return [x] * 1000

@cg.task
def parent(x):
    tick("parent")
    return [look(x), steady(x)]
"""


@pytest.fixture
def state(lab: Lab, nb: Notebook) -> Path:
    """What `look` reads without saying so, through another program."""
    path = lab.log.with_name(lab.log.name + ".state")
    path.write_text("a")
    nb.run(CELLS)
    return path


def audited(lab: Lab, expression: object, share: float = 1.0) -> tuple[object, list[str]]:
    """Value and notices of a run that audits."""
    with lab.session(audit=share, audit_seed="7") as session, listening(session) as events:
        value = session.evaluate(expression)
    return value, [e.text for e in events if isinstance(e, Notice)]


@pytest.mark.parametrize("expression", ["look(2)", "[look(2)]", "parent(2)[0]", "[parent(2)[0]]"])
def test_a_difference_is_said_and_nothing_is_replaced(
    lab: Lab, nb: Notebook, state: Path, expression: str, caplog: pytest.LogCaptureFixture
) -> None:
    lab.run(nb.value(expression))
    state.write_text("b")
    lab.ran()
    with caplog.at_level(logging.WARNING):
        value, notices = audited(lab, nb.value(expression))
    assert value in ("aa", ["aa"])  # the stored value is used
    assert lab.ran()["look"] == 1
    assert len(notices) == 1
    assert "look(2)" in notices[0]
    assert "cg.invalidate(look)" in notices[0]
    assert "its stored value is" in notices[0]
    assert notices[0] in caplog.text  # also where nobody listens to events
    assert lab.run(nb.value(expression)) in ("aa", ["aa"])
    assert lab.ran() == {}
    with lab.session() as session:
        session.invalidate(nb["look"])
    assert lab.run(nb.value(expression)) in ("bb", ["bb"])


def test_no_difference_no_word(lab: Lab, nb: Notebook, state: Path) -> None:
    lab.run(nb.value("parent(3)"))
    lab.ran()
    value, notices = audited(lab, nb.value("parent(3)"))
    assert value == ["aaa", [3] * 1000]
    assert notices == []
    assert lab.ran() == {"look": 1, "steady": 1}


def test_a_failure_is_said_and_the_stored_value_used(lab: Lab, nb: Notebook, state: Path) -> None:
    nb.run("""
        @cg.task(retries=1)
        def fragile(x):
            tick("fragile")
            if said() == "b":
                raise ValueError("gone")
            return x
    """)
    assert lab.run(nb.value("fragile(1)")) == 1
    state.write_text("b")
    value, notices = audited(lab, nb.value("[fragile(1)]"))
    assert value == [1]
    assert "failed (ValueError: gone)" in notices[0]


def test_nothing_runs_by_default(lab: Lab, nb: Notebook, state: Path) -> None:
    lazy = nb.value("[steady(i) for i in range(20)]")
    lab.run(lazy)
    lab.ran()
    lab.run(lazy)
    assert lab.ran() == {}


def test_the_seed_decides_which(lab: Lab, nb: Notebook, state: Path) -> None:
    lazy = nb.value("[steady(i) for i in range(200)]")
    lab.run(lazy)
    lab.ran()
    counts: list[int] = []
    for _ in range(2):
        audited(lab, lazy, 0.2)
        counts.append(len(lab.lines()))
    first, second = counts
    assert first == second
    assert 10 < first < 90


def test_a_share_is_a_share() -> None:
    keys = [n.to_bytes(32, "little") for n in range(10_000)]
    picked = [k for k in keys if Audit(0.01, b"seed").picks(k)]
    assert 50 < len(picked) < 200
    assert picked == [k for k in keys if Audit(0.01, b"seed").picks(k)]
    assert picked != [k for k in keys if Audit(0.01, b"other").picks(k)]
    assert all(Audit(1.0, b"").picks(k) for k in keys)
    assert not any(Audit(0.0, b"").picks(k) for k in keys)


def test_misses_are_kept_as_ever(lab: Lab, nb: Notebook, state: Path) -> None:
    audited(lab, nb.value("parent(3)"))
    lab.ran()
    lab.run(nb.value("parent(3)"))
    assert lab.ran() == {}


def test_processes(lab: Lab, nb: Notebook, state: Path) -> None:
    lazy = nb.value("look.options(executor='process')(2)")
    lab.run(lazy)
    state.write_text("b")
    value, notices = audited(lab, lazy)
    assert value == "aa"
    assert "look(2)" in notices[0]


@pytest.mark.parametrize("share", [-0.1, 1.5, "often", True])
def test_a_wrong_share(lab: Lab, share: object) -> None:
    with pytest.raises(cg.ConfigError, match="audit="):
        lab.session(audit=share)
