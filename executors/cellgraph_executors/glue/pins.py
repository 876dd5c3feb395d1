"""The packages that the code of a task names, as requirements. Pure.

A result is kept under the versions of packages as they are here (`cellgraph.identity`), so it has
to be computed with them. Glue's own versions are others; pip puts these in their place.
"""

from typing import Final

from cellgraph.errors import IdentityError
from cellgraph.executor import Function
from cellgraph.identity.code import code_identity

# Glue's own: Spark is what a Glue version is.
GIVEN: Final = frozenset({"awsgluedataplanepython", "cellgraph", "py4j", "pyspark"})
_VOUCHED: Final = (None,)  # `uses=`: what hides names was accepted where the task was defined


def pins_of(function: Function) -> tuple[str, ...]:
    """``name==version`` of each; none for code without identity, of which nothing is kept."""
    try:
        named = code_identity(
            function.func, name=function.name, uses=_VOUCHED, packages="none"
        ).packages
    except IdentityError:
        return ()
    pairs = [(name, version) for name, version in sorted(named) if version]
    return tuple([f"{name}=={version}" for name, version in pairs if name not in GIVEN])
