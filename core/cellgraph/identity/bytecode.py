"""What a live code object says without its source: the names it reads, and its own identity.

Names are taken from the instructions that load them, so only what can run counts, and functions
without source are read the same way as the others.
"""

import dis
import functools
import re
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Final, NamedTuple

from cellgraph.identity.looks import is_a, items_of
from cellgraph.identity.normalise import encode_constant

_OPS: Final = {name: op for name, op in dis.opmap.items() if op < 256}  # larger: never in bytecode


def _ops(*names: str) -> frozenset[int]:
    """Those of these instructions that this interpreter has."""
    return frozenset(_OPS[name] for name in names if name in _OPS)


def _finder(ops: frozenset[int]) -> re.Pattern[bytes]:
    return re.compile(b"[" + re.escape(bytes(sorted(ops))) + b"]")


_MISSING: Final = -1
_EXTENDED_ARG: Final = _OPS["EXTENDED_ARG"]
_LOAD_GLOBAL: Final = _OPS["LOAD_GLOBAL"]
_LOAD_CONST: Final = _OPS["LOAD_CONST"]
_IMPORT_NAME: Final = _OPS["IMPORT_NAME"]
_CONTAINS: Final = _OPS["CONTAINS_OP"]
_BY_NAME: Final = _ops("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_CELLS: Final = _ops("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_ATTRIBUTES: Final = _ops("LOAD_ATTR", "LOAD_METHOD")
_SKIPPED: Final = _ops("CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL")
_CALLS: Final = _ops("CALL", "PRECALL")
_SIMPLE_LOADS: Final = _ops("LOAD_CONST", "LOAD_FAST", "LOAD_GLOBAL")
_FIND: Final = _finder(_BY_NAME | _CELLS | _ops("LOAD_GLOBAL", "IMPORT_NAME"))
_FIND_ATTRIBUTE: Final = _finder(_ATTRIBUTES)
_FIND_CONTAINS: Final = _finder(_ops("CONTAINS_OP"))
_FIND_GLOBAL: Final = _finder(_ops("LOAD_GLOBAL"))
# Whatever else says which names are read, and how.
_OTHERS: Final = _BY_NAME | _ATTRIBUTES | _ops("IMPORT_NAME", "CONTAINS_OP", "EXTENDED_ARG")
_FIND_OTHER: Final = _finder(_OTHERS)
_FIND_OTHER_OR_CELL: Final = _finder(_OTHERS | _CELLS)
_PASS_OVER: Final = re.compile(_finder(_SKIPPED).pattern + b"*")
# Since 3.12 the lowest bit of an attribute's argument says whether it is a method call.
_ATTRIBUTE_SHIFT: Final = 1 if sys.version_info >= (3, 12) else 0
_IMPORTERS: Final = frozenset({"import_module", "__import__"})
_WATCHED: Final = _IMPORTERS | {"__globals__"}
_READERS: Final = frozenset({"getattr", "hasattr"})
_SPECIAL: Final = _WATCHED | _READERS
# What a module knows about itself: never the same in another notebook or folder.
MODULE_FACTS: Final = frozenset(
    "__name__ __file__ __doc__ __package__ __spec__ __loader__ __path__ __builtins__ __cached__ "
    "__debug__ __qualname__ __module__ __annotations__ __conditional_annotations__".split()
)


class Load(NamedTuple):
    """A global or captured name and the attributes read from it directly: ``hlp.sub.h``.

    Scope "loose" is an importer, or ``__globals__``, read from something that has no such name.
    `access` says what happens next, where that matters: "dynamic" (the second argument of
    ``getattr``, or an importer's first, is not a constant), "contains" (right side of ``in``),
    "literal:x" (an importer called with the constant ``"x"``), else "".
    """

    scope: str  # "global", "cell" or "loose"
    name: str
    attributes: tuple[str, ...]
    access: str = ""


class Import(NamedTuple):
    """An import inside a function: ``from module import names``; no names: ``import module``."""

    module: str
    level: int
    names: tuple[str, ...]


class Reads(NamedTuple):
    """Everything a code object and the code nested in it read by name.

    The values of `loads` are where each is first found: a code object and an instruction's index.
    """

    loads: dict[Load, tuple[CodeType, int]]
    imports: tuple[Import, ...]
    loose_attributes: frozenset[str]  # attributes of something that is not a name
    names: frozenset[str]  # everything that is called by a name that is not local


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield *code* and all code objects inside it, outermost first."""
    todo = [code]
    while todo:
        current = todo.pop()
        yield current
        inside = [c for c in current.co_consts if c.__class__ is CodeType]
        todo += inside[::-1]


def reads(code: CodeType) -> Reads:
    """Return what *code* reads by name."""
    loads: dict[Load, tuple[CodeType, int]] = {}
    imports: dict[Import, None] = {}
    loose: set[str] = set()
    names: set[str] = set()
    free = frozenset(code.co_freevars)
    for part in nested(code):
        called = part.co_names
        if not called and not part.co_freevars:
            continue  # it reads what is local to it
        names.update(called)
        raw = part.co_code
        ops, args = raw[::2], raw[1::2]
        other = _FIND_OTHER_OR_CELL if free else _FIND_OTHER
        if other.search(ops) is None and _SPECIAL.isdisjoint(called):  # plain globals only
            for match in _FIND_GLOBAL.finditer(ops):
                name = called[args[match.start()] >> 1]
                if name not in MODULE_FACTS:
                    loads.setdefault(_global(name), (part, match.start()))
            continue
        scanner = _Scanner(part, ops, args, free)
        for load, index in scanner.loads():
            loads.setdefault(load, (part, index))
        for load, index in scanner.loose():
            loose.add(load.name)
            if load.name in _WATCHED:
                loads.setdefault(load, (part, index))
        imports.update(dict.fromkeys(scanner.imports))
    return Reads(loads, tuple(sorted(imports)), frozenset(loose), frozenset(names))


@functools.lru_cache(maxsize=8192)
def _global(name: str) -> Load:
    return Load("global", name, ())


def line_of(code: CodeType, index: int) -> int:
    """Return the line of the instruction at *index*, in the file or cell."""
    for at, (line, *_) in enumerate(code.co_positions()):
        if at == index and line is not None:
            return line
    return code.co_firstlineno


class _Scanner:
    """Reads the instructions of one code object. Units: index of a two-byte code unit."""

    __slots__ = (
        "args", "chained", "chains", "code", "context", "free", "imports", "names", "ops",
        "watchful",
    )  # fmt: skip

    def __init__(self, code: CodeType, ops: bytes, args: bytes, free: frozenset[str]) -> None:
        self.ops, self.args = ops, args
        self.code = code
        self.names = code.co_names
        self.free = free
        self.imports: list[Import] = []
        self.chained: set[int] = set()  # attribute loads that belong to a name
        self.watchful = not _SPECIAL.isdisjoint(self.names)
        self.chains = _FIND_ATTRIBUTE.search(self.ops) is not None
        # whether anything but the name itself can matter about a load
        self.context = self.watchful or self.chains or _FIND_CONTAINS.search(self.ops) is not None

    def _cell(self, arg: int) -> str:
        code = self.code
        own = code.co_varnames
        return (own + tuple(c for c in code.co_cellvars if c not in own) + code.co_freevars)[arg]

    def loads(self) -> Iterator[tuple[Load, int]]:
        for match in _FIND.finditer(self.ops):
            at = match.start()
            op = self.ops[at]
            if op == _IMPORT_NAME:
                self.imports.append(self._import(at))
                continue
            if op in _CELLS:
                scope = "cell"
                if not self.free or (name := self._cell(self._arg(at))) not in self.free:
                    continue
            else:
                scope = "global"
                arg = self._arg(at)
                name = self.names[arg >> 1 if op == _LOAD_GLOBAL else arg]
            if name in MODULE_FACTS:
                continue
            if not self.context:
                yield Load(scope, name, ()), at
                continue
            attributes, end = self._attributes(at)
            extra, access = self._access(at, end, attributes[-1] if attributes else name)
            yield Load(scope, name, attributes + extra, access), at

    def loose(self) -> Iterator[tuple[Load, int]]:
        """Attributes read from values that have no global or captured name; after `loads`."""
        if not self.chains:
            return
        for match in _FIND_ATTRIBUTE.finditer(self.ops):
            at = match.start()
            if at not in self.chained:
                name = self._attribute(at)
                watched = name in _WATCHED
                access = self._access(at, self._next(at), name)[1] if watched else ""
                yield Load("loose", name, (), access), at

    def _arg(self, at: int) -> int:
        arg, shift = self.args[at], 8
        if not at or self.ops[at - 1] != _EXTENDED_ARG:  # nearly always
            return arg
        while at and self.ops[at - 1] == _EXTENDED_ARG:
            at -= 1
            arg |= self.args[at] << shift
            shift += 8
        return arg

    def _next(self, at: int) -> int:
        """Index of the instruction after *at* that does something; the length at the end."""
        found = _PASS_OVER.match(self.ops, at + 1)
        return len(self.ops) if found is None else found.end()

    def _op(self, at: int) -> int:
        return self.ops[at] if at < len(self.ops) else _MISSING

    def _attribute(self, at: int) -> str:
        shift = _ATTRIBUTE_SHIFT if self.ops[at] == _OPS["LOAD_ATTR"] else 0
        return self.names[self._arg(at) >> shift]

    def _attributes(self, at: int) -> tuple[tuple[str, ...], int]:
        found: list[str] = []
        following = self._next(at)
        while self._op(following) in _ATTRIBUTES:
            self.chained.add(following)
            found.append(self._attribute(following))
            following = self._next(following)
        return tuple(found), following

    def _constant(self, at: int) -> object:
        return self.code.co_consts[self._arg(at)] if self._op(at) == _LOAD_CONST else None

    def _access(self, at: int, end: int, last: str) -> tuple[tuple[str, ...], str]:
        """Further attribute and `Load.access` of the chain from *at* to before *end*."""
        if self._op(end) == _CONTAINS:
            return (), "contains"
        if not self.watchful:
            return (), ""
        constant = self._constant(end)
        if last in _IMPORTERS:
            alone = self._op(self._next(end)) in _CALLS
            return (), f"literal:{constant}" if isinstance(constant, str) and alone else "dynamic"
        if self._reader_before(at):
            default = self._next(end)
            alone = self._op(default) in _CALLS or (
                self._op(default) in _SIMPLE_LOADS and self._op(self._next(default)) in _CALLS
            )
            return ((constant,), "") if isinstance(constant, str) and alone else ((), "dynamic")
        return (), ""

    def _reader_before(self, at: int) -> bool:
        at -= 1
        while at > 0 and self.ops[at] in _SKIPPED:
            at -= 1
        if at < 0 or self.ops[at] != _LOAD_GLOBAL:
            return False
        return self.names[self._arg(at) >> 1] in _READERS

    def _before(self, at: int) -> int:
        """Index of the instruction before *at*, its extended arguments passed over."""
        at -= 1
        while at > 0 and self.ops[at] == _EXTENDED_ARG:
            at -= 1
        return at

    def _import(self, at: int) -> Import:
        names_at = self._before(at)
        level_at = self._before(names_at)
        names = self._constant(names_at)
        # from 3.14 on small integers have an instruction of their own
        level = (
            self._constant(level_at) if self._op(level_at) == _LOAD_CONST else self.args[level_at]
        )
        given = tuple(map(str, items_of(names))) if is_a(names, tuple) else ()
        return Import(self.names[self._arg(at)], level if isinstance(level, int) else 0, given)


def same_code(live: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same; file names and lines do not count."""
    if live == other:  # nearly always: stricter than what follows, lines included, and quick
        return True
    todo = [(live, other)]
    while todo:
        a, b = todo.pop()
        if a is b:
            continue
        if _shape(a) != _shape(b) or len(a.co_consts) != len(b.co_consts):
            return False
        for x, y in zip(a.co_consts, b.co_consts, strict=True):
            if isinstance(x, CodeType) and isinstance(y, CodeType):
                todo.append((x, y))
            elif x is y or (type(x) is type(y) is str and x == y):
                continue
            elif type(x) is not type(y) or encode_constant(x) != encode_constant(y):
                return False
    return True


def encode_code(code: CodeType) -> bytes:
    """Canonical bytes of code without trusted source; they hold for one Python minor only."""
    out: list[bytes] = [b"python%d.%d" % sys.version_info[:2]]
    for part in nested(code):
        name, *shape = _shape(part)
        # code constants are visited by `nested`; their place among the others is kept
        consts = [b"Q" if isinstance(c, CodeType) else encode_constant(c) for c in part.co_consts]
        out.append(encode_constant((name, *shape)))
        out.append(b"%d[" % len(consts) + b"".join(consts) + b"]")
    return b"".join(out)


def _shape(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_name,
        code.co_code,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_exceptiontable,
    )
