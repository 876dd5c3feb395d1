"""`cellgraph image` and `cellgraph describe`: what an image needs, and what it has."""

from typing import Annotated

import typer


def image(
    base: Annotated[
        str, typer.Option("--base", help="Image to build on; else Python's own, same version.")
    ] = "",
    cellgraph: Annotated[
        str, typer.Option("--cellgraph", help="What to install for Cellgraph: a requirement.")
    ] = "",
) -> None:
    """Print a Dockerfile with exactly the packages of this interpreter. Builds nothing."""
    from cellgraph.settings import load_settings
    from cellgraph_executors.lock import check_signing, dockerfile, lock_of

    lock = lock_of(cellgraph=cellgraph)
    check_signing(lock, load_settings({}).trust)
    typer.echo(dockerfile(lock, base), nl=False)


def describe() -> None:
    """Print this interpreter's environment record: Python and packages, as JSON."""
    from cellgraph.described import describe as described

    typer.echo(described().text(), nl=False)
