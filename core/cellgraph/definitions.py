"""Tasks as a run sees them: present code, identity, effective options, where they run."""

from dataclasses import dataclass
from typing import Any, Final, cast

from cellgraph.digest import digest
from cellgraph.environment import Environment
from cellgraph.errors import IdentityError
from cellgraph.executor import Function, Resources
from cellgraph.identity.code import CodeIdentity, CodeNode, code_identity
from cellgraph.identity.values import reference
from cellgraph.options import TaskOptions
from cellgraph.plugins import ALIASES
from cellgraph.task import Task

_CALL: Final = b"cellgraph.call.1"
_TASK: Final = b"cellgraph.task.1"


@dataclass(slots=True)
class Definition:
    """A task with the options that hold where it is called."""

    task: Task[..., Any]
    name: str
    options: TaskOptions
    identity: CodeIdentity | None  # None: not identifiable, allowed only with cache=False
    id: bytes
    prefix: bytes  # what every key of a call of this task begins with
    zone: int
    function: Function
    executor: str
    resources: Resources
    cached: bool  # reads and writes records
    reproducible: bool  # may stand behind a graph record
    ignored: frozenset[int | str]  # arguments left out of the key, by position and by name
    reads_state: bool  # its code reads names that may change while the run goes on

    def is_current(self) -> bool:
        """Whether the code still has the identity it was defined by; false once a body has
        changed a global that the code reads. Raises nothing."""
        if self.identity is None:
            return False
        try:
            now = identity_of(self.task)
        except IdentityError:
            return False
        return now.digest == self.identity.digest


class Definitions:
    """Resolves tasks for one run; each (task, environment) once.

    With ``definitions="live"`` a task of a notebook cell whose name has been defined again since
    the expression was built is replaced by the present one, and `renewed` collects the names.
    """

    def __init__(self, *, live: bool, cache: bool, default_executor: str) -> None:
        self._live = live
        self._cache = cache
        self._default_executor = default_executor
        self._made: dict[tuple[int, int], Definition] = {}
        self._codes: dict[int, tuple[CodeIdentity | None, bytes]] = {}
        self._keep: list[object] = []  # ids above stay valid while the run lives
        self.renewed: list[str] = []

    def of(self, task: Task[..., Any], env: Environment) -> Definition:
        """Return the definition of *task* in *env*. Raises IdentityError, ConfigError."""
        made = self._made.get((id(task), id(env)))
        if made is None:
            made = self._made[id(task), id(env)] = self._define(task, env)
            self._keep.append((task, env))
        return made

    def present(self, task: Task[..., Any]) -> Task[..., Any]:
        """The task that its name stands for now, if it comes from a notebook or script."""
        namespace = getattr(task.func, "__globals__", {})
        local = "<locals>" in getattr(task.func, "__qualname__", "")
        if local or namespace.get("__name__") != "__main__":
            return task
        found: object = namespace.get(getattr(task.func, "__name__", ""))
        if not isinstance(found, Task) or found.func is task.func:
            return task
        now = cast("Task[..., Any]", found)
        if now.name not in self.renewed and self.code_of(now)[1] != self.code_of(task)[1]:
            self.renewed.append(now.name)
        return now.options(**task.said) if task.said else now

    def code_of(self, task: Task[..., Any]) -> tuple[CodeIdentity | None, bytes]:
        """Identity of the task's code and the task's id, computed once per run."""
        found = self._codes.get(id(task.func))
        if found is None:
            found = self._codes[id(task.func)] = self._identify(task)
            self._keep.append(task.func)
        return found

    def _identify(self, task: Task[..., Any]) -> tuple[CodeIdentity | None, bytes]:
        declared = task.own
        try:
            identity = identity_of(task)
        except IdentityError:
            if declared.cache is False or not self._cache:
                return None, digest(_TASK + task.token.encode())
            raise
        said = reference((task.name, task.identity_options()))
        return identity, digest(_TASK + identity.digest + said)

    def _define(self, called: Task[..., Any], env: Environment) -> Definition:
        task = self.present(called) if self._live else called
        options = task.own
        if env.inherit:  # declared < inherited < said at the call
            options = task.declared.with_(env.inherit).with_(task.said)
        identity, task_id = self.code_of(task)
        executor = options.executor or self._default_executor
        prefix = _CALL + task_id
        if options.fresh is not None:
            prefix += reference(options.fresh())
        cached = self._cache and options.cache is not False and identity is not None
        return Definition(
            task=task,
            name=task.name,
            options=options,
            identity=identity,
            id=task_id,
            prefix=prefix,
            zone=digest(task.name.encode())[0],
            function=Function(task.name, task.func, task_id, task.declared.nout),
            executor=ALIASES.get(executor, executor),
            resources=_resources(options),
            cached=cached,
            reproducible=cached and options.expires_after_s is None,
            ignored=_ignored(task, options.ignore),
            reads_state=identity is not None and _reads_state(identity.tree),
        )


def identity_of(task: Task[..., Any]) -> CodeIdentity:
    """Identity of the task's code as it is now. Raises IdentityError."""
    own = task.own
    return code_identity(
        task.func,
        name=task.name,
        version=own.version,
        uses=own.uses,
        packages=own.packages or "exact",
    )


def _reads_state(tree: CodeNode) -> bool:
    """Whether the closure is more than the function itself: a name it reads may be bound anew."""
    return len(tree.children) > 1 or any(part.children for part in tree.children)


def _resources(options: TaskOptions) -> Resources:
    return Resources(
        vcpus=options.vcpus or 1.0,
        memory_gib=options.memory_gib or 0.0,
        gpus=options.gpus or 0,
        timeout_s=options.timeout_s,
        extra=options.extra or None,
    )


def _ignored(task: Task[..., Any], names: tuple[str, ...]) -> frozenset[int | str]:
    if not names:
        return frozenset()
    positions = {name: i for i, name in enumerate(task.parameter_names)}
    return frozenset(positions.get(name, name) for name in names)
