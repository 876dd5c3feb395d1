"""An argument that looks like a credential is refused before anything is stored or run."""

from pathlib import Path

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg
from cellgraph.credentials import looks_like

# Made up, and put together here so that no scanner takes them for real ones.
_MIXED = "a1B2c3D4e5F6g7H8i9J0" * 3
AWS_ID = "AK" + "IA" + "QWERTYUIOPASDFGH"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "zzzz9999Kx"
TOKENS = {
    "AWS access key": AWS_ID,
    "GitHub token": "gh" + "p_" + _MIXED[:36],
    "GitHub token (new)": "github" + "_pat_" + _MIXED[:40],
    "GitLab token": "gl" + "pat-" + _MIXED[:20],
    "Slack token": "xo" + "xb-1234567890-" + _MIXED[:20],
    "API key": "s" + "k-proj-" + _MIXED[:48],
    "API key (plain)": "s" + "k-" + _MIXED[:48],
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + _MIXED * 40,
    "AWS secret": "aws_secret_access" + "_key = " + AWS_SECRET,
}
HARMLESS = [
    "s3://bucket/task-adjusted-returns-for-portfolio-2020-11-22",
    "sk-learn-model-2020-11-22-Final-version-one",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "AKIAIOSFODNN7EXAMPLE",
    "The quick brown fox jumps over the lazy dog. " * 100,
    "github_pat_",
    "/home/ann/projects/risk-analysis/data/raw_2024-01-01.parquet",
    "secret santa list",
]

CELLS = """
@cg.task
def fetch(name, token=None, *, options=None):
    tick("fetch")
    return name

@cg.task
def given():
    return TOKEN

@cg.task
def aws(aws_secret_access_key):
    return 1
"""


@pytest.fixture
def cells(nb: Notebook) -> Notebook:
    nb.run(CELLS)
    return nb


def stored(lab: Lab) -> bytes:
    return b"\0".join(p.read_bytes() for p in Path(lab.store).rglob("*") if p.is_file())


def refused(lab: Lab, expression: object, text: str, argument: str = "token") -> None:
    error = user_error(lab.failure(expression))
    assert isinstance(error, cg.IdentityError)
    assert f"({argument}=...)" in str(error)
    assert "Secret" in str(error)
    assert text not in str(error)
    assert text.encode() not in stored(lab)
    assert lab.ran() == {}


@pytest.mark.parametrize("kind", TOKENS)
def test_known_forms(lab: Lab, cells: Notebook, kind: str) -> None:
    text = TOKENS[kind]
    fetch = cells["fetch"]
    refused(lab, fetch("a", text), text)
    refused(lab, [fetch("a", token=text)], text)
    refused(lab, fetch("a", {"deep": [("x", text)]}), text)
    refused(lab, fetch("a", options=f"Bearer {text}"), text, "options")
    refused(lab, [fetch(["long"] * 2000, text)], text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none(lab: Lab, cells: Notebook, text: str) -> None:
    assert looks_like(text) == ""
    assert lab.run(cells["fetch"]("a", text)) == "a"


def test_an_aws_secret_key_is_known_by_the_name_it_has(lab: Lab, cells: Notebook) -> None:
    assert lab.run(cells["fetch"](AWS_SECRET)) == AWS_SECRET  # forty letters may be anything
    lab.ran()
    refused(lab, cells["aws"](AWS_SECRET), AWS_SECRET * 2, "aws_secret_access_key")
    config = {"aws_secret_access_key": AWS_SECRET}
    refused(lab, cells["fetch"]("a", config), AWS_SECRET * 2)


def test_the_label_of_the_run_does_not_show_it(cells: Notebook) -> None:
    text = TOKENS["GitHub token"]
    assert text[:10] not in repr(cells["fetch"]("a", text))


def test_a_result_on_its_way_into_a_call(lab: Lab, cells: Notebook) -> None:
    cells.run(f"TOKEN = {TOKENS['GitHub token'][:20]!r}")
    cells.run(f"@cg.task\ndef given():\n    return TOKEN + {TOKENS['GitHub token'][20:]!r}")
    error = user_error(lab.failure(cells.value("fetch('a', [given(), {'x': given()}])")))
    assert isinstance(error, cg.IdentityError)
    assert "(token=...)" in str(error)


@pytest.mark.parametrize(
    "options", ["harmless='token'", "harmless=['name', 'token']", "ignore='token'", "cache=False"]
)
def test_ways_to_say_that_it_is_harmless(lab: Lab, cells: Notebook, options: str) -> None:
    cells.run(CELLS.replace("@cg.task\ndef fetch", f"@cg.task({options})\ndef fetch"))
    assert lab.run([cells["fetch"]("a", TOKENS["API key"])]) == ["a"]
    assert lab.ran() == {"fetch": 1}


def test_saying_so_is_no_change_of_the_task(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("fetch('a', 'b')"))
    lab.ran()
    cells.run(CELLS.replace("@cg.task\ndef fetch", "@cg.task(harmless='token')\ndef fetch"))
    lab.run(cells.value("fetch('a', 'b')"))
    assert lab.ran() == {}


def test_a_run_that_stores_nothing(lab: Lab, cells: Notebook) -> None:
    assert lab.run([cells["fetch"]("a", TOKENS["API key"])], cache=False) == ["a"]


def test_a_wrong_name(nb: Notebook) -> None:
    with pytest.raises(cg.ConfigError, match=r"harmless='tokn'.*token"):
        nb.run("@cg.task(harmless='tokn')\ndef f(token):\n    return 1")
