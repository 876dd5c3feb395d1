"""The packages of this interpreter, written down exactly: what another machine has to install.

Distributions installed from a folder of this machine are the user's own code. They travel with the
calls that use them, so only what they require is written down.
"""

import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError

_OWN: Final = "cellgraph"
# What an environment has anyway, or must not have twice.
_TOOLS: Final = frozenset({"pip", "setuptools", "wheel", "distribute"})


class Lock(NamedTuple):
    """Requirements as pip reads them, sorted, and the Python they are for (``3.11``)."""

    python: str
    requirements: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Names the environment: equal locks are one. 64 hexadecimal characters."""
        return digest(self.text().encode()).hex()

    def text(self) -> str:
        """A requirements file."""
        return "\n".join([f"# Python {self.python}", *self.requirements]) + "\n"


def lock_of(found: Iterable[Distribution] | None = None, *, cellgraph: str = "") -> Lock:
    """Return the lock of this interpreter, or of *found*.

    *cellgraph*: the requirement for Cellgraph itself, where it is installed from a folder.
    Raises ConfigError when that is so and nothing is said.
    """
    lines: dict[str, str] = {}
    for distribution in distributions() if found is None else found:
        name = _canonical(str(distribution.metadata["Name"] or ""))
        if not name or name in _TOOLS or name in lines:  # the first one on the path counts
            continue
        requirement = _requirement(name, distribution)
        if requirement is None and name == _OWN:
            if not cellgraph:
                raise ConfigError(
                    "cellgraph is installed from a folder here, so an image cannot install the "
                    'same: say which one it gets, as in --cellgraph "cellgraph==1.0" or a URL'
                )
            requirement = cellgraph
        if requirement is not None:
            lines[name] = requirement
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Lock(python, tuple(lines[name] for name in sorted(lines)))


def check_signing(lock: Lock, trust: str) -> None:
    """An image of *lock* can do what the setting *trust* asks of jobs. Raises ConfigError."""
    names = {
        _canonical(re.split(r"[ =@<>!~\[]", line, maxsplit=1)[0]) for line in lock.requirements
    }
    if trust == "signed" and "cryptography" not in names:
        raise ConfigError(
            "trust='signed': jobs sign what they return, and cryptography is not among the "
            "packages here: pip install 'cellgraph[team]', then ask again"
        )


def _requirement(name: str, distribution: Distribution) -> str | None:
    """One line; None for what is installed from a folder."""
    told = distribution.read_text("direct_url.json")
    if told is None:
        return f"{name}=={distribution.version}"
    direct: dict[str, Any] = json.loads(told)
    url = str(direct["url"])
    if "vcs_info" in direct:
        vcs = direct["vcs_info"]
        return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    if url.startswith("file:"):
        # a wheel that was built here: its version is all that another machine can ask for
        return None if "dir_info" in direct else f"{name}=={distribution.version}"
    return f"{name} @ {url}"


def _canonical(name: str) -> str:
    """The name under which a distribution is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def dockerfile(lock: Lock, base: str = "") -> str:
    """A Dockerfile for an image whose calls run with the locked packages.

    The requirements are in the file itself (BuildKit's here-documents), so one file is all.
    """
    return _DOCKERFILE.format(
        base=base or f"python:{lock.python}-slim",
        digest=lock.digest,
        requirements=lock.text().rstrip("\n"),
    )


_DOCKERFILE: Final = """\
# syntax=docker/dockerfile:1
FROM {base}
LABEL org.cellgraph.lock="{digest}"
COPY <<'LOCK' /opt/cellgraph/requirements.txt
{requirements}
LOCK
RUN python -m pip install --no-cache-dir --no-deps -r /opt/cellgraph/requirements.txt \\
 && python -m pip check
RUN cellgraph describe > /opt/cellgraph/environment.json
ENV PYTHONUNBUFFERED=1
WORKDIR /work
CMD ["cellgraph", "--help"]
"""
