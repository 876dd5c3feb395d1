"""What `cellgraph doctor` says of the executor `glue`: role, Glue itself, Python's version."""

import sys
from collections.abc import Iterator
from typing import Final

from cellgraph_executors.aws import AwsFault, Clients, asking
from cellgraph_executors.glue.settings import GlueSettings
from cellgraph_executors.roles import Found, role_found

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
        yield role_found(clients, "role", settings.role, _GLUE, "Glue")
    except AwsFault as fault:
        yield "broken", f"AWS does not answer: {fault}", "check credentials, region= and network"
    here = sys.version_info[:2]
    if here != _PYTHON:
        detail = f"this is Python {here[0]}.{here[1]}, and Glue {settings.glue_version} has 3.11"
        yield "missing", detail, "values that are pickled may not cross; use Python 3.11 here"
