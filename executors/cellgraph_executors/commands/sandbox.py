"""`cellgraph sandbox`: AWS on loopback until Ctrl-C."""

import signal
import threading
from contextlib import suppress
from typing import Annotated

import typer

_EXPORTED = "export {name}={value}"


def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    vcpus: Annotated[
        float, typer.Option("--vcpus", min=1, help="How many vCPUs the queue has.")
    ] = 8,
) -> None:
    """Serve S3, Batch, Glue, Logs and more on loopback; jobs run as processes. No AWS account.

    Prints the lines to export and the settings to use. Ends with Ctrl-C, and its jobs with it.
    """
    from cellgraph_executors.sandbox import sandbox

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), sandbox(port=port, vcpus=vcpus, exported=False) as box:
        typer.echo(f"# the sandbox listens at {box.url}; in other terminals:")
        for name, value in box.environment.items():
            typer.echo(_EXPORTED.format(name=name, value=value))
        typer.echo("\n# cellgraph.toml, or [tool.cellgraph] in pyproject.toml")
        typer.echo(f'store = "{box.store}"')
        for executor, section in (("batch", box.batch), ("glue", box.glue)):
            typer.echo(f"\n[executors.{executor}]")
            for name, value in section.items():
                typer.echo(f'{name} = "{value}"')
        typer.echo("\n# Ctrl-C ends the sandbox and the jobs that run in it")
        threading.Event().wait()
