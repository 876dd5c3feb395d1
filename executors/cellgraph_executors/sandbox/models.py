"""AWS's own description of its services, as botocore ships it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.loaders  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import botocore.model  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import botocore.validate  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    UnknownServiceError,
)

# botocore has no type hints: its modules are Any here.
_loaders: Any = botocore.loaders
_model: Any = botocore.model
_validate: Any = botocore.validate


@cache
def service_model(service: str) -> Any:
    """The model of *service*, or None when botocore knows no such service."""
    try:
        described = _loaders.Loader().load_service_model(service, "service-2")
    except UnknownServiceError:
        return None
    return _model.ServiceModel(described, service)


@cache
def fixed_paths(service: str) -> Mapping[tuple[str, str], str]:
    """Actions of a REST service by (method, lower-case path), of those with a constant path."""
    model = service_model(service)
    if model is None or not str(model.metadata.get("protocol", "")).startswith("rest"):
        return {}
    found: dict[tuple[str, str], str] = {}
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = str(http.get("requestUri", "")).rstrip("/").lower()
        if "{" not in path and "?" not in path:
            found[str(http.get("method", "POST")), path] = str(name)
    return found


def problems(service: str, action: str, parameters: Mapping[str, Any]) -> str:
    """Say what is wrong with a request by AWS's own model; empty when nothing is."""
    shape = service_model(service).operation_model(action).input_shape
    if shape is None:
        return ""
    report = _validate.ParamValidator().validate(dict(parameters), shape)
    return str(report.generate_report()) if report.has_errors() else ""
