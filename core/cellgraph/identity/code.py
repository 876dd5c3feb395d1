"""The identity of code: of a task, and of classes and functions as values.

`code_identity` follows a live function to everything it reaches and names the result. What counts
and what does not is written in the design's "Identity of code"; how it is found, in `closure` and
`live`.
Thread-safe. Nothing is imported, run or changed, except `__getattr__` of the user's own modules.
"""

import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final, Literal

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.identity.body import PerCode
from cellgraph.identity.closure import Node, Walk, active, is_covered
from cellgraph.identity.growing import Seed, pinned
from cellgraph.identity.live import link
from cellgraph.identity.packages import is_user_code
from cellgraph.identity.tree import CodeNode
from cellgraph.identity.witness import NOBODY, Witness

__all__ = [
    "CodeIdentity",
    "CodeNode",
    "TaskRef",
    "class_identity",
    "code_identity",
    "function_identity",
    "is_user_code",
]

Packages = Literal["exact", "minor", "none"]

_CODE: Final = b"cellgraph.code.1"
_PINNED: Final = b"cellgraph.code.pinned.1"
_VALUE: Final = b"cellgraph.code.value.1"
_COVERED: Final = b"cellgraph.code.covered.1"
_MODES: Final = ("exact", "minor", "none")


@dataclass(frozen=True, slots=True)
class TaskRef:
    """A reference to a live task in a closure.

    `ref` is its address there, unique and the same in every process: ``global:clean``,
    ``helper:prep/cell:model``.
    """

    ref: str
    task: Any


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """What a task's results are filed under as far as code goes.

    `packages` are the distributions the closure names, with their public versions, whether or not
    they count. `reaches`: it depends on live objects; a name it reads may be bound anew.
    """

    digest: bytes
    tasks: tuple[TaskRef, ...]
    packages: tuple[tuple[str, str], ...]
    reaches: bool
    grown: Callable[[], CodeNode] = field(compare=False, repr=False)

    @property
    def tree(self) -> CodeNode:
        """What explains `digest` (32 bytes), part by part."""
        return self.grown()


# The last identity of a code object and its tree: most calls find the same code again.
_seeds: Final[PerCode[tuple[bytes, Seed]]] = PerCode()


def code_identity(
    func: Callable[..., Any],
    *,
    name: str,
    version: str | None = None,
    uses: Sequence[object] = (),
    packages: Packages | str = "exact",
    releases: Mapping[str, str] | None = None,
    witness: Witness = NOBODY,
) -> CodeIdentity:
    """Return the identity of the task *name* whose code is *func*, as it is now.

    *version* stands for the code in place of its closure. *uses* joins objects to the closure and
    vouches for constructs that hide names (``eval``, ``globals()[...]``). *packages* says how much
    of the version of a distribution counts; *releases* are the versions where the code runs, of
    distributions that are others there. *witness*, a fresh one, notes what was looked at.

    Raises IdentityError, which says what to do, for code whose reach cannot be known and for
    globals and captured values without identity; ConfigError for a wrong *packages*.
    """
    if packages not in _MODES:
        raise ConfigError(f"packages={packages!r}: expected one of {', '.join(_MODES)}")
    walk = Walk(link, declared=bool(uses), lenient=version is not None, witness=witness)
    root = _walked(walk, name, func, uses)
    tasks = tuple(TaskRef(ref, task) for ref, task in walk.references())
    if version is not None:
        identity = digest(_joined(_PINNED, name.encode(), version.encode()))
        tree = pinned(name, identity, version)
        return CodeIdentity(identity, tasks, (), reaches=False, grown=lambda: tree)
    found = tuple(sorted({**walk.distributions, **_met(walk, releases)}.items()))
    counted = [(dist, counted_version(release, packages)) for dist, release in found]
    identity = digest(_joined(_CODE, name.encode(), walk.digest(), *_lines(counted)))
    seed = _seed(walk, root, name, identity, counted)
    return CodeIdentity(identity, tasks, found, seed.reaches, seed)


def class_identity(cls: type) -> bytes:
    """Return the identity of a class as a value: 32 bytes.

    An installed class is its name and its distribution's version; a user's class all it reaches.
    """
    return _value_identity(cls)


def function_identity(func: Callable[..., Any]) -> bytes:
    """Return the identity of a function, lambda, partial or bound method as a value: 32 bytes."""
    return _value_identity(func)


def _value_identity(value: Any) -> bytes:
    if is_covered(id(value)):
        # Asked for by the state of an object in a closure that has this class or function already.
        return digest(_joined(_COVERED, str(getattr(value, "__qualname__", "")).encode()))
    walk = Walk(link)
    _walked(walk, getattr(value, "__name__", type(value).__name__), value, ())
    exact = sorted(walk.distributions.items())
    return digest(_joined(_VALUE, walk.digest(), *_lines(exact)))


def _walked(walk: Walk, name: str, value: object, uses: Sequence[object]) -> Node:
    def expand(walk: Walk, node: Node) -> None:
        walk.link(node, "code", value)
        for at, used in enumerate(uses):
            walk.link(node, f"uses:{at}", used)

    root = Node("root", name, value, expand)
    with active(walk), _uncollected():
        walk.run(root)
    return root


@contextmanager
def _uncollected() -> Generator[None]:
    """Syntax trees and nodes are many objects that all live until the walk is over: the garbage
    collector would look at them again and again, in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _seed(
    walk: Walk, root: Node, name: str, identity: bytes, counted: Sequence[tuple[str, str]]
) -> Seed:
    code = root.subject.__code__ if isinstance(root.subject, FunctionType) else None
    known = None if code is None else _seeds.get(code)
    if known is not None and known[0] == identity:
        return known[1]
    seed = Seed(walk, name, identity, counted)
    if code is not None:
        _seeds.put(code, (identity, seed))
    return seed


def _met(walk: Walk, releases: Mapping[str, str] | None) -> dict[str, str]:
    return {d: release for d, release in (releases or {}).items() if d in walk.distributions}


def counted_version(release: str, packages: str) -> str:
    """As much of the version of a distribution as counts with the option *packages*."""
    if packages == "none":
        return ""
    return release if packages == "exact" else ".".join(release.split(".")[:2])


def _lines(counted: Sequence[tuple[str, str]]) -> list[bytes]:
    return [f"{dist}=={release}".encode() for dist, release in counted]


def _joined(*parts: bytes) -> bytes:
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])
