"""What a job's process finds around it: the documented environment, and nothing of the sandbox's
own process but the interpreter that runs it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cellgraph_executors.sandbox.batch.model import Container, Spec

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start_environment(folder: Path) -> dict[str, str]:
    """What every process has, one that works in *folder*."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{_SYSTEM_PATH}",
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
    }


def container_environment(
    spec: Spec,
    container: Container,
    index: int | None,
    attempt: int,
    compute_environment: str,
    given: Mapping[str, str],
    folder: Path,
    programs: Path | None,
) -> dict[str, str]:
    """All variables of an attempt's process, the reserved ones last.

    *programs*: the folder of those that its image has; None: it has this machine's.
    """
    made = {
        **start_environment(folder),
        **({} if programs is None else {"PATH": str(programs)}),
        **given,
        **container.environment,
        "AWS_BATCH_JOB_ID": spec.child_id(index),
        "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        "AWS_BATCH_JQ_NAME": spec.queue,
        "AWS_BATCH_CE_NAME": compute_environment,
    }
    if index is not None:
        made["AWS_BATCH_JOB_ARRAY_INDEX"] = str(index)
        made["AWS_BATCH_JOB_ARRAY_SIZE"] = str(spec.size)
    return made
