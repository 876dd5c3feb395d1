"""What `cellgraph doctor` says of the executor `glue`: role, Glue itself, Python's version."""

import sys
from collections.abc import Iterator
from typing import Any, Final

from cellgraph_executors.aws import AwsFault, Clients, asking
from cellgraph_executors.glue.settings import GlueSettings

# Level ("ok", "missing" or "broken"), detail, what to do.
Found = tuple[str, str, str]
_GLUE: Final = "glue.amazonaws.com"
_PYTHON: Final = (3, 11)  # of Glue 5.0 and 5.1


def examine(settings: GlueSettings, clients: Clients) -> Iterator[Found]:
    """Look at one thing after the other. Raises nothing but ConfigError."""
    if not settings.role:
        advice = "`cellgraph aws template` prints one"
        yield "missing", "no role: [executors.glue] role = ...", advice
        return
    try:
        with asking():
            clients.client("glue", once=True).list_jobs(MaxResults=1)
        yield "ok", f"Glue answers; runs have {settings.workers} x {settings.worker_type}", ""
        yield _role(settings.role, clients)
    except AwsFault as fault:
        yield "broken", f"AWS does not answer: {fault}", "check credentials, region= and network"
    here = sys.version_info[:2]
    if here != _PYTHON:
        detail = f"this is Python {here[0]}.{here[1]}, and Glue {settings.glue_version} has 3.11"
        yield "missing", detail, "values that are pickled may not cross; use Python 3.11 here"


def _role(said: str, clients: Clients) -> Found:
    name = said.rpartition("/")[2]
    try:
        with asking():
            role: Any = clients.client("iam", once=True).get_role(RoleName=name)["Role"]
    except AwsFault as fault:
        return "missing", f"role could not be looked at ({fault})", f"check that {said} exists"
    if _GLUE not in str(role.get("AssumeRolePolicyDocument", "")):
        return "broken", f"role: Glue cannot take the role {name}", f"let {_GLUE} assume it"
    return "ok", f"role: Glue can take the role {name}", ""
