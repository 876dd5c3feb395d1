"""Which names stand for something else after a cell, though it does not assign them. Pure.

What is not known to leave things alone counts as a change: a cell too many costs time, one that is
missing makes the result wrong.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

# What the functions are called by which a module is set up.
_SET_UP: Final = frozenset(
    "seed set_option set_options use update insert append basicConfig filterwarnings simplefilter"
    " configure register set_theme set_style".split()
)
# Methods by which people look at something, unless they are told to do it in place.
_VIEWS: Final = frozenset(
    "head tail describe info sample plot show hist boxplot value_counts display print mean median"
    " sum min max std var count nunique unique corr groupby agg isna isnull notna memory_usage"
    " keys values items to_string to_markdown".split()
)
_PRINTS: Final = frozenset("print display len type repr str id dir vars help isinstance".split())
# Methods that change what they are called on, even where their result is used: `h = m.fit(x, y)`.
_ALTERS: Final = frozenset(
    "append extend insert pop popitem popleft appendleft setdefault update seed fit fit_transform"
    " partial_fit".split()
)
_CELLGRAPH: Final = frozenset(("cg", "cellgraph"))  # what it is given are expressions and values


class Known(NamedTuple):
    """What a notebook's own names do when they are called."""

    lazy: frozenset[str]  # tasks: nothing runs
    effects: Mapping[str, frozenset[str]]  # functions: which names of the notebook they change


def effects_of(tree: ast.Module) -> dict[str, frozenset[str]]:
    """The names outside of it that each function of a cell changes, by its own body."""
    found: dict[str, frozenset[str]] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = list(ast.walk(node))
            outer = {name for n in inside if isinstance(n, ast.Global) for name in n.names}
            own = {n.arg for n in inside if isinstance(n, ast.arg)}
            own |= {
                n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            body = ast.Module(node.body, [])
            changed = outer | (changed_in(body, Known(frozenset(), {})) - (own - outer))
            if changed:
                found[node.name] = frozenset(changed)
    return found


def changed_in(tree: ast.Module, known: Known) -> set[str]:
    """Names whose objects a cell changes without assigning them: `df["x"] = 1`, `rows.append(1)`,
    `shuffle(rows)`, and what the notebook's own functions change that it calls."""
    found: set[str] = set()
    for node in _own_statements(tree.body):
        targets: Sequence[ast.expr] = ()
        if isinstance(node, (ast.Assign, ast.Delete)):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        for target in targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                found |= _roots(target)
        if isinstance(node, ast.Expr):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call):
                found |= _changed_by(value, known.lazy)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                found |= _altered_in(part, known.effects)
    return found


def sets_up(tree: ast.Module, module: str) -> bool:
    """Whether a cell sets up an imported *module* (or calls an imported function that does):
    `np.random.seed(0)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name_of(node)
            if name in _SET_UP and module in _roots(node.func):
                return True
        elif isinstance(node, (ast.Assign, ast.Delete)):
            parts = [t for t in node.targets if isinstance(t, (ast.Attribute, ast.Subscript))]
            if any(module in _roots(part) for part in parts):
                return True
    return False


def _changed_by(call: ast.Call, lazy: frozenset[str]) -> set[str]:
    """What a call whose result nobody takes may have changed."""
    name, on = _name_of(call), call.func
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(on, ast.Name):
        if name in _PRINTS or name in lazy:
            return set()
        found = {name} if name in _SET_UP else set[str]()
    else:
        found = _roots(on)
        if found & _CELLGRAPH or (name in _VIEWS and _only_looks(call)):
            return found & _CELLGRAPH
    return found.union(*(_roots(part) for part in given))


def _only_looks(call: ast.Call) -> bool:
    """Whether a call that is named as a view has nothing to change: `df.plot("x")` draws a picture
    of `df`, but `axes.plot(x, y)` changes the axes."""
    if any(k.arg in ("inplace", None) for k in call.keywords):
        return False
    if any(isinstance(n, ast.Name) for k in call.keywords for n in ast.walk(k.value)):
        return False
    return all(isinstance(part, ast.Constant) for part in call.args)


def _altered_in(expression: ast.expr, effects: Mapping[str, frozenset[str]]) -> set[str]:
    """What calls anywhere in *expression* change for certain."""
    found: set[str] = set()
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= effects.get(node.func.id, frozenset())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            in_place = any(
                k.arg == "inplace" and not (isinstance(k.value, ast.Constant) and not k.value.value)
                for k in node.keywords
            )
            if in_place or node.func.attr in _ALTERS:
                found |= _roots(node.func)
    return found


def _name_of(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _own_statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run where the cell does: not those in functions and classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        yield node
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                yield from _own_statements([part])
            elif isinstance(part, (ast.ExceptHandler, ast.match_case)):
                yield from _own_statements(part.body)


def _roots(node: ast.expr) -> set[str]:
    """The names that *node* is reached from: `a` of `a.b[0].c()`, both of `[a, b.c]`."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return set[str]().union(*map(_roots, node.elts))
    if isinstance(node, ast.Dict):
        return set[str]().union(*map(_roots, node.values))
    return {node.id} if isinstance(node, ast.Name) else set()
