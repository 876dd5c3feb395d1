"""Spark inside a task: the session, AWS's GlueContext, functions for columns."""

from collections.abc import Callable
from typing import Any, overload

from cellgraph.errors import ConfigError
from cellgraph.inside import current_driver, current_task
from cellgraph.plugins import local_spark


def spark() -> Any:
    """The `SparkSession` that the task on this thread runs in: the same call on Glue and locally.

    Outside of tasks (in a test of the plain function, at a prompt) a local one, shared by all in
    this process. Its results are those of Glue: UTC, ANSI mode off. Raises ConfigError in a task
    on an executor without Spark, and where Spark is not installed.
    """
    driver = current_driver()
    if driver is not None:
        return driver.session()
    task = current_task()
    if task is not None:
        raise ConfigError(
            f'{task} asks for Spark where there is none: give it executor="spark" (this machine) '
            'or executor="glue" (AWS)'
        )
    return local_spark()


def glue_context() -> Any:
    """AWS's `GlueContext` of the task on this thread. Raises ConfigError where there is none."""
    driver = current_driver()
    if driver is None:
        raise ConfigError('GlueContext is AWS\'s: give the task executor="glue"')
    return driver.glue_context()


@overload
def udf(function: Callable[..., Any], /) -> Callable[..., Any]: ...
@overload
def udf(returns: Any = "string", /) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...


def udf(given: Any = "string", /) -> Any:
    """A function of values as one of Spark columns: ``@udf("double")``, as in `pyspark.sql`.

    Needs no session where it is made, so that it can stand in a module or a cell. Called with
    columns or their names, in a task with Spark, it gives a column; ``f.func`` is the plain
    function. *returns*: a Spark type or its name.
    """
    if callable(given):
        return _column_function(given, "string")

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return _column_function(function, given)

    return decorate


def _column_function(function: Callable[..., Any], returns: Any) -> Callable[..., Any]:
    # A plain function over what it needs: its identity is that of the user's function and the type.
    def column(*columns: Any) -> Any:
        from pyspark.sql import functions

        spark()  # a clear error where there is none
        made: Any = functions.udf(function, returns)
        return made(*columns)

    column.__name__ = getattr(function, "__name__", "column")
    column.__doc__ = function.__doc__
    column.func = function  # type: ignore[attr-defined]  # functions take attributes
    return column
