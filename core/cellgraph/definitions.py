"""Tasks as a run sees them: present code, identity, effective options, where they run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple, cast

from cellgraph.credentials import names_one
from cellgraph.described import describe_text
from cellgraph.digest import digest
from cellgraph.environment import Environment
from cellgraph.errors import IdentityError, Undescribed
from cellgraph.executor import Function, Resources
from cellgraph.frames import note
from cellgraph.identity.code import CodeIdentity, code_identity, counted_version
from cellgraph.identity.packages import installed
from cellgraph.identity.values import reference
from cellgraph.identity.witness import NOBODY, Witness
from cellgraph.marks import UNMARKED, Mark, Marked, NoMarks
from cellgraph.options import TaskOptions
from cellgraph.plugins import ALIASES
from cellgraph.scripting import ScriptFunction
from cellgraph.surroundings import Around
from cellgraph.task import Task

_CALL: Final = b"cellgraph.call.1"
_TASK: Final = b"cellgraph.task.1"
_EDGE: Final = b"cellgraph.edge.1"
# Options that decide which stored results answer. Said for a call or inherited, they are not seen
# by a graph record, which knows the tasks as they are declared.
_READING: Final = frozenset(
    {"cache", "expires_after_s", "fresh", "ignore", "packages", "uses", "version"}
)
# Options that say where a call runs, beside an executor's own.
_PLACING: Final = frozenset({"executor", "extra"})
# What the identity of a task is made from.
_PARTS: Final = (attrgetter("func"), attrgetter("own"), attrgetter("name"))


class Code(NamedTuple):
    """Identity of a task's code, and what the task's results are filed under.

    *releases*: versions of packages it names that are others where it runs; None: it runs here.
    """

    identity: CodeIdentity | None
    own: bytes  # code and options that change reading, whatever was said of its results later
    id: bytes  # the same after `invalidate` and `accept`
    mark: Mark
    releases: Mapping[str, str] | None = None


@dataclass(slots=True)
class Definition:
    """A task with the options that hold where it is called."""

    task: Task[..., Any]
    name: str
    options: TaskOptions
    identity: CodeIdentity | None  # None: not identifiable, allowed only with cache=False
    id: bytes
    own: bytes  # the id of the code itself: another one when results were accepted for it
    edge: bytes  # the id as graph records check it: with what `fresh` says, calls forgotten
    mark: Mark  # what was said of the task's results
    prefix: bytes  # what every key of a call of this task begins with
    zone: int
    function: Function
    executor: str
    resources: Resources
    cached: bool  # reads and writes records
    reproducible: bool  # may stand behind a graph record
    moved: bool  # runs elsewhere because the call says so: its caller's edges do not know that
    releases: Mapping[str, str] | None  # see `Code`
    ignored: frozenset[int | str]  # arguments left out of the key, by position and by name
    delicate: bool  # an argument is called what only a secret key is called
    reads_state: bool  # its code reads names that may change while the run goes on
    checked: float = 0.0  # when it was last found to be current, or not (monotonic, seconds)
    witness: Witness = NOBODY  # of the last look at all of the code

    @property
    def past_ids(self) -> frozenset[bytes]:
        """What this same code was filed under before each time it was invalidated."""
        return frozenset(_in_epoch(self.own, epoch) for epoch in self.mark.past)

    def is_current(self) -> bool:
        """Whether the code still has the identity it was defined by; false once a body has
        changed a global that the code reads. Raises nothing."""
        if self.identity is None:
            return False
        if self.witness.holds():
            return True
        witness = Witness()
        try:
            now = identity_of(self.task, self.releases, witness)
        except IdentityError:
            return False
        current = now.digest == self.identity.digest
        self.witness = witness if current else NOBODY
        return current


class Definitions:
    """Resolves tasks for one run; each (task, environment) once.

    With ``definitions="live"`` a task of a notebook cell whose name has been defined again since
    the expression was built is replaced by the present one, and `renewed` collects the names.
    """

    def __init__(
        self,
        *,
        live: bool,
        cache: bool,
        default_executor: str,
        marks: Marked | None = None,
        around: Around | None = None,
    ) -> None:
        """*around*: knows which calls run with other packages; None: none does."""
        self._around = around
        self._marks: Marked = marks or NoMarks()
        self._fresh: dict[int, bytes] = {}
        self._live = live
        self._cache = cache
        self._default_executor = default_executor
        self._made: dict[tuple[int, int], Definition] = {}
        self._codes: dict[tuple[object, ...], Code] = {}
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
        if now.name not in self.renewed and self.code_of(now).own != self.code_of(task).own:
            self.renewed.append(now.name)
        return now.options(**task.said) if task.said else now

    def code_of(self, task: Task[..., Any]) -> Code:
        """Identity of the task's code and the task's id, computed once per run."""
        key = (id(task.func), task.name, task.identity_options(), *map(id, task.own.uses))
        found = self._codes.get(key)
        if found is None:
            found = self._codes[key] = self._identify(task)
            self._keep.append((task.func, task.own.uses))
        return found

    def _placed(self, task: Task[..., Any], executor: str, options: TaskOptions) -> Code:
        """The same where a call runs: with the versions that it finds there."""
        code = self.code_of(task)
        if self._around is None or task.func is describe_text:
            return code
        named = () if code.identity is None else code.identity.packages
        if task.own.packages == "none":
            named = ()
        script = isinstance(task.func, ScriptFunction)  # its worker may be in another image
        releases = self._around.releases(task.name, executor, options.extra, named, script=script)
        if not named or releases is None:
            return code
        if not releases:
            return code._replace(releases={})
        key = (code.own, *sorted(releases.items()))
        found = self._codes.get(key)
        if found is None:
            found = self._codes[key] = self._identify(task, releases)
        return found

    def foresee(self) -> None:
        """Define what the tasks met so far may call: that it has to be asked for, or cannot be, is
        better known before anything runs. Raises Undescribed, ConfigError."""
        top = Environment.root()
        waiting = [made.identity for made in self._made.values()]
        seen: set[int] = set()
        for identity in waiting:
            for called in () if identity is None else identity.tasks:
                if id(called.task) in seen:
                    continue
                seen.add(id(called.task))
                try:
                    waiting.append(self.of(called.task, top).identity)
                except Undescribed:
                    raise
                except IdentityError:  # said when it is called
                    continue

    def _identify(self, task: Task[..., Any], releases: Mapping[str, str] | None = None) -> Code:
        declared = task.own
        try:
            identity = identity_of(task, releases)
        except IdentityError:
            if declared.cache is False or not self._cache:
                unnamed = digest(_TASK + task.token.encode())
                return Code(None, unnamed, unnamed, UNMARKED)
            raise
        said = reference((task.name, task.identity_options()))
        own = digest(_TASK + identity.digest + said)
        mark = self._marks.of(task.name, own)
        return Code(identity, own, marked_id(own, mark), mark, releases)

    def _fresh_value(self, task: str, fresh: Callable[[], object]) -> bytes:
        """Identity of what *fresh* says now; asked once per run."""
        known = self._fresh.get(id(fresh))
        if known is None:
            try:
                known = reference(fresh())
            except Exception as error:  # it is the user's code
                raise IdentityError(
                    f"{task}: fresh= gives no value to name its results by "
                    f"({type(error).__name__}: {error})"
                ) from error
            self._fresh[id(fresh)] = known
            self._keep.append(fresh)
        return known

    def _define(self, called: Task[..., Any], env: Environment) -> Definition:
        task = self.present(called) if self._live else called
        options = task.own
        if env.inherit:  # declared < inherited < said at the call
            options = task.declared.with_(env.inherit).with_(task.said)
        executor = options.executor or self._default_executor
        executor = ALIASES.get(executor, executor)
        code = self._placed(task, executor, options)
        identity = code.identity
        fresh = b"" if options.fresh is None else self._fresh_value(task.name, options.fresh)
        seen = fresh + code.mark.single
        cached = self._cache and options.cache is not False and identity is not None
        as_declared = not _READING & {*task.said, *env.inherit, *(options.inherit or ())}
        note(task.func)
        return Definition(
            task=task,
            name=task.name,
            options=options,
            identity=identity,
            id=code.id,
            own=code.own,
            edge=digest(_EDGE + code.id + seen) if seen else code.id,
            mark=code.mark,
            prefix=key_prefix(code.id) + fresh,
            zone=digest(task.name.encode())[0],
            function=_function(task, code),
            executor=executor,
            resources=_resources(options),
            cached=cached,
            reproducible=cached and options.expires_after_s is None and as_declared,
            moved=code.releases is not None and bool(_PLACING & {*task.said, *env.inherit}),
            releases=code.releases,
            ignored=_ignored(task, options.ignore),
            delicate=names_one(task.all_names),
            reads_state=identity is not None and identity.reaches,
        )


def key_prefix(task_id: bytes) -> bytes:
    """What the keys of the calls of a task begin with; what `fresh` says follows."""
    return _CALL + task_id


def marked_id(own: bytes, mark: Mark) -> bytes:
    """The id of a task whose code is *own*, after what was said of its results."""
    if mark.accepted is not None:
        return mark.accepted.old
    return _in_epoch(own, mark.epoch)


def _in_epoch(own: bytes, epoch: bytes) -> bytes:
    return digest(own + epoch) if epoch else own


def identity_of(
    task: Task[..., Any],
    releases: Mapping[str, str] | None = None,
    witness: Witness = NOBODY,
) -> CodeIdentity:
    """Identity of the task's code as it is now, with *releases* of packages where they are others.

    *witness* notes what it is made of, *releases* aside. Raises IdentityError.
    """
    if isinstance(task.func, ScriptFunction):
        witness.give_up()
        return task.func.code_identity(task.name)
    own = task.own
    for part in _PARTS:
        witness.identical(part, task)
    if own.uses:  # whatever holds them may be changed
        witness.give_up()
    return code_identity(
        task.func,
        name=task.name,
        version=own.version,
        uses=own.uses,
        packages=own.packages or "exact",
        releases=releases,
        witness=witness,
    )


def _function(task: Task[..., Any], code: Code) -> Function:
    """The code, with what it has to find where it runs, if that is not here."""
    nout = task.declared.nout
    if code.identity is None or code.releases is None:
        return Function(task.name, task.func, code.own, nout)
    counted, here = task.own.packages or "exact", installed()
    found = code.identity.packages
    named = [(name, counted_version(v, counted)) for name, v in found if name in here]
    return Function(task.name, task.func, code.own, nout, tuple(named), counted)


def _resources(options: TaskOptions) -> Resources:
    return Resources(
        vcpus=options.vcpus or 1.0,
        memory_gib=options.memory_gib or 0.0,
        gpus=options.gpus or 0,
        timeout_s=options.timeout_s,
        extra=options.extra or None,
        calls_per_job=options.calls_per_job,
        tags=options.tags,
    )


def _ignored(task: Task[..., Any], names: tuple[str, ...]) -> frozenset[int | str]:
    if not names:
        return frozenset()
    positions = {name: i for i, name in enumerate(task.parameter_names)}
    return frozenset(positions.get(name, name) for name in names)
