"""Requests to AWS: settings laid over what we ask, checked against AWS's own description. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest

_SPOKEN: Final[Mapping[str, str]] = {"batch": "AWS Batch", "glue": "AWS Glue"}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """*over* laid over *base*: mappings are merged, everything else replaces what is there."""
    made = dict(base)
    for name, value in over.items():
        below = made.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merged(cast("Mapping[str, Any]", below), cast("Mapping[str, Any]", value))
        made[name] = value
    return made


def validate(service: str, operation: str, request: Mapping[str, Any], setting: str) -> None:
    """Check a request against AWS's own description of it. Raises ConfigError naming *setting*."""
    from botocore.validate import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
        ParamValidator,
    )

    shape = _model(service).operation_model(operation).input_shape
    checker: Any = ParamValidator()
    report = checker.validate(dict(request), shape)
    if report.has_errors():
        unknown = [name for name in request if name not in shape.members]
        hint = closest(unknown[0], tuple(shape.members)) if unknown else ""
        raise ConfigError(
            f"{setting}= is not what {_SPOKEN[service]} takes{hint}: {report.generate_report()}"
        )


@cache
def _model(service: str) -> Any:
    """AWS's description of a service: read once, when the first request of it is made."""
    import botocore.model  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    from cellgraph.stores.s3.clients import models

    described = models().load_service_model(service, "service-2")
    made: Any = botocore.model
    return made.ServiceModel(described, service)
